"""Schema changes as the lines of a diff: ``+ column widget.colour``, ``- table part  -- data is lost``."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_review.model.review import Finding, Verdict
from alembic_review.reports.parts.items import Row
from alembic_review.reports.parts.labels import noun, owner_label, row_target
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.risks import marks

_VERBS = {"remove": "drop ", "modify": "alter ", "rename": "rename "}


def diff_line(row: Row, findings: Sequence[Finding], *, owners: bool) -> str:
    """One line: ``+`` adds, ``-`` drops, ``~`` alters, ``!`` is blocked; risks and the owner follow as a comment.

    ``owners`` names the owner of every table; that of a blocked change is always named.
    """
    action = row.kind.partition("_")[0]
    blocked = row.change.verdict is Verdict.BLOCKED
    sign = "!" if blocked else {"add": "+", "remove": "-"}.get(action, "~")
    verb = _VERBS.get(action, "") if blocked or action == "rename" else ""
    notes = list(marks(row.change, findings))
    if blocked:
        notes.insert(0, f"belongs to {_owner(row)}")
    elif owners:
        notes.append(_owner(row))
    if any(change.accepted is not None for change in row.changes):
        notes.append("accepted")
    told = f"  -- {', '.join(notes)}" if notes else ""
    return f"{sign} {verb}{noun(row.kind)} {row_target(row)}{told}"


def _owner(row: Row) -> str:
    owner = row.change.owner
    return "an unknown package" if owner is None else visible(owner_label(owner))
