"""Which forge, which repository, which pull request: from the job's environment, from its event, from the options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alembic_review.forge import FORGES, pull_request_event
from alembic_review.forge.errors import ForgeError
from alembic_review.model.errors import UsageError
from tests.forge.conftest import Publish
from tests.forge.fakes import COMMIT, TOKEN, Fake, FakeForgejo, FakeGitHub, served

Event = Callable[[Any], dict[str, str]]
FORK = {"id": 31, "owner": {"login": "stranger"}}


def run_event(**changes: Any) -> dict[str, Any]:
    """The payload of a ``workflow_run`` whose workflow ran for a pull request from a fork."""
    run = {
        "event": "pull_request",
        "head_sha": COMMIT,
        "head_branch": "feature/a&b=c#d",
        "head_repository": FORK,
        "pull_requests": [],
    }
    return {"repository": {"id": 30}, "workflow_run": run | changes}


def listed(number: int, sha: str = COMMIT, base: int = 30) -> dict[str, Any]:
    return {"number": number, "head": {"sha": sha}, "base": {"repo": {"id": base}}}


def pull(number: int, sha: str = COMMIT, repository: int = 31) -> dict[str, Any]:
    return {"number": number, "head": {"sha": sha, "repo": {"id": repository}}}


def test_a_run_after_a_pull_request_of_the_repository_itself(github: FakeGitHub, event: Event, say: Publish) -> None:
    payload = run_event(pull_requests=[listed(7), listed(8, sha="f" * 40), listed(9, base=31)])

    posted = say({**github.environ(), **event(payload)})

    assert posted.number == 7
    assert "GET /repos/acme/poser/pulls" not in github.done("GET")


def test_a_run_after_a_pull_request_from_a_fork_looks_it_up(
    github: FakeGitHub, event: Event, say: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the fork's own id and the commit count: anybody may give a branch the same name."""
    others = [pull(5, sha="f" * 40), pull(6, repository=32), {"number": 4, "head": {"sha": COMMIT, "repo": None}}]
    monkeypatch.setattr(FakeGitHub, "pulls", [*others, pull(7)])

    posted = say({**github.environ(), **event(run_event())})

    assert posted.number == 7
    query = next(asked.query for asked in github.asked if asked.path.endswith("/pulls"))
    assert query == {"state": "open", "head": "stranger:feature/a&b=c#d", "per_page": "100"}


@pytest.mark.parametrize(
    ("pulls", "message"),
    [
        ([], "No open pull request has the commit"),
        ([pull(7, sha="f" * 40)], "No open pull request has the commit"),
        ([pull(9), pull(7)], "Several pull requests have this commit as their head: 7, 9"),
    ],
)
def test_a_run_whose_pull_request_is_not_certain_posts_nothing(  # noqa: PLR0917
    github: FakeGitHub,
    event: Event,
    say: Publish,
    monkeypatch: pytest.MonkeyPatch,
    pulls: list[dict[str, Any]],
    message: str,
) -> None:
    monkeypatch.setattr(FakeGitHub, "pulls", pulls)

    with pytest.raises(ForgeError, match=message):
        say({**github.environ(), **event(run_event(pull_requests=[listed(7), listed(8)] if len(pulls) > 1 else []))})
    assert github.done() == []


def test_a_run_for_a_commit_that_is_not_the_newest_posts_nothing(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    """An old job may be run again; what it says is no longer so."""
    forge.comment("<!-- alembic-review -->\n\nblocked", author=forge.me)
    forge.head = "f" * 40

    with pytest.raises(ForgeError, match="Pull request 7 has newer commits than 0123456789ab"):
        say(environ, "older: safe")
    assert forge.done() == []
    assert say(environ, "older: safe", pull_request=7).action == "updated"


def test_an_old_run_after_a_pull_request_of_the_repository_itself(
    github: FakeGitHub, event: Event, say: Publish
) -> None:
    github.head = "f" * 40

    with pytest.raises(ForgeError, match="has newer commits"):
        say({**github.environ(), **event(run_event(pull_requests=[listed(7)]))})
    assert github.done() == []


def test_a_run_that_follows_another_one_on_forgejo_needs_the_number(event: Event, say: Publish) -> None:
    with served(FakeForgejo()) as fake, pytest.raises(ForgeError, match="No open pull request"):
        say({**fake.environ(), **event(run_event())})


@pytest.mark.parametrize(
    "payload",
    [
        {"ref": "refs/heads/main"},
        run_event(event="push", pull_requests=[listed(7)]),
        run_event(head_repository=None),
        {"issue": {"number": 7}},
        {"pull_request": {"number": "7"}},
        {"pull_request": {"number": -7}},
        {"pull_request": {"number": True}},
        {"pull_request": {}},
    ],
)
def test_an_event_without_a_pull_request(github: FakeGitHub, event: Event, say: Publish, payload: Any) -> None:
    with pytest.raises(ForgeError, match="does not belong to a pull request") as caught:
        say({**github.environ(), **event(payload)})
    assert "--pull-request" in caught.value.hint
    assert github.asked == []


@pytest.mark.parametrize("payload", ["", "[]", "{", "[" * 100_000, "7"])
def test_a_file_that_is_no_event(github: FakeGitHub, event: Event, say: Publish, payload: str) -> None:
    with pytest.raises(ForgeError, match="event can't be read"):
        say({**github.environ(), **event(payload)})


def test_the_file_of_the_event_is_not_there_or_too_large(
    github: FakeGitHub, say: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ForgeError, match="event can't be read"):
        say({**github.environ(), "GITHUB_EVENT_PATH": str(tmp_path / "nothing")})
    monkeypatch.setattr(pull_request_event, "_LARGEST", 10)
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 7}}')
    with pytest.raises(ForgeError, match="event can't be read"):
        say({**github.environ(), "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})


def test_a_comment_on_a_pull_request_is_an_event_of_it(github: FakeGitHub, event: Event, say: Publish) -> None:
    payload = {"issue": {"number": 7, "pull_request": {"url": "x"}}, "comment": {}}

    assert say({**github.environ(), **event(payload)}).number == 7


def test_a_number_that_is_named_needs_no_event(github: FakeGitHub, event: Event, say: Publish) -> None:
    environ = {**github.environ(), **event("this is no event")}

    assert say(environ, pull_request=7).number == 7


def test_everything_may_be_named(forge: Fake, say: Publish) -> None:
    api = forge.environ().get("CI_API_V4_URL") or forge.environ()["GITHUB_API_URL"]
    named = {"forge": forge.name, "api_url": api + "/", "token_env": "MINE", "pull_request": 7}
    repository = "42" if forge.name == "gitlab" else "acme/poser"

    assert say({"MINE": TOKEN}, repository=repository, **named).action == "created"


def test_the_tokens_of_a_job_go_nowhere_else(github: FakeGitHub, say: Publish) -> None:
    """In a job of one forge, a comment for another one needs a token that is named."""
    job = {**github.environ(), "FORGEJO_TOKEN": TOKEN}
    with served(FakeForgejo()) as elsewhere:
        named = {"api_url": f"{elsewhere.url}/api/v1", "pull_request": 7}
        for forge in ("forgejo", "github", ""):
            with pytest.raises(UsageError, match="tokens of this job are not for this API") as caught:
                say(job, forge=forge, **named)
            assert "--token-env" in caught.value.hint
        assert elsewhere.asked == []
        assert say(job, forge="forgejo", token_env="FORGEJO_TOKEN", **named).action == "created"


def test_without_a_known_forge(say: Publish) -> None:
    for environ in ({}, {"CI": "true"}, {"GITHUB_ACTIONS": "false", "GITLAB_CI": ""}):
        with pytest.raises(UsageError, match="Could not detect GitHub, GitLab or Forgejo") as caught:
            say(environ)
        assert all(forge.name in caught.value.hint for forge in FORGES)
    with pytest.raises(UsageError, match="'bitbucket' is not a supported Git host"):
        say({}, forge="bitbucket")


@pytest.mark.parametrize("repository", ["", "poser", "../poser", "acme/..", "acme/po ser", "acme/poser?x=1", "a/b\nc"])
def test_a_repository_that_is_none(github: FakeGitHub, say: Publish, repository: str) -> None:
    with pytest.raises(UsageError, match="The repository is not known"):
        say({**github.environ(), "GITHUB_REPOSITORY": repository}, pull_request=7)


def test_an_api_that_is_not_known(say: Publish) -> None:
    for name in ("gitlab", "forgejo"):
        with pytest.raises(UsageError, match="API is not known"):
            say({"MINE": TOKEN}, forge=name, repository="a/b", pull_request=7, token_env="MINE")


def test_where_graphql_is_on_github_and_on_an_enterprise_server(github: FakeGitHub, say: Publish) -> None:
    with pytest.raises(ForgeError, match="answered 404"):
        say({**github.environ(), "GITHUB_API_URL": f"{github.url}/api/v3"}, pull_request=7)
    assert [asked.path for asked in github.asked] == ["/api/graphql"]


def test_a_project_of_gitlab_may_be_a_path(say: Publish) -> None:
    from tests.forge.fakes import FakeGitLab

    with served(FakeGitLab()) as fake, pytest.raises(ForgeError, match="404"):
        say(fake.environ(), repository="group/sub/poser")
    assert fake.asked[-1].raw == "/api/v4/projects/group%2Fsub%2Fposer/merge_requests/7"
    assert len(fake.asked) == 2


def test_a_merge_request_from_a_fork_belongs_to_the_target(say: Publish) -> None:
    """In the fork's pipeline CI_PROJECT_ID is the fork, where the same number is another merge request or none."""
    from tests.forge.fakes import FakeGitLab

    with served(FakeGitLab()) as fake:
        say(fake.environ())
        assert all("/99/" not in asked.path for asked in fake.asked)
        with pytest.raises(ForgeError, match="does not belong to a pull request"):
            say({**fake.environ(), "CI_MERGE_REQUEST_IID": ""})
