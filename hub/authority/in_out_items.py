"""Request bodies of the in/out service from the hub's own values, each checked before it leaves.

One item that breaks the service's schema makes it refuse a whole call of up to 200 people, so an
item is checked here first, by the rules of its contract (version 1.4.1). Where its published
pattern says something else than it means (`^[0|1]\\d{9}$` for an enterprise number allows a bar),
ours is the meaning. A finding names the field and the rule and never the value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from json import dumps
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.application.ports import Place, PresenceItem
from hub.authority.items import ItemError
from hub.authority.transport import contract_file
from hub.domain.legal_day import BRUSSELS, day_bounds_ms
from hub.domain.registration import CANCEL_REASONS


@dataclass(frozen=True, slots=True)
class Service:
    """What contract/in_out_service.toml says.

    Args:
        page_size: rows asked for in one page of a search, 1 or more.
        reference_max: most characters of our reference.
        cancel_reason: name of the reason in a cancellation.
        paths: below the address of the settings: `register`, `get`, `search`, `remarks`.
    """

    page_size: int
    reference_max: int
    cancel_reason: str
    paths: Mapping[str, str]


@cache
def service() -> Service:
    """Returns the choices of the data file."""
    return Service(**tomllib.loads(contract_file("in_out_service.toml").decode()))


# Characters that stand for themselves in any log, page and spreadsheet.
_Reference = Annotated[str, Field(pattern=r"^[!-~]+$", min_length=1)]
_Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Coordinates(_Part):
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)


class _Address(_Part):
    postCode: _Line | None = None
    municipalityName: _Line | None = None
    streetName: _Line | None = None
    houseNumber: _Line | None = None
    boxNumber: _Line | None = None


class _Employer(_Part):
    enterpriseNumber: str | None = Field(default=None, pattern=r"^[01][0-9]{9}$")
    foreignVatNumber: str | None = Field(default=None, pattern=r"^[A-Z]{2}[!-~]+$")


class _PlaceOfWork(_Part):
    coordinates: _Coordinates | None = None
    address: _Address | None = None


class _Item(_Part):
    registrationDate: str
    ssin: str = Field(pattern=r"^[0-9]{11}$")
    type: Literal["in", "out"]
    employer: _Employer
    placeOfWork: _PlaceOfWork
    contractualRelationshipReference: str = Field(pattern=r"^[A-HJ-NP-Z0-9]{13}$")
    customReference: _Reference


# pydantic's names of what is wrong, as words that a person can act on.
_RULES = {
    "string_pattern_mismatch": "pattern",
    "string_too_short": "too short",
    "literal_error": "not in the list",
    "missing": "missing",
    "extra_forbidden": "not known",
    "greater_than_equal": "out of range",
    "less_than_equal": "out of range",
    "finite_number": "out of range",
}


def submit_item(item: PresenceItem, upper: bool) -> dict[str, Any]:
    """Returns one item of `registerInBulk`.

    Args:
        item: an act: `inss`, `act_ms`, `direction`, `place` and one of `company_number` and
            `foreign_vat` set, and nothing of the day regime.
        upper: whether the service wants `IN` and `OUT`.

    Raises:
        ItemError: what the service would refuse the whole call for.
    """
    if item.limosa is not None:
        # This service knows people by their INSS alone.
        raise ItemError("ssin", "identity")
    if item.act_ms is None:
        raise ItemError("registrationDate", "missing")
    employers = {"enterpriseNumber": item.company_number, "foreignVatNumber": item.foreign_vat}
    values: dict[str, Any] = {
        "registrationDate": moment(item.act_ms),
        "ssin": item.inss,
        "type": item.direction,
        "employer": _one_of("employer", employers),
        "placeOfWork": _place(item.place),
        "contractualRelationshipReference": item.works_number,
        "customReference": item.reference,
    }
    if values["ssin"] is None:
        raise ItemError("ssin", "missing")
    if len(item.reference) > service().reference_max:
        raise ItemError("customReference", "too long")
    finding: tuple[str, str] | None = None
    try:
        _Item.model_validate(values)
    except ValidationError as error:
        # Without what was given: it may be a person number.
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part in _FIELDS)
        finding = (field, _RULES.get(first["type"], "wrong type"))
    if finding is not None:
        raise ItemError(*finding)
    if upper:
        values["type"] = values["type"].upper()
    return values


def register_body(items: Sequence[Mapping[str, Any]]) -> bytes:
    """Returns the body of `registerInBulk`."""
    return _body({"items": list(items)})


def search_body(works_number: str, day: date) -> bytes:
    """Returns the body of a search for all of a works number and a Brussels day.

    The window reaches from midnight to midnight; whether the service counts its end in is not
    known, so the caller looks at each row's own moment. No order is asked for: the shape of `sort`
    is not known either.

    Raises:
        ItemError: a works number that no request can carry.
    """
    if not works_number or not works_number.isprintable():
        raise ItemError("contractualRelationshipReference", "characters")
    start_ms, end_ms = day_bounds_ms(day)
    window = {"startDate": moment(start_ms), "endDate": moment(end_ms)}
    return _body(
        {
            "criteria": {
                "registrationDate": window,
                "contractualRelationshipReference": works_number,
            }
        }
    )


def cancel_body(reason: str) -> bytes:
    """Returns the body of a cancellation.

    Our own guess, because no description of such a call is public: see docs/in-out-service.md.

    Raises:
        ItemError: a reason that is not known.
    """
    if reason not in CANCEL_REASONS:
        raise ItemError("reason", "not in the list")
    return _body({service().cancel_reason: reason})


def moment(utc_ms: int) -> str:
    """Returns a moment as RFC 3339 in Brussels time, whole seconds, rounded down.

    The offset tells the two hours apart that the clock shows twice in October. Rounded down, so
    that an act is never in the authority's future.

    Args:
        utc_ms: UTC milliseconds.

    Raises:
        ItemError: outside the years 2000 to 2099.
    """
    if not _FIRST_MS <= utc_ms < _END_MS:
        raise ItemError("registrationDate", "out of range")
    at = _EPOCH + timedelta(seconds=utc_ms // 1000)
    return at.astimezone(BRUSSELS).isoformat()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1000
_END_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1000
_FIELDS = frozenset(
    name
    for model in (_Item, _Employer, _PlaceOfWork, _Coordinates, _Address)
    for name in model.model_fields
)


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        raise ItemError("placeOfWork", "missing")
    located = place.longitude is not None or place.latitude is not None
    coordinates = {"longitude": place.longitude, "latitude": place.latitude} if located else None
    address = dict(place.address) if place.address else None
    return _one_of("placeOfWork", {"coordinates": coordinates, "address": address})


def _one_of(field: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in choices.items() if value is not None}
    if len(given) != 1:
        raise ItemError(field, "exactly one of " + " and ".join(choices))
    return given


def _body(values: object) -> bytes:
    return dumps(values, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
