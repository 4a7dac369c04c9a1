"""What a worker is asked to observe: the message that starts it, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_review.model.keys import Rename

NEXT_RUN = b"\x1dalembic-review: next run\x1d\n"
"""Written to the worker's output before each run of env.py. Control characters, so that nobody prints it by chance."""


@dataclass(frozen=True)
class WorkerRequest:
    """One Alembic environment to upgrade and compare. Without ``config``, ``config_from`` names a callable.

    ``custom`` are the packages that the settings call custom, ``named_packages`` all that they name: a name that is
    part of another package owns what lies below it. What the settings name is also looked for in ``import_from``.
    ``before`` is a file of SQL, as an absolute path, or ``module:callable``: what exists before the first revision.
    ``environment`` is the name of one of several: the worker then waits between its upgrade and its comparison.

    ``replaced_locations`` and ``added_locations`` map a version location, as a real path, to a folder that is read in
    its place or after it. The revisions ``to_revert`` are applied last, and downgraded after the comparison. With
    ``trials``, all revisions that could be the application's own are downgraded, and applied in another order.
    ``other_schemas`` are the schemas of another worker, to be compared with instead of the models. With ``digests``,
    the whole catalogue is read after each revision, also where event triggers report what it touched. With an
    ``archive`` of another commit of ``checkout``, the worker is only asked what the models of that commit do.
    ``renames`` are those that the user accepts. ``cache`` says what to do about results that earlier runs have kept:
    ``off``, ``record`` or ``use``.
    """

    config: str | None
    section: str = "alembic"
    x: tuple[str, ...] = ()
    config_from: str | None = None
    context: str | None = None
    preload: tuple[str, ...] = ()
    import_from: tuple[str, ...] = ()
    before: str | None = None
    custom: tuple[str, ...] = ()
    named_packages: tuple[str, ...] = ()
    distribution: str | None = None
    environment: str | None = None
    replaced_locations: Mapping[str, str] = field(default_factory=dict)
    added_locations: Mapping[str, str] = field(default_factory=dict)
    to_revert: tuple[str, ...] = ()
    trials: bool = False
    other_schemas: tuple[str, ...] = ()
    digests: bool = False
    cache: str = "off"
    checkout: str = ""
    archive: str = ""
    debug: bool = False
    renames: tuple[Rename, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of_message(cls, fields: Mapping[str, Any]) -> WorkerRequest:
        """The request in a message, in which JSON has lists for tuples."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        renames = tuple(Rename(**{**rename, "old": tuple(rename["old"])}) for rename in given.get("renames", ()))
        return cls(**{**given, "renames": renames})
