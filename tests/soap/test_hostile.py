"""Answers made to harm: each ends in a typed error, nothing is fetched, and the next call works."""

from __future__ import annotations

import gzip
import socket

import pytest

from hub.application.ports import Registered
from hub.authority.messages import Messages
from hub.authority.soap import SoapAuthority
from hub.errors import InDoubtError, StoppedError, TransientError
from tests.soap.responder import (
    Responder,
    Script,
    answers,
    floods,
    found_answer,
    http,
    raw,
    registered_answer,
    registration,
    stores_all,
)
from tests.soap.workers import DAY, WORKS, employee, reference

GOOD = registered_answer(registration(reference(1), 7))
BOMB = (
    '<!DOCTYPE b [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)
QUADRATIC = f'<!DOCTYPE b [<!ENTITY a "{"a" * 100_000}">]>'
DEEP = 100_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def with_text(text: str, prolog: str = "") -> bytes:
    """Returns an answer whose status is `text`."""
    return prolog.encode() + registered_answer(registration(reference(1), 7, status=text))


def typed(body: bytes, content_type: str | None, *headers: str) -> Script:
    return raw(http(200, body, *headers, content_type=content_type))


HOSTILE: dict[str, tuple[Script, str]] = {
    "entity bomb": (answers(with_text("&a11;", BOMB)), "doctype"),
    "entity bomb in an attribute": (
        answers(with_text("x", BOMB).replace(b"<s:Body>", b'<s:Body x="&a11;">')),
        "doctype",
    ),
    "quadratic entities": (answers(with_text("&a;" * 1000, QUADRATIC)), "doctype"),
    "entity that names itself": (
        answers(with_text("&a;", '<!DOCTYPE b [<!ENTITY a "&b;"><!ENTITY b "&a;">]>')),
        "doctype",
    ),
    "document type in UTF-16": (
        answers(with_text("&a3;", BOMB).decode().encode("utf-16")),
        "doctype",
    ),
    "file as an entity": (
        answers(with_text("&a;", '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>')),
        "doctype",
    ),
    "empty document type": (answers(with_text("x", "<!DOCTYPE s>")), "doctype"),
    "entity nobody declared": (answers(with_text("&nbsp;")), "malformed"),
    "deep nesting": (answers(b"<a>" * DEEP + b"</a>" * DEEP), "malformed"),
    "one text of 11 MB": (answers(with_text("a" * 11_000_000)), "malformed"),
    "invalid UTF-8": (answers(GOOD.replace(b"SUCCESSFULLY", b"SUCC\xc3\x28")), "malformed"),
    "half a UTF-8 sign": (answers(GOOD.replace(b"SUCCESSFULLY", b"SUCC\xe2\x82")), "malformed"),
    "unknown encoding": (
        answers(b'<?xml version="1.0" encoding="nobody-knows"?>' + GOOD),
        "malformed",
    ),
    "UTF-16 that is none": (answers(b"\xff\xfe" + GOOD), "malformed"),
    "zero byte": (answers(GOOD.replace(b"SUCCESSFULLY", b"SUCC\x00")), "malformed"),
    "two documents": (answers(GOOD + GOOD), "malformed"),
    "cut off": (answers(GOOD[: len(GOOD) // 2]), "malformed"),
    "cut off at an element": (answers(GOOD[: GOOD.rindex(b"</s:Envelope>")]), "malformed"),
    "a namespace nobody declared": (
        answers(GOOD.replace(b"<t:Sector>", b"<q:Sector>")),
        "malformed",
    ),
    "a prefix bound anew": (
        answers(GOOD.replace(b"<p:RegisterPres", b'<p:RegisterPres xmlns:p="urn:x"', 1)),
        "malformed",
    ),
    "another namespace": (
        answers(GOOD.replace(b"registration/v1", b"registration/v2")),
        "unexpected",
    ),
    "SOAP 1.2": (
        answers(
            GOOD.replace(
                b"http://schemas.xmlsoap.org/soap/envelope/",
                b"http://www.w3.org/2003/05/soap-envelope",
            )
        ),
        "not_soap",
    ),
    "two messages in the body": (
        answers(GOOD.replace(b"</s:Body>", b"<p:RegisterPresencesResponse/></s:Body>")),
        "not_soap",
    ),
    "an answer beside the body": (
        answers(GOOD.replace(b"s:Body>", b"s:Header>")),
        "not_soap",
    ),
    "gzip": (typed(gzip.compress(GOOD), "text/xml", "Content-Encoding: gzip"), "coding"),
    "gzip bomb": (
        typed(gzip.compress(b"<a>" * 10_000_000), "text/xml", "Content-Encoding: gzip"),
        "coding",
    ),
    "gzip that nobody announced": (typed(gzip.compress(GOOD), "text/xml"), "malformed"),
    "HTML": (typed(GOOD, "text/html; charset=utf-8"), "content_type"),
    "JSON": (typed(b'{"number": 7}', "application/json"), "content_type"),
    "attachments": (typed(GOOD, "multipart/related; type=text/xml"), "content_type"),
    "no number": (answers(GOOD.replace(b">7<", b"><")), "incomplete"),
    "negative number": (answers(GOOD.replace(b">7<", b">-7<")), "incomplete"),
    "number with 16 digits": (answers(GOOD.replace(b">7<", b">1000000000000000<")), "incomplete"),
    "number of a million digits": (
        answers(GOOD.replace(b">7<", b">" + b"9" * 1_000_000 + b"<")),
        "incomplete",
    ),
    "number in other digits": (answers(GOOD.replace(b">7<", ">\u0667<".encode())), "incomplete"),
    "number in an element of its own": (
        answers(GOOD.replace(b">7<", b"><t:PresenceRegistrationId>7</t:PresenceRegistrationId><")),
        "incomplete",
    ),
    "only alien references": (
        answers(registered_answer(*(registration(f"alien{n}", n + 1) for n in range(3000)))),
        "incomplete",
    ),
    "a reference twice, two numbers": (
        answers(registered_answer(registration(reference(1), 7), registration(reference(1), 8))),
        "incomplete",
    ),
    "a reference that begins with ours": (
        answers(registered_answer(registration(reference(1) + "x", 7))),
        "incomplete",
    ),
    "interim answers for ever": (floods(b"HTTP/1.1 100 Go on\r\n\r\n"), "timeout"),
    "a header for ever": (floods(b"x", b"HTTP/1.1 200 OK\r\nA: "), "timeout"),
    "a chunk for ever": (
        floods(b" ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n"),
        "timeout",
    ),
    "a header line of a megabyte": (
        raw(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 1_000_000 + b"\r\n\r\n"),
        "broken",
    ),
    "a thousand headers": (
        raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n"),
        "broken",
    ),
    "a chunk size that is none": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<a/>\r\n0\r\n\r\n"),
        "closed",
    ),
    "a chunk of a petabyte": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000000000000\r\n<a/>"),
        "closed",
    ),
}


def port(url: str, cause: str) -> SoapAuthority:
    """Returns an adapter that waits long, except where the wait is what ends it."""
    return SoapAuthority(url, connect_timeout_s=5, read_timeout_s=0.4 if cause == "timeout" else 30)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_a_doubt_and_the_next_call_works(name: str) -> None:
    script, cause = HOSTILE[name]
    with Responder(script, answers(stores_all)) as service:
        authority = port(service.url, cause)
        with pytest.raises(InDoubtError) as caught:
            authority.register([employee(1)])
        assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1302", cause)
        (result,) = authority.register([employee(2)])
    assert isinstance(result, Registered)


@pytest.mark.parametrize(
    "name", [name for name, (_, cause) in HOSTILE.items() if cause != "incomplete"]
)
def test_a_hostile_answer_to_a_search_is_no_absence(name: str) -> None:
    script, cause = HOSTILE[name]
    with Responder(script, answers(found_answer(0))) as service:
        authority = port(service.url, cause)
        with pytest.raises(TransientError) as caught:
            authority.search(WORKS, DAY)
        assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1311", cause)
        assert authority.search(WORKS, DAY) == []


def test_nothing_that_an_answer_names_is_fetched() -> None:
    with Responder(answers(b"<!ELEMENT x ANY>")) as elsewhere:
        prologs = (
            f'<!DOCTYPE b SYSTEM "{elsewhere.url}">',
            f'<!DOCTYPE b [<!ENTITY a SYSTEM "{elsewhere.url}">]>',
            f'<!DOCTYPE b [<!ENTITY % a SYSTEM "{elsewhere.url}"> %a;]>',
            f'<?xml-stylesheet href="{elsewhere.url}"?>',
        )
        bodies = [with_text("&a;" if "ENTITY a" in prolog else "x", prolog) for prolog in prologs]
        url = elsewhere.url.encode()
        hints = (
            b'<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            b'xmlns:xi="http://www.w3.org/2001/XInclude" xsi:schemaLocation="urn:x ' + url + b'">'
            b'<xi:include href="' + url + b'"/>'
        )
        bodies.append(GOOD.replace(b"<s:Body>", hints))
        bodies.append(GOOD.replace(b"<t:Sector>", b"<?include " + url + b"?><t:Sector>"))
        for body in bodies:
            with Responder(answers(body)) as service:
                try:
                    SoapAuthority(service.url).register([employee(1)])
                except InDoubtError as error:
                    assert error.extra["cause"] in ("doctype", "not_soap")  # noqa: PT017
        assert elsewhere.connections == 0


def test_a_redirect_is_not_followed_and_a_proxy_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Responder(answers(stores_all)) as elsewhere:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        with Responder(answers(b"", 308, f"Location: {elsewhere.url}")) as service:
            with pytest.raises(StoppedError) as caught:
                SoapAuthority(service.url).register([employee(1)])
            assert service.connections == 1
        assert elsewhere.connections == 0
    assert caught.value.code == "HUB-1313"


def test_the_contract_is_built_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def refuses(*args: object, **more: object) -> None:
        tried.append(args)
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", refuses)
    monkeypatch.setattr(socket, "getaddrinfo", refuses)
    values = [{"PresenceRegistrationId": 7, "CancellationReason": "DISEASE"}]
    assert b">7<" in Messages().build("cancelPresences", "CancelPresenceRequest", values).body
    assert tried == []


def test_an_answer_of_any_length_is_cut_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.authority.transport.ANSWER_MAX", 100_000)
    endless = floods(b"10000\r\n" + b" " * 65536 + b"\r\n", CHUNKED)
    with Responder(endless) as service, pytest.raises(InDoubtError) as caught:
        SoapAuthority(service.url, 5, 30).register([employee(1)])
    assert caught.value.extra == {"cause": "too_large"}


def test_a_wait_that_would_overflow_is_not_repeated() -> None:
    for said in ("9" * 40, "-1", "1e9", "Fri, 31 Dec 9999 23:59:59 GMT"):
        with (
            Responder(answers(b"", 503, f"Retry-After: {said}")) as service,
            pytest.raises(TransientError) as caught,
        ):
            SoapAuthority(service.url).register([employee(1)])
        assert "retry_after_s" not in caught.value.extra


def test_what_an_answer_says_is_cut_and_on_one_line() -> None:
    entry = registration(
        "r" * 5000, 7, "S\n\u202e" + "T" * 5000, ("R" * 5000,), kind="ConsultSubmitted"
    ).replace("2026-11-23T06:41:07.312+01:00", "2026" * 5000)
    with Responder(answers(found_answer(1, entry))) as service:
        (row,) = SoapAuthority(service.url).search(WORKS, DAY)
    registered = row.registered
    assert registered.reference == ""
    assert registered.status.isprintable()
    assert len(registered.status) == len(registered.remarks[0]) == 500
    assert len(registered.created) <= 40
