"""Hides passwords in text that people or machines will read. In doubt it hides more than the password."""

from __future__ import annotations

import re

HIDDEN = "***"

# user:password@ of a URL. A user may hold an @, a password anything but white space; a double quote ends it only where
# it ends a string.
_URL = re.compile(r"""(?P<head>(?<=\w)://[^\s:/]*:)(?:[^\s"]|"(?![\s,:;)\]}]|$))*@""")
# password=… in the query of a URL, where an & ends it.
_QUERY = re.compile(r"""(?P<head>[?&]\w*(?:password|passwd|pwd)=)[^\s&"]*""", re.IGNORECASE)
# password=…, 'password': …, PGPASSWORD=…, and SQL's PASSWORD '…' and IDENTIFIED BY '…'. A quoted value ends with its
# quote, which may be escaped or doubled within, or with the line; any other with white space.
_KEY = re.compile(
    r"""(?P<head>
        (?<![?&]) (?:password|passwd|pwd) (?: ['"\\]*\s*(?:=|:|%3D)\s* | \s+(?=['"]) )
        | (?<!revision\ )identified\s+by\s+ (?=['"])
    )
    (?:
        [bru]{0,2}'(?:[^'\\\n]|\\.?|'')*'?
        | [bru]{0,2}"(?:[^"\\\n]|\\.?|"")*"?
        | \{[^}\n]*\}?
        | (?:[^\s\\]|\\.)+
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def mask(text: str) -> str:
    """Replace the passwords in URLs, connection strings, calls, mappings and SQL by three stars."""
    text = _URL.sub(rf"\g<head>{HIDDEN}@", text)
    text = _QUERY.sub(rf"\g<head>{HIDDEN}", text)
    return _KEY.sub(rf"\g<head>{HIDDEN}", text)
