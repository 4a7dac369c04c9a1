"""One run's use of the cache: what was found, and what is to be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from alembic_review.model.facts import TrialFacts
from alembic_review.model.input_states import content_state
from alembic_review.model.review import CacheUse
from alembic_review.observe.replay_cache import entries, slots
from alembic_review.observe.replay_cache.entries import Entry
from alembic_review.observe.scratch.base import Kept

_OFTEN = 2  # times in a row that what was kept turned out not to hold only after the application had been loaded


@dataclass
class KeptReplay:
    """``entry`` are the results to use, if any; ``reason`` says why there are none. It is ``off`` for no cache at all.

    ``trials`` says, as the provenance does, whether results of earlier trials of revisions were used.
    ``packing`` writes databases of the run, by name, to a path, and returns what kind of databases they are. It raises
    ``OSError`` where that can't be done.
    """

    slot: str = ""
    project: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    entry: Entry | None = None
    reason: str = ""
    off: bool = False
    misses: int = 0
    trials: str = "miss"
    packing: Callable[[Sequence[str], Path], str] | None = None
    _made: Path | None = None

    @classmethod
    def without(cls, reason: str) -> KeptReplay:
        """No cache, for this reason."""
        return cls(reason=reason, off=True)

    @classmethod
    def find(cls, slot: str, environ: Mapping[str, str], project: str) -> KeptReplay:
        """The most recently used results that hold, as far as that can be told now; ``project`` is for people."""
        if entries.folder(make=True) is None:
            return cls.without("there is no cache folder that is yours alone")
        reason = "nothing is cached for this environment"
        for entry in entries.entries(slot):
            changed = _changed(entry.content, environ)
            if changed:
                reason = changed if reason.startswith("nothing") else reason
            elif entry.content["misses"] >= _OFTEN:
                return cls.without(f"what env.py sets up differs from run to run: {entry.content['why']}")
            else:
                return cls(slot, project, environ, entry)
        return cls(slot, project, environ, reason=reason)

    @property
    def mode(self) -> str:
        """What the worker is to do: ``off``, ``record`` or ``use``."""
        if self.off:
            return "off"
        return "use" if self.entry is not None else "record"

    @property
    def use(self) -> CacheUse:
        """For the provenance."""
        if self.off:
            return CacheUse("off", self.reason)
        return CacheUse("hit", "", self.trials) if self.entry is not None else CacheUse("miss", self.reason, "miss")

    def refuse(self, reason: str) -> None:
        """The results do not hold after all."""
        if self.entry is not None:
            self.misses = self.entry.content["misses"] + 1
            entries.remove(self.entry.path)
            self.entry = None
        self.reason = reason

    def not_kept(self, reason: str) -> None:
        """The results of this replay can't be kept."""
        self.reason = f"not cached: {reason}"

    def keep(self, recorded: Mapping[str, Any]) -> bool:
        """Keep the results of this replay, which is over; false where that failed."""
        content = {
            **recorded,
            "variables": slots.variables(recorded["variables"], self.environ),
            "every variable": slots.every_variable(self.environ) if recorded["every variable"] else None,
            "project": self.project,
            "misses": self.misses,
            "why": self.reason if self.misses else "",
        }
        names = [one["database"] for one in recorded["databases"]]

        def pack(path: Path) -> None:
            if self.packing is None:
                raise OSError
            content["kind"] = self.packing(names, path)

        path = entries.keep(self.slot, content, pack)
        if path is None:
            self.not_kept("the databases could not be copied")
        self._made = path
        return path is not None

    def keep_trials(self, history: TrialFacts, files: Mapping[str, str]) -> None:
        """Keep the results of all trials of revisions with those of the replay; they also depend on these files."""
        path = self.entry.path if self.entry is not None else self._made
        if path is not None:
            kept = {"downgrades": history.downgrades, "order_trials": history.order_trials}
            entries.add(path, {"trials": {"files": files, **msgspec.to_builtins(kept)}})

    def history(self) -> TrialFacts | None:
        """The results of the trials in an earlier run, if they still hold."""
        trials = self.entry.content.get("trials") if self.entry is not None else None
        if trials is None or _changed_file(trials["files"]):
            return None
        try:
            found = msgspec.convert({name: trials[name] for name in ("downgrades", "order_trials")}, TrialFacts)
        except (KeyError, msgspec.ValidationError):
            return None
        self.trials = "hit"
        return found

    @property
    def kept(self) -> Kept | None:
        """What to restore."""
        if self.entry is None:
            return None
        return Kept(self.entry.data, self.entry.content["kind"], self.entry.content["databases"])

    def used(self) -> None:
        """The run came to its end."""
        if self.entry is not None:
            entries.touch(self.entry)


def _changed(content: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """What is not as it was, of files and variables."""
    before = content["variables"]
    now = slots.variables(list(before), environ)
    for name in before:
        if before[name] != now[name]:
            return f"the environment variable {name} has another value"
    if content["every variable"] not in (None, slots.every_variable(environ)):
        return "the application reads every environment variable, and one has another value"
    return _changed_file(content["files"])


def _changed_file(files: Mapping[str, str]) -> str:
    changed = next((path for path, state in files.items() if content_state(path) != state), None)
    return f"{Path(changed).name} has changed" if changed is not None else ""
