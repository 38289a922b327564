"""Presence registrations over SOAP (Checkin@Work, one a day): `AuthorityPort` on the service.

zeep builds the messages from the WSDL of this package, our own check looks at each one before it
leaves, one exchange carries it, and the answer is matched by our reference. zeep and lxml are
imported at the first call, in the thread that makes it: they cost 0.4 s and 40 MiB, and most of the
hub never needs them.

No error, log line or `repr` of this package holds a person number: errors are raised outside the
handlers of what libraries raised, so not even their context does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from hub.application.ports import BATCH_MAX, PresenceItem, Refused, Registered
from hub.authority import answers, faults
from hub.authority.items import (
    SEARCH_ROWS,
    ItemError,
    cancel_item,
    search_request,
    submit_item,
)
from hub.authority.transport import Answer, NoAnswer, NotSent, Transport
from hub.authority.validate import MESSAGES, ContractBroken, ContractCheck
from hub.errors import (
    LocalProtocolError,
    PermanentError,
    SitegateError,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

BINDING = f"{{{MESSAGES}}}PresenceRegistrationSOAPBinding"
PAGES_MAX = 1000
"""Most pages of one search; a service that shows one row a page still fits 1,000 presences."""

_Bad = dict[int, tuple[str, str]]


class SoapAuthority:
    """`AuthorityPort` over SOAP 1.1; one thread calls it.

    Args:
        url: address of the service; plain http only on this machine.
        connect_timeout_s: seconds to make the connection.
        read_timeout_s: seconds for the whole exchange once the connection stands.
        ca_file: PEM file of the certificate authorities trusted instead of the machine's own.

    Raises:
        UsageError: HUB-1318, the address cannot be used.
    """

    def __init__(
        self,
        url: str,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        ca_file: str | None = None,
    ) -> None:
        self._transport = Transport(url, connect_timeout_s, read_timeout_s, ca_file)
        self._service: Any = None

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        """Sends 1..200 items in one call; returns one entry for each, in the order given.

        An item that breaks the service's schema would fault the whole call. It is not sent and
        comes back as `Refused` with HUB-1316, the element and the rule; the others go.

        Raises:
            LocalProtocolError: HUB-1317, no or too many items, or a reference twice.
            TransientError, InDoubtError, PermanentError, StoppedError: as `AuthorityPort` says.
        """
        references = {item.reference for item in items}
        if not 1 <= len(items) <= BATCH_MAX or len(references) != len(items):
            raise LocalProtocolError("HUB-1317", what="registerPresences", items=len(items))
        refused: dict[str, Refused] = {}
        values: list[dict[str, object]] = []
        good: list[PresenceItem] = []
        for item in items:
            try:
                values.append(submit_item(item))
                good.append(item)
            except ItemError as error:
                refused[item.reference] = _refused(item, error.field, error.rule)
        results: list[Registered | Refused] = []
        while good:
            body, bad = self._attempt("registerPresences", True, PresenceRegistrationRequest=values)
            if body is not None:
                results = _register_results(body, good)
                break
            if not bad:
                raise LocalProtocolError("HUB-1317", what="registerPresences", items=len(good))
            for index in sorted(bad, reverse=True):
                item = good.pop(index)
                del values[index]
                refused[item.reference] = _refused(item, *bad[index])
        by_reference = {result.reference: result for result in results} | refused
        return [by_reference[item.reference] for item in items]

    def search(self, works_number: str, day: date) -> list[Registered]:
        """Returns every registration the authority shows us for this works number and day.

        Pages through all of them, however many rows the service gives at a time.

        Raises:
            TransientError: as `AuthorityPort` says; HUB-1311, the pages do not add up to the
                count that came with them: what is missing must not be taken for absent.
            PermanentError: HUB-1312, the service refused the search.
            StoppedError: as `AuthorityPort` says.
        """
        found: dict[int, Registered] = {}
        total = 0
        for _ in range(PAGES_MAX):
            page, count = self._search_page(works_number, day, len(found))
            fresh = {row.number: row for row in page if row.number not in found}
            found.update(fresh)
            total = max(total, count)
            # A count above the rows of its page counts all pages; otherwise only a page that is
            # not full, or one that brings nothing, is the last.
            last_page = len(page) < SEARCH_ROWS or total > len(page)
            if not fresh or (len(found) >= total and last_page):
                break
        if len(found) < total:
            raise faults.lost("incomplete", writes=False, received=len(found), total=total)
        return list(found.values())

    def get(self, number: int) -> Registered | None:
        """Returns the registration with its newest validation, or None when it is not visible."""
        body = self._call(
            "getPresenceRegistration",
            False,
            GetPresenceRegistrationRequest={"PresenceRegistrationId": number},
        )
        try:
            result = answers.get_result(body)
        except answers.Unreadable as error:
            cause = error.cause
        else:
            return result
        raise faults.lost(cause, writes=False)

    def cancel(self, number: int, reason: str) -> Registered | Refused:
        """Withdraws one registration; a `Refused` carries no reference, the call knows which.

        Args:
            number: number of the authority.
            reason: HOLIDAY, DISEASE, PLANNING or C32A.
        """
        try:
            values = cancel_item(number, reason)
        except ItemError:
            values = None
        if values is None:
            raise LocalProtocolError("HUB-1317", what="cancelPresences")
        body = self._call("cancelPresences", True, CancelPresenceRequest=[values])
        try:
            result = answers.cancel_result(body, number)
        except answers.Unreadable as error:
            cause = error.cause
        else:
            return result
        raise faults.lost(cause, writes=True)

    def __repr__(self) -> str:
        return "SoapAuthority()"

    def _search_page(
        self, works_number: str, day: date, first_row: int
    ) -> tuple[list[Registered], int]:
        try:
            request = search_request(works_number, day, first_row)
        except ItemError:
            request = None
        if request is None:
            raise LocalProtocolError("HUB-1317", what="searchPresences")
        body = self._call("searchPresences", False, SearchPresenceRequest=request)
        try:
            page = answers.search_page(body)
        except answers.SearchRefused as error:
            failure: SitegateError = PermanentError("HUB-1312", errors=" ".join(error.codes))
        except answers.Unreadable as error:
            failure = faults.lost(error.cause, writes=False)
        else:
            return page
        raise failure

    def _call(self, operation: str, writes: bool, **values: object) -> _Element:
        """Returns the body of the answer to a call whose values are ours to get right."""
        body, _ = self._attempt(operation, writes, **values)
        if body is None:
            raise LocalProtocolError("HUB-1317", what=operation)
        return body

    def _attempt(
        self, operation: str, writes: bool, **values: object
    ) -> tuple[_Element | None, _Bad]:
        """Returns the body of the answer, or None and which items kept the message from leaving."""
        from zeep.exceptions import Error as ZeepError

        service = self._bound()
        answer: Answer | None = None
        failure: SitegateError = LocalProtocolError("HUB-1317", what=operation)
        try:
            answer = service[operation](**values)
        except ContractBroken as error:
            return None, error.findings
        except NotSent as error:
            failure = faults.not_sent(error)
        except NoAnswer as error:
            failure = faults.lost(error.cause, writes)
        except (ZeepError, TypeError, ValueError):
            pass  # zeep would not build the message; its text may quote a value
        if answer is None:
            raise failure
        return _body(answer, writes), {}

    def _bound(self) -> Any:
        if self._service is None:
            import zeep

            # zeep writes whole messages at debug level.
            logging.getLogger("zeep").setLevel(logging.CRITICAL)
            settings: Any = zeep.Settings  # an attrs class without annotations
            client = zeep.Client(
                "presence-service.wsdl",
                transport=self._transport,
                plugins=[ContractCheck()],
                settings=settings(raw_response=True, forbid_dtd=True, forbid_external=True),
            )
            self._service = client.create_service(BINDING, self._transport.url)
        return self._service


def _body(answer: Answer, writes: bool) -> _Element:
    try:
        body = answers.read_body(answer.body)
        cause = ""
    except answers.Unreadable as error:
        body = None
        cause = error.cause
    fault = faults.find_fault(body) if body is not None else None
    if fault is not None or answer.status != 200:
        raise faults.refusal(fault, answer.status, writes, answer.retry_after_s)
    if body is None:
        raise faults.lost(cause, writes)
    return body


def _register_results(body: _Element, sent: Sequence[PresenceItem]) -> list[Registered | Refused]:
    try:
        results = answers.register_results(body, sent)
    except answers.Incomplete as error:
        failure = faults.lost("incomplete", writes=True, asked=error.asked, answered=error.answered)
    except answers.Unreadable as error:
        failure = faults.lost(error.cause, writes=True)
    else:
        return results
    raise failure


def _refused(item: PresenceItem, field: str, rule: str) -> Refused:
    return Refused(item.reference, (("HUB-1316", f"{field}: {rule}"),))
