"""What is wrapped keeps its signature: SQLAlchemy and applications read it."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alembic_review.worker.same_signature import with_signature_of


def plain(a: int, b: str = "b") -> tuple[Any, ...]:
    return a, b


def everything(a: int, /, b: int, c: int = 3, *args: int, d: int, e: int = 5, **kwargs: int) -> tuple[Any, ...]:
    return a, b, c, args, d, e, kwargs


def keywords_alone(*, d: int = 4) -> int:
    return d


@pytest.mark.parametrize("original", [plain, everything, keywords_alone])
def test_the_signature_is_that_of_the_original_also_to_those_who_read_the_code(original: Any) -> None:
    made = with_signature_of(original, lambda *args, **kwargs: (args, kwargs))
    assert inspect.signature(made) == inspect.signature(original)
    assert inspect.getfullargspec(made) == inspect.getfullargspec(original)
    unwrapped = inspect.signature(made, follow_wrapped=False)
    assert list(unwrapped.parameters) == list(inspect.signature(original).parameters)
    assert (made.__name__, made.__module__, made.__doc__) == (original.__name__, __name__, original.__doc__)


def test_arguments_reach_the_replacement_as_they_were_passed() -> None:
    made = with_signature_of(everything, everything)
    assert made(1, 2, 3, 4, d=5, f=6) == everything(1, 2, 3, 4, d=5, f=6)
    assert made(1, b=2, d=5) == everything(1, 2, d=5)


def test_wrong_arguments_fail_as_before() -> None:
    made = with_signature_of(plain, plain)
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        made(1, c=2)


INSTALL = """
from alembic_review.worker.replay.changes_outside_revisions import OutsideChanges
from alembic_review.worker.redirect.connections import Redirect, ScratchDatabase
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.definitions.definition_sites import Witnesses

def install():
    stacks = Stacks()
    Redirect(lambda dialect, target: None, stacks).install()
    Witnesses(stacks).install()
    OutsideChanges(stacks, lambda connection: None, lambda package: False).install()
"""
EVERYTHING = """
import importlib, inspect, json, sys
import alembic.command, alembic.context, sqlalchemy.ext.asyncio, sqlalchemy.orm, sqlite3, multiprocessing.util
for driver in ("psycopg2", "psycopg2.extras", "psycopg", "asyncpg", "pg8000"):
    try:
        importlib.import_module(driver)
    except ImportError:
        pass
TOPS = ("alembic", "sqlalchemy", "sqlite3", "multiprocessing", "psycopg2", "psycopg", "asyncpg", "pg8000")

def shape(function):
    found = []
    for follow in (True, False):
        try:
            found.append(str(inspect.signature(function, follow_wrapped=follow)))
        except (TypeError, ValueError):
            found.append(None)
    if hasattr(function, "__code__"):
        # A wrapper around a driver's function, which only whoever follows __wrapped__ can read.
        found.append(str(inspect.getfullargspec(function)))
    exact = found[1:] if "sqlalchemy" in function.__module__ else ()
    return [found[0], inspect.iscoroutinefunction(function), *exact]

def functions():
    found = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in TOPS:
            continue
        for owner in (module, *(value for value in vars(module).values() if inspect.isclass(value))):
            for key, value in list(vars(owner).items()):
                value = getattr(value, "__func__", value) if inspect.isclass(owner) else value
                if inspect.isroutine(value) and getattr(value, "__module__", None):
                    place = f"{name}.{owner.__qualname__}" if inspect.isclass(owner) else name
                    found[f"{place}.{key}"] = value
    return found
"""
COMPARED = """
before = functions()
shapes = {name: shape(function) for name, function in before.items()}
install()
# A subclass stands for a class written in C, and inherits the rest.
after = {**before, **functions()}
replaced = [name for name in before if after[name] is not before[name]]
print(json.dumps({name: [shapes[name], shape(after[name])] for name in replaced}))
"""


def script(text: str, *arguments: str) -> Any:
    """What a script prints as JSON in its last line: nothing that is wrapped can be unwrapped in this process."""
    done = subprocess.run([sys.executable, "-c", text, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_everything_that_is_wrapped_keeps_its_signature() -> None:
    replaced = script(EVERYTHING + INSTALL + COMPARED)
    assert {name for name, (before, after) in replaced.items() if before != after} == set()
    assert {
        "sqlalchemy.engine.base.Engine.__init__",
        "sqlalchemy.sql.schema.Column.__init__",
        "sqlalchemy.sql.schema.MetaData.__init__",
        "sqlalchemy.sql.schema.Table.to_metadata",
        "sqlalchemy.engine.url.URL.get_dialect",
        "multiprocessing.util.spawnv_passfds",
        "psycopg2.connect",
        "asyncpg.connect",
        "sqlite3.connect",
    } <= replaced.keys()


KEYWORDS = """
import json, re, sys, warnings
warnings.simplefilter("ignore")
import sqlalchemy as sa
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

VALUES = {
    "connect_args": {"timeout": 3}, "creator": lambda: None, "async_creator": lambda: None, "echo": "debug",
    "echo_pool": True, "enable_from_linting": False, "execution_options": {"schema_translate_map": None},
    "hide_parameters": True, "isolation_level": "AUTOCOMMIT", "json_deserializer": int, "json_serializer": str,
    "label_length": 20, "logging_name": "mine", "max_identifier_length": 60, "max_overflow": 2, "module": None,
    "paramstyle": "named", "plugins": [], "pool": None, "poolclass": pool.NullPool, "pool_logging_name": "mine",
    "pool_pre_ping": True, "pool_size": 3, "pool_recycle": 60, "pool_reset_on_return": None, "pool_timeout": 4,
    "pool_use_lifo": True, "query_cache_size": 10, "use_insertmanyvalues": False, "insertmanyvalues_page_size": 5,
    "implicit_returning": True, "future": True, "encoding": "utf-8", "strategy": "plain", "case_sensitive": True,
    "convert_unicode": True, "listeners": [], "empty_in_strategy": "static", "server_side_cursors": True,
    "skip_autocommit_rollback": True, "misspelt": 1,
}

def attempt(make, keyword, value):
    try:
        engine = make(**{keyword: value})
    except Exception as error:
        return re.sub(" at 0x[0-9a-f]+", "", f"{type(error).__name__}: {error}")
    plain = getattr(engine, "sync_engine", engine)
    shown = (plain.echo, plain.hide_parameters, plain.logging_name, str(plain.get_execution_options()))
    return f"made {type(engine).__name__} {shown} {plain.pool.status() if keyword.startswith('pool_') else ''}"

if sys.argv[1] == "install":
    install()
MAKERS = {
    "sqlite": lambda **named: sa.create_engine("sqlite:///x.db", **named),
    "postgresql": lambda **named: sa.create_engine("postgresql+psycopg2://h/x", **named),
    "from config": lambda **named: sa.engine_from_config(
        {"sqlalchemy.url": "sqlite:///x.db", **{f"sqlalchemy.{name}": value for name, value in named.items()}}
    ),
    "async": lambda **named: create_async_engine("postgresql+asyncpg://h/x", **named),
}
print(json.dumps({f"{name}: {key}": attempt(make, key, value) for name, make in MAKERS.items()
                  for key, value in VALUES.items()}))
"""


def documented() -> set[str]:
    """The keywords that the docstrings of ``create_engine`` name."""
    import re

    import sqlalchemy

    return set(re.findall(r"^ *:param (\w+):?", str(sqlalchemy.create_engine.__doc__), re.MULTILINE)) - {"url"}


def test_every_keyword_of_create_engine_does_what_it_does_without_us() -> None:
    plain = script(INSTALL + KEYWORDS, "plain")
    wrapped = script(INSTALL + KEYWORDS, "install")
    assert wrapped == plain
    tried = {name.partition(": ")[2] for name in plain}
    assert documented() <= tried
    assert plain["sqlite: echo"].startswith("made Engine ('debug'")
    assert "made" in plain["from config: echo"]
    assert plain["sqlite: misspelt"].startswith("TypeError")


def test_an_env_py_that_is_compiled_anew_makes_the_same_engine(tmp_path: Path) -> None:
    """Alembic compiles env.py on each run: its code objects differ, and its lines do not."""
    from tests.worker.redirect.redirected import run

    (tmp_path / "env.py").write_text("def engine():\n    return sa.create_engine('sqlite://', creator=lambda: None)\n")
    found = run(
        tmp_path,
        """
        def once():
            names = {"sa": sa, "__name__": "env_py"}
            path = f"{folder}/env.py"
            exec(compile(open(path).read(), path, "exec"), names)
            return where(names["engine"]())
        first = once()
        redirect.start_run()
        result = {"first": first, "second": once()}
        """,
    )
    assert found["first"] == found["second"] == ["scratch0"]
