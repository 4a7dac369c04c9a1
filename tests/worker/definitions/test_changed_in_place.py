"""Whatever an application removes or comments in place is reported, and no change of a core table is the core's own."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection as PsycopgConnection
from sqlalchemy import MetaData, create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import StaticPool

from alembic_review.judge import judge
from alembic_review.model.facts import (
    ChangeFact,
    DatabaseFacts,
    Facts,
    ModelTable,
    Origin,
    Revision,
    VersionLocation,
)
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.compare.comparison import compare
from alembic_review.worker.definitions.definition_sites import Witnesses
from alembic_review.worker.packages import describe_packages

HEADER = "from sqlalchemy import *\n"
BASE = f"""{HEADER}
metadata = MetaData(naming_convention={{"ix": "ix_%(table_name)s_%(column_0_name)s"}})
Table("core_first", metadata, Column("id", Integer, primary_key=True))
"""
# What stands on a column: options of the column, an argument of the table, a statement after it.
ITEMS = {
    "nothing": ("", "", ""),
    "index": (", index=True", "", ""),
    "unique index": (", index=True, unique=True", "", ""),
    "unique": (", unique=True", "", ""),
    "foreign key": (", ForeignKey('core_first.id', name='fk_{table:.9}_{column}')", "", ""),
    "named index": ("", ", Index('jx_{table:.9}_{column}', '{column}')", ""),
    "named unique": ("", ", UniqueConstraint('{column}', name='vq_{table:.9}_{column}')", ""),
    "late index": ("", "", "Index('jx_{table:.9}_{column}', table.c.{column})"),
    "late unique": ("", "", "table.append_constraint(UniqueConstraint('{column}', name='vq_{table:.9}_{column}'))"),
    "late column": ("", "", "table.append_column(Column('{column}_late', Integer, index=True))"),
}
# PostgreSQL cuts the names of its indexes after 63 bytes.
LONG = "_with_a_name_that_leaves_no_room_for_those_of_it_"
REMOVE = """
def remove(table, column, rename):
    for items in (table.indexes, table.constraints):
        for item in list(items):
            if not isinstance(item, PrimaryKeyConstraint) and item.columns.keys()[0].startswith(column):
                item.name = "other" if rename and item.name else item.name
                items.discard(item)
"""


@dataclass(frozen=True)
class Made:
    """A table and what is done to it; ``removed`` are its columns, ``comments`` before and after."""

    name: str
    items: tuple[str, ...]
    removed: tuple[int, ...]
    rename: bool
    comments: tuple[str | None, str | None]

    @property
    def definition(self) -> str:
        columns = [f"c{number}" for number in range(len(self.items))]
        parts = [ITEMS[item] for item in self.items]
        named = [
            [text.format(table=self.name, column=name) for text in part]
            for name, part in zip(columns, parts, strict=True)
        ]
        lines = [f", Column('{name}', Integer{part[0]})" for name, part in zip(columns, named, strict=True)]
        arguments = "".join([*lines, *(part[1] for part in named)])
        head = f"table = Table('{self.name}', metadata, Column('id', Integer, primary_key=True)"
        return "\n".join([f"{head}{arguments}, comment={self.comments[0]!r})", *(part[2] for part in named)]) + "\n"

    @property
    def edits(self) -> str:
        lines = [f"table = metadata.tables['{self.name}']", f"table.comment = {self.comments[1]!r}"]
        lines += [f"remove(table, 'c{number}', {self.rename})" for number in self.removed]
        return "\n".join(lines) + "\n"

    @property
    def comment_differs(self) -> bool:
        return self.comments[0] != self.comments[1]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Made, ...]:
    found = []
    for name in ("core_thing", "app_thing"):
        items = draw(st.lists(st.sampled_from(sorted(ITEMS)), min_size=1, max_size=5, unique=True))
        removed = draw(st.sets(st.sampled_from(range(len(items)))))
        comments = draw(st.tuples(*[st.sampled_from((None, "one", "two %"))] * 2))
        long = LONG if draw(st.booleans()) else ""
        found.append(Made(name + long, tuple(items), tuple(sorted(removed)), draw(st.booleans()), comments))
    return tuple(found)


@contextmanager
def packages(files: dict[str, str]) -> Iterator[Path]:
    """Modules below a folder on ``sys.path`` that are forgotten afterwards."""
    with tempfile.TemporaryDirectory() as top:
        for name, text in files.items():
            path = Path(top) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        sys.path.insert(0, top)
        importlib.invalidate_caches()
        try:
            yield Path(top)
        finally:
            sys.path.remove(top)
            forget()


def forget() -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in ("corepkg", "app"):
            del sys.modules[name]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = create_engine("sqlite://", poolclass=StaticPool)
    else:
        known: PsycopgConnection[Any] = request.getfixturevalue("scratch_connection")
        options = {"host": known.info.host, "port": str(known.info.port)}
        made = create_engine(
            URL.create("postgresql", known.info.user, database=known.info.dbname, query=options), poolclass=StaticPool
        )
    yield made
    made.dispose()


def flat(diffs: list[Any]) -> Iterator[str]:
    for diff in diffs:
        yield from (entry[0] for entry in diff) if isinstance(diff, list) else (diff[0],)


def context_of(connection: Connection, target: MetaData) -> MigrationContext:
    options = {"target_metadata": target, "alembic_module_prefix": "op.", "sqlalchemy_module_prefix": "sa."}
    return MigrationContext.configure(connection, opts={**options, "user_module_prefix": None})


def reviewed(witnesses: Witnesses, top: Path, models: tuple[ModelTable, ...], changes: list[ChangeFact]) -> Review:
    """The verdicts on these changes, where each package created its tables."""
    keys = [table.key for table in models]
    owners = {key: "app" if key.name.startswith("app") else "corepkg" for key in keys}
    database = DatabaseFacts(
        *("", None, "", "", ""),
        origins=tuple(Origin(key, owner, owner) for key, owner in owners.items()),
        tables=models,
        database_tables=tuple(keys),
        changes=tuple(changes),
        compared=len(keys),
    )
    locations = tuple(VersionLocation(str(top / name / "versions"), name) for name in ("app", "corepkg"))
    facts = Facts(
        *("", "", "", None, "", ""),
        version_locations=locations,
        revisions=tuple(Revision(one.package or "", f"{one.path}/1.py", one.package, one.path) for one in locations),
        heads=("app", "corepkg"),
        databases=(database,),
        packages=describe_packages({"app", "corepkg"}),
        frames=tuple(witnesses.stacks.frames),
        stacks=tuple(witnesses.stacks.stacks),
    )
    return judge(facts, Settings(root=top, custom=("app",)), (), tool="", server="", root=".")


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # The examples are small as they are, and making a failing one smaller takes minutes.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(made=tables())
def test_removals_and_comments_in_place(engine: Engine, made: tuple[Made, ...]) -> None:
    core, own = made
    files = {
        "corepkg/__init__.py": "",
        "corepkg/model.py": BASE + core.definition,
        "app/__init__.py": "",
        "app/model.py": f"{HEADER}from corepkg.model import metadata\n{own.definition}",
        "app/edits.py": f"{HEADER}from app.model import metadata\n{REMOVE}{core.edits}{own.edits}",
    }
    witnesses = Witnesses(Stacks())
    with packages(files) as top, engine.connect() as connection:
        before = importlib.import_module("app.model").metadata
        forget()
        before.create_all(connection)
        witnesses.install()
        try:
            target = importlib.import_module("app.edits").metadata
            models = witnesses.describe([target], engine.dialect)
        finally:
            witnesses.stop()
        changes = compare(context_of(connection, target), lambda _kind: []).changes
        plain = Counter(flat(compare_metadata(context_of(connection, target), target)))
        review = reviewed(witnesses, top, models, changes)
        before.drop_all(connection)
        if connection.in_transaction():
            connection.commit()
    assert Counter(change.kind for change in review.changes) == plain
    verdicts = {(change.table, change.verdict.value) for change in review.changes}
    assert verdicts <= {(core.name, "blocked"), (own.name, "safe")}
    told = {change.table for change in review.changes if change.kind.endswith("_table_comment")}
    assert told == {one.name for one in made if one.comment_differs and engine.dialect.supports_comments}
    # SQLite has no name for a UNIQUE without one, and Alembic then passes it over.
    unseen = {"nothing", "unique"} if engine.dialect.name == "sqlite" else {"nothing"}
    wanted = sum(one.items[number] not in unseen for one in made for number in one.removed)
    assert sum(plain[kind] for kind in ("remove_index", "remove_constraint", "remove_fk")) == wanted
