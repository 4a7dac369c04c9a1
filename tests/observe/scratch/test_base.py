from __future__ import annotations

import threading

import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch.base import Scratch, ScratchDatabase


class Recorded(Scratch):
    kind = "recorded"

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.error = error
        self.go = threading.Event()
        self.go.set()

    def _start(self) -> None:
        self.calls.append("start")
        for _ in range(500):
            if self.go.wait(0.01):
                break
            if self._closing.is_set():
                message = "gave up"
                raise ObservationError(message)
        if self.error is not None:
            raise self.error

    def _create(self) -> ScratchDatabase:
        self.calls.append("create")
        return ScratchDatabase("fake", f"db{len(self.calls)}")

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        self.calls.append(f"copy {database.database}")
        return ScratchDatabase("fake", f"db{len(self.calls)}")

    def _close(self) -> None:
        self.calls.append("close")


def test_start_happens_once_and_create_starts_by_itself() -> None:
    with Recorded() as scratch:
        scratch.start()
        scratch.start()
        scratch.create()
        scratch.create()
    assert scratch.calls == ["start", "create", "create", "close"]


def test_create_waits_for_a_start_in_another_thread() -> None:
    scratch = Recorded()
    scratch.go.clear()
    thread = threading.Thread(target=scratch.start)
    thread.start()
    threading.Timer(0.1, scratch.go.set).start()
    scratch.create()
    thread.join()
    assert scratch.calls == ["start", "create"]
    scratch.close()


def test_a_failed_start_fails_again_without_a_second_try() -> None:
    scratch = Recorded(ObservationError("no", hint="do"))
    for _ in range(2):
        with pytest.raises(ObservationError, match="no"):
            scratch.create()
    scratch.close()
    assert scratch.calls == ["start", "close"]


def test_trouble_with_the_operating_system_is_explained() -> None:
    with Recorded(OSError(28, "No space left on device")) as scratch, pytest.raises(ObservationError) as caught:
        scratch.start()
    assert "No space left on device" in caught.value.message
    assert "TMPDIR" in caught.value.hint


def test_close_interrupts_a_start_in_another_thread() -> None:
    scratch = Recorded()
    scratch.go.clear()
    errors: list[Exception] = []

    def start() -> None:
        try:
            scratch.start()
        except ObservationError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    while not scratch.calls:
        pass
    scratch.close()
    thread.join(5)
    assert [str(error) for error in errors] == ["gave up"]
    assert scratch.calls == ["start", "close"]


def test_after_close_nothing_starts() -> None:
    scratch = Recorded()
    scratch.close()
    scratch.close()
    with pytest.raises(ObservationError, match="closed"):
        scratch.create()
    assert "start" not in scratch.calls


def test_secrets_are_not_in_the_text_of_a_database() -> None:
    database = ScratchDatabase("postgresql", "x", password="s3cret", query=(("sslpassword", "s3cret"),))
    assert "s3cret" not in repr(database)
