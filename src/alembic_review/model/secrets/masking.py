"""Hides passwords in text that people or machines will read. In doubt it hides more than the password."""

from __future__ import annotations

import re
from collections.abc import Collection

from alembic_review.model.secrets.known_passwords import HIDDEN, hide

__all__ = ["HIDDEN", "mask", "mask_urls"]

# user:password@ of a URL, also of one whose slashes a path function has cut down. A user may hold an @, a password
# anything but white space; a double quote ends it only where it ends a string.
_URL = re.compile(r"""(?P<head>(?<=\w):/{1,3}[^\s:/]*:)(?:[^\s"]|"(?![\s,:;)\]}]|$))*@""")
# The same for a password with white space in it, unless the number of a port follows the colon.
_SPACED_URL = re.compile(
    r"""(?P<head>(?<=\w):/{1,3}[^\s:/@]*:)(?!\*\*\*@)(?!\d{1,5}(?:[/?\#\s,;)\]'"]|$))[^\n@"]*@(?:[^\s"]*@)?""",
    re.VERBOSE,
)
# password=… in the query of a URL, where an & ends it.
_QUERY = re.compile(r"""(?P<head>[?&]\w*(?:password|passwd|pwd)=)[^\s&"]*""", re.IGNORECASE)
# password=…, 'password': …, PGPASSWORD=…, and SQL's PASSWORD '…' and IDENTIFIED BY '…'. A quoted value ends with its
# quote, which may be escaped or doubled within, or with the line; any other with white space; within another
# string the quotes are escaped themselves. With white space before it, == compares; without, the value begins with =.
_KEY = re.compile(
    r"""(?P<head>
        (?<![?&]) (?:password|passwd|pwd)
        (?: ['"\\]*\s*(?:(?<!\s)=|=(?!=)|:(?![:=])|:=|%3D)\s* | (?:\s|\\[nrt])+(?=['"]) )
        | (?<!revision\ )identified\s+by(?:\s|\\[nrt])+ (?=['"])
    )
    (?:
        \\(?P<escaped>['"])(?:\\{3}(?P=escaped)|(?!\\(?P=escaped))[^\n])*(?:\\(?P=escaped))?
        | [bru]{0,2}'(?:[^'\\\n]|(?:\\\\)+'(?=\w)|\\.?|'')*'?
        | [bru]{0,2}"(?:[^"\\\n]|\\.?|"")*"?
        | \{[^}\n]*\}?
        | (?:[^\s\\]|\\.)+
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# SQL's PASSWORD and IDENTIFIED BY with other quotes than the plain ones: dollars, prefixes, and quotes that are doubled
# within another string. An odd number of quotes is a plain string that begins with a quote.
_SQL = re.compile(
    r"""(?P<head>(?:password|(?<!revision\ )identified\s+by)(?:\s|\\[nrt])+)
    (?:
        \$(?P<tag>\w*)\$(?:(?!\$(?P=tag)\$).)*(?:\$(?P=tag)\$)?
        | (?:e|u&)'(?:[^'\\\n]|\\.?|'')*'?
        | (?P<quotes>(?:'')+)(?!['\s,;)\]}]|$)(?:(?!(?P=quotes))[^\n])*(?:(?P=quotes))?
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def mask(text: str, names: Collection[str] = ()) -> str:
    """Replace the passwords in URLs, connection strings, calls, mappings and SQL, and all known ones, by three stars.

    ``names`` are words that are no secret, as for ``hide``.
    """
    text = _SQL.sub(rf"\g<head>{HIDDEN}", mask_urls(hide(text, names)))
    return _KEY.sub(rf"\g<head>{HIDDEN}", text)


def mask_urls(text: str) -> str:
    """Replace the passwords in URLs by three stars."""
    if ":/" in text:
        text = _SPACED_URL.sub(rf"\g<head>{HIDDEN}@", _URL.sub(rf"\g<head>{HIDDEN}@", text))
    return _QUERY.sub(rf"\g<head>{HIDDEN}", text) if "=" in text else text
