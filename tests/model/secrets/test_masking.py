from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alembic_review.model.secrets.masking import HIDDEN, mask

WORDS = st.characters(categories=["L", "N", "P", "S"], exclude_characters="*")
URL_SAFE = st.text(WORDS.filter(lambda char: char != '"'), min_size=1)
PLAIN = st.text(WORDS.filter(lambda char: char not in "\\'\"{&?"), min_size=1)
LINE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1)
ANY = st.text(min_size=1)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://poser:s3cr3t@db/poser",
        "could not connect to postgresql+psycopg2://poser:s3cr3t@db:5432/poser?x=1 at all",
        "connection to postgresql://:s3cr3t@db/poser",
        "postgresql://poser:s3cr3t/with:odd@db/poser",
        "postgresql://poser@azure:s3cr3t@db/poser",
        "postgresql://poser:it's-s3cr3t@db/poser",
        'postgresql://poser:5"s3cr3t@db/poser',
        "postgresql://db/poser?user=poser&sslpassword=s3cr3t&password=s3cr3t&application_name=x",
        "mssql+pyodbc:///?odbc_connect=UID%3Dx%3BPWD%3Ds3cr3t",
        "DRIVER=x;UID=y;PWD={s3cr3t; s3cr3t};SERVER=z",
        "dbname=x user=y password=s3cr3t host=z",
        "dbname=x user=y password = s3,cr)3t's3cr3t host=z",
        "dbname=x password=my\\ s3cr3t host=z",
        "password='my s3cr3t' host=z",
        "password='it\\'s s3cr3t' host=z",
        "password='my s3cr3t",
        'psycopg.connect(password="s3cr3t")',
        "asyncpg.connect(password=b's3cr3t s3cr3t')",
        "{'user': 'x', 'password': 's3cr3t'}",
        '{"user": "x", "passwd" : "s3\\"cr3t s3cr3t"}',
        "PGPASSWORD=s3cr3t psql",
        "db_password: s3cr3t",
        "ALTER USER poser PASSWORD 's3cr3t ''s3cr3t'''",
        "create role poser with login password 's3cr3t",
        "CREATE USER poser IDENTIFIED BY 's3cr3t'",
        "CREATE USER poser PASSWORD $$s3cr3t s3cr3t$$ LOGIN",
        "CREATE USER poser PASSWORD $a$s3cr3t $$ s3cr3t$a$ LOGIN",
        "ALTER ROLE poser PASSWORD E's3cr3t\\'s3cr3t'",
        "ALTER ROLE poser PASSWORD U&'s3cr3t'",
        "DO $$ BEGIN EXECUTE 'ALTER ROLE poser PASSWORD ''my s3cr3t'' LOGIN'; END $$",
        "EXECUTE 'EXECUTE ''ALTER ROLE poser PASSWORD ''''s3cr3t s3cr3t'''' '' '",
        "postgresql://poser:my own s3cr3t@db/poser",
        "postgresql://poser:my s3cr3t@s3cr3t@db/poser",
        "postgresql:/poser:s3cr3t@db/poser",
        "PosixPath('postgresql:/poser:s3cr3t s3cr3t@db/poser')",
        "'host=db password=\\'my s3cr3t\\' port=5'",
        '"host=db password=\\"my s3cr3t\\" port=5"',
        r"'host=db password=\'it\\\'s s3cr3t\''",
        r"""raise ValueError("host=db password='it\\'s s3cr3t'")""",
        r'op.execute("ALTER ROLE poser PASSWORD\n  \'my s3cr3t\'")'.replace(r"\'", "'"),
        "ALTER ROLE poser PASSWORD\n  'my s3cr3t'",
    ],
)
def test_passwords_are_hidden(text: str) -> None:
    assert "s3cr3t" not in mask(text)
    assert HIDDEN in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8080/path and mail to me@example.org",
        "postgresql://poser@db/poser",
        "postgresql://db:5432/poser?application_name=x",
        "sqlite:////srv/app.db",
        "ssh://git@db:22/poser.git",
        'connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "poser"',
        "fe_sendauth: no password supplied",
        "op.add_column('user', sa.Column('password', sa.String(length=60), nullable=True))",
        "identified by its name",
        "CREATE INDEX ix_password ON account (lower(password::text))",
        "sa.column('password') == other.password == 'x'",
        "Can't locate revision identified by '47ab90e1c8f3'",
        '{"url": "http://db:80/", "by":"me@example.org"}',
        '{"url":"http://db:80/","by":"me@example.org"}',
    ],
)
def test_text_without_a_password_stays(text: str) -> None:
    assert mask(text) == text


@given(URL_SAFE)
def test_no_password_of_a_url_survives(password: str) -> None:
    told = f"env.py said postgresql+x://user:{{}}@host:5/db?a=1{' '}again"
    assert mask(told.format(password)) == told.format(HIDDEN)


@given(ANY)
def test_no_quoted_password_of_a_url_survives(password: str) -> None:
    told = "postgresql://user:{}@host/db?sslmode=require"
    assert mask(told.format(quote(password, safe=""))) == told.format(HIDDEN)
    told = "postgresql://host/db?user=x&password={}&sslmode=require"
    assert mask(told.format(quote(password, safe=""))) == told.format(HIDDEN)


@given(PLAIN)
@example("=")
@pytest.mark.parametrize("told", ["user=x password={} host=z", "PGPASSWORD={} psql", "db_password: {}", "Pwd = {}"])
def test_no_password_without_quotes_survives(told: str, password: str) -> None:
    assert mask(told.format(password)) == told.format(HIDDEN)


@given(LINE)
def test_no_quoted_password_survives(password: str) -> None:
    libpq = password.replace("\\", r"\\").replace("'", r"\'")
    assert mask(f"user=x password='{libpq}' host=z") == f"user=x password={HIDDEN} host=z"
    assert mask(f"connect(host='h', password={password!r}, port=5)") == f"connect(host='h', password={HIDDEN}, port=5)"
    assert mask(f"{{'password': {password!r}, 'port': 5}}") == f"{{'password': {HIDDEN}, 'port': 5}}"


@given(ANY)
def test_no_password_in_json_survives(password: str) -> None:
    assert mask(json.dumps({"password": password, "port": 5})) == f'{{"password": {HIDDEN}, "port": 5}}'


@given(LINE.filter(lambda text: "\\" not in text))
def test_no_password_in_sql_survives(password: str) -> None:
    told = "ALTER USER x WITH PASSWORD {} VALID UNTIL 'infinity'"
    assert mask(told.format("'" + password.replace("'", "''") + "'")) == told.format(HIDDEN)


@given(ANY)
def test_masking_twice_is_masking_once(text: str) -> None:
    for told in (f"password={text}", f"a://b:{text}@c", f"?password={text}", text):
        assert mask(mask(told)) == mask(told)


@given(st.text(st.characters(exclude_characters=":=%")))
def test_other_text_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("word", ["x", "://a:", "password", "'", '"', "?", "\\"])
def test_a_long_line_takes_no_time_worth_speaking_of(word: str) -> None:
    start = time.perf_counter()
    mask(word * 20_000)
    assert time.perf_counter() - start < 5
