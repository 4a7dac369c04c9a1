"""Where two states of a database differ, object by object: what the plan leaves, and what the models make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import BlindSpot
from alembic_review.worker.prove.blind.state import ColumnState, ItemState, State, TableState, TypeName

_KINDS = ("primary_key", "unique", "foreign_key", "check", "exclude", "index")
_NAMELESS = ("primary_key", "check", "exclude")  # kinds whose names the comparison does not look at either
_NOT_VALID = re.compile(r"\s+NOT VALID\b")
_CAST = re.compile(
    r'::(?:"[^"]+"|[A-Za-z_]\w*)(?:\.(?:"[^"]+"|[A-Za-z_]\w*))?(?: varying| precision)?(?:\(\d+(?:,\s?\d+)?\))?'
    r"(?: with(?:out)? time zone)?(?:\[\])*"
)
_ZEROS = re.compile(r"(?<![\w.'])(\d+)\.0+(?![\w.'])")
# Round brackets around a word, a literal, or an array of these.
_BRACKETS = re.compile(r"(?<![\w\"])\((-?[\w.]+|\"[^\"]+\"|'(?:[^']|'')*'|ARRAY\[[^\[\]]*\])\)")

SameDefault = Callable[[str, str, str], bool]
"""Whether two defaults give equal values of a type."""


@dataclass(frozen=True)
class Names:
    """``given`` are the names of constraints that the models spell out, by table."""

    given: frozenset[tuple[TableKey, str]] = frozenset()


def differences(existing: State, wanted: State, names: Names, same_default: SameDefault) -> Iterator[BlindSpot]:
    """Every difference of the tables that both have, and of the types of their columns."""
    for key, table in wanted.tables.items():
        now = existing.tables.get(key)
        if now is not None:
            yield from _table(key, now, table)
            yield from _columns(key, now, table, same_default)
            yield from _items(key, now, table, names)
    yield from _types(existing, wanted)


def _table(key: TableKey, now: TableState, table: TableState) -> Iterator[BlindSpot]:
    if now.unlogged != table.unlogged:
        texts = ("UNLOGGED" if one.unlogged else "LOGGED" for one in (now, table))
        yield BlindSpot("unlogged", key, existing=next(texts), wanted=next(texts), weaker=now.unlogged)
    if now.partitioning != table.partitioning:
        yield _differing("partitioning", key, now.partitioning, table.partitioning)
    if now.storage != table.storage:
        yield _differing("storage", key, ", ".join(now.storage), ", ".join(table.storage))


def _differing(kind: str, key: TableKey | None, existing: str, wanted: str, **fields: object) -> BlindSpot:
    return BlindSpot(kind, key, existing=existing, wanted=wanted, weaker=bool(wanted), **fields)  # type: ignore[arg-type]


def _columns(key: TableKey, now: TableState, table: TableState, same_default: SameDefault) -> Iterator[BlindSpot]:
    keyed = [
        {name for item in one.items if item.kind == "primary_key" for name in item.columns} for one in (now, table)
    ]
    for name, column in table.columns.items():
        before = now.columns.get(name)
        if before is None:
            continue
        for kind, existing, wanted in _plain(before, column):
            if existing != wanted:
                spot = _differing(kind, key, existing, wanted, column=name)
                started = kind == "identity" and _without_start(existing) == _without_start(wanted)
                yield replace(spot, weaker=spot.weaker and not started)
        special = before.identity != column.identity or before.generated != column.generated
        # The columns of a primary key are NOT NULL by themselves, and so are identities.
        derived = special or (name in keyed[0]) != (name in keyed[1])
        if before.nullable != column.nullable and not derived:
            texts = ["NULL" if one.nullable else "NOT NULL" for one in (before, column)]
            yield BlindSpot("nullable", key, name, existing=texts[0], wanted=texts[1], weaker=before.nullable)
        if not special and not _equal_default(before, column, same_default):
            yield _differing("server_default", key, before.default, column.default, column=name)


def _plain(before: ColumnState, column: ColumnState) -> Iterator[tuple[str, str, str]]:
    yield "type", before.type, column.type
    if before.type == column.type or before.collation or column.collation:
        yield "collation", before.collation, column.collation
    yield "identity", before.identity, column.identity
    yield "generated", before.generated, column.generated
    yield "storage", before.storage, column.storage


def _equal_default(before: ColumnState, column: ColumnState, same_default: SameDefault) -> bool:
    if before.serial or column.serial:
        # The sequence of a SERIAL column may have any name.
        return all(one.serial or one.default.startswith("nextval(") for one in (before, column))
    return before.default == column.default or same_default(before.default, column.default, column.type)


def _items(key: TableKey, now: TableState, table: TableState, names: Names) -> Iterator[BlindSpot]:
    common = now.columns.keys() & table.columns.keys()
    for kind in _KINDS:
        # What lies on columns that only one of them has comes and goes with these.
        left = [item for item in now.items if item.kind == kind and common.issuperset(item.columns)]
        right = [item for item in table.items if item.kind == kind and common.issuperset(item.columns)]
        paired = list(_paired(left, right))
        for before, after in paired:
            yield from _pair(key, before, after, names)
        # Some models declare a foreign key twice, and a database has a constraint under two names.
        known = {_loose(after) for _, after in paired}
        left, right = ([item for item in items if _loose(item) not in known] for items in (left, right))
        for former, wanted in _unpaired(left, right):
            if not _elsewhere(former, table.items) and not _elsewhere(wanted, now.items):
                yield _item(key, kind, former, wanted)


def _pair(key: TableKey, before: ItemState, after: ItemState, names: Names) -> Iterator[BlindSpot]:
    """Of a pair that is equal but for its name and comment."""
    if after.kind in _NAMELESS and before.name != after.name and (key, after.name) in names.given:
        fields = {"name": after.name, "columns": after.columns}
        yield BlindSpot(after.kind, key, existing=before.name, wanted=after.name, weaker=False, renamed=True, **fields)  # type: ignore[arg-type]
    if before.comment != after.comment:
        fields = {"name": after.name, "columns": after.columns}
        yield BlindSpot("comment", key, existing=before.comment, wanted=after.comment, weaker=False, **fields)  # type: ignore[arg-type]


def _item(key: TableKey, kind: str, before: ItemState | None, after: ItemState | None) -> BlindSpot:
    either = after or before
    assert either is not None
    return BlindSpot(
        kind,
        key,
        name=either.name or None,
        columns=either.columns,
        existing=before.definition if before is not None else "",
        wanted=after.definition if after is not None else "",
        weaker=after is not None,
    )


def _loose(item: ItemState) -> str:
    """A definition without what PostgreSQL adds when it reads an expression: casts, and brackets around one word."""
    text = _CAST.sub("", _NOT_VALID.sub("", item.definition))
    if item.kind in ("unique", "primary_key") and item.columns:
        # The order of columns says nothing about what is unique.
        text = text.replace(", ".join(item.columns), ", ".join(sorted(item.columns)), 1)
    text = _ZEROS.sub(r"\1", text)
    while True:
        simpler = _BRACKETS.sub(r"\1", text)
        if simpler == text:
            return " ".join(text.split())
        text = simpler


def _paired(left: list[ItemState], right: list[ItemState]) -> Iterator[tuple[ItemState, ItemState]]:
    """Take out of both lists, and yield, what is the same but for its name."""
    keys: Sequence[Callable[[ItemState], object]] = (
        lambda item: (item.definition, item.name),
        lambda item: item.definition,
        lambda item: (_loose(item), item.name),
        _loose,
    )
    yield from _taken(left, right, keys)


def _unpaired(left: list[ItemState], right: list[ItemState]) -> Iterator[tuple[ItemState | None, ItemState | None]]:
    """The rest of both lists: what has the same name, or the same columns, is another form of the same thing."""
    keys: Sequence[Callable[[ItemState], object]] = (
        lambda item: item.name or object(),
        lambda item: (tuple(sorted(item.columns)), item.target) if item.columns else object(),
        lambda item: True if item.kind == "primary_key" else object(),
    )
    yield from _taken(left, right, keys)
    yield from ((item, None) for item in left)
    yield from ((None, item) for item in right)


def _taken(
    left: list[ItemState], right: list[ItemState], keys: Iterable[Callable[[ItemState], object]]
) -> Iterator[tuple[ItemState, ItemState]]:
    for key in keys:
        for item in list(right):
            other = next((one for one in left if key(one) == key(item)), None)
            if other is not None:
                left.remove(other)
                right.remove(item)
                yield other, item


def _elsewhere(item: ItemState | None, others: Iterable[ItemState]) -> bool:
    """Whether a unique constraint is there as a unique index, or the reverse."""
    plain = _plain_unique(item) if item is not None else None
    return plain is not None and any(_plain_unique(one) == plain for one in others)


def _plain_unique(item: ItemState) -> tuple[str, ...] | None:
    columns = ", ".join(item.columns)
    if (item.kind == "unique" and item.definition.endswith(f"({columns})")) or (
        item.kind == "index" and item.definition == f"UNIQUE USING btree ({columns})"
    ):
        return tuple(sorted(item.columns))
    return None


def _types(existing: State, wanted: State) -> Iterator[BlindSpot]:
    users: dict[TypeName, list[tuple[TableKey, str]]] = {}
    for key, table in wanted.tables.items():
        now = existing.tables.get(key)
        for name, column in table.columns.items():
            if column.of_type is not None and now is not None:
                before = now.columns.get(name)
                if before is not None and before.of_type == column.of_type:
                    users.setdefault(column.of_type, []).append((key, name))
    for called, on in sorted(users.items()):
        single = on[0][1] if len(on) == 1 else None
        keys = tuple(dict.fromkeys(key for key, _ in on))
        labels, others = existing.enums.get(called, ()), wanted.enums.get(called, ())
        if labels and others and labels != others:
            texts = (", ".join(labels), ", ".join(others))
            yield _type("enum_value", called, single, keys, texts, weaker=not set(others) <= set(labels))
        domains = (existing.domains.get(called, ""), wanted.domains.get(called, ""))
        if all(domains) and domains[0] != domains[1]:
            yield _type("domain", called, single, keys, domains, weaker=True)


def _type(  # noqa: PLR0913 - the fields of a blind spot
    kind: str, name: TypeName, column: str | None, keys: tuple[TableKey, ...], texts: tuple[str, str], *, weaker: bool
) -> BlindSpot:
    existing, wanted = texts
    return BlindSpot(kind, keys[0], column, name[1], existing=existing, wanted=wanted, weaker=weaker, users=keys)


def sequences(existing: State, wanted: State, names: Iterable[TypeName]) -> Iterator[BlindSpot]:
    """Of the sequences of these names, which the models declare, those that the database lacks or has otherwise."""
    for schema, name in names:
        before, after = existing.sequences.get((schema, name), ""), wanted.sequences.get((schema, name), "")
        if after and before != after:
            weaker = not before or _without_start(before) != _without_start(after)
            yield BlindSpot("sequence", None, name=name, existing=before, wanted=after, weaker=weaker)


def _without_start(options: str) -> str:
    return re.sub(r" (?:START WITH|CACHE) -?\d+", "", options)


def split_elements(text: str) -> list[str]:
    """The parts of a list between commas that stand in no brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]
