"""What a report is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alembic_review.model.review import Review


@dataclass(frozen=True)
class Options:
    """How to show a review. ``width`` is in columns; ``verbose`` lists what is folded otherwise."""

    width: int = 80
    colour: bool = False
    sql: bool = False
    verbose: bool = False


@dataclass(frozen=True)
class Report:
    """One format: its name for ``-o``, what it is in a few words, and the function that writes it.

    ``for_people`` reports are shown in the terminal's own width, colours and encoding; the others are always UTF-8.
    """

    name: str
    summary: str
    render: Callable[[Review, Options], str]
    for_people: bool = False
