"""Which changes can't be written without others, and therefore go with them when those are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alembic_review.model.facts import ChangeFact, TableKey


def follow(kept: Iterable[ChangeFact], omitted: Iterable[ChangeFact]) -> dict[int, ChangeFact]:
    """Those of ``kept`` that need one of ``omitted``, or need one that does: by identity, each with what it needs.

    A foreign key needs its table, its columns and the key that makes them unique; an index, a constraint or a change of
    a column needs the table and the columns it is on; a column or a table needs its type.
    """
    left = list(kept)
    out = list(omitted)
    found: dict[int, ChangeFact] = {}
    while True:
        going = [(change, needed) for change in left for needed in out if _needs(change, needed)]
        if not going:
            return found
        for change, needed in going:
            found.setdefault(id(change), needed)
        out = [change for change in left if id(change) in found]
        left = [change for change in left if id(change) not in found]


def _needs(change: ChangeFact, other: ChangeFact) -> bool:
    if other.kind.startswith("op:"):
        return any(change.key == use.key and _concerns(change, use.column) for use in other.type_users)
    if other.key is None:
        return False
    if other.new_name is not None:
        return _needs_name(change, other)
    if change.key == other.key and change.kind != "add_table":
        # What is taken away needs nothing of what would be put there.
        if change.kind.startswith("remove_"):
            return False
        return other.kind == "add_table" or (other.kind == "add_column" and other.name in change.columns)
    return any(_refers(columns, other) for columns in _referred(change, other.key))


def _needs_name(change: ChangeFact, rename: ChangeFact) -> bool:
    """Whether a change is to what has another name only after the rename, or refers to it."""
    assert rename.key is not None
    new = rename.new_name or ""
    if rename.name is not None:
        referred = {column for columns in _referred(change, rename.key) for column in columns}
        return (change.key == rename.key and new in change.columns) or new in referred
    key = TableKey(rename.key.schema, new)
    return change.key == key or any(reference.key == key for reference in change.references)


def _concerns(change: ChangeFact, column: str) -> bool:
    return change.kind == "add_table" or (change.kind in ("add_column", "modify_type") and change.name == column)


def _referred(change: ChangeFact, key: TableKey) -> Iterator[Collection[str]]:
    return (reference.columns for reference in change.references if reference.key == key)


def _refers(columns: Collection[str], other: ChangeFact) -> bool:
    if other.kind == "add_table":
        return True
    if other.kind == "add_column":
        return other.name in columns
    return other.kind in ("add_constraint", "add_index") and set(other.columns) == set(columns)
