"""Secrets that settings name by a file. Their content is never in an error, a log or a `repr`."""

from __future__ import annotations

from pathlib import Path

from hub.errors import UsageError


def lines_of(file: str) -> list[str]:
    """Returns the lines of a file that settings name.

    Raises:
        UsageError: HUB-1801, it cannot be read.
    """
    try:
        return Path(file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError("HUB-1801", file=file) from None


def secret_in(file: str) -> str:
    """Returns the first line of a file that settings name.

    Raises:
        UsageError: HUB-1801, it cannot be read, or that line is empty.
    """
    first = next(iter(lines_of(file)), "").strip()
    if not first:
        raise UsageError("HUB-1801", file=file)
    return first
