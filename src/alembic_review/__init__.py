"""Reviews of Alembic migrations, as a library.

>>> from alembic_review import review            # doctest: +SKIP
>>> result = review(settings)                    # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic_review.model.errors import ReviewError
    from alembic_review.model.review import Change, Finding, Review, Verdict
    from alembic_review.workflows.review import review

    __version__: str

__all__ = ["Change", "Finding", "Review", "ReviewError", "Verdict", "__version__", "review"]

_HOMES = {
    "Change": "alembic_review.model.review",
    "Finding": "alembic_review.model.review",
    "Review": "alembic_review.model.review",
    "ReviewError": "alembic_review.model.errors",
    "Verdict": "alembic_review.model.review",
    "review": "alembic_review.workflows.review",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for, so that importing the package costs nothing."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - costs more than the rest of this module

        return version("alembic-review")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
