"""Where the reports for people are drawn: rich, without anything of rich that reads meaning into names."""

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
WIDE = 120  # columns from which on every part of a change has a column of its own


def canvas(options: Options) -> Console:
    """A console that collects text; colours only where asked for, hyperlinks never, no look at the environment."""
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


def drawn(console: Console) -> str:
    """What was drawn, without the blanks that rich pads lines with."""
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
