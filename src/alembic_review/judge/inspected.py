"""A run that inspected nothing, or that did not see the models, is an error and never a green."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_review.judge.case import JudgedDatabase
from alembic_review.judge.evidence import Evidence
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import Facts

_IMPORT = "Import the modules that define them where env.py gets its target_metadata from."


def require_inspected(facts: Facts, databases: Sequence[JudgedDatabase], evidence: Evidence) -> None:
    """Raise ``ObservationError`` when there was nothing to see, or when models that must exist were not loaded."""
    if not databases:
        raise ObservationError(
            "env.py configured no database to compare.", hint="Check env.py: it must run migrations."
        )
    if not any(_has_models(database) for database in databases):
        raise ObservationError(f"No model was loaded: the MetaData of {facts.env_py} has no table.", hint=_IMPORT)
    for database in databases:
        _require_comparison(database)
    for package in sorted({*evidence.custom, *([evidence.project] if evidence.custom else [])}):
        _require_models_of(package, databases)


def _has_models(database: JudgedDatabase) -> bool:
    return any(not table.removed for table in database.facts.tables)


def _require_comparison(database: JudgedDatabase) -> None:
    if not _has_models(database):
        if database.facts.origins:
            where = f" for {database.name}" if database.name is not None else ""
            raise ObservationError(
                f"No model was loaded{where}, though revisions created {len(database.facts.origins)} tables.",
                hint=_IMPORT,
            )
        return
    if database.facts.compared:
        return
    if any(entry.kind == "table" for entry in database.facts.filtered):
        raise ObservationError(
            "Nothing was compared: the filters of env.py keep out every table.",
            hint="Let include_object and include_name keep the tables that are to be reviewed.",
        )
    raise ObservationError(
        "Nothing was compared: the autogenerate_plugins of env.py leave out alembic.autogenerate.tables.",
        hint='Add "alembic.autogenerate.*" to autogenerate_plugins.',
    )


def _require_models_of(package: str, databases: Sequence[JudgedDatabase]) -> None:
    """Some model of a package, or of a table that its revisions created, must be there if they created any."""
    created: set[str] = set()
    for database in databases:
        for owned in database.ownership.tables.values():
            made = owned.provenance == package and owned.in_database
            if owned.model is not None and not owned.model.removed and (made or owned.owner == package):
                return
            if made:
                created.add(owned.key.name)
    if created:
        raise ObservationError(
            f"No model of {package} was loaded, though its revisions created {', '.join(sorted(created))}.",
            hint=_IMPORT,
        )
