"""How a forge fails. None of these messages ever holds a token."""

from __future__ import annotations

from alembic_review.model.errors import ReviewError

SOON = 2.0


class ForgeError(ReviewError):
    """The comment could not be posted."""


class RejectedError(ForgeError):
    """The forge does not take this text as a comment: most of all because it is too long."""


class UnavailableError(ForgeError):
    """The forge can't answer now, and may in ``wait`` seconds."""

    def __init__(self, message: str, *, hint: str = "", wait: float = SOON) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait
