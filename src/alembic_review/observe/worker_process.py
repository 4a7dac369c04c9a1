"""The parent's side of the conversation: starts the worker, answers it, and always cleans up after it."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from alembic_review.model.errors import (
    CacheMissError,
    ObservationError,
    ReviewError,
    SuperuserNeededError,
    UnexplainedError,
)
from alembic_review.model.facts import Facts, Privilege, TrialFacts
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.proofs import ProofPlan, Proofs, Proved, ProvedFacts
from alembic_review.model.revision_plan import RevisionFile, RevisionPlan
from alembic_review.model.secrets.known_passwords import known, learn
from alembic_review.model.secrets.withheld_variables import WITHHELD
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe import process_tree
from alembic_review.observe.scratch.base import ScratchDatabase
from alembic_review.observe.scratch.run_folder import run_folder
from alembic_review.observe.worker_output import Output, Shown
from alembic_review.processes import VARIABLE, new_mark

if TYPE_CHECKING:
    from alembic_review.observe.replay_cache.kept_replay import KeptReplay

PROTOCOL = 1
WORKER = Path(__file__).parent.parent / "worker" / "__main__.py"
_LENGTH = struct.Struct(">I")
_LARGEST = 1 << 30
_GRACE = 2.0
# The project is not written to, by what env.py starts either.
_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
# Alembic compares the columns of a table as a set: without an order, two runs differ in the statement that
# is the first to lock a table. https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED
_SAME_ORDER = {"PYTHONHASHSEED": "0"}
_HISTORY = "downgrades, and revisions in another order"

Progress = Callable[[str], None]


class Databases(Protocol):
    """Where scratch databases come from: one for each original target."""

    def create(self, dialect: str, target: str = "", state: str = "") -> ScratchDatabase:
        """Make one for the database that the URL ``target`` names. Raises ``ReviewError``.

        ``state`` is for several environments in one database: see ``environments``.
        """
        ...

    def copy_of(self, name: str) -> ScratchDatabase:
        """Make one with the content of the scratch database of this name, of this run. Raises ``ReviewError``."""
        ...


@dataclass(frozen=True)
class RunContext:
    """What the workers of one command have in common: how they are started, and what answers them.

    ``env`` is added to their environment variables; ``timeout`` is in seconds, for the whole of each conversation.
    ``shown`` is what the command has passed on of the application's output. ``directory`` is the working directory,
    that of this process unless it is named. ``replay`` is what earlier runs have kept.
    """

    python: str
    env: Mapping[str, str]
    timeout: float
    databases: Databases
    progress: Progress
    shown: Shown = field(default_factory=Shown, compare=False)
    directory: Path | None = None
    replay: KeptReplay | None = field(default=None, compare=False)


_Message = TypeVar("_Message", bound=msgspec.Struct)


class _FactsMessage(msgspec.Struct):
    facts: Facts


class _SuperuserMessage(msgspec.Struct):
    superuser: Privilege


class _HistoryMessage(msgspec.Struct):
    history: TrialFacts
    files: dict[str, str] | None = None


class _SchemasMessage(msgspec.Struct):
    schemas: tuple[str, ...]


class _ProvedMessage(msgspec.Struct):
    proved: tuple[Proved, ...]


class _WrittenMessage(msgspec.Struct):
    files: tuple[RevisionFile, ...]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` as processes of the application get it: without what is meant for the CI job alone."""
    return {name: value for name, value in environ.items() if name not in WITHHELD}


def worker_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker, without what differs from run to run; ``env`` is added to that of this process."""
    return _SAME_ORDER | environment(os.environ) | {**env, **_NO_BYTECODE}


def observe(request: WorkerRequest, context: RunContext) -> Facts:
    """Run one worker to the end and return its facts.

    Raises ``ObservationError`` when the worker reports an error, dies, speaks nonsense or takes longer than
    ``context.timeout``. Where that happens only during the trials of revisions, these are not checked.
    """
    with conversation(request, context) as worker:
        facts = worker.review()
        return with_history(facts, worker.history()) if request.trials else facts


@contextmanager
def conversation(request: WorkerRequest, context: RunContext) -> Iterator[Conversation]:
    """A worker that can be asked for more than a review, and is ended afterwards. Its methods raise as ``observe``."""
    with _worker(context) as (process, connection, output):
        yield Conversation(request, context, process, connection, output)


@contextmanager
def _worker(context: RunContext) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket, Output | None]]:
    ours, theirs = socket.socketpair()
    mark = new_mark()
    _end_orphans()
    try:
        process = _start(context, theirs, mark)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    output = Output(process.stdout, context.shown) if process.stdout is not None else None
    pump = threading.Thread(target=output.pump, daemon=True) if output is not None else None
    if pump is not None:
        pump.start()
    try:
        yield process, ours, output
    finally:
        # While it waits for more to do, the worker is alive, and whatever it started is known to be its own.
        process_tree.end(process, mark)
        ours.close()
        if pump is not None:
            pump.join(_GRACE)
        if process.stdout is not None and pump is not None and not pump.is_alive():
            process.stdout.close()


@cache
def _end_orphans() -> None:
    """Once for a command is enough."""
    process_tree.end_orphans()


def _start(context: RunContext, theirs: socket.socket, mark: str) -> subprocess.Popen[bytes]:
    try:
        # A session of its own: Ctrl-C reaches the parent alone, which then ends the worker and all it started.
        return subprocess.Popen(
            [context.python, str(WORKER), str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=worker_environment(context.env) | {VARIABLE: mark},
            cwd=context.directory,
            start_new_session=True,
        )
    except OSError as error:
        raise ObservationError(
            f"The interpreter {context.python} can't be started: {error.strerror}.",
            hint="Name the application's Python with --python, for example --python .venv/bin/python.",
        ) from error


@dataclass
class Conversation:
    """One worker: first ``review``, then the rest."""

    request: WorkerRequest
    context: RunContext
    process: subprocess.Popen[bytes]
    connection: socket.socket
    output: Output | None = None

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.context.timeout
        self._left = self.context.timeout
        self._upgraded = False
        self._notes: dict[str, Callable[[str], None]] = {}
        self._allows: list[Callable[[bool], None] | None] = []

    def upgrade(self) -> None:
        """The first half of ``review`` of one of several environments: only upgrade its databases."""
        self._ask_for_review()
        self._answer("upgraded")
        self._upgraded = True

    def review(self) -> Facts:
        """Everything that was observed."""
        if self._upgraded:
            self._send(type="compare")
        else:
            self._ask_for_review()
        facts = _decoded(self._answer("facts"), _FactsMessage).facts
        return replace(facts, environment=self.request.environment)

    def old_models(self) -> tuple[Proved, ...]:
        """What the models of the request's archive do, on databases in the states that the worker asks for."""
        self._ask_for_review()
        return _decoded(self._answer("proved"), _ProvedMessage).proved

    def _ask_for_review(self) -> None:
        self._expect_hello(self._receive())
        self._left = self.deadline - time.monotonic()
        self._send(
            type="review",
            protocol=PROTOCOL,
            request=asdict(replace(self.request, cache=self._caching(), secrets=known())),
        )

    def _caching(self) -> str:
        asked, replay = self.request, self.context.replay
        special = (
            asked.replaced_locations,
            asked.added_locations,
            asked.to_revert,
            asked.other_schemas,
            asked.before,
            asked.environment,
            asked.archive,
        )
        return "off" if replay is None or asked.digests or any(special) else replay.mode

    def schemas(self) -> tuple[str, ...]:
        """After ``review`` and before ``history``: the schema of each database, for another worker to compare with."""
        self._send(type="schemas")
        return _decoded(self._answer("schemas"), _SchemasMessage).schemas

    def prove(self, plan: ProofPlan) -> tuple[Proved, ...]:
        """After ``review`` and before ``history``: what each proof of this plan observes on each database.

        One that takes too long, or ends the worker, is not done, and neither are those after it.
        """
        attempts = Attempts(show if self.request.debug else None)
        found: list[Proved] = []
        for name in plan.proofs:
            before = len(attempts.failures)
            found += attempts.attempt(name, lambda: self._prove(name, plan), ())  # noqa: B023 - called here
            if len(attempts.failures) > before:
                reason = attempts.failures[-1].removeprefix(f"{name} (").removesuffix(")")
                found += [Proved(name, number, reason=reason) for number in range(len(plan.originals))]
        return tuple(found)

    def _prove(self, name: str, plan: ProofPlan) -> tuple[Proved, ...]:
        sent = {
            "originals": list(plan.originals),
            "operations": [asdict(operation) for operation in plan.operations],
            "revisions": list(plan.revisions),
        }
        self._send(type="prove", proof=name, plan=sent)
        return _decoded(self._answer("proved"), _ProvedMessage).proved

    def history(self, revisions: Collection[str] | None = None) -> TrialFacts | str:
        """After ``review``: what the revisions do when taken back and in another order, or that this is not checked.

        Only these ``revisions`` and those after them are tried, or all of the application.
        """

        def asked() -> TrialFacts:
            self._send(type="history", revisions=sorted(revisions) if revisions is not None else None)
            message = _decoded(self._answer("history"), _HistoryMessage)
            if message.files is not None and self.context.replay is not None:
                self.context.replay.keep_trials(message.history, message.files)
            return message.history

        attempts = Attempts(show if self.request.debug else None)

        def unless_repeated() -> TrialFacts | SuperuserNeededError | UnexplainedError:
            try:
                return asked()
            except (SuperuserNeededError, UnexplainedError) as error:
                return error

        found = attempts.attempt(_HISTORY, unless_repeated, None)
        if isinstance(found, (SuperuserNeededError, UnexplainedError)):
            raise found
        return found or attempts.failures[0]

    def write(self, plans: Sequence[RevisionPlan]) -> tuple[RevisionFile, ...]:
        """The files of these revisions, as Alembic writes them; nothing of the project is touched."""
        with run_folder() as folder:
            self._send(type="write", plans=[_plan(plan) for plan in plans], folder=str(folder))
            return _decoded(self._answer("written"), _WrittenMessage).files

    def run_hooks(self, paths: Sequence[Path]) -> None:
        """Run the application's ``post_write_hooks`` on these files."""
        self._send(type="hooks", paths=[str(path) for path in paths])
        self._answer("hooks_ran")

    def _answer(self, wanted: str) -> bytes:
        """The next message of this kind; what the worker asks for or tells in between is dealt with."""
        # Time in which other workers run does not count.
        self.deadline = time.monotonic() + self._left
        try:
            return self._message(wanted)
        finally:
            self._left = self.deadline - time.monotonic()

    def _message(self, wanted: str) -> bytes:
        while True:
            body = self._receive()
            message = _decode(body)
            kind = message.get("type")
            if kind == wanted:
                return body
            if kind == "progress":
                self.context.progress(self._named(str(message.get("text", ""))))
            elif kind in ("need_database", "need_copy"):
                self._answer_database(message)
            elif kind == "secrets":
                learn(map(str, message.get("literals", ())))
                self._send(type="learned")
            elif kind == "rights":
                self._allow(superuser=bool(message.get("superuser")))
            elif kind == "replayed":
                self._keep(message)
            elif kind == "noted":
                self._note(str(message.get("statement", "")))
            elif kind == "error":
                raise self._error(body, message)
            else:
                raise _nonsense(f"a message of type {kind!r}")

    def _error(self, body: bytes, message: Mapping[str, Any]) -> ObservationError:
        """What the worker reports, or that the replay has to be repeated."""
        text = self._named(str(message.get("message", "")))
        if message.get("miss"):
            return CacheMissError(str(message["miss"]))
        if message.get("unexplained"):
            return UnexplainedError(text)
        if isinstance(message.get("superuser"), dict):
            return SuperuserNeededError(text, _decoded(body, _SuperuserMessage).superuser)
        return ObservationError(text, hint=str(message.get("hint", "")))

    def _expect_hello(self, body: bytes) -> None:
        message = _decode(body)
        if message.get("type") == "error":
            raise ObservationError(str(message.get("message", "")), hint=str(message.get("hint", "")))
        if message.get("type") != "hello" or message.get("protocol") != PROTOCOL:
            raise _nonsense("another version of the protocol")

    def _answer_database(self, message: Mapping[str, Any]) -> None:
        try:
            if message["type"] == "need_copy":
                database = replace(self.context.databases.copy_of(str(message.get("database", ""))), prepared=True)
            else:
                words = (str(message.get(name, "")) for name in ("dialect", "target", "state"))
                database = self.context.databases.create(*words)
        except ReviewError as error:
            self._send(type="refused", message=error.message, hint=error.hint)
            return
        self._allows.append(database.allow)
        if database.note is not None:
            self._notes[database.database] = database.note
        self._send(
            type="database",
            database=database.database,
            host=database.host,
            port=database.port,
            user=database.user,
            password=database.password,
            mark=database.mark,
            query=dict(database.query),
            prepared=database.prepared,
            server=database.server,
            version=database.version,
            folder=database.folder,
            superuser=database.superuser,
            kept=database.kept,
        )

    def _allow(self, *, superuser: bool) -> None:
        """Change what the role of the scratch databases may do; all of a server have the same."""
        for allow in {allow for allow in self._allows if allow is not None}:
            allow(superuser)
        self._send(type="changed")

    def _keep(self, message: Mapping[str, Any]) -> None:
        """Keep the results of a replay, or the reason why they can't be kept."""
        replay = self.context.replay
        done = False
        if replay is not None and message.get("reason"):
            replay.not_kept(str(message["reason"]))
        elif replay is not None:
            done = replay.keep(message["recorded"])
        self._send(type="kept", done=done)

    def _note(self, statement: str) -> None:
        """A statement may create something on the server outside the database."""
        for note in self._notes.values():
            note(statement)

    def _send(self, **message: object) -> None:
        body = json.dumps(message).encode()
        try:
            self.connection.sendall(_LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise self._died() from error

    def _receive(self) -> bytes:
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > _LARGEST:
            raise _nonsense(f"a message of {length} bytes")
        return self._read(length)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self.connection.settimeout(max(0.01, self.deadline - time.monotonic()))
            try:
                part = self.connection.recv(min(size - len(data), 1 << 20))
            except TimeoutError:
                raise ObservationError(
                    self._named(f"The application did not finish within {self.context.timeout:g} seconds."),
                    hint="env.py, a model or a revision may be waiting; --timeout SECONDS allows more time.",
                ) from None
            except OSError as error:
                raise self._died() from error
            if not part:
                raise self._died()
            data += part
        return bytes(data)

    def _named(self, text: str) -> str:
        """The text, with the name of the environment where there are several."""
        return f"{self.request.environment}: {text}" if self.request.environment is not None else text

    def _died(self) -> ObservationError:
        try:
            status = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            status = None
        if status is not None and status < 0:
            how = f"was killed by signal {_signal_name(-status)}"
        elif status is not None:
            how = f"ended with exit status {status}"
        else:
            how = "closed its connection"
        return ObservationError(
            self._named(f"The application's process {how} before the review was complete."),
            hint=f"Something in env.py, the models or a revision ended the process{self._told()}.",
        )

    def _told(self) -> str:
        """Whether the process left any output, once all of it has been read."""
        if self.output is None:
            return ""
        self.output.ended.wait(_GRACE)
        return "; its output is above" if self.output.lines else " without any output"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _decode(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body) if not body.startswith(b'{"type":"facts"') else {"type": "facts"}
    except ValueError as error:
        raise _nonsense("a malformed message") from error
    if not isinstance(message, dict):
        raise _nonsense("a malformed message")
    return message


def with_proofs(facts: Facts, proofs: Proofs) -> ProvedFacts:
    """The facts, with the proofs and the time that each took."""
    times: dict[str, int] = {}
    for one in proofs.proved:
        times[f"proof.{one.proof}"] = times.get(f"proof.{one.proof}", 0) + one.milliseconds
    return ProvedFacts(**{**vars(facts), "timings_ms": {**facts.timings_ms, **times}}, proofs=proofs)


def with_history(facts: Facts, history: TrialFacts | str) -> Facts:
    """The facts with the outcome of the trials of revisions.

    If ``history`` is a text, the trials were not done for this reason, which is added to what was not checked.
    """
    if isinstance(history, str):
        return replace(facts, not_checked=(*facts.not_checked, history))
    downgrades = chain(history.downgrades, repeat(()))
    return replace(
        facts,
        databases=tuple(
            replace(one, downgrades=tried) for one, tried in zip(facts.databases, downgrades, strict=False)
        ),
        order_trials=history.order_trials,
        not_checked=history.not_checked,
        timings_ms=history.timings_ms,
    )


def _decoded(body: bytes, kind: type[_Message]) -> _Message:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise _nonsense(f"malformed facts ({error})") from error


def _plan(plan: RevisionPlan) -> dict[str, object]:
    """What the worker has to know of a plan."""
    names = ("package", "revision", "message", "head", "version_path", "branch_label", "depends_on")
    return {
        **{name: getattr(plan, name) for name in names},
        "operations": [asdict(operation) for operation in plan.operations],
        "code": [asdict(code) for code in plan.code],
    }


def _nonsense(what: str) -> ObservationError:
    return ObservationError(
        f"The worker sent {what}.",
        hint="Either the application wrote to a file descriptor that it did not open, or alembic-review has a bug.",
    )
