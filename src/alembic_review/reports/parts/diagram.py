"""The tables that changes touch and their neighbours, for the reports that draw them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from alembic_review.model.review import Change, Review, Role, Table, Verdict
from alembic_review.reports.parts.labels import table_label

MOST = 40
"""Tables; a picture of more than these shows nothing any more."""

EXTENDS, REFERS = "extends", "refers to"

_Key = tuple[str | None, str | None, str]


_NOBODYS = (Role.UNKNOWN, None)


class Touch(Enum):
    """What the changes do to a table, which decides its colour."""

    ADDED = "added"
    REMOVED = "removed"
    ALTERED = "altered"
    BLOCKED = "blocked"
    UNCHANGED = "unchanged"

    @property
    def words(self) -> str:
        """The same for those who do not see the colour."""
        return {"added": "new table", "removed": "dropped", "altered": "altered"}.get(self.value, self.value)


@dataclass(frozen=True)
class Node:
    """One table. ``safe`` and ``blocked`` count the changes on it; both are 0 for a neighbour."""

    label: str
    role: Role
    owner: str | None
    safe: int = 0
    blocked: int = 0
    change: Touch = Touch.UNCHANGED

    @property
    def touched(self) -> bool:
        """Whether a change is on the table itself."""
        return bool(self.safe or self.blocked)


@dataclass(frozen=True)
class Link:
    """``source`` refers to ``target``, both indexes into the nodes; ``kind`` is the word for it."""

    source: int
    target: int
    kind: str = EXTENDS


@dataclass(frozen=True)
class Diagram:
    """``left_out`` counts the tables beyond ``MOST``."""

    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    left_out: int = 0


def diagram(review: Review) -> Diagram:
    """The tables to draw. Upstream drift is not drawn: the application does not write it."""
    safe, blocked = _touched(review, Verdict.SAFE), _touched(review, Verdict.BLOCKED)
    tables = {_key(table): table for table in review.tables}
    touched = sorted({*safe, *blocked}, key=lambda key: (not blocked[key], *map(_null_first, key)))
    owners, kinds = _owners(review), _kinds(review)
    pairs = _pairs(tables, set(touched))
    # Those that touched tables refer to come before those that refer to touched ones, which may be many.
    targets, sources = [target for _, target in pairs], [source for source, _ in pairs]
    keys = list(dict.fromkeys([*touched, *targets, *sources]))
    number = {key: position for position, key in enumerate(keys[:MOST])}
    nodes = tuple(
        Node(
            label=table_label(key[1], key[2], key[0]),
            role=owners.get(key, _NOBODYS)[0],
            owner=owners.get(key, _NOBODYS)[1],
            safe=safe[key],
            blocked=blocked[key],
            change=_touch(kinds.get(key, frozenset()), safe[key], blocked[key]),
        )
        for key in number
    )
    links = tuple(
        Link(number[source], number[target], kind)
        for (source, target), kind in pairs.items()
        if source in number and target in number
    )
    return Diagram(nodes, links, len(keys) - len(nodes))


def _owners(review: Review) -> dict[_Key, tuple[Role, str | None]]:
    """Whose each table is; of those that a pull request's revisions dropped, only the changes tell."""
    since = review.pull_request.changes if review.pull_request is not None else ()
    dropped = {
        (change.database, change.schema, change.table): (
            Role.CUSTOM if change.verdict is Verdict.SAFE else Role.CORE,
            change.owner,
        )
        for change in since
        if change.table is not None and change.owner is not None
    }
    return dropped | {_key(table): (table.role, table.owner) for table in review.tables}


def _kinds(review: Review) -> dict[_Key, frozenset[str]]:
    """The kinds of all changes of each table."""
    since = review.pull_request.changes if review.pull_request is not None else ()
    found: dict[_Key, set[str]] = {}
    for change in (*since, *review.changes):
        if change.table is not None and change.verdict is not Verdict.UPSTREAM:
            found.setdefault((change.database, change.schema, change.table), set()).add(change.kind)
    return {key: frozenset(kinds) for key, kinds in found.items()}


def _touch(kinds: frozenset[str], safe: int, blocked: int) -> Touch:
    if blocked:
        return Touch.BLOCKED
    if "add_table" in kinds:
        return Touch.ADDED
    if "remove_table" in kinds:
        return Touch.REMOVED
    return Touch.ALTERED if safe else Touch.UNCHANGED


def _touched(review: Review, verdict: Verdict) -> Counter[_Key]:
    """How many changes of one verdict each table has, those that only a pull request tells of included."""
    since = review.pull_request.changes if review.pull_request is not None else ()
    changes: dict[str, Change] = {change.fingerprint: change for change in (*since, *review.changes)}
    return Counter(
        (change.database, change.schema, change.table)
        for change in changes.values()
        if change.verdict is verdict and change.table is not None
    )


def _pairs(tables: dict[_Key, Table], touched: set[_Key]) -> dict[tuple[_Key, _Key], str]:
    """Which table refers to which and how, wherever one of the two is touched."""
    names = {(key[0], ".".join(part for part in key[1:] if part is not None)): key for key in tables}
    pairs: dict[tuple[_Key, _Key], str] = {}
    for key, table in tables.items():
        extended = () if table.extends is None else (table.extends,)
        for name in dict.fromkeys((*extended, *table.references)):
            target = names.get((table.database, name), (table.database, None, name))
            if key in touched or target in touched:
                pairs[key, target] = EXTENDS if name in extended else REFERS
    return pairs


def _key(table: Table) -> _Key:
    return table.database, table.schema, table.name


def _null_first(text: str | None) -> tuple[bool, str]:
    return text is not None, text or ""
