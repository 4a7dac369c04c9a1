"""What a forge is: where it is found in a CI job's environment, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from alembic_review.forge.http import Api
from alembic_review.forge.pages import Pages

Environ = Mapping[str, str]


@dataclass(frozen=True)
class Comment:
    """One comment of a pull request; ``author`` is a login."""

    id: int
    author: str
    body: str
    url: str = ""


@dataclass(frozen=True)
class Label:
    """A label of a pull request; ``colour`` is hexadecimal, without ``#``."""

    name: str
    colour: str
    description: str


@dataclass(frozen=True)
class Head:
    """The branch and commit that a workflow ran on, as the forge names them. A stranger chose the branch's name."""

    owner: str
    branch: str
    commit: str
    repository_id: int


@dataclass(frozen=True)
class Coordinates:
    """Where a CI job belongs. ``number`` is the pull request's, ``head`` what to look it up by where it is not known.

    ``commit`` is the head of the pull request, ``job`` the URL of the job that reviewed it where that is another one;
    both are empty when unknown.
    """

    api: str = ""
    repository: str = ""
    number: int | None = None
    head: Head | None = None
    commit: str = ""
    job: str = ""


class PullRequests(Protocol):
    """Comments and labels on the pull requests of one repository. Every method may raise ``ForgeError``."""

    def login(self) -> str:
        """The login of the token's own user."""
        ...

    def find(self, head: Head) -> list[int]:
        """The numbers of the open pull requests whose head this is."""
        ...

    def head(self, number: int) -> str:
        """The commit that a pull request is at now."""
        ...

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments, oldest first, however many pages they take."""
        ...

    def create(self, number: int, body: str) -> Comment:
        """Post a comment with the text ``body`` and return it. Raises ``ForgeError`` if the request fails."""
        ...

    def update(self, number: int, comment: Comment, body: str) -> Comment:
        """Replace the text of ``comment`` by ``body`` and return the changed comment.

        Raises ``ForgeError`` if the request fails.
        """
        ...

    def delete(self, number: int, comment: Comment) -> None:
        """Delete ``comment``. Raises ``ForgeError`` if the request fails."""
        ...

    def labels(self, number: int) -> list[str]:
        """The names of the pull request's labels."""
        ...

    def add_label(self, number: int, label: Label) -> None:
        """Add a label to the pull request; create it in the repository first if it is missing there."""
        ...

    def remove_label(self, number: int, name: str) -> None:
        """Remove the label ``name`` from pull request ``number``. Raises ``ForgeError`` if the request fails."""
        ...


@dataclass(frozen=True)
class Forge:
    """One kind of forge.

    ``running`` tells whether a job's environment is this forge's, ``locate`` reads the coordinates out of it.
    ``tokens`` names the variables that may hold a token, ``headers`` shows one to the API. ``longest`` is the length of
    a comment in characters. ``pages`` are what a comment links to.
    """

    name: str
    running: Callable[[Environ], bool]
    locate: Callable[[Environ], Coordinates]
    tokens: tuple[str, ...]
    headers: Callable[[str], dict[str, str]]
    connect: Callable[[Api, str], PullRequests]
    longest: int
    pages: Callable[[Environ, Coordinates], Pages]
