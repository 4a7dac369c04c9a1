"""What env.py calls: when it does anything, and what a chained function gets."""

from __future__ import annotations

import inspect
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import Rewriter
from alembic.autogenerate.api import RevisionContext
from alembic.config import Config
from alembic.operations import ops

from alembic_review import guard
from alembic_review.guard import unsafe_operations
from alembic_review.processes import VARIABLE


class Reached(Exception):  # noqa: N818 - no error
    """The guard has begun to work."""


@pytest.fixture(autouse=True)
def _reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(context: Any, directives: Any) -> None:
        raise Reached

    monkeypatch.setattr(unsafe_operations, "remove_unsafe", reached)
    monkeypatch.delenv(VARIABLE, raising=False)


def project(folder: Path) -> Config:
    """An Alembic environment on SQLite, with the guard and without any revision."""
    (folder / "versions").mkdir(parents=True)
    template = "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n"
    (folder / "script.py.mako").write_text(template)
    (folder / "env.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import context\n"
        "from alembic_review.guard import process_revision_directives\n"
        "with sa.create_engine('sqlite://').connect() as connection:\n"
        "    context.configure(connection=connection, target_metadata=sa.MetaData(),\n"
        "        process_revision_directives=process_revision_directives)\n"
        "    context.run_migrations()\n"
    )
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


def test_only_a_generated_revision_is_reviewed(tmp_path: Path) -> None:
    command.upgrade(project(tmp_path / "upgrade"), "heads")
    command.check(project(tmp_path / "check"))
    by_hand = project(tmp_path / "by_hand")
    by_hand.set_main_option("revision_environment", "true")
    command.revision(by_hand, "by hand")

    with pytest.raises(Reached):
        command.revision(project(tmp_path / "generated"), "generated", autogenerate=True)


def test_another_command_that_generates_revisions_is_reviewed(tmp_path: Path) -> None:
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = project(tmp_path)
    script = ScriptDirectory.from_config(config)
    arguments = dict.fromkeys(("message", "splice", "branch_label", "version_path", "rev_id", "depends_on"))
    generated = RevisionContext(config, script, {**arguments, "autogenerate": True, "sql": False, "head": "head"})

    def generate(heads: Any, context: Any) -> list[Any]:
        generated.run_autogenerate(heads, context)
        return []

    with EnvironmentContext(config, script, fn=generate, revision_context=generated), pytest.raises(Reached):
        script.run_env()


def test_inside_a_review_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1.2.3")

    command.revision(project(tmp_path), "generated", autogenerate=True)

    assert len(list((tmp_path / "versions").glob("*.py"))) == 1


def nothing_generated() -> Any:
    """A context in which the guard does nothing."""
    return Namespace(opts={})


def test_a_chained_function_keeps_its_signature_its_result_and_its_exception() -> None:
    calls = []

    def own(context: Any, revision: Any, directives: Any, *, loud: bool = False) -> str:
        """Do it my way."""
        calls.append((context, revision, directives))
        if directives is None:
            raise LookupError
        return "mine"

    chained = guard.chain(own)
    context = nothing_generated()
    directives: list[ops.MigrationScript] = []

    assert chained(context, ("a",), directives) == "mine"
    assert calls == [(context, ("a",), directives)]
    assert inspect.signature(chained) == inspect.signature(own)
    assert chained.__doc__ == own.__doc__
    with pytest.raises(LookupError):
        chained(context, (), None)  # type: ignore[arg-type]


def test_a_rewriter_can_be_chained() -> None:
    writer = Rewriter()

    @writer.rewrites(ops.ExecuteSQLOp)
    def twice(context: Any, revision: Any, operation: ops.ExecuteSQLOp) -> list[ops.ExecuteSQLOp]:
        return [operation, ops.ExecuteSQLOp("SELECT 2")]

    upgrade, downgrade = ops.UpgradeOps([ops.ExecuteSQLOp("SELECT 1")]), ops.DowngradeOps([])
    script = ops.MigrationScript(rev_id="a", upgrade_ops=upgrade, downgrade_ops=downgrade)

    guard.chain(writer)(nothing_generated(), (), [script])

    assert script.upgrade_ops is not None
    assert [getattr(one, "sqltext", "") for one in script.upgrade_ops.ops] == ["SELECT 1", "SELECT 2"]


def test_the_guard_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(guard, "process_revision_directives", lambda *arguments: calls.append(("guard", *arguments)))

    guard.chain(lambda *arguments: calls.append(("own", *arguments)))(nothing_generated(), "rev", [])

    assert [call[0] for call in calls] == ["guard", "own"]
