"""SQLite's catalogue: what ``PRAGMA table_xinfo`` shows, and for the rest the text of CREATE statements.

https://www.sqlite.org/lang_createtable.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from alembic_review.model.keys import TableKey
from alembic_review.worker.prove.blind.building import key_of
from alembic_review.worker.prove.blind.state import ColumnState, ItemState, State, TableState
from alembic_review.worker.prove.data.structure import execute, quoted_name

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|[\w$.]+|<>|!=|==|<=|>=|\|\||.",
    re.DOTALL,
)
_SAME = {"!=": "<>", "==": "="}
_TABLE_WORDS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
_KINDS = {"CHECK": "check", "UNIQUE": "unique", "FOREIGN": "foreign_key"}
# Where the next part of a column's definition begins.
_COLUMN_WORDS = frozenset(
    {"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"}
)
_KEYWORD = re.compile(
    r"AND|OR|NOT|NULL|IS|IN|LIKE|GLOB|BETWEEN|WHERE|COLLATE|ASC|DESC|CASE|WHEN|THEN|ELSE|END|ON|DELETE|UPDATE|SET"
    r"|DEFAULT|CASCADE|RESTRICT|NO|ACTION|REFERENCES|DEFERRABLE|INITIALLY|DEFERRED|IMMEDIATE|MATCH",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"\brandom(?:blob)?\s*\(", re.IGNORECASE)
_NUMERIC = re.compile(r"INT|REAL|FLOA|DOUB|NUM|DEC|BOOL|DATE|TIME", re.IGNORECASE)

_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index')"


def identities(connection: Connection, tables: Iterable[Table]) -> dict[TableKey, str]:
    """The name of each of these tables that exists."""
    rows = execute(connection, "SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    known = {str(name).lower(): str(name) for (name,) in rows}
    return {
        key_of(table): known[table.name.lower()]
        for table in tables
        if table.schema is None and table.name.lower() in known
    }


def drop(connection: Connection, tables: Iterable[Table]) -> None:
    """Drop these tables."""
    for table in tables:
        execute(connection, f"DROP TABLE {quoted_name(table.name)}")


def read(connection: Connection, tables: Mapping[TableKey, str]) -> State:
    """The state of these tables."""
    rows = execute(connection, _OBJECTS).fetchall()
    texts = {name: sql for kind, name, _, sql in rows if kind == "table"}
    indexes: dict[str, list[tuple[str, str]]] = {}
    for kind, name, table, sql in rows:
        if kind == "index" and sql is not None:
            indexes.setdefault(str(table).lower(), []).append((name, sql))
    found = {}
    for key, name in tables.items():
        info = execute(connection, f"PRAGMA table_xinfo({quoted_name(name)})").fetchall()
        found[key] = _table(info, texts[name] or "", indexes.get(name.lower(), []))
    return State(found)


def same_default(connection: Connection, one: str, other: str, kind: str) -> bool:
    """Whether two server defaults are stored as the same value in a column of this type."""
    if not one or not other or _RANDOM.search(f"{one} {other}"):
        return False
    try:
        first, second = execute(connection, f"SELECT ({one}), ({other})").fetchone()
    except DBAPIError:
        return False
    return bool(_stored(first, kind) == _stored(second, kind))


def _stored(value: Any, kind: str) -> Any:
    """What a column with numeric affinity makes of a text (https://www.sqlite.org/datatype3.html)."""
    if isinstance(value, str) and _NUMERIC.search(kind):
        try:
            return float(value)
        except ValueError:
            return value
    if isinstance(value, (int, float)) and not _NUMERIC.search(kind):
        return str(value)
    return value


def _table(info: Sequence[Any], sql: str, indexes: Iterable[tuple[str, str]]) -> TableState:
    body, after = _body(_tokens(sql))
    items: list[ItemState] = []
    texts: dict[str, _Column] = {}
    autoincrement = False
    for definition in _split(body):
        if definition[0].upper() in _TABLE_WORDS:
            items += _constraint(definition)
            continue
        column = _Column.read(definition)
        texts[column.name.lower()] = column
        items += column.items
        autoincrement = autoincrement or "AUTOINCREMENT" in (token.upper() for token in definition)
    columns = {}
    primary: list[tuple[int, str]] = []
    single = sum(bool(row[5]) for row in info) == 1
    for _, name, kind, notnull, default, pk, hidden in info:
        text = texts.get(str(name).lower(), _Column(str(name)))
        columns[name] = ColumnState(
            type=str(kind).upper(),
            collation=text.collation,
            # This is another name of the rowid, which every row has (https://www.sqlite.org/lang_createtable.html#rowid).
            nullable=not notnull and not (single and pk and str(kind).upper() == "INTEGER"),
            default=_unwrapped(str(default)) if default is not None else "",
            generated=text.generated if hidden in (2, 3) else "",
        )
        if pk:
            primary.append((pk, name))
    if primary:
        keys = tuple(name for _, name in sorted(primary))
        items.append(ItemState("primary_key", "", f"PRIMARY KEY ({', '.join(keys)})", keys))
    items += [_index(name, text, columns) for name, text in indexes]
    options = [word for word in ("WITHOUT ROWID", "STRICT") if word in " ".join(after).upper()]
    return TableState(columns, tuple(items), storage=(*["AUTOINCREMENT"] * autoincrement, *options))


def _index(name: str, sql: str, columns: Iterable[str]) -> ItemState:
    tokens = _tokens(sql)
    start = tokens.index("(")
    unique = "UNIQUE " if tokens[1].upper() == "UNIQUE" else ""
    words = {_name(token).lower() for token in tokens[start:]}
    on = tuple(column for column in columns if column.lower() in words)
    return ItemState("index", name, f"{unique}{_text(tokens[start:])}", on, statement=sql)


@dataclass
class _Column:
    """What the text of a column says besides type, default and NOT NULL."""

    name: str
    collation: str = ""
    generated: str = ""
    items: tuple[ItemState, ...] = ()

    @classmethod
    def read(cls, tokens: list[str]) -> _Column:
        column = cls(_name(tokens[0]))
        constraint = ""
        for word, part in _parts(tokens[1:]):
            if word == "CONSTRAINT":
                constraint = _name(part[1]) if len(part) > 1 else ""
                continue
            if word == "COLLATE" and len(part) > 1:
                column.collation = _name(part[1])
            elif word in ("GENERATED", "AS"):
                stored = "STORED" if part[-1].upper() == "STORED" else "VIRTUAL"
                inside, _ = _body(part)
                column.generated = f"GENERATED ALWAYS AS ({_text(inside)}) {stored}"
            elif word == "CHECK":
                column.items += (_check(constraint, part),)
            elif word == "UNIQUE":
                column.items += (ItemState("unique", constraint, _unique([column.name], part), (column.name,)),)
            elif word == "REFERENCES":
                text = f"FOREIGN KEY ({column.name}) {_text(part)}"
                column.items += (ItemState("foreign_key", constraint, text, (column.name,), _name(part[1])),)
            constraint = ""
        return column


def _parts(tokens: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The parts of a column's definition, each with the word that begins it."""
    part: list[str] = []
    depth = 0
    for token in tokens:
        word = token.upper()
        # NOT DEFERRABLE, SET NULL and SET DEFAULT belong to a foreign key, and AS to GENERATED ALWAYS.
        inside = bool(part) and (
            (part[0].upper() == "REFERENCES" and word in ("NOT", "NULL", "DEFAULT"))
            or (part[0].upper() == "GENERATED" and word == "AS")
            or (part[0].upper() == "NOT" and word == "NULL")
        )
        if depth == 0 and word in _COLUMN_WORDS and not inside:
            if part:
                yield part[0].upper(), part
            part = []
        depth += {"(": 1, ")": -1}.get(token, 0)
        part.append(token)
    if part:
        yield part[0].upper(), part


def _constraint(tokens: list[str]) -> Iterator[ItemState]:
    name = ""
    if tokens[0].upper() == "CONSTRAINT":
        name, tokens = _name(tokens[1]), tokens[2:]
    kind = _KINDS.get(tokens[0].upper())
    if kind == "check":
        yield _check(name, tokens)
    elif kind is not None:
        inside, after = _body(tokens)
        columns = tuple(_name(part[0]) for part in _split(inside))
        if kind == "unique":
            yield ItemState(kind, name, _unique(columns, after), columns)
        else:
            text = f"FOREIGN KEY ({', '.join(columns)}) {_text(after)}"
            yield ItemState(kind, name, text, columns, _name(after[1]))


def _check(name: str, tokens: list[str]) -> ItemState:
    inside, _ = _body(tokens)
    # Which columns it is about is not in the catalogue.
    return ItemState("check", name, f"CHECK ({_unwrapped(_text(inside))})")


def _unique(columns: Iterable[str], after: list[str]) -> str:
    conflict = _text(after[after.index("ON") :]) if "ON" in after else ""
    return f"UNIQUE ({', '.join(columns)}) {conflict}".rstrip()


def _tokens(sql: str) -> list[str]:
    """The tokens of a statement, without white space and comments."""
    found = (token for token in _TOKEN.findall(sql) if not token.isspace() and not token.startswith(("--", "/*")))
    return [_SAME.get(token, token) for token in found]


def _body(tokens: list[str]) -> tuple[list[str], list[str]]:
    """What stands in the first round brackets, and what follows them."""
    if "(" not in tokens:
        return [], tokens
    start, depth = tokens.index("("), 0
    for number in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[number], 0)
        if depth == 0:
            return tokens[start + 1 : number], tokens[number + 1 :]
    return tokens[start + 1 :], []


def _split(tokens: list[str]) -> list[list[str]]:
    """The parts between commas that stand in no further brackets."""
    parts: list[list[str]] = [[]]
    depth = 0
    for each in tokens:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if each == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(each)
    return [part for part in parts if part]


def _name(token: str) -> str:
    return token[1:-1] if token[:1] in '"`[' and len(token) > 1 else token


def _text(tokens: Iterable[str]) -> str:
    """Tokens with one way of spacing and of quoting names."""
    shown = [_shown(token) for token in tokens]
    return re.sub(r" ?([(),]) ?", lambda match: {"(": " (", ")": ") ", ",": ", "}[match[1]], " ".join(shown)).strip()


def _shown(token: str) -> str:
    if token.startswith("'"):
        return token
    return token.upper() if _KEYWORD.fullmatch(token) else _name(token)


def _unwrapped(text: str) -> str:
    """Without brackets around the whole."""
    while text.startswith("(") and text.endswith(")"):
        inside, after = _body(_tokens(text))
        if after:
            break
        text = _text(inside)
    return text
