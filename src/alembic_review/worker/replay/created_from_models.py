"""Which tables were created from the models themselves: comparing those with the models proves nothing.

``metadata.create_all()``, ``table.create()`` and an executed ``CreateTable`` all end in one statement that SQLAlchemy
compiles from a ``Table``. Each is noted from the first import on, when nobody knows yet which MetaData env.py will
give Alembic, and on which database it will migrate.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from sqlalchemy import MetaData, Table, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql import ddl

from alembic_review.model.facts import Creation, Frame, TableKey
from alembic_review.worker import internals
from alembic_review.worker.call_stacks import Stacks, is_sqlalchemy
from alembic_review.worker.redirect.connections import Target
from alembic_review.worker.replay.catalogue import Namer
from alembic_review.worker.replay.upgrade import Replayed

_CALLS = {"create_all": "metadata.create_all()", "create": "table.create()"}
_EXECUTED = "CreateTable"
# SQLAlchemy 2.1 has further statements that create a table.
_STATEMENTS: Any = getattr(ddl, "TableCreateDDL", CreateTable)
# Duplicate table (index, view, sequence), column, schema, and object (type, constraint, trigger):
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DUPLICATE = frozenset({"42P07", "42701", "42P06", "42710"})
_DUPLICATE_NAME = re.compile(
    r'"(?P<postgresql>[^"]+)".* already exists|(?:table|index) (?P<sqlite>\S+) already exists'
    r"|duplicate column name: (?P<column>\S+)"
)


@dataclass(frozen=True)
class _Created:
    """One CREATE TABLE of a model; ``position`` counts the revisions that had been applied when it ended."""

    table: Table
    target: Target
    schema: str | None
    call: str
    stack: int | None
    revision: str
    position: int
    before: bool


@dataclass
class Creations:
    """Notes tables that are created from a ``Table`` of the application.

    ``original`` finds the table that a copy was made from in the end, and is ``None`` for a table that Alembic made for
    an operation. ``target`` and ``replayed`` find what is known of a connection's database, if anything, and
    ``definition`` the stack in which a table was defined. ``before`` while the settings make what exists before the
    first revision. ``any`` is true once there was one, even if it is gone since.
    """

    stacks: Stacks
    original: Callable[[Table], Table | None]
    target: Callable[[Connection], Target | None]
    replayed: Callable[[Connection], Replayed | None]
    definition: Callable[[Table], int | None] = lambda _: None
    before: bool = False
    any: bool = False
    _created: dict[tuple[Any, str | None, str], _Created | None] = field(default_factory=dict)
    _skipped: Any = field(default=None, repr=False)

    def install(self) -> None:
        """Listen to every engine."""
        event.listen(Engine, "before_execute", self._before)
        event.listen(Engine, "after_execute", self._after)

    def of(
        self, target: Target, replayed: Replayed, connection: Connection, targets: Sequence[MetaData], name: Namer
    ) -> tuple[tuple[Creation, ...], tuple[Creation, ...]]:
        """The tables of ``targets`` that are in this database because somebody created them from the models.

        What a later revision dropped, or created anew, does not count. Second are those of any other MetaData.
        """
        models = {id(table): TableKey(table.schema, table.name) for each in targets for table in each.tables.values()}
        present = replayed.catalogue.snapshot(connection, digests=False).tables
        origins = {name(key): replayed.creators.get(identity) for identity, (key, _) in present.items()}
        found: list[Creation] = []
        others: list[Creation] = []
        for created in self._on(target):
            key = name(TableKey(created.schema, created.table.name))
            if key in origins and origins[key] not in replayed.applied[created.position :]:
                own = models.get(id(self.original(created.table))) == key
                defined = self.definition(created.table)
                creation = Creation(key, created.call, created.stack, created.revision, defined)
                (found if own else others).append(creation)
        return tuple(sorted(found, key=_order)), tuple(sorted(others, key=_order))

    def elsewhere(self, targets: Collection[Target]) -> frozenset[int]:
        """The tables, by identity, that were created in databases other than ``targets``."""
        keys = {target.key for target in targets}
        found = [one for one in self._created.values() if one is not None and one.target.key not in keys]
        return frozenset(id(self.original(one.table)) for one in found)

    def hint(self, error: BaseException, target: Target, own: Callable[[str | None], bool]) -> str:
        """What to do about a table, column, index or type that exists already because it was created from the models.

        Empty for any other error. ``own`` is true for a package that may be the application's.
        """
        duplicate = next((one for one in _chain(error) if _is_duplicate(one)), None)
        if duplicate is None:
            return ""
        for created in self._on(target):
            if _created_with(created.table, duplicate):
                frame = self._frame(created.stack, own)
                where = f" at {frame.path}:{frame.line}" if frame is not None else ""
                what = f"{created.call}{where} had already created the table {created.table.name} from the models."
                return f"{what} {_advice(created, frame)}"
        return ""

    def _frame(self, stack: int | None, own: Callable[[str | None], bool]) -> Frame | None:
        frames = [self.stacks.frames[number] for number in self.stacks.stacks[stack]] if stack is not None else []
        return next((frame for frame in frames if own(frame.package)), frames[0] if frames else None)

    def _on(self, target: Target) -> Iterator[_Created]:
        return (
            created for created in self._created.values() if created is not None and created.target.key == target.key
        )

    def _before(
        self, connection: Connection, element: Any, _multiparams: Any, _params: Any, _execution_options: Any
    ) -> None:
        """IF NOT EXISTS creates nothing where the table is there already."""
        table = _created_table(element)
        if table is None or not getattr(element, "if_not_exists", False):
            return
        schema = connection.schema_for_object(table)
        self._skipped = element if connection.dialect.has_table(connection, table.name, schema=schema) else None

    def _after(
        self,
        connection: Connection,
        element: Any,
        _multiparams: Any,
        _params: Any,
        _execution_options: Any,
        _result: Any,
    ) -> None:
        table = _created_table(element)
        target = self.target(connection) if table is not None else None
        if table is None or target is None or element is self._skipped:
            return
        schema = connection.schema_for_object(table)
        made = None
        # Revisions make tables by the thousand, and none of those is to be kept alive.
        if self.original(table) is not None:
            replayed = self.replayed(connection)
            revision = replayed.running if replayed is not None else ""
            position = len(replayed.applied) + bool(revision) if replayed is not None else 0
            caller = sys._getframe(1)
            self.any = True
            made = _Created(
                table, target, schema, _call(caller), self.stacks.behind(caller), revision, position, self.before
            )
        self._created[target.key, schema, table.name] = made


def _order(creation: Creation) -> tuple[str, str]:
    return creation.key.schema or "", creation.key.name


def _created_table(element: Any) -> Table | None:
    """The table that a statement creates."""
    table = element.element if isinstance(element, _STATEMENTS) else None
    return table if isinstance(table, Table) else None


def _call(frame: FrameType | None) -> str:
    """What the application called, as it would write it."""
    while frame is not None and is_sqlalchemy(frame.f_code):
        if frame.f_code.co_name in _CALLS and isinstance(frame.f_locals.get("self"), (MetaData, Table)):
            return _CALLS[frame.f_code.co_name]
        frame = frame.f_back
    return _EXECUTED


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_duplicate(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return code in _DUPLICATE if code else _DUPLICATE_NAME.search(str(error.orig)) is not None


def _created_with(table: Table, duplicate: Any) -> bool:
    """Tell whether what exists already is the table, or was created together with it."""
    match = _DUPLICATE_NAME.search(str(duplicate.orig))
    if match is None:
        return False
    name = next(text for text in match.groups() if text)
    types = [getattr(getattr(column.type, "item_type", column.type), "name", None) for column in table.columns]
    items: list[Any] = [getattr(item, "name", None) for item in (*table.indexes, *table.constraints)]
    if name in [table.name, *types, *items]:
        return True
    altered = re.search(rf"(?<!\w){re.escape(table.name)}(?!\w)", f"{duplicate.statement}") is not None
    return altered and name in table.columns


def _advice(created: _Created, frame: Frame | None) -> str:
    if created.before:
        return "The function of `before` must create only objects that exist before the first revision."
    if created.revision:
        return f"Create the tables of revision {created.revision} with op.create_table()."
    if frame is not None and frame.module == internals.ENV_PY:
        return "Remove that call from env.py: only revisions create tables there."
    return "Move that call to code that env.py does not run, such as a start-up handler or a command."
