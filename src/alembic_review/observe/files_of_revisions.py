"""Files of the application that merged revisions use, and that differ from those of the base.

Such a revision is the same text, and does something else: databases that have run it keep the old result. It is found
in the source: imports, those of imported modules too, and names of files. Modules that declare tables are left out,
because every pull request edits models.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from alembic_review.model.facts import Facts
from alembic_review.model.pull_request_base import BaseCommit
from alembic_review.observe.base_revisions import BaseFolder, inside_checkout, same_text
from alembic_review.observe.declared_tables import in_tree

_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([\w.]+)", re.MULTILINE)
_ELSEWHERE = frozenset({"alembic", "sqlalchemy", *sys.stdlib_module_names})
_CODE = ".py"
_SHOWN = 3


def files_that_differ(facts: Facts, then: Facts, folders: Sequence[BaseFolder], base: BaseCommit) -> Iterator[str]:
    """One line for each file that differs and that a revision uses which is at the base and was not edited."""
    folder_names = {inside_checkout(base, folder.path) for folder in folders}
    changed = {path for path in base.changed if PurePosixPath(path).parent.as_posix() not in folder_names}
    if not changed:
        return
    sources = _Sources(base)
    users: defaultdict[str, list[str]] = defaultdict(list)
    before = {revision.id for revision in then.revisions}
    for revision in facts.revisions:
        path = Path(revision.path)
        inside = inside_checkout(base, path)
        if revision.id in before and inside is not None and _is_unedited(path, folders):
            for used in sources.used_by(inside) & changed:
                users[used].append(revision.id)
    for used in sorted(users):
        yield _line(used, users[used])


def _line(used: str, revisions: Sequence[str]) -> str:
    several = len(revisions) > 1
    more = f" and {len(revisions) - _SHOWN} more" if len(revisions) > _SHOWN else ""
    return (
        f"what merged revision{'s' if several else ''} {', '.join(revisions[:_SHOWN])}{more} did before {used} changed "
        f"({'they use' if several else 'it uses'} that file: databases that have run {'them' if several else 'it'} "
        "keep the old result)"
    )


def _is_unedited(path: Path, folders: Sequence[BaseFolder]) -> bool:
    then = next((file for folder in folders if (file := folder.then(path)) is not None), None)
    return then is not None and same_text(then, path)


@dataclass
class _Sources:
    """The source of the checkout, each file read once."""

    base: BaseCommit
    _direct: dict[str, frozenset[str]] = field(default_factory=dict)

    def used_by(self, path: str) -> set[str]:
        """The files of the base that this one uses, and that those use."""
        found: set[str] = set()
        queue = [path]
        while queue:
            new = self._uses(queue.pop()) - found - {path}
            found |= new
            queue += (one for one in new if one.endswith(_CODE))
        return found

    def _uses(self, path: str) -> frozenset[str]:
        if path not in self._direct:
            self._direct[path] = frozenset(self._read(path))
        return self._direct[path]

    def _read(self, path: str) -> Iterator[str]:
        try:
            text = (self.base.top / path).read_bytes()
        except OSError:
            return
        names = {found.decode().partition(".")[0] for found in _IMPORT.findall(text)}
        files = [name for name in self._files if name.encode() in text]
        if not (names - _ELSEWHERE or files):
            return
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            return
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield from (one for one in self._imported(node, path) if not self._declares_tables(one))
            elif files and isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from self._files.get(node.value.rpartition("/")[2], ())

    def _imported(self, node: ast.Import | ast.ImportFrom, path: str) -> Iterator[str]:
        """The modules of the checkout that this statement of a file imports, as far as their paths tell."""
        folder = ""
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = [node.module or "", *(".".join(filter(None, (node.module, alias.name))) for alias in node.names)]
            folder = f"/{path}".rsplit("/", node.level)[0] if node.level else ""
        level = getattr(node, "level", 0)
        for name in filter(None, names):
            end = f"/{name.replace('.', '/')}"
            ends = (f"{folder}{end}{_CODE}", f"{folder}{end}/__init__{_CODE}")
            for one in self._modules.get(name.rpartition(".")[2], ()):
                if f"/{one}" in ends or (not level and f"/{one}".endswith(ends)):
                    yield one

    def _declares_tables(self, path: str) -> bool:
        try:
            return any(True for _ in in_tree(ast.parse((self.base.top / path).read_bytes()), ""))
        except (OSError, SyntaxError, ValueError):
            return False

    @cached_property
    def _modules(self) -> dict[str, list[str]]:
        """The modules of the base by the last part of their names."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.base.files:
            if path.endswith(_CODE):
                pure = PurePosixPath(path)
                found[pure.parent.name if pure.stem == "__init__" else pure.stem].append(path)
        return found

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """Other files that differ, by their names."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.base.changed:
            if not path.endswith(_CODE):
                found[PurePosixPath(path).name].append(path)
        return found
