"""Every table with its owner, its role and the evidence."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from alembic_review.model.review import Review, Role, Table
from alembic_review.reports.base import Options
from alembic_review.reports.parts.console import new_console, printed, stacked, table
from alembic_review.reports.parts.labels import count, owner_label, table_label
from alembic_review.reports.parts.names import visible

_ROLE_STYLES = {Role.CORE: "", Role.CUSTOM: "green", Role.UNKNOWN: "bold red"}


def render(review: Review, options: Options) -> str:
    """All tables of the review, in its order, as text of ``options.width`` columns; ends with a newline."""
    console = new_console(options)
    if review.failure is not None:
        console.print(Text(f"could not review: {visible(review.failure.message, lines=True)}", overflow="fold"))
    console.print(Text(_headline(review.tables), "bold", overflow="fold"))
    if review.tables:
        grid = table("Table", "Owner", "Role", "Evidence")
        for entry in review.tables:
            extends = f"extends {visible(entry.extends)}" if entry.extends is not None else ""
            grid.add_row(
                Text(table_label(entry.schema, entry.name, entry.database)),
                Text(owner_label(entry.owner)),
                Text(entry.role.value, _ROLE_STYLES[entry.role]),
                stacked((extends, ""), *((visible(evidence), "") for evidence in entry.evidence)),
            )
        console.print(Text(), grid, sep="\n")
    return printed(console)


def _headline(tables: tuple[Table, ...]) -> str:
    numbers = Counter((entry.role, owner_label(entry.owner)) for entry in tables)
    ordered = sorted(numbers.items(), key=lambda item: (list(Role).index(item[0][0]), item[0][1]))
    said = [f"{number} of {owner} ({role.value})" for (role, owner), number in ordered]
    return count(len(tables), "table") + (f": {', '.join(said)}" if said else "")
