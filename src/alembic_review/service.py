"""The one place that wires the rooms: observe, judge, Review."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from alembic_review import judge as judging
from alembic_review.judge.ownership import custom_packages
from alembic_review.model.errors import ReviewError
from alembic_review.model.facts import Facts
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.observe import client
from alembic_review.observe.scratch import open_scratch
from alembic_review.observe.scratch.base import Scratch, ScratchDatabase
from alembic_review.observe.sources import declared_tables

Progress = Callable[[str], None]


def ignore(_text: str) -> None:
    """Progress that nobody wants to see."""
