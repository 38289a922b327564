"""Presence registrations over REST (in and out of every person): `AuthorityPort` on the service.

Each item is checked here before it leaves, one exchange carries the call, and the answer is
matched by our reference. A write is sent once. The one exception are 401 and 403, which refuse a
request before it is looked at: then the token is renewed once and the same call sent with that.

What decides what, from below: `web_exchange` (had it left?), `problems` (what does a refusal
mean?), `in_out_answers` (whose number is this?), `oauth` (the token), this module (the operations).

No error, log line or `repr` of this package holds a person number, a name or a token.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from hub.application.evidence import Exchange, Keep, Outcome, keep_nothing
from hub.application.ports import BATCH_MAX, Cancel, PresenceItem, Refused, Registered, Seen
from hub.authority import faults, in_out_answers, in_out_items, in_out_results, problems
from hub.authority.answers import NUMBER_MAX, Unreadable
from hub.authority.in_out_answers import Labels, Page
from hub.authority.in_out_results import Unclear
from hub.authority.items import ItemError
from hub.authority.oauth import TokenSource
from hub.authority.remarks import RemarkTexts
from hub.authority.strict_json import read_json
from hub.authority.transport import NoAnswer, NotSent
from hub.authority.web_exchange import Line, Web, WebAnswer
from hub.clock import Clock
from hub.errors import LocalProtocolError, SitegateError, UsageError

PAGES_MAX = 1000
"""Most pages of one search."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_Items = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True, repr=False)
class _Call:
    """One request; `items` are the references it is about, `places` theirs in the caller's list."""

    operation: str
    method: str
    path: str
    body: bytes = b""
    writes: bool = False
    items: _Items = ()
    places: Sequence[int] = ()


@dataclass(frozen=True, slots=True, repr=False)
class _Sent:
    """A whole answer, and when its request left (UTC milliseconds)."""

    answer: WebAnswer
    at_ms: int


class RestAuthority:
    """`AuthorityPort` over REST; one thread calls it.

    Args:
        url: address of the service, without a path of an operation.
        web: makes the connections; shared.
        tokens: where access tokens come from; shared.
        clock: UTC milliseconds.
        upper: the service wants `IN` and `OUT`; answers are read in either case.
        cancel_path: path of the cancel call below `url`, with `{number}` in it; None: the service
            has none.
        texts: texts of remarks; shared.
        keep: keeps each exchange that left; while it cannot, an answer counts as lost.
    """

    def __init__(
        self,
        url: str,
        web: Web,
        tokens: TokenSource,
        clock: Clock,
        upper: bool = False,
        cancel_path: str | None = None,
        texts: RemarkTexts | None = None,
        keep: Keep = keep_nothing,
    ) -> None:
        self._url = url.rstrip("/")
        self._web = web
        self._tokens = tokens
        self._clock = clock
        self._upper = upper
        self._cancel_path = cancel_path
        self._texts = texts if texts is not None else RemarkTexts(clock)
        self._keep = keep

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        """Sends 1..200 acts in one call; returns one entry for each, in the order given.

        An item that breaks the service's contract would have the whole call refused. It is not
        sent and comes back as `Refused` with HUB-1345, the field and the rule; the others go.

        Raises:
            LocalProtocolError: HUB-1317, no or too many items, or a reference twice.
            PermanentError: HUB-1303; its extra `items` are places in `items`, from 0, that the
                service blames (empty: it blames none).
            TransientError, InDoubtError, StoppedError: as `AuthorityPort` says.
        """
        references = {item.reference for item in items}
        if not 1 <= len(items) <= BATCH_MAX or len(references) != len(items):
            raise LocalProtocolError("HUB-1317", what="registerInBulk", items=len(items))
        results: dict[str, Registered | Refused] = {}
        values: list[Mapping[str, Any]] = []
        good: list[PresenceItem] = []
        places: list[int] = []
        for place, item in enumerate(items):
            try:
                values.append(in_out_items.submit_item(item, self._upper))
                good.append(item)
                places.append(place)
            except ItemError as error:
                told = f"{error.field}: {error.rule}"
                results[item.reference] = Refused(item.reference, (("HUB-1345", told),))
        if good:
            call = _Call(
                operation="register",
                method="POST",
                path=_path("register"),
                body=in_out_items.register_body(values),
                writes=True,
                items=tuple((item.reference, None) for item in good),
                places=places,
            )

            def read(answer: object) -> tuple[list[Registered | Refused], _Items]:
                made, labels = in_out_results.register_results(answer, good)
                self._texts.learn(labels)
                return made, _numbers(made)

            results |= {result.reference: result for result in self._answer(call, read)}
        return [results[item.reference] for item in items]

    def search(self, works_number: str, day: date) -> list[Seen]:
        """Returns every registration the authority shows us for this works number and day.

        Pages through all of them. Rows that a wider reading of the window brings are left out.

        Raises:
            TransientError: as `AuthorityPort` says; HUB-1311, the pages do not add up to the
                count that came with them: what is missing must not be taken for absent.
            PermanentError, StoppedError: as `AuthorityPort` says.
        """
        try:
            body = in_out_items.search_body(works_number, day)
        except (ItemError, ValueError, OverflowError):
            body = b""
        if not body:
            raise LocalProtocolError("HUB-1317", what="search")
        asked = in_out_items.service().page_size
        found: dict[int, Seen | None] = {}
        total, complete = 0, False

        def read(answer: object) -> tuple[Page, _Items]:
            page = in_out_answers.search_page(answer, asked, works_number, day)
            self._texts.learn(page.labels)
            return page, _numbers(page.shown)

        with self._web.line(self._url, kept=True) as line:
            for number in range(1, PAGES_MAX + 1):
                path = f"{_path('search')}?page={number}&pageSize={asked}"
                page = self._answer(_Call("search", "POST", path, body), read, line)
                fresh = page.rows.keys() - found.keys()
                found.update(page.rows)
                total = max(total, page.total or 0)
                more = page.more if page.total is None else len(found) < page.total
                if not more or not fresh:
                    complete = not more or (not page.rows and page.total is None)
                    break
        if not complete or len(found) < total:
            raise faults.lost("incomplete", writes=False, received=len(found), total=total)
        return [row for row in found.values() if row is not None]

    def get(self, number: int) -> Registered | None:
        """Returns the registration with its newest validation, or None when it is not visible."""
        if not 1 <= number <= NUMBER_MAX:
            raise LocalProtocolError("HUB-1317", what="get")

        def read(answer: object) -> tuple[Registered, _Items]:
            presence = in_out_answers.read_presence(answer)
            if presence.registered.number != number:
                raise Unreadable("unexpected")
            self._texts.learn(presence.labels)
            return presence.registered, _numbers([presence.registered])

        call = _Call("get", "GET", _path("get").format(number=number), items=(("", number),))
        with self._web.line(self._url) as line:
            sent = self._send(call, line)
            if sent.answer.status == 404:
                problem = problems.read_problem(sent.answer, sent.at_ms)
                if problem.kind == problems.NOT_FOUND:
                    return None
            return self._read(call, sent, read)

    def cancel(self, cancels: Sequence[Cancel]) -> list[Registered | Refused]:
        """Withdraws 1..200 registrations; one result for each, in order, with its reference.

        One call for each of them. When one fails after others were withdrawn, the whole is in
        doubt: reading the registrations tells which are.

        Raises:
            UsageError: HUB-1344, the service has no such call as far as the settings say; nothing
                was sent.
            LocalProtocolError: HUB-1317, no or too many, a reference twice, an unknown reason.
            TransientError, InDoubtError, StoppedError: as `AuthorityPort` says.
        """
        if self._cancel_path is None:
            raise UsageError("HUB-1344")
        references = {cancel.reference for cancel in cancels}
        bodies: list[bytes] = []
        if 1 <= len(cancels) <= BATCH_MAX and len(references) == len(cancels):
            with suppress(ItemError):
                bodies = [in_out_items.cancel_body(cancel.reason) for cancel in cancels]
        if not bodies or any(not 1 <= cancel.number <= NUMBER_MAX for cancel in cancels):
            raise LocalProtocolError("HUB-1317", what="cancel", items=len(cancels))
        results: list[Registered | Refused] = []
        withdrawn = 0
        failure: SitegateError | None = None
        for cancel, body in zip(cancels, bodies, strict=True):
            try:
                result = self._cancel(cancel, body, self._cancel_path)
            except SitegateError as error:
                failure = error
                break
            results.append(result)
            withdrawn += isinstance(result, Registered)
        if failure is None:
            return results
        if withdrawn:
            failure = faults.lost("partly", writes=True, withdrawn=withdrawn)
        raise failure

    def remark_label(self, code: str, language: str) -> str:
        """Returns the authority's text of a remark in that language, else in another, else `code`.

        Asks the service for its catalogue when ours is older than a day; it never raises what the
        service's absence would.
        """

        def read(answer: object) -> tuple[dict[str, Labels], _Items]:
            entries = in_out_answers.entries_of(answer)
            return dict(map(in_out_answers.labelled, entries)), ()

        failure = self._texts.refresh(
            lambda: self._answer(_Call("remarks", "GET", _path("remarks")), read)
        )
        if failure is not None:
            _log.warning("remarks not loaded: %s", failure.code)
        return self._texts.label(code, language)

    def __repr__(self) -> str:
        return "RestAuthority()"

    def _cancel(self, cancel: Cancel, body: bytes, path: str) -> Registered | Refused:
        def read(answer: object) -> tuple[Registered, _Items]:
            stored = in_out_answers.read_presence(answer).registered
            if stored.number != cancel.number:
                raise Unreadable("unexpected")
            return replace(stored, reference=cancel.reference), call.items

        call = _Call(
            operation="cancel",
            method="POST",
            path=path.replace("{number}", str(cancel.number)),
            body=body,
            writes=True,
            items=((cancel.reference, cancel.number),),
        )
        with self._web.line(self._url) as line:
            sent = self._send(call, line)
            if sent.answer.status in (400, 404, 422):
                problem = problems.read_problem(sent.answer, sent.at_ms)
                if problem.kind:
                    # The service looked at this one and left it as it was.
                    kind = problem.kind.rsplit(":", 1)[-1]
                    return Refused(cancel.reference, ((kind, " ".join(problem.rules)),))
            return self._read(call, sent, read)

    def _answer(
        self,
        call: _Call,
        read: Callable[[object], tuple[_T, _Items]],
        line: Line | None = None,
    ) -> _T:
        with nullcontext(line) if line is not None else self._web.line(self._url) as open_line:
            return self._read(call, self._send(call, open_line), read)

    def _send(self, call: _Call, line: Line) -> _Sent:
        """Returns the answer to a call, with a token that was renewed if the first was refused."""
        token = self._tokens.token()
        sent = self._exchange(call, line, token)
        if sent.answer.status not in (401, 403):
            return sent
        # Refused before it was looked at, so nothing was stored.
        self._tokens.drop(token)
        return self._exchange(call, line, self._tokens.token())

    def _exchange(self, call: _Call, line: Line, token: str) -> _Sent:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if call.body:
            headers["Content-Type"] = "application/json"
        at_ms = self._clock()
        failure: SitegateError
        try:
            answer = line.send(call.method, self._url + call.path, call.body, headers)
        except NotSent as error:
            failure = faults.not_sent(error)
        except NoAnswer as error:
            failure = faults.lost(error.cause, call.writes)
            self._kept(call, at_ms, "no_answer", None)
        else:
            if not answer.ok:
                self._kept(call, at_ms, "refused", answer.body)
            return _Sent(answer, at_ms)
        raise failure

    def _read(self, call: _Call, sent: _Sent, read: Callable[[object], tuple[_T, _Items]]) -> _T:
        answer = sent.answer
        failure: SitegateError
        if not answer.ok:
            problem = problems.read_problem(answer, self._clock())
            raise problems.refusal(problem, answer.status, call.writes, call.places)
        try:
            if not answer.media_type.endswith("json"):
                raise Unreadable("content_type")
            result, items = read(read_json(answer.body))
        except Unreadable as error:
            failure = faults.lost(error.cause, call.writes)
        except Unclear as error:
            failure = faults.lost(
                "incomplete", call.writes, asked=error.asked, answered=error.answered
            )
        else:
            if self._kept(call, sent.at_ms, "answered", answer.body, items):
                return result
            raise faults.lost("evidence", call.writes)
        self._kept(call, sent.at_ms, "no_answer", answer.body)
        raise failure

    def _kept(
        self,
        call: _Call,
        at_ms: int,
        outcome: Outcome,
        answer: bytes | None,
        items: _Items | None = None,
    ) -> bool:
        """Says whether the evidence is kept; without it an answer counts as lost."""
        if call.operation == "remarks":
            return True
        about = call.items if items is None else items
        try:
            self._keep(Exchange(at_ms, "in_out", call.operation, outcome, call.body, answer, about))
        except SitegateError:
            return False
        return True


def _path(operation: str) -> str:
    return in_out_items.service().paths[operation]


def _numbers(results: Sequence[Registered | Refused]) -> _Items:
    return tuple(
        (result.reference, result.number if isinstance(result, Registered) else None)
        for result in results
    )
