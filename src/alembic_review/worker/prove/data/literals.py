"""Values for rows, as the text of a literal: benign ones, and hostile ones for a change of type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from alembic_review.worker.prove.data.structure import Column

_LENGTH = re.compile(r"\((\d+)(?:,\s*(-?\d+))?\)")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.'])")

# https://www.postgresql.org/docs/current/datatype.html; also the affinities of SQLite's types.
TEXTS = frozenset(
    {"text", "character varying", "character", "varchar", "char", "bpchar", "citext", "clob", "nvarchar", "nchar"}
    | {"string", ""}
)
_INTEGERS = {
    "smallint": 2**15 - 1,
    "integer": 2**31 - 1,
    "int": 2**31 - 1,
    "bigint": 2**63 - 1,
    "oid": 2**31 - 1,
    "tinyint": 127,
    "mediumint": 2**23 - 1,
}
_FLOATS = frozenset({"real", "double precision", "float", "double"})
_DECIMALS = frozenset({"numeric", "decimal"})
LONGEST = 400  # characters where the type has no limit: indexed values must stay below a third of a page
_WORDS = ("abc", "")


def kind_of(column: Column) -> str:
    """The name of a type without its modifiers, in lower case."""
    plain = re.sub(r"\s*\([^)]*\)", "", column.plain).lower().strip()
    return plain.strip('"').rpartition(".")[2].strip('"') if "." in plain else plain.strip('"')


def is_text(column: Column) -> bool:
    """Whether a column holds texts of any content."""
    return not column.labels and not column.array and kind_of(column) in TEXTS


def modifiers(column: Column) -> tuple[int | None, int | None]:
    """The length, or precision and scale, of a type."""
    match = _LENGTH.search(column.plain)
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2] is not None else None


def benign(column: Column, n: int) -> str | None:
    """The n-th value of a column, inside all bounds; different columns have different ones. ``None`` if unknown."""
    if column.labels:
        value: str | None = column.labels[(n - 1) % len(column.labels)]
    else:
        value = _plain(column, n)
    return f"{{{_element(value)}}}" if column.array and value is not None else value


def known(column: Column) -> bool:
    """Whether there are values for the type of a column."""
    return benign(column, 1) is not None


def _element(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(column: Column, n: int, largest: int) -> int:
    """Distinct for each column, where there is room."""
    place = column.number if isinstance(column.number, int) else sum(map(ord, str(column.number)))
    wanted = 100 * (place % 89 + 1) + n
    if wanted <= largest:
        return wanted
    return (n - 1) % largest + 1 if largest > 0 else 0


def _plain(column: Column, n: int) -> str | None:
    kind = kind_of(column)
    length, scale = modifiers(column)
    if kind in TEXTS:
        return str(_number(column, n, 10 ** min(length or 30, 30) - 1)) if length != 1 else _letter(n)
    if kind in _INTEGERS:
        return str(_number(column, n, _INTEGERS[kind]))
    if kind in _DECIMALS:
        return _decimal(column, n, length, scale)
    if kind in _FLOATS:
        return f"{_number(column, n, 10**6)}.123456789" if kind in ("double precision", "double") else f"{n}.5"
    maker = _MAKERS.get(kind)
    return maker(column, n) if maker is not None else None


def _letter(n: int) -> str:
    return "123456789abcdefghijklmnopqrstuvwxyz"[(n - 1) % 35]


def _decimal(column: Column, n: int, length: int | None, scale: int | None) -> str:
    if length is None:
        return f"{_number(column, n, 10**6)}.123456789"
    whole, digits = length - (scale or 0), scale or 0
    number = _number(column, n, 10**whole - 1) if whole > 0 else 0
    if digits <= 0:
        return str(number)
    fraction = str(n).rjust(digits, "0")[-digits:] if whole <= 0 else "25".ljust(digits, "0")[:digits]
    return f"{number}.{fraction}"


def _bits(column: Column, n: int) -> str:
    length, _ = modifiers(column)
    return format(n, "b").rjust(length or 1, "0")[-(length or 1) :]


def _day(column: Column, n: int) -> str:
    place = column.number if isinstance(column.number, int) else sum(map(ord, str(column.number)))
    return f"2024-{place % 12 + 1:02}-{(n - 1) % 28 + 1:02}"


def _moment(column: Column, n: int) -> str:
    return f"{_day(column, n)} 01:02:{n % 60:02}.456789"


Maker = Callable[[Column, int], str]

_MAKERS: dict[str, Maker] = {
    "boolean": lambda _, n: "true" if n % 2 else "false",
    "bool": lambda _, n: str(n % 2),
    "date": _day,
    "timestamp": _moment,
    "datetime": _moment,
    "timestamp without time zone": _moment,
    "timestamp with time zone": _moment,
    "time": lambda _, n: f"01:02:{n % 60:02}.456789",
    "time without time zone": lambda _, n: f"01:02:{n % 60:02}.456789",
    "time with time zone": lambda _, n: f"01:02:{n % 60:02}.456789+00",
    "interval": lambda _, n: f"{n} days 04:05:06.7",
    "uuid": lambda column, n: f"00000000-0000-4000-8000-{_number(column, n, 10**12):012}",
    "json": lambda column, n: f'{{"a": {_number(column, n, 10**6)}}}',
    "jsonb": lambda column, n: f'{{"a": {_number(column, n, 10**6)}}}',
    "bytea": lambda column, n: f"\\x{_number(column, n, 10**6):08x}",
    "blob": lambda column, n: f"b{_number(column, n, 10**6)}",
    "money": lambda column, n: f"{_number(column, n, 10**6)}.25",
    "inet": lambda _, n: f"10.0.{n // 250}.{n % 250 + 1}",
    "cidr": lambda _, n: f"10.{n // 250}.{n % 250}.0/24",
    "macaddr": lambda _, n: f"08:00:2b:01:{n // 250:02x}:{n % 250:02x}",
    "macaddr8": lambda _, n: f"08:00:2b:01:02:03:{n // 250:02x}:{n % 250:02x}",
    "bit": _bits,
    "bit varying": _bits,
    "point": lambda _, n: f"({n},{n})",
    "line": lambda _, n: f"{{1,1,{n}}}",
    "lseg": lambda _, n: f"[(0,0),({n},{n})]",
    "box": lambda _, n: f"({n},{n}),(0,0)",
    "path": lambda _, n: f"[(0,0),({n},{n})]",
    "polygon": lambda _, n: f"((0,0),({n},0),({n},{n}))",
    "circle": lambda _, n: f"<(0,0),{n}>",
    "tsvector": lambda _, n: f"word{n}",
    "tsquery": lambda _, n: f"word{n}",
    "xml": lambda _, n: f"<a>{n}</a>",
    "hstore": lambda _, n: f"a=>{n}",
    "ltree": lambda _, n: f"a.n{n}",
    "lquery": lambda _, n: f"a.n{n}",
    "name": lambda _, n: f"n{n}",
    "pg_lsn": lambda _, n: f"0/{n:X}",
    "regclass": lambda _, n: "pg_class",  # noqa: ARG005 - as the others
    "int4range": lambda _, n: f"[{n * 10},{n * 10 + 5})",
    "int8range": lambda _, n: f"[{n * 10},{n * 10 + 5})",
    "numrange": lambda _, n: f"[{n * 10},{n * 10 + 5})",
    "daterange": lambda _, n: f"[2024-01-{n % 28 + 1:02},2024-01-{n % 28 + 2:02})",
    "tsrange": lambda _, n: f'["2024-01-01 {n % 23:02}:00","2024-01-01 {n % 23:02}:30")',
    "tstzrange": lambda _, n: f'["2024-01-01 {n % 23:02}:00+00","2024-01-01 {n % 23:02}:30+00")',
    "int4multirange": lambda _, n: f"{{[{n * 10},{n * 10 + 5})}}",
    "int8multirange": lambda _, n: f"{{[{n * 10},{n * 10 + 5})}}",
    "nummultirange": lambda _, n: f"{{[{n * 10},{n * 10 + 5})}}",
    "datemultirange": lambda _, n: f"{{[2024-01-{n % 28 + 1:02},2024-01-{n % 28 + 2:02})}}",
}


def of_check(text: str) -> list[str]:
    """Values in the text of a CHECK, a predicate or a bound, and those next to its numbers."""
    found = [match.replace("''", "'") for match in _STRING.findall(text)]
    for number in _NUMBER.findall(_STRING.sub("", text)):
        found += [number, *_neighbours(number)]
    return list(dict.fromkeys(found))


def _neighbours(number: str) -> list[str]:
    if "." in number:
        return [str(float(number) + 1), str(float(number) - 1)]
    value = int(number)
    if not -(2**62) < value < 2**62:
        return []
    lengths = ["x" * length for length in (value, value + 1, value - 1) if 0 <= length <= LONGEST]
    return [str(value + 1), str(value - 1), *lengths]


GUESSES = (
    "A",
    "AAA",
    "abc",
    "ABC",
    "a-b",
    "a@b.example",
    "https://a.example/",
    "2024-01-01",
    "0",
    "1",
    "-1",
    "",
    "true",
    "false",
)
"""Values that conditions often ask for."""


_SHAPES = {
    **dict.fromkeys(_INTEGERS, re.compile(r"-?\d+")),
    **dict.fromkeys((*_DECIMALS, *_FLOATS), re.compile(r"-?\d+(?:\.\d+)?")),
    **dict.fromkeys(("boolean", "bool"), re.compile(r"true|false|[01tf]")),
    **dict.fromkeys(("date", "time", "timestamp", "datetime"), re.compile(r"\d+[-:].*")),
}


def plausible(column: Column, value: str) -> bool:
    """Whether a value may be one of a column's type; the database decides."""
    if column.labels:
        return value in column.labels
    kind = kind_of(column)
    shape = None if column.array else _SHAPES.get(kind) or _SHAPES.get(kind.partition(" ")[0])
    return shape is None or shape.fullmatch(value) is not None


def hostile(column: Column) -> Iterator[str]:
    """The longest, largest, smallest and oddest values of a type; the database refuses those that it does not take."""
    values = list(_hostile(column))
    if column.array:
        yield "{}"
        values = [f"{{{_element(value)}}}" for value in values]
    yield from values


def _hostile(column: Column) -> Iterator[str]:
    kind = kind_of(column)
    length, scale = modifiers(column)
    if column.labels:
        yield from column.labels
    elif kind in TEXTS:
        longest = length if length is not None else LONGEST
        yield from (word for word in _WORDS if len(word) <= longest)
        yield "x" * longest
        yield "9" * min(longest, 40)
        yield "1.5" if longest >= len("1.5") else "z"
    elif kind in _INTEGERS:
        largest = _INTEGERS[kind]
        yield from (str(largest), str(-largest - 1) if kind != "oid" else "0", "0", "-1")
    elif kind in _DECIMALS:
        digits = scale or 0
        if length is None:
            yield from ("12345678901234567890123456789012345.123456789", "-1.000000001", "0")
        else:
            whole = "9" * max(length - digits, 0) or "0"
            full = f"{whole}.{'9' * digits}" if digits > 0 else whole
            yield from (full, f"-{full}", "0")
    elif kind in _FLOATS:
        yield from ("3e38", "-3e38", "0.1", "NaN") if kind in ("real", "float") else ("1e300", "-1e300", "0.1", "NaN")
    else:
        yield from _ODD.get(kind, ())


_ODD: dict[str, tuple[str, ...]] = {
    "boolean": ("true", "false"),
    "bool": ("1", "0"),
    "date": ("0001-01-01", "9999-12-31", "infinity"),
    "timestamp": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "datetime": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "timestamp without time zone": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "infinity"),
    "timestamp with time zone": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "infinity"),
    "time without time zone": ("23:59:59.999999", "00:00:00"),
    "time with time zone": ("23:59:59.999999+00", "00:00:00+14"),
    "interval": ("1 year 2 mons 3 days 04:05:06.789012", "-1 days", "1000000 hours"),
    "json": ("[]", "{}", "null", '"text"', '{"a": {"b": [1, 2.5]}, "a": 1}'),
    "jsonb": ("[]", "{}", "null", '"text"', '{"a": {"b": [1, 2.5]}}'),
    "bytea": ("\\x", "\\xff00fe"),
    "money": ("92233720368547758.07", "-0.01"),
    "inet": ("2001:db8::1", "10.1.2.3/8"),
    "cidr": ("2001:db8::/32", "0.0.0.0/0"),
    "hstore": ("", "a=>NULL"),
    "xml": ("<a/>", "text"),
    "tsvector": ("",),
    "uuid": ("ffffffff-ffff-ffff-ffff-ffffffffffff",),
}
