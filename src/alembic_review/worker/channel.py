"""Length-prefixed JSON over an inherited socket: the worker never speaks on stdout.

A message is a 4-byte big-endian length in bytes and that many bytes of UTF-8 JSON: an object with a ``type``.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any

PROTOCOL = 1
_LENGTH = struct.Struct(">I")


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
        body = json.dumps({"type": kind, **content}, default=vars, separators=(",", ":")).encode()
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
        message: dict[str, Any] = json.loads(self._read(length))
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
