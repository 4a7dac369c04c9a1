"""The recipe for nox, and this project's own session `review`, as nox runs them: exit status and attached reports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FIXTURES = REPOSITORY / "fixtures"
LIMIT_SECONDS = 300


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Constraints that lead to this tool and to the fixture's framework: the package index has others of that name."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [REPOSITORY, FIXTURES / "acme", FIXTURES / "chronicle"]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([*command, *map(str, sources)], check=True, timeout=LIMIT_SECONDS)
    lines = [f"{wheel.name.partition('-')[0].replace('_', '-')} @ {wheel.as_uri()}\n" for wheel in folder.glob("*.whl")]
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(lines))
    return constraints


def nox(noxfile: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the session `review` as a user does."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "NOX"))}
    command = [sys.executable, "-m", "nox", "-f", str(noxfile), "-s", "review"]
    return subprocess.run(
        [*command, *arguments],
        cwd=noxfile.parent,
        env={**environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def test_the_recipe(tmp_path: Path, constraints: Path) -> None:
    project = tmp_path / "poser"
    shutil.copytree(FIXTURES / "poser", project, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    page = (REPOSITORY / "docs" / "how-to" / "nox.md").read_text()
    (recipe,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert recipe.count("app/rattail.conf") == 1
    (project / "noxfile.py").write_text(recipe.replace("app/rattail.conf", "app/acme.conf"))

    refused = nox(project / "noxfile.py", PIP_CONSTRAINT=str(constraints))

    assert refused.returncode == 1, refused.stderr
    assert "check failed: 2 blocking problems; 9 pending changes" in refused.stdout + refused.stderr
    assert json.loads((project / "review.json").read_text())["outcome"] == "blocked"
    assert "3 blocked" in (project / "review.html").read_text()
    (project / "review.json").unlink()

    again = nox(project / "noxfile.py", "-R", "--", "--fail-on", "warning", "-o", "sarif=review.sarif")

    assert again.returncode == 1, again.stderr
    reasons = json.loads((project / "review.json").read_text())["gate"]["reasons"]
    assert reasons == ["3 blocked changes", "9 pending changes", "8 warnings"]
    assert json.loads((project / "review.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.large  # the session `review` itself, and no more than the recipe shows
def test_the_session_of_this_project(tmp_path: Path) -> None:
    done = nox(REPOSITORY / "noxfile.py", "--envdir", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    reports = tmp_path / "review" / "made"
    assert json.loads((reports / "review.json").read_text())["gate"]["reasons"] == ["3 blocked changes"]
    assert "3 blocked" in (reports / "review.html").read_text()
    assert (reports / "review.md").read_text().startswith("## alembic-review: check failed")
    assert json.loads((reports / "review.sarif").read_text())["version"] == "2.1.0"

    # A run that lets the sample pass has to fail the session.
    assert nox(REPOSITORY / "noxfile.py", "--envdir", str(tmp_path), "-R", "--", "--fail-on", "never").returncode
