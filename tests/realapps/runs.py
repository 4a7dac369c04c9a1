"""One run of the tool on an application, in the words of what was recorded from plain Alembic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Described = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One finished run of the tool on an application."""

    status: int
    report: dict[str, Any]
    stderr: str

    def described(self, verdict: str | None = None) -> list[Described]:
        """The changes in the words of the recording, all or those with ``verdict``."""
        return [describe(change) for change in self.report["changes"] if verdict in {None, change["verdict"]}]

    def owners(self, verdict: str) -> set[str]:
        """Who owns the tables that changes with ``verdict`` are on."""
        return {change["owner"] for change in self.report["changes"] if change["verdict"] == verdict}


def describe(change: dict[str, Any]) -> Described:
    """A change of the report as the recording has it, which lists no columns for whole tables."""
    columns = [] if change["kind"].endswith("_table") else change["columns"]
    return {key: change[key] for key in ("kind", "schema", "table", "name")} | {"columns": columns}


def in_order(changes: list[Described]) -> list[Described]:
    return sorted(changes, key=lambda change: json.dumps(change, sort_keys=True))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` but the byte code that Python itself leaves."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): path.read_bytes() for path in files}
