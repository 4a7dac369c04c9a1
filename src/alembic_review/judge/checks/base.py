"""The interface of a check: one code, one title, one severity, one page, one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files

from alembic_review.judge.fingerprint import digest
from alembic_review.judge.judged_facts import Case, Judged, table_place
from alembic_review.model.facts import Place, TableKey
from alembic_review.model.review import Finding, Severity


@dataclass(frozen=True)
class CheckResult:
    """What a check has to say once.

    ``severity`` is the check's own unless given. ``subject`` tells findings about the same table apart, in words that
    stay the same from run to run. What a proof found has the keys that ``Finding`` has for it, and ``wanted``: what the
    plan makes of it, as a part of the fingerprint.
    """

    message: str
    hint: str
    place: Place | None = None
    change: Judged | None = None
    table: TableKey | None = None
    revision: str | None = None
    severity: Severity | None = None
    subject: tuple[str | None, ...] = ()
    database: str | None = None
    column: str | None = None
    name: str | None = None
    proof: str | None = None
    statement: str | None = None
    observed: Mapping[str, str | int | None] | None = None
    suggestion: str | None = None
    wanted: str = ""


@dataclass(frozen=True)
class Check:
    """A check; ``blocks`` means that its findings are damage to core tables, or to the review."""

    code: str
    title: str
    severity: Severity
    run: Callable[[Case], Iterator[CheckResult]] = field(repr=False)
    blocks: bool = False

    @property
    def page(self) -> str:
        """What it means and what to do, as Markdown."""
        return (files(__package__) / "pages" / self.code[:4] / f"{self.code}.md").read_text(encoding="utf-8")

    def findings(self, case: Case) -> Iterator[Finding]:
        """Run the check. Findings that say the same of the same thing are told once."""
        seen: dict[str, str] = {}
        for report in self.run(case):
            finding = self._finding(case, report)
            if finding.fingerprint in seen and finding.message != seen[finding.fingerprint]:
                finding = replace(finding, fingerprint=digest(finding.fingerprint, finding.message))
            if finding.fingerprint not in seen:
                seen[finding.fingerprint] = finding.message
                yield finding

    def _finding(self, case: Case, report: CheckResult) -> Finding:
        table = report.table or (report.change.fact.key if report.change is not None else None)
        change = report.change.fingerprint if report.change is not None else None
        return Finding(
            code=self.code,
            severity=report.severity or self.severity,
            blocks=self.blocks,
            message=report.message,
            hint=report.hint,
            fingerprint=self._fingerprint(case, report, table),
            change=change,
            schema=table.schema if table is not None else None,
            table=table.name if table is not None else None,
            revision=report.revision,
            location=case.evidence.locations.of(report.place or _nearest(case, report.revision, table)),
            database=report.database,
            environment=case.facts.environment,
            column=report.column,
            name=report.name,
            proof=report.proof,
            statement=report.statement,
            observed=dict(report.observed) if report.observed is not None else None,
            suggestion=report.suggestion,
        )

    def _fingerprint(self, case: Case, report: CheckResult, table: TableKey | None) -> str:
        start = () if case.facts.environment is None else (case.facts.environment,)
        key = table and [table.schema, table.name]
        if report.proof is not None:
            # The same whether it is pending or in a revision, and whatever the server's version and message are.
            item = (report.column, report.name, report.wanted, report.subject)
            return digest(*start, self.code, report.database, key, *item)
        change = report.change.fingerprint if report.change is not None else None
        return digest(*start, self.code, report.database, change, key, report.revision, report.subject)


def _nearest(case: Case, revision: str | None, table: TableKey | None) -> Place | None:
    """Where no line is known: the revision's file, else where the table is defined or created."""
    if revision is not None:
        return case.revision_place(revision)
    known = (database.ownership.tables.get(table) for database in case.databases if table is not None)
    return next((place for owned in known if owned is not None and (place := table_place(owned, case))), None)
