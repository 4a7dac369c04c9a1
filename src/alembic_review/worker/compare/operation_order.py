"""An order for the operations and constraints that Alembic and SQLAlchemy keep in sets.

A set has another order in every process: tables by their names and schemas, because the hash of ``None`` is its address
before Python 3.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column

from alembic_review.worker.definitions.definition_sites import identify

_FOREIGN_KEY = "foreignkey"


def settle(upgrade: ops.UpgradeOps) -> None:
    """Order dropped tables and the foreign keys of each table. A table is dropped before those that it refers to."""
    upgrade.ops[:] = _tables(upgrade.ops)
    for container in upgrade.ops:
        if isinstance(container, ops.ModifyTableOps):
            for kind in (ops.DropConstraintOp, ops.CreateForeignKeyOp):
                _sort_foreign_keys(container.ops, kind)


def settle_constraints(operation: ops.CreateTableOp) -> None:
    """Order the constraints of a new table."""
    columns = [item for item in operation.columns if isinstance(item, Column)]
    constraints = [item for item in operation.columns if not isinstance(item, Column)]
    operation.columns = [*columns, *sorted(constraints, key=_constraint_order)]


def _tables(every: Sequence[Any]) -> list[Any]:
    """Each dropped table with the operations on it that come first, in their order, where the first of them was."""
    kept: list[Any] = []
    groups: list[list[Any]] = []
    place = None
    for operation in every:
        if not isinstance(operation, ops.DropTableOp):
            kept.append(operation)
            continue
        group = [operation]
        last = kept[-1] if len(kept) > (place or 0) else None
        if isinstance(last, ops.ModifyTableOps) and _name(last) == _name(operation):
            group.insert(0, kept.pop())
        place = len(kept) if place is None else place
        groups.append(group)
    groups.sort(key=lambda group: (group[-1].schema or "", group[-1].table_name))
    dropped = [operation for group in _referring_first(groups) for operation in group]
    return [*kept[:place], *dropped, *kept[place:]] if dropped else kept


def _referring_first(groups: list[list[Any]]) -> list[list[Any]]:
    """The first group that no other one refers to, again and again; in a circle, the first one."""
    targets = {id(group): _targets(group[-1]) for group in groups}
    ordered: list[list[Any]] = []
    left = list(groups)
    while left:
        free = (
            place
            for place, one in enumerate(left)
            if not any(_is_among(one[-1], targets[id(other)]) for other in left if other is not one)
        )
        ordered.append(left.pop(next(free, 0)))
    return ordered


def _targets(operation: ops.DropTableOp) -> set[tuple[str | None, str]]:
    tables = (key.target_fullname.rpartition(".")[0] for key in operation.to_table().foreign_keys)
    return {(schema or None, name) for schema, _, name in (table.rpartition(".") for table in tables)}


def _is_among(operation: ops.DropTableOp, targets: set[tuple[str | None, str]]) -> bool:
    # The default schema may be named in one place and not in the other.
    return any(
        name == operation.table_name and (schema is None or operation.schema in (None, schema))
        for schema, name in targets
    )


def _name(operation: Any) -> tuple[str | None, str]:
    return operation.schema, operation.table_name


def _sort_foreign_keys(operations: list[Any], kind: type[Any]) -> None:
    places = [
        place for place, one in enumerate(operations) if isinstance(one, kind) and one.constraint_type == _FOREIGN_KEY
    ]
    ordered = sorted((operations[place] for place in places), key=_key_order)
    for place, one in zip(places, ordered, strict=True):
        operations[place] = one


def _key_order(operation: Any) -> tuple[str, ...]:
    try:
        return _constraint_order(operation.to_constraint())
    except ValueError:
        # A plugin may drop a constraint of which nothing but the name is known.
        return (str(operation.constraint_name),)


def _constraint_order(item: Any) -> tuple[str, ...]:
    _, name, columns = identify(item)
    targets = (element.target_fullname for element in getattr(item, "elements", ()))
    return (type(item).__name__, *columns, name or "", *targets, str(getattr(item, "sqltext", "")))
