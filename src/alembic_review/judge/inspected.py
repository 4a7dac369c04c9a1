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
    if not any(not table.removed for database in databases for table in database.facts.tables):
        raise ObservationError(f"No model was loaded: the MetaData of {facts.env_py} has no table.", hint=_IMPORT)
    for database in databases:
        if not database.facts.compared and any(not table.removed for table in database.facts.tables):
            if any(entry.kind == "table" for entry in database.facts.filtered):
                raise ObservationError(
                    "Nothing was compared: the filters of env.py keep out every table.",
                    hint="Let include_object and include_name keep the tables that are to be reviewed.",
                )
            raise ObservationError(
                "Nothing was compared: the autogenerate_plugins of env.py leave out alembic.autogenerate.tables.",
                hint='Add "alembic.autogenerate.*" to autogenerate_plugins.',
            )
    _require_custom_models(databases, evidence)


def _require_custom_models(databases: Sequence[JudgedDatabase], evidence: Evidence) -> None:
    for package in sorted(evidence.custom):
        created: set[str] = set()
        declared = False
        for database in databases:
            for owned in database.ownership.tables.values():
                if owned.provenance == package and owned.in_database:
                    created.add(owned.key.name)
                declared = declared or (owned.owner == package and owned.model is not None)
        if created and not declared:
            raise ObservationError(
                f"No model of {package} was loaded, though its revisions created {', '.join(sorted(created))}.",
                hint=_IMPORT,
            )
