"""What of the worker's own code fails: an optional observation costs a line, a required one the review."""

from __future__ import annotations

from pathlib import Path

import pytest

from .edits import module
from .harness import make_application, run_tool
from .scenario import check_every_run, review_of, row

OPTIONAL = {
    "session:declarations": "suggested extension tables for columns of core tables",
    "assemble_facts:_placed": "locations of columns, indexes and constraints of the table product",
    "assemble_facts:listeners": "functions that listen to every table",
    "session:not_compared.not_checked": "differences that Alembic does not compare",
    "session:version_tables": "version tables of other environments",
    "replay.revision_trials:RevisionTrials.order_trials": "revisions in another order",
    "replay.revision_trials:RevisionTrials.downgrades": "downgrades",
}
HUNG = "core.Product.shelf_label = sa.Column(sa.String(30))\n"
FAIL = """
from importlib import import_module
from operator import attrgetter
def fail(*_, **__):
    raise LookupError("nowhere")
for name in {names!r}:
    module, _, rest = name.partition(":")
    owner, _, function = rest.rpartition(".")
    place = import_module(f"alembic_review.worker.{{module}}")
    setattr(attrgetter(owner)(place) if owner else place, function, {failing})
"""
# The first is a function of the application, the other one fails with no frame of its own, as a bug of ours would.
RAISES, BREAKS = "fail", "[].pop"


@pytest.mark.one_stack
def test_what_is_optional_fails_with_a_line_for_each(tmp_path: Path) -> None:
    """The application breaks the tool: nothing else gets hold of the worker's process."""
    first = make_application(tmp_path / "first", module(HUNG))
    second = make_application(tmp_path / "second", module(FAIL.format(names=list(OPTIONAL), failing=RAISES) + HUNG))
    whole, run = run_tool(first, "--full"), run_tool(second, "--full")
    check_every_run(run, second)
    report = review_of(run)
    assert [row(change) for change in report["changes"]] == [row(change) for change in review_of(whole)["changes"]]
    assert (run.status, bool(report.get("suggestions"))) == (whole.status, False)
    lines = report["provenance"]["not_checked"]
    missing = [what for what in OPTIONAL.values() if not any(line.startswith(f"{what} (LookupError") for line in lines)]
    assert missing == []
    assert "Traceback" in run_tool(second, "--debug").stderr


@pytest.mark.one_stack
@pytest.mark.parametrize("name", ["session:compare", "assemble_facts:compile_rules"])
def test_what_is_required_ends_the_run_with_a_short_message(tmp_path: Path, name: str) -> None:
    application = make_application(tmp_path, module(FAIL.format(names=[name], failing=BREAKS)))
    run = run_tool(application)
    check_every_run(run, application)
    assert run.status == 3, run.explain()
    assert run.report is not None
    assert run.report["failure"]["message"].startswith("The review failed: TypeError: ")
    assert "alembic` with the same arguments fails" not in run.said


@pytest.mark.one_stack
def test_what_ownership_rests_on_is_required(tmp_path: Path) -> None:
    """Without the table that another one is generated from, a change that the application causes looks like drift."""
    broken = FAIL.format(names=["definitions.definition_sites:source_tables"], failing=RAISES)
    application = make_application(tmp_path, module(broken + HUNG))
    run = run_tool(application)
    check_every_run(run, application)
    assert run.status == 3, run.explain()
    assert "LookupError: nowhere" in run.said
