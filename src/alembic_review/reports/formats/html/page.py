"""The templates and what they are filled with.

Whatever a template prints goes through ``_shown``, so that templates need not care about hostile names: invisible
characters are written as escapes, and Jinja2 escapes the rest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from alembic_review.model.review import Provenance, Review, Role, Verdict
from alembic_review.reports.base import Options
from alembic_review.reports.formats.html import layout
from alembic_review.reports.formats.html.checks import check_page
from alembic_review.reports.formats.html.highlight import LANGUAGES, highlighted
from alembic_review.reports.formats.html.view import View, about, view
from alembic_review.reports.parts.accepting import accepted_label, baseline_lines, entry_label, entry_state, new_accepts
from alembic_review.reports.parts.diagram import Diagram, Touch, diagram
from alembic_review.reports.parts.headline import Result, counts, explanation, result
from alembic_review.reports.parts.labels import (
    code_spans,
    count,
    interpreter_label,
    location_label,
    owner_label,
    row_target,
    table_label,
)
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.provenance import compared
from alembic_review.reports.parts.risks import risk_counts

_MARKS = {"blocked": "✕", "safe": "✓", "upstream": "↑"}
_MARKS |= {Result.PASSED.name: "✓", Result.FAILED.name: "✕", Result.REPORTED.name: "!", Result.NONE.name: "!"}
_SHORT = 12  # characters of a commit's name


@dataclass(frozen=True)
class _Page:
    """The page of a check."""

    title: str
    body: Markup


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
            verdicts=_verdicts(shown),
            result=result(review),
            explanation=explanation(review),
            counts=counts(review),
            new_accepts=new_accepts(review),
            baseline=baseline_lines(review),
            risks=risk_counts(review),
            about_run=_about(review.provenance),
            pages=_pages(shown.codes, options),
            options=options,
            diagram=drawn,
            touches=_touches(drawn),
            layout=layout.lay_out(drawn),
            sentences=_sentences(drawn),
            style=style,
            script=script,
            policy=_policy(style, script),
        )
    )
    return text.rstrip("\n") + "\n"


def _about(run: Provenance) -> list[tuple[str, str]]:
    """Project, commit and date, as far as they are known."""
    date = run.date.replace("T", " ").replace("Z", " UTC")
    found = (("project", run.project), ("commit", run.commit[:_SHORT]), ("", date))
    return [(title, value) for title, value in found if value]


def _verdicts(shown: View) -> list[str]:
    """The verdicts that entries have, for the filter."""
    present = {card.marks.verdict for section in shown.sections for card in section.cards}
    return [verdict.value for verdict in (Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM) if verdict.value in present]


def _touches(drawn: Diagram) -> list[Touch]:
    """The kinds of change in a diagram, for its legend."""
    present = {node.change for node in drawn.nodes}
    return [touch for touch in Touch if touch in present]


def _pages(codes: Iterable[str], options: Options) -> dict[str, _Page]:
    """The pages of the checks with a finding."""
    rules = {rule.code: rule for rule in options.rules}
    return {
        code: _Page(f"{code}: {rules[code].title}", check_page(rules[code].page)) for code in codes if code in rules
    }


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
        about=about,
        accepted_label=accepted_label,
        box=layout,
        compared=compared,
        count=count,
        entry_label=entry_label,
        entry_state=entry_state,
        mark=_MARKS.__getitem__,
        role_words=_role_words,
        table_label=table_label,
        target=row_target,
    )
    environment.filters.update(
        code=highlighted,
        interpreter=interpreter_label,
        lines=_lines,
        owner=owner_label,
        place=location_label,
        prose=_prose,
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


def _prose(text: str) -> Markup:
    """A sentence, with what stands between backticks as code."""
    pieces = code_spans(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(piece)) if is_code else escape(visible(piece))
        for piece, is_code in pieces
    )


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
