"""The message loop: one request, one answer."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress

from alembic_review.worker.channel import PROTOCOL, Channel, ChannelClosedError
from alembic_review.worker.problems import WorkerError, application_frames, at, describe
from alembic_review.worker.session import Session

_OLDEST = (1, 16)


def serve(descriptor: int, version: str) -> int:
    """Answer one ``review`` request with ``facts`` or ``error``; the exit status is only for people who debug."""
    channel = Channel(descriptor)
    try:
        channel.send("hello", protocol=PROTOCOL, alembic=version)
        request = channel.receive()
        try:
            _require(version)
            facts = Session(channel, request).run()
            _flush()
            channel.send("facts", facts=facts)
        except WorkerError as error:
            _debug(request, error)
            _flush()
            channel.send("error", message=error.message, hint=error.hint)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
            _debug(request, error)
            _flush()
            channel.send(
                "error",
                message=f"The review failed: {describe(error)}{at(application_frames(error.__traceback__))}",
                hint="Run again with --debug for the whole traceback.",
            )
        # The parent ends us and whatever the application started; it finds these by us, so wait for it.
        channel.receive()
    except ChannelClosedError:
        return 3
    # Threads and exit handlers of the application have nothing left to do for us, and may hang.
    os._exit(0)


def _flush() -> None:
    """Let out what the application printed: after its last message the worker is ended without further ado."""
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        with suppress(Exception):
            if stream is not None:
                stream.flush()


def _require(version: str) -> None:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise WorkerError(f"Alembic {version} is too old: {oldest} or newer is needed.", "Upgrade Alembic there.")


def _debug(request: dict[str, object], error: BaseException) -> None:
    if request.get("debug"):
        traceback.print_exception(type(error), error, error.__traceback__)
