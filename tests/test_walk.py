"""The walk in the docs: every command of the page, in its order, in one shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.conftest import ServerAddress

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "walk.md"
LIMIT_SECONDS = 300

_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "=== end of block {} ==="


def blocks() -> list[tuple[str, str | None]]:
    """Each block of commands, and what the page says that it prints."""
    found: list[tuple[str, str | None]] = []
    for kind, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "sh":
            found.append((text, None))
        else:
            found[-1] = (found[-1][0], text)
    return found


def test_the_walk_is_as_the_page_says(tmp_path: Path, scratch_server: ServerAddress) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("src", "fixtures"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout / name)
    # A server that listens on a socket only: libpq takes its folder from the environment.
    where = {"PGHOST": scratch_server.host, "PGPORT": str(scratch_server.port)}
    server = f"postgresql://{scratch_server.user}@"
    script = ["set -e"]
    for number, (text, _) in enumerate(blocks()):
        # The one line that is each reader's own.
        text = re.sub(r"(?m)^export DEV_SERVER=.*$", f"export DEV_SERVER={server}", text)  # noqa: PLW2901
        script += [text, f"echo '{_END.format(number)}'"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=checkout,
        env={**environ, **where, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    rest = done.stdout
    for number, (text, expected) in enumerate(blocks()):
        printed, _, rest = rest.partition(_END.format(number) + "\n")
        if expected is not None:
            assert printed == expected, text
