"""Every disturbance by switch, over a real connection: what arrives, and what was stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import get_args

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from simulator.authority.availability import MODES, Availability
from simulator.authority.disturbance import EXPIRED_TOKEN, Disturbance, face_of, operation_of
from simulator.authority.script import ScriptedMode
from tests.authority.rig import (
    FIRST,
    NS,
    PATH,
    Reply,
    Rig,
    cancel,
    envelope,
    get,
    item,
    register,
    search,
    served,
)
from tests.authority.wire import (
    CLOSED,
    CUT,
    DEADLINE_S,
    REFUSED,
    RESET,
    Answer,
    connection,
    ending,
    order,
    post,
)

REST = "/REST/presenceRegistration/v1/presenceRegistrations"
TOKEN = "/REST/oauth/v5/token"
ONE = envelope(register(item(reference="r0")))
THREE = envelope(register(*(item(reference=f"r{n}") for n in range(3))))


def answered(base: str, content: bytes = ONE, path: str = PATH) -> Answer:
    """The HTTP answer of a call that gets one."""
    answer = post(base, content, path)
    assert isinstance(answer, Answer), answer
    return answer


def references(base: str, content: bytes = THREE) -> list[str]:
    """The client references in the order in which a batch is answered."""
    answer = answered(base, content)
    return Reply(answer.status, answer.body).texts("ClientPresenceRegistrationReference")


@pytest.mark.parametrize(("mode", "ends", "stored"), [
    ("refuse", CLOSED, 0),
    ("reset", RESET, 0),
    ("drop-after-commit", CLOSED, 1),
    ("reset-after-commit", RESET, 1),
])  # fmt: skip
def test_how_a_connection_ends(rig: Rig, base: str, mode: str, ends: str, stored: int) -> None:
    rig.order("availability", mode=mode, calls=1)
    assert ending(base, ONE) == ends
    assert len(rig.stored()) == stored
    assert answered(base).status == 200


def test_half_an_answer_promises_the_whole_length(rig: Rig, base: str) -> None:
    rig.order("availability", mode="half", calls=1)
    assert post(base, ONE) == CUT
    assert [held["reference"] for held in rig.stored()] == ["r0"]


def test_a_truncated_answer_has_a_length_that_fits(rig: Rig, base: str) -> None:
    whole = answered(base).body
    rig.order("availability", mode="truncate", calls=1)
    answer = answered(base)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert abs(len(answer.body) - len(whole) // 2) <= 1
    assert len(rig.stored()) == 2


def test_garbage_keeps_status_and_type(rig: Rig, base: str) -> None:
    rig.order("availability", mode="garbage", calls=1)
    answer = answered(base)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()
    assert len(rig.stored()) == 1


def test_a_slow_answer_arrives_in_pieces_and_whole(rig: Rig, base: str) -> None:
    whole = answered(base).body
    rig.order("drip", ms=300, calls=1)
    with connection(base) as link:
        began = time.monotonic()
        link.request("POST", PATH, ONE, {"Content-Type": "text/xml"})
        answer = link.getresponse()
        first = answer.read1(65_536)
        rest = answer.read()
    assert time.monotonic() - began >= 0.3
    assert 0 < len(first) < len(whole)
    assert Reply(200, first + rest).numbers == [FIRST + 1]


def test_a_caller_who_leaves_a_slow_answer_does_not_hold_the_server(
    capfd: pytest.CaptureFixture[str], rig: Rig
) -> None:
    with served(rig) as base:
        rig.order("drip", ms=600_000, calls=1)
        with connection(base) as link:
            link.request("POST", PATH, ONE, {"Content-Type": "text/xml"})
            link.getresponse().read1(1)
        assert len(rig.stored()) == 1
    # It would complain about a call it had to cancel.
    assert capfd.readouterr().err == ""


def test_the_order_of_a_batch_answer(rig: Rig, base: str) -> None:
    assert references(base) == ["r0", "r1", "r2"]
    rig.order("answers", order="backwards", calls=1)
    assert references(base) == ["r2", "r1", "r0"]
    rig.order("answers", order="shuffled")
    twenty = envelope(register(*(item(reference=f"r{n}") for n in range(20))))
    shuffled = references(base, twenty)
    assert shuffled != sorted(shuffled, key=lambda text: int(text[1:]))
    assert sorted(shuffled) == sorted(f"r{n}" for n in range(20))
    assert [held["reference"] for held in rig.stored()][-20:] == [f"r{n}" for n in range(20)]


def test_a_cancelled_batch_is_rearranged_too(rig: Rig, base: str) -> None:
    numbers = rig.register(item(), item())
    rig.order("answers", order="backwards")
    answer = answered(base, envelope(cancel(*((number, "PLANNING") for number in numbers))))
    assert Reply(answer.status, answer.body).numbers == numbers[::-1]


@pytest.mark.parametrize(("mode", "entries"), [("missing-entry", 2), ("twice-entry", 4)])
def test_an_entry_missing_or_twice(rig: Rig, base: str, mode: str, entries: int) -> None:
    rig.order("availability", mode=mode, calls=1)
    found = references(base)
    assert len(found) == entries
    assert len(set(found)) == min(entries, 3)
    assert len(rig.stored()) == 3


def test_a_search_is_never_rearranged(rig: Rig, base: str) -> None:
    numbers = rig.register(item(), item(), item())
    rig.order("availability", mode="missing-entry")
    rig.order("answers", order="backwards")
    answer = answered(base, envelope(search()))
    assert Reply(answer.status, answer.body).numbers == numbers


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_any_status(rig: Rig, base: str, status: int) -> None:
    rig.order("availability", mode="down", status=status, retry_after_s=7)
    for path in (PATH, f"{REST}/registerInBulk", TOKEN):
        answer = answered(base, ONE, path)
        assert (answer.status, answer.headers["retry-after"]) == (status, "7")
    assert rig.stored() == []


def test_rest_is_told_in_the_form_of_its_problems(rig: Rig, base: str) -> None:
    rig.order("availability", mode="unavailable")
    answer = answered(base, b"{}", f"{REST}/registerInBulk")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert (problem["type"], problem["status"]) == (
        "urn:problem-type:belgif:serviceUnavailable",
        503,
    )


@pytest.mark.parametrize(("code", "status"), [
    ("SOA-00001", 500), ("SOA-01001", 401), ("SOA-01002", 403), ("SOA-02002", 503),
    ("SOA-03006", 400), ("SOA-77777", 500),
])  # fmt: skip
def test_any_fault(rig: Rig, base: str, code: str, status: int) -> None:
    rig.order("fault", code=code, calls=3, element="BusinessError")
    for path in (PATH, "/SecurityTokenService/v1"):
        answer = answered(base, ONE, path)
        reply = Reply(answer.status, answer.body)
        assert (reply.status, reply.fault) == (500, code)
        assert reply.body.find("detail/e:BusinessError", NS) is not None
    assert answered(base, b"{}", f"{REST}/search").status == status
    assert rig.stored() == []


def test_a_switch_for_some_operations_leaves_the_others_alone(rig: Rig, base: str) -> None:
    rig.order("availability", mode="down", calls=2, operations=["register", "cancel"])
    assert answered(base, envelope(search())).status == 200
    assert answered(base).status == 503
    assert answered(base, envelope(cancel((FIRST, "PLANNING")))).status == 503
    # Counted by operation: each has one left.
    assert answered(base, envelope(get(FIRST))).status == 200
    assert answered(base).status == 503
    assert answered(base).status == 200
    assert rig.client.get("/sim/state").json()["limited"] == {
        "cancel": {"mode": {"value": "down", "calls": 1}}
    }


def test_what_is_set_for_an_operation_wins_over_what_is_set_for_all(rig: Rig, base: str) -> None:
    rig.order("fault", code="SOA-00001", calls=None)
    rig.order("fault", code="SOA-02001", calls=None, operations=["search"])
    for content, code in ((ONE, "SOA-00001"), (envelope(search()), "SOA-02001")):
        answer = answered(base, content)
        assert Reply(answer.status, answer.body).fault == code
    # For all again: nothing set before remains.
    rig.order("fault", code=None)
    assert answered(base, envelope(search())).status == 200


def test_latency_from_a_range_is_drawn_again_for_the_same_seed() -> None:
    def draws(seed: int) -> list[int]:
        availability = Availability()
        availability.set_latency(100, None, to_ms=900, seed=seed)
        return [availability.admit("register").latency_ms for _ in range(50)]

    assert draws(1) == draws(1) != draws(2)
    assert all(100 <= one <= 900 for one in draws(3))
    assert max(draws(3)) - min(draws(3)) > 400


def test_a_maintenance_window_by_the_clock_of_the_world(rig: Rig, base: str) -> None:
    window = {"from": "2026-11-23T06:50:00", "until": "2026-11-23T07:20:00"}
    rig.order("maintenance", **window)
    assert answered(base).status == 200
    rig.clock.to("2026-11-23T06:50:00")
    answer = answered(base)
    reply = Reply(answer.status, answer.body)
    assert (reply.status, reply.fault) == (500, "SOA-02001")
    assert reply.body.findtext("detail/*/{*}Retry") == "true"
    rig.clock.to("2026-11-23T07:19:30.5")
    answer = answered(base, b"{}", f"{REST}/search")
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    rig.clock.to("2026-11-23T07:20:00")
    assert answered(base).status == 200
    rig.clock.to("2026-11-23T07:00:00")
    rig.order("maintenance")
    assert answered(base).status == 200


def test_a_token_said_to_have_expired(rig: Rig, base: str) -> None:
    rig.order("availability", mode="expired-token", operations=["register"])
    answer = answered(base)
    assert Reply(answer.status, answer.body).fault == "SOA-01001"
    answer = answered(base, b"{}", f"{REST}/registerInBulk")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert json.loads(answer.body)["type"] == "urn:problem-type:belgif:expiredAccessToken"
    assert rig.stored() == []


def disturbed(rig: Rig, path: str, answer: Callable[[Request], object]) -> TestClient:
    """A service of a test's own behind the disturbances."""

    async def respond(request: Request) -> Response:
        return JSONResponse(answer(request))

    service = Starlette(routes=[Route(path, respond, methods=["POST"])])
    return TestClient(Disturbance(service, rig.availability, rig.authority.clock))


def test_the_token_services_learn_that_they_are_to_issue_an_expired_one(rig: Rig) -> None:
    client = disturbed(rig, TOKEN, lambda request: hasattr(request.state, EXPIRED_TOKEN))
    assert client.post(TOKEN).json() is False
    rig.availability.set_mode("expired-token", 1)
    assert client.post(TOKEN).json() is True
    assert client.post(TOKEN).json() is False


def test_a_clock_that_is_wrong(rig: Rig, base: str) -> None:
    rig.order("skew", ms=18 * 3_600_000)
    answer = answered(base)
    assert Reply(answer.status, answer.body).texts("CreationDate") == [
        "2026-11-24T00:41:07.312+01:00"
    ]
    assert rig.stored()[0]["day"] == "2026-11-24"
    assert rig.authority.clock.world() == rig.clock.ms
    rig.order("skew", ms=0)
    answered(base)
    assert rig.stored()[1]["day"] == "2026-11-23"


def test_a_door_that_is_shut_really_refuses_and_opens_again(rig: Rig) -> None:
    with served(rig) as base:
        order(base, "door", {"shut_s": 0.5})
        assert post(base, ONE) == REFUSED
        end = time.monotonic() + DEADLINE_S
        while post(base, ONE) == REFUSED:
            assert time.monotonic() < end
        assert rig.stored()
        order(base, "door", {"shut_s": 600})
        assert post(base, ONE) == REFUSED
    # And a server whose door is shut still stops in good order.


def test_a_door_that_is_shut_ends_idle_connections(rig: Rig) -> None:
    with served(rig) as base, connection(base) as link:
        link.request("POST", PATH, ONE, {"Content-Type": "text/xml"})
        assert link.getresponse().read()
        order(base, "door", {"shut_s": 600})
        # The other side has said good-bye: there is nothing to read any more.
        assert link.sock.recv(1) == b""


def test_without_a_server_there_is_no_door(rig: Rig) -> None:
    assert rig.client.post("/sim/door", json={"shut_s": 1}).status_code == 409


@pytest.mark.parametrize(("path", "face"), [
    ("/PresenceRegistration/v1", "soap"),
    ("/SecurityTokenService/v1", "sts"),
    ("/REST/oauth/v5/token", "token"),
    ("/REST/presenceRegistration/v1/refData/remarks", "rest"),
    ("/REST/presenceRegistration/v1/openapi.json", None),
    ("/sim/state", None),
    ("/", None),
])  # fmt: skip
def test_what_is_disturbed(path: str, face: str | None) -> None:
    assert face_of(path) == face


@pytest.mark.parametrize(("method", "path", "body", "operation"), [
    ("POST", PATH, ONE, "register"),
    ("POST", PATH, envelope(cancel((1, "PLANNING"))), "cancel"),
    ("POST", PATH, envelope(search()), "search"),
    ("POST", PATH, envelope(get(1)), "get"),
    ("POST", PATH, b"rubbish", None),
    ("POST", f"{REST}/registerInBulk", b"", "register"),
    ("POST", f"{REST}/search", b"", "search"),
    ("GET", f"{REST}/17611", b"", "get"),
    ("POST", f"{REST}/17611/sim-cancel", b"", "cancel"),
    ("GET", "/REST/presenceRegistration/v1/refData/remarks", b"", None),
    ("POST", TOKEN, b"", "token"),
    ("POST", "/SecurityTokenService/v1", b"", "sts"),
])  # fmt: skip
def test_which_operation_a_call_is(
    method: str, path: str, body: bytes, operation: str | None
) -> None:
    face = face_of(path)
    assert face is not None
    assert operation_of(face, method, path, body) == operation


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_rest_batch_is_rearranged_in_both_shapes(rig: Rig, wrapped: bool) -> None:
    items = [{"n": n} for n in range(3)]
    path = f"{REST}/registerInBulk"
    client = disturbed(rig, path, lambda _: {"items": items} if wrapped else items)
    rig.availability.set_order("backwards")
    said = client.post(path).json()
    assert (said["items"] if wrapped else said) == items[::-1]


def test_a_script_may_ask_for_every_mode_but_waiting() -> None:

    assert set(MODES) - set(get_args(ScriptedMode)) == {"up", "stall"}
