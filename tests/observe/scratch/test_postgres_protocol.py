from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alembic_review.observe.scratch.postgres_protocol import Connection, ServerRefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import ServerAddress


def _connect(server: ServerAddress, database: str = "postgres") -> Connection:
    return Connection(f"{server.host}/.s.PGSQL.{server.port}", user=server.user, database=database)


@contextlib.contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """A server that gives everyone the same answer and hangs up."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(1024)
        connection.sendall(answer)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()
    listener.close()


def test_a_refused_statement_has_its_code_and_the_session_goes_on(scratch_server: ServerAddress) -> None:
    with _connect(scratch_server) as connection:
        with pytest.raises(ServerRefusalError, match='relation "nowhere" does not exist') as caught:
            connection.execute("SELECT * FROM nowhere")
        assert caught.value.code == "42P01"
        connection.execute("SELECT 1")


def test_a_refused_session_has_its_code(scratch_server: ServerAddress) -> None:
    with pytest.raises(ServerRefusalError) as caught:
        _connect(scratch_server, database="nowhere")
    assert caught.value.code == "3D000"


def test_a_server_that_asks_for_a_password_is_not_answered(base: Path) -> None:
    path = base / "socket"
    question = b"R\0\0\0\x08\0\0\0\x03"
    with answering(path, question), pytest.raises(ServerRefusalError, match="asks for a password"):
        Connection(str(path), user="x", database="x")


def test_a_server_that_hangs_up_is_noticed(base: Path) -> None:
    path = base / "socket"
    with answering(path, b"R\0\0"), pytest.raises(ConnectionResetError):
        Connection(str(path), user="x", database="x")
