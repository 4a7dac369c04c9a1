"""The reason of each verdict: what happened, why, and what to do instead.

Equal causes give equal texts apart from names, so that reports can fold them into one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic_review.judge.ownership.settings_lines import Settle
from alembic_review.judge.ownership.table_owners import Owned, table_text
from alembic_review.judge.verdicts.cause import Cause
from alembic_review.model.facts import ChangeFact, DeclaredTable, TableKey


@dataclass(frozen=True)
class Way:
    """What is known of the way out of a blocked change.

    ``new``: nobody has the revision yet that made it necessary. ``follows`` names what the subject is made from,
    ``extension`` the table of the application that extends the core table. The change ``undoes`` what a revision did.
    """

    new: bool = False
    follows: str | None = None
    extension: str | None = None
    undoes: bool = False


def safe(owner: str | None) -> str:
    """Of a change on a custom table."""
    return f"The table belongs to {owner}."


def own_type(owner: str | None, change: ChangeFact) -> str:
    """Of a shared type that only custom columns use."""
    return f"Only columns of {whose(owner)} tables use the type {change.type_name}."


def caused(owner: str | None, cause: Cause, change: ChangeFact, way: Way) -> str:
    """Of a change on a core table that the application's code or one of its revisions brought about."""
    instead = _instead(change, way)
    if cause.revision is not None:
        undo = "Remove the operation from the revision" if way.new else "Revert it in a new revision"
        instead = f"{undo}, and keep the columns that you need in an extension table."
    undoing = "; this change would revert it" if cause.revision is not None and way.undoes else ""
    table = f"`{table_text(change.key)}`" if change.key is not None else "The table"
    return f"{table} belongs to {owner}, but {cause.clause}{undoing}. {instead}"


def unexplained(owner: str | None, cause: Cause) -> str:
    """Of a change on a core table that nobody is known to have brought about."""
    return (
        f"The table belongs to {owner}, and the cause of the change is unknown: {cause.clause}. The change is blocked "
        "until its cause is found and removed."
    )


def drift(owner: str | None, cause: Cause) -> str:
    """Of a change that the core has without the application too."""
    if cause.package is not None and cause.package != owner:
        return (
            f"{whose(owner)} models and revisions differ without your application (caused by {cause.package}). Do not "
            "write this change."
        )
    return f"{whose(owner)} models and revisions differ without your application. Do not write this change."


def existed(owner: str | None) -> str:
    """Of a table of somebody else that existed before the first revision, and that no model declares."""
    return f"The table belongs to {owner} and existed before the first revision (`before`). Do not drop or alter it."


UNREAD = (
    "No loaded model declares the table, and the source of your packages could not be read. A module that was not "
    "imported may declare the table."
)
"""Of a change on a table without a model, where reading the source failed."""


def outside(owner: str) -> str:
    """Of a change on a table whose class is mapped, in a MetaData that is not compared."""
    return (
        f"A mapped class of {owner} uses the table, but target_metadata does not contain it, so Alembic takes it for "
        "removed. Add its MetaData to target_metadata in env.py; do not drop the table."
    )


def unloaded(declared: DeclaredTable) -> str:
    """Of a change on a table whose class was not loaded, or may not have been."""
    if declared.table is None:
        return (
            f"The model of the table may be in {declared.module}, which was not imported and declares a table whose "
            f"name can't be read from its source. Import {declared.module} where the other models are imported."
        )
    return (
        f"The model of the table is in {declared.module}, which was not imported, so Alembic would drop the table. "
        "Import "
        f"{declared.module} where the other models are imported."
    )


def unmigrated(owned: Owned, settle: Settle) -> str:
    """Of a change on a table that a package without revisions here declares, and no revision created."""
    package = owned.owner
    assert package is not None
    where = "no revision of a known package creates" if owned.origin is not None else "no revision creates"
    return (
        f"{package} declares {table_text(owned.key)} and has no revisions in this project, and {where} the table, so "
        f"it is unknown which package migrates it. Add {settle.as_core(package)} to the settings if {package} creates "
        f"its tables itself, or {settle.as_custom(package)} if your revisions create them."
    )


def disputed(owned: Owned, todo: str) -> str:
    """Of a change on a table whose sources of evidence name different owners; ``todo`` says how to settle it."""
    if owned.origin is None or owned.definition is None or owned.provenance is None:
        return (
            "The table is generated from a table with conflicting ownership, so the owner of the change is unknown. "
            "Name "
            "the owner of that table in the settings, under `owners`."
        )
    return (
        f"{owned.definition} defines the table, but revision {owned.origin.revision} of {owned.provenance} created it, "
        f"so the owner of the change is unknown. {todo}."
    )


def unowned(owned: Owned, todo: str) -> str:
    """Of a change on a table without a known owner; ``todo`` says how to settle it."""
    if owned.version_table:
        return (
            f"{table_text(owned.key)} is the version table of another Alembic environment (version_num is its only "
            "column). Exclude it from the comparison with include_name in env.py, or list both environments in the "
            "settings, under `environments`."
        )
    if owned.factory:
        why = "A function of the framework defines this table for the application, and no revision has created it yet"
    elif owned.origin is not None:
        why = f"Revision {owned.origin.revision}, which created this table, belongs to no known package"
    elif owned.model is None and owned.before:
        why = "No model declares this table, which existed before the first revision (`before` in the settings)"
    elif owned.model is None:
        why = "No model declares this table, and no known revision created it"
    else:
        why = "No known package defines this table, and no known revision created it"
    return f"{why}, so the owner of the change is unknown. {todo}."


def shared_type(change: ChangeFact, foreign: Iterable[TableKey], cause: Cause) -> str:
    """Of a change to a type that tables of the core use too."""
    names = ", ".join(table_text(key) for key in foreign)
    return (
        f"The type {change.type_name} is also used by tables that are not yours ({names}), and there is no evidence "
        f"that their owner causes the change: {cause.clause}. Use a separate type for your tables."
    )


def unreadable(change: ChangeFact) -> str:
    """Of an operation of a plugin that may be on a core table."""
    operation = change.kind.removeprefix("op:")
    return (
        f"{operation} is an operation of a plugin, and the table that it changes is unknown. Write the operation by "
        "hand, in a separate revision, after checking that it does not affect a core table."
    )


def no_core_table(change: ChangeFact) -> str:
    """Of an operation of a plugin, where every table is the application's."""
    operation = change.kind.removeprefix("op:")
    return f"{operation} is an operation of a plugin, and every table of this database is yours."


def written(owner: str | None, revision: str, package: str | None) -> str:
    """Of a change on a core table that a revision of the application makes in a pull request."""
    maker = f"{revision} of {package}" if package is not None else revision
    return (
        f"The table belongs to {owner}, and revision {maker} changes it. Remove the operation from the revision, and "
        "keep the columns that you need in an extension table."
    )


def restored(owner: str | None, revision: str) -> str:
    """Of a change on a core table with which a pull request reverts what the application did to it."""
    return f"Revision {revision} restores the table as {owner} created it."


def taken_back(owner: str | None) -> str:
    """Of a change on a core table that follows from a merged revision which a pull request removes or edits."""
    return (
        f"The table belongs to {owner}. A merged revision that altered this table was edited or deleted. Databases "
        "that already ran it keep its changes. Restore the revision and revert its changes in a new one."
    )


def untold(owner: str | None) -> str:
    """Of a change on a core table that no revision is known to make."""
    return (
        f"The table belongs to {owner}. It differs from the base of the pull request, but no revision is known to "
        "change it. The change is blocked until its cause is found."
    )


def renamed(old: str, new: str, more: Sequence[str]) -> str:
    """Of a drop or an addition that a comparison makes of another name."""
    besides = f" The new revisions also {', '.join(more)}." if more else ""
    what = f"rename of {old} to {new}" if old != new else f"move of {old} to another schema"
    return f"Part of the {what}.{besides}"


def other_column(old: str) -> str:
    """Of a change to a column whose name another one had before."""
    return f"This is a different column: {old} was renamed to this name."


GOES_ALONG = "Unchanged; only the table or column that it belongs to was renamed."
"""Of an index or a constraint that a comparison takes for another one where a table or column was renamed."""


def only_anew(revision: str | None) -> str:
    """Of a change that comes of a merged revision which a pull request edits or removes."""
    which = "the merged revision" if revision is None else f"revision {revision}"
    return f"Only newly created databases differ: those that already ran {which} do not change."


def own_revisions(owner: str | None) -> str:
    """Of a change on a core table that one of several new revisions of the core makes."""
    return f"A revision of the framework changes {whose(owner)} table; none of your revisions does."


def own_revision(revision: str, package: str | None) -> str:
    """Of a change on a core table that a revision of the core makes in a pull request."""
    return f"Revision {revision} of {package} changes a table of {package}."


def whose(owner: str | None) -> str:
    """``poser's``, ``models'``."""
    return f"{owner}'" if owner is not None and owner.endswith("s") else f"{owner}'s"


def _instead(change: ChangeFact, way: Way) -> str:
    """What to do instead of this kind of change to a core table."""
    if way.follows is not None:
        return f"Follows from {way.follows}; fixing that removes this change as well."
    if change.kind == "add_column" and way.extension is not None:
        return f"Move it to {way.extension}, your extension table."
    if change.kind in ("add_column", "add_fk", "add_constraint"):
        return "Move it to an extension table: a custom table whose primary key is a foreign key to this table."
    if change.kind == "add_index":
        return "Ask for the index upstream, or create it outside of migrations."
    if change.kind.startswith("modify_"):
        return "Restore the framework's definition of the column, and keep your own variant in an extension table."
    return "Restore the framework's definition of the table."
