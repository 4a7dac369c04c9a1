"""``publish --label``: one label for the result, on each kind of Git host."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.cli import run
from alembic_review.forge import State
from tests.forge.conftest import Publish
from tests.forge.fakes import Asked, Fake, Fault

GOLDEN = Path(__file__).parent.parent / "golden"
PASSED, FAILED, NOT_REVIEWED = (f"alembic-review: {state}" for state in ("passed", "failed", "not reviewed"))


def is_about_labels(asked: Asked) -> bool:
    return asked.method != "GET" and ("labels" in asked.path or "add_labels" in (asked.body or {}))


def test_the_label_is_created_once_and_replaces_the_others(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.known, forge.labels = ["bug"], ["bug"]

    assert say(environ, state=State.FAILED).label == FAILED
    assert forge.labels == ["bug", FAILED]
    assert say(environ, state=State.PASSED).label == PASSED
    assert forge.labels == ["bug", PASSED]
    assert say(environ, state=State.FAILED).label == FAILED
    assert forge.labels == ["bug", FAILED]
    assert sorted(forge.known) == [FAILED, PASSED, "bug"]


def test_a_label_that_is_set_already_is_left_as_it_is(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.known, forge.labels = [FAILED], [FAILED]
    say(environ, state=State.FAILED)

    assert not [asked for asked in forge.asked if is_about_labels(asked)]


def test_each_key_has_labels_of_its_own(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.known, forge.labels = [FAILED], [FAILED]
    say(environ, state=State.PASSED, key="warehouse")

    assert forge.labels == [FAILED, "alembic-review warehouse: passed"]


def test_without_a_state_no_label_is_touched(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    assert say(environ).label == ""
    assert not [asked for asked in forge.asked if is_about_labels(asked)]


def test_without_the_right_to_label_the_comment_is_posted(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.faults.append(Fault((403, {}, {"message": "Forbidden"}), is_about_labels))

    posted = say(environ, "text", state=State.PASSED)

    assert posted.action == "created"
    assert posted.label == ""
    assert posted.label_error is not None
    assert "Forbidden" in posted.label_error.message
    assert forge.labels == []


def test_a_short_outage_is_waited_for(forge: Fake, environ: dict[str, str], say: Publish, naps: list[float]) -> None:
    forge.faults.append(Fault((503, {}, None), lambda asked: bool(forge.comments) and asked.method == "GET", times=1))

    assert say(environ, state=State.PASSED).label == PASSED
    assert len(naps) == 1
    assert len(forge.comments) == 1


@pytest.fixture
def job(forge: Fake, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Fake:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return forge


@pytest.mark.parametrize(
    ("name", "label"), [("clean", PASSED), ("poser", FAILED), ("failed", NOT_REVIEWED), ("hostile", FAILED)]
)
def test_the_command_sets_the_label_of_the_result(
    job: Fake, capsys: pytest.CaptureFixture[str], name: str, label: str
) -> None:
    assert run(["publish", str(GOLDEN / f"{name}.json"), "--label"]) == 0
    assert job.labels == [label]
    assert f"Label set: {label}\n" in capsys.readouterr().err


@pytest.mark.parametrize(("strict", "status"), [([], 0), (["--strict"], 3)])
def test_a_label_that_cannot_be_set_fails_only_with_strict(
    job: Fake, capsys: pytest.CaptureFixture[str], strict: list[str], status: int
) -> None:
    job.faults.append(Fault((403, {}, {"message": "Forbidden"}), is_about_labels))

    assert run(["publish", str(GOLDEN / "clean.json"), "--label", *strict]) == status
    assert "answered 403: Forbidden" in capsys.readouterr().err
    assert len(job.comments) == 1
