from __future__ import annotations

import sys
from pathlib import Path

from alembic_review.model.facts import Package
from alembic_review.observe.sources import declared_tables

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
    found = [(entry.module, entry.table, entry.schema, entry.line) for entry in declared_tables(packages)]
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
