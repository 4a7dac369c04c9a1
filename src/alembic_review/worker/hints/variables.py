"""A setting or an environment variable that the application needs and does not find."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from alembic_review.model.secrets.withheld_variables import WITHHELD
from alembic_review.worker.driver_errors import chain
from alembic_review.worker.hints.fault import Fault
from alembic_review.worker.hints.unset import Reading, loaded_files, unset_in
from alembic_review.worker.worker_errors import application_stack

_EXAMPLE = "postgresql://localhost/app"
_DOTENV = ".env"
# Of a database, and a whole URL.
_DATABASE = re.compile(r"DATABASE|DB|POSTGRES|PG|SQL", re.IGNORECASE)
_URL = re.compile(r"(?:^|_)(?:URL|URI|DSN)(?:_|$)", re.IGNORECASE)
_WORD = r"([A-Za-z_][A-Za-z0-9_]*)"

# Module of the exception's class, or of the code that raised it, and its message.
_MESSAGES = (
    ("environs", rf'^Environment variable "{_WORD}" not set'),
    ("decouple", rf"^{_WORD} not found\. Declare it as envvar"),
    ("starlette", rf"Config '{_WORD}' is missing, and has no default"),
    ("environ", rf"^Set the {_WORD} environment variable"),
    ("flask", rf"^The environment variable '{_WORD}' is not set"),
)
_CAPITALS = r"[\"'`]?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)[\"'`]?"
_SPOKEN_OF = (
    re.compile(rf"(?:environment variable|env(?:ironment)? var|envvar)s?:? {_CAPITALS}(?!\w)"),
    re.compile(rf"(?<!\w){_CAPITALS} (?:environment variable|env(?:ironment)? var|envvar)"),
)
# What an application's own check says of a variable, where its source reads one of that name.
_COMPLAINT = re.compile(
    r"not set|unset|not defined|undefined|missing|required|must be|not found|not configured|empty", re.IGNORECASE
)
_NAME = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b")
# What None or an empty string in place of a URL leads to.
_WITHOUT_URL = (
    re.compile(r"^Expected string or URL object, got None"),
    re.compile(r"^Could not parse (?:SQLAlchemy|rfc1738) URL from (?:given URL string|string '')"),
    re.compile(r"^option values must be strings"),
    re.compile(r"^invalid literal for int\(\) with base 10: 'None'"),
    re.compile(r"^Either 'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set"),
    re.compile(r"has no attribute '_instantiate_plugins'"),  # create_engine(None) on SQLAlchemy 1.4
)
_NONE = re.compile(r"'?NoneType'?")


def hint(fault: Fault) -> str:
    """Which variable to set, and where; an empty string when the error has another reason."""
    for error in chain(fault.error):
        for family in _FAMILIES:
            names = [name for name in family(error) if name]
            missing = [name for name in dict.fromkeys(names) if name not in os.environ]
            if missing:
                return _advice(missing)
    readings = _instead_of_a_url(fault)
    return _advice([reading.variable for reading in readings], readings[0]) if readings else ""


def _advice(names: list[str], reading: Reading | None = None) -> str:
    """``reading`` is where the application reads the first of these variables, when the error does not show it."""
    withheld = [name for name in names if name in WITHHELD]
    if withheld:
        return (
            f"alembic-review does not pass {_listed(withheld)} to the application under review. Make the application "
            "work without it, or use the setting `env` to set it to a value that is not a secret."
        )
    noun, verb = ("environment variable", "is") if len(names) == 1 else ("environment variables", "are")
    where = f", read in {reading.path}:{reading.line}," if reading is not None else ""
    urls = [name for name in names if _is_url(name)]
    parts = [f"The {noun} {_listed(names)}{where} {verb} not set."]
    stored = _in_dotenv(names)
    others = [name for name in names if name not in stored]
    if stored:
        parts.append(f'{_DOTENV} sets {_listed(stored)}: add env-file = "{_DOTENV}" to [tool.alembic-review].')
    if others:
        values = ", ".join(f'{name} = "{_EXAMPLE if name in urls else "…"}"' for name in others)
        them = _listed(others) if stored else "it" if len(names) == 1 else "them"
        parts.append(f"Set {them}, or add env = {{ {values} }} to [tool.alembic-review].")
    if urls:
        parts.append(f"For {_listed(urls)}, any URL of the right dialect will do: that database is not contacted.")
    else:
        parts.append("The database that the application's settings name is not contacted.")
    return " ".join(parts)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_url(name: str) -> bool:
    return bool(_URL.search(name) and (_DATABASE.search(name) or name.upper() == "DSN"))


def _in_dotenv(names: list[str]) -> list[str]:
    """Those of ``names`` that the file ``.env`` of the working directory sets."""
    try:
        with open(_DOTENV, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return []
    return [name for name in names if re.search(rf"^\s*(?:export\s+)?{re.escape(name)}\s*=", text, re.MULTILINE)]


def _from_environ(error: BaseException) -> Iterator[str]:
    """``os.environ["X"]``."""
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], (str, bytes)):
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        # The class of `os.environ` may be derived from its own.
        readers = [vars(kind).get("__getitem__") for kind in type(os.environ).__mro__]
        if trace is not None and trace.tb_frame.f_code in [getattr(reader, "__code__", None) for reader in readers]:
            yield os.fsdecode(error.args[0])


def _from_message(error: BaseException) -> Iterator[str]:
    """Libraries that read settings, and applications that speak of an environment variable."""
    modules = {type(error).__module__.partition(".")[0], _raised_in(error)}
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    for module, pattern in _MESSAGES:
        found = re.search(pattern, text) if module in modules else None
        if found is not None:
            yield found.group(1)
    if _COMPLAINT.search(text):
        for spoken in _SPOKEN_OF:
            yield from spoken.findall(text)


def _from_pydantic(error: BaseException) -> Iterator[str]:
    """The variables of the required fields of a ``BaseSettings`` that got no value."""
    if type(error).__name__ != "ValidationError" or not type(error).__module__.startswith("pydantic"):
        return
    told: Any = error
    settings = _settings_class(told)
    if settings is None:
        return
    environment = {name.lower() for name in os.environ}
    for entry in told.errors():
        if entry.get("type") in ("missing", "value_error.missing"):
            for location in _required(settings, tuple(map(str, entry["loc"]))):
                name = _variable_of(settings, location)
                if name.lower() not in environment:
                    yield name


def _settings_class(error: Any) -> Any:
    """The ``BaseSettings`` that was being made."""
    model = getattr(error, "model", None)  # pydantic 1
    if isinstance(model, type):
        return model if _is_settings(model) else None
    trace = error.__traceback__
    while trace is not None:
        for value in list(trace.tb_frame.f_locals.values()):
            kind = type(value)
            if _is_settings(kind) and kind.__name__ == error.title:
                return kind
        trace = trace.tb_next
    return None


def _is_settings(kind: type) -> bool:
    return any(base.__name__ == "BaseSettings" and base.__module__.startswith("pydantic") for base in kind.__mro__)


def _required(settings: Any, location: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The fields to set: of a nested model, each of its required ones."""
    field = getattr(settings, "model_fields", {}).get(location[0])
    inner = getattr(getattr(field, "annotation", None), "model_fields", {})
    if len(location) > 1 or not getattr(settings, "model_config", {}).get("env_nested_delimiter"):
        return [location]
    return [(*location, name) for name, nested in inner.items() if nested.is_required()] or [location]


def _variable_of(settings: Any, location: tuple[str, ...]) -> str:
    """The environment variable of a field: an alias stands for itself, a name gets the prefix."""
    first, *nested = location
    old = getattr(settings, "__fields__", {}).get(first) if not hasattr(settings, "model_config") else None
    if old is not None:
        names = sorted(old.field_info.extra.get("env_names", ()))
        variable = names[0] if names else first
    else:
        config = getattr(settings, "model_config", {})
        named = first in getattr(settings, "model_fields", {})
        variable = f"{config.get('env_prefix') or ''}{first}" if named else first
        nested = (
            [config["env_nested_delimiter"] + part for part in nested] if config.get("env_nested_delimiter") else []
        )
    return "".join([variable, *nested]).upper() if _ignores_case(settings) else "".join([variable, *nested])


def _ignores_case(settings: Any) -> bool:
    config = getattr(settings, "model_config", None)
    if config is None:
        return not getattr(getattr(settings, "__config__", None), "case_sensitive", False)
    return not config.get("case_sensitive")


def _from_dynaconf(error: BaseException) -> Iterator[str]:
    """A setting that Dynaconf found in no source; the variable has its prefix."""
    if not (_raised_in(error) == "dynaconf" or type(error).__module__.startswith("dynaconf")):
        return
    text = str(error.args[0]) if error.args else ""
    found = re.match(rf"{_WORD}(?: does not exist| is required in env \w+)?$", text)
    if found is None:
        return
    trace = error.__traceback__
    prefix: Any = "DYNACONF"
    while trace is not None:
        value = trace.tb_frame.f_locals.get("self")
        if type(value).__module__.startswith("dynaconf"):
            # Settings load, and may fail again, when they are asked for anything.
            with suppress(Exception):
                known = getattr(value, "ENVVAR_PREFIX_FOR_DYNACONF", prefix)
                prefix = known if isinstance(known, str) or known is False else prefix
        trace = trace.tb_next
    head = prefix.partition(",")[0].upper() if isinstance(prefix, str) else ""
    yield f"{head}_{found.group(1)}".upper() if head else found.group(1).upper()


def _from_own_check(error: BaseException) -> Iterator[str]:
    """``raise RuntimeError("DATABASE_URL is not set")``, where the source reads that variable."""
    text = str(error)
    named = set(_NAME.findall(text)) if _COMPLAINT.search(text) else set()
    if named:
        for reading in unset_in([*_files(error), *loaded_files()]):
            if reading.variable in named:
                yield reading.variable


_FAMILIES: tuple[Callable[[BaseException], Iterable[str]], ...] = (
    _from_environ,
    _from_message,
    _from_pydantic,
    _from_dynaconf,
    _from_own_check,
)


def _instead_of_a_url(fault: Fault) -> list[Reading]:
    """The unset variables that the application reads, when it used None or an empty string instead of a URL."""
    text = str(fault.error)
    if any(pattern.search(text) for pattern in _WITHOUT_URL):
        readings = unset_in([*_files(fault.error), *loaded_files()])
        return [reading for reading in readings if _is_url(reading.variable)] or readings
    if isinstance(fault.error, (TypeError, AttributeError)) and _NONE.search(text):
        return unset_in(_files(fault.error)[:1])
    return []


def _files(error: BaseException) -> list[str]:
    """The application's files in the stack of an error, innermost first."""
    return [os.path.abspath(frame.filename) for frame in reversed(application_stack(error.__traceback__))]


def _raised_in(error: BaseException) -> str:
    """The top-level module of the code that raised an error."""
    trace = error.__traceback__
    name = ""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return name.partition(".")[0]
