"""When an extension table is offered, and what its class says."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from alembic_review.model.facts import ColumnCode, OrmClass
from alembic_review.model.review import Suggestion
from tests.judge.world import SETTINGS, World, basics, found, key

UUID = ColumnCode("uuid", "sa.String(length=32)", options=("nullable=False",))
LABEL = ColumnCode("label", "sa.String(length=30)", options=("nullable=True",))


def hung(code: ColumnCode = LABEL, at: str = "poser:20", **declared: Any) -> World:
    """A core table with a class, and a column of the application on it."""
    world = basics()
    label = world.item("column", code.name, [at], columns=(code.name,))
    world.table("store", ["basis:30"], columns=("uuid",), items=[label])
    items = world.databases[0].tables[-1].items
    number = next(n for n, item in enumerate(items) if item.name == code.name)
    world.change("add_column", "store", code.name, columns=(code.name,), item=number, code=code)
    fields: dict[str, Any] = {"mapped_class": "basis.db:Store", "base": "basis.db:Base", "primary_key": (UUID,)}
    world.databases[0].declarations.append(OrmClass(key("store"), **(fields | declared)))
    return world


def offered(world: World) -> Suggestion:
    (suggestion,) = world.review().suggestions
    ast.parse(suggestion.code)
    return suggestion


def migrated(*columns: ColumnCode) -> World:
    """The same, after a revision of the application put it into the database."""
    world = hung(columns=columns)
    world.databases[0].changes.clear()
    return world


def test_a_column_that_is_migrated_already_gets_its_way_out_too() -> None:
    world = migrated(LABEL)
    (finding,) = found(world.review(), "AR105")
    suggestion = offered(world)
    assert (suggestion.columns, suggestion.changes, suggestion.findings) == (("label",), (), (finding.fingerprint,))
    assert suggestion.code == offered(hung()).code


def test_the_class_holds_the_column_and_refers_to_the_core_table() -> None:
    world = hung()
    suggestion = offered(world)
    review = world.review()
    assert (suggestion.table, suggestion.columns) == ("store", ("label",))
    assert suggestion.location is not None
    assert suggestion.location.line == 20
    assert suggestion.changes == tuple(change.fingerprint for change in review.changes)
    assert suggestion.findings == tuple(finding.fingerprint for finding in review.findings)
    assert suggestion.code == (
        '"""What poser keeps of each store: one row for each row of store."""\n'
        "\n"
        "import sqlalchemy as sa\n"
        "from sqlalchemy import orm\n"
        "\n"
        "from basis.db import Base, Store\n"
        "\n"
        "\n"
        "class PoserStore(Base):\n"
        '    __tablename__ = "poser_store"\n'
        "\n"
        '    uuid = sa.Column(sa.String(length=32), sa.ForeignKey("store.uuid"), primary_key=True)\n'
        "    label = sa.Column(sa.String(length=30), nullable=True)\n"
        "\n"
        '    store = orm.relationship(Store, backref=orm.backref("poser_store", uselist=False))\n'
    )


def test_a_key_of_several_columns_is_one_foreign_key() -> None:
    number = ColumnCode("class", "sa.Integer()")
    code = offered(hung(primary_key=(UUID, number))).code
    assert "sa.ForeignKeyConstraint(['uuid', 'class'], ['store.uuid', 'store.class'])" in code
    assert "    class_ = sa.Column('class', sa.Integer(), primary_key=True)\n" in code


def test_a_column_that_refers_to_the_same_table_makes_the_relationship_say_by_which() -> None:
    parent = ColumnCode("parent", "sa.String(length=32)", ("sa.ForeignKey('store.uuid')",))
    code = offered(hung(parent)).code
    assert "parent = sa.Column(sa.String(length=32), sa.ForeignKey('store.uuid'))" in code
    assert "orm.relationship(Store, foreign_keys=[uuid], backref" in code


def test_names_that_are_taken_are_not_used_again() -> None:
    code = offered(hung(ColumnCode("store", "sa.Text()"))).code
    assert "    store = sa.Column(sa.Text())\n" in code
    assert "    store_row = orm.relationship(Store, " in code
    assert (
        "    metadata_ = sa.Column('metadata', sa.Text())\n" in offered(hung(ColumnCode("metadata", "sa.Text()"))).code
    )
    twice = ColumnCode("kind", "Store()", imports=("from poser.types import Store",))
    assert hung(twice).review().suggestions == ()


def test_imports_of_types_come_with_them() -> None:
    kind = ColumnCode("kind", "basis.types.Kind()", imports=("import basis.types", "from sqlalchemy import orm"))
    code = offered(hung(kind)).code
    assert "import basis.types\nimport sqlalchemy as sa\nfrom sqlalchemy import orm\n" in code


def test_the_prefix_of_the_settings_is_the_table_s() -> None:
    world = hung()
    world.settings = replace(SETTINGS, prefix="shop_")
    assert '__tablename__ = "shop_store"' in offered(world).code


def test_none_is_offered_where_it_is_not_certain() -> None:
    taken = hung()
    taken.table("poser_store", ["poser:40"])
    extended = hung()
    extended.table("poser_shop", ["poser:40"], extends=key("store"))
    unread = hung()
    unread.databases[0].changes[-1] = replace(unread.databases[0].changes[-1], code=None)
    unknown = hung()
    unknown.databases[0].declarations.clear()
    for world in (taken, extended, unread, unknown, migrated(), hung(at="basis:31")):
        assert world.review().suggestions == ()
