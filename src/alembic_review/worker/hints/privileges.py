"""Statements that the role of the scratch database may not execute."""

from __future__ import annotations

from alembic_review.worker.hints.fault import Fault

_INSUFFICIENT_PRIVILEGE = "42501"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_GIVEN = (
    "The role that --server names may not execute this statement. Omit --server: on a server that it starts itself, "
    "alembic-review repeats the replay as superuser if a statement needs one."
)


def hint(fault: Fault) -> str:
    """What to do on a given server; on one of ours, nothing but the statement can be changed."""
    return _GIVEN if fault.code == _INSUFFICIENT_PRIVILEGE and fault.server.kind == "given" else ""
