"""Search, reading one, catalogues, rights, and the cancel call that may exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.authority.operations import Settings
from tests.authority.rest_rig import (
    ADDRESS,
    CLIENT,
    FIRST_EVENT,
    REST,
    SUB_CLIENT,
    WORKS_E,
    WORKS_F,
    WORKS_G,
    Channel,
    act,
)
from tests.authority.rig import NO_DIMONA, NOW, OK, SUB_WORKER, WORKS_A, WORLD, Rig, served

SUB: dict[str, Any] = {"enterpriseNumber": "0999000228"}
FOREIGN: dict[str, Any] = {"foreignVatNumber": "FAKE-FOREIGN-1"}
SEARCH = "/presenceRegistrations/search"
WINDOW = {"startDate": "2026-01-01", "endDate": "2027-12-31"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    """Seven events, sent by the main contractor at 06:41 and validated."""
    rig = Rig(tmp_path_factory.mktemp("filled"), NOW, WORLD, Settings())
    with served(rig) as base:
        channel = Channel(rig, base)
        channel.register(
            act(reference="r0"),
            act(NO_DIMONA, at="2026-11-23T06:40:00+01:00"),
            act(type_="out", at="2026-11-23T06:41:30+01:00"),
            act(SUB_WORKER, employer=SUB, at="2026-11-23T06:35:00+01:00"),
            act(employer=FOREIGN, at="2026-11-23T06:36:00+01:00"),
            act("78041799366", place=ADDRESS, works=WORKS_F, at="2026-11-23T06:37:00+01:00"),
            act(reference="r6"),
        )
        rig.order("validate")
        rig.order("rest", can_cancel=True)
        path = f"/sim-only/presenceRegistrations/{FIRST_EVENT + 6}/cancel"
        assert channel.call("POST", path, json={"cancellationReason": "C32A"}).status_code == 200
        yield channel
    rig.close()


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"id": FIRST_EVENT + 2}, [2]),
        ({"id": 10**30}, []),
        ({"ssin": OK}, [0, 2, 4, 6]),
        ({"type": "out"}, [2]),
        ({"type": "OUT"}, [2]),
        ({"employer": SUB}, [3]),
        ({"employer": FOREIGN}, [4]),
        ({"contractualRelationshipReference": WORKS_F}, [5]),
        ({"customReference": "r0"}, [0]),
        ({"customReference": "' OR 1"}, []),
        ({"placeOfWork": {"address": {"postCode": "1000"}}}, [5]),
        ({"placeOfWork": {"address": {"postCode": "1000", "boxNumber": "3"}}}, []),
        ({"placeOfWork": {"coordinates": {"longitude": 4.3517}}}, [0, 1, 2, 3, 4, 6]),
        ({"activity": "SIM-ACT-4"}, []),
        ({"channel": "WEBSERVICE"}, [0, 1, 2, 3, 4, 5, 6]),
        ({"status": "cancelled"}, [6]),
        ({"status": {"code": "registered"}}, [0, 1, 2, 3, 4, 5]),
        ({"validity": "valid"}, [0, 2, 3]),
        ({"validity": "pending"}, []),
        ({"remarks": ["SIM_01"]}, [1]),
        ({"remarks": [{"code": "SIM_01"}, "SIM_18"]}, [1, 5]),
        ({"ssin": OK, "type": "in", "employer": FOREIGN}, [4]),
    ],
)
def test_criteria(filled: Channel, criteria: dict[str, Any], found: list[int]) -> None:
    assert filled.numbers(**criteria) == found


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2026-11-23", "2026-11-23", [0, 1, 2, 3, 4, 5, 6]),
        ("2026-11-22", "2026-11-22", []),
        ("2026-11-24", "2026-11-30", []),
        ("2026-11-23T06:40:00+01:00", "2026-11-23T06:41:00+01:00", [0, 1, 6]),
        ("2026-11-23T05:40:00.001Z", "2026-11-23T05:40:59.999Z", []),
        ("2026-11-23T05:41:30Z", "2026-11-23", [2]),
    ],
)
def test_the_window_has_both_its_ends(
    filled: Channel, start: str, end: str, found: list[int]
) -> None:
    window = {"startDate": start, "endDate": end}
    assert filled.numbers(registrationDate=window) == found


@pytest.mark.parametrize(
    "sort",
    [
        {"registrationDate": "desc"},
        {"property": "registrationDate", "direction": "DESC"},
    ],
)
def test_sorting(filled: Channel, sort: object) -> None:
    assert filled.numbers(sort=sort) == [2, 6, 0, 1, 5, 4, 3]
    assert filled.numbers(sort={"property": "registrationDate"}) == [3, 4, 5, 1, 0, 6, 2]
    assert filled.numbers(sort={}) == [0, 1, 2, 3, 4, 5, 6]


def test_pages_follow_their_next(filled: Channel) -> None:
    query, seen = "?page=1&pageSize=3", []
    for page in (1, 2, 3):
        found = filled.found(query)
        assert (found["page"], found["pageSize"], found["total"]) == (page, 3, 7)
        assert found["totalPages"] == 3
        seen += [one["id"] - FIRST_EVENT for one in found["items"]]
        if page < 3:
            address, _, query = found["next"].partition("?")
            assert address == f"{filled.base}{REST}{SEARCH}"
            query = f"?{query}"
    assert "next" not in found
    assert seen == [0, 1, 2, 3, 4, 5, 6]
    assert filled.numbers("?page=9&pageSize=3") == []
    assert filled.found()["pageSize"] == 50


@pytest.mark.parametrize(
    ("query", "body", "name"),
    [
        ("", {}, "criteria"),
        ("", {"criteria": {}}, "criteria.registrationDate"),
        ("", {"criteria": {"registrationDate": {}}}, "criteria.registrationDate.startDate"),
        (
            "",
            {"criteria": {"registrationDate": {"startDate": "2026-11-23"}}},
            "criteria.registrationDate.endDate",
        ),
        (
            "",
            {"criteria": {"registrationDate": WINDOW | {"endDate": "soon"}}},
            "criteria.registrationDate.endDate",
        ),
        (
            "",
            {"criteria": {"registrationDate": WINDOW | {"endDate": "2026-11-23T06:00:00"}}},
            "criteria.registrationDate.endDate",
        ),
        (
            "",
            {"criteria": {"registrationDate": WINDOW | {"endDate": "2025-01-01"}}},
            "criteria.registrationDate",
        ),
        ("", {"criteria": {"registrationDate": WINDOW, "worker": {}}}, "criteria.worker"),
        ("", {"criteria": {"registrationDate": WINDOW, "id": "1"}}, "criteria.id"),
        ("", {"criteria": {"registrationDate": WINDOW, "ssin": 1}}, "criteria.ssin"),
        ("", {"criteria": {"registrationDate": WINDOW, "validity": "x"}}, "criteria.validity"),
        ("", {"criteria": {"registrationDate": WINDOW, "status": {}}}, "criteria.status.code"),
        ("", {"criteria": {"registrationDate": WINDOW, "remarks": "x"}}, "criteria.remarks"),
        ("", {"criteria": {"registrationDate": WINDOW, "employer": {}}}, "criteria.employer"),
        ("", {"criteria": {"registrationDate": WINDOW}, "sort": {"ssin": "asc"}}, "sort.ssin"),
        ("", {"criteria": {"registrationDate": WINDOW}, "sort": {"id": "up"}}, "sort"),
        ("?page=0", {"criteria": {"registrationDate": WINDOW}}, "page"),
        ("?page=-1", {"criteria": {"registrationDate": WINDOW}}, "page"),
        ("?page=x", {"criteria": {"registrationDate": WINDOW}}, "page"),
        ("?pageSize=501", {"criteria": {"registrationDate": WINDOW}}, "pageSize"),
    ],
)
def test_a_search_that_breaks_the_contract(
    filled: Channel, query: str, body: object, name: str
) -> None:
    answer = filled.call("POST", f"{SEARCH}{query}", json=body)
    assert filled.problem(answer) == (400, "badRequest")
    assert answer.json()["issues"][0]["name"] == name


def test_limits_can_be_chosen(channel: Channel) -> None:
    channel.rig.order("rest", page_size_max=10, window_days_max=31)
    body = {"criteria": {"registrationDate": {"startDate": "2026-11-01", "endDate": "2026-12-01"}}}
    assert channel.call("POST", f"{SEARCH}?pageSize=10", json=body).status_code == 200
    assert channel.call("POST", f"{SEARCH}?pageSize=11", json=body).status_code == 400
    body["criteria"]["registrationDate"]["endDate"] = "2026-12-02"
    answer = channel.call("POST", f"{SEARCH}?pageSize=10", json=body)
    assert answer.json()["issues"][0]["name"] == "criteria.registrationDate"
    channel.rig.order("rest", window_days_max=0)
    assert channel.call("POST", f"{SEARCH}?pageSize=10", json=body).status_code == 200


# rights


@pytest.fixture
def channels(rig: Rig, base: str) -> dict[str, Channel]:
    """The channels of main contractor, subcontractor and stranger, with an event of each."""
    rig.order("client", id="stranger", sender="SIM-0003")
    channels = {
        name: Channel(rig, base, client)
        for name, client in (("main", CLIENT), ("sub", SUB_CLIENT), ("stranger", "stranger"))
    }
    channels["main"].register(act(), act(SUB_WORKER, employer=SUB, works=WORKS_G))
    own = act(SUB_WORKER, employer=SUB)
    channels["sub"].register(own, own | {"contractualRelationshipReference": WORKS_G})
    channels["stranger"].register(act("71121999114", employer={"enterpriseNumber": "1999000150"}))
    return channels


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        # What it sent, and all on the works it declared.
        ("main", [0, 1, 2, 4]),
        # What it sent, its own people whoever sent them, and all on its works.
        ("sub", [1, 2, 3]),
        ("stranger", [4]),
    ],
)
def test_a_caller_sees_its_own_its_company_and_its_works(
    channels: dict[str, Channel], name: str, seen: list[int]
) -> None:
    channel = channels[name]
    assert channel.numbers() == seen
    for number in range(5):
        answer = channel.call("GET", f"/presenceRegistrations/{FIRST_EVENT + number}")
        assert answer.status_code == (200 if number in seen else 404)


@pytest.mark.parametrize(
    ("name", "criteria", "allowed"),
    [
        ("main", {"employer": SUB}, True),
        ("sub", {"employer": {"enterpriseNumber": "0999000129"}}, False),
        ("sub", {"contractualRelationshipReference": WORKS_E}, True),
        ("stranger", {"contractualRelationshipReference": WORKS_A}, False),
        ("stranger", {"contractualRelationshipReference": WORKS_E}, True),
    ],
)
def test_naming_what_one_has_no_right_on(
    channels: dict[str, Channel], name: str, criteria: dict[str, Any], allowed: bool
) -> None:
    body = {"criteria": {"registrationDate": WINDOW, **criteria}}
    answer = channels[name].call("POST", SEARCH, json=body)
    if not allowed:
        assert channels[name].problem(answer) == (403, "missingPermission")
    assert (answer.status_code == 200) == allowed


@pytest.mark.parametrize(
    ("number", "status"), [("1", 404), ("x", 400), ("-1", 400), ("9" * 30, 400), ("1.5", 400)]
)
def test_numbers_that_are_none(spare_channel: Channel, number: str, status: int) -> None:
    answer = spare_channel.call("GET", f"/presenceRegistrations/{number}")
    assert answer.status_code == status


# catalogues


@pytest.mark.parametrize(
    ("name", "first", "count"), [("remarks", "SIM_01", 19), ("activities", "SIM-ACT-0", 5)]
)
def test_catalogues(channel: Channel, name: str, first: str, count: int) -> None:
    listed = channel.good("Catalogue", "GET", f"/refData/{name}")["items"]
    assert (listed[0]["code"], len(listed)) == (first, count)
    assert channel.good("Term", "GET", f"/refData/{name}/{first}") == listed[0]
    answer = channel.call("GET", f"/refData/{name}/CAW_99")
    assert channel.problem(answer) == (404, "resourceNotFound")
    channel.rig.order("rest", refdata="list")
    assert channel.good("Catalogue", "GET", f"/refData/{name}") == listed


# cancelling


def test_by_default_nothing_can_be_cancelled(channel: Channel) -> None:
    number = channel.register(act())[0]
    path = f"/sim-only/presenceRegistrations/{number}/cancel"
    answer = channel.call("POST", path, json={"cancellationReason": "PLANNING"})
    assert channel.problem(answer) == (404, "resourceNotFound")
    assert channel.get(number)["status"]["code"] == "registered"


def test_a_cancelled_registration(channels: dict[str, Channel]) -> None:
    main, sub = channels["main"], channels["sub"]
    main.rig.order("rest", can_cancel=True)

    def cancel(channel: Channel, number: int, reason: str) -> tuple[int, str]:
        path = f"/sim-only/presenceRegistrations/{FIRST_EVENT + number}/cancel"
        answer = channel.call("POST", path, json={"cancellationReason": reason})
        detail = answer.json()["issues"][0]["detail"] if answer.status_code == 400 else ""
        return answer.status_code, detail.partition(" ")[0]

    assert cancel(main, 0, "SICKNESS") == (400, "SIM-CANCEL-REASON")
    # Main sees what is on its works, but sent it not and employs nobody there.
    assert cancel(main, 2, "PLANNING") == (400, "SIM-RIGHTS")
    assert cancel(sub, 0, "PLANNING") == (404, "")
    assert cancel(sub, 1, "planning") == (200, "")
    assert cancel(sub, 1, "PLANNING") == (400, "SIM-CANCEL-TWICE")
    assert sub.get(FIRST_EVENT + 1)["status"]["code"] == "cancelled"
    main.rig.clock.to("2026-11-24T00:00:00")
    main.fetch()
    assert cancel(main, 0, "PLANNING") == (400, "SIM-CANCEL-LATE")


# as a service


def test_the_contract_names_the_addresses_it_was_asked_at(spare_channel: Channel) -> None:
    document = spare_channel.contract.document
    assert document["servers"] == [{"url": f"{spare_channel.base}{REST}"}]
    schemes = document["components"]["securitySchemes"]
    flow = schemes["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{spare_channel.base}/REST/oauth/v5/token"


def test_every_path_of_the_contract_is_served(spare_channel: Channel) -> None:
    for path, methods in spare_channel.contract.document["paths"].items():
        for method in methods:
            known = path.replace("{id}", "1").replace("{code}", "none")
            answer = spare_channel.call(method.upper(), known)
            expected = "There is no such" if "{" in path else "is expected"
            detail = answer.json().get("detail", "")
            assert answer.status_code == 200 or expected in detail


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (429, "tooManyRequests"),
        (500, "internalServerError"),
        (502, "badGateway"),
        (503, "serviceUnavailable"),
    ],
)
def test_problems_that_were_asked_for(channel: Channel, status: int, name: str) -> None:
    channel.fetch()
    channel.rig.order("trouble", status=status, calls=2, retry_after_s=7, limit=50)
    for _ in range(2):
        answer = channel.call("GET", "/refData/remarks")
        assert channel.problem(answer) == (status, name)
        assert answer.headers["retry-after"] == "7"
        assert answer.json()["retryAfterSec"] == 7
        assert answer.json()["retryAfter"] == "2026-11-23T06:41:14.312+01:00"
        assert answer.json().get("limit") == (50 if status == 429 else None)
    assert channel.call("GET", "/refData/remarks").status_code == 200


def test_trouble_lasts_until_it_is_ended(channel: Channel) -> None:
    channel.fetch()
    channel.rig.order("trouble", status=503, calls=None)
    for _ in range(3):
        assert "retry-after" not in channel.call("GET", "/refData/remarks").headers
    channel.rig.order("trouble", status=None)
    assert channel.call("GET", "/refData/remarks").status_code == 200


def test_trouble_at_the_token_endpoint_only(channel: Channel) -> None:
    channel.fetch()
    channel.rig.order("trouble", face="token", status=503)
    assert channel.call("GET", "/refData/remarks").status_code == 200
    assert channel.problem(channel.ask()) == (503, "serviceUnavailable")
    assert channel.ask().status_code == 200


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("rest", {"type_case": "Mixed"}),
        ("rest", {"page_size_max": 0}),
        ("rest", {"other": 1}),
        ("trouble", {"status": 418}),
        ("trouble", {}),
        ("tokens", {"lifetime_s": 0}),
    ],
)
def test_orders_that_are_not_understood_change_nothing(
    spare_rig: Rig, name: str, order: dict[str, Any]
) -> None:
    before = spare_rig.client.get("/sim/rest").json()
    assert spare_rig.client.post(f"/sim/{name}", json=order).status_code == 422
    assert spare_rig.client.get("/sim/rest").json() == before


def test_everything_is_there_after_a_restart(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    with served(rig) as base:
        Channel(rig, base).register(act(reference="one"), act(NO_DIMONA, place=ADDRESS))
    rig = make_rig()
    before = rig.client.get("/sim/events").json()
    assert [one["reference"] for one in before] == ["one", None]
    rig.order("validate")
    after = rig.client.get("/sim/events").json()
    assert [one["validity"] for one in after] == ["valid", "invalid"]
    assert before[1]["place"] == ADDRESS


def test_a_file_from_before_the_in_out_face_gets_its_tables(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = make_rig()
    rig.store._db.execute("DROP TABLE event")
    rig.close()
    assert make_rig().client.get("/sim/events").json() == []
    assert (tmp_path / "authority.db").exists()
