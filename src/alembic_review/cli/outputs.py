"""Where reports go: ``-o FORMAT[=FILE]``."""

from __future__ import annotations

import difflib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alembic_review.cli import screen
from alembic_review.cli.screen import Progress
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.review import Review
from alembic_review.reports import REPORTS, Format, Options, Rule

TERMINAL = "terminal"
_STDOUT = "-"


@dataclass(frozen=True)
class Output:
    """One report and its file; ``None`` is standard output."""

    report: Format
    file: Path | None


@dataclass(frozen=True)
class Shown:
    """How the reports for people are shown."""

    sql: bool = False
    verbose: bool = False


def parse(values: Sequence[str]) -> tuple[Output, ...]:
    """The outputs that ``-o`` names; UsageError for an unknown format and for two reports in one place."""
    outputs = tuple(dict.fromkeys(_parse(value) for value in values))
    places: set[str] = set()
    for output in outputs:
        place = "standard output" if output.file is None else os.path.realpath(output.file)
        if place in places:
            raise UsageError(
                f"-o: two reports can't both go to {place}.", hint="Give each report a file of its own: -o FORMAT=FILE"
            )
        places.add(place)
    return outputs


def check(outputs: Sequence[Output]) -> None:
    """Refuse files that can't be written, before a run that would be for nothing."""
    for file in (output.file for output in outputs if output.file is not None):
        try:
            problem = _problem(file)
        except OSError as error:  # of a path that no file can have
            problem = f"can't be written: {error.strerror}"
        if problem:
            raise UsageError(f"-o: {file} {problem}.")


def _problem(file: Path) -> str:
    """Why a file can't be written; empty where it can."""
    folder = file.parent
    if file.is_dir():
        return "is a folder"
    if not folder.is_dir():
        return f"can't be written: there is no folder {folder}"
    if not os.access(file if file.exists() else folder, os.W_OK):
        return "can't be written: permission denied"
    return ""


def preparing(outputs: Sequence[Output], progress: Progress) -> Progress:
    """``progress`` that gets the reports ready aside when it is first told anything: the run is busy elsewhere then."""
    steps = [output.report.prepare for output in outputs if output.report.prepare is not None]
    aside = threading.Thread(target=_prepare, args=(steps,), daemon=True)

    def tell(text: str) -> None:
        if steps and aside.ident is None:
            aside.start()
        progress(text)

    return tell


def write(review: Review, outputs: Sequence[Output], shown: Shown) -> None:
    """Write every report; ObservationError when one could not be made or written, after all others were."""
    problems: list[str] = []
    cause: Exception | None = None
    for output in outputs:
        try:
            problem = _write(review, output, shown)
        except Exception as error:  # noqa: BLE001 - the other reports are still to be written
            problem = f"The {output.report.name} report could not be made: {screen.internal_error(error).message}"
            cause = cause or error
        problems += [problem] if problem else []
    if problems:
        hint = "This is a bug; --debug shows the traceback to report with it." if cause is not None else ""
        raise ObservationError(" ".join(problems), hint=hint) from cause


def to_stdout(text: str, *, encoding: str = "utf-8") -> None:
    """Write ``text`` to standard output; ObservationError where it can't be written.

    A reader who has gone away is no error, and changes no exit status.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(encoding, "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        screen.give_up(sys.stdout)
    except OSError as error:
        screen.give_up(sys.stdout)
        raise ObservationError(f"Standard output could not be written to: {error.strerror}.") from error


def _parse(value: str) -> Output:
    name, separator, file = value.partition("=")
    reports = {report.name: report for report in REPORTS}
    if name not in reports:
        near = difflib.get_close_matches(name, reports, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"The formats are {', '.join(reports)}."
        raise UsageError(f"-o: there is no format {name!r}.", hint=hint)
    if separator and not file:
        raise UsageError(f"-o {value}: the name of the file is missing.", hint=f"-o {name}=- is standard output")
    return Output(reports[name], None if file in ("", _STDOUT) else Path(file))


def _prepare(steps: Sequence[Callable[[], None]]) -> None:
    for step in steps:
        with suppress(Exception):  # the report will meet it again, and then it is told
            step()


def _rules() -> tuple[Rule, ...]:
    from alembic_review.workflows.explain import rules  # noqa: PLC0415 - not needed for most reports, nor for --help

    return rules()


def _write(review: Review, output: Output, shown: Shown) -> str | None:
    on_screen = output.file is None
    options = Options(
        width=screen.width(),
        colour=on_screen and screen.colourful(sys.stdout),
        sql=shown.sql,
        verbose=shown.verbose,
        rules=_rules() if output.report.describes else (),
    )
    text = output.report.render(review, options)
    try:
        if output.file is None:
            text = text if output.report.for_runner else screen.logged(text, is_json=output.report.is_json)
            to_stdout(text, encoding=sys.stdout.encoding if output.report.for_people else "utf-8")
        else:
            output.file.write_bytes(text.encode("utf-8", "backslashreplace"))
    except ObservationError as error:
        return f"The {output.report.name} report could not be written. {error.message}"
    except OSError as error:
        return f"The {output.report.name} report could not be written to {output.file}: {error.strerror}."
    return None
