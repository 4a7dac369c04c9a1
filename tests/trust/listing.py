"""docs/trust.md from the outcomes of a test run: ``python -m tests.trust.listing JUNIT.xml docs/trust.md``.

A way is a parameter of a test in ``tests/trust/test_<class>.py`` or ``test_<class>_<part>.py``. Its outcome is the
outcome of its test; a test may add what it observed with ``record_property("outcome", "exit 130")``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

_FOLDER = "tests.trust."
_FAILED = ("failure", "error")
_INTRODUCTION = """\
# Trust

The guarantees of `alembic-review`, and the tests that try to violate each of them. `nox -s trust` runs all of these
tests and writes this page from their outcomes. Every test run includes a small selection.
"""


@dataclass(frozen=True)
class Kind:
    """A class of ways: its promise, and what a way that breaks the promise is called."""

    title: str
    promise: str
    broken: str


KINDS = {
    "false_passes": Kind(
        "False passes",
        "A review that inspects nothing, or not everything, does not pass without a warning.",
        "silent passes",
    ),
    "contacts": Kind(
        "Contacts",
        "Only the scratch database is contacted; any other contact is reported.",
        "unreported contacts",
    ),
    "server_contacts": Kind(
        "Contacts from the scratch server",
        "A revision can't reach files, programs or other servers through the scratch server.",
        "unreported contacts",
    ),
    "server_leftovers": Kind(
        "Leftovers on a given server",
        "Objects that a run creates on a given server are dropped, and any other change to the server is reported.",
        "leftovers",
    ),
    "kills": Kind(
        "Kills",
        "A run that is interrupted or killed ends with the documented exit status and leaves no process, folder or "
        "database behind.",
        "leftovers",
    ),
    "leaks": Kind("Leaks", "No password appears in any report, log or error.", "leaks"),
    "malformed": Kind(
        "Malformed input",
        "Malformed input ends the run with the documented exit status and a short message.",
        "tracebacks",
    ),
    "adverse": Kind(
        "Adverse environments",
        "An unusual environment does not change the result, or the run ends with a short message.",
        "failures",
    ),
}


@dataclass(frozen=True)
class Way:
    """One way and its outcome: ``held``, ``failed``, or ``not run`` with a reason."""

    kind: str
    test: str
    name: str
    outcome: str
    observed: str = ""


def ways(junit: str) -> list[Way]:
    """The ways in a JUnit XML document of pytest, sorted by class, test and name."""
    found = [way for case in ET.fromstring(junit).iter("testcase") if (way := _way(case)) is not None]
    order = list(KINDS)
    return sorted(found, key=lambda way: (order.index(way.kind), way.test, way.name))


def page(found: Iterable[Way]) -> str:
    """The page about these ways."""
    by_kind: dict[str, list[Way]] = {}
    for way in found:
        by_kind.setdefault(way.kind, []).append(way)
    lines = [_INTRODUCTION, "| class | cases | held | violations | not run |", "|---|---|---|---|---|"]
    lines += [_summary(kind, some) for kind, some in by_kind.items()]
    for kind, some in by_kind.items():
        lines += ["", f"## {KINDS[kind].title}", "", KINDS[kind].promise, "", *_table(some)]
    return "\n".join(lines) + "\n"


def _way(case: ET.Element) -> Way | None:
    module = case.get("classname", "").removeprefix(_FOLDER)
    kind = _kind(module.removeprefix("test_"))
    test, bracket, name = case.get("name", "").partition("[")
    if kind is None or not bracket:
        return None
    observed = [prop.get("value", "") for prop in case.iter("property") if prop.get("name") == "outcome"]
    skipped = case.find("skipped")
    if any(case.find(kind) is not None for kind in _FAILED):
        outcome = "**failed**"
    elif skipped is not None:
        outcome = f"not run: {skipped.get('message', '')}"
    else:
        outcome = "held"
    return Way(kind, f"{module}.py::{test}", name.removesuffix("]"), outcome, observed[-1] if observed else "")


def _kind(module: str) -> str | None:
    """The class of a module's ways."""
    return next((kind for kind in KINDS if module == kind or module.startswith(f"{kind}_")), None)


def _summary(kind: str, some: list[Way]) -> str:
    held = sum(way.outcome == "held" for way in some)
    failed = sum(way.outcome == "**failed**" for way in some)
    skipped = len(some) - held - failed
    return f"| {KINDS[kind].title} | {len(some)} | {held} | {failed} {KINDS[kind].broken} | {skipped} |"


def _table(some: list[Way]) -> Iterator[str]:
    yield "| case | outcome | test |"
    yield "|---|---|---|"
    for way in some:
        outcome = f"{way.outcome}, {way.observed}" if way.observed else way.outcome
        yield f"| {_cell(way.name)} | {_cell(outcome)} | `{way.test}` |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", r"\|")


def main(junit: str, target: str) -> int:
    """Write the page at ``target`` from the file ``junit``; 1 when a test failed."""
    text = Path(junit).read_text(encoding="utf-8")
    Path(target).write_text(page(ways(text)), encoding="utf-8")
    return int(any(case.find(kind) is not None for case in ET.fromstring(text).iter("testcase") for kind in _FAILED))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
