"""The web pages of a Git host that a comment links to."""

from __future__ import annotations

import re
from dataclasses import dataclass

_URL = re.compile(r"https?://[A-Za-z0-9_.:/?#@!$&*+,;=%~\[\]-]+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Pages:
    """URLs for links; empty where the environment does not name them.

    ``source`` is the URL of a file at ``commit``, with ``{path}`` and ``{line}`` in it; ``job`` is the CI job,
    ``report`` the full report.
    """

    commit: str = ""
    source: str = ""
    job: str = ""
    report: str = ""


def pages(commit: str, source: str, job: str, report: str) -> Pages:
    """Pages with what is a URL or the name of a commit, and nothing else: some of it comes from events."""
    known = commit if _COMMIT.fullmatch(commit) else ""
    return Pages(
        commit=known,
        source=source if known and _is_url(source.replace("{path}", "").replace("{line}", "")) else "",
        job=job if _is_url(job) else "",
        report=report if _is_url(report) else "",
    )


def _is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None
