"""What plugins of autogenerate read from the database's catalogues: that is what they compare."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from alembic_review.worker.call_stacks import Stacks

_CATALOGUES = {
    "views": re.compile(r"\b(pg_views|pg_matviews|pg_get_viewdef|information_schema\.views)\b|'view'"),
    "functions": re.compile(r"\b(pg_proc|pg_get_functiondef|information_schema\.routines)\b"),
    "enum values": re.compile(r"\bpg_enum\b"),
    "triggers": re.compile(r"\b(pg_trigger|pg_get_triggerdef|information_schema\.triggers)\b|'trigger'"),
}
"""Where databases keep what Alembic does not compare: https://www.postgresql.org/docs/current/catalogs.html
and https://www.sqlite.org/schematab.html."""


@contextmanager
def noted_looks(stacks: Stacks) -> Iterator[set[str]]:
    """Which of these kinds of objects others than Alembic read meanwhile."""
    found: set[str] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if stacks.of_others(sys._getframe(1)):
            found.update(kind for kind, catalogue in _CATALOGUES.items() if catalogue.search(statement))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
