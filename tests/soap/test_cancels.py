"""cancelPresences: many in one call, each answer matched by the authority's number."""

from __future__ import annotations

import pytest

from hub.application.ports import Cancel, Refused, Registered
from hub.authority.soap import SoapAuthority
from hub.errors import InDoubtError, LocalProtocolError
from tests.soap.responder import (
    Request,
    Responder,
    answers,
    cancel_refusal,
    cancelled_answer,
    envelope,
    registration,
)
from tests.soap.workers import reference

GONE = "SUCCESSFULLY CANCELLED"


def cancel(index: int, reason: str = "DISEASE") -> Cancel:
    """Returns the cancellation of number 1000 + index."""
    return Cancel(reference(index), 1000 + index, reason)


def cancels_all(request: Request) -> bytes:
    """Cancels whatever was sent, in the opposite order, and echoes no reference."""
    numbers = request.find_all("//t:PresenceRegistrationId")
    return cancelled_answer(*(registration(None, number, GONE) for number in reversed(numbers)))


def test_a_cancelled_registration_comes_back_with_the_reference_given() -> None:
    with Responder(answers(cancels_all)) as service:
        (result,) = SoapAuthority(service.url).cancel([cancel(7)])
    assert isinstance(result, Registered)
    assert (result.reference, result.number, result.status) == (reference(7), 1007, GONE)
    (request,) = service.requests
    action = "http://socialsecurity.be/presenceregistration/v1/cancelPresences"
    assert request.header("SOAPAction") == f'"{action}"'
    assert request.find_all("//t:PresenceRegistrationId") == ["1007"]
    assert request.find_all("//t:CancellationReason") == ["DISEASE"]


def test_200_go_in_one_call_and_are_matched_by_number() -> None:
    with Responder(answers(cancels_all)) as service:
        results = SoapAuthority(service.url).cancel([cancel(index) for index in range(200)])
    assert service.connections == 1
    assert [result.reference for result in results] == [reference(index) for index in range(200)]
    assert [result.number for result in results if isinstance(result, Registered)] == [
        1000 + index for index in range(200)
    ]


def test_a_refused_cancel_says_why_and_the_others_are_cancelled() -> None:
    body = cancelled_answer(
        cancel_refusal(1002, ("SIM-CANCEL-LATE", "too late for 85031299761")),
        registration("what they like", 1001, GONE),
    )
    with Responder(answers(body)) as service:
        results = SoapAuthority(service.url).cancel([cancel(1), cancel(2, "C32A")])
    assert isinstance(results[0], Registered)
    assert results[1] == Refused(reference(2), (("SIM-CANCEL-LATE", "too late for ***"),))


@pytest.mark.parametrize(
    ("bad", "finding"),
    [
        (cancel(2, "SICKNESS"), "CancellationReason: not in the list"),
        (cancel(2, ""), "CancellationReason: not in the list"),
        (Cancel(reference(2), 10**15, "DISEASE"), "PresenceRegistrationId: too many digits"),
    ],
)
def test_a_cancel_that_breaks_the_contract_stays_here_and_the_others_go(
    bad: Cancel, finding: str
) -> None:
    with Responder(answers(cancels_all)) as service:
        results = SoapAuthority(service.url).cancel([cancel(1), bad, cancel(3)])
    assert service.requests[0].find_all("//t:PresenceRegistrationId") == ["1001", "1003"]
    assert results[1] == Refused(reference(2), (("HUB-1316", finding),))
    assert isinstance(results[2], Registered)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (cancelled_answer(registration(reference(1), 1001, GONE)), "incomplete"),
        (
            cancelled_answer(
                registration(reference(1), 1001, GONE), registration(reference(2), 8, GONE)
            ),
            "incomplete",
        ),
        (
            cancelled_answer(
                registration(reference(1), 1001, GONE),
                registration(reference(2), 1002, GONE),
                cancel_refusal(1002, ("X", "y")),
            ),
            "incomplete",
        ),
        (
            cancelled_answer(registration(reference(1), 1001, GONE), cancel_refusal(None)),
            "incomplete",
        ),
        (cancelled_answer("", ""), "incomplete"),
        (envelope("<p:CancelPresencesResponse/>"), "incomplete"),
        (envelope("<p:RegisterPresencesResponse/>"), "unexpected"),
    ],
    ids=["missing", "another number", "both", "no number", "empty", "no entry", "not a cancel"],
)
def test_a_cancel_without_one_clear_answer_each_is_in_doubt(body: bytes, cause: str) -> None:
    with Responder(answers(body)) as service, pytest.raises(InDoubtError) as caught:
        SoapAuthority(service.url).cancel([cancel(1), cancel(2)])
    assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1302", cause)


@pytest.mark.parametrize(
    "cancels",
    [
        [],
        [cancel(index) for index in range(201)],
        [cancel(1), Cancel(reference(1), 1002, "DISEASE")],
        [cancel(1), Cancel(reference(2), 1001, "DISEASE")],
    ],
    ids=["none", "201", "a reference twice", "a number twice"],
)
def test_a_call_outside_the_contract_is_our_mistake_and_sends_nothing(
    cancels: list[Cancel],
) -> None:
    with Responder(answers(cancels_all)) as service:
        with pytest.raises(LocalProtocolError):
            SoapAuthority(service.url).cancel(cancels)
        assert service.connections == 0
