from __future__ import annotations

import ast
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from alembic_review.model.facts import Package
from alembic_review.model.optional_steps import Attempts
from alembic_review.observe.declared_tables import in_tree
from alembic_review.observe.source_scan import declared_tables


def names(source: str) -> list[str | None]:
    return [one.table for one in in_tree(ast.parse(dedent(source)), "shop")]


@pytest.mark.parametrize(
    "name",
    [
        '"shop_gadget"',
        'PREFIX + "gadget"',
        'f"{PREFIX}gadget"',
        "GADGET",
        '"shop" "_" "gadget"',
        'f"{PREFIX}" + "gadget"',
    ],
)
@pytest.mark.parametrize("constant", ['PREFIX = "shop_"', 'PREFIX: Final[str] = "shop_"'])
@pytest.mark.parametrize(
    "declaration",
    [
        "class Gadget(Base):\n    __tablename__ = {}",
        "class Gadget(Base):\n    __tablename__: str = {}",
        'class Gadget(Base):\n    @declared_attr\n    def __tablename__(cls):\n        """Ours."""\n        return {}',
        "gadget = Table({}, metadata)",
        "from sqlalchemy import Table as T\ngadget = T({}, metadata)",
        "gadget = sa.Table(name={}, metadata=metadata)",
        "class Gadget(Base):\n    __table__ = Table({}, metadata)",
    ],
)
def test_names_put_together_from_constants_of_the_module_are_read(name: str, constant: str, declaration: str) -> None:
    assert names(f'{constant}\nGADGET = PREFIX + "gadget"\n{declaration.format(name)}\n') == ["shop_gadget"]


@pytest.mark.parametrize(
    "constant",
    [
        "from shop.names import PREFIX",
        "from shop.names import *",
        "PREFIX = os.environ['PREFIX']",
        "PREFIX = 3",
        'PREFIX = "shop_"\nPREFIX += "x_"',
        'PREFIX = "shop_"\nif old:\n    PREFIX = "old_"',
        'if old:\n    PREFIX = "shop_"',
        'PREFIX = "shop_"\ndef rename():\n    global PREFIX',
        'PREFIX = "shop_"\ndef make(PREFIX): ...',
        'PREFIX = "shop_"\nfor PREFIX in names: ...',
        'PREFIX = "shop_"\nfrom shop.names import PREFIX',
        'PREFIX = "shop_"\nfrom shop.names import *',
    ],
)
@pytest.mark.parametrize(
    "declaration",
    [
        'class Gadget(Base):\n    __tablename__ = PREFIX + "gadget"',
        'class Gadget(Base):\n    __tablename__ = f"{PREFIX}gadget"',
        'Table(PREFIX + "gadget", metadata)',
    ],
)
def test_a_name_that_may_be_anything_is_not_guessed(constant: str, declaration: str) -> None:
    assert names(f"{constant}\n{declaration}\n") == [None]


@pytest.mark.parametrize(
    "declaration",
    [
        'class A(Base):\n    __tablename__ = "{}_a".format(NAME)',
        'class A(Base):\n    __tablename__ = f"{NAME!r}"',
        'class A(Base):\n    __tablename__ = f"{NAME:>3}"',
        'class A(Base):\n    __tablename__ = other = "a"',
        'class A(Base):\n    if old:\n        __tablename__ = "a"\n    else:\n        __tablename__ = "b"',
        "class A(Base):\n    @declared_attr\n    def __tablename__(cls):\n        return cls.__name__.lower()",
        "class A(Base):\n    @declared_attr\n    def __tablename__(cls):\n        x = 'b'\n        return x",
        "@registry.mapped\nclass A:\n    @declared_attr\n    def __tablename__(cls):\n        return cls.__name__",
        # Named by a base, which lies elsewhere.
        "class A(Named, Base):\n    id = sa.Column(sa.Integer, primary_key=True)",
        "class A(db.Model):\n    id = db.Column(db.Integer, primary_key=True)",
        "from shop.db import db\nclass A(db.Model):\n    id = db.Column(db.Integer, primary_key=True)",
        "class A(Base):\n    id: Mapped[int] = mapped_column(primary_key=True)",
        "class A(Base):\n    id: orm.Mapped[int]",
        "class A(SQLModel, table=True):\n    id: int = Field(primary_key=True)",
        "def make(name):\n    return Table(name, metadata)",
        "Table(*arguments)",
        "from sqlalchemy import Table\nTable(NAME, metadata)",
        "from .database import Table\nTable(NAME, metadata)",
    ],
)
def test_a_table_whose_name_only_running_the_module_would_tell(declaration: str) -> None:
    assert names(f'NAME = "x"\nNAME = "y"\n{declaration}\n') == [None]


@pytest.mark.parametrize(
    "declaration",
    [
        "class A(Base):\n    __abstract__ = True\n    id = Column(Integer, primary_key=True)",
        "class A(Parent):\n    __tablename__ = None\n    extra = Column(Integer)",
        "class Stamped:\n    created = Column(DateTime)",
        "class Stamped(object):\n    created = Column(DateTime)",
        "class Named:\n    @declared_attr\n    def __tablename__(cls):\n        return cls.__name__.lower()",
        "@declarative_mixin\nclass N:\n    @declared_attr\n    def __tablename__(cls):\n        return cls.__name__",
        "class Base(DeclarativeBase):\n    @declared_attr\n    def __tablename__(cls):\n        return cls.__name__",
        "class A(Thing):\n    name = 'x'",
        "from rich.table import Table\nTable(title, columns)",
        "from rich.table import Table\nTable()",
        "from pyspark import Table\nTable(name='t')",
        "import reportlab.platypus as rl\nrl.Table(rows, widths)",
        "import django_tables2 as tables\nclass A(tables.Table):\n    name = tables.Column()",
        "old = Table(name, MetaData(), autoload_with=engine)",
        "Table(title)",
        "Table()",
    ],
)
def test_what_declares_no_table(declaration: str) -> None:
    assert names(f"{declaration}\n") == []


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.large)])
def test_no_python_file_is_too_strange_to_be_read(every: int) -> None:
    """Files of the environment that runs this: what nobody wrote with this tool in mind."""
    paths = sorted(Path(sys.prefix).rglob("*.py"))[::every]
    files = [Package(f"file{number}", (str(path),)) for number, path in enumerate(paths)]
    assert len(files) > 1000 / every
    attempts = Attempts()
    assert declared_tables(files, attempts)
    assert attempts.failures == []
