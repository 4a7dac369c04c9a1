"""What Alembic and SQLAlchemy only log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from alembic_review.worker.environment.alembic_logs import quieten


@pytest.fixture
def engines() -> Iterator[logging.Logger]:
    """The logger of statements, as it was before afterwards."""
    logger = logging.getLogger("sqlalchemy.engine.Engine")
    filters, handlers, level = list(logger.filters), list(logging.getLogger("sqlalchemy").handlers), logger.level
    yield logger
    logger.filters[:] = filters
    logger.setLevel(level)
    logging.getLogger("sqlalchemy").handlers[:] = handlers


def test_the_statements_of_an_engine_with_echo_are_not_printed(
    engines: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for quiet in (False, True):
        if quiet:
            quieten()
        engine = sa.create_engine("sqlite://", echo=True)
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 'shown'"))
        engine.dispose()
        engines.warning("a warning is shown")
        printed.append(capsys.readouterr().out)
    assert "SELECT 'shown'" in printed[0]
    assert "SELECT 'shown'" not in printed[1]
    assert "a warning is shown" in printed[1]
