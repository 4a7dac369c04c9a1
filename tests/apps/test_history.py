"""What revisions do beyond one upgrade: whose branch, another order, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .edits import HEAD, VERSIONS, Edit, Replace, Write, revision
from .harness import POSTGRESQL, SQLITE, Run, make_application, run_without_proofs
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, check_every_run, review_of

FIRST = "10c2e6a7f5d4"
CORE_HEAD = "c6f1d35908ab"
COLUMN = 'op.add_column("poser_widget", sa.Column("way", sa.Integer()))'
CORE_VERSIONS = "site:acme/db/alembic/versions"
SILENT = Replace(f"{VERSIONS}/{FIRST}_widgets.py", 'depends_on = "5d03e8f61b2a"', "depends_on = None")


def reviewed(folder: Path, *edits: Edit, database: str = SQLITE, locations: str | None = None) -> Run:
    conf = "poser.db:alembic/versions acme.db:alembic/versions"
    named = (Replace("app/acme.conf", conf, locations),) if locations is not None else ()
    application = make_application(folder, (*edits, *named), database=database)
    run = run_without_proofs(application, "--full")
    check_every_run(run, application)
    return run


def told(run: Run, *codes: str) -> list[str]:
    """Code, revision and message of the findings of the history; of these codes, when any are named."""
    found: list[dict[str, Any]] = review_of(run)["findings"]
    return [
        f"{finding['code']} {finding['revision']}: {finding['message']}"
        for finding in found
        if (finding["code"] in codes if codes else finding["code"].startswith("AR51"))
    ]


def hints(run: Run, code: str) -> list[str]:
    return [finding["hint"] for finding in review_of(run)["findings"] if finding["code"] == code]


def step(*, id: str = "aa00bb11cc22", down: str | None = HEAD, upgrade: str = "pass", downgrade: str = "pass") -> Edit:  # noqa: A002
    """A further revision of the application, with a way back."""
    text = (
        '"""a further step"""\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision = "{id}"\ndown_revision = {down!r}\nbranch_labels = None\ndepends_on = None\n\n\n'
        f"def upgrade():\n    {upgrade}\n\n\ndef downgrade():\n    {downgrade}\n"
    )
    return Write(f"{VERSIONS}/{id}_step.py", text)


@pytest.mark.both_stacks
@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_a_good_history_gives_nothing_to_tell(database: str, tmp_path: Path) -> None:
    run = reviewed(tmp_path, database=database)
    assert told(run) == []
    assert not [line for line in review_of(run)["provenance"]["not_checked"] if "revision" in line]


def test_a_branch_that_needs_the_core_without_saying_so(tmp_path: Path) -> None:
    run = reviewed(tmp_path, SILENT, database=POSTGRESQL)
    (message,) = told(run)
    assert message.startswith(f"AR513 {FIRST}: Revision {FIRST} of poser has an undeclared dependency"), message
    assert message.endswith('relation "store" does not exist.'), message
    (hint,) = hints(run, "AR513")
    assert hint == 'Set depends_on = "5d03e8f61b2a"; that revision creates store.'
    assert run.status == 0, run.explain()


@pytest.mark.one_stack
def test_a_branch_that_stands_alone_needs_no_dependency(tmp_path: Path) -> None:
    alone = step(
        id="bb11cc22dd33",
        down=None,
        upgrade='op.create_table("poser_alone", sa.Column("id", sa.Integer()))',
        downgrade='op.drop_table("poser_alone")',
    )
    assert told(reviewed(tmp_path, alone, database=POSTGRESQL)) == []


@pytest.mark.one_stack
def test_a_later_revision_that_needs_more_of_the_core(tmp_path: Path) -> None:
    """It comes after what its branch depends on, and before the core's newest revision."""
    later = step(upgrade='op.get_bind().execute(sa.text("SELECT active FROM person"))')
    newest = Replace(
        f"{CORE_VERSIONS}/{CORE_HEAD}_inactive_users.py",
        "def upgrade():\n",
        'def upgrade():\n    op.add_column("person", sa.Column("active", sa.Boolean()))\n',
    )
    run = reviewed(tmp_path, later, newest)
    (message,) = told(run)
    assert message.startswith("AR513 aa00bb11cc22"), message
    assert "no such column: active" in message


def test_what_sqlite_takes_without_the_core_is_told_by_what_it_refers_to(tmp_path: Path) -> None:
    """It takes a foreign key to a table that is not there yet."""
    run = reviewed(tmp_path, SILENT)
    (message,) = told(run)
    assert message == (
        f"AR513 {FIRST}: Revision {FIRST} of poser has an undeclared dependency (missing `depends_on`): tables that it "
        "creates have foreign keys to store. SQLite accepts any order of creation; other databases do not."
    )
    (hint,) = hints(run, "AR513")
    assert hint.startswith("Set depends_on = ")


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_revisions_of_others_that_are_followed(database: str, tmp_path: Path) -> None:
    run = reviewed(tmp_path, step(down=CORE_HEAD), database=database)
    (message,) = told(run, "AR510")
    assert message.removeprefix("AR510 aa00bb11cc22: ") == (
        f"Revision aa00bb11cc22 of poser follows {CORE_HEAD} of acme, so it is in the branch of another package."
    )
    assert run.status == 1, run.explain()


@pytest.mark.one_stack
def test_a_merge_of_branches_that_were_to_stay_apart(tmp_path: Path) -> None:
    merge = Replace(f"{VERSIONS}/aa00bb11cc22_step.py", f"'{HEAD}'", f"('{HEAD}', '{CORE_HEAD}')")
    run = reviewed(tmp_path, step(), merge)
    assert told(run) == [
        f"AR510 aa00bb11cc22: Revision aa00bb11cc22 of poser merges {CORE_HEAD} of acme into its branch."
    ]
    assert hints(run, "AR510") == [f'Remove {CORE_HEAD} from down_revision and set depends_on = "{CORE_HEAD}".']


@pytest.mark.one_stack
def test_a_revision_of_ours_among_the_core_s(tmp_path: Path) -> None:
    """Beside the core's, on its branch: what it does tells whose it is."""
    text = (
        'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "dd00"\n'
        f'down_revision = "{CORE_HEAD}"\nbranch_labels = None\ndepends_on = "{HEAD}"\n\n\n'
        'def upgrade():\n    op.drop_table("poser_sync_log")\n\n\ndef downgrade():\n    pass\n'
    )
    run = reviewed(tmp_path, Write(f"{CORE_VERSIONS}/dd00_ours.py", text))
    assert told(run, "AR511") == [
        "AR511 dd00: Revision dd00 is in the version location of acme, but it drops the table poser_sync_log of poser."
    ]
    (skipped,) = [line for line in review_of(run)["provenance"]["not_checked"] if "downgrade" in line]
    assert skipped == f"the downgrade of 3 revisions, {FIRST} to {HEAD} (revision dd00 depends on it)"


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_a_change_of_ours_among_the_core_s(database: str, tmp_path: Path) -> None:
    """What `alembic revision --autogenerate --head acme@head` makes of a new column."""
    text = (
        'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "dd00"\n'
        f'down_revision = "{CORE_HEAD}"\nbranch_labels = None\ndepends_on = "{HEAD}"\n\n\n'
        f"def upgrade():\n    {COLUMN}\n\n\ndef downgrade():\n    pass\n"
    )
    model = Replace("poser/db/model/widgets.py", "    shape =", "    way = sa.Column(sa.Integer())\n    shape =")
    run = reviewed(tmp_path, model, Write(f"{CORE_VERSIONS}/dd00_ours.py", text), database=database)
    assert review_of(run)["changes"] == []
    assert told(run) == [
        "AR511 dd00: Revision dd00 is in the version location of acme, but it alters the table poser_widget of poser."
    ]


@pytest.mark.one_stack
def test_several_heads_in_one_branch(tmp_path: Path) -> None:
    run = reviewed(tmp_path, step(), step(id="bb11cc22dd33"))
    assert told(run) == ["AR512 bb11cc22dd33: One branch of poser has 2 heads: aa00bb11cc22 bb11cc22dd33."]
    assert run.status == 1, run.explain()


TABLE = 'op.create_table("poser_way", sa.Column("id", sa.Integer(), primary_key=True))'


@pytest.mark.parametrize("database", SQLITE_FIRST)
@pytest.mark.parametrize(
    ("upgrade", "downgrade", "wrong"),
    [
        (TABLE, "pass", "changes nothing, although its upgrade changes the schema"),
        (TABLE, 'raise NotImplementedError("no way back")', "fails: NotImplementedError: no way back"),
        (TABLE, "raise SystemExit(4)", "fails: SystemExit: 4"),
        (
            f"{TABLE}; {COLUMN}",
            'op.drop_column("poser_widget", "way")',
            "leaves tables that its upgrade created: poser_way",
        ),
        ('op.execute("UPDATE poser_widget SET size = 1")', "pass", None),
        (TABLE, 'op.drop_table("poser_way")', None),
    ],
)
def test_the_way_back(upgrade: str, downgrade: str, wrong: str | None, database: str, tmp_path: Path) -> None:
    run = reviewed(tmp_path, step(upgrade=upgrade, downgrade=downgrade), database=database)
    expected = f"AR514 aa00bb11cc22: The downgrade of revision aa00bb11cc22 of poser {wrong}."
    assert told(run) == ([expected] if wrong else [])
    assert run.status == 0, run.explain()
    skipped = [line for line in review_of(run)["provenance"]["not_checked"] if "downgrade" in line]
    stopped = [f"the downgrade of 3 revisions, {FIRST} to {HEAD} (that of aa00bb11cc22 failed)"]
    assert skipped == (stopped if wrong and wrong.startswith("fails") else [])


@pytest.mark.one_stack
def test_a_revision_without_any_way_back(tmp_path: Path) -> None:
    run = reviewed(tmp_path, *revision(TABLE))
    assert told(run) == [
        "AR514 aa00bb11cc22: The downgrade of revision aa00bb11cc22 of poser fails: there is no downgrade function."
    ]


@pytest.mark.parametrize("swallowed", [False, True])
def test_a_downgrade_that_leaves_the_scratch_database(swallowed: bool, tmp_path: Path) -> None:
    """It is refused like any other connection, which speaks against this downgrade and not against the review."""
    kept = "Exception" if swallowed else "()"
    away = f"import contextlib, psycopg2\n    with contextlib.suppress({kept}):\n        "
    away += 'psycopg2.connect("host=127.0.0.1 port=1 dbname=app")'
    run = reviewed(tmp_path, step(downgrade=away), database=POSTGRESQL)
    (message,) = told(run)
    assert "AR514" in message
    assert "was refused" in message
    assert run.status == 0, run.explain()


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("downgrade", "reason", "arguments"),
    [
        ("import os\n    os._exit(7)", "The application's process ended with exit status 7", ()),
        ("import time\n    time.sleep(60)", "did not finish within", ("--timeout", "8")),
    ],
    ids=["ends the process", "hangs"],
)
def test_what_a_downgrade_does_to_the_process(
    downgrade: str, reason: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """What was reviewed by then is told all the same."""
    application = make_application(tmp_path, (step(downgrade=downgrade),))
    run = run_without_proofs(application, "--full", *arguments)
    check_every_run(run, application)
    assert run.status == 0, run.explain()
    assert told(run) == []
    (line,) = [line for line in review_of(run)["provenance"]["not_checked"] if "downgrades" in line]
    assert line.startswith("downgrades, and revisions in another order (")
    assert reason in line


@pytest.mark.one_stack
def test_an_environment_that_knows_no_way_back(tmp_path: Path) -> None:
    """The review is the same, and what was not tried is listed."""
    strict = Replace(
        "site:acme/db/alembic/env.py",
        "from alembic import context\n",
        "import sys\nfrom alembic import context\nif 'downgrade' in sys.argv:\n    raise RuntimeError('never back')\n",
    )
    run = reviewed(tmp_path, strict)
    assert told(run) == []
    (line,) = [line for line in review_of(run)["provenance"]["not_checked"] if "downgrade" in line]
    assert line.startswith(f"the downgrade of 3 revisions, {FIRST} to {HEAD} (")
    assert "RuntimeError: never back" in line


def test_a_lock_that_the_application_keeps(tmp_path: Path) -> None:
    """Waiting for it would take the whole time there is."""
    held = Replace(
        "site:acme/db/alembic/env.py",
        "    with engine.connect() as connection:\n",
        "    import sys\n    from sqlalchemy import text\n\n    if 'revision' in sys.argv:\n"
        "        sys.held = engine.connect()\n        sys.held.begin()\n"
        "        sys.held.execute(text('LOCK TABLE poser_widget IN ACCESS SHARE MODE'))\n"
        "    with engine.connect() as connection:\n",
    )
    run = reviewed(tmp_path, held, database=POSTGRESQL)
    assert told(run) == []
    (line,) = [line for line in review_of(run)["provenance"]["not_checked"] if "downgrade" in line]
    assert line.endswith("(a connection that the application left open holds a lock)")


def kept(what: str, made: str, used: str) -> Edit:
    """An env.py that keeps an object from one run to the next."""
    return Replace(
        "site:acme/db/alembic/env.py",
        "    engine = create_engine(config.database_url)\n    with engine.connect() as connection:\n",
        f"    import contextlib, sys\n\n    if not hasattr(sys, 'kept_{what}'):\n        sys.kept_{what} = {made}\n"
        f"    with {used.format(kept=f'sys.kept_{what}')} as connection:\n",
    )


@pytest.mark.both_stacks
def test_an_engine_that_outlives_a_run(tmp_path: Path) -> None:
    """Its pool has connections to the first scratch database."""
    engine = kept("engine", "create_engine(config.database_url)", "{kept}.connect()")
    assert [line[:18] for line in told(reviewed(tmp_path, SILENT, engine, database=POSTGRESQL))] == [f"AR513 {FIRST}"]


@pytest.mark.both_stacks
def test_a_connection_that_outlives_a_run(tmp_path: Path) -> None:
    connection = kept("connection", "create_engine(config.database_url).connect()", "contextlib.nullcontext({kept})")
    run = reviewed(tmp_path, SILENT, connection, database=POSTGRESQL)
    assert told(run) == []
    (line,) = [line for line in review_of(run)["provenance"]["not_checked"] if "order" in line]
    assert line == "poser's revisions in a different dependency order (env.py reuses a connection of an earlier run)"


@pytest.mark.one_stack
def test_what_belongs_to_the_whole_server_can_be_made_once_only(tmp_path: Path) -> None:
    """That a second replay fails at it tells nothing about the order."""
    role = step(upgrade='op.execute("CREATE ROLE poser_clerk")', downgrade='op.execute("DROP ROLE poser_clerk")')
    run = reviewed(tmp_path, role, database=POSTGRESQL)
    assert told(run) == []
    (line,) = [line for line in review_of(run)["provenance"]["not_checked"] if "order" in line]
    assert line.startswith(
        "poser's revisions in a different dependency order (revision aa00bb11cc22 can't be applied twice on one server"
    )
