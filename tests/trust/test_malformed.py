"""Malformed input ends with the right exit status and one short message, without a traceback or an internal error."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alembic_review.cli import run
from alembic_review.config.dotenv import read_variables
from alembic_review.model.errors import UsageError
from alembic_review.reports.formats.json import read

pytestmark = pytest.mark.one_stack

LONGEST = 4000  # characters of everything on standard error, of which the application printed nothing
SAMPLE = Path(__file__).resolve().parents[1] / "golden" / "since.json"

Content = str | bytes | None

PYPROJECT = '[project]\nname = "plain"\nversion = "1"\n'
INI = "[alembic]\nscript_location = migrations\nsqlalchemy.url = sqlite:///never.db\nprepend_sys_path = .\n"
ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool
import models
# HERE
section = context.config.get_section(context.config.config_ini_section, {})
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=models.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """\
import sqlalchemy as sa
from alembic import op
revision = "a1"
down_revision = None


def upgrade():
    op.create_table("book", sa.Column("id", sa.Integer, primary_key=True))
    # HERE


def downgrade():
    op.drop_table("book")
"""
MODELS = """\
import sqlalchemy as sa
metadata = sa.MetaData()
book = sa.Table("book", metadata, sa.Column("id", sa.Integer, primary_key=True))
"""
VERSION = "migrations/versions/a1_book.py"
PROJECT: Mapping[str, Content] = {
    "pyproject.toml": PYPROJECT,
    "alembic.ini": INI,
    "models.py": MODELS,
    "migrations/env.py": ENV,
    "migrations/script.py.mako": "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n",
    VERSION: REVISION,
}


@dataclass(frozen=True)
class Way:
    """Files that differ from those of the project, a command line, and how that ends.

    ``said`` is a pattern that standard error matches.
    """

    name: str
    status: int
    said: str = ""
    files: Mapping[str, Content] = field(default_factory=dict)
    argv: tuple[str, ...] = ()
    quick: bool = False


def settings_of(*ways: tuple[str, int, str, str]) -> list[Way]:
    """Settings in pyproject.toml."""
    return [
        Way(name, status, said, {"pyproject.toml": f"{PYPROJECT}[tool.alembic-review]\n{text}\n"})
        for name, status, said, text in ways
    ]


def files(name: str, *ways: tuple[str, int, str, Content]) -> list[Way]:
    """Contents of one file."""
    return [Way(way, status, said, {name: text}) for way, status, said, text in ways]


def lines(*ways: tuple[str, int, str, tuple[str, ...]]) -> list[Way]:
    """Command lines."""
    return [Way(name, status, said, argv=argv) for name, status, said, argv in ways]


def inside(name: str, text: str, *ways: tuple[str, int, str, str]) -> list[Way]:
    """Code at the line of HERE in a file."""

    def put(code: str) -> str:
        indent = re.search(r"^( *)# HERE", text, re.MULTILINE)
        assert indent is not None
        block = "\n".join(indent[1] + line for line in dedent(code).splitlines())
        return text.replace(indent[0], block)

    return [Way(way, status, said, {name: put(code)}) for way, status, said, code in ways]


DEEP = 20_000
RAISED = {
    "GeneratorExit": "raise GeneratorExit",
    "CancelledError": "import asyncio\nraise asyncio.CancelledError",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "SystemExit": "raise SystemExit('x' * 100_000)",
    "BaseException": "raise BaseException('no luck')",
    "own_BaseException": "class Odd(BaseException): pass\nraise Odd",
    "long_text": "raise ValueError('y' * 1_000_000)",
    "many_lines": "raise ValueError('y\\n' * 100_000)",
    "RecursionError": "def f(): return f()\nf()",
    "MemoryError": "raise MemoryError",
    "StopIteration": "raise StopIteration",
    "ExceptionGroup": "raise RuntimeError('several') from ValueError('z' * 100_000)",
    "str_raises": ("class Odd(Exception):\n    def __str__(self): raise RuntimeError('no text')\nraise Odd"),
    "str_is_no_text": "class Odd(Exception):\n    def __str__(self): return 3\nraise Odd",
    "surrogates": "raise ValueError('\\udcff\\ud800')",
    "control_characters": "raise ValueError('\\x1b[2J\\x00\\x07')",
    "workflow_commands": "raise ValueError('\\n::error::hello')",
    "a_class": "raise ValueError",
    "deep_cause": (
        "error = None\nfor n in range(3000):\n    new = ValueError(n); new.__cause__ = error; error = new\nraise error"
    ),
    "circular_cause": "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a",
    "not_an_exception": "raise 'text'",
}
KINDS = {name: ("SystemExit|sys.exit" if name == "SystemExit" else "") for name in RAISED}

PYPROJECT_WAYS = [
    *files(
        "pyproject.toml",
        ("empty", 0, "", ""),
        ("no_toml", 2, "not valid TOML", "]["),
        ("not_utf8", 2, "not UTF-8", b"\xff\xfe"),
        ("utf16", 2, "not UTF-8|not valid TOML", PYPROJECT.encode("utf-16")),
        ("byte_order_mark", 2, "not valid TOML", b"\xef\xbb\xbf" + PYPROJECT.encode()),
        ("nul", 2, "not valid TOML", PYPROJECT + "\0"),
        ("deep_arrays", 2, "nested too deeply", f"a = {'[' * DEEP}{']' * DEEP}\n"),
        ("deep_tables", 2, "nested too deeply", f"a = {'{a=' * DEEP}1{'}' * DEEP}\n"),
        ("deep_key", 2, "", f"{PYPROJECT}[tool.alembic-review]\n{'a.' * DEEP}a = 1\n"),
        ("a_key_twice", 2, "not valid TOML", "a = 1\na = 2\n"),
        ("huge_integer", 2, "not valid TOML|timeout", f"{PYPROJECT}[tool.alembic-review]\ntimeout = {'9' * 5000}\n"),
        ("tool_is_a_list", 3, "alembic.ini", f"tool = []\n{PYPROJECT}"),
        ("tool_is_a_number", 3, "alembic.ini", f"tool = 1\n{PYPROJECT}"),
        ("project_is_a_number", 0, "", "project = 1\n"),
        ("name_is_a_number", 0, "", "[project]\nname = 1\n"),
        ("name_is_empty", 0, "", "[project]\nname = ''\n"),
        ("name_with_slashes", 0, "", "[project]\nname = '../../x'\n"),
        ("settings_are_a_list", 2, "not a table", f"{PYPROJECT}[[tool.alembic-review]]\n"),
        ("settings_are_text", 2, "not a table", f"{PYPROJECT}[tool]\nalembic-review = 'x'\n"),
        ("misspelt_section", 2, "alembic_review", f"{PYPROJECT}[tool.alembic_review]\n"),
        ("alembic_table_is_text", 3, "Incorrect TOML format", f"{PYPROJECT}[tool]\nalembic = 'x'\n"),
    ),
    *settings_of(
        ("unknown_key", 2, "unknown key", "nonsense = 1"),
        ("long_key", 2, "unknown key", f"{'k' * 50_000} = 1"),
        ("empty_key", 2, "unknown key", '"" = 1'),
        ("key_of_control_characters", 2, "unknown key", '"\\u001b[2J" = 1'),
        ("quoted_workflow_command", 2, "unknown key", '"\\n::error::x" = 1'),
        ("timeout_0", 2, "timeout", "timeout = 0"),
        ("timeout_negative", 2, "timeout", "timeout = -1"),
        ("timeout_nan", 2, "timeout", "timeout = nan"),
        ("timeout_inf", 2, "timeout", "timeout = inf"),
        ("timeout_minus_inf", 2, "timeout", "timeout = -inf"),
        ("timeout_1e300", 2, "604800", "timeout = 1e300"),
        ("timeout_1e400", 2, "timeout", "timeout = 1e400"),
        ("timeout_above_a_week", 2, "604800", "timeout = 604801"),
        ("timeout_text", 2, "a number", 'timeout = "60"'),
        ("timeout_list", 2, "a number", "timeout = [60]"),
        ("timeout_true", 2, "a number", "timeout = true"),
        ("timeout_date", 2, "a number", "timeout = 2026-01-01"),
        ("timeout_tiny", 3, "did not finish within 1e-300 seconds", "timeout = 1e-300"),
        ("custom_text", 2, "a list", 'custom = "plain"'),
        ("custom_number", 2, "a list", "custom = 1"),
        ("custom_of_numbers", 2, "a string", "custom = [1]"),
        ("custom_of_a_list", 2, "a string", "custom = [['a']]"),
        ("custom_with_spaces", 2, "import package", 'custom = ["a b"]'),
        ("custom_with_a_dash", 2, "import package", 'custom = ["a-b"]'),
        ("custom_empty_name", 2, "import package", 'custom = [""]'),
        ("custom_dots", 2, "import package", 'custom = ["..."]'),
        ("custom_path", 2, "import package", 'custom = ["/etc/passwd"]'),
        ("custom_none_and_more", 2, "none", 'custom = ["none", "a"]'),
        ("custom_and_core", 2, "both", 'custom = ["a"]\ncore = ["a"]'),
        ("core_number", 2, "a list", "core = 1"),
        ("owners_list", 2, "a table", "owners = ['a']"),
        ("owners_of_numbers", 2, "a string", "owners = { a = 1 }"),
        ("owners_deep", 2, "a string", "owners = { a = { b = 'c' } }"),
        ("prefix_number", 2, "a string", "prefix = 1"),
        ("fail_on_unknown", 2, "fail-on", 'fail-on = ["sometimes"]'),
        ("fail_on_empty", 2, "empty", "fail-on = []"),
        ("fail_on_never_and_more", 2, "never", 'fail-on = ["never", "pending"]'),
        ("fail_on_text", 2, "a list", 'fail-on = "pending"'),
        ("fail_on_numbers", 2, "fail-on", "fail-on = [1]"),
        ("server_number", 2, "a string", "server = 1"),
        ("server_not_a_url", 2, "--server", 'server = "nonsense"'),
        ("server_empty", 2, "--server", 'server = ""'),
        ("server_of_another_database", 2, "--server", 'server = "mysql://h/"'),
        ("server_port_text", 2, "--server", 'server = "postgresql://h:port/"'),
        ("server_env_not_set", 2, "not set", 'server = "env:NOT_SET"'),
        ("server_env_without_name", 2, "does not follow", 'server = "env:"'),
        ("python_number", 2, "a string", "python = 1"),
        ("python_missing", 2, "not a program", 'python = "/nowhere/python"'),
        ("python_a_folder", 2, "not a program", 'python = "migrations"'),
        ("python_not_python", 3, "", 'python = "/bin/true"'),
        ("python_nul", 2, "", 'python = "a\\u0000b"'),
        ("config_missing", 2, "does not exist", 'config = "no.ini"'),
        ("config_a_folder", 2, "folder", 'config = "migrations"'),
        ("config_nul", 2, "", 'config = "a\\u0000b"'),
        ("config_long", 2, "", f'config = "{"a" * 5000}"'),
        ("config_list", 2, "a string", "config = ['alembic.ini']"),
        ("config_from_no_callable", 2, "module:callable", 'config-from = "plain"'),
        ("config_from_missing_module", 3, "", 'config-from = "no_such_module:config"'),
        ("config_from_missing_name", 3, "", 'config-from = "models:no_such_name"'),
        ("config_from_not_callable", 3, "", 'config-from = "models:metadata"'),
        ("config_from_returns_none", 3, "", 'config-from = "builtins:print"'),
        ("config_and_config_from", 2, "both", 'config = "alembic.ini"\nconfig-from = "a:b"'),
        ("context_no_callable", 2, "module:callable", 'context = "plain"'),
        ("context_missing_module", 3, "no_such_module", 'context = "no_such_module:c"'),
        ("context_not_a_manager", 3, "", 'context = "builtins:dict"'),
        ("preload_missing", 3, "no_such_module", 'preload = ["no_such_module"]'),
        ("preload_no_name", 2, "name of a module", 'preload = ["a b"]'),
        ("before_missing", 2, "can't be read", 'before = "no.sql"'),
        ("before_missing_module", 3, "no_such_module", 'before = "no_such_module:f"'),
        ("before_a_folder", 2, "can't be read", 'before = "migrations"'),
        ("before_nul", 2, "", 'before = "a\\u0000b"'),
        ("env_list", 2, "a table", "env = ['A=b']"),
        ("env_of_numbers", 2, "a string", "env = { A = 1 }"),
        ("env_empty_name", 2, "can't be set", 'env = { "" = "x" }'),
        ("env_equals", 2, "can't be set", 'env = { "A=B" = "x" }'),
        ("env_nul", 2, "null character", 'env = { A = "\\u0000" }'),
        ("env_file_missing", 2, "no file", 'env-file = ".env"'),
        ("env_file_a_folder", 2, "no file", 'env-file = "migrations"'),
        ("env_file_nul", 2, "", 'env-file = "a\\u0000b"'),
        ("section_missing", 2, "no \\[other\\] section", 'section = "other"'),
        ("section_number", 2, "a string", "section = 1"),
        ("x_text", 2, "a list", 'x = "a=b"'),
        ("environments_text", 2, "a list", 'environments = "a"'),
        ("environments_empty", 2, "empty", "environments = []"),
        ("environments_of_text", 2, "environments", 'environments = ["a.ini"]'),
        ("environments_without_config", 2, "config", "environments = [{}]"),
        ("environments_unknown_key", 2, "unknown key", "environments = [{ confg = 'alembic.ini' }]"),
        ("environments_twice", 2, "twice", "environments = [{ config = 'alembic.ini' }, { config = 'alembic.ini' }]"),
        ("environments_missing", 2, "does not exist", "environments = [{ config = 'no.ini' }]"),
    ),
]

INI_WAYS = [
    *files(
        "alembic.ini",
        ("empty", 2, "no \\[alembic\\] section", ""),
        ("binary", 2, "alembic.ini", bytes(range(256))),
        ("not_utf8", 2, "encoding", INI.encode() + b"\n# \xff\n"),
        ("utf16", 2, "alembic.ini", INI.encode("utf-16")),
        ("byte_order_mark", 2, "before the first \\[section\\]", b"\xef\xbb\xbf" + INI.encode()),
        ("nul", 2, "alembic.ini", "\0" + INI),
        ("text_before_a_section", 2, "before the first", "hello\n" + INI),
        ("no_bracket", 2, "alembic.ini", INI.replace("]", "")),
        ("section_twice", 2, "twice", INI + INI),
        ("key_twice", 2, "twice", INI + "prepend_sys_path = .\n"),
        ("no_value", 2, "alembic.ini", INI + "hello\n"),
        ("no_script_location", 3, "script_location", INI.replace("script_location = migrations\n", "")),
        ("empty_script_location", 3, "script_location|env.py", INI.replace("= migrations", "=")),
        ("missing_script_location", 3, "nowhere", INI.replace("migrations", "nowhere")),
        ("script_location_a_file", 3, "", INI.replace("migrations", "models.py")),
        ("script_location_not_importable", 3, "nowhere", INI.replace("migrations", "nowhere:migrations")),
        ("script_location_nul", 3, "", INI.replace("migrations", "a\0b")),
        ("script_location_long", 3, "", INI.replace("migrations", "a" * 5000)),
        ("no_url", 3, "sqlalchemy.url", INI.replace("sqlalchemy.url = sqlite:///never.db\n", "")),
        ("url_empty", 3, "", INI.replace("sqlite:///never.db", "")),
        ("url_nonsense", 3, "", INI.replace("sqlite:///never.db", "nonsense")),
        ("url_unknown_dialect", 3, "nosuch", INI.replace("sqlite:///never.db", "nosuch://h/")),
        ("url_unsupported_dialect", 3, "pyodbc", INI.replace("sqlite:///never.db", "mssql+pyodbc://h/")),
        ("url_placeholder", 3, "", INI.replace("sqlite:///never.db", "driver://user:pass@localhost/dbname")),
        ("url_port_text", 3, "", INI.replace("sqlite:///never.db", "postgresql://h:port/")),
        ("url_long", 0, "", INI.replace("never.db", "n" * 5000)),
        ("interpolation", 3, "", INI.replace("sqlite:///never.db", "sqlite:///%(nowhere)s")),
        ("interpolation_syntax", 3, "", INI.replace("sqlite:///never.db", "sqlite:///%s")),
        ("interpolation_loop", 3, "", INI.replace("sqlite:///never.db", "%(a)s\na = %(b)s\nb = %(a)s")),
        ("version_locations_missing", 3, "nowhere", INI + "version_locations = nowhere\n"),
        ("path_separator_unknown", 3, "", INI + "path_separator = sometimes\nversion_locations = a\n"),
        ("settings_unknown_key", 2, "unknown key", INI + "[alembic-review]\nnonsense = 1\n"),
        ("settings_timeout", 2, "number of seconds", INI + "[alembic-review]\ntimeout = soon\n"),
        ("settings_timeout_nan", 2, "timeout", INI + "[alembic-review]\ntimeout = nan\n"),
        ("settings_timeout_huge", 2, "604800", INI + "[alembic-review]\ntimeout = 1e300\n"),
        ("settings_interpolation", 2, "interpolated", INI + "[alembic-review]\nprefix = 50%\n"),
        ("settings_owners", 2, "owners", INI + "[alembic-review]\nowners = a\n"),
        ("settings_env", 2, "env", INI + "[alembic-review]\nenv = a\n"),
        ("settings_config", 2, "config", INI + "[alembic-review]\nconfig = a\n"),
        ("settings_environments", 2, "environments", INI + "[alembic-review]\nenvironments = a\n"),
        ("settings_misspelt", 2, "AlembicReview", INI + "[AlembicReview]\n"),
        ("settings_fail_on", 2, "fail-on", INI + "[alembic-review]\nfail-on = sometimes\n"),
        ("settings_twice", 2, "twice", INI + "[alembic-review]\n[alembic-review]\n"),
    ),
]

LINE_WAYS = lines(
    ("unknown_option", 2, "No such option", ("--nonsense",)),
    ("unknown_command", 2, "No such command", ("nonsense",)),
    ("option_without_value", 2, "requires an argument", ("-c",)),
    ("argument", 2, "unexpected argument", ("-c", "alembic.ini", "more")),
    ("command_after_options", 2, "the command comes first", ("-c", "alembic.ini", "owners")),
    ("config_missing", 2, "does not exist", ("-c", "no.ini")),
    ("config_empty", 2, "", ("-c", "")),
    ("config_a_folder", 2, "folder", ("-c", "migrations")),
    ("config_a_binary", 2, "", ("-c", "/bin/sh")),
    ("config_a_device", 2, "", ("-c", "/dev/null")),
    ("config_long", 2, "", ("-c", "a" * 5000)),
    ("config_surrogates", 2, "not UTF-8", ("-c", "a\udcff.ini")),
    ("section_missing", 2, "no \\[other\\] section", ("-n", "other")),
    ("section_empty", 0, "", ("-n", "")),
    ("section_control_characters", 2, "section", ("-n", "\x1b[2J")),
    ("root_missing", 2, "not a folder", ("--root", "nowhere")),
    ("root_a_file", 2, "not a folder", ("--root", "alembic.ini")),
    ("root_long", 2, "", ("--root", "a" * 5000)),
    ("custom_path", 2, "import package", ("--custom", "a/b")),
    ("custom_empty", 2, "import package", ("--custom", "")),
    ("custom_list", 2, "import package", ("--custom", "a,b")),
    ("custom_unknown", 2, "no_such_package", ("--custom", "no_such_package")),
    ("server_nonsense", 2, "--server", ("--server", "nonsense")),
    ("server_empty_name", 2, "does not follow", ("--server", "env:")),
    ("server_sqlite", 2, "SQLite", ("--server", "sqlite:///a.db")),
    ("python_missing", 2, "not a program", ("--python", "/nowhere")),
    ("python_a_folder", 2, "not a program", ("--python", "migrations")),
    ("python_false", 3, "", ("--python", "/bin/false")),
    ("python_cat", 3, "", ("--python", "/bin/cat")),
    ("python_empty", 2, "not a program", ("--python", "")),
    ("timeout_text", 2, "not a valid float", ("--timeout", "soon")),
    ("timeout_nan", 2, "timeout", ("--timeout", "nan")),
    ("timeout_inf", 2, "timeout", ("--timeout", "inf")),
    ("timeout_0", 2, "timeout", ("--timeout", "0")),
    ("timeout_negative", 2, "timeout", ("--timeout", "-5")),
    ("timeout_huge", 2, "604800", ("--timeout", "1e300")),
    ("timeout_too_short", 3, "did not finish within 0.001 seconds", ("--timeout", "0.001")),
    ("output_unknown", 2, "no format", ("-o", "pdf")),
    ("output_empty", 2, "no format", ("-o", "")),
    ("output_no_file", 2, "missing", ("-o", "json=")),
    ("output_no_folder", 2, "no folder", ("-o", "json=nowhere/a.json")),
    ("output_a_folder", 2, "is a folder", ("-o", "json=migrations")),
    ("output_twice_in_one_place", 2, "can't both go", ("-o", "json=a", "-o", "sarif=a")),
    ("output_full", 3, "No space left", ("-o", "json=/dev/full")),
    ("output_long", 2, "", ("-o", f"json={'a' * 5000}")),
    ("fail_on_unknown", 2, "not one of", ("--fail-on", "sometimes")),
    ("fail_on_never_and_more", 2, "never", ("--fail-on", "never", "--fail-on", "pending")),
    ("explain_unknown", 2, "AR000", ("explain", "AR000")),
    ("explain_nonsense", 2, "", ("explain", "\x1b[2J")),
    ("render_missing", 2, "can't be read", ("render", "no.json")),
    ("render_a_folder", 2, "can't be read", ("render", "migrations")),
    ("render_endless", 2, "larger than", ("render", "/dev/zero")),
    ("publish_missing", 2, "can't be read", ("publish", "no.json")),
    ("publish_nowhere", 2, "--forge", ("publish", str(SAMPLE))),
    ("publish_unknown_forge", 2, "", ("publish", str(SAMPLE), "--forge", "nowhere")),
    ("revision_without_message", 2, "-m|Missing option", ("revision",)),
    ("since_unknown", 3, "not in a Git checkout", ("--since", "no-such-branch")),
    ("since_option", 2, "", ("--since", "--help")),
    ("since_empty", 2, "", ("--since", "")),
)

POSTGRESQL_INI = {"alembic.ini": INI.replace("sqlite:///never.db", "postgresql+psycopg2://db.invalid/never")}
SERVER_WAYS = [
    Way(name, status, said, POSTGRESQL_INI, ("--server", url))
    for name, status, said, url in (
        ("nobody_answers", 3, "127.0.0.1", "postgresql://me:secret@127.0.0.1:1/postgres"),
        ("port_too_high", 2, "99999999", "postgresql://127.0.0.1:99999999/postgres"),
        ("port_negative", 2, "-1", "postgresql://127.0.0.1:-1/postgres"),
        ("host_unknown", 3, "host.invalid", "postgresql://host.invalid/postgres"),
        ("host_long", 3, "", f"postgresql://{'h' * 3000}/postgres"),
        ("socket_folder_missing", 3, "/nowhere", "postgresql:///postgres?host=/nowhere"),
        ("query_unknown", 3, "", "postgresql://127.0.0.1:1/postgres?nonsense=1"),
        ("driver_unknown", 3, "", "postgresql+nosuch://127.0.0.1:1/postgres"),
        ("open_bracket", 2, "--server", "postgresql://[::1/postgres"),
        ("two_words", 2, "--server", "host=a password=secret"),
    )
]

ENV_FILE_WAYS = [
    Way(name, status, said, {"pyproject.toml": f'{PYPROJECT}[tool.alembic-review]\nenv-file = ".env"\n', ".env": text})
    for name, status, said, text in (
        ("empty", 0, "", ""),
        ("no_equals", 0, "", "NAME\n"),
        ("no_name", 2, "line 1", "=value\n"),
        ("open_quote", 2, "line 1", 'A="value\n'),
        ("open_single_quote", 2, "line 2", "A=1\nB='value\n"),
        ("two_words", 2, "line 1", "two words\n"),
        ("not_utf8", 2, "not UTF-8", b"A=\xff\n"),
        ("nul_in_value", 2, "", b"A=a\0b\n"),
        ("nul_in_name", 2, "", b"A\0=b\n"),
        ("shell", 2, "line 1", "if [ -f x ]; then\n"),
        ("yaml", 2, "line 1", "a: b\n"),
        ("loop", 0, "", "A=${B}\nB=${A}\n"),
        ("open_brace", 0, "", "A=${B\n"),
        ("byte_order_mark", 0, "", b"\xef\xbb\xbfA=b\n"),
        ("long_line", 0, "", f"A={'x' * 100_000}\n"),
    )
]

REVISION_WAYS = [
    *files(
        VERSION,
        ("empty", 3, "a1_book.py", ""),
        ("syntax_error", 3, "SyntaxError", "def upgrade(:\n"),
        ("indentation", 3, "IndentationError", "def upgrade():\npass\n"),
        ("tabs", 3, "TabError", "if 1:\n\tif 1:\n        pass\n"),
        ("not_utf8", 3, "a1_book.py", b"# \xff\n"),
        ("nul", 3, "a1_book.py", REVISION + "\0"),
        ("unknown_encoding", 3, "a1_book.py", "# coding: nonsense\n" + REVISION),
        ("deep_parentheses", 3, "a1_book.py", f"{REVISION}\nx = {'(' * 5000}{')' * 5000}\n"),
        ("deep_expression", 3, "a1_book.py", f"{REVISION}\nx = {'-' * 100_000}1\n"),
        ("deep_blocks", 3, "a1_book.py", "".join(f"{' ' * n}if 1:\n" for n in range(150)) + " " * 150 + "pass\n"),
        ("no_revision", 3, "a1_book.py", REVISION.replace('revision = "a1"', "", 1)),
        ("no_down_revision", 3, "", REVISION.replace("down_revision = None\n", "")),
        ("revision_none", 3, "", REVISION.replace('"a1"', "None")),
        ("revision_number", 3, "", REVISION.replace('"a1"', "1")),
        ("revision_list", 3, "", REVISION.replace('"a1"', '["a1"]')),
        ("revision_empty", 0, "", REVISION.replace('"a1"', '""')),
        ("revision_at", 3, "", REVISION.replace('"a1"', '"a@b"')),
        ("revision_long", 0, "", REVISION.replace('"a1"', f'"{"a" * 5000}"')),
        ("down_revision_missing", 3, "zz", REVISION.replace("= None", '= "zz"')),
        ("down_revision_number", 3, "", REVISION.replace("= None", "= 1")),
        ("down_revision_itself", 3, "", REVISION.replace("= None", '= "a1"')),
        ("depends_on_missing", 3, "zz", REVISION + '\ndepends_on = "zz"\n'),
        ("depends_on_itself", 3, "", REVISION + '\ndepends_on = "a1"\n'),
        ("depends_on_number", 3, "", REVISION + "\ndepends_on = 1\n"),
        ("branch_labels_number", 3, "", REVISION + "\nbranch_labels = 1\n"),
        ("branch_labels_twice", 3, "already used", REVISION + '\nbranch_labels = ("a", "a")\n'),
        ("branch_label_at", 0, "", REVISION + '\nbranch_labels = ("a@b",)\n'),
        ("no_upgrade", 3, "upgrade", REVISION.replace("def upgrade", "def update")),
        ("upgrade_is_none", 3, "", REVISION + "\nupgrade = None\n"),
        ("upgrade_with_arguments", 3, "", REVISION.replace("upgrade()", "upgrade(a, b)")),
        ("no_downgrade", 0, "", REVISION.replace("def downgrade", "def degrade")),
    ),
    *[
        Way("two_of_one_id", 3, "a1 is in two files", {"migrations/versions/b.py": REVISION}),
        Way("a_folder_called_py", 0, "", {"migrations/versions/b.py/x": ""}),
        Way(
            "a_cycle",
            3,
            "",
            {
                "migrations/versions/b.py": REVISION.replace('"a1"', '"b"').replace("None", '"c"'),
                "migrations/versions/c.py": REVISION.replace('"a1"', '"c"').replace("None", '"b"'),
            },
        ),
        Way("a_link_to_nowhere", 3, "", {"migrations/versions/b.py": "-> /nowhere/at/all.py"}),
        Way("a_link_to_itself", 3, "", {"migrations/versions/b.py": "-> b.py"}),
    ],
    *inside(
        VERSION,
        REVISION,
        ("sql_error", 3, "a1_book.py", "op.execute('nonsense')"),
        ("sql_long", 3, "a1_book.py", "op.execute('nonsense ' * 100_000)"),
        ("sql_nul", 3, "a1_book.py", "op.execute('SELECT \\0')"),
        ("sql_surrogates", 3, "a1_book.py", "op.execute('SELECT \\udcff')"),
        ("unknown_operation", 3, "no_such", "op.no_such()"),
        ("table_twice", 3, "book", 'op.create_table("book", sa.Column("id", sa.Integer))'),
        ("unknown_table", 3, "nowhere", 'op.drop_table("nowhere")'),
        ("closed_connection", 3, "", "op.get_bind().close()"),
        *((f"raises_{name}", 3, KINDS[name], code) for name, code in RAISED.items()),
    ),
    *[
        Way(f"load_{name}", 3, KINDS[name], {VERSION: f"{code}\n"})
        for name, code in RAISED.items()
        if name in {"GeneratorExit", "CancelledError", "KeyboardInterrupt", "SystemExit", "long_text", "surrogates"}
    ],
]

ENV_WAYS = [
    *files(
        "migrations/env.py",
        ("missing", 3, "env.py", None),
        ("empty", 3, "did not run any migrations", ""),
        ("syntax_error", 3, "SyntaxError", "import (\n"),
        ("not_utf8", 3, "env.py", b"# \xff\n"),
        ("nul", 3, "env.py", ENV + "\0"),
        ("a_folder", 3, "", "-> ."),
        ("no_run_migrations", 3, "did not run any migrations", ENV.replace("context.run_migrations()", "pass")),
        ("no_configure", 3, "", re.sub(r" +context.configure.*\n", "", ENV)),
        ("connection_none", 3, "", ENV.replace("connection=connection", "connection=None")),
        ("connection_text", 3, "", ENV.replace("connection=connection", "connection='x'")),
        ("metadata_none", 3, "target_metadata", ENV.replace("models.metadata", "None")),
        ("metadata_text", 3, "", ENV.replace("models.metadata", "'text'")),
        ("metadata_number", 3, "", ENV.replace("models.metadata", "1")),
        ("metadata_empty_list", 3, "", ENV.replace("models.metadata", "[]")),
        ("metadata_list_of_text", 3, "", ENV.replace("models.metadata", "['a']")),
        ("unknown_option", 0, "", ENV.replace("models.metadata)", "models.metadata, nonsense=1)")),
        ("version_table_number", 3, "", ENV.replace("models.metadata)", "models.metadata, version_table=1)")),
        ("filter_not_callable", 3, "", ENV.replace("models.metadata)", "models.metadata, include_object=1)")),
        ("plugins_unknown", 3, "", ENV.replace("models.metadata)", "models.metadata, autogenerate_plugins=['zz'])")),
        ("offline", 3, "", ENV.replace("connection=connection", "dialect_name='sqlite', as_sql=True")),
    ),
    *inside("migrations/env.py", ENV, *((f"raises_{name}", 3, KINDS[name], code) for name, code in RAISED.items())),
]

MODEL_WAYS = [
    *files(
        "models.py",
        ("missing", 3, "models", None),
        ("empty", 3, "metadata", ""),
        ("syntax_error", 3, "SyntaxError", "class (:\n"),
        ("nul", 3, "env.py:3", MODELS + "\0"),
        ("not_utf8", 3, "models.py:4", MODELS.encode() + b"x = '\xff'\n"),
        ("deep", 3, "models.py", f"{MODELS}x = {'(' * 5000}{')' * 5000}\n"),
        ("no_tables", 3, "", "import sqlalchemy as sa\nmetadata = sa.MetaData()\n"),
        ("foreign_key_to_nowhere", 3, "", MODELS + 'sa.Table("a", metadata, sa.Column("b", sa.ForeignKey("c.d")))\n'),
        ("long_names", 1, "", MODELS.replace('"id"', f'"{"i" * 5000}"')),
        ("name_of_surrogates", 3, "", MODELS + 'sa.Table("\\udcff", metadata, sa.Column("id", sa.Integer))\n'),
        (
            "name_of_control_characters",
            0,
            "",
            MODELS + 'sa.Table("a\\x1b[2J", metadata, sa.Column("id", sa.Integer))\n',
        ),
        ("name_nul", 1, "", MODELS + 'sa.Table("a\\0b", metadata, sa.Column("id", sa.Integer))\n'),
        ("name_empty", 0, "", MODELS + 'sa.Table("", metadata, sa.Column("id", sa.Integer))\n'),
        ("null_type", 1, "", MODELS + 'sa.Table("a", metadata, sa.Column("b"))\n'),
        (
            "type_that_raises",
            3,
            "GeneratorExit",
            MODELS
            + (
                "class Odd(sa.types.UserDefinedType):\n    def get_col_spec(self): raise GeneratorExit\n"
                'sa.Table("a", metadata, sa.Column("b", Odd()))\n'
            ),
        ),
        (
            "repr_that_raises",
            3,
            "KeyboardInterrupt",
            MODELS
            + (
                "class Odd(sa.Integer):\n    def __repr__(self): raise KeyboardInterrupt\n"
                'sa.Table("a", metadata, sa.Column("b", Odd()))\n'
            ),
        ),
    ),
    *files("models.py", *((f"raises_{name}", 3, KINDS[name], f"{code}\n") for name, code in RAISED.items())),
]

TEMPLATE_WAYS = [
    Way(
        name,
        status,
        said,
        {
            "migrations/script.py.mako": text,
            "models.py": MODELS + 'sa.Table("a", metadata, sa.Column("b", sa.Integer))\n',
        },
        ("revision", "-m", "more"),
    )
    for name, status, said, text in (
        ("missing", 3, "", None),
        ("syntax", 3, "script.py.mako", "${"),
        ("unknown_name", 3, "script.py.mako", "${no_such_name}"),
        ("control_line", 3, "script.py.mako", "% if True:\n"),
        ("raises_GeneratorExit", 3, "script.py.mako", "<% raise GeneratorExit %>"),
        ("raises_long_text", 3, "script.py.mako", "<% raise ValueError('x' * 100_000) %>"),
        ("not_python", 3, "", "this is no Python\n"),
        ("not_utf8", 3, "", b"\xff\n"),
    )
]


def _parameters(ways: list[Way], *quick: str) -> list[object]:
    names = [way.name for way in ways]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return [pytest.param(way, id=way.name, marks=() if way.name in quick else pytest.mark.trust) for way in ways]


Check = Callable[[Way], None]


def write(folder: Path, contents: Mapping[str, Content]) -> None:
    """Write files; ``-> target`` is a symbolic link, ``None`` no file at all."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        elif content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def check(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> Check:
    """Run the tool on the way's project, and hold it to what the way says."""
    folder = tmp_path / "project"

    def checked(way: Way) -> None:
        write(folder, {**PROJECT, **way.files})
        monkeypatch.chdir(folder)
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        status = run(list(way.argv))
        said = capsys.readouterr().err
        record_property("outcome", f"exit {status}")
        assert status == way.status, said
        assert "Traceback" not in said, said
        assert "itself failed" not in said, said
        assert re.search(way.said, said), said
        assert len(said) < LONGEST, f"{len(said)} characters: {said[:500]}"
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", said), repr(said)
        if status in {2, 3}:
            assert re.search("^(Error|Usage)", said, re.MULTILINE), said

    return checked


@pytest.mark.parametrize("way", _parameters(PYPROJECT_WAYS, "no_toml", "deep_arrays", "timeout_1e300", "custom_text"))
def test_pyproject(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(INI_WAYS, "empty", "binary", "key_twice", "settings_timeout_huge"))
def test_ini(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(LINE_WAYS, "config_surrogates", "timeout_huge", "unknown_option"))
def test_command_line(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(SERVER_WAYS))
def test_server(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(ENV_FILE_WAYS, "open_quote", "nul_in_value"))
def test_env_file(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(REVISION_WAYS, "raises_GeneratorExit"))
def test_revision(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(ENV_WAYS, "raises_CancelledError"))
def test_env_py(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(MODEL_WAYS, "raises_long_text"))
def test_models(way: Way, check: Check) -> None:
    check(way)


@pytest.mark.parametrize("way", _parameters(TEMPLATE_WAYS))
def test_template(way: Way, check: Check) -> None:
    check(way)


REPORT: dict[str, Any] = json.loads(SAMPLE.read_text())


def _changed(path: str, value: object) -> bytes:
    document = json.loads(SAMPLE.read_text())
    *inner, last = path.split(".")
    here: Any = document
    for key in inner:
        here = here[int(key) if key.isdecimal() else key]
    here[int(last) if last.isdecimal() else last] = value
    return json.dumps(document).encode()


def _with_line(number: bytes) -> bytes:
    text, count = re.subn(rb'"line": \d+', b'"line": ' + number, SAMPLE.read_bytes(), count=1)
    assert count
    return text


def _without(key: str) -> bytes:
    return json.dumps({name: value for name, value in REPORT.items() if name != key}).encode()


REPORTS = {
    "empty": b"",
    "white_space": b" \n",
    "text": b"hello",
    "null": b"null",
    "number": b"1",
    "list": b"[]",
    "object": b"{}",
    "html": b"<html></html>",
    "not_utf8": b'{"format": "\xff"}',
    "utf16": SAMPLE.read_text().encode("utf-16"),
    "byte_order_mark": b"\xef\xbb\xbf" + SAMPLE.read_bytes(),
    "cut": SAMPLE.read_bytes()[:-100],
    "more": SAMPLE.read_bytes() + b"{}",
    "nul": SAMPLE.read_bytes() + b"\0",
    "deep_lists": b"[" * 200_000,
    "deep_objects": b'{"a":' * 200_000,
    "deep_value": b'{"format": "alembic-review/1", "changes": ' + b"[" * 900 + b"]" * 900 + b"}",
    "only_the_format": b'{"format": "alembic-review/1"}',
    "other_format": b'{"format": "alembic-review/2"}',
    "format_number": b'{"format": 1}',
    "format_control_characters": b'{"format": "\\u001b[2J\\n::error::x"}',
    "format_surrogate": b'{"format": "\\ud800"}',
    "nan": _with_line(b"NaN"),
    "infinity": _with_line(b"1e999"),
    "huge_number": _with_line(b"9" * 5000),
    "negative_exponent": _with_line(b"1e-999"),
    "comment": b"// hello\n" + SAMPLE.read_bytes(),
    **{f"without_{key}": _without(key) for key in REPORT if key not in {"format", "pull_request", "suggestions"}},
    **{f"{key}_is_null": _changed(key, None) for key in ("outcome", "gate", "summary", "changes", "provenance")},
    **{f"{key}_is_a_number": _changed(key, 7) for key in ("outcome", "gate", "summary", "changes", "findings")},
    "unknown_outcome": _changed("outcome", "good"),
    "unknown_key": _changed("nonsense", 1),
    "unknown_key_of_a_change": _changed("changes.0.nonsense", 1),
    "unknown_verdict": _changed("changes.0.verdict", "good"),
    "line_is_text": _changed("changes.0.operation", "3"),
    "time_negative": _changed("provenance.timings_ms", {"total": -1}),
    "time_huge": _changed("provenance.timings_ms", {"total": 10**18}),
    "summary_of_text": _changed("summary.safe", "many"),
    "refused_is_text": _changed("gate.refused", "yes"),
}


@pytest.mark.parametrize("command", ["render", "publish"])
@pytest.mark.parametrize(
    "name",
    [name if name in {"deep_lists", "nan", "cut"} else pytest.param(name, marks=pytest.mark.trust) for name in REPORTS],
)
def test_saved_report(name: str, command: str, check: Check) -> None:
    check(Way(name, 2, "review.json", {"review.json": REPORTS[name]}, (command, "review.json")))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def _committed(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")


def _shallow(folder: Path) -> None:
    _committed(folder)
    git(folder, "commit", "-q", "--allow-empty", "-m", "second")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout
    (folder / ".git" / "shallow").write_text(head)
    git(folder, "gc", "-q", "--prune=now")


def _damaged(name: str, content: bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _committed(folder)
        (folder / ".git" / name).write_bytes(content)

    return prepare


def _instead(content: str | None) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        if content is None:
            (folder / ".git").mkdir()
        else:
            (folder / ".git").write_text(content)

    return prepare


def _without_objects(folder: Path) -> None:
    _committed(folder)
    for path in (folder / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()


GIT: dict[str, tuple[Callable[[Path], None], str, int, str]] = {
    "no_repository": (lambda _folder: None, "main", 3, "not in a Git checkout"),
    "no_commit": (lambda folder: git(folder, "init", "-q"), "main", 3, "has no commit yet"),
    "unknown_base": (_committed, "nowhere", 3, "no commit nowhere"),
    "base_with_spaces": (_committed, "a b", 3, "no commit a b"),
    "base_with_control_characters": (_committed, "\x1b[2J", 2, ""),
    "base_of_dots": (_committed, "..", 3, "no commit"),
    "base_an_option": (_committed, "--output=x", 2, ""),
    "base_a_file": (_committed, "main:alembic.ini", 3, "no commit"),
    "base_long": (_committed, "a" * 5000, 2, "not the name of a commit"),
    "git_is_a_file": (_instead("nonsense"), "main", 3, ""),
    "git_is_empty": (_instead(None), "main", 3, ""),
    "git_leads_nowhere": (_instead("gitdir: /nowhere"), "main", 3, ""),
    "head_is_nonsense": (_damaged("HEAD", b"nonsense"), "main", 3, ""),
    "index_is_damaged": (_damaged("index", b"nonsense"), "main", 3, "index file"),  # what is edited can't be told
    "config_is_damaged": (_damaged("config", b"[[["), "main", 3, ""),
    "objects_are_gone": (_without_objects, "main", 3, ""),
    "shallow": (_shallow, "main~1", 3, "--unshallow"),
}


@pytest.mark.parametrize(
    "state", [state if state == "no_commit" else pytest.param(state, marks=pytest.mark.trust) for state in GIT]
)
def test_git(state: str, check: Check, tmp_path: Path) -> None:
    prepare, base, status, said = GIT[state]
    folder = tmp_path / "project"
    write(folder, PROJECT)
    prepare(folder)
    check(Way(state, status, said, argv=("--since", base)))


def _paths() -> dict[str, tuple[bytes, int, str]]:
    return {
        "not_utf8": (b"caf\xe9", 2, "not UTF-8"),
        "spaces": (b"a b  c", 0, ""),
        "quotes": (b"""it's "quoted" """, 0, ""),
        "percent": (b"50% off %(here)s", 3, "InterpolationSyntaxError"),  # as for Alembic itself
        "newline": (b"a\nb", 0, ""),
        "control_characters": (b"a\x1b[2J", 0, ""),
        "umlauts": ("Größe".encode(), 0, ""),
        "emoji": ("🐍".encode(), 0, ""),
        "long": (b"d" * 250, 0, ""),
        "leading_dash": (b"-c", 0, ""),
        "colon": (b"a:b", 0, ""),
        "question_mark": (b"a?b#c", 0, ""),
        "backslash": (b"a\\b", 0, ""),
        "braces": (b"{a}${HOME}", 0, ""),
    }


@pytest.mark.parametrize(
    "name", [name if name == "not_utf8" else pytest.param(name, marks=pytest.mark.trust) for name in _paths()]
)
def test_project_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part, status, said = _paths()[name]
    folder = tmp_path / os.fsdecode(part)
    write(folder, PROJECT)
    monkeypatch.chdir(folder)
    assert run([]) == status
    error = capsys.readouterr().err
    assert re.search(said, error)
    assert "Traceback" not in error


@pytest.mark.trust
@pytest.mark.parametrize("name", ["models", "versions", "package"])
def test_file_name_that_is_not_utf8(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsdecode(b"caf\xe9")
    paths = {"models": f"{odd}.py", "versions": f"migrations/versions/b1_{odd}.py", "package": f"{odd}/__init__.py"}
    text = (
        REVISION.replace('"a1"', '"b1"').replace("None", '"a1"').replace("book", "more") if name == "versions" else ""
    )
    write(tmp_path / "project", {**PROJECT, paths[name]: text})
    monkeypatch.chdir(tmp_path / "project")
    status = run([])
    error = capsys.readouterr().err
    assert status == (3 if name == "versions" else 0), error
    assert "Traceback" not in error
    assert "itself failed" not in error


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_any_bytes_as_a_saved_report(content: bytes) -> None:
    with pytest.raises(UsageError):
        read(content)


@given(st.text(max_size=200))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_as_an_env_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(text.encode("utf-8", "replace"))
    with suppress(UsageError):
        read_variables(path, {})
