"""registerInBulk: what is stored, refused item by item, or rejected as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.authority.rest_rig import (
    ADDRESS,
    FIRST_EVENT,
    PLACE,
    SUB_CLIENT,
    WORKS_E,
    WORKS_G,
    Channel,
    act,
)
from tests.authority.rig import BIS_PLAIN, NO_DIMONA, OK, Rig
from tests.authority.test_store import people

PATH = "/presenceRegistrations/registerInBulk"
SCHEMA = "urn:problem-type:belgif:input-validation:schemaViolation"
UNKNOWN = "urn:problem-type:belgif:input-validation:unknownInput"
ONE_OF = "urn:problem-type:belgif-ext:input-validation:exactlyOneOfExpected"
RANGE = "urn:problem-type:belgif-ext:input-validation:outOfRange"


def without(name: str) -> dict[str, Any]:
    item = act()
    del item[name]
    return item


def rejected(channel: Channel, body: object) -> list[tuple[str, str]]:
    """Type and name of each issue of a call that is rejected and stores nothing."""
    before = channel.rig.client.get("/sim/events").json()
    answer = channel.call("POST", PATH, json=body)
    assert channel.problem(answer) == (400, "badRequest")
    assert channel.rig.client.get("/sim/events").json() == before
    issues = answer.json()["issues"]
    assert {issue["in"] for issue in issues} == {"body"}
    return [(issue["type"], issue["name"]) for issue in issues]


def test_a_good_item_is_stored_and_numbered(channel: Channel) -> None:
    entries = channel.bulk(act(reference="SITE7-000117"))
    assert len(entries) == 1
    created = entries[0]["createdPresenceRegistration"]
    worker = created.pop("worker")
    assert all(worker.values())
    assert created == {
        "id": FIRST_EVENT,
        "registrationDate": "2026-11-23T06:41:00+01:00",
        "ssin": OK,
        "type": "in",
        "employer": {"enterpriseNumber": "0999000129"},
        "placeOfWork": PLACE,
        "contractualRelationshipReference": WORKS_E,
        "activity": "SIM-ACT-1",
        "channel": "WEBSERVICE",
        "customReference": "SITE7-000117",
        "status": {"code": "registered", "date": "2026-11-23T06:41:07.312+01:00"},
        "validity": "pending",
        "remarks": [],
    }
    assert channel.get(FIRST_EVENT) == created | {"worker": worker}


def test_an_address_a_foreign_employer_and_another_sector(channel: Channel) -> None:
    vat = {"foreignVatNumber": "NL000000000B00"}
    entry = channel.bulk(act(place=ADDRESS, employer=vat, works=WORKS_G, type_="out"))[0]
    created = entry["createdPresenceRegistration"]
    assert created["placeOfWork"] == ADDRESS
    assert created["employer"] == vat
    assert (created["activity"], created["type"]) == ("SIM-ACT-4", "out")


def test_nobody_knows_the_name_of_a_stranger(channel: Channel) -> None:
    named, unnamed = channel.bulk(act(NO_DIMONA), act("75400099782"))
    assert "worker" in named["createdPresenceRegistration"]
    assert "worker" not in unnamed["createdPresenceRegistration"]


@pytest.mark.parametrize(
    ("at", "codes"),
    [
        ("2026-11-23T06:31:07.312+01:00", []),
        ("2026-11-23T06:31:07.311+01:00", ["SIM-TOO-LATE"]),
        ("2026-11-23T05:41:07Z", []),
        ("2026-11-23T06:43:07.312+01:00", []),
        ("2026-11-23T06:43:07.313+01:00", ["SIM-TOO-EARLY"]),
        ("2026-11-22T06:41:07+01:00", ["SIM-TOO-LATE"]),
        ("2026-11-23T06:41:07+02:00", ["SIM-TOO-LATE"]),
        ("2026-11-23t05:41:07.123456789z", []),
        ("0001-01-01T00:00:00Z", ["SIM-TOO-LATE"]),
        ("9999-12-31T23:59:59Z", ["SIM-TOO-EARLY"]),
    ],
)
def test_ten_minutes_after_and_two_before(channel: Channel, at: str, codes: list[str]) -> None:
    assert channel.codes(act(at=at)) == [codes]


@pytest.mark.parametrize(
    ("item", "codes"),
    [
        (act("85031299762"), ["SIM-INSS"]),
        (act("00000000000"), ["SIM-INSS"]),
        (act(employer={"enterpriseNumber": "0999000128"}), ["SIM-COMPANY"]),
        (act(works="1Y19FAKE005FZ"), ["SIM-PLACE"]),
        (act("85031299762", works="1Y19FAKE005FZ"), ["SIM-INSS", "SIM-PLACE"]),
        (act(works="ABCDEFGHJKLMN"), []),
    ],
)
def test_check_digits(channel: Channel, item: dict[str, Any], codes: list[str]) -> None:
    assert channel.codes(item) == [codes]


def test_a_mixed_batch_answers_each_item_in_order(channel: Channel) -> None:
    late = "2026-11-23T06:00:00+01:00"
    items = [act(reference="a"), act(at=late), act(BIS_PLAIN, reference="c"), act("85031299762")]
    assert channel.codes(*items) == [[], ["SIM-TOO-LATE"], [], ["SIM-INSS"]]
    held = channel.rig.client.get("/sim/events").json()
    assert [(one["number"] - FIRST_EVENT, one["reference"]) for one in held] == [(0, "a"), (1, "c")]


def test_answers_come_last_first_on_request(channel: Channel) -> None:
    channel.rig.order("rest", backwards=True)
    entries = channel.bulk(act(reference="a"), act(reference="b"))
    references = [one["createdPresenceRegistration"]["customReference"] for one in entries]
    assert references == ["b", "a"]


@pytest.mark.parametrize("sent", ["in", "out", "IN", "OUT"])
def test_the_case_of_type(channel: Channel, sent: str) -> None:
    assert channel.get(channel.register(act(type_=sent))[0])["type"] == sent.lower()
    channel.rig.order("rest", type_case="upper")
    assert channel.get(channel.register(act(type_=sent))[0])["type"] == sent.upper()


@pytest.mark.parametrize(
    ("item", "issues"),
    [
        (without("registrationDate"), [(SCHEMA, "registrationDate")]),
        (without("ssin"), [(SCHEMA, "ssin")]),
        (without("type"), [(SCHEMA, "type")]),
        (without("employer"), [(SCHEMA, "employer")]),
        (without("placeOfWork"), [(SCHEMA, "placeOfWork")]),
        (
            without("contractualRelationshipReference"),
            [(SCHEMA, "contractualRelationshipReference")],
        ),
        (act("8503129976"), [(SCHEMA, "ssin")]),
        (act("٨5031299761"), [(SCHEMA, "ssin")]),
        (act() | {"ssin": 85031299761}, [(SCHEMA, "ssin")]),
        (act(at="2026-11-23"), [(SCHEMA, "registrationDate")]),
        (act(at="2026-11-23T06:41:07"), [(SCHEMA, "registrationDate")]),
        (act(at="2026-11-23 06:41:07+01:00"), [(SCHEMA, "registrationDate")]),
        (act(at="2026-02-30T06:41:07+01:00"), [(SCHEMA, "registrationDate")]),
        (act(type_="In"), [(SCHEMA, "type")]),
        (act(type_="break"), [(SCHEMA, "type")]),
        (act() | {"type": ["in"]}, [(SCHEMA, "type")]),
        (act(works="1Y19FAKE00IAZ"), [(SCHEMA, "contractualRelationshipReference")]),
        (act(works="1y19fake005ez"), [(SCHEMA, "contractualRelationshipReference")]),
        (
            act(employer={"enterpriseNumber": "999000129"}),
            [(SCHEMA, "employer.enterpriseNumber")],
        ),
        (
            act(employer={"enterpriseNumber": "2999000129"}),
            [(SCHEMA, "employer.enterpriseNumber")],
        ),
        (act(employer={"foreignVatNumber": "nl1"}), [(SCHEMA, "employer.foreignVatNumber")]),
        (
            act(employer={"foreignVatNumber": "NL1", "enterpriseNumber": "0999000129"}),
            [(ONE_OF, "employer")],
        ),
        (act() | {"employer": {}}, [(ONE_OF, "employer")]),
        (act() | {"employer": "0999000129"}, [(SCHEMA, "employer")]),
        (act(place=PLACE | ADDRESS), [(ONE_OF, "placeOfWork")]),
        (
            act(place={"coordinates": {"longitude": 4.35}}),
            [(SCHEMA, "placeOfWork.coordinates.latitude")],
        ),
        (
            act(place={"coordinates": {"longitude": 181, "latitude": 1}}),
            [(RANGE, "placeOfWork.coordinates.longitude")],
        ),
        (
            act(place={"coordinates": {"longitude": "4", "latitude": True}}),
            [
                (SCHEMA, "placeOfWork.coordinates.longitude"),
                (SCHEMA, "placeOfWork.coordinates.latitude"),
            ],
        ),
        (
            act(place={"address": {"postCode": "1000", "streetName": "S"}}),
            [(SCHEMA, "placeOfWork.address.municipalityName")],
        ),
        (act(reference=""), [(SCHEMA, "customReference")]),
        (act(reference="x" * 65), [(SCHEMA, "customReference")]),
        (act(period="x"), [(UNKNOWN, "period")]),
    ],
)
def test_one_violation_in_one_item_rejects_the_call(
    spare_channel: Channel, item: dict[str, Any], issues: list[tuple[str, str]]
) -> None:
    expected = [(kind, f"items[1].{name}") for kind, name in issues]
    assert rejected(spare_channel, {"items": [act(), item, act()]}) == expected


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ([], [""]),
        ({}, ["items"]),
        ({"items": None}, ["items"]),
        ({"items": {}}, ["items"]),
        ({"items": []}, ["items"]),
        ({"items": [act()] * 201}, ["items"]),
        ({"items": [act(), 7]}, ["items[1]"]),
        ({"items": [act()], "more": 1}, ["more"]),
    ],
)
def test_what_is_no_batch(spare_channel: Channel, body: object, names: list[str]) -> None:
    found = [name for _, name in rejected(spare_channel, body)]
    assert found[:1] == names
    assert set(found[1:]) <= {f"items[1].{name}" for name in act()}


def test_issues_say_what_was_sent_and_are_not_endless(spare_channel: Channel) -> None:
    body = {"items": [act("123", period=1)] * 200}
    answer = spare_channel.call("POST", PATH, json=body)
    issues = answer.json()["issues"]
    assert len(issues) == 100
    assert issues[1]["value"] == "123"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b'{"items": [NaN]}',
        b"\xff",
        b"[" * 100_000,
        b'{"items": ["\\ud800"]}',
        b"1" * 5000,
    ],
)
def test_what_is_no_json(spare_channel: Channel, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = spare_channel.call("POST", PATH, content=content, headers=headers)
    assert spare_channel.problem(answer) == (400, "badRequest")


def test_infinity_is_out_of_range_and_not_repeated(spare_channel: Channel) -> None:
    content = b'{"items": [{"placeOfWork": {"coordinates": {"longitude": 1e999}}}]}'
    headers = {"Content-Type": "application/json"}
    answer = spare_channel.call("POST", PATH, content=content, headers=headers)
    found = {issue["name"]: issue for issue in answer.json()["issues"]}
    issue = found["items[0].placeOfWork.coordinates.longitude"]
    assert issue["type"] == RANGE
    assert "value" not in issue


def test_the_size_limit_is_exact(spare_channel: Channel) -> None:
    headers = {"Content-Type": "application/json"}
    content = b"[" + b" " * 1_048_574 + b"]"
    answer = spare_channel.call("POST", PATH, content=content, headers=headers)
    assert spare_channel.problem(answer) == (400, "badRequest")
    answer = spare_channel.call("POST", PATH, content=content + b" ", headers=headers)
    assert spare_channel.problem(answer) == (413, "payloadTooLarge")
    assert answer.json()["limit"] == 1_048_576


def test_only_json_is_read(spare_channel: Channel) -> None:
    answer = spare_channel.call("POST", PATH, content=b"{}", headers={"Content-Type": "text/xml"})
    assert spare_channel.problem(answer) == (415, "unsupportedMediaType")


def test_the_longest_reference_can_be_chosen(channel: Channel) -> None:
    channel.rig.order("rest", reference_max=24)
    assert channel.codes(act(reference="x" * 24)) == [[]]
    assert rejected(channel, {"items": [act(reference="x" * 25)]}) == [
        (SCHEMA, "items[0].customReference")
    ]


def test_two_hundred_items_are_one_transaction(channel: Channel) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    channel.fetch()
    channel.rig.authority.validate_due()
    channel.rig.store._db.set_trace_callback(count)
    numbers = channel.register(*(act(inss, reference=inss) for inss in people(0, 200)))
    channel.rig.store._db.set_trace_callback(None)
    assert numbers == list(range(FIRST_EVENT, FIRST_EVENT + 200))
    assert commits == 1


def test_an_item_costs_the_same_however_many_are_stored(channel: Channel) -> None:
    rig = channel.rig
    channel.fetch()

    def steps(first: int) -> int:
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        items = [act(inss, type_="out") for inss in people(first, 20)]
        rig.store._db.set_progress_handler(count, 10)
        channel.register(*items)
        rig.clock.forward(20)
        # The server's own loop may have validated some of them: then these steps are counted too.
        rig.authority.validate_due()
        assert rig.authority.validate_due() == 0
        rig.store._db.set_progress_handler(None, 10)
        return taken

    # Steps of the database are measured, never seconds.
    at_first = steps(0)
    for first in range(20, 1620, 200):
        channel.register(*(act(inss, type_="out") for inss in people(first, 200)))
    rig.clock.forward(20)
    rig.authority.validate_due()
    assert steps(1700) < 1.5 * at_first


def test_a_call_after_another_gets_the_next_numbers(channel: Channel, rig: Rig) -> None:
    sub = Channel(rig, channel.base, SUB_CLIENT)
    assert channel.register(act(), act()) == [FIRST_EVENT, FIRST_EVENT + 1]
    assert sub.register(act()) == [FIRST_EVENT + 2]
    held = rig.client.get("/sim/events").json()
    assert [one["sender"] for one in held] == ["SIM-0001", "SIM-0001", "SIM-0002"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_nothing_else_is_served_there(spare_channel: Channel, method: str) -> None:
    answer = spare_channel.call(method, "/presenceRegistrations/1")
    assert spare_channel.problem(answer) == (405, "methodNotAllowed")
    answer = spare_channel.call("GET", "/other")
    assert spare_channel.problem(answer) == (404, "resourceNotFound")


def test_no_person_in_logs_and_reprs(channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    channel.register(act())
    channel.call("POST", PATH, json={"items": [act("8503129976")]})
    event = channel.rig.authority.in_out.everything()[0]
    assert OK not in repr(event)
    assert OK not in caplog.text
    assert "8503129976" not in caplog.text
    assert "4.3517" not in repr(event)
