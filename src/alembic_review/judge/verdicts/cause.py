"""What causes a change on a core table: somebody's code, somebody's revision, or nothing that was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from alembic_review.judge.ownership.stack_evidence import Evidence, place_of
from alembic_review.judge.ownership.table_owners import Owned, Ownership, table_text
from alembic_review.judge.verdicts.matching_changes import alteration_leads_to, edit_leads_to
from alembic_review.judge.verdicts.remaining_alterations import standing, texts
from alembic_review.model.facts import (
    Alteration,
    ChangeFact,
    DatabaseFacts,
    Edit,
    Item,
    ModelTable,
    Place,
    TableKey,
    TypeUse,
)
from alembic_review.model.review import Role

# What else a rule of compilation may make of a table shows in its definition.
_COMPILED = frozenset({"add_table", "add_column", "modify_type", "modify_default", "modify_nullable"})
_ATTRIBUTES = {"nullable": "nullability", "server_default": "server default"}


class By(Enum):
    """Who causes a change: the application, another package, or unknown."""

    APPLICATION = "application"
    OTHERS = "others"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Cause:
    """What causes a change.

    ``how`` says it in words: what ``package`` does to the table (``puts the column colour on it``), a whole clause
    where nobody is known to have done it. ``revision`` names the revision that did it. ``inherited`` is true for what
    follows from another item: a generated copy, an index over a column.
    """

    package: str | None
    by: By
    how: str
    place: Place | None = None
    revision: str | None = None
    inherited: bool = False

    @property
    def application(self) -> bool:
        """Whether the application did it."""
        return self.by is By.APPLICATION

    @property
    def clause(self) -> str:
        """Who does what, as part of a sentence."""
        return self.how if self.package is None or self.revision is not None else f"{self.package} {self.how}"

    @property
    def explained(self) -> bool:
        """Whether anybody was seen doing it."""
        return self.by is not By.NOBODY


class Causes:
    """Answers for the core tables of one database."""

    def __init__(self, database: DatabaseFacts, ownership: Ownership, evidence: Evidence) -> None:
        self._ownership = ownership
        self._evidence = evidence
        self._alterations: dict[TableKey, list[tuple[Alteration, str | None]]] = {}
        for alteration in standing([one for one in database.alterations if self._counts(self._doer(one))]):
            entry = (alteration, self._doer(alteration))
            self._alterations.setdefault(alteration.key, []).append(entry)
        self._former_names: dict[str, list[TableKey]] = {}
        for alteration in database.alterations:
            if alteration.action == "renamed" and alteration.name is not None:
                self._former_names.setdefault(alteration.name, []).append(alteration.key)
        self._renamed = [
            (model, edit)
            for model in database.tables
            for edit in model.edits
            if (edit.kind, edit.attribute) == ("table", "name") and ownership.role(model.key) is not Role.CUSTOM
        ]

    def alterations(self, key: TableKey) -> list[tuple[Alteration, str | None]]:
        """What custom revisions, or custom code beside them, did to this table and nobody undid, each with the package.

        A revision that lies in no known package may be the application's too: its package is ``None``.
        """
        return self._alterations.get(key, [])

    def of_change(self, owned: Owned, change: ChangeFact) -> Cause:
        """The cause of a change on a core table. Of several, the application's come first, then unexplained ones."""
        altered = self.altering(owned.key, change)
        if altered is not None:
            return altered
        if owned.model is None:
            return self._without_model(owned)
        if owned.model.removed:
            return self.of_removal(owned.model)
        defined = self._of_table(owned)
        if defined.application:
            return defined
        edits = [(edit, self.of_edit(model, edit)) for model, edit in self._edits(owned) if edit_leads_to(edit, change)]
        # What the core itself decides before it defines its tables says nothing of any one change.
        told = [cause for edit, cause in edits if cause.by is not By.OTHERS or not is_early(edit)]
        rules = self._of_rules() if change.kind in _COMPILED else ()
        return worst([*told, *self._of_subject(owned, change), *rules])

    def _of_rules(self) -> Iterator[Cause]:
        """What the application makes of every table, by rules of its own for SQLAlchemy's types and statements."""
        for rule in self._evidence.compile_rules():
            by = By.APPLICATION if rule.package is not None else By.NOBODY
            nobody = "" if rule.package is not None else "code in no known package "
            yield Cause(rule.package, by, f"{nobody}changes how SQLAlchemy compiles {rule.compiled}", rule.place)

    def of_item(self, owned: Owned, item: Item, called: str | None = None) -> Cause:
        """The cause of a column, index or constraint of a core table's model; ``called`` is what its words call it."""
        model = owned.model
        assert model is not None
        called = called or _item_text(item)
        puts = f"adds {called}" if called.startswith("this ") else f"adds {called} to it"
        attacher = self._evidence.application_frame(item.stack, beneath=model.stack)
        frame = attacher or self._evidence.application_frame(item.made, beneath=model.stack)
        if frame is not None:
            place = self._evidence.item_place(item, frame) if attacher is not None else place_of(frame)
            return Cause(self._evidence.package(frame), By.APPLICATION, puts, place)
        if item.stack is None:
            return Cause(None, By.NOBODY, f"the code that adds {called} is unknown")
        stranger = self._evidence.stranger(item.stack, beneath=model.stack)
        if stranger is not None:
            return Cause(None, By.NOBODY, f"code in no known package {puts}", place_of(stranger))
        inherited = self._inherited(owned, item, called)
        if inherited is not None:
            return replace(inherited, inherited=True)
        owners = self._evidence.definers(item.stack)
        package = owners[0][0] if owners else self._evidence.innermost(item.stack)
        if package is None:
            where = self._evidence.site(item.stack, None)
            return Cause(None, By.NOBODY, f"code in no known package {puts}", place_of(where))
        site = self._evidence.site(item.stack, package)
        return Cause(package, By.OTHERS, puts, self._evidence.item_place(item, site))

    def of_edit(self, model: ModelTable, edit: Edit) -> Cause:
        """The cause of a change in place: explained only where the line of a package that owns the table did it."""
        what = f"{_edit_text(edit)} in place"
        if edit.stack is None:
            generator = None if self._evidence.definers(model.stack) else self._evidence.innermost(model.stack)
            if edit.early and generator is not None:
                return Cause(generator, By.OTHERS, what, place_of(self._evidence.site(model.stack, generator)))
            return Cause(None, By.NOBODY, f"unknown code {what}")
        if edit.early and edit.attribute == "naming_convention":
            return self._of_convention(edit.stack, what)
        return self._by_stack(edit.stack, model.stack, what, early=edit.early)

    def of_removal(self, model: ModelTable) -> Cause:
        """The cause of a model that was taken out of its MetaData."""
        what = "removes its model from the MetaData"
        if model.removal is None:
            return Cause(None, By.NOBODY, f"unknown code {what}")
        return self._by_stack(model.removal, None, what)

    def of_use(self, use: TypeUse) -> Cause:
        """The cause of a change to a shared type, as far as this column goes."""
        owned = self._ownership.tables.get(use.key)
        if owned is None or owned.role is not Role.CORE:
            return Cause(None, By.NOBODY, f"the owner of the table {table_text(use.key)} is unknown")
        items = owned.model.items if owned.model is not None else ()
        number = next((n for n, item in enumerate(items) if (item.kind, item.name) == ("column", use.column)), None)
        # What the models no longer have goes the way of the column.
        kind = "remove_column" if number is None else "modify_type"
        column = ChangeFact(kind, use.key, use.key.schema, use.column, 0, "", None, (use.column,), item=number)
        cause = self.of_change(owned, column)
        if owned.unmigrated and not cause.application:
            return Cause(None, By.NOBODY, f"{owned.owner}, which declares {table_text(use.key)}, has no revisions here")
        return cause

    def made_from(self, owned: Owned, cause: Cause, change: ChangeFact) -> str | None:
        """What a change follows from, in words: the source of a generated copy, a column added to the core table."""
        if cause.inherited and self.is_generated(owned) and change.item is not None:
            source = self.source(owned)
            return f"the additions to {table_text(source.key)}" if source is not None else None
        if change.kind not in ("add_index", "add_constraint", "add_fk") or owned.model is None or not change.columns:
            return None
        columns = [one for one in owned.model.items if one.kind == "column" and one.name in change.columns]
        hung = [one.name for one in columns if self.of_item(owned, one).application and one.name is not None]
        return f"the column {hung[0]}" if hung else None

    def is_generated(self, owned: Owned) -> bool:
        """Tell whether a generator made the model, and no owner of tables stands in its stack."""
        return owned.model is not None and not self._evidence.definers(owned.model.stack)

    def source(self, owned: Owned) -> Owned | None:
        """The table that a generated one is made from; ``None`` where the sources lead round in a circle."""
        first = self._direct_source(owned)
        seen, source = {owned.key}, first
        while source is not None:
            if source.key in seen:
                return None
            seen.add(source.key)
            source = self._direct_source(source)
        return first

    def _direct_source(self, owned: Owned) -> Owned | None:
        if owned.model is None or not self.is_generated(owned) or len(owned.model.sources) != 1:
            return None
        source = self._ownership.tables.get(owned.model.sources[0])
        return source if source is not None and source.model is not None else None

    def _doer(self, alteration: Alteration) -> str | None:
        """The package that altered a table, in a revision or beside them."""
        by_revision = alteration.place is None
        return self._evidence.revision_owner(alteration.revision) if by_revision else alteration.package

    def _counts(self, owner: str | None) -> bool:
        """Tell whether an alteration by a revision of this owner may be the application's doing."""
        return self._evidence.is_application(owner) or (owner is None and bool(self._evidence.custom))

    def _of_convention(self, stack: int, what: str) -> Cause:
        """The cause of the names in a MetaData that was made with a convention: whoever owns the line that made it."""
        owners = self._evidence.owners(stack)
        if not owners:
            return Cause(self._evidence.innermost(stack), By.OTHERS, what)
        by = By.APPLICATION if self._evidence.is_application(owners[0][0]) else By.OTHERS
        return Cause(owners[0][0], by, what, place_of(owners[0][1]))

    def _by_stack(self, stack: int, beneath: int | None, what: str, *, early: bool = False) -> Cause:
        evidence = self._evidence
        frame = evidence.application_frame(stack, beneath=beneath)
        if frame is not None:
            return Cause(evidence.package(frame), By.APPLICATION, what, place_of(frame))
        stranger = evidence.stranger(stack, beneath=beneath)
        if stranger is not None:
            return Cause(None, By.NOBODY, f"code in no known package {what}", place_of(stranger))
        owners = evidence.owners(stack)
        if owners:
            return Cause(owners[0][0], By.OTHERS, what, place_of(owners[0][1]))
        frames, maker = evidence.frames(stack), evidence.innermost(stack)
        if maker is None:
            return Cause(None, By.NOBODY, f"code in no known package {what}", place_of(frames[0] if frames else None))
        generated = beneath is not None and not evidence.definers(beneath) and maker == evidence.innermost(beneath)
        if early or generated:
            return Cause(maker, By.OTHERS, what, place_of(frames[0]))
        return Cause(None, By.NOBODY, f"code of {maker}, which owns no tables, {what}", place_of(frames[0]))

    def _inherited(self, owned: Owned, item: Item, called: str) -> Cause | None:
        """The cause of what the item is made from, where that is not the core's own.

        A generated item comes from the item of the same name on the table it is generated from; an index or constraint
        can't be without its columns.
        """
        causes = []
        source = self.source(owned)
        if source is not None and source.model is not None and item.name is not None:
            twin = next((one for one in source.model.items if (one.kind, one.name) == (item.kind, item.name)), None)
            causes += [self.of_item(source, twin, called)] if twin is not None else []
        if item.kind != "column" and owned.model is not None:
            columns = [one for one in owned.model.items if one.kind == "column" and one.name in item.columns]
            causes += [cause for cause in (self.of_item(owned, one) for one in columns) if cause.by is not By.OTHERS]
        return worst(causes) if causes else None

    def altering(self, key: TableKey, change: ChangeFact) -> Cause | None:
        """Which custom revision, or code beside them, did to a core table what the change is about; not if undone."""
        causes = [
            self.cause_of(alteration, owner)
            for name in self.names(key)
            for alteration, owner in self.alterations(name)
            if alteration_leads_to(alteration, change)
        ]
        return worst(causes) if causes else None

    def cause_of(self, alteration: Alteration, owner: str | None) -> Cause:
        """The cause of what one alteration leads to; ``owner`` is the package that did it."""
        if alteration.place is not None:
            by = By.APPLICATION if owner is not None else By.NOBODY
            how = "alters it outside its revisions" if owner is not None else "code in no known package alters it"
            return Cause(owner, by, how, alteration.place)
        revision, did = alteration.revision, next(texts([alteration]))
        place = self._evidence.revision_place(revision)
        if owner is None:
            return Cause(None, By.NOBODY, f"revision {revision}, in no known package, {did}", place, revision)
        return Cause(owner, By.APPLICATION, f"revision {revision} of {owner} {did}", place, revision)

    def names(self, key: TableKey) -> list[TableKey]:
        """The table's name and the names it may have had, in any schema: a rename may move a table, too."""
        names = [key]
        for name in names:
            names += [former for former in self._former_names.get(name.name, []) if former not in names]
        return names

    def _edits(self, owned: Owned) -> list[tuple[ModelTable, Edit]]:
        """Changes in place of the table, and of the one it is generated from."""
        models = [owned.model]
        source = self.source(owned)
        if source is not None:
            models.append(source.model)
        return [(model, edit) for model in models if model is not None for edit in model.edits]

    def _of_subject(self, owned: Owned, change: ChangeFact) -> list[Cause]:
        """The causes of what the change is about, on a table whose model is there."""
        assert owned.model is not None
        if change.kind == "add_table":
            return [self._of_table(owned), *(self.of_item(owned, item) for item in owned.model.items)]
        if change.item is not None:
            item = owned.model.items[change.item]
            return [self.of_item(owned, item, f"this {_noun(item)}")]
        place = self._table_place(owned)
        known = change.kind == "add_table_comment" or change.kind.startswith("remove_")
        if known and change.kind != "remove_table":
            return [self._of_table(owned)]
        return [Cause(None, By.NOBODY, "the model does not show where the change comes from", place)]

    def _of_table(self, owned: Owned) -> Cause:
        """The cause of the table itself, and of what only the database has on a table that nobody touched."""
        assert owned.model is not None
        if owned.model.stack is None:
            return Cause(None, By.NOBODY, "the code that defines it is unknown")
        frame = self._evidence.application_frame(owned.model.stack)
        if self._evidence.innermost(owned.model.stack) is None:
            return Cause(None, By.NOBODY, "code in no known package defines it", self._table_place(owned))
        owners = self._evidence.definers(owned.model.stack)
        if frame is not None and owners and self._evidence.is_application(owners[0][0]):
            # The settings may call a table the core's that the application defines all the same.
            return Cause(self._evidence.package(frame), By.APPLICATION, "defines it", place_of(frame))
        return Cause(owned.owner, By.OTHERS, "defines it", self._table_place(owned))

    def _table_place(self, owned: Owned) -> Place | None:
        assert owned.model is not None
        return place_of(self._evidence.site(owned.model.stack, owned.owner))

    def _without_model(self, owned: Owned) -> Cause:
        # A model that was given another name in place may have been this table's.
        causes = [self.of_edit(model, edit) for model, edit in self._renamed]
        if owned.origin is None and owned.before:
            # Only the settings know an owner of such a table, and no revision is a match for them.
            causes.append(Cause(owned.owner, By.OTHERS, "had it before the first revision"))
        elif owned.origin is None:
            causes.append(Cause(None, By.NOBODY, "no known revision created it"))
        elif owned.provenance is None:
            how = f"revision {owned.origin.revision}, which created it, is in no known package"
            causes.append(Cause(None, By.NOBODY, how))
        elif self._evidence.is_application(owned.provenance):
            # The settings may call a table the core's that the application created all the same.
            revision = owned.origin.revision
            how = f"revision {revision} of {owned.provenance} created it"
            place = self._evidence.revision_place(revision)
            causes.append(Cause(owned.provenance, By.APPLICATION, how, place, revision))
        else:
            causes.append(Cause(owned.owner, By.OTHERS, "created it"))
        return worst(causes)


def is_early(edit: Edit) -> bool:
    """Tell whether an edit came before the table's own definition, or concerns its whole MetaData."""
    return edit.early or edit.attribute == "naming_convention"


def worst(causes: Iterable[Cause]) -> Cause:
    """The application's doing before what is not explained, before anybody else's; else the first."""
    ranks = {By.APPLICATION: 0, By.NOBODY: 1, By.OTHERS: 2}
    return min(causes, key=lambda cause: ranks[cause.by])


def _noun(item: Item) -> str:
    return "foreign key" if item.foreign_key else item.kind


def _item_text(item: Item) -> str:
    noun = _noun(item)
    if item.name is not None:
        return f"the {noun} {item.name}"
    return f"a {noun} on {', '.join(item.columns)}" if item.columns else f"a {noun}"


def _edit_text(edit: Edit) -> str:
    if edit.attribute == "naming_convention":
        return "changes the naming convention of its MetaData"
    if edit.kind == "table":
        return f"changes the {edit.attribute} of the table"
    what = f"the {edit.kind} {edit.name}" if edit.name is not None else f"a {edit.kind} without a name"
    verbs = {"removed": "removes", "added": "adds", "changed": "changes"}
    verb = verbs.get(edit.attribute)
    return f"{verb} {what}" if verb else f"changes the {_ATTRIBUTES.get(edit.attribute, edit.attribute)} of {what}"
