"""The files of the application whose comments may accept findings: its models and its revisions."""

from __future__ import annotations

from alembic_review.judge.ownership.application_packages import custom_packages, own_packages
from alembic_review.judge.portable_locations import Locations
from alembic_review.model.facts import Facts
from alembic_review.model.settings import Settings


def commented_files(facts: Facts, settings: Settings) -> tuple[str, ...]:
    """Files of custom packages and of the project. What a framework accepts for itself does not count."""
    modelled = any(not table.removed for database in facts.databases for table in database.tables)
    custom = custom_packages(facts, settings) if modelled else own_packages(facts, settings)
    locations = Locations(settings.root, facts.packages)
    named = [(frame.path, frame.package) for frame in facts.frames]
    named += [(revision.path, revision.package) for revision in facts.revisions]
    return tuple(
        dict.fromkeys(
            path for path, package in named if package in custom or (package is None and locations.in_project(path))
        )
    )
