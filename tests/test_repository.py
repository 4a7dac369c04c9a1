"""The files around the package: what README promises is what CI runs, and what is published is complete."""

from __future__ import annotations

import ast
import html
import re
import tomllib
from importlib.metadata import metadata, version
from importlib.resources import files
from itertools import chain
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def readme_commands() -> list[str]:
    """The `sh` blocks of README.md, in their order."""
    return re.findall(r"^```sh\n(.*?)^```", (REPOSITORY / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)


def test_the_first_two_commands_of_the_readme_are_one_line_each() -> None:
    review, tests = readme_commands()[:2]

    assert review.count("\n") == tests.count("\n") == 1
    assert "alembic-review -c app/acme.conf" in review
    assert "nox" in tests


def test_the_readme_is_short() -> None:
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 200


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text().splitlines()

    assert lines[-1] == readme_commands()[1].strip()
    assert (REPOSITORY / ".ci" / "run").stat().st_mode & 0o111


def test_ci_runs_every_session_that_nox_runs_by_default() -> None:
    assignments = {
        ast.unparse(node.targets[0]): node.value
        for node in ast.parse((REPOSITORY / "noxfile.py").read_text()).body
        if isinstance(node, ast.Assign)
    }

    default = ast.literal_eval(assignments["nox.options.sessions"])

    assert readme_commands()[1].strip().endswith(f"nox -j 2 -s {' '.join(default)}")


def test_no_dependency_has_an_upper_bound() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    requirements = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]

    assert [requirement for requirement in requirements if re.search(r"<|==|~=|!=|,", requirement)] == []
    assert [requirement for requirement in requirements if ">=" not in requirement] == []


def test_every_lint_exception_has_a_reason() -> None:
    """A code that ruff shall ignore stands on a line of its own, with a comment."""
    text = (REPOSITORY / "pyproject.toml").read_text()
    settings = text[text.index("[tool.ruff") : text.index("[tool.importlinter]")]

    ignored = [line for line in settings.splitlines() if re.search(r'"[A-Z]{1,4}\d*"', line) and "select" not in line]

    assert ignored
    assert [line for line in ignored if not re.search(r"# \w+", line) and not reason_above(settings, line)] == []


def reason_above(text: str, line: str) -> bool:
    """Whether the line before ``line`` is a comment."""
    before = text[: text.index(line)].rstrip().splitlines()[-1]
    return before.startswith("# ")


def test_the_installed_package_brings_its_type_information_and_its_licence() -> None:
    assert files("alembic_review").joinpath("py.typed").is_file()
    assert metadata("alembic-review")["License-Expression"] == "MIT"


def test_the_changelog_opens_with_the_version_of_the_package() -> None:
    headings = re.findall(r"^## \[(.*?)\]", (REPOSITORY / "CHANGELOG.md").read_text(), flags=re.MULTILINE)

    assert next(heading for heading in headings if heading != "Unreleased") == version("alembic-review")


def test_the_pictures_of_the_docs_are_there_and_small() -> None:
    pictures = {path.name: path.stat().st_size for path in (REPOSITORY / "docs" / "captures").iterdir()}

    assert set(pictures) == {"terminal.svg", "html.png", "comment.png"}
    assert all(1_000 < size < 300_000 for size in pictures.values())
    page = (REPOSITORY / "docs" / "reference" / "reports.md").read_text()
    assert [name for name in pictures if f"(../captures/{name})" not in page] == []
    assert "](docs/captures/comment.png)" in (REPOSITORY / "README.md").read_text()


def test_the_picture_of_the_terminal_shows_what_the_page_shows() -> None:
    """An old picture would contradict the text beside it; `nox -s captures` takes all of them again."""
    drawing = (REPOSITORY / "docs" / "captures" / "terminal.svg").read_text()
    page = (REPOSITORY / "docs" / "reference" / "reports.md").read_text()
    lines: dict[float, str] = {}
    for height, text in re.findall(r'<text class="terminal-r[^>]* y="([\d.]+)"[^>]*>(.*?)</text>', drawing):
        lines[float(height)] = lines.get(float(height), "") + html.unescape(text)
    drawn = "".join("".join(lines[height].split()) for height in sorted(lines))
    printed = re.search(r"<!-- capture -->\n+```text\n\$ [^\n]+\n(.*?)\nCompared ", page, re.DOTALL)

    assert printed is not None
    assert drawn.partition("Compared")[0] == "".join(printed[1].split())


def test_the_pictures_load_nothing() -> None:
    drawing = (REPOSITORY / "docs" / "captures" / "terminal.svg").read_text()

    assert re.findall(r"url\((?!#)|@import|<image|<script|href=", drawing) == []


def test_the_security_page_says_that_this_is_not_a_sandbox_and_names_pages_that_exist() -> None:
    text = (REPOSITORY / "SECURITY.md").read_text()

    assert "not a sandbox" in text
    assert "[SECURITY.md](SECURITY.md)" in (REPOSITORY / "README.md").read_text()
    assert [link for link in re.findall(r"\]\((.*?)\)", text) if not (REPOSITORY / link).is_file()] == []
    assert re.findall(r"https?://|\S+@\S+", text) == []
