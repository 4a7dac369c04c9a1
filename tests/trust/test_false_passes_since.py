"""With ``--since``, a merged revision that does something else than at the base does not go unnoticed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apps.environments import make_environment
from tests.apps.harness import Application
from tests.git.repositories import git
from tests.trust.here import review
from tests.trust.test_false_passes_comparison import PROJECT, VERSIONS, models, revision, write

Files = Mapping[str, str]
WIDTH = "WIDTH = 50\n"
SQL = "CREATE TABLE note (id INTEGER)"


def using(imports: str, width: str = "WIDTH") -> Files:
    """A merged revision that takes the length of a column from somewhere else."""
    text = revision("a2", "a1", f'op.add_column("book", sa.Column("isbn", sa.String({width})))')
    return {f"{VERSIONS}/a2_isbn.py": f"{imports}\n{text}", "models.py": models(book="isbn = sa.Column(sa.String)")}


def executing(path: str) -> Files:
    return {f"{VERSIONS}/a2_note.py": revision("a2", "a1", f'op.execute(open("{path}").read())')}


@dataclass(frozen=True)
class Way:
    """Files of the base, and files that the pull request changes; ``said`` is a pattern of what was not checked.

    ``hidden`` are options of ``git update-index`` for the files that change. A ``legit`` way is not reported.
    """

    name: str
    base: Files
    changed: Files
    said: str = ""
    code: str = ""
    hidden: tuple[str, ...] = ()
    legit: bool = False
    status: int = 0


USES = r"what merged revision a2 did before {} changed"
WAYS = [
    Way(
        "helper",
        {"widths.py": WIDTH, **using("from widths import WIDTH")},
        {"widths.py": "WIDTH = 99\n"},
        USES.format("widths.py"),
    ),
    Way(
        "helper_as_a_module",
        {"widths.py": WIDTH, **using("import widths", "widths.WIDTH")},
        {"widths.py": "WIDTH = 99\n"},
        USES.format("widths.py"),
    ),
    Way(
        "helper_of_a_helper",
        {"widths.py": WIDTH, "helpers.py": "from widths import WIDTH\n", **using("from helpers import WIDTH")},
        {"widths.py": "WIDTH = 99\n"},
        USES.format("widths.py"),
    ),
    Way(
        "relative_import_of_a_helper",
        {
            "lib/__init__.py": "",
            "lib/widths.py": WIDTH,
            "lib/helpers.py": "from . import widths\nWIDTH = widths.WIDTH\n",
            **using("from lib.helpers import WIDTH"),
        },
        {"lib/widths.py": "WIDTH = 99\n"},
        USES.format("lib/widths.py"),
    ),
    Way(
        "package_of_a_helper",
        {"lib/__init__.py": WIDTH, **using("from lib import WIDTH")},
        {"lib/__init__.py": "WIDTH = 99\n"},
        USES.format("lib/__init__.py"),
    ),
    Way(
        "sql_file",
        {"sql/note.sql": SQL, **executing("sql/note.sql")},
        {"sql/note.sql": f"{SQL};"},
        USES.format("sql/note.sql"),
    ),
    Way(
        "edited_and_assumed_unchanged",
        using("WIDTH = 50"),
        {f"{VERSIONS}/a2_isbn.py": using("WIDTH = 99")[f"{VERSIONS}/a2_isbn.py"]},
        code="AR501",
        hidden=("--assume-unchanged",),
        status=1,
    ),
    Way(
        "edited_and_outside_of_the_worktree",
        using("WIDTH = 50"),
        {f"{VERSIONS}/a2_isbn.py": using("WIDTH = 99")[f"{VERSIONS}/a2_isbn.py"]},
        code="AR501",
        hidden=("--skip-worktree",),
        status=1,
    ),
    Way(
        "helper_that_no_revision_uses",
        {"widths.py": WIDTH, "other.py": WIDTH, **using("from widths import WIDTH")},
        {"other.py": "WIDTH = 99\n"},
        legit=True,
    ),
    Way(
        "models_that_a_revision_imports",
        using("from models import Base\nWIDTH = 50"),
        {"models.py": models(book="isbn = sa.Column(sa.String)  # edited")},
        legit=True,
    ),
]
QUICK = {"helper", "helper_that_no_revision_uses"}


@pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.name, marks=() if way.name in QUICK else pytest.mark.trust) for way in WAYS]
)
def test_since(
    way: Way,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    folder = tmp_path / "project"
    write(folder, {**PROJECT, **way.base})
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "base")
    for option in way.hidden:
        git(folder, "update-index", option, *way.changed)
    write(folder, way.changed)
    monkeypatch.chdir(folder)
    application = Application(tmp_path, folder, make_environment(tmp_path / "env"))
    outcome = review(application, tmp_path / "out", capsys, "--since", "main")
    assert outcome.status == way.status, outcome.explain()
    codes = {one["code"] for one in outcome.report["findings"]}
    if way.legit:
        record_property("outcome", "no finding")
        assert "did before" not in outcome.not_checked, outcome.explain()
    elif way.code:
        record_property("outcome", way.code)
        assert way.code in codes, outcome.explain()
    else:
        record_property("outcome", "listed")
        assert re.search(way.said, outcome.not_checked), outcome.explain()
