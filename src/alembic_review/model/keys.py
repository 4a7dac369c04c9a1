"""What settings, facts and proofs name: places, tables and renames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    path: str
    line: int


@dataclass(frozen=True)
class TableKey:
    """A table within one database."""

    schema: str | None
    name: str


@dataclass(frozen=True)
class Rename:
    """A rename that the user accepts, as it is ``asked`` for: ``table.old=new`` or ``old=new``.

    ``old`` are the names before the equals sign: schema, table and column, of which the first or the last may be
    missing. ``place`` is the file that names it, and empty for the command line.
    """

    asked: str
    old: tuple[str, ...]
    new: str
    place: str = ""
