"""The file of ``--baseline``: written in a stable order, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.config import CommandLine, load
from alembic_review.config.baseline_file import baseline_text, entries_of, read_baseline
from alembic_review.model.accepting import Baseline
from alembic_review.model.errors import UsageError
from alembic_review.model.review import KnownFinding

ENTRIES = (
    KnownFinding("AR201", "0123456789abcdef", "legacy", "The change drops the table légacy."),
    KnownFinding("AR512", "fedcba9876543210", None, "Two heads."),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text(baseline_text(Baseline("x", entries=ENTRIES)), encoding="utf-8")
    found = read_baseline("known.json", path, update=False)
    assert found == Baseline("known.json", str(path), ENTRIES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"format": "alembic-review/1", "findings": []}',
        b'{"format": "alembic-review-baseline/2", "findings": []}',
        b'{"format": "alembic-review-baseline/1"}',
        b'{"format": "alembic-review-baseline/1", "findings": [], "more": 1}',
        b'{"format": "alembic-review-baseline/1", "findings": [{"code": "AR201"}]}',
        b'{"format": "alembic-review-baseline/1", "findings": ' + b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(content)
    assert entries_of(content) is None
    for update in (False, True):
        with pytest.raises(UsageError) as caught:
            read_baseline("known.json", path, update=update)
        assert "known.json is not a baseline of the format alembic-review-baseline/1" in caught.value.message


def test_a_missing_file_is_an_error_unless_it_is_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    with pytest.raises(UsageError) as caught:
        load(CommandLine(baseline="known.json"), cwd=tmp_path, environ={})
    assert "--baseline: known.json can't be read" in caught.value.message
    assert caught.value.hint == "--update-baseline writes the file."
    settings = load(CommandLine(baseline="known.json", update_baseline=True), cwd=tmp_path, environ={})
    assert settings.baseline == Baseline("known.json", str(tmp_path / "known.json"), updated=True)
    with pytest.raises(UsageError) as caught:
        load(CommandLine(update_baseline=True), cwd=tmp_path, environ={})
    assert caught.value.message == "--update-baseline without --baseline."
