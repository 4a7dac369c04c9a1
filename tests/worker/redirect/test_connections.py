"""The redirect, each time in a process of its own: it can't be taken off again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.redirect.redirected import run

STRANGER = """
class Cursor:
    def execute(self, *a): pass
    def fetchone(self): return None
    def close(self): pass

class Stranger:
    closed = used = False
    def cursor(self):
        return Cursor()
    def rollback(self): pass
    def commit(self): pass
    def close(self):
        Stranger.closed = True

class OwnPool(pool.NullPool):
    _invoke_creator = property(lambda self: lambda record: Stranger(), lambda self, value: None)

touched = []
engine = sa.create_engine("sqlite:///x.db", pool=OwnPool(lambda: None))
sa.event.listen(engine, "connect", lambda *a: touched.append(1))
"""


@pytest.mark.parametrize(
    "engine",
    [
        "sa.create_engine(f'sqlite:///{decoy}')",
        "sa.create_engine('sqlite://')",
        "sa.create_engine('sqlite://', creator=lambda: sqlite3.connect(decoy))",
        "sa.create_engine('sqlite://', pool=pool.QueuePool(lambda: sqlite3.connect(decoy)))",
        "sa.create_engine('sqlite://', poolclass=pool.StaticPool)",
    ],
)
def test_every_engine_leads_to_the_scratch_database(tmp_path: Path, engine: str) -> None:
    found = run(tmp_path, f"result = {{'tables': where({engine})}}")
    assert found["tables"] == ["scratch0"]
    assert found["refusal"] is None


def test_a_listener_that_returns_a_connection_of_its_own_is_never_asked(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        called = []
        engine = sa.create_engine("sqlite:///elsewhere.db")
        sa.event.listen(engine, "do_connect", lambda *a: called.append(1))
        result = {"tables": where(engine), "called": called}
        """,
    )
    assert (found["tables"], found["called"]) == (["scratch0"], [])


def test_each_target_has_a_database_of_its_own_and_equal_urls_share_one(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        one, same = sa.create_engine("sqlite:///a.db"), sa.create_engine("sqlite:///a.db")
        other = sa.create_engine("sqlite:///b.db")
        result = {"tables": [where(one), where(same), where(other)]}
        """,
    )
    assert found["tables"] == [["scratch0"], ["scratch0"], ["scratch1"]]
    assert found["asked"] == ["sqlite:///a.db", "sqlite:///b.db"]


def test_engines_whose_url_does_not_tell_count_one_by_one_and_again_in_the_next_run(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        def both():
            return [where(sa.create_engine("sqlite://", creator=lambda: None)) for _ in range(2)]
        first = both()
        redirect.start_run()
        result = {"first": first, "second": both()}
        """,
    )
    assert found["first"] == found["second"] == [["scratch0"], ["scratch1"]]


EARLY = """\
import sqlalchemy as sa

def make():
    return sa.create_engine("sqlite://"{creator})
"""


@pytest.mark.parametrize("creator", ["", ", creator=lambda: None"])
@pytest.mark.parametrize(
    "early", ["make().connect().close()", "ready = make()", "ready = make(); ready.connect().close()"]
)
def test_an_engine_made_at_import_time_shifts_no_other(tmp_path: Path, creator: str, early: str) -> None:
    (tmp_path / "helpers.py").write_text(EARLY.format(creator=creator))
    (tmp_path / "early.py").write_text(f"from helpers import make\n{early}\n")
    (tmp_path / "env.py").write_text(
        "import early\nfrom helpers import make\n\n\ndef engines():\n    return make(), make()\n"
    )
    found = run(
        tmp_path,
        """
        sys.path.insert(0, folder)
        import env
        both = lambda: [where(engine) for engine in env.engines()]
        ready = lambda: where(env.early.ready) if hasattr(env.early, "ready") else None
        first = [both(), ready()]
        redirect.start_run()
        result = {"first": first, "second": [both(), ready()]}
        """,
    )
    assert found["first"] == found["second"]
    tables = found["first"]
    assert isinstance(tables, list)
    assert tables[0][0] != tables[0][1]
    assert tables[1] not in tables[0]


def test_a_connection_without_the_mark_is_closed_before_its_first_use(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        STRANGER + "result = {'said': attempt(lambda: where(engine)), 'closed': Stranger.closed, 'touched': touched}",
    )
    assert "other than the scratch database" in str(found["said"])
    assert "other than the scratch database" in str(found["refusal"])
    assert (found["closed"], found["touched"]) == (True, [])


def test_a_scratch_database_with_another_mark_is_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        make_wrong = sqlite3.connect
        def ask_wrong(dialect, target):
            return ScratchDatabase(decoy, None, None, None, None, "7", {})
        redirect._ask = ask_wrong
        result = {"said": attempt(lambda: where(sa.create_engine("sqlite:///x.db")))}
        """,
    )
    assert "other than the scratch database" in str(found["said"])


def test_raw_connections_are_refused_but_memory_is_nobodys(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        result = {
            "decoy": attempt(lambda: sqlite3.connect(decoy)),
            "memory": attempt(lambda: str(sqlite3.connect(":memory:").execute("SELECT 1").fetchone())),
        }
        """,
    )
    assert "direct sqlite3 connection was refused" in str(found["decoy"])
    assert found["memory"] == "(1,)"


def test_a_refusal_that_the_application_swallows_is_remembered(tmp_path: Path) -> None:
    found = run(tmp_path, "attempt(lambda: sqlite3.connect(decoy))\nresult = {}")
    assert "refused" in str(found["refusal"])


def test_a_dialect_that_is_not_supported_is_named_with_the_place(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        from alembic_review.worker.worker_errors import WorkerError
        def refuse(dialect, target):
            raise WorkerError(f"the dialect {dialect.name} is not supported", "use another")
        redirect._ask = refuse
        result = {"said": attempt(lambda: where(sa.create_engine("sqlite:///x.db")))}
        """,
    )
    assert "the dialect sqlite is not supported" in str(found["said"])


def test_variables_of_libpq_do_not_lead_a_connection_elsewhere(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        import os
        os.environ.update(PGHOSTADDR="127.9.9.9", PGSERVICE="prod", PGOPTIONS="-c search_path=nowhere")
        seen = []
        from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
        connect = SQLiteDialect_pysqlite.connect
        def watched(self, *args, **kwargs):
            seen.append(sorted(name for name in os.environ if name.startswith("PG")))
            return connect(self, *args, **kwargs)
        SQLiteDialect_pysqlite.connect = watched
        where(sa.create_engine("sqlite:///x.db"))
        result = {"seen": seen, "after": sorted(name for name in os.environ if name.startswith("PG"))}
        """,
    )
    assert found["seen"] == [[]]
    assert found["after"] == ["PGHOSTADDR", "PGOPTIONS", "PGSERVICE"]
