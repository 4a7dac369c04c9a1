"""GitLab: a comment is a note of a merge request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from alembic_review.forge.base import Comment, Coordinates, Environ, Forge, Head, Label
from alembic_review.forge.errors import ForgeError
from alembic_review.forge.http import Api, segment
from alembic_review.forge.pages import Pages, pages
from alembic_review.forge.values import dig, entries, number, text

PAGE = 100


class GitLab:
    """The merge requests of ``project``: its number, or its path with the groups."""

    def __init__(self, api: Api, project: str) -> None:
        self._api = api
        self._project = f"/projects/{segment(project)}"

    def login(self) -> str:
        """The login of the user whom the token belongs to. Raises ``ForgeError`` if the Git host does not report it."""
        login = text(self._api.get("/user").data, "username")
        if not login:
            raise ForgeError("GitLab does not report the user of the token.", hint="Name the user with --author.")
        return login

    def find(self, head: Head) -> list[int]:  # noqa: ARG002 - it is not asked
        """Nothing: the pipeline of a merge request knows its number."""
        return []

    def head(self, number: int) -> str:
        """The hash of the newest commit of merge request ``number``. Raises ``ForgeError`` if the request fails."""
        return text(self._api.get(f"{self._project}/merge_requests/{number}").data, "sha")

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments of merge request ``number``, oldest first; fetches one page at a time."""
        page = "1"
        while page:
            answer = self._api.get(self._notes(number), per_page=PAGE, page=page, sort="asc", order_by="created_at")
            yield from map(_comment, entries(answer.data))  # with what the system notes, which has no marker
            following = answer.headers.get("X-Next-Page", "").strip()
            # Whatever a forge answers, this ends: pages only go up.
            page = following if following.isdecimal() and int(following) > int(page) else ""

    def create(self, number: int, body: str) -> Comment:
        """Post a comment with the text ``body`` and return it. Raises ``ForgeError`` if the request fails."""
        return _comment(self._api.send("POST", self._notes(number), body=body).data)

    def update(self, number: int, comment: Comment, body: str) -> Comment:
        """Replace the text of ``comment`` by ``body`` and return the changed comment.

        Raises ``ForgeError`` if the request fails.
        """
        return _comment(self._api.send("PUT", f"{self._notes(number)}/{comment.id}", body=body).data)

    def delete(self, number: int, comment: Comment) -> None:
        """Delete ``comment``. Raises ``ForgeError`` if the request fails."""
        self._api.send("DELETE", f"{self._notes(number)}/{comment.id}")

    def labels(self, number: int) -> list[str]:
        """The names of the labels of merge request ``number``. Raises ``ForgeError`` if the request fails."""
        found = dig(self._api.get(f"{self._project}/merge_requests/{number}").data, "labels")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    def add_label(self, number: int, label: Label) -> None:
        """GitLab creates a missing label by itself; creating it first gives it its colour."""
        with suppress(ForgeError):  # it exists, or the token may not create labels
            self._api.send(
                "POST",
                f"{self._project}/labels",
                name=label.name,
                color=f"#{label.colour}",
                description=label.description,
            )
        self._api.send("PUT", f"{self._project}/merge_requests/{number}", add_labels=label.name)

    def remove_label(self, number: int, name: str) -> None:
        """Remove the label ``name`` from merge request ``number``. Raises ``ForgeError`` if the request fails."""
        self._api.send("PUT", f"{self._project}/merge_requests/{number}", remove_labels=name)

    def _notes(self, number: int) -> str:
        return f"{self._project}/merge_requests/{number}/notes"


def _comment(entry: object) -> Comment:
    found = number(entry, "id")
    if found is None:
        raise ForgeError("GitLab answered with a note that has no id.")
    return Comment(found, text(entry, "author", "username"), text(entry, "body"))


def _locate(environ: Environ) -> Coordinates:
    iid = environ.get("CI_MERGE_REQUEST_IID", "")
    return Coordinates(
        api=environ.get("CI_API_V4_URL", ""),
        # For a merge request from a fork the job's own project is the fork, where this number means another one.
        repository=environ.get("CI_MERGE_REQUEST_PROJECT_ID", "") or environ.get("CI_PROJECT_ID", ""),
        number=int(iid) if iid.isdecimal() and int(iid) else None,
        # With merged results, CI_COMMIT_SHA is a commit that nobody has seen.
        commit=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "") or environ.get("CI_COMMIT_SHA", ""),
    )


def _pages(environ: Environ, place: Coordinates) -> Pages:
    """The commit is in the project of the pipeline, which is the fork for a merge request from one."""
    source = f"{environ.get('CI_PROJECT_URL', '')}/-/blob/{place.commit}/{{path}}#L{{line}}"
    return pages(place.commit, source, environ.get("CI_PIPELINE_URL", ""), "")


GITLAB = Forge(
    name="gitlab",
    running=lambda environ: environ.get("GITLAB_CI") == "true",
    locate=_locate,
    tokens=("GITLAB_TOKEN",),  # the token of the job itself may not write notes
    headers=lambda token: {"Accept": "application/json", "PRIVATE-TOKEN": token},
    connect=GitLab,
    longest=1_000_000,
    pages=_pages,
)
