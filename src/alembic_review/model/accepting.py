"""What the settings and comments in the source accept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from alembic_review.model.keys import Place
from alembic_review.model.review import KnownFinding


@dataclass(frozen=True)
class Accept:
    """An entry that accepts the findings of one check, with the reason.

    ``table``, ``column``, ``name``, ``revision`` and ``fingerprint`` select findings; what is ``None`` selects all.
    ``until`` is the last day on which the entry counts. ``place`` is the line of the entry.

    An entry that is a comment in the source selects the findings at ``lines``, the first and the last of the
    ``statement`` that it belongs to. ``problem`` is set where the comment can't be read: then it accepts nothing.
    """

    code: str
    reason: str
    table: str | None = None
    column: str | None = None
    name: str | None = None
    revision: str | None = None
    fingerprint: str | None = None
    until: date | None = None
    place: Place | None = None
    lines: tuple[int, int] | None = None
    statement: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Baseline:
    """The findings that a project had before. ``name`` is how its file was named; one to be ``updated`` takes all."""

    name: str
    path: str = ""
    entries: tuple[KnownFinding, ...] = ()
    updated: bool = False


SELECTORS = ("table", "column", "name", "revision", "fingerprint")


@dataclass(frozen=True)
class Comments:
    """The comments of the source that accept findings, and ``today``: by default, a day after every end date."""

    entries: tuple[Accept, ...] = ()
    today: date = date.max


NO_COMMENTS = Comments()


@dataclass(frozen=True)
class AcceptedAtBase:
    """The entries that the base of a pull request has, and whether its settings let new ones wait for the merge.

    ``baseline`` are the fingerprints in its baseline, ``None`` where Git does not have the file.
    """

    entries: tuple[Accept, ...] = ()
    after_merge: bool = False
    baseline: frozenset[str] | None = None
