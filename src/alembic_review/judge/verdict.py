"""The verdict on each change, and the reason in words that say what to do instead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from alembic_review.judge.cause import By, Cause, Causes
from alembic_review.judge.evidence import Evidence
from alembic_review.judge.ownership import Owned, Ownership, table_text
from alembic_review.model.facts import ChangeFact, Declared, Place, TableKey
from alembic_review.model.review import Role, Verdict


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason; ``cause`` is the package that brought the change about, where that is known."""

    verdict: Verdict
    reason: str
    owner: str | None
    cause: str | None
    place: Place | None = None
    revision: str | None = None


class Verdicts:
    """Decides the changes of one database. ``unloaded`` are declarations in modules that nobody imported."""

    def __init__(
        self,
        ownership: Ownership,
        causes: Causes,
        evidence: Evidence,
        unloaded: Collection[Declared],
    ) -> None:
        self._ownership = ownership
        self._causes = causes
        self._evidence = evidence
        self._unloaded = {(entry.schema, entry.table): entry for entry in unloaded}

    def decide(self, change: ChangeFact) -> Decision:
        """The row of the verdict table that a change falls under; what no row explains is blocked."""
        if not change.readable or (change.key is None and not change.type_users):
            return Decision(
                Verdict.BLOCKED,
                f"Nothing tells which table the plugin's operation {change.kind.removeprefix('op:')} changes. Write "
                "it by hand, in a revision of its own, once you know that it touches no core table.",
                None,
                None,
            )
        if change.key is None:
            return self._shared_type(change)
        owned = self._ownership.tables.get(change.key)
        if owned is None or (owned.role is Role.UNKNOWN and not owned.disputed):
            return self._unknown(change, owned)
        if owned.disputed:
            return self._disputed(owned)
        if owned.role is Role.CUSTOM:
            return self._custom(change, owned)
        return self._core(change, owned)

    def _custom(self, change: ChangeFact, owned: Owned) -> Decision:
        owner = owned.owner
        declared = self._unloaded.get((owned.key.schema, owned.key.name)) if change.kind == "remove_table" else None
        if declared is not None:
            return Decision(
                Verdict.BLOCKED,
                f"The class of this table is in {declared.module}, which nobody imports: the table would be dropped by "
                f"mistake. Import {declared.module} in the package's models.",
                owner,
                owner,
                Place(declared.path, declared.line),
            )
        return Decision(Verdict.SAFE, f"The table is {owner}'s own.", owner, owner, change.place)

    def _core(self, change: ChangeFact, owned: Owned) -> Decision:
        owner = owned.owner
        declared = self._unloaded.get((owned.key.schema, owned.key.name)) if change.kind == "remove_table" else None
        if declared is not None:
            reason = (
                f"{declared.module}, which nobody imports, declares this table too, and a core revision created it."
            )
            return Decision(Verdict.BLOCKED, reason, owner, None, Place(declared.path, declared.line))
        cause = self._causes.of_change(owned, change)
        place = cause.place or change.place
        if cause.revision is not None:
            reason = (
                f"{_of_core(owner)}, and revision {cause.revision} of {cause.package} altered it. Undo that in a new "
                "revision, and keep what you need in a table of your own."
            )
            return Decision(Verdict.BLOCKED, reason, owner, cause.package, place, cause.revision)
        if cause.application:
            reason = f"{_of_core(owner)}, and {cause.package} {cause.how}. {_instead(change)}"
            return Decision(Verdict.BLOCKED, reason, owner, cause.package, place)
        if not cause.explained:
            reason = (
                f"{_of_core(owner)} and the cause is not explained: {cause.how}. Find who does it, and stop it or tell "
                "the settings whose table it is."
            )
            return Decision(Verdict.BLOCKED, reason, owner, None, place)
        return Decision(Verdict.UPSTREAM, _drift(owner, cause), owner, cause.package, place)

    def _shared_type(self, change: ChangeFact) -> Decision:
        users = sorted({use.key for use in change.type_users}, key=table_text)
        foreign = [key for key in users if self._ownership.role(key) is not Role.CUSTOM]
        owner = self._ownership.owner(users[0])
        if not foreign:
            return Decision(Verdict.SAFE, f"Only tables of {owner} use the type {change.type_name}.", owner, owner)
        names = ", ".join(table_text(key) for key in foreign)
        core = [self._ownership.tables[key] for key in foreign if key in self._ownership.tables]
        if len(core) == len(foreign) and self._all_own_doing(change, core):
            owner = core[0].owner
            cause = Cause(owner, By.OTHERS, "its own models and revisions disagree")
            return Decision(Verdict.UPSTREAM, _drift(owner, cause), owner, owner)
        return Decision(
            Verdict.BLOCKED,
            f"The type {change.type_name} is also used by {names}, not a table of yours. Give your tables a type of "
            "their own.",
            next((entry.owner for entry in core), None),
            None,
        )

    def _all_own_doing(self, change: ChangeFact, core: list[Owned]) -> bool:
        """Positive evidence that a shared type is the core's alone: nobody touched a column that uses it."""
        for owned in core:
            columns = {use.column for use in change.type_users if use.key == owned.key}
            if owned.role is not Role.CORE or owned.model is None or owned.model.removed:
                return False
            for alteration, _ in self._causes.alterations(owned.key):
                if alteration.kind == "table" or alteration.name in columns:
                    return False
            if any(edit.kind == "column" and edit.name in columns for edit in owned.model.edits):
                return False
            for item in owned.model.items:
                if item.kind == "column" and item.name in columns:
                    cause = self._causes.of_item(owned, item)
                    if cause.application or not cause.explained:
                        return False
        return True

    def _unknown(self, change: ChangeFact, owned: Owned | None) -> Decision:
        key = change.key or TableKey(None, "")
        setting = owners_setting(key, self._evidence)
        if owned is not None and owned.factory:
            why = "a function of the core made this table for the application, and no revision tells whose it is"
        elif owned is None or owned.model is None:
            why = "no model declares this table and no known revision created it"
        else:
            why = "nothing tells who owns this table"
        reason = f"{why[0].upper()}{why[1:]}. Say so in the settings: {setting}."
        return Decision(Verdict.BLOCKED, reason, None, None, change.place)

    def _disputed(self, owned: Owned) -> Decision:
        origin = owned.origin.revision if owned.origin is not None else ""
        setting = owners_setting(owned.key, self._evidence)
        reason = (
            f"The witnesses disagree: {owned.definition} defines the table, {owned.provenance}'s revision {origin} "
            f"created it. Say whose it is in the settings: {setting}."
        )
        return Decision(Verdict.BLOCKED, reason, owned.owner, None, owned.model.place if owned.model else None)


def owners_setting(key: TableKey, evidence: Evidence) -> str:
    """The line that settles whose a table is."""
    example = min(evidence.custom, default="your_package")
    return f'owners = {{"{table_text(key)}" = "{example}"}}'


def _of_core(owner: str | None) -> str:
    return f"The table is {owner}'s"


def _drift(owner: str | None, cause: Cause) -> str:
    if cause.package is not None and cause.package != owner:
        return f"{owner}'s models and revisions disagree without you ({cause.package} brings it): not yours to write."
    return f"{owner}'s own models and revisions disagree without you: not yours to write."


def _instead(change: ChangeFact) -> str:
    """What to do instead of this kind of change to a core table."""
    if change.kind in ("add_column", "add_fk", "add_constraint"):
        return "Move it to a table of your own whose primary key refers to this one (an extension table)."
    if change.kind == "add_index":
        return "Ask for the index upstream, or create it outside of migrations."
    if change.kind.startswith("modify_"):
        return "Leave the column as the core has it, and keep your own variant on a table of your own."
    return "Leave the table as the core has it."
