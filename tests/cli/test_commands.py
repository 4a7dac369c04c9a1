"""The command line: options in, reports and an exit status out.

The workflows are fakes; tests/apps run the real ones.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

import alembic_review
from alembic_review.cli import outputs, run, screen
from alembic_review.cli.commands import cli
from alembic_review.model.accepting import Baseline
from alembic_review.model.errors import ObservationError, ReviewError, UsageError
from alembic_review.model.review import Failure, Gate, Review, Severity
from alembic_review.model.settings import FailOn, Settings
from alembic_review.reports import REPORTS, Options, Rule
from alembic_review.reports.formats.json import read

HERE = Path(__file__).parent.parent
SAMPLE = HERE / "golden" / "poser.json"
HOSTILE = HERE / "golden" / "hostile.json"
CLEAN = read((HERE / "golden" / "clean.json").read_bytes())
BLOCKED = read(SAMPLE.read_bytes())
EMPTY = read((HERE / "golden" / "failed.json").read_bytes())


class FakeWorkflows(ModuleType):
    """Answers with ``result``, raises it when it is an exception; remembers the settings it was given."""

    def __init__(self) -> None:
        super().__init__("alembic_review.workflows")
        self.result: Review | BaseException = CLEAN
        self.seen: list[Settings] = []
        self.told: tuple[str, ...] = ()

    def review(self, settings: Settings, *, progress: Callable[[str], None], debug: bool = False) -> Review:
        assert isinstance(debug, bool)
        self.seen.append(settings)
        for text in self.told:
            progress(text)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    def failed_review(self, error: ReviewError, settings: Settings) -> Review:
        assert settings == self.seen[-1]
        return dataclasses.replace(EMPTY, failure=Failure(error.message, error.hint))

    def rules(self) -> tuple[Rule, ...]:
        return (Rule("AR101", "Blocked change", Severity.ERROR, self.explain("AR101")),)

    def explain(self, code: str) -> str:
        if code != "AR101":
            raise UsageError(f"There is no check {code}.", hint="The codes are: AR101.")
        return "# AR101\n\nA *blocked* change."


@pytest.fixture
def workflows(monkeypatch: pytest.MonkeyPatch) -> FakeWorkflows:
    fake = FakeWorkflows()
    for name in ("review", "owners", "explain"):
        monkeypatch.setitem(sys.modules, f"alembic_review.workflows.{name}", fake)
    return fake


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    (tmp_path / "rattail.conf").write_text("[alembic]\nscript_location = m\n[other]\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "poser"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


Captured = pytest.CaptureFixture[str]


def test_review_is_the_default_command(workflows: FakeWorkflows, project: Path, capsys: Captured) -> None:
    for argv in ([], ["review"], ["-c", "alembic.ini"], ["review", "-c", "alembic.ini"]):
        assert run(argv) == 0
        out, err = capsys.readouterr()
        assert out == (HERE / "golden" / "clean.terminal.txt").read_text()
        assert err == ""
    assert {settings.config for settings in workflows.seen} == {project / "alembic.ini"}


def test_every_option_reaches_the_settings(
    workflows: FakeWorkflows, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALEMBIC_REVIEW_NO_CACHE")
    argv = ["-c", "rattail.conf", "-n", "other", "-x", "a=1", "-x", "b", "--root", str(project), "--custom", "poser"]
    argv += ["--custom", "extra", "--server", "postgresql://h/", "--python", sys.executable, "--timeout", "9"]
    argv += ["--fail-on", "pending", "--fail-on", "error", "--baseline", "known.json", "--no-cache"]
    (project / "known.json").write_text('{"format": "alembic-review-baseline/1", "findings": []}')
    assert run(argv) == 0
    assert workflows.seen == [
        Settings(
            config=project / "rattail.conf",
            section="other",
            x=("a=1", "b"),
            root=project,
            distribution="poser",
            custom=("poser", "extra"),
            fail_on=(FailOn.PENDING, FailOn.ERROR),
            server="postgresql://h/",
            python=sys.executable,
            timeout=9.0,
            baseline=Baseline("known.json", str(project / "known.json")),
            cache=False,
        )
    ]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (CLEAN, 0),
        (BLOCKED, 1),
        (dataclasses.replace(BLOCKED, gate=Gate(refused=False)), 0),
        (dataclasses.replace(CLEAN, gate=Gate(refused=True, reasons=("pending",))), 1),
        (EMPTY, 3),
        (dataclasses.replace(EMPTY, gate=Gate(refused=False)), 3),
        (ObservationError("The server is gone."), 3),
        (UsageError("No custom package was found."), 2),
        (RuntimeError("boom"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
@pytest.mark.usefixtures("project")
def test_exit_status(workflows: FakeWorkflows, result: Review | BaseException, status: int) -> None:
    workflows.result = result
    assert run([]) == status


def test_a_baseline_is_written_after_a_review_and_not_after_a_failure(workflows: FakeWorkflows, project: Path) -> None:
    path = project / "known.json"
    argv = ["--baseline", "known.json", "--update-baseline"]
    workflows.result = ObservationError("The server is gone.")
    assert run(argv) == 3
    assert not path.exists()
    workflows.result = CLEAN
    assert run(argv) == 0
    assert json.loads(path.read_text()) == {"format": "alembic-review-baseline/1", "findings": []}
    assert run(["--update-baseline"]) == 2
    assert run(["--baseline", "none.json"]) == 2
    assert run(["--baseline", "no/such/folder.json", "--update-baseline"]) == 2


@pytest.mark.usefixtures("project")
def test_owners_has_no_gate_but_may_fail(workflows: FakeWorkflows, capsys: Captured) -> None:
    workflows.result = BLOCKED
    assert run(["owners"]) == 0
    assert capsys.readouterr().out == (HERE / "golden" / "poser.owners.txt").read_text()
    workflows.result = EMPTY
    assert run(["owners"]) == 3
    workflows.result = ObservationError("x")
    assert run(["owners"]) == 3


@pytest.mark.usefixtures("project")
def test_json_to_stdout_is_nothing_but_json(
    workflows: FakeWorkflows, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    workflows.result = read(HOSTILE.read_bytes())
    workflows.told = ("loading",)
    assert run(["-o", "json=-"]) == 1
    out, err = capfdbinary.readouterr()
    assert out == HOSTILE.read_bytes()
    assert err.startswith(b"Check failed: ")
    assert b"loading" not in err
    assert run(["-o", "json"]) == 1
    assert capfdbinary.readouterr().out == out


def test_several_reports_each_in_its_file(workflows: FakeWorkflows, project: Path, capsys: Captured) -> None:
    workflows.result = BLOCKED
    assert run(["-o", "json=a.json", "-o", "terminal", "-o", "owners=b.txt", "-o", "json=a.json"]) == 1
    out, err = capsys.readouterr()
    assert out == (HERE / "golden" / "poser.terminal.txt").read_text()
    assert err == ""
    assert (project / "a.json").read_bytes() == SAMPLE.read_bytes()
    assert (project / "b.txt").read_text() == (HERE / "golden" / "poser.owners.txt").read_text()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (ObservationError("No PostgreSQL.", hint="Install one."), "No PostgreSQL."),
        (RuntimeError("boom"), "RuntimeError"),
    ],
)
def test_a_failed_run_still_writes_every_file(
    workflows: FakeWorkflows, project: Path, capsys: Captured, result: BaseException, message: str
) -> None:
    workflows.result = result
    (project / "a.json").write_text("of an earlier run")
    assert run(["-o", "json=a.json", "-o", "terminal=a.txt", "-o", "json=-"]) == 3
    out, err = capsys.readouterr()
    for text in (out, (project / "a.json").read_text()):
        written = json.loads(text)
        assert written["outcome"] == "failed"
        assert message in written["failure"]["message"]
    assert message in (project / "a.txt").read_text()
    assert err.count(message) == 1
    assert "Traceback" not in err


def test_wrong_usage_found_by_the_run_writes_no_file(workflows: FakeWorkflows, project: Path) -> None:
    workflows.result = UsageError("No custom package was found.")
    assert run(["-o", "json=a.json"]) == 2
    assert not (project / "a.json").exists()


@pytest.mark.usefixtures("project")
def test_an_error_is_what_happened_and_a_hint(workflows: FakeWorkflows, capsys: Captured) -> None:
    workflows.result = ObservationError("env.py failed\n  at line 3 \x1b[31m", hint="Look there.")
    assert run([]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: env.py failed\n  at line 3 \\x1b[31m\nHint: Look there.\n"


@pytest.mark.usefixtures("project")
def test_nothing_in_the_log_of_a_job_is_a_command(
    workflows: FakeWorkflows, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = dataclasses.replace(BLOCKED.changes[0], reason=f"{'x' * 20} ::stop-commands::now ##[add-mask]x")
    workflows.result = dataclasses.replace(CLEAN, changes=(change,))
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["--verbose"]) == 0
    assert re.search(r"(?m)^\s+::stop-commands::", capsys.readouterr().out)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["--verbose"]) == 0
    out = capsys.readouterr().out
    assert r"\x3a:stop-commands::" in out
    assert r"##\x5badd-mask]x" in out
    assert not re.search(r"(?m)^\s*::|##\[", out)
    workflows.result = ObservationError("env.py failed\n ::set-env name=x::1\n##[error]y")
    assert run([]) == 3
    assert capsys.readouterr().err == "Error: env.py failed\n \\x3a:set-env name=x::1\n##\\x5berror]y\n"


@pytest.mark.parametrize("name", ["markdown", "html", "json", "sarif", "gitlab"])
@pytest.mark.usefixtures("project")
def test_no_report_on_standard_output_gives_a_runner_commands(
    workflows: FakeWorkflows, capsys: Captured, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    evil = "x\n::stop-commands::y\n  ::error::z ##[add-mask]s"
    change = dataclasses.replace(BLOCKED.changes[0], sql=evil, python=evil, reason=evil)
    workflows.result = dataclasses.replace(BLOCKED, changes=(change,))
    run(["--sql", "-o", name])
    before = capsys.readouterr().out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run(["--sql", "-o", name])
    out = capsys.readouterr().out
    assert not re.search(r"(?m)^\s*::|##\[", out)
    if name in {"json", "sarif", "gitlab"}:
        assert json.loads(out) == json.loads(before)


@pytest.mark.usefixtures("project")
def test_debug_shows_the_traceback_without_passwords(workflows: FakeWorkflows, capsys: Captured) -> None:
    workflows.result = RuntimeError("postgresql://me:s3cret@host/db refused; connect(password='s3cret', pwd=s3cret)")
    assert run([]) == 3
    assert "s3cret" not in (plain := capsys.readouterr().err)
    assert "RuntimeError at test_commands.py:" in plain
    assert "refused" not in plain
    assert run(["--debug"]) == 3
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "postgresql://me:***@host/db refused" in err
    assert "s3cret" not in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-o", "jsn"], "Did you mean json?"),
        (["-o", "app/rattail.conf"], f"The formats are {', '.join(report.name for report in REPORTS)}."),
        (["-o", "json="], "the name of the file is missing"),
        (["-o", "json=a", "-o", "terminal=./a"], "two reports can't both go to"),
        (["-o", "json", "-o", "terminal=-"], "two reports can't both go to standard output"),
        (["-o", "json=no/such/folder/a.json"], "there is no folder no/such/folder"),
        (["-o", "json=."], "is a folder"),
        (["-c", "none.ini"], "does not exist"),
        (["--fail-on", "everything"], "'everything' is not one of"),
        (["--timeout", "soon"], "'soon' is not a valid float"),
        (["--timeout", "-1"], "must be a number of seconds greater than 0"),
        (["-c", "rattail.conf", "owners"], "alembic-review owners [OPTIONS]"),
        (["-c", "rattail.conf", "twice"], "unexpected argument: twice"),
        (["reviwe"], "No such command 'reviwe'"),
        (["--no-such-option"], "No such option"),
        (["owners", "--fail-on", "never"], "No such option"),
        (["explain", "AR999"], "The codes are: AR101."),
        (["render", "none.json"], "none.json can't be read: No such file or directory."),
        (["render", "."], "can't be read: Is a directory."),
        (["render", "alembic.ini"], "alembic.ini is not a JSON report"),
        (["render", "pyproject.toml", "-o", "pdf"], "there is no format 'pdf'"),
    ],
)
@pytest.mark.usefixtures("project")
def test_wrong_usage(workflows: FakeWorkflows, capsys: Captured, argv: list[str], said: str) -> None:
    assert run(argv) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""
    assert "Traceback" not in err
    assert workflows.seen == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written(workflows: FakeWorkflows, project: Path, capsys: Captured) -> None:
    (project / "a.json").touch(mode=0o400)
    assert run(["-o", "json=a.json"]) == 2
    assert "permission denied" in capsys.readouterr().err
    assert workflows.seen == []


def test_permissions_are_looked_at_before_the_run(
    workflows: FakeWorkflows, project: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def refuse(path: Path, mode: int) -> bool:
        assert mode == os.W_OK
        asked.append(path)
        return False

    monkeypatch.setattr(os, "access", refuse)
    assert run(["-o", "json=a.json"]) == 2
    assert asked == [Path()]
    assert "a.json can't be written: permission denied." in capsys.readouterr().err
    assert workflows.seen == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_report_that_gets_lost_is_no_green_and_the_others_are_written(
    workflows: FakeWorkflows, project: Path, capsys: Captured
) -> None:
    assert workflows.result is CLEAN
    assert run(["-o", "json=/dev/full", "-o", "owners=b.txt"]) == 3
    assert "The json report could not be written to /dev/full: No space left on device." in capsys.readouterr().err
    assert (project / "b.txt").exists()


def test_render_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["render", str(SAMPLE)]) == 0
    assert capsys.readouterr().out == (HERE / "golden" / "poser.terminal.txt").read_text()
    assert run(["render", str(SAMPLE), "--sql", "-o", "terminal=a.txt"]) == 0
    assert (tmp_path / "a.txt").read_text() == (HERE / "golden" / "poser.terminal-sql.txt").read_text()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SAMPLE.read_bytes())))
    assert run(["render", "-", "--verbose"]) == 0
    assert capsys.readouterr().out == (HERE / "golden" / "poser.terminal-verbose.txt").read_text()


def test_a_report_that_can_not_be_made_is_no_green_and_the_others_are_written(
    workflows: FakeWorkflows, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def broken(review: Review, options: Options) -> str:
        raise ZeroDivisionError("secret")

    reports = tuple(
        dataclasses.replace(report, render=broken) if report.name == "markdown" else report for report in REPORTS
    )
    monkeypatch.setattr(outputs, "REPORTS", reports)
    assert workflows.result is CLEAN
    assert run(["-o", "markdown=a.md", "-o", "json=a.json"]) == 3
    err = capsys.readouterr().err
    assert (
        "The markdown report could not be made: alembic-review itself failed: ZeroDivisionError at test_commands.py:"
        in err
    )
    assert "secret" not in err
    assert read((project / "a.json").read_bytes()) == CLEAN


def test_reports_get_ready_once_while_the_run_is_busy() -> None:
    done = threading.Event()
    called: list[str] = []

    def broken() -> None:
        raise OSError("no templates")

    def ready() -> None:
        called.append("ready")
        done.set()

    reports = [dataclasses.replace(REPORTS[0], prepare=prepare) for prepare in (broken, None, ready)]
    told: list[str] = []
    tell = outputs.preparing([outputs.Output(report, None) for report in reports], told.append)
    assert not called
    tell("loading")
    tell("comparing")
    assert done.wait(20)
    assert (called, told) == (["ready"], ["loading", "comparing"])


@pytest.mark.parametrize("options", [[], ["--sql"], ["--verbose"]], ids=str)
@pytest.mark.parametrize("name", ["poser", "clean", "hostile", "failed"])
def test_render_gives_the_bytes_that_the_run_gave(
    workflows: FakeWorkflows, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: list[str]
) -> None:
    workflows.result = read((HERE / "golden" / f"{name}.json").read_bytes())
    formats = [report.name for report in REPORTS]

    def files(folder: str) -> list[str]:
        (project / folder).mkdir()
        return [word for report in formats for word in ("-o", f"{report}={folder}/{report}")]

    monkeypatch.setenv("COLUMNS", "93")
    assert run([*files("run"), *options]) in {0, 1, 3}
    assert run(["render", "run/json", *files("later"), *options]) == 0
    for report in formats:
        ours = (project / "run" / report).read_bytes()
        assert ours
        assert (project / "later" / report).read_bytes() == ours, report


@pytest.mark.parametrize("command", ["render", "publish"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is not a JSON report"),
        (b'{"format": "alembic-review/1"}', "is a damaged report: Object missing required field"),
        (b"[" * 200_000, "is not a JSON report"),
        (b'{"format": "\\u001b]0;title\\u0007::error::x"}', "is not a report of the format alembic-review/1"),
        (SAMPLE.read_bytes().replace(b'"refused": true', b'"refused": true, "\\u202e::error::": 1', 1), "unknown key"),
        (SAMPLE.read_bytes().replace(b'"line": 14', b'"line": ' + b"9" * 5000, 1), "Integer value out of range"),
        (SAMPLE.read_bytes().replace(b'"AR101"', b'{"a": "x"}', 1), "is a damaged report"),
        (SAMPLE.read_bytes() + b" " * (32 << 20), "is larger than 32 MiB, which no report is"),
    ],
    ids=["empty", "bare", "deep", "other", "key", "number", "type", "large"],
)
def test_a_saved_report_is_a_strangers_file(
    project: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, *, command: str, text: bytes, said: str
) -> None:
    (project / "review.json").write_bytes(text)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run([command, "review.json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err) < 600
    assert not re.search("(?m)[\x00-\x09\x0b-\x1f\u202e]|^\\s*::", err)


@pytest.mark.usefixtures("workflows")
def test_explain_prints_the_page(capsys: Captured) -> None:
    assert run(["explain", "AR101"]) == 0
    assert capsys.readouterr().out == "# AR101\n\nA *blocked* change.\n"


@pytest.mark.usefixtures("workflows")
def test_explain_without_a_code_lists_all(capsys: Captured) -> None:
    assert run(["explain"]) == 0
    assert capsys.readouterr().out == "AR101  Blocked change\n"


@pytest.mark.usefixtures("project")
def test_progress_is_quiet_unless_asked_for(workflows: FakeWorkflows, capsys: Captured) -> None:
    workflows.told = ("loading \x1b]0;models", "comparing")
    assert run([]) == 0
    assert capsys.readouterr().err == ""
    assert run(["--verbose"]) == 0
    assert capsys.readouterr().err == "loading \\x1b]0;models\ncomparing\n"


def test_version_and_help_load_no_workflow(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alembic_review.workflows.review", None)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"alembic-review {alembic_review.__version__}\n"
    for argv in (["--help"], ["-h"], ["review", "-h"], ["-c", "x", "--help"]):
        assert run(argv) == 0
        assert capsys.readouterr().out.startswith("Usage: alembic-review")


# Things that only a process of its own shows

FAKE = """
import sys, types, time
from alembic_review.reports.formats.json import read
fake = types.ModuleType("alembic_review.workflows.review")
def review(settings, *, progress, debug):
    progress("working")
    try:
        {body}
    finally:
        print("cleaned up", file=sys.stderr, flush=True)
    return read(open({sample!r}, "rb").read())
fake.review = review
sys.modules["alembic_review.workflows.review"] = fake
from alembic_review.cli import main
main({argv!r})
"""


def _command(body: str, argv: list[str], sample: Path = SAMPLE) -> list[str]:
    return [sys.executable, "-c", FAKE.format(body=body, sample=str(sample), argv=argv)]


WAIT = "print('started', file=sys.stderr, flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=str
)
def test_a_signal_cleans_up_without_a_traceback(project: Path, number: signal.Signals, status: int) -> None:
    with subprocess.Popen(_command(WAIT, []), stderr=subprocess.PIPE, text=True, cwd=project) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "started\n"
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(20) == status
    assert "cleaned up" in rest
    assert "Traceback" not in rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=str)
@pytest.mark.parametrize(("first", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=str)
def test_a_second_signal_does_not_interrupt_the_cleaning_up(
    project: Path, first: signal.Signals, status: int, number: signal.Signals
) -> None:
    body = f"""
        try:
            {WAIT}
        finally:
            print("leaving", file=sys.stderr, flush=True)
            time.sleep(1)
    """.strip()
    with subprocess.Popen(_command(body, []), stderr=subprocess.PIPE, text=True, cwd=project) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "started\n"
        process.send_signal(first)
        assert process.stderr.readline() == "leaving\n"
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(20) == status
    assert "cleaned up" in rest
    assert "Traceback" not in rest


LOADING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["alembic-review", "owners", "--help"]
"""
ENTRIES = {
    "script": "from alembic_review.__main__ import main\nmain()\n",
    "module": "import runpy\nrunpy.run_module('alembic_review', run_name='__main__')\n",
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("module", ["alembic_review.cli", "click", "alembic_review.config", "msgspec"])
def test_an_interrupt_while_the_command_line_loads_shows_no_traceback(entry: str, module: str) -> None:
    command = [sys.executable, "-c", LOADING.format(module=module) + ENTRIES[entry]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_the_script_starts_where_interrupts_are_minded() -> None:
    (script,) = entry_points(group="console_scripts", name="alembic-review")
    assert script.value == "alembic_review.__main__:main"


def test_a_hangup_that_is_ignored_stays_ignored(project: Path) -> None:
    script = "import signal, os; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    command = _command("import os, signal; os.kill(os.getpid(), signal.SIGHUP)", [])
    command[-1] = script + command[-1]
    assert subprocess.run(command, cwd=project, capture_output=True, check=False, timeout=60).returncode == 1


@pytest.mark.parametrize("sample", [SAMPLE, HERE / "golden" / "clean.json"], ids=["blocked", "clean"])
def test_a_reader_who_leaves_changes_no_exit_status(project: Path, sample: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        _command("pass", ["--verbose"], sample),
        cwd=project,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(theirs)
    assert done.returncode == (1 if sample is SAMPLE else 0)
    assert done.stderr == "working\ncleaned up\n"


CLOSED = "import os\nfor number in {numbers}:\n    os.close(number)\nos.execv({python!r}, {command!r})"


@pytest.mark.parametrize("numbers", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)], ids=str)
def test_a_closed_stream_changes_no_exit_status(project: Path, numbers: tuple[int, ...]) -> None:
    command = _command("print('lost', file=sys.stderr)", ["--verbose"])
    code = CLOSED.format(numbers=numbers, python=sys.executable, command=command)
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert (b"check failed" in done.stdout) is (1 not in numbers)
    assert (b"lost" in done.stderr) is (2 not in numbers)
    assert b"Error" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [[], ["-o", "json=-"], ["--help"], ["explain"], ["explain", "AR101"]], ids=str)
def test_a_full_standard_output_is_an_error(project: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = _command("pass", arguments)
        if "explain" in arguments:
            command = [sys.executable, "-m", "alembic_review", *arguments]
        done = subprocess.run(command, cwd=project, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert done.stderr.endswith("Standard output could not be written to: No space left on device.\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_poor_encoding_breaks_nothing(encoding: str) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "alembic_review", "render", str(HOSTILE)]
    shown = subprocess.run(command, env=environ, capture_output=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert rb"\u8868" in shown.stdout
    written = subprocess.run([*command, "-o", "json"], env=environ, capture_output=True, check=False)
    assert written.stdout == HOSTILE.read_bytes()


def _on_a_terminal(command: list[str], **environ: str) -> str:
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env={**clean, "TERM": "xterm-256color", **environ}
    ) as process:
        os.close(theirs)
        chunks = []
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # how Linux says that the other side is gone
                break
            if not chunk:
                break
            chunks.append(chunk)
        process.wait(60)
    os.close(ours)
    return b"".join(chunks).decode()


def test_colours_only_on_a_terminal_and_never_under_no_color() -> None:
    command = [sys.executable, "-m", "alembic_review", "render", str(SAMPLE), "--sql"]
    coloured = _on_a_terminal(command, COLUMNS="80")
    assert "\x1b[1;31mBLOCKED" in coloured
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = _on_a_terminal(command, COLUMNS="80", **environ)
        assert plain.replace("\r\n", "\n") == (HERE / "golden" / "poser.terminal-sql.txt").read_text()
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()
    piped = subprocess.run(command, capture_output=True, check=True)
    assert b"\x1b" not in piped.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, alembic_review; print([m for m in ('msgspec', 'rich', 'click', 'alembic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"[]\n"


def test_public_names() -> None:
    assert alembic_review.Review is Review
    assert alembic_review.ReviewError is ReviewError
    assert alembic_review.Verdict.SAFE.value == "safe"
    assert {"review", "Change", "Finding", "__version__"} <= set(dir(alembic_review))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        alembic_review.nothing  # noqa: B018


def test_the_list_of_commands_is_whole_in_a_narrow_terminal(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert len(commands) == len(cli.commands)
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []


def test_a_terminal_is_never_narrower_than_it_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "3")
    assert screen.width() == 20
    assert outputs.parse(["terminal"])[0].file is None
