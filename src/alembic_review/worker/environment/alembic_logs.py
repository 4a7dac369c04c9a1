"""What Alembic only logs: kept off stderr, and collected where it says that something was not compared."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alembic_review.model.secrets.masking import mask

_LOGGERS = ("alembic.autogenerate", "alembic.ddl")
_APPLICATION_LOGGER = "alembic.env"
_STATEMENTS = "sqlalchemy.engine.Engine"


def _only_warnings(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def quieten() -> None:
    """Keep Alembic's chatter off stderr, and the statements that ``echo=True`` logs: most are the review's own.

    Filters stay on a logger whatever env.py configures.
    """
    logging.getLogger(_STATEMENTS).addFilter(_only_warnings)
    for logger in _of_alembic():
        logger.addFilter(_only_warnings)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Alembic's chatter off stderr meanwhile."""
    loggers = _of_alembic()
    for logger in loggers:
        logger.addFilter(_only_warnings)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_only_warnings)


def _of_alembic() -> list[logging.Logger]:
    names = [name for name in logging.root.manager.loggerDict if name.startswith("alembic.")]
    return [logging.getLogger(name) for name in names if name != _APPLICATION_LOGGER]


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect what Alembic only logs, such as "Cannot compare …, assuming equal"."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(mask(record.getMessage()))

    handler = Collect(logging.WARNING)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.disabled = False
        logger.addHandler(handler)
    try:
        yield found
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
