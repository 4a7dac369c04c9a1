"""Passwords that are known by their text are hidden wherever they occur, and nothing else is."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alembic_review.model.review import Gate, Outcome, Provenance, Review, Role, Summary, Table
from alembic_review.model.secrets.known_passwords import HIDDEN, forget, hide, known, learn, passwords_in
from alembic_review.model.secrets.masking import mask
from alembic_review.model.secrets.redacted_review import redacted

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=8, max_size=20).filter(
    lambda text: any(map(str.isalpha, text)) and not all(map(str.isalpha, text)) and text[0] not in "%${<*e"
)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    forget()
    yield
    forget()


@given(SECRETS)
def test_a_known_password_survives_in_no_form(secret: str) -> None:
    forget()
    assume(learn([secret]))
    written = [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret),
        ascii(secret),
        json.dumps(secret),
        html.escape(secret),
        "'" + secret.replace("'", "''") + "'",
        secret.replace("%", "%%"),
        f"x{secret}y",
        f"\\n{secret}",
    ]
    for form in written:
        assert secret not in hide(f"a {form} b")
        assert HIDDEN in hide(f"a {form} b")


@given(st.text(), SECRETS)
def test_text_without_a_known_password_stays(text: str, secret: str) -> None:
    forget()
    learn([secret])
    assume(HIDDEN not in text and "%" not in text and "\\" not in text and "&" not in text)
    assume(secret not in text and secret.replace("'", "''") not in text)
    assert hide(text) == text


@given(st.text(st.characters(exclude_characters=":=%")), SECRETS)
def test_masking_changes_no_text_without_a_password(text: str, secret: str) -> None:
    forget()
    learn([secret])
    assume(secret not in text and secret[:5] not in text)
    assert mask(text) == text


@pytest.mark.parametrize(
    "word", ["", "abcd", "postgres", "PASSWORD", "secret", "env:NAME", "%(password)s", "${X}", "***"]
)
def test_words_that_any_text_has_are_not_learned(word: str) -> None:
    assert learn([word]) == ()
    assert known() == ()


@pytest.mark.parametrize("text", ["horses", "seahorse", "a_horse", "HORSE"])
def test_a_plain_word_is_hidden_only_as_a_word_of_its_own(text: str) -> None:
    learn(["horse"])
    assert hide(text) == text
    assert hide("a horse, 'horse', %3Ahorse and \\nhorse") == "a ***, '***', %3A*** and \\n***"


@pytest.mark.parametrize(
    ("text", "passwords"),
    [
        ("sqlalchemy.url = postgresql://library:c0rrect@db/library", {"c0rrect"}),
        (
            "url = postgresql://x:c0r%%40ect@db:5432/y?z=1",
            {"c0r%%40ect", "c0r%40ect", "c0r%@ect", "c0r@ect"},
        ),
        ("postgresql:/library:my c0rrect@db/x", {"my c0rrect"}),
        ("postgresql://library:a@c0rrect@db/x", {"a", "a@c0rrect"}),
        ("postgresql://db/x?user=y&password=c0r%40ect&z=1", {"c0r%40ect", "c0r@ect"}),
        ("password = c0rrect horse", {"c0rrect", "c0rrect horse"}),
        ("host=db password='it\\'s c0rrect' port=5", {"it\\'s c0rrect", "it's c0rrect"}),
        ('DB_PASSWORD = "c0rrect"', {"c0rrect"}),
        ("host=db password=c0rrect port=5", {"c0rrect"}),
        ("postgresql://library:library@db/library", set()),
        ("http://db:8080/ and me@example.org", set()),
        ("password_encryption = scram-sha-256", set()),
        ("{'user': 'me', 'pass': 'c0rrect'}", {"c0rrect"}),
        ("db_pass = c0rrect", {"c0rrect"}),
        ("the second pass: c0rrect, bypass=c0rrect", set()),
    ],
)
def test_passwords_are_found_in_settings(text: str, passwords: set[str]) -> None:
    assert set(passwords_in(text)) == passwords


def test_a_review_is_redacted_but_for_the_names_of_its_tables() -> None:
    learn(["library", "shelves", "c0rrect-h0rse"])
    review = Review(
        outcome=Outcome.CLEAN,
        gate=Gate(refused=False),
        summary=Summary(),
        changes=(),
        findings=(),
        tables=(Table(None, "library", "own", Role.CUSTOM, evidence=("library, c0rrect-h0rse",)),),
        provenance=Provenance("tool", models=("shelves.db",), not_checked=("c0rrect-h0rse", "postgresql://x:y@db/x")),
    )
    found = redacted(review)
    assert (found.tables[0].name, found.provenance.models) == ("library", ("shelves.db",))
    assert found.tables[0].evidence == ("library, ***",)
    assert found.provenance.not_checked == ("***", "postgresql://x:***@db/x")
    assert redacted(found) is found
