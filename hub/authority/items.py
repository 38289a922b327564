"""Request items exactly as the service wants them, from the hub's own values.

Sources: schema 1.9 of the service. `CompanyID` is an XML long, so the leading zero of an enterprise
number is not sent; `RegistrationDate` is a bare `xs:date`, the Belgian day; the identity is a
person number with the employer's number, or a Limosa number alone.
"""

from __future__ import annotations

from datetime import date

from hub.application.ports import Cancel, PresenceItem
from hub.domain.registration import CANCEL_REASONS

SEARCH_ROWS = 500
"""Most rows of one search answer (`PresenceRegistrationList`); the service's default is 50."""


class ItemError(Exception):
    """A value that no request can carry; says which field and what is wrong, never the value.

    Args:
        field: element of the service's schema.
        rule: `identity`, `digits`, `characters` or `not in the list`.
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


def submit_item(item: PresenceItem) -> dict[str, object]:
    """Returns the values of one `PresenceRegistrationSubmitType`.

    The date is always there, although the service would take today for a missing one: today may
    have become yesterday when the call arrives.

    Raises:
        ItemError: the identity is neither of the two allowed, or a value cannot be written in XML.
    """
    values: dict[str, object] = {"RegistrationDate": item.day}
    if item.limosa is not None and item.inss is None and item.company_number is None:
        values["LimosaId"] = _text("LimosaId", item.limosa)
    elif item.inss is not None and item.company_number is not None and item.limosa is None:
        values["INSS"] = _text("INSS", item.inss)
        values["CompanyID"] = _number("CompanyID", item.company_number)
    else:
        raise ItemError("INSS", "identity")
    values["WorkPlaceId"] = _text("WorkPlaceId", item.works_number)
    values["ClientPresenceRegistrationReference"] = _text(
        "ClientPresenceRegistrationReference", item.reference
    )
    return values


def search_request(works_number: str, day: date, first_row: int) -> dict[str, object]:
    """Returns the values of one `SearchPresencesRequestType`: all of a works number and a day.

    Sorted by the authority's own number, so that registrations that come in between two pages
    extend the list at its end and shift nothing.

    Args:
        first_row: rows before this page, 0 or more.
    """
    return {
        "SearchPresenceRegistrationCriteria": {
            "WorkPlaceId": _text("WorkPlaceId", works_number),
            "RegistrationPeriodList": {
                "RegistrationPeriod": [
                    {"RegistrationPeriodStartDate": day, "RegistrationPeriodEndDate": day}
                ]
            },
        },
        "PaginationProperties": {"FirstRow": first_row, "FetchSize": SEARCH_ROWS},
        "SortingProperties": {"SortDirection": "ASCENDING", "SortCriteria": "ID"},
    }


def cancel_item(cancel: Cancel) -> dict[str, object]:
    """Returns the values of one `CancelPresenceRequestType`.

    Raises:
        ItemError: a reason that the service does not list.
    """
    if cancel.reason not in CANCEL_REASONS:
        raise ItemError("CancellationReason", "not in the list")
    return {"PresenceRegistrationId": cancel.number, "CancellationReason": cancel.reason}


def _text(field: str, value: str) -> str:
    if not value or not value.isprintable():
        raise ItemError(field, "characters")
    return value


def _number(field: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ItemError(field, "digits")
    return int(value)
