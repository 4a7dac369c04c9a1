"""No password appears in any report, on stdout or on stderr, with `--debug` either.

Each location of a password is reviewed once, in all formats. Where the password is shown at all, stars must stand for
it: that proves that the location was reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.apps.edits import Append, Edit, Replace, Write
from tests.apps.harness import make_project
from tests.apps.test_environments import ENV, VERSION, functions
from tests.apps.test_projects import sqlite_url
from tests.trust.here import FORMATS, review

PASSWORD = "c0rrect-h0rse"
ODD = "p@ss/w0rd:it's 5%"
ACCENTED = "c0rréct-h0rse"
URL = f"postgresql://library:{PASSWORD}@db.invalid/library"
ODD_URL = f"postgresql://library:{quote(ODD, safe='')}@db.invalid/library"


@dataclass(frozen=True)
class Location:
    """Where a password is; ``shown`` where the location is part of what the tool prints."""

    edits: tuple[Edit, ...] = ()
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    shown: bool = True
    status: tuple[int, ...] = (0, 1, 3)
    sqlite: bool = True


def in_env(code: str, *edits: Edit) -> tuple[Edit, ...]:
    return (functions(f"import os, sys\n{code}"), *edits)


def in_revision(code: str) -> tuple[Edit, ...]:
    return (Replace(VERSION, "    op.create_table(\n", f"    {code}\n    op.create_table(\n"),)


def in_models(code: str) -> tuple[Edit, ...]:
    return (Append("models.py", f"\n\n{code}\n"),)


def column(arguments: str) -> tuple[Edit, ...]:
    """A pending column of the models."""
    return (Replace("models.py", "sa.Column(sa.String(17))", f"sa.Column(sa.String(99), {arguments})"),)


def option(text: str) -> Edit:
    """More lines in the section of Alembic."""
    return Replace("alembic.ini", "sqlalchemy.url =", f"{text}\nsqlalchemy.url =")


def setting(text: str) -> Edit:
    return Append("pyproject.toml", f"\n[tool.alembic-review]\n{text}\n")


# Code that shows a value, wherever it comes from.
SHOWN = {
    "print": "print('value', {0})",
    "stderr": "print({0}, file=sys.stderr)",
    "write": "os.write(1, ({0} + chr(10)).encode())",
    "warning": "import warnings; warnings.warn('value ' + {0})",
    "logging": "import logging; logging.getLogger('own').warning('value %s', {0})",
    "exception": "raise ValueError('value ' + {0})",
    "exception_repr": "raise KeyError({0})",
    "exit": "sys.exit('value ' + {0})",
    "child": "import subprocess; subprocess.run(['echo', {0}], check=True)",
}
# Where a value comes from that the tool knows: what is read, and what code gets it.
SOURCES: dict[str, tuple[str, tuple[Edit, ...], dict[str, str], tuple[str, ...]]] = {
    "config_option": ("config.get_main_option('db.password')", (option(f"db.password = {PASSWORD}"),), {}, ()),
    "config_url": ("config.get_main_option('other.url')[21:34]", (option(f"other.url = {URL}"),), {}, ()),
    "PGPASSWORD": ("os.environ['PGPASSWORD']", (), {"PGPASSWORD": PASSWORD}, ()),
    "DATABASE_URL": ("os.environ['DATABASE_URL'][21:34]", (), {"DATABASE_URL": URL}, ()),
    "DB_PASSWORD": ("os.environ['DB_PASSWORD']", (), {"DB_PASSWORD": PASSWORD}, ()),
    "DB_PASS": ("os.environ['DB_PASS']", (), {"DB_PASS": PASSWORD}, ()),
    "one_of_several": ("os.environ['DB_PASSWORD_PROD']", (), {"DB_PASSWORD_PROD": PASSWORD}, ()),
    "access_key": ("os.environ['AWS_SECRET_ACCESS_KEY']", (), {"AWS_SECRET_ACCESS_KEY": PASSWORD}, ()),
    "password_file": (
        "open(os.environ['DB_PASSWORD_FILE']).read().strip()",
        (Write("secret.txt", f"{PASSWORD}\n"),),
        {"DB_PASSWORD_FILE": "secret.txt"},
        (),
    ),
    "json_variable": (
        "__import__('json').loads(os.environ['SETTINGS'])['pass']",
        (),
        {"SETTINGS": f'{{"user": "library", "pass": "{PASSWORD}"}}'},
        (),
    ),
    "x_argument": ("context.get_x_argument(as_dictionary=True)['password']", (), {}, ("-x", f"password={PASSWORD}")),
}


def known() -> dict[str, Location]:
    """The bare password, which only somebody who knows it can tell from other text."""
    found = {}
    for source, (value, edits, variables, arguments) in SOURCES.items():
        for how in SHOWN if source == "config_option" else ("print", "exception"):
            code = f"value = str({value}); {SHOWN[how].format('value')}"
            found[f"{source}-{how}"] = Location((*in_env(code), *edits), arguments, variables)
    return found


def from_files() -> dict[str, Location]:
    read = "print(open('secret.txt').read().split(':')[-1])"
    service = f"[prod]\nhost=db.invalid\npassword={PASSWORD}\n"
    return {
        "passfile": Location(
            in_env(read, Write("secret.txt", f"db.invalid:5432:*:library:{PASSWORD}\n")),
            (),
            {"PGPASSFILE": "secret.txt"},
        ),
        "passfile-home": Location(
            in_env("print(open('.pgpass').read().split(':')[-1])", Write(".pgpass", f"*:*:*:library:{PASSWORD}\n")),
            (),
            {"HOME": "."},
        ),
        "passfile-escaped": Location(
            in_env(
                r"print(open('secret.txt').read().split(':', 4)[-1].replace(chr(92), ''))",
                Write("secret.txt", "db.invalid:5432:*:library:c0rrect\\:h0rse\n"),
            ),
            (),
            {"PGPASSFILE": "secret.txt"},
        ),
        "service": Location(
            in_env("print(open('secret.txt').read().split('=')[-1])", Write("secret.txt", service)),
            (),
            {"PGSERVICEFILE": "secret.txt"},
        ),
        "service-home": Location(
            in_env("print(open('.pg_service.conf').read().split('=')[-1])", Write(".pg_service.conf", service)),
            (),
            {"HOME": "."},
        ),
        "dotenv": Location(
            in_env(read.replace("':'", "'='").replace("secret.txt", ".env"), Write(".env", f"DB_PASSWORD={PASSWORD}\n"))
        ),
        "env_setting": Location(
            in_env("print(os.environ['DB_PASSWORD'])", setting(f'env = {{ DB_PASSWORD = "{PASSWORD}" }}'))
        ),
        "env_file_setting": Location(
            in_env(
                "print(os.environ['DB_PASSWORD'])",
                setting('env-file = "own.env"'),
                Write("own.env", f"DB_PASSWORD='{PASSWORD}'\n"),
            )
        ),
    }


def engines() -> dict[str, Location]:
    """A password that only the engine's URL or arguments have; it is printed after that."""
    made = {
        "url": f"sa.create_engine('{URL}')",
        "url_object": f"sa.create_engine(sa.engine.URL.create('postgresql', 'library', '{PASSWORD}', 'db.invalid'))",
        "query": f"sa.create_engine('postgresql://db.invalid/library?user=x&password={PASSWORD}')",
        "from_config": f"sa.engine_from_config({{'sqlalchemy.url': '{URL}'}})",
        "encoded": f"sa.create_engine('{ODD_URL.replace('%', '%')}')",
    }
    found = {
        f"engine-{name}": Location(in_env(f"{code}\nprint('value', {PASSWORD if name != 'encoded' else ODD!r})"))
        for name, code in made.items()
    }
    found["engine-rendered"] = Location(
        in_env(f"e = sa.create_engine('{URL}')\nprint(e.url.render_as_string(hide_password=False))")
    )
    found["engine-password_of_url"] = Location(
        in_env(f"e = sa.create_engine('{URL}')\nraise ValueError(e.url.password)")
    )
    missing = (
        f"try: sa.create_engine('{URL.replace('://', '+own://')}')\nexcept Exception: print('value', '{PASSWORD}')"
    )
    found["engine-no_such_driver"] = Location(in_env(missing))
    found["engine-connect_args"] = Location(
        in_env(
            f"e = sa.create_engine('postgresql://', connect_args=dict(password='{PASSWORD}'))\n"
            f"e.connect().close()\nprint('value {PASSWORD}')"
        )
    )
    refused = {
        "positional": f"import psycopg2\npsycopg2.connect('host=db.invalid password={PASSWORD}')",
        "keyword": f"import psycopg2\npsycopg2.connect(host='x', password='{PASSWORD}')",
        "pg8000": f"import pg8000\npg8000.connect('library', password='{PASSWORD}', host='db.invalid')",
    }
    found |= {f"refused-{name}": Location(in_env(code), shown=False) for name, code in refused.items()}
    caught = "try: import psycopg2; psycopg2.connect(dsn)\nexcept Exception as error: print(dsn.split('=')[-1])"
    found["refused-printed"] = Location(in_env(f"dsn = 'host=db.invalid password={PASSWORD}'\n{caught}"))
    return found


def in_url_of_text() -> dict[str, Location]:
    """Every position of a URL, in a message that nobody has heard of before."""
    texts = {
        "plain": URL,
        "quoted": f"'{URL}'",
        "in_parentheses": f"({URL})",
        "in_json": f'{{"url": "{URL}"}}',
        "driver": URL.replace("://", "+psycopg2://"),
        "port": URL.replace("/library", ":5432/library", 1),
        "no_user": f"postgresql://:{PASSWORD}@db.invalid/x",
        "no_host": f"postgresql://library:{PASSWORD}@/x",
        "at_in_user": f"postgresql://library@azure:{PASSWORD}@db.invalid/x",
        "space_in_password": f"postgresql://library:my {PASSWORD}@db.invalid/x",
        "at_in_password": f"postgresql://library:my@{PASSWORD}@db.invalid/x",
        "slash_in_password": f"postgresql://library:my/{PASSWORD}@db.invalid/x",
        "quote_in_password": f'postgresql://library:my\\"{PASSWORD}@db.invalid/x',
        "one_slash": URL.replace("://", ":/"),
        "query": f"postgresql://db.invalid/x?user=y&password={PASSWORD}",
        "query_ssl": f"postgresql://db.invalid/x?sslpassword={PASSWORD}",
        "odbc": f"mssql+pyodbc:///?odbc_connect=UID%3Dx%3BPWD%3D{PASSWORD}",
        "dsn": f"host=db.invalid password={PASSWORD}",
        "dsn_quoted": f"host=db.invalid password='my {PASSWORD}'",
        "dsn_escaped": f"host=db.invalid password='it\\\\'s {PASSWORD}'",
        "dsn_spaces": f"host=db.invalid password = {PASSWORD}",
        "keyword": f"connect(password='{PASSWORD}')",
        "mapping": f"{{'password': '{PASSWORD}'}}",
        "shell": f"PGPASSWORD={PASSWORD} psql",
        "yaml": f"db_password: {PASSWORD}",
    }
    return {f"text-{name}": Location(in_env(f'raise ValueError("""{text} """)')) for name, text in texts.items()}


def statements() -> dict[str, Location]:
    """SQL of a revision that fails, which the error quotes."""
    texts = {
        "plain": f"ALTER ROLE x PASSWORD '{PASSWORD}'",
        "lower": f"alter role x with login password '{PASSWORD}'",
        "encrypted": f"ALTER ROLE x ENCRYPTED PASSWORD '{PASSWORD}'",
        "doubled": f"ALTER ROLE x PASSWORD 'it''s {PASSWORD}'",
        "unfinished": f"ALTER ROLE x PASSWORD '{PASSWORD}",
        "dollars": f"ALTER ROLE x PASSWORD $${PASSWORD}$$",
        "tagged_dollars": f"ALTER ROLE x PASSWORD $a$my {PASSWORD}$a$",
        "escape_string": f"ALTER ROLE x PASSWORD E'{PASSWORD}\\\\n'",
        "unicode_string": f"ALTER ROLE x PASSWORD U&'{PASSWORD}'",
        "do_block": f"DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''my {PASSWORD}'' '; END $$",
        "nested_do_block": f"DO 'BEGIN EXECUTE ''ALTER ROLE x PASSWORD ''''{PASSWORD}'''' ''; END'",
        "identified": f"CREATE USER x IDENTIFIED BY '{PASSWORD}'",
        "user_mapping": f"CREATE USER MAPPING FOR x SERVER y OPTIONS (user 'z', password '{PASSWORD}')",
        "dblink": f"SELECT dblink_connect('host=x password={PASSWORD}')",
        "subscription": f"CREATE SUBSCRIPTION s CONNECTION 'host=x password={PASSWORD}' PUBLICATION p",
        "subscription_url": f"CREATE SUBSCRIPTION s CONNECTION '{URL}' PUBLICATION p",
        "many_lines": f"ALTER ROLE x\\n  PASSWORD\\n  '{PASSWORD}'",
    }
    found = {f"sql-{name}": Location(in_revision(f'op.execute("""{text} """)')) for name, text in texts.items()}
    secret = "import os; op.execute(f\"SELECT nothing_of('{os.environ['DB_PASSWORD']}')\")"
    found["sql-known"] = Location(in_revision(secret), (), {"DB_PASSWORD": PASSWORD})
    insert = "import os; op.bulk_insert(sa.table('none', sa.column('a')), [{'a': os.environ['DB_PASSWORD']}])"
    found["sql-parameter"] = Location(in_revision(insert), (), {"DB_PASSWORD": PASSWORD}, shown=False)
    found["sql-revision_docstring"] = Location((Replace(VERSION, '"""books\n', f'"""books of {URL}\n'),), shown=False)
    return found


def models() -> dict[str, Location]:
    """Generated Python and SQL of pending changes."""
    known_one = {"DB_PASSWORD": PASSWORD}
    secret = "__import__('os').environ['DB_PASSWORD']"
    return {
        "server_default-url": Location(column(f"server_default='{URL}'")),
        "server_default-dsn": Location(column(f"server_default='host=x password={PASSWORD}'")),
        "server_default-known": Location(column(f"server_default={secret}"), (), known_one),
        "server_default-text": Location(column(f"server_default=sa.text(repr({secret}))"), (), known_one),
        "server_default-odd": Location(column(f"server_default={secret}"), (), {"DB_PASSWORD": ODD}),
        "column_comment-url": Location(column(f"comment='{URL}'")),
        "column_comment-known": Location(column(f"comment={secret}"), (), known_one),
        "table_comment": Location(
            (
                Replace(
                    "models.py",
                    '__tablename__ = "author"',
                    f'__tablename__ = "author"\n    __table_args__ = {{"comment": {secret}}}',
                ),
            ),
            (),
            known_one,
        ),
        "enum_value": Location(
            (Replace("models.py", "sa.Column(sa.String(17))", f"sa.Column(sa.Enum({secret}, name='kind'))"),),
            (),
            known_one,
        ),
        "check_constraint": Location(
            (
                Replace(
                    "models.py",
                    '__tablename__ = "author"',
                    '__tablename__ = "author"\n'
                    f'    __table_args__ = (sa.CheckConstraint("name <> \'" + {secret} + "\'"),)',
                ),
            ),
            (),
            known_one,
        ),
        "index_condition": Location(
            in_models(f"sa.Index('ix_own', Book.title, sqlite_where=sa.text('title <> ' + repr({secret})))"),
            (),
            known_one,
        ),
        "default": Location(column(f"default={secret}"), (), known_one, shown=False),
        "column_info": Location(column(f"info={{'x': {secret}}}"), (), known_one, shown=False),
        "source_comment": Location(in_models(f"# {URL}"), shown=False),
        "warning": Location(in_models(f"import warnings\nwarnings.warn('{URL}')")),
        "import_error": Location(in_models(f"raise ImportError('{URL}')")),
        "type_repr": Location(
            in_models(
                "class Own(sa.types.UserDefinedType):\n    cache_ok = True\n    def get_col_spec(self): return 'TEXT'\n"
                f"    def __repr__(self): return 'Own(' + repr({secret}) + ')'\n"
                "class Shelf(Base):\n    __tablename__ = 'shelf'\n    id = sa.Column(sa.Integer, primary_key=True)\n"
                "    place = sa.Column(Own())"
            ),
            (),
            known_one,
        ),
    }


def settings() -> dict[str, Location]:
    """The configuration itself."""
    away = f"postgresql://library:{PASSWORD}@127.0.0.1:1/library"
    url = "sqlalchemy.url = postgresql://library:s3cr%%et@db.invalid/library"
    return {
        "ini-url": Location((Replace("alembic.ini", url, f"sqlalchemy.url = {URL}"),), shown=False, sqlite=False),
        "ini-url_with_spaces": Location(
            (Replace("alembic.ini", url, f"sqlalchemy.url = postgresql://library:my {PASSWORD}@db.invalid/library"),),
            shown=False,
            sqlite=False,
        ),
        "ini-url_bad_port": Location(
            (Replace("alembic.ini", url, f"sqlalchemy.url = postgresql://library:{PASSWORD}@db.invalid:port/library"),),
            shown=False,
            sqlite=False,
        ),
        "ini-url_no_dialect": Location(
            (Replace("alembic.ini", url, f"sqlalchemy.url = marsdb://library:{PASSWORD}@db.invalid/library"),),
            shown=False,
            sqlite=False,
        ),
        "ini-url_not_one": Location(
            (Replace("alembic.ini", url, f"sqlalchemy.url = library:{PASSWORD}@db.invalid"),), shown=False, sqlite=False
        ),
        "ini-url_one_slash": Location(
            (Replace("alembic.ini", url, f"sqlalchemy.url = postgresql:/library:{PASSWORD}@db.invalid/x"),),
            shown=False,
            sqlite=False,
        ),
        "ini-interpolation": Location((option(f"db.password = {PASSWORD}%(nothing)s"),), shown=False),
        "ini-other_section": Location((Append("alembic.ini", f"\n[own]\nurl = {URL}\n"),), shown=False),
        "server": Location((), ("--server", away), sqlite=False),
        "server-query": Location((), ("--server", f"postgresql://127.0.0.1:1/x?password={PASSWORD}"), sqlite=False),
        "server-spaces": Location((), ("--server", away.replace(PASSWORD, f"my {PASSWORD}")), sqlite=False),
        "server-bad_port": Location(
            (), ("--server", away.replace(":1/", ":port/")), shown=False, status=(2, 3), sqlite=False
        ),
        "server-other_scheme": Location(
            (), ("--server", away.replace("postgresql", "mysql")), shown=False, status=(2, 3), sqlite=False
        ),
        "server-not_a_url": Location(
            (), ("--server", f"library:{PASSWORD}@db"), shown=False, status=(2, 3), sqlite=False
        ),
        "server-env_url": Location((), ("--server", f"env:{URL}"), shown=False, status=(2,), sqlite=False),
        "server-env": Location((), ("--server", "env:OWN"), {"OWN": away}, sqlite=False),
        "server-setting": Location((setting(f'server = "{away}"'),), sqlite=False),
        "server-setting_env_url": Location((setting(f'server = "env:{URL}"'),), shown=False, status=(2,), sqlite=False),
        "x-url": Location(in_env("raise ValueError(context.get_x_argument())"), ("-x", f"url={URL}")),
        "x-known": Location(
            in_env("raise ValueError(context.get_x_argument()[0].split(':')[2][:13])"), ("-x", f"url={URL}")
        ),
        "socket_path": Location(
            in_env(
                "import socket\ns = socket.socket(socket.AF_UNIX)\n"
                f"try: s.connect('/nowhere?password={PASSWORD}')\nexcept OSError: pass\ns.close()"
            )
        ),
        "process_name": Location(
            in_env(
                f"import os, subprocess\nos.symlink('/bin/true', '../{PASSWORD}')\nsubprocess.run(['../{PASSWORD}'])"
            ),
            (),
            {"DB_PASSWORD": PASSWORD},
        ),
        "file_name": Location(
            (Write(f"migrations/versions/{PASSWORD}.py", "revision = 'a'\ndown_revision = 'b'\n"),),
            (),
            {"DB_PASSWORD": PASSWORD},
        ),
        "ascii": Location(in_env("raise ValueError(ascii(os.environ['DB_PASSWORD']))"), (), {"DB_PASSWORD": ACCENTED}),
        "debug_source_line": Location(
            in_env(f"def own(host, user, password): raise ValueError('no')\nown('db', 'me', '{PASSWORD}')"),
            (),
            {"DB_PASSWORD": PASSWORD},
        ),
        "debug_chain": Location(
            in_env(
                f"try:\n    raise ValueError('{URL}')\n"
                "except ValueError as error:\n    raise RuntimeError('no') from error"
            )
        ),
        "echo": Location(
            in_env(
                "import logging\nlogging.basicConfig(level=0)\nlogging.getLogger('sqlalchemy.engine.Engine').error('"
                + URL
                + "')"
            )
        ),
        "autogenerate_log": Location(
            in_env(
                "import logging\nlogging.disable(0)\nclass Own:\n    def __call__(self, *a):\n"
                f"        logging.getLogger('alembic.autogenerate.compare').warning('{URL}')",
                Replace(
                    ENV,
                    "connection=connection, target_metadata=target_metadata\n",
                    "connection=connection, target_metadata=target_metadata, compare_type=Own()\n",
                ),
            ),
            shown=False,
        ),
        "filter_name": Location(
            in_env(
                f"def own(*a): return True\nown.__name__ = own.__qualname__ = '{URL}'",
                Replace(
                    ENV,
                    "connection=connection, target_metadata=target_metadata\n",
                    "connection=connection, target_metadata=target_metadata, include_object=own\n",
                ),
            ),
            shown=False,
        ),
    }


LOCATIONS = {
    **known(),
    **from_files(),
    **engines(),
    **in_url_of_text(),
    **statements(),
    **models(),
    **settings(),
}
QUICK = {
    *("config_option-print", "PGPASSWORD-exception", "passfile", "engine-url", "text-space_in_password"),
    *("sql-do_block", "server_default-known", "server-env_url", "socket_path"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.trust) for name in LOCATIONS]
)
def test_no_password_is_shown(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    location = LOCATIONS[name]
    edits = (*((sqlite_url(),) if location.sqlite else ()), *location.edits)
    application = make_project(tmp_path / "application", "env_generic", edits)
    for variable, value in location.variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(application.project)
    arguments = ("--debug", "--verbose", "--sql", *location.arguments)
    outcome = review(application, tmp_path / "reports", capsys, *arguments, formats=FORMATS)
    assert outcome.status in location.status, outcome.explain()
    texts = {**outcome.reports, "stderr": outcome.stderr}
    assert outcome.status == 2 or texts.keys() >= {*FORMATS, "stdout", "stderr"}
    secrets = {PASSWORD, quote(PASSWORD, safe=""), ODD, quote(ODD, safe=""), "c0rrect:h0rse", "h0rse"}
    found = [(kind, secret) for kind, text in texts.items() for secret in secrets if secret in text]
    assert not found, outcome.explain()
    assert "itself failed" not in outcome.stderr, outcome.explain()
    if location.shown:
        assert any("***" in text for text in texts.values()), outcome.explain()
    record_property("outcome", f"exit {outcome.status}")
