"""What causes a change on a core table: somebody's code, somebody's revision, or nothing that was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from alembic_review.judge.alterations import standing
from alembic_review.judge.evidence import Evidence, place_of
from alembic_review.judge.ownership import Owned, Ownership
from alembic_review.model.facts import (
    Alteration,
    ChangeFact,
    DatabaseFacts,
    Edit,
    Frame,
    Item,
    ModelTable,
    Place,
    TableKey,
)

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
    "add_table_comment": "table",
    "remove_table_comment": "table",
}


class By(Enum):
    """Whose doing it is: the application's, somebody else's, or nobody's that was seen."""

    APPLICATION = "application"
    OTHERS = "others"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Cause:
    """``package`` did it, where that is known; ``how`` says it in words; ``revision`` names a custom revision."""

    package: str | None
    by: By
    how: str
    place: Place | None = None
    revision: str | None = None

    @property
    def application(self) -> bool:
        """Whether the application did it."""
        return self.by is By.APPLICATION

    @property
    def explained(self) -> bool:
        """Whether anybody was seen doing it."""
        return self.by is not By.NOBODY


class Causes:
    """Answers for the core tables of one database."""

    def __init__(self, database: DatabaseFacts, ownership: Ownership, evidence: Evidence) -> None:
        self._ownership = ownership
        self._evidence = evidence
        self._alterations: dict[TableKey, list[tuple[Alteration, str]]] = {}
        owners = {
            alteration.revision: evidence.revision_owner(alteration.revision) for alteration in database.alterations
        }
        custom = [alteration for alteration in database.alterations if owners[alteration.revision] in evidence.custom]
        for alteration in standing(custom):
            owner = owners[alteration.revision]
            if owner is not None:
                self._alterations.setdefault(alteration.key, []).append((alteration, owner))
        self._new_names = {
            (alteration.key.schema, alteration.name): alteration.key
            for alteration in database.alterations
            if alteration.action == "renamed"
        }

    def alterations(self, key: TableKey) -> list[tuple[Alteration, str]]:
        """What custom revisions did to this table and nobody undid, each with the package of the revision."""
        return self._alterations.get(key, [])

    def of_change(self, owned: Owned, change: ChangeFact) -> Cause:
        """The cause of a change on a core table."""
        altered = self._altering(owned.key, change)
        if altered is not None:
            return altered
        if owned.model is None or owned.model.removed:
            return self._without_model(owned)
        edited = self._edited(owned.model, change)
        if edited is not None:
            return edited
        if change.kind in ("add_table", "remove_table"):
            return self._of_table(owned)
        if change.item is not None:
            return self.of_item(owned, owned.model.items[change.item])
        return self._in_database_only(owned)

    def of_item(self, owned: Owned, item: Item) -> Cause:
        """The cause of a column, index or constraint of a core table's model."""
        model = owned.model
        assert model is not None
        frame = self._evidence.application_frame(item.stack, beneath=model.stack)
        if frame is not None:
            package = self._evidence.package(frame)
            return Cause(package, By.APPLICATION, "puts this on it", item.place or place_of(frame))
        if item.stack is None:
            return Cause(None, By.NOBODY, "nobody was seen putting this on it")
        copied = self._of_source(owned, item.kind, item.name)
        if copied is not None:
            return copied
        owners = self._evidence.owners(item.stack)
        package = owners[0][0] if owners else self._evidence.innermost(item.stack)
        return Cause(package, _by_others(package), "its own code adds it", item.place)

    def of_edit(self, edit: Edit, beneath: int | None) -> Cause:
        """The cause of a change in place."""
        if edit.stack is None:
            return Cause(None, By.NOBODY, f"{_edit_text(edit)}, by nobody that was seen")
        frame = self._evidence.application_frame(edit.stack, beneath=beneath)
        if frame is not None:
            return Cause(
                self._evidence.package(frame),
                By.APPLICATION,
                f"changed it in place ({_edit_text(edit)})",
                place_of(frame),
            )
        frames = self._evidence.frames(edit.stack)
        return Cause(
            self._evidence.innermost(edit.stack),
            By.OTHERS if frames else By.NOBODY,
            _edit_text(edit),
            place_of(_first(frames)),
        )

    def is_generated(self, owned: Owned) -> bool:
        """Tell whether a generator made the model, and no owner of tables stands in its stack."""
        return owned.model is not None and not self._evidence.owners(owned.model.stack)

    def source(self, owned: Owned) -> Owned | None:
        """The table that a generated one is made from."""
        if owned.model is None or not self.is_generated(owned) or len(owned.model.sources) != 1:
            return None
        source = self._ownership.tables.get(owned.model.sources[0])
        return source if source is not None and source.model is not None else None

    def _of_source(self, owned: Owned, kind: str, name: str | None) -> Cause | None:
        """A generated item has the cause of the item of the same name on the table it is generated from."""
        source = self.source(owned)
        if source is None or source.model is None or name is None:
            return None
        for item in source.model.items:
            if (item.kind, item.name) == (kind, name):
                return self.of_item(source, item)
        return None

    def _altering(self, key: TableKey, change: ChangeFact) -> Cause | None:
        wanted = _KINDS.get(change.kind, "table")
        names = [key]
        former = self._new_names.get((key.schema, key.name))
        if former is not None:
            names.append(former)
        for name in names:
            for alteration, owner in self.alterations(name):
                if alteration.kind == "table" and (alteration.action != "changed" or wanted == "table"):
                    return _revision_cause(alteration, owner)
                same = alteration.name == change.name if change.name else alteration.columns == change.columns
                if alteration.kind == wanted and same:
                    return _revision_cause(alteration, owner)
                if wanted == "index" and alteration.kind == "constraint" and same:
                    return _revision_cause(alteration, owner)
        return None

    def _edited(self, model: ModelTable, change: ChangeFact) -> Cause | None:
        """Changes in place that lead to this change; the application's, then unexplained ones, come first."""
        own = [self.of_edit(edit, model.stack) for edit in model.edits if _matches(edit, change)]
        source = self._ownership.tables.get(model.sources[0]) if len(model.sources) == 1 else None
        if source is not None and source.model is not None and not self._evidence.owners(model.stack):
            parent = source.model
            own += [self.of_edit(edit, parent.stack) for edit in parent.edits if _matches(edit, change)]
        ranked = sorted(own, key=lambda cause: (not cause.application, cause.explained))
        return ranked[0] if ranked else None

    def _without_model(self, owned: Owned) -> Cause:
        if owned.model is not None:
            return self.of_removal(owned.model)
        if owned.origin is None:
            return Cause(None, By.NOBODY, "no known revision created it")
        return Cause(owned.provenance, _by_others(owned.provenance), "its own models no longer have it")

    def of_removal(self, model: ModelTable) -> Cause:
        """The cause of a model that was taken out of its MetaData."""
        how = "its model was taken out of the MetaData"
        if model.removal is None:
            return Cause(None, By.NOBODY, how)
        frame = self._evidence.application_frame(model.removal)
        if frame is not None:
            return Cause(
                self._evidence.package(frame), By.APPLICATION, "took its model out of the MetaData", place_of(frame)
            )
        frames = self._evidence.frames(model.removal)
        return Cause(
            self._evidence.innermost(model.removal), By.OTHERS if frames else By.NOBODY, how, place_of(_first(frames))
        )

    def _of_table(self, owned: Owned) -> Cause:
        assert owned.model is not None
        if owned.model.stack is None:
            return Cause(None, By.NOBODY, "nobody was seen defining it")
        return Cause(owned.owner, By.OTHERS, "its own models and revisions disagree", owned.model.place)

    def _in_database_only(self, owned: Owned) -> Cause:
        """Something that only the database has, on a table that nobody touched since it was defined."""
        assert owned.model is not None
        if owned.model.stack is None:
            return Cause(None, By.NOBODY, "nobody was seen defining the table")
        return Cause(owned.owner, By.OTHERS, "its own models no longer have it", owned.model.place)


def _by_others(package: str | None) -> By:
    return By.NOBODY if package is None else By.OTHERS


def _first(frames: tuple[Frame, ...]) -> Frame | None:
    return frames[0] if frames else None


def _revision_cause(alteration: Alteration, owner: str) -> Cause:
    return Cause(owner, By.APPLICATION, f"revision {alteration.revision} altered it", revision=alteration.revision)


def _matches(edit: Edit, change: ChangeFact) -> bool:
    """Tell whether a change in place leads to this change."""
    if edit.kind == "table" and edit.attribute == "name":
        return True
    kind = _KINDS.get(change.kind, "table")
    attribute = _ATTRIBUTES.get(change.kind)
    if edit.kind != kind:
        return kind in ("index", "constraint") and edit.kind in ("index", "constraint") and edit.name == change.name
    if attribute is not None:
        return edit.attribute == attribute and (kind == "table" or edit.name == change.name)
    if edit.name is None or change.name is None:
        return edit.attribute in ("added", "removed", "changed") and kind != "table"
    return edit.name == change.name


def _edit_text(edit: Edit) -> str:
    what = {"table": "the table", "column": f"the column {edit.name}"}.get(
        edit.kind, f"the {edit.kind} {edit.name or ''}"
    )
    verb = {
        "removed": "was taken out",
        "added": "was put in behind every event",
        "changed": "was changed",
    }.get(edit.attribute, f"had its {edit.attribute.replace('_', ' ')} changed")
    return f"{what.strip()} {verb}"


def alteration_texts(alterations: Iterable[Alteration]) -> Iterator[str]:
    """``added the column colour``, ``dropped the table``: what a revision did, in words."""
    for alteration in alterations:
        if alteration.kind == "table":
            yield {
                "renamed": f"renamed the table to {alteration.name}",
                "dropped": "dropped the table",
                "dropped_or_renamed": "dropped or renamed the table",
            }.get(alteration.action, "changed the table's comment")
        else:
            yield f"{alteration.action} the {alteration.kind} {alteration.name or '(unnamed)'}"
