"""The severity that the settings give to checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from alembic_review.judge.checks import ABOUT_ENTRIES, CHECKS
from alembic_review.model.errors import UsageError
from alembic_review.model.review import Finding, Severity
from alembic_review.model.settings import Level, Settings

_KEPT = "`severity` in the settings does not apply to it, because the finding blocks."


def require_known_codes(settings: Settings) -> None:
    """Raise ``UsageError`` for a code in the settings that no check has."""
    known = {check.code for check in CHECKS}
    named = [("severity", code) for code in settings.severity] + [("accept", one.code) for one in settings.accept]
    for key, code in named:
        if code not in known:
            raise UsageError(
                f"`{key}` in the settings names {code}, which is not the code of a check.",
                hint="`alembic-review explain` lists the codes.",
            )
    for entry in settings.accept:
        if entry.code in {check.code for check in ABOUT_ENTRIES}:
            raise UsageError(
                f"`accept` in the settings names {entry.code}, which is about the entries of `accept`.",
                hint="Correct the entry that the finding is about.",
            )


def with_severities(findings: Iterable[Finding], settings: Settings) -> tuple[Finding, ...]:
    """The findings with the severity that the settings give to their checks, without those that are off.

    A finding that blocks keeps its own.
    """
    return tuple(_applied(findings, settings))


def _applied(findings: Iterable[Finding], settings: Settings) -> Iterator[Finding]:
    for finding in findings:
        level = settings.severity.get(finding.code)
        if level is None:
            yield finding
        elif finding.blocks:
            kept = level is Level.ERROR
            yield finding if kept else replace(finding, hint=f"{finding.hint} {_KEPT}".lstrip())
        elif level is not Level.OFF:
            yield replace(finding, severity=Severity(level.value))


def not_checked(settings: Settings) -> Iterator[str]:
    """A line for each check whose findings are not reported."""
    for check in CHECKS:
        if settings.severity.get(check.code) is Level.OFF and not check.blocks:
            yield f"{check.code} {check.title} (`severity` in the settings is off)"
