"""Log lines as JSON on standard error, with what must never be in a log taken out.

The rule is that no code logs a person number, a name or a card UID; this is the second line: any
value under a name that may hold one is replaced, and digits in the form of a person number are
masked wherever they stand.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

_FORBIDDEN = frozenset(
    {"inss", "niss", "limosa", "uid", "tag", "name", "given_name", "family_name", "key", "password"}
)
_PERSON_NUMBER = re.compile(r"(?<!\d)(\d{2}[ .]?\d{2}[ .]?\d{2}[ -]?\d{3}[ .]?\d{2}|\d{17})(?!\d)")
HIDDEN = "***"


def redact(_logger: object, _method: str, values: MutableMapping[str, Any]) -> Any:
    """Replaces forbidden values, however deep they stand; a structlog processor."""
    for name, value in values.items():
        values[name] = HIDDEN if name in _FORBIDDEN else _masked(value)
    return values


def _masked(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _PERSON_NUMBER.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return {
            _masked(name): HIDDEN if name in _FORBIDDEN else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    # Anything else would be shown by its repr.
    shown = repr(value)
    masked = _PERSON_NUMBER.sub(HIDDEN, shown)
    return value if isinstance(value, int | float) and masked == shown else masked


class _Masking(logging.Formatter):
    """For the lines of libraries, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        return _PERSON_NUMBER.sub(HIDDEN, super().format(record))


class _Stream:
    """Standard error that may be gone, closed or absent: a line lost then ends no thread."""

    def write(self, line: str) -> int:
        try:
            return sys.stderr.write(line) if sys.stderr is not None else 0
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
        except (OSError, ValueError):
            return


def configure_logs(level: str) -> None:
    """Sends our own lines and those of the libraries to standard error.

    Args:
        level: least level shown: debug, info, warning or error. Libraries never below warning.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(_Stream()),  # pyright: ignore[reportArgumentType]
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(_Stream())  # pyright: ignore[reportArgumentType]
    libraries.setFormatter(_Masking(logging.BASIC_FORMAT))
    least = max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()])
    logging.basicConfig(level=least, handlers=[libraries])
