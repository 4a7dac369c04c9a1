"""Which environment variables the application reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

_WORKER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_ORIGINAL: Any = type(os.environ)
# They stand between a reader and us; both may be frozen modules.
_BETWEEN = frozenset(
    {_ORIGINAL.__getitem__.__code__.co_filename, Mapping.get.__code__.co_filename},
)


class ReadVariables:
    """Remembers the names that are read from ``os.environ``, and that all of them were (``everything``).

    What the worker itself reads does not count.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.everything = False

    def install(self) -> None:
        """Begin. ``os.environ`` stays the same object, of a class that is derived from its own."""

        def note(key: object) -> None:
            name = os.fsdecode(key) if isinstance(key, (str, bytes)) else None
            if name is not None and name not in self.names and not _asked_by_worker():
                self.names.add(name)

        class Watched(_ORIGINAL):  # type: ignore[misc]
            def __getitem__(watched, key: Any) -> Any:  # noqa: N805 - `self` is the recorder's
                note(key)
                return _ORIGINAL.__getitem__(watched, key)

            def __iter__(watched) -> Iterator[Any]:  # noqa: N805 - as above
                self.everything |= not _asked_by_worker()
                return _ORIGINAL.__iter__(watched)  # type: ignore[no-any-return]

        for variables in (os.environ, getattr(os, "environb", None)):
            if type(variables) is _ORIGINAL:
                variables.__class__ = Watched


def _asked_by_worker() -> bool:
    frame: FrameType | None = sys._getframe()
    own = _asked_by_worker.__code__.co_filename
    while frame is not None and (frame.f_code.co_filename in _BETWEEN or frame.f_code.co_filename == own):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(_WORKER)
