"""Queries before their tables exist: while modules are imported, or with models newer than the database."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any

import sqlalchemy
from sqlalchemy.sql.elements import TextClause

from alembic_review.worker.driver_errors import in_alembic, in_sqlalchemy
from alembic_review.worker.hints.fault import Fault

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED_TABLE, _UNDEFINED_COLUMN = "42P01", "42703"
_TABLE = re.compile(r'^relation "(?P<pg>.+)" does not exist|^no such table: (?P<sqlite>\S+)')
_COLUMN = re.compile(
    r"^column (?P<pg>.+?) (?:of relation .+ )?does not exist"
    r"|^no such column: (?P<sqlite>\S+)|^table \S+ has no column named (?P<insert>\S+)"
)


# By which Alembic records a revision in its version table.
_RECORDING = frozenset({"_insert_version", "_update_version", "_delete_version"})


def hint(fault: Fault) -> str:
    """Where the query comes from, and how to move it."""
    return _in_revision(fault) if fault.revision else _too_early(fault)


def _too_early(fault: Fault) -> str:
    """A query outside revisions on a table that they have not created yet."""
    found = _TABLE.search(fault.text) if fault.code == _UNDEFINED_TABLE or fault.of_sqlite else None
    if found is None:
        return ""
    table = found["pg"] or found["sqlite"]
    if any(frame.f_code.co_name in _RECORDING and in_alembic(frame) for frame, _ in fault.frames):
        return (
            f"Alembic created its version table {table} before the first revision, and no longer finds it: a revision "
            "or env.py rolled back Alembic's transaction, dropped the table, or left another search_path."
        )
    importing = _imported_module(fault)
    if importing:
        return (
            f"{importing} executes this query while the module is imported, before the revisions have created {table}. "
            "Move the query into a function that is called later: env.py has to run on an empty database."
        )
    return (
        f"env.py executes this query before the revisions have created {table}. It has to run on an empty database: "
        "skip the query where sa.inspect(connection).has_table(…) is false."
    )


def _imported_module(fault: Fault) -> str:
    """``file:line`` of the innermost module body below env.py that was on the stack."""
    bodies = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in fault.own_frames[1:]
        if frame.f_code.co_name == "<module>" and not in_sqlalchemy(frame)
    ]
    return bodies[-1] if bodies else ""


def _in_revision(fault: Fault) -> str:
    """A revision that uses a mapped class, which is newer in the models than in the database at that revision."""
    if fault.code not in (_UNDEFINED_TABLE, _UNDEFINED_COLUMN) and not fault.of_sqlite:
        return ""
    column, table = _COLUMN.search(fault.text), _TABLE.search(fault.text)
    found = column or table
    if found is None or _is_text(fault):
        return ""
    classes = list(_mapped_classes(fault))
    used = next((one for one in classes if not _of_revision(one, fault)), None)
    by_orm = any(in_sqlalchemy(frame, "orm") for frame, _ in fault.own_frames)
    if used is None and (classes or not by_orm):
        return ""
    name = next(value for value in found.groupdict().values() if value).replace('"', "")
    whose = f"the mapped class {used.__module__}.{used.__qualname__}" if used is not None else "a mapped class"
    return (
        f"The revision uses {whose}, whose {'column' if column is not None else 'table'} {name} does not exist in the "
        "database at this revision. Declare the table inside the revision, as it is at this revision: "
        "sa.table('name', sa.column('id'), …)."
    )


def _is_text(fault: Fault) -> bool:
    """Tell whether the statement was written as SQL, and not made from tables or classes."""
    for frame, _ in reversed(fault.frames):
        context = frame.f_locals.get("context") if in_sqlalchemy(frame, "engine") else None
        if context is not None and hasattr(context, "compiled"):
            return isinstance(getattr(context.compiled, "statement", None), (TextClause, type(None)))
    return False


def _of_revision(mapped: type, fault: Fault) -> bool:
    return bool(mapped.__module__ == fault.own_frames[0][0].f_globals.get("__name__"))


def _mapped_classes(fault: Fault) -> Iterator[type]:
    """Mapped classes that the code between the revision and SQLAlchemy names."""
    for frame, _ in fault.own_frames:
        if in_sqlalchemy(frame):
            return
        yield from (value for value in _named_in(frame) if _is_mapped(value))


def _named_in(frame: FrameType) -> Iterator[Any]:
    """What the names in a function's code stand for: variables, and attributes of the modules among them."""
    names = [*frame.f_code.co_names, *frame.f_code.co_varnames, *frame.f_code.co_freevars]
    queue = [frame.f_locals.get(name, frame.f_globals.get(name)) for name in names]
    seen: set[int] = set()
    while queue:
        value = queue.pop(0)
        if id(value) not in seen:
            seen.add(id(value))
            yield value
            if type(value) is ModuleType:
                queue += [vars(value).get(attribute) for attribute in names]


def _is_mapped(value: Any) -> bool:
    if "sqlalchemy.orm" not in sys.modules or not issubclass(type(value), type):
        return False
    try:
        found = sqlalchemy.inspect(value, raiseerr=False)
    except Exception:  # noqa: BLE001 - classes of the application may do anything when looked at
        return False
    return bool(getattr(found, "is_mapper", False))
