"""Every way a call can fail says what the caller may do next; a write is never told to repeat
itself while the authority may have stored something."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.application.evidence import Exchange
from hub.authority import transport, web_exchange
from hub.authority.in_out import in_out_authority
from hub.authority.problems import Problem, refusal
from hub.errors import (
    InDoubtError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
    UsageError,
)
from hub.settings import InOutSettings
from tests.rest.acts import DAY, INSS, WORKS, act, reference, wire
from tests.rest.conftest import Clock, Make
from tests.rest.service import PROBLEM, Asked, Reply, Service, created, page, problem, stores_all
from tests.soap.responder import Responder, drips, http, raw, reset, silent

Misbehaves = Callable[[Responder, socket.socket], None]
WHOLE = json.dumps({"items": [created(wire(1), 7)]}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drips_its_head(responder: Responder, connection: socket.socket) -> None:
    """Sends a header line that never ends, a byte now and then."""
    responder.read(connection)
    connection.sendall(HEAD + b"X-Long: ")
    while not responder.released.wait(0.02):
        connection.sendall(b"x")


def drips_without_length(responder: Responder, connection: socket.socket) -> None:
    """Sends a whole answer and goes on with blanks; only its end would end it."""
    responder.read(connection)
    connection.sendall(HEAD + b"\r\n" + WHOLE)
    while not responder.released.wait(0.02):
        connection.sendall(b" ")


LOST: dict[str, tuple[Misbehaves, str]] = {
    "reset while sending": (reset(before_reading=True), "closed"),
    "reset after reading": (reset(before_reading=False), "closed"),
    "closed without an answer": (raw(b""), "closed"),
    "no answer in time": (silent, "timeout"),
    "a body that drips": (drips, "timeout"),
    "a head that drips": (drips_its_head, "timeout"),
    "a body without end": (drips_without_length, "timeout"),
    "half a body": (raw(http(200, WHOLE, length=len(WHOLE) + 20)), "closed"),
    "half a chunked body": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n40\r\n{"), "closed"),
    "no HTTP": (raw(b"+OK ready\r\n\r\n"), "broken"),
    "a greeting": (raw(b"+OK ready\r\n"), "closed"),
    "half a head": (raw(HEAD), "closed"),
    "a compressed body": (
        raw(http(200, gzip.compress(WHOLE), "Content-Encoding: gzip")),
        "compressed",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_a_write_whose_answer_is_lost_is_in_doubt_and_a_read_may_be_repeated(
    make: Make, kept: list[Exchange], name: str
) -> None:
    script, cause = LOST[name]
    times = {"connect_timeout_s": 1, "read_timeout_s": 0.4}
    with Service() as tokens, Responder(script) as service:
        authority = make(tokens, url=service.url, **times)
        with pytest.raises(InDoubtError) as caught:
            authority.register([act(1)])
        assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1302", cause)
        assert service.connections == 1
        with pytest.raises(TransientError) as missed:
            authority.search(WORKS, DAY)
        assert (missed.value.code, missed.value.extra["cause"]) == ("HUB-1311", cause)
        assert service.connections == 2
    assert [(one.operation, one.outcome, one.answer) for one in kept] == [
        ("register", "no_answer", None),
        ("search", "no_answer", None),
    ]
    assert kept[0].items == ((reference(1), None),)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_without_a_connection_nothing_was_stored_and_nothing_is_kept(
    make: Make, kept: list[Exchange]
) -> None:
    with Service() as tokens, pytest.raises(TransientError) as caught:
        make(tokens, url=closed_port()).register([act(1)])
    assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1301", "refused")
    assert kept == []


def test_a_connection_that_takes_too_long_is_not_sent(make: Make) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        # Fill the queue: the kernel drops what comes after.
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}/v1"
        with Service() as tokens, pytest.raises(TransientError) as caught:
            make(tokens, url=url, connect_timeout_s=0.3).register([act(1)])
        for one in waiting:
            one.close()
    assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1301", "timeout")


def test_an_unknown_name_of_a_step_counts_as_sent(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A library that names its steps otherwise must not make "not sent" of a lost answer.
    monkeypatch.setattr(web_exchange.Line, "_follow", lambda self, step, values: None)
    with (
        Service() as tokens,
        Responder(reset(before_reading=False)) as service,
        pytest.raises(InDoubtError),
    ):
        make(tokens, url=service.url).register([act(1)])


def test_an_answer_that_is_too_large_is_lost(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_exchange, "ANSWER_MAX", 10_000)
    with Service(Reply(b" " * 10_001)) as service, pytest.raises(InDoubtError) as caught:
        make(service).register([act(1)])
    assert caught.value.extra["cause"] == "too_large"
    assert transport.ANSWER_MAX == 16 * 1024 * 1024


@pytest.mark.parametrize("kind", ["application/problem+json", "application/JSON; charset=utf-8"])
def test_any_kind_of_json_is_json(make: Make, kind: str) -> None:
    with Service(Reply(WHOLE, 201, kind)) as service:
        assert len(make(service).register([act(1)])) == 1


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "application/octet-stream"])
def test_what_does_not_say_that_it_is_json_is_not_read(make: Make, kind: str) -> None:
    with Service(Reply(WHOLE, 200, kind)) as service, pytest.raises(InDoubtError) as caught:
        make(service).register([act(1)])
    assert caught.value.extra["cause"] == "content_type"


def test_a_redirect_is_not_followed(make: Make) -> None:
    with Service() as elsewhere:
        moved = Reply(b"", 307, headers={"Location": elsewhere.url})
        with Service(moved) as service, pytest.raises(StoppedError) as caught:
            make(service).register([act(1)])
    assert caught.value.code == "HUB-1313"
    assert elsewhere.asked == []


def test_a_proxy_of_the_environment_is_not_used(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, closed_port())
    with Service() as service:
        assert len(make(service).register([act(1)])) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.1/v1", "plain http to another machine"),
        ("https://me:secret@192.0.2.1/v1", "credentials or fragment in the address"),
        ("ftp://127.0.0.1/v1", "not http or https"),
        ("http://127.0.0.1:0/v1", "not http or https"),
        ("http://127.0.0.1:99999/v1", "malformed"),
    ],
)
@pytest.mark.parametrize("name", ["url", "token_url"])
def test_no_number_goes_to_such_an_address(make: Make, name: str, url: str, reason: str) -> None:
    with Service() as service, pytest.raises(UsageError) as caught:
        make(service, **{name: url})
    assert (caught.value.code, caught.value.extra["reason"]) == ("HUB-1318", reason)


# ---------------------------------------------------------------- problems

KNOWN: dict[str, tuple[Reply, type[SitegateError], type[SitegateError], str]] = {
    "bad request": (problem("badRequest", 400), PermanentError, PermanentError, "HUB-1303"),
    "too large": (problem("payloadTooLarge", 413), PermanentError, PermanentError, "HUB-1303"),
    "quota": (problem("tooManyRequests", 429), TransientError, TransientError, "HUB-1310"),
    "failed": (problem("tooManyFailedRequests", 429), TransientError, TransientError, "HUB-1310"),
    "error": (problem("internalServerError", 500), InDoubtError, TransientError, "HUB-1302"),
    "gateway": (problem("badGateway", 502), InDoubtError, TransientError, "HUB-1302"),
    "away": (problem("serviceUnavailable", 503), TransientError, TransientError, "HUB-1310"),
    "no token": (problem("noAccessToken", 401), StoppedError, StoppedError, "HUB-1304"),
    "bad token": (problem("invalidAccessToken", 401), StoppedError, StoppedError, "HUB-1304"),
    "old token": (problem("expiredAccessToken", 401), StoppedError, StoppedError, "HUB-1304"),
    "no scope": (problem("missingScope", 403), StoppedError, StoppedError, "HUB-1346"),
    "no right": (problem("missingPermission", 403), StoppedError, StoppedError, "HUB-1346"),
    "not found": (problem("resourceNotFound", 404), StoppedError, StoppedError, "HUB-1313"),
    # What the status says stands when the type is not one for it.
    "away, it says": (problem("serviceUnavailable", 500), InDoubtError, TransientError, "HUB-1302"),
    "bad, it says": (problem("badRequest", 502), InDoubtError, TransientError, "HUB-1302"),
    "unknown": (problem("teapot", 418), StoppedError, StoppedError, "HUB-1313"),
    "unknown 500": (problem("odd", 500), InDoubtError, TransientError, "HUB-1302"),
    "page 400": (Reply("<p>", 400, "text/html"), PermanentError, PermanentError, "HUB-1303"),
    "page 403": (Reply("<p>", 403, "text/html"), StoppedError, StoppedError, "HUB-1346"),
    "page 408": (Reply("", 408), TransientError, TransientError, "HUB-1310"),
    "page 415": (Reply("", 415), PermanentError, PermanentError, "HUB-1303"),
    "page 429": (Reply("", 429), TransientError, TransientError, "HUB-1310"),
    "page 503": (Reply("<p>", 503, "text/html"), TransientError, TransientError, "HUB-1310"),
    "page 504": (Reply("<p>", 504, "text/html"), InDoubtError, TransientError, "HUB-1302"),
    "a list": (Reply([1], 500, PROBLEM), InDoubtError, TransientError, "HUB-1302"),
    "types": (
        Reply({"type": 7, "issues": {"a": 1}, "instance": []}, 400, PROBLEM),
        PermanentError,
        PermanentError,
        "HUB-1303",
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_refusal_says_what_to_do(make: Make, kept: list[Exchange], name: str) -> None:
    reply, write, read, code = KNOWN[name]
    with Service(reply) as service:
        with pytest.raises(SitegateError) as caught:
            make(service).register([act(1)])
        with pytest.raises(SitegateError) as missed:
            make(service).search(WORKS, DAY)
    assert (type(caught.value), caught.value.code) == (write, code)
    assert caught.value.extra["http"] == reply.status
    assert type(missed.value) is read
    assert {exchange.outcome for exchange in kept} == {"refused"}
    assert kept[0].answer == reply.content
    # Only a refused token is tried again, once.
    assert len(service.asked) == (4 if reply.status in (401, 403) else 2)


def test_an_unknown_status_of_a_write_is_in_doubt() -> None:
    assert isinstance(refusal(Problem(), 199, writes=True), InDoubtError)
    assert isinstance(refusal(Problem(), 600, writes=False), TransientError)


def issue(name: object, rule: str = "schemaViolation", **more: Any) -> dict[str, Any]:
    kind = f"urn:problem-type:belgif:input-validation:{rule}"
    return {"type": kind, "in": "body", "name": name, **more}


def test_a_problem_says_which_items_are_to_blame(make: Make) -> None:
    said = f"ssin {INSS} doesn't match"
    reply = problem(
        "badRequest",
        400,
        detail=said,
        issues=[
            issue("items[2].ssin", value=INSS, detail=said),
            issue("items[0].employer.enterpriseNumber", "invalidInput"),
            issue("/items/2/type", "outOfRange"),
            issue("items[1]"),
        ],
    )
    # The second of the four never leaves, so that the service counts otherwise than the caller.
    items = [act(1), act(2, inss="1"), act(3), act(4)]
    with Service(reply) as service, pytest.raises(PermanentError) as caught:
        make(service).register(items)
    assert caught.value.extra["items"] == (0, 2, 3)
    assert caught.value.extra["rules"] == (
        "employer.enterpriseNumber invalidInput",
        "schemaViolation",
        "ssin schemaViolation",
    )
    assert caught.value.extra["problem"] == "badRequest"
    assert caught.value.extra["ticket"] == "urn:uuid:123e4567-e89b-12d3-a456-426614174000"
    assert INSS not in repr(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "items[7].ssin", f"items[{INSS}].ssin", "items[0].ssin[0]", f"items[0].{INSS}", "items",
        "ssin", "", 7, None, ["items[0]"], "items[-1]", "xitems[0].ssin", "items[0].ssin Jan",
    ],
)  # fmt: skip
def test_what_names_no_item_of_ours_blames_none(make: Make, name: object) -> None:
    with (
        Service(problem("badRequest", 400, issues=[issue(name), "x", 7])) as service,
        pytest.raises(PermanentError) as caught,
    ):
        make(service).register([act(1)])
    assert caught.value.extra["items"] == ()
    assert INSS not in str(caught.value)


WAITS: dict[str, tuple[dict[str, str], dict[str, Any], int | None]] = {
    "header": ({"Retry-After": "120"}, {}, 120),
    "date": ({"Retry-After": "Mon, 23 Nov 2026 05:42:10 GMT"}, {}, 60),
    "body": ({}, {"retryAfterSec": 30}, 30),
    "moment": ({}, {"retryAfter": "2026-11-23T06:42:10.5+01:00"}, 61),
    "seconds before a moment": (
        {"Retry-After": "5"}, {"retryAfter": "2026-11-23T06:42:10.5+01:00"}, 5,
    ),
    "the longest": ({"Retry-After": "5"}, {"retryAfterSec": 30, "retryAfter": "7"}, 30),
    "past": ({"Retry-After": "Mon, 23 Nov 2020 05:42:10 GMT"}, {}, 0),
    "for ever": ({}, {"retryAfterSec": 10**30}, 24 * 3600),
    "below zero": ({}, {"retryAfterSec": -5}, 0),
    "none": ({}, {}, None),
    "nonsense": ({"Retry-After": "soon"}, {"retryAfterSec": True, "retryAfter": [1]}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITS)
def test_the_wait_the_service_asks_for_is_passed_on(make: Make, name: str) -> None:
    headers, body, wait_s = WAITS[name]
    with (
        Service(problem("tooManyRequests", 429, headers, **body)) as service,
        pytest.raises(TransientError) as caught,
    ):
        make(service).register([act(1)])
    assert caught.value.extra.get("retry_after_s") == wait_s


# ---------------------------------------------------------------- a refused token


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once_and_the_call_sent_again(
    make: Make, kept: list[Exchange], status: int
) -> None:
    with Service(problem("expiredAccessToken", status), page([])) as service:
        assert make(service).search(WORKS, DAY) == []
    assert [asked.token for asked in service.asked] == ["token-1", "token-2"]
    assert service.asked[0].body == service.asked[1].body
    assert [exchange.outcome for exchange in kept] == ["refused", "answered"]


def test_a_write_with_a_refused_token_was_not_stored_and_goes_again(make: Make) -> None:
    def then(asked: Asked) -> Reply:
        return Reply({"items": [created(asked.items[0], 7)]})

    with Service(problem("expiredAccessToken", 401), then) as service:
        assert len(make(service).register([act(1)])) == 1
    assert len(service.asked) == 2


def test_a_token_refused_twice_stops_and_the_third_call_fetches_anew(make: Make) -> None:
    with Service(problem("invalidAccessToken", 401)) as service:
        authority = make(service)
        for _ in range(2):
            with pytest.raises(StoppedError):
                authority.register([act(1)])
    assert [asked.token for asked in service.asked] == ["token-1", "token-2", "token-2", "token-3"]


def test_an_answer_lost_after_the_renewal_is_in_doubt(make: Make) -> None:
    with (
        Service(problem("expiredAccessToken", 401), Reply("", 504)) as service,
        pytest.raises(InDoubtError),
    ):
        make(service).register([act(1)])
    assert len(service.asked) == 2


def test_a_token_is_good_until_a_minute_before_its_end(make: Make, clock: Clock) -> None:
    with Service(page([])) as service:
        authority = make(service)
        authority.search(WORKS, DAY)
        clock.at_ms += 540_000 - 1
        authority.search(WORKS, DAY)
        assert len(service.token_asked) == 1
        clock.at_ms += 1
        authority.search(WORKS, DAY)
    assert len(service.token_asked) == 2


def test_threads_share_the_token_of_their_factory(makes: Any) -> None:
    with Service(page([])) as service:
        factory = makes(service)
        threads = [threading.Thread(target=factory().search, args=(WORKS, DAY)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(service.asked) == 6
    assert len(service.token_asked) == 1


# ---------------------------------------------------------------- evidence


def test_an_answer_that_cannot_be_kept_counts_as_lost(key_file: Path, clock: Clock) -> None:
    def full(exchange: Exchange) -> None:
        raise TransientError("HUB-1401")

    with Service(stores_all, page([])) as service:
        settings = InOutSettings(
            url=service.url,
            token_url=service.token_url,
            client_id="c",
            certificate=str(key_file),
        )
        authority = in_out_authority(settings, clock, full)()
        with pytest.raises(InDoubtError) as caught:
            authority.register([act(1)])
        with pytest.raises(TransientError):
            authority.search(WORKS, DAY)
    assert caught.value.extra["cause"] == "evidence"
