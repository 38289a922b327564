"""searchPresences, getPresenceRegistration and cancelPresences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from hub.application.ports import Registered, Seen
from hub.authority.soap import SoapAuthority
from hub.errors import PermanentError, TransientError
from tests.soap.responder import (
    Request,
    Responder,
    answers,
    envelope,
    found_answer,
    got,
    registration,
    shown,
)
from tests.soap.workers import DAY, LIMOSA, WORKS, reference


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
    assert [row.registered.number for row in found] == list(range(1, total + 1))
    assert [row.registered.reference for row in found] == [reference(row) for row in range(total)]
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


def test_get_returns_the_newest_validation_with_its_remarks() -> None:
    remarks = ("RELATED DIMONA NOT OK", "COMPANY IS NOT KNOWN  AS BUILDER")
    body = got(shown(reference(1), 7, "FAILED", remarks))
    with Responder(answers(body)) as service:
        found = SoapAuthority(service.url).get(7)
    assert service.requests[0].find_all("//t:PresenceRegistrationId") == ["7"]
    assert found is not None
    assert (found.reference, found.number, found.status) == (reference(1), 7, "FAILED")
    assert found.remarks == remarks


def test_get_returns_none_for_a_registration_that_is_not_shown() -> None:
    with Responder(answers(got(""))) as service:
        assert SoapAuthority(service.url).get(7) is None


ROW = registration(reference(1), 7, kind="ConsultSubmitted")
SUBMITTED_INSS = "<t:INSS>85031299761</t:INSS><t:CompanyID>999000129</t:CompanyID>"
LATEST = "<t:INSS>90110599843</t:INSS><t:PresenceRegistrationId>"


def one_row(row: str) -> Seen:
    """Returns what a search makes of this row."""
    with Responder(answers(found_answer(1, row))) as service:
        (seen,) = SoapAuthority(service.url).search(WORKS, DAY)
    return seen


def test_a_row_says_whom_where_when_and_by_which_way() -> None:
    remarked = registration(reference(1), 7, "FAILED", ("A  REMARK",), "ConsultSubmitted")
    assert one_row(remarked) == Seen(
        registered=Registered(
            reference(1), 7, "2026-11-23T06:41:07.312+01:00", "FAILED", ("A  REMARK",)
        ),
        works_number=WORKS,
        day=DAY,
        inss="85031299761",
        company_number="0999000129",
        channel="WEBSERVICE",
    )


def test_the_newest_person_number_that_the_authority_knows_counts() -> None:
    assert one_row(ROW.replace("<t:PresenceRegistrationId>", LATEST)).inss == "90110599843"


@pytest.mark.parametrize(
    ("there", "instead", "field", "value"),
    [
        (SUBMITTED_INSS, "<t:LimosaId>24999000000000187</t:LimosaId>", "limosa", LIMOSA),
        (SUBMITTED_INSS, "<t:LimosaId>L</t:LimosaId>", "inss", None),
        (SUBMITTED_INSS, "<t:VatNumber>PL0000000000</t:VatNumber>", "foreign_vat", "PL0000000000"),
        ("<t:CompanyID>999000129<", "<t:CompanyID>1999000150<", "company_number", "1999000150"),
        ("<t:CompanyID>999000129<", "<t:CompanyID>99900012900<", "company_number", None),
        ("<t:INSS>85031299761<", "<t:INSS>8503129976<", "inss", None),
        ("2026-11-23</t:Reg", "2026-11-24+01:00</t:Reg", "day", date(2026, 11, 24)),
        ("<t:RegistrationDate>2026-11-23</t:RegistrationDate>", "", "day", DAY),
        (f"<t:WorkPlaceId>{WORKS}</t:WorkPlaceId>", "", "works_number", WORKS),
        (f">{WORKS}<", ">1Y19FAKE002BZ<", "works_number", "1Y19FAKE002BZ"),
        ("<t:Channel>WEBSERVICE</t:Channel>", "", "channel", ""),
        (">WEBSERVICE<", "> online 85031299761 <", "channel", "online ***"),
    ],
)
def test_a_row_is_read_leniently(there: str, instead: str, field: str, value: object) -> None:
    assert there in ROW
    assert getattr(one_row(ROW.replace(there, instead)), field) == value


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (">2026-11-23<", ">23/11/2026<"),
        (">7<", ">1000000000000000<"),
        ("<t:Status>SUCCESSFULLY REGISTERED</t:Status>", ""),
        ("PresenceRegistrationConsultSubmitted", "Somebody"),
    ],
)
def test_a_row_that_cannot_be_read_spoils_the_search(there: str, instead: str) -> None:
    assert there in ROW
    body = found_answer(1, ROW.replace(there, instead))
    with Responder(answers(body)) as service, pytest.raises(TransientError) as caught:
        SoapAuthority(service.url).search(WORKS, DAY)
    assert caught.value.code == "HUB-1311"


def test_a_row_shows_no_number_of_a_person_in_its_repr() -> None:
    assert repr(one_row(ROW)) == "Seen(7)"
