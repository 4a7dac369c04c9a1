"""Terminal output with rich, without any markup that rich could read in a name."""

from __future__ import annotations

import io

from rich.box import Box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alembic_review.reports.base import Options

# ASCII only, so that it looks the same in a log file and on any terminal.
_RULED = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def new_console(options: Options) -> Console:
    """A console that collects text; colours only where asked for, never hyperlinks; the environment is ignored."""
    console = Console(
        file=io.StringIO(),
        width=options.width,
        height=25,
        force_terminal=options.colour,
        color_system="standard" if options.colour else None,
        no_color=not options.colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    console.begin_capture()
    return console


def printed(console: Console) -> str:
    """The text that was printed, without the blanks that rich pads lines with."""
    lines = console.end_capture().rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def table(*headers: str) -> Table:
    """A table with a ruled header; every cell wraps, none is cut off."""
    grid = Table(box=_RULED, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        grid.add_column(header, overflow="fold")
    return grid


def pairs() -> Table:
    """A grid of two columns for ``name: value``."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def stacked(*parts: tuple[str, str], indent: int = 0) -> Group:
    """Texts below each other, each with a style; empty ones are left out, all but the first are indented."""
    lines = [Text(text, style, overflow="fold") for text, style in parts if text]
    return Group(*lines[:1], *(Padding(line, (0, 0, 0, indent)) for line in lines[1:]))
