"""What a system Python's prefix says, and what not."""

from __future__ import annotations

SHARED_PREFIXES = frozenset({"/", "/usr", "/usr/local", "/opt"})
"""Prefixes of a system Python that hold far more: what lies below may well be a project (``/usr/src/app``)."""
