"""Days as people type them on a command line."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import typer

from hub.domain.legal_day import brussels_day
from hub.errors import UsageError

DayOption = Annotated[
    str, typer.Option("--day", help="today, tomorrow, yesterday or an ISO day (Brussels).")
]


def day_of(typed: str, now_ms: int) -> date:
    """Returns the Brussels day that was typed.

    Raises:
        UsageError: HUB-1408, it is none.
    """
    today = brussels_day(now_ms)
    words = {"today": 0, "tomorrow": 1, "yesterday": -1}
    word = typed.strip().casefold()
    if word in words:
        return today + timedelta(days=words[word])
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise UsageError("HUB-1408", what="day", value=typed[:20]) from None
