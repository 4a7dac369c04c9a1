"""Revisions of the base of a pull request that were edited or deleted since."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from alembic_review.model.facts import Facts, Revision
from alembic_review.model.pull_request_base import EditedRevision
from alembic_review.observe.base_revisions import BaseFolder, same_text


def edited_revisions(facts: Facts, then: Facts, folders: Sequence[BaseFolder]) -> Iterator[EditedRevision]:
    """Revisions that were there at the base and differ now, whatever their folder."""
    before = {revision.id: _file(revision, folders) for revision in then.revisions}
    for revision in facts.revisions:
        old = before.get(revision.id)
        if old is None or not old.is_file() or same_text(old, Path(revision.path)):
            continue
        yield EditedRevision(revision.id, revision.path, code=_code(old) != _code(Path(revision.path)))


def removed_revisions(facts: Facts, then: Facts, folders: Sequence[BaseFolder]) -> Iterator[str]:
    """Revisions of the base that are gone."""
    known = {revision.id for revision in facts.revisions}
    for revision in then.revisions:
        if revision.id not in known and _file(revision, folders) is not None:
            yield revision.id


def _file(revision: Revision, folders: Sequence[BaseFolder]) -> Path | None:
    """The file of a revision of the base; ``None`` for one that Git does not have."""
    return next((file for folder in folders if (file := folder.then(Path(revision.path))) is not None), None)


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


def locations_without_base(facts: Facts, folders: Sequence[BaseFolder]) -> Iterator[str]:
    """Version locations of which only the current revisions are known."""
    known = {os.path.realpath(folder.path) for folder in folders}
    for location in facts.version_locations:
        if os.path.realpath(location.path) not in known:
            whose = location.package or location.path
            yield f"revisions of {whose} at the base (they are not in Git; the installed ones were used)"
