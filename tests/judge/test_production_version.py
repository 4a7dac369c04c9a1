"""What reports say where production runs another major version of PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge.proofs.production_version import note, warning
from alembic_review.model.facts import DatabaseFacts
from alembic_review.model.settings import Settings
from tests.judge.world import basics

(POSTGRESQL,) = basics().facts().databases  # 18.6
SQLITE = replace(POSTGRESQL, dialect="sqlite", server_version="3.40.1")


@pytest.mark.parametrize(
    ("database", "version"), [(POSTGRESQL, None), (POSTGRESQL, 18), (SQLITE, 16), (SQLITE, 3), (SQLITE, 40)]
)
def test_nothing_is_said(database: DatabaseFacts, version: int | None) -> None:
    settings = Settings(server_version=version)
    assert (note(database, settings), warning([database], settings)) == ("", "")


def test_both_versions_are_named_once() -> None:
    older = replace(POSTGRESQL, server_version="9.6.24")
    settings = Settings(server_version=16)
    assert note(older, settings) == "observed on PostgreSQL 9; production runs 16"
    assert warning([POSTGRESQL, POSTGRESQL, SQLITE], settings) == (
        "The scratch server is PostgreSQL 18.6, but production runs PostgreSQL 16 (server-version): locks, table "
        "rewrites and errors may differ there. Review on PostgreSQL 16 with --server or ALEMBIC_REVIEW_POSTGRES_BIN."
    )
