"""cancelPresences: reasons, deadline, rights, and what remains afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.authority.operations import Settings
from tests.authority.rig import FIRST, NS, OK, SUB, SUB_WORKER, Rig, cancel, get, item


def test_a_cancelled_registration_is_answered_in_full(rig: Rig) -> None:
    [number] = rig.register(item(reference="r1"))
    rig.clock.forward(60)
    reply = rig.call(cancel((number, "DISEASE")))
    assert (reply.status, reply.fault, reply.codes) == (200, None, [])
    assert reply.numbers == [number]
    assert reply.texts("Status") == ["SUCCESSFULLY CANCELLED"]
    assert reply.texts("ValidationDate") == ["2026-11-23T06:42:07.312+01:00"]
    assert reply.texts("RegistrationDate") == ["2026-11-23"]
    assert reply.texts("ClientPresenceRegistrationReference") == ["r1"]
    assert reply.texts("INSS") == [OK, OK]
    [held] = rig.stored()
    assert (held["status"], held["cancel_reason"]) == ("SUCCESSFULLY CANCELLED", "DISEASE")


def test_history_keeps_what_was_before(rig: Rig) -> None:
    rig.validated(item())
    rig.call(cancel((FIRST, "PLANNING")))
    history = rig.call(get(FIRST)).body.find(".//t:ValidationHistory", NS)
    assert [one.text for one in history.iterfind(".//t:Status", NS)] == [
        "SUCCESSFULLY REGISTERED",
        "VALIDATED",
        "SUCCESSFULLY CANCELLED",
    ]


@pytest.mark.parametrize("reason", [
    "HOLIDAY", "DISEASE", "PLANNING", "C32A", "OTHER",
    "Holiday", "Disease", "Planning", "C32a", "Other", "holiday",
])  # fmt: skip
def test_accepted_reasons(rig: Rig, reason: str) -> None:
    [number] = rig.register(item())
    assert rig.call(cancel((number, reason))).texts("Status") == ["SUCCESSFULLY CANCELLED"]
    assert rig.stored()[0]["cancel_reason"] == reason.upper()


@pytest.mark.parametrize("reason", ["SICKNESS", "ERROR", "", " HOLIDAY", "C32"])
def test_other_reasons_are_refused(rig: Rig, reason: str) -> None:
    [number] = rig.register(item())
    reply = rig.call(cancel((number, reason)))
    assert reply.codes == ["SIM-CANCEL-REASON"]
    assert rig.stored()[0]["status"] == "SUCCESSFULLY REGISTERED"


def test_unknown_and_twice(rig: Rig) -> None:
    [number] = rig.register(item())
    reply = rig.call(
        cancel((number, "OTHER"), (number, "OTHER"), (number + 1, "OTHER"), (number + 1, "x"))
    )
    assert reply.texts("Status") == ["SUCCESSFULLY CANCELLED"]
    assert reply.codes == [
        "SIM-CANCEL-TWICE",
        "SIM-CANCEL-UNKNOWN",
        "SIM-CANCEL-UNKNOWN",
        "SIM-CANCEL-REASON",
    ]
    errors = reply.body.findall(".//t:PresenceRegistrationError", NS)
    assert [one.findtext("*/t:PresenceRegistrationId", namespaces=NS) for one in errors] == [
        str(number),
        str(number + 1),
        str(number + 1),
    ]


@pytest.mark.parametrize(("settings", "last"), [
    (Settings(), "2026-11-23T23:59:59.999"),
    (Settings(cancel_grace_days=2), "2026-11-25T23:59:59.999"),
])  # fmt: skip
def test_the_deadline_is_the_end_of_a_belgian_day(
    make_rig: Callable[..., Rig], settings: Settings, last: str
) -> None:
    rig = make_rig(settings=settings)
    first, second = rig.register(item(), item(SUB_WORKER, SUB))
    rig.clock.to(last)
    assert rig.call(cancel((first, "OTHER"))).codes == []
    rig.clock.forward(0.001)
    assert rig.call(cancel((second, "OTHER"))).codes == ["SIM-CANCEL-LATE"]


def test_tomorrows_registration_can_be_cancelled_today_and_tomorrow(rig: Rig) -> None:
    first, second = rig.register(item(day="2026-11-24"), item(SUB_WORKER, SUB, day="2026-11-24"))
    assert rig.call(cancel((first, "OTHER"))).codes == []
    rig.clock.to("2026-11-24T23:59:59")
    assert rig.call(cancel((second, "OTHER"))).codes == []


def test_sender_and_employer_may_cancel_and_nobody_else(rig: Rig) -> None:
    # Sent by the main contractor, employer is the subcontractor.
    first, second = rig.register(item(SUB_WORKER, SUB), item(SUB_WORKER, SUB))
    assert rig.call(cancel((first, "OTHER")), sender="SIM-0003").codes == ["SIM-RIGHTS"]
    assert rig.call(cancel((first, "OTHER")), sender="SIM-0002").codes == []
    assert rig.call(cancel((second, "OTHER")), sender="SIM-0001").codes == []


def test_after_cancelling_the_same_presence_can_be_registered_again(rig: Rig) -> None:
    [number] = rig.register(item())
    rig.call(cancel((number, "OTHER")))
    assert rig.validated(item()) == [("VALIDATED", [])]


def test_answers_come_last_first_on_request(rig: Rig) -> None:
    numbers = rig.register(item(), item(SUB_WORKER, SUB))
    rig.order("answers", backwards=True)
    reply = rig.call(cancel(*((number, "OTHER") for number in numbers)))
    assert reply.numbers == numbers[::-1]
