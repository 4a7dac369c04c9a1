"""Tables that exist before the first revision: a file of SQL, or a function of the application.

Both run on a connection of their own, which is closed afterwards, so that no session setting is left for env.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from alembic_review.worker.driver_errors import sqlstate
from alembic_review.worker.environment.named_objects import Named, reported
from alembic_review.worker.environment.sql_files import DumpError, Statement, statements
from alembic_review.worker.hints import Fault, hint_of
from alembic_review.worker.worker_errors import WorkerError, at, describe

_DUMP = "The file must apply to an empty database. For PostgreSQL, `pg_dump --schema-only DATABASE` writes such a file."
_BATCH = 500  # rows of one INSERT
_UNKNOWN_NAME = "42704"  # https://www.postgresql.org/docs/current/errcodes-appendix.html

# Who owns an object and who may use it is not compared, and a scratch server does not have the roles.
_PRIVILEGES = re.compile(
    r"(?:GRANT|REVOKE|REASSIGN\s+OWNED|ALTER\s+DEFAULT\s+PRIVILEGES|(?:RE)?SET\s+(?:SESSION\s+AUTHORIZATION|ROLE))\b"
    r'|ALTER\s.*\sOWNER\s+TO\s+(?:"(?:[^"]|"")*"|\w+)\Z',
    re.IGNORECASE | re.DOTALL,
)
# Encodings are the driver's business. The comment of a scratch database is its mark (https://sqlite.org/pragma.html:
# of a file, the application_id), and only the owner may comment on what every database has.
_NOT_OURS = re.compile(
    r"SET\s+client_encoding\b|COMMENT\s+ON\s+(?:DATABASE|EXTENSION|SCHEMA\s+public)\b|PRAGMA\s+(?:\w+\.)?application_id\b",
    re.IGNORECASE,
)
_WHOLE_SERVER = re.compile(
    r"(?P<what>(?:CREATE|ALTER|DROP)\s+(?:DATABASE|ROLE|USER|GROUP|TABLESPACE|SYSTEM))\b(?!\s+MAPPING)", re.IGNORECASE
)
_SETTING = re.compile(r"SET\s+(?:SESSION\s+)?[\w.]+\s*(?:=|TO\b)", re.IGNORECASE)
_PUBLIC = re.compile(r'CREATE\s+SCHEMA\s+(?P<name>"?public"?)\Z', re.IGNORECASE)
_COPY = re.compile(r"COPY\s+(?P<table>.*\S)\s+FROM\s+STDIN\Z", re.IGNORECASE | re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass
class Before:
    """Applies the setting ``before``: the path of a file, or ``module:callable`` of a function of a connection.

    ``named`` imports that function.
    ``left_out`` counts the statements about ownership and privileges of the file that were not executed.
    """

    setting: str
    named: Named = field(default_factory=Named)
    left_out: int = 0

    @property
    def is_file(self) -> bool:
        """Whether the setting names a file of SQL, as an absolute path, instead of a callable."""
        return os.path.isabs(self.setting)

    def apply(self, engine: Engine) -> None:
        """Make the tables in a new scratch database. Raises ``WorkerError``."""
        with engine.connect() as connection:
            if self.is_file:
                self._run_file(connection)
            else:
                self._call(connection)

    def not_checked(self) -> tuple[str, ...]:
        """What was left out of the file."""
        if not self.left_out:
            return ()
        what = "statement" if self.left_out == 1 else "statements"
        return (f"ownership and privileges before the first revision ({self.left_out} {what} of `before` left out)",)

    def _run_file(self, connection: Connection) -> None:
        # As psql does it: each statement in a transaction of its own, and no sign in the text means a parameter.
        # SQLAlchemy 1.4 would also end a transaction that the file begins (autocommit).
        connection = connection.execution_options(isolation_level="AUTOCOMMIT", no_parameters=True, autocommit=False)
        self.left_out = 0
        try:
            with open(self.setting, encoding="utf-8-sig") as stream:
                text = stream.read()
        except (OSError, UnicodeDecodeError) as error:
            raise WorkerError(f"The file of `before` can't be read: {describe(error)}") from error
        try:
            for statement in statements(text, connection.dialect.name):
                self._run(connection, statement)
        except DumpError as error:
            hint = "The file must contain only SQL statements, as `pg_dump --schema-only DATABASE` writes them."
            raise WorkerError(f"{error.message}{self._at(error.line)}", hint) from error

    def _run(self, connection: Connection, statement: Statement) -> None:
        text = statement.text
        if _NOT_OURS.match(text):
            return
        if _PRIVILEGES.match(text):
            self.left_out += 1
            return
        whole = _WHOLE_SERVER.match(text)
        if whole is not None:
            what = " ".join(whole["what"].upper().split())
            raise WorkerError(
                f"The file of `before` has a statement for the whole server: {what}.{self._at(statement.line)}",
                "Remove it, or write the file with `pg_dump --schema-only DATABASE`, without --create.",
            )
        if statement.rows is not None:
            self._copy(connection, statement, statement.rows)
            return
        self._execute(connection, _PUBLIC.sub(r"CREATE SCHEMA IF NOT EXISTS \g<name>", text), statement.line)

    def _execute(self, connection: Connection, text: str, line: int) -> None:
        try:
            connection.exec_driver_sql(text).close()
        except SQLAlchemyError as error:
            if _SETTING.match(text) and sqlstate(error) == _UNKNOWN_NAME:
                return  # of a pg_dump that is newer than the scratch server
            raise self._failed(error, line) from error

    def _copy(self, connection: Connection, statement: Statement, rows: Sequence[str]) -> None:
        """Insert the rows of a ``COPY … FROM stdin``: each driver has a way of its own to copy, and some have none."""
        copy = _COPY.match(statement.text)
        if copy is None:
            raise WorkerError(
                f"Only plain text can be copied (COPY table (columns) FROM stdin).{self._at(statement.line)}",
                "Write the rows with `pg_dump --inserts`.",
            )
        # An identity column that is GENERATED ALWAYS takes values from COPY, too.
        insert = f"INSERT INTO {copy['table']} OVERRIDING SYSTEM VALUE VALUES "  # noqa: S608 - the file's own words
        if not copy["table"].endswith(")"):
            bare = f"INSERT INTO {copy['table']} DEFAULT VALUES"  # as pg_dump writes a table without columns
            for number, _ in enumerate(rows):
                self._execute(connection, bare, statement.data_line + number)
            return
        remaining = iter(enumerate(rows, statement.data_line))
        while batch := list(islice(remaining, _BATCH)):
            values = [(f"({', '.join(map(_literal, fields(row)))})", line) for line, row in batch]
            try:
                connection.exec_driver_sql(insert + ",\n".join(value for value, _ in values)).close()
            except SQLAlchemyError:
                # One after the other: which row is it?
                for value, line in values:
                    self._execute(connection, insert + value, line)

    def _call(self, connection: Connection) -> None:
        function = self.named.function("before", self.setting)
        # On SQLAlchemy 1.4 the connection has no commit() of its own.
        transaction: Any = connection if hasattr(connection, "commit") else connection.begin()
        with reported(f"`before` ({self.setting}) failed"):
            function(connection)
            transaction.commit()

    def _failed(self, error: BaseException, line: int) -> WorkerError:
        return WorkerError(
            f"A statement of the file of `before` failed: {describe(error)}{self._at(line)}",
            hint_of(Fault(error), _DUMP),
        )

    def _at(self, line: int) -> str:
        return at([f"{self.setting}:{line}"])


def fields(row: str) -> Iterator[str | None]:
    """The values of one line of ``COPY`` in text format; ``None`` is NULL.

    https://www.postgresql.org/docs/current/sql-copy.html
    """
    for value in row.split("\t"):
        yield None if value == "\\N" else _ESCAPE.sub(_unescaped, value.encode()).decode() if "\\" in value else value


def _unescaped(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    return _CONTROLS.get(other, other)


def _literal(value: str | None) -> str:
    """A literal without a type: the column decides, as for COPY."""
    if value is None:
        return "NULL"
    quoted = value.replace("'", "''")
    # Doubled backslashes mean the same whatever standard_conforming_strings is.
    return "E'{}'".format(quoted.replace("\\", "\\\\")) if "\\" in value else f"'{quoted}'"
