"""Applications of any size, written as files: models, an Alembic environment, and a history of revisions.

Every revision creates five tables, with a foreign key to an earlier table, an index, a unique constraint and server
defaults; every tenth one alters earlier tables instead, as histories do. The models and the last revision agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PER_REVISION = 5
_ALTERS = 10
_PER_MODULE = 50
_COLUMNS = 6

_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config

import app.models
from app.base import Base

config = context.config
url = context.get_x_argument(as_dictionary=True).get("url") or config.get_main_option("sqlalchemy.url")
engine = engine_from_config({"sqlalchemy.url": url})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()
"""

_BASE = """\
from sqlalchemy.orm import declarative_base

Base = declarative_base()
"""

_HEADER = """\
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Integer, Numeric, String, UniqueConstraint, text

from app.base import Base
"""

_REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = "r{number:05}"
down_revision = {down}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
"""


@dataclass(frozen=True)
class Generated:
    """An application of ``tables`` tables below ``folder``."""

    folder: Path
    tables: int
    revisions: int

    @property
    def config(self) -> Path:
        """The Alembic config."""
        return self.folder / "alembic.ini"

    def edit_model(self, number: int) -> None:
        """Add a column to one model that no revision knows."""
        path = self.folder / "app" / "models" / f"part{number // _PER_MODULE:03}.py"
        mark = f'    __tablename__ = "{_table(number)}"\n'
        path.write_text(path.read_text().replace(mark, f"{mark}    added = Column(String(30))\n", 1))

    def add_revision(self) -> None:
        """Write one more revision, which adds the column of ``edit_model(0)``."""
        last = self.revisions - 1
        lines = [f'    op.add_column("{_table(0)}", sa.Column("added", sa.String(30)))']
        back = [f'    op.drop_column("{_table(0)}", "added")']
        _write(self.folder / "migrations" / "versions" / "new.py", _revision(last + 1, lines, back))


def generate(folder: Path, tables: int, url: str = "postgresql://nobody@nowhere.invalid/app") -> Generated:
    """Write an application of this many tables; ``url`` is what its config names."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "pyproject.toml", '[project]\nname = "app"\nversion = "1"\n')
    _write(
        folder / "alembic.ini",
        f"[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = %(here)s\nsqlalchemy.url = {url}\n",
    )
    _write(folder / "migrations" / "env.py", _ENV)
    _write(folder / "migrations" / "script.py.mako", "")
    _write(folder / "app" / "__init__.py", "")
    _write(folder / "app" / "base.py", _BASE)
    modules = range(0, tables, _PER_MODULE)
    imports = "".join(f"import app.models.part{start // _PER_MODULE:03}\n" for start in modules)
    _write(folder / "app" / "models" / "__init__.py", imports)
    for start in modules:
        models = "".join(_model(number) for number in range(start, min(start + _PER_MODULE, tables)))
        _write(folder / "app" / "models" / f"part{start // _PER_MODULE:03}.py", _HEADER + models)
    return Generated(folder, tables, _history(folder / "migrations" / "versions", tables))


def _history(folder: Path, tables: int) -> int:
    number = made = 0
    while made < tables:
        if number % _ALTERS == _ALTERS - 1:
            altered = range(made - PER_REVISION, made)
            lines = [f'    op.create_index("ix_{_table(n)}_late", "{_table(n)}", ["late"])' for n in altered]
            back = [f'    op.drop_index("ix_{_table(n)}_late", "{_table(n)}")' for n in altered]
        else:
            created = range(made, min(made + PER_REVISION, tables))
            made = created.stop
            lines = [line for n in created for line in _create(n)]
            back = [f'    op.drop_table("{_table(n)}")' for n in reversed(created)]
        _write(folder / f"r{number:05}.py", _revision(number, lines, back))
        number += 1
    # Whatever the last revisions did not reach has its index from the start.
    late = [n for n in range(tables) if not _indexed_late(n, tables)]
    lines = [f'    op.create_index("ix_{_table(n)}_late", "{_table(n)}", ["late"])' for n in late] or ["    pass"]
    back = [f'    op.drop_index("ix_{_table(n)}_late", "{_table(n)}")' for n in late] or ["    pass"]
    _write(folder / f"r{number:05}.py", _revision(number, lines, back))
    return number + 1


def _indexed_late(number: int, tables: int) -> bool:
    """Whether an altering revision of the history creates the late index of this table."""
    group = number // PER_REVISION
    last = (tables - 1) // PER_REVISION
    return group % (_ALTERS - 1) == _ALTERS - 2 and group < last


def _revision(number: int, upgrade: list[str], downgrade: list[str]) -> str:
    down = f'"r{number - 1:05}"' if number else "None"
    return _REVISION.format(number=number, down=down, upgrade="\n".join(upgrade), downgrade="\n".join(downgrade))


def _table(number: int) -> str:
    return f"app_t{number:05}"


def _create(number: int) -> list[str]:
    name = _table(number)
    columns = [f'        sa.Column("c{n}", sa.String({20 + n})),' for n in range(_COLUMNS)]
    reference = f'["previous_id"], ["{_table(number - 1)}.id"], name="fk_{name}_previous"'
    return [
        "    op.create_table(",
        f'        "{name}",',
        '        sa.Column("id", sa.Integer, primary_key=True),',
        '        sa.Column("code", sa.String(20), nullable=False),',
        '        sa.Column("late", sa.Integer, nullable=False, server_default=sa.text("0")),',
        '        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),',
        '        sa.Column("amount", sa.Numeric(10, 2)),',
        '        sa.Column("made", sa.DateTime),',
        '        sa.Column("previous_id", sa.Integer),',
        *columns,
        f'        sa.UniqueConstraint("code", name="uq_{name}_code"),',
        *([f"        sa.ForeignKeyConstraint({reference}),"] if number else []),
        "    )",
        f'    op.create_index("ix_{name}_made", "{name}", ["made"])',
    ]


def _model(number: int) -> str:
    name = _table(number)
    columns = "".join(f"    c{n} = Column(String({20 + n}))\n" for n in range(_COLUMNS))
    reference = f', ForeignKey("{_table(number - 1)}.id", name="fk_{name}_previous")' if number else ""
    return f"""

class T{number:05}(Base):
    __tablename__ = "{name}"

    id = Column(Integer, primary_key=True)
    code = Column(String(20), nullable=False)
    late = Column(Integer, nullable=False, server_default=text("0"))
    active = Column(Boolean, nullable=False, server_default=text("true"))
    amount = Column(Numeric(10, 2))
    made = Column(DateTime)
    previous_id = Column(Integer{reference})
{columns}
    __table_args__ = (
        UniqueConstraint("code", name="uq_{name}_code"),
        Index("ix_{name}_made", "made"),
        Index("ix_{name}_late", "late"),
    )
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
