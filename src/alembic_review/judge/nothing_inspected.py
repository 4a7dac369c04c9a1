"""A run that inspected nothing, or that did not see the models, is an error and never a green."""

from __future__ import annotations

from collections.abc import Iterable

from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.created_from_models import BEFORE, Call, calls, created_outside, some
from alembic_review.judge.ownership.reflected_tables import compared_tables, only_reflected
from alembic_review.judge.ownership.stack_evidence import Evidence
from alembic_review.judge.ownership.unimported_tables import Unloaded
from alembic_review.judge.portable_locations import Locations
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import DatabaseFacts, Facts, Place
from alembic_review.model.settings import Settings

_SHOWN = 5


def require_models(facts: Facts, settings: Settings, unloaded: Unloaded) -> None:
    """Raise ``ObservationError`` if there was no database or no model, so that nothing can be judged."""
    if not facts.databases:
        raise ObservationError(
            "env.py configured no database to compare.", hint="Check that env.py calls context.run_migrations()."
        )
    if not any(_has_models(database) for database in facts.databases) and not facts.other_tables:
        raise ObservationError(
            f"No model was loaded: the MetaData of {facts.env_py} has no table.",
            hint=_import_hint(unloaded, Locations(settings.root, facts.packages)),
        )


def require_inspected(case: Case) -> None:
    """Raise ``ObservationError`` if models that must exist were not loaded, or if nothing was compared."""
    hint = _import_hint(case.unloaded, case.evidence.locations)
    for database in case.databases:
        _require_comparison(database, hint)
        _require_revisions(database, case.facts, case.evidence)
    custom = case.evidence.custom
    for package in sorted({*custom, *([case.evidence.project] if custom else [])}):
        _require_models_of(package, case, hint)


def _import_hint(unloaded: Unloaded, locations: Locations) -> str:
    """What to import, where the source tells."""
    where = "where env.py gets its target_metadata from"
    places: dict[str, str] = {}
    for one in unloaded:
        places.setdefault(one.module, locations.text(Place(one.path, one.line)))
    if not places:
        return f"Import the modules that define them {where}."
    shown = ", ".join(f"{module} ({place})" for module, place in sorted(places.items())[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"Modules that declare tables and are not imported: {shown}{more}. Import them {where}."


def _has_models(database: DatabaseFacts) -> bool:
    return any(not table.removed for table in database.tables)


def _require_comparison(database: JudgedDatabase, hint: str) -> None:
    if not _has_models(database.facts):
        here = set(database.facts.database_tables)
        created = [origin for origin in database.facts.origins if origin.key in here]
        if created and not database.facts.modelless:
            where = f" for {database.name}" if database.name is not None else ""
            raise ObservationError(
                f"No model was loaded{where}, though revisions created {len(created)} tables.",
                hint=hint,
            )
        return
    if database.facts.compared:
        _require_definitions(database, hint)
        return
    if any(entry.kind == "table" for entry in database.facts.filtered):
        raise ObservationError(
            "Nothing was compared: the filters of env.py exclude every table.",
            hint="Change include_object and include_name so that they include the tables under review.",
        )
    raise ObservationError(
        "Nothing was compared: autogenerate_plugins in env.py excludes Alembic's comparison of tables.",
        hint='Add "alembic.autogenerate.*" to autogenerate_plugins, and remove what excludes '
        "alembic.autogenerate.schemas and alembic.autogenerate.tables.",
    )


def _require_definitions(database: JudgedDatabase, hint: str) -> None:
    """Tables that were all read from the database were only compared with themselves."""
    tables = compared_tables(database.facts)
    if tables and all(map(only_reflected, tables)):
        of = f" of {database.name}" if database.name is not None else ""
        raise ObservationError(
            f"Nothing was compared: {some(table.key for table in tables)} in target_metadata{of} were read from the "
            "database itself, and no code defines them."
            if len(tables) > 1
            else f"Nothing was compared: {some(table.key for table in tables)} in target_metadata{of} was read from "
            "the database itself, and no code defines it.",
            hint=f"Give env.py the MetaData of your models. {hint}",
        )


def _require_revisions(database: JudgedDatabase, facts: Facts, evidence: Evidence) -> None:
    """Tables that were all created from the models, by no revision, were only compared with themselves."""
    if not created_outside(database.facts):
        return
    made = [call for call in calls(database.facts, evidence) if not call.revision]
    where = " and ".join(
        f"{call.text} ({evidence.locations.text(call.place)})" if call.place is not None else call.text for call in made
    )
    of = f" of {database.name}" if database.name is not None else ""
    raise ObservationError(
        f"Nothing was compared: {where} created every table{of} from the current models, and no revision did.",
        hint=_creation_hint(made, facts.env_py),
    )


def _creation_hint(made: Iterable[Call], env_py: str) -> str:
    if any(call.before for call in made):
        return BEFORE
    in_env = any(call.place is not None and call.place.path == env_py for call in made)
    return (
        f"{'Remove the call from env.py' if in_env else 'Move the call to code that env.py does not run'}; then create "
        "the tables in a revision: `alembic-review revision -m TEXT` writes it."
    )


def _require_models_of(package: str, case: Case, hint: str) -> None:
    """Some model of a package, or of a table that its revisions created, must be there if they created any.

    Revisions in a loose folder are those of all custom packages together.
    """
    evidence = case.evidence
    loose = package not in evidence.custom
    created: set[str] = set()
    for database in case.databases:
        for owned in database.ownership.tables.values():
            made = owned.provenance == package and owned.in_database
            own = owned.owner == package or (loose and evidence.is_application(owned.owner))
            modelled = owned.model is not None and not owned.model.removed and not only_reflected(owned.model)
            if modelled and (made or own):
                return
            if made:
                created.add(owned.key.name)
    if created:
        raise ObservationError(
            f"No model of {package} was loaded, though its revisions created {', '.join(sorted(created))}.",
            hint=hint,
        )
