"""The pictures in the docs: ``python -m tests.looks.captures REVIEW PULL_REQUEST FOLDER``, from two saved reviews."""

from __future__ import annotations

import argparse
import io
import re
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import Browser
from rich.console import Console
from rich.text import Text

from alembic_review.model.review import Review
from alembic_review.reports import Options
from alembic_review.reports.formats import html, markdown, terminal
from alembic_review.reports.formats.json import read
from tests.looks.browser import chromium

COLUMNS = 100
LARGEST = 300_000  # bytes of one picture
# About as forges show comments.
COMMENT_STYLE = """
body { margin: 0; padding: 24px; background: #f6f8fa; font: 14px/1.5 system-ui, sans-serif; color: #1f2328; }
article { max-width: 860px; background: #fff; border: 1px solid #d1d9e0; border-radius: 6px; padding: 16px 20px; }
h2 { margin: 0 0 12px; padding-bottom: 6px; border-bottom: 1px solid #d1d9e0; font-size: 20px; }
h3 { margin: 20px 0 8px; font-size: 16px; }
table { border-collapse: collapse; }
th, td { border: 1px solid #d1d9e0; padding: 6px 10px; text-align: left; vertical-align: top; }
tr:nth-child(even) td { background: #f6f8fa; }
details { margin: 10px 0; }
"""


def terminal_svg(review: Review) -> str:
    """The terminal report in colour, as an SVG that loads nothing."""
    coloured = terminal.render(review, Options(width=COLUMNS, colour=True))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, _environ={})
    console.print(Text.from_ansi(coloured), soft_wrap=True)
    drawing = console.export_svg(title="alembic-review -c app/acme.conf", unique_id="terminal")
    # rich names a font on the web; without it the reader's own monospace font is taken.
    return re.sub(r"\s*@font-face \{.*?\}", "", drawing, flags=re.DOTALL)


def comment_page(review: Review) -> str:
    """The Markdown report as a page with a plain style."""
    body = MarkdownIt("gfm-like", {"linkify": False}).render(markdown.render(review, Options()))
    return f"<!DOCTYPE html><meta charset=utf-8><style>{COMMENT_STYLE}</style><article>{body}</article>"


def shoot(browser: Browser, page_text: str, width: int, *, height: int | None = None) -> bytes:
    """A PNG of a page in light colours: of its first ``height`` pixels, or of all of it."""
    page = browser.new_page(viewport={"width": width, "height": height or 200}, color_scheme="light")
    page.set_content(page_text)
    picture = page.screenshot(full_page=height is None)
    page.close()
    return picture


def main() -> None:
    """Write every picture; refuses one that is too large for a repository."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("review", type=Path, help="a JSON report")
    parser.add_argument("pull_request", type=Path, help="the JSON report of a pull request")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    named = parser.parse_args()
    review = read(named.review.read_bytes())
    # The session's own environment is a folder of this machine.
    review = replace(review, provenance=replace(review.provenance, interpreter=".venv/bin/python"))
    with chromium() as browser:
        pictures = {
            "terminal.svg": terminal_svg(review).encode("utf-8"),
            "html.png": shoot(browser, html.render(review, Options()), 1400, height=1000),
            "comment.png": shoot(browser, comment_page(read(named.pull_request.read_bytes())), 940),
        }
    named.folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        if len(picture) > LARGEST:
            raise SystemExit(f"{name} has {len(picture)} bytes, more than {LARGEST}")
        (named.folder / name).write_bytes(picture)


if __name__ == "__main__":
    main()
