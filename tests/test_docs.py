"""The documentation is complete: whatever a user can name has its place, and links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from alembic_review.cli import INTERRUPTED
from alembic_review.cli.commands import cli
from alembic_review.config.settings_files import ACCEPT_KEYS, ENVIRONMENT_KEYS, KEYS
from alembic_review.model.errors import ReviewError, UsageError
from alembic_review.model.settings import FailOn
from alembic_review.observe.scratch.postgres_programs import OVERRIDE
from alembic_review.reports import REPORTS
from alembic_review.reports.json_schema import schema
from alembic_review.workflows.explain import rules

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
SOURCE = REPOSITORY / "src" / "alembic_review"
WRITTEN = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
# Error texts of Troubleshooting that other programs print.
FOREIGN = (
    "ModuleNotFoundError: No module named 'psycopg2'",
    "Can't load plugin: sqlalchemy.dialects:postgres",
    "KeyError: 'DATABASE_URL'",
    'relation "…" does not exist',
    'relation "…" already exists',
    "column … does not exist",
    'extension "…" is not available',
    'type "citext" does not exist',
    'role "…" does not exist',
    'schema "…" does not exist',
    "unsafe use of new value … of enum type",
    "No support for ALTER of constraints in SQLite dialect",
)


def load_hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = load_hooks()


def page(path: str) -> str:
    """A page as the site shows it: with its generated parts."""
    generated: dict[str, str] = HOOKS.check_pages()
    text = generated[path] if path in generated else (DOCS / path).read_text(encoding="utf-8")
    expanded: str = HOOKS.expanded(text, path)
    return expanded


ALL = sorted({*WRITTEN, *HOOKS.check_pages()})


# The reference


def test_every_command_and_option_is_on_the_page_of_the_command_line() -> None:
    text = page("reference/command-line.md")

    for name, command in cli.commands.items():
        _, found, part = text.partition(f"\n## {name}\n")
        assert found, name
        part = part.partition("\n## ")[0]
        assert f"Usage: alembic-review {name} " in part
        missing = [
            option for param in command.params for option in param.opts if option.lstrip("-") not in part.lower()
        ]
        assert missing == [], name


def test_the_help_of_the_docs_is_that_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("", *cli.commands):
        arguments = [name, "--help"] if name else ["--help"]
        with pytest.raises(SystemExit):
            cli.main(arguments, prog_name="alembic-review")
        # Click wraps at the width of the terminal, so words are compared.
        assert HOOKS.help_text(name).split()[1:-1] == capsys.readouterr().out.split(), name


def test_every_setting_has_a_row_with_its_type_and_option() -> None:
    text = page("reference/settings.md")

    for key in {*KEYS, *ENVIRONMENT_KEYS, *ACCEPT_KEYS}:
        assert re.search(rf"^\| `{key}` \| [^|]+ \| ", text, re.MULTILINE), key
    assert '| `fail-on` | list of `"blocked"`' in text
    assert "| `timeout` | number | `--timeout`; default `600` |" in text
    assert f"`{OVERRIDE}`" in text


def test_every_key_of_the_json_report_has_a_row_with_its_type() -> None:
    text = (DOCS / "reference" / "json.md").read_text(encoding="utf-8")
    definitions: Any = schema()["$defs"]

    documented = set(re.findall(r"^<!-- generated: type (\w+) -->$", text, re.MULTILINE))
    assert documented == {"Review", *(name for name, node in definitions.items() if "properties" in node)}
    assert "| `changes` | list of [Change](#change) |" in page("reference/json.md")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "<!-- generated: settings -->\n| Key | Meaning |\n| --- | --- |\n| `config` | A file. |\n",
            r"lacks \['accept'",
        ),
        (
            "<!-- generated: type Gate -->\n| Key | Meaning |\n| --- | --- |\n| `open` | No. |\n",
            r"describes \['open'\]",
        ),
        ("<!-- generated: nothing -->\n", "nothing is unknown"),
    ],
)
def test_a_page_that_describes_something_else_does_not_build(text: str, error: str) -> None:
    with pytest.raises(HOOKS.StaleDocsError, match=error):
        HOOKS.expanded(text, "page.md")


def test_every_exit_status_and_kind_has_a_row() -> None:
    text = page("reference/exit-codes.md")

    statuses = [str(status) for status in (0, 1, UsageError.exit_code, ReviewError.exit_code, INTERRUPTED, 143)]
    assert re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE) == statuses
    kinds = [
        cell for row in re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE) for cell in re.findall(r"`([^`]+)`", row)
    ]
    assert sorted(kinds) == sorted(kind.value for kind in FailOn)


def test_every_format_has_a_row() -> None:
    formats = re.findall(r"^\| `(\w+)` \|", page("reference/reports.md"), flags=re.MULTILINE)

    assert formats == [report.name for report in REPORTS]


def test_every_check_has_a_page_and_a_row_of_the_index() -> None:
    index = page("reference/checks/index.md")

    for rule in rules():
        row = f"| [{rule.code}](../../reference/checks/{rule.code}.md) | {rule.title} | {rule.severity.value} |"
        assert row in index
        text = page(f"reference/checks/{rule.code}.md")
        assert text.startswith(f"# {rule.code}: {rule.title}\n\nSeverity: ")
        headings = re.findall(r"^## (.*)", text, re.MULTILINE)
        assert headings == ["What it means", "Why it matters", "What to do", "Example"], rule.code


def test_codes_of_checks_are_links_outside_of_code_and_headings() -> None:
    text = "# AR101\n\nSee AR101, `AR101`, [AR102](x.md).\n\n```text\nAR101\n```\n"

    assert HOOKS.with_links(text, "how-to/page.md") == text.replace(
        "See AR101", "See [AR101](../reference/checks/AR101.md)"
    )


# Structure and links


def test_every_page_is_in_the_navigation() -> None:
    # BaseLoader: the file has no tags that need more.
    nav = yaml.load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)["nav"]

    def pages(items: Any) -> list[str]:
        if isinstance(items, str):
            return [items]
        return [path for item in (items.values() if isinstance(items, dict) else items) for path in pages(item)]

    assert sorted(pages(nav)) == sorted({*WRITTEN, "reference/checks/index.md"})


def test_the_index_of_the_guides_links_each_of_them() -> None:
    index = page("how-to/index.md")

    assert [
        path
        for path in WRITTEN
        if path.startswith("how-to/") and path[7:] != "index.md" and f"({path[7:]})" not in index
    ] == []


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", without_code(text))
    return [link for link in found if not re.match(r"https?:", link)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as Markdown's toc makes them."""
    headings = re.findall(r"^#+ (.*)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize("path", ALL)
def test_links_of_the_docs_lead_to_pages_and_headings(path: str) -> None:
    for link in links(page(path)):
        file, _, anchor = link.partition("#")
        target = (DOCS / path).parent.joinpath(file).resolve() if file else DOCS / path
        assert target.is_relative_to(DOCS), link
        name = target.relative_to(DOCS).as_posix()
        assert name in ALL or target.is_file(), link
        assert not anchor or anchor in anchors(page(name)), link


@pytest.mark.parametrize("name", OUTSIDE)
def test_links_of_other_pages_lead_to_files_and_headings(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    for link in links(text):
        file, _, anchor = link.partition("#")
        target = REPOSITORY / file if file else REPOSITORY / name
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def texts_of_the_source() -> list[str]:
    """Every string of the package; what an f-string fills in is `…`."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_the_error_texts_of_troubleshooting_are_those_of_the_program() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    terms = [
        line for line, after in zip(text.splitlines(), text.splitlines()[1:], strict=False) if after.startswith(":   ")
    ]
    named = [error for term in terms for error in re.findall(r"`([^`]+)`", term) if " " in error]
    source = texts_of_the_source()

    assert len(named) > len(FOREIGN)
    ours = [error for error in named if error not in FOREIGN]
    parts = {part.strip(" []\"'.,") for error in ours for part in error.split("…")} - {""}
    assert [part for part in sorted(parts) if not any(part in text for text in source)] == []
    assert set(FOREIGN) <= set(named)
