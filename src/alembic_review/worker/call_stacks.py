"""Call stacks outside SQLAlchemy, up to the next import boundary: the raw material of every witness."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import alembic
import sqlalchemy
from sqlalchemy import Table

from alembic_review.model.facts import Frame
from alembic_review.worker.internals import CONFIGURE_FUNCTIONS, COPY_FUNCTIONS
from alembic_review.worker.packages import is_of_stdlib, package_of, real_path
from alembic_review.worker.worker_errors import is_application

_SQLALCHEMY = os.path.dirname(sqlalchemy.__file__) + os.sep
_REFLECTION = os.path.join(_SQLALCHEMY, "engine", "reflection.py")
_ALEMBIC = os.path.dirname(alembic.__file__) + os.sep
_OURS = os.path.dirname(__file__) + os.sep
_HOOKS = frozenset({"__init__", "__new__", "__init_subclass__", "__call__", "__prepare__"})
_OPTIMIZED = 0x0001

_KEEP, _SKIP, _STOP, _COPY, _TOOL = range(5)


@dataclass(frozen=True)
class Walk:
    """One walk: the stack's number, the live frames kept, and the table a ``to_metadata`` copies from.

    ``tool`` is true when Alembic itself is the innermost: operations of revisions and reflection are nobody's models.
    ``by_tool`` is true when Alembic called for it from further out: a revision, or a hook of env.py.
    """

    stack: int | None
    frames: tuple[FrameType, ...]
    copy_of: Table | None
    tool: bool = False
    by_tool: bool = False


_OF_TOOL = Walk(None, (), None, tool=True)


class Stacks:
    """Interns frames and stacks, so that thousands of columns share a few hundred entries."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.stacks: list[tuple[int, ...]] = []
        self._frames: dict[tuple[int, int, bool], int] = {}
        # Alembic compiles env.py anew on each run: the same line then has another code object.
        self._numbers: dict[Frame, int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        # By identity, which the list keeps: code objects of different files may be equal.
        self._kinds: dict[int, int] = {}
        self._codes: list[CodeType] = []

    def walk(self, frame: FrameType | None) -> Walk:
        """Walk outwards from ``frame``: innermost first, ending at an import or where mappers get configured."""
        kept: list[FrameType] = []
        copy_of: Table | None = None
        by_tool = False
        kinds = self._kinds
        while frame is not None:
            kind = kinds.get(id(frame.f_code))
            if kind is None:
                kind = self._kind(frame.f_code)
            if kind == _KEEP:
                kept.append(frame)
            elif kind == _STOP:
                break
            elif kind == _TOOL:
                if not kept:
                    return _OF_TOOL
                by_tool = True
            elif kind == _COPY and copy_of is None:
                source = frame.f_locals.get("self")
                copy_of = source if isinstance(source, Table) else None
            frame = frame.f_back
        numbers = tuple([self._frame(item) for item in kept])
        return Walk(self._stack(numbers) if numbers else None, tuple(kept), copy_of, by_tool=by_tool)

    def behind(self, frame: FrameType | None) -> int | None:
        """The stack of a call, Alembic's frames left out, innermost first.

        It ends at the next import boundary, or where a revision runs. Code that awaits
        (``await connection.run_sync(metadata.create_all)``) waits in another greenlet.
        """
        kept: list[int] = []
        for each in _across_greenlets(frame):
            kind = self._kind(each.f_code)
            if kind == _STOP or each.f_code.co_filename.startswith(_OURS):
                break
            if kind == _KEEP:
                kept.append(self._frame(each))
        return self._stack(tuple(kept)) if kept else None

    def of_tool(self, frame: FrameType | None) -> bool:
        """Tell whether Alembic stands anywhere on the way outwards, up to the next import boundary."""
        kinds = self._kinds
        while frame is not None:
            kind = kinds.get(id(frame.f_code))
            if kind is None:
                kind = self._kind(frame.f_code)
            if kind == _TOOL:
                return True
            if kind == _STOP:
                return False
            frame = frame.f_back
        return False

    def of_others(self, frame: FrameType | None) -> bool:
        """True for a statement that neither Alembic nor SQLAlchemy's reflection came up with."""
        while frame is not None and frame.f_code.co_filename != _REFLECTION:
            kind = self._kind(frame.f_code)
            if kind in (_KEEP, _TOOL):
                return kind == _KEEP
            frame = frame.f_back
        return False

    def place(self, frame: FrameType | None, *, beyond: frozenset[str] = frozenset()) -> Frame | None:
        """The innermost frame of the application, import boundaries or not; where it has none, that of a library.

        Frames of SQLAlchemy, Alembic and the standard library don't count, nor those of the top-level modules in
        ``beyond``.
        """
        library: FrameType | None = None
        while frame is not None:
            inside = str(frame.f_globals.get("__name__")).partition(".")[0] in beyond
            if not inside and self._kind(frame.f_code) == _KEEP:
                if is_application(frame.f_code.co_filename):
                    return self.frames[self._frame(frame)]
                library = library or frame
            frame = frame.f_back
        return self.frames[self._frame(library)] if library is not None else None

    def keeps(self, code: CodeType) -> bool:
        """True for code outside SQLAlchemy, Alembic and the standard library that is not ours."""
        return self._kind(code) == _KEEP

    def described(self, frame: FrameType) -> Frame:
        """What is told of a live frame."""
        return self.frames[self._frame(frame)]

    def packages(self) -> set[str]:
        """The names of all packages that have a frame in a recorded stack."""
        return {frame.package for frame in self.frames if frame.package}

    def _kind(self, code: CodeType) -> int:
        kind = self._kinds.get(id(code))
        if kind is None:
            self._codes.append(code)
            kind = self._kinds[id(code)] = _classify(code)
        return kind

    def _frame(self, frame: FrameType) -> int:
        self._kind(frame.f_code)
        key = (id(frame.f_code), frame.f_lineno, _is_hook(frame))
        number = self._frames.get(key)
        if number is None:
            described = _describe(frame, hook=key[2])
            number = self._frames[key] = self._numbers.setdefault(described, len(self.frames))
            if number == len(self.frames):
                self.frames.append(described)
        return number

    def _stack(self, numbers: tuple[int, ...]) -> int:
        number = self._stacks.get(numbers)
        if number is None:
            number = self._stacks[numbers] = len(self.stacks)
            self.stacks.append(numbers)
        return number


def _across_greenlets(frame: FrameType | None) -> Iterator[FrameType]:
    """Frames outwards, and then those that wait in the greenlets around this one."""
    greenlet: Any = sys.modules.get("greenlet")
    current = greenlet.getcurrent() if greenlet is not None else None
    while frame is not None:
        yield frame
        frame = frame.f_back
        while frame is None and current is not None:
            current = current.parent
            frame = current.gr_frame if current is not None else None


def is_sqlalchemy(code: CodeType) -> bool:
    """Whether the code belongs to SQLAlchemy."""
    return code.co_filename.startswith(_SQLALCHEMY)


def is_reflection(frame: FrameType | None) -> bool:
    """True for a call that SQLAlchemy makes while it reads a table from a database; our own frames are passed over."""
    while frame is not None and frame.f_code.co_filename.startswith(("<", _OURS)):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename == _REFLECTION


def is_theirs(code: CodeType) -> bool:
    """False for code of SQLAlchemy, of Alembic, of the standard library, and for ours."""
    return _classify(code) == _KEEP


def is_function(frame: FrameType) -> bool:
    """False for the body of a module or a class, whose locals are everybody's."""
    return bool(frame.f_code.co_flags & _OPTIMIZED)


def _classify(code: CodeType) -> int:
    file = code.co_filename
    if file.startswith("<frozen importlib"):
        return _STOP
    if file.startswith(_SQLALCHEMY):
        if code.co_name in CONFIGURE_FUNCTIONS and f"{os.sep}orm{os.sep}" in file:
            return _STOP
        return _COPY if code.co_name in COPY_FUNCTIONS else _SKIP
    if file.startswith(_ALEMBIC):
        return _TOOL
    if file.startswith(("<", _OURS)):
        return _SKIP
    return _SKIP if is_of_stdlib(real_path(file)) else _KEEP


def _describe(frame: FrameType, *, hook: bool) -> Frame:
    path = os.path.abspath(frame.f_code.co_filename)
    module = frame.f_globals.get("__name__")
    name = module if isinstance(module, str) else None
    package = package_of(name, path)
    return Frame(path, frame.f_lineno, frame.f_code.co_name, package, name, hook, body=not is_function(frame))


def _is_hook(frame: FrameType) -> bool:
    """A function that runs because some class is being created: its first argument is a class, or a metaclass."""
    code = frame.f_code
    if code.co_name not in _HOOKS or not code.co_argcount:
        return False
    first: Any = frame.f_locals.get(code.co_varnames[0])
    if not issubclass(type(first), type):
        return False
    return code.co_name in ("__init__", "__init_subclass__") or type in type.mro(first)
