"""Code for a downgrade that leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import DatabaseError
from alembic_review.worker.prove.inventory import Difference

# As SQLAlchemy and Alembic word it where a revision drops a constraint by the name None.
_NAMELESS = re.compile(r"it has no name|must have a name|has no name|no name", re.IGNORECASE)
_NO_OBJECT = "42704"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_DROPPED = {
    "type": "TYPE",
    "domain": "DOMAIN",
    "sequence": "SEQUENCE",
    "view": "VIEW",
    "materialized view": "MATERIALIZED VIEW",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "aggregate": "AGGREGATE",
    "extension": "EXTENSION",
    "schema": "SCHEMA",
    "collation": "COLLATION",
    "event trigger": "EVENT TRIGGER",
    "publication": "PUBLICATION",
    "server": "SERVER",
    "statistics": "STATISTICS",
}
_CALLS = {
    "table": "op.drop_table({name}",
    "column": "op.drop_column({table}, {name}",
    "index": "op.drop_index({name}, table_name={table}",
    "constraint": "op.drop_constraint({name}, {table}",
}
_OF_TABLE = {"trigger": "TRIGGER", "policy": "POLICY", "rule": "RULE"}
_TEXTUAL = ("trigger", "index", "view", "rule")
_CREATE = re.compile(r"\s*CREATE\b", re.IGNORECASE)


def undo(found: Difference) -> str | None:
    """What ``downgrade()`` lacks, as code; ``None`` where the catalogue does not say it."""
    item = found.item
    if found.how == "left":
        return _dropped(found)
    if found.how == "gone" and item.kind in _TEXTUAL and _CREATE.match(found.before):
        return f"op.execute({_statement(found.before)!r})"
    if found.how == "gone" and item.kind == "constraint" and item.key is not None and item.name:
        return f"op.execute({f'ALTER TABLE {_table(item.key)} ADD CONSTRAINT {item.name} {found.before}'!r})"
    return None


def _dropped(found: Difference) -> str | None:
    item, key = found.item, found.item.key
    if item.kind == "table" or (key is not None and item.name and item.kind in _CALLS):
        assert key is not None
        schema = f", schema={key.schema!r}" if key.schema not in (None, "public") else ""
        return _CALLS[item.kind].format(name=repr(item.name), table=repr(key.name)) + f"{schema})"
    if key is not None and item.kind in _OF_TABLE:
        return f"op.execute({f'DROP {_OF_TABLE[item.kind]} {item.name} ON {_table(key)}'!r})"
    return f'op.execute("DROP {_DROPPED[item.kind]} {item.name}")' if item.kind in _DROPPED else None


def _statement(definition: str) -> str:
    """Without the letter that the catalogue adds to a trigger: whether it is enabled."""
    return re.sub(r"\s[ODRA]$", "", " ".join(definition.split()))


def _table(key: TableKey) -> str:
    return key.name if key.schema in (None, "public") else f"{key.schema}.{key.name}"


def named(new: Sequence[Difference], error: DatabaseError) -> Iterator[str]:
    """Calls with the names that the server gave to new constraints, for a downgrade that has none."""
    if error.sqlstate != _NO_OBJECT and not _NAMELESS.search(error.message):
        return
    for one in new:
        if one.item.kind == "constraint" and one.how == "left" and one.item.name and one.item.key is not None:
            yield _dropped(one) or ""
