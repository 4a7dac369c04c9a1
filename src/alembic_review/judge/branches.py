"""Where a package's next revision goes: its head, its folder, and the revisions of others that it depends on.

The words are those of Alembic's "Working with Branches" (https://alembic.sqlalchemy.org/en/latest/branches.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from alembic_review.judge.judged_facts import Case
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Revision

BASE = "base"


@dataclass(frozen=True)
class Spot:
    """``head`` is a revision, or ``base`` for a branch of its own, which gets ``branch_label``."""

    head: str
    version_path: str
    branch_label: str | None = None


def spot(case: Case, package: str, version_path: str | None) -> Spot:
    """The head, version location and branch label for the next revision of a custom package.

    ``version_path`` is the folder that the user chose. Raises ``UsageError`` if there are several locations or
    heads, or if the location is not one of the package's.
    """
    found = _spot(case, package, version_path)
    copy = next(
        (one for one in case.facts.packages if one.name == package and one.installed and not one.editable), None
    )
    if copy is not None and any(PurePath(found.version_path).is_relative_to(path) for path in copy.paths):
        raise UsageError(
            f"{package} is installed as a copy: a revision in {found.version_path} would not be in your project.",
            hint="Install it in editable mode: pip install --editable .",
        )
    return found


def _spot(case: Case, package: str, version_path: str | None) -> Spot:
    if version_path is not None:
        _require_own(case, package, version_path)
    own = [revision for revision in case.facts.revisions if _owner(case, revision) == package]
    if not own:
        return _first(case, package, version_path)
    heads = [revision for revision in own if revision.is_head]
    there = [head for head in heads if version_path is None or _location(case, head) == version_path]
    if len(heads) > 1 and len(there) != 1:
        names = " ".join(sorted(head.id for head in heads))
        # Heads with different labels are different branches, which are not to be merged.
        otherwise = "name the branch: alembic revision --head BRANCH@head"
        if len({head.branch_labels for head in heads}) == 1:
            otherwise = f'merge them first: alembic merge -m "merge heads" {names}'
        raise UsageError(
            f"The revisions of {package} have {len(heads)} heads: {names}.",
            hint=f"Name the folder with --version-path, or {otherwise}",
        )
    heads = there or heads
    if not heads:
        raise UsageError(
            f"No revision of {package} is a head: revisions of other packages follow its last revision.",
            hint="Move those revisions to a separate branch.",
        )
    return Spot(heads[0].id, version_path or _location(case, heads[0]))


def depends_on(case: Case, head: str, needed: Iterable[str]) -> tuple[str, ...]:
    """The heads that a revision after ``head`` must depend on, so that these ``needed`` revisions come before it.

    It is the newest that has each: what a model of today refers to, a column or a name, may be younger than its table.
    """
    known = {revision.id: revision for revision in case.facts.revisions}
    behind = ancestors(known, [head])
    own = lineage(known, head)
    others = {one.id: lineage(known, one.id) for one in case.facts.revisions if one.is_head and one.id not in behind}
    wanted = {revision for revision in needed if revision not in own}
    found = {other for other, line in others.items() if wanted & line}
    return tuple(sorted(found))


def _require_own(case: Case, package: str, version_path: str) -> None:
    """A folder that the user names must be a version location, and nobody else's."""
    owners = {one.path: case.evidence.location_owner(one.package, one.path) for one in case.facts.version_locations}
    own = [path for path, owner in owners.items() if owner == package]
    if version_path not in owners:
        raise UsageError(
            f"{version_path} is not one of the version_locations in {case.facts.config or case.settings.config_from}.",
            hint=f"Those of {package} are: {', '.join(own) or 'none'}. Add a new location there first.",
        )
    if version_path not in own:
        raise UsageError(
            f"{version_path} contains revisions of {owners[version_path]}, not of {package}.",
            hint=f"Those of {package} are: {', '.join(own) or 'none'}.",
        )


def _first(case: Case, package: str, version_path: str | None) -> Spot:
    """The first revision: on a branch of its own when there are revisions of others."""
    folders = [
        location.path
        for location in case.facts.version_locations
        if case.evidence.location_owner(location.package, location.path) == package
    ]
    if version_path is None and len(folders) != 1:
        raise _no_folder(case, package, folders)
    label = None
    if case.facts.revisions:
        label = package.replace(".", "_")
        taken = {one for revision in case.facts.revisions for one in revision.branch_labels}
        if label in taken:
            raise UsageError(
                f"{package} has no revision yet, and the branch label {label} is taken.",
                hint="Write the first revision with `alembic revision --head base --branch-label NAME`.",
            )
    return Spot(BASE, version_path or folders[0], label)


def _no_folder(case: Case, package: str, folders: list[str]) -> UsageError:
    if folders:
        listed = ", ".join(folders)
        return UsageError(
            f"{package} has no revision yet and several version locations: {listed}.",
            hint="Choose one with --version-path.",
        )
    folder = _usual_folder(case, package)
    config = case.facts.config or case.settings.config_from
    return UsageError(
        f"{package} has no revision yet, and none of the version_locations in {config} belongs to it.",
        hint=f"Create the folder {folder} and add it to version_locations there, as {_spelled(package, folder)}.",
    )


def _usual_folder(case: Case, package: str) -> str:
    """Where other packages keep theirs, for this package."""
    found = next((entry for entry in case.facts.packages if entry.name == package and entry.paths), None)
    top = PurePath(found.paths[0]) if found is not None else PurePath(case.facts.env_py).parent
    for location in case.facts.version_locations:
        other = next((entry for entry in case.facts.packages if entry.name == location.package), None)
        for path in other.paths if other is not None else ():
            if PurePath(location.path).is_relative_to(path):
                return str(top / PurePath(location.path).relative_to(path))
    return str(top / "alembic" / "versions")


def _spelled(package: str, folder: str) -> str:
    parts = PurePath(folder).parts
    top = package.rpartition(".")[2]
    if top not in parts:
        return folder
    below = parts[len(parts) - parts[::-1].index(top) :]
    return f"{package}:{'/'.join(below)}"


def _location(case: Case, head: Revision) -> str:
    """The version location that holds this revision, which may lie in a folder below it."""
    path = PurePath(head.path)
    folders = [entry.path for entry in case.facts.version_locations if path.is_relative_to(entry.path)]
    return max(folders, key=len, default=head.version_location)


def _owner(case: Case, revision: Revision) -> str | None:
    return case.evidence.revision_owner(revision.id)


def ancestors(known: dict[str, Revision], start: Iterable[str]) -> set[str]:
    """These revisions and all revisions before them, by ``down_revision`` and ``depends_on``."""
    return _reach(known, start, dependencies=True)


def lineage(known: dict[str, Revision], start: str) -> set[str]:
    """This revision and all revisions before it in its branch, by ``down_revision``."""
    return _reach(known, [start], dependencies=False)


def _reach(known: dict[str, Revision], start: Iterable[str], *, dependencies: bool) -> set[str]:
    labels = {label: revision.id for revision in known.values() for label in revision.branch_labels}
    found: set[str] = set()
    queue = list(start)
    while queue:
        name = queue.pop()
        name = name if name in known else labels.get(name, name)
        if name in found or name not in known:
            continue
        found.add(name)
        queue += known[name].down_revisions
        queue += known[name].depends_on if dependencies else ()
    return found
