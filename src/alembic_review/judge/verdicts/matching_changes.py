"""Which change a change in place, or a revision's alteration, leads to."""

from __future__ import annotations

from alembic_review.model.facts import Alteration, ChangeFact, Edit

_ATTRIBUTES = {
    "modify_type": "type",
    "modify_nullable": "nullable",
    "modify_default": "server_default",
    "modify_comment": "comment",
    "add_table_comment": "comment",
    "remove_table_comment": "comment",
}
_KINDS = {
    "add_column": "column",
    "remove_column": "column",
    "modify_type": "column",
    "modify_nullable": "column",
    "modify_default": "column",
    "modify_comment": "column",
    "add_index": "index",
    "remove_index": "index",
    "add_constraint": "constraint",
    "remove_constraint": "constraint",
    "add_fk": "constraint",
    "remove_fk": "constraint",
}
# A unique constraint and a unique index are one and the same to some databases.
_ALIKE = frozenset({"index", "constraint"})


def kind_of(change: ChangeFact) -> str:
    """What the change is about: ``column``, ``index``, ``constraint``, or else the ``table``."""
    return _KINDS.get(change.kind, "table")


def edit_leads_to(edit: Edit, change: ChangeFact) -> bool:
    """Tell whether a change in place may be behind a change on the same table."""
    if change.kind == "add_table" or (edit.kind == "table" and edit.attribute == "name"):
        return True
    kind = kind_of(change)
    if edit.attribute == "naming_convention":
        return kind in _ALIKE
    if not _alike(edit.kind, kind):
        return False
    if edit.attribute == "name":
        return True
    attribute = _ATTRIBUTES.get(change.kind)
    if attribute is not None:
        return edit.attribute == attribute and (kind == "table" or edit.name == change.name)
    return kind != "table" and _same_item(edit, change)


def _same_item(edit: Edit, change: ChangeFact) -> bool:
    if edit.name is None or change.name is None or {edit.name, edit.stored} & _names(change):
        return True
    # It may have had another name before.
    return edit.attribute == "changed" and change.kind.startswith("remove_") and change.item is None


def alteration_leads_to(alteration: Alteration, change: ChangeFact) -> bool:
    """Tell whether what a revision did may be behind a change on the same table.

    An item without a name is known by its columns, in any order: models and databases list them differently.
    """
    kind = kind_of(change)
    if alteration.kind == "table":
        return alteration.action != "changed" or kind == "table"
    if not _alike(alteration.kind, kind):
        return False
    if change.name is not None and alteration.name is not None:
        return alteration.name in _names(change)
    return set(alteration.columns) == set(change.columns)


def _names(change: ChangeFact) -> set[str]:
    """The name of what changes, in the models and in the database."""
    return {name for name in (change.name, change.stored) if name is not None}


def _alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= _ALIKE
