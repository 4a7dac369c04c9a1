"""The lines for the settings that decide whose a table is, ready to be copied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_review.judge.ownership.stack_evidence import Evidence
from alembic_review.judge.ownership.table_owners import Owned, Ownership, table_text
from alembic_review.model.review import Role


@dataclass(frozen=True)
class Settle:
    """``core`` are the owners of core tables in every database, ``custom`` the custom packages."""

    evidence: Evidence
    core: frozenset[str]
    custom: frozenset[str]

    def owner(self, owned: Owned) -> str:
        """What to do about one table, as a sentence without its full stop; a package is only named with evidence."""
        package = self._candidate(owned)
        if package is None:
            return f"Name the owner of {table_text(owned.key)} in the settings, under owners"
        return f'Name the owner in the settings: owners = {{"{table_text(owned.key)}" = "{package}"}}'

    def as_core(self, package: str) -> str:
        """The line that makes a package core; it names every other one too, because the rest would be an error."""
        return f"core = {_list({*self.core, package})}"

    def as_custom(self, package: str) -> str:
        """The line that makes a package custom beside those that are."""
        return f"custom = {_list({*self.custom, package})}"

    def _candidate(self, owned: Owned) -> str | None:
        """The package that the evidence links to the table, a custom one first."""
        called = self.evidence.application_frame(owned.model.stack) if owned.factory and owned.model else None
        linked = [owned.definition, owned.provenance, self.evidence.package(called) if called is not None else None]
        found = [package for package in linked if package is not None]
        return next(filter(self.evidence.is_application, found), found[0] if found else None)


def settle(evidence: Evidence, ownerships: Iterable[Ownership]) -> Settle:
    """The lines that fit what was decided so far."""
    owned = [one for ownership in ownerships for one in ownership.tables.values()]
    core = {one.owner for one in owned if one.role is Role.CORE and one.owner is not None}
    return Settle(
        evidence,
        # Without a `core` setting, naming one package makes every other owner an error.
        core=frozenset({*core, *evidence.core}),
        # The name for loose files of the project is not a package that the settings could name.
        custom=evidence.custom & evidence.packages,
    )


def _list(names: Iterable[str]) -> str:
    quoted = (f'"{name}"' for name in sorted(names))
    return f"[{', '.join(quoted)}]"
