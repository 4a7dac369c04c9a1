"""One reader for each report: what a person or a program makes of it.

``text`` is everything that can be read, ``skeleton`` everything that is structure: tags, tokens, keys, commands. A name
that stays a name changes the first and never the second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

from alembic_review.reports.parts.names import visible, writable
from tests.reports.formats.test_github import commands
from tests.reports.formats.test_sarif import VALIDATOR
from tests.reports.test_json_schema import VALIDATOR as REPORT_VALIDATOR

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# What forges make mentions, references, emoji and links of.
MADE_BY_FORGES = re.compile(
    r"@[\w.]|[#!~$%&]\w|[#~%]\"|:[\w+-]+:|\w://|\bwww\.\w|\bgh-\d|[\w.+-]@[\w-]", flags=re.IGNORECASE
)
_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
STEERING = ("on", "href", "src", "action", "formaction", "srcdoc", "xlink:href")


@dataclass(frozen=True)
class Reader:
    """``shown`` is how the report writes a name."""

    text: Callable[[str], str]
    skeleton: Callable[[str], object]
    shown: Callable[[str], str] = visible


def _plain(report: str) -> str:
    assert not CONTROL.search(report)
    return report


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for part in node.values():
            yield from _strings(part)
    elif isinstance(node, list):
        for part in node:
            yield from _strings(part)
    elif isinstance(node, str):
        yield node


def _shape(node: Any, path: str = "$") -> set[str]:
    if isinstance(node, dict):
        return {path}.union(*(_shape(part, f"{path}.{key}") for key, part in node.items()))
    if isinstance(node, list):
        return {path}.union(*(_shape(part, f"{path}[]") for part in node))
    return {path}


def _json(report: str) -> str:
    data = json.loads(report)
    REPORT_VALIDATOR.validate(data)
    return "\n".join(_strings(data))


def _sarif(report: str) -> str:
    log = json.loads(report)
    VALIDATOR.validate(log)
    texts = []
    for result in log["runs"][0]["results"]:
        message = result["message"]["text"]
        assert not re.search(r"(?<!\\)\[[^\]]*(?<!\\)\]\(", message)
        texts.append(message)
        for place in result["locations"]:
            texts += [name["fullyQualifiedName"] for name in place["logicalLocations"]]
    return "\n".join(texts)


def _markdown_tokens(report: str) -> list[Any]:
    return _MARKDOWN.parse(report)


def _markdown(report: str) -> str:
    found = [piece for piece in _markdown_pieces(report) if MADE_BY_FORGES.search(piece)]
    assert not found
    texts = []
    for token in _markdown_tokens(report):
        texts += [child.content for child in token.children or [] if not _is_break(child)] or [token.content]
    return _plain("".join(texts).replace("<wbr>", ""))


def _is_break(token: Any) -> bool:
    return bool(token.type == "html_inline" and token.content in ("<wbr>", "<br>"))


def _markdown_pieces(report: str) -> list[str]:
    """The pieces of text outside of code in the finished page, each as forges search it."""
    page = _parsed(_MARKDOWN.render(report))
    return [text for text, inside in page.pieces if not {"code", "pre"} & set(inside)]


def _markdown_skeleton(report: str) -> object:
    """Blocks in their order, and which kinds of inline markup there are."""
    tokens = _markdown_tokens(report)
    children = [child for token in tokens for child in token.children or [] if not _is_break(child)]
    inline = {child.type for child in children} - {"text", "text_special", "softbreak"}
    blocks = [token.content.replace("<wbr>", "") for token in tokens if token.type == "html_block"]
    html = [re.sub(r"[^<>/a-z]", "", block) for block in blocks]
    return [token.type for token in tokens], inline, html


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.steering: list[tuple[str, str, str | None]] = []
        self.code: list[str] = []
        self.pieces: list[tuple[str, tuple[str, ...]]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        # How highlighted code and drawn names are cut into pieces depends on names, and backticks in one become code.
        if tag not in {"span", "tspan", "code"}:
            self.tags.append(f"{tag} {sorted(name for name, _ in attrs)}")
        self.texts += [value for _, value in attrs if value]
        self.steering += [(tag, name, value) for name, value in attrs if name.startswith(STEERING)]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        running = self._open and self._open[-1] in {"script", "style"}
        (self.code if running else self.texts).append(data)
        self.pieces.append((data, tuple(self._open)))


def _parsed(report: str) -> _Html:
    parser = _Html()
    parser.feed(report)
    parser.close()
    return parser


def _html(report: str) -> str:
    for drawing in re.findall(r"<svg\b.*?</svg>", report, re.DOTALL):
        ET.fromstring(drawing)
    return "".join(_parsed(report).texts)


def _html_skeleton(report: str) -> object:
    page = _parsed(report)
    return page.tags, page.steering, page.code


READERS = {
    "terminal": Reader(_plain, lambda report: bool(CONTROL.search(report))),
    "owners": Reader(_plain, lambda report: bool(CONTROL.search(report))),
    "json": Reader(_json, lambda report: _shape(json.loads(report)), writable),
    "markdown": Reader(_markdown, _markdown_skeleton),
    "html": Reader(_html, _html_skeleton),
    "sarif": Reader(_sarif, lambda report: _shape(json.loads(report)), writable),
    "github": Reader(
        lambda report: "\n".join(command.data for command in commands(report)),
        lambda report: [(command.name, sorted(command.properties)) for command in commands(report)],
    ),
    "gitlab": Reader(lambda report: "\n".join(_strings(json.loads(report))), lambda report: _shape(json.loads(report))),
}
