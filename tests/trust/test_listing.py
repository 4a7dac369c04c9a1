"""docs/trust.md is counted from the outcomes of tests."""

from __future__ import annotations

from tests.trust.listing import Way, page, ways

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.trust.test_kills" name="test_kill[SIGTERM-config]" time="1.5">
  <properties><property name="outcome" value="exit 143"/></properties></testcase>
<testcase classname="tests.trust.test_kills" name="test_kill[SIGINT-config]"><failure/></testcase>
<testcase classname="tests.trust.test_leaks" name="test_leak[a|b]"><skipped message="needs root"/></testcase>
<testcase classname="tests.trust.test_leaks" name="test_helper"/>
<testcase classname="tests.trust.test_false_passes_comparison" name="test_comparison[no_target]"/>
<testcase classname="tests.trust.test_listing" name="test_ways[x]"/>
</testsuite></testsuites>"""


def test_ways() -> None:
    assert ways(JUNIT) == [
        Way("false_passes", "test_false_passes_comparison.py::test_comparison", "no_target", "held"),
        Way("kills", "test_kills.py::test_kill", "SIGINT-config", "**failed**"),
        Way("kills", "test_kills.py::test_kill", "SIGTERM-config", "held", "exit 143"),
        Way("leaks", "test_leaks.py::test_leak", "a|b", "not run: needs root"),
    ]


def test_page() -> None:
    text = page(ways(JUNIT))
    assert "| Kills | 2 | 1 | 1 leftovers | 0 |\n| Leaks | 1 | 0 | 0 leaks | 1 |\n" in text
    assert "| SIGTERM-config | held, exit 143 | `test_kills.py::test_kill` |\n" in text
    assert r"| a\|b | not run: needs root | `test_leaks.py::test_leak` |" in text
    assert "1.5" not in text
