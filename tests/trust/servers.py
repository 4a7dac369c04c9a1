"""A project of one revision, and a review of it in this process: for what SQL does to a database server."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from alembic_review.model.errors import ReviewError
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.workflows import review as service

MODELS = """
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
Table("kept", metadata, Column("id", Integer, primary_key=True))
"""
ENV_PY = """
from alembic import context
from models import metadata
from sqlalchemy import create_engine

with create_engine("postgresql://me:secret@localhost/production").connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    {before}
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op
from sqlalchemy import Column, Integer, text

revision = "a1"
down_revision = None


def upgrade():
    op.create_table("kept", Column("id", Integer, primary_key=True))
    {upgrade}


def downgrade():
    {downgrade}
    op.drop_table("kept")
"""


@dataclass(frozen=True)
class Outcome:
    """What a review came to: its exit status, and what a person reads of it."""

    status: int
    codes: tuple[str, ...]
    text: str
    review: Review | None


def make_project(folder: Path, upgrade: str, *, downgrade: str = "pass", before: str = "pass") -> Path:
    """Write the project; each argument is the code of a function, with as many lines as it needs."""
    (folder / "versions").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\nprepend_sys_path = %(here)s\n")
    (folder / "models.py").write_text(MODELS)
    (folder / "env.py").write_text(ENV_PY.format(before=_indented(before)))
    revision = REVISION.format(upgrade=_indented(upgrade), downgrade=_indented(downgrade))
    (folder / "versions" / "a1.py").write_text(revision)
    return folder


def settings_of(folder: Path, server: str | None = None) -> Settings:
    """The settings of a review of the project."""
    return Settings(
        config=folder / "alembic.ini",
        root=folder,
        custom=("models",),
        server=server,
        python=os.environ.get("ALEMBIC_REVIEW_APP_PYTHON", sys.executable),
        timeout=120,
    )


def review(folder: Path, server: str | None = None) -> Outcome:
    """Review the project, and say what the command would."""
    try:
        found = service.review(settings_of(folder, server))
    except ReviewError as error:
        return Outcome(error.exit_code, (), f"{error.message}\n{error.hint}", None)
    codes = tuple(sorted({finding.code for finding in found.findings}))
    text = "\n".join(f"{finding.message} {finding.hint}" for finding in found.findings)
    return Outcome(int(found.gate.refused), codes, text, found)


def line_of(folder: Path, file: str, words: str) -> int:
    """The number of the line that holds these words."""
    lines = (folder / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def _indented(code: str) -> str:
    return code.replace("\n", "\n    ")
