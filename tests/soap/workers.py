"""Invented people of the tests; no number belongs to a person or a company."""

from __future__ import annotations

from datetime import date

from hub.application.ports import PresenceItem

DAY = date(2026, 11, 23)
WORKS = "1Y19FAKE001AZ"
INSS = "85031299761"
COMPANY = "0999000129"
LIMOSA = "24999000000000187"


def reference(index: int) -> str:
    """Returns a client reference of 24 characters."""
    return f"ref{index:021d}"


def employee(
    index: int, inss: str = INSS, company: str = COMPANY, works: str = WORKS
) -> PresenceItem:
    """Returns an item of a person with a national number."""
    return PresenceItem(reference(index), DAY, works, inss=inss, company_number=company)


def posted(index: int, limosa: str = LIMOSA) -> PresenceItem:
    """Returns an item of a person who is known by a Limosa number alone."""
    return PresenceItem(reference(index), DAY, WORKS, limosa=limosa)
