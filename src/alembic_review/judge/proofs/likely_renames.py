"""Pairs of a drop and an addition that look like a rename.

A column's partner is on the same table and of the same family of types; the more the two have in common, the likelier
is a rename. A table's partner has at least two thirds of its columns. Nobody is a partner who has an equal rival.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from alembic_review.judge.judged_facts import Case, Judged, JudgedDatabase
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.judge.proofs.requests import EMPTY
from alembic_review.model.facts import ChangeFact, ColumnShape
from alembic_review.model.proofs import RENAMES
from alembic_review.model.review import Verdict

_FAMILIES = {
    **dict.fromkeys(
        ("varchar", "char", "character", "character varying", "text", "nvarchar", "nchar", "citext", "clob"), "text"
    ),
    **dict.fromkeys(("integer", "bigint", "smallint", "int"), "integer"),
    **dict.fromkeys(("numeric", "decimal", "float", "real", "double precision", "double_precision"), "number"),
    **dict.fromkeys(("timestamp", "datetime"), "timestamp"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    **dict.fromkeys(("bytea", "blob"), "bytes"),
    **dict.fromkeys(("bool", "boolean"), "boolean"),
}
_PRECISION = re.compile(r"\([^)]*\)")
_ZONE = re.compile(r" with(?:out)? time zone")
_CAST = re.compile(r"::[a-z][\w .\"]*(?:\(\d+\))?(?:\[\])?")

_ENOUGH = 5.0
_CLEARLY = 1.5
_SIMILAR, _ALIKE = 0.75, 0.5
_SHARE = 2 / 3
_CLEARLY_MORE = 0.15
_COLUMNS = 2  # that tables must have in common


@dataclass(frozen=True)
class Pair:
    """What may be one rename: ``old`` is dropped and ``new`` is added, both pending or by ``revision``."""

    database: JudgedDatabase
    old: Judged
    new: Judged
    revision: str | None = None


def columns(case: Case) -> Iterator[Pair]:
    """The columns that look renamed."""
    for candidates in _candidates(case):
        names = {_name(pair.old): _name(pair.new) for pair in _tables(candidates)}
        pairs = (pair for pair in candidates if (pair.old.fact.kind, pair.new.fact.kind) == _COLUMN)
        scored = ((pair, score(pair.old.fact, pair.new.fact, names)) for pair in pairs)
        yield from _best([(pair, points) for pair, points in scored if points >= _ENOUGH], _CLEARLY)


def tables(case: Case) -> Iterator[Pair]:
    """The tables that look renamed."""
    for candidates in _candidates(case):
        yield from _tables(candidates)


def _tables(candidates: Sequence[Pair]) -> Iterator[Pair]:
    pairs = (pair for pair in candidates if (pair.old.fact.kind, pair.new.fact.kind) == _TABLE)
    scored = ((pair, share(pair.old.fact, pair.new.fact)) for pair in pairs)
    likely = [(pair, part + similarity_of(pair) / 4) for pair, part in scored if part >= _SHARE]
    yield from _best(likely, _CLEARLY_MORE)


def _name(judged: Judged) -> str:
    return judged.fact.key.name if judged.fact.key is not None else ""


_COLUMN = ("remove_column", "add_column")
_TABLE = ("remove_table", "add_table")


def score(old: ChangeFact, new: ChangeFact, names: Mapping[str, str]) -> float:
    """How much a dropped and an added column have in common; 0 where they can't be the same.

    ``names`` are the new names of tables that look renamed as well.
    """
    if old.key != new.key or not old.shapes or not new.shapes:
        return 0.0
    one, other = _referring(old.shapes[0], names), new.shapes[0]
    if family(one.type) != family(other.type) or _refer_elsewhere(one, other):
        return 0.0
    points = 2.0 * (_plain(one.type) == _plain(other.type))
    points += one.nullable == other.nullable
    points += _default(one.default) == _default(other.default)
    points += 3.0 if one.references and other.references else 1.0 * (one.references == other.references)
    alike = similarity(one.name, other.name)
    points += 3.0 if alike >= _SIMILAR else 1.5 if alike >= _ALIKE else 0.0
    return points + _is_neighbour(old, new)


def share(old: ChangeFact, new: ChangeFact) -> float:
    """The part of the columns, by name and type, that a dropped and a created table have in common."""
    if old.schema != new.schema:
        return 0.0
    mine, others = ({(one.name, _comparable(one.type)) for one in fact.shapes} for fact in (old, new))
    common = len(mine & others)
    return common / max(len(mine), len(others)) if common >= _COLUMNS else 0.0


def similarity_of(pair: Pair) -> float:
    """1 where the names of two tables are similar, 0 where they are not."""
    return 1.0 * (similarity(_name(pair.old), _name(pair.new)) >= _SIMILAR)


def similarity(one: str, other: str) -> float:
    """How similar two names are, from 0 to 1; a name that has the other as a word of its own is similar."""
    one, other = one.lower(), other.lower()
    words = [set(filter(None, re.split(r"[_\W]+", name))) for name in (one, other)]
    if words[0] < words[1] or words[1] < words[0]:
        return _SIMILAR
    return SequenceMatcher(None, one, other).ratio()


def family(text: str) -> str:
    """What can hold the same values: all texts, all integers, and so on; an enum is a family of its own."""
    plain = _ZONE.sub("", _PRECISION.sub("", text.lower())).strip()
    array = plain.endswith("[]")
    plain = " ".join(plain.removesuffix("[]").split())
    return _FAMILIES.get(plain, plain) + ("[]" if array else "")


def _comparable(text: str) -> str:
    """A type as it is compared between tables: with its length, and under one name."""
    inner = _PRECISION.search(text)
    return family(text) + ("".join(inner[0].split()) if inner is not None else "")


def _plain(text: str) -> str:
    return "".join(text.lower().split())


def _default(text: str | None) -> str | None:
    """A default as the database and the models write it alike."""
    return None if text is None else _CAST.sub("", text.lower()).strip("()' ")


def _referring(one: ColumnShape, names: Mapping[str, str]) -> ColumnShape:
    """The shape with its foreign keys under the new names of tables."""
    parts = [reference.split(".") for reference in one.references]
    return replace(one, references=tuple(".".join((names.get(table, table), *rest)) for table, *rest in parts))


def _refer_elsewhere(one: ColumnShape, other: ColumnShape) -> bool:
    return bool(one.references and other.references) and one.references != other.references


def _is_neighbour(old: ChangeFact, new: ChangeFact) -> bool:
    """Whether both have the same column before or behind them, apart from what else is dropped and added."""
    kept = set(old.siblings) & set(new.siblings)
    places = []
    for fact in (old, new):
        names = [name for name in fact.siblings if name in kept or name == fact.name]
        if fact.name not in names:
            return False
        number = names.index(fact.name)
        places.append((names[number - 1] if number else None, names[number + 1] if number + 1 < len(names) else None))
    return places[0][0] == places[1][0] or places[0][1] == places[1][1]


def _best(scored: Sequence[tuple[Pair, float]], margin: float) -> Iterator[Pair]:
    """The pairs of which neither half has a rival that comes near."""
    for pair, points in scored:
        rivals = [other for one, other in scored if one is not pair and (one.old is pair.old or one.new is pair.new)]
        if all(points - other >= margin for other in rivals):
            yield pair


def _candidates(case: Case) -> Iterator[list[Pair]]:
    """Every drop with every addition: of what is pending, and of what new revisions do."""
    proofs = case.proofs
    if RENAMES not in proofs.names or proofs.reason not in ("", EMPTY):
        return
    for database in case.databases:
        yield list(_pairs(database, [judged for judged in database.changes if _is_custom(judged)]))
        made = [one for one in case.written if one.database.name == database.name and not one.renamed]
        revisions = {one.judged.fingerprint: one.revision for one in made}
        known = [one.judged for one in made if _is_custom(one.judged) and one.revision is not None]
        yield [
            replace(pair, revision=revisions[pair.old.fingerprint])
            for pair in _pairs(database, known)
            if _loses(case, pair)
        ]


def _pairs(database: JudgedDatabase, changes: Sequence[Judged]) -> Iterator[Pair]:
    for old in changes:
        for new in changes if old.fact.kind in (_COLUMN[0], _TABLE[0]) else ():
            if (old.fact.kind, new.fact.kind) in (_COLUMN, _TABLE):
                yield Pair(database, old, new)


def _is_custom(judged: Judged) -> bool:
    return judged.decision.verdict is Verdict.SAFE


def _loses(case: Case, pair: Pair) -> bool:
    """Whether a revision drops what it does not copy before: SQLite shows a rename like a drop and an addition."""
    fact = pair.old.fact
    if fact.key is None:
        return False
    lost = rows.lost(case, pair.database.name, fact.key, fact.name if fact.kind == _COLUMN[0] else None)
    return lost is True or (lost is None and pair.database.facts.dialect == "postgresql")
