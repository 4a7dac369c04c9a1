"""Custom tables that no comparison looked at, because no target metadata contains them."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.ownership.stack_evidence import Evidence
from alembic_review.model.facts import Facts, Untargeted


def forgotten(facts: Facts, evidence: Evidence) -> Iterator[tuple[str, Untargeted]]:
    """The tables of custom packages that belong to no other database, each with its package."""
    for one in facts.untargeted:
        owners = evidence.definers(one.stack)
        owner = owners[0][0] if owners else None
        if owner is not None and evidence.is_application(owner) and not one.bind and not one.elsewhere:
            yield owner, one


def other_databases(facts: Facts, evidence: Evidence) -> Iterator[str]:
    """One line for each other database that tables of custom packages belong to."""
    binds: dict[str, int] = {}
    for one in facts.untargeted:
        owners = evidence.definers(one.stack)
        if owners and evidence.is_application(owners[0][0]) and (one.bind or one.elsewhere):
            name = f"the bind {one.bind}" if one.bind else "another database"
            binds[name] = binds.get(name, 0) + 1
    for name, count in sorted(binds.items()):
        yield f"{count} {'table' if count == 1 else 'tables'} of {name}, for which env.py runs no migrations"
