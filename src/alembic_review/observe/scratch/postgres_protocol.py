"""The few words of PostgreSQL's protocol (version 3) that it takes to send a statement over a unix socket.

So neither a driver nor ``psql`` is needed beside the tool, and a statement costs no process.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_PROTOCOL = 3 << 16
_HEADER = struct.Struct("!cI")
_LENGTH = struct.Struct("!I")
_TIMEOUT = 60.0


class ServerRefusalError(Exception):
    """The server answered with an error; ``code`` is its SQLSTATE, ``fatal`` says that the session is over."""

    def __init__(self, code: str, message: str, *, fatal: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.fatal = fatal


class Connection:
    """A session on a server that asks for no password. Raises ``OSError`` and ``ServerRefusalError``."""

    def __init__(self, path: str, *, user: str, database: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(_TIMEOUT)
            self._socket.connect(path)
            self._stream = self._socket.makefile("rb")
            self._greet(user, database)
        except BaseException:
            self.close()
            raise

    def execute(self, statement: str) -> None:
        """Run one statement and wait until it is done; results are not read."""
        self._send(b"Q", statement.encode() + b"\0")
        self._until_ready()

    def leave(self) -> None:
        """End the session and wait until the server has: it would not copy a database that is still in use."""
        self._send(b"X", b"")
        while self._stream.read(1):
            pass

    def close(self) -> None:
        """Close the session; harmless when it is closed."""
        if hasattr(self, "_stream"):
            self._stream.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _greet(self, user: str, database: str) -> None:
        words = b"".join(f"{word}\0".encode() for word in ("user", user, "database", database))
        body = _LENGTH.pack(_PROTOCOL) + words + b"\0"
        self._socket.sendall(_LENGTH.pack(len(body) + _LENGTH.size) + body)
        self._until_ready()

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + _LENGTH.pack(len(body) + _LENGTH.size) + body)

    def _until_ready(self) -> None:
        refusal: ServerRefusalError | None = None
        while True:
            kind, body = self._receive()
            if kind == b"E":
                refusal = _refusal(body)
                if refusal.fatal:
                    raise refusal
            elif kind == b"R" and _LENGTH.unpack_from(body)[0] != 0:
                raise ServerRefusalError("28000", "the server asks for a password")
            elif kind == b"Z":
                if refusal is not None:
                    raise refusal
                return

    def _receive(self) -> tuple[bytes, bytes]:
        kind, length = _HEADER.unpack(self._read(_HEADER.size))
        return kind, self._read(length - _LENGTH.size)

    def _read(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise ConnectionResetError("the server closed the connection")
        return data


def _refusal(body: bytes) -> ServerRefusalError:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return ServerRefusalError(fields.get(b"C", ""), fields.get(b"M", ""), fatal=fields.get(b"V") in {"FATAL", "PANIC"})
