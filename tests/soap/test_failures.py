"""Every way a call can fail says what the caller may do next; a write is never told to repeat
itself while the authority may have stored something."""

from __future__ import annotations

import socket
import time
import tomllib
from collections.abc import Callable

import pytest

from hub.authority import transport
from hub.authority.faults import Fault, refusal
from hub.authority.messages import Loader
from hub.authority.soap import SoapAuthority
from hub.authority.transport import contract_file
from hub.errors import (
    InDoubtError,
    LocalProtocolError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
    UsageError,
)
from tests.soap.responder import (
    Responder,
    Script,
    answers,
    drips,
    envelope,
    fault,
    http,
    raw,
    registered_answer,
    registration,
    reset,
    silent,
    stores_all,
)
from tests.soap.workers import DAY, WORKS, employee, reference

TORN = registered_answer(registration(reference(1), 7))[:-20]


def write(url: str) -> None:
    SoapAuthority(url, connect_timeout_s=1, read_timeout_s=0.3).register([employee(1)])


def read(url: str) -> None:
    SoapAuthority(url, connect_timeout_s=1, read_timeout_s=0.3).search(WORKS, DAY)


LOST: dict[str, tuple[Script, str]] = {
    "reset while sending": (reset(before_reading=True), "closed"),
    "reset after reading": (reset(before_reading=False), "closed"),
    "closed without an answer": (raw(b""), "closed"),
    "no answer in time": (silent, "timeout"),
    "an answer that drips": (drips, "timeout"),
    "half a body": (raw(http(200, TORN, length=len(TORN) + 20)), "closed"),
    "half a chunked body": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<a>"),
        "closed",
    ),
    "no HTTP": (raw(b"+OK ready\r\n"), "broken"),
    "torn XML": (answers(TORN), "malformed"),
    "an empty body": (answers(b""), "malformed"),
    "not XML": (answers(b"\xff\xfe\x00"), "malformed"),
    "a web page": (answers(b"<html><body>Welcome</body></html>"), "not_soap"),
    "an empty envelope": (answers(envelope("")), "not_soap"),
    "a document type": (
        answers(b'<!DOCTYPE a [<!ENTITY b "c">]>' + registered_answer("&b;")),
        "doctype",
    ),
    "another message": (answers(envelope("<p:Other/>")), "unexpected"),
    "bad gateway": (answers(b"<html/>", 502), "status"),
    "gateway timeout": (answers(b"", 504), "status"),
    "500 without a fault": (answers(b"oops", 500), "status"),
    "500 with an answer": (answers(stores_all, 500), "status"),
    "general error": (answers(fault("SOA-00001"), 500), "fault"),
    "unknown fault": (answers(fault("SOA-77777"), 500), "fault"),
    "unknown fault, retry": (answers(fault("SOA-77777", "true"), 500), "fault"),
    "unknown fault, no retry, server": (answers(fault("SOA-77777", "false"), 500), "fault"),
    "unknown fault, client": (answers(fault("SOA-77777", "", "s:Client"), 500), "fault"),
    "fault without detail": (answers(fault(None), 500), "fault"),
}


@pytest.mark.parametrize("name", LOST)
def test_a_write_that_may_have_been_carried_out_is_in_doubt(name: str) -> None:
    script, cause = LOST[name]
    with Responder(script) as service, pytest.raises(InDoubtError) as caught:
        write(service.url)
    assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1302", cause)
    assert service.connections == 1


@pytest.mark.parametrize(
    "name", [name for name in LOST if name != "unknown fault, no retry, server"]
)
def test_a_read_that_brought_nothing_may_be_repeated(name: str) -> None:
    script, cause = LOST[name]
    with Responder(script) as service, pytest.raises(TransientError) as caught:
        read(service.url)
    assert caught.value.code == ("HUB-1310" if cause in ("status", "fault") else "HUB-1311")
    assert caught.value.extra["cause"] == cause


KNOWN: dict[str, tuple[Script, type[SitegateError], str]] = {
    "unavailable": (answers(fault("SOA-02001"), 500), TransientError, "HUB-1310"),
    "unavailable for now": (
        answers(fault("SOA-02002", "true", kind="BusinessError"), 500),
        TransientError,
        "HUB-1310",
    ),
    "a fault with status 200": (answers(fault("SOA-02002")), TransientError, "HUB-1310"),
    "unavailable, do not retry": (
        answers(fault("SOA-02001", "false"), 500),
        StoppedError,
        "HUB-1315",
    ),
    "not authenticated": (answers(fault("SOA-01001"), 500), StoppedError, "HUB-1304"),
    "not authorised": (answers(fault("SOA-01002", "false"), 500), StoppedError, "HUB-1304"),
    "not authenticated, retry": (
        answers(fault("SOA-01001", "1"), 500),
        TransientError,
        "HUB-1310",
    ),
    "not compliant": (answers(fault("SOA-03004"), 500), PermanentError, "HUB-1303"),
    "against the schema": (
        answers(fault("SOA-03006", "false", "s:Client"), 500),
        PermanentError,
        "HUB-1303",
    ),
    "against the schema, retry": (
        answers(fault("SOA-03006", "true"), 500),
        PermanentError,
        "HUB-1303",
    ),
    "unknown, blames the message": (
        answers(fault("SOA-77777", "false", "s:Client"), 500),
        PermanentError,
        "HUB-1303",
    ),
    "503": (answers(b"<html/>", 503), TransientError, "HUB-1310"),
    "429": (answers(b"", 429), TransientError, "HUB-1310"),
    "408": (answers(b"", 408), TransientError, "HUB-1310"),
    "401": (answers(b"", 401), StoppedError, "HUB-1304"),
    "403": (answers(b"", 403), StoppedError, "HUB-1304"),
    "404": (answers(b"", 404), StoppedError, "HUB-1313"),
    "405": (answers(b"", 405), StoppedError, "HUB-1313"),
    "a redirect": (answers(b"", 307, "Location: http://127.0.0.1:1/"), StoppedError, "HUB-1313"),
    "400": (answers(b"", 400), PermanentError, "HUB-1303"),
    "413": (answers(b"", 413), PermanentError, "HUB-1303"),
    "503 with an unknown fault": (answers(fault("X-1"), 503), TransientError, "HUB-1310"),
    "503 that blames access": (answers(fault("SOA-01002"), 503), StoppedError, "HUB-1304"),
}


@pytest.mark.parametrize("call", [write, read])
@pytest.mark.parametrize("name", KNOWN)
def test_a_refusal_that_is_understood_says_what_to_do(
    name: str, call: Callable[[str], None]
) -> None:
    script, kind, code = KNOWN[name]
    with Responder(script) as service, pytest.raises(kind) as caught:
        call(service.url)
    assert caught.value.code == code
    assert service.connections == 1


def test_a_refusal_carries_what_support_asks_for() -> None:
    with (
        Responder(answers(fault("SOA-02001"), 503, "Retry-After: 120")) as service,
        pytest.raises(TransientError) as caught,
    ):
        write(service.url)
    assert caught.value.extra == {
        "cause": "fault",
        "fault": "SOA-02001",
        "http": 503,
        "retry_after_s": 120,
        "ticket": "TICKET-7",
    }


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransientError) as caught:
        write(f"http://127.0.0.1:{port}/")
    assert (caught.value.code, caught.value.extra) == ("HUB-1301", {"cause": "refused"})


def test_an_unknown_name_means_that_nothing_was_sent() -> None:
    with pytest.raises(TransientError) as caught:
        # .invalid never resolves (RFC 6761 section 6.4).
        write("https://authority.invalid/")
    assert caught.value.code == "HUB-1301"


def test_a_handshake_that_fails_means_that_nothing_was_sent() -> None:
    def no_tls(responder: Responder, connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Responder(no_tls) as service, pytest.raises(TransientError) as caught:
        write(service.url.replace("http:", "https:"))
    assert caught.value.code == "HUB-1301"


def test_a_handshake_that_hangs_ends_at_the_connect_timeout() -> None:
    def hangs(responder: Responder, connection: socket.socket) -> None:
        connection.recv(4096)
        connection.recv(1)

    with Responder(hangs) as service, pytest.raises(TransientError) as caught:
        SoapAuthority(service.url.replace("http:", "https:"), 0.2, 30).register([employee(1)])
    assert (caught.value.code, caught.value.extra) == ("HUB-1301", {"cause": "timeout"})


def test_a_dripping_answer_ends_at_the_read_timeout() -> None:
    with Responder(drips) as service:
        begun = time.monotonic()
        with pytest.raises(InDoubtError):
            write(service.url)
        assert time.monotonic() - begun < 2


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_MAX", 1000)
    with Responder(answers(b" " * 5000)) as service, pytest.raises(InDoubtError) as caught:
        write(service.url)
    assert caught.value.extra == {"cause": "too_large"}


@pytest.mark.parametrize(
    "url",
    [
        "http://services-sim.example/PresenceRegistration/v1",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080",
        "",
        "https://user:word@services.example/",
        "https://services.example:port/",
        "http://[::1",
    ],
)
def test_an_address_that_would_not_be_safe_is_refused_at_once(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        SoapAuthority(url)
    assert caught.value.code == "HUB-1318"


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://[::1]:1/", "https://x.example/"])
def test_a_loopback_or_encrypted_address_is_accepted(url: str) -> None:
    SoapAuthority(url)


def test_the_contract_is_read_from_the_package_and_nowhere_else() -> None:
    loader = Loader()
    assert loader.load("/any/folder/presence-types.xsd") == contract_file("presence-types.xsd")
    for elsewhere in ("http://127.0.0.1:1/other.xsd", "/etc/passwd", "../soap.py", "file:///x"):
        with pytest.raises(LocalProtocolError):
            loader.load(elsewhere)


def test_every_line_of_the_fault_table_is_reached_and_well_formed() -> None:
    table = tomllib.loads(contract_file("faults.toml").decode())
    codes = [row["code"] for row in table["fault"]]
    assert len(set(codes)) == len(codes) >= 7
    seen: set[int] = set()
    for row in table["http"]:
        covered = set(range(row["from"], row["to"] + 1))
        assert covered - seen, row
        seen |= covered
    assert seen >= set(range(300, 600))


def test_every_http_status_has_a_meaning() -> None:
    for status in range(100, 1000):
        assert isinstance(
            refusal(None, status, writes=True),
            TransientError | InDoubtError | PermanentError | StoppedError,
        )
        # A read is never in doubt.
        assert isinstance(
            refusal(None, status, writes=False), TransientError | PermanentError | StoppedError
        )


def test_a_fault_code_that_could_hide_a_person_is_not_repeated() -> None:
    hiding = fault("85031299761")
    with Responder(answers(hiding, 500)) as service, pytest.raises(InDoubtError) as caught:
        write(service.url)
    assert "fault" not in caught.value.extra
    assert Fault().code == ""
