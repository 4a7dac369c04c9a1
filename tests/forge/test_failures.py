"""What goes wrong between here and a forge: said in one line, retried where that helps, and never with the token."""

from __future__ import annotations

import socket
import time
import traceback

import pytest

from alembic_review.forge.errors import ForgeError, UnavailableError
from alembic_review.model.errors import UsageError
from tests.forge.conftest import Publish
from tests.forge.fakes import TOKEN, Asked, Fake, FakeForgejo, FakeGitHub, Fault, served


def writes(asked: Asked) -> bool:
    return asked.method in ("POST", "PUT", "PATCH") and "graphql" not in asked.path


def lists(asked: Asked) -> bool:
    return asked.method == "GET" and asked.path.endswith(("comments", "notes"))


def test_a_wrong_token(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    wrong = {name: value.replace(TOKEN, "wr0ng") for name, value in environ.items()}

    with pytest.raises(ForgeError, match=r"127.0.0.1 answered 401: ") as caught:
        say(wrong)
    assert "The token is wrong or has expired." in caught.value.hint
    assert len(forge.asked) == 1


@pytest.mark.parametrize(
    ("status", "data", "message", "hint"),
    [
        (403, {"message": "Resource not accessible by integration"}, "answered 403: Resource not", "may not do this"),
        (404, {"message": "Not Found"}, "answered 404: Not Found", "no such pull request"),
        (418, {}, "answered 418", ""),
        (403, b"<html>forbidden</html>", "answered 403", "may not do this"),
        (410, b"", "answered 410", ""),
    ],
)
def test_what_stays_wrong_is_not_tried_again(  # noqa: PLR0917 - a row of the table and four fixtures
    forge: Fake,
    environ: dict[str, str],
    say: Publish,
    naps: list[float],
    status: int,
    data: object,
    message: str,
    hint: str,
) -> None:
    forge.faults.append(Fault((status, {"X-RateLimit-Remaining": "50"}, data), writes))

    with pytest.raises(ForgeError, match=message) as caught:
        say(environ)
    assert hint in caught.value.hint
    assert len(forge.done()) == 1
    assert naps == []


def test_a_pull_request_that_is_not_there(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    with pytest.raises(ForgeError, match="answered 404"):
        say(environ, pull_request=8)
    assert forge.comments == []


@pytest.mark.parametrize("fits", [writes, lists])
@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_forge_that_stumbles_is_asked_once_more(  # noqa: PLR0917
    forge: Fake, environ: dict[str, str], say: Publish, naps: list[float], fits: object, status: int
) -> None:
    forge.faults.append(Fault((status, {"Retry-After": "3"} if status == 429 else {}, b"oops"), fits, times=1))  # type: ignore[arg-type]

    assert say(environ).action == "created"
    assert naps == [3.0 if status == 429 else 2.0]
    assert len(forge.comments) == 1


def test_an_answer_that_was_lost_leads_to_no_second_comment(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    """The forge stored the comment, and then failed."""
    forge.faults.append(Fault((502, {}, b"bad gateway"), writes, times=1, after=True))

    assert say(environ).action == "unchanged"
    assert len(forge.comments) == 1


def test_a_forge_that_stays_down_is_asked_twice_and_no_more(
    forge: Fake, environ: dict[str, str], say: Publish, naps: list[float]
) -> None:
    forge.faults.append(Fault((503, {}, None), writes))

    with pytest.raises(UnavailableError, match="answered 503"):
        say(environ)
    assert len(forge.done()) == 2
    assert naps == [2.0]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3600)},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(time.time()) + 3600)},
        {"Retry-After": "3600"},
    ],
)
def test_a_long_rate_limit_is_not_waited_for(
    forge: Fake, environ: dict[str, str], say: Publish, naps: list[float], headers: dict[str, str]
) -> None:
    forge.faults.append(Fault((403, headers, {"message": "API rate limit exceeded"}), writes))

    with pytest.raises(UnavailableError, match="answered 403: API rate limit exceeded") as caught:
        say(environ)
    assert "again in 3" in caught.value.hint
    assert naps == []
    assert len(forge.done()) == 1


def test_a_short_rate_limit_is_waited_for(
    forge: Fake, environ: dict[str, str], say: Publish, naps: list[float]
) -> None:
    soon = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) - 5)}
    forge.faults.append(Fault((403, soon, {"message": "slow down"}), writes, times=1))
    forge.faults.append(Fault((403, {}, {"message": "You have exceeded a secondary rate limit"}), lists, times=1))

    with pytest.raises(UnavailableError, match="slow down"):
        say(environ)
    assert naps == [60.0]
    assert say(environ).action == "created"


def test_a_connection_that_breaks(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.faults.append(Fault(None, lists, times=1))
    assert say(environ).action == "created"

    forge.faults[:] = [Fault(None)]
    with pytest.raises(UnavailableError, match=r"127.0.0.1 can't be reached"):
        say(environ)


def test_no_network(forge: Fake, environ: dict[str, str], say: Publish, naps: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=r"127.0.0.1 can't be reached: .*refused") as caught:
            say({**environ, "MINE": TOKEN}, api_url=nobody, token_env="MINE")
    assert "Check the URL of the API (--api-url)." in caught.value.hint
    assert naps == [2.0]
    with pytest.raises(UnavailableError, match=r"forge.invalid can't be reached"):
        say({**environ, "MINE": TOKEN}, api_url="https://forge.invalid", token_env="MINE")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_the_token(
    forge: Fake, environ: dict[str, str], say: Publish, status: int
) -> None:
    with served(FakeGitHub()) as thief:
        for fits in (lists, writes):
            forge.faults[:] = [Fault((status, {"Location": f"{thief.url}/collect"}, None), fits)]
            with pytest.raises(ForgeError, match=f"answered {status}, a redirect, which is not followed") as caught:
                say(environ)
    assert "--api-url" in caught.value.hint
    assert thief.asked == []


def test_an_address_that_is_no_api(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.faults.append(Fault((200, {}, b"<html>Sign in</html>")))

    with pytest.raises(ForgeError, match="did not answer with JSON"):
        say(environ)


def test_an_answer_without_end_is_not_read(
    forge: Fake, environ: dict[str, str], say: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alembic_review.forge.http._LARGEST", 100)
    forge.faults.append(Fault((200, {}, b"[" + b" " * 200 + b"]"), lists))

    with pytest.raises(ForgeError, match="more than 100 bytes"):
        say(environ)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://h/", "//h/", "https://me:pw@h/", "https://", "h", "https://[x", "https://h:p/"]
)
def test_only_http_is_spoken(forge: Fake, environ: dict[str, str], say: Publish, url: str) -> None:
    with pytest.raises(UsageError, match="does not have the form") as caught:
        say({**environ, "MINE": TOKEN}, api_url=url, token_env="MINE")
    assert "pw" not in caught.value.message


@pytest.mark.parametrize("token", [f"{TOKEN}\r\nX-Evil: 1", f"{TOKEN} {TOKEN}", f"{TOKEN}\N{SNOWMAN}", f"{TOKEN}\x00"])
def test_a_token_that_would_end_its_header_is_refused_unseen(
    forge: Fake, environ: dict[str, str], say: Publish, token: str
) -> None:
    with pytest.raises(UsageError, match="contains invalid characters") as caught:
        say({**environ, "SECRET": token}, token_env="SECRET")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert forge.asked == []


def test_space_around_a_token_is_forgiven(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    assert say({**environ, "SECRET": f" {TOKEN}\n"}, token_env="SECRET").action == "created"


def test_a_forge_that_repeats_the_token_and_writes_to_the_log(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    said = f"No: {TOKEN}\n::set-output name=x::y\n##[error]\x1b[31m{'long ' * 200}"
    for status in (403, 503):
        forge.faults[:] = [Fault((status, {}, {"message": said}), writes)]
        with pytest.raises(ForgeError) as caught:
            say(environ)
        shown = "".join(traceback.format_exception(caught.value))
        assert TOKEN not in shown
        assert "No: *** ::set-output" in caught.value.message
        assert "##[" not in caught.value.message
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 400


def test_no_token(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    without = {name: value for name, value in environ.items() if "TOKEN" not in name or name == "CI_JOB_TOKEN"}

    with pytest.raises(ForgeError, match="There is no token: ") as caught:
        say(without)
    assert "from a fork" in caught.value.hint
    with pytest.raises(ForgeError, match="There is no token: MINE is empty"):
        say(environ | {"MINE": ""}, token_env="MINE")
    assert forge.asked == []


def test_a_token_that_may_not_tell_whose_it_is(environ: dict[str, str], forge: Fake, say: Publish) -> None:
    forge.faults.append(Fault((403, {}, {"message": "missing scope"}), lambda asked: not lists(asked), times=1))

    with pytest.raises(ForgeError, match="missing scope") as caught:
        say(environ)
    if isinstance(forge, FakeForgejo):
        assert "read:user" in caught.value.hint
        assert "--author" in caught.value.hint
    assert forge.comments == []


def test_a_forge_that_does_not_say_whose_token_it_is(environ: dict[str, str], forge: Fake, say: Publish) -> None:
    forge.faults.append(Fault((200, {}, {"errors": [{"message": "no"}]}), lambda asked: not lists(asked), times=1))

    with pytest.raises(ForgeError, match="does not report the user of the token") as caught:
        say(environ)
    assert "--author" in caught.value.hint
