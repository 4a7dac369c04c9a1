"""Reading stacks: which packages stand in them, and whose frames they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alembic_review.judge.ownership.application_packages import own_packages, project_name
from alembic_review.judge.portable_locations import Locations
from alembic_review.model.facts import CompileRule, Facts, Frame, Item, Place
from alembic_review.model.settings import Settings


class Evidence:
    """Frames of the facts, with the custom packages known.

    ``project`` is what code of the project is called that lies in no package; it is the application's as soon as
    anything is custom.
    """

    def __init__(self, facts: Facts, settings: Settings, custom: Iterable[str]) -> None:
        self._facts = facts
        self.custom = frozenset(custom)
        self.other_tables = facts.other_tables
        self.packages = frozenset(package.name for package in facts.packages) | frozenset(settings.core or ())
        revisions = (*facts.revisions, *facts.other_revisions)
        self._revision_packages = {revision.id: revision.package for revision in revisions}
        self._paths = {revision.id: revision.path for revision in revisions}
        self._folders = {revision.id: revision.version_location for revision in revisions}
        self.locations = Locations(settings.root, facts.packages)
        self.project = self._project(project_name(facts, settings, self.custom))
        locations = (*facts.version_locations, *facts.other_locations)
        located = {self.location_owner(location.package, location.path) for location in locations}
        self.core = frozenset(settings.core or ())
        self._migrating = self.custom | {name for name in located if name} | {*own_packages(facts, settings)}

    def compile_rules(self) -> tuple[CompileRule, ...]:
        """The application's rules for compiling SQLAlchemy's own types and statements, and those of nobody known."""
        rules = self._facts.compile_rules
        return tuple(rule for rule in rules if rule.package is None or self.is_application(rule.package))

    def is_application(self, package: str | None) -> bool:
        """Tell whether this is a custom package, or what the project's loose files are called."""
        return package is not None and (package in self.custom or (bool(self.custom) and package == self.project))

    def frames(self, stack: int | None) -> tuple[Frame, ...]:
        """The frames of a stack, innermost first, without class-creation hooks unless there is nothing else."""
        frames = self._all_frames(stack)
        return tuple(frame for frame in frames if not frame.hook) or frames

    def package(self, frame: Frame) -> str | None:
        """The package of a frame; loose files of the project count as the project's."""
        if frame.package is not None:
            return frame.package
        return self.project if self.locations.in_project(frame.path) else None

    def owners(self, stack: int | None) -> list[tuple[str, Frame]]:
        """The frames of packages that own tables whatever they define: custom, core, or with a version location."""
        frames = [(package, frame) for frame in self.frames(stack) if (package := self.package(frame)) is not None]
        return [entry for entry in frames if entry[0] in self.core or self.has_history(entry[0])]

    def definers(self, stack: int | None) -> list[tuple[str, Frame]]:
        """The frames of the packages that may own the table made in this stack, innermost first.

        Without any of those in ``owners``, it is the innermost frame of a module or class body: the statement that
        defines the table. The functions that it calls, helpers and generators, own nothing.
        """
        bodies = [frame for frame in self.frames(stack) if frame.body]
        found = [(package, frame) for frame in bodies if (package := self.package(frame)) is not None]
        return self.owners(stack) or found[:1]

    def site(self, stack: int | None, owner: str | None) -> Frame | None:
        """The frame that shows where something of this owner is defined: not a helper that the owner's code calls."""
        frames = self.frames(stack)
        own = [frame for frame in frames if owner is not None and self.package(frame) == owner]
        defining = [frame for _, frame in self.definers(stack)]
        return next(iter((*own, *defining, *frames)), None)

    def item_place(self, item: Item, frame: Frame | None) -> Place | None:
        """The line of a column, index or constraint, as seen from a frame of its stack."""
        numbers = self._facts.stacks[item.stack] if item.stack is not None else ()
        places = zip(numbers, item.places, strict=False)
        return next((place for number, place in places if self._facts.frames[number] == frame), place_of(frame))

    def has_history(self, package: str) -> bool:
        """Tell whether a package can have revisions here: it is the project's own, or has a version location."""
        return package in self._migrating or self.is_application(package)

    def application_frame(self, stack: int | None, beneath: int | None = None) -> Frame | None:
        """The innermost frame of the application that does not stand in the stack ``beneath`` too.

        Hooks count: what the application does while some class is being created is its doing all the same.
        """
        own = [frame for frame in self._above(stack, beneath) if self.is_application(self.package(frame))]
        return next((frame for frame in own if not frame.hook), own[0] if own else None)

    def stranger(self, stack: int | None, beneath: int | None = None) -> Frame | None:
        """The innermost frame of which no package is known, and that does not stand in the stack ``beneath`` too."""
        return next((frame for frame in self._above(stack, beneath) if self.package(frame) is None), None)

    def innermost(self, stack: int | None) -> str | None:
        """The package of the innermost frame: a generator's, where no owner stands in the stack."""
        frames = self.frames(stack)
        return self.package(frames[0]) if frames else None

    def location_owner(self, package: str | None, path: str) -> str | None:
        """Who owns a version location or a revision: its package, or the project for a loose folder below the root."""
        if package is not None:
            return package
        return self.project if path and self.locations.in_project(f"{path}/revision.py") else None

    def revision_owner(self, revision: str) -> str | None:
        """Who owns a revision."""
        return self.location_owner(self._revision_packages.get(revision), self.revision_folder(revision))

    def revision_folder(self, revision: str) -> str:
        """The folder of a revision's file; empty for one that is not among the facts."""
        return self._folders.get(revision, "")

    def revision_place(self, revision: str) -> Place | None:
        """The first line of a revision's file; ``None`` for one that is not among the facts."""
        path = self._paths.get(revision)
        return Place(path, 1) if path is not None else None

    def _all_frames(self, stack: int | None) -> tuple[Frame, ...]:
        if stack is None:
            return ()
        return tuple(self._facts.frames[number] for number in self._facts.stacks[stack])

    def _above(self, stack: int | None, beneath: int | None) -> Iterator[Frame]:
        known = set(_calls(self._all_frames(beneath)))
        for call, frame in zip(_calls(self._all_frames(stack)), self._all_frames(stack), strict=True):
            if call not in known:
                yield frame

    def _project(self, name: str) -> str:
        """Loose files belong to the custom package when there is exactly one."""
        return next(iter(self.custom)) if len(self.custom) == 1 else name


def _calls(frames: tuple[Frame, ...]) -> Iterator[tuple[object, ...]]:
    """Each frame together with the function that it called: one line may call several."""
    inner: Frame | None = None
    for frame in frames:
        called = (inner.path, inner.function) if inner is not None else None
        yield frame.path, frame.line, frame.function, called
        inner = frame


def place_of(frame: Frame | None) -> Place | None:
    """The place of a frame."""
    return Place(frame.path, frame.line) if frame is not None else None
