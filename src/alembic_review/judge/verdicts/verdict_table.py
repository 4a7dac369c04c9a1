"""The verdict on each change: one method for each row of the table of verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from alembic_review.judge.ownership.settings_lines import Settle
from alembic_review.judge.ownership.stack_evidence import place_of
from alembic_review.judge.ownership.table_owners import Owned, Ownership, table_text
from alembic_review.judge.ownership.unimported_tables import Unloaded
from alembic_review.judge.verdicts import reasons
from alembic_review.judge.verdicts.cause import By, Cause, Causes, worst
from alembic_review.model.facts import ChangeFact, DeclaredTable, Place, TableKey, TypeUse
from alembic_review.model.review import Role, Verdict


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason; ``cause`` is the package that brought the change about, where that is known.

    ``declared`` is what blocks the change: a declaration in a module that nobody imported.
    """

    verdict: Verdict
    reason: str
    owner: str | None
    cause: str | None
    place: Place | None = None
    revision: str | None = None
    declared: DeclaredTable | None = None


class Verdicts:
    """Decides the changes of one database.

    ``unloaded`` are declarations in modules that nobody imported, ``new`` the revisions that were not merged yet,
    ``outside`` the packages of mapped tables that no target metadata contains.
    """

    def __init__(  # noqa: PLR0913 - everything that a row of the table asks for
        self,
        ownership: Ownership,
        causes: Causes,
        settle: Settle,
        unloaded: Unloaded,
        *,
        new: Collection[str] = (),
        outside: Mapping[TableKey, tuple[str, Place | None]] | None = None,
    ) -> None:
        self._new = new
        self._outside = outside or {}
        self._settle = settle
        self._evidence = settle.evidence
        self._ownership = ownership
        self._causes = causes
        self._unloaded = unloaded

    def decide(self, change: ChangeFact) -> Decision:
        """The row of the verdict table that a change falls under; what no row explains is blocked."""
        if change.key is None:
            return self._shared_type(change) if change.type_users else self._without_table(change)
        if not change.readable:
            return Decision(Verdict.BLOCKED, reasons.unreadable(change), None, None)
        owned = self._ownership.tables[change.key]
        hidden = self._hidden(owned)
        if hidden is not None:
            return hidden
        if owned.role is Role.UNKNOWN:
            return self._unknown(change, owned)
        if owned.role is Role.CUSTOM:
            return Decision(Verdict.SAFE, reasons.safe(owned.owner), owned.owner, owned.owner, self.place(change))
        return self._core(change, owned)

    def place(self, change: ChangeFact) -> Place | None:
        """The line of what a change is about in the owner's own code, else that of its table; ``None`` without one."""
        owned = self._ownership.tables.get(change.key) if change.key is not None else None
        model = owned.model if owned is not None else None
        if owned is None or model is None or model.removed:
            return None
        item = model.items[change.item] if change.item is not None else None
        if item is not None and item.stack is not None:
            return self._evidence.item_place(item, self._evidence.site(item.stack, owned.owner))
        return place_of(self._evidence.site(model.stack, owned.owner))

    def _hidden(self, owned: Owned) -> Decision | None:
        """The verdict on a table that is in no compared model, and in another one or perhaps in an unloaded module."""
        outside = self._outside.get(owned.key)
        if outside is not None and (owned.model is None or owned.model.removed):
            package, place = outside
            return Decision(Verdict.BLOCKED, reasons.outside(package), owned.owner, package, place)
        declared = self._declaration(owned)
        if declared is not None:
            place = Place(declared.path, declared.line)
            reason, cause = reasons.unloaded(declared), declared.package if declared.table is not None else None
            return Decision(Verdict.BLOCKED, reason, owned.owner, cause, place, declared=declared)
        unread = owned.model is None and self._unloaded.unread
        return Decision(Verdict.BLOCKED, reasons.UNREAD, owned.owner, None) if unread else None

    def _declaration(self, owned: Owned) -> DeclaredTable | None:
        """What declares a table that no model has, in a module that nobody imported; a custom one also perhaps."""
        if owned.model is not None:
            return None
        maybe = self._unloaded.maybe_of(owned.key) if owned.role is Role.CUSTOM else None
        return self._unloaded.of(owned.key) or maybe

    def _core(self, change: ChangeFact, owned: Owned) -> Decision:
        cause = self._causes.of_change(owned, change)
        place = cause.place or self.place(change)
        if cause.application:
            reason = reasons.caused(owned.owner, cause, change, self._way(owned, cause, change))
            return Decision(Verdict.BLOCKED, reason, owned.owner, cause.package, place, cause.revision)
        if owned.unmigrated:
            return Decision(Verdict.BLOCKED, reasons.unmigrated(owned, self._settle), owned.owner, None, place)
        if not cause.explained:
            reason = reasons.unexplained(owned.owner, cause)
            return Decision(Verdict.BLOCKED, reason, owned.owner, None, place, cause.revision)
        existed = owned.before and owned.model is None
        reason = reasons.existed(owned.owner) if existed else reasons.drift(owned.owner, cause)
        return Decision(Verdict.UPSTREAM, reason, owned.owner, cause.package, place)

    def _way(self, owned: Owned, cause: Cause, change: ChangeFact) -> reasons.Way:
        extension = self._ownership.extension(owned.key)
        return reasons.Way(
            new=cause.revision in self._new,
            follows=self._causes.made_from(owned, cause, change),
            extension=table_text(extension) if extension is not None else None,
            undoes=self._causes.altering(owned.key, change) is not None,
        )

    def _unknown(self, change: ChangeFact, owned: Owned) -> Decision:
        todo = self._settle.owner(owned)
        reason = reasons.disputed(owned, todo) if owned.disputed else reasons.unowned(owned, todo)
        return Decision(Verdict.BLOCKED, reason, owned.owner, None, self.place(change))

    def _without_table(self, change: ChangeFact) -> Decision:
        """An operation of a plugin that names no table can't touch a core table where there is none."""
        reviewed = [owned for owned in self._ownership.tables.values() if _is_there(owned)]
        owners = Counter(owned.owner for owned in reviewed if owned.role is Role.CUSTOM)
        if not owners or owners.total() < len(reviewed):
            return Decision(Verdict.BLOCKED, reasons.unreadable(change), None, None)
        owner = min(owners, key=lambda name: (-owners[name], name or ""))
        return Decision(Verdict.SAFE, reasons.no_core_table(change), owner, owner)

    def _shared_type(self, change: ChangeFact) -> Decision:
        """A type that only custom columns use is custom; else it is judged as a change on the others' columns."""
        uses = sorted(change.type_users, key=lambda use: (table_text(use.key), use.column, use.where))
        own = [use for use in uses if self._ownership.role(use.key) is Role.CUSTOM]
        others = [use for use in uses if use not in own]
        if not others:
            owner = self._ownership.owner(own[0].key)
            return Decision(Verdict.SAFE, reasons.own_type(owner, change), owner, owner)
        owner = self._ownership.owner(others[0].key)
        cause = worst([*(self._causes.of_use(use) for use in others), *_declared_otherwise(own, others)])
        if cause.by is By.OTHERS:
            return Decision(Verdict.UPSTREAM, reasons.drift(owner, cause), owner, owner)
        reason = reasons.shared_type(change, dict.fromkeys(use.key for use in others), cause)
        package = cause.package if cause.application else None
        return Decision(Verdict.BLOCKED, reason, owner, package, cause.place, cause.revision)


def _is_there(owned: Owned) -> bool:
    return owned.in_database or (owned.model is not None and not owned.model.removed)


def _declared_otherwise(own: list[TypeUse], others: list[TypeUse]) -> Iterator[Cause]:
    """What the application's models make of a type that is not theirs alone, unless its owner says the same."""
    known = {use.values for use in others if use.where == "models" and use.values}
    if any(use.where == "models" and use.values not in known for use in own):
        yield Cause(None, By.NOBODY, "a table of yours declares it too, and not with the same values")
