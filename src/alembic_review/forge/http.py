"""Speaking HTTP with one forge: JSON in and out, no redirects, and errors that say what to do."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import quote, urlencode, urlsplit

from alembic_review.forge.errors import SOON, ForgeError, RejectedError, UnavailableError
from alembic_review.forge.values import dig, one_line, text
from alembic_review.model.errors import UsageError

TIMEOUT = 20.0
_LARGEST = 32 << 20
_AFTER_SECONDARY_LIMIT = 60.0
_FORBIDDEN = 403
_TOO_MANY = 429
_TOO_LONG = (400, 413, 422)
_SERVER_ERRORS = range(500, 600)
_REDIRECTS = range(300, 400)


@dataclass(frozen=True)
class Answer:
    """What a forge said: ``data`` is the decoded JSON, None when there was no body."""

    data: object
    headers: Message


class Api:
    """One REST API below ``url``, spoken to with ``headers``, which hold the token ``secret``."""

    def __init__(self, url: str, headers: Mapping[str, str], secret: str, *, timeout: float = TIMEOUT) -> None:
        self.host = _host(url)
        self.url = url.rstrip("/")
        self._headers = {**headers, "User-Agent": "alembic-review", "Content-Type": "application/json"}
        self._secret = secret
        self._timeout = timeout
        # No handler that follows redirects and none for files and FTP: the token goes to this host or nowhere.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
        ):
            self._opener.add_handler(handler)

    def beside(self, url: str) -> Api:
        """The same forge and token below another ``url`` of the same host."""
        return Api(url, self._headers, self._secret, timeout=self._timeout)

    def get(self, path: str, **parameters: str | int) -> Answer:
        """Ask for ``path``, a path below the API's."""
        return self._send("GET", path + (f"?{urlencode(parameters)}" if parameters else ""))

    def send(self, method: str, path: str, **fields: object) -> Answer:
        """Send ``fields`` as a JSON object."""
        return self._send(method, path, json.dumps(fields).encode() if fields else None)

    def _send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            self.url + path, data=body, headers=self._headers, method=method
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                raw = response.read(_LARGEST + 1)
                status: int = response.status
                headers: Message = response.headers
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
            raise UnavailableError(
                f"{self.host} can't be reached: {self._clean(str(reason))}.",
                hint="Check the URL of the API (--api-url).",
            ) from None
        if len(raw) > _LARGEST:
            raise ForgeError(f"{self.host} answered with more than {_LARGEST} bytes.")
        data = _decoded(raw)
        if not 200 <= status < 300:  # noqa: PLR2004 - success, as HTTP has it
            raise self._error(status, headers, data)
        if data is None and raw:
            raise ForgeError(f"{self.host} did not answer with JSON.", hint="Check the URL of the API (--api-url).")
        return Answer(data, headers)

    def _error(self, status: int, headers: Message, data: object) -> ForgeError:
        said = self._clean(_said(data))
        what = f"{self.host} answered {status}" + (f": {said}" if said else "")
        wait = _wait(status, headers, said)
        if wait is not None:
            return UnavailableError(f"{what}.", hint=f"It may work again in {wait:.0f} seconds.", wait=wait)
        if status in _TOO_LONG:
            return RejectedError(f"{what}.")
        if status in _REDIRECTS:
            return ForgeError(
                f"{what}, a redirect, which is not followed.",
                hint="Has the repository or the API moved? --repository and --api-url name the new location.",
            )
        return ForgeError(f"{what}.", hint=_HINTS.get(status, ""))

    def _clean(self, words: str) -> str:
        return one_line(words.replace(self._secret, "***") if self._secret else words).rstrip(".")


def _host(url: str) -> str:
    """The host of an API. Raises ``UsageError``."""
    try:
        parts = urlsplit(url)
        host, well_formed = parts.hostname, parts.port != 0
    except ValueError:  # brackets or a port that are none
        host, well_formed = None, False
    if not well_formed or not host or parts.scheme not in ("http", "https") or parts.username or parts.password:
        raise UsageError(
            "The URL of the Git host's API does not have the form https://HOST/PATH.", hint="Name it: --api-url"
        )
    return host


_HINTS = {
    401: "The token is wrong or has expired.",
    403: "The token may not do this. Give it the rights listed in docs/how-to/comments.md.",
    404: "There is no such pull request, or the token may not see it.",
}


def segment(value: str) -> str:
    """One part of a path, with everything quoted that would end it."""
    return quote(value, safe="")


def has_next(headers: Message) -> bool:
    """Whether a ``Link`` header announces another page. Its address is never used."""
    return any('rel="next"' in link for value in headers.get_all("Link", []) for link in value.split(","))


def _decoded(raw: bytes) -> object:
    try:
        return json.loads(raw) if raw.strip() else None
    except (ValueError, RecursionError):
        return None


def _said(data: object) -> str:
    """What a forge says of an error, in each one's own words."""
    message = dig(data, "message")
    words = [message if isinstance(message, str) else json.dumps(message) if message else "", text(data, "error")]
    errors = data.get("errors") if isinstance(data, dict) else None
    words += [text(error, "message") for error in errors if error] if isinstance(errors, list) else []
    return "; ".join(word for word in words if word)


def _wait(status: int, headers: Message, said: str) -> float | None:
    """Seconds until it may work again; None for an error that stays."""
    if status in _SERVER_ERRORS:
        return SOON
    after = headers.get("Retry-After", "").strip()
    spent = "0" in (headers.get("X-RateLimit-Remaining", ""), headers.get("RateLimit-Remaining", ""))
    limited = status == _TOO_MANY or (status == _FORBIDDEN and (after or spent or "rate limit" in said.lower()))
    if not limited:
        return None
    if after.isdecimal():
        return float(after)
    reset = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    if reset.isdecimal():
        return max(SOON, float(reset) - time.time())
    return _AFTER_SECONDARY_LIMIT
