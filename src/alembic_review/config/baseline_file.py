"""The file of ``--baseline``: the findings that a project had before, as JSON that is committed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from alembic_review.model.accepting import Baseline
from alembic_review.model.errors import UsageError
from alembic_review.model.review import KnownFinding

FORMAT = "alembic-review-baseline/1"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    findings: tuple[KnownFinding, ...]


def read_baseline(name: str, path: Path, *, update: bool) -> Baseline:
    """The baseline in the file. Raises ``UsageError`` if it is not a baseline; with ``update`` it may be missing."""
    if update and not path.parent.is_dir():
        raise UsageError(f"--baseline: {name} can't be written: there is no folder {path.parent}.")
    if update and not path.exists():
        return Baseline(name, str(path), updated=True)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--baseline: {name} can't be read: {error.strerror}.", hint="--update-baseline writes the file."
        ) from error
    entries = entries_of(content)
    if entries is None:
        raise UsageError(
            f"--baseline: {name} is not a baseline of the format {FORMAT}.",
            hint="Remove the file, and write it again with --update-baseline.",
        )
    return Baseline(name, str(path), entries, updated=update)


def entries_of(content: bytes) -> tuple[KnownFinding, ...] | None:
    """The entries in the content of a baseline file; ``None`` if it is not a baseline."""
    try:
        found = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found.findings if found.format == FORMAT else None


def baseline_text(baseline: Baseline) -> str:
    """The content of the file, one entry after the other in a stable order, so that its changes can be reviewed."""
    findings = [
        {"code": one.code, "fingerprint": one.fingerprint, "table": one.table, "message": one.message}
        for one in baseline.entries
    ]
    return json.dumps({"format": FORMAT, "findings": findings}, ensure_ascii=False, indent=2) + "\n"
