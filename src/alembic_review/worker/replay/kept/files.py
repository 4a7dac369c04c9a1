"""Which files the application and its revisions read, from Python's audit events.

https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import machinery
from types import FrameType
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_IMPORTER = "<frozen importlib"
_MODULES = tuple(machinery.all_suffixes())
_WORKER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_KERNEL = ("/proc/", "/sys/")
_DEVICES = "/dev/"
_OUTSIDE = "reaches another process or the network"


class ReadFiles:
    """Collects files and folders; ``of_revisions`` are those that were read while revisions were loaded or ran.

    ``imported`` are the modules that ran for the first time meanwhile; ``refused`` says why the results of these
    revisions can't be kept, or is empty.
    """

    def __init__(self) -> None:
        self.every: dict[str, None] = {}
        self.of_revisions: dict[str, None] = {}
        self.imported: dict[str, None] = {}
        self.refused = ""
        self._depth = 0

    @contextmanager
    def revisions(self) -> Iterator[None]:
        """Meanwhile, revisions are loaded or run."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @property
    def busy(self) -> bool:
        """True while revisions are loaded or run."""
        return self._depth > 0

    def refuse(self, reason: str) -> None:
        """The first reason counts."""
        self.refused = self.refused or reason

    def handlers(self) -> Mapping[str, Callable[..., None]]:
        """What to call with the arguments of which audit event."""
        outside = ("subprocess.Popen", "os.posix_spawn", "os.spawn", "os.system", "os.exec", "os.fork", "os.forkpty")
        network = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostname")
        found: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "import": self._imported,
            **dict.fromkeys((*outside, *network), self._outside),
        }
        return {event: self._guarded(handler) for event, handler in found.items()}

    def _guarded(self, handler: Callable[..., None]) -> Callable[..., None]:
        """What goes wrong here is not the application's concern."""

        def handle(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception:  # noqa: BLE001 - as said above
                self.refuse("what the application reads can't be recorded")

        return handle

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        # Modules are imported by the hundred, and known otherwise.
        if not isinstance(path, (str, bytes, os.PathLike)) or _is_module_of_importer(path):
            return
        writes = bool(flags & _WRITES) if isinstance(flags, int) else False
        if isinstance(mode, str):
            writes = bool(set(mode) & set("wax+"))
        self._note(path, writes=writes)

    def _listed(self, path: Any) -> None:
        if not isinstance(path, int) and not _is_module_of_importer(path):
            self._note("." if path is None else path, writes=False)

    def _note(self, path: Any, *, writes: bool) -> None:
        name = os.path.abspath(os.fsdecode(path))
        if name.startswith(_KERNEL) or (name.startswith(_DEVICES) and _is_device(name)):
            return
        if writes:
            if self._depth:
                self.refuse(f"a revision writes to {os.path.basename(name)}")
            return
        self.every.setdefault(name)
        if self._depth:
            self.of_revisions.setdefault(name)

    def _imported(self, module: Any, *_: Any) -> None:
        if self._depth and isinstance(module, str):
            self.imported.setdefault(module)

    def _outside(self, *_: Any) -> None:
        if self._depth:
            self.refuse(f"a revision {_OUTSIDE}")


def _is_device(path: str) -> bool:
    """Whether this is no file or folder: `/dev/shm` holds both, and whole projects."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _is_module_of_importer(path: Any) -> bool:
    """Whether Python's import system itself opens a module or looks into a folder of modules."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_WORKER):
        frame = frame.f_back
    if frame is None or not frame.f_code.co_filename.startswith(_IMPORTER):
        return False
    return path is None or os.path.isdir(path) or os.fsdecode(path).endswith(_MODULES)
