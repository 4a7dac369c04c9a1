"""The templates and what they are filled with.

Whatever a template prints goes through ``_shown``, so that no template has to think of hostile names: characters that
are not seen become visible, and Jinja2 escapes the rest.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from enum import Enum
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from alembic_review.model.review import Change, Review, Role, Verdict
from alembic_review.reports.base import Options
from alembic_review.reports.formats.html import layout
from alembic_review.reports.formats.html.highlight import LANGUAGES, highlighted
from alembic_review.reports.formats.html.view import view
from alembic_review.reports.parts.diagram import Diagram, diagram
from alembic_review.reports.parts.headline import Result, explanation, in_revisions, result
from alembic_review.reports.parts.labels import (
    count,
    interpreter_label,
    owner_label,
    place_label,
    table_label,
    target_label,
    visible,
)

_MARKS = {"blocked": "✕", "safe": "✓", "upstream": "↑"}
_MARKS |= {Result.PASSED.name: "✓", Result.FAILED.name: "✕", Result.REPORTED.name: "!", Result.NONE.name: "!"}


def render(review: Review, options: Options) -> str:
    """The page of a review; ends with a newline."""
    drawn = diagram(review)
    shown = view(review, verbose=options.verbose)
    style, script = _asset("style.css"), _asset("script.js")
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            review=review,
            view=shown,
            result=result(review),
            explanation=explanation(review),
            tallies=_tallies(review),
            written=in_revisions(review),
            options=options,
            diagram=drawn,
            layout=layout.lay_out(drawn),
            sentences=_sentences(drawn),
            style=style,
            script=script,
            policy=_policy(style, script),
        )
    )
    return text.rstrip("\n") + "\n"


def _tallies(review: Review) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """Groups of numbers with a title, each number with its class and its word."""
    summary = review.summary
    found = [
        ("error", "errors", summary.error),
        ("warning", "warnings", summary.warning),
        ("info", "notes", summary.info),
    ]
    pending = _verdicts(Counter(change.verdict for change in review.changes))
    if review.pull_request is None:
        return [("", [*pending, *found])]
    written = _verdicts(Counter(change.verdict for change in in_revisions(review)))
    return [("In revisions", written), ("Pending", pending), ("Findings", found)]


def _verdicts(numbers: Counter[Verdict]) -> list[tuple[str, str, int]]:
    order = (Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM)
    return [(verdict.value, verdict.value, numbers[verdict]) for verdict in order]


def prepare() -> None:
    """Compile the templates, and the lexers with a first word."""
    for name in _environment().list_templates():
        _environment().get_template(name)
    for language in LANGUAGES:
        highlighted("x", language)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alembic_review.reports.formats.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        count=count, mark=_MARKS.__getitem__, box=layout, role_words=_role_words, table_label=table_label
    )
    environment.filters.update(
        code=highlighted,
        interpreter=interpreter_label,
        lines=_lines,
        owner=owner_label,
        place=place_label,
        target=_target,
    )
    return environment


def _shown(value: object) -> object:
    """What a template prints, without anything unseen in it. Nothing prints ``None``: that would be a mistake."""
    if value is None:
        raise TypeError("a template printed None")
    if isinstance(value, Markup):
        return value
    if isinstance(value, Enum):
        value = value.value
    return visible(value) if isinstance(value, str) else value


def _lines(text: str) -> Markup:
    """A text that keeps its line ends."""
    return escape(visible(text, lines=True))


def _target(change: Change, *, brief: bool = False) -> str:
    return target_label(change, brief=brief)


def _role_words(role: Role, owner: str | None) -> str:
    return f"{role.value}, {owner_label(owner)}" if owner is not None else role.value


def _sentences(drawn: Diagram) -> list[str]:
    """The diagram in words, for those who don't see it."""
    named = [f"{node.label} ({_role_words(node.role, node.owner)})" for node in drawn.nodes]
    linked = {end for link in drawn.links for end in (link.source, link.target)}
    said = [f"{named[link.source]} {link.kind} {named[link.target]}." for link in drawn.links]
    return said + [f"{name}." for number, name in enumerate(named) if number not in linked]


@cache
def _asset(name: str) -> Markup:
    """A file of ours that goes into the page as it is."""
    text = files("alembic_review.reports.formats.html").joinpath(name).read_text(encoding="utf-8")
    return Markup(text.strip())  # noqa: S704 - part of this package


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which this style and this script work, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
