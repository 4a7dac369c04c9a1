"""Files of SQL are split where psql and the sqlite3 shell split them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.worker.environment.schema_before import fields
from alembic_review.worker.environment.sql_files import DumpError, statements

DUMP = Path(__file__).resolve().parents[3] / "fixtures" / "env_before" / "db" / "before.sql"
BEGINNING = re.compile(r"(ALTER|COMMENT|COPY|CREATE|GRANT|INSERT|REVOKE|SELECT|SET)\s")

_TEXT = st.text(st.sampled_from("ab;'\"$\\(\n-*/ é"), max_size=8)
_TAG = st.sampled_from(["", "body", "_1", "é"])


def _dollars(tag: str, text: str) -> str:
    quote = f"${tag}$"
    # Neither what is quoted nor its end together with the quote's own sign may look like the quote.
    return f"{quote}{text.replace('$', '')}{quote}"


_PIECES = {
    "postgresql": st.one_of(
        st.sampled_from(
            ["SELECT", "a1", "x$1", "42", "+", "::text", "$1", "e", "begin", "END", "case", "{", ":x", "%s"]
        ),
        _TEXT.map(lambda text: "'" + text.replace("'", "''") + "'"),
        _TEXT.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
        _TEXT.map(lambda text: '"' + text.replace('"', '""') + '"'),
        st.builds(_dollars, _TAG, _TEXT),
        _TEXT.map(lambda text: "/*" + text.replace("*", "").replace("/", "") + "/* ; */ ' */"),
        _TEXT.map(lambda text: "--" + text.replace("\n", "") + "\n"),
        st.sampled_from(["(a; b)", "(')', ((;)))", "\n"]),
    ),
    "sqlite": st.one_of(
        st.sampled_from(["SELECT", "a1", "42", "+", "{", ":x", "-", "/", "\n"]),
        _TEXT.map(lambda text: "'" + text.replace("'", "''") + "'"),
        _TEXT.map(lambda text: '"' + text.replace('"', '""') + '"'),
        _TEXT.map(lambda text: f"`{text}`"),
        _TEXT.map(lambda text: f"[{text}]"),
        _TEXT.map(lambda text: "/*" + text.replace("*", "") + "*/"),
        _TEXT.map(lambda text: "--" + text.replace("\n", "") + "\n"),
    ),
}


@pytest.mark.parametrize("dialect", _PIECES)
@given(data=st.data())
def test_statements_are_what_stands_between_semicolons(dialect: str, data: st.DataObject) -> None:
    bodies = data.draw(st.lists(st.lists(_PIECES[dialect], max_size=6), max_size=4))
    text, expected = "", []
    for pieces in bodies:
        text += data.draw(st.sampled_from(["\n", " -- ; it's\n", '/* ; " */', "\n\n"]))
        body = " ".join(["DO", *pieces])
        expected.append((body.rstrip(), text.count("\n") + 1))
        text += f"{body}\n;"
    assert [(found.text, found.line) for found in statements(text, dialect)] == expected


def test_an_unedited_dump() -> None:
    text = DUMP.read_text()
    found = list(statements(text, "postgresql"))
    lines = text.splitlines()
    assert all(BEGINNING.match(statement.text) for statement in found)
    # What pg_dump writes starts at a line of its own, and so does what follows.
    assert [statement.line for statement in found] == [
        number for number, line in enumerate(lines, 1) if BEGINNING.match(line)
    ]
    copied = {statement.text.split()[1]: statement for statement in found if statement.rows is not None}
    assert {name: len(statement.rows or ()) for name, statement in copied.items()} == {
        "archive.marker": 1,
        "archive.sale_2020": 1,
        "public.book": 2,
        "public.country": 3,
        "public.visit": 0,
    }
    country = copied["public.country"]
    assert country.rows is not None
    assert lines[country.data_line - 1] == country.rows[0]


def test_bodies_of_functions_and_triggers() -> None:
    text = (
        "CREATE OR REPLACE FUNCTION a() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN 1=1 THEN 2 END; END;\n"
        "CREATE PROCEDURE b() BEGIN ATOMIC; END; BEGIN; SELECT 1; END"
    )
    assert [found.text.split()[0] for found in statements(text, "postgresql")] == [
        *("CREATE", "CREATE", "BEGIN", "SELECT", "END"),
    ]
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 'x;'; DELETE FROM a; END"
    found = list(statements(f"BEGIN TRANSACTION;\n{trigger};\nCOMMIT;", "sqlite"))
    assert [statement.text for statement in found] == ["BEGIN TRANSACTION", trigger, "COMMIT"]


def test_backslashes_quote_where_the_file_says_so() -> None:
    on, off = "SET standard_conforming_strings TO on", "SET standard_conforming_strings = 'off'"
    text = rf"SELECT '\'; {off}; SELECT '\';'; {on}; SELECT '\'"
    found = [statement.text for statement in statements(text, "postgresql")]
    assert found == [r"SELECT '\'", off, r"SELECT '\';'", on, r"SELECT '\'"]
    continued = "SELECT E'a\\''\n  ';\\'' || 'b'; SELECT 2"
    assert len(list(statements(continued, "postgresql"))) == 2


@pytest.mark.parametrize(
    ("dialect", "text", "message", "line"),
    [
        ("postgresql", "SELECT 1;\n\\connect other\nSELECT 2;", r"\connect is a command of psql", 2),
        ("postgresql", "SELECT 1\n\\gexec\n", r"\gexec is a command of psql", 2),
        ("postgresql", "SELECT 1;\nSELECT 'a;\nb", "A quote (') is not closed", 2),
        ("postgresql", "\nSELECT $a$ $b$", "A quote ($a$) is not closed", 2),
        ("postgresql", "SELECT 1;\n/* /* */ SELECT 2;", "A comment (/*) is not closed", 2),
        ("sqlite", "SELECT 1;\n.read other.sql\n", ".read is a command of the sqlite3 shell", 2),
        ("sqlite", "SELECT 1;\nSELECT [a", "A quote ([) is not closed", 2),
    ],
)
def test_what_is_no_sql_is_refused(dialect: str, text: str, message: str, line: int) -> None:
    with pytest.raises(DumpError, match=re.escape(message)) as caught:
        list(statements(text, dialect))
    assert caught.value.line == line


_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_rows_of_copy_are_read_as_they_were_written(values: list[str | None]) -> None:
    written = ("\\N" if value is None else "".join(_ESCAPES.get(sign, sign) for sign in value) for value in values)
    assert list(fields("\t".join(written))) == values


def test_rows_of_copy_with_numbers_of_bytes() -> None:
    assert list(fields(r"\303\251\x41\8	\x2g")) == ["éA8", "\x02g"]
