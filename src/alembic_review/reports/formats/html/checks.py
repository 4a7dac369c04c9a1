"""The page of a check as HTML, for the page of a review."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

_HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5"}
_TITLE = re.compile(r"\A# .*\n+")


def check_page(page: str) -> Markup:
    """The Markdown of a check without its title. Its links lead out of the page, so only their text is kept."""
    parser = _parser()
    tokens = parser.parse(_TITLE.sub("", page))
    for token in tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
        if token.type == "fence":
            token.info = ""  # it would become a class
        if token.children is not None:
            token.children = [child for child in token.children if child.type not in ("link_open", "link_close")]
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - part of this package, without HTML


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
