"""AR302: a table is dropped, and one with nearly the same columns is created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import likely_renames as likely
from alembic_review.model.facts import Left, TableKey
from alembic_review.model.proofs import RENAMES
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for pair in likely.tables(case):
        key, other = pair.old.fact.key, pair.new.fact.key
        assert key is not None
        assert other is not None
        table, new, made = table_text(key), table_text(other), pair.revision is not None
        who = f"revision {pair.revision}" if made else "the plan"
        call = "\n".join(_calls(key, other.name, pair.old.fact.left, pair.database.facts.dialect))
        yield CheckResult(
            message=(
                f"The table `{table}` looks renamed to `{new}`, but {who} drops it and creates another "
                f"table.{_left(pair.old.fact.left)}"
            ),
            hint=(
                f"If it was renamed, replace both operations of revision {pair.revision} with the rename."
                if made
                else f"If it was renamed, pass `--rename {table}={other.name}`. Otherwise, ignore this finding."
            ),
            place=case.revision_place(pair.revision) if pair.revision is not None else pair.new.decision.place,
            change=pair.old,
            table=key,
            revision=pair.revision,
            database=pair.database.name,
            name=other.name,
            proof=RENAMES,
            observed={"is": key.name, "wanted": other.name},
            suggestion=call if made else f'# alembic-review revision --rename {table}={other.name} -m "…"\n{call}',
        )


def _left(left: Sequence[Left]) -> str:
    """The sentence about what a rename of the table leaves as it is."""
    if not left:
        return ""
    names = [f"{one.kind} `{one.name}`" for one in left]
    *first, last = names
    return f" A rename keeps the names of {', '.join(first)}{' and ' if first else ''}{last}."


def _calls(key: TableKey, new: str, left: Sequence[Left], dialect: str) -> Iterator[str]:
    """The operation of Alembic, and on PostgreSQL the statements that rename what is named after the table."""
    schema = f", schema={key.schema!r}" if key.schema is not None else ""
    yield f"op.rename_table({key.name!r}, {new!r}{schema})"
    for one in left if dialect == "postgresql" else ():
        if key.name in one.name:
            name = _quoted(one.name) if key.schema is None else f"{_quoted(key.schema)}.{_quoted(one.name)}"
            other = _quoted(one.name.replace(key.name, new, 1))
            yield f"op.execute({f'ALTER {one.kind.upper()} {name} RENAME TO {other}'!r})"


def _quoted(name: str) -> str:
    """In quotes where it has anything but small letters, digits and underscores."""
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'


CHECK = Check("AR302", "Table looks renamed", Severity.WARNING, _run)
