"""Settings in the text of a file as it was at another commit: nothing of it can be an error of today."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from pathlib import Path


def table_in_text(file: Path, text: bytes | None, name: str) -> Mapping[str, object]:
    """The settings in one table of an earlier version of a file; empty if there are none, or if it can't be read."""
    decoded = (text or b"").decode("utf-8", "replace")
    if file.suffix == ".toml":
        try:
            found = tomllib.loads(decoded).get("tool", {}).get(name, {})
        except tomllib.TOMLDecodeError:
            return {}
        return found if isinstance(found, dict) else {}
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(decoded)
    except configparser.Error:
        return {}
    return dict(parser.items(name)) if parser.has_section(name) else {}
