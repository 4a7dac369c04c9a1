"""What a review can do without: where it fails, the review says so and goes on."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TypeVar

from alembic_review.model.secrets.masking import mask

T = TypeVar("T")
_LONGEST = 200  # characters of a reason
_OURS = Path(__file__).parent.parent


@dataclass
class Attempts:
    """Runs optional observations; ``failures`` has a line with the reason for each that failed, for ``not_checked``.

    ``debug`` gets the traceback of each. ``caught`` is ``(BaseException,)`` where code of the application runs.
    """

    debug: Callable[[str], object] | None = None
    caught: tuple[type[BaseException], ...] = (Exception,)
    failures: list[str] = field(default_factory=list)

    def attempt(self, what: str, work: Callable[[], T], otherwise: T) -> T:
        """What ``work`` returns, or ``otherwise`` where it fails; ``what`` is then not checked."""
        try:
            return work()
        except self.caught as error:
            line = f"{what} ({reason(error)})"
            if line not in self.failures:
                self.failures.append(line)
            if self.debug is not None:
                self.debug(mask("".join(traceback.format_exception(type(error), error, error.__traceback__))))
            return otherwise


def show(text: str) -> None:
    """Where ``--debug`` sends tracebacks."""
    sys.stderr.write(text)


def reason(error: BaseException) -> str:
    """Why something failed, in one line: what an error of this tool says, of others their kind, text and location."""
    own = getattr(error, "message", None)
    if isinstance(own, str) and hasattr(error, "hint"):
        return " ".join(own.split("\n", 1)[0].split()).rstrip(".")
    told = " ".join(mask("".join(traceback.format_exception_only(type(error), error))).split())
    shown = told if len(told) <= _LONGEST else f"{told[:_LONGEST]} …"
    frames = traceback.extract_tb(error.__traceback__)
    own_frames = [frame for frame in frames if PurePath(frame.filename).is_relative_to(_OURS)] or frames
    where = f" at {PurePath(own_frames[-1].filename).name}:{own_frames[-1].lineno}" if own_frames else ""
    return f"{shown}{where}; --debug shows the traceback"
