"""Forgejo and Gitea: GitHub's variables and much of its API, at another address."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from alembic_review.forge import pull_request_event
from alembic_review.forge.base import Comment, Coordinates, Environ, Forge, Head, Label
from alembic_review.forge.errors import ForgeError, UnavailableError
from alembic_review.forge.http import Api, has_next
from alembic_review.forge.pages import Pages, pages
from alembic_review.forge.values import entries, number, text

PAGE = 50


class Forgejo:
    """The pull requests of ``repository``, named ``OWNER/NAME``."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._repository = f"/repos/{repository}"

    def login(self) -> str:
        """The login of the user whom the token belongs to. Raises ``ForgeError`` if the Git host does not report it."""
        try:
            login = text(self._api.get("/user").data, "login")
        except UnavailableError:
            raise
        except ForgeError as error:
            error.hint += " The token needs the scope read:user here, or name its user with --author."
            raise
        if not login:
            raise ForgeError("The Git host does not report the user of the token.", hint="Name the user with --author.")
        return login

    def find(self, head: Head) -> list[int]:  # noqa: ARG002 - it is not asked
        """Nothing: a run that follows another one has no documented way to its pull request here."""
        return []

    def head(self, number: int) -> str:
        """The hash of the newest commit of pull request ``number``. Raises ``ForgeError`` if the request fails."""
        try:
            return text(self._api.get(f"{self._repository}/pulls/{number}").data, "head", "sha")
        except UnavailableError:
            raise
        except ForgeError as error:
            error.hint += " The token needs the scope read:repository here."
            raise

    def comments(self, number: int) -> Iterator[Comment]:
        """Follow the pages where there are any: many versions answer with all comments at once, whatever is asked."""
        seen: set[int] = set()
        for page in count(1):
            answer = self._api.get(f"{self._repository}/issues/{number}/comments", limit=PAGE, page=page)
            fresh = [found for found in map(_comment, entries(answer.data)) if found.id not in seen]
            seen |= {found.id for found in fresh}
            yield from fresh
            total = answer.headers.get("X-Total-Count", "")
            more = has_next(answer.headers) or (total.isdecimal() and int(total) > len(seen))
            if not fresh or not more:
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
        return [text(entry, "name") for entry in self._labels(number)]

    def add_label(self, number: int, label: Label) -> None:
        """Labels are added by id, and a name may be used twice: look for it before creating one."""
        known = [entry for entry in self._known() if text(entry, "name").casefold() == label.name.casefold()]
        found = (
            known[0]
            if known
            else self._api.send(
                "POST",
                f"{self._repository}/labels",
                name=label.name,
                color=f"#{label.colour}",
                description=label.description,
            ).data
        )
        self._api.send("POST", f"{self._repository}/issues/{number}/labels", labels=[_id(found)])

    def remove_label(self, number: int, name: str) -> None:
        """Remove the label ``name``, in any case, from pull request ``number``.

        Raises ``ForgeError`` if the request fails.
        """
        for entry in self._labels(number):
            if text(entry, "name").casefold() == name.casefold():
                self._api.send("DELETE", f"{self._repository}/issues/{number}/labels/{_id(entry)}")

    def _labels(self, number: int) -> list[object]:
        return entries(self._api.get(f"{self._repository}/issues/{number}/labels").data)

    def _known(self) -> Iterator[object]:
        """The labels of the repository."""
        seen: set[int] = set()
        for page in count(1):
            answer = self._api.get(f"{self._repository}/labels", limit=PAGE, page=page)
            fresh = [entry for entry in entries(answer.data) if _id(entry) not in seen]
            seen |= {_id(entry) for entry in fresh}
            yield from fresh
            if not fresh or not has_next(answer.headers):
                return


def _comment(entry: object) -> Comment:
    found = number(entry, "id")
    if found is None:
        raise ForgeError("The Git host answered with a comment that has no id.")
    return Comment(found, text(entry, "user", "login"), text(entry, "body"), text(entry, "html_url"))


def _id(entry: object) -> int:
    found = number(entry, "id")
    if found is None:
        raise ForgeError("The Git host answered with a label that has no id.")
    return found


def _running(environ: Environ) -> bool:
    return "true" in (environ.get("FORGEJO_ACTIONS"), environ.get("GITEA_ACTIONS"))


def _locate(environ: Environ) -> Coordinates:
    happened = pull_request_event.read(environ)
    return Coordinates(
        api=environ.get("FORGEJO_API_URL", "") or environ.get("GITHUB_API_URL", ""),
        repository=environ.get("FORGEJO_REPOSITORY", "") or environ.get("GITHUB_REPOSITORY", ""),
        number=happened.number,
        head=happened.head,
        commit=happened.commit,
        job=happened.job,
    )


def _pages(environ: Environ, place: Coordinates) -> Pages:
    server = environ.get("FORGEJO_SERVER_URL", "") or environ.get("GITHUB_SERVER_URL", "")
    repository = f"{server}/{place.repository}"
    run = environ.get("FORGEJO_RUN_NUMBER", "") or environ.get("GITHUB_RUN_NUMBER", "")
    job = f"{repository}/actions/runs/{run}" if run.isdecimal() else ""
    return pages(place.commit, f"{repository}/src/commit/{place.commit}/{{path}}#L{{line}}", place.job or job, "")


FORGEJO = Forge(
    name="forgejo",
    running=_running,
    locate=_locate,
    tokens=("FORGEJO_TOKEN", "GITEA_TOKEN", "GITHUB_TOKEN"),
    headers=lambda token: {"Accept": "application/json", "Authorization": f"token {token}"},
    connect=Forgejo,
    longest=65_536,
    pages=_pages,
)
