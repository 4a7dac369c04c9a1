"""Where the boxes and lines of a diagram go. Lengths are in CSS pixels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from alembic_review.reports.formats.html.layers import in_layers
from alembic_review.reports.parts.diagram import Diagram, Link, Node

WIDTH = 208
LINE = 17
PADDING = 9
_ROW_GAP, _COLUMN_GAP = 18, 66
_CHARACTERS = 24  # cells of a label that fit into a box
_COLUMNS = 4  # of tables that nothing is linked to
_LANE = 4  # height of the place of a line that passes a layer
_MARGIN = 2


@dataclass(frozen=True)
class Box:
    """A table's box: ``x`` and ``y`` are its top left corner, ``lines`` its label, broken to fit."""

    node: Node
    lines: tuple[str, ...]
    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Line:
    """A link's path, as SVG's ``d``. ``turned``: it begins at the link's target."""

    link: Link
    path: str
    turned: bool = False


@dataclass(frozen=True)
class Layout:
    boxes: tuple[Box, ...] = ()
    lines: tuple[Line, ...] = ()
    width: int = 0
    height: int = 0


def lay_out(drawn: Diagram) -> Layout:
    """Places for every table and every link: linked tables in layers, the others in a grid below them."""
    if not drawn.nodes:
        return Layout()
    labels = [_broken(node.label) for node in drawn.nodes]
    heights = dict(enumerate(map(_height, labels, drawn.nodes)))
    tied = in_layers(len(drawn.nodes), drawn.links)
    places = _stacked(tied.layers, heights)
    loose = [number for number in heights if number not in places]
    bottom = max((y + heights.get(number, _LANE) for number, (_, y) in places.items()), default=-2 * _ROW_GAP)
    places |= _grid(loose, heights, bottom + 2 * _ROW_GAP)
    boxes = tuple(Box(node, labels[n], *places[n], heights[n]) for n, node in enumerate(drawn.nodes))
    lines = []
    for link in drawn.links:
        if link in tied.chains:
            middles = [(places[n][0], places[n][1] + heights.get(n, _LANE) // 2) for n in tied.chains[link]]
            lines.append(Line(link, _path(middles), link in tied.turned))
        else:
            lines.append(Line(link, _loop(boxes[link.source])))
    return Layout(
        boxes,
        tuple(lines),
        max(box.x for box in boxes) + WIDTH + (_COLUMN_GAP if len(tied.chains) < len(drawn.links) else _MARGIN),
        max(y + heights.get(n, _LANE) for n, (_, y) in places.items()) + _MARGIN,
    )


def _broken(label: str) -> tuple[str, ...]:
    """``label`` in lines that fit, each character of it in one of them."""
    lines, room = [""], _CHARACTERS
    for char in label:
        room -= cell_len(char)
        if room < 0:
            lines.append("")
            room = _CHARACTERS - cell_len(char)
        lines[-1] += char
    return tuple(lines)


def _height(label: tuple[str, ...], node: Node) -> int:
    return 2 * PADDING + LINE * (len(label) + (2 if node.touched else 1))


def _stacked(layers: Sequence[Sequence[int]], heights: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Each layer a column, centred on the highest of them."""
    totals = [sum(heights.get(n, _LANE) for n in layer) + _ROW_GAP * (len(layer) - 1) for layer in layers]
    places = {}
    for column, (layer, total) in enumerate(zip(layers, totals, strict=True)):
        y = _MARGIN + (max(totals) - total) // 2
        for number in layer:
            places[number] = (_MARGIN + column * (WIDTH + _COLUMN_GAP), y)
            y += heights.get(number, _LANE) + _ROW_GAP
    return places


def _grid(numbers: Sequence[int], heights: Mapping[int, int], top: int) -> dict[int, tuple[int, int]]:
    places = {}
    y = top + _MARGIN
    for start in range(0, len(numbers), _COLUMNS):
        row = numbers[start : start + _COLUMNS]
        for column, number in enumerate(row):
            places[number] = (_MARGIN + column * (WIDTH + _ROW_GAP), y)
        y += max(heights[number] for number in row) + _ROW_GAP
    return places


def _path(places: Sequence[tuple[int, int]]) -> str:
    """From the right edge of the first place to the left edge of the last, straight through those between."""
    x, y = places[0]
    parts = [f"M{x + WIDTH} {y}"]
    for (left, y), (right, end) in itertools.pairwise(places):
        start, bend = left + WIDTH, _COLUMN_GAP // 2
        parts.append(f"C{start + bend} {y} {right - bend} {end} {right} {end}")
        if (right, end) != places[-1]:
            parts.append(f"H{right + WIDTH}")
    return "".join(parts)


def _loop(box: Box) -> str:
    x, y = box.x + WIDTH, box.y + box.height // 2
    return f"M{x} {y - 8}C{x + 40} {y - 26} {x + 40} {y + 26} {x} {y + 8}"
