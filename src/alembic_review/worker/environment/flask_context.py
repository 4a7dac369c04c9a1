"""The Flask application that an env.py of Flask-Migrate needs, found and entered as the ``flask`` command does it.

The only module of the worker that imports a framework, and only for an env.py that needs it.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic.config import Config

from alembic_review.worker.environment.named_objects import guarded, reported
from alembic_review.worker.hints import Fault, failed
from alembic_review.worker.worker_errors import WorkerError, at, places

_OUTSIDE = "application context"
"""Part of what Flask and Flask-SQLAlchemy say where no application's context is entered."""

_OWN_CONTEXTS = frozenset({"app_context", "test_request_context", "request_context"})
_SET_FLASK_APP = (
    'Set FLASK_APP as for `flask db`, in the environment or as env = { FLASK_APP = "package:create_app" } in '
    "[tool.alembic-review], or run alembic-review in the folder where `flask db` works."
)
_NO_DOTENV = (
    ' .flaskenv was not read, because python-dotenv is not installed; set env-file = ".flaskenv" to read it anyway.'
)


def installed() -> bool:
    """Whether the application has Flask at all."""
    return importlib.util.find_spec("flask") is not None


def needed(env_py: str, *, of_flask_migrate: bool) -> bool:
    """Whether an env.py needs the application of ``flask db``.

    ``of_flask_migrate`` is true for an ini without a script location beside its env.py: only Flask-Migrate can use
    that. Any other env.py needs the application where it names ``current_app`` and enters no context itself.
    """
    if of_flask_migrate and importlib.util.find_spec("flask_migrate") is not None:
        return True
    try:
        with open(env_py, "rb") as stream:
            nodes = list(ast.walk(ast.parse(stream.read())))
    except (OSError, SyntaxError, ValueError):
        return False
    return any(map(_names_current_app, nodes)) and not any(map(_enters_context, nodes))


def is_outside_of_context(error: BaseException) -> bool:
    """Whether code failed because no application's context was entered."""
    return isinstance(error, RuntimeError) and _OUTSIDE in str(error)


class FlaskApplication:
    """The application, loaded when it is first entered; ``ini`` is the one that Flask-Migrate itself would read."""

    def __init__(self, ini: str | None, x: Sequence[str]) -> None:
        self._ini = ini
        self._x = list(x)
        self._command: Any = None
        self._app: Any = None
        self._missing = ""

    def arguments(self, command: Sequence[str]) -> list[str]:
        """The command line of Flask-Migrate for this command of Alembic."""
        options = [part for value in self._x for part in ("-x", value)]
        name = "migrate" if command[0] == "revision" else command[0]
        return [os.path.join(os.path.dirname(sys.executable), "flask"), "db", *options, name]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Meanwhile, the application's context is entered, if there is an application. Raises ``WorkerError``."""
        if self._command is None:
            self._load()
        with self._command.scope(cleanup=False):
            if self._app is None:
                yield
                return
            with guarded(self._app.app_context(), "The context of the Flask application failed"):
                yield

    def config(self, command: Sequence[str]) -> Config | None:
        """Inside ``entered``: the ``Config`` of ``flask db``; ``None`` where that reads another ini, or none."""
        extensions = getattr(self._app, "extensions", {})
        migrate = getattr(extensions.get("migrate"), "migrate", None)
        if migrate is None or self._ini is None:
            return None
        from flask import g

        g.directory, g.x_arg = None, ()
        options = ["autogenerate"] if command[0] == "revision" else None
        with reported("Flask-Migrate failed to create the Alembic config"):
            made: Config = migrate.get_config(os.path.dirname(self._ini), x_arg=self._x or None, opts=options)
        return made

    def explain(self, env_py: str, error: BaseException) -> WorkerError | None:
        """Name the application as missing, where ``env.py`` failed without one."""
        if not (self._missing and is_outside_of_context(error)):
            return None
        message = f"{env_py} needs a Flask application, and the flask command finds none: {self._missing}"
        unread = importlib.util.find_spec("dotenv") is None and os.path.isfile(".flaskenv")
        return WorkerError(f"{message}{at(places(error))}", f"{_SET_FLASK_APP}{_NO_DOTENV if unread else ''}")

    def _load(self) -> None:
        from flask import cli, helpers

        with reported("The flask command failed"):
            self._command = cli.cli.make_context("flask", ["db"])
            if self._command.obj is None:  # before Flask 2.2, whose context has done this
                os.environ["FLASK_RUN_FROM_CLI"] = "true"
                if helpers.get_load_dotenv():
                    cli.load_dotenv()
        with reported("The Flask application failed to load"), self._command.scope(cleanup=False):
            script = self._command.ensure_object(cli.ScriptInfo)
            try:
                self._app = script.load_app()
            except cli.NoAppException as error:
                self._note_missing(error, script.app_import_path)

    def _note_missing(self, error: Any, named: str | None) -> None:
        """An application that is named and not there is an error; without one, env.py may work all the same."""
        cause = error.__context__
        trace = cause.__traceback__ if isinstance(cause, ImportError) else None
        if trace is not None and trace.tb_next is not None:
            raise failed("The Flask application can't be imported", Fault(cause)) from error
        self._missing = str(error.message)
        if named:
            raise WorkerError(f"FLASK_APP is {named!r}, but: {self._missing}", "Correct FLASK_APP.") from error


def _names_current_app(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        package = (node.module or "").partition(".")[0]
        return package == "flask" and any(alias.name == "current_app" for alias in node.names)
    return isinstance(node, ast.Attribute) and node.attr == "current_app"


def _enters_context(node: ast.AST) -> bool:
    """Whether this is ``app.app_context`` or the like, of an application that env.py got hold of itself."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr in _OWN_CONTEXTS
        and not (isinstance(node.value, ast.Name) and node.value.id == "current_app")
    )
