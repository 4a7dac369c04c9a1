"""The application's output is shown once, although env.py runs several times."""

from __future__ import annotations

import io
import sys

import pytest

from alembic_review.model.worker_request import NEXT_RUN
from alembic_review.observe.worker_output import Output, Shown

PING = "Traceback (most recent call last):\n  File 'a.py', line 1, in ping\nConnectionError: redis\n"
OTHER = "Traceback (most recent call last):\n  File 'a.py', line 1, in ping\nTimeoutError: redis\n"
WARNING = "/app/models.py:3: DeprecationWarning: old\n  Base = declarative_base()\n"


def shown(capsys: pytest.CaptureFixture[str], *runs: str, before: Shown | None = None) -> str:
    """What reaches stderr of a process that prints this in its runs."""
    printed = NEXT_RUN + NEXT_RUN.join(run.encode() for run in runs)
    Output(io.BytesIO(printed), before if before is not None else Shown()).pump()
    return capsys.readouterr().err


CASES = {
    "the same": (["a\nb\n", "a\nb\n", "b\na\n"], "a\nb\n"),
    "nothing at first": (["", "a\n", "a\n"], "a\n"),
    "more": (["a\n", "a\nb\n", "b\nc\n"], "a\nb\nc\n"),
    "as often as before": (["a\na\n", "a\na\na\n"], "a\na\na\n"),
    "blank lines": (["a\n\nb\n", "\na\n\nb\n\n"], "a\n\nb\n"),
    "a warning": ([WARNING, WARNING], WARNING),
    "a warning of another line": ([WARNING, WARNING.replace(":3:", ":4:")], WARNING + WARNING.replace(":3:", ":4:")),
    "a traceback": ([PING, PING], PING),
    "another traceback": ([PING, OTHER], PING + OTHER),
    "the same and another": ([PING, PING + OTHER + "a\n"], PING + OTHER + "a\n"),
    "times": (
        ["2026-11-27 10:00:01,123 INFO a\n", "2026-11-27 10:00:02,456 INFO a\n"],
        "2026-11-27 10:00:01,123 INFO a\n",
    ),
    "clocks": (["[10:00:01] a\n", "[10:00:02] a\n"], "[10:00:01] a\n"),
    "durations": (["ready in 0.12s\n", "ready in 0.08s\n"], "ready in 0.12s\n"),
    "addresses": (["<Engine at 0x7f01>\n", "<Engine at 0x7f0a>\n"], "<Engine at 0x7f01>\n"),
    "numbers": (["tenant 1\n", "tenant 2\n"], "tenant 1\ntenant 2\n"),
    "no end of a line": (["a", "a", "b"], "a\nb\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_line_is_shown_once(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs, expected = CASES[case]
    assert shown(capsys, *runs) == expected


def test_a_second_process_of_the_same_command_does_not_repeat_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    before = Shown()
    assert shown(capsys, f"a\n{PING}", before=before) == f"a\n{PING}"
    assert shown(capsys, f"b\na\n{OTHER}", f"{PING}b\nc\n", before=before) == f"b\n{OTHER}c\n"


def test_the_first_run_is_shown_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    class Slow(io.BytesIO):
        seen: list[str]

        def __next__(self) -> bytes:
            self.seen.append(capsys.readouterr().err)
            return super().__next__()

    stream = Slow(NEXT_RUN + b"a\n  b\nc\n")
    stream.seen = []
    Output(stream, Shown()).pump()
    assert stream.seen == ["", "", "a\n", "  b\n", "c\n"]


class Broken(io.StringIO):
    """A stderr that is full, or whose reader is gone."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, _text: str) -> int:
        raise self._error


@pytest.mark.parametrize(
    "stderr",
    [None, Broken(OSError(28, "full")), Broken(BrokenPipeError(32, "gone")), Broken(ValueError("closed"))],
    ids=["closed", "full", "gone", "closed file"],
)
def test_a_stderr_that_takes_nothing_does_not_stop_the_process(
    stderr: Broken | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    stream = io.BytesIO(NEXT_RUN + b"a\nb\n" + NEXT_RUN + b"c\n")
    output = Output(stream, Shown())
    output.pump()
    assert stream.read() == b""
    assert output.lines == 3


def test_passwords_are_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "postgresql://me:s3cr3t@db/x\n") == "postgresql://me:***@db/x\n"


@pytest.mark.parametrize("begun", ["ALTER ROLE x PASSWORD\n", "password =\n", "{'password':\n", "IDENTIFIED BY\n"])
def test_a_password_on_the_line_after_its_name_is_masked(begun: str, capsys: pytest.CaptureFixture[str]) -> None:
    Output(io.BytesIO(f"{begun}  'hush hush'\nnext\n".encode()), Shown()).pump()
    assert capsys.readouterr().err == f"{begun}  ***\nnext\n"
