"""What README.md shows is what the tool prints."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .environments import FIXTURES, stack
from .harness import POSTGRESQL, make_application, run_tool

README = FIXTURES.parent / "README.md"
CAPTURE = re.compile(r"(<!-- capture -->\n\n```text\n\$ [^\n]+\n)(.*?)(\n```\n)", re.DOTALL)
# These lines name the machine it ran on.
VARYING = re.compile(r"^(Database|Versions) .*$", re.MULTILINE)


def test_the_capture_is_real(tmp_path: Path) -> None:
    application = make_application(tmp_path, database=POSTGRESQL, clean=False)
    report = tmp_path / "terminal.txt"
    run = run_tool(application, "-o", f"terminal={report}", variables={"COLUMNS": "100"})
    assert run.status == 1, run.explain()
    text = README.read_text(encoding="utf-8")
    found = CAPTURE.search(text)
    assert found is not None
    printed = report.read_text(encoding="utf-8").rstrip()
    if os.environ.get("REWRITE_GOLDEN"):
        README.write_text(CAPTURE.sub(lambda match: match[1] + printed + match[3], text), encoding="utf-8")
        return
    if stack().sqlalchemy >= (2, 0):
        assert _comparable(printed) == _comparable(found[2])
    else:
        assert _comparable(printed).partition("\nCompared")[0] == _comparable(found[2]).partition("\nCompared")[0]


def _comparable(text: str) -> str:
    """Without what differs from machine to machine: versions, and the root inside a Git checkout."""
    return VARYING.sub("", text).replace("Root         fixtures/poser\n", "").replace("Root         project\n", "")
