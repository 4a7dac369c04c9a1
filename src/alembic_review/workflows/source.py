"""What is read in the source of the application, without importing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alembic_review.judge.ownership.application_packages import custom_packages, loose_folders, own_packages
from alembic_review.judge.several_environments import united
from alembic_review.model.accepting import NO_COMMENTS, Comments
from alembic_review.model.facts import DeclaredTable, Facts
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.settings import Settings
from alembic_review.observe.source_scan import declared_tables, loose_packages
from alembic_review.workflows.accepting import comments_now


@dataclass(frozen=True)
class Source:
    """The tables that the source declares, ``None`` where it could not be read, and its comments that accept findings.

    ``not_checked`` are the parts that could not be read, with the reasons.
    """

    declared: tuple[DeclaredTable, ...] | None = None
    comments: Comments = NO_COMMENTS
    not_checked: tuple[str, ...] = ()


def read_source(observed: Sequence[Facts], settings: Settings, *, debug: bool = False) -> Source:
    """Tables that the application's source declares, comments that accept findings, and steps that failed."""
    attempts = Attempts(show if debug else None)
    facts = observed[0]
    if settings.environments:
        revisions = tuple(revision for one in observed for revision in one.revisions)
        facts = replace(united(observed), revisions=revisions)
    declared = attempts.attempt(
        "tables that only the source of your packages declares",
        lambda: _declared(facts, settings, _loaded(observed), attempts),
        None,
    )
    return Source(declared, comments_now(facts, settings, attempts), tuple(attempts.failures))


def _loaded(observed: Sequence[Facts]) -> frozenset[str]:
    """The modules that every environment has loaded: their tables are known from the models."""
    return frozenset.intersection(*(frozenset(facts.modules) for facts in observed))


def _declared(
    facts: Facts, settings: Settings, loaded: frozenset[str], attempts: Attempts
) -> tuple[DeclaredTable, ...]:
    # Without any model, the custom packages can't be detected.
    modelled = any(not table.removed for database in facts.databases for table in database.tables)
    custom = custom_packages(facts, settings) if modelled else own_packages(facts, settings)
    own = [package for package in facts.packages if package.name in custom]
    others = [package for package in facts.packages if package.name not in custom]
    folders = loose_folders(facts, settings, custom)
    return declared_tables([*own, *loose_packages(folders, others, facts.modules)], attempts, loaded)
