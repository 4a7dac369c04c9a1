"""The passwords that this process knows by their text: collected from settings, hidden wherever they occur.

They are kept in memory only, and never become part of facts, reviews or reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

_SHORTEST = 5  # characters; shorter ones are part of too many words
_STRONG = 8  # characters; from here on, a mixture of letters and others is no part of another word by chance
# What development set-ups use for a password, and what stands for one.
_EVERYDAY = frozenset(
    """
    admin administrator alembic change changeme config database default disable disabled docker
    enable enabled example false guest localhost mariadb mysql nobody oracle passphrase passwd
    password postgres postgresql prefer pgsql private public require required review scratch secret
    server sqlite string testing tests token user1 username value
    """.split()  # noqa: SIM905 - one line for each of these words is no help
)
_REFERENCE = re.compile(r"\A(?:env:|%\(|\$|\{|<|\*+\Z)")

# What SQLAlchemy takes for the password ends with the first @, what people mean by it with the last one.
_URL = re.compile(
    r"""(?<=\w):/{1,3}(?P<user>[^\s:/@'"]*):(?!\d{1,5}(?:[/?\#\s]|$))(?P<password>[^\n@]*)
    @(?P<rest>(?:[^\s"'@]*@)*)(?P<host>[^\s:/@'"?]*)(?::\d*)?(?:/(?P<database>[^\s?'"&]*))?""",
    re.VERBOSE,
)
_NAMES = r"(?:password|passwd|passphrase|pwd|secret|token|(?:secret|access|api)_key)"
# A short name is a word of its own: not the end of "bypass".
_SHORT = r"(?<![a-z])(?:db|pg)?pass"
_QUERY = re.compile(rf"[?&]\w*{_NAMES}=(?P<password>[^\s&\"'#]+)", re.IGNORECASE)
_ENTRY = re.compile(
    rf"""(?<![?&\w])[\w.\-]*(?:{_NAMES}["']?\s*[=:]|{_SHORT}(?:["']\s*[=:]|\s*=))\s*
    (?: "(?P<double>[^"\n]+)" | '(?P<single>(?:[^'\\\n]|\\.)+)' | (?P<plain>[^\s"'][^\s,;&]*)(?P<more>[^\n]*) )""",
    re.IGNORECASE | re.VERBOSE,
)
# A password may be one of several: DB_PASSWORD_PROD, PASSWORD2. Other last words make something else of it.
_ABOUT = (
    "encryption|expiry|file|hash|hasher|hashers|length|max|min|path|policy|reset|rounds|salt|timeout|url|validators"
)
_NAME = re.compile(
    rf"(?:{_NAMES}|{_SHORT}|(?<![a-z])(?:db|pg)?pw|(?:password|passwd)(?:\d+|_(?!(?:{_ABOUT})\Z)[a-z\d]+))\Z",
    re.IGNORECASE,
)
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_OF_FILE = "_FILE"


class _Known:
    """What has been learned in this process."""

    literals: frozenset[str] = frozenset()


def learn(literals: Iterable[str]) -> tuple[str, ...]:
    """Hide these from now on; returns those that are new. Words that occur in any text are left out."""
    new = frozenset(filter(_is_secret, literals)) - _Known.literals
    if new:
        _Known.literals |= new
    return tuple(sorted(new))


def forget() -> None:
    """Begin anew, for another application."""
    _Known.literals = frozenset()


def known() -> tuple[str, ...]:
    """All that is hidden, for the worker."""
    return tuple(sorted(_Known.literals))


def hide(text: str, names: Collection[str] = ()) -> str:
    """The text without the known passwords; one that is also one of ``names``, in lower case, is left as it is."""
    literals = _Known.literals
    if not literals:
        return text
    if names:
        literals = frozenset(literal for literal in literals if literal.lower() not in names)
    forms, pattern = _compiled(literals)
    if pattern is None or not any(form in text for form in forms):
        return text
    return pattern.sub(HIDDEN, text)


def is_named_like_one(name: str) -> bool:
    """Tell whether a variable or a key of this name holds a password."""
    return name not in _FOLDERS and _NAME.search(name) is not None


def is_file_of_one(name: str) -> bool:
    """Tell whether a variable of this name holds the path of a file with a password, as Docker has it."""
    return name.upper().endswith(_OF_FILE) and is_named_like_one(name[: -len(_OF_FILE)])


def passwords_in(text: str) -> Iterator[str]:
    """The passwords of the URLs, connection strings and ``name = value`` lines in a text."""
    for line in text.splitlines():
        if ":/" in line:
            for found in _URL.finditer(line):
                yield from _of_url(found)
            for query in _QUERY.finditer(line):
                yield from (query["password"], unquote_plus(query["password"]))
        for entry in _ENTRY.finditer(line):
            yield from _of_entry(entry)


def _of_url(found: re.Match[str]) -> Iterator[str]:
    others = {found["user"], found["host"], found["database"]}
    for password in {found["password"], f"{found['password']}@{found['rest']}".rstrip("@")} - others:
        # An ini doubles its percent signs.
        for plain in (password, password.replace("%%", "%")):
            yield from (plain, unquote(plain))


def _of_entry(entry: re.Match[str]) -> Iterator[str]:
    value = entry["double"] or entry["single"] or entry["plain"]
    yield from (value, value.replace("%%", "%"), re.sub(r"\\(.)", r"\1", value))
    # In a file the value may go on to the end of the line; in a connection string another name follows.
    if entry["more"] and entry["more"].strip() and "=" not in entry["more"]:
        yield f"{value}{entry['more']}".strip()


def _is_secret(literal: str) -> bool:
    return len(literal) >= _SHORTEST and literal.lower() not in _EVERYDAY and not _REFERENCE.match(literal)


@lru_cache(maxsize=16)
def _compiled(literals: frozenset[str]) -> tuple[tuple[str, ...], re.Pattern[str] | None]:
    forms = {form: _is_strong(literal) for literal in literals for form in _forms(literal)}
    if not forms:
        return (), None
    # The longest first: one may begin with another.
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    return tuple(ordered), re.compile("|".join(_bounded(form, strong=forms[form]) for form in ordered))


def _is_strong(literal: str) -> bool:
    letters = sum(char.isalpha() for char in literal)
    return len(literal) >= _STRONG and 0 < letters < len(literal)


def _bounded(form: str, *, strong: bool) -> str:
    """The form as a pattern, no part of another word; an escape before it is none."""
    pattern = re.escape(form)
    if strong:
        return pattern
    before = r"(?:(?<!\w)|(?<=\\[abfnrtv])|(?<=%[0-9A-Fa-f]{2}))" if _is_word(form[0]) else ""
    return f"{before}{pattern}" + (r"(?!\w)" if _is_word(form[-1]) else "")


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _in_html(text: str) -> str:
    """As ``html.escape`` does it, whose module takes long to import."""
    for char, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;")):
        text = text.replace(char, reference)
    return text


def _forms(literal: str) -> set[str]:
    """A password as texts write it: plain, in a URL, in an ini, and in strings of Python, JSON, SQL and HTML."""
    url = {
        quote(literal, safe=""),
        quote(literal, safe=" +"),
        quote_plus(literal),
        re.sub(r"[:@/]", lambda found: f"%{ord(found[0]):X}", literal),
    }
    strings = {
        repr(literal)[1:-1],
        repr(f"{literal}'")[1:-2],
        ascii(literal)[1:-1],
        json.dumps(literal)[1:-1],
        json.dumps(literal, ensure_ascii=False)[1:-1],
        literal.replace("\\", "\\\\").replace("'", "\\'"),
        literal.replace("'", "''"),
        _in_html(literal),
    }
    plain = {literal, *url, *strings}
    return plain | {form.replace("%", "%%") for form in plain}
