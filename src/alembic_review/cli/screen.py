"""What goes to stderr: errors, progress; and what the terminal can show."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, cast

from alembic_review.model.errors import ObservationError, ReviewError

Progress = Callable[[str], None]


class _Forgiving:
    """A stream that drops what can't be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def open_closed_streams() -> None:
    """Let standard input, output and error that are closed lead nowhere.

    Files and sockets that are opened later would get their numbers, and then be taken for standard output.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - its only form
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - stays open


def give_up_streams() -> None:
    """Drop what standard output and error don't take: Python would end with an exit status of its own over it."""
    for stream in (sys.stdout, sys.stderr):
        give_up(stream)


def give_up(stream: TextIO) -> None:
    """Let a stream that can't be written to any more lead nowhere."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def say(text: str) -> None:
    """A line on stderr, with everything shown that a terminal would not; a stderr that is gone is no error."""
    from alembic_review.model.secrets.known_passwords import hide  # noqa: PLC0415 - not needed for --help
    from alembic_review.reports.parts.names import visible  # noqa: PLC0415

    with suppress(OSError, ValueError):
        shown = logged(visible(hide(text), lines=True))
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        sys.stderr.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()


def logged(text: str, *, is_json: bool = False) -> str:
    """``text`` as it may stand in the log of a CI job, where the runner of GitHub or Forgejo looks for commands.

    JSON stays the same to whoever reads it.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    from alembic_review.reports.parts.names import without_commands  # noqa: PLC0415 - not needed for --help

    return text.replace("##[", r"##\u005b") if is_json else without_commands(text)


def show_error(error: ReviewError, *, debug: bool) -> None:
    """What happened and what to do about it; the traceback only with ``debug``."""
    import traceback  # noqa: PLC0415 - not needed for --help

    from alembic_review.model.secrets.masking import mask  # noqa: PLC0415

    if debug:
        say(mask("".join(traceback.format_exception(error))).rstrip())
    say(mask(f"Error: {error.message}"))
    if error.hint:
        say(mask(f"Hint: {error.hint}"))


def internal_error(error: Exception) -> ReviewError:
    """An error that nobody foresaw, told without its text, which may hold anything."""
    import traceback  # noqa: PLC0415 - not needed for --help
    from pathlib import Path  # noqa: PLC0415

    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    told = ObservationError(
        f"alembic-review itself failed: {type(error).__name__}{where}.",
        hint="This is a bug; --debug shows the traceback to report with it.",
    )
    told.__cause__ = error
    return told


@contextmanager
def progress(*, verbose: bool) -> Iterator[Progress]:
    """Where progress goes: lines on stderr with ``verbose``, else a spinner when stderr is a terminal, else nowhere."""
    if verbose:
        yield say
    elif sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415 - seven MiB that a run in CI does not need
        from rich.text import Text  # noqa: PLC0415

        from alembic_review.reports.parts.names import visible  # noqa: PLC0415

        # A terminal that was closed must not hide the signal that ends the run.
        with Console(file=cast("TextIO", _Forgiving(sys.stderr))).status(Text("starting")) as status:
            yield lambda text: status.update(Text(visible(text)))
    else:
        yield lambda _text: None


def width() -> int:
    """Columns of the terminal, or what COLUMNS says; 80 where there is none."""
    import shutil  # noqa: PLC0415 - not needed for --help

    return max(shutil.get_terminal_size((80, 25)).columns, 20)


def colourful(stream: TextIO | None) -> bool:
    """Whether ``stream`` is a terminal that may show colours (https://no-color.org); it may be closed, too."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def rendered_page(page: str) -> str:
    """A Markdown page as a terminal with colours shows it."""
    from rich.console import Console  # noqa: PLC0415 - as in progress()
    from rich.markdown import Markdown  # noqa: PLC0415 - costs more than the rest of rich, and only pages need it

    console = Console(file=io.StringIO(), width=min(width(), 100), force_terminal=True, legacy_windows=False)
    with console.capture() as capture:
        console.print(Markdown(page, hyperlinks=False))
    return capture.get()
