"""The Flask application that an env.py needs is the one that the flask command finds."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import current_app, has_app_context

from alembic_review.worker.environment import flask_context
from alembic_review.worker.environment.application_context import Application
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.worker_errors import WorkerError

CURRENT = "from flask import current_app\n"
APP = "from flask import Flask\napp = Flask('found')\n"
FACTORY = "from flask import Flask\ndef create_app(name='found', *, debug=False):\n    return Flask(name)\n"
INI = "[alembic]\n# nothing of use to Alembic alone\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory; what the flask command changes in this process is changed back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    monkeypatch.setattr(os, "environ", environ)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        if str(tmp_path) in f"{getattr(module, '__file__', '')} {list(getattr(module, '__path__', ()))}":
            del sys.modules[name]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


def migrations(folder: Path, env: str = CURRENT, ini: str = INI) -> Environment:
    """What ``flask db init`` creates, and the environment that it is to the tool."""
    write(folder, {"migrations/alembic.ini": ini, "migrations/env.py": env, "migrations/versions/.keep": ""})
    return Environment(str(folder / "migrations" / "alembic.ini"), "alembic", ("a=1",), application=Application())


@pytest.mark.parametrize(
    ("env", "needed"),
    [
        (CURRENT, True),
        ("def get():\n    from flask import Flask, current_app as app\n", True),
        ("import flask\nengine = flask.current_app.extensions['migrate']", True),
        (f"{CURRENT}with current_app.app_context():\n    pass", True),
        (f"{CURRENT}from myapp import create_app\ncreate_app().app_context().push()", False),
        ("from flask import Flask\napp = Flask(__name__)", False),
        ("from quart import current_app", False),
        ("from myapp import Base", False),
        ("not Python", False),
    ],
)
def test_an_env_py_needs_flask_where_it_takes_the_current_application(tmp_path: Path, env: str, needed: bool) -> None:
    (tmp_path / "env.py").write_text(env)
    assert flask_context.needed(str(tmp_path / "env.py"), of_flask_migrate=False) is needed
    assert flask_context.needed(str(tmp_path / "env.py"), of_flask_migrate=True)


IMPORTED = "from blog import create_app\napp = create_app()"
RENAMED = FACTORY.replace("'found'", "'x'")
CHECKED = f"import sys\n{APP}assert sys.argv[1:] == ['db', '-x', 'a=1', 'upgrade']"

LAYOUTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "app.py": ({"app.py": APP}, {}),
    "wsgi.py first": ({"app.py": "1 / 0", "wsgi.py": APP.replace("app =", "application =")}, {}),
    "wsgi.py from a factory": ({"wsgi.py": IMPORTED, "blog/__init__.py": FACTORY}, {}),
    "a package with a factory": ({"blog/__init__.py": FACTORY}, {"FLASK_APP": "blog"}),
    "a factory with arguments": ({"blog/app.py": RENAMED}, {"FLASK_APP": "blog.app:create_app('found', debug=True)"}),
    "make_app": ({"blog.py": FACTORY.replace("create_app", "make_app")}, {"FLASK_APP": "blog.py"}),
    "src layout": ({"src/blog/__init__.py": FACTORY}, {"FLASK_APP": "src/blog"}),
    ".flaskenv": ({"web/server.py": APP, ".flaskenv": "FLASK_APP=web/server.py"}, {}),
    ".flaskenv above": ({"../.flaskenv": "FLASK_APP=server", "server.py": APP}, {}),
    ".env before .flaskenv": ({"a.py": APP, ".flaskenv": "FLASK_APP=b", ".env": "FLASK_APP=a"}, {}),
    "the environment before .env": ({"a.py": APP, ".env": "FLASK_APP=b"}, {"FLASK_APP": "a"}),
    "app.run() at module level": ({"app.py": f"{APP}app.run()"}, {}),
    "a look at the command line": ({"app.py": CHECKED}, {}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_application_that_the_flask_command_finds(project: Path, layout: str) -> None:
    files, variables = LAYOUTS[layout]
    write(project, files)
    os.environ.update(variables)
    environment = migrations(project)
    config = environment.config(["upgrade", "heads"])
    assert config.get_main_option("script_location") == str(project / "migrations")
    assert not has_app_context()
    with environment.application.ready():
        assert current_app.name == "found"
    assert not has_app_context()


MIGRATED = """
    from flask import Flask, g
    from flask_migrate import Migrate
    app = Flask("found")
    migrate = Migrate(app, object(), directory="elsewhere")
    @migrate.configure
    def configure(config):
        assert g.x_arg == ()
        config.set_main_option("version_locations", "one two")
        return config
"""


def test_the_config_is_that_of_flask_db(project: Path) -> None:
    write(project, {"app.py": MIGRATED})
    environment = migrations(project)
    upgrade = environment.config(["upgrade", "heads"])
    generate = environment.config(["revision", "--autogenerate", "-m", "x"])
    assert upgrade is not generate
    for config in (upgrade, generate):
        assert type(config).__module__ == "flask_migrate"
        assert config.config_file_name == str(project / "migrations" / "alembic.ini")
        assert config.get_main_option("script_location") == str(project / "migrations")
        assert config.get_main_option("version_locations") == "one two"
        assert config.cmd_opts is not None
        assert config.cmd_opts.x == ["a=1"]
    assert not hasattr(upgrade.cmd_opts, "autogenerate")
    assert generate.cmd_opts is not None
    assert generate.cmd_opts.autogenerate is True
    assert Path(sys.argv[0]).name == "flask"
    assert sys.argv[1:] == ["db", "-x", "a=1", "migrate"]


def test_another_ini_keeps_its_own_config(project: Path) -> None:
    write(project, {"app.py": MIGRATED, "alembic.ini": "[alembic]\nscript_location = migrations\n"})
    migrations(project)
    environment = Environment(str(project / "alembic.ini"), "alembic", (), application=Application())
    config = environment.config(["upgrade", "heads"])
    assert type(config).__module__ == "alembic.config"
    with environment.application.ready():
        assert current_app.name == "found"


def test_no_application_is_loaded_for_any_other_env_py(project: Path) -> None:
    write(project, {"app.py": "1 / 0"})
    environment = migrations(project, env="", ini="[alembic]\nscript_location = migrations\n")
    environment.config(["upgrade", "heads"])
    with environment.application.ready():
        assert not has_app_context()


def run(environment: Environment) -> None:
    config = environment.config(["upgrade", "heads"])
    script = environment.script_directory(config)
    environment.run(config, script, lambda *_: (), as_sql=True, destination_rev="heads")


OWN = f"""
{CURRENT}from alembic import context
import helper
helper.push()
assert current_app.name == "found"
context.configure(dialect_name="sqlite", as_sql=True)
context.run_migrations()
"""


def test_an_env_py_that_gets_itself_an_application_needs_none_from_the_flask_command(project: Path) -> None:
    write(project, {"helper.py": f"{APP}contexts = [app.app_context()]\ndef push():\n    contexts[0].push()\n"})
    run(migrations(project, env=OWN))
    assert current_app.name == "found"
    sys.modules["helper"].contexts[0].pop()


@pytest.mark.parametrize(
    ("files", "variables", "message", "hint"),
    [
        ({}, {}, r"env.py needs a Flask application, .* none: Could not locate.*\n  at .*env.py:2", "FLASK_APP"),
        ({"app.py": "x = 1"}, {}, "Failed to find Flask application or factory in module 'app'", "FLASK_APP"),
        ({"app.py": "def create_app(x):\n    pass"}, {}, "env.py needs .*could not call it without", "FLASK_APP"),
        ({}, {"FLASK_APP": "blgo"}, "FLASK_APP is 'blgo', but: Could not import 'blgo'.", "Correct FLASK_APP"),
        ({"app.py": "import nowhere"}, {}, r"can't be imported: ModuleNotFoundError: .*'nowhere'", ""),
        ({"app.py": "{}['KEY']"}, {}, "failed to load: KeyError: 'KEY'", ""),
        ({"app.py": "exit(3)"}, {}, "failed to load: SystemExit: 3", ""),
        ({}, {"FLASK_ENV_FILE": "no.env"}, "The flask command failed: .*'no.env' does not exist", ""),
    ],
)
def test_no_application(
    project: Path, files: dict[str, str], variables: dict[str, str], message: str, hint: str
) -> None:
    write(project, files)
    os.environ.update(variables)
    with pytest.raises(WorkerError, match=message) as caught:
        run(migrations(project, env=f"{CURRENT}current_app.name\n"))
    assert hint in caught.value.hint
    assert "Traceback" not in caught.value.message
    if "need" not in message and "app.py" in files and "x = 1" not in files.values():
        assert "app.py:1" in caught.value.message


def test_a_flaskenv_that_was_not_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {".flaskenv": "FLASK_APP=a", "a.py": APP})
    monkeypatch.setitem(sys.modules, "dotenv", None)
    with pytest.raises(WorkerError, match="needs a Flask application") as caught:
        run(migrations(project, env=f"{CURRENT}current_app.name\n"))
    assert "python-dotenv is not installed" in caught.value.hint
