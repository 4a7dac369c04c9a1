"""The generated parts of the documentation: help texts, types of settings and JSON keys, and the pages of the checks.

MkDocs calls the functions named ``on_…`` (https://www.mkdocs.org/dev-guide/plugins/#events). The tests call the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from alembic_review.cli.commands import cli
from alembic_review.config.settings_files import AcceptSettings, EnvironmentSettings, FileSettings
from alembic_review.model.settings import Settings
from alembic_review.reports.json_schema import schema
from alembic_review.workflows.explain import rules

CHECKS = "reference/checks"
_COLUMNS = 88
_MARKER = re.compile(
    r"^<!-- generated: (?P<what>[\w-]+)(?: (?P<name>[\w-]+))? -->\n(?P<table>(?:\|.*\n)*)", re.MULTILINE
)
_ROW = re.compile(r"\| `(?P<key>[\w-]+)` \| (?P<meaning>.*) \|")
_CODE = re.compile(r"(^```.*?^```|`[^`\n]*`|^#.*?$|\[[^\]\n]*\]\([^)\n]*\))", re.MULTILINE | re.DOTALL)
_REMOTE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")

Node = dict[str, Any]


class StaleDocsError(Exception):
    """A page that does not describe what the code has."""


def expanded(text: str, page: str) -> str:
    """The Markdown of a page with its generated parts; ``page`` is its path below docs/."""
    return with_links(_MARKER.sub(_Part(page), text), page)


def with_links(text: str, page: str) -> str:
    """Link the codes of checks to their pages, except in code, headings and links."""
    up = "../" * page.count("/")
    known = {rule.code for rule in rules()} - {Path(page).stem}

    def link(match: re.Match[str]) -> str:
        return f"[{match[0]}]({up}{CHECKS}/{match[0]}.md)" if match[0] in known else match[0]

    parts = _CODE.split(text)
    parts[::2] = [re.sub(r"\bAR\d{3}\b", link, part) for part in parts[::2]]
    return "".join(parts)


def check_pages() -> dict[str, str]:
    """The page of each check and their index, by path below docs/."""
    found = {f"{CHECKS}/{rule.code}.md": _with_severity(rule.page, rule.severity.value) for rule in rules()}
    return found | {f"{CHECKS}/index.md": _index()}


class _Part:
    """Replaces one marker of a page, with the table of meanings that may follow the marker."""

    def __init__(self, page: str) -> None:
        self.page = page

    def __call__(self, match: re.Match[str]) -> str:
        parts: dict[str, Callable[[str], str]] = {
            "help": help_text,
            "settings": lambda _name: self._table(match, FileSettings, _option),
            "accept": lambda _name: self._table(match, AcceptSettings, None),
            "environments": lambda _name: self._table(match, EnvironmentSettings, None),
            "type": lambda name: self._of_json(match, name),
        }
        if match["what"] not in parts:
            raise StaleDocsError(f"{self.page}: {match['what']} is unknown; known are {', '.join(parts)}.")
        return parts[match["what"]](match["name"] or "")

    def _table(self, match: re.Match[str], struct: type[msgspec.Struct], option: Callable[[str], str] | None) -> str:
        definitions = msgspec.json.schema(struct)["$defs"]
        keys = {key: words(node, definitions) for key, node in definitions[struct.__name__]["properties"].items()}
        return self._described(match, keys, option)

    def _of_json(self, match: re.Match[str], name: str) -> str:
        whole = schema()
        definitions: dict[str, Node] = whole["$defs"]  # type: ignore[assignment]
        node: Node = whole if name == "Review" else definitions[name]
        keys = {key: words(part, definitions) for key, part in node["properties"].items()}
        if name == "ChangeSince":  # the rest is a change
            keys = {key: value for key, value in keys.items() if key not in definitions["Change"]["properties"]}
        return self._described(match, keys, None)

    def _described(self, match: re.Match[str], types: dict[str, str], option: Callable[[str], str] | None) -> str:
        """The table of meanings with the type of each key."""
        described = dict(_rows(match["table"]))
        if set(described) != set(types):
            lacks, describes = sorted(set(types) - set(described)), sorted(set(described) - set(types))
            raise StaleDocsError(
                f"{self.page}: the table of {match['name'] or match['what']} lacks {lacks} and describes {describes}, "
                "which the code does not have."
            )
        head = ["Key", "Type", *(["Option"] if option else []), "Meaning"]
        lines = [head, ["---"] * len(head)]
        for key, meaning in described.items():
            lines.append([f"`{key}`", types[key], *([option(key)] if option else []), meaning])
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows(text: str) -> Iterator[tuple[str, str]]:
    """The keys and meanings of a Markdown table, without its head."""
    for line in text.splitlines()[2:]:
        row = _ROW.fullmatch(line)
        if row is None:
            raise StaleDocsError(f"Not a row of a key and its meaning: {line}")
        yield row["key"], row["meaning"]


def help_text(name: str) -> str:
    """What ``alembic-review NAME --help`` prints, as a block; of the program itself without a name."""
    with click.Context(cli, info_name="alembic-review", terminal_width=_COLUMNS, **cli.context_settings) as group:
        if not name:
            return f"```text\n{cli.get_help(group)}\n```\n"
        command = cli.commands[name]
        settings = {**command.context_settings, "terminal_width": _COLUMNS}
        with click.Context(command, info_name=name, parent=group, **settings) as context:
            return f"```text\n{command.get_help(context)}\n```\n"


def words(node: Node, definitions: dict[str, Node]) -> str:  # noqa: PLR0911 - one for each form of a type
    """A type of JSON Schema as a reader of the page would say it."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        target = definitions[name]
        if "enum" in target:
            return words(target, definitions)
        return (
            "table"
            if name in {EnvironmentSettings.__name__, AcceptSettings.__name__}
            else f"[{name}](#{_anchor(name)})"
        )
    if "anyOf" in node:
        return " or ".join(words(choice, definitions) for choice in node["anyOf"] if choice != {"type": "null"}) + (
            " or null" if {"type": "null"} in node["anyOf"] and "default" not in node else ""
        )
    if "const" in node or "enum" in node:
        return ", ".join(f'`"{value}"`' for value in node.get("enum", [node.get("const")]))
    if node["type"] == "array":
        return f"list of {_plural(words(node['items'], definitions))}"
    if node["type"] == "object":
        values = node.get("additionalProperties")
        return f"table of {_plural(words(values, definitions))}" if isinstance(values, dict) else "object"
    return str(node.get("format") or node["type"])


def _plural(name: str) -> str:
    return f"{name}s" if name.isalpha() else name


def _anchor(name: str) -> str:
    """The heading that describes a type."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _option(key: str) -> str:
    """The option of ``review`` that sets the same, or a dash; with the default of the setting."""
    names = {str(param.name).replace("_", "-"): max(param.opts, key=len) for param in cli.commands["review"].params}
    default = {field.replace("_", "-"): value for field, value in vars(Settings()).items()}.get(key)
    shown = f"; default `{default:g}`" if isinstance(default, float) else f"; default `{default}`"
    return (f"`{names[key]}`" if key in names else "-") + (shown if isinstance(default, str | float) else "")


def _with_severity(page: str, severity: str) -> str:
    title, _, rest = page.partition("\n")
    return f"{title}\n\nSeverity: {severity}\n{rest}"


def _index() -> str:
    rows = "".join(f"| {rule.code} | {rule.title} | {rule.severity.value} |\n" for rule in rules())
    return (
        "# Checks\n\nEach finding has a code. `alembic-review explain CODE` prints the same page in the terminal.\n\n"
        "An error fails the check. A warning fails it with `--fail-on warning`. The severity of some findings depends "
        "on the case; the page of the check says when.\n\n"
        f"| Code | Title | Severity |\n| --- | --- | --- |\n{rows}"
    )


# MkDocs


def on_config(config: Any) -> Any:
    """List the pages of the checks in the navigation, below their index."""
    _list_of(config["nav"], f"{CHECKS}/index.md").extend(
        path for path in check_pages() if not path.endswith("index.md")
    )
    return config


def _list_of(nav: list[Any], path: str) -> list[Any]:
    """The list of the navigation that holds the page."""
    for item in nav:
        if item == path:
            return nav
        for below in item.values() if isinstance(item, dict) else ():
            if isinstance(below, list) and (found := _list_of(below, path)):
                return found
    return []


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages of the checks."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - the tests run without MkDocs

    for path, content in check_pages().items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001 - MkDocs's signature
    """Fill in the generated parts of a page."""
    return expanded(markdown, page.file.src_uri)


def on_post_build(*, config: Any) -> None:
    """Fail where a page would load anything from another host."""
    found = {
        path.name: _REMOTE.findall(path.read_text(encoding="utf-8")) for path in Path(config.site_dir).rglob("*.html")
    }
    remote = {name: tags for name, tags in found.items() if tags}
    if remote:
        raise StaleDocsError(f"These pages load something from another host: {remote}")
