"""Tables in layers from left to right, so that whoever refers to something stands on its left.

Layers by longest path, pulled together; within a layer the order follows the mean position of the neighbours. A link
that passes a layer gets a place of its own there, so that its line runs between the boxes and not through them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic_review.reports.parts.diagram import Link

_SWEEPS = 6


@dataclass(frozen=True)
class Layers:
    """``layers`` hold numbers of tables, and higher numbers for places that only a line passes.

    ``chains`` has the places of each link from left to right; of a link to itself it has none. A link in ``turned``
    closes a circle: it is drawn from its target to its source.
    """

    layers: tuple[tuple[int, ...], ...]
    chains: dict[Link, tuple[int, ...]]
    turned: frozenset[Link]


def in_layers(count: int, links: Sequence[Link]) -> Layers:
    """Layers of those of ``count`` tables that links tie to another one."""
    between = [link for link in links if link.source != link.target]
    position = _order(count, between)
    turned = frozenset(link for link in between if position[link.source] > position[link.target])
    ends = {link: (link.target, link.source) if link in turned else (link.source, link.target) for link in between}
    ranks = _ranks(sorted(ends.values(), key=lambda pair: (position[pair[0]], position[pair[1]])))
    layers: list[list[int]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for number in sorted(ranks):
        layers[ranks[number]].append(number)
    chains: dict[Link, tuple[int, ...]] = {}
    passing = count
    for link, (left, right) in ends.items():
        between_ranks = range(ranks[left] + 1, ranks[right])
        for rank in between_ranks:
            layers[rank].append(passing + rank - between_ranks.start)
        chains[link] = (left, *range(passing, passing + len(between_ranks)), right)
        passing += len(between_ranks)
    _untangle(layers, chains.values())
    return Layers(tuple(map(tuple, layers)), chains, turned)


def _order(count: int, links: Iterable[Link]) -> dict[int, int]:
    """A position for each table, its targets after it wherever no circle forbids that."""
    targets: dict[int, list[int]] = {}
    for link in links:
        targets.setdefault(link.source, []).append(link.target)
    finished: dict[int, None] = {}
    entered: set[int] = set()
    for start in range(count):
        stack = [start]
        while stack:
            number = stack[-1]
            entered.add(number)
            ahead = next((target for target in targets.get(number, ()) if target not in entered), None)
            if ahead is not None:
                stack.append(ahead)
            else:
                finished.setdefault(stack.pop())
    return {number: position for position, number in enumerate(reversed(finished))}


def _ranks(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The layer of each table; ``pairs`` come in the order of their left ends."""
    ranks: dict[int, int] = {}
    for left, right in pairs:
        ranks[right] = max(ranks.get(right, 0), ranks.setdefault(left, 0) + 1)
    pulled: dict[int, int] = {}
    for left, right in reversed(pairs):
        pulled[left] = min(pulled.get(left, ranks[right] - 1), ranks[right] - 1)
        ranks[left] = pulled[left]
    return ranks


def _untangle(layers: list[list[int]], chains: Iterable[tuple[int, ...]]) -> None:
    """Reorder each layer by the mean position of what it is tied to in the layer beside it, to and fro."""
    left: dict[int, list[int]] = {}
    right: dict[int, list[int]] = {}
    for chain in chains:
        for one, other in itertools.pairwise(chain):
            right.setdefault(one, []).append(other)
            left.setdefault(other, []).append(one)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        neighbours = left if forward else right
        sequence = layers if forward else layers[::-1]
        for beside, layer in itertools.pairwise(sequence):
            position = {number: place for place, number in enumerate(beside)}
            own = {number: place for place, number in enumerate(layer)}
            layer.sort(key=lambda number: _mean([position[n] for n in neighbours.get(number, ())], own[number]))


def _mean(values: Sequence[int], otherwise: int) -> float:
    return sum(values) / len(values) if values else otherwise
