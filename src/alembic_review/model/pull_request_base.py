"""What is known of the base of a pull request."""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_review.model.accepting import AcceptedAtBase
from alembic_review.model.facts import Facts, Place


@dataclass(frozen=True)
class EditedRevision:
    """A revision that the base has too, in other words.

    ``path`` is its file today. ``code`` is false where only comments, docstrings or the layout differ.
    """

    id: str
    path: str
    code: bool = True


@dataclass(frozen=True)
class ChangedSettings:
    """Settings of this tool, or those by which Alembic finds revisions, that are not what they were in their file."""

    place: Place
    keys: tuple[str, ...]
    alembic: bool = False


@dataclass(frozen=True)
class History:
    """The base: ``facts`` are its revisions applied, and compared with the schema that today's heads lead to.

    ``commit`` is the full name of it, ``ref`` the one it was asked for by.

    ``removed`` are revisions that are gone. ``accepted`` are its entries that accept findings.
    """

    commit: str
    facts: Facts
    ref: str = ""
    edited: tuple[EditedRevision, ...] = ()
    removed: tuple[str, ...] = ()
    settings: tuple[ChangedSettings, ...] = ()
    not_checked: tuple[str, ...] = ()
    accepted: AcceptedAtBase = field(default_factory=AcceptedAtBase)
