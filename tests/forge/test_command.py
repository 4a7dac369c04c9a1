"""``alembic-review publish``: options in, one comment, and an exit status that a forge can't change."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alembic_review.cli import run
from alembic_review.model.review import Review
from alembic_review.reports import Options
from alembic_review.reports.base import Links
from alembic_review.reports.formats import markdown
from alembic_review.reports.formats.json import read
from tests.forge.fakes import COMMIT, TOKEN, Fake, FakeGitHub, Fault

GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLE = GOLDEN / "poser.json"
RENDER = markdown.render
SOURCE = f"https://github.com/acme/poser/blob/{COMMIT}/{{path}}#L{{line}}"


Captured = pytest.CaptureFixture[str]


def simple(review: Review, _options: Options) -> str:
    return f"# {review.outcome.value}\n"


@pytest.fixture(autouse=True)
def _markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "render", simple)
    monkeypatch.setattr("alembic_review.forge.ci_job.LONGEST_WAIT", 0.0)  # no pauses here
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "GITLAB_", "CI_", "FORGEJO_", "GITEA_")):
            monkeypatch.delenv(name)


@pytest.fixture
def job(forge: Fake, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A job for pull request 7 of a forge of each kind."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return forge


def test_the_report_becomes_the_comment(job: Fake, capsys: Captured) -> None:
    assert run(["publish", str(SAMPLE)]) == 0

    assert job.bodies()[0].startswith("<!-- alembic-review -->\n\n# blocked\n")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Comment created on pull request 7.")
    assert ("#issuecomment-1" in err) == (job.name != "gitlab")
    assert run(["publish", str(GOLDEN / "clean.json")]) == 0
    assert len(job.comments) == 1
    assert "# clean" in job.bodies()[0]
    assert "Comment updated on pull request 7." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["poser", "clean", "failed", "hostile"])
def test_the_markdown_report_arrives_whole(job: Fake, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(markdown, "render", RENDER)

    assert run(["publish", str(GOLDEN / f"{name}.json"), "--strict"]) == 0

    (body,) = job.bodies()
    links = Links(COMMIT) if job.name != "github" else Links(COMMIT, SOURCE)
    report = markdown.render(read((GOLDEN / f"{name}.json").read_bytes()), Options(links=links))
    assert body.replace("/\u200b", "/").startswith(f"<!-- alembic-review -->\n\n{report}")
    assert not [line for line in body.splitlines() if re.match(r"\s*/[A-Za-z]", line)]


def test_every_option_is_heard(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", TOKEN)
    named = ["--forge", "github", "--api-url", github.url, "--repository", "acme/poser", "--pull-request", "7"]
    more = ["--token-env", "MINE", "--author", "review-bot", "--key", "shop", "--strict"]

    assert run(["publish", str(SAMPLE), *named, *more]) == 0

    assert github.bodies()[0].startswith("<!-- alembic-review: shop -->\n")
    assert [asked.path for asked in github.asked if "graphql" in asked.path] == []


def test_numbers_stand_in_for_a_report_that_is_too_long(job: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "render", lambda *_: "x" * 2000)
    job.longest = 1000

    assert run(["publish", str(SAMPLE), "--strict"]) == 0

    (body,) = job.bodies()
    assert "## alembic-review: check failed" in body
    assert "95 schema changes: 1 blocked, 4 safe, 90 upstream; 1 column loses data." in body


@pytest.mark.parametrize("reply", [(401, {}, {"message": "no"}), (404, {}, None), (503, {}, None), None])
def test_a_comment_that_fails_fails_nothing_unless_asked(job: Fake, capsys: Captured, reply: Any) -> None:
    job.faults.append(Fault(reply))

    assert run(["publish", str(SAMPLE)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: 127.0.0.1 ")
    assert run(["publish", str(SAMPLE), "--strict"]) == 3
    assert run(["publish", str(SAMPLE), "--strict", "--debug"]) == 3
    assert TOKEN not in err + "".join(capsys.readouterr())


def test_an_error_of_the_tool_itself_fails_nothing_either(
    job: Fake, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_review: Review, _options: Options) -> str:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(markdown, "render", broken)

    assert run(["publish", str(SAMPLE)]) == 0
    err = capsys.readouterr().err
    assert "alembic-review itself failed: RuntimeError" in err
    assert TOKEN not in err
    assert run(["publish", str(SAMPLE), "--strict"]) == 3


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "not a report of the format alembic-review/1"),
        ("[", "not a JSON report"),
        ("[" * 200_000, "not a JSON report"),
        ('{"format": "x\\n::stop-commands::y\\n::error::z\\u202e\\u001b[31m"}', r"but of x\n::stop-commands::y"),
        (json.dumps({"format": "y" * 10_000}), "but of yyy"),
        (json.dumps(json.loads(SAMPLE.read_text()) | {"pull_request_number": 1}), "unknown key $.pull_request_number"),
        (SAMPLE.read_text().replace('"blocked"', '"fine"'), "a damaged report"),
        (b"\xff\xfe{}", "not a JSON report"),
    ],
)
def test_a_file_that_is_no_report_is_refused(
    tmp_path: Path, capsys: Captured, forge: Fake, content: str | bytes, message: str
) -> None:
    file = tmp_path / "review.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)

    assert run(["publish", str(file)]) == 2

    err = capsys.readouterr().err
    assert message in err
    assert not any(line.startswith("::") for line in err.splitlines())
    assert len(err) < 1000
    assert forge.asked == []


def test_a_file_that_is_not_there_or_too_large(
    job: Fake, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["publish", str(tmp_path / "nothing.json")]) == 2
    assert "can't be read" in capsys.readouterr().err
    monkeypatch.setattr("alembic_review.workflows.render._LARGEST", 1 << 20)
    large = tmp_path / "large.json"
    large.write_bytes(SAMPLE.read_bytes() + b" " * (1 << 20))
    assert run(["publish", str(large)]) == 2
    assert "is larger than 1 MiB" in capsys.readouterr().err
    assert job.asked == []


@pytest.mark.parametrize("options", [["--pull-request", "0"], ["--key", "--"], ["--forge", "svn"], ["--nothing"]])
def test_wrong_usage_is_no_failure_of_the_forge(job: Fake, options: list[str]) -> None:
    assert run(["publish", str(SAMPLE), *options]) == 2
    assert job.asked == []


def test_a_number_inside_the_report_leads_nowhere(job: Fake, tmp_path: Path) -> None:
    """Whatever a report says of itself, it goes to the pull request that the event names."""
    text = SAMPLE.read_text().replace('"config": "', '"config": "pull request 8, acme/other#9 ')
    (tmp_path / "review.json").write_text(text)

    assert run(["publish", str(tmp_path / "review.json")]) == 0
    assert [comment["pull"] for comment in job.comments] == [7]


def test_as_a_process_with_the_report_on_standard_input(
    environ: dict[str, str], forge: Fake, event: Callable[[Any], dict[str, str]]
) -> None:
    forge.faults.append(Fault((401, {}, {"message": f"who is {TOKEN}?"})))
    command = [sys.executable, "-m", "alembic_review", "publish", "-"]
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "VIRTUAL_ENV")}

    done = subprocess.run(
        command, input=SAMPLE.read_bytes(), env=plain | environ, capture_output=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert b"Error: " in done.stderr
    assert TOKEN.encode() not in done.stdout + done.stderr


def test_without_publishing_no_http_is_loaded() -> None:
    script = (
        "import sys, alembic_review.workflows.review, alembic_review.workflows.publish; "
        "print('urllib.request' in sys.modules, 'ssl' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False False\n"
