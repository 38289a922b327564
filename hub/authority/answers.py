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
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hub.application.ports import PresenceItem, Refused, Registered
from hub.authority.validate import MESSAGES, SOAP, TYPES

if TYPE_CHECKING:
    from lxml.etree import _Element

NUMBER_MAX = 10**15 - 1
TEXT_MAX = 500
"""Most characters kept of a text of the authority."""

# 11 digits are a national number and 17 a Limosa number, however they are grouped.
_LONG_NUMBER = re.compile(r"[0-9](?:[ ./-]?[0-9]){10,}")
_SUBMITTED = ("PresenceRegistrationSubmitted", "PresenceRegistrationConsultSubmitted")


class Unreadable(Exception):
    """An answer that came whole and does not hold what was asked.

    Args:
        cause: `malformed`, `doctype`, `not_soap`, `unexpected`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Incomplete(Exception):
    """An answer that does not hold exactly one readable entry for each reference.

    Args:
        asked: references sent.
        answered: references with one clear answer.
    """

    def __init__(self, asked: int, answered: int) -> None:
        super().__init__(f"{answered} of {asked}")
        self.asked = asked
        self.answered = answered


class SearchRefused(Exception):
    """The service refused the search itself; `codes` are its error codes."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        super().__init__(f"{len(codes)} errors")
        self.codes = codes


def read_body(content: bytes) -> _Element:
    """Returns the one element in the SOAP Body.

    Raises:
        Unreadable: not well-formed, has a document type (no SOAP message has), or no SOAP 1.1.
    """
    import lxml.etree as etree

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
    results: dict[str, Registered | Refused] = {}
    contradicted: set[str] = set()
    for entry in _expect(body, "RegisterPresencesResponse").iterfind(
        f"{{{MESSAGES}}}PresenceRegistrationResponse"
    ):
        result = _entry(entry, sent)
        if result is None or result.reference not in sent:
            continue
        if results.setdefault(result.reference, result) != result:
            contradicted.add(result.reference)
    answered = len(results) - len(contradicted)
    if answered != len(sent):
        raise Incomplete(len(sent), answered)
    return list(results.values())


def cancel_result(body: _Element, number: int) -> Registered | Refused:
    """Returns what became of the one cancellation that was asked.

    Raises:
        Unreadable: this is not its answer.
    """
    entries = list(
        _expect(body, "CancelPresencesResponse").iterfind(f"{{{MESSAGES}}}CancelPresenceResponse")
    )
    result = _entry(entries[0], {}) if len(entries) == 1 else None
    if result is None or (isinstance(result, Registered) and result.number != number):
        raise Unreadable("unexpected")
    return result


def search_page(body: _Element) -> tuple[list[Registered], int]:
    """Returns the registrations of one page and the result count that came with it.

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
    error = answer.find(_t("PresenceRegistrationError"))
    if error is not None:
        raise SearchRefused(tuple(code for code, _ in _errors(error, ())))
    found = answer.find(_t("PresenceRegistrationList"))
    count = _integer(found, "PresenceRegistrationResultCount") if found is not None else None
    if found is None or count is None:
        raise Unreadable("unexpected")
    rows: list[Registered] = []
    for element in found.iterfind(_t("PresenceRegistration")):
        row = _registered(element)
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
    registered = _registered(element)
    if registered is None:
        raise Unreadable("unexpected")
    return registered


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns `text` cut, on one line, without `secrets` and any run of 11 or more digits."""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return _LONG_NUMBER.sub("***", text)[:TEXT_MAX]


def _entry(entry: _Element, sent: dict[str, PresenceItem]) -> Registered | Refused | None:
    registration = entry.find(_t("PresenceRegistration"))
    error = entry.find(_t("PresenceRegistrationError"))
    if (registration is None) == (error is None):
        return None
    if registration is not None:
        return _registered(registration)
    reference = _reference(error)
    item = sent.get(reference)
    secrets = (item.inss, item.limosa) if item is not None else ()
    return Refused(reference, _errors(error, tuple(secret for secret in secrets if secret)))


def _registered(element: _Element) -> Registered | None:
    number = _integer(element, "PresenceRegistrationId")
    status = _text(element, f"{_t('LastValidation')}/{_t('Status')}")
    if number is None or not 1 <= number <= NUMBER_MAX or not status:
        return None
    remarks = element.iterfind(f"{_t('LastValidation')}/{_t('RemarkList')}/{_t('Remark')}")
    return Registered(
        reference=_reference(element),
        number=number,
        created=_text(element, _t("CreationDate")),
        status=masked(status),
        remarks=tuple(masked(remark.text or "") for remark in remarks),
    )


def _reference(element: _Element) -> str:
    for name in _SUBMITTED:
        reference = _text(element, f"{_t(name)}/{_t('ClientPresenceRegistrationReference')}")
        if reference:
            return reference
    return ""


def _errors(element: _Element, secrets: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            masked(_text(error, _t("ErrorCode")), secrets),
            masked(_text(error, _t("ErrorDescription")), secrets),
        )
        for error in element.iterfind(f"{_t('ErrorList')}/{_t('Error')}")
    )


def _expect(body: _Element, name: str) -> _Element:
    if body.tag != f"{{{MESSAGES}}}{name}":
        raise Unreadable("unexpected")
    return body


def _integer(element: _Element, name: str) -> int | None:
    text = _text(element, _t(name))
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _text(element: _Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _t(name: str) -> str:
    return f"{{{TYPES}}}{name}"


def _soap(name: str) -> str:
    return f"{{{SOAP}}}{name}"
