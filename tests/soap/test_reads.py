"""searchPresences, getPresenceRegistration and cancelPresences."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.application.ports import Refused, Registered
from hub.authority.soap import SoapAuthority
from hub.errors import InDoubtError, LocalProtocolError, PermanentError, TransientError
from tests.soap.responder import (
    Request,
    Responder,
    answers,
    envelope,
    found_answer,
    refusal,
    registration,
)
from tests.soap.workers import DAY, WORKS, reference


def holds(
    total: int, page: int, count: Callable[[int], int] | None = None
) -> Callable[[Request], bytes]:
    """Returns a service that holds `total` registrations and shows at most `page` at a time."""

    def make(request: Request) -> bytes:
        (first,) = request.find_all("//t:FirstRow")
        (asked,) = request.find_all("//t:FetchSize")
        rows = range(int(first), min(total, int(first) + min(page, int(asked))))
        return found_answer(
            total if count is None else count(len(rows)),
            *(registration(reference(row), 1 + row, kind="ConsultSubmitted") for row in rows),
        )

    return make


@pytest.mark.parametrize(
    ("total", "page", "calls"),
    [(0, 500, 1), (1, 500, 1), (50, 50, 1), (120, 50, 3), (499, 500, 1), (501, 500, 2)],
)
def test_search_pages_through_everything(total: int, page: int, calls: int) -> None:
    with Responder(answers(holds(total, page))) as service:
        found = SoapAuthority(service.url).search(WORKS, DAY)
    assert [row.number for row in found] == list(range(1, total + 1))
    assert [row.reference for row in found] == [reference(row) for row in range(total)]
    assert service.connections == calls


def test_search_asks_for_one_works_number_and_one_day() -> None:
    with Responder(answers(holds(0, 500))) as service:
        SoapAuthority(service.url).search(WORKS, DAY)
    (request,) = service.requests
    assert request.find_all("//t:WorkPlaceId") == [WORKS]
    assert request.find_all("//t:RegistrationPeriodStartDate") == ["2026-11-23"]
    assert request.find_all("//t:RegistrationPeriodEndDate") == ["2026-11-23"]
    assert request.find_all("//t:SortCriteria") == ["ID"]
    assert request.find_all("//t:FetchSize") == ["500"]


def test_a_count_of_the_page_alone_does_not_end_a_search_after_a_full_page() -> None:
    with Responder(answers(holds(700, 500, count=lambda rows: rows))) as service:
        assert len(SoapAuthority(service.url).search(WORKS, DAY)) == 700


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(holds(60, 50, count=lambda rows: 100), id="fewer rows than counted"),
        pytest.param(found_answer(120, registration("a", 1)), id="the same page again and again"),
    ],
)
def test_pages_that_do_not_add_up_are_not_taken_for_the_whole(
    make: Callable[[Request], bytes] | bytes,
) -> None:
    with Responder(answers(make)) as service, pytest.raises(TransientError) as caught:
        SoapAuthority(service.url).search(WORKS, DAY)
    assert caught.value.code == "HUB-1311"


@pytest.mark.parametrize(
    "body",
    [
        envelope("<p:SearchPresencesResponse/>"),
        envelope(
            "<p:SearchPresencesResponse><p:SearchPresencesResponseType/>"
            "</p:SearchPresencesResponse>"
        ),
        found_answer(1, registration("a", "unknown")),
        found_answer(1, registration("a", 1)).replace(b"Count>1<", b"Count>one<"),
    ],
)
def test_an_unreadable_search_says_nothing_about_absence(body: bytes) -> None:
    with Responder(answers(body)) as service, pytest.raises(TransientError) as caught:
        SoapAuthority(service.url).search(WORKS, DAY)
    assert caught.value.code == "HUB-1311"


def test_a_refused_search_is_shown_with_the_codes_of_the_authority() -> None:
    body = envelope(
        "<p:SearchPresencesResponse><p:SearchPresencesResponseType><t:PresenceRegistrationError>"
        "<t:ErrorList><t:Error><t:ErrorCode>SIM-SEARCH-PERIOD</t:ErrorCode>"
        "<t:ErrorDescription>x</t:ErrorDescription></t:Error></t:ErrorList>"
        "</t:PresenceRegistrationError></p:SearchPresencesResponseType></p:SearchPresencesResponse>"
    )
    with Responder(answers(body)) as service, pytest.raises(PermanentError) as caught:
        SoapAuthority(service.url).search(WORKS, DAY)
    assert caught.value.code == "HUB-1312"
    assert caught.value.extra == {"errors": "SIM-SEARCH-PERIOD"}


def got(inside: str) -> bytes:
    return envelope(
        "<p:GetPresenceRegistrationResponse><p:GetPresenceRegistrationResponseType>"
        "<t:GetPresenceRegistrationRequest><t:PresenceRegistrationId>7</t:PresenceRegistrationId>"
        "</t:GetPresenceRegistrationRequest>"
        f"<t:GetPresenceRegistrationType>{inside}</t:GetPresenceRegistrationType>"
        "</p:GetPresenceRegistrationResponseType></p:GetPresenceRegistrationResponse>"
    )


def test_get_returns_the_newest_validation_with_its_remarks() -> None:
    remarks = ("RELATED DIMONA NOT OK", "COMPANY IS NOT KNOWN  AS BUILDER")
    body = got(
        registration(
            reference(1), 7, "FAILED", remarks, "ConsultSubmitted", "t:PresenceRegistrationType"
        )
    )
    with Responder(answers(body)) as service:
        found = SoapAuthority(service.url).get(7)
    assert service.requests[0].find_all("//t:PresenceRegistrationId") == ["7"]
    assert found is not None
    assert (found.reference, found.number, found.status) == (reference(1), 7, "FAILED")
    assert found.remarks == remarks


def test_get_returns_none_for_a_registration_that_is_not_shown() -> None:
    with Responder(answers(got(""))) as service:
        assert SoapAuthority(service.url).get(7) is None


def cancelled(entry: str) -> bytes:
    return envelope(
        f"<p:CancelPresencesResponse><p:CancelPresenceResponse>{entry}</p:CancelPresenceResponse>"
        "</p:CancelPresencesResponse>"
    )


def test_cancel_returns_the_cancelled_registration() -> None:
    body = cancelled(registration(reference(1), 7, "SUCCESSFULLY CANCELLED"))
    with Responder(answers(body)) as service:
        result = SoapAuthority(service.url).cancel(7, "DISEASE")
    assert isinstance(result, Registered)
    assert (result.number, result.status) == (7, "SUCCESSFULLY CANCELLED")
    (request,) = service.requests
    assert request.find_all("//t:PresenceRegistrationId") == ["7"]
    assert request.find_all("//t:CancellationReason") == ["DISEASE"]


def test_a_refused_cancel_says_why() -> None:
    body = cancelled(refusal("", ("SIM-CANCEL-LATE", "too late")))
    with Responder(answers(body)) as service:
        result = SoapAuthority(service.url).cancel(7, "PLANNING")
    assert result == Refused("", (("SIM-CANCEL-LATE", "too late"),))


@pytest.mark.parametrize(
    "body",
    [
        cancelled(registration(reference(1), 8, "SUCCESSFULLY CANCELLED")),
        cancelled(""),
        envelope("<p:CancelPresencesResponse/>"),
    ],
    ids=["another number", "empty entry", "no entry"],
)
def test_a_cancel_whose_answer_is_not_ours_is_in_doubt(body: bytes) -> None:
    with Responder(answers(body)) as service, pytest.raises(InDoubtError) as caught:
        SoapAuthority(service.url).cancel(7, "HOLIDAY")
    assert caught.value.code == "HUB-1302"


@pytest.mark.parametrize(("number", "reason"), [(7, "SICKNESS"), (7, ""), (10**15, "DISEASE")])
def test_a_cancel_outside_the_contract_is_our_mistake(number: int, reason: str) -> None:
    with Responder(answers(cancelled(""))) as service:
        with pytest.raises(LocalProtocolError):
            SoapAuthority(service.url).cancel(number, reason)
        assert service.connections == 0
