"""``alembic-review revision --rebase``: its options, and what is printed where; tests/apps run the real one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from alembic_review.cli import run
from alembic_review.model.settings import Settings
from alembic_review.workflows.revisions.rebase import Rebased


class FakeRebase(ModuleType):
    """Answers with ``result``, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__("alembic_review.workflows.revisions.rebase")
        self.result = Rebased("--- a/x\n", "Moved revision b behind c: x\n")
        self.seen: list[tuple[str | None, str | None, bool]] = []

    def rebase(
        self,
        settings: Settings,
        parent: str | None,
        *,
        dry_run: bool,
        progress: Callable[[str], None],
        debug: bool = False,
    ) -> Rebased:
        assert callable(progress)
        assert not debug
        self.seen.append((settings.since, parent, dry_run))
        return self.result


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRebase:
    fake = FakeRebase()
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    return fake


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["--rebase"], (None, None, False)),
        (["--rebase", "--dry-run"], (None, None, True)),
        (["--rebase", "c3", "--since", "release"], ("release", "c3", False)),
        (["--rebase=c3"], (None, "c3", False)),
    ],
)
def test_the_parent_may_be_left_out(
    workflow: FakeRebase,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    seen: tuple[str | None, str | None, bool],
) -> None:
    assert run(["revision", *arguments]) == 0
    assert workflow.seen == [seen]
    printed = capsys.readouterr()
    summary, diff = workflow.result.summary, workflow.result.diff
    assert (printed.out, printed.err) == ((diff, summary) if seen[2] else (summary, ""))


def test_what_is_refused_and_what_is_nothing_to_do(workflow: FakeRebase, capsys: pytest.CaptureFixture[str]) -> None:
    workflow.result = Rebased("--- a/x\n", refusal="They do not work.", hint="Nothing was written.")
    assert run(["revision", "--rebase"]) == 1
    assert capsys.readouterr() == ("", "They do not work.\nHint: Nothing was written.\n")
    assert run(["revision", "--rebase", "--dry-run"]) == 1
    assert capsys.readouterr() == ("--- a/x\n", "They do not work.\nHint: Nothing was written.\n")
    workflow.result = Rebased(nothing="Nothing to move: no revision is new since main.")
    assert run(["revision", "--rebase"]) == 0
    assert capsys.readouterr() == ("", "Nothing to move: no revision is new since main.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rebase", "-m", "x"], "-m has no effect with --rebase."),
        (["--rebase", "--rev-id", "x"], "--rev-id has no effect with --rebase."),
        (["--rebase", "--rename", "a.b=c"], "--rename has no effect with --rebase."),
        (["--rebase", "--with-blind-spots"], "--with-blind-spots has no effect with --rebase."),
        (["--since", "main", "-m", "x"], "--since is of no use without --rebase."),
        ([], "The revision has no message."),
    ],
)
def test_options_that_do_not_fit(
    workflow: FakeRebase, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(["revision", *arguments]) == 2
    assert f"Error: {message}\n" in capsys.readouterr().err
    assert workflow.seen == []
