"""The list of a day for programs: no text of a language, moments as ISO 8601."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from hub.application.site_day import DayCompany, DayPerson, SiteDay
from hub.domain.registration import NUMBERED
from hub.i18n import iso_text


def day_json(days: Sequence[SiteDay], day: date, now_ms: int) -> dict[str, Any]:
    """Returns the list of some sites.

    Args:
        day: Brussels day.
        now_ms: when it is made, UTC milliseconds.
    """
    return {
        "day": day.isoformat(),
        "as_of": iso_text(now_ms),
        "sites": [
            {
                "site": one.site,
                "works": list(one.works),
                "totals": asdict(one.totals),
                "companies": [_company(company) for company in one.companies],
                "visitors": [_person(person) for person in one.visitors],
            }
            for one in days
        ],
    }


def _company(one: DayCompany) -> dict[str, Any]:
    return {
        "works_number": one.works_number or None,
        "company_number": one.number or None,
        "company": one.name or None,
        "level": one.level,
        "works_for": one.above_name or None,
        "agency": one.lends,
        "totals": asdict(one.totals),
        "people": [_person(person) for person in one.people],
    }


def _person(one: DayPerson) -> dict[str, Any]:
    stay = one.stay
    return {
        "family_name": one.row.family_name,
        "given_name": one.row.given_name,
        "kind": one.kind,
        "person_number": one.masked or None,
        "first_in": _iso(stay.in_ms if stay else None),
        "last_out": _iso(stay.out_ms if stay else None),
        "here": one.here,
        "standing": str(one.standing),
        "registrations": [
            {
                "works_number": row.works_number,
                "day": row.day,
                "direction": row.direction,
                "state": str(row.state),
                "cause": row.cause,
                "registered": row.state in NUMBERED,
                "number": row.number,
                "act": _iso(row.tap_ms),
                "numbered": _iso(one.numbered_ms.get(row.reference)),
                "remarks": list(row.remarks),
                "errors": [list(pair) for pair in row.errors],
            }
            for row in one.registrations
        ],
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_text(at_ms)
