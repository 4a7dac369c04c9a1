from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alembic_review.model.facts import Frame, Item, Place
from alembic_review.worker.definitions.attribute_lines import item_place
from tests.worker.conftest import Modules, load

MODEL = """\
from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Stamped:
    stamp = Column(Integer)


class Widget(
    Stamped,
    Base,
):
    __tablename__ = "widget"
    __table_args__ = (
        Index("ix_widget_both", "colour", "size"),
        UniqueConstraint("colour", "size"),
    )
    id = Column(Integer, primary_key=True)
    colour = Column(
        String(20),
    )
    size_in_code = Column("size", Integer, index=True)


Table(
    "pair",
    Base.metadata,
    Column("left", Integer),
    Column("right", Integer),
)
"""


@pytest.mark.parametrize(
    ("line", "item", "expected"),
    [
        (11, Item("column", "colour", ("colour",)), 21),
        (11, Item("column", "size", ("size",)), 24),
        (11, Item("column", "stamp", ("stamp",)), 8),
        (11, Item("index", "ix_widget_both", ("colour", "size")), 17),
        (11, Item("index", "ix_widget_size", ("size",)), 24),
        (11, Item("constraint", None, ("colour", "size")), 16),
        (11, Item("column", "nowhere", ("nowhere",)), 11),
        (27, Item("column", "right", ("right",)), 31),
        (27, Item("column", "nowhere", ("nowhere",)), 27),
    ],
)
def test_the_place_is_the_line_of_the_attribute(
    write: Modules, tmp_path: Path, line: int, item: Item, expected: int
) -> None:
    write({"shop/__init__.py": "", "shop/model.py": MODEL})
    load("shop.model")
    path = str(tmp_path / "shop" / "model.py")
    place = item_place(Frame(path, line, "<module>", "shop", "shop.model"), item)
    assert (place.path, place.line) == (path, expected)


def test_the_column_of_a_library_s_mixin_is_at_the_class_that_inherits_it(write: Modules, tmp_path: Path) -> None:
    mixin = "from sqlalchemy import Column, Integer\n\n\nclass Stamped:\n    stamp = Column(Integer)\n"
    site = tmp_path / "env" / "site-packages"
    site.mkdir(parents=True)
    write(
        {
            "env/site-packages/library_with_mixins/__init__.py": mixin,
            "mixins_beside.py": mixin.replace("stamp", "own"),
            "flat_model.py": f"""
                import sys
                sys.path.append({str(site)!r})
                from sqlalchemy import Column, Integer
                from sqlalchemy.orm import declarative_base
                import library_with_mixins
                import mixins_beside

                Base = declarative_base()
                class Widget(library_with_mixins.Stamped, mixins_beside.Stamped, Base):
                    __tablename__ = "widget"
                    id = Column(Integer, primary_key=True)
            """,
        }
    )
    try:
        load("flat_model")
    finally:
        sys.path.remove(str(site))
    path = str(tmp_path / "flat_model.py")
    frame = Frame(path, 10, "<module>", "flat_model", "flat_model", body=True)
    assert item_place(frame, Item("column", "stamp", ("stamp",))) == Place(path, 10)
    assert item_place(frame, Item("column", "own", ("own",))) == Place(str(tmp_path / "mixins_beside.py"), 5)


def test_a_source_that_is_gone_leaves_the_line_of_the_frame() -> None:
    place = item_place(Frame("/nowhere/model.py", 7, "<module>"), Item("column", "x", ("x",)))
    assert place.line == 7
