"""What a report is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alembic_review.model.review import Review, Severity


@dataclass(frozen=True)
class Rule:
    """A check as a report describes it; ``page`` is Markdown."""

    code: str
    title: str
    severity: Severity
    page: str


@dataclass(frozen=True)
class Links:
    """Where a comment on a Git host links to; what is empty is not linked.

    ``commit`` is the commit that was reviewed. ``source`` is the URL of a file at that commit, with ``{path}`` and
    ``{line}`` in it; ``job`` and ``report`` are the URLs of the CI job and of the full report.
    """

    commit: str = ""
    source: str = ""
    job: str = ""
    report: str = ""


@dataclass(frozen=True)
class Options:
    """How to show a review. ``width`` is in columns; ``verbose`` lists what is folded otherwise.

    ``rules`` are the checks that there are, for the formats that describe them; ``links`` are for comments.
    """

    width: int = 80
    colour: bool = False
    sql: bool = False
    verbose: bool = False
    rules: tuple[Rule, ...] = ()
    links: Links = Links()


@dataclass(frozen=True)
class Format:
    """One format: its name for ``-o``, what it is in a few words, and the function that writes it.

    ``for_people`` reports are shown in the terminal's own width, colours and encoding; the others are always UTF-8.
    ``is_json`` reports are JSON, ``for_runner`` ones commands for the runner of a CI job. ``describes`` reports want
    the checks (``Options.rules``), which costs reading their pages. ``prepare`` does what takes long and needs no
    review.
    """

    name: str
    summary: str
    render: Callable[[Review, Options], str]
    for_people: bool = False
    is_json: bool = False
    for_runner: bool = False
    describes: bool = False
    prepare: Callable[[], None] | None = None
