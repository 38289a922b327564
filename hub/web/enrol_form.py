"""What was typed beside a badge: one number of a person, and what the register wants to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict

from hub.application.people import PersonDraft
from hub.domain.identifiers import LIMOSA_DIGITS, Inss, Limosa, parse_inss, parse_limosa
from hub.domain.people import Kind
from hub.errors import UsageError

KINDS: Final = tuple(kind for kind in Kind if kind is not Kind.AGENCY)
"""Whom this form adds. An agency's worker has two companies: the page of people asks for both."""

_FIELD_OF: Final = {
    "HUB-1623": "number",
    "HUB-1624": "company",
    "HUB-1626": "number",
    "HUB-1627": "limosa_until",
    "HUB-1628": "number",
    "HUB-1629": "number",
    "HUB-1630": "works",
    "HUB-1631": "company",
    "HUB-1634": "language",
    "HUB-1636": "number",
}


class Typed(BaseModel):
    """The form as it was sent; it is shown again to whoever typed it, and to nobody else.

    `person` is the token of somebody who is known already, and then nothing else counts. With
    `anyway` a person is added though somebody has that number already: for another employer.
    """

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, str_max_length=200)

    person: str = ""
    anyway: str = ""
    number: str = ""
    given_name: str = ""
    family_name: str = ""
    kind: str = Kind.EMPLOYEE
    company: str = ""
    works: str = ""
    language: str = "nl"
    limosa_from: str = ""
    limosa_until: str = ""

    def __repr__(self) -> str:
        return "Typed()"

    __str__ = __repr__


@dataclass(slots=True)
class Checked:
    """What became of a form.

    Args:
        draft: the person; None while something is wrong.
        inss, limosa: the number, if one was typed and is right.
        wrong: what is wrong, by field; the empty name for what concerns none of them.
    """

    draft: PersonDraft | None = None
    inss: Inss | None = None
    limosa: Limosa | None = None
    wrong: dict[str, UsageError] = field(default_factory=dict[str, UsageError])

    def blame(self, error: UsageError) -> None:
        """Puts an error of the register at the field that it is about; the first one stays."""
        self.wrong.setdefault(_FIELD_OF.get(error.code, ""), error)


def check_number(typed: Typed, today: date) -> Checked:
    """Reads the number alone: 17 digits are a Limosa number, else it must be an INSS or BIS.

    Args:
        typed: the form.
        today: Brussels day.
    """
    found = Checked()
    try:
        if sum(character.isdigit() for character in typed.number) == LIMOSA_DIGITS:
            found.limosa = parse_limosa(typed.number)
        elif typed.number:
            found.inss = parse_inss(typed.number, today)
    except UsageError as error:
        found.wrong["number"] = error
    return found


def check_person(typed: Typed, found: Checked) -> Checked:
    """Completes `check_number` to a draft, if nothing in the form is wrong by itself."""
    kind = Kind(typed.kind) if typed.kind in KINDS else Kind.EMPLOYEE
    days: dict[str, date | None] = {}
    for name in ("limosa_from", "limosa_until"):
        text = getattr(typed, name)
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            found.wrong[name] = UsageError("HUB-1627")
    if found.wrong:
        return found
    found.draft = PersonDraft(
        family_name=typed.family_name,
        given_name=typed.given_name,
        kind=kind,
        company_number=typed.company or None,
        user_company_number=None,
        works_number=typed.works,
        language=typed.language,
        inss=found.inss,
        limosa=found.limosa,
        limosa_from=days.get("limosa_from"),
        limosa_until=days.get("limosa_until"),
    )
    return found
