"""Length-prefixed JSON over an inherited socket: the worker never speaks on stdout.

A message is a 4-byte big-endian length in bytes and that many bytes of UTF-8 JSON: an object with a ``type``.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import is_dataclass
from json import dumps, loads  # by name: an application may put functions of another library into the module
from typing import Any

PROTOCOL = 1
_LENGTH = struct.Struct(">I")

# So far down, what is encoded is cut into pieces: in one go, the encoder takes many times the memory of its result.
_DEPTH = 5
_PLAIN = frozenset({str, int, float, bool, type(None)})


class ChannelClosedError(Exception):
    """The parent is gone; there is nobody left to work for."""


class Channel:
    """One end of the conversation with the parent; safe to use from any thread of ``env.py``."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.settimeout(None)
        self._lock = threading.RLock()

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation."""
        self._socket.close()

    def send(self, kind: str, **content: Any) -> None:
        """Send one message; frozen dataclasses become objects. Raises ``ChannelClosedError``."""
        body = bytearray()
        for piece in _pieces({"type": kind, **content}, _DEPTH):
            body += piece
        try:
            with self._lock:
                self._socket.sendall(_LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise ChannelClosedError from error

    def ask(self, kind: str, **content: Any) -> dict[str, Any]:
        """Send a message and return the parent's answer."""
        with self._lock:
            self.send(kind, **content)
            return self.receive()

    def receive(self) -> dict[str, Any]:
        """Wait for one message. Raises ``ChannelClosedError`` at the end of the stream."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        message: dict[str, Any] = loads(self._read(length))
        return message

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                part = self._socket.recv(size - len(data))
            except OSError as error:
                raise ChannelClosedError from error
            if not part:
                raise ChannelClosedError
            data += part
        return bytes(data)


def _pieces(value: Any, depth: int) -> Iterator[bytes]:
    """JSON, with what lies ``depth`` levels down in one piece each, and whatever has nothing but plain values."""
    if depth and is_dataclass(value):
        value = vars(value)
    if depth and isinstance(value, (dict, list, tuple)):
        entries = value.values() if isinstance(value, dict) else value
        depth = 0 if all(type(entry) in _PLAIN for entry in entries) else depth
    if depth and isinstance(value, dict):
        yield b"{"
        for number, (key, entry) in enumerate(value.items()):
            yield (b"," if number else b"") + dumps(key).encode() + b":"
            yield from _pieces(entry, depth - 1)
        yield b"}"
    elif depth and isinstance(value, (list, tuple)):
        yield b"["
        for number, entry in enumerate(value):
            if number:
                yield b","
            yield from _pieces(entry, depth - 1)
        yield b"]"
    else:
        yield dumps(value, default=vars, separators=(",", ":")).encode()
