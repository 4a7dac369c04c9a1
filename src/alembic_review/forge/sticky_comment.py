"""One comment that stays: found by a hidden marker on its first line, among those that the token's own user wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from alembic_review.forge.base import Comment, PullRequests
from alembic_review.forge.errors import ForgeError, RejectedError
from alembic_review.model.errors import UsageError

_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./]|-(?!-)){0,59}")
# GitLab obeys a line of a comment that starts with a slash and a word, and so do bots elsewhere.
_SLASH_COMMAND = re.compile(r"^(\s*/)(?=[A-Za-z])", re.MULTILINE)
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True)
class Posted:
    """What was done: the comment was ``created``, ``updated`` or is ``unchanged``; ``url`` is empty if unknown.

    ``label`` is the label that was set, ``label_error`` why it could not be set.
    """

    action: str
    number: int
    url: str = ""
    label: str = ""
    label_error: ForgeError | None = None


def marker(key: str) -> str:
    """The first line of the comment; ``key`` tells several reviews of one repository apart."""
    if not key:
        return "<!-- alembic-review -->"
    if not _KEY.fullmatch(key) or key.endswith("-"):
        raise UsageError(
            "The key may have 60 letters, digits and single - _ . / between them.", hint="For example: --key warehouse"
        )
    return f"<!-- alembic-review: {key} -->"


def comment_text(body: str, key: str) -> str:
    """The text of the comment: the marker and the report."""
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return "\n".join([marker(key), "", _SLASH_COMMAND.sub(rf"\1{_ZERO_WIDTH_SPACE}", body)]) + "\n"


def post(pull_requests: PullRequests, number: int, texts: Sequence[str], key: str, author: str) -> Posted:
    """Create or update the comment with the first of ``texts`` that the forge takes. Raises ``ForgeError``."""
    for position, text in enumerate(texts, start=1):
        try:
            return _post(pull_requests, number, text, key, author)
        except RejectedError:
            if position == len(texts):
                raise
    raise ForgeError("There is nothing to post.")


def _post(pull_requests: PullRequests, number: int, text: str, key: str, author: str) -> Posted:
    first, *others = _own(pull_requests, number, key, author) or [None]
    if first is None:
        return Posted("created", number, pull_requests.create(number, text).url)
    # Two runs at the same time may each have created one; a left-over would go on showing what is no longer so.
    for other in others:
        if other is not None:
            with suppress(ForgeError):
                pull_requests.delete(number, other)
    if _plain(first.body) == _plain(text):
        return Posted("unchanged", number, first.url)
    return Posted("updated", number, pull_requests.update(number, first, text).url or first.url)


def _own(pull_requests: PullRequests, number: int, key: str, author: str) -> list[Comment | None]:
    wanted = marker(key)
    return [
        comment
        for comment in pull_requests.comments(number)
        if comment.author.casefold() == author.casefold() and comment.body.lstrip().partition("\n")[0].strip() == wanted
    ]


def _plain(body: str) -> str:
    return body.replace("\r\n", "\n").strip()
