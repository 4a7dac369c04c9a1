"""From an observation to a review, or to ownership and verdicts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from alembic_review.git.checkout import current_commit, path_in_checkout
from alembic_review.judge import judge
from alembic_review.judge.assemble_review import case_of
from alembic_review.judge.combined_review import case_of_reviewed, judge_together
from alembic_review.judge.judged_facts import Case
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.workflows.observation import Observation


def judged(observed: Observation, settings: Settings, *, debug: bool = False) -> Review:
    """The review of all environments.

    Raises ``UsageError`` if the custom packages can't be determined, and ``ObservationError`` if nothing was
    inspected.
    """
    root = path_in_checkout(settings.root)
    source = observed.source
    every = [replace(one, not_checked=(*one.not_checked, *source.not_checked)) for one in observed.facts]
    if settings.environments:
        return judge_together(
            every,
            settings,
            source.declared,
            tool=tool(),
            server=observed.server,
            root=root,
            comments=source.comments,
        )
    return judge(
        every[0],
        settings,
        source.declared,
        tool=tool(),
        server=observed.server,
        root=root,
        history=observed.base,
        attempts=Attempts(show if debug else None),
        comments=source.comments,
    )


def case_of_one(observed: Observation, settings: Settings) -> Case:
    """Ownership and verdicts of the one environment that is reviewed. Raises as ``judged``."""
    if not settings.environments:
        return case_of(observed.facts[0], settings, observed.source.declared)
    return case_of_reviewed(observed.facts, settings, observed.source.declared)


def dated(review: Review, settings: Settings) -> Review:
    """The review with the name of the project, its commit and the time, for the header of reports."""
    root = settings.root
    provenance = replace(
        review.provenance,
        project=settings.distribution or (root.name if root is not None else ""),
        commit=current_commit(root),
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return replace(review, provenance=provenance)


def tool() -> str:
    """The name and version of this tool."""
    return f"alembic-review {version('alembic-review')}"
