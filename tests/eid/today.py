"""The day of these tests."""

from __future__ import annotations

from datetime import date

TODAY = date(2026, 11, 23)
NOW_MS = 1_795_431_600_000
"""Monday 23 November 2026, 12:00 in Brussels."""
