"""What of a plan rows may break: the difference of the tables before and after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from alembic_review.model.proofs import Hazard
from alembic_review.worker.prove.structure import Column, Constraint, Structure, Table

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


def matching(found: list[Danger], identity: Any, kind: str, column: str | None, name: str | None) -> list[Danger]:
    """The dangers that an error of this kind shows; those of the same kind of the table where no name fits."""
    same = [one for one in found if one.identity == identity and _fits(one, kind)]
    named = [one for one in same if name is not None and one.hazard.name == name]
    if named:
        return named
    of_column = [one for one in same if column is not None and column in one.hazard.columns]
    return of_column or (same if len(same) == 1 or (column is None and name is None) else [])


def _fits(one: Danger, kind: str) -> bool:
    return one.hazard.kind == kind or {one.hazard.kind, kind} <= {"cast", "narrow"}
