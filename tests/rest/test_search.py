"""Looking up: all pages, only what was asked for, and never "absent" for what was not seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hub.application.evidence import Exchange
from hub.application.ports import Registered
from hub.errors import LocalProtocolError, PermanentError, StoppedError, TransientError
from tests.rest.acts import ACT_MS, DAY, INSS, WORKS, reference, wire
from tests.rest.conftest import Make
from tests.rest.service import Asked, Reply, Service, page, problem, shown


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [shown(wire(n), n) for n in range(first, last + 1)]


def paged(total: int, size: int = 50, counted: bool = True) -> Any:
    """A service with `total` rows that gives `size` of them a page."""

    def script(asked: Asked) -> Reply:
        number = int(asked.path.partition("?page=")[2].partition("&")[0])
        first = (number - 1) * size + 1
        found = rows(first, min(total, first + size - 1))
        return page(found, number, size, total=total if counted else None)

    return script


def test_a_search_asks_for_one_works_number_and_brussels_day(make: Make) -> None:
    with Service(page([])) as service:
        assert make(service).search(WORKS, DAY) == []
    (asked,) = service.asked
    assert asked.path.endswith("/presenceRegistrations/search?page=1&pageSize=50")
    assert asked.json == {
        "criteria": {
            "registrationDate": {
                "startDate": "2026-11-23T00:00:00+01:00",
                "endDate": "2026-11-24T00:00:00+01:00",
            },
            "contractualRelationshipReference": WORKS,
        }
    }


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [
        (date(2026, 10, 25), "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        (date(2027, 3, 28), "2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00"),
    ],
)
def test_a_day_of_23_or_25_hours_is_asked_for_whole(
    make: Make, day: date, start: str, end: str
) -> None:
    with Service(page([])) as service:
        make(service).search(WORKS, day)
    window = service.asked[0].json["criteria"]["registrationDate"]
    assert (window["startDate"], window["endDate"]) == (start, end)


def test_a_row_says_who_when_which_way_and_by_which_channel(make: Make) -> None:
    row = shown(wire(1, type="OUT"), 17, validity="valid", remarks=[{"code": "CAW_14"}])
    with Service(page([row])) as service:
        (seen,) = make(service).search(WORKS, DAY)
    assert (seen.inss, seen.company_number, seen.foreign_vat) == (INSS, "0999000129", None)
    assert (seen.act_ms, seen.direction, seen.day) == (ACT_MS, "out", DAY)
    assert (seen.works_number, seen.channel, seen.limosa) == (WORKS, "SIM-CHANNEL", None)
    assert seen.registered == Registered(
        reference(1), 17, "2026-11-23T06:41:08+01:00", "VALIDATED", ("CAW_14",)
    )
    assert repr(seen) == "Seen(17)"


def test_a_row_of_somebody_else_needs_no_reference(make: Make) -> None:
    row = shown(wire(1, employer={"foreignVatNumber": "IT12345678901"}), 3, customReference=None)
    with Service(page([row])) as service:
        (seen,) = make(service).search(WORKS, DAY)
    assert (seen.registered.reference, seen.foreign_vat) == ("", "IT12345678901")


@pytest.mark.parametrize("total", [0, 1, 49, 50, 51, 100, 137])
def test_all_pages_are_read_over_one_connection(
    make: Make, total: int, kept: list[Exchange]
) -> None:
    with Service(paged(total)) as service:
        found = make(service).search(WORKS, DAY)
    assert [seen.registered.number for seen in found] == list(range(1, total + 1))
    pages = max(1, -(-total // 50))
    assert len(service.asked) == len(kept) == pages
    assert len({asked.peer for asked in service.asked}) == 1
    assert sum(len(exchange.items) for exchange in kept) == total


@pytest.mark.parametrize("total", [0, 20, 39, 40])
def test_pages_without_a_count_end_with_one_that_is_not_full(make: Make, total: int) -> None:
    with Service(paged(total, 20, counted=False)) as service:
        found = make(service).search(WORKS, DAY)
    assert len(found) == total


def test_a_next_address_is_a_hint_and_is_not_followed(make: Make) -> None:
    def script(asked: Asked) -> Reply:
        last = asked.path.endswith("page=2&pageSize=50")
        more: dict[str, Any] = {} if last else {"next": "http://192.0.2.1/elsewhere"}
        found = rows(2, 2) if last else rows(1, 1)
        return page(found, total=None, **more)

    with Service(script) as service:
        assert len(make(service).search(WORKS, DAY)) == 2


def test_a_bare_list_is_a_page(make: Make) -> None:
    with Service(Reply(rows(1, 3))) as service:
        assert len(make(service).search(WORKS, DAY)) == 3


def test_rows_of_another_day_or_works_number_are_left_out(make: Make) -> None:
    strangers = [
        shown(wire(1, registrationDate="2026-11-24T00:00:00+01:00"), 1),
        shown(wire(2, registrationDate="2026-11-22T23:59:59+01:00"), 2),
        shown(wire(3, contractualRelationshipReference="1Y19FAKE002BZ"), 3),
        shown(wire(4, registrationDate="2026-11-22T23:00:00Z"), 4),
        shown(wire(5, contractualRelationshipReference=None), 5),
    ]
    with Service(page(strangers)) as service:
        found = make(service).search(WORKS, DAY)
    assert [seen.registered.number for seen in found] == [4, 5]


LACKING: dict[str, Any] = {
    "a count above the rows": page(rows(1, 2), total=3),
    "the same page for ever": page(rows(1, 50), total=99),
    "full pages for ever": page(rows(1, 50), total=None),
    "a row without number": page([shown(wire(1), None)]),
    "a row without moment": page([shown(wire(1), 1, registrationDate=None)]),
    "a moment without offset": page([shown(wire(1), 1, registrationDate="2026-11-23T06:41:07")]),
    "a moment that is none": page([shown(wire(1), 1, registrationDate="2026-02-30T06:41:07Z")]),
    "the end of time": page([shown(wire(1), 1, registrationDate="2999-12-31T23:59:60Z")]),
    "a number for a moment": page([shown(wire(1), 1, registrationDate=1)]),
    "a person number as number": page([shown(wire(1, ssin=85031299761), 1)]),
    "a list for an employer": page([shown(wire(1, employer=[1]), 1)]),
    "a text for remarks": page([shown(wire(1), 1, remarks="CAW_14")]),
    "a remark without code": page([shown(wire(1), 1, remarks=[{}])]),
    "a text for a row": Reply({"items": ["x"], "total": 1}),
    "no items": Reply({"total": 0}),
    "a text": Reply('"x"'),
    "a count in quotes": page([], total="0"),
    "a count below zero": page([], total=-1),
    "a size that is true": page([], pageSize=True),
    "null": Reply("null"),
}


@pytest.mark.parametrize("name", LACKING)
def test_a_search_that_did_not_show_all_brings_nothing(make: Make, name: str) -> None:
    with Service(LACKING[name]) as service, pytest.raises(TransientError) as caught:
        make(service).search(WORKS, DAY)
    assert caught.value.code == "HUB-1311"


def test_rows_that_come_in_between_two_pages_are_noticed(make: Make) -> None:
    # Newest first: a row that comes in after page 1 pushes one from page 1 to page 2.
    def script(asked: Asked) -> Reply:
        if "page=1&" in asked.path:
            return page(rows(2, 51), total=51)
        return page(rows(1, 2), 2, total=52)

    with Service(script) as service, pytest.raises(TransientError) as caught:
        make(service).search(WORKS, DAY)
    assert (caught.value.extra["received"], caught.value.extra["total"]) == (51, 52)


def test_a_search_that_is_refused_for_its_content_is_permanent(make: Make) -> None:
    with Service(problem("badRequest", 400)) as service, pytest.raises(PermanentError) as caught:
        make(service).search(WORKS, DAY)
    assert caught.value.code == "HUB-1312"


@pytest.mark.parametrize("works", ["", "a\nb"])
def test_a_works_number_that_cannot_be_asked_for_does_not_leave(make: Make, works: str) -> None:
    with Service() as service, pytest.raises(LocalProtocolError):
        make(service).search(works, DAY)
    assert service.asked == []


def test_get_reads_the_newest_validation(make: Make, kept: list[Exchange]) -> None:
    row = shown(wire(1), 17611, validity="invalid", remarks=[{"code": "CAW_14"}])
    with Service(Reply(row)) as service:
        found = make(service).get(17611)
    assert found is not None
    assert (found.number, found.status, found.remarks) == (17611, "FAILED", ("CAW_14",))
    (asked,) = service.asked
    assert (asked.method, asked.path.rsplit("/v1", 1)[1]) == (
        "GET",
        "/presenceRegistrations/17611",
    )
    assert (asked.body, kept[0].request, kept[0].operation) == (b"", b"", "get")
    assert kept[0].items == ((reference(1), 17611),)


def test_get_of_what_is_not_visible_is_nothing(make: Make) -> None:
    with Service(problem("resourceNotFound", 404)) as service:
        assert make(service).get(5) is None


def test_a_404_that_is_no_problem_is_the_wrong_address(make: Make) -> None:
    with Service(Reply("<html/>", 404, "text/html")) as service:
        with pytest.raises(StoppedError) as caught:
            make(service).get(5)
        assert caught.value.code == "HUB-1313"


def test_get_of_another_number_is_no_answer(make: Make) -> None:
    with Service(Reply(shown(wire(1), 6))) as service, pytest.raises(TransientError):
        make(service).get(5)


@pytest.mark.parametrize("number", [0, -1, 10**15])
def test_a_number_that_no_registration_has_is_not_asked_for(make: Make, number: int) -> None:
    with Service() as service, pytest.raises(LocalProtocolError):
        make(service).get(number)
    assert service.asked == []
