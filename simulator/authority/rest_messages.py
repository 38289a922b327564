"""Writes the answers of the in/out face; member names are those of the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlencode

from simulator.authority.clock import brussels_iso
from simulator.authority.events import Event, EventCriteria, EventPage
from simulator.authority.numbers import company_text
from simulator.authority.presence import REMARKS_MAX, Refusal
from simulator.authority.refdata import Catalogues, Term
from simulator.authority.rest_switches import Shape

JsonObject = dict[str, object]
NameOf = Callable[[Event], tuple[str, str] | None]

_MS_ZERO: Final = ".000"


def instant(at_ms: int) -> str:
    """An instant with the Belgian offset of that moment; milliseconds only if there are any."""
    return brussels_iso(at_ms).replace(_MS_ZERO, "")


def registration(event: Event, shape: Shape, terms: Catalogues, name_of: NameOf) -> JsonObject:
    """One registration. The service adds the person's name when it knows it."""
    act = event.act
    written: JsonObject = {
        "id": event.number,
        "registrationDate": instant(act.at_ms),
        "ssin": event.person,
        "type": act.direction.upper() if shape.type_case == "upper" else act.direction,
    }
    name = name_of(event)
    if name is not None:
        written["worker"] = {"givenName": name[0], "familyName": name[1]}
    written["employer"] = (
        {"foreignVatNumber": act.foreign_vat}
        if act.company is None
        else {"enterpriseNumber": company_text(act.company)}
    )
    written |= {
        "placeOfWork": act.place,
        "contractualRelationshipReference": act.works,
        "activity": event.activity,
        "channel": event.channel,
    }
    if act.reference is not None:
        written["customReference"] = act.reference
    return written | {
        "status": {"code": event.status, "date": instant(event.status_ms)},
        "validity": event.validity,
        "remarks": [terms.remarks[code].as_json() for code in event.remarks[:REMARKS_MAX]],
    }


def bulk(
    outcomes: Sequence[Event | Refusal], shape: Shape, terms: Catalogues, name_of: NameOf
) -> JsonObject:
    """The answer of `registerInBulk`: one entry for each item, last first if the shape says so."""
    entries = [
        {"notCreatedPresenceRegistration": {"errorList": errors(outcome)}}
        if isinstance(outcome, Refusal)
        else {"createdPresenceRegistration": registration(outcome, shape, terms, name_of)}
        for outcome in outcomes
    ]
    return {"items": entries[::-1] if shape.backwards else entries}


def errors(refusal: Refusal) -> list[JsonObject]:
    """The reasons why an item was not carried out."""
    return [{"errorCode": one.code, "errorDescription": one.text} for one in refusal.errors]


def search_page(
    found: EventPage,
    criteria: EventCriteria,
    address: str,
    shape: Shape,
    terms: Catalogues,
    name_of: NameOf,
) -> JsonObject:
    """A page of a search; `next` is there when another one follows.

    Args:
        found: the page.
        criteria: what was asked.
        address: of the search, without its query.
        shape: see `Shape`.
        terms: the catalogues.
        name_of: the name of somebody the registers know.
    """
    pages = -(-found.total // criteria.page_size)
    written: JsonObject = {
        "items": [registration(event, shape, terms, name_of) for event in found.events],
        "page": criteria.page,
        "pageSize": criteria.page_size,
        "total": found.total,
        "totalPages": pages,
    }
    if criteria.page < pages:
        query = urlencode({"page": criteria.page + 1, "pageSize": criteria.page_size})
        written["next"] = f"{address}?{query}"
    return written


def catalogue(terms: Sequence[Term], shape: Shape) -> object:
    """A catalogue, in an object or as a bare list."""
    listed = [term.as_json() for term in terms]
    return {"items": listed} if shape.refdata == "items" else listed
