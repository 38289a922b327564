"""Bodies of the SOAP messages: from XML to presence objects and back.

Reading expects an element that passed the schema. Element names, the oddly named wrappers included,
are those of the official service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.authority import tree
from simulator.authority.clock import brussels_iso
from simulator.authority.presence import (
    REMARKS_MAX,
    Cancellation,
    Criteria,
    Page,
    Refusal,
    Registration,
    RequestError,
    Submission,
    Validation,
)
from simulator.authority.tree import Element

MESSAGES: Final = "http://socialsecurity.be/presenceregistration/v1"
TYPES: Final = "http://socialsecurity.be/presenceregistration/schemas/v1"

_WORKS: Final = f"{{{TYPES}}}WorkPlaceId"
_DATE: Final = f"{{{TYPES}}}RegistrationDate"
_INSS: Final = f"{{{TYPES}}}INSS"
_COMPANY: Final = f"{{{TYPES}}}CompanyID"
_LIMOSA: Final = f"{{{TYPES}}}LimosaId"
_REFERENCE: Final = f"{{{TYPES}}}ClientPresenceRegistrationReference"


def _text(parent: Element, name: str) -> str | None:
    found = parent.find(f"{{{TYPES}}}{name}")
    return None if found is None else found.text or ""


def _whole(parent: Element, name: str, default: int | None = None) -> int | None:
    text = _text(parent, name)
    # An empty element stands for the default the schema gives it.
    return default if text is None or not text.strip() else int(text)


def _texts(parent: Element, *path: str) -> tuple[str, ...]:
    steps = "/".join(f"{{{TYPES}}}{name}" for name in path)
    return tuple(found.text or "" for found in parent.findall(steps))


# reading


def read_register(body: Element) -> list[Submission]:
    """The items of `RegisterPresencesRequest`, in order."""
    return [_submission(item) for item in body]


def _submission(item: Element) -> Submission:
    # Read in one pass: a lookup for each field is most of the cost of a full call.
    sent = {field.tag: field.text or "" for field in item}
    company = sent.get(_COMPANY, "").strip()
    return Submission(
        works=sent.get(_WORKS, ""),
        date_text=sent.get(_DATE),
        inss=sent.get(_INSS),
        company=int(company) if company else None,
        limosa=sent.get(_LIMOSA),
        reference=sent.get(_REFERENCE),
    )


def read_cancel(body: Element) -> list[Cancellation]:
    """The items of `CancelPresencesRequest`, in order."""
    return [
        Cancellation(
            _whole(item, "PresenceRegistrationId") or 0, _text(item, "CancellationReason") or ""
        )
        for item in body
    ]


def read_get(body: Element) -> int:
    """The number asked for by `GetPresenceRegistrationRequest`."""
    return _whole(next(iter(body)), "PresenceRegistrationId") or 0


def read_search(body: Element) -> Criteria:
    """The criteria of `SearchPresencesRequest`, defaults filled in."""
    request = next(iter(body))
    criteria = next(iter(request))
    paging = request.find(f"{{{TYPES}}}PaginationProperties")
    sorting = request.find(f"{{{TYPES}}}SortingProperties")
    first_row = None if paging is None else _whole(paging, "FirstRow", 0)
    fetch_size = None if paging is None else _whole(paging, "FetchSize", 50)
    periods = criteria.findall(f"{{{TYPES}}}RegistrationPeriodList/{{{TYPES}}}RegistrationPeriod")
    return Criteria(
        inss=_text(criteria, "INSS"),
        company=_whole(criteria, "CompanyID"),
        works=_text(criteria, "WorkPlaceId"),
        statuses=_texts(criteria, "StatusList", "Status"),
        remarks=_texts(criteria, "RemarkList", "Remark"),
        periods=tuple(
            (
                _text(period, "RegistrationPeriodStartDate") or "",
                _text(period, "RegistrationPeriodEndDate") or "",
            )
            for period in periods
        ),
        created_from=_text(criteria, "CreationStartDate"),
        created_until=_text(criteria, "CreationEndDate"),
        sector=_whole(criteria, "Sector"),
        first_row=0 if first_row is None else first_row,
        fetch_size=50 if fetch_size is None else fetch_size,
        descending=sorting is not None and _text(sorting, "SortDirection") == "DESCENDING",
        sort=(None if sorting is None else _text(sorting, "SortCriteria")) or "ID",
    )


# writing


def _root(name: str) -> Element:
    return tree.new(MESSAGES, name, {"p": MESSAGES, "t": TYPES})


def _add(parent: Element, name: str, text: object | None = None) -> Element:
    return tree.add(parent, TYPES, name, None if text is None else str(text))


def _add_if(parent: Element, name: str, text: object | None) -> None:
    if text is not None:
        _add(parent, name, text)


def _add_submission(parent: Element, name: str, submission: Submission, day: str | None) -> None:
    element = _add(parent, name)
    _add_if(element, "RegistrationDate", day)
    _add_if(element, "INSS", submission.inss)
    _add_if(element, "CompanyID", submission.company)
    _add_if(element, "LimosaId", submission.limosa)
    _add(element, "WorkPlaceId", submission.works)
    _add_if(element, "ClientPresenceRegistrationReference", submission.reference)


def _add_errors(parent: Element, errors: Sequence[RequestError]) -> None:
    listed = _add(parent, "ErrorList")
    for error in errors:
        element = _add(listed, "Error")
        _add(element, "ErrorCode", error.code)
        _add(element, "ErrorDescription", error.text)


def _add_validation(parent: Element, name: str, validation: Validation) -> None:
    element = _add(parent, name)
    _add(element, "Status", validation.status)
    if validation.at_ms is not None:
        _add(element, "ValidationDate", brussels_iso(validation.at_ms))
    if validation.remarks:
        listed = _add(element, "RemarkList")
        for remark in validation.remarks[:REMARKS_MAX]:
            _add(listed, "Remark", remark)


def _add_registration(
    parent: Element, name: str, registration: Registration, *, consult: bool, day: str | None
) -> None:
    element = _add(parent, name)
    submitted = f"PresenceRegistration{'Consult' if consult else ''}Submitted"
    _add_submission(element, submitted, registration.submission, day)
    _add_if(element, "Sector", registration.sector)
    _add_if(element, "INSS", registration.person)
    _add(element, "PresenceRegistrationId", registration.number)
    _add(element, "CreationDate", brussels_iso(registration.created_ms))
    _add(element, "Channel", registration.channel)
    _add_validation(element, "LastValidation", registration.last)
    if registration.history:
        history = _add(element, "ValidationHistory")
        for validation in registration.history:
            _add_validation(history, "Validation", validation)
    if consult:
        sender = _add(element, "Sender")
        _add(sender, "SenderId", registration.sender.id)
        _add(sender, "SenderCompanyId", registration.sender.company)
        _add(sender, "SenderUserType", registration.sender.user_type)


def write_register(
    submissions: Sequence[Submission], outcomes: Sequence[Registration | Refusal]
) -> Element:
    """`RegisterPresencesResponse`: one entry for each submission, in order."""
    root = _root("RegisterPresencesResponse")
    for submission, outcome in zip(submissions, outcomes, strict=True):
        entry = tree.add(root, MESSAGES, "PresenceRegistrationResponse")
        if isinstance(outcome, Refusal):
            error = _add(entry, "PresenceRegistrationError")
            _add_submission(
                error, "PresenceRegistrationSubmitted", submission, submission.date_text
            )
            _add_errors(error, outcome.errors)
        else:
            # The date is echoed as it was sent, absent when it was left out.
            _add_registration(
                entry, "PresenceRegistration", outcome, consult=False, day=submission.date_text
            )
    return root


def write_cancel(
    cancellations: Sequence[Cancellation], outcomes: Sequence[Registration | Refusal]
) -> Element:
    """`CancelPresencesResponse`: one entry for each request, in order."""
    root = _root("CancelPresencesResponse")
    for cancellation, outcome in zip(cancellations, outcomes, strict=True):
        entry = tree.add(root, MESSAGES, "CancelPresenceResponse")
        if isinstance(outcome, Refusal):
            error = _add(entry, "PresenceRegistrationError")
            request = _add(error, "CancelPresenceRequest")
            _add(request, "PresenceRegistrationId", cancellation.number)
            _add(request, "CancellationReason", cancellation.reason)
            _add_errors(error, outcome.errors)
        else:
            day = outcome.day.isoformat()
            _add_registration(entry, "PresenceRegistration", outcome, consult=False, day=day)
    return root


def write_search(request: Element, outcome: Page | Refusal) -> Element:
    """`SearchPresencesResponse`: the request echoed, then a page or the errors."""
    root = _root("SearchPresencesResponse")
    wrapper = tree.add(root, MESSAGES, "SearchPresencesResponseType")
    tree.add_copies(_add(wrapper, "SearchPresencesRequest"), next(iter(request)))
    if isinstance(outcome, Refusal):
        _add_errors(_add(wrapper, "PresenceRegistrationError"), outcome.errors)
        return root
    listed = _add(wrapper, "PresenceRegistrationList")
    _add(listed, "PresenceRegistrationResultCount", outcome.count)
    for registration in outcome.registrations:
        day = registration.day.isoformat()
        _add_registration(listed, "PresenceRegistration", registration, consult=True, day=day)
    return root


def write_get(number: int, registration: Registration | None) -> Element:
    """`GetPresenceRegistrationResponse`: empty inside when there is nothing to show."""
    root = _root("GetPresenceRegistrationResponse")
    wrapper = tree.add(root, MESSAGES, "GetPresenceRegistrationResponseType")
    request = _add(wrapper, "GetPresenceRegistrationRequest")
    _add(request, "PresenceRegistrationId", number)
    found = _add(wrapper, "GetPresenceRegistrationType")
    if registration is not None:
        day = registration.day.isoformat()
        _add_registration(found, "PresenceRegistrationType", registration, consult=True, day=day)
    return root
