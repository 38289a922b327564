"""Disturbances over a real connection: what the caller sees and what was stored meanwhile."""

from __future__ import annotations

import http.client
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.authority.rig import FIRST, PATH, Reply, Rig, envelope, item, register, search, served

GOOD = envelope(register(item(reference="once")))
DEADLINE_S = 10


@contextmanager
def connection(base: str) -> Iterator[http.client.HTTPConnection]:
    """A plain HTTP connection of the standard library."""
    parts = urlsplit(base)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)
    try:
        yield link
    finally:
        link.close()


def call(base: str, content: bytes = GOOD) -> Reply | int | None:
    """The answer: SOAP, a bare HTTP status, or None when the connection ended without a byte."""
    with connection(base) as link:
        try:
            link.request("POST", PATH, content, {"Content-Type": "text/xml", "SOAPAction": '""'})
            answer = link.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            return None
        body = answer.read()
    return Reply(answer.status, body) if body.startswith(b"<?xml") else answer.status


def answered(base: str, content: bytes = GOOD) -> Reply:
    """The answer of a call that gets one."""
    reply = call(base, content)
    assert isinstance(reply, Reply)
    return reply


def get(base: str, path: str) -> int | None:
    with connection(base) as link:
        try:
            link.request("GET", path)
            return link.getresponse().status
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return None


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_up(rig: Rig, base: str) -> None:
    reply = answered(base)
    assert len(reply.numbers) == len(rig.stored()) == 1


def test_down(rig: Rig, base: str) -> None:
    rig.availability.set_mode("down")
    assert call(base) == 503
    assert get(base, f"{PATH}?wsdl") == 503
    assert get(base, "/") == get(base, "/sim/state") == 200
    assert rig.stored() == []


def test_refuse_closes_unanswered_and_stores_nothing(
    capfd: pytest.CaptureFixture[str], rig: Rig
) -> None:
    with served(rig) as base:
        rig.availability.set_mode("refuse")
        assert call(base) is None
        assert get(base, f"{PATH}?wsdl") is None
        assert rig.stored() == []
    # The server takes it for a caller who left, not for an application that failed.
    assert capfd.readouterr().err == ""


def test_unavailable_is_a_fault_with_retry(rig: Rig, base: str) -> None:
    rig.availability.set_mode("unavailable")
    reply = answered(base)
    assert (reply.status, reply.fault) == (500, "SOA-02002")
    assert reply.body.findtext("detail/*/{*}Retry") == "true"
    assert rig.stored() == []


def test_drop_after_commit_stores_and_closes_unanswered(rig: Rig, base: str) -> None:
    rig.availability.set_mode("drop-after-commit")
    assert call(base) is None
    [held] = rig.stored()
    assert held["reference"] == "once"
    rig.availability.set_mode("up")
    reply = answered(base, envelope(search()))
    assert reply.texts("ClientPresenceRegistrationReference") == ["once"]


def test_a_batch_is_stored_whole_before_the_connection_drops(rig: Rig, base: str) -> None:
    rig.availability.set_mode("drop-after-commit", 1)
    content = envelope(register(*(item(reference=f"r{n}") for n in range(200))))
    assert call(base, content) is None
    assert len(rig.stored()) == 200


@pytest.mark.parametrize("mode", ["down", "refuse", "unavailable", "drop-after-commit"])
def test_a_mode_ends_after_its_calls(rig: Rig, base: str, mode: str) -> None:
    assert rig.order("availability", mode=mode, calls=2)["mode_calls"] == 2
    outcomes = [call(base) for _ in range(3)]
    assert [isinstance(one, Reply) and one.fault is None for one in outcomes] == [
        False,
        False,
        True,
    ]
    assert len(rig.stored()) == (3 if mode == "drop-after-commit" else 1)
    state = rig.client.get("/sim/state").json()
    assert (state["mode"], state["mode_calls"]) == ("up", None)


def stalled(base: str) -> tuple[threading.Thread, list[Reply | int | None]]:
    """A call in a thread of its own."""
    outcome: list[Reply | int | None] = []
    thread = threading.Thread(target=lambda: outcome.append(call(base)))
    thread.start()
    return thread, outcome


def order(base: str, body: bytes) -> None:
    """A control order over the real connection: stalled calls wait on the server's own loop."""
    with connection(base) as link:
        link.request("POST", "/sim/availability", body, {"Content-Type": "application/json"})
        assert link.getresponse().status == 200


def test_stall_keeps_the_caller_waiting_and_serves_it_afterwards(rig: Rig, base: str) -> None:
    order(base, b'{"mode": "stall", "calls": 1}')
    thread, outcome = stalled(base)
    wait_until(lambda: rig.availability.stalled == 1)
    assert rig.availability.mode == "up"
    assert (outcome, rig.stored()) == ([], [])
    order(base, b'{"mode": "up"}')
    thread.join(DEADLINE_S)
    assert isinstance(outcome[0], Reply)
    assert len(rig.stored()) == 1


def test_a_caller_who_leaves_a_stall_is_not_served(rig: Rig, base: str) -> None:
    order(base, b'{"mode": "stall", "calls": 1}')
    with connection(base) as link:
        link.request("POST", PATH, GOOD, {"Content-Type": "text/xml"})
        wait_until(lambda: rig.availability.stalled == 1)
    wait_until(lambda: rig.availability.stalled == 0)
    order(base, b'{"mode": "up"}')
    answered(base)
    assert len(rig.stored()) == 1


def test_a_stall_does_not_keep_others_out(rig: Rig, base: str) -> None:
    order(base, b'{"mode": "stall", "calls": 1}')
    thread, outcome = stalled(base)
    wait_until(lambda: rig.availability.stalled == 1)
    answered(base)
    assert outcome == []
    order(base, b'{"mode": "up"}')
    thread.join(DEADLINE_S)
    assert len(rig.stored()) == 2


def test_the_server_hangs_up_a_stalled_call_when_it_stops(rig: Rig) -> None:
    with served(rig) as base:
        order(base, b'{"mode": "stall"}')
        thread, outcome = stalled(base)
        wait_until(lambda: rig.availability.stalled == 1)
    thread.join(DEADLINE_S)
    assert outcome == [None]
    with closing(sqlite3.connect(rig.path)) as db:
        assert db.execute("SELECT count(*) FROM registration").fetchone() == (0,)


def test_latency_delays_and_a_caller_who_gives_up_is_still_served(rig: Rig, base: str) -> None:
    rig.order("latency", ms=150, calls=2)
    began = time.monotonic()
    answered(base)
    assert time.monotonic() - began >= 0.15
    with connection(base) as link:
        link.request("POST", PATH, GOOD, {"Content-Type": "text/xml"})
        wait_until(lambda: rig.client.get("/sim/state").json()["latency_ms"] == 0)
    wait_until(lambda: len(rig.stored()) == 2)


def test_validation_happens_by_itself(rig: Rig, base: str) -> None:
    answered(base)
    order_clock = rig.client.post("/sim/clock", json={"shift_s": 20})
    assert order_clock.status_code == 200
    wait_until(lambda: rig.stored()[0]["status"] == "VALIDATED")


def test_calls_at_the_same_time_never_share_a_number(rig: Rig, base: str) -> None:
    replies: list[Reply] = []
    content = envelope(register(*[item()] * 20))
    threads = [
        threading.Thread(target=lambda: replies.append(answered(base, content))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    numbers = sorted(number for reply in replies for number in reply.numbers)
    assert numbers == list(range(FIRST, FIRST + 160))
    assert [held["number"] for held in rig.stored()] == numbers
