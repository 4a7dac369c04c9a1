"""The way out that a report offers is code that runs: pasted, with the line taken out, the review is safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from .edits import MODEL, Append, Delete, Edit, Write, module, revision
from .harness import SQLITE, make_application, run_tool, run_without_proofs
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, each_database, review_of, row

APPLIANCE = """
class Appliance(Product):
    __mapper_args__ = {"polymorphic_identity": "appliance"}
    voltage = sa.Column(sa.Integer())  # HERE
"""
WEIRD = """
class Weird(sa.types.TypeDecorator):
    impl = sa.String
    cache_ok = True


"""
HUNG = {
    "a type of the application": (
        f"{WEIRD}Store.shape = sa.Column(Weird(14), nullable=False, server_default='round')  # HERE\n",
        "store",
        ["shape"],
    ),
    "a list of such": (
        f"{WEIRD}Store.shapes = sa.Column(sa.JSON().with_variant(Weird(4), 'mysql'))  # HERE\n",
        "store",
        ["shapes"],
    ),
    "a column called like the class": ("Store.store = sa.Column(sa.String(9))  # HERE\n", "store", ["store"]),
    "a reserved name": ("Store.more = sa.Column('metadata', sa.String(9))  # HERE\n", "store", ["metadata"]),
    "append_column": (
        'core.Setting.__table__.append_column(sa.Column("motto", sa.Text(), nullable=False))  # HERE\n',
        "setting",
        ["motto"],
    ),
    "foreign key to the same table": (
        'Store.parent_uuid = sa.Column(sa.String(32), sa.ForeignKey("store.uuid", ondelete="SET NULL"))  # HERE\n',
        "store",
        ["parent_uuid"],
    ),
    "a type with parameters": ("Store.area = sa.Column(sa.Numeric(8, 2), index=True)  # HERE\n", "store", ["area"]),
    "a unique one": ("Store.area = sa.Column(sa.Integer(), unique=True)  # HERE\n", "store", ["area"]),
    "a default": ('Store.mood = sa.Column(sa.String(5), server_default="good")  # HERE\n', "store", ["mood"]),
    "a name that is no attribute": ('Store.klass = sa.Column("class", sa.String(5))  # HERE\n', "store", ["class"]),
    "two on one table": (
        "Store.fax = sa.Column(sa.String(9)); Store.telex = sa.Column(sa.String(9))  # HERE\n",
        "store",
        ["fax", "telex"],
    ),
    "a subclass in the same table": (
        APPLIANCE,
        "product",
        ["voltage"],
    ),
}


# Which names, types and defaults the code needs comes from the models; what it becomes in a database does not.
ON_POSTGRESQL = ("a type of the application", "a type with parameters", "a subclass in the same table")
# What SQLAlchemy makes of these differs from version to version.
ON_BOTH_STACKS = ("a type of the application", "a list of such", "foreign key to the same table", *ON_POSTGRESQL[1:])
CASES = [
    pytest.param(
        *(case, database),
        id=f"{case}-{database}",
        marks=(*marks, pytest.mark.both_stacks if case in ON_BOTH_STACKS else pytest.mark.one_stack),
    )
    for case in HUNG
    for database, marks in each_database(POSTGRESQL_FIRST if case in ON_POSTGRESQL else (SQLITE,))
]


@pytest.mark.parametrize(("case", "database"), CASES)
def test_the_code_runs_and_the_review_is_safe_with_it(tmp_path: Path, case: str, database: str) -> None:
    text, table, columns = HUNG[case]
    application = make_application(tmp_path, module(text), database=database)
    first = run_without_proofs(application)
    assert first.status == 1, first.explain()
    (suggestion,) = review_of(first)["suggestions"]
    assert (suggestion["table"], suggestion["columns"]) == (table, columns)
    file = application.project / MODEL / "extra.py"
    lines = file.read_text().splitlines()
    place = suggestion["location"]
    assert place["path"] == f"{MODEL}/extra.py"
    assert lines[place["line"] - 1].endswith("# HERE")
    blocked = {change["fingerprint"] for change in review_of(first)["changes"] if change["verdict"] == "blocked"}
    assert set(suggestion["changes"]) == blocked
    kept = [line for number, line in enumerate(lines, 1) if number != place["line"]]
    if case.startswith("a subclass"):
        kept.append("    pass")
    file.write_text("\n".join(kept) + "\n")
    Write(f"{MODEL}/way_out.py", suggestion["code"]).apply(application.locate)
    Append(f"{MODEL}/__init__.py", "from . import way_out\n").apply(application.locate)
    second = run_tool(application)
    assert second.status == 0, second.explain()
    rows = [row(change) for change in review_of(second)["changes"]]
    assert f"safe add_table poser_{table}" in rows
    assert all(entry.startswith("safe ") for entry in rows), second.explain()
    code = suggestion["code"]
    assert ("index=True" in code, "unique=True" in code) == ("index=True" in text, "unique=True" in text)
    assert ("add_index" in str(rows)) is ("index=True" in text)
    extended = {found["name"]: found["extends"] for found in review_of(second)["tables"]}
    assert extended[f"poser_{table}"] == table


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_a_column_that_a_revision_made_already(tmp_path: Path, database: str) -> None:
    """Nothing is pending; with that revision taken out, the code is what remains."""
    step = revision("op.add_column('store', sa.Column('fax', sa.String(9)))")
    hung = module("Store.fax = sa.Column(sa.String(9))  # HERE\n")
    application = make_application(tmp_path, (*hung, *step), database=database)
    first = run_without_proofs(application)
    assert first.status == 1, first.explain()
    found = review_of(first)
    (suggestion,) = found["suggestions"]
    assert (suggestion["table"], suggestion["columns"], suggestion["changes"]) == ("store", ["fax"], [])
    told = [finding["code"] for finding in found["findings"] if finding["fingerprint"] in suggestion["findings"]]
    assert (found["changes"], told) == ([], ["AR105"])
    assert suggestion["location"]["line"] == len((application.project / MODEL / "extra.py").read_text().splitlines())
    Write(f"{MODEL}/extra.py", suggestion["code"]).apply(application.locate)
    Delete(step[0].path).apply(application.locate)
    second = run_tool(application)
    assert second.status == 0, second.explain()
    assert [row(change) for change in review_of(second)["changes"]] == ["safe add_table poser_store"]


@pytest.mark.one_stack
def test_what_comes_with_a_column_goes_with_it(tmp_path: Path) -> None:
    hung = module("Product.area = sa.Column(sa.Integer(), index=True)\n")
    run = run_without_proofs(make_application(tmp_path, hung))
    said = {(change["kind"], change["table"]): change["reason"] for change in review_of(run)["changes"]}
    assert said["add_column", "product"].endswith("is a foreign key to this table.")
    assert said["add_index", "product"].endswith(
        "Follows from the column area; fixing that removes this change as well."
    )
    assert said["add_column", "product_history"].endswith(
        "Follows from the additions to product; fixing that removes this change as well."
    )


@pytest.mark.one_stack
def test_a_table_of_ones_own_that_is_there_already_is_named(tmp_path: Path) -> None:
    hung = module("Person.motto = sa.Column(sa.String(9))\n")
    run = run_without_proofs(make_application(tmp_path, hung))
    (change,) = review_of(run)["changes"]
    assert change["reason"].endswith("Move it to poser_person, your extension table.")
    step = revision("op.add_column('person', sa.Column('motto', sa.String(9)))")
    run = run_without_proofs(make_application(tmp_path / "migrated", (*hung, *step)))
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR105"]
    assert finding["hint"].endswith("keep your additions in poser_person, your extension table.")


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "edits",
    [
        module("sa.Index('ix_store_name', Store.__table__.c.name)\n"),
        module("core.event_log.append_column(sa.Column('who', sa.String(9)))\n"),
        module("Person.motto = sa.Column(sa.String(9))\n"),
    ],
    ids=["only an index", "a table without a class", "a table with an extension table"],
)
def test_where_it_is_not_certain_there_is_none(tmp_path: Path, edits: tuple[Edit, ...]) -> None:
    run = run_without_proofs(make_application(tmp_path, edits))
    assert run.status == 1, run.explain()
    assert "suggestions" not in review_of(run)
