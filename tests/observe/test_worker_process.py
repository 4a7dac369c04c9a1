"""The parent's side against workers that misbehave in every way a process can."""

from __future__ import annotations

import json
import os
import sys
import textwrap
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import DatabaseFacts, Facts
from alembic_review.model.secrets.withheld_variables import FORGE_TOKENS, STEERING_FILES
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.scratch.base import ScratchDatabase
from alembic_review.observe.worker_process import RunContext, observe

PREAMBLE = """\
#!{python}
import json, os, socket, struct, sys, time
channel = socket.socket(fileno=int(sys.argv[2]))
def send(**message):
    body = json.dumps(message).encode()
    channel.sendall(struct.pack(">I", len(body)) + body)
def receive():
    size = struct.unpack(">I", channel.recv(4, socket.MSG_WAITALL))[0]
    return json.loads(channel.recv(size, socket.MSG_WAITALL))
"""
HELLO = "send(type='hello', protocol=1, alembic='1.0')\nrequest = receive()\n"


class NoDatabases:
    """Refuses politely."""

    def create(self, dialect: str, target: str = "", state: str = "") -> ScratchDatabase:  # noqa: ARG002 - as the protocol has it
        raise ObservationError(f"no {dialect} to be had", hint="get one")

    def copy_of(self, name: str) -> ScratchDatabase:
        raise ObservationError(f"no copy of {name} to be had")


def request(tmp_path: Path) -> WorkerRequest:
    return WorkerRequest(config=str(tmp_path / "alembic.ini"))


def context(python: Path, timeout: float = 20.0, env: Mapping[str, str] | None = None) -> RunContext:
    return RunContext(str(python), env or {}, timeout, NoDatabases(), lambda _text: None)


def run(tmp_path: Path, body: str, timeout: float = 20.0) -> str:
    """Run a worker made of ``body`` and return how the parent complains."""
    script = tmp_path / "python"
    script.write_text(PREAMBLE.format(python=sys.executable) + textwrap.dedent(body))
    script.chmod(0o755)
    with pytest.raises(ObservationError) as caught:
        observe(request(tmp_path), context(script, timeout))
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("sys.exit(7)", "ended with exit status 7"),
        (HELLO + "os._exit(3)", "ended with exit status 3"),
        (HELLO + "os.kill(os.getpid(), 9)", "killed by signal SIGKILL"),
        ("send(type='hello', protocol=99, alembic='1')", "another version of the protocol"),
        (HELLO + "channel.sendall(struct.pack('>I', 4) + b'nope')\ntime.sleep(9)", "a malformed message"),
        (HELLO + "channel.sendall(struct.pack('>I', 2) + b'[]')\ntime.sleep(9)", "a malformed message"),
        (HELLO + "channel.sendall(b'\\xff\\xff\\xff\\xff')\ntime.sleep(9)", "a message of 4294967295 bytes"),
        (HELLO + "send(type='surprise')\ntime.sleep(9)", "a message of type 'surprise'"),
        (HELLO + "send(type='facts', facts={})\ntime.sleep(9)", "malformed facts"),
        (HELLO + "send(type='error', message='revision x failed', hint='')", "revision x failed"),
        (
            HELLO + "send(type='need_database', dialect='mysql')\nsend(type='error', message=str(receive()))",
            "no mysql to be had",
        ),
    ],
)
def test_a_worker_that_misbehaves_ends_the_run_with_a_message(tmp_path: Path, body: str, complaint: str) -> None:
    assert complaint in run(tmp_path, body)


def observed(tmp_path: Path, body: str, *, debug: bool = False) -> Facts:
    """What the parent makes of a worker that answers ``review`` and then runs ``body``."""
    facts = Facts(*("3", "1", "2", None, "", ""), (), (), (), (DatabaseFacts(*("", None, "", "", "")),))
    script = tmp_path / "python"
    answer = f"send(type='facts', facts=json.loads({msgspec.json.encode(facts).decode()!r}))\nreceive()\n"
    script.write_text(PREAMBLE.format(python=sys.executable) + HELLO + answer + body)
    script.chmod(0o755)
    return observe(replace(request(tmp_path), debug=debug, trials=True), context(script))


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("send(type='error', message='no way', hint='')", "no way"),
        ("send(type='history', history=7)\ntime.sleep(9)", "The worker sent malformed facts (Expected `object`"),
        ("sys.exit(7)", "The application's process ended with exit status 7 before the review was complete"),
        (
            "channel.sendall(struct.pack('>I', 200000) + b'[' * 200000)\ntime.sleep(9)",
            "RecursionError: maximum recursion depth exceeded while decoding a JSON array",
        ),
    ],
)
def test_the_history_never_costs_the_review(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, reason: str, debug: bool
) -> None:
    (line,) = observed(tmp_path, body, debug=debug).not_checked
    assert line.startswith(f"downgrades, and revisions in another order ({reason}")
    assert ("Traceback" in capsys.readouterr().err) is debug


def test_a_worker_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    body = HELLO + "child = os.fork()\nopen('pids', 'a').write(f'{os.getpid()} ')\ntime.sleep(600)"
    body = f"os.chdir({str(tmp_path)!r})\n" + body
    start = time.monotonic()
    assert "did not finish within 1 seconds" in run(tmp_path, body, timeout=1.0)
    assert time.monotonic() - start < 15
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    for pid in pids:
        assert not _alive(pid)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells who started a process")
@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 9)", "time.sleep(600)"])
def test_what_a_worker_left_in_another_session_is_ended(tmp_path: Path, end: str) -> None:
    body = HELLO + (
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        open('pid', 'w').write(str(os.getpid()))\n        time.sleep(600)\n    os._exit(0)\n"
        f"os.wait()\nwhile not os.path.exists('pid'):\n    time.sleep(0.01)\n{end}"
    )
    run(tmp_path, f"os.chdir({str(tmp_path)!r})\n{body}", timeout=2.0)
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ObservationError, match="can't be started") as caught:
        observe(request(tmp_path), context(tmp_path / "nothing"))
    assert "--python" in caught.value.hint


def test_what_the_application_prints_goes_to_stderr_without_passwords(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, "print('hello from postgresql://me:s3cr3t@db/x')\n" + "sys.stdout.flush()\nsys.exit(1)")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello from postgresql://me:***@db/x" in captured.err


def test_the_worker_sees_no_token_of_a_forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate((*FORGE_TOKENS, *STEERING_FILES)):
        monkeypatch.setenv(name, f"glpat-{number}")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")
    file = tmp_path / "environ.json"
    body = f"open({str(file)!r}, 'w').write(json.dumps(dict(os.environ)))\nsend(type='error', message='', hint='')"

    run(tmp_path, HELLO + body)
    seen = json.loads(file.read_text())

    assert "glpat-" not in json.dumps(seen)
    assert {"GITHUB_TOKEN", "CI_JOB_TOKEN", "FORGEJO_TOKEN", "ACTIONS_RUNTIME_TOKEN"} <= set(FORGE_TOKENS) - set(seen)
    assert seen["DATABASE_URL"] == "postgresql://db/x"


def _alive(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return False
        time.sleep(0.05)
    return True


def test_no_child_process_writes_bytecode(tmp_path: Path) -> None:
    script = tmp_path / "worker"
    script.write_text('#!/bin/sh\necho "$PYTHONDONTWRITEBYTECODE" >"$SEEN"\n')
    script.chmod(0o755)
    env = {"PYTHONDONTWRITEBYTECODE": "", "SEEN": str(tmp_path / "seen")}
    with pytest.raises(ObservationError):
        observe(request(tmp_path), context(script, 5.0, env))
    assert (tmp_path / "seen").read_text() == "1\n"
