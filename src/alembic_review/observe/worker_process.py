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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from alembic_review.model.facts import Facts, HistoryFacts, Privilege
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.proofs import ProofPlan, Proofs, Proved
from alembic_review.model.revision_plan import RevisionFile, RevisionPlan
from alembic_review.model.secrets.known_passwords import known, learn
from alembic_review.model.secrets.withheld_variables import WITHHELD
from alembic_review.model.settings import Rename
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
class Archive:
    """The files of another commit of the checkout at ``top``, below ``folder``; ``directory`` is the one to work in."""

    top: Path
    folder: Path
    directory: Path


@dataclass(frozen=True)
class Request:
    """What the worker is to review; ``timeout`` in seconds for the whole conversation.

    Without ``config``, ``config_from`` names a callable. What the settings name is also looked for in the folders
    ``import_from``; ``env`` is added to the worker's environment.
    ``parts`` are the packages that the settings name, which may be parts of others and then own what lies below them.
    ``instead`` and ``beside`` lead from a version location, as a real path, to a folder that is read in its place or
    after it. Revisions on ``trial`` are applied last, and taken back after the comparison. With ``history``, whatever
    could be the application's own is taken back after it, and tried in another order. ``against`` are the schemas of
    another conversation, to be compared with instead of the models. ``shown`` is what this command has passed on of the
    application's output; a request that is made of another one shares it. ``before`` is a file of SQL, as an absolute
    path, or ``module:callable``: what exists before the first revision. ``environment`` is the
    name of one of several: the worker then waits between its upgrade and its comparison. With ``digests``, the whole
    catalogue is read after each revision, also where event triggers would tell what it touched. With an ``archive``,
    the worker can only be asked for ``old_models``. ``renames`` are those that the user accepts. ``replay`` is
    what earlier runs have kept.
    """

    python: str
    config: Path | None
    section: str
    x: tuple[str, ...]
    timeout: float
    custom: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    distribution: str | None = None
    debug: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    trial: tuple[str, ...] = ()
    history: bool = False
    against: tuple[str, ...] = ()
    config_from: str | None = None
    context: str | None = None
    preload: tuple[str, ...] = ()
    import_from: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None
    environment: str | None = None
    digests: bool = False
    archive: Archive | None = None
    renames: tuple[Rename, ...] = ()
    replay: KeptReplay | None = field(default=None, compare=False)
    shown: Shown = field(default_factory=Shown, compare=False)

    @property
    def caching(self) -> str:
        """What the worker does about results that are kept: ``off``, ``record`` or ``use``."""
        special = (self.instead, self.beside, self.trial, self.against, self.before, self.environment, self.archive)
        return "off" if self.replay is None or self.digests or any(special) else self.replay.mode


_Message = TypeVar("_Message", bound=msgspec.Struct)


class _FactsMessage(msgspec.Struct):
    facts: Facts


class _SuperuserMessage(msgspec.Struct):
    superuser: Privilege


class _HistoryMessage(msgspec.Struct):
    history: HistoryFacts


class _SchemasMessage(msgspec.Struct):
    schemas: tuple[str, ...]


class _ProvedMessage(msgspec.Struct):
    proved: tuple[Proved, ...]


class _WrittenMessage(msgspec.Struct):
    files: tuple[RevisionFile, ...]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` as processes of the application get it: without what is meant for the CI job alone."""
    return {name: value for name, value in environ.items() if name not in WITHHELD}


def environment_of(request: Request) -> dict[str, str]:
    """The environment of this request's worker, without what differs from run to run."""
    return _SAME_ORDER | environment(os.environ) | {**request.env, **_NO_BYTECODE}


def observe(
    request: Request,
    databases: Databases,
    progress: Progress,
    meanwhile: Callable[[Conversation, Facts], Proofs] | None = None,
) -> Facts:
    """Run one worker to the end and return its facts.

    ``meanwhile`` may ask it for proofs, before it tries the application's history. Raises ``ObservationError`` when the
    worker reports an error, dies, speaks nonsense or takes longer than ``request.timeout``. Where that happens only
    while it tries the history, this is not checked.
    """
    with conversation(request, databases, progress) as worker:
        told = worker.told()
        proofs = meanwhile(worker, decoded(told)) if meanwhile is not None else None
        history = worker.history() if request.history else None
    # Not before the worker is gone: its memory and ours would add up just when both are at their highest.
    facts = with_history(decoded(told), history) if history is not None else decoded(told)
    return with_proofs(facts, proofs) if proofs is not None else facts


@contextmanager
def conversation(request: Request, databases: Databases, progress: Progress) -> Iterator[Conversation]:
    """A worker that can be asked for more than a review, and is ended afterwards. Its methods raise as ``observe``."""
    with _worker(request) as (process, connection, output):
        yield Conversation(request, process, connection, databases, progress, output)


@contextmanager
def _worker(request: Request) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket, Output | None]]:
    ours, theirs = socket.socketpair()
    mark = new_mark()
    _end_orphans()
    try:
        process = _start(request, theirs, mark)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    output = Output(process.stdout, request.shown) if process.stdout is not None else None
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


def _start(request: Request, theirs: socket.socket, mark: str) -> subprocess.Popen[bytes]:
    try:
        # A session of its own: Ctrl-C reaches the parent alone, which then ends the worker and all it started.
        return subprocess.Popen(
            [request.python, str(WORKER), str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment_of(request) | {VARIABLE: mark},
            cwd=request.archive.directory if request.archive is not None else None,
            start_new_session=True,
        )
    except OSError as error:
        raise ObservationError(
            f"The interpreter {request.python} can't be started: {error.strerror}.",
            hint="Name the application's Python with --python, for example --python .venv/bin/python.",
        ) from error


@dataclass
class Conversation:
    """One worker: first ``review``, then the rest."""

    request: Request
    process: subprocess.Popen[bytes]
    connection: socket.socket
    databases: Databases
    progress: Progress
    output: Output | None = None

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.request.timeout
        self._left = self.request.timeout
        self._upgraded = False
        self._notes: dict[str, Callable[[str], None]] = {}
        self._allows: list[Callable[[bool], None] | None] = []

    def review(self) -> Facts:
        """Everything that was observed."""
        return replace(decoded(self.told()), environment=self.request.environment)

    def upgrade(self) -> None:
        """The first half of ``told``, of a request to ``wait``: the databases are upgraded, and nothing is compared."""
        self._ask_for_review()
        self._answer("upgraded")
        self._upgraded = True

    def told(self) -> bytes:
        """Everything that was observed, as the worker sent it."""
        if self._upgraded:
            self._send(type="compare")
        else:
            self._ask_for_review()
        return self._answer("facts")

    def old_models(self) -> tuple[Proved, ...]:
        """What the models of the request's archive do, on databases in the states that the worker asks for."""
        self._ask_for_review("old_models")
        return _decoded(self._answer("proved"), _ProvedMessage).proved

    def _ask_for_review(self, kind: str = "review") -> None:
        self._expect_hello(self._receive())
        self._left = self.deadline - time.monotonic()
        request = self.request
        archive = [str(request.archive.top), str(request.archive.folder)] if request.archive is not None else None
        self._send(
            type=kind,
            archive=archive,
            protocol=PROTOCOL,
            config=str(request.config) if request.config is not None else None,
            config_from=request.config_from,
            context=request.context,
            preload=list(request.preload),
            import_from=list(request.import_from),
            section=request.section,
            x=list(request.x),
            custom=list(request.custom),
            parts=list(request.parts),
            distribution=request.distribution,
            debug=request.debug,
            instead=dict(request.instead),
            beside=dict(request.beside),
            trial=list(request.trial),
            history=request.history,
            against=list(request.against),
            before=request.before,
            environment=request.environment,
            digests=request.digests,
            renames=[asdict(rename) for rename in request.renames],
            cache=request.caching,
            secrets=known(),
        )

    def schemas(self) -> tuple[str, ...]:
        """After ``told`` and before ``history``: the schema of each database, for another worker to compare with."""
        self._send(type="schemas")
        return _decoded(self._answer("schemas"), _SchemasMessage).schemas

    def prove(self, plan: ProofPlan) -> tuple[Proved, ...]:
        """After ``told`` and before ``history``: what each proof of this plan observes on each database.

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

    def history(self) -> HistoryFacts | str:
        """After ``told``: what the revisions do when taken back and in another order, or that this is not checked."""

        def asked() -> HistoryFacts:
            self._send(type="history")
            return _decoded(self._answer("history"), _HistoryMessage).history

        attempts = Attempts(show if self.request.debug else None)

        def unless_repeated() -> HistoryFacts | SuperuserNeededError | UnexplainedError:
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
                self.progress(self._named(str(message.get("text", ""))))
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
                database = replace(self.databases.copy_of(str(message.get("database", ""))), prepared=True)
            else:
                words = (str(message.get(name, "")) for name in ("dialect", "target", "state"))
                database = self.databases.create(*words)
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
        if self.request.replay is not None and message.get("reason"):
            self.request.replay.not_kept(str(message["reason"]))
        elif self.request.replay is not None:
            self.request.replay.keep(message["recorded"])
        self._send(type="kept")

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
                    self._named(f"The application did not finish within {self.request.timeout:g} seconds."),
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


def decoded(body: bytes) -> Facts:
    """The facts in a message. Raises ``ObservationError``."""
    return _decoded(body, _FactsMessage).facts


def with_proofs(facts: Facts, proofs: Proofs) -> Facts:
    """The facts, with the proofs and the time that each took."""
    times: dict[str, int] = {}
    for one in proofs.proved:
        times[f"proof.{one.proof}"] = times.get(f"proof.{one.proof}", 0) + one.milliseconds
    return replace(facts, proofs=proofs, timings_ms={**facts.timings_ms, **times})


def with_history(facts: Facts, history: HistoryFacts | str) -> Facts:
    if isinstance(history, str):
        return replace(facts, not_checked=(*facts.not_checked, history))
    downgrades = chain(history.downgrades, repeat(()))
    return replace(
        facts,
        databases=tuple(
            replace(one, downgrades=tried) for one, tried in zip(facts.databases, downgrades, strict=False)
        ),
        rehearsals=history.rehearsals,
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
