"""Answers of the service as the hub's own values, matched by our reference and never by position.

Read by element name and leniently: elements that we do not know are passed over, since a newer
schema must not put 200 people in doubt. What we use is checked strictly: an entry without a
readable number is not an answer. zeep's own reading is not used, because its only lenient mode also
repairs broken XML, and a torn answer would look like a whole one.

Texts of the authority go on as it wrote them, except that digits which could be a person number are
masked: the service quotes what it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from hub.application.ports import Cancel, PresenceItem, Refused, Registered, Seen
from hub.authority.transport import Answer
from hub.authority.validate import MESSAGES, SOAP, TYPES

if TYPE_CHECKING:
    from lxml.etree import _Element

NUMBER_MAX = 10**15 - 1
MEDIA_TYPES = ("text/xml", "application/xml", "application/soap+xml", "")
"""What SOAP 1.1 travels as, and what servers call it besides; empty: they do not say."""
TEXT_MAX = 500
"""Most characters kept of a text of the authority."""
REFERENCE_MAX = 24
"""Most characters of a client reference (`ClientReferenceType`)."""
MOMENT_MAX = 40
"""Most characters kept of a moment; an ISO 8601 one with offset has fewer."""
NUMBER_TEXT_MAX = 40
"""Most characters kept of a Limosa or VAT number, whose forms the schema leaves open."""

# 11 digits are a national number and 17 a Limosa number, however they are grouped.
_LONG_NUMBER = re.compile(r"[0-9](?:[ ./-]?[0-9]){10,}")


def _t(name: str) -> str:
    return f"{{{TYPES}}}{name}"


def _soap(name: str) -> str:
    return f"{{{SOAP}}}{name}"


_SUBMITTED = (_t("PresenceRegistrationSubmitted"), _t("PresenceRegistrationConsultSubmitted"))
_REFERENCE = _t("ClientPresenceRegistrationReference")
_REGISTRATION = _t("PresenceRegistration")
_ERROR = _t("PresenceRegistrationError")
_CANCEL_ECHO = _t("CancelPresenceRequest")
_NUMBER = _t("PresenceRegistrationId")
_CREATED = _t("CreationDate")
_VALIDATION = _t("LastValidation")
_STATUS = _t("Status")
_REMARKS = _t("RemarkList")
_REMARK = _t("Remark")

_Fields = dict[str, "_Element"]


class Unreadable(Exception):
    """An answer that came whole and does not hold what was asked.

    Args:
        cause: `coding`, `content_type`, `malformed`, `doctype`, `not_soap` or `unexpected`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Incomplete(Exception):
    """An answer that does not hold exactly one readable entry for each item sent.

    Args:
        asked: items sent.
        answered: those of them with one clear answer.
        results: what it clearly says of these, where that is worth keeping.
    """

    def __init__(
        self, asked: int, answered: int, results: Sequence[Registered | Refused] = ()
    ) -> None:
        super().__init__(f"{answered} of {asked}")
        self.asked = asked
        self.answered = answered
        self.results = tuple(results)


class SearchRefused(Exception):
    """The service refused the search itself; `codes` are its error codes."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        super().__init__(f"{len(codes)} errors")
        self.codes = codes


def read_answer(answer: Answer) -> _Element:
    """Returns the one element in the SOAP Body of an answer.

    We ask for no packing and unpack none: what is said to be packed is not read.

    Raises:
        Unreadable: packed, not said to be XML, or as in `read_body`.
    """
    if answer.coding not in ("", "identity"):
        raise Unreadable("coding")
    if answer.media_type not in MEDIA_TYPES:
        raise Unreadable("content_type")
    return read_body(answer.body)


def read_body(content: bytes) -> _Element:
    """Returns the one element in the SOAP Body of a message.

    Raises:
        Unreadable: not well-formed, has a document type (no SOAP message has), or no SOAP 1.1.
    """
    import lxml.etree as etree

    # Before parsing: entities are declared there, and what they blow up is blown up while parsing.
    if b"<!DOCTYPE" in content:
        raise Unreadable("doctype")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        envelope = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("malformed") from None
    if envelope.getroottree().docinfo.doctype:
        raise Unreadable("doctype")
    body = envelope.find(_soap("Body"))
    if envelope.tag != _soap("Envelope") or body is None or len(body) != 1:
        raise Unreadable("not_soap")
    return body[0]


def register_results(body: _Element, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
    """Returns one result for each item sent, in the order of the answer.

    Entries with a reference that was not sent are passed over.

    Raises:
        Unreadable: this is not the answer to a registration.
        Incomplete: an item has no readable entry, or entries that contradict each other.
    """
    sent = {item.reference: item for item in items}
    entries = _expect(body, "RegisterPresencesResponse").iterfind(
        f"{{{MESSAGES}}}PresenceRegistrationResponse"
    )
    return _matched((_registration_entry(entry, sent) for entry in entries), sent)


def cancel_results(body: _Element, cancels: Sequence[Cancel]) -> list[Registered | Refused]:
    """Returns one result for each cancellation, with the reference that was given for it.

    Matched by the authority's number, which both kinds of entry carry; entries with a number that
    was not sent are passed over.

    Raises:
        Unreadable: this is not the answer to a cancellation.
        Incomplete: a number has no readable entry, or entries that contradict each other.
    """
    references = {cancel.number: cancel.reference for cancel in cancels}
    entries = _expect(body, "CancelPresencesResponse").iterfind(
        f"{{{MESSAGES}}}CancelPresenceResponse"
    )
    found = (_cancel_entry(entry, references) for entry in entries)
    return _matched(found, dict.fromkeys(references.values()))


def _matched(
    found: Iterable[Registered | Refused | None], sent: Mapping[str, object]
) -> list[Registered | Refused]:
    results: dict[str, Registered | Refused] = {}
    contradicted: set[str] = set()
    for result in found:
        if result is None or result.reference not in sent:
            continue
        if results.setdefault(result.reference, result) != result:
            contradicted.add(result.reference)
    clear = [result for result in results.values() if result.reference not in contradicted]
    if len(clear) != len(sent):
        raise Incomplete(len(sent), len(clear), clear)
    return clear


def search_page(body: _Element, works_number: str, day: date) -> tuple[list[Seen], int]:
    """Returns the registrations of one page and the result count that came with it.

    Args:
        works_number, day: what was asked for; a row that leaves one out is about that.

    Raises:
        SearchRefused: the service refused the search.
        Unreadable: this is not its answer, or a row cannot be read: what is not seen must not be
            taken for absent.
    """
    answer = _expect(body, "SearchPresencesResponse").find(
        f"{{{MESSAGES}}}SearchPresencesResponseType"
    )
    if answer is None:
        raise Unreadable("unexpected")
    error = answer.find(_ERROR)
    if error is not None:
        raise SearchRefused(tuple(code for code, _ in _errors(_fields(error), ())))
    found = answer.find(_t("PresenceRegistrationList"))
    count = (
        _integer(_fields(found), _t("PresenceRegistrationResultCount"))
        if found is not None
        else None
    )
    if found is None or count is None:
        raise Unreadable("unexpected")
    rows: list[Seen] = []
    for element in found.iterfind(_REGISTRATION):
        row = _seen(_fields(element), works_number, day)
        if row is None:
            raise Unreadable("unexpected")
        rows.append(row)
    return rows, count


def get_result(body: _Element) -> Registered | None:
    """Returns the registration, or None when the service shows none under that number.

    Raises:
        Unreadable: this is not its answer.
    """
    found = _expect(body, "GetPresenceRegistrationResponse").find(
        f"{{{MESSAGES}}}GetPresenceRegistrationResponseType/{_t('GetPresenceRegistrationType')}"
    )
    if found is None:
        raise Unreadable("unexpected")
    element = found.find(_t("PresenceRegistrationType"))
    if element is None:
        return None
    registered = _registered(_fields(element))
    if registered is None:
        raise Unreadable("unexpected")
    return registered


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns `text` cut, on one line, without `secrets` and any run of 11 or more digits."""
    for secret in secrets:
        text = text.replace(secret, "***")
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return _LONG_NUMBER.sub("***", text)[:TEXT_MAX]


def _registration_entry(
    entry: _Element, sent: Mapping[str, PresenceItem]
) -> Registered | Refused | None:
    registration, error = _either(entry)
    if registration is not None:
        return _registered(_fields(registration))
    if error is None:
        return None
    fields = _fields(error)
    reference = _reference(fields)
    item = sent.get(reference)
    secrets = (item.inss, item.limosa) if item is not None else ()
    return Refused(reference, _errors(fields, tuple(secret for secret in secrets if secret)))


def _cancel_entry(entry: _Element, references: Mapping[int, str]) -> Registered | Refused | None:
    registration, error = _either(entry)
    if registration is not None:
        registered = _registered(_fields(registration))
        if registered is None or registered.number not in references:
            return None
        return replace(registered, reference=references[registered.number])
    if error is None:
        return None
    fields = _fields(error)
    echo = fields.get(_CANCEL_ECHO)
    number = _integer(_fields(echo), _NUMBER) if echo is not None else None
    if number is None or number not in references:
        return None
    return Refused(references[number], _errors(fields, ()))


def _either(entry: _Element) -> tuple[_Element | None, _Element | None]:
    """Returns the registration or the error of an entry; (None, None) unless it holds one."""
    fields = _fields(entry)
    registration, error = fields.get(_REGISTRATION), fields.get(_ERROR)
    if (registration is None) == (error is None):
        return None, None
    return registration, error


def _seen(fields: _Fields, works_number: str, day: date) -> Seen | None:
    """Returns one row of a search, None when it cannot be read.

    Whom it is for is read leniently: a number in a form that we do not know finds nobody, and is no
    reason to believe nothing of the rest.
    """
    registered = _registered(fields)
    submitted = next((_fields(fields[name]) for name in _SUBMITTED if name in fields), None)
    if registered is None or submitted is None:
        return None
    written_day = _text(submitted, _t("RegistrationDate"))
    try:
        # xs:date may end in a time zone; the day is the Belgian one all the same.
        said_day = date.fromisoformat(written_day[:10]) if written_day else day
    except ValueError:
        return None
    company = _text(submitted, _t("CompanyID"))
    return Seen(
        registered=registered,
        works_number=_text(submitted, _t("WorkPlaceId"))[:NUMBER_TEXT_MAX] or works_number,
        day=said_day,
        inss=_digits(_text(fields, _t("INSS")) or _text(submitted, _t("INSS")), 11),
        limosa=_text(submitted, _t("LimosaId"))[:NUMBER_TEXT_MAX] or None,
        company_number=_digits(company.zfill(10), 10) if company else None,
        foreign_vat=_text(submitted, _t("VatNumber"))[:NUMBER_TEXT_MAX] or None,
        channel=masked(_text(fields, _t("Channel"))),
    )


def _digits(text: str, count: int) -> str | None:
    return text if len(text) == count and text.isascii() and text.isdigit() else None


def _registered(fields: _Fields) -> Registered | None:
    number = _integer(fields, _NUMBER)
    validation = fields.get(_VALIDATION)
    if number is None or not 1 <= number <= NUMBER_MAX or validation is None:
        return None
    last = _fields(validation)
    status = _text(last, _STATUS)
    if not status:
        return None
    remarks = last.get(_REMARKS)
    return Registered(
        reference=_reference(fields),
        number=number,
        created=masked(_text(fields, _CREATED)[:MOMENT_MAX]),
        status=masked(status),
        remarks=tuple(masked(remark.text or "") for remark in remarks.iterfind(_REMARK))
        if remarks is not None
        else (),
    )


def _reference(fields: _Fields) -> str:
    """Returns the echo of our reference; empty when there is none, or one too long to be ours."""
    for name in _SUBMITTED:
        submitted = fields.get(name)
        if submitted is not None:
            reference = (submitted.findtext(_REFERENCE) or "").strip()
            if reference:
                return reference if len(reference) <= REFERENCE_MAX else ""
    return ""


def _errors(fields: _Fields, secrets: Sequence[str]) -> tuple[tuple[str, str], ...]:
    listed = fields.get(_t("ErrorList"))
    found = [_fields(error) for error in listed.iterfind(_t("Error"))] if listed is not None else []
    return tuple(
        (
            masked(_text(error, _t("ErrorCode")), secrets),
            masked(_text(error, _t("ErrorDescription")), secrets),
        )
        for error in found
    )


def _expect(body: _Element, name: str) -> _Element:
    if body.tag != f"{{{MESSAGES}}}{name}":
        raise Unreadable("unexpected")
    return body


def _fields(element: _Element) -> _Fields:
    """Returns the first child of each name: one pass, where `find` takes one for each name."""
    return {str(child.tag): child for child in reversed(element)}


def _integer(fields: _Fields, name: str) -> int | None:
    text = _text(fields, name)
    return int(text) if len(text) <= 15 and text.isascii() and text.isdigit() else None


def _text(fields: _Fields, name: str) -> str:
    element = fields.get(name)
    return (element.text or "").strip() if element is not None else ""
