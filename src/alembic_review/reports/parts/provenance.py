"""What was compared and what was not: the end of every report for people."""

from __future__ import annotations

from alembic_review.model.review import Provenance
from alembic_review.reports.parts.labels import count, interpreter_label
from alembic_review.reports.parts.names import visible


def footer(provenance: Provenance, *, verbose: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Pairs of a name and its lines, those without a line left out; ``verbose``: everything known about the run."""
    rows = _details(provenance) if verbose else _summary(provenance)
    every = [(name, (value,) if isinstance(value, str) else value) for name, value in rows]
    return [(name, lines) for name, lines in every if any(lines)]


def compared(run: Provenance) -> str:
    """``15 tables after 7 revisions (2 heads), postgresql 15.18 (system)``."""
    if not run.database:
        return "nothing"
    server = f" ({visible(run.server)})" if run.server else ""
    heads, revisions = count(len(run.heads), "head"), count(run.revisions, "revision")
    tables = count(run.tables_compared, "table")
    return f"{tables} after {revisions} ({heads}), {visible(run.database)}{server}"


def not_compared(run: Provenance) -> tuple[str, ...]:
    """What was not checked, and what filters of env.py may have left out."""
    return (*map(visible, run.not_checked), *(f"filter of env.py: {visible(line)}" for line in run.filters))


def _summary(run: Provenance) -> list[tuple[str, str | tuple[str, ...]]]:
    custom = f"custom: {_names(run.custom)}" if run.custom else ""
    return [
        ("Compared", compared(run)),
        ("Warning", visible(run.server_warning)),
        ("Not checked", "; ".join(line.partition(" (")[0] for line in not_compared(run))),
        ("Project", ", ".join(filter(None, (visible(run.config), custom, visible(run.interpreter))))),
    ]


def _details(run: Provenance) -> list[tuple[str, str | tuple[str, ...]]]:
    versions = (("alembic", run.alembic), ("SQLAlchemy", run.sqlalchemy), ("Python", run.python))
    timings = [f"{visible(name)} {milliseconds / 1000:.2f} s" for name, milliseconds in run.timings_ms.items()]
    return [
        ("Compared", compared(run)),
        ("Warning", visible(run.server_warning)),
        ("Heads", _names(run.heads)),
        ("Custom", _names(run.custom) or ("nothing" if run.database else "")),
        ("Models", _names(run.models)),
        ("Plugins", _names(run.plugins)),
        ("Not checked", not_compared(run)),
        ("Config file", visible(run.config)),
        ("Root", visible(run.root)),
        ("Interpreter", interpreter_label(run)),
        (
            "Versions",
            ", ".join([visible(run.tool), *(f"{name} {visible(value)}" for name, value in versions if value)]),
        ),
        ("Replay", _replay(run)),
        ("Time", ", ".join(timings)),
    ]


def _replay(run: Provenance) -> str:
    if not run.database:
        return ""
    if run.cache.replay == "hit":
        return "kept from an earlier review"
    return f"of this run ({visible(run.cache.reason)})" if run.cache.reason else "of this run"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(map(visible, names))
