"""What revisions do on the PostgreSQL server beyond their database: what needs a superuser, and what is never done.

The server refuses most of it by itself (42501), because the role of the scratch database is not a superuser. Where it
is one, a statement that reaches files, programs or the network is refused before it is executed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from alembic_review.model.secrets.masking import mask
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.driver_errors import chain, database_text, original, sqlstate
from alembic_review.worker.worker_errors import WorkerError, at

_REFUSED = "42501"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_SHOWN = 300  # characters

_WORDS = re.IGNORECASE | re.DOTALL


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, _WORDS)


# How a statement is called, and what it reads like.
_CONTACTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("COPY … PROGRAM", _pattern(r"\bCOPY\b[^;]*?\b(?:FROM|TO)\s+PROGRAM\b")),
    ("COPY with a file", _pattern(r"\bCOPY\b[^;]*?\b(?:FROM|TO)\s+(?:[EU]&?)?'")),
    ("a function for files", _pattern(r"\b(?:lo_import|lo_export|pg_read_(?:binary_)?file|pg_stat_file)\b\"?\s*\(")),
    ("a function for files", _pattern(r"\b(?:pg_ls_\w*dir|pg_file_\w+|pg_logdir_ls)\b\"?\s*\(")),
    (
        "dblink",
        _pattern(r"(?<!TABLE )(?<!INTO )(?<!EXISTS )\bdblink(?:_(?:connect(?:_u)?|exec|open|send_query))?\"?\s*\("),
    ),
    ("a foreign server", _pattern(r"\b(?:CREATE|ALTER)\s+SERVER\b|\bIMPORT\s+FOREIGN\s+SCHEMA\b")),
    ("a foreign server", _pattern(r"\b(?:CREATE|ALTER)\s+(?:USER\s+MAPPING|FOREIGN\s+(?:TABLE|DATA\s+WRAPPER))\b")),
    ("a subscription", _pattern(r"\b(?:CREATE|ALTER)\s+SUBSCRIPTION\b")),
    ("a tablespace", _pattern(r"\bCREATE\s+TABLESPACE\b")),
    ("ALTER SYSTEM", _pattern(r"\bALTER\s+SYSTEM\b")),
    ("a library of the server", _pattern(r"(?:\A|;)\s*LOAD\s+'|\bLANGUAGE\s+['\"]?c['\"]?(?!\w)")),
    ("code in an untrusted language", _pattern(r"\A\s*DO\b.*\bLANGUAGE\s+['\"]?pl\w+u\b|\A\s*DO\b.*\bplpython\du\b")),
)
# As PostgreSQL words its refusals, whose statement may be in a function.
_CONTACT_MESSAGES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("COPY … PROGRAM", _pattern(r"COPY.*external program")),
    ("COPY with a file", _pattern(r"COPY.*\bfile\b")),
    ("a function for files", _pattern(r"for function (?:lo_import|lo_export|pg_read_|pg_stat_file|pg_ls_|pg_file_)")),
    ("a function for files", _pattern(r"absolute path not allowed|path must be in or below")),
    ("dblink", _pattern(r"for function dblink")),
    ("a foreign server", _pattern(r"foreign-data wrapper|for foreign server|user mapping")),
    ("a subscription", _pattern(r"\bsubscription")),
    ("a tablespace", _pattern(r"create tablespace")),
    ("ALTER SYSTEM", _pattern(r"ALTER SYSTEM")),
    ("a library of the server", _pattern(r"for language c\b|access to library")),
    ("a role that reaches files or programs", _pattern(r"pg_(?:execute_server_program|(?:read|write)_server_files)")),
)
# Before PostgreSQL 16, whoever may create roles may also take one of these.
_TAKEN = _pattern(
    r"\b(?:GRANT|ROLE)\b[^;]*\bpg_(?:execute_server_program|(?:read|write)_server_files|create_subscription)\b"
)
# Repeated as superuser.
_NEEDS = _pattern(
    r"\b(?:CREATE|ALTER|DROP|COMMENT\s+ON)\s+(?:OR\s+REPLACE\s+)?"
    r"(?:EXTENSION|(?:TRUSTED\s+)?(?:PROCEDURAL\s+)?LANGUAGE|EVENT\s+TRIGGER)\b"
    r"|\bsession_replication_role\b|\bOWNER\s+TO\b|\bREASSIGN\s+OWNED\b"
)
_NEED_MESSAGES = _pattern(r"create extension|create event trigger|procedural language|session_replication_role")
# Seen on a server that is not ours: the parent drops what they create.
_SERVER_WIDE = _pattern(r"\b(?:CREATE\s+(?:ROLE|USER|GROUP|DATABASE|TABLESPACE)|RENAME\s+TO)\b")

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^']|'')*'", re.DOTALL)
_ROWS = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|COMMENT)\b", re.IGNORECASE)

_HINT = (
    "Move the statement out of the revisions, for example into a separate script: a review does not execute "
    "statements that reach files, programs or the network of the database server."
)


@dataclass(frozen=True)
class Need:
    """A statement that only a superuser may execute, the revision that runs it, if any, and where."""

    statement: str
    refusal: str
    revision: str
    path: str
    line: int


class SuperuserError(WorkerError):
    """The replay has to be repeated as superuser, because of ``need``."""

    def __init__(self, need: Need) -> None:
        where = at([f"{need.path}:{need.line}"]) if need.path else ""
        super().__init__(f"A statement needs a superuser: {need.refusal}\n  statement: {need.statement}{where}")
        self.need = need


@dataclass
class Privileges:
    """Watches the statements of every engine; ``need`` and ``refusal`` are the first of their kind.

    ``rights`` tells of a connection's dialect whether its role is a superuser, and ``None`` where the dialect is not of
    a PostgreSQL scratch database. ``revision`` finds the revision that runs in a frame. ``given`` is true on a server
    that is not ours, and ``note`` then hears of statements that may create something outside the database.
    """

    stacks: Stacks
    rights: Callable[[Any], bool | None]
    revision: Callable[[FrameType | None], str]
    refuse: Callable[[WorkerError], Exception]
    given: Callable[[], bool]
    note: Callable[[str], None]
    need: Need | None = None

    def install(self) -> None:
        """Listen to every engine."""
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "handle_error", self._failed)

    def check(self) -> None:
        """Raise ``SuperuserError`` where a superuser was needed, whatever the application made of the refusal."""
        if self.need is not None:
            raise SuperuserError(self.need)

    def look_at(self, error: BaseException) -> None:
        """Of an error that came out of a revision: a cursor of the driver's own is not seen otherwise."""
        for one in chain(error):
            if self.need is None and sqlstate(one) == _REFUSED:
                query = getattr(getattr(original(one), "cursor", None), "query", b"")
                text = query.decode(errors="replace") if isinstance(query, bytes) else ""
                frames = _frames(one)
                self._note(text, database_text(original(one)), frames[-1] if frames else None)

    def _before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        superuser = self.rights(connection.dialect)
        if superuser is None:
            return
        given = self.given()
        if given and _SERVER_WIDE.search(statement):
            self.note(statement)
        kind = contact(statement) if superuser or given else ""
        if not kind and _TAKEN.search(statement):
            kind = "a role that reaches files or programs"
        if kind:
            raise self.refuse(self._contact(kind, statement, sys._getframe(1)))

    def _failed(self, context: Any) -> None:
        error = context.original_exception
        connection = context.connection
        if sqlstate(error) != _REFUSED or (connection is not None and self.rights(connection.dialect) is None):
            return
        self._note(context.statement or "", database_text(error), sys._getframe(1))

    def _note(self, statement: str, message: str, frame: FrameType | None) -> None:
        kind = refused_contact(statement, message)
        if kind:
            self.refuse(self._contact(kind, statement, frame))
        elif self.need is None and not self.given() and needs_superuser(statement, message):
            place = self.stacks.place(frame)
            where = (place.path, place.line) if place is not None else ("", 0)
            self.need = Need(_shown(statement), message.partition("\n")[0], self.revision(frame), *where)

    def _contact(self, kind: str, statement: str, frame: FrameType | None) -> WorkerError:
        place = self.stacks.place(frame)
        where = at([f"{place.path}:{place.line}"]) if place is not None else ""
        revision = self.revision(frame)
        who = f"a statement of revision {revision}" if revision else "a statement"
        shown = f"\n  statement: {_shown(statement)}" if statement else ""
        return WorkerError(
            f"The database server refused {who} that reaches outside the scratch database ({kind}).{shown}{where}",
            _HINT,
        )


def contact(statement: str) -> str:
    """How a statement reaches files, programs, the network or the server's settings; empty when it does not."""
    text = _COMMENT.sub(" ", statement)
    if _ROWS.match(text):
        text = _LITERAL.sub("''", text)
    return next((kind for kind, pattern in _CONTACTS if pattern.search(text)), "")


def refused_contact(statement: str, message: str) -> str:
    """The same of a statement that the server refused with this message."""
    for kind, pattern in _CONTACT_MESSAGES:
        if pattern.search(message):
            return kind
    kind = contact(statement)
    return "" if kind and kind != "ALTER SYSTEM" and needs_superuser(statement, message) else kind


def needs_superuser(statement: str, message: str) -> bool:
    """True for a refused statement with which the replay is repeated as superuser."""
    return bool(_NEED_MESSAGES.search(message) or _NEEDS.search(_COMMENT.sub(" ", statement)))


def _shown(statement: str) -> str:
    text = mask(" ".join(statement.split()))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def _frames(error: BaseException) -> list[FrameType]:
    found = []
    trace = error.__traceback__
    while trace is not None:
        found.append(trace.tb_frame)
        trace = trace.tb_next
    return found
