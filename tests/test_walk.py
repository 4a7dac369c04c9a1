"""The quick start and the tutorial: every command of a page, in its order, in one shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ServerAddress

ROOT = Path(__file__).resolve().parents[1]
QUICK_START = ROOT / "docs" / "quick-start.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
LIMIT_SECONDS = 300
SHOWN_LINES = 12

_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "=== end of block {} ==="
_REST = "…\n"  # the last line of a block whose output goes on


def blocks(page: Path) -> list[tuple[str, str | None]]:
    """Each block of commands, and what the page says that it prints."""
    found: list[tuple[str, str | None]] = []
    for kind, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "sh":
            found.append((text, None))
        else:
            found[-1] = (found[-1][0], text)
    return found


def printed_by(commands: list[str], folder: Path, **variables: str) -> list[str]:
    """Run ``commands`` in one shell; what each of them prints."""
    script = ["set -e"]
    for number, text in enumerate(commands):
        script += [text, f"echo '{_END.format(number)}'"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env={**environ, "COLUMNS": "80", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    found, rest = [], done.stdout
    for number in range(len(commands)):
        printed, _, rest = rest.partition(_END.format(number) + "\n")
        found.append(printed)
    return found


def compare(page: Path, printed: list[str]) -> None:
    """The page shows what was printed, or its first lines where it says so."""
    text = page.read_text(encoding="utf-8")
    for (commands, expected), whole in zip(blocks(page), printed, strict=True):
        if expected is None:
            continue
        shown = whole
        if expected.endswith(_REST) and len(whole.splitlines()) > SHOWN_LINES:
            shown = "\n".join(whole.splitlines()[:SHOWN_LINES]) + f"\n{_REST}"
        if os.environ.get("REWRITE_GOLDEN"):
            text = text.replace(f"{commands}```\n\n```text\n{expected}", f"{commands}```\n\n```text\n{shown}")
        else:
            assert shown == expected, commands
    if os.environ.get("REWRITE_GOLDEN"):
        page.write_text(text, encoding="utf-8")


def test_the_quick_start_is_as_the_page_says(tmp_path: Path) -> None:
    tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

    compare(QUICK_START, printed_by([commands for commands, _ in blocks(QUICK_START)], tmp_path, PATH=tools))


def test_the_readme_shows_a_run_of_the_quick_start() -> None:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    (expected,) = [printed for commands, printed in blocks(QUICK_START) if "--fail-on pending ||" in commands]
    assert expected is not None
    block = re.compile(
        r"(?<=^```console\n\$ alembic-review --fail-on pending\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL
    )

    if os.environ.get("REWRITE_GOLDEN"):
        readme.write_text(block.sub(lambda _: expected, text), encoding="utf-8")
    else:
        assert block.findall(text) == [expected]


def test_the_tutorial_is_as_the_page_says(tmp_path: Path, scratch_server: ServerAddress) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("src", "fixtures"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout / name)
    # A server that listens on a socket only: libpq takes its folder from the environment.
    where = {"PGHOST": scratch_server.host, "PGPORT": str(scratch_server.port), "HOME": str(tmp_path)}
    server = f"postgresql://{scratch_server.user}@"
    # The one line that is each reader's own.
    commands = [
        re.sub(r"(?m)^export DEV_SERVER=.*$", f"export DEV_SERVER={server}", text) for text, _ in blocks(TUTORIAL)
    ]

    compare(TUTORIAL, printed_by(commands, checkout, **where))
