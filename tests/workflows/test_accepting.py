"""What the base of a pull request accepts, read from a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.config.baseline_file import baseline_text
from alembic_review.git.base_commit import read_base
from alembic_review.model.accepting import Baseline
from alembic_review.model.review import KnownFinding
from alembic_review.model.settings import Settings
from alembic_review.workflows.accepting import accepted_at_base, baseline_at_base
from alembic_review.workflows.pull_request import changed_settings
from tests.apps.pull_request import git
from tests.judge.world import APP, basics

OLD = KnownFinding("AR201", "0" * 16, "legacy", "The change drops the table legacy.")
NEW = KnownFinding("AR201", "1" * 16, "widget", "The change drops the table widget.")
ENTRY = '[[tool.alembic-review.accept]]\ncode = "AR201"\ntable = "legacy"\nreason = "r"\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "pyproject.toml").write_text(f'[tool.alembic-review]\naccept-new = "after-merge"\n{ENTRY}')
    (root / "known.json").write_text(baseline_text(Baseline("known.json", entries=(OLD,))))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "base")
    git(root, "checkout", "--quiet", "-b", "topic")
    return root


def settings(root: Path, name: str = "known.json", *entries: KnownFinding) -> Settings:
    return Settings(root=root, custom=(APP,), baseline=Baseline(name, str(root / name), entries))


def test_entries_and_when_new_ones_count(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(f'[tool.alembic-review]\naccept-new = "at-once"\n{ENTRY}{ENTRY}')
    found = accepted_at_base(read_base(repository, "main"), basics().facts(), settings(repository))
    assert [(one.code, one.table, one.reason) for one in found.entries] == [("AR201", "legacy", "r")]
    assert found.after_merge
    assert found.baseline == frozenset({OLD.fingerprint})


def test_entries_that_the_base_could_not_read_are_new(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(f"[tool.alembic-review]\n{ENTRY.replace('code', 'codes')}")
    git(repository, "commit", "--quiet", "--all", "--message", "misspelt")
    git(repository, "branch", "--quiet", "--force", "main", "HEAD")
    assert accepted_at_base(read_base(repository, "main"), basics().facts(), settings(repository)).entries == ()


def test_the_baseline_of_the_base(repository: Path) -> None:
    (repository / "new.json").write_text("{}")
    git(repository, "add", "new.json")
    base = read_base(repository, "main")
    assert baseline_at_base(base, Settings(root=repository)) is None
    # Git does not have it: no pull request can have changed it.
    assert baseline_at_base(base, settings(repository, "elsewhere.json")) is None
    assert baseline_at_base(base, settings(repository, "new.json")) == frozenset()


@pytest.mark.parametrize(("entries", "told"), [((OLD,), False), ((), False), ((OLD, NEW), True)])
def test_only_entries_that_are_added_change_the_review(
    repository: Path, entries: tuple[KnownFinding, ...], told: bool
) -> None:
    found = list(changed_settings(read_base(repository, "main"), settings(repository, "known.json", *entries)))
    assert [one.keys for one in found] == ([("baseline",)] if told else [])
