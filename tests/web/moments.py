"""The moments of the sample: a Monday morning in winter."""

from __future__ import annotations

from datetime import UTC, datetime

DAY = "2026-11-23"
YESTERDAY = "2026-11-22"


def at(time: str, day: str = DAY) -> int:
    """Returns the UTC milliseconds of a Brussels winter time."""
    return int(datetime.fromisoformat(f"{day}T{time}+01:00").astimezone(UTC).timestamp()) * 1000


NOW = at("07:42:10")
