"""The reports over a period for programs: no text of a language, moments as ISO 8601."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from hub.application.reports import ExceptionRow, HoursDay, MonthRow, Period, Report, Row, Who
from hub.domain.hours import MINUTE_MS, Rounding
from hub.i18n import iso_text


def report_json(
    report: Report, period: Period, rows: Iterable[Row], rounding: Rounding, now_ms: int
) -> Iterator[str]:
    """Yields a report as the parts of one JSON text, row by row.

    Args:
        now_ms: when it is made, UTC milliseconds.
    """
    head = {
        "report": str(report),
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "as_of": iso_text(now_ms),
        "rounding": {"minutes": rounding.minutes, "favour": str(rounding.favour)},
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    for place, row in enumerate(rows):
        yield (", " if place else "") + json.dumps(_row(row, rounding), ensure_ascii=False)
    yield "]}\n"


def _row(row: Row, rounding: Rounding) -> dict[str, Any]:
    if isinstance(row, HoursDay):
        return _hours(row, rounding)
    return _exception(row) if isinstance(row, ExceptionRow) else _month(row)


def _who(who: Who) -> dict[str, Any]:
    return {
        "company_number": who.company_number or None,
        "company": who.company or None,
        "family_name": who.family_name,
        "given_name": who.given_name,
        "person_number": who.masked or None,
    }


def _hours(row: HoursDay, rounding: Rounding) -> dict[str, Any]:
    rounded = row.rounded_ms(rounding)
    return {
        "site": row.site,
        **_who(row.who),
        "day": row.day.isoformat(),
        "spans": [
            {"in": _iso(one.in_ms), "out": _iso(one.out_ms), "here": one.here} for one in row.spans
        ],
        "break_minutes": row.breaks_ms // MINUTE_MS,
        "worked_minutes": row.worked_ms // MINUTE_MS,
        "rounded_minutes": None if rounded is None else rounded // MINUTE_MS,
        "missing": row.missing,
    }


def _exception(row: ExceptionRow) -> dict[str, Any]:
    return {
        "site": row.site,
        **_who(row.who),
        "day": row.row.day,
        "came": _iso(row.row.first_ms),
        "problem": str(row.problem),
        "late_minutes": None if row.late_ms is None else row.late_ms // MINUTE_MS,
        "attested": row.attested,
        "registrations": [
            {
                "works_number": one.works_number,
                "state": str(one.state),
                "cause": one.cause,
                "number": one.number,
                "remarks": list(one.remarks),
                "errors": [list(pair) for pair in one.errors],
            }
            for one in row.row.registrations
        ],
    }


def _month(row: MonthRow) -> dict[str, Any]:
    days = row.open_days
    return asdict(row) | {
        "month": f"{row.month:%Y-%m}",
        "busiest": None if row.busiest is None else row.busiest.isoformat(),
        "open_days": None if days is None else [one.isoformat() for one in days],
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_text(at_ms)
