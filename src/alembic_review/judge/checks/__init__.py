"""All checks, in the order of their codes."""

from __future__ import annotations

from alembic_review.judge.checks import (
    blocked_change,
    changed_settings,
    compared_with_itself,
    core_models_altered,
    core_revision,
    destructive_change,
    downgrade,
    edited_revision,
    filters,
    foreign_branch,
    foreign_location,
    given_server,
    missing_dependency,
    module_not_imported,
    namespace,
    prefix,
    removed_revision,
    required_column,
    several_heads,
    superuser,
    unowned_table,
    witnesses_disagree,
)
from alembic_review.judge.checks.base import Check
from alembic_review.judge.checks.data import (
    cast,
    does_not_apply,
    duplicates,
    lost_values,
    not_converged,
    nulls,
    orphans,
    overlaps,
    too_long,
    violated_check,
)
from alembic_review.judge.checks.reversal import fails_on_rows
from alembic_review.judge.checks.reversal import lost_values as lost_by_downgrade

__all__ = ["CHECKS", "Check"]

CHECKS: tuple[Check, ...] = (
    blocked_change.CHECK,
    witnesses_disagree.CHECK,
    unowned_table.CHECK,
    module_not_imported.CHECK,
    core_models_altered.CHECK,
    core_revision.CHECK,
    destructive_change.CHECK,
    required_column.CHECK,
    lost_values.CHECK,
    nulls.CHECK,
    duplicates.CHECK,
    too_long.CHECK,
    cast.CHECK,
    orphans.CHECK,
    violated_check.CHECK,
    overlaps.CHECK,
    does_not_apply.CHECK,
    not_converged.CHECK,
    prefix.CHECK,
    namespace.CHECK,
    edited_revision.CHECK,
    removed_revision.CHECK,
    changed_settings.CHECK,
    foreign_branch.CHECK,
    foreign_location.CHECK,
    several_heads.CHECK,
    missing_dependency.CHECK,
    downgrade.CHECK,
    filters.CHECK,
    compared_with_itself.CHECK,
    fails_on_rows.CHECK,
    lost_by_downgrade.CHECK,
    given_server.CHECK,
    superuser.CHECK,
)

if len({check.code for check in CHECKS}) != len(CHECKS):
    raise RuntimeError("two checks share a code")
