"""Each exchange that left is given to whoever keeps evidence, once, as it was on the wire."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import pytest

from hub.application.evidence import Exchange
from hub.application.ports import Cancel
from hub.authority.soap import SoapAuthority
from hub.errors import InDoubtError, SitegateError, StoppedError, TransientError
from tests.soap.responder import (
    Responder,
    Script,
    answers,
    cancel_refusal,
    cancelled_answer,
    fault,
    found_answer,
    got,
    refusal,
    registered_answer,
    registration,
    shown,
    silent,
)
from tests.soap.workers import DAY, INSS, WORKS, employee, reference

NOW_MS = 1_795_417_200_000
STORED = registered_answer(
    registration(reference(1), 7), refusal(reference(2), ("SIM-DATE", "too late"))
)


class Drawer:
    """Keeps exchanges in a list; `failure` keeps none."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.kept: list[Exchange] = []
        self._failure = failure

    def __call__(self, exchange: Exchange) -> None:
        if self._failure is not None:
            raise self._failure
        self.kept.append(exchange)


def port(service: Responder, drawer: Drawer) -> SoapAuthority:
    return SoapAuthority(service.url, 1, 0.3, clock=lambda: NOW_MS, keep=drawer)


def register(authority: SoapAuthority) -> None:
    authority.register([employee(1), employee(2)])


def cancel(authority: SoapAuthority) -> None:
    authority.cancel([Cancel(reference(1), 7, "DISEASE"), Cancel(reference(2), 8, "DISEASE")])


def search(authority: SoapAuthority) -> None:
    authority.search(WORKS, DAY)


def get(authority: SoapAuthority) -> None:
    authority.get(7)


@pytest.mark.parametrize(
    ("call", "body", "operation", "items"),
    [
        (register, STORED, "register", ((reference(1), 7), (reference(2), None))),
        (
            cancel,
            cancelled_answer(
                cancel_refusal(8, ("X", "y")), registration("theirs", 7, "SUCCESSFULLY CANCELLED")
            ),
            "cancel",
            ((reference(1), 7), (reference(2), None)),
        ),
        (
            search,
            found_answer(
                4,
                registration(reference(5), 5),
                registration(None, 6),
                registration(reference(1), 7),
                registration(reference(1), 8),
            ),
            "search",
            ((reference(5), 5), (reference(1), 7)),
        ),
        (get, got(shown(reference(1), 7)), "get", ((reference(1), 7),)),
        (get, got(""), "get", ()),
    ],
)
def test_an_answered_call_is_kept_with_the_numbers_it_brought(
    call: Callable[[SoapAuthority], None],
    body: bytes,
    operation: str,
    items: tuple[tuple[str, int | None], ...],
) -> None:
    drawer = Drawer()
    with Responder(answers(body)) as service:
        call(port(service, drawer))
    (kept,) = drawer.kept
    assert kept == Exchange(
        NOW_MS, "day", operation, "answered", service.requests[0].body, body, items
    )


def test_each_page_of_a_search_is_an_exchange() -> None:
    drawer = Drawer()
    pages = [
        found_answer(3, *(registration(reference(n), n) for n in page)) for page in ([1, 2], [3])
    ]
    with Responder(*(answers(page) for page in pages)) as service:
        search(port(service, drawer))
    assert [exchange.answer for exchange in drawer.kept] == pages
    assert [exchange.request for exchange in drawer.kept] == [r.body for r in service.requests]


REFUSED = fault("SOA-01002")
TORN = STORED[:-20]
HALF = registered_answer(registration(reference(1), 7))


@pytest.mark.parametrize("call", [register, cancel, search, get])
@pytest.mark.parametrize(
    ("script", "outcome", "answer"),
    [
        (answers(REFUSED, 500), "refused", REFUSED),
        (answers(b"<html/>", 503), "refused", b"<html/>"),
        (answers(TORN), "no_answer", TORN),
        (silent, "no_answer", None),
    ],
    ids=["fault", "status", "torn", "silent"],
)
def test_a_call_that_failed_after_it_left_is_kept_as_well(
    call: Callable[[SoapAuthority], None], script: Script, outcome: str, answer: bytes | None
) -> None:
    drawer = Drawer()
    with Responder(script) as service, pytest.raises(SitegateError):
        call(port(service, drawer))
    (kept,) = drawer.kept
    assert (kept.outcome, kept.answer) == (outcome, answer)
    assert kept.request == service.requests[0].body
    sent = ((reference(1), None), (reference(2), None)) if call in (register, cancel) else ()
    assert kept.items == sent


def test_what_an_incomplete_answer_clearly_said_is_kept() -> None:
    drawer = Drawer()
    with Responder(answers(HALF)) as service, pytest.raises(InDoubtError):
        register(port(service, drawer))
    (kept,) = drawer.kept
    assert kept.outcome == "no_answer"
    assert kept.items == ((reference(1), 7), (reference(2), None))


def test_what_did_not_leave_is_no_evidence() -> None:
    drawer = Drawer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    authority = SoapAuthority(url, 1, 1, keep=drawer)
    for call in (register, cancel, search, get):
        with pytest.raises(TransientError):
            call(authority)
    authority.register([employee(1, inss="1")])
    assert drawer.kept == []


@pytest.mark.parametrize(
    ("call", "kind", "code"),
    [(register, InDoubtError, "HUB-1302"), (search, TransientError, "HUB-1311")],
)
def test_an_answer_whose_evidence_is_not_kept_is_not_acted_on(
    call: Callable[[SoapAuthority], None], kind: type[SitegateError], code: str
) -> None:
    drawer = Drawer(TransientError("HUB-1401"))
    body = STORED if call is register else found_answer(0)
    with Responder(answers(body)) as service, pytest.raises(kind) as caught:
        call(port(service, drawer))
    assert (caught.value.code, caught.value.extra) == (code, {"cause": "evidence"})


def test_a_refusal_is_told_even_when_its_evidence_is_not_kept() -> None:
    drawer = Drawer(TransientError("HUB-1401"))
    with Responder(answers(REFUSED, 500)) as service, pytest.raises(StoppedError):
        register(port(service, drawer))


def test_an_exchange_shows_nothing_of_its_bodies(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    drawer = Drawer()
    with Responder(answers(STORED)) as service:
        register(port(service, drawer))
    (kept,) = drawer.kept
    assert INSS.encode() in kept.request
    assert INSS not in repr(kept) + caplog.text
