"""Boxes stand apart and inside of the picture, whatever refers to whatever."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.review import Role
from alembic_review.reports.formats.html.layers import in_layers
from alembic_review.reports.formats.html.layout import WIDTH, lay_out
from alembic_review.reports.parts.diagram import MOST, Diagram, Link, Node


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    labels = draw(st.lists(st.text(max_size=60), min_size=1, max_size=MOST, unique=True))
    nodes = tuple(Node(label, draw(st.sampled_from(Role)), None, safe=draw(st.integers(0, 1))) for label in labels)
    ends = st.integers(0, len(nodes) - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=2 * len(nodes), unique=True))
    return Diagram(nodes, tuple(Link(*pair) for pair in pairs))


@given(diagrams())
def test_no_box_covers_another_and_all_are_in_the_picture(drawn: Diagram) -> None:
    laid = lay_out(drawn)
    assert [box.node for box in laid.boxes] == list(drawn.nodes)
    assert [line.link for line in laid.lines] == list(drawn.links)
    for box in laid.boxes:
        assert "".join(box.lines) == box.node.label
        assert box.x >= 0
        assert box.x + WIDTH <= laid.width
        assert box.y >= 0
        assert box.y + box.height <= laid.height
    for one, other in itertools.combinations(laid.boxes, 2):
        apart = abs(one.x - other.x) >= WIDTH
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y


@given(diagrams())
def test_a_line_begins_and_ends_at_its_tables(drawn: Diagram) -> None:
    laid = lay_out(drawn)
    for line in laid.lines:
        numbers = [int(number) for number in re.findall(r"-?\d+", line.path)]
        source, target = laid.boxes[line.link.source], laid.boxes[line.link.target]
        left, right = (target, source) if line.turned else (source, target)
        assert numbers[0] == left.x + WIDTH
        assert left.y <= numbers[1] <= left.y + left.height
        assert numbers[-2] == (right.x if left is not right else right.x + WIDTH)
        assert right.y <= numbers[-1] <= right.y + right.height


@given(diagrams())
def test_whoever_refers_stands_on_the_left_unless_it_is_a_circle(drawn: Diagram) -> None:
    tied = in_layers(len(drawn.nodes), drawn.links)
    column = {number: place for place, layer in enumerate(tied.layers) for number in layer}
    for link, chain in tied.chains.items():
        ends = (chain[-1], chain[0]) if link in tied.turned else (chain[0], chain[-1])
        assert ends == (link.source, link.target)
        assert [column[number] for number in chain] == list(range(column[chain[0]], column[chain[-1]] + 1))
        assert len(chain) > 1


def test_without_a_circle_nothing_is_turned() -> None:
    links = [Link(one, other) for one, other in itertools.combinations(range(12), 2)]
    assert in_layers(12, links[::-1]).turned == frozenset()


def test_lines_do_not_cross_where_they_need_not() -> None:
    links = [Link(0, 5), Link(1, 4), Link(2, 3)]
    first, second = in_layers(6, links).layers
    partner = {0: 5, 1: 4, 2: 3}
    assert [partner[number] for number in first] == list(second)


def test_nothing_to_draw() -> None:
    assert lay_out(Diagram()).boxes == ()
