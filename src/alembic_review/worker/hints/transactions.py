"""Statements that the state of the transaction does not allow."""

from __future__ import annotations

from alembic_review.worker.hints.fault import Fault

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_HINTS = {
    "25P02": (
        "An earlier statement of this transaction failed, and its exception was caught. Execute a statement that may "
        "fail in a savepoint: with op.get_bind().begin_nested():"
    ),
    "25001": (
        "PostgreSQL executes this statement only outside a transaction: write it inside "
        "`with op.get_context().autocommit_block():`."
    ),
    "55P04": (
        "PostgreSQL can use a new value of an enum only after the transaction that adds the value is committed. If "
        "an earlier revision adds the value, pass transaction_per_migration=True to context.configure() in env.py; "
        "otherwise add it inside `with op.get_context().autocommit_block():`."
    ),
}


def hint(fault: Fault) -> str:
    """What the statement needs, by the SQLSTATE alone."""
    return _HINTS.get(fault.code, "")
