"""``alembic-review review``: what is pending, and what the new revisions of a pull request do."""

from __future__ import annotations

import time
from dataclasses import replace

from alembic_review.git.base_commit import read_base
from alembic_review.git.checkout import path_in_checkout
from alembic_review.judge.proofs.accepted_renames import require_matched
from alembic_review.model.errors import ReviewError
from alembic_review.model.review import Failure, Gate, Outcome, Provenance, Review, Summary
from alembic_review.model.secrets.redacted_review import redacted
from alembic_review.model.settings import Settings
from alembic_review.observe.interpreter import interpreter_of, with_interpreter
from alembic_review.observe.worker_process import Progress
from alembic_review.workflows.judgement import dated, judged, tool
from alembic_review.workflows.observation import learn_secrets, observe_application
from alembic_review.workflows.pull_request import checkout_folder
from alembic_review.workflows.worker_requests import worker_request


def ignore(_text: str) -> None:
    """A callback for progress that shows nothing."""


def review(settings: Settings, *, progress: Progress = ignore, debug: bool = False) -> Review:
    """Review the application that ``settings`` describe, on scratch databases that are removed afterwards.

    ``progress`` is called with a text at each step. Raises ``UsageError`` for settings that don't fit the
    application, and ``ObservationError`` if it can't be observed.
    """
    start = time.perf_counter()
    learn_secrets(settings)
    settings = with_interpreter(settings)
    request = worker_request(settings, debug=debug)
    base = None
    if settings.since is not None:
        progress(f"looking for the base of {settings.since}")
        base = read_base(checkout_folder(settings), settings.since)
    observed = observe_application(settings, request, base, progress)
    require_matched(observed.facts, settings)
    progress("judging")
    observed.facts[0].timings_ms["total"] = round((time.perf_counter() - start) * 1000)
    found = dated(judged(observed, settings, debug=debug), settings)
    return redacted(replace(found, provenance=replace(found.provenance, cache=observed.cache)))


def failed_review(error: ReviewError, settings: Settings) -> Review:
    """The review that reports show if a run failed: outcome ``failed``, with the message and hint of ``error``."""
    interpreter = interpreter_of(settings)
    found = Review(
        outcome=Outcome.FAILED,
        gate=Gate(refused=True, reasons=("the review could not be made",)),
        summary=Summary(),
        changes=(),
        findings=(),
        tables=(),
        provenance=Provenance(
            tool=tool(),
            interpreter=interpreter.shown,
            interpreter_source=interpreter.source,
            config=_config(settings),
            root=path_in_checkout(settings.root),
        ),
        failure=Failure(error.message, error.hint),
    )
    return redacted(dated(found, settings))


def _config(settings: Settings) -> str:
    """The config file, else the file that names ``config-from``, relative to the root; elsewhere only its name."""
    file = settings.config or settings.source
    if file is None:
        return ""
    config, root = file.resolve(), settings.root.resolve() if settings.root is not None else None
    return config.relative_to(root).as_posix() if root is not None and config.is_relative_to(root) else config.name
