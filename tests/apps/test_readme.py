"""The terminal report in the docs, and the sample review of a pull request, are what the tool prints."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from .environments import FIXTURES, stack
from .harness import POSTGRESQL, make_application, run_tool
from .pull_request import SAMPLE, branched
from .scenario import review_of

PAGE = FIXTURES.parent / "docs" / "reference" / "reports.md"
SAMPLE_REVIEW = FIXTURES.parent / "tests" / "golden" / "since.json"
BASE = "6118cefcbb2a3e3cc67cce03b8fa543471074c0d"
CAPTURE = re.compile(r"(<!-- capture -->\n\n```text\n\$ [^\n]+\n)(.*?)(\n```\n)", re.DOTALL)
# These lines name the machine it ran on.
INTERPRETER = re.compile(r"(?<=custom: poser,)[^,]*\Z")
VARYING = re.compile(r", postgresql .*$", re.MULTILINE)


def test_the_terminal_report_is_real(tmp_path: Path) -> None:
    application = make_application(tmp_path, database=POSTGRESQL, clean=False)
    file = tmp_path / "report.txt"
    run = run_tool(application, "-o", f"terminal={file}", variables={"COLUMNS": "100"})
    assert run.status == 1, run.explain()
    _compare(_installed_beside(file.read_text(encoding="utf-8").rstrip()), "\nCompared")


@pytest.mark.one_stack
def test_the_pull_request_is_real(tmp_path: Path) -> None:
    """The sample that the reports are tried with, and that the pictures in the docs show."""
    application = branched(tmp_path, SAMPLE, database=POSTGRESQL)
    run = run_tool(application, "--since", "main")
    assert run.status == 1, run.explain()
    report = {**review_of(run), "pull_request": {**review_of(run)["pull_request"], "base": BASE}}
    if os.environ.get("REWRITE_GOLDEN"):
        known = json.loads(SAMPLE_REVIEW.read_text(encoding="utf-8"))["provenance"]
        report["provenance"] |= {name: known[name] for name in ("timings_ms", "interpreter", "interpreter_source")}
        SAMPLE_REVIEW.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        golden = json.loads(SAMPLE_REVIEW.read_text(encoding="utf-8"))
        assert {**report, "provenance": None} == {**golden, "provenance": None}


def _installed_beside(text: str) -> str:
    """As the report reads where the tool is installed beside the application; tests run it from elsewhere."""
    return INTERPRETER.sub(" .venv/bin/python", text)


def _compare(printed: str, end: str) -> None:
    """The page shows what was printed; on an older SQLAlchemy up to ``end``."""
    text = PAGE.read_text(encoding="utf-8")
    found = CAPTURE.search(text)
    assert found is not None
    if os.environ.get("REWRITE_GOLDEN"):
        PAGE.write_text(CAPTURE.sub(lambda match: match[1] + printed + match[3], text), encoding="utf-8")
    elif stack().sqlalchemy >= (2, 0):
        assert _comparable(printed) == _comparable(found[2])
    else:
        assert _comparable(printed).partition(end)[0] == _comparable(found[2]).partition(end)[0]


def _comparable(text: str) -> str:
    """Without what differs from machine to machine: versions, and the root inside a Git checkout."""
    return VARYING.sub("", text).replace("Root         fixtures/poser\n", "").replace("Root         project\n", "")
