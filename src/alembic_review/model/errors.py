"""Errors that end a run: what happened, where, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_review.model.text_lengths import LONGEST_HINT, LONGEST_MESSAGE, shortened

if TYPE_CHECKING:
    from alembic_review.model.facts import Privilege


class ReviewError(Exception):
    """The run can't go on.

    ``message`` says what happened and where, ``hint`` what to do about it; neither ever holds a password. Both are cut
    to a length that a person reads.
    """

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = shortened(message, LONGEST_MESSAGE)
        self.hint = shortened(hint, LONGEST_HINT)
        super().__init__(self.message)


class UsageError(ReviewError):
    """Wrong usage or wrong settings: exit status 2."""

    exit_code = 2


class ObservationError(ReviewError):
    """The application, its migrations or the scratch database could not be observed: exit status 3."""


class UnexplainedError(ObservationError):
    """The replay has to be repeated with a digest per revision: something changed that no event told."""


class CacheMissError(ObservationError):
    """The run has to be repeated without what earlier runs have kept, which does not hold."""


class SuperuserNeededError(ObservationError):
    """The replay has to be repeated as superuser, because of ``privilege``."""

    def __init__(self, message: str, privilege: Privilege) -> None:
        super().__init__(message)
        self.privilege = privilege
