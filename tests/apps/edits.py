"""What a scenario changes in the clean application before the tool looks at it.

Paths are relative to the project; ``site:`` in front means the environment's site-packages, ``env:`` the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

Locate = Callable[[str], Path]
Rename = Callable[[str], str]


def unchanged(text: str) -> str:
    """The renaming that renames nothing."""
    return text


@dataclass(frozen=True)
class Edit:
    """One change of one file."""

    path: str

    def apply(self, locate: Locate, rename: Rename = unchanged) -> None:
        """Change the file; ``rename`` goes over paths and texts first."""
        raise NotImplementedError


@dataclass(frozen=True)
class Write(Edit):
    """The whole file; makes its folders."""

    text: str

    def apply(self, locate: Locate, rename: Rename = unchanged) -> None:
        path = locate(rename(self.path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rename(dedent(self.text)))


@dataclass(frozen=True)
class Replace(Edit):
    """``old`` occurs exactly once and becomes ``new``."""

    old: str
    new: str

    def apply(self, locate: Locate, rename: Rename = unchanged) -> None:
        path = locate(rename(self.path))
        text = path.read_text()
        old = rename(self.old)
        if text.count(old) != 1:
            message = f"{path}: {old!r} occurs {text.count(old)} times"
            raise ValueError(message)
        path.write_text(text.replace(old, rename(self.new)))


@dataclass(frozen=True)
class Append(Edit):
    """More text at the end of a file."""

    text: str

    def apply(self, locate: Locate, rename: Rename = unchanged) -> None:
        path = locate(rename(self.path))
        path.write_text(path.read_text() + rename(dedent(self.text)))


@dataclass(frozen=True)
class Delete(Edit):
    """The file goes away."""

    def apply(self, locate: Locate, rename: Rename = unchanged) -> None:
        locate(rename(self.path)).unlink()


MODEL = "poser/db/model"
VERSIONS = "poser/db/alembic/versions"
HEAD = "93d5b8e20f6c"

# The shipped application has work in progress, to show something. Without it, nothing is pending.
CLEAN: tuple[Edit, ...] = (
    Delete(f"{MODEL}/catalog.py"),
    Delete(f"{MODEL}/deliveries.py"),
    Delete(f"{MODEL}/shelves.py"),
    Delete(f"{VERSIONS}/c8e14f7a20d6_shelves.py"),
    Replace(f"{MODEL}/__init__.py", "from . import catalog\nfrom .deliveries import PoserDelivery\n", ""),
    Replace(f"{MODEL}/__init__.py", "from .shelves import PoserShelf\n", ""),
    Replace(
        f"{MODEL}/widgets.py",
        "    colour = sa.Column(sa.String(30))\n",
        "    shape = sa.Column(sa.String(10))\n",
    ),
)


def module(text: str, name: str = "extra") -> tuple[Edit, ...]:
    """A new module of the application's models, imported by them."""
    header = "import sqlalchemy as sa\nfrom acme.db import model as core\nfrom acme.db.model import *\n"
    return (
        Write(f"{MODEL}/{name}.py", header + dedent(text)),
        Append(f"{MODEL}/__init__.py", f"from . import {name}\n"),
    )


def revision(upgrade: str, *, id: str = "aa00bb11cc22", down: str = HEAD) -> tuple[Edit, ...]:  # noqa: A002
    """A further revision of the application."""
    body = "".join(f"    {line}\n" for line in dedent(upgrade).strip().splitlines())
    text = (
        f'"""a further step"""\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{id}"\n'
        f'down_revision = "{down}"\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n{body}'
    )
    return (Write(f"{VERSIONS}/{id}_step.py", text),)
