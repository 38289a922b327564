"""Log lines as JSON on standard error, with what must never be in a log taken out.

The rule is that no code logs a person number, a name or a card UID; this is the second line: any
value under a name that may hold one is replaced, and digits in the form of a person number are
masked wherever they stand.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_FORBIDDEN = frozenset(
    {"inss", "niss", "limosa", "uid", "tag", "name", "given_name", "family_name", "key", "password"}
)
_PERSON_NUMBER = re.compile(r"(?<!\d)(\d{2}[ .]?\d{2}[ .]?\d{2}[ -]?\d{3}[ .]?\d{2}|\d{17})(?!\d)")
HIDDEN = "***"


def redact(_logger: object, _method: str, values: MutableMapping[str, Any]) -> Any:
    """Replaces forbidden values; a structlog processor."""
    for name, value in values.items():
        if name in _FORBIDDEN:
            values[name] = HIDDEN
        elif isinstance(value, str):
            values[name] = _PERSON_NUMBER.sub(HIDDEN, value)
    return values


class _Stream:
    """Standard error that may have gone away: a log line lost then ends no thread."""

    def write(self, line: str) -> int:
        try:
            return sys.stderr.write(line)
        except OSError:
            return 0

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except OSError:
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
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
