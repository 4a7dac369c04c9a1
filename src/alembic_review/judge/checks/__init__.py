"""All checks, in the order of their codes."""

from __future__ import annotations

from alembic_review.judge.checks.base import Check
from alembic_review.judge.checks.comparison import (
    blind_spots,
    compared_with_itself,
    filtered_tables,
    hidden_change,
    reflected_table,
    untargeted_table,
)
from alembic_review.judge.checks.compatibility import old_models, renamed_column, renamed_table
from alembic_review.judge.checks.data import (
    cast,
    destructive_change,
    does_not_apply,
    duplicates,
    lost_values,
    not_converged,
    nulls,
    orphans,
    overlaps,
    required_column,
    too_long,
    violated_check,
)
from alembic_review.judge.checks.history import (
    behind_branch,
    changed_settings,
    edited_revision,
    failing_downgrade,
    foreign_branch,
    foreign_location,
    missing_dependency,
    removed_revision,
    several_heads,
)
from alembic_review.judge.checks.locks import (
    access_exclusive,
    half_applied,
    held,
    index_built,
    no_timeout,
    rewritten,
    scanned,
)
from alembic_review.judge.checks.naming import missing_prefix, reserved_prefix
from alembic_review.judge.checks.ownership import (
    blocked_change,
    conflicting_ownership,
    core_models_altered,
    core_revision,
    module_not_imported,
    unowned_table,
)
from alembic_review.judge.checks.reversal import again, fails, fails_on_rows, leak, lost_by_downgrade
from alembic_review.judge.checks.run import accepted_until, accepts_nothing, given_server_changed, replayed_as_superuser

__all__ = ["ABOUT_ENTRIES", "CHECKS", "Check"]

CHECKS: tuple[Check, ...] = (
    blocked_change.CHECK,
    conflicting_ownership.CHECK,
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
    renamed_column.CHECK,
    renamed_table.CHECK,
    old_models.CHECK,
    missing_prefix.CHECK,
    reserved_prefix.CHECK,
    edited_revision.CHECK,
    removed_revision.CHECK,
    changed_settings.CHECK,
    foreign_branch.CHECK,
    foreign_location.CHECK,
    several_heads.CHECK,
    missing_dependency.CHECK,
    failing_downgrade.CHECK,
    behind_branch.CHECK,
    filtered_tables.CHECK,
    compared_with_itself.CHECK,
    untargeted_table.CHECK,
    hidden_change.CHECK,
    reflected_table.CHECK,
    *blind_spots.CHECKS,
    rewritten.CHECK,
    scanned.CHECK,
    index_built.CHECK,
    access_exclusive.CHECK,
    held.CHECK,
    no_timeout.CHECK,
    half_applied.CHECK,
    leak.CHECK,
    fails.CHECK,
    fails_on_rows.CHECK,
    again.CHECK,
    lost_by_downgrade.CHECK,
    given_server_changed.CHECK,
    replayed_as_superuser.CHECK,
    accepted_until.CHECK,
    accepts_nothing.CHECK,
)
ABOUT_ENTRIES = (accepted_until.CHECK, accepts_nothing.CHECK)
"""The checks that look at what the entries of ``accept`` came to, when all others have run."""

if len({check.code for check in CHECKS}) != len(CHECKS):
    raise RuntimeError("two checks share a code")
