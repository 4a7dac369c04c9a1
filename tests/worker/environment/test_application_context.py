"""What the settings name: a Config made in Python, a context around env.py, modules imported before it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alembic_review.worker.environment.application_context import Application
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.named_objects import Named
from alembic_review.worker.worker_errors import WorkerError

UPGRADE = ["upgrade", "heads"]

REVIEW = """
    import os
    from contextlib import contextmanager
    from types import SimpleNamespace
    from alembic.config import Config

    log = []

    def config():
        log.append("config")
        made = Config()
        made.set_main_option("script_location", os.path.join(os.path.dirname(__file__), "migrations"))
        made.attributes["engine"] = "an engine"
        return made

    def in_context():
        assert log[-1] == "enter"
        return config()

    @contextmanager
    def context():
        log.append("enter")
        yield
        log.append("exit")

    class Swallows:
        def __enter__(self):
            return self
        def __exit__(self, *_):
            return True

    class Raises(Swallows):
        def __exit__(self, *_):
            raise LookupError("cleanup")

    def generator():
        yield

    def nothing():
        return None

    def leaves():
        raise SystemExit(4)

    inner = SimpleNamespace(config=config)
    number = 1
"""

ENV = """
    import myreview
    from alembic import context
    myreview.log.append("env.py")
    assert context.config.attributes["engine"] == "an engine"
    context.configure(dialect_name="sqlite", as_sql=True)
    context.run_migrations()
"""

PLAIN = """
    import os
    from alembic import context
    context.configure(dialect_name="sqlite", as_sql=True)
    context.run_migrations()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is not on ``sys.path``; its modules are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "myreview.py", REVIEW)
    write(tmp_path / "migrations" / "env.py", ENV)
    (tmp_path / "migrations" / "versions").mkdir()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def environment(
    project: Path, file: str | None = None, section: str = "alembic", x: tuple[str, ...] = (), **settings: Any
) -> Environment:
    named = Named(folders=(str(project),), **settings)
    return Environment(file, section, x, application=Application(named))


def run(environment: Environment, work: Any = lambda *_: ()) -> list[str]:
    """One run of env.py; what the application noted by then."""
    config = environment.config(UPGRADE)
    environment.run(config, environment.script_directory(config), work, as_sql=True, destination_rev="heads")
    log: list[str] = sys.modules["myreview"].log
    return log


def test_a_config_made_in_python_is_made_anew_for_each_run(project: Path) -> None:
    made = environment(project, config_from="myreview:inner.config")
    assert made.config(UPGRADE) is not made.config(UPGRADE)
    assert run(made)[-2:] == ["config", "env.py"]
    assert made.config(UPGRADE).cmd_opts is None, "as under the application's own command"


def test_x_arguments_and_the_section_reach_a_config_made_in_python(project: Path) -> None:
    config = environment(project, section="other", x=("a=1", "b"), config_from="myreview:config").config(UPGRADE)
    assert config.cmd_opts is not None
    assert config.cmd_opts.x == ["a=1", "b"]
    assert config.config_ini_section == "other"


def test_the_context_is_entered_around_the_config_and_around_each_run_of_env_py(project: Path) -> None:
    write(project / "early.py", "import myreview\nmyreview.log.append('preload')\n")
    settings: dict[str, Any] = {
        "config_from": "myreview:in_context",
        "context": "myreview:context",
        "preload": ("early", "json"),
    }
    made = environment(project, **settings)
    one = ["enter", "config", "exit"]
    assert run(made) == [*one, "enter", "preload", "env.py", "exit"]
    assert run(made)[7:] == [*one, "enter", "env.py", "exit"]


@pytest.mark.parametrize("context", ["context", "Swallows", "Raises"])
def test_a_context_can_neither_suppress_nor_replace_the_error_of_a_run(project: Path, context: str) -> None:
    write(project / "alembic.ini", f"[alembic]\nscript_location = {project / 'migrations'}\n")
    write(project / "migrations" / "env.py", PLAIN)

    def work(*_: Any) -> Any:
        raise ValueError("half-way")

    with pytest.raises(WorkerError, match="half-way"):
        run(environment(project, file=str(project / "alembic.ini"), context=f"myreview:{context}"), work)


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"config_from": "myreview:nothing"}, r"`config-from` \(myreview:nothing\) returned None, not an", "Config"),
        ({"config_from": "myreview:missing.one"}, "module myreview has no missing.one", "Correct `config-from`"),
        ({"config_from": "myreview:number"}, "is an int, not a callable", "function"),
        ({"config_from": "myreview:leaves"}, r"\(myreview:leaves\) failed: SystemExit: 4\n  at .*myreview.py:\d+", ""),
        ({"config_from": "nowhere.else:x"}, "`config-from`: there is no module nowhere.", "--python"),
        ({"preload": ("json.nowhere",)}, "`preload`: there is no module json.nowhere.", "--python"),
        ({"context": "myreview:generator"}, "returned a generator, not a context manager", "contextlib.contextmanager"),
        ({"context": "myreview:Raises"}, "`context` .* failed: LookupError: cleanup", ""),
        ({"preload": ("broken",)}, r"module broken can't be imported: ZeroDivisionError.*\n  at .*broken.py:1", ""),
    ],
)
def test_what_the_settings_name_fails(project: Path, settings: dict[str, Any], message: str, hint: str) -> None:
    write(project / "broken.py", "1 / 0\n")
    with pytest.raises(WorkerError, match=message) as caught:
        run(environment(project, **({"config_from": "myreview:config"} | settings)))
    assert hint in caught.value.hint


def test_modules_that_are_installed_come_first(project: Path) -> None:
    write(project / "json.py", "1 / 0\n")
    run(environment(project, config_from="myreview:config", preload=("json",)))
    before = list(sys.path)
    run(environment(project, config_from="myreview:config"))
    assert sys.path == before


@pytest.mark.parametrize("location", ["# script_location = elsewhere", "script_location = ."])
def test_an_ini_without_a_script_location_is_that_of_the_env_py_beside_it(project: Path, location: str) -> None:
    folder = project / "100%"
    write(folder / "env.py", PLAIN)
    (folder / "versions").mkdir()
    write(folder / "alembic.ini", f"[alembic]\n{location}\n")
    made = environment(project, file=str(folder / "alembic.ini"))
    assert made.script_directory(made.config(UPGRADE)).dir == str(folder)
    write(project / "alembic.ini", "[alembic]\n")
    made = environment(project, file=str(project / "alembic.ini"))
    with pytest.raises(WorkerError, match="No 'script_location' key") as caught:
        made.script_directory(made.config(UPGRADE))
    assert "config-from" in caught.value.hint


@pytest.mark.parametrize(
    ("message", "hint"), [("Working outside of application context.", 'Set context = "module:callable"'), ("other", "")]
)
def test_the_hint_for_an_env_py_that_needs_a_context(project: Path, message: str, hint: str) -> None:
    folder = project / "plain"
    write(folder / "env.py", f"{textwrap.dedent(PLAIN)}\nraise RuntimeError({message!r})\n")
    write(folder / "alembic.ini", f"[alembic]\nscript_location = {folder}\n")
    (folder / "versions").mkdir()
    made = environment(project, file=str(folder / "alembic.ini"))
    config = made.config(UPGRADE)
    with pytest.raises(WorkerError, match=r"env.py failed: RuntimeError: .*\n  at .*env.py:7 in <module>") as caught:
        made.run(config, made.script_directory(config), lambda *_: (), as_sql=True, destination_rev="heads")
    assert hint in caught.value.hint
    assert ("context" in caught.value.hint) == bool(hint)


def test_the_command_line_is_that_of_alembic(project: Path) -> None:
    write(project / "alembic.ini", "[alembic]\nscript_location = migrations\n")
    environment(project, file=str(project / "alembic.ini"), x=("a=1",)).config(UPGRADE)
    assert Path(sys.argv[0]).name == "alembic"
    assert sys.argv[1:] == ["-c", str(project / "alembic.ini"), "-n", "alembic", "-x", "a=1", *UPGRADE]
