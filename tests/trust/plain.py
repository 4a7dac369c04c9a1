"""A small plain Alembic project whose code stops where a way wants it to, and runs of the tool on it as a process."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

TOOL = (sys.executable, "-m", "alembic_review")
SQLITE = "sqlite"
POSTGRESQL = "postgresql"
URLS = {SQLITE: "sqlite:///never.db", POSTGRESQL: "postgresql+psycopg2://nobody:none@db.invalid/never"}

_FILES = {
    "pyproject.toml": """
        [project]
        name = "plain"
        version = "1"
        [tool.alembic-review]
        preload = ["preloaded"]
        context = "stops:context"
        before = "stops:before"
    """,
    "alembic.ini": """
        [alembic]
        script_location = migrations
        sqlalchemy.url = {url}
        prepend_sys_path = .
    """,
    "stops.py": '''
        """Stops the process that runs it in the phase that WAY_PHASE names, once WAY_MARK is there for all to see."""
        import contextlib, os, time

        def stop(phase):
            if os.environ.get("WAY_PHASE") == phase:
                open(os.environ["WAY_MARK"], "w").close()
                exec(os.environ.get("WAY_CODE") or "time.sleep(600)", dict(globals()))

        @contextlib.contextmanager
        def context():
            stop("context")
            yield

        def before(connection):
            stop("before")
    ''',
    "preloaded.py": 'import stops\nstops.stop("preload")\n',
    "models.py": """
        import sqlalchemy as sa
        from sqlalchemy.orm import declarative_base
        import stops
        stops.stop("models")
        Base = declarative_base()

        class Book(Base):
            __tablename__ = "book"
            id = sa.Column(sa.Integer, primary_key=True)
            title = sa.Column(sa.String(200))

        class Author(Base):
            __tablename__ = "author"
            id = sa.Column(sa.Integer, primary_key=True)
    """,
    "migrations/env.py": """
        from alembic import context
        from sqlalchemy import engine_from_config, pool
        import stops
        stops.stop("env")
        import models

        def include_object(*_):
            stops.stop("comparison")
            return True

        section = context.config.get_section(context.config.config_ini_section, {{}})
        engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
        with engine.connect() as connection:
            stops.stop("connected")
            context.configure(
                connection=connection, target_metadata=models.Base.metadata, include_object=include_object
            )
            with context.begin_transaction():
                context.run_migrations()
                stops.stop("transaction")
        stops.stop("end of env")
    """,
    "migrations/script.py.mako": '"""${{message}}"""\n',
    "migrations/versions/a1_book.py": """
        import sqlalchemy as sa
        from alembic import op
        import stops
        revision = "a1"
        down_revision = None
        stops.stop("revision file")

        def upgrade():
            stops.stop("first revision")
            op.create_table("book", sa.Column("id", sa.Integer, primary_key=True))
            stops.stop("inside revision")

        def downgrade():
            stops.stop("downgrade")
            op.drop_table("book")
    """,
    "migrations/versions/a2_note.py": """
        import sqlalchemy as sa
        from alembic import op
        import stops
        revision = "a2"
        down_revision = "a1"

        def upgrade():
            stops.stop("last revision")
            op.create_table("note", sa.Column("id", sa.Integer, primary_key=True))

        def downgrade():
            op.drop_table("note")
    """,
}


@dataclass(frozen=True)
class Project:
    """The project in ``folder``."""

    folder: Path
    database: str

    def files(self) -> list[str]:
        """Every path below the folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


def make_project(folder: Path, database: str) -> Project:
    """Write the project."""
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).replace("{url}", URLS[database]).replace("{{", "{").replace("}}", "}").lstrip())
    return Project(folder, database)


def environ(**variables: str) -> dict[str, str]:
    """The environment of a run, without what pytest and a CI job put there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_", "WAY_"))}
    return {**kept, **variables}


def running(text: str) -> dict[int, str]:
    """Processes, but for zombies, with ``text`` in their environment or command line."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes()
            told = line + (path / "environ").read_bytes() if os.access(path / "environ", os.R_OK) else line
        except OSError:
            continue
        if line and text.encode() in told and int(path.name) != os.getpid():
            found[int(path.name)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def short_folder(name: str) -> Path:
    """A new folder near the root of the file system, for sockets, that a server's account can enter."""
    folder = Path("/tmp") / f"{name}-{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    return folder


def remove(folder: Path) -> None:
    """Remove what a way used."""
    shutil.rmtree(folder, ignore_errors=True)
