"""One label for the result of a review; the labels of other results are removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from alembic_review.forge.base import Label, PullRequests


class State(Enum):
    """The result that a label shows."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REVIEWED = "not reviewed"


@dataclass(frozen=True)
class _Look:
    colour: str
    description: str


_LOOKS = {
    State.PASSED: _Look("1a7f37", "The review of the migrations passed"),
    State.FAILED: _Look("cf222e", "The review of the migrations failed"),
    State.NOT_REVIEWED: _Look("bc4c00", "The migrations could not be reviewed"),
}


def label(state: State, key: str = "") -> Label:
    """``alembic-review: passed``; ``key`` distinguishes several reviews of one pull request."""
    look = _LOOKS[state]
    tool = f"alembic-review {key}" if key else "alembic-review"
    return Label(f"{tool}: {state.value}", look.colour, look.description)


def set_label(pull_requests: PullRequests, number: int, state: State, key: str) -> str:
    """Set the label of ``state``, remove those of other states, and return its name. Raises ``ForgeError``."""
    wanted = label(state, key)
    present = {name.casefold() for name in pull_requests.labels(number)}
    others = [label(other, key).name for other in State if other is not state]
    if wanted.name.casefold() not in present:
        pull_requests.add_label(number, wanted)
    for name in others:
        if name.casefold() in present:
            pull_requests.remove_label(number, name)
    return wanted.name
