"""Answers of the in/out service as the hub's own values.

The service returns names of people. They are not read: no value of this package has a place
for them. What we do not know is passed over, since a newer service must not put 200 people in
doubt; what we use has to be of its type. A registration without a readable number is no answer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from hub.application.judgement import STATUSES
from hub.application.ports import Registered, Seen
from hub.authority.answers import NUMBER_MAX, Unreadable, masked
from hub.authority.transport import contract_file
from hub.domain.legal_day import brussels_day

"""Words of the day service, which the hub works with."""

_RFC3339 = re.compile(
    r"2[0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_INSS = re.compile(r"[0-9]{11}")
_PLAIN = re.compile(r"[A-Za-z_-]{0,64}")
_COMPANY = re.compile(r"[0-9]{10}")
_VAT = re.compile(r"[A-Z]{2}[!-~]{1,40}")
# A reference and a works number go on unmasked, however many digits they have: they are compared.
_WORD = re.compile(r"[!-~]{1,64}")

Labels = Mapping[str, str]
"""Texts of a remark by language code in lower case."""


@dataclass(frozen=True, slots=True, repr=False)
class Presence:
    """One registration as the service shows it; the `repr` holds its number only.

    Args:
        registered: what the hub keeps of it.
        labels: texts of its remarks by their code.
        facts: what it echoes of the act: `inss`, `direction`, `act_s` (UTC seconds), `works`.
    """

    registered: Registered
    labels: Mapping[str, Labels]
    facts: Mapping[str, object]
    act_ms: int | None
    company_number: str | None
    foreign_vat: str | None
    channel: str

    def __repr__(self) -> str:
        return f"Presence({self.registered.number})"


@dataclass(frozen=True, slots=True)
class Words:
    """What contract/in_out_words.toml says: the hub's word for each of the service's."""

    unknown: str
    status: Mapping[str, str]
    validity: Mapping[str, str]


@cache
def words() -> Words:
    """Returns the translations of the data file.

    Raises:
        ValueError: it holds a word that means nothing.
    """
    data = tomllib.loads(contract_file("in_out_words.toml").decode())
    found = Words(**data)
    used = {found.unknown, *found.status.values(), *found.validity.values()} - {""}
    if not used <= set(STATUSES) or "" in found.validity.values():
        raise ValueError("in_out_words.toml holds a word that means nothing")
    return found


def entries_of(answer: object) -> list[object]:
    """Returns the entries of an answer: `items`, or the answer itself when it is a bare list.

    Raises:
        Unreadable: it is neither.
    """
    entries = answer.get("items") if isinstance(answer, dict) else answer
    if not isinstance(entries, list):
        raise Unreadable("unexpected")
    return entries


def read_presence(value: object) -> Presence:
    """Returns one registration.

    Raises:
        Unreadable: it has no number, or a part that we use is of another type or form.
    """
    it = as_object(value)
    number = it.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= NUMBER_MAX:
        raise Unreadable("unexpected")
    employer = as_object(it.get("employer") or {})
    act_ms = _moment_ms(text_of(it, "registrationDate"))
    inss = text_of(it, "ssin")
    direction = text_of(it, "type").lower()
    facts: dict[str, object] = {}
    works = text_of(it, "contractualRelationshipReference")
    if works:
        facts["works"] = word_of(works)
    if act_ms is not None:
        facts["act_s"] = act_ms // 1000
    if _INSS.fullmatch(inss):
        facts["inss"] = inss
    if direction in ("in", "out"):
        facts["direction"] = direction
    remarks = dict(_remarks(it))
    status = as_object(it.get("status") or {})
    word, unknown = _status(text_of(status, "code").lower(), text_of(it, "validity").lower())
    company, vat = text_of(employer, "enterpriseNumber"), text_of(employer, "foreignVatNumber")
    return Presence(
        registered=Registered(
            reference=word_of(text_of(it, "customReference")),
            number=number,
            created=_plain(text_of(status, "date")),
            status=word,
            remarks=(*remarks, *unknown),
        ),
        labels=remarks,
        facts=facts,
        act_ms=act_ms,
        company_number=company if _COMPANY.fullmatch(company) else None,
        foreign_vat=vat if _VAT.fullmatch(vat) else None,
        channel=_plain(text_of(it, "channel")),
    )


def seen(presence: Presence, works_number: str, day: date) -> Seen | None:
    """Returns a row of a search, None when it is of another works number or day.

    Raises:
        Unreadable: it does not say when it was; what is not seen must not be taken for absent.
    """
    act_ms = presence.act_ms
    if act_ms is None:
        raise Unreadable("unexpected")
    works = presence.facts.get("works", works_number)
    if brussels_day(act_ms) != day or works != works_number:
        return None
    inss, direction = presence.facts.get("inss"), presence.facts.get("direction")
    return Seen(
        registered=presence.registered,
        works_number=works_number,
        day=day,
        inss=inss if isinstance(inss, str) else None,
        company_number=presence.company_number,
        foreign_vat=presence.foreign_vat,
        act_ms=act_ms,
        direction=direction if isinstance(direction, str) else None,
        channel=presence.channel,
    )


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """One page of a search.

    Args:
        rows: by number what belongs to the search; None for a row of another works number or day.
        shown: all registrations of the page.
        labels: texts of their remarks.
        total: how many rows all pages have; None when the service does not say.
        more: without a count, whether another page may follow.
    """

    rows: Mapping[int, Seen | None]
    shown: Sequence[Registered]
    labels: Mapping[str, Labels]
    total: int | None
    more: bool


def search_page(answer: object, asked: int, works_number: str, day: date) -> Page:
    """Returns one page of a search.

    Args:
        asked: rows asked for in one page.

    Raises:
        Unreadable: this is not its answer, or a row cannot be read: what is not seen must not be
            taken for absent.
    """
    presences = [read_presence(entry) for entry in entries_of(answer)]
    frame = answer if isinstance(answer, dict) else {}
    total, size = _count(frame, "total"), _count(frame, "pageSize")
    labels: dict[str, Labels] = {}
    for presence in presences:
        labels.update(presence.labels)
    return Page(
        rows={one.registered.number: seen(one, works_number, day) for one in presences},
        shown=[one.registered for one in presences],
        labels=labels,
        total=total,
        more=bool(text_of(frame, "next")) or len(presences) >= (size or asked),
    )


def _remarks(it: Mapping[str, Any]) -> Iterator[tuple[str, Labels]]:
    listed = it.get("remarks") or []
    if not isinstance(listed, list):
        raise Unreadable("unexpected")
    for remark in listed:
        yield labelled(remark)


def labelled(value: object) -> tuple[str, Labels]:
    """Returns code and texts of a remark, or of an entry of the service's list of remarks.

    Raises:
        Unreadable: it has no code, or its texts are no texts.
    """
    remark = as_object(value)
    code = masked(text_of(remark, "code"))
    if not code:
        raise Unreadable("unexpected")
    labels = as_object(remark.get("labels") or {})
    return code, {masked(name).lower(): masked(text_of(labels, name)) for name in labels}


@lru_cache(maxsize=64)
def _status(code: str, validity: str) -> tuple[str, tuple[str, ...]]:
    """Returns the hub's word, and as remarks the words of the service that are not known."""
    known = words()
    unknown: list[str] = []
    if code and code not in known.status:
        unknown.append(f"status={masked(code)}")
    if validity and validity not in known.validity:
        unknown.append(f"validity={masked(validity)}")
    decided = known.status.get(code) or known.validity.get(validity) or known.unknown
    return decided, tuple(unknown)


@lru_cache(maxsize=256)
def _moment_ms(text: str) -> int | None:
    if not text:
        return None
    try:
        if _RFC3339.fullmatch(text):
            return int(datetime.fromisoformat(text.upper()).timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise Unreadable("unexpected")


def word_of(text: str) -> str:
    """Returns a reference or a works number as it is, anything stranger masked."""
    return text if _WORD.fullmatch(text) else masked(text)


def _plain(text: str) -> str:
    # Most texts are a short word or a moment: they need no look at each character.
    return text if _PLAIN.fullmatch(text) or _RFC3339.fullmatch(text) else masked(text)


def as_object(value: object) -> dict[str, Any]:
    """Returns a JSON object.

    Raises:
        Unreadable: it is none.
    """
    if not isinstance(value, dict):
        raise Unreadable("unexpected")
    return value


def text_of(it: Mapping[str, Any], name: str) -> str:
    """Returns a text without blanks around it, empty when there is none.

    Raises:
        Unreadable: there is something else.
    """
    value = it.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable("unexpected")
    return value.strip()


def _count(it: Mapping[str, Any], name: str) -> int | None:
    value = it.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise Unreadable("unexpected")
    return value
