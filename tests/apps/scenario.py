"""One row of the table of whole runs, and what holds for every run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .edits import Edit
from .harness import PASSWORD, POSTGRESQL, SQLITE, Application, Run

# The codes of the first checks. Others may come; these are compared in full.
CODES = frozenset(
    {"AR101", "AR102", "AR103", "AR104", "AR105", "AR106", "AR201", "AR203", "AR401", "AR402", "AR601"}
    | {"AR510", "AR511", "AR512", "AR513"}
)
# Names, or `pytest.param` with a name.
Databases = tuple[Any, ...]
BOTH: Databases = (SQLITE, POSTGRESQL)
# For `parametrize`: one of the databases in every run of the tests, the other one in `nox -s tests-large`.
SQLITE_FIRST: Databases = (SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.large))
POSTGRESQL_FIRST: Databases = (POSTGRESQL, pytest.param(SQLITE, marks=pytest.mark.large))
# In `nox -s tests-large` alone: for one more of a kind that tests of the worker show as well.
POSTGRESQL_LARGE: Databases = (pytest.param(POSTGRESQL, marks=pytest.mark.large),)


def each_database(databases: Databases) -> Iterator[tuple[str, tuple[pytest.MarkDecorator, ...]]]:
    """Each of these databases with its marks."""
    for database in databases:
        if isinstance(database, str):
            yield database, ()
        else:
            yield database.values[0], database.marks


@dataclass(frozen=True)
class Scenario:
    """What is edited and what the review then says.

    ``changes`` are all changes, as ``"verdict kind table.name"``; ``postgresql`` those that only PostgreSQL has (SQLite
    has no comments). ``findings`` are all codes out of ``CODES``. ``causes`` maps ``"table.name"`` to the expected
    cause, ``owners`` a table to ``"owner role"`` or ``"owner role extends table"``. A comment ``# HERE table.name`` in
    an edit marks the line where that change is, ``# HERE AR105`` the line of a finding. ``says`` are patterns that the
    findings' words match, ``not_checked`` such of the words on what was not looked at.
    """

    name: str
    edits: tuple[Edit, ...] = ()
    changes: tuple[str, ...] = ()
    status: int = 0
    findings: frozenset[str] = frozenset()
    databases: Databases = (SQLITE,)
    postgresql: tuple[str, ...] = ()
    causes: dict[str, str | None] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    clean: bool = True

    def expected_changes(self, database: str) -> list[str]:
        """The changes on that database, sorted."""
        return sorted((*self.changes, *(self.postgresql if database == POSTGRESQL else ())))


def codes(*numbers: str) -> frozenset[str]:
    """A set of findings' codes, for the table."""
    return frozenset(numbers)


def row(change: dict[str, Any]) -> str:
    """A change of the report in the words of the table."""
    where = ".".join(part for part in (change["schema"], change["table"] or "-", change["name"]) if part)
    database = f" @{change['database']}" if change.get("database") else ""
    return f"{change['verdict']} {change['kind']} {where}{database}"


def review_of(run: Run) -> dict[str, Any]:
    """The report of a run that did review; the test fails with everything it printed otherwise."""
    assert run.report is not None, run.explain()
    assert run.status in (0, 1), run.explain()
    return run.report


def check(scenario: Scenario, run: Run, application: Application, database: str, rename: Callable[[str], str]) -> None:
    """Compare one run with its row of the table."""
    report = review_of(run)
    expected = [rename(text) for text in scenario.expected_changes(database)]
    assert sorted(row(change) for change in report["changes"]) == expected, run.explain()
    found = {finding["code"] for finding in report["findings"]} & CODES
    assert found == scenario.findings, run.explain()
    assert run.status == scenario.status, run.explain()
    for where, cause in scenario.causes.items():
        changes = [change for change in report["changes"] if _where(change) == rename(where)]
        assert [change["cause"] for change in changes] == [cause and rename(cause)] * len(changes), run.explain()
        assert changes, f"no change on {where}"
    tables = {table["name"]: _ownership(table) for table in report["tables"]}
    wanted = {rename(name): rename(owner) for name, owner in scenario.owners.items()}
    assert {name: tables.get(name) for name in wanted} == wanted, run.explain()
    said = "\n".join(f"{finding['message']} {finding['hint']}" for finding in report["findings"])
    for pattern in scenario.says:
        assert re.search(rename(pattern), said), f"{pattern!r} is not in the findings\n{run.explain()}"
    unchecked = "\n".join(report["provenance"]["not_checked"])
    for pattern in scenario.not_checked:
        assert re.search(rename(pattern), unchecked), f"{pattern!r} is not in not_checked\n{run.explain()}"
    _check_places(report, application, run)


def check_every_run(run: Run, application: Application) -> None:
    """What holds whatever the run found."""
    assert PASSWORD not in run.said
    assert PASSWORD.replace("%", "%%") not in run.said
    assert "Traceback" not in run.said, run.explain()
    # An error of the tool itself is never an answer, whatever the test hoped for.
    assert "itself failed" not in run.said, run.explain()
    if run.report is None or run.report["outcome"] == "failed":
        return
    report = run.report
    assert report["format"] == "alembic-review/1"
    changes, findings = report["changes"], report["findings"]
    for verdict in ("safe", "blocked", "upstream"):
        counted = [change for change in changes if "accepted" not in change]
        assert report["summary"][verdict] == sum(change["verdict"] == verdict for change in counted)
    for severity in ("error", "warning", "info"):
        told = [finding for finding in findings if finding["accepted"] is None]
        assert report["summary"][severity] == sum(finding["severity"] == severity for finding in told)
    assert report["outcome"] == _outcome(changes, findings), run.explain()
    assert report["gate"]["refused"] == (run.status == 1), run.explain()
    fingerprints = [entry["fingerprint"] for entry in changes]
    assert len(set(fingerprints)) == len(fingerprints), run.explain()
    assert all(finding["change"] in {None, *fingerprints} for finding in findings), run.explain()
    for change in changes:
        assert change["findings"] == sorted(
            {finding["code"] for finding in findings if finding["change"] == change["fingerprint"]}
        ), run.explain()
        assert change["reason"], run.explain()
        assert change["python"], run.explain()
    altering = [finding for finding in findings if finding["code"] == "AR106"]
    assert all(one["revision"] or one["message"].startswith("Code ") for one in altering), run.explain()
    for entry in (*changes, *findings):
        place = entry["location"]
        assert place is None or not Path(place["path"]).is_absolute(), run.explain()
    assert str(application.folder) not in "".join(entry["reason"] for entry in changes), run.explain()


def _ownership(table: dict[str, Any]) -> str:
    return f"{table['owner']} {table['role']}" + (f" extends {table['extends']}" if table["extends"] else "")


def _outcome(changes: list[dict[str, Any]], findings: list[dict[str, Any]]) -> str:
    verdicts = {change["verdict"] for change in changes}
    if "blocked" in verdicts or any(finding["blocks"] for finding in findings):
        return "blocked"
    return "safe" if "safe" in verdicts else "clean"


def _where(entry: dict[str, Any]) -> str:
    return ".".join(part for part in (entry["table"], entry["name"]) if part)


@dataclass(frozen=True)
class Mark:
    """A ``# HERE`` comment: what is expected at which line of which base."""

    what: str
    base: str
    path: str
    line: int


def marks(application: Application) -> Iterator[Mark]:
    """The ``# HERE`` comments in the application's sources and in its site-packages."""
    bases = (("project", application.project), ("package", application.environment.site_packages))
    for base, folder in bases:
        for path in sorted(folder.rglob("*.py")):
            for number, text in enumerate(path.read_text().splitlines(), start=1):
                for what in re.findall(r"# HERE (\S+)", text):
                    yield Mark(what, base, str(path.relative_to(folder)), number)


def _check_places(report: dict[str, Any], application: Application, run: Run) -> None:
    for mark in marks(application):
        if mark.what.startswith("AR"):
            entries = [finding for finding in report["findings"] if finding["code"] == mark.what]
        else:
            entries = [change for change in report["changes"] if _where(change) == mark.what]
        places = [entry["location"] for entry in entries]
        expected = {"base": mark.base, "path": mark.path, "line": mark.line}
        assert expected in places, f"expected {mark.what} at {expected}, but: {places}\n{run.explain()}"


def tree(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` with its digest, compiled Python aside: to see that a run wrote nothing."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
