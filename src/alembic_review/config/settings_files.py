"""Reading settings out of pyproject.toml and of the ini that Alembic reads, decoded and validated.

Messages name file and key, never a value or a source line: these may hold a password.
"""

from __future__ import annotations

import configparser
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from alembic_review.model.errors import UsageError
from alembic_review.model.settings import AcceptNew, FailOn

SECTION = "alembic-review"


class EnvironmentSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """One table of ``[[tool.alembic-review.environments]]``."""

    config: str | None = None
    config_from: str | None = None
    section: str | None = None
    x: tuple[str, ...] = ()


class AcceptSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """One table of ``[[tool.alembic-review.accept]]``."""

    code: str
    table: str | None = None
    column: str | None = None
    name: str | None = None
    revision: str | None = None
    fingerprint: str | None = None
    reason: str
    until: date | None = None


class FileSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What a file may set; ``None`` where it says nothing. ``timeout`` is in seconds."""

    config: str | None = None
    config_from: str | None = None
    context: str | None = None
    preload: tuple[str, ...] | None = None
    env: dict[str, str] | None = None
    env_file: str | None = None
    section: str | None = None
    x: tuple[str, ...] | None = None
    custom: tuple[str, ...] | None = None
    owners: dict[str, str] | None = None
    core: tuple[str, ...] | None = None
    prefix: str | None = None
    fail_on: tuple[FailOn, ...] | None = None
    severity: dict[str, str] | None = None
    server: str | None = None
    server_version: int | None = None
    python: str | None = None
    timeout: float | None = None
    before: str | None = None
    rename: tuple[str, ...] | None = None
    cache: bool | None = None
    environments: tuple[EnvironmentSettings, ...] | None = None
    accept: tuple[AcceptSettings, ...] | None = None
    accept_new: AcceptNew | None = None


ENVIRONMENT_KEYS = tuple(field.encode_name for field in msgspec.structs.fields(EnvironmentSettings))
ACCEPT_KEYS = tuple(field.encode_name for field in msgspec.structs.fields(AcceptSettings))
KEYS = tuple(field.encode_name for field in msgspec.structs.fields(FileSettings))
_TYPES = {
    " | null": "",
    "`array`": "a list",
    "`object`": "a table",
    "`str`": "a string",
    "`float`": "a number",
    "Expected `int`": "Expected a whole number",
    "`int`": "a number",
    "`bool`": "true or false",
    "`date`": "a date such as 2030-12-31",
    "`datetime`": "a time",
    "Invalid RFC3339 encoded date": "Expected a date such as 2030-12-31",
    "Object missing required field": "Missing key",
}
_BOOLEANS = configparser.RawConfigParser.BOOLEAN_STATES
_PAIRS = {"env": "NAME = value", "severity": "CODE = LEVEL"}
TABLES = ("environments", "accept")
"""Keys that are lists of tables: only the pyproject.toml of the project has them."""
_LISTS = frozenset({"custom", "core", "fail-on", "preload"})
_LINES = frozenset({"x", "rename"})


@dataclass(frozen=True)
class Layer:
    """What one source says; ``place`` is how messages name it, ``path`` its file, ``folder`` where its paths start."""

    place: str
    folder: Path
    settings: FileSettings
    path: Path | None = None


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises ``UsageError`` if it can't be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    except ValueError as error:  # an integer of thousands of digits
        raise UsageError(f"{path} is not valid TOML: a number in it is too long.") from error
    except RecursionError:
        raise UsageError(f"{path} can't be read: its arrays or tables are nested too deeply.") from None


def table_of(data: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The table at the path ``names``; empty if there is none."""
    found: Any = data
    for name in names:
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def pyproject_layer(path: Path) -> Layer | None:
    """The ``[tool.alembic-review]`` table of a pyproject.toml; ``None`` where it has none."""
    tool = read_toml(path).get("tool", {})
    if not isinstance(tool, Mapping):
        return None
    _refuse_misspelt(tool, path, "tool.")
    if SECTION not in tool:
        return None
    place = f"[tool.{SECTION}] of {path}"
    table = tool[SECTION]
    if not isinstance(table, Mapping):
        raise UsageError(f"{place} is not a table.")
    return Layer(place, path.parent, decode(dict(table), place), path)


def ini_layer(path: Path) -> Layer | None:
    """The ``[alembic-review]`` section of an ini, interpolated as Alembic does; ``None`` where it has none."""
    parser = read_ini(path)
    _refuse_misspelt(parser.sections(), path, "")
    if not parser.has_section(SECTION):
        return None
    place = f"[{SECTION}] of {path}"
    # Without a default section its own keys are told from those that [DEFAULT] and %(here)s hand to every section.
    bare = _parse(path, configparser.ConfigParser(interpolation=None, default_section="\0"))
    keys = bare.options(SECTION)
    _refuse_unknown(keys, place)
    for key in TABLES:
        if key in keys:
            raise UsageError(
                f"{place}: `{key}` can only be set in pyproject.toml.",
                hint=f"Write each entry as a table: [[tool.alembic-review.{key}]]",
            )
    return Layer(place, path.parent, decode({key: _ini_value(parser, key, place) for key in keys}, place), path)


def _refuse_misspelt(sections: Iterable[str], path: Path, start: str) -> None:
    """Settings in a section that is nearly called like ours would be settings that nobody reads."""
    for section in sections:
        if section != SECTION and re.sub(r"[\W_]", "", section.lower()) == SECTION.replace("-", ""):
            raise UsageError(
                f"{path} has settings in [{start}{section}], which nothing reads.",
                hint=f"Did you mean [{start}{SECTION}]?",
            )


def read_ini(path: Path) -> configparser.ConfigParser:
    """The ini file as Alembic reads it, with ``%(here)s``.

    Raises ``UsageError`` with the file and line if it can't be parsed.
    """
    return _parse(path, configparser.ConfigParser({"here": path.absolute().parent.as_posix()}))


def _parse(path: Path, parser: configparser.ConfigParser) -> configparser.ConfigParser:
    try:
        with path.open(encoding="locale") as stream:
            parser.read_file(stream, str(path))
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in the encoding of this locale.") from error
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        what = error.option if isinstance(error, configparser.DuplicateOptionError) else f"[{error.section}]"
        raise UsageError(f"{path}, line {error.lineno}: {what} is defined twice.") from None
    except configparser.MissingSectionHeaderError as error:
        raise UsageError(
            f"{path}, line {error.lineno}: text before the first [section].",
            hint="-c takes what `alembic -c` takes: an ini file or pyproject.toml.",
        ) from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(number) for number, _ in error.errors)
        raise UsageError(f"{path}, line {lines}: neither a section nor a `key = value`.") from None
    return parser


def _ini_value(parser: configparser.ConfigParser, key: str, place: str) -> object:
    try:
        text = parser.get(SECTION, key)
    except configparser.InterpolationError as error:
        raise UsageError(
            f"{place}: the value of `{key}` can't be interpolated.", hint="A plain % is written %% there."
        ) from error
    if key in _LISTS:
        return [word for word in re.split(r"[,\s]+", text) if word]
    if key in _LINES:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if key == "owners":
        return dict(_owner(entry, place) for entry in re.split(r"[,\n]", text) if entry.strip())
    if key in _PAIRS:
        return dict(_pair(key, line, place) for line in text.splitlines() if line.strip())
    return _ini_scalar(key, text.strip(), place)


def _ini_scalar(key: str, text: str, place: str) -> object:
    if key == "cache":
        if text.lower() not in _BOOLEANS:
            raise UsageError(f"{place}: `cache` is neither true nor false.")
        return _BOOLEANS[text.lower()]
    numbers: dict[str, tuple[type[int | float], str]] = {
        "timeout": (float, "a number of seconds"),
        "server-version": (int, "a major version, such as 16"),
    }
    if key in numbers:
        number, meaning = numbers[key]
        try:
            return number(text)
        except ValueError:
            raise UsageError(f"{place}: `{key}` is not {meaning}.") from None
    return text


def _owner(entry: str, place: str) -> tuple[str, str]:
    table, separator, owner = (part.strip() for part in entry.partition("="))
    if not (table and separator and owner):
        raise UsageError(f"{place}: an entry of `owners` is not `table = package`.")
    return table, owner


def _pair(key: str, line: str, place: str) -> tuple[str, str]:
    name, separator, value = (part.strip() for part in line.partition("="))
    if not separator:
        raise UsageError(f"{place}: a line of `{key}` is not `{_PAIRS[key]}`.")
    return name, value


def decode(data: dict[str, object], place: str) -> FileSettings:
    """The settings of one table. Raises ``UsageError``, in which ``place`` names the table."""
    _refuse_unknown(list(data), place)
    for key, known in (("environments", ENVIRONMENT_KEYS), ("accept", ACCEPT_KEYS)):
        for table in _tables(data.get(key)):
            _refuse_unknown(list(table), f"{place}: `{key}`", known)
    for key, value in data.items():
        if _has_null(value):
            raise UsageError(f"{place}: `{key}` contains a null character.")
    try:
        return msgspec.convert(data, FileSettings)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        key = path.strip("`").removeprefix("$.")
        hint = f"`fail-on` knows {', '.join(kind.value for kind in FailOn)}." if key.startswith("fail-on[") else ""
        raise UsageError(f"{place}: `{key}`: {_in_words(what)}.", hint=hint) from error


def _has_null(value: object) -> bool:
    """Whether a null character is anywhere in a value: no path and no variable can have one."""
    if isinstance(value, Mapping):
        return any(_has_null(one) for pair in value.items() for one in pair)
    if isinstance(value, list):
        return any(map(_has_null, value))
    return isinstance(value, str) and "\0" in value


def _in_words(problem: str) -> str:
    for name, words in _TYPES.items():
        problem = problem.replace(name, words)
    return problem[:1].lower() + problem[1:]


def _tables(value: object) -> Iterator[Mapping[str, object]]:
    for table in value if isinstance(value, list) else ():
        if isinstance(table, Mapping):
            yield table


def _refuse_unknown(keys: list[str], place: str, known: tuple[str, ...] = KEYS) -> None:
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key.lower().replace("_", "-"), known, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"The keys are {', '.join(known)}."
            raise UsageError(f"{place}: unknown key `{key}`.", hint=hint)
