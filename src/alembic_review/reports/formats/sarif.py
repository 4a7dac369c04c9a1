"""SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning and editors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from alembic_review.model.review import Failure, Review, Severity
from alembic_review.reports.base import Options, Rule
from alembic_review.reports.parts.issues import (
    Issue,
    Spot,
    accepted_here,
    headline,
    issues,
    remarks,
    stand_in,
    whole_message,
)
from alembic_review.reports.parts.names import visible, writable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
TOOL = "alembic-review"
FINGERPRINT = "alembic-review/v1"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_OWN_RULES = (
    Rule("blocked-change", "Blocked change", Severity.ERROR, "This change is not yours to write."),
    Rule("safe-change", "Pending change", Severity.INFO, "This change is yours to write, into your next revision."),
)
_PLACEHOLDER = re.compile(r"\{\d+\}|\{\{|\}\}")

Json = dict[str, object]


def render(review: Review, options: Options) -> str:
    """One run as SARIF, with the help of ``options.rules``. Ends with a newline."""
    groups = _together(issues(review))
    rules = _rules([rule for rule, _ in groups], options.rules)
    numbers = {str(rule["id"]): number for number, rule in enumerate(rules)}
    elsewhere = stand_in(review)
    version = review.provenance.tool.removeprefix(f"{TOOL} ")
    run: Json = {
        "tool": {"driver": {"name": TOOL, "version": writable(version), "rules": rules}},
        "invocations": [_invocation(review)],
        "results": [_result(rule, numbers[writable(rule)], group, elsewhere) for (rule, _), group in groups.items()],
        "columnKind": "unicodeCodePoints",
        "properties": {"outcome": review.outcome.value, "summary": headline(review)},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2) + "\n"


def _together(found: Sequence[Issue]) -> dict[tuple[str, Spot | None], list[Issue]]:
    """Issues by rule and line: code scanning takes two results that agree in both for one, and shows only that.

    Accepted issues are a result of their own, which is suppressed, unless another one is at the same line.
    """
    groups: dict[tuple[str, Spot | None], list[Issue]] = {}
    for issue in found:
        groups.setdefault((issue.rule, issue.spot), []).append(issue)
    return groups


def _rules(used: Sequence[str], known: Sequence[Rule]) -> list[Json]:
    """The checks, then whatever else the results name."""
    described = {rule.code: rule for rule in _OWN_RULES}
    names = dict.fromkeys([*(rule.code for rule in known), *used])
    described |= {rule.code: rule for rule in known}
    return [_rule(described[name]) if name in described else _unknown_rule(name) for name in names]


def _rule(rule: Rule) -> Json:
    page = _text(rule.page)
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in re.findall(r"\w{2,}", rule.title.replace("'", ""))),
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(_first_paragraph(rule.page))},
        "help": {"text": page, "markdown": _text(rule.page, links=True)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _unknown_rule(code: str) -> Json:
    """Of a check that nobody described; code scanning takes no rule without a description."""
    told = _text(visible(f"`alembic-review explain {code}` says what {code} means."))
    return {"id": writable(code), "shortDescription": {"text": told}, "fullDescription": {"text": told}}


def _first_paragraph(page: str) -> str:
    paragraphs = [part for part in page.split("\n\n") if part.strip() and not part.startswith("#")]
    return " ".join(paragraphs[0].split()) if paragraphs else page


def _result(rule: str, number: int, group: Sequence[Issue], elsewhere: Spot) -> Json:
    spot = group[0].spot or elsewhere
    suppressed = all(issue.accepted for issue in group)
    reasons = dict.fromkeys(issue.accepted for issue in group)
    counted = [issue.severity for issue in group if suppressed or not issue.accepted]
    severity = min(counted, key=list(_LEVELS).index)
    return {
        "ruleId": writable(rule),
        "ruleIndex": number,
        "level": _LEVELS[severity],
        "message": {"text": "\n".join(_text(_message(issue, suppressed=suppressed)) for issue in group)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(writable(spot.path)), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": spot.line},
                },
                "logicalLocations": _logical(group),
            }
        ],
        "partialFingerprints": {FINGERPRINT: _fingerprint(group)},
        "properties": {"blocks": any(issue.blocks for issue in group if suppressed or not issue.accepted)},
    } | ({"suppressions": [_suppression(text) for text in reasons]} if suppressed else {})


def _message(issue: Issue, *, suppressed: bool) -> str:
    """The message; where not all of a result is accepted, which part is."""
    text = whole_message(issue)
    return f"{text}\n({issue.accepted})" if issue.accepted and not suppressed else text


def _suppression(reason: str) -> Json:
    """See section 3.35; ``external``: what accepts it may be in the settings or in a comment."""
    return {"kind": "external", "status": "accepted", "justification": _text(reason)}


def _logical(group: Sequence[Issue]) -> list[Json]:
    """The tables, columns, indexes or constraints by their names as they are."""
    every = dict.fromkeys(issue.names or (issue.subject,) for issue in group)
    named = dict.fromkeys((writable(names[-1]), writable(".".join(names))) for names in every)
    return [{"name": name, "fullyQualifiedName": full} for name, full in named]


def _invocation(review: Review) -> Json:
    told = [_notification("remark", "note", text) for text in (*accepted_here(review), *remarks(review))]
    if review.failure is not None:
        told.insert(0, _notification("failure", "error", _failure(review.failure)))
    return {"executionSuccessful": review.failure is None, "toolExecutionNotifications": told}


def _failure(failure: Failure) -> str:
    return "\n".join(visible(text, lines=True) for text in (failure.message, failure.hint) if text)


def _notification(name: str, level: str, text: str) -> Json:
    return {"descriptor": {"id": name}, "level": level, "message": {"text": _text(text)}}


def _fingerprint(group: Sequence[Issue]) -> str:
    if len(group) == 1:
        return writable(group[0].fingerprint)
    every = json.dumps(sorted(writable(issue.fingerprint) for issue in group))
    return hashlib.sha256(every.encode()).hexdigest()[:16]


def _text(text: str, *, links: bool = False) -> str:
    r"""A message in which nothing is a placeholder, nor, unless ``links``, a link.

    Braces are doubled and square brackets get a backslash (sections 3.11.5 and 3.11.6), but only where they would be
    taken for more than themselves: not every viewer takes that away again.
    """
    text = writable(text)
    if _PLACEHOLDER.search(text):
        text = text.replace("{", "{{").replace("}", "}}")
    if not links and "](" in text:
        text = text.replace("[", r"\[").replace("]", r"\]")
    return text
