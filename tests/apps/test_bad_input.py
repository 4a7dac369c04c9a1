"""Bad input ends in one short message with a place and a hint; exit 2 or 3, never a traceback."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from .edits import MODEL, Append, Delete, Edit, Replace, Write, module, revision
from .harness import Application, Run, make_application, make_project, run_tool
from .scenario import check_every_run
from .test_environments import ENV, PENDING, VERSION, functions, on_sqlite, rows

LONGEST_MESSAGE = 2000

# What drivers and SQLAlchemy raise on either stack is told by tests of the worker, on both.
pytestmark = pytest.mark.one_stack


def failed(run: Run, application: Application, *patterns: str, status: int = 3) -> None:
    """The run ended as it should, says all of ``patterns``, and names the line of a ``# HERE`` comment."""
    assert run.status == status, run.explain()
    check_every_run(run, application)
    if status == 3:
        assert run.report is not None, run.explain()
        assert run.report["outcome"] == "failed"
        assert run.report["failure"]["message"]

        assert len(run.report["failure"]["message"]) < LONGEST_MESSAGE, run.explain()
        said = f"{run.report['failure']['message']}\n{run.report['failure']['hint']}"
    else:
        said = run.stderr
    for pattern in (*patterns, *_places(application)):
        assert re.search(pattern, said), f"{pattern!r} was not said\n{run.explain()}"


def _places(application: Application) -> list[str]:
    found = []
    for folder in (application.project, application.environment.site_packages):
        for path in folder.rglob("*.py"):
            for number, text in enumerate(path.read_text().splitlines(), start=1):
                if "# HERE" in text:
                    found.append(rf"{re.escape(path.name)}\W+(line )?{number}\b")
    return found


def test_no_conf_file(tmp_path: Path) -> None:
    application = make_application(tmp_path)
    failed(run_tool(application, conf="app/nothing.conf"), application, r"nothing\.conf", status=2)


def test_no_conf_named_and_none_there(tmp_path: Path) -> None:
    application = make_application(tmp_path)
    failed(run_tool(application, conf=None), application, r"-c", status=2)


def test_no_alembic_section(tmp_path: Path) -> None:
    application = make_application(tmp_path, (Replace("app/acme.conf", "[alembic]", "[something]"),))
    failed(run_tool(application), application, r"\[alembic\]", r"acme\.conf", status=2)


def test_script_location_that_cannot_be_imported(tmp_path: Path) -> None:
    application = make_application(tmp_path, (Replace("app/acme.conf", "acme.db:alembic\n", "acmee.db:alembic\n"),))
    run = run_tool(application)
    assert run.status in {2, 3}, run.explain()
    failed(run, application, "acmee", status=run.status)


def test_script_location_that_is_not_there(tmp_path: Path) -> None:
    application = make_application(tmp_path, (Replace("app/acme.conf", "acme.db:alembic\n", "acme.db:missing\n"),))
    run = run_tool(application)
    assert run.status in {2, 3}, run.explain()
    failed(run, application, "missing", status=run.status)


def test_version_location_that_is_not_there(tmp_path: Path) -> None:
    application = make_application(
        tmp_path, (Replace("app/acme.conf", "poser.db:alembic/versions", "poser.db:alembic/version"),)
    )
    run = run_tool(application)
    assert run.status in {2, 3}, run.explain()
    failed(run, application, "alembic/version", status=run.status)


def test_env_py_raises(tmp_path: Path) -> None:
    raising = functions("raise RuntimeError('no luck with ' + config.get_main_option('sqlalchemy.url'))  # HERE")
    application = make_project(tmp_path, "env_generic", (raising,))
    failed(run_tool(application, conf="alembic.ini"), application, "RuntimeError", "no luck", r"db\.invalid")


def test_a_model_raises(tmp_path: Path) -> None:
    application = make_application(tmp_path, module("core.Person.__table__.c.no_such_column  # HERE"))
    failed(run_tool(application), application, "AttributeError", "no_such_column")


def test_a_model_that_does_not_compile(tmp_path: Path) -> None:
    application = make_application(tmp_path, (*module(""), Write(f"{MODEL}/extra.py", "a = (\n")))
    failed(run_tool(application), application, "SyntaxError", r"extra\.py")


def test_a_module_that_is_missing(tmp_path: Path) -> None:
    application = make_application(tmp_path, module("import no_such_module  # HERE"))
    failed(run_tool(application), application, "no_such_module")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_revision_fails(database: str, tmp_path: Path) -> None:
    edits = revision("op.create_index('ix_nowhere', 'no_such_table', ['a'])  # HERE", id="bad0bad0bad0")
    application = make_application(tmp_path, edits, database=database)
    failed(run_tool(application), application, "bad0bad0bad0", "CREATE INDEX ix_nowhere", "no_such_table")


def test_a_revision_raises(tmp_path: Path) -> None:
    application = make_application(tmp_path, revision("raise ValueError('half done')  # HERE", id="bad0bad0bad0"))
    failed(run_tool(application), application, "bad0bad0bad0", "half done")


def test_a_revision_without_its_parent(tmp_path: Path) -> None:
    application = make_application(tmp_path, revision("pass", id="bad0bad0bad0", down="1234567890ab"))
    said = (r"down_revision of revision bad0bad0bad0 is 1234567890ab", r"bad0bad0bad0_step\.py", "version_locations")
    failed(run_tool(application), application, *said)


def test_a_revision_that_depends_on_one_that_is_not_there(tmp_path: Path) -> None:
    (step,) = revision("pass", id="bad0bad0bad0")
    assert isinstance(step, Write)
    wanting = Write(step.path, step.text.replace("depends_on = None", 'depends_on = ("acme", "1234567890ab")'))
    application = make_application(tmp_path, (wanting,))
    said = (r"depends_on of revision bad0bad0bad0 is 1234567890ab", r"bad0bad0bad0_step\.py")
    failed(run_tool(application), application, *said)


def test_a_revision_that_does_not_compile(tmp_path: Path) -> None:
    (step,) = revision("pass", id="bad0bad0bad0")
    assert isinstance(step, Write)
    application = make_application(tmp_path, (Write(step.path, "def upgrade(:  # HERE"),))
    failed(run_tool(application), application, "SyntaxError", re.escape(step.path))


def test_no_url_in_the_conf(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic")
    conf = application.project / "alembic.ini"
    conf.write_text(re.sub(r"^sqlalchemy\.url.*\n", "", conf.read_text(), flags=re.MULTILINE))
    failed(run_tool(application, conf="alembic.ini"), application, "There is no sqlalchemy.url", "not contacted")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql+nosuch://me:t0psecret@db/app", "nosuch"),
        ("mysql+cymysql://me:t0psecret@db/app", r"has the dialect mysql \(cymysql\); only PostgreSQL and SQLite"),
        ("postgresql+psycopg2cffi://me:t0psecret@db/app", "driver psycopg2cffi of the dialect postgresql, which"),
    ],
)
def test_a_url_whose_driver_is_not_there(url: str, said: str, tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic")
    conf = application.project / "alembic.ini"
    conf.write_text(re.sub(r"^sqlalchemy\.url.*$", f"sqlalchemy.url = {url}", conf.read_text(), flags=re.MULTILINE))
    run = run_tool(application, conf="alembic.ini")
    failed(run, application, said)
    assert "t0psecret" not in run.said


def test_revisions_in_a_circle(tmp_path: Path) -> None:
    edits = (
        *revision("pass", id="aaaaaaaaaaa1", down="aaaaaaaaaaa2"),
        *revision("pass", id="aaaaaaaaaaa2", down="aaaaaaaaaaa1"),
    )
    application = make_application(tmp_path, edits)
    run = run_tool(application)
    assert run.status == 3, run.explain()
    check_every_run(run, application)


def test_no_custom_model_loaded(tmp_path: Path) -> None:
    application = make_application(
        tmp_path, (Replace("app/acme.conf", "model = poser.db.model", "model = acme.db.model"),)
    )
    failed(run_tool(application), application, "poser")


def test_no_model_at_all(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path, Write("models.py", "import sqlalchemy as sa\nclass Base:\n    metadata = sa.MetaData()\n")
    )
    failed(run_tool(application, conf="alembic.ini"), application)


def test_no_target_metadata(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, Replace(ENV, "target_metadata = models.Base.metadata", "target_metadata = None"))
    failed(run_tool(application, conf="alembic.ini"), application, "target_metadata")


def test_nothing_to_inspect(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        Write("models.py", "import sqlalchemy as sa\nclass Base:\n    metadata = sa.MetaData()\n"),
        Delete(VERSION),
    )
    failed(run_tool(application, conf="alembic.ini"), application)


def test_fewer_migrations_when_comparing(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        functions(""),
        Replace(
            ENV,
            "    with connectable.connect() as connection:\n        context.configure(",
            "    for again in range(2 if 'upgrade' in str(config.cmd_opts.cmd[0]) else 1):\n"
            "     with connectable.connect() as connection:\n        context.configure(",
        ),
    )
    failed(run_tool(application, conf="alembic.ini"), application, "2 times.*1 times")


ENDS = {
    "exit-0": "import sys; sys.exit(0)",
    "exit-5": "import sys; sys.exit(5)",
    "hard-exit-0": "import os; os._exit(0)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "interrupted": "raise KeyboardInterrupt",
    "crash": "import ctypes; ctypes.string_at(0)",
}


@pytest.mark.parametrize("end", ENDS)
def test_env_py_ends_the_process(end: str, tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, functions(ENDS[end]))
    failed(run_tool(application, conf="alembic.ini"), application)


def test_a_revision_ends_the_process(tmp_path: Path) -> None:
    application = make_application(tmp_path, revision("import os; os._exit(0)", id="bad0bad0bad0"))
    failed(run_tool(application), application)


def test_exit_at_the_end_of_env_py(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, Append(ENV, "\nimport sys\nsys.exit(0)\n"))
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    if run.status != 3:
        assert rows(run) == PENDING


@pytest.mark.parametrize("where", ["env", "revision"])
def test_a_hang_ends_at_the_time_limit(where: str, tmp_path: Path) -> None:
    sleep = "import time; time.sleep(600)"
    edit: Edit = functions(sleep)
    if where == "revision":
        edit = Replace(VERSION, "    op.create_table(\n", f"    {sleep}\n    op.create_table(\n")
    application = on_sqlite(tmp_path, edit)
    failed(run_tool(application, "--timeout", "3", conf="alembic.ini"), application, "3")


def test_env_py_closes_every_descriptor(tmp_path: Path) -> None:
    run_it = functions("import os; os.closerange(3, 200)")
    application = on_sqlite(tmp_path, run_it)
    run = run_tool(application, conf="alembic.ini")
    assert run.status == 3, run.explain()
    check_every_run(run, application)


def test_server_that_nobody_answers_for(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic")
    run = run_tool(application, "--server", "postgresql://me:t0psecret@127.0.0.1:1/postgres", conf="alembic.ini")
    failed(run, application, r"127\.0\.0\.1")
    assert "t0psecret" not in run.said


def test_python_that_is_not_there(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path)
    run = run_tool(application, "--python", "/no/such/python", conf="alembic.ini")
    assert run.status in {2, 3}, run.explain()
    assert "/no/such/python" in run.said


def test_python_without_alembic(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path)
    (application.environment.site_packages / "_stack.pth").unlink()
    run = run_tool(application, conf="alembic.ini")
    assert run.status == 3, run.explain()
    assert "alembic" in run.said.lower()
    assert "--python" in run.said


def test_unknown_setting(tmp_path: Path) -> None:
    application = make_application(
        tmp_path, (Append("pyproject.toml", "\n[tool.alembic-review]\ncustum = ['poser']\n"),)
    )
    failed(run_tool(application), application, "custum", r"\bcustom\b", status=2)


def test_unknown_custom_package(tmp_path: Path) -> None:
    application = make_application(tmp_path)
    run = run_tool(application, "--custom", "prose")
    assert run.status in {2, 3}, run.explain()
    assert "prose" in run.said


def test_the_report_is_written_all_the_same(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, functions("raise RuntimeError('no luck')"))
    written = tmp_path / "report.json"
    run = run_tool(application, "-o", f"json={written}", conf="alembic.ini")
    assert run.status == 3, run.explain()
    report = json.loads(written.read_text())
    assert report == run.report
    assert "no luck" in report["failure"]["message"]


@pytest.mark.parametrize("end", ["exit-0", "hard-exit-0", "killed", None])
def test_nothing_is_left_behind(end: str | None, tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (functions(ENDS[end]),) if end else ())
    # Short, for the sake of the server's socket, and open to the user that a server of root's runs as.
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        run = run_tool(application, conf="alembic.ini", variables={"TMPDIR": folder})
        assert run.status == (3 if end else 0), run.explain()
        assert list(Path(folder).iterdir()) == []
        assert [line for line in _command_lines() if folder in line] == []


DETACH = """
import subprocess, sys
if {forked}:
    child = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(600)"
else:
    child = "import time; time.sleep(600)"
started = subprocess.Popen([sys.executable, "-c", child, {marker!r}], start_new_session=True, env={{}})
if {forked}:
    started.wait()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells who started a process")
@pytest.mark.parametrize("end", [None, "exit-0"])
@pytest.mark.parametrize("forked", [False, True])
def test_a_process_in_a_session_of_its_own_is_ended_too(forked: bool, end: str | None, tmp_path: Path) -> None:
    marker = str(tmp_path / "left-behind")
    code = DETACH.format(forked=forked, marker=marker) + (ENDS[end] if end else "")
    application = on_sqlite(tmp_path, functions(code))
    run = run_tool(application, conf="alembic.ini")
    assert run.status == (3 if end else 0), run.explain()
    assert [line for line in _command_lines() if marker in line] == []


def _command_lines() -> list[str]:
    """The command lines of all processes, where the system tells."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(path.read_text(errors="replace"))
    return lines


def test_a_traceback_on_request(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, functions("raise RuntimeError('no luck')"))
    run = run_tool(application, "--debug", conf="alembic.ini")
    assert run.status == 3, run.explain()
    assert "Traceback" in run.stderr, run.explain()
    assert "no luck" in run.stderr, run.explain()
