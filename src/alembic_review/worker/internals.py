"""Every private name of Alembic and SQLAlchemy that the worker leans on, in one place.

Tried on SQLAlchemy 1.4.54, 2.0.54 and 2.1.9, and on Alembic 1.16.5, 1.17.2, 1.18.4, 1.19.2 and 1.20.1. Where a name is
missing, the function falls back to the plain way and the caller says what can't be watched.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, FunctionType, MethodType
from typing import Any

from alembic import autogenerate
from alembic import util as alembic_util
from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.config import CommandLine, Config
from alembic.ddl import impl
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import UpgradeOps
from alembic.script import Script, ScriptDirectory, base, write_hooks
from alembic.util import sqla_compat
from sqlalchemy import Constraint, ForeignKeyConstraint, Index, MetaData, Table
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.pool import Pool
from sqlalchemy.schema import AddConstraint
from sqlalchemy.schema import Sequence as SequenceItem
from sqlalchemy.sql import ddl

CONFIGURE_FUNCTIONS = frozenset(
    {"configure_mappers", "_configure_registries", "_do_configure_registries", "_check_configure"},
)
"""Functions below ``sqlalchemy/orm`` that configure mappers for whoever happened to come first."""

COPY_FUNCTIONS = frozenset({"to_metadata", "tometadata"})
"""Methods of ``Table`` that make a copy of it in another MetaData."""

COLUMN_COPY = "_copy"
"""The method by which declarative and ``to_metadata`` copy a ``Column``."""

_CREATE_ENGINE_MODULES = frozenset({"sqlalchemy.engine.create", "sqlalchemy.engine.strategies"})


def config_from_arguments(arguments: Sequence[str], file: str | None, section: str) -> Config:
    """The ``Config`` that the ``alembic`` command would make of these arguments."""
    line = CommandLine(prog="alembic")
    options: Namespace = line.parser.parse_args(list(arguments))
    split = getattr(line, "_inis_from_config", None)
    if split is None:
        return Config(file_=file, ini_section=section, cmd_opts=options)
    toml, ini = split(options)
    return Config(file_=ini, toml_file=toml, ini_section=options.name, cmd_opts=options)


def upgrade_steps(script: ScriptDirectory, heads: Any) -> list[Any]:
    """The steps of ``upgrade heads``, in the order of ``version_locations`` and ``depends_on``."""
    return list(script._upgrade_revs("heads", heads))


def replace_pool_creator(connect: Callable[[Any, Any, Callable[[Any], Any] | None], Any]) -> bool:
    """Send every new connection of every pool through ``connect(pool, record, original)``.

    ``original`` is SQLAlchemy's own creator, or ``None`` when the application brought one (``creator=``,
    ``async_creator=``, a supplied pool). Returns False when this SQLAlchemy has no such name.
    """
    if not hasattr(Pool, "_should_wrap_creator"):
        return False

    def get(pool: Any) -> Callable[[Any], Any]:
        wrapped = pool.__dict__["_alembic_review_creator"]
        own = getattr(wrapped, "__module__", None) in _CREATE_ENGINE_MODULES

        def create(record: Any) -> Any:
            return connect(pool, record, wrapped if own else None)

        return create

    def put(pool: Any, creator: Any) -> None:
        pool.__dict__["_alembic_review_creator"] = creator

    def drop(pool: Any) -> None:
        pool.__dict__.pop("_alembic_review_creator", None)

    Pool._invoke_creator = property(get, put, drop)  # type: ignore[assignment]
    return True


def class_listeners(kind: type, name: str) -> list[Callable[..., Any]]:
    """The functions that listen to this event of every ``kind``; none where this SQLAlchemy keeps them elsewhere."""
    event = getattr(getattr(kind, "dispatch", None), name, None)
    return list(getattr(event, "_clslevel", {}).get(kind, ()))


def compile_rules(kind: type) -> dict[str, Callable[..., Any]]:
    """The functions that ``@compiles`` registered for this very class, by dialect or ``default``."""
    return dict(getattr(vars(kind).get("_compiler_dispatcher"), "specs", {}))


def registries() -> list[Any]:
    """Every registry of mapped classes; none where this SQLAlchemy keeps them elsewhere."""
    known: Any = getattr(sys.modules["sqlalchemy.orm.mapper"], "_all_registries", list)
    return list(known())


def configure_registries(registries: Collection[Any]) -> None:
    """Configure the mappers of these registries, and of those that they depend on, in one go."""
    together = getattr(sys.modules["sqlalchemy.orm.mapper"], "_configure_registries", None)
    if together is not None:
        together(set(registries), cascade=True)
        return
    for registry in registries:
        registry.configure(cascade=True)


def autoincrement_column(table: Any) -> Any:
    """The column that the server counts up; ``Table.autoincrement_column`` since SQLAlchemy 2."""
    return table._autoincrement_column


def scripts(script: ScriptDirectory) -> list[Any]:
    """Every revision script, also where they don't fit together; none where Alembic has another way to read them."""
    load = getattr(script, "_load_revisions", None)
    return list(load()) if load is not None else []


def overridden(script: ScriptDirectory, loaded: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Revision scripts that Alembic dropped for another file of the same id, each with the script that it kept.

    Alembic only prints a warning about them. Where it lists the files in another way, nothing is found.
    """
    listed, is_script = getattr(Script, "_list_py_dir", None), getattr(base, "_only_source_rev_file", None)
    if listed is None or is_script is None:
        return []
    kept = {one.revision: one for one in loaded}
    used = {os.path.realpath(one.path) for one in kept.values()}
    folders = [folder for folder in script._version_locations if os.path.isdir(folder)]
    names = [os.fspath(path) for folder in folders for path in listed(script, folder)]
    if all(os.path.realpath(name) in used for name in names if is_script.match(os.path.basename(name))):
        return []
    others = [one for one in scripts(script) if os.path.realpath(one.path) not in used]
    return [(one, kept[one.revision]) for one in others if one.revision in kept]


def loading(error: BaseException) -> str:
    """The file that Alembic was importing when it got this error; empty when that can't be seen."""
    found = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "load_module_py" and "path" in frame.f_locals:
            found = str(frame.f_locals["path"])
    return found


def pool_dialect(pool: Any) -> Any:
    """The dialect that a pool makes connections for; ``None`` when it has not been told."""
    dialect = getattr(pool, "_dialect", None)
    return dialect if hasattr(dialect, "create_connect_args") else None


def pool_of(record: Any) -> Any:
    """The pool that a connection record belongs to."""
    return getattr(record, "_ConnectionRecord__pool", None)


def comparator_modules() -> set[str]:
    """Modules, other than Alembic's, that registered autogenerate comparators for everybody."""
    registry = getattr(getattr(autogenerate, "comparators", None), "_registry", {})
    found: set[str] = set()
    for functions in registry.values():
        for function in _flatten(functions):
            module = getattr(function, "__module__", "") or ""
            if module and not module.startswith("alembic."):
                found.add(module)
    return found


ENV_PY = "env_py"
"""The module that Alembic loads env.py as."""


def forget_comparators() -> None:
    """Drop the autogenerate comparators that env.py itself registered: its next run registers them once more."""
    registry = getattr(getattr(autogenerate, "comparators", None), "_registry", {})
    for functions in registry.values():
        if isinstance(functions, list):
            functions[:] = [entry for entry in functions if not any(_is_of_env_py(one) for one in _flatten(entry))]


def _is_of_env_py(function: Any) -> bool:
    return getattr(function, "__module__", None) == ENV_PY


def _flatten(value: Any) -> Iterable[Any]:
    if callable(value):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _flatten(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _flatten(item)


_COMPARE = "alembic.autogenerate.compare"
_REGISTRY: Any = getattr(getattr(autogenerate, "comparators", None), "_registry", {})
_COMPARATORS = {key: list(functions) for key, functions in _REGISTRY.items()}
"""Alembic's own, as they were before any code of the application ran."""

_PARTS: list[Any] = [
    AutogenContext,
    *(one for name, one in list(sys.modules.items()) if name.startswith(("alembic.autogenerate.api", f"{_COMPARE}."))),
    *([sys.modules[_COMPARE]] if _COMPARE in sys.modules else []),
]
_FUNCTIONS = [
    (part, name, value) for part in _PARTS for name, value in vars(part).items() if isinstance(value, FunctionType)
]
"""What the comparison consists of besides: the functions by which it asks filters, and goes through tables."""

_METHODS = (
    "compare_type",
    "compare_server_default",
    "correct_for_autogen_constraints",
    "correct_for_autogen_foreignkeys",
    "compare_indexes",
    "compare_unique_constraint",
)
"""Methods of a dialect's implementation by which the comparison decides what is equal."""

_IMPLEMENTATIONS = {
    kind: {name: vars(kind)[name] for name in _METHODS if name in vars(kind)}
    for known in getattr(impl, "_impls", {}).values()
    for kind in known.__mro__
    if kind.__module__.startswith("alembic.ddl.")
}


def comparison_functions(context: MigrationContext) -> dict[str, list[Callable[..., Any]]]:
    """Whatever decides what is equal, by the place where it was put: comparators, plugins, and the implementation.

    A function of Alembic's comparison that was replaced is one by its own name.
    """
    found: dict[str, list[Callable[..., Any]]] = {"comparators": list(_flatten(_REGISTRY))}
    registered = getattr(sys.modules.get("alembic.runtime.plugins"), "_all_plugins", {})
    selected, _ = autogenerate_plugins(context)
    found["autogenerate_plugins"] = [
        function
        for name in selected
        for functions in getattr(registered[name].autogenerate_comparators, "_registry", {}).values()
        for function in _flatten(functions)
    ]
    methods = (getattr(context.impl, name, None) for name in _METHODS)
    found["impl"] = [getattr(method, "__func__", method) for method in methods if callable(method)]
    for part, name, own in _FUNCTIONS:
        function = getattr(part, name, own)
        if function is not own:
            found[name] = [function]
    return found


def removed_comparators() -> bool:
    """Tell whether a comparator of Alembic's own was replaced (``dispatch_for(…, replace=True)``)."""
    return any(one not in _REGISTRY.get(key, []) for key, functions in _COMPARATORS.items() for one in functions)


@contextmanager
def plain_comparison(context: MigrationContext, options: Mapping[str, Any], *, everything: bool) -> Iterator[None]:
    """Meanwhile, compare with these options and as Alembic does without any function of env.py.

    With ``everything``, comparators, plugins and methods of the implementation are Alembic's own, too.
    """
    names = ("_user_compare_type", "_user_compare_server_default")
    before, chosen = dict(context.opts), [getattr(context, name, None) for name in names]
    implementation: Any = context.impl
    own = dict(vars(implementation))
    registry = {key: list(functions) for key, functions in _REGISTRY.items()}
    functions = [(part, name, getattr(part, name, own_one)) for part, name, own_one in _FUNCTIONS]
    context.opts.update(options)
    for name, value in zip(names, chosen, strict=True):
        setattr(context, name, True if callable(value) or name == "_user_compare_type" else value)
    try:
        if everything:
            context.opts.pop("autogenerate_plugins", None)
            _fill(_COMPARATORS)
            _use_own_methods(implementation)
            for part, name, own_one in _FUNCTIONS:
                setattr(part, name, own_one)
        yield
    finally:
        for part, name, replaced in functions:
            setattr(part, name, replaced)
        context.opts.clear()
        context.opts.update(before)
        for name, value in zip(names, chosen, strict=True):
            setattr(context, name, value)
        vars(implementation).clear()
        vars(implementation).update(own)
        _fill(registry)


def _fill(functions: Mapping[Any, Sequence[Any]]) -> None:
    for key in {*_REGISTRY, *functions}:
        _REGISTRY[key] = list(functions.get(key, ()))


def _use_own_methods(implementation: Any) -> None:
    for name in (name for name in _METHODS if hasattr(implementation, name)):
        setattr(implementation, name, _own_method(implementation, name))


def watch_types(context: MigrationContext, note: Callable[[Any, Any], None]) -> Any:
    """Have ``note(database's column, model's column)`` called where a function of env.py takes two types for equal.

    Returns what env.py gave as ``compare_type``: a function, True or False.
    """
    chosen: Any = getattr(context, "_user_compare_type", None)
    if callable(chosen):

        def noted(context: Any, existing: Any, wanted: Any, *types: Any) -> Any:
            different = chosen(context, existing, wanted, *types)
            if different is not None and not different:
                note(existing, wanted)
            return different

        context._user_compare_type = noted
    return chosen


def watch_defaults(context: MigrationContext, note: Callable[[Any, Any], None]) -> Any:
    """The same for ``compare_server_default``, which is off unless env.py gives a function or True."""
    chosen: Any = getattr(context, "_user_compare_server_default", None)
    if callable(chosen):

        def noted(context: Any, existing: Any, wanted: Any, *defaults: Any) -> Any:
            different = chosen(context, existing, wanted, *defaults)
            if different is not None and not different:
                note(existing, wanted)
            return different

        context._user_compare_server_default = noted
    return chosen


def types_differ(context: MigrationContext, existing: Any, wanted: Any) -> bool:
    """Compare the types of two columns by Alembic's own rule for this dialect."""
    return bool(_own_method(context.impl, "compare_type")(existing, wanted))


def defaults_differ(context: MigrationContext, existing: Any, wanted: Any) -> bool:
    """Compare the server defaults of two columns by Alembic's own rule, which may ask the database."""
    texts = []
    for default in (wanted.server_default, existing.server_default):
        argument = getattr(default, "arg", None)
        if argument is not None and not isinstance(argument, str):
            argument = str(argument.compile(dialect=context.dialect, compile_kwargs={"literal_binds": True}))
        texts.append(argument)
    return bool(_own_method(context.impl, "compare_server_default")(existing, wanted, *texts))


def _own_method(implementation: Any, name: str) -> Any:
    kind = next((one for one in type(implementation).__mro__ if name in _IMPLEMENTATIONS.get(one, ())), None)
    return MethodType(_IMPLEMENTATIONS[kind][name], implementation) if kind else getattr(implementation, name)


class _Recorder:
    """Stands where Alembic fills a dispatcher, and notes which plugins it picked."""

    def __init__(self) -> None:
        self.picked: list[Any] = []

    def populate_with(self, comparators: Any) -> None:
        self.picked.append(comparators)


_DEFAULT_PLUGINS = ("alembic.autogenerate.*",)
_COMPARE_TABLES = ("alembic.autogenerate.schemas", "alembic.autogenerate.tables")
"""Without the first, Alembic does not call the second."""


def autogenerate_plugins(context: MigrationContext) -> tuple[list[str], bool]:
    """The plugins this comparison selects, and whether one of them compares tables (Alembic >= 1.18)."""
    try:
        plugins: Any = importlib.import_module("alembic.runtime.plugins")
    except ImportError:
        return [], True
    registered = getattr(plugins, "_all_plugins", None)
    if registered is None:
        return [], True
    selected = list(context.opts.get("autogenerate_plugins", _DEFAULT_PLUGINS))  # Alembic reads it in the same way
    recorder = _Recorder()
    plugins.Plugin.populate_autogenerate_priority_dispatch(recorder, selected)
    names = [name for name, plugin in registered.items() if plugin.autogenerate_comparators in recorder.picked]
    return sorted(names), all(name in names for name in _COMPARE_TABLES if name in registered)


def render_python(operations: UpgradeOps, autogen_context: AutogenContext) -> str:
    """The body of ``upgrade()`` as Alembic's own run renders it, with everything that ``render_item`` may look at.

    Where the name is missing, ``render_item`` sees no metadata: the public function makes a context of its own.
    """
    body = getattr(render, "_render_cmd_body", None)
    if body is not None:
        return str(body(operations, autogen_context))
    names = (
        "sqlalchemy_module_prefix",
        "alembic_module_prefix",
        "user_module_prefix",
        "render_item",
        "render_as_batch",
    )
    options = {name: autogen_context.opts[name] for name in names if name in autogen_context.opts}
    plain = MigrationContext.configure(dialect=autogen_context.dialect)
    return autogenerate.render_python_code(operations, migration_context=plain, **options)


def version_locations(script: ScriptDirectory) -> list[str]:
    """The folders of revisions, resolved; the public option holds them as they were written."""
    return [str(path) for path in script._version_locations]


def set_version_locations(script: ScriptDirectory, paths: Sequence[str]) -> None:
    """Have revisions read from these folders; before any was. env.py may still name others, as prefect's does."""
    script.version_locations = list(paths)
    vars(script).pop("_version_locations", None)  # resolved from the public option when it is first read


def run_write_hooks(path: str, script: ScriptDirectory) -> None:
    """Run the ``post_write_hooks`` of the configuration on a file."""
    if script.hooks:
        write_hooks._run_hooks(path, script.hooks)


def keep_nullability(columns: Iterable[Any]) -> None:
    """Have copies keep a nullability that was assigned, as Alembic needs them to write a table.

    SQLAlchemy 1.4 copies the one that a column was made with; 2.0 and newer do it right.
    """
    for column in columns:
        if isinstance(getattr(column, "_user_defined_nullable", None), bool):
            column._user_defined_nullable = column.nullable


def compare_by(
    context: MigrationContext, same_type: Callable[[Any, Any], bool], same_default: Callable[[Any, Any], bool]
) -> None:
    """Compare the types and server defaults of two columns so, whatever env.py wants."""
    context._user_compare_type = context._user_compare_server_default = True
    implementation: Any = context.impl
    implementation.compare_type = lambda one, other: not same_type(one.type, other.type)
    implementation.compare_server_default = lambda one, other, *_rendered: (
        not same_default(one.server_default, other.server_default)
    )


@contextmanager
def around_operations(around: Callable[[Any, Callable[[], Any], MigrationContext], Any]) -> Iterator[None]:
    """Meanwhile, ``around(operation, call, context)`` runs every operation, and every rebuild or flush of a batch.

    It returns what ``call()`` returns. What stands inside a batch is run when that is flushed.
    """
    batch: Any = importlib.import_module("alembic.operations.batch").BatchOperationsImpl
    invoke, flush = Operations.invoke, batch.flush

    def invoked(self: Any, operation: Any) -> Any:
        return around(operation, lambda: invoke(self, operation), self.migration_context)

    def flushed(self: Any) -> Any:
        return around(None, lambda: flush(self), self.operations.migration_context)

    own = "invoke" in vars(Operations)
    Operations.invoke, batch.flush = invoked, flushed  # type: ignore[method-assign]
    try:
        yield
    finally:
        batch.flush = flush
        if own:
            Operations.invoke = invoke  # type: ignore[method-assign]
        else:
            del Operations.invoke


def begin_migration(context: MigrationContext) -> Any:
    """The transaction of one migration, where env.py wants one for each (``transaction_per_migration``)."""
    return context.begin_transaction(_per_migration=True)


def version_tables(context: MigrationContext) -> tuple[str, str | None]:
    """Name and schema of Alembic's own table."""
    table = context._version
    return table.name, table.schema


def version_table(context: MigrationContext, connection: Connection) -> tuple[str, str | None]:
    """The same as this connection sees it, through its ``schema_translate_map``."""
    table = context._version
    return table.name, connection.schema_for_object(table)


def offline_dialect(dialect: Dialect) -> Dialect:
    """A dialect as ``alembic upgrade --sql`` makes one: no database told it a version, and ``%`` stays single."""
    kind: Any = type(dialect)
    try:
        made: Dialect = kind(paramstyle="named")
    except Exception:  # noqa: BLE001 - a dialect of somebody else, which may want other arguments
        return dialect
    return made


def stored_name(item: Any, dialect: Dialect, former: str | None = None) -> str | None:
    """The name of an index or constraint in the database, where that is another one: dialects shorten long names.

    ``former`` is the name that it had when the database got it, where it was renamed since.
    """
    if not isinstance(item, (Index, Constraint)):
        return former
    name = item.name if former is None else former
    if not isinstance(name, str):
        return None
    preparer = dialect.identifier_preparer
    index = isinstance(item, Index)
    render = preparer.truncate_and_render_index_name if index else preparer.truncate_and_render_constraint_name
    try:
        stored = str(render(name, _alembic_quote=False))
    except Exception:  # noqa: BLE001 - a name that no database would take either, or another SQLAlchemy
        return former
    return stored if stored != item.name else None


def original_item(operation: Any) -> Any:
    """The model's own index or constraint behind an operation, where it remembers it."""
    for name in ("_orig_index", "_orig_constraint"):
        item = getattr(operation, name, None)
        if item is not None:
            return item
    return None


class Generator:
    """SQLAlchemy's own ``create_all``, in parts: each has its events, and every statement goes to ``connection``.

    That is a ``Connection``, or whatever has its ``execute`` and passes on the rest.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        kind: Any = ddl.SchemaGenerator
        self._generator = kind(connection.dialect, connection)

    @staticmethod
    def sequences(metadata: MetaData) -> list[SequenceItem]:
        """The sequences of a MetaData, those of columns among them."""
        return list(getattr(metadata, "_sequences", {}).values())

    def sequence(self, sequence: SequenceItem) -> None:
        """Create a sequence, unless the dialect does without it."""
        self._generator.traverse_single(sequence)

    def table(self, table: Table) -> None:
        """Create a table with its indexes, types and comments, and without foreign keys where they can be added."""
        self._generator.traverse_single(
            table, create_ok=True, include_foreign_key_constraints=[], _is_metadata_operation=True
        )

    def event(self, metadata: MetaData, name: str, tables: list[Table]) -> None:
        """Call the listeners to ``before_create`` or ``after_create`` of a MetaData."""
        listeners = getattr(metadata.dispatch, name)
        listeners(metadata, self._connection, tables=tables, checkfirst=False, _ddl_runner=self._generator)


def add_constraint(constraint: ForeignKeyConstraint) -> AddConstraint:
    """``ALTER TABLE … ADD …``, which leaves the constraint as it was: SQLAlchemy takes it out of its CREATE TABLE."""
    changed: Any = constraint
    rule = changed._create_rule
    try:
        return AddConstraint(constraint)
    finally:
        changed._create_rule = rule


_OWNER_OF_SEQUENCE = (
    "select c.relname, a.attname from pg_class as c join pg_depend d on d.objid=c.oid and "
    "d.classid='pg_class'::regclass and d.refclassid='pg_class'::regclass join pg_class t on t.oid=d.refobjid "
    "join pg_attribute a on a.attrelid=t.oid and a.attnum=d.refobjsubid where c.relkind='S'"
)
"""What Alembic executes for each column with a sequence, up to the condition that names the sequence."""
_ONE_SEQUENCE = " and c.oid=cast(:seqname as regclass)"
_SPACE = re.compile(r"\s+")


class _Row:
    """Stands for the result of a query that has this one row."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self._row = row

    def first(self) -> tuple[Any, ...]:
        return self._row


class _Remembering:
    """A connection that asks the server only once whether two server defaults are equal."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._known: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def scalar(self, statement: Any, *arguments: Any, **named: Any) -> Any:
        if arguments or named:
            return self._connection.scalar(statement, *arguments, **named)
        compiled = statement.compile(dialect=self._connection.dialect)
        key = (str(compiled), repr(sorted(compiled.params.items())))
        if key not in self._known:
            self._known[key] = self._connection.scalar(statement)
        return self._known[key]


@contextmanager
def answered_in_bulk(context: MigrationContext) -> Iterator[None]:
    """Meanwhile, a comparison on PostgreSQL reads the owners of sequences with one query, and equal questions once.

    Whatever Alembic asks in other words than it is known to goes to the server.
    """
    ask: Any = getattr(sqla_compat, "_exec_on_inspector", None)
    implementation: Any = context.impl
    if ask is None or context.dialect.name != "postgresql" or getattr(implementation, "connection", None) is None:
        yield
        return
    owners: dict[str, list[tuple[Any, ...]]] = {}
    asked = False

    def answer(inspector: Any, statement: Any, **parameters: Any) -> Any:
        nonlocal asked
        text = _SPACE.sub(" ", getattr(statement, "text", ""))
        if text != _OWNER_OF_SEQUENCE + _ONE_SEQUENCE or parameters.keys() != {"seqname"}:
            return ask(inspector, statement, **parameters)
        if not asked:
            asked = True
            every = _OWNER_OF_SEQUENCE.replace("select ", "select c.oid::regclass::text, ", 1)
            for name, *row in context.connection.exec_driver_sql(every).fetchall():  # type: ignore[union-attr]
                owners.setdefault(name, []).append(tuple(row))
        found = owners.get(parameters["seqname"], [])
        return _Row(found[0]) if len(found) == 1 else ask(inspector, statement, **parameters)

    connection = implementation.connection
    implementation.connection = _Remembering(connection)
    sqla_compat._exec_on_inspector = answer
    try:
        yield
    finally:
        sqla_compat._exec_on_inspector = ask
        implementation.connection = connection


def registered_operations() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The name of each operation and the function behind it; of implementations too, where Alembic shows them."""
    yield from ((name, function) for name, function in vars(Operations).items() if callable(function))
    registry: Any = getattr(getattr(Operations, "_to_impl", None), "_registry", {})
    for key, function in registry.items():
        yield str(key), function


def arguments_of_run(frame: FrameType | None) -> Mapping[str, Any]:
    """The keyword arguments of the ``run_migrations`` that a frame is inside of."""
    while frame is not None:
        if frame.f_code.co_name == "run_migrations" and isinstance(frame.f_locals.get("self"), MigrationContext):
            return dict(frame.f_locals.get("kw", {}))
        frame = frame.f_back
    return {}


@contextmanager
def around_revision_files(around: Callable[[], AbstractContextManager[None]]) -> Iterator[bool]:
    """Meanwhile, Alembic loads each revision file inside of ``around()``; false where it loads them in another way."""
    load: Any = getattr(alembic_util, "load_python_file", None)
    if load is None or getattr(base, "util", None) is not alembic_util:
        yield False
        return

    def loaded(folder: Any, filename: Any) -> Any:
        if os.path.basename(os.fspath(filename)) == "env.py":
            return load(folder, filename)
        with around():
            return load(folder, filename)

    alembic_util.load_python_file = loaded  # type: ignore[assignment]
    try:
        yield True
    finally:
        alembic_util.load_python_file = load
