"""Names that facts and proofs share."""

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
