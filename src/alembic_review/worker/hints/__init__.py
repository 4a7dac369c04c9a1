"""Hints: what to do about an error, where its cause can be verified. One file per family, asked in this order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from alembic_review.worker.hints import (
    batches,
    configs,
    existing,
    imports,
    missing,
    models,
    privileges,
    transactions,
    urls,
    variables,
)
from alembic_review.worker.hints.fault import Circumstances, Fault, Server
from alembic_review.worker.worker_errors import WorkerError, at, describe, places, wrapped

__all__ = ["FAMILIES", "Circumstances", "Fault", "Server", "failed", "hint_of"]

_DEBUG = "--debug shows the whole traceback."

FAMILIES: tuple[Callable[[Fault], str], ...] = (
    urls.hint,
    variables.hint,
    configs.hint,
    imports.hint,
    models.hint,
    existing.hint,
    missing.hint,
    transactions.hint,
    privileges.hint,
    batches.hint,
)


def hint_of(fault: Fault, otherwise: str) -> str:
    """What to do about this error; ``otherwise`` where nothing is known of it but that it is the application's."""
    for family in FAMILIES:
        # A hint is optional: whatever an exception of the application does when looked at, the error itself is shown.
        with suppress(Exception):
            found = family(fault)
            if found:
                return found
    return otherwise


def failed(what: str, fault: Fault, otherwise: str = _DEBUG) -> WorkerError:
    """What went wrong first: the error of ours that an application wrapped in one of its own, else ``what`` failed."""
    error = fault.error
    told = f"{what}: {describe(error)}{at(places(error))}"
    return wrapped(error) or WorkerError(told, hint_of(fault, otherwise))
