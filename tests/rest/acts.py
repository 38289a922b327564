"""Invented acts of the tests; no number belongs to a person or a company."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.application.ports import Place, PresenceItem

DAY = date(2026, 11, 23)
ACT_MS = 1_795_412_467_000
"""2026-11-23 06:41:07 in Brussels."""

ACT = "2026-11-23T06:41:07+01:00"
WORKS = "1Y19FAKE001AZ"
INSS = "85031299761"
COMPANY = "0999000129"
PLACE = Place(longitude=4.3517, latitude=50.8466)


def reference(index: int) -> str:
    """Returns a client reference of 24 characters."""
    return f"ref{index:021d}"


def act(index: int, **changed: Any) -> PresenceItem:
    """Returns the arrival of a person; `changed` are other fields of it."""
    values: dict[str, Any] = {
        "reference": reference(index),
        "day": DAY,
        "works_number": WORKS,
        "inss": INSS,
        "company_number": COMPANY,
        "act_ms": ACT_MS,
        "direction": "in",
        "place": PLACE,
    }
    return PresenceItem(**values | changed)


def wire(index: int, **changed: Any) -> dict[str, Any]:
    """Returns the same act as it has to be on the wire."""
    values: dict[str, Any] = {
        "registrationDate": ACT,
        "ssin": INSS,
        "type": "in",
        "employer": {"enterpriseNumber": COMPANY},
        "placeOfWork": {"coordinates": {"longitude": 4.3517, "latitude": 50.8466}},
        "contractualRelationshipReference": WORKS,
        "customReference": reference(index),
    }
    return values | changed
