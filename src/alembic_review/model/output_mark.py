"""How the worker separates the output of one run of env.py from that of the next."""

from __future__ import annotations

NEXT_RUN = b"\x1dalembic-review: next run\x1d\n"
"""Written to the worker's output before each run of env.py. Control characters, so that nobody prints it by chance."""
