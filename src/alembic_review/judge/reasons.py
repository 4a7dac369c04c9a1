"""Why a change has its verdict, in words for somebody who has never seen this tool: what, why, what instead.

Like changes get the same words but for their own names, so that a report can fold them into one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic_review.judge.cause import Cause
from alembic_review.judge.ownership import Owned, table_text
from alembic_review.judge.settle import Settle
from alembic_review.model.facts import ChangeFact, Declared, TableKey


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
    return f"The table is {whose(owner)} own."


def own_type(owner: str | None, change: ChangeFact) -> str:
    """Of a shared type that only custom columns use."""
    return f"Only columns of {whose(owner)} own tables use the type {change.type_name}."


def caused(owner: str | None, cause: Cause, change: ChangeFact, way: Way) -> str:
    """Of a change on a core table that the application's code or one of its revisions brought about."""
    instead = _instead(change, way)
    if cause.revision is not None:
        undo = "Take that out of the revision again" if way.new else "Undo that in a new revision"
        instead = f"{undo}, and keep what you need in a table of your own."
    undoing = "; this would undo it" if cause.revision is not None and way.undoes else ""
    return f"The table is {whose(owner)}, and {cause.clause}{undoing}. {instead}"


def unexplained(owner: str | None, cause: Cause) -> str:
    """Of a change on a core table that nobody is known to have brought about."""
    return (
        f"The table is {whose(owner)}, and the cause of this is not explained: {cause.clause}. It stays blocked until "
        "somebody finds out who does that, and stops it."
    )


def drift(owner: str | None, cause: Cause) -> str:
    """Of a change that the core has without the application too."""
    if cause.package is not None and cause.package != owner:
        models = f"{whose(owner)} models and revisions"
        return f"{models} disagree without you ({cause.package} brings it): not yours to write."
    return f"{whose(owner)} own models and revisions disagree without you: not yours to write."


def existed(owner: str | None) -> str:
    """Of a table of somebody else that existed before the first revision, and that no model declares."""
    return f"The table is {whose(owner)} and existed before the first revision (`before`): not yours to drop or alter."


UNREAD = (
    "No loaded model declares the table, and the source of your packages could not be read: a module that nobody "
    "imports may declare it."
)
"""Of a change on a table without a model, where reading the source failed."""


def outside(owner: str) -> str:
    """Of a change on a table whose class is mapped, in a MetaData that is not compared."""
    return (
        f"A mapped class of {owner} uses the table, but target_metadata does not contain it, so Alembic takes it for "
        "removed. Add its MetaData to target_metadata in env.py; nothing is to be dropped."
    )


def unloaded(declared: Declared) -> str:
    """Of a change on a table whose class was not loaded, or may not have been."""
    if declared.table is None:
        return (
            f"The table's model may be in {declared.module}, which nobody imports: it declares a table whose name "
            f"can't be read from its source. Import {declared.module} where the other models are imported; "
            "what is dropped then is really gone."
        )
    return (
        f"The table's model is in {declared.module}, which nobody imports, so Alembic takes it for gone. Import "
        f"{declared.module} where the other models are imported; nothing is to be dropped."
    )


def unmigrated(owned: Owned, settle: Settle) -> str:
    """Of a change on a table that a package without revisions here declares, and no revision created."""
    package = owned.owner
    assert package is not None
    where = "no revision of a known package creates" if owned.origin is not None else "no revision creates"
    return (
        f"{package} declares {table_text(owned.key)} and has no revisions in this project, and {where} the table: "
        f"nothing shows who migrates it. Add {settle.as_core(package)} to the settings if {package} creates its "
        f"tables itself, or {settle.as_custom(package)} if your revisions are to do so."
    )


def disputed(owned: Owned, todo: str) -> str:
    """Of a change on a table about whose owner the witnesses disagree; ``todo`` says how to settle it."""
    if owned.origin is None or owned.definition is None or owned.provenance is None:
        return (
            "The table is generated from one whose owner is disputed, so nobody can say whose change this is. Name "
            "the owner of that table in the settings, under owners."
        )
    return (
        f"{owned.definition} defines the table, but revision {owned.origin.revision} of {owned.provenance} created it, "
        f"so nobody can say whose change this is. {todo}."
    )


def unowned(owned: Owned, todo: str) -> str:
    """Of a change on a table of which nothing tells the owner; ``todo`` says how to settle it."""
    if owned.version_table:
        return (
            f"{table_text(owned.key)} is the version table of another Alembic history (version_num is its only "
            "column). Exclude it from the comparison with include_name in env.py, or list both Alembic environments in "
            "the settings, under environments."
        )
    if owned.factory:
        why = "A function of the core makes this table for the application, and no revision has created it yet"
    elif owned.origin is not None:
        why = f"Revision {owned.origin.revision}, which created this table, lies in no known package"
    elif owned.model is None and owned.before:
        why = "No model declares this table, which existed before the first revision (`before` in the settings)"
    elif owned.model is None:
        why = "No model declares this table, and no known revision created it"
    else:
        why = "No known package defines this table, and no known revision created it"
    return f"{why}, so nobody can say whose change this is. {todo}."


def shared_type(change: ChangeFact, foreign: Iterable[TableKey], cause: Cause) -> str:
    """Of a change to a type that tables of the core use too."""
    names = ", ".join(table_text(key) for key in foreign)
    return (
        f"The type {change.type_name} is used by tables that are not yours ({names}), and nothing shows that the "
        f"change is their owner's own doing: {cause.clause}. Give your tables a type of their own."
    )


def unreadable(change: ChangeFact) -> str:
    """Of an operation of a plugin that may be on a core table."""
    operation = change.kind.removeprefix("op:")
    return (
        f"{operation} is an operation of a plugin, and it is not certain which table it changes. Write it by hand, in "
        "a revision of its own, once you know that it touches no core table."
    )


def no_core_table(change: ChangeFact) -> str:
    """Of an operation of a plugin, where every table is the application's."""
    operation = change.kind.removeprefix("op:")
    return f"{operation} is an operation of a plugin, and every table of this database is yours."


def written(owner: str | None, revision: str, package: str | None) -> str:
    """Of a change on a core table that a revision of the application makes in a pull request."""
    maker = f"{revision} of {package}" if package is not None else revision
    return (
        f"The table is {whose(owner)}, and revision {maker} changes it. Take that out of the revision again, and keep "
        "what you need in a table of your own."
    )


def restored(owner: str | None, revision: str) -> str:
    """Of a change on a core table by which a pull request takes back what the application did to it."""
    return f"Revision {revision} makes the table again what {owner} made it."


def taken_back(owner: str | None) -> str:
    """Of a change on a core table that comes of a merged revision which a pull request removes or edits."""
    return (
        f"The table is {whose(owner)}. What a merged revision did to it, none does any more, and databases that have "
        "that revision stay as they are: keep it as it was, and undo what it did in a new one."
    )


def untold(owner: str | None) -> str:
    """Of a change on a core table that no revision is known to make."""
    return (
        f"The table is {whose(owner)}, and no revision is known to do this, though it was not so at the base. It stays "
        "blocked until somebody finds out where it comes from."
    )


def renamed(old: str, new: str, more: Sequence[str]) -> str:
    """Of a drop or an addition that a comparison makes of another name."""
    besides = f" Besides, revisions {', '.join(more)}." if more else ""
    what = f"a renaming, of {old} to {new}" if old != new else f"a move of {old} to another schema"
    return f"This is half of {what}.{besides}"


def other_column(old: str) -> str:
    """Of a change to a column whose name another one had before."""
    return f"It is another column than before: {old} has this name now."


GOES_ALONG = "It is the same as before, on or referring to what has another name now."
"""Of an index or a constraint that a comparison takes for another one where a table or column was renamed."""


def only_anew(revision: str | None) -> str:
    """Of a change that comes of a merged revision which a pull request edits or removes."""
    which = "the merged revision" if revision is None else f"revision {revision}"
    return f"Only databases made anew differ so: those that have {which} stay as they are."


def own_revisions(owner: str | None) -> str:
    """Of a change on a core table that one of several new revisions of the core makes."""
    return f"A revision of the packages underneath changes {whose(owner)} table, none of yours does."


def own_revision(revision: str, package: str | None) -> str:
    """Of a change on a core table that a revision of the core makes in a pull request."""
    return f"Revision {revision} of {package} itself changes its own table."


def whose(owner: str | None) -> str:
    """``poser's``, ``models'``."""
    return f"{owner}'" if owner is not None and owner.endswith("s") else f"{owner}'s"


def _instead(change: ChangeFact, way: Way) -> str:
    """What to do instead of this kind of change to a core table."""
    if way.follows is not None:
        return f"It goes away with {way.follows}."
    if change.kind == "add_column" and way.extension is not None:
        return f"Move it to {way.extension}, which is your extension of this table."
    if change.kind in ("add_column", "add_fk", "add_constraint"):
        return "Move it to a table of your own whose primary key refers to this one (an extension table)."
    if change.kind == "add_index":
        return "Ask for the index upstream, or create it outside of migrations."
    if change.kind.startswith("modify_"):
        return "Leave the column as the core has it, and keep your own variant on a table of your own."
    return "Leave the table as the core has it."
