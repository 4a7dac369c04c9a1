"""A listener that nobody may talk to: it counts who connects."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Decoy:
    """Listens on 127.0.0.1; ``contacts`` is the number of accepted connections."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept)
        self.contacts = 0

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> None:
        """Stop counting. Whoever is in the queue at that moment has been counted."""
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"stop")
            self._thread.join(timeout=10)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(5)
                try:
                    greeting = connection.recv(64)
                except OSError:
                    greeting = b""
            if greeting == b"stop":
                return
            self.contacts += 1


@contextmanager
def listening() -> Iterator[Decoy]:
    """A started decoy, stopped at the end of the block."""
    decoy = Decoy()
    decoy.start()
    try:
        yield decoy
    finally:
        decoy.stop()
