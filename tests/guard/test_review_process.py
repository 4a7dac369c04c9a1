"""The review as a process of its own: its options, and what becomes of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
from alembic.config import CommandLine, Config
from alembic.util import CommandError

from alembic_review.guard.review_process import review_of
from tests.reports.samples import GOLDEN, sample

PYTHON = sys.executable


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the interpreter: it notes its arguments, and then does what the file ``then`` says."""
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\n. {tmp_path}/then\n')
    path.chmod(0o755)
    (tmp_path / "then").write_text(f"cat {GOLDEN}/poser.json; exit 1\n")
    monkeypatch.setattr(sys, "executable", str(path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(python: Path) -> list[str]:
    every = (python / "arguments").read_text().splitlines()
    start = ["-P", "-m", "alembic_review", "review", "-o", "json=-", "--no-prove", "--python", str(python / "python")]
    assert every[: len(start)] == start
    return every[len(start) :]


def of_command_line(*arguments: str) -> Config:
    """The ``Config`` that ``alembic`` makes of its command line."""
    made: list[Config] = []

    class Line(CommandLine):
        def run_cmd(self, config: Config, options: Namespace) -> None:  # noqa: ARG002 - Alembic's signature
            made.append(config)

    Line(prog="alembic").main([*arguments, "revision"])
    return made[0]


def ini(folder: Path, name: str = "alembic.ini") -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("[alembic]\nscript_location = migrations\n")


def test_the_review_is_that_of_the_process_whether_its_check_failed_or_not(python: Path) -> None:
    assert review_of(None) == sample("poser")
    assert options(python) == []
    (python / "then").write_text(f"cat {GOLDEN}/clean.json\n")
    assert review_of(None) == sample("clean")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["-c", "alembic.ini", "-n", "alembic"]),
        (("-c", "conf/shop.ini", "-n", "library"), ["-c", "conf/shop.ini", "-n", "library"]),
        (("-x", "a=1", "-x", "b=-2"), ["-c", "alembic.ini", "-n", "alembic", "-x", "a=1", "-x", "b=-2"]),
    ],
)
def test_the_options_are_those_of_alembic(python: Path, arguments: tuple[str, ...], expected: list[str]) -> None:
    ini(python)
    ini(python, "conf/shop.ini")

    review_of(of_command_line(*arguments))

    assert options(python) == expected


def test_pyproject_is_named_where_there_is_no_ini(python: Path) -> None:
    (python / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "migrations"\n')

    review_of(of_command_line("-c", "pyproject.toml"))

    assert options(python) == ["-c", "pyproject.toml", "-n", "alembic"]


def test_a_config_without_a_file_is_left_to_the_settings(python: Path) -> None:
    config = Config(cmd_opts=Namespace(x=None))

    review_of(config)

    assert options(python) == ["-n", "alembic"]


@pytest.mark.parametrize(("arguments", "named"), [((), False), (("-c", "alembic.ini"), True)])
def test_the_callable_of_the_settings_comes_before_a_file_that_nobody_named(
    python: Path, arguments: tuple[str, ...], named: bool
) -> None:
    ini(python)
    (python / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\n[tool.alembic-review]\nconfig-from = "shop.db:config"\n'
    )

    review_of(of_command_line(*arguments))

    assert ("-c" in options(python)) is named


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("echo 'Error: no such option.\nHint: leave it out.' >&2; exit 2", "no such option.\nHint: leave it out."),
        ("exit 3", "The review ended with exit status 3."),
        ("kill -9 $$", "The review ended with exit status -9."),
        ("echo '[]'; exit 0", "The review ended with exit status 0."),
        (f"cat {GOLDEN}/clean.json; echo 'Interrupted.' >&2; exit 130", "Interrupted."),
    ],
)
def test_without_a_review_alembic_shows_the_message(python: Path, then: str, said: str) -> None:
    (python / "then").write_text(then)

    with pytest.raises(CommandError) as error:
        review_of(None)

    assert str(error.value) == f"alembic-review: no revision was written. {said}"


def test_the_reason_of_a_failed_review_is_in_its_report(python: Path) -> None:
    (python / "then").write_text(f"cat {GOLDEN}/failed.json; exit 3")
    failure = sample("failed").failure
    assert failure is not None

    with pytest.raises(CommandError) as error:
        review_of(None)

    assert failure.message in str(error.value)
    assert f"\nHint: {failure.hint}" in str(error.value)


def test_an_interrupt_ends_the_review_before_the_command(python: Path) -> None:
    (python / "then").write_text("trap 'echo cleaned > ended; exit 143' TERM\necho > started\nsleep 30 & wait $!\n")
    script = (
        "import pathlib, subprocess, sys\nfrom alembic_review.guard.review_process import review_of\n"
        "communicate = subprocess.Popen.communicate\n"
        "def noted(process):\n    pathlib.Path('waiting').touch()\n    return communicate(process)\n"
        "subprocess.Popen.communicate = noted\n"
        f"sys.executable = {sys.executable!r}\nreview_of(None)\n"
    )
    command = subprocess.Popen([PYTHON, "-c", script], stderr=subprocess.PIPE, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        noted = (python / "started", python / "waiting")
        while not all(path.exists() for path in noted) and time.monotonic() < deadline:
            time.sleep(0.05)
        command.send_signal(signal.SIGINT)
        command.communicate(timeout=30)
    finally:
        command.kill()

    assert (python / "ended").read_text() == "cleaned\n"
