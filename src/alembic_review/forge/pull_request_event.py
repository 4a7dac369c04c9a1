"""The event that started a job, as GitHub and Forgejo describe it: a file that the job's environment names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from alembic_review.forge.base import Environ, Head
from alembic_review.forge.errors import ForgeError
from alembic_review.forge.values import dig, entries, number, text

_LARGEST = 8 << 20


@dataclass(frozen=True)
class Event:
    """The pull request of an event: its ``number``, or the ``head`` to look it up by; ``commit`` is its head.

    ``job`` is the URL of the workflow run that reviewed it, where another one publishes the report.
    """

    number: int | None = None
    head: Head | None = None
    commit: str = ""
    job: str = ""


def read(environ: Environ) -> Event:
    """The pull request that the job's event is about; an empty event when there is none."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return Event()
    try:
        with Path(path).open("rb") as stream:
            payload = json.loads(stream.read(_LARGEST))  # what is cut off is no JSON
    except (OSError, ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise ForgeError("The file of the job's event can't be read.", hint="Name the number with --pull-request.")
    if isinstance(payload.get("workflow_run"), dict):
        return _of_run(payload)
    if isinstance(payload.get("pull_request"), dict):
        return Event(number(payload, "pull_request", "number"), commit=text(payload, "pull_request", "head", "sha"))
    if isinstance(dig(payload, "issue", "pull_request"), dict):
        return Event(number(payload, "issue", "number"))
    return Event()


def _of_run(payload: dict[str, object]) -> Event:
    """The pull request that another workflow ran for.

    GitHub lists it in the event only when its branch is in the same repository, so one from a fork has to be looked up.
    A pull request that has moved on to another commit is not taken: its newer run posts.
    """
    run = payload["workflow_run"]
    if text(run, "event") not in ("pull_request", "pull_request_target"):
        return Event()
    commit = text(run, "head_sha")
    job = text(run, "html_url")
    here = number(payload, "repository", "id")
    listed = {
        number(entry, "number")
        for entry in entries(run, "pull_requests")
        if text(entry, "head", "sha") == commit and number(entry, "base", "repo", "id") == here
    } - {None}
    if len(listed) == 1:
        return Event(listed.pop(), commit=commit, job=job)
    owner = text(run, "head_repository", "owner", "login")
    branch = text(run, "head_branch")
    repository = number(run, "head_repository", "id")
    if not (owner and branch and commit and repository):
        return Event(commit=commit, job=job)
    return Event(head=Head(owner, branch, commit, repository), commit=commit, job=job)
