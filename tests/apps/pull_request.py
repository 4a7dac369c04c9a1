"""Applications in Git repositories, and the pull request that README and the reports' samples show."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .edits import HEAD, MODEL, VERSIONS, Edit, Replace, Write
from .environments import FIXTURES
from .harness import SQLITE, Application, make_application

_REVISION = '''"""{message}

Revision ID: {id}
Revises: {down}
"""

import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = "{down}"
branch_labels = None
depends_on = None


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''
_DELIVERIES = _REVISION.format(
    message="deliveries of widgets to stores",
    id="b2c3d4e5f6a7",
    down=HEAD,
    upgrade="""op.create_table(
        "poser_delivery",
        sa.Column("uuid", sa.String(32), nullable=False),
        sa.Column("store_uuid", sa.String(32), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["store_uuid"], ["store.uuid"], name="fk_poser_delivery_store_uuid"),
        sa.PrimaryKeyConstraint("uuid", name="pk_poser_delivery"),
    )
    op.create_index("ix_poser_delivery_store_uuid", "poser_delivery", ["store_uuid"])""",
    downgrade='op.drop_table("poser_delivery")',
)
_LABELS = _REVISION.format(
    message="labels on shelves",
    id="c3d4e5f6a7b8",
    down="b2c3d4e5f6a7",
    upgrade='op.add_column("product", sa.Column("shelf_label", sa.String(30), nullable=True))',
    downgrade='op.drop_column("product", "shelf_label")',
)
_SHIPPED = FIXTURES / "poser"


def _shipped(path: str) -> Edit:
    return Write(path, (_SHIPPED / path).read_text())


# What is work in progress in the shipped application, some of it in revisions.
SAMPLE: tuple[Edit, ...] = (
    *map(_shipped, (f"{MODEL}/catalog.py", f"{MODEL}/deliveries.py", f"{MODEL}/__init__.py")),
    Replace(f"{MODEL}/__init__.py", "from .shelves import PoserShelf\n", ""),
    Replace(f"{MODEL}/widgets.py", "    shape =", "    colour = sa.Column(sa.String(30))\n    shape ="),
    Write(f"{VERSIONS}/b2c3d4e5f6a7_deliveries.py", _DELIVERIES),
    Write(f"{VERSIONS}/c3d4e5f6a7b8_labels.py", _LABELS),
)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Poser", "-c", "user.email=poser@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.strip()


def commit(application: Application, message: str) -> str:
    git(application.project, "add", "--all")
    git(application.project, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(application.project, "rev-parse", "HEAD")


def branched(
    folder: Path,
    edits: tuple[Edit, ...],
    *,
    before: tuple[Edit, ...] = (),
    installed: tuple[Edit, ...] = (),
    database: str = SQLITE,
) -> Application:
    """The application in a repository: ``before`` on ``main``, ``edits`` on a branch of it, both committed.

    What is ``installed`` is in no commit.
    """
    application = make_application(folder, (*before, *installed), database=database)
    (application.project / ".gitignore").write_text("__pycache__\n*.egg-info\n*.db\n")
    git(application.project, "init", "--quiet", "--initial-branch=main")
    commit(application, "base")
    git(application.project, "checkout", "--quiet", "-b", "topic")
    for edit in edits:
        edit.apply(application.locate)
    commit(application, "topic")
    return application
