"""One comment that stays, on each kind of forge."""

from __future__ import annotations

import pytest

from alembic_review.forge.errors import ForgeError, RejectedError
from alembic_review.model.errors import UsageError
from tests.forge.conftest import Publish
from tests.forge.fakes import TOKEN, Fake, FakeForgejo, Fault, served

MARKER = "<!-- alembic-review -->"


def test_the_first_run_creates_the_comment(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.comment("Nice work!", author="human")

    posted = say(environ, "| a | table |")

    assert (posted.action, posted.number) == ("created", 7)
    assert forge.bodies()[1:] == [f"{MARKER}\n\n| a | table |\n"]
    assert posted.url == ("" if forge.name == "gitlab" else "https://github.example/acme/poser/pull/7#issuecomment-2")


def test_the_next_run_updates_it_and_leaves_all_others_alone(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    forge.comment("Nice work!", author="human")
    say(environ, "first")
    forge.comment("Thank you!", author="human")

    posted = say(environ, "second")

    assert posted.action == "updated"
    assert forge.bodies() == ["Nice work!", f"{MARKER}\n\nsecond\n", "Thank you!"]


def test_a_comment_that_says_it_already_is_left_as_it_is(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    say(environ, "same")
    forge.comments[0]["body"] = forge.comments[0]["body"].replace("\n", "\r\n")
    before = len(forge.done())

    assert say(environ, "same").action == "unchanged"
    assert len(forge.done()) == before


@pytest.mark.parametrize("paged", [False, True])
def test_the_comment_is_found_on_any_page(forge: Fake, environ: dict[str, str], say: Publish, paged: bool) -> None:
    if isinstance(forge, FakeForgejo):
        forge.paged = paged
    for number in range(210):
        forge.comment(f"chatter {number}", author="system" if number % 2 else "human")
    own = forge.comment(f"{MARKER}\n\nold", author=forge.me)
    forge.comment("the last word", author="human")

    assert say(environ, "new").action == "updated"
    assert "new" in forge.bodies()[own - 1]
    assert len(forge.comments) == 212


def test_somebody_elses_comment_with_the_marker_is_not_touched(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    forge.comment(f"{MARKER}\n\nAll safe, merge me!", author="mallory")

    assert say(environ, "blocked").action == "created"
    assert forge.bodies()[0] == f"{MARKER}\n\nAll safe, merge me!"
    assert len(forge.comments) == 2


def test_a_quoted_marker_is_no_marker(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.comment(f"Somebody wrote:\n{MARKER}\n", author=forge.me)

    assert say(environ).action == "created"


def test_the_case_of_a_login_does_not_matter(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.comment(f"{MARKER}\n\nold", author=forge.me.upper())

    assert say(environ).action == "updated"


def test_left_over_doubles_are_removed(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    for body in (f"{MARKER}\nfrom one run", "mine, but no review", f"{MARKER}\nfrom another run at the same time"):
        forge.comment(body)

    assert say(environ, "now").action == "updated"
    assert [body.split("\n")[2:3] for body in forge.bodies()] == [["now"], []]


def test_each_key_has_a_comment_of_its_own(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    say(environ, "plain")
    say(environ, "one", key="warehouse")
    say(environ, "two", key="shop/eu-west")

    assert say(environ, "three", key="warehouse").action == "updated"
    assert [body.split("\n")[0:3:2] for body in forge.bodies()] == [
        [MARKER, "plain"],
        ["<!-- alembic-review: warehouse -->", "three"],
        ["<!-- alembic-review: shop/eu-west -->", "two"],
    ]


@pytest.mark.parametrize("key", ["a--b", "a-", "--><b>", "-", "a b", "a\nb", "x" * 61, "ä"])
def test_a_key_that_would_break_out_of_the_marker_is_refused(
    forge: Fake, environ: dict[str, str], say: Publish, key: str
) -> None:
    with pytest.raises(UsageError, match="The key may have"):
        say(environ, key=key)
    assert forge.asked == []


def test_an_author_that_is_named_is_not_asked_for(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    forge.comment(f"{MARKER}\n\nold", author="somebody")

    assert say(environ, author="somebody").action == "updated"
    assert [asked.path for asked in forge.asked if asked.path.endswith(("user", "graphql"))] == []


def test_lines_that_a_forge_would_obey_are_defused(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    say(environ, "````sql\n/merge\n  /close now\r/approve\r\n/* a comment */\n10 /x\n````")

    lines = forge.bodies()[0].split("\n")[3:-2]
    assert lines == ["/\u200bmerge", "  /\u200bclose now", "/\u200bapprove", "/* a comment */", "10 /x"]


def test_a_text_that_is_too_long_for_this_forge_is_not_even_sent(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    say(environ, "x" * 1_000_001, "short")

    assert len(forge.done("POST")) == 1
    assert "short" in forge.bodies()[0]


def test_when_the_forge_says_too_long_the_shorter_text_is_sent(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    forge.longest = 500
    say(environ, "first")

    posted = say(environ, "x" * 600, "y" * 490, "z")

    assert posted.action == "updated"
    assert len(forge.comments) == 1
    assert "y" not in forge.bodies()[0]
    assert "z" in forge.bodies()[0]


def test_when_nothing_is_short_enough_the_forges_own_words_are_told(
    forge: Fake, environ: dict[str, str], say: Publish
) -> None:
    forge.longest = 10

    with pytest.raises(RejectedError, match=r"answered 4\d\d: .*too long \(maximum is 10 characters\)"):
        say(environ, "x", "y")
    assert forge.comments == []


def test_a_commit_that_is_none_is_not_shown(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    say({**environ, "GITHUB_EVENT_PATH": "", "CI_COMMIT_SHA": "<b>", "CI_MERGE_REQUEST_IID": ""}, pull_request=7)

    assert forge.bodies() == [f"{MARKER}\n\nhello\n"]


def test_the_token_is_shown_to_the_api_only(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    say(environ, "hello")

    assert TOKEN not in forge.bodies()[0]
    assert all(TOKEN not in asked.path and TOKEN not in str(asked.query) for asked in forge.asked)
    assert all(TOKEN in str(asked.headers) for asked in forge.asked)


def test_pages_that_never_end_are_left(say: Publish, environ: dict[str, str], forge: Fake) -> None:
    """A forge that always names the same next page, or a total that is never reached."""
    if forge.name == "github":
        return  # it would have to send new pages without end
    shown = forge.shown({"id": 1, "body": "x", "by": "human", "pull": 7})
    reply = (200, {"X-Next-Page": "1", "X-Total-Count": "99", "Link": '<x>; rel="next"'}, [shown])
    forge.faults.append(
        Fault(reply, lambda asked: asked.path.endswith(("comments", "notes")) and asked.method == "GET")
    )

    assert say(environ).action == "created"


def test_a_forge_that_speaks_no_sense_is_an_error(forge: Fake, environ: dict[str, str], say: Publish) -> None:
    for reply in ([{"no": "id"}], [5], [{"id": "1"}], [{"id": True}]):
        forge.faults[:] = [Fault((200, {}, reply), lambda asked: asked.path.endswith(("comments", "notes")))]
        with pytest.raises(ForgeError, match="has no id"):
            say(environ)


def test_two_forges_at_once(environ: dict[str, str], forge: Fake, say: Publish) -> None:
    with served(FakeForgejo()) as other:
        posted = say(
            environ | {"FORGEJO_TOKEN": TOKEN},
            forge="forgejo",
            token_env="FORGEJO_TOKEN",
            api_url=f"{other.url}/api/v1",
            repository="acme/poser",
            pull_request=7,
        )
    assert posted.action == "created"
    assert forge.asked == []
