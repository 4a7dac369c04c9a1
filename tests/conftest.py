"""Fixtures for the whole suite: one PostgreSQL of our own per test process, and a look into it with a plain driver."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from pytest_postgresql import factories

from alembic_review.observe.scratch import open_scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT_OUT = ("trust", "large")
LONGEST = ("test_nox", "test_walk", "test_replay_cache", "test_rebase", "test_accept")


def pytest_configure() -> None:
    """Run independently of the shell: of the signals that it ignores, and of the environment that is active in it."""
    # Background jobs and nohup start with these ignored, and so would every process that is started here.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    # How long an example takes depends on the machine alone. Every run draws other examples; `nox -s properties` draws
    # many more of them, with --hypothesis-profile=thorough.
    untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("short", untimed, max_examples=40)
    settings.register_profile("thorough", untimed, max_examples=1000)
    settings.load_profile("short")
    os.environ.pop("VIRTUAL_ENV", None)
    # Most applications of the tests are reviewed once, and what is kept of a replay is megabytes.
    os.environ.setdefault("ALEMBIC_REVIEW_NO_CACHE", "1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked ``trust`` or ``large``, unless ``-m`` names it; begin with the longest."""
    unnamed = [marker for marker in LEFT_OUT if not re.search(rf"\b{marker}\b", config.option.markexpr)]
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in unnamed)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    chosen = [item for item in items if item not in gone]
    # A long test that begins last would keep one process busy while the others have nothing to do.
    items[:] = sorted(chosen, key=lambda item: not item.path.name.startswith(LONGEST))


@dataclass(frozen=True)
class ServerAddress:
    """What pytest-postgresql wants to know of a server that it did not start."""

    host: str
    port: int
    user: str
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None


@pytest.fixture(scope="session", autouse=True)
def temporary_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Choose the folder of all ``tmp_path`` before a test chooses another temporary folder for itself."""
    tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def scratch_server() -> Iterator[ServerAddress]:
    """A running server of our own launcher; works as root too."""
    with open_scratch("postgresql", None, superuser=True) as scratch:
        database = scratch.create()
        assert database.host is not None
        assert database.port is not None
        assert database.user is not None
        yield ServerAddress(database.host, database.port, database.user)


scratch_noproc = factories.postgresql_noproc(depends_on="scratch_server")
scratch_connection = factories.postgresql("scratch_noproc")
