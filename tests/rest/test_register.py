"""What leaves for the in/out service, and what its answers become."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.application.ports import Place, Refused, Registered
from hub.errors import InDoubtError, LocalProtocolError
from tests.rest.acts import ACT_MS, INSS, act, reference, wire
from tests.rest.conftest import Make
from tests.rest.service import Asked, Reply, Service, created, not_created, stores_all


def test_an_act_is_sent_as_the_contract_says(make: Make) -> None:
    with Service() as service:
        (result,) = make(service).register([act(1)])
    (asked,) = service.asked
    assert (asked.method, asked.path.rsplit("/v1", 1)[1]) == (
        "POST",
        "/presenceRegistrations/registerInBulk",
    )
    assert asked.json == {"items": [wire(1)]}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.token == "token-1"
    assert result == Registered(
        reference(1), 17611, "2026-11-23T06:41:08+01:00", "SUCCESSFULLY REGISTERED"
    )


def test_a_foreign_employer_and_an_address_are_sent_instead(make: Make) -> None:
    address = {"postCode": "1000", "municipalityName": "Brussel", "streetName": "Wetstraat"}
    item = act(1, company_number=None, foreign_vat="NL999999999B01", place=Place(address=address))
    with Service() as service:
        make(service).register([item])
    assert service.asked[0].items == [
        wire(
            1,
            employer={"foreignVatNumber": "NL999999999B01"},
            placeOfWork={"address": address},
        )
    ]


@pytest.mark.parametrize(("case", "written"), [("lower", "out"), ("upper", "OUT")])
@pytest.mark.parametrize("answered", ["out", "OUT", "Out"])
def test_the_direction_is_written_as_set_and_read_in_either_case(
    make: Make, case: str, written: str, answered: str
) -> None:
    def script(asked: Asked) -> Reply:
        return Reply({"items": [created(item, 9, type=answered) for item in asked.items]})

    with Service(script) as service:
        (result,) = make(service, type_case=case).register([act(1, direction="out")])
    assert service.asked[0].items[0]["type"] == written
    assert isinstance(result, Registered)


@pytest.mark.parametrize(
    ("utc", "written"),
    [
        # The clock goes back on 25 October 2026 at 01:00 UTC: 02:30 is shown twice.
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25T02:30:00+02:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25T02:30:00+01:00"),
        # It goes forward on 28 March 2027 at 01:00 UTC: 02:30 is not shown at all.
        (datetime(2027, 3, 28, 0, 59, 59, 999_000, tzinfo=UTC), "2027-03-28T01:59:59+01:00"),
        (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), "2027-03-28T03:00:00+02:00"),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "2027-01-01T00:00:00+01:00"),
    ],
)
def test_a_moment_is_written_in_brussels_time_with_its_offset(
    make: Make, utc: datetime, written: str
) -> None:
    with Service() as service:
        (result,) = make(service).register([act(1, act_ms=int(utc.timestamp() * 1000))])
    assert service.asked[0].items[0]["registrationDate"] == written
    assert isinstance(result, Registered)


NAN = float("nan")
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "short number": ({"inss": INSS[:10]}, "ssin: pattern"),
    "other digits": ({"inss": "\u0668" * 11}, "ssin: pattern"),
    "line end": ({"inss": INSS + "\n"}, "ssin: pattern"),
    "no number": ({"inss": None}, "ssin: missing"),
    "limosa": ({"inss": None, "limosa": "24999000000000187"}, "ssin: identity"),
    "no moment": ({"act_ms": None}, "registrationDate: missing"),
    "moment": ({"act_ms": -1}, "registrationDate: out of range"),
    "far moment": ({"act_ms": 10**18}, "registrationDate: out of range"),
    "direction": ({"direction": "break"}, "type: not in the list"),
    "no direction": ({"direction": None}, "type: not in the list"),
    "nine digits": ({"company_number": "999000129"}, "employer.enterpriseNumber: pattern"),
    "bar": ({"company_number": "|999000129"}, "employer.enterpriseNumber: pattern"),
    "unit": ({"company_number": "2199000193"}, "employer.enterpriseNumber: pattern"),
    "vat": (
        {"company_number": None, "foreign_vat": "999"},
        "employer.foreignVatNumber: pattern",
    ),
    "no employer": (
        {"company_number": None},
        "employer: exactly one of enterpriseNumber and foreignVatNumber",
    ),
    "two employers": (
        {"foreign_vat": "NL999999999B01"},
        "employer: exactly one of enterpriseNumber and foreignVatNumber",
    ),
    "works": ({"works_number": "1Y19FAKE00IAZ"}, "contractualRelationshipReference: pattern"),
    "short works": ({"works_number": "1Y19"}, "contractualRelationshipReference: pattern"),
    "no place": ({"place": None}, "placeOfWork: missing"),
    "empty place": ({"place": Place()}, "placeOfWork: exactly one of coordinates and address"),
    "both places": (
        {"place": Place(4.3, 50.8, {"postCode": "1000"})},
        "placeOfWork: exactly one of coordinates and address",
    ),
    "half a place": (
        {"place": Place(longitude=4.3)},
        "placeOfWork.coordinates.latitude: wrong type",
    ),
    "not a number": (
        {"place": Place(NAN, 50.8)},
        "placeOfWork.coordinates.longitude: out of range",
    ),
    "off the earth": (
        {"place": Place(4.3, 90.1)},
        "placeOfWork.coordinates.latitude: out of range",
    ),
    "truth": ({"place": Place(True, 50.8)}, "placeOfWork.coordinates.longitude: wrong type"),
    "unknown line": (
        {"place": Place(address={"postCode": "1000", "country": "BE"})},
        "placeOfWork.address: not known",
    ),
    "blank line": (
        {"place": Place(address={"streetName": " "})},
        "placeOfWork.address.streetName: pattern",
    ),
    "half a character": (
        {"place": Place(address={"streetName": "\ud800"})},
        "placeOfWork.address.streetName: wrong type",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_item_stays_here_and_the_others_go(make: Make, name: str) -> None:
    changed, told = BAD[name]
    with Service() as service:
        results = make(service).register([act(1), act(2, **changed), act(3)])
    assert service.asked[0].items == [wire(1), wire(3)]
    assert [result.reference for result in results] == [reference(1), reference(2), reference(3)]
    assert results[1] == Refused(reference(2), (("HUB-1345", told),))
    assert all(isinstance(results[at], Registered) for at in (0, 2))


@pytest.mark.parametrize(
    ("bad", "rule"), [("x" * 25, "too long"), ("a b", "pattern"), ("", "too short")]
)
def test_a_reference_the_service_could_not_echo_stays_here(make: Make, bad: str, rule: str) -> None:
    with Service() as service:
        (result,) = make(service).register([act(1, reference=bad)])
    assert result == Refused(bad, (("HUB-1345", f"customReference: {rule}"),))
    assert service.asked == service.token_asked == []


def test_200_go_in_one_call_and_201_do_not_go(make: Make) -> None:
    with Service() as service:
        results = make(service).register([act(n) for n in range(200)])
        with pytest.raises(LocalProtocolError):
            make(service).register([act(n) for n in range(201)])
        with pytest.raises(LocalProtocolError):
            make(service).register([])
        with pytest.raises(LocalProtocolError):
            make(service).register([act(1), act(1)])
    assert [result.reference for result in results] == [reference(n) for n in range(200)]
    assert len(service.asked) == 1


def test_a_refusal_keeps_code_and_text_and_loses_the_number(make: Make) -> None:
    script = Reply({"items": [not_created(("SIM-INSS", f"{INSS} is unknown"))]})
    with Service(script) as service:
        (result,) = make(service).register([act(1)])
    assert result == Refused(reference(1), (("SIM-INSS", "*** is unknown"),))


STATUS: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "pending": ({}, "SUCCESSFULLY REGISTERED", ()),
    "valid": ({"validity": "valid"}, "VALIDATED", ()),
    "invalid": ({"validity": "INVALID"}, "FAILED", ()),
    "no validity": ({"validity": None}, "SUCCESSFULLY REGISTERED", ()),
    "no status": ({"status": None}, "SUCCESSFULLY REGISTERED", ()),
    "edited": ({"status": {"code": "edited"}, "validity": "valid"}, "VALIDATED", ()),
    "cancelled": (
        {"status": {"code": "cancelled"}, "validity": "valid"},
        "SUCCESSFULLY CANCELLED",
        (),
    ),
    "unknown validity": ({"validity": "odd"}, "SUCCESSFULLY REGISTERED", ("validity=odd",)),
    "unknown status": (
        {"status": {"code": "frozen"}, "validity": "invalid"},
        "FAILED",
        ("status=frozen",),
    ),
    "remarks": (
        {"remarks": [{"code": "CAW_14", "labels": {"nl": "Dubbel"}}], "validity": "invalid"},
        "FAILED",
        ("CAW_14",),
    ),
}


@pytest.mark.parametrize("name", STATUS)
def test_the_words_of_the_service_become_those_of_the_hub(make: Make, name: str) -> None:
    changed, status, remarks = STATUS[name]

    def script(asked: Asked) -> Reply:
        return Reply({"items": [created(asked.items[0], 5, **changed)]})

    with Service(script) as service:
        (result,) = make(service).register([act(1)])
    assert isinstance(result, Registered)
    assert (result.status, result.remarks) == (status, remarks)


def test_an_answer_in_any_order_is_matched_by_reference(make: Make) -> None:
    def script(asked: Asked) -> Reply:
        entries = [created(item, 100 + at) for at, item in enumerate(asked.items)]
        return Reply({"items": entries[::-1]})

    with Service(script) as service:
        results = make(service).register([act(n) for n in range(5)])
    assert [(r.reference, getattr(r, "number", 0)) for r in results] == [
        (reference(n), 100 + n) for n in range(5)
    ]


def mixed(entries: list[dict[str, Any]]) -> Reply:
    return Reply({"items": entries})


CERTAIN: dict[str, list[dict[str, Any]]] = {
    "refusals in their places": [
        not_created(("A", "")), created(wire(1), 1), not_created(("B", "")),
    ],
    "no reference is echoed at all": [
        not_created(("A", "")), created(wire(1, customReference=None), 1), not_created(("B", "")),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CERTAIN)
def test_entries_without_reference_are_matched_by_position(make: Make, name: str) -> None:
    with Service(mixed(CERTAIN[name])) as service:
        results = make(service).register([act(n) for n in range(3)])
    assert results == [
        Refused(reference(0), (("A", ""),)),
        Registered(reference(1), 1, "2026-11-23T06:41:08+01:00", "SUCCESSFULLY REGISTERED"),
        Refused(reference(2), (("B", ""),)),
    ]


@pytest.mark.parametrize(
    "refusals", [(("A", ""),), (("A", "late"), ("A", "late"))], ids=["one", "alike"]
)
def test_what_can_be_shared_out_in_one_way_only_is(
    make: Make, refusals: tuple[tuple[str, str], ...]
) -> None:
    sent = len(refusals) + 2
    entries = [created(wire(n), n + 1) for n in (sent - 1, 0)]
    entries[1:1] = [not_created(refusal) for refusal in refusals]
    with Service(mixed(entries)) as service:
        results = make(service).register([act(n) for n in range(sent)])
    assert [type(result) for result in results] == [
        Registered,
        *([Refused] * len(refusals)),
        Registered,
    ]


OTHER = "90110599843"
DOUBTFUL: dict[str, list[dict[str, Any]]] = {
    "an entry is missing": [created(wire(0), 1), created(wire(1), 2)],
    "an entry too many": [created(wire(n % 3), n + 1) for n in range(4)],
    "a reference twice": [created(wire(0), 1), created(wire(1), 2), created(wire(1), 3)],
    "a foreign reference": [created(wire(0), 1), created(wire(1), 2), created(wire(7), 3)],
    "a number twice": [created(wire(0), 1), created(wire(1), 1), created(wire(2), 3)],
    "refusals that may have moved": [
        created(wire(2), 1), not_created(("A", "")), not_created(("B", "")),
    ],
    "another person at the place": [
        created(wire(0), 1),
        created(wire(1, ssin=OTHER, customReference=None), 2),
        created(wire(2, customReference=None), 3),
    ],
    "another person, one left": [
        created(wire(0), 1),
        created(wire(1), 2),
        created(wire(2, ssin=OTHER, customReference=None), 3),
    ],
    "another direction": [created(wire(n), n + 1, type="out") for n in range(3)],
    "another moment": [
        created(wire(n), n + 1, registrationDate="2026-11-23T06:41:07Z") for n in range(3)
    ],
    "other works": [
        created(wire(n), n + 1, contractualRelationshipReference="1Y19FAKE002BZ") for n in range(3)
    ],
    "both at once": [
        created(wire(0), 1), created(wire(1), 2), created(wire(2), 3) | not_created(("A", "")),
    ],
    "neither": [created(wire(0), 1), created(wire(1), 2), {}],
    "no number": [created(wire(n), None) for n in range(3)],
    "a number in quotes": [created(wire(n), str(n + 1)) for n in range(3)],
    "no whole number": [created(wire(n), n + 1.5) for n in range(3)],
    "truth for a number": [created(wire(0), True), created(wire(1), 2), created(wire(2), 3)],
    "a number of 16 digits": [created(wire(n), 10**15 + n) for n in range(3)],
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTFUL)
def test_an_answer_that_contradicts_itself_is_in_doubt(make: Make, name: str) -> None:
    with Service(mixed(DOUBTFUL[name])) as service, pytest.raises(InDoubtError) as caught:
        make(service).register([act(n) for n in range(3)])
    assert caught.value.code == "HUB-1302"
    assert len(service.asked) == 1


def test_a_person_with_a_newer_number_is_the_same_person(make: Make) -> None:
    with Service(mixed([created(wire(0, ssin=OTHER), 1)])) as service:
        (result,) = make(service).register([act(0)])
    assert isinstance(result, Registered)


@pytest.mark.parametrize("echoed", ["2026-11-23T05:41:07Z", "2026-11-23T06:41:07.000+01:00"])
def test_the_same_moment_written_otherwise_is_the_same_moment(make: Make, echoed: str) -> None:
    with Service(mixed([created(wire(0), 1, registrationDate=echoed)])) as service:
        (result,) = make(service).register([act(0, act_ms=ACT_MS + 999)])
    assert isinstance(result, Registered)


def test_names_stay_in_the_evidence_and_go_nowhere_else(make: Make, kept: list[Any]) -> None:
    with Service(stores_all) as service:
        results = make(service).register([act(1)])
    assert "Worker" not in repr(results)
    assert b"Worker" in kept[0].answer
    assert json.loads(kept[0].request) == {"items": [wire(1)]}
    assert (kept[0].operation, kept[0].regime, kept[0].outcome, kept[0].at_ms) == (
        "register",
        "in_out",
        "answered",
        ACT_MS + 3000,
    )
    assert kept[0].items == ((reference(1), 17611),)
