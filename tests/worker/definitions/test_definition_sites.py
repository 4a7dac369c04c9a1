from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy

from alembic_review.model.facts import Edit, Frame, Item, ModelTable, TableKey
from alembic_review.worker.definitions.column_creation import listeners
from alembic_review.worker.definitions.definition_sites import Witnesses
from tests.worker.conftest import DIALECT, Modules, load

CORE = """
    from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, event
    from sqlalchemy.orm import declarative_base

    Base = declarative_base()


    class Product(Base):
        __tablename__ = "product"
        __table_args__ = (Index("ix_product_name", "name"),)
        id = Column(Integer, primary_key=True)
        name = Column(String(20), nullable=False)
        kind = Column(String(10))
        __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "product"}


    def add_note(table):
        table.append_column(Column("note", String(40)))


    def define_tables(metadata):
        Table("setting", metadata, Column("name", String(20), primary_key=True))


    def make_log(metadata, name):
        return Table(name, metadata, Column("id", Integer, primary_key=True))
"""


@pytest.fixture
def core(write: Modules) -> Modules:
    write({"corepkg/__init__.py": "", "corepkg/model.py": CORE, "app/__init__.py": ""})
    return write


def described(witnesses: Witnesses, name: str) -> ModelTable:
    metadata = load("corepkg.model").Base.metadata
    return next(table for table in witnesses.describe([metadata], DIALECT) if table.key.name == name)


def frames(witnesses: Witnesses, stack: int | None) -> list[Frame]:
    assert stack is not None
    return [witnesses.stacks.frames[number] for number in witnesses.stacks.stacks[stack]]


def packages(witnesses: Witnesses, stack: int | None) -> list[str | None]:
    return [frame.package for frame in frames(witnesses, stack)]


def item(table: ModelTable, name: str) -> Item:
    return next(item for item in table.items if item.name == name)


def test_a_class_is_defined_where_its_statement_stands(core: Modules, witnesses: Witnesses) -> None:
    table = described(witnesses, "product")
    (frame,) = frames(witnesses, table.stack)
    assert (frame.package, frame.function) == ("corepkg", "<module>")
    assert item(table, "name").stack == table.stack
    assert item(table, "ix_product_name").stack == table.stack
    assert table.edits == ()


def test_the_import_of_the_core_does_not_put_the_application_into_its_stack(
    core: Modules, witnesses: Witnesses
) -> None:
    core({"app/model.py": "from corepkg.model import Base, Product\n"})
    load("app.model")
    assert packages(witnesses, described(witnesses, "product").stack) == ["corepkg"]


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        ("Product.__table__.append_column(Column('extra', Integer))", "extra", ["app"]),
        ("Product.extra = Column('extra', Integer)", "extra", ["app"]),
        ("Index('ix_extra', Product.__table__.c.kind)", "ix_extra", ["app"]),
        ("Product.__table__.append_constraint(UniqueConstraint('kind', name='uq_extra'))", "uq_extra", ["app"]),
        (
            "class Fruit(Product):\n    __mapper_args__ = {'polymorphic_identity': 'f'}\n    sweet = Column(Integer)",
            "sweet",
            ["app"],
        ),
        ("add_note(Product.__table__)", "note", ["corepkg", "app"]),
    ],
)
def test_what_the_application_hangs_onto_a_core_table_has_its_frames(
    core: Modules, witnesses: Witnesses, code: str, name: str, expected: list[str]
) -> None:
    header = "from sqlalchemy import *\nfrom corepkg.model import *\nfrom corepkg.model import add_note\n"
    core({"app/model.py": header + code + "\n"})
    load("app.model")
    table = described(witnesses, "product")
    assert packages(witnesses, item(table, name).stack) == expected
    assert packages(witnesses, item(table, "name").stack) == ["corepkg"]
    last = frames(witnesses, item(table, name).stack)[-1]
    assert last.line == 4


@pytest.mark.parametrize(
    ("code", "edit", "seen"),
    [
        ("t.c.name.nullable = True", Edit("column", "name", "nullable"), True),
        ("t.c.name.type = Integer()", Edit("column", "name", "type"), True),
        ("t.c.name.type.length = 50", Edit("column", "name", "type"), False),
        ("t.c.name.server_default = DefaultClause('x')", Edit("column", "name", "server_default"), True),
        ("t.c.name.comment = 'x'", Edit("column", "name", "comment"), True),
        ("t.comment = 'x'", Edit("table", None, "comment"), True),
        ("t.indexes.clear()", Edit("index", "ix_product_name", "removed"), False),
        ("next(iter(t.indexes)).unique = True", Edit("index", "ix_product_name", "changed"), False),
        ("t.c.name.name = 'other'", Edit("column", "other", "name"), True),
        ("t.c.name.system = True", Edit("column", "name", "changed"), True),
    ],
)
def test_a_change_in_place_is_seen_and_has_a_line_where_there_is_one(
    core: Modules, witnesses: Witnesses, code: str, edit: Edit, seen: bool
) -> None:
    core({"app/model.py": f"from sqlalchemy import *\nfrom corepkg.model import *\nt = Product.__table__\n{code}\n"})
    load("app.model")
    (found,) = described(witnesses, "product").edits
    assert (found.kind, found.name, found.attribute) == (edit.kind, edit.name, edit.attribute)
    if seen:
        assert [(frame.package, frame.line) for frame in frames(witnesses, found.stack)] == [("app", 4)]
    else:
        assert found.stack is None


LATE = """
    from sqlalchemy import Column, Enum, Index, String
    from corepkg.model import Base, Product
    Product.extra = Column("extra", String(5), index=True)
    Product.mood = Column("mood", Enum("good", "bad", name="mood"))
    Index("ix_late", Product.__table__.c.kind)
"""


@pytest.mark.parametrize(
    ("code", "edits"),
    [
        ("", ()),
        ("drop('ix_late')", (Edit("index", "ix_late", "removed"),)),
        ("drop('ix_product_extra')", (Edit("index", "ix_product_extra", "removed"),)),
        ("t.c.extra.type.length = 9", (Edit("column", "extra", "type"),)),
        ("t.c.extra.nullable = False", (Edit("column", "extra", "nullable", 0),)),
        ("drop('ix_late')\nIndex('ix_late', t.c.kind)", ()),
    ],
)
def test_what_the_core_attaches_later_is_watched_as_well(
    core: Modules, witnesses: Witnesses, code: str, edits: tuple[Edit, ...]
) -> None:
    header = "from sqlalchemy import Index\nfrom corepkg.late import Product\nt = Product.__table__\n"
    drop = "def drop(name):\n    t.indexes.discard(next(one for one in t.indexes if one.name == name))\n"
    core({"corepkg/late.py": LATE, "app/model.py": f"{header}{drop}{code}\n"})
    load("app.model")
    found = described(witnesses, "product").edits
    assert [(one.kind, one.name, one.attribute) for one in found] == [
        (one.kind, one.name, one.attribute) for one in edits
    ]
    assert [one.stack is not None for one in found] == [one.stack is not None for one in edits]


LEDGER = """
from sqlalchemy import *
from corepkg.model import Base
t = Table(
    "ledger",
    Base.metadata,
    Column("number", Integer, Identity()),
    Column("twice", Integer, Computed("number * 2")),
    UniqueConstraint("number", name="uq_ledger"),
)
uq = next(one for one in t.constraints if one.name == "uq_ledger")
"""


@pytest.mark.parametrize(
    ("code", "edit"),
    [
        ("t.c.number.server_default.start = 5", Edit("column", "number", "server_default")),
        ("t.c.twice.server_default.sqltext = text('1')", Edit("column", "twice", "server_default")),
        ("uq.name = conv('uq_sly')", Edit("constraint", "uq_sly", "changed")),
        ("uq.name = conv('more_uq_ledger')", None),
        ("uq.name = None", Edit("constraint", None, "changed")),
        pytest.param(
            "uq.kwargs['postgresql_nulls_not_distinct'] = True",
            Edit("constraint", "uq_ledger", "changed"),
            marks=pytest.mark.skipif(sqlalchemy.__version__ < "2.0.16", reason="unique constraints have no options"),
        ),
    ],
)
def test_what_a_default_or_a_constraint_is_made_of(
    core: Modules, witnesses: Witnesses, code: str, edit: Edit | None
) -> None:
    """A naming convention may put something in front of a name."""
    header = "from sqlalchemy import text\nfrom sqlalchemy.sql.elements import conv\nfrom corepkg.ledger import t, uq\n"
    core({"corepkg/ledger.py": LEDGER, "app/model.py": f"{header}{code}\n"})
    load("app.model")
    assert described(witnesses, "ledger").edits == (() if edit is None else (edit,))


def test_equal_functions_in_other_files_are_told_apart(core: Modules, witnesses: Witnesses) -> None:
    """Python takes code objects for equal that differ in nothing but their file."""
    helper = "from sqlalchemy import *\ndef add(table):\n    table.append_column(Column('note', String(40)))\n"
    user = "from corepkg.model import Product\nfrom {0}.helper import add\nadd(Product.__table__)\n"
    own = user.replace("Product\n", "Product, Base\n").replace("Product.__table__", "Base.metadata.tables['setting']")
    core(
        {
            "corepkg/helper.py": helper,
            "corepkg/late.py": "from corepkg.model import *\ndefine_tables(Base.metadata)\n" + own.format("corepkg"),
            "app/helper.py": helper,
            "app/model.py": "import corepkg.late\n" + user.format("app"),
        }
    )
    load("app.model")
    assert packages(witnesses, item(described(witnesses, "setting"), "note").stack) == ["corepkg", "corepkg"]
    assert packages(witnesses, item(described(witnesses, "product"), "note").stack) == ["app", "app"]


def test_an_index_put_into_the_set_behind_every_event_is_an_edit_nobody_saw(
    core: Modules, witnesses: Witnesses
) -> None:
    code = "i = Index('ix_sly', Product.__table__.c.kind, _table=None) if False else None\n"
    core({"app/model.py": "from sqlalchemy import *\nfrom corepkg.model import *\n" + code})
    load("app.model")
    model: Any = load("corepkg.model")
    from sqlalchemy import Index

    model.Product.__table__.indexes.add(Index("ix_sly"))
    assert Edit("index", "ix_sly", "added", None) in described(witnesses, "product").edits


def test_a_removed_table_is_still_described_with_the_line_that_took_it_out(core: Modules, witnesses: Witnesses) -> None:
    core({"app/model.py": "from corepkg.model import *\nBase.metadata.remove(Product.__table__)\n"})
    load("app.model")
    table = described(witnesses, "product")
    assert table.removed
    assert [(frame.package, frame.line) for frame in frames(witnesses, table.removal)] == [("app", 2)]


def test_a_function_of_the_core_that_the_application_calls_has_both_in_its_stack(
    core: Modules, witnesses: Witnesses
) -> None:
    core(
        {"app/model.py": "from corepkg.model import *\ndefine_tables(Base.metadata)\nmake_log(Base.metadata, 'log')\n"}
    )
    load("app.model")
    table = described(witnesses, "setting")
    assert packages(witnesses, table.stack) == ["corepkg", "app"]
    assert all(item.stack == table.stack for item in table.items)
    assert packages(witnesses, described(witnesses, "log").stack) == ["corepkg", "app"]


def test_a_core_metaclass_is_a_hook_and_not_a_factory(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "corepkg/meta.py": """
                from sqlalchemy.orm import DeclarativeMeta, declarative_base
                from corepkg.model import Base as Plain

                class Meta(DeclarativeMeta):
                    def __init__(cls, name, bases, namespace, **kw):
                        super().__init__(name, bases, namespace, **kw)

                Base = declarative_base(metadata=Plain.metadata, metaclass=Meta)
            """,
            "app/model.py": """
                from sqlalchemy import Column, Integer
                from corepkg.meta import Base

                class Widget(Base):
                    __tablename__ = "widget"
                    id = Column(Integer, primary_key=True)
            """,
        }
    )
    load("app.model")
    found = frames(witnesses, described(witnesses, "widget").stack)
    assert [(frame.package, frame.hook) for frame in found] == [("corepkg", True), ("app", False)]


def test_the_body_of_a_module_or_a_class_is_told_from_a_function(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "app/model.py": """
                from sqlalchemy import Column, Integer, Table
                from corepkg.model import Base

                class Widget(Base):
                    __table__ = Table("widget", Base.metadata, Column("id", Integer, primary_key=True))

                def make():
                    class Gadget(Base):
                        __tablename__ = "gadget"
                        id = Column(Integer, primary_key=True)

                make()
                tables = [Table(name, Base.metadata, Column("id", Integer, primary_key=True)) for name in ["listed"]]
                (lambda: Table("made", Base.metadata, Column("id", Integer, primary_key=True)))()
            """
        }
    )
    load("app.model")
    bodies = {
        name: [frame.body for frame in frames(witnesses, described(witnesses, name).stack)]
        for name in ("product", "widget", "gadget", "made")
    }
    assert bodies == {"product": [True], "widget": [True, True], "gadget": [False, True], "made": [False, True]}
    assert frames(witnesses, described(witnesses, "listed").stack)[-1].body


def test_a_copy_in_another_metadata_keeps_the_witness_of_its_original(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "app/model.py": """
                from sqlalchemy import MetaData
                from corepkg.model import Base
                combined = MetaData()
                for table in Base.metadata.tables.values():
                    table.to_metadata(combined)
            """
        }
    )
    combined = load("app.model").combined
    (table,) = [table for table in witnesses.describe([combined], DIALECT) if table.key.name == "product"]
    assert packages(witnesses, table.stack) == ["corepkg"]
    assert packages(witnesses, item(table, "kind").stack) == ["corepkg"]
    assert table.edits == ()


def test_an_extension_table_is_one_whose_primary_key_refers_to_another(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "app/model.py": """
                from sqlalchemy import Column, ForeignKey, Integer
                from corepkg.model import Base

                class Extra(Base):
                    __tablename__ = "extra"
                    id = Column(Integer, ForeignKey("product.id"), primary_key=True)

                class Line(Base):
                    __tablename__ = "line"
                    id = Column(Integer, primary_key=True)
                    product_id = Column(Integer, ForeignKey("product.id"))
            """
        }
    )
    load("app.model")
    assert described(witnesses, "extra").extends == TableKey(None, "product")
    assert described(witnesses, "line").extends is None
    assert described(witnesses, "line").references == (TableKey(None, "product"),)
    assert described(witnesses, "extra").edits == ()


def test_references_are_found_in_the_default_schema_of_a_metadata(write: Modules, witnesses: Witnesses) -> None:
    write(
        {
            "app/__init__.py": "",
            "app/model.py": """
                from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

                metadata = MetaData(schema="own")
                Table("product", metadata, Column("id", Integer, primary_key=True))
                Table(
                    "extra",
                    metadata,
                    Column("id", ForeignKey("product.id"), primary_key=True),
                    Column("parent", ForeignKey("extra.id")),
                    Column("elsewhere", ForeignKey("other.thing.id")),
                )
            """,
        }
    )
    found = {table.key.name: table for table in witnesses.describe([load("app.model").metadata], DIALECT)}
    assert found["extra"].extends == TableKey("own", "product")
    assert found["extra"].references == (TableKey("other", "thing"), TableKey("own", "product"))
    assert (found["product"].extends, found["product"].references) == (None, ())


def test_a_generated_table_names_its_source_and_nobody_who_triggered_it(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "generator/__init__.py": "",
            "generator/builder.py": """
                from sqlalchemy import Column, Table, event
                from sqlalchemy.orm import Mapper

                class Builder:
                    def __init__(self, source):
                        self.source = source

                    def build(self):
                        columns = [Column(c.name, c.type, primary_key=c.primary_key) for c in self.source.columns]
                        return Table(self.source.name + "_history", self.source.metadata, *columns)

                def watch(base):
                    @event.listens_for(Mapper, "after_configured", once=True)
                    def build():
                        for table in list(base.metadata.tables.values()):
                            Builder(table).build()
            """,
            "app/model.py": """
                from sqlalchemy import orm
                from corepkg.model import Base
                from generator.builder import watch
                watch(Base)

                def go():
                    orm.configure_mappers()
            """,
        }
    )
    load("app.model").go()
    table = described(witnesses, "product_history")
    assert set(packages(witnesses, table.stack)) == {"generator"}
    assert table.sources == (TableKey(None, "product"),)


def test_who_made_a_column_is_known_whoever_attaches_it_and_of_copies_too(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "corepkg/mixed.py": """
                from sqlalchemy import Column, Integer, Table
                from corepkg.model import Base

                class Mixin:
                    stamp = Column(Integer)

                def define_more(metadata, *extra):
                    Table("more", metadata, Column("id", Integer, primary_key=True), *extra)

                def define_class():
                    class Mixed(Mixin, Base):
                        __tablename__ = "mixed"
                        id = Column(Integer, primary_key=True)
            """,
            "app/model.py": """
                from sqlalchemy import Column, Integer
                from corepkg import mixed
                from corepkg.model import Base
                mixed.Mixin.sly = Column(Integer)
                mixed.define_more(Base.metadata, Column("mine", Integer))
                mixed.define_class()
            """,
        }
    )
    load("app.model")
    more, table = described(witnesses, "more"), described(witnesses, "mixed")
    assert packages(witnesses, item(more, "mine").made) == ["app"]
    assert packages(witnesses, item(more, "id").made) == ["corepkg", "app"]
    assert packages(witnesses, item(table, "sly").made) == ["app"]
    assert set(packages(witnesses, item(table, "stamp").made)) == {"corepkg"}


def test_nothing_is_recorded_after_stop(core: Modules, witnesses: Witnesses) -> None:
    witnesses.stop()
    try:
        assert described(witnesses, "product").stack is None
    finally:
        witnesses.install()


def early(core: Modules, witnesses: Witnesses, code: str) -> ModelTable:
    """The core's table, after code of the application that ran before the core was imported."""
    core({"app/early.py": f"from sqlalchemy import *\nfrom sqlalchemy import event\n{code}\n"})
    load("app.early")
    return described(witnesses, "product")


LISTENS = "@event.listens_for({kind}, '{name}')\ndef hear(item, parent):\n    {action}"


@pytest.mark.parametrize("name", ["before_parent_attach", "after_parent_attach"])
@pytest.mark.parametrize(
    ("action", "expected", "seen"),
    [
        ("item.nullable = True if item.name == 'name' else item.nullable", Edit("column", "name", "nullable"), True),
        ("item.comment = 'x' if item.name == 'name' else None", Edit("column", "name", "comment"), True),
        ("setattr(item.type, 'length', 9) if item.name == 'name' else None", Edit("column", "name", "type"), False),
    ],
)
def test_what_a_listener_does_before_the_table_is_attached_is_seen(  # noqa: PLR0917 - pytest passes them by name
    core: Modules, witnesses: Witnesses, name: str, action: str, expected: Edit, seen: bool
) -> None:
    from sqlalchemy import Column, event

    table = early(core, witnesses, LISTENS.format(kind="Column", name=name, action=action))
    hear = load("app.early").hear
    listening = listeners()
    event.remove(Column, name, hear)
    (edit,) = table.edits
    assert (edit.kind, edit.name, edit.attribute, edit.early) == (
        *(expected.kind, expected.name, expected.attribute),
        True,
    )
    if seen:
        assert packages(witnesses, edit.stack) == ["app", "corepkg"]
    else:
        assert edit.stack is None
    (listener,) = listening
    assert (listener.event, listener.package, listener.place.line) == (f"Column.{name}", "app", 3)


def test_what_a_listener_removes_while_the_table_is_made_is_an_edit(core: Modules, witnesses: Witnesses) -> None:
    from sqlalchemy import Index, event

    code = LISTENS.format(kind="Index", name="after_parent_attach", action="parent.indexes.discard(item)")
    table = early(core, witnesses, code)
    event.remove(Index, "after_parent_attach", load("app.early").hear)
    assert table.edits == (Edit("index", "ix_product_name", "removed", early=True),)


def test_what_is_done_to_a_mixin_is_done_to_its_copies(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "corepkg/base.py": """
                from sqlalchemy import Column, Integer, String
                class Stamped:
                    by = Column(String(20))
                    at = Column(String(20))
                    other = Column(String(20))
            """,
            "corepkg/stamped.py": """
                from sqlalchemy import Column, Integer
                from corepkg.base import Stamped
                from corepkg.model import Base
                class Stamp(Stamped, Base):
                    __tablename__ = "stamp"
                    id = Column(Integer, primary_key=True)
            """,
            "app/model.py": """
                from corepkg.base import Stamped
                Stamped.by.nullable = False
                Stamped.at.type.length = 9
                Stamped.other.nullable = True
                from corepkg import stamped
            """,
        }
    )
    load("app.model")
    edits = {edit.name: edit for edit in described(witnesses, "stamp").edits}
    assert {name: (edit.attribute, edit.early) for name, edit in edits.items()} == {
        "by": ("nullable", True),
        "at": ("type", True),
    }
    assert packages(witnesses, edits["by"].stack) == ["app"]
    assert edits["at"].stack is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", []),
        ("metadata.naming_convention = {'ix': 'i_%(column_0_name)s'}", [("naming_convention", False, ["app"])]),
        (
            "metadata = MetaData(naming_convention={'ix': 'i_%(column_0_name)s'})",
            [("naming_convention", True, ["app"])],
        ),
        ("metadata.naming_convention = dict(metadata.naming_convention)", [("naming_convention", False, ["app"])]),
    ],
)
def test_who_gives_the_names_is_known(
    core: Modules, witnesses: Witnesses, code: str, expected: list[tuple[str, bool, list[str]]]
) -> None:
    core(
        {
            "app/model.py": "from sqlalchemy import *\nfrom corepkg.model import define_tables\nmetadata = MetaData()\n"
            f"{code}\ndefine_tables(metadata)\n"
        }
    )
    (table,) = witnesses.describe([load("app.model").metadata], DIALECT)
    assert [(edit.attribute, edit.early, packages(witnesses, edit.stack)) for edit in table.edits] == expected


def test_a_naming_convention_changed_in_place_has_nobody_who_was_seen(core: Modules, witnesses: Witnesses) -> None:
    core(
        {
            "app/model.py": """
                from sqlalchemy import MetaData
                from corepkg.model import define_tables
                names = {"ix": "i_%(column_0_name)s"}
                metadata = MetaData(naming_convention=names)
                define_tables(metadata)
                names["ix"] = "j_%(column_0_name)s"
            """
        }
    )
    (table,) = witnesses.describe([load("app.model").metadata], DIALECT)
    assert table.edits == (Edit("table", None, "naming_convention"),)


def test_what_revisions_make_is_not_kept_alive(core: Modules, witnesses: Witnesses) -> None:
    """A long history makes tables by the thousand, and Alembic a MetaData for every single operation."""
    core(
        {
            "app/steps.py": """
                from alembic.operations import MigrateOperation, Operations
                from sqlalchemy import Column, Integer

                @Operations.register_operation("step_of_a_revision")
                class Step(MigrateOperation):
                    @classmethod
                    def step_of_a_revision(cls, operations):
                        return operations.invoke(cls())

                @Operations.implementation_for(Step)
                def upgrade(operations, operation):
                    table = operations.create_table("step", Column("id", Integer, primary_key=True))
                    table.c.id.comment = "changed"
            """
        }
    )
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy import create_engine

    load("app.steps")
    before = (len(witnesses._made), len(witnesses._edits), len(witnesses._tables), len(witnesses._conventions._given))
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        operations: Any = Operations(MigrationContext.configure(connection))
        operations.step_of_a_revision()
    engine.dispose()
    after = (len(witnesses._made), len(witnesses._edits), len(witnesses._tables), len(witnesses._conventions._given))
    assert after == before
