"""What a file, folder or text is at the moment, as a short text: cached results hold only while it stays the same."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

MISSING = "missing"
KEPT = "kept"
"""The state of a database that contains what revisions did in an earlier run."""
_CHUNK = 1 << 20


def text_state(text: str) -> str:
    """The digest of a text, which may be a secret."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def content_state(path: str) -> str:
    """Of a file its content, of a folder the names in it."""
    place = Path(path)
    try:
        status = place.stat()
        if stat.S_ISDIR(status.st_mode):
            names = sorted(one.name for one in place.iterdir() if one.name != "__pycache__")
            return f"folder {text_state(chr(0).join(names))}"
        if not stat.S_ISREG(status.st_mode):
            return "special"
        digest = hashlib.sha256()
        with place.open("rb") as file:
            while part := file.read(_CHUNK):
                digest.update(part)
    except OSError:
        return MISSING
    return f"content {digest.hexdigest()}"
