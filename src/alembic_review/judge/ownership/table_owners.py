"""Owner and role of each table, from the witnesses; what the settings say decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from alembic_review.judge.ownership.application_packages import custom_packages
from alembic_review.judge.ownership.stack_evidence import Evidence, place_of
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import DatabaseFacts, ModelTable, Origin, TableKey
from alembic_review.model.review import Role
from alembic_review.model.settings import Settings

__all__ = ["Owned", "Ownership", "custom_packages", "decide"]


@dataclass(frozen=True)
class Owned:
    """What is known of one table.

    ``definition`` and ``provenance`` are the owners by definition site and by revision; ``disputed`` when they
    disagree, ``factory`` when a core function made the table for the application. A table is ``unmigrated`` when its
    owner has no revisions here, no revision of a known package created it, and no setting names that owner.
    ``version_table`` is one in which another history keeps its revision. A table was there ``before`` when the settings
    made it before the first revision.
    """

    key: TableKey
    owner: str | None
    role: Role
    evidence: tuple[str, ...]
    model: ModelTable | None = None
    origin: Origin | None = None
    definition: str | None = None
    provenance: str | None = None
    disputed: bool = False
    factory: bool = False
    unmigrated: bool = False
    version_table: bool = False
    in_database: bool = False
    before: bool = False


@dataclass(frozen=True)
class Ownership:
    """The tables of one database."""

    tables: Mapping[TableKey, Owned]

    def role(self, key: TableKey) -> Role:
        """The role of a table; ``Role.UNKNOWN`` if nothing is known about it."""
        owned = self.tables.get(key)
        return owned.role if owned is not None else Role.UNKNOWN

    def extension(self, key: TableKey) -> TableKey | None:
        """The application's own table that extends this one; ``None`` where there is none, or several."""
        found = [
            owned.key
            for owned in self.tables.values()
            if owned.role is Role.CUSTOM and owned.model is not None and owned.model.extends == key
            if not owned.model.removed
        ]
        return found[0] if len(found) == 1 else None

    def owner(self, key: TableKey) -> str | None:
        """The package that owns a table; ``None`` if the owner is unknown."""
        owned = self.tables.get(key)
        return owned.owner if owned is not None else None


def decide(database: DatabaseFacts, evidence: Evidence, settings: Settings) -> Ownership:
    """Owner and role of every table of the models, of the database and of the changes.

    Raises ``UsageError`` when the settings misspell an owner, or name the core packages and a table belongs to yet
    another owner.
    """
    _check_owners(settings, evidence)
    decider = _Decider(database, evidence, settings)
    keys = {table.key for table in database.tables} | set(database.database_tables)
    keys |= {origin.key for origin in database.former} | {alteration.key for alteration in database.alterations}
    keys |= {change.key for change in database.changes if change.key is not None}
    tables = {key: decider.decide(key) for key in sorted(keys, key=lambda key: (key.schema or "", key.name))}
    _check_tables({*tables, *evidence.other_tables}, settings)
    _check_core(tables, settings, evidence)
    return Ownership(tables)


def table_text(key: TableKey) -> str:
    """``schema.table``, or the table alone in the default schema."""
    return f"{key.schema}.{key.name}" if key.schema else key.name


class _Decider:
    def __init__(self, database: DatabaseFacts, evidence: Evidence, settings: Settings) -> None:
        self._evidence = evidence
        self._settings = settings
        self._present = set(database.database_tables)
        self._version_tables = set(database.version_tables)
        self._before = set(database.before)
        self._elsewhere = {table.key: table for table in database.elsewhere}
        self._models: dict[TableKey, ModelTable] = {}
        # A table that is there counts more than one that was taken away.
        for table in sorted(database.tables, key=lambda table: (not table.removed, table.stack or 0)):
            self._models[table.key] = table
        origins = (*database.other_origins, *database.former, *database.origins)
        known = [origin for origin in origins if origin.revision]
        self._origins = {origin.key: origin for origin in known}
        self._defining = {self._definition(table)[0] for table in self._models.values()}

    def decide(self, key: TableKey) -> Owned:
        model, origin = self._models.get(key), self._origins.get(key)
        defined = model or self._elsewhere.get(key)
        definition, factory = self._definition(defined) if defined is not None else (None, False)
        provenance = self._provenance(origin)
        owner, disputed, notes = self._choose(key, defined, definition, provenance)
        role = Role.UNKNOWN if owner is None or disputed else self._role(owner)
        before = key in self._before
        notes = (*notes, "existed before the first revision (`before`)") if before else notes
        return Owned(
            key=key,
            owner=owner,
            role=role,
            evidence=(*notes, *self._describe(defined, origin, definition, provenance, factory=factory)),
            model=model,
            origin=origin,
            definition=definition,
            provenance=provenance,
            disputed=disputed,
            factory=factory,
            unmigrated=role is Role.CORE and self._is_unmigrated(key, definition, provenance),
            version_table=key in self._version_tables,
            in_database=key in self._present,
            before=before,
        )

    def _is_unmigrated(self, key: TableKey, definition: str | None, provenance: str | None) -> bool:
        """Tell whether nothing but its definition speaks for a table, in a package that can't migrate it here."""
        if provenance is not None or table_text(key) in self._settings.owners:
            return False
        if definition is None:
            source = self._source(self._models.get(key))
            return source is not None and self.decide(source).unmigrated
        return definition not in self._evidence.core and not self._evidence.has_history(definition)

    def _choose(
        self, key: TableKey, model: ModelTable | None, definition: str | None, provenance: str | None
    ) -> tuple[str | None, bool, tuple[str, ...]]:
        """Owner, whether it is disputed, and what to say about it besides the two witnesses."""
        said = self._settings.owners.get(table_text(key))
        if said is not None:
            return said, False, (f"`owners` in the settings: {said}",)
        if key in self._version_tables:
            return None, False, ("version table of another environment",)
        if definition is not None and provenance is not None:
            return self._agreed(model, definition, provenance)
        if definition is not None or provenance is not None:
            return definition or provenance, False, ()
        source = self._source(model)
        if source is not None:
            owned = self.decide(source)
            return owned.owner, owned.disputed, (f"generated from {table_text(source)}",)
        return None, False, ()

    def _agreed(self, model: ModelTable | None, definition: str, provenance: str) -> tuple[str, bool, tuple[str, ...]]:
        """Owner, and whether the two witnesses disagree about it.

        Among the application's own packages it makes no difference. In the core, a package may hold revisions only, and
        one package may make its tables with a function of another.
        """
        roles = {self._role(definition), self._role(provenance)}
        if definition == provenance or roles == {Role.CUSTOM}:
            return definition, False, ()
        if not self._evidence.has_history(definition):
            # Its package has no revisions here that could create the table.
            return provenance, False, ()
        if roles == {Role.CORE}:
            if provenance == self._evidence.project or provenance not in self._defining:
                return definition, False, ()
            if model is not None and provenance in {package for package, _ in self._evidence.definers(model.stack)}:
                return provenance, False, ()
        return definition, True, ()

    def _source(self, model: ModelTable | None) -> TableKey | None:
        """The table that a generated one is made from in the end, of which a witness or the settings tell.

        Not for tables that a factory made for the application: there the owners' frames hide the definition.
        """
        if model is None or len(model.sources) != 1 or self._evidence.definers(model.stack):
            return None
        seen, key = {model.key}, model.sources[0]
        while key in self._models and key not in seen:
            source = self._models[key]
            if self._is_witnessed(source):
                return key
            if len(source.sources) != 1:
                return None
            seen.add(key)
            key = source.sources[0]
        return None

    def _is_witnessed(self, model: ModelTable) -> bool:
        """Tell whether anything but a generator speaks for the table."""
        said = table_text(model.key) in self._settings.owners
        provenance = self._provenance(self._origins.get(model.key))
        return said or provenance is not None or bool(self._evidence.definers(model.stack))

    def _definition(self, model: ModelTable | None) -> tuple[str | None, bool]:
        """The defining package, and whether a core factory that the application called hides it."""
        owners = self._evidence.definers(model.stack) if model is not None else []
        if not owners:
            return None, False
        innermost = owners[0][0]
        own = self._evidence.is_application
        if not own(innermost) and any(own(package) for package, _ in owners):
            return None, True
        return innermost, False

    def _provenance(self, origin: Origin | None) -> str | None:
        if origin is None:
            return None
        path = self._evidence.revision_folder(origin.revision)
        return self._evidence.location_owner(origin.package, path)

    def _role(self, owner: str) -> Role:
        return Role.CUSTOM if self._evidence.is_application(owner) else Role.CORE

    def _describe(
        self,
        model: ModelTable | None,
        origin: Origin | None,
        definition: str | None,
        provenance: str | None,
        *,
        factory: bool,
    ) -> tuple[str, ...]:
        lines = []
        if model is not None:
            owners = self._evidence.definers(model.stack)
            frames = self._evidence.frames(model.stack)
            if definition is not None:
                where = self._evidence.locations.text(place_of(owners[0][1]))
                lines.append(f"defined at {where} ({definition})")
            elif factory:
                outer = self._evidence.application_frame(model.stack)
                where = self._evidence.locations.text(place_of(outer))
                lines.append(f"created by {owners[0][0]} for the application at {where}")
            elif frames:
                where = self._evidence.locations.text(place_of(frames[0]))
                lines.append(f"generated at {where} ({self._evidence.innermost(model.stack)})")
        if origin is not None:
            lines.append(f"created by revision {origin.revision} ({provenance or 'of no known package'})")
        return tuple(lines)


def _check_owners(settings: Settings, evidence: Evidence) -> None:
    """A misspelt owner would make a custom table the core's; a name like no package's is what the user means."""
    known = evidence.packages | evidence.custom
    for table, owner in sorted(settings.owners.items()):
        nearest = get_close_matches(owner, sorted(known), n=1, cutoff=0.75)
        if owner not in known and nearest:
            raise UsageError(
                f"`owners` assigns {table} to {owner}, but {owner} defines no models or revisions in this project.",
                hint=f"Did you mean {nearest[0]}? If {owner} is correct, add it to `core` as well.",
            )


def _check_tables(tables: Collection[TableKey], settings: Settings) -> None:
    """A table that is nearly called like another one would stay without its owner."""
    known = {table_text(key) for key in tables}
    for table in sorted(set(settings.owners) - known):
        nearest = get_close_matches(table, sorted(known - set(settings.owners)), n=1, cutoff=0.85)
        if nearest:
            raise UsageError(
                f"`owners` assigns {table} to {settings.owners[table]}, but there is no such table.",
                hint=f"Did you mean {nearest[0]}?",
            )


def _check_core(tables: Mapping[TableKey, Owned], settings: Settings, evidence: Evidence) -> None:
    if settings.core is None:
        return
    named = ", ".join(settings.core)
    for package in settings.core:
        if package in evidence.custom:
            raise UsageError(
                f"{package} is custom, but `core` in the settings names it as well.",
                hint=f"Remove it from `core` (now: {named}), or list your packages in `custom`.",
            )
    for owned in tables.values():
        if owned.owner is not None and owned.owner not in settings.core and not evidence.is_application(owned.owner):
            raise UsageError(
                f"{owned.owner} owns {table_text(owned.key)}, but neither `core` nor `custom` in the settings names "
                "it.",
                hint=f"Add it to core (now: {named}) or to custom.",
            )
