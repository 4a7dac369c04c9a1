"""Functions that stand for functions of SQLAlchemy, with the same signature.

SQLAlchemy reads signatures from code objects: ``create_engine`` accepts the keyword arguments that it finds in that of
``Engine.__init__`` (``sqlalchemy.util.get_cls_kwargs``), which ``functools.wraps`` does not carry over.
"""

from __future__ import annotations

import functools
from types import CodeType, FunctionType
from typing import Any

_TARGET = "__alembic_review_replacement"


def with_signature_of(original: Any, replacement: Any) -> Any:
    """A function that calls ``replacement`` and has the parameters, defaults and names of ``original``.

    ``replacement`` gets every argument as the caller passed it, defaults filled in: positional ones by position,
    keyword-only ones by name. It sees one more frame between itself and the caller, from the file ``<signature>``.
    """
    code = original.__code__
    names: dict[str, Any] = {_TARGET: replacement}
    source = f"def made({_parameters(code)}):\n    return {_TARGET}({_arguments(code)})\n"
    exec(compile(source, "<signature>", "exec"), names)  # noqa: S102 - identifiers that Python compiled before
    made: FunctionType = names["made"]
    made.__defaults__, made.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
    return functools.update_wrapper(made, original)


def _parameters(code: CodeType) -> str:
    positional, keyword_only, var_positional, var_keyword = _names(code)
    # The defaults themselves are set afterwards.
    parts = list(positional)
    if code.co_posonlyargcount:
        parts.insert(code.co_posonlyargcount, "/")
    if var_positional or keyword_only:
        parts.append(f"*{var_positional or ''}")
    parts += keyword_only
    if var_keyword:
        parts.append(f"**{var_keyword}")
    return ", ".join(parts)


def _arguments(code: CodeType) -> str:
    positional, keyword_only, var_positional, var_keyword = _names(code)
    parts = [*positional, *([f"*{var_positional}"] if var_positional else ())]
    parts += [f"{name}={name}" for name in keyword_only]
    parts += [f"**{var_keyword}"] if var_keyword else []
    return ", ".join(parts)


def _names(code: CodeType) -> tuple[list[str], list[str], str | None, str | None]:
    """Positional and keyword-only parameters, and those that take the rest of either kind."""
    names = list(code.co_varnames)
    positional, rest = names[: code.co_argcount], names[code.co_argcount :]
    keyword_only, rest = rest[: code.co_kwonlyargcount], rest[code.co_kwonlyargcount :]
    var_positional = rest.pop(0) if code.co_flags & _VARARGS else None
    var_keyword = rest.pop(0) if code.co_flags & _VARKEYWORDS else None
    return positional, keyword_only, var_positional, var_keyword


_VARARGS, _VARKEYWORDS = 0x04, 0x08  # https://docs.python.org/3/library/inspect.html#code-objects-bit-flags
