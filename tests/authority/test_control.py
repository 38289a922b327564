"""Control endpoints: strict orders, no value repeated in an error, a full view for tests."""

from __future__ import annotations

import pytest

from tests.authority.rig import BIS_PLAIN, FIRST, OK, Rig, item


def test_state_says_everything_that_is_set(rig: Rig) -> None:
    rig.register(item())
    rig.order("availability", mode="down", calls=3)
    rig.order("fault", code="SOA-02001", calls=2, element="BusinessError")
    rig.order("latency", ms=250)
    rig.order("answers", backwards=True)
    rig.order("drip", ms=500, calls=4)
    rig.order("skew", ms=-90_000)
    rig.order("maintenance", until="2026-11-23T07:20:00")
    rig.order("latency", ms=10, to_ms=20, operations=["search"])
    state = rig.client.get("/sim/state").json()
    assert state == {
        "mode": "down",
        "mode_calls": 3,
        "status": 503,
        "retry_after_s": None,
        "fault_code": "SOA-02001",
        "fault_element": "BusinessError",
        "fault_calls": 2,
        "latency_ms": 250,
        "latency_to_ms": 250,
        "latency_calls": None,
        "drip_ms": 500,
        "drip_calls": 4,
        "backwards": True,
        "order": "backwards",
        "order_calls": None,
        "limited": {"search": {"latency": {"value": [10, 20], "calls": None}}},
        "stalled": 0,
        "now": "2026-11-23T06:39:37.312+01:00",
        "day": "2026-11-23",
        "shift_s": 0.0,
        "rate": 1.0,
        "skew_ms": -90_000,
        "maintenance": {"from": None, "until": "2026-11-23T07:20:00.000+01:00"},
        "validation_delay_s": 20.0,
        "counts": {"SUCCESSFULLY REGISTERED": 1},
        "url": "http://testserver",
        "soap": "http://testserver/PresenceRegistration/v1",
        "wsdl": "http://testserver/PresenceRegistration/v1?wsdl",
        "rest": "http://testserver/REST/presenceRegistration/v1",
        "token": "http://testserver/REST/oauth/v5/token",
        "openapi": "http://testserver/REST/presenceRegistration/v1/openapi.json",
        "pages": "http://testserver/desktop",
        "sts": "http://testserver/SecurityTokenService/v1",
    }


@pytest.mark.parametrize(("name", "order"), [
    ("availability", {"mode": "asleep"}),
    ("availability", {"mode": "down", "calls": 0}),
    ("availability", {"mode": "down", "call": 1}),
    ("availability", {}),
    ("fault", {"code": "03006"}),
    ("fault", {"code": "SOA-03006", "element": "OtherError"}),
    ("fault", {}),
    ("latency", {"ms": -1}),
    ("latency", {"ms": 20, "to_ms": 10}),
    ("latency", {"ms": 20, "operations": ["telephone"]}),
    ("drip", {"ms": 600_001}),
    ("door", {"shut_s": 0}),
    ("skew", {"ms": 86_400_001}),
    ("maintenance", {"from": "2026-11-23T08:00:00", "until": "2026-11-23T07:00:00"}),
    ("maintenance", {"until": "soon"}),
    ("answers", {"backwards": True, "order": "asked"}),
    ("answers", {}),
    ("script", {"entry": [{}]}),
    ("script", {"entry": [{"mode": "stall"}]}),
    ("script", {"entry": [{"mode": "down", "at": "tea time"}]}),
    ("script", {"entry": [{"mode": "down", "at": "06:40", "after_s": 1}]}),
    ("script", {"entry": [{"mode": "down", "until": "06:40", "for_s": 1}]}),
    ("script", {"entry": [{"mode": "down", "probability": 1.5}]}),
    ("script", {"entry": [{"latency_ms": [20, 10]}]}),
    ("clock", {"rate": -1}),
    ("answers", {"backwards": "sometimes"}),
    ("clock", {}),
    ("clock", {"shift_s": 1, "now": "2026-11-23T00:00:00"}),
    ("clock", {"now": "tomorrow"}),
    ("clock", {"now": "1901-01-01T00:00:00"}),
    ("clock", {"shift_s": 10**12}),
    ("dimona", {"inss": OK, "company": "999000129"}),
    ("dimona", {"inss": OK, "company": "0999000128"}),
    ("dimona", {"inss": OK, "company": "0999000129", "start": "today"}),
    ("person", {"inss": OK}),
])  # fmt: skip
def test_orders_that_are_not_understood_change_nothing(
    spare_rig: Rig, name: str, order: dict[str, object]
) -> None:
    before = spare_rig.client.get("/sim/state").json()
    answer = spare_rig.client.post(f"/sim/{name}", json=order)
    assert answer.status_code == 422
    assert OK not in answer.text
    assert spare_rig.client.get("/sim/state").json() == before


@pytest.mark.parametrize("name", ["dimona", "person"])
def test_an_impossible_person_is_refused_without_repeating_it(spare_rig: Rig, name: str) -> None:
    order = {"dimona": {"company": "0999000129"}, "person": {"replaced_by": BIS_PLAIN}}[name]
    answer = spare_rig.client.post(f"/sim/{name}", json={"inss": "85031299760"} | order)
    assert answer.status_code == 422
    assert "85031299760" not in answer.text


def test_registrations_are_shown_in_full_for_tests(rig: Rig) -> None:
    rig.validated(item(reference="r"))
    assert rig.stored() == [
        {
            "number": FIRST,
            "day": "2026-11-23",
            "date_sent": None,
            "inss": OK,
            "latest_inss": OK,
            "company": "0999000129",
            "limosa_id": None,
            "works": "1Y19FAKE001AZ",
            "reference": "r",
            "sector": 1,
            "created": "2026-11-23T06:41:07.312+01:00",
            "channel": "WEBSERVICE",
            "sender": "SIM-0001",
            "cancel_reason": None,
            "status": "VALIDATED",
            "at": "2026-11-23T06:41:27.312+01:00",
            "remarks": [],
            "history": [
                {"status": "SUCCESSFULLY REGISTERED", "at": None, "remarks": []},
                {"status": "VALIDATED", "at": "2026-11-23T06:41:27.312+01:00", "remarks": []},
            ],
        }
    ]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_no_page_that_loads_scripts_from_elsewhere(spare_rig: Rig, path: str) -> None:
    assert spare_rig.client.get(path).status_code == 404
