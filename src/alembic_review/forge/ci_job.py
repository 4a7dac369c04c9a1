"""From a CI job's environment and what the user named to one posted comment."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from alembic_review.forge.base import Coordinates, Environ, Forge, PullRequests
from alembic_review.forge.errors import ForgeError, UnavailableError
from alembic_review.forge.forgejo import FORGEJO
from alembic_review.forge.github import GITHUB
from alembic_review.forge.gitlab import GITLAB
from alembic_review.forge.http import TIMEOUT, Api
from alembic_review.forge.labels import State, set_label
from alembic_review.forge.pages import Pages
from alembic_review.forge.sticky_comment import Posted, comment_text, marker, post
from alembic_review.model.errors import UsageError

# Forgejo's jobs say that they are GitHub's too, so it is asked first.
FORGES = (FORGEJO, GITHUB, GITLAB)
LONGEST_WAIT = 60.0
T = TypeVar("T")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+|[0-9]+")


@dataclass(frozen=True)
class Where:
    """What the user names; whatever is empty, the environment of the CI job tells."""

    forge: str = ""
    api_url: str = ""
    repository: str = ""
    pull_request: int | None = None
    token_env: str = ""
    author: str = ""
    key: str = ""
    report_url: str = ""


Bodies = Callable[[Pages], Sequence[str]]
"""Makes the texts of a comment, the best one first, with links to these pages."""


def publish(  # noqa: PLR0913 - the last two are for tests
    bodies: Bodies,
    where: Where,
    environ: Environ,
    *,
    state: State | None = None,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = TIMEOUT,
) -> Posted:
    """Post the first of ``bodies`` that the Git host takes as the pull request's one comment.

    With ``state``, set its label too; a label that can't be set is in ``Posted.label_error``.

    When the forge can't answer, everything is done once more after a pause, from looking for the comment on, so that
    none is posted twice. ``timeout`` is in seconds, for one request.

    Raises ``UsageError`` for what the user named wrongly, ``ForgeError`` when the comment could not be posted.
    """
    marker(where.key)  # a wrong key is told before anything is asked of anybody
    forge = _forge(where, environ)
    # A job that is told the number has no need of the event, which then may be about anything.
    found = forge.locate(environ if where.pull_request is None else {**environ, "GITHUB_EVENT_PATH": ""})
    place = _place(found, where)
    secret = _token(forge, where, environ, own=place.api.rstrip("/") == found.api.rstrip("/"))
    api = Api(place.api, forge.headers(secret), secret, timeout=timeout)
    pull_requests = forge.connect(api, place.repository)
    # With another repository than the job's, its pages are not those of the job.
    linked = forge.pages(environ, place) if place.repository == found.repository else Pages()
    linked = replace(linked, report=where.report_url or linked.report)
    texts = [comment_text(body, where.key) for body in bodies(linked)]
    texts = [text for text in texts if len(text) <= forge.longest] or texts[-1:]

    def attempt() -> Posted:
        number = place.number or _looked_up(pull_requests, place)
        author = where.author or pull_requests.login()
        if place.number and place.commit and where.pull_request is None:
            _check_head(pull_requests, place.number, place.commit)
        return post(pull_requests, number, texts, where.key, author)

    posted = _patiently(attempt, sleep)
    if state is None:
        return posted
    try:
        name = _patiently(lambda: set_label(pull_requests, posted.number, state, where.key), sleep)
    except ForgeError as error:
        return replace(posted, label_error=error)
    return replace(posted, label=name)


def _patiently(action: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Do it once more after a pause where the Git host can't answer now."""
    try:
        return action()
    except UnavailableError as error:
        if error.wait > LONGEST_WAIT:
            raise
        sleep(error.wait)
        return action()


def _forge(where: Where, environ: Environ) -> Forge:
    names = ", ".join(forge.name for forge in FORGES)
    for forge in FORGES:
        if forge.name == where.forge or (not where.forge and forge.running(environ)):
            return forge
    if where.forge:
        raise UsageError(f"{where.forge!r} is not a supported Git host.", hint=f"Supported Git hosts: {names}.")
    raise UsageError(
        "Could not detect GitHub, GitLab or Forgejo from the environment.",
        hint=f"Name the Git host with --forge: {names}.",
    )


def _place(found: Coordinates, where: Where) -> Coordinates:
    place = Coordinates(
        api=where.api_url or found.api,
        repository=where.repository or found.repository,
        number=where.pull_request or found.number,
        head=found.head,
        commit=found.commit,
        job=found.job,
    )
    if not place.api:
        raise UsageError("The URL of the Git host's API is not known.", hint="Name it with --api-url.")
    if not _REPOSITORY.fullmatch(place.repository) or {".", ".."} & set(place.repository.split("/")):
        raise UsageError("The repository is not known.", hint="Name it with --repository OWNER/NAME.")
    if place.number is None and place.head is None:
        raise ForgeError("This job does not belong to a pull request.", hint="Name its number with --pull-request.")
    return place


def _token(forge: Forge, where: Where, environ: Environ, *, own: bool) -> str:
    """The token in the environment. Without ``own``, the API is not the job's, nor are the job's tokens for it."""
    if not own and not where.token_env:
        raise UsageError(
            "The tokens of this job are not for this API.",
            hint="Name the variable that holds a token for it with --token-env.",
        )
    names = (where.token_env,) if where.token_env else forge.tokens
    token = next((environ[name].strip() for name in names if environ.get(name, "").strip()), "")
    if not token:
        raise ForgeError(
            f"There is no token: {' and '.join(names)} {'is' if len(names) == 1 else 'are'} empty.",
            hint="A CI job for a pull request from a fork gets none; post from a job that doesn't run its code.",
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError("The token contains invalid characters.")
    return token


def _check_head(pull_requests: PullRequests, number: int, commit: str) -> None:
    """An old job may run once more, and a slow one end after the job of the next commit."""
    if pull_requests.head(number) != commit:
        raise ForgeError(
            f"Pull request {number} has newer commits than {commit[:12]}, the commit of this run.",
            hint="The run for its newest commit posts the comment.",
        )


def _looked_up(pull_requests: PullRequests, place: Coordinates) -> int:
    found = pull_requests.find(place.head) if place.head is not None else []
    if len(found) == 1:
        return found[0]
    if found:
        raise ForgeError(
            f"Several pull requests have this commit as their head: {', '.join(map(str, sorted(found)))}.",
            hint="Name the number of one with --pull-request.",
        )
    raise ForgeError(
        "No open pull request has the commit of this run as its head.",
        hint="It was closed, or has a newer commit whose run posts the comment.",
    )
