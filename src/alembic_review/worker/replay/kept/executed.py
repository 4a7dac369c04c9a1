"""Which files have code that runs while revisions do: operations of plugins, listeners, compile rules, types."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType


class ExecutedFiles:
    """Collects the names of the files while ``watching``; ``blind`` where another tracer was at work."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.blind = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Meanwhile, every function that is called counts."""
        if sys.gettrace() is not None:
            self.blind = True
            yield
            return
        seen: set[CodeType] = set()

        def called(frame: FrameType, _event: str, _argument: object) -> None:
            seen.add(frame.f_code)

        sys.settrace(called)
        try:
            yield
        finally:
            # A revision that changes it would have hidden what came after.
            self.blind |= sys.gettrace() is not called
            sys.settrace(None)
            self.names.update(code.co_filename for code in seen)
