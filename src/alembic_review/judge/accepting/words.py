"""Entries of ``accept`` in words."""

from __future__ import annotations

from alembic_review.model.accepting import SELECTORS, Accept


def entry_text(entry: Accept) -> str:
    """``AR201 (table legacy, column note)``; of a comment ``AR201 at this line``."""
    chosen = [f"{key} {value}" for key in SELECTORS if (value := getattr(entry, key)) is not None]
    return f"{entry.code} ({', '.join(chosen)})" if chosen else f"{entry.code} at this line"


def entry_subject(entry: Accept) -> tuple[str | None, ...]:
    """What tells the findings about entries apart."""
    own = (entry.code, *(getattr(entry, key) for key in SELECTORS), entry.statement, entry.problem)
    return (*own, entry.until.isoformat() if entry.until is not None else None)


def reason_text(entry: Accept) -> str:
    """The reason as a sentence."""
    return f"The reason was: {entry.reason.rstrip('.')}."
