"""Several Alembic environments in one database: whose every entry is, and what each has to know of the others.

Each environment's comparison sees the tables of all. An entry stays with the environment that declares its table. A
table that an environment does not declare, and that another one declares or has created, is left out of its entries:
the other one compares it. So is the version table of another environment. Of what several declare, each keeps the
entries that nobody else has, because they may follow from the models that only its own env.py imports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from alembic_review.judge.ownership.reflected_tables import only_reflected
from alembic_review.model.facts import (
    Alteration,
    ChangeFact,
    Creation,
    DatabaseFacts,
    Facts,
    Filtered,
    Frame,
    ModelTable,
    Origin,
    Package,
    TableKey,
    Untargeted,
)

_T = TypeVar("_T")


def together(observed: Sequence[Facts]) -> tuple[Facts, ...]:
    """The facts of each environment, without the entries that are another's, and with what the others have done.

    Each must have a name (``environment``) of its own.
    """
    observed = _without_version_tables(observed)
    every = _seen(observed)
    names = _Names(observed)
    return tuple(_informed(number, observed, every, names) for number in range(len(observed)))


def _seen(observed: Sequence[Facts]) -> list[_Seen]:
    return [_Seen(number, facts, one) for number, facts in enumerate(observed) for one in facts.databases]


def _without_version_tables(observed: Sequence[Facts]) -> tuple[Facts, ...]:
    """Without models that an application has read from the version table of another environment."""
    every = _seen(observed)
    databases: list[list[DatabaseFacts]] = [[] for _ in observed]
    for seen in every:
        same = [one for one in every if one.database.scratch == seen.database.scratch and one.number != seen.number]
        theirs = {one.version_table for one in same}
        tables = [
            table for table in seen.database.tables if not (seen.full(table.key) in theirs and only_reflected(table))
        ]
        databases[seen.number].append(replace(seen.database, tables=tuple(tables)))
    return tuple(replace(facts, databases=tuple(kept)) for facts, kept in zip(observed, databases, strict=True))


def united(observed: Sequence[Facts]) -> Facts:
    """What all environments have of packages, tables and version locations, to tell whose project this is."""
    stacks = _Stacks.of(0, observed)
    databases = [
        replace(one, tables=tuple(stacks.shifted(table, number) for table in one.tables))
        for number, facts in enumerate(observed)
        for one in facts.databases
    ]
    return replace(
        observed[0],
        databases=tuple(databases),
        version_locations=_unique(location for facts in observed for location in facts.version_locations),
        packages=_packages(observed),
        modules=_unique(module for facts in observed for module in facts.modules),
        frames=stacks.frames,
        stacks=stacks.stacks,
    )


def _informed(number: int, observed: Sequence[Facts], every: Sequence[_Seen], names: _Names) -> Facts:
    facts, stacks = observed[number], _Stacks.of(number, observed)
    others = [(other, entry) for other, entry in enumerate(observed) if other != number]
    databases, left_out, version_tables = [], 0, 0
    for seen in (one for one in every if one.number == number):
        same = [one for one in every if one.number != number and one.database.scratch == seen.database.scratch]
        mine = _Mine(seen, same, names, stacks)
        told, tables = mine.informed()
        theirs = {one.version_table for one in same}
        databases.append(told)
        left_out += len(tables - theirs)
        version_tables += len(tables & theirs)
    return replace(
        facts,
        databases=tuple(databases),
        packages=_packages(observed),
        modules=_unique(module for entry in observed for module in entry.modules),
        frames=stacks.frames,
        stacks=stacks.stacks,
        other_revisions=tuple(
            replace(revision, id=names.called(revision.id, other, number))
            for other, entry in others
            for revision in entry.revisions
        ),
        other_locations=_unique(location for _, entry in others for location in entry.version_locations),
        other_tables=_unique(
            seen.own(key)
            for seen in every
            if seen.number != number
            for key in sorted({*seen.declared, *seen.created, *seen.present}, key=str)
        ),
        untargeted=_untargeted(number, facts, every),
        not_checked=(*_left_out(facts.environment, left_out, version_tables), *facts.not_checked),
    )


def _untargeted(number: int, facts: Facts, every: Sequence[_Seen]) -> tuple[Untargeted, ...]:
    """Without the tables that another environment compares."""
    theirs = {seen.own(key) for seen in every if seen.number != number for key in seen.declared}
    return tuple(one for one in facts.untargeted if one.key not in theirs)


def _left_out(name: str | None, tables: int, version_tables: int) -> Iterator[str]:
    counts = ((tables, "table"), (version_tables, "version table"))
    what = " and ".join(f"{number} {noun}{'s' if number > 1 else ''}" for number, noun in counts if number)
    if what:
        yield f"{what} of other environments in the comparison of {name} (each environment compares its own)"


class _Names:
    """What revisions of other environments are called: by their ids, unless one's own have the same."""

    def __init__(self, observed: Sequence[Facts]) -> None:
        self._own = [{revision.id for revision in facts.revisions} for facts in observed]
        self._names = [facts.environment or "" for facts in observed]

    def called(self, revision: str, number: int, elsewhere: int) -> str:
        """What to call a revision of one environment (``number``) in another one."""
        clash = number != elsewhere and bool(revision) and revision in self._own[elsewhere]
        return f"{self._names[number]}:{revision}" if clash else revision


@dataclass(frozen=True)
class _Stacks:
    """The frames and stacks of one environment, and after them those of the others, which begin at ``offsets``."""

    frames: tuple[Frame, ...]
    stacks: tuple[tuple[int, ...], ...]
    offsets: Mapping[int, int]

    @classmethod
    def of(cls, number: int, observed: Sequence[Facts]) -> _Stacks:
        frames: list[Frame] = []
        stacks: list[tuple[int, ...]] = []
        offsets = {}
        for other in sorted(range(len(observed)), key=lambda other: (other != number, other)):
            first, offsets[other] = len(frames), len(stacks)
            stacks += [tuple(first + frame for frame in stack) for stack in observed[other].stacks]
            frames += observed[other].frames
        return cls(tuple(frames), tuple(stacks), offsets)

    def shifted(self, table: ModelTable, number: int) -> ModelTable:
        """A model of another environment, as far as its definition goes."""
        return replace(table, stack=self.offset(table.stack, number))

    def offset(self, stack: int | None, number: int) -> int | None:
        """What a stack of another environment is called here."""
        return stack + self.offsets[number] if stack is not None else None

    def place(self, stack: int | None) -> tuple[str, int] | None:
        """The innermost line of a stack, without class-creation hooks."""
        frames = [self.frames[number] for number in self.stacks[stack]] if stack is not None else []
        return next(((frame.path, frame.line) for frame in frames if not frame.hook), None)

    def packages(self, stack: int | None) -> Iterator[str]:
        """The packages in a stack, innermost first."""
        for number in self.stacks[stack] if stack is not None else ():
            frame = self.frames[number]
            if frame.package is not None and not frame.hook:
                yield frame.package


@dataclass(frozen=True)
class _Seen:
    """One database, as one environment sees it. Tables are compared by their full names."""

    number: int
    facts: Facts
    database: DatabaseFacts

    def full(self, key: TableKey) -> TableKey:
        return TableKey(key.schema or self.database.default_schema, key.name)

    def own(self, key: TableKey) -> TableKey:
        """What this environment's comparison calls a table of this full name."""
        return TableKey(None if key.schema == self.database.default_schema else key.schema, key.name)

    @cached_property
    def declared(self) -> Mapping[TableKey, ModelTable]:
        return {self.full(table.key): table for table in self.database.tables if not table.removed}

    @cached_property
    def created(self) -> frozenset[TableKey]:
        return frozenset(self.full(origin.key) for origin in self.database.origins if origin.revision)

    @cached_property
    def altered(self) -> frozenset[TableKey]:
        return frozenset(self.full(alteration.key) for alteration in self.database.alterations)

    @cached_property
    def present(self) -> frozenset[TableKey]:
        return frozenset(map(self.full, self.database.database_tables))

    @cached_property
    def version_table(self) -> TableKey | None:
        return self.full(self.database.version_table) if self.database.version_table is not None else None

    @cached_property
    def hidden(self) -> frozenset[TableKey]:
        """The tables that a filter of env.py keeps out of the comparison."""
        tables = [one for one in self.database.filtered if one.kind == "table" and one.name is not None]
        return frozenset(self.full(TableKey(one.schema, one.name or "")) for one in tables)

    @cached_property
    def entries(self) -> frozenset[tuple[object, ...]]:
        return frozenset(map(self.entry, self.database.changes))

    def entry(self, change: ChangeFact) -> tuple[object, ...]:
        """What a change is, whoever sees it."""
        key = self.full(change.key) if change.key is not None else None
        return change.kind, key, change.name, change.columns, change.wanted, change.existing

    def manages(self, key: TableKey) -> bool:
        return key in self.declared or key in self.created or key == self.version_table


@dataclass(frozen=True)
class _Mine:
    """Answers for one database of one environment; ``others`` are the same database for the other environments."""

    seen: _Seen
    others: Sequence[_Seen]
    names: _Names
    stacks: _Stacks

    def informed(self) -> tuple[DatabaseFacts, frozenset[TableKey]]:
        """The database's facts, and the tables that were left out."""
        seen, database = self.seen, self.seen.database
        left_out: set[TableKey] = set()
        changes = [change for change in database.changes if not self._is_anothers(change, left_out)]
        known = {*seen.declared, *seen.altered}
        former = self._origins(lambda other: other.database.former, known)
        origins = self._origins(lambda other: other.database.origins, known)
        present = [key for key in database.database_tables if self._is_mine(seen.full(key))]
        scope = {*known, *seen.created, *map(seen.full, present)}
        return (
            replace(
                database,
                changes=tuple(changes),
                database_tables=tuple(present),
                version_tables=tuple(key for key in database.version_tables if key in present),
                filtered=self._filtered(),
                other_origins=(*former, *origins),
                before=self._before(),
                creations=(*database.creations, *self._creations()),
                alterations=tuple(self._alterations(scope)),
                elsewhere=tuple(self._elsewhere()),
            ),
            frozenset(left_out),
        )

    def _is_anothers(self, change: ChangeFact, left_out: set[TableKey]) -> bool:
        seen = self.seen
        if change.key is None:
            users = [seen.full(use.key) for use in change.type_users]
            return bool(users) and not any(key in seen.declared or self._home(key) is seen for key in users)
        key, entry = seen.full(change.key), seen.entry(change)
        home = self._home(key)
        if home is not seen and key not in seen.declared and home.manages(key):
            left_out.add(key)
            return True
        # Of equal entries, one is kept.
        having = [
            one for one in self._every() if entry in one.entries and (key in one.declared) is (key in seen.declared)
        ]
        return (home if home in having else having[0]) is not seen

    def _filtered(self) -> tuple[Filtered, ...]:
        """What the filters keep out, without the tables of which another environment compares the same model."""
        filtered = self.seen.database.filtered
        if not self.seen.database.compared:  # they are the reason
            return filtered
        return tuple(entry for entry in filtered if not self._is_compared_elsewhere(entry))

    def _is_compared_elsewhere(self, entry: Filtered) -> bool:
        if entry.kind != "table" or entry.name is None:
            return False
        key = self.seen.full(TableKey(entry.schema, entry.name))
        mine = self.seen.declared.get(key)
        for other in self.others:
            theirs = other.declared.get(key) if key not in other.hidden else None
            if key == other.version_table or (theirs is not None and (mine is None or _alike(mine, theirs))):
                return True
        return False

    def _every(self) -> list[_Seen]:
        return sorted((self.seen, *self.others), key=lambda one: one.number)

    def _is_mine(self, key: TableKey) -> bool:
        """Tell whether a table in the database is to be judged here."""
        return key in self.seen.declared or key in self.seen.altered or self._home(key) is self.seen

    def _home(self, key: TableKey) -> _Seen:
        """The environment that a table belongs to: the same one, whoever asks."""
        every = self._every()
        declaring = [one for one in every if key in one.declared]
        if not declaring:
            managing = [one for one in every if one.manages(key)]
            return next(iter(managing or [one for one in every if key in one.present]), self.seen)
        for one in declaring:
            if key in one.created:
                return one
        return next((one for one in declaring if self._defines(one, one.declared[key])), declaring[0])

    def _defines(self, one: _Seen, table: ModelTable) -> bool:
        """Tell whether the package that defines the table has revisions in this environment."""
        packages = self.stacks.packages(self.stacks.shifted(table, one.number).stack)
        owning = {location.package for seen in (self.seen, *self.others) for location in seen.facts.version_locations}
        definer = next((package for package in packages if package in owning), None)
        return definer is not None and definer in {location.package for location in one.facts.version_locations}

    def _origins(self, of: Callable[[_Seen], Sequence[Origin]], known: Iterable[TableKey]) -> Iterator[Origin]:
        wanted = set(known)
        for other in self.others:
            for origin in of(other):
                key = other.full(origin.key)
                if key in wanted and origin.revision:
                    name = self.names.called(origin.revision, other.number, self.seen.number)
                    yield replace(origin, key=self.seen.own(key), revision=name)

    def _before(self) -> tuple[TableKey, ...]:
        every = (self.seen, *self.others)
        return _unique(self.seen.own(one.full(key)) for one in every for key in one.database.before)

    def _creations(self) -> Iterator[Creation]:
        """Tables that code of another environment has created from the models that are compared here."""
        for other in self.others:
            for creation in (*other.database.creations, *other.database.other_creations):
                key = other.full(creation.key)
                model = self.seen.declared.get(key)
                if model is None or key in self.seen.created or self._home(key) is not self.seen:
                    continue
                defined = self.stacks.offset(creation.defined, other.number)
                if defined is not None and self.stacks.place(defined) == self.stacks.place(model.stack):
                    yield replace(
                        creation,
                        key=self.seen.own(key),
                        stack=self.stacks.offset(creation.stack, other.number),
                        revision=self.names.called(creation.revision, other.number, self.seen.number),
                        defined=defined,
                    )

    def _alterations(self, scope: set[TableKey]) -> Iterator[Alteration]:
        """In the order in which the environments were upgraded."""
        for one in self._every():
            for alteration in one.database.alterations:
                key = one.full(alteration.key)
                if one is self.seen or key in scope:
                    name = self.names.called(alteration.revision, one.number, self.seen.number)
                    yield replace(alteration, key=self.seen.own(key), revision=name)

    def _elsewhere(self) -> Iterator[ModelTable]:
        """Models of tables that only others declare, and that this environment's revisions have altered."""
        for key in sorted(self.seen.altered - self.seen.declared.keys(), key=str):
            for other in self.others:
                if key in other.declared:
                    yield replace(self.stacks.shifted(other.declared[key], other.number), key=self.seen.own(key))
                    break


def _alike(one: ModelTable, other: ModelTable) -> bool:
    """Tell whether two environments have the same model of a table, as far as its items and their changes tell."""
    return _outline(one) == _outline(other)


def _outline(table: ModelTable) -> tuple[frozenset[object], frozenset[object]]:
    items = frozenset((item.kind, item.name, item.columns) for item in table.items)
    return items, frozenset((edit.kind, edit.name, edit.attribute) for edit in table.edits)


def _packages(observed: Sequence[Facts]) -> tuple[Package, ...]:
    """Each package once, from an environment that imported it, if any did."""
    found: dict[str, Package] = {}
    for package in (package for facts in observed for package in facts.packages):
        if package.name not in found or not found[package.name].paths:
            found[package.name] = package
    return tuple(found[name] for name in sorted(found))


def _unique(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
