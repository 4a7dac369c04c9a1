"""What the base of a pull request was: its revisions applied and compared, what was edited since, which settings."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from alembic_review.config.earlier_settings import table_in_text
from alembic_review.git.base_commit import Base, Earlier, Location, find_base, same_text
from alembic_review.judge.ownership.application_packages import normal_name
from alembic_review.model.errors import ObservationError, SuperuserNeededError, UnexplainedError
from alembic_review.model.facts import Facts, Place, Revision
from alembic_review.model.proofs import Proofs, Proved
from alembic_review.model.pull_request_base import ChangedSettings, EditedRevision, History
from alembic_review.model.settings import Settings
from alembic_review.observe.old_models import archive_of, observe_old_models
from alembic_review.observe.scratch.run_folder import run_folder
from alembic_review.observe.scratch_databases import RunDatabases
from alembic_review.observe.worker_process import Conversation, Progress, Request, observe
from alembic_review.workflows.accepting import accepted_at_base, baseline_at_base

_TABLE = "alembic-review"
# Of Alembic's own settings (https://alembic.sqlalchemy.org/en/latest/tutorial.html#editing-the-ini-file).
_FINDING = frozenset(
    {"script_location", "version_locations", "version_path_separator", "path_separator", "recursive_version_locations"}
)
# New entries are listed first in every report, and no other change of them accepts anything.
_LISTED = frozenset({"accept"})

OldModels = Callable[[], tuple[Proved, ...]]
"""Runs the models of the base on the databases that the new revisions leave. Raises ``ReviewError``."""

Prove = Callable[[Conversation, Facts, History | None, OldModels | None], Proofs]
"""Asks a worker, after its comparison, for the proofs of a run."""


def observed_since(  # noqa: PLR0913, PLR0917 - as ``observe``, and what the pull request is compared with
    settings: Settings, ref: str, request: Request, databases: RunDatabases, progress: Progress, prove: Prove
) -> tuple[Facts, History]:
    """The facts of today, and the base that HEAD and ``ref`` have in common, seen with today's ``env.py``.

    ``prove`` is called when both are known. Raises ``UsageError`` for what is no commit, ``ObservationError`` where Git
    can't tell, or where the revisions of today or of the base can't be observed.
    """
    with run_folder() as top:
        looked: list[History] = []

        def look(worker: Conversation, facts: Facts) -> Proofs:
            progress(f"looking for the base of {ref}")
            base = find_base(settings.root or Path(facts.config or ".").parent, ref)
            own = _own(facts, settings.distribution)
            locations = [_location(entry.path, facts, own) for entry in facts.version_locations]
            earlier = base.read(locations, top.resolve())
            then = _unchanged(facts)
            if not all(entry.unchanged for entry in earlier):
                instead = {os.path.realpath(entry.path): str(entry.folder) for entry in earlier}
                asked = replace(request, instead=instead, against=worker.schemas(), renames=())
                then = _of_base(base, earlier, lambda: observe(asked, databases, progress))
            past = History(
                commit=base.commit,
                facts=then,
                ref=ref,
                edited=tuple(_edited(facts, then, earlier)),
                removed=tuple(_removed(facts, then, earlier)),
                settings=tuple(changed_settings(base, settings)),
                not_checked=tuple(_not_checked(facts, earlier)),
                accepted=accepted_at_base(base, facts, settings),
            )
            looked.append(past)

            def old_models() -> tuple[Proved, ...]:
                base.write(top / "base")
                archive = archive_of(base.top, top / "base")
                states = (then.databases, facts.databases)
                return observe_old_models(request, archive, databases, states, progress)

            return prove(worker, facts, past, old_models)

        facts = observe(replace(request, history=True), databases, progress, look)
        return facts, looked[0]


def _unchanged(facts: Facts) -> Facts:
    """Between the base and today, no revision does anything."""
    return replace(facts, databases=tuple(replace(database, changes=()) for database in facts.databases))


def _of_base(base: Base, earlier: Sequence[Earlier], observed: Callable[[], Facts]) -> Facts:
    try:
        return observed()
    except (SuperuserNeededError, UnexplainedError):
        raise
    except ObservationError as error:
        message = error.message
        for entry in earlier:
            message = message.replace(str(entry.folder), str(entry.path))
        raise ObservationError(
            f"The revisions of the base, {base.commit[:12]}, can't be reviewed with the current code. {message}",
            hint=f"Keep what merged revisions import, call and read. {error.hint}".rstrip(),
        ) from error


def _location(path: str, facts: Facts, own: Collection[str]) -> Location:
    """A folder of revisions, and how the package that it lies in sees it, where that is a copy in an environment."""
    for package in facts.packages:
        for folder in package.paths:
            if PurePath(path).is_relative_to(folder):
                inside = PurePath(package.name.replace(".", "/")) / PurePath(path).relative_to(folder)
                copied = package.installed and package.name in own
                return Location(Path(path), package.installed, inside.as_posix() if copied else None)
    return Location(Path(path))


def _own(facts: Facts, distribution: str | None) -> set[str]:
    """Packages that are the project's own sources, or made from them: those of its ``distribution``."""
    name = normal_name(distribution or "")
    return {
        package.name
        for package in facts.packages
        if package.editable
        or not package.installed
        or (distribution is not None and normal_name(package.distribution or "") == name)
    }


def _edited(facts: Facts, then: Facts, earlier: Sequence[Earlier]) -> Iterator[EditedRevision]:
    """Revisions that were there at the base and say something else today, wherever they lie."""
    before = {revision.id: _file(revision, earlier) for revision in then.revisions}
    for revision in facts.revisions:
        old = before.get(revision.id)
        if old is None or not old.is_file() or same_text(old, Path(revision.path)):
            continue
        yield EditedRevision(revision.id, revision.path, code=_code(old) != _code(Path(revision.path)))


def _removed(facts: Facts, then: Facts, earlier: Sequence[Earlier]) -> Iterator[str]:
    """Revisions of the base that are gone."""
    known = {revision.id for revision in facts.revisions}
    for revision in then.revisions:
        if revision.id not in known and _file(revision, earlier) is not None:
            yield revision.id


def _file(revision: Revision, earlier: Sequence[Earlier]) -> Path | None:
    """The file of a revision of the base; ``None`` for one that Git does not have."""
    return next((file for entry in earlier if (file := entry.then(Path(revision.path))) is not None), None)


def _code(path: Path) -> str:
    """What a revision does: without comments, layout and docstrings."""
    try:
        module = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return str(path)
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return ast.dump(module)


def changed_settings(base: Base, settings: Settings) -> Iterator[ChangedSettings]:
    """The files in which settings of this tool, or those by which Alembic finds revisions, differ from the base's."""
    files = [settings.root / "pyproject.toml"] if settings.root is not None else []
    if settings.config is not None:
        files.append(settings.config)
    for file in dict.fromkeys(path.resolve() for path in files):
        if not base.knows(file):
            continue
        then, now = base.file(file), file.read_bytes() if file.is_file() else None
        for table in (_TABLE, "alembic" if file.suffix == ".toml" else settings.section):
            old, new = table_in_text(file, then, table), table_in_text(file, now, table)
            differing = {key for key in {*old, *new} if old.get(key) != new.get(key)}
            keys = tuple(sorted(differing - _LISTED if table == _TABLE else differing & _FINDING))
            if keys:
                yield ChangedSettings(Place(str(file), _line(file, table)), keys, alembic=table != _TABLE)
    # What exists before the first revision is the same for the base and today: a change there is in no comparison.
    before = Path(settings.before) if settings.before is not None else None
    if before is not None and before.is_absolute() and base.knows(before) and base.file(before) != before.read_bytes():
        yield ChangedSettings(Place(str(before), 1), ("before",))
    baseline, known = settings.baseline, baseline_at_base(base, settings)
    added = baseline is not None and known is not None and any(one.fingerprint not in known for one in baseline.entries)
    if baseline is not None and added and not baseline.updated:
        yield ChangedSettings(Place(baseline.path, 1), ("baseline",))


def _line(file: Path, table: str) -> int:
    """The line at which the settings begin."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 1
    return next((number for number, line in enumerate(lines, 1) if line.startswith("[") and table in line), 1)


def _not_checked(facts: Facts, earlier: Sequence[Earlier]) -> Iterator[str]:
    """Folders of which only today's revisions are known."""
    known = {os.path.realpath(entry.path) for entry in earlier}
    for location in facts.version_locations:
        if os.path.realpath(location.path) not in known:
            whose = location.package or location.path
            yield f"revisions of {whose} at the base (Git does not have them; those installed today were used)"
