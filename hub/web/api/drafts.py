"""From what a program sent to a draft of a person, every problem with its place in the body."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final, TypeVar

from hub.application.people import PersonDraft, PersonFile
from hub.domain.companies import parse_number
from hub.domain.identifiers import Inss, Limosa, parse_inss, parse_limosa
from hub.errors import UsageError
from hub.storage.people import described
from hub.web.api.shapes import PersonIn, PersonPatch

N = TypeVar("N")
Placed = tuple[str, UsageError]
"""Field of the body, empty for the whole, and what is wrong with it."""

_FIELDS: Final = {
    "HUB-1620": "family_name",
    "HUB-1622": "kind",
    "HUB-1623": "inss",
    "HUB-1624": "company_number",
    "HUB-1625": "user_company_number",
    "HUB-1626": "limosa",
    "HUB-1627": "limosa_until",
    "HUB-1628": "inss",
    "HUB-1629": "limosa",
    "HUB-1630": "works_number",
    "HUB-1634": "language",
    "HUB-1636": "inss",
}


def new_draft(body: PersonIn, today: date) -> tuple[PersonDraft, list[Placed]]:
    """Returns the draft of a new person, and which of its numbers cannot be read."""
    reading = _Reading(today)
    draft = PersonDraft(
        family_name=body.family_name,
        given_name=body.given_name,
        kind=body.kind,
        company_number=reading.company("company_number", body.company_number),
        user_company_number=reading.company("user_company_number", body.user_company_number),
        works_number=_works(body.works_number),
        language=body.language,
        inss=reading.inss(body.inss),
        limosa=reading.limosa(body.limosa),
        limosa_from=body.limosa_from,
        limosa_until=body.limosa_until,
        foreign_vat=body.foreign_vat,
    )
    return draft, reading.problems


def changed_draft(
    known: PersonFile, body: PersonPatch, today: date
) -> tuple[PersonDraft, list[Placed]]:
    """Returns a person as he is to become, and which of the numbers sent cannot be read."""
    reading = _Reading(today)
    sent: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    for name in ("company_number", "user_company_number"):
        if sent.get(name):
            sent[name] = reading.company(name, sent[name])
    if "works_number" in sent:
        sent["works_number"] = _works(sent["works_number"])
    for name, read in (("inss", reading.inss), ("limosa", reading.limosa)):
        if name in sent:
            sent[f"drop_{name}"] = sent[name] is None
            sent[name] = read(sent[name])
    return replace(described(known), **sent), reading.problems


def placed(errors: Iterable[UsageError]) -> list[Placed]:
    """Returns each problem of a draft with the field that it is about."""
    found: list[Placed] = []
    for error in errors:
        field = _FIELDS.get(error.code, "")
        if error.code == "HUB-1631":
            field = "user_company_number" if error.extra.get("role") == "user" else "company_number"
        found.append((field, error))
    return found


class _Reading:
    def __init__(self, today: date) -> None:
        self._today = today
        self.problems: list[Placed] = []

    def inss(self, text: str | None) -> Inss | None:
        return self._read("inss", text, lambda text: parse_inss(text, self._today))

    def limosa(self, text: str | None) -> Limosa | None:
        return self._read("limosa", text, parse_limosa)

    def company(self, field: str, text: str | None) -> str | None:
        return self._read(field, text, parse_number)

    def _read(self, field: str, text: str | None, parse: Callable[[str], N]) -> N | None:
        if text is None:
            return None
        try:
            return parse(text)
        except UsageError as error:
            self.problems.append((field, error))
            return None


def _works(text: str) -> str:
    return text.strip().upper()
