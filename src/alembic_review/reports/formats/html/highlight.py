"""SQL and Python with the words of the language marked."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.sql import SqlLexer
from pygments.token import Comment, Keyword, Literal, Name, _TokenType

from alembic_review.reports.parts.names import visible

_LEXERS: dict[str, type[Lexer]] = {"sql": SqlLexer, "python": PythonLexer}
LANGUAGES = tuple(_LEXERS)
_CLASSES = (
    (Keyword, "keyword"),
    (Literal.String, "string"),
    (Literal.Number, "number"),
    (Comment, "comment"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Builtin, "keyword"),
)


def highlighted(text: str, language: str) -> Markup:
    """``text`` as HTML of one code block, each character of it there; ``language`` is ``sql`` or ``python``."""
    shown = visible(text, lines=True).strip()
    # Not get_tokens(), which would take tabs, line ends and blank lines for its own.
    tokens = [(_class(kind), value) for _, kind, value in _LEXERS[language]().get_tokens_unprocessed(shown)]
    parts = []
    for name, group in groupby(tokens, key=lambda token: token[0]):
        value = escape("".join(value for _, value in group))
        parts.append(Markup('<span class="{}">{}</span>').format(f"code-{name}", value) if name else value)
    return Markup("<pre><code>{}</code></pre>").format(Markup("").join(parts))


def _class(kind: _TokenType) -> str:
    ancestors = kind.split()
    return next((name for parent, name in _CLASSES if parent in ancestors), "")
