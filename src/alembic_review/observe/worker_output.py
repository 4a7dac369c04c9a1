"""What the application prints is shown once, although env.py runs several times."""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO

from alembic_review.model.secrets.masking import mask
from alembic_review.model.worker_request import NEXT_RUN

_TRACEBACK = "Traceback (most recent call last):"
_BEGUN = re.compile(r"(?:password|passwd|pwd|identified\s+by)['\"]?\s*(?:[=:]\s*)?\n\Z", re.IGNORECASE)
# What differs between two runs that print the same: times, durations, addresses, processes, random names.
_VARYING = re.compile(
    r"""
    \d{4}-\d\d-\d\d (?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)? (?:Z|[+-]\d\d:?\d\d)?
    | \b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?
    | \b\d+\.\d+
    | \b\d+\ ?(?:s|ms|us|µs|ns|sec|secs|seconds)\b
    | \b0x[0-9a-fA-F]+
    | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b
    | (?<![0-9a-zA-Z])[0-9a-f]{16,}\b
    | \[\d+\]
    """,
    re.VERBOSE,
)


class Shown:
    """What the processes of one command have shown so far: how often each block was printed in one run at most."""

    def __init__(self) -> None:
        self._most: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._most)

    def adds(self, block: str, times: int) -> bool:
        """Note that one run has printed this block so many times; true when no run had done so before."""
        with self._lock:
            if times <= self._most[block]:
                return False
            self._most[block] = times
            return True


class Runs:
    """The output of one process, line by line.

    Blocks are compared: a line with the indented ones below it, or a traceback. The first run is shown as it comes; of
    the next ones each block is held back until it is complete, and left out if an earlier run printed it as well.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._live = not shown
        self._printed: Counter[str] = Counter()
        self._block: list[str] = []

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        """What is to be shown of these lines, and of those that were held back."""
        for line in lines:
            if self._block and not _continues(self._block, line):
                yield from self._complete()
            self._block.append(line)
            if self._live:
                yield line

    def next_run(self) -> Iterator[str]:
        """The end of a run: what was held back, if it is to be shown."""
        yield from self._complete()
        self._live = self._live and not self._shown
        self._printed.clear()

    def _complete(self) -> Iterator[str]:
        block, self._block = self._block, []
        key = _VARYING.sub("#", "".join(block).rstrip())
        if not key:
            return  # blank lines alone, at the beginning of a run
        self._printed[key] += 1
        if self._shown.adds(key, self._printed[key]) and not self._live:
            yield from block


class Output:
    """Passes on what a process prints, without passwords; ``lines`` counts what it printed.

    The stream is read to its end even when stderr can't be written to: the process would wait for a full pipe.
    """

    def __init__(self, stream: IO[bytes], shown: Shown) -> None:
        self.stream = stream
        self.lines = 0
        self.ended = threading.Event()
        self._runs = Runs(shown)
        self._begun = ""

    def pump(self) -> None:
        """Read to the end of the stream."""
        try:
            self._pump()
        finally:
            self.ended.set()

    def _pump(self) -> None:
        for raw in self.stream:
            ends = raw.endswith(NEXT_RUN)
            text = raw.removesuffix(NEXT_RUN) if ends else raw
            if text:
                self.lines += 1
                line = self._masked(text.decode(errors="replace"))
                _write(self._runs.lines([line if line.endswith("\n") else f"{line}\n"]))
            if ends:
                _write(self._runs.next_run())
        _write(self._runs.next_run())

    def _masked(self, line: str) -> str:
        """The line without passwords, also without one whose name is the end of the line before."""
        begun, found = self._begun, _BEGUN.search(line)
        self._begun = found[0] if found is not None else ""
        return mask(begun + line).removeprefix(begun)


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        # stderr is None when it was closed at the start; it may also be full, a closed pipe, or unable to encode.
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(line)
            sys.stderr.flush()


def _continues(block: list[str], line: str) -> bool:
    """Whether a line belongs to the block before it."""
    if not line.strip() or line[0].isspace():
        return True
    # The line after the indented ones of a traceback names the exception.
    return block[0].startswith(_TRACEBACK) and all(not other.strip() or other[0].isspace() for other in block[1:])
