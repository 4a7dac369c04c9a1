"""The message loop: one request, one answer."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

from alembic_review.model.worker_request import WorkerRequest
from alembic_review.worker.channel import PROTOCOL, Channel, ChannelClosedError
from alembic_review.worker.environment.printed_output import flush
from alembic_review.worker.redirect.server_privileges import SuperuserError
from alembic_review.worker.replay.kept.recorder import CacheMissError
from alembic_review.worker.replay.touched_objects import UnexplainedError
from alembic_review.worker.session import Session
from alembic_review.worker.worker_errors import WorkerError, own

_OLDEST = (1, 16)


def serve(descriptor: int, version: str) -> int:
    """Answer a ``review`` request with ``facts`` or ``error``, and then whatever else the parent asks for.

    A request with an ``archive`` is answered with what is ``proved``.

    The exit status is only for people who debug.
    """
    channel = Channel(descriptor)
    try:
        channel.send("hello", protocol=PROTOCOL, alembic=version)
        request = WorkerRequest.of_message(channel.receive()["request"])
        session = Session(channel, request)

        def review() -> dict[str, Any]:
            _require(version)
            return {"facts": session.run()}

        if request.archive:
            _answer(channel, request, "proved", lambda: {"proved": session.old_models()})
        else:
            _answer(channel, request, "facts", review)
        # The parent ends us and whatever the application started; it finds these by us, so wait for it.
        while True:
            order = channel.receive()
            if order["type"] == "schemas":
                _answer(channel, request, "schemas", lambda: {"schemas": session.schemas()})
            elif order["type"] == "history":
                revisions = order["revisions"]
                _answer(channel, request, "history", lambda: session.history(revisions))  # noqa: B023 - called here
            elif order["type"] == "prove":
                wanted = (order["proof"], order["plan"])
                _answer(channel, request, "proved", lambda: {"proved": session.prove(*wanted)})  # noqa: B023 - called here
            elif order["type"] == "write":
                plans, folder = order["plans"], order["folder"]
                _answer(channel, request, "written", lambda: {"files": session.write(plans, folder)})  # noqa: B023 - called here
            elif order["type"] == "hooks":
                paths = order["paths"]
                _answer(channel, request, "hooks_ran", lambda: {"paths": session.run_hooks(paths)})  # noqa: B023 - as above
            else:
                break
    except ChannelClosedError:
        return 3
    # Threads and exit handlers of the application have nothing left to do for us, and may hang.
    os._exit(0)


def _answer(channel: Channel, request: WorkerRequest, kind: str, work: Callable[[], dict[str, Any]]) -> None:
    """Send what ``work`` returns as a message of this kind, or an ``error``.

    What the application printed goes first: after its last message the worker is ended without further ado.
    """
    try:
        content = work()
        flush()
        channel.send(kind, **content)
    except WorkerError as error:
        _debug(request, error)
        flush()
        need = {"superuser": error.need} if isinstance(error, SuperuserError) else {}
        unexplained = isinstance(error, UnexplainedError)
        miss = error.message if isinstance(error, CacheMissError) else ""
        channel.send("error", message=error.message, hint=error.hint, unexplained=unexplained, miss=miss, **need)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        _debug(request, error)
        flush()
        told = own(error)
        channel.send("error", message=told.message, hint=told.hint)


def _require(version: str) -> None:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise WorkerError(f"Alembic {version} is too old: {oldest} or newer is needed.", "Upgrade Alembic there.")


def _debug(request: WorkerRequest, error: BaseException) -> None:
    if request.debug:
        traceback.print_exception(type(error), error, error.__traceback__)
