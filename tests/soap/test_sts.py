"""The token service: one request for all workers, a token for an hour, and typed failures."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.authority.certificates import CertificateFiles
from hub.authority.signing import Token
from hub.authority.sts import SPARE_MS, TokenSource
from hub.authority.transport import Transport
from hub.errors import SitegateError, StoppedError, TransientError
from tests.soap.responder import (
    Request,
    Responder,
    Script,
    answers,
    envelope,
    fault,
    floods,
    http,
    raw,
    reset,
    silent,
)
from tests.soap.verifier import NOW_MS, SENDER, Issuer, Pair, make_pair, rst_answer

HOUR_MS = 3_600_000


class HandClock:
    """UTC milliseconds that only a test moves."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def file(pair: Pair, tmp_path: Path) -> Path:
    return pair.write(tmp_path)


@pytest.fixture
def issuer(clock: HandClock) -> Issuer:
    return Issuer(clock)


@pytest.fixture
def service(issuer: Issuer) -> Iterator[Responder]:
    with Responder(answers(issuer.answer)) as responder:
        yield responder


def source(
    service: Responder | str, file: Path, clock: Callable[[], int], read_timeout_s: float = 30
) -> TokenSource:
    url = service if isinstance(service, str) else service.url
    transport = Transport(url, 5, read_timeout_s)
    return TokenSource(transport, CertificateFiles(str(file)), SENDER, clock)


def test_a_token_is_used_until_a_minute_before_it_ends(
    service: Responder, file: Path, clock: HandClock
) -> None:
    tokens = source(service, file, clock)
    first = tokens.token()
    assert (first.name, first.fresh_until_ms) == ("_assertion1", NOW_MS + HOUR_MS - SPARE_MS)
    clock.now_ms = NOW_MS + HOUR_MS - SPARE_MS - 1
    assert tokens.token() is first
    clock.now_ms += 1
    assert tokens.token().name == "_assertion2"
    assert service.connections == 2


@pytest.mark.parametrize("skew_ms", [-290_000, 290_000, -HOUR_MS, HOUR_MS])
def test_a_clock_that_is_off_changes_nothing_of_how_long_a_token_is_used(
    skew_ms: int, file: Path, clock: HandClock
) -> None:
    with Responder(answers(Issuer(clock, skew_ms=skew_ms).answer)) as service:
        assert source(service, file, clock).token().fresh_until_ms == NOW_MS + HOUR_MS - SPARE_MS


def test_a_token_shorter_than_its_spare_serves_one_call(file: Path, clock: HandClock) -> None:
    with Responder(answers(Issuer(clock, life_s=30).answer)) as service:
        tokens = source(service, file, clock)
        assert [tokens.token().name for _ in range(2)] == ["_assertion1", "_assertion2"]


def test_a_dropped_token_is_replaced_and_a_newer_one_is_not_dropped(
    service: Responder, file: Path, clock: HandClock
) -> None:
    tokens = source(service, file, clock)
    first = tokens.token()
    tokens.drop(first)
    second = tokens.token()
    tokens.drop(first)  # another worker, whose call with the first is only now refused
    assert tokens.token() is second
    assert service.connections == 2


class Watched(Future[Token]):
    """Counts who waits for it."""

    waiting = threading.Semaphore(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.waiting.release()
        return super().exception(timeout)


WORKERS = 8


def ask_together(
    make: Callable[[Request], bytes], file: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Token | SitegateError], int]:
    """Returns what each worker gets when all ask before the answer comes, and how many calls."""
    monkeypatch.setattr(Watched, "waiting", threading.Semaphore(0))
    monkeypatch.setattr("hub.authority.sts.Future", Watched)
    all_wait = threading.Event()

    def behave(responder: Responder, connection: socket.socket) -> None:
        request = responder.read(connection)
        assert all_wait.wait(60)
        connection.sendall(http(200, make(request)))

    with Responder(behave) as service, ThreadPoolExecutor(WORKERS) as workers:
        tokens = source(service, file, clock, 120)

        def ask() -> Token | SitegateError:
            try:
                return tokens.token()
            except SitegateError as error:
                return error

        asked = [workers.submit(ask) for _ in range(WORKERS)]
        for _ in range(WORKERS - 1):  # all but the one that asks
            assert Watched.waiting.acquire(timeout=60)
        all_wait.set()
        return [future.result(60) for future in asked], service.connections


def test_workers_that_ask_together_share_one_request(
    issuer: Issuer, file: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, calls = ask_together(issuer.answer, file, clock, monkeypatch)
    assert calls == 1
    assert len(found) == WORKERS
    assert len({id(token) for token in found if isinstance(token, Token)}) == 1


def test_workers_that_wait_for_a_failure_do_not_each_ask_again(
    file: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, calls = ask_together(lambda request: fault("SOA-02002"), file, clock, monkeypatch)
    assert calls == 1
    assert {error.code for error in found if isinstance(error, TransientError)} == {"HUB-1336"}
    # Each has an error object of its own: a traceback belongs to one thread.
    assert len({id(error) for error in found}) == WORKERS


def test_after_a_failure_the_next_call_asks_again(
    issuer: Issuer, file: Path, clock: HandClock
) -> None:
    with Responder(answers(b"", 503), answers(issuer.answer)) as service:
        tokens = source(service, file, clock)
        with pytest.raises(TransientError):
            tokens.token()
        assert tokens.token().name == "_assertion1"


FAILURES: dict[str, tuple[Script, type[SitegateError], str, str]] = {
    "unavailable": (answers(fault("SOA-02001"), 500), TransientError, "HUB-1336", "fault"),
    "for now": (answers(fault("SOA-02002", "true"), 500), TransientError, "HUB-1336", "fault"),
    "general error": (answers(fault("SOA-00001"), 500), TransientError, "HUB-1336", "fault"),
    "unknown, server": (answers(fault("SOA-77777"), 500), TransientError, "HUB-1336", "fault"),
    "request failed": (
        answers(fault(None, soap_code="wst:RequestFailed"), 500),
        TransientError,
        "HUB-1336",
        "fault",
    ),
    "access ill for now": (
        answers(fault("SOA-01001", "true"), 500),
        TransientError,
        "HUB-1336",
        "fault",
    ),
    "not authenticated": (answers(fault("SOA-01001"), 500), StoppedError, "HUB-1335", "fault"),
    "not authorised": (answers(fault("SOA-01002"), 500), StoppedError, "HUB-1335", "fault"),
    "not compliant": (answers(fault("SOA-03004"), 500), StoppedError, "HUB-1335", "fault"),
    "unknown, no retry": (
        answers(fault("SOA-77777", "false", "s:Client"), 500),
        StoppedError,
        "HUB-1335",
        "fault",
    ),
    "unavailable for good": (
        answers(fault("SOA-02001", "false"), 500),
        StoppedError,
        "HUB-1335",
        "fault",
    ),
    **{
        name: (
            answers(fault(None, soap_code=name), 500),
            StoppedError,
            "HUB-1335",
            "fault",
        )
        for name in (
            "wst:FailedAuthentication",
            "wst:InvalidRequest",
            "wst:BadRequest",
            "wst:InvalidScope",
            "wst:AuthenticationBadElements",
            "wst:InvalidTimeRange",
            "wst:ExpiredData",
            "wsse:FailedCheck",
            "wsse:InvalidSecurity",
            "wsse:InvalidSecurityToken",
            "wsse:SecurityTokenUnavailable",
            "wsse:UnsupportedAlgorithm",
            "wsse:UnsupportedSecurityToken",
            "wsu:MessageExpired",
            "s:MustUnderstand",
        )
    },
    "503": (answers(b"<html/>", 503), TransientError, "HUB-1336", "status"),
    "500": (answers(b"<html/>", 500), TransientError, "HUB-1336", "status"),
    "401": (answers(b"", 401), StoppedError, "HUB-1335", "status"),
    "404": (answers(b"", 404), StoppedError, "HUB-1313", "status"),
    "a redirect": (answers(b"", 302, "Location: /"), StoppedError, "HUB-1313", "status"),
    "reset": (reset(before_reading=False), TransientError, "HUB-1336", "closed"),
    "no answer": (silent, TransientError, "HUB-1336", "timeout"),
    "drips": (floods(b"x", b"HTTP/1.1 200 OK\r\nA: "), TransientError, "HUB-1336", "timeout"),
    "torn": (answers(b"<s:Envelope"), TransientError, "HUB-1336", "malformed"),
    "a web page": (
        raw(http(200, b"<html/>", content_type="text/html")),
        TransientError,
        "HUB-1336",
        "content_type",
    ),
    "document type": (
        answers(b"<!DOCTYPE a>" + rst_answer("")),
        TransientError,
        "HUB-1336",
        "doctype",
    ),
    "another message": (answers(envelope("<p:Other/>")), TransientError, "HUB-1336", "unexpected"),
    "no token": (answers(rst_answer("")), TransientError, "HUB-1336", "unexpected"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_says_whether_to_try_again(name: str, file: Path, clock: HandClock) -> None:
    script, kind, code, cause = FAILURES[name]
    with Responder(script) as service, pytest.raises(kind) as caught:
        source(service, file, clock, 0.4 if cause == "timeout" else 30).token()
    assert (caught.value.code, caught.value.extra["cause"]) == (code, cause)


def test_a_wait_that_is_asked_for_goes_on(file: Path, clock: HandClock) -> None:
    busy = answers(b"", 429, "Retry-After: 20")
    with Responder(busy) as service, pytest.raises(TransientError) as caught:
        source(service, file, clock).token()
    assert caught.value.extra == {"http": 429, "cause": "status", "retry_after_s": 20}


def test_a_token_service_that_is_not_there_is_tried_again_later(
    file: Path, clock: HandClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(TransientError) as caught:
        source(url, file, clock).token()
    assert (caught.value.code, caught.value.extra) == ("HUB-1336", {"cause": "refused"})


Change = Callable[[bytes], bytes]
TOKENS: dict[str, Change] = {
    "no name": lambda body: body.replace(b'AssertionID="_assertion1"', b'AssertionID=""'),
    "a name that is none": lambda body: body.replace(b'ID="_assertion1"', b'ID="a&lt;b"'),
    "a very long name": lambda body: body.replace(b"_assertion1", b"_" + b"a" * 5000),
    "no end": lambda body: body.replace(b"NotOnOrAfter", b"Sometime"),
    "an end that is none": lambda body: body.replace(b'OrAfter="2026-11-23T', b'OrAfter="T'),
    "ended before it began": lambda body: body.replace(b'OrAfter="2026', b'OrAfter="2025'),
    "no beginning": lambda body: body.replace(b"IssueInstant", b"Sometime"),
    "no conditions": lambda body: body.replace(b"saml:Conditions", b"saml:Advice"),
    "SAML 2": lambda body: body.replace(b"SAML:1.0:assertion", b"SAML:2.0:assertion"),
    "two tokens": lambda body: body.replace(
        b"</t:RequestedSecurityToken>",
        b'<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:1.0:assertion"/>'
        b"</t:RequestedSecurityToken>",
    ),
    "a token outside its place": lambda body: body.replace(b"t:RequestedSecurityToken", b"t:Other"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_could_not_be_used_is_none(
    name: str, issuer: Issuer, file: Path, clock: HandClock
) -> None:
    def make(request: Request) -> bytes:
        body = issuer.answer(request)
        assert TOKENS[name](body) != body
        return TOKENS[name](body)

    with Responder(answers(make)) as service, pytest.raises(TransientError) as caught:
        source(service, file, clock).token()
    assert (caught.value.code, caught.value.extra) == ("HUB-1336", {"cause": "unexpected"})


@pytest.mark.parametrize("written", [b"2026-11-23T08:00:00", b"2026-11-23T09:00:00.000+01:00"])
def test_moments_are_read_in_every_form(
    written: bytes, issuer: Issuer, file: Path, clock: HandClock
) -> None:
    def make(request: Request) -> bytes:
        return issuer.answer(request).replace(b"2026-11-23T08:00:00Z", written)

    with Responder(answers(make)) as service:
        assert source(service, file, clock).token().fresh_until_ms == NOW_MS + HOUR_MS - SPARE_MS


def test_a_certificate_that_is_not_valid_today_is_not_shown_to_anybody(
    issuer: Issuer, service: Responder, tmp_path: Path, clock: HandClock
) -> None:
    tokens = source(service, make_pair(end_days=2).write(tmp_path), clock)
    tokens.token()
    clock.now_ms += 3 * 86_400_000
    with pytest.raises(StoppedError) as caught:
        tokens.token()
    assert caught.value.code == "HUB-1334"
    assert service.connections == 1


def test_renewed_files_are_used_with_the_next_token(
    issuer: Issuer, service: Responder, tmp_path: Path, clock: HandClock
) -> None:
    old, new = make_pair(end_days=2), make_pair()
    file = old.write(tmp_path)
    tokens = source(service, file, clock)
    first = tokens.token()
    new.write(tmp_path)
    assert tokens.token() is first
    clock.now_ms += HOUR_MS
    assert tokens.token().credential.certificate == new.certificate
    assert [asked.certificate for asked in issuer.requests] == [old.certificate, new.certificate]


def test_files_that_went_bad_while_running_stop_us(
    service: Responder, file: Path, clock: HandClock
) -> None:
    tokens = source(service, file, clock)
    tokens.token()
    file.write_bytes(b"half")
    clock.now_ms += HOUR_MS
    with pytest.raises(StoppedError) as caught:
        tokens.token()
    assert (caught.value.code, caught.value.extra["file"]) == ("HUB-1332", str(file))
    assert service.connections == 1
