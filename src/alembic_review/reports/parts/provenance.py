"""The end of the terminal report: what was compared with what, and what was not."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from alembic_review.model.review import Provenance
from alembic_review.reports.parts.console import pairs, stacked
from alembic_review.reports.parts.labels import count, interpreter_label, visible

_SHOWN = 5


def footer(provenance: Provenance, *, verbose: bool) -> Table:
    """Name and value of everything known about the run; what was not checked is always listed in full."""
    grid = pairs()
    for name, value in _rows(provenance, verbose=verbose):
        lines = (value,) if isinstance(value, str) else value
        if any(lines):
            grid.add_row(Text(name), stacked(*((line, "") for line in lines)))
    return grid


def _rows(run: Provenance, *, verbose: bool) -> list[tuple[str, str | tuple[str, ...]]]:
    server = f" ({visible(run.server)})" if run.server else ""
    versions = (("alembic", run.alembic), ("SQLAlchemy", run.sqlalchemy), ("Python", run.python))
    timings = [f"{visible(name)} {milliseconds / 1000:.2f} s" for name, milliseconds in run.timings_ms.items()]
    return [
        ("Compared", _compared(run)),
        ("Database", f"{visible(run.database)}{server}" if run.database else ""),
        ("Heads", _some(run.heads, verbose=verbose)),
        ("Custom", _some(run.custom, verbose=True) or ("nothing" if run.database else "")),
        ("Models", _some(run.models, verbose=verbose)),
        ("Filters", _every(run.filters)),
        ("Plugins", _some(run.plugins, verbose=verbose)),
        ("Not checked", _every(run.not_checked)),
        ("Conf", visible(run.config)),
        ("Root", visible(run.root)),
        ("Interpreter", interpreter_label(run)),
        (
            "Versions",
            ", ".join([visible(run.tool), *(f"{name} {visible(value)}" for name, value in versions if value)]),
        ),
        ("Time", ", ".join(timings) if verbose else ""),
    ]


def _compared(run: Provenance) -> str:
    if not run.database:
        return "nothing"
    tables = count(run.tables_compared, "table")
    return f"{tables}, models against {count(len(run.heads), 'head')} after {count(run.revisions, 'revision')}"


def _some(names: tuple[str, ...], *, verbose: bool) -> str:
    shown = names if verbose else names[:_SHOWN]
    rest = len(names) - len(shown)
    return ", ".join(map(visible, shown)) + (f" and {rest} more (--verbose lists them)" if rest else "")


def _every(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(visible, names))
