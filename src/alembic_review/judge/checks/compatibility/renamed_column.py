"""AR301: a column is dropped, and one that looks like it is added."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import likely_renames as likely
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import RENAMES
from alembic_review.model.review import Severity

_BATCH = "with op.batch_alter_table("


def _run(case: Case) -> Iterator[CheckResult]:
    for pair in likely.columns(case):
        key, old, new = pair.old.fact.key, pair.old.fact.name, pair.new.fact.name
        assert key is not None
        table, made = table_text(key), pair.revision is not None
        who = f"revision {pair.revision}" if made else "the plan"
        call = _call(key, old or "", new or "", batch=pair.old.fact.python.startswith(_BATCH))
        yield CheckResult(
            message=(
                f"The column `{table}.{old}` looks renamed to `{new}`, but {who} drops it and adds another column."
            ),
            hint=(
                f"If it was renamed, replace both operations of revision {pair.revision} with the rename."
                if made
                else f"If it was renamed, pass `--rename {table}.{old}={new}`. Otherwise, ignore this finding."
            ),
            place=case.revision_place(pair.revision) if pair.revision is not None else pair.new.decision.place,
            change=pair.old,
            table=key,
            revision=pair.revision,
            database=pair.database.name,
            column=old,
            name=new,
            proof=RENAMES,
            observed={"is": old, "wanted": new},
            suggestion=call if made else f'# alembic-review revision --rename {table}.{old}={new} -m "…"\n{call}',
        )


def _call(key: TableKey, old: str, new: str, *, batch: bool) -> str:
    """The operation of Alembic, as a revision has it."""
    schema = f", schema={key.schema!r}" if key.schema is not None else ""
    if batch:
        return (
            f"with op.batch_alter_table({key.name!r}{schema}) as batch_op:\n"
            f"    batch_op.alter_column({old!r}, new_column_name={new!r})"
        )
    return f"op.alter_column({key.name!r}, {old!r}, new_column_name={new!r}{schema})"


CHECK = Check("AR301", "Column looks renamed", Severity.WARNING, _run)
