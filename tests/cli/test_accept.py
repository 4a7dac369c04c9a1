"""``alembic-review accept``: the entry that it writes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from alembic_review.cli import run
from alembic_review.config import CommandLine, load

GOLDEN = Path(__file__).parent.parent / "golden"
SINCE = GOLDEN / "since.json"
WITHOUT_FINDING = next(
    change["fingerprint"]
    for change in json.loads(SINCE.read_text())["pull_request"]["changes"]
    if not change["findings"]
)
Captured = pytest.CaptureFixture[str]

PYPROJECT = """\
# The project
[project]
name = "poser"  # sold as widgets

[tool.alembic-review]
prefix = "poser_"  # ours

# how we format
[tool.black]
line-length = 100
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entries(project: Path) -> list[dict[str, Any]]:
    found = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["alembic-review"].get("accept", [])
    assert isinstance(found, list)
    return found


def test_an_entry_of_a_code_keeps_everything_else(project: Path, capsys: Captured) -> None:
    argv = ["accept", "AR210", "--table", "widget", "--reason", 'ten  "rows"', "--until", "2999-12-31"]
    assert run(argv) == 0
    text = (project / "pyproject.toml").read_text()
    entry = (
        '[[tool.alembic-review.accept]]\ncode = "AR210"\ntable = "widget"\n'
        'reason = "ten \\"rows\\""\nuntil = 2999-12-31\n'
    )
    assert text == PYPROJECT.replace("\n# how we format", f"\n{entry}\n# how we format")
    out, err = capsys.readouterr()
    assert out == entry
    assert err == "Added to pyproject.toml:8\n"
    (accepted,) = load(CommandLine(), cwd=project, environ={}).accept
    assert (accepted.code, accepted.table, accepted.reason) == ("AR210", "widget", 'ten "rows"')

    assert run(["accept", "AR512", "--revision", "a1", "--reason", "two teams"]) == 0
    assert [one["code"] for one in entries(project)] == ["AR210", "AR512"]
    assert (project / "pyproject.toml").read_text().endswith(PYPROJECT[PYPROJECT.index("# how we format") :])


def change_of(name: str) -> dict[str, Any]:
    report = json.loads(SINCE.read_text())
    changes: list[dict[str, Any]] = [*report["changes"], *report["pull_request"]["changes"]]
    return next(change for change in changes if change["name"] == name and change["verdict"] == "blocked")


def test_the_fingerprint_of_a_blocked_change(project: Path) -> None:
    fingerprint = change_of("ix_product_description")["fingerprint"]
    assert run(["accept", fingerprint, "--reason", "agreed", "--report", str(SINCE)]) == 0
    assert entries(project) == [
        {
            "code": "AR101",
            "table": "product",
            "name": "ix_product_description",
            "fingerprint": fingerprint,
            "reason": "agreed",
        }
    ]


def test_the_fingerprint_of_a_blocked_change_in_a_revision_is_that_of_its_finding(project: Path) -> None:
    report = json.loads(SINCE.read_text())
    (finding,) = (one for one in report["findings"] if one["code"] == "AR106")
    (made,) = (
        change
        for change in report["pull_request"]["changes"]
        if change["state"] == "in_revision" and change["verdict"] == "blocked"
    )
    assert run(["accept", made["fingerprint"], "--reason", "agreed", "--report", str(SINCE)]) == 0
    assert [(one["code"], one["fingerprint"]) for one in entries(project)] == [("AR106", finding["fingerprint"])]


def test_a_blocked_change_without_a_finding_is_accepted_by_its_own_fingerprint(project: Path) -> None:
    report = json.loads(SINCE.read_text())
    report["findings"] = [one for one in report["findings"] if one["code"] != "AR106"]
    saved = project / "review.json"
    saved.write_text(json.dumps(report))
    (made,) = (
        one for one in report["pull_request"]["changes"] if (one["state"], one["verdict"]) == ("in_revision", "blocked")
    )
    assert run(["accept", made["fingerprint"], "--reason", "agreed", "--report", str(saved)]) == 0
    assert [(one["code"], one["fingerprint"]) for one in entries(project)] == [("AR101", made["fingerprint"])]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["AR201", "--reason", "x"], "No option selects the findings of AR201."),
        (["AR101", "--table", "product", "--reason", "x"], "AR101 can be accepted by fingerprint only."),
        (["AR510", "--revision", "a1", "--reason", "x"], "AR510 can be accepted by fingerprint only."),
        (["AR999", "--table", "t", "--reason", "x"], "AR999, which is not the code of a check"),
        (["AR904", "--table", "t", "--reason", "x"], "AR904, which is about the entries of `accept`"),
        (["AR201", "--table", "t", "--reason", "  "], "--reason is empty."),
        (["AR201", "--table", "", "--reason", "x"], "`table` is empty"),
        (["AR201", "--table", "t", "--reason", "x", "--until", "2020-01-01"], "--until: 2020-01-01 has passed."),
        (["AR201", "--table", "t", "--reason", "x", "--report", str(SINCE)], "--report is for a FINGERPRINT."),
        (["widget", "--reason", "x"], "'widget' is neither a fingerprint nor the code of a check."),
        (["0" * 16, "--table", "t", "--reason", "x"], "--table: only with a CODE."),
        (["0" * 16, "--reason", "x", "--report", str(SINCE)], "No finding and no change of this review has the"),
        (
            [WITHOUT_FINDING, "--reason", "x", "--report", str(SINCE)],
            "is safe and has no finding.",
        ),
    ],
)
def test_an_entry_that_would_accept_nothing_is_not_written(
    project: Path, capsys: Captured, argv: list[str], message: str
) -> None:
    assert run(["accept", *argv]) == 2
    assert message in capsys.readouterr().err
    assert (project / "pyproject.toml").read_text() == PYPROJECT


@pytest.mark.usefixtures("project")
def test_a_reason_is_required(capsys: Captured) -> None:
    assert run(["accept", "AR201", "--table", "t"]) == 2
    assert "--reason" in capsys.readouterr().err


def test_what_is_accepted_already_is_not_accepted_twice(project: Path, capsys: Captured) -> None:
    report = GOLDEN / "accepted.json"
    (finding,) = (one for one in json.loads(report.read_text())["findings"] if one["code"] == "AR202")
    assert run(["accept", finding["fingerprint"], "--reason", "x", "--report", str(report)]) == 2
    assert "is accepted already: the table is empty in production" in capsys.readouterr().err
    assert entries(project) == []


@pytest.mark.parametrize(
    "text",
    [
        '[tool.alembic-review]\naccept = [{ code = "AR201", table = "t", reason = "r" }]\n',
        '[tool]\nalembic-review = { prefix = "a" }\n',
    ],
)
def test_settings_in_one_line_are_left_alone(project: Path, capsys: Captured, text: str) -> None:
    (project / "pyproject.toml").write_text(text)
    assert run(["accept", "AR210", "--table", "widget", "--reason", "x"]) == 2
    assert (project / "pyproject.toml").read_text() == text
    assert 'code = "AR210"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ('[project]\nname = "x"', 4),
        ('[tool.alembic-review]\r\nprefix = "a"\r\n[tool.x]\r\n', 4),
        ('[tool.alembic-review]\nprefix = """\n[a]"""\n', 5),
        ('[tool.x]\ny = """\n[tool.alembic-review]\n"""\n', 6),
    ],
)
def test_wherever_the_settings_are(project: Path, capsys: Captured, text: str, line: int) -> None:
    path = project / "pyproject.toml"
    path.write_bytes(text.encode())
    assert run(["accept", "AR210", "--table", "widget", "--reason", "x"]) == 0, capsys.readouterr().err
    made = path.read_bytes().decode()
    assert made.splitlines()[line - 1] == "[[tool.alembic-review.accept]]"
    assert capsys.readouterr().err == f"Added to pyproject.toml:{line}\n"
    assert ("\r\n" in text) == ("\r\n" in made)
    assert len(entries(project)) == 1


def test_without_a_pyproject_there_is_nothing_to_write_to(project: Path, capsys: Captured) -> None:
    (project / "pyproject.toml").rename(project / "setup.cfg")
    assert run(["accept", "AR210", "--table", "widget", "--reason", "x"]) == 2
    assert "There is no pyproject.toml in" in capsys.readouterr().err
