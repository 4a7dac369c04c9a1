"""What README.md shows is what the tool prints."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .environments import FIXTURES, stack
from .harness import POSTGRESQL, make_application, run_tool

README = FIXTURES.parent / "README.md"
CAPTURE = re.compile(r"(<!-- capture -->\n\n```text\n\$ [^\n]+\n)(.*?)(\n```\n)", re.DOTALL)
COMMENT = re.compile(r"(<!-- comment -->\n\n)(.*?)(\n\n<!-- end of the comment -->\n)", re.DOTALL)
# These lines name the machine it ran on.
VARYING = re.compile(r"^(Database|Versions) .*$|(?<= on )postgresql .*$", re.MULTILINE)


@pytest.mark.parametrize(
    ("report", "shown", "end"),
    [("terminal", CAPTURE, "\nCompared"), ("markdown", COMMENT, "<summary>What was compared")],
    ids=["terminal", "markdown"],
)
def test_what_is_shown_is_real(report: str, shown: re.Pattern[str], end: str, tmp_path: Path) -> None:
    application = make_application(tmp_path, database=POSTGRESQL, clean=False)
    file = tmp_path / "report.txt"
    run = run_tool(application, "-o", f"{report}={file}", variables={"COLUMNS": "100"})
    assert run.status == 1, run.explain()
    text = README.read_text(encoding="utf-8")
    found = shown.search(text)
    assert found is not None
    printed = file.read_text(encoding="utf-8").rstrip()
    if os.environ.get("REWRITE_GOLDEN"):
        README.write_text(shown.sub(lambda match: match[1] + printed + match[3], text), encoding="utf-8")
        return
    if stack().sqlalchemy >= (2, 0):
        assert _comparable(printed) == _comparable(found[2])
    else:
        assert _comparable(printed).partition(end)[0] == _comparable(found[2]).partition(end)[0]


def _comparable(text: str) -> str:
    """Without what differs from machine to machine: versions, and the root inside a Git checkout."""
    return VARYING.sub("", text).replace("Root         fixtures/poser\n", "").replace("Root         project\n", "")
