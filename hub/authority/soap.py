"""Presence registrations over SOAP (Checkin@Work, one a day): `AuthorityPort` on the service.

Each message is built from the WSDL of this package and checked before it leaves, one exchange
carries it, its evidence is kept, and the answer is matched by our reference or the authority's
number, never by position.

No error, log line or `repr` of this package holds a person number: errors are raised outside the
handlers of what libraries raised, so not even their context does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from hub.application.evidence import Exchange, Keep, Outcome, keep_nothing
from hub.application.ports import (
    BATCH_MAX,
    Cancel,
    PresenceItem,
    Refused,
    Registered,
    Seen,
)
from hub.authority import answers, faults
from hub.authority.items import (
    SEARCH_ROWS,
    ItemError,
    cancel_item,
    search_request,
    submit_item,
)
from hub.authority.messages import Message, Messages
from hub.authority.signing import Signature
from hub.authority.transport import Answer, NoAnswer, NotSent, Transport
from hub.authority.validate import ContractBroken
from hub.clock import Clock, now_ms
from hub.errors import (
    LocalProtocolError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

PAGES_MAX = 1000
"""Most pages of one search; a service that shows one row a page still fits 1,000 presences."""
REGIME = "day"
SENDER_HEADER = "X-Sim-Sender"

Result = Registered | Refused
Items = tuple[tuple[str, int | None], ...]
_Item = TypeVar("_Item", PresenceItem, Cancel)
_Read = TypeVar("_Read")
_Values = Mapping[str, object] | Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation of the service.

    Args:
        name: in the WSDL.
        word: in the evidence.
        field: what its request holds.
        writes: it may have been carried out when no answer comes.
    """

    name: str
    word: str
    field: str
    writes: bool


_REGISTER = _Operation("registerPresences", "register", "PresenceRegistrationRequest", True)
_CANCEL = _Operation("cancelPresences", "cancel", "CancelPresenceRequest", True)
_SEARCH = _Operation("searchPresences", "search", "SearchPresenceRequest", False)
_GET = _Operation("getPresenceRegistration", "get", "GetPresenceRegistrationRequest", False)


class SoapAuthority:
    """`AuthorityPort` over SOAP 1.1; one thread calls it.

    Args:
        url: address of the service; plain http only on this machine.
        connect_timeout_s: seconds to make the connection.
        read_timeout_s: seconds for the whole exchange once the connection stands.
        ca_file: PEM file of the certificate authorities trusted instead of the machine's own.
        clock: UTC milliseconds.
        keep: keeps each exchange that left, whatever came back.
        sender: name of the sender told in a header of its own, for a simulated authority that
            believes it; empty: none is told.
        signature: signs each message; None: nothing is signed.

    Raises:
        UsageError: HUB-1318, the address cannot be used; HUB-1330 or HUB-1332, `ca_file` cannot.
    """

    def __init__(
        self,
        url: str,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        ca_file: str | None = None,
        *,
        clock: Clock = now_ms,
        keep: Keep = keep_nothing,
        sender: str = "",
        signature: Signature | None = None,
    ) -> None:
        self._transport = Transport(url, connect_timeout_s, read_timeout_s, ca_file)
        self._clock = clock
        self._keep = keep
        self._headers = {SENDER_HEADER: sender} if sender else {}
        self._signature = signature
        self._messages = Messages((signature,) if signature is not None else ())

    def register(self, items: Sequence[PresenceItem]) -> list[Result]:
        """Sends 1..200 items in one call; returns one entry for each, in the order given.

        An item that breaks the service's schema would fault the whole call. It is not sent and
        comes back as `Refused` with HUB-1316, the element and the rule; the others go.

        Raises:
            LocalProtocolError: HUB-1317, no or too many items, or a reference twice.
            TransientError, InDoubtError, PermanentError, StoppedError: as `AuthorityPort` says.
        """
        return self._batch(_REGISTER, items, submit_item, answers.register_results)

    def cancel(self, cancels: Sequence[Cancel]) -> list[Result]:
        """Withdraws 1..200 registrations in one call; returns one entry for each, in their order.

        Results carry the references given, whatever the service echoes. A cancellation that breaks
        the schema, or has a reason that the service does not list, is not sent and comes back as
        `Refused` with HUB-1316; the others go.

        Raises:
            LocalProtocolError: HUB-1317, no or too many, or a reference or number twice.
            TransientError, InDoubtError, PermanentError, StoppedError: as `AuthorityPort` says.
        """
        if len({cancel.number for cancel in cancels}) != len(cancels):
            raise LocalProtocolError("HUB-1317", what="cancelPresences", items=len(cancels))
        return self._batch(_CANCEL, cancels, cancel_item, answers.cancel_results)

    def search(self, works_number: str, day: date) -> list[Seen]:
        """Returns every registration the authority shows us for this works number and day.

        Pages through all of them, however many rows the service gives at a time.

        Raises:
            TransientError: as `AuthorityPort` says; HUB-1311, the pages do not add up to the
                count that came with them: what is missing must not be taken for absent.
            PermanentError: HUB-1312, the service refused the search.
            StoppedError: as `AuthorityPort` says.
        """
        found: dict[int, Seen] = {}
        total = 0
        for _ in range(PAGES_MAX):
            page, count = self._search_page(works_number, day, len(found))
            known = len(found)
            for row in page:
                found.setdefault(row.registered.number, row)
            total = max(total, count)
            # A count above the rows of its page counts all pages; otherwise only a page that is
            # not full, or one that brings nothing, is the last.
            last_page = len(page) < SEARCH_ROWS or total > len(page)
            if len(found) == known or (len(found) >= total and last_page):
                break
        if len(found) < total:
            raise faults.lost("incomplete", writes=False, received=len(found), total=total)
        return list(found.values())

    def get(self, number: int) -> Registered | None:
        """Returns the registration with its newest validation, or None when it is not visible."""
        return self._ask(
            _GET,
            {"PresenceRegistrationId": number},
            answers.get_result,
            lambda found: [found] if found is not None else [],
        )

    def __repr__(self) -> str:
        return "SoapAuthority()"

    def _search_page(self, works_number: str, day: date, first_row: int) -> tuple[list[Seen], int]:
        try:
            request = search_request(works_number, day, first_row)
        except ItemError:
            request = None
        if request is None:
            raise LocalProtocolError("HUB-1317", what="searchPresences")
        return self._ask(
            _SEARCH,
            request,
            lambda body: answers.search_page(body, works_number, day),
            lambda page: [row.registered for row in page[0]],
        )

    def _batch(
        self,
        operation: _Operation,
        items: Sequence[_Item],
        write: Callable[[_Item], dict[str, object]],
        read: Callable[[_Element, Sequence[_Item]], list[Result]],
    ) -> list[Result]:
        """Sends the items that the contract allows; returns a result for each, in their order."""
        references = {item.reference for item in items}
        if not 1 <= len(items) <= BATCH_MAX or len(references) != len(items):
            raise LocalProtocolError("HUB-1317", what=operation.name, items=len(items))
        refused: dict[str, Result] = {}
        values: list[dict[str, object]] = []
        good: list[_Item] = []
        for item in items:
            try:
                values.append(write(item))
                good.append(item)
            except ItemError as error:
                refused[item.reference] = _refused(item.reference, error.field, error.rule)
        message: Message | None = None
        while good and message is None:
            message, bad = self._message(operation, values)
            if message is None and not bad:
                raise LocalProtocolError("HUB-1317", what=operation.name, items=len(good))
            for index in sorted(bad, reverse=True):
                item = good.pop(index)
                del values[index]
                refused[item.reference] = _refused(item.reference, *bad[index])
        results: list[Result] = []
        if message is not None:
            results = self._carry(
                operation,
                message,
                values,
                lambda body: read(body, good),
                lambda found: found,
                [item.reference for item in good],
            )
        by_reference = {result.reference: result for result in results} | refused
        return [by_reference[item.reference] for item in items]

    def _ask(
        self,
        operation: _Operation,
        values: Mapping[str, object],
        read: Callable[[_Element], _Read],
        held: Callable[[_Read], Sequence[Result]],
    ) -> _Read:
        """Returns what the answer says to a call whose values are ours to get right."""
        message, _ = self._message(operation, values)
        if message is None:
            raise LocalProtocolError("HUB-1317", what=operation.name)
        return self._carry(operation, message, values, read, held, ())

    def _message(
        self, operation: _Operation, values: _Values
    ) -> tuple[Message | None, dict[int, tuple[str, str]]]:
        """Returns the message, or None and which items break the contract."""
        try:
            return self._messages.build(operation.name, operation.field, values), {}
        except ContractBroken as error:
            return None, error.findings

    def _carry(
        self,
        operation: _Operation,
        message: Message,
        values: _Values,
        read: Callable[[_Element], _Read],
        held: Callable[[_Read], Sequence[Result]],
        references: Sequence[str],
    ) -> _Read:
        """Returns what the answer says; a call refused for its token goes once more with a new one.

        Refused so, the service did nothing with the first, a write included.
        """
        try:
            return self._exchange(operation, message, read, held, references)
        except (StoppedError, TransientError) as error:
            if self._signature is None or not faults.renews(error):
                raise
            self._signature.drop()
        again, _ = self._message(operation, values)
        if again is None:
            raise LocalProtocolError("HUB-1317", what=operation.name)
        return self._exchange(operation, again, read, held, references)

    def _exchange(
        self,
        operation: _Operation,
        message: Message,
        read: Callable[[_Element], _Read],
        held: Callable[[_Read], Sequence[Result]],
        references: Sequence[str],
    ) -> _Read:
        """Carries one message, keeps its evidence, and returns what the answer says.

        Args:
            read: reads the body of an answer.
            held: which entries of what was read are results.
            references: of the items in it; none for a call that only asks.
        """
        at_ms = self._clock()
        answer: Answer | None = None
        unsent: SitegateError | None = None
        seen = _Understood[_Read](None, "no_answer", ())
        try:
            answer = self._transport.post(message.body, {**message.headers, **self._headers})
        except NotSent as error:
            unsent = faults.not_sent(error)
        except NoAnswer as error:
            seen.failure = faults.lost(error.cause, operation.writes)
        if unsent is not None:
            raise unsent
        if answer is not None:
            seen = _understand(answer, operation.writes, read, held)
        kept = self._kept(
            Exchange(
                at_ms=at_ms,
                regime=REGIME,
                operation=operation.word,
                outcome=seen.outcome,
                request=message.body,
                answer=answer.body if answer is not None else None,
                items=_items(references, seen.held),
            )
        )
        if seen.failure is not None:
            raise seen.failure
        if not kept:
            raise faults.lost("evidence", operation.writes)
        return cast("_Read", seen.result)

    def _kept(self, exchange: Exchange) -> bool:
        """Says whether the evidence is kept; without it an answer counts as lost."""
        try:
            self._keep(exchange)
        except SitegateError:
            return False
        return True


@dataclass(slots=True)
class _Understood(Generic[_Read]):
    """What an answer says, or why it cannot be used."""

    result: _Read | None
    outcome: Outcome
    held: Sequence[Result]
    failure: SitegateError | None = None


def _understand(
    answer: Answer,
    writes: bool,
    read: Callable[[_Element], _Read],
    held: Callable[[_Read], Sequence[Result]],
) -> _Understood[_Read]:
    """Returns what an answer says; it never raises for what the answer holds."""
    body: _Element | None = None
    cause = ""
    try:
        body = answers.read_answer(answer)
    except answers.Unreadable as error:
        cause = error.cause
    fault = faults.find_fault(body) if body is not None else None
    if fault is not None or answer.status != 200:
        failure = faults.refusal(fault, answer.status, writes, answer.retry_after_s)
        return _Understood(None, "refused", (), failure)
    if body is None:
        return _Understood(None, "no_answer", (), faults.lost(cause, writes))
    try:
        result = read(body)
    except answers.SearchRefused as error:
        failure = PermanentError("HUB-1312", errors=" ".join(error.codes))
        return _Understood(None, "refused", (), failure)
    except answers.Incomplete as error:
        counts = {"asked": error.asked, "answered": error.answered}
        failure = faults.lost("incomplete", writes, **counts)
        return _Understood(None, "no_answer", error.results, failure)
    except answers.Unreadable as error:
        return _Understood(None, "no_answer", (), faults.lost(error.cause, writes))
    return _Understood(result, "answered", held(result))


def _items(references: Sequence[str], results: Sequence[Result]) -> Items:
    """Returns each reference once with its number: those sent, or those that a search showed."""
    numbers: dict[str, int | None] = dict.fromkeys(references)
    for result in results:
        reference = result.reference
        if isinstance(result, Registered) and reference:
            numbers[reference] = numbers.get(reference) or result.number
    return tuple(numbers.items())


def _refused(reference: str, field: str, rule: str) -> Refused:
    return Refused(reference, (("HUB-1316", f"{field}: {rule}"),))
