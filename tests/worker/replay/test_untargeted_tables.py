"""Tables outside the target metadata, and tables that were read from a database."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from alembic_review.model.facts import TableKey
from alembic_review.worker.compare.untargeted_tables import untargeted
from alembic_review.worker.definitions.definition_sites import Witnesses
from tests.worker.conftest import DIALECT, Modules, load

MODELS = """
    from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table
    from sqlalchemy.orm import declarative_base

    Base, Other = declarative_base(), declarative_base()


    class Book(Base):
        __tablename__ = "book"
        id = Column(Integer, primary_key=True)


    class Log(Other):
        __tablename__ = "log"
        id = Column(Integer, primary_key=True)


    lines = Table("lines", Other.metadata, Column("log", ForeignKey("log.id")))
    lone = Table("lone", MetaData(), Column("id", Integer))
"""


def names(witnesses: Witnesses, targets: list[Any], **fields: Any) -> list[str]:
    chosen = {"views": (), "elsewhere": (), "locations": (), **fields}
    ours = [one for one in untargeted(witnesses, targets, **chosen) if one.key.name in {"book", "log", "lines", "lone"}]
    return [one.key.name for one in ours]


def test_tables_of_a_forgotten_metadata(write: Modules, witnesses: Witnesses, tmp_path: Path) -> None:
    gc.collect()  # registries of other tests
    write({"shelf/__init__.py": "", "shelf/models.py": MODELS, "tests/__init__.py": ""})
    shelf = load("shelf.models")
    target = shelf.Base.metadata
    assert names(witnesses, [target]) == ["lines", "log"]
    assert names(witnesses, [target, shelf.Other.metadata]) == []
    assert names(witnesses, [target], views=[TableKey(None, "log"), TableKey(None, "lines")]) == []
    assert names(witnesses, [target], locations=[str(tmp_path / "shelf")]) == []
    copied = shelf.MetaData()
    for table in shelf.Other.metadata.sorted_tables:
        table.to_metadata(copied, schema="audit")
    assert names(witnesses, [target, copied]) == []


def test_without_mapped_classes_every_table_of_a_module_counts(write: Modules, witnesses: Witnesses) -> None:
    core = """
        from sqlalchemy import Column, Integer, MetaData, Table
        target, other = MetaData(), MetaData()
        Table("book", target, Column("id", Integer))
        Table("log", other, Column("id", Integer))
        def make():
            return Table("lone", MetaData(), Column("id", Integer))
        kept = make()
    """
    write({"coreshelf/__init__.py": "", "coreshelf/models.py": core})
    assert names(witnesses, [load("coreshelf.models").target]) == ["log"]


def test_models_of_tests_do_not_count(write: Modules, witnesses: Witnesses) -> None:
    write({"shelf2/__init__.py": "", "shelf2/test_models.py": MODELS})
    assert names(witnesses, [load("shelf2.test_models").Base.metadata]) == []


def test_a_removed_table_counts_with_its_mapped_class(write: Modules, witnesses: Witnesses) -> None:
    write({"shelf3/__init__.py": "", "shelf3/models.py": MODELS})
    shelf = load("shelf3.models")
    target = shelf.Other.metadata
    target.remove(shelf.Log.__table__)
    (found,) = [one for one in untargeted(witnesses, [target], (), (), ()) if one.removed]
    assert (found.key.name, found.mapped) == ("log", True)


def test_columns_that_were_read_from_a_database(write: Modules, witnesses: Witnesses) -> None:
    reading = """
        import pickle
        from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine

        metadata, copied = MetaData(), MetaData()
        with create_engine("sqlite://").connect() as connection:
            connection.exec_driver_sql("CREATE TABLE one (id INTEGER PRIMARY KEY, name TEXT)")
            connection.exec_driver_sql("CREATE TABLE two (id INTEGER PRIMARY KEY, name TEXT)")
            Table("one", metadata, autoload_with=connection)
            Table("two", metadata, Column("name", String), autoload_with=connection)
        Table("three", metadata, Column("id", Integer))
        for table in metadata.sorted_tables:
            table.to_metadata(copied)
        pickled = pickle.loads(pickle.dumps(metadata))
    """
    write({"reading.py": reading})
    module = load("reading")
    expected = {"one": ("id", "name"), "two": ("id",), "three": ()}
    for metadata in (module.metadata, module.copied):
        found = witnesses.describe([metadata], DIALECT)
        assert {one.key.name: tuple(sorted(one.reflected)) for one in found} == expected
    pickled = witnesses.describe([module.pickled], DIALECT)
    assert {one.key.name: len(one.reflected) for one in pickled} == {"one": 2, "two": 2, "three": 1}
