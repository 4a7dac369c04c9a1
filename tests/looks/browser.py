"""The Chromium that looks at the pages: the system's, else the one that playwright installs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "ALEMBIC_REVIEW_BROWSER"
HOW = f"Install one with `apt-get install chromium` or `playwright install chromium`, or name one in {VARIABLE}."


@dataclass
class Watched:
    """A page, and what it did: ``complaints`` are messages on the console, errors and dialogs."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Opened = Callable[..., Watched]


class NoBrowserError(RuntimeError):
    """There is no Chromium; the message says how to get one."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium. Raises ``NoBrowserError`` where there is none."""
    named = os.environ.get(VARIABLE)
    system = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if named and system is None:
        raise NoBrowserError(f"{VARIABLE} names {named}, which can't be run. {HOW}")
    with sync_playwright() as playwright:
        path = system or playwright.chromium.executable_path
        if not Path(path).exists():
            raise NoBrowserError(f"There is no Chromium to look with. {HOW}")
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()
