"""Rules by which other code than SQLAlchemy's compiles SQLAlchemy's own types and statements.

See ``@compiles`` (https://docs.sqlalchemy.org/en/20/core/compiler.html): such a rule goes for every table of a process.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Iterator

from sqlalchemy.sql import ddl
from sqlalchemy.types import TypeEngine

from alembic_review.model.facts import CompileRule, Place
from alembic_review.worker import internals
from alembic_review.worker.call_stacks import is_theirs
from alembic_review.worker.packages import package_of


def compile_rules(dialects: Collection[str]) -> tuple[CompileRule, ...]:
    """The rules that hold for one of these dialects."""
    found: dict[CompileRule, None] = {}
    statements = [one for one in vars(ddl).values() if isinstance(one, type) and one.__module__ == ddl.__name__]
    for kind in (*_own(TypeEngine), *statements):
        for dialect, function in internals.compile_rules(kind).items():
            code = getattr(inspect.unwrap(function), "__code__", None)
            if dialect in ("default", *dialects) and code is not None and is_theirs(code):
                path = os.path.abspath(code.co_filename)
                package = package_of(getattr(function, "__module__", None), path)
                found[CompileRule(kind.__name__, Place(path, code.co_firstlineno), package)] = None
    return tuple(found)


def _own(kind: type) -> Iterator[type]:
    """The class and those below it that SQLAlchemy brings."""
    seen, waiting = {kind}, [kind]
    while waiting:
        one = waiting.pop()
        if one.__module__.partition(".")[0] == "sqlalchemy":
            yield one
        subclasses: list[type] = type.__subclasses__(one)
        waiting += [one for one in subclasses if one not in seen]
        seen.update(subclasses)
