"""The mechanism of the checks, and those that no verdict needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.judge import checks
from alembic_review.judge.checks import CHECKS
from alembic_review.judge.naming import habitual_prefix, prefix
from alembic_review.model.review import Severity

from .build import Declared, Filtered, started

PAGES = Path(checks.__file__).parent / "pages"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_has_a_page_that_says_what_to_do(check: checks.Check) -> None:
    page = check.page
    assert page.startswith(f"# {check.code}: {check.title}\n")
    assert "## Why it matters" in page
    assert "## What to do" in page


def test_codes_are_unique_in_order_and_nothing_lies_about() -> None:
    codes = [check.code for check in CHECKS]
    assert codes == sorted(set(codes))
    assert {page.stem for page in PAGES.glob("*.md")} == set(codes)
    modules = {path.stem for path in PAGES.parent.glob("*.py")} - {"__init__", "base"}
    assert len(modules) == len(codes)


def test_a_new_table_in_a_module_that_nobody_imports_is_a_warning_with_the_line_to_add() -> None:
    world = started()
    world.declared.append(Declared("app", "app.db.gadget", "app_gadget", "/project/app/db/gadget.py", 4))
    (finding,) = world.review().findings
    assert (finding.code, finding.severity, finding.blocks) == ("AR104", Severity.WARNING, False)
    assert finding.hint == "Add `from app.db import gadget` to app/db/__init__.py."
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("app/db/gadget.py", 4)


@pytest.mark.parametrize("module", ["app.model", "app.other"])
def test_a_declaration_that_was_loaded_or_has_a_model_is_no_finding(module: str) -> None:
    world = started()
    table = "app_gadget" if module == "app.model" else "app_widget"
    world.declared.append(Declared("app", module, table, "/project/app/x.py", 4))
    assert world.review().findings == ()


@pytest.mark.parametrize(
    ("names", "settings", "expected"),
    [
        (["app_a", "app_b", "stray"], {}, ["stray"]),
        (["one", "two", "three"], {}, []),
        (["one", "app_a"], {"prefix": "app_"}, ["one"]),
        (["app_a", "app_b"], {"prefix": "shop_"}, ["app_a", "app_b", "app_widget"]),
    ],
)
def test_a_custom_table_without_the_prefix(names: list[str], settings: dict[str, str], expected: list[str]) -> None:
    world = started()
    for number, name in enumerate(names):
        world.table(name, ("app", 10 + number))
        world.created(name, "app")
    if names[0] == "one" and not settings:
        world.tables = [table for table in world.tables if table.key.name != "app_widget"]
        world.origins = [origin for origin in world.origins if origin.key.name != "app_widget"]
    found = [finding.table for finding in world.review(**settings).findings if finding.code == "AR401"]
    assert found == expected


def test_a_custom_table_in_the_namespace_of_another_package() -> None:
    world = started(core="crm")
    for name in ("crm_call", "crm_note"):
        world.table(name, ("crm", 20))
        world.created(name, "crm")
    world.table("crm_mine", ("app", 20))
    world.created("crm_mine", "app")
    world.tables = [table for table in world.tables if table.key.name != "product"]
    found = [(finding.code, finding.table) for finding in world.review().findings if finding.code == "AR402"]
    assert found == [("AR402", "crm_mine")]


def test_a_filter_that_hides_tables_is_told_by_whose_they_are() -> None:
    world = started()
    world.filtered += [
        Filtered("include_object", "table", None, "product"),
        Filtered("include_object", "table", None, "app_widget"),
        Filtered("include_object", "index", None, "ix", "product"),
    ]
    found = [(finding.severity, finding.message) for finding in world.review().findings]
    assert [severity.value for severity, _ in found].count("info") == 2
    assert all("ix of product" not in message for severity, message in found if severity is Severity.WARNING)
    assert any("app_widget" in message and severity is Severity.WARNING for severity, message in found)
    assert any("index ix of product" in message for _, message in found)


def test_prefixes() -> None:
    assert (prefix("app_widget"), prefix("widget"), prefix("_x"), prefix("x_")) == ("app_", None, None, None)
    assert habitual_prefix(["a_1", "a_2", "b"], "x_a") == "a_"
    assert habitual_prefix(["a_1", "b_2"], "a") is None
    assert habitual_prefix(["order_item", "order_note"], "shop") is None
    assert habitual_prefix([], "a") is None
