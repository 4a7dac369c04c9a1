"""GitHub, also GitHub Enterprise Server: comments are those of the issue that every pull request is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count

from alembic_review.forge import pull_request_event
from alembic_review.forge.base import Comment, Coordinates, Environ, Forge, Head, Label
from alembic_review.forge.errors import ForgeError, RejectedError
from alembic_review.forge.http import Api, has_next, segment
from alembic_review.forge.pages import Pages, pages
from alembic_review.forge.values import entries, number, text

PAGE = 100


class GitHub:
    """The pull requests of ``repository``, named ``OWNER/NAME``."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._repository = f"/repos/{repository}"

    def login(self) -> str:
        """Ask GraphQL: REST tells the token of a job or of an app not whose it is."""
        base = self._api.url
        graphql = self._api.beside(base.removesuffix("/v3") if base.endswith("/api/v3") else base)
        login = text(
            graphql.send("POST", "/graphql", query="query { viewer { login } }").data, "data", "viewer", "login"
        )
        if not login:
            raise ForgeError("GitHub does not report the user of the token.", hint="Name the user with --author.")
        return login

    def find(self, head: Head) -> list[int]:
        """Look it up by its branch, then by the branch's repository and commit, which nobody else can choose."""
        answer = self._api.get(
            f"{self._repository}/pulls", state="open", head=f"{head.owner}:{head.branch}", per_page=PAGE
        )
        found = [
            number(entry, "number")
            for entry in entries(answer.data)
            if text(entry, "head", "sha") == head.commit and number(entry, "head", "repo", "id") == head.repository_id
        ]
        return [known for known in found if known is not None]

    def head(self, number: int) -> str:
        """The hash of the newest commit of pull request ``number``. Raises ``ForgeError`` if the request fails."""
        return text(self._api.get(f"{self._repository}/pulls/{number}").data, "head", "sha")

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments of pull request ``number``, oldest first; fetches one page at a time."""
        for page in count(1):
            answer = self._api.get(f"{self._repository}/issues/{number}/comments", per_page=PAGE, page=page)
            yield from map(_comment, entries(answer.data))
            if not has_next(answer.headers):
                return

    def create(self, number: int, body: str) -> Comment:
        """Post a comment with the text ``body`` and return it. Raises ``ForgeError`` if the request fails."""
        return _comment(self._api.send("POST", f"{self._repository}/issues/{number}/comments", body=body).data)

    def update(self, number: int, comment: Comment, body: str) -> Comment:  # noqa: ARG002 - GitLab needs it
        """Replace the text of ``comment`` by ``body`` and return the changed comment.

        Raises ``ForgeError`` if the request fails.
        """
        return _comment(self._api.send("PATCH", f"{self._repository}/issues/comments/{comment.id}", body=body).data)

    def delete(self, number: int, comment: Comment) -> None:  # noqa: ARG002 - GitLab needs it
        """Delete ``comment``. Raises ``ForgeError`` if the request fails."""
        self._api.send("DELETE", f"{self._repository}/issues/comments/{comment.id}")

    def labels(self, number: int) -> list[str]:
        """The names of the labels of pull request ``number``. Raises ``ForgeError`` if the request fails."""
        answer = self._api.get(f"{self._repository}/issues/{number}/labels", per_page=PAGE)
        return [text(entry, "name") for entry in entries(answer.data)]

    def add_label(self, number: int, label: Label) -> None:
        """Create the label with its colour first: GitHub would create a missing one in grey."""
        with suppress(RejectedError):  # it exists
            self._api.send(
                "POST",
                f"{self._repository}/labels",
                name=label.name,
                color=label.colour,
                description=label.description,
            )
        self._api.send("POST", f"{self._repository}/issues/{number}/labels", labels=[label.name])

    def remove_label(self, number: int, name: str) -> None:
        """Remove the label ``name`` from pull request ``number``. Raises ``ForgeError`` if the request fails."""
        self._api.send("DELETE", f"{self._repository}/issues/{number}/labels/{segment(name)}")


def _comment(entry: object) -> Comment:
    found = number(entry, "id")
    if found is None:
        raise ForgeError("GitHub answered with a comment that has no id.")
    return Comment(found, text(entry, "user", "login"), text(entry, "body"), text(entry, "html_url"))


def _locate(environ: Environ) -> Coordinates:
    happened = pull_request_event.read(environ)
    return Coordinates(
        api=environ.get("GITHUB_API_URL", "") or "https://api.github.com",
        repository=environ.get("GITHUB_REPOSITORY", ""),
        number=happened.number,
        head=happened.head,
        commit=happened.commit,
        job=happened.job,
    )


def _pages(environ: Environ, place: Coordinates) -> Pages:
    repository = f"{environ.get('GITHUB_SERVER_URL', '') or 'https://github.com'}/{place.repository}"
    run = environ.get("GITHUB_RUN_ID", "")
    job = place.job or (f"{repository}/actions/runs/{run}" if run.isdecimal() else "")
    source = f"{repository}/blob/{place.commit}/{{path}}#L{{line}}"
    return pages(place.commit, source, job, f"{job}#artifacts" if job else "")


GITHUB = Forge(
    name="github",
    running=lambda environ: environ.get("GITHUB_ACTIONS") == "true",
    locate=_locate,
    tokens=("GITHUB_TOKEN", "GH_TOKEN"),
    headers=lambda token: {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "Authorization": f"Bearer {token}",
    },
    connect=GitHub,
    longest=65_536,
    pages=_pages,
)
