"""What env.py and the modules that it imports have set up when the revisions begin, to be the same in a later run.

Everything here is plain data that two runs can compare.
"""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, Table
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from alembic_review.model.input_states import text_state
from alembic_review.worker import internals

# Of these, revisions see nothing: what Alembic's commands pass, and what concerns a comparison alone.
_OF_COMMANDS = frozenset({"fn", "script", "as_sql", "destination_rev", "dont_mutate", "template_args", "connection"})
_OF_COMPARISONS = frozenset(
    {
        *("include_name", "include_object", "include_schemas", "process_revision_directives", "render_item"),
        *("compare_type", "compare_server_default", "autogenerate_plugins", "render_as_batch", "user_module_prefix"),
        *("sqlalchemy_module_prefix", "alembic_module_prefix", "upgrade_token", "downgrade_token", "target_metadata"),
    }
)
_EVENTS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (Engine, ("before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute", "handle_error")),
    (Engine, ("begin", "commit", "rollback", "engine_connect", "do_connect", "do_execute", "do_execute_no_params")),
    (Pool, ("connect", "first_connect", "checkout")),
    (Table, ("before_create", "after_create", "after_parent_attach", "before_parent_attach", "before_drop")),
    (Column, ("after_parent_attach", "before_parent_attach")),
    (MetaData, ("before_create", "after_create")),
)
_SESSION = (
    "SELECT name, setting FROM pg_catalog.pg_settings WHERE source IN ('session', 'client', 'user', 'database', "
    "'database user', 'global', 'interactive') UNION ALL SELECT 'users', concat_ws(' ', current_user, session_user) "
    "ORDER BY 1"
)
_PRAGMAS = ("foreign_keys", "legacy_alter_table", "recursive_triggers", "defer_foreign_keys")


class NotKeptError(Exception):
    """The results of this replay can't be kept, for this reason."""


def conditions(context: MigrationContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What has been set up for one database; ``arguments`` are those of ``run_migrations``.

    Raises ``NotKeptError`` for what no later run can compare.
    """
    connection = context.connection
    assert connection is not None
    seen = context.opts.keys() - _OF_COMMANDS - _OF_COMPARISONS
    implementation: Any = context.impl
    return {
        "options of context.configure()": {name: _plain(context.opts[name], name) for name in sorted(seen)},
        "arguments of run_migrations()": _plain(dict(arguments), "run_migrations()"),
        "naming conventions": _conventions(context.opts.get("target_metadata")),
        "options of the connection": _plain(dict(connection.get_execution_options()), "execution_options"),
        "settings of the session": _session(connection),
        "dialect": [
            *(context.dialect.name, context.dialect.driver, str(context.dialect.server_version_info)),
            *(f"{one.__module__}.{one.__qualname__}" for one in type(implementation).__mro__),
        ],
        "config": _config(context.config),
        "listeners and operations": text_state("\n".join(sorted(chain(_listeners(), _compile_rules(), _operations())))),
        "interpreter": [sys.version, platform.machine(), sqlite3.sqlite_version],
    }


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first condition that is another one; empty when all are the same."""
    return next((name for name in {**before, **now} if before.get(name) != now.get(name)), "")


def parameters(value: Any) -> str:
    """The parameters of a statement, as text; of an object, only its type."""
    try:
        return repr(_plain(value, ""))
    except NotKeptError:
        return type(value).__name__


def _plain(value: Any, name: str) -> Any:
    """A value as JSON gives it back."""
    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one, name) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one, name) for key, one in sorted(value.items(), key=lambda item: str(item[0]))}
    message = f"env.py gives {name} an object ({type(value).__name__})"
    raise NotKeptError(message)


def _conventions(target: Any) -> list[Any]:
    targets = list(target) if isinstance(target, (list, tuple)) else [target]
    return [_plain(getattr(one, "naming_convention", None), "a naming convention") for one in targets]


def _session(connection: Connection) -> list[Any]:
    if connection.dialect.name == "postgresql":
        return [list(map(str, row)) for row in connection.exec_driver_sql(_SESSION).fetchall()]
    return [str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in _PRAGMAS]


def _config(config: Config | None) -> str:
    """A digest, for there may be passwords in it."""
    if config is None:
        return ""
    parser: Any = config.file_config
    lines = [
        f"{section} {name} {value}" for section in parser.sections() for name, value in parser.items(section, raw=True)
    ]
    lines += [f"{name} {_shown(value)}" for name, value in sorted(config.attributes.items(), key=str)]
    lines.append(str(getattr(config.cmd_opts, "x", None)))
    return text_state("\n".join(lines))


def _shown(value: Any) -> str:
    """Of an object, its type: revisions that read ``config.attributes`` depend on the whole application anyway."""
    try:
        return repr(_plain(value, ""))
    except NotKeptError:
        return f"{type(value).__module__}.{type(value).__qualname__}"


def _listeners() -> Iterator[str]:
    for kind, names in _EVENTS:
        for name in names:
            for function in internals.class_listeners(kind, name):
                yield f"{kind.__name__} {name} {_called(function)}"


def _compile_rules() -> Iterator[str]:
    kinds: list[type] = [ClauseElement, TypeEngine]
    for kind in {one for top in kinds for one in _below(top)}:
        for dialect, function in internals.compile_rules(kind).items():
            yield f"{kind.__module__}.{kind.__qualname__} {dialect} {_called(function)}"


def _operations() -> Iterator[str]:
    for name, function in internals.registered_operations():
        yield f"{name} {_called(function)}"


def _called(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"


def _below(kind: type) -> Iterator[type]:
    subclasses: list[type] = type.__subclasses__(kind)
    for one in subclasses:
        yield one
        yield from _below(one)
