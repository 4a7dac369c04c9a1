"""What is accepted, in words: at the change or finding, and the entries that a pull request adds."""

from __future__ import annotations

from collections.abc import Iterable

from alembic_review.model.review import Accepted, AcceptState, Change, Finding, NewAccept, Review
from alembic_review.reports.parts.labels import count
from alembic_review.reports.parts.names import visible

TITLE = "Accepted in this pull request"
_SELECTORS = ("table", "column", "name", "revision", "fingerprint")
_STATES = {
    AcceptState.EXPIRED: "expired, accepts nothing",
    AcceptState.AFTER_MERGE: "counts only after the merge",
}


def accepted_label(accepted: Accepted) -> str:
    """``accepted until 2030-12-31: the table is small``."""
    until = f" until {visible(accepted.until)}" if accepted.until is not None else ""
    return f"accepted{until}: {visible(accepted.reason)}"


def reasons(entries: Iterable[Change | Finding]) -> tuple[str, ...]:
    """Why these are accepted, each reason once."""
    found = (one.accepted for one in entries)
    return tuple(dict.fromkeys(accepted_label(one) for one in found if one is not None))


def new_accepts(review: Review) -> tuple[NewAccept, ...]:
    """The entries that a pull request adds; every report begins with them."""
    return review.pull_request.accepts if review.pull_request is not None else ()


def entry_label(entry: NewAccept) -> str:
    """``AR210, table widget``; of a comment only the code."""
    chosen = [f"{key} {visible(value)}" for key in _SELECTORS if (value := getattr(entry, key)) is not None]
    return ", ".join([visible(entry.code), *chosen])


def entry_state(entry: NewAccept) -> str:
    """What an entry comes to: how many findings it accepts, or why it accepts none."""
    until = f"until {visible(entry.until)}" if entry.until is not None and entry.state is AcceptState.COUNTS else ""
    number = count(len(entry.findings), "finding") if entry.findings else "nothing"
    told = _STATES.get(entry.state, f"accepts {number}")
    return ", ".join(filter(None, (told, until)))


def baseline_lines(review: Review) -> tuple[str, ...]:
    """What the baseline came to: how many findings are known, then its entries that no longer occur."""
    found = review.baseline
    if found is None:
        return ()
    known = f"{count(found.known, 'finding is', 'findings are')} in the baseline {visible(found.file)}"
    gone = [f"No longer occurs: {visible(one.code)} {visible(one.message)}" for one in found.gone]
    return known, *gone


def entry_line(entry: NewAccept) -> str:
    """All of it in one line."""
    return f"{entry_label(entry)}: {visible(entry.reason)} ({entry_state(entry)})"
