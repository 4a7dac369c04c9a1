"""What of a plan rows may break: the difference of the tables before and after it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from alembic_review.model.proofs import Hazard
from alembic_review.worker.prove.data import literals
from alembic_review.worker.prove.data.structure import Column, Constraint, Structure, Table

_WORD = re.compile(r"\w+")
_DATA = re.compile(r"\s*(?:UPDATE|INSERT|WITH|SELECT|DO)\b", re.IGNORECASE)
_CAST = re.compile(r"::|\bCAST\s*\(|\bto_(?:date|number|timestamp)\s*\(", re.IGNORECASE)
_UNIQUE = ("primary", "unique")


@dataclass(frozen=True)
class Danger:
    """A hazard, and what it is about in the table with this ``identity``.

    ``column`` and ``constraint`` are those after the plan, ``before`` is the column before it. ``names`` are the
    columns as they are called before; one that the plan adds is not among them.
    """

    hazard: Hazard
    identity: Any
    column: Column | None = None
    before: Column | None = None
    constraint: Constraint | None = None
    names: tuple[str, ...] = ()

    @property
    def of_new_column(self) -> bool:
        """Whether any row shows it: the value of the column comes from the plan."""
        if self.constraint is not None:
            return len(self.names) < len(self.constraint.columns)
        return self.before is None

    def told(self, **fields: Any) -> Danger:
        """The same, with other fields of its hazard."""
        return replace(self, hazard=replace(self.hazard, **fields))


def dangers(before: Structure, after: Structure) -> list[Danger]:
    """The hazards of what leads from one to the other, for tables that are in both."""
    found: list[Danger] = []
    for identity, table in before.items():
        if identity in after:
            found += _of_columns(table, after[identity])
            found += _of_constraints(table, after[identity])
    return found


def _of_columns(old: Table, new: Table) -> Iterator[Danger]:
    known = {column.number: column for column in old.columns}
    for column in new.columns:
        before = known.get(column.number)
        given = Danger(Hazard("", old.key, column.name, (column.name,)), old.identity, column, before)
        names = (before.name,) if before is not None else ()
        given = replace(given, names=names)
        required = not column.nullable and not column.filled and not column.generated
        if required and (before.nullable if before is not None else column.default is None):
            yield given.told(kind="not_null", wanted=f"{column.type} NOT NULL")
        # Another enum may have the same name.
        if before is not None and (before.type != column.type or set(before.labels) - set(column.labels)):
            yield given.told(kind="cast", wanted=column.type)


def _of_constraints(old: Table, new: Table) -> Iterator[Danger]:
    renamed = {column.number: column.name for column in old.columns}
    names = {column.name: renamed[column.number] for column in new.columns if column.number in renamed}
    known = {(one.kind, one.definition if one.kind != "check" else _expression(one)) for one in old.constraints}
    for one in new.constraints:
        text = one.definition if one.kind != "check" else _expression(one)
        if (one.kind, text) in known or not one.valid:
            continue
        kind = "unique" if one.kind in _UNIQUE else one.kind
        column = one.columns[0] if len(one.columns) == 1 else None
        hazard = Hazard(kind, old.key, column, one.columns, one.name or None, one.definition)
        yield Danger(
            hazard,
            old.identity,
            constraint=one,
            names=tuple(names[name] for name in one.columns if name in names),
        )


def _expression(one: Constraint) -> str:
    return one.definition.removesuffix(" NOT VALID")


def conversions(before: Structure, after: Structure, statements: Iterable[str]) -> list[Danger]:
    """Texts that the plan's statements cast, and columns that new generated columns are computed from."""
    texts = [sql for sql in statements if _DATA.match(sql) and _CAST.search(sql)]
    found: dict[Any, Danger] = {}
    for identity, table in before.items():
        known = {column.number for column in table.columns}
        new = after[identity].columns if identity in after else ()
        computed = [column.default or "" for column in new if column.generated and column.number not in known]
        casting = [sql for sql in texts if table.key.name in _WORD.findall(sql)]
        for column in table.columns:
            cast = literals.is_text(column) and any(column.name in _WORD.findall(sql) for sql in casting)
            if not column.generated and (cast or any(column.name in _WORD.findall(text) for text in computed)):
                hazard = Hazard("cast", table.key, column.name, (column.name,))
                found[identity, column.name] = Danger(hazard, identity, before=column, names=(column.name,))
    return list(found.values())


def matching(found: list[Danger], identity: Any, kind: str, names: Collection[str | None]) -> list[Danger]:
    """The dangers that an error of this kind shows.

    ``names`` are the columns and constraints that may be meant. Where the database gives none, and there are several
    dangers of the kind, none of them is known to be it.
    """
    same = [one for one in found if one.identity == identity and _fits(one, kind)]
    named = [one for one in same if one.hazard.name is not None and one.hazard.name in names]
    named = named or [one for one in same if set(one.hazard.columns) & set(names)]
    exact = [one for one in named if one.column is not None or one.constraint is not None]
    return exact or named or (same if len(same) == 1 and not any(names) else [])


def _fits(one: Danger, kind: str) -> bool:
    return one.hazard.kind == kind or {one.hazard.kind, kind} <= {"cast", "narrow"}
