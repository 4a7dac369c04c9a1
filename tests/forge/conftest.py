"""A forge of each kind for every test that asks for one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from alembic_review.forge import Posted, State, Where, publish
from tests.forge.fakes import COMMIT, FAKES, Fake, FakeGitHub, served

Publish = Callable[..., Posted]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine needs to reach the world is not needed to reach itself."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=FAKES, ids=lambda kind: kind.name)
def forge(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with served(request.param()) as fake:
        yield fake


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    fake = FakeGitHub()
    with served(fake):
        yield fake


@pytest.fixture
def naps() -> list[float]:
    """The pauses that were made, in seconds."""
    return []


@pytest.fixture
def event(tmp_path: Path) -> Callable[[Any], dict[str, str]]:
    """Write the payload of an event; returns the variable that names its file."""

    def write(payload: Any) -> dict[str, str]:
        (tmp_path / "event.json").write_text(payload if isinstance(payload, str) else json.dumps(payload))
        return {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")}

    return write


@pytest.fixture
def environ(forge: Fake, event: Callable[[Any], dict[str, str]]) -> dict[str, str]:
    """The environment of a job for pull request 7 of ``forge``."""
    return {**forge.environ(), **event({"pull_request": {"number": 7, "head": {"sha": COMMIT}}})}


@pytest.fixture
def say(naps: list[float]) -> Publish:
    """``publish`` without real pauses."""

    def call(environ: Mapping[str, str], *bodies: str, state: State | None = None, **where: Any) -> Posted:
        texts = bodies or ("hello",)
        return publish(lambda _: texts, Where(**where), environ, state=state, sleep=naps.append, timeout=5.0)

    return call
