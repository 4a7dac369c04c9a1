"""Revision files as ``alembic revision --autogenerate`` writes them, with the chosen operations only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import RevisionContext
from alembic.migration import MigrationContext
from alembic.operations import ops
from alembic.script import ScriptDirectory

from alembic_review.model.keys import Rename
from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import Renames, keep, leaves, operations
from alembic_review.worker.compare.operation_order import settle
from alembic_review.worker.compare.renames import put_first
from alembic_review.worker.compare.rendered_operations import Renderer
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.worker_errors import WorkerError, application_frames, at, describe

Plan = dict[str, Any]
"""A ``RevisionPlan`` as it came over the wire."""


def write(compared: Environment, plans: list[Plan], top: str, renames: Sequence[Rename] = ()) -> list[dict[str, str]]:
    """The files of these plans, for the environment that was compared. Raises ``WorkerError``.

    Alembic writes files and not texts: it does so below the folder ``top``. ``renames`` are those of the comparison.
    """
    folders = {plan["version_path"]: os.path.join(os.path.realpath(top), plan["revision"]) for plan in plans}
    for folder in folders.values():
        os.mkdir(folder)
    beside = {os.path.realpath(path): folder for path, folder in folders.items()}
    environment = replace(compared, folders=Folders(beside=beside))
    script = environment.script_directory(environment.config(["revision", "--autogenerate"]))
    script.hooks = []
    script.messaging_opts = {"quiet": True}
    # All comparisons come first: once the map of revisions has a new one, the database is not up to date.
    contexts = [_generated(environment, script, plan, renames) for plan in plans]
    # Templates may look at the application, as that of Flask-Migrate for several databases does.
    with environment.application.entered():
        return [
            entry
            for plan, context in zip(plans, contexts, strict=True)
            for entry in _files(context, script, plan, folders[plan["version_path"]])
        ]


def _generated(
    environment: Environment, script: ScriptDirectory, plan: Plan, renames: Sequence[Rename]
) -> RevisionContext:
    config = environment.config(["revision", "--autogenerate", "-m", plan["message"]])
    chosen = _Chosen(plan["operations"], renames, plan["code"])
    arguments = {
        "message": plan["message"],
        "autogenerate": True,
        "sql": False,
        "head": plan["head"],
        "splice": False,
        "branch_label": plan["branch_label"],
        "version_path": plan["version_path"],
        "rev_id": plan["revision"],
        "depends_on": plan["depends_on"] or None,
    }
    context = RevisionContext(config, script, arguments, process_revision_directives=chosen)

    def work(heads: Any, migration: MigrationContext) -> Any:
        context.run_autogenerate(heads, migration)
        return ()

    options = {"as_sql": False, "template_args": context.template_args, "revision_context": context}
    environment.run(config, script, work, **options)
    chosen.require_all()
    return context


class _Code(ops.MigrateOperation):
    """Lines of a revision."""

    def __init__(self, text: str) -> None:
        self.text = text


@renderers.dispatch_for(_Code)
def _lines(_context: Any, operation: _Code) -> list[str]:
    return operation.text.splitlines()


class _Chosen:
    """A ``process_revision_directives`` that keeps the chosen operations, in their order; env.py's comes after.

    ``code`` follows them, and comes first in the downgrade.
    """

    def __init__(self, operations: list[dict[str, Any]], renames: Sequence[Rename], code: list[dict[str, Any]]) -> None:
        self._renames = renames
        self._code = code
        self._wanted: dict[int, dict[int, str]] = {}
        for entry in operations:
            self._wanted.setdefault(entry["database"], {})[entry["number"]] = entry["python"]
        self._runs = 0

    def __call__(self, context: MigrationContext, _revision: Any, directives: list[Any]) -> None:
        script = directives[0]
        upgrade, downgrade = script.upgrade_ops_list[-1], script.downgrade_ops_list[-1]
        wanted = self._wanted.pop(self._runs, {})
        code = [entry for entry in self._code if entry["database"] == self._runs]
        self._runs += 1
        settle(upgrade)
        if self._renames:
            upgrade.ops[:] = _renamed(context, upgrade, self._renames).ops
        renderer = Renderer(context)
        kept = set()
        for number, (operation, parent) in enumerate(leaves(upgrade, None)):
            if number in wanted:
                if renderer.python(operation, parent) != wanted[number]:
                    raise WorkerError(_CHANGED, "env.py and the models must give the same result in every run.")
                kept.add(id(operation))
                del wanted[number]
        if wanted:
            raise WorkerError(_CHANGED, "env.py and the models must give the same result in every run.")
        keep(upgrade, kept)
        downgrade.ops[:] = []
        upgrade.reverse_into(downgrade)
        upgrade.ops.extend(_Code(entry["upgrade"]) for entry in code)
        downgrade.ops[:0] = [_Code(entry["downgrade"]) for entry in reversed(code)]

    def require_all(self) -> None:
        """Raise ``WorkerError`` when a database with chosen operations was not compared again."""
        if self._wanted:
            raise WorkerError(_CHANGED, "env.py must behave the same in every `alembic revision --autogenerate`.")


def _renamed(context: MigrationContext, upgrade: ops.UpgradeOps, renames: Sequence[Rename]) -> ops.UpgradeOps:
    """The operations as the comparison that was reviewed had them: after the accepted renames, and with these."""
    with ExitStack() as scope:
        target = context.opts["target_metadata"]
        found = operations(context, upgrade, target, Renames(renames, scope), lambda: None)
    last = found[-1]
    put_first(last, [one for stage in found for one in stage.renamed])
    return last.operations


_CHANGED = "The comparison returned different operations when it was repeated to write them."


def _files(context: RevisionContext, script: ScriptDirectory, plan: Plan, folder: str) -> Iterator[dict[str, str]]:
    for directive in context.generated_revisions:
        # Alembic puts one without a folder of its own beside the revision that it follows.
        if directive.version_path is not None and str(directive.version_path) != plan["version_path"]:
            raise WorkerError(
                f"The process_revision_directives of {script.env_py_location} put the revision into another folder, "
                f"{directive.version_path}.",
                "Name that folder with --version-path.",
            )
        directive.version_path = folder
    with _template_errors(script):
        written = [made for made in context.generate_scripts() if made is not None]
    for made in written:
        path = os.path.realpath(made.path)
        with open(path, encoding=script.output_encoding, newline="") as file:
            text = file.read()
        yield {
            "package": plan["package"],
            "revision": made.revision,
            "version_path": plan["version_path"],
            "name": os.path.relpath(path, folder).replace(os.sep, "/"),
            "text": text,
            "encoding": script.output_encoding,
        }


@contextmanager
def _template_errors(script: ScriptDirectory) -> Iterator[None]:
    try:
        yield
    except WorkerError:
        raise
    except Exception as error:
        where = at(application_frames(error.__traceback__))
        template = os.path.join(script.dir, "script.py.mako")
        message = f"The revision can't be written with {template}: {describe(error)}{where}"
        raise WorkerError(message, "Correct the template; --debug shows the whole traceback.") from error


def run_hooks(environment: Environment, paths: list[str]) -> None:
    """Run the application's ``post_write_hooks`` on these files. Raises ``WorkerError``."""
    script = environment.script_directory(environment.config(["revision", "--autogenerate"]))
    with environment.application.entered():
        for path in paths:
            _run_hooks(script, path)


def _run_hooks(script: ScriptDirectory, path: str) -> None:
    try:
        internals.run_write_hooks(path, script)
    except Exception as error:
        raise WorkerError(
            f"A post_write_hook failed on {path}: {describe(error)}",
            "The revision file is complete, but its post_write_hooks did not finish.",
        ) from error
