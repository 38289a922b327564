"""What FastAPI reads out of a function it reads once in a run, for whatever application.

Thousands of tests make applications of their own, of the same hundred functions: to read names
and types out of each and to build what checks its values took a tenth of the CPU of a test of
pages. What belongs to one application alone (defaults, among them what a page depends on) is read
each time.
"""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any, Final

from fastapi._compat import v2
from fastapi.dependencies import utils
from pydantic import TypeAdapter

_SIGNATURES: Final[dict[tuple[Any, ...], inspect.Signature]] = {}
_CHECKS: Final[dict[tuple[Any, ...], Any]] = {}
_read = utils._get_signature
_build = TypeAdapter


def begin() -> None:
    """From here on, once."""
    utils._get_signature = _signature
    v2.TypeAdapter = _adapter  # pyright: ignore[reportPrivateImportUsage]


def _signature(call: Any) -> inspect.Signature:
    # The annotations of a function are evaluated among the names of its module: they are the same
    # for all that are made at one place in the source. Where they are none of text, they are in it.
    if type(call) is not FunctionType or call.__dict__:
        return _read(call)
    code = call.__code__
    key = (code, repr(call.__annotations__))
    if key not in _SIGNATURES:
        _SIGNATURES[key] = _read(call)
    known = _SIGNATURES[key]
    values = call.__defaults__ or ()
    defaults = dict(zip(code.co_varnames[: code.co_argcount][::-1], values[::-1], strict=False))
    defaults |= call.__kwdefaults__ or {}
    if not defaults:
        return known
    return known.replace(
        parameters=[
            one.replace(default=defaults.get(name, one.empty))
            for name, one in known.parameters.items()
        ]
    )


def _adapter(kind: Any, **options: Any) -> Any:
    # Two annotations that say the same are not equal. What is kept holds what it was made of, so
    # that no other object is ever at an address that a text of these shows.
    key = (kind.__origin__, repr(kind.__metadata__), repr(options))
    try:
        known = _CHECKS.get(key)
    except TypeError:
        return _build(kind, **options)
    if known is None:
        known = _CHECKS[key] = (_build(kind, **options), kind)
    return known[0]
