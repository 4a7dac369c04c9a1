from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import pytest

from alembic_review.model.facts import Package
from alembic_review.model.optional_steps import Attempts
from alembic_review.observe import source_scan
from alembic_review.observe.source_scan import declared_tables, loose_packages

SOURCES = {
    "shop/__init__.py": "raise RuntimeError('nobody imports this')",
    "shop/db/model.py": 'class A(Base):\n    __tablename__ = "a"\n\nb = Table("b", metadata)\n',
    "shop/db/__init__.py": 'c = sa.Table("c", metadata, schema="other")',
    "shop/db/schema.py": (
        'class D(Base):\n    __tablename__: str = "d"\n    __table_args__ = (1, {"schema": "other"})\n'
    ),
    "shop/db/computed.py": 'class E(Base):\n    __tablename__ = PREFIX + "e"\n\nTable(name, metadata)\nTable("rich")\n',
    "shop/db/alembic/versions/x.py": 'Table("migrated", metadata)',
    "shop/tests/test_x.py": 'Table("tested", metadata)',
    "shop/broken.py": "class (: __tablename__",
    "shop/newer.py": (
        'class N[T](Base) when new:\n    __tablename__: str = "n"  # ours\n    other = f"__tablename__"\n\n'
        'o = sa.Table(\n    "o", metadata)\nMyTable("p", metadata)\nTable("rich")\n'
        'class P(Base):\n    __tablename__ = PREFIX + "p"\n\nclass Table(Grid, Sorted): ...\n'
        "q = Table(name, metadata)\nclass R:\n    def __tablename__(cls): ...\n"
    ),
    "shop/latin.py": '# -*- coding: latin-1 -*-\nq = Table("qu\u00e9", metadata)\n',
    "shop/revisions/r.py": 'revision = "1"\ndown_revision: str | None = None\nr = Table("revised", metadata)\n',
    "shop/db/versions/__init__.py": "",
    "shop/db/versions/document.py": 'class V(Base):\n    __tablename__ = "v"\n',
    "shop/odd-name.py": 'Table("odd", metadata)',
    "lone.py": 'class L(Base):\n    __tablename__ = "l"\n',
}


def test_declared_tables_are_read_and_never_imported(tmp_path: Path) -> None:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="latin-1" if "latin" in name else "utf-8")
    packages = [Package("shop", (str(tmp_path / "shop"),)), Package("lone", (str(tmp_path / "lone.py"),))]
    found = [(entry.module, entry.table, entry.schema, entry.line) for entry in declared_tables(packages, Attempts())]
    assert found == [
        ("lone", "l", None, 1),
        ("shop.db", "c", "other", 1),
        ("shop.db.computed", None, None, 1),
        ("shop.db.computed", None, None, 4),
        ("shop.db.model", "a", None, 1),
        ("shop.db.model", "b", None, 4),
        ("shop.db.schema", "d", "other", 1),
        ("shop.db.versions.document", "v", None, 1),
        ("shop.latin", "qu\u00e9", None, 2),
        ("shop.newer", "n", None, 2),
        ("shop.newer", "o", None, 6),
        ("shop.newer", None, None, 10),
        ("shop.newer", None, None, 13),
        ("shop.newer", None, None, 15),
    ]
    assert "shop" not in sys.modules


FLAT = {
    "posts.py": 'class P(Base):\n    __tablename__ = "posts"\n',
    "noxfile.py": "import nox\n",
    "conftest.py": 'Table("tested", metadata)',
    "test_posts.py": 'Table("tested", metadata)',
    "odd-name.py": 'Table("odd", metadata)',
    "models/__init__.py": 'class M(Base):\n    __tablename__ = "models"\n',
    "models/deep/tag.py": 'class T(Base):\n    __tablename__ = "tags"\n',
    "acme/shop/order.py": 'class O(Base):\n    __tablename__ = "orders"\n',
    "acme/shop/item.py": 'class I(Base):\n    __tablename__ = "items"\n',
    "acme/vendored/pyproject.toml": "",
    "acme/vendored/other/model.py": 'Table("vendored", metadata)',
    "scripts/load.py": 'Table("scripted", metadata)',
    "tests/model.py": 'Table("tested", metadata)',
    ".hidden/model.py": 'Table("hidden", metadata)',
    ".venv/pyvenv.cfg": "",
    ".venv/lib/site-packages/x/__init__.py": 'Table("x", metadata)',
    "env/pyvenv.cfg": "",
    "env/__init__.py": 'Table("env", metadata)',
    "core/__init__.py": 'Table("core", metadata)',
    "migrations/__init__.py": "",
    "migrations/versions/one.py": 'revision = "1"\ndown_revision = None\nTable("revised", metadata)\n',
}


def test_what_lies_beside_the_loaded_modules_of_a_flat_project_is_read_too(tmp_path: Path) -> None:
    for name, text in FLAT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    core = Package("core", (str(tmp_path / "core"),), distribution="core", editable=True)
    loose = list(loose_packages([str(tmp_path)], [core], ["acme.shop.item", "users"]))
    again = Package("acme.shop.item", (str(tmp_path / "acme/shop/item.py"),))
    found = [(entry.package, entry.module, entry.table) for entry in declared_tables([again, *loose], Attempts())]
    assert found == [
        ("acme.shop.item", "acme.shop.item", "items"),
        ("acme", "acme.shop.order", "orders"),
        ("models", "models", "models"),
        ("models", "models.deep.tag", "tags"),
        ("posts", "posts", "posts"),
    ]


def test_a_module_whose_reading_fails_is_searched_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise IndexError

    monkeypatch.setattr(source_scan, "in_tree", fail)
    (tmp_path / "model.py").write_text('a = Table("a", metadata, schema="own")\n')
    attempts = Attempts()
    (one,) = declared_tables([Package("shop", (str(tmp_path),))], attempts)
    assert (one.module, one.table, one.schema) == ("shop.model", "a", None)
    assert attempts.failures[0].startswith("the source of shop.model but as text (IndexError at ")


def test_modules_that_are_loaded_are_not_read(tmp_path: Path) -> None:
    """Their tables are known from the models."""
    for name in ("loaded", "missing"):
        (tmp_path / f"{name}.py").write_text(f'{name} = Table("{name}", metadata)')
    packages = [Package("shop", (str(tmp_path),))]
    assert [one.table for one in declared_tables(packages, Attempts())] == ["loaded", "missing"]
    assert [one.table for one in declared_tables(packages, Attempts(), {"shop.loaded"})] == ["missing"]
