"""Alterations that SQLite has no statement for."""

from __future__ import annotations

import re

from alembic_review.worker.hints.fault import Fault

_ALTERING = re.compile(r'near "(ALTER|CONSTRAINT|DROP|COMMENT)": syntax error')


def hint(fault: Fault) -> str:
    """What to do when SQLite, or Alembic for it, does not know how to alter a table."""
    refused = isinstance(fault.original, NotImplementedError) and "SQLite" in fault.text
    if refused or (fault.of_sqlite and _ALTERING.search(fault.text)):
        return (
            "SQLite has no ALTER statement for this. Use op.batch_alter_table() in the revision, which copies the "
            "table; Alembic generates it with render_as_batch=True in context.configure() of env.py."
        )
    return ""
