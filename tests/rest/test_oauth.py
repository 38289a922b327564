"""The access token: proven by our key, kept, fetched once for all, and never believed blindly."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey

from hub.authority.oauth import TokenSource
from hub.authority.web_exchange import Web
from hub.errors import SitegateError, StoppedError, TransientError, UsageError
from tests.rest.acts import ACT_MS, DAY, WORKS, act
from tests.rest.conftest import CLIENT, Clock, Make, certified, pem
from tests.rest.service import PROBLEM, Asked, Reply, Service, page, problem, token
from tests.soap.responder import Responder, drips, raw, silent


def test_the_token_is_asked_for_with_an_assertion_of_ours(
    make: Make, key: rsa.RSAPrivateKey
) -> None:
    with Service(page([])) as service:
        make(service).search(WORKS, DAY)
        make(service, scope="a:enterprise b").search(WORKS, DAY)
    first, second = service.token_asked
    form = dict(parse_qsl(first.body.decode(), strict_parsing=True))
    assert first.method == "POST"
    assert first.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert "authorization" not in first.headers
    assert form.keys() == {"grant_type", "client_assertion_type", "client_assertion"}
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == (
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    )
    opened = jwt.decode(form["client_assertion"], RSAKey(key.public_key(), key.public_key()))
    assert opened.header["alg"] == "RS256"
    claims = dict(opened.claims)
    again = dict(parse_qsl(second.body.decode()))
    other = jwt.decode(again["client_assertion"], RSAKey(key.public_key(), key.public_key()))
    assert claims.pop("jti") != other.claims["jti"]
    now_s = (ACT_MS + 3000) // 1000
    assert claims == {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": service.token_url,
        "iat": now_s,
        "exp": now_s + 300,
    }
    assert again["scope"] == "a:enterprise b"


MALFORMED: dict[str, tuple[Reply, str]] = {
    "no JSON": (Reply("hello"), "malformed"),
    "torn": (Reply('{"access_token": "a", "expires_in": 60'), "malformed"),
    "empty": (Reply(b""), "malformed"),
    "not UTF-8": (Reply(b'{"access_token": "\xff"}'), "malformed"),
    "another encoding": (Reply(json.dumps(token("a").body).encode("utf-16")), "malformed"),
    "a name twice": (Reply('{"access_token":"a","access_token":"b","expires_in":9}'), "malformed"),
    "not a number": (Reply('{"access_token":"a","expires_in":NaN}'), "malformed"),
    "deep": (Reply("[" * 200_000), "malformed"),
    "a long number": (Reply('{"access_token":"a","expires_in":' + "9" * 9999 + "}"), "malformed"),
    "a list": (Reply([]), "unexpected"),
    "a text": (Reply('"token"'), "unexpected"),
    "null": (Reply("null"), "unexpected"),
    "a page": (Reply("<html/>", 200, "text/html"), "content_type"),
    "no kind": (Reply(token("a").body, 200, ""), "content_type"),
    "no token": (Reply({"expires_in": 600}), "access_token"),
    "a number": (token(7), "access_token"),
    "an empty token": (token(""), "access_token"),
    "a token with a line end": (token("a\r\nX-Evil: 1"), "access_token"),
    "a token with blanks": (token("a b"), "access_token"),
    "another script": (token("\u00e9"), "access_token"),
    "a huge token": (token("a" * 16_385), "access_token"),
    "no life": (Reply({"access_token": "a"}), "expires_in"),
    "life in quotes": (token("a", "600"), "expires_in"),
    "life of true": (token("a", True), "expires_in"),
    "a broken life": (token("a", 600.5), "expires_in"),
    "no life left": (token("a", 0), "expires_in"),
    "life below zero": (token("a", -1), "expires_in"),
    "another kind": (
        Reply({"access_token": "a", "expires_in": 9, "token_type": "mac"}), "token_type",
    ),
    "a kind of its own": (
        Reply({"access_token": "a", "expires_in": 9, "token_type": ["bearer"]}), "token_type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_a_clear_error_and_nothing_is_sent(
    make: Make, kept: list[Any], name: str
) -> None:
    reply, cause = MALFORMED[name]
    with Service() as service:
        service.token_scripts = [lambda asked: reply]
        authority = make(service)
        with pytest.raises(TransientError) as caught:
            authority.register([act(1)])
        assert (caught.value.code, caught.value.extra) == ("HUB-1342", {"cause": cause})
        assert service.asked == kept == []
        # Nothing of it was kept: the next good answer counts.
        service.token_scripts = [lambda asked: token("good")]
        assert len(authority.register([act(1)])) == 1
    assert service.asked[0].token == "good"


REFUSED: dict[str, tuple[Reply, type[SitegateError], str, str]] = {
    "client": (Reply({"error": "invalid_client"}, 401), StoppedError, "HUB-1341", "invalid_client"),
    "grant": (Reply({"error": "invalid_grant"}, 400), StoppedError, "HUB-1341", "invalid_grant"),
    "scope": (Reply({"error": "invalid_scope"}, 400), StoppedError, "HUB-1341", "invalid_scope"),
    "for now": (
        Reply({"error": "temporarily_unavailable"}, 400),
        TransientError,
        "HUB-1340",
        "temporarily_unavailable",
    ),
    "another word": (Reply({"error": "jan janssens"}, 400), StoppedError, "HUB-1341", "status"),
    "another type": (Reply({"error": ["a"]}, 400), StoppedError, "HUB-1341", "status"),
    "problem": (problem("serviceUnavailable", 503), TransientError, "HUB-1340", "status"),
    "quota": (problem("tooManyRequests", 429), TransientError, "HUB-1340", "status"),
    "page": (Reply("<p>", 502, "text/html"), TransientError, "HUB-1340", "status"),
    "forbidden": (Reply("<p>", 403, "text/html"), StoppedError, "HUB-1341", "status"),
    "not there": (Reply("", 404), StoppedError, "HUB-1341", "status"),
    "moved": (Reply("", 302, headers={"Location": "/x"}), StoppedError, "HUB-1341", "status"),
    "list": (Reply([], 400, PROBLEM), StoppedError, "HUB-1341", "status"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_of_the_token_service_is_typed(make: Make, name: str) -> None:
    reply, kind, code, cause = REFUSED[name]
    with Service() as service:
        service.token_scripts = [lambda asked: reply]
        with pytest.raises(kind) as caught:
            make(service).register([act(1)])
    assert (caught.value.code, caught.value.extra["cause"]) == (code, cause)
    assert caught.value.extra["http"] == reply.status
    assert service.asked == []


def test_the_wait_the_token_service_asks_for_is_passed_on(make: Make) -> None:
    with Service() as service:
        service.token_scripts = [lambda asked: problem("x", 503, {"Retry-After": "77"})]
        with pytest.raises(TransientError) as caught:
            make(service).register([act(1)])
    assert caught.value.extra["retry_after_s"] == 77


@pytest.mark.parametrize(
    ("script", "cause"), [(silent, "timeout"), (drips, "timeout"), (raw(b""), "closed")]
)
def test_a_token_service_that_does_not_answer_is_transient(
    make: Make, script: Callable[[Responder, socket.socket], None], cause: str
) -> None:
    with (
        Service() as service,
        Responder(script) as tokens,
        pytest.raises(TransientError) as caught,
    ):
        make(service, token_url=tokens.url, read_timeout_s=0.3).register([act(1)])
    assert (caught.value.code, caught.value.extra) == ("HUB-1340", {"cause": cause})
    assert service.asked == []


def test_a_token_that_lives_less_than_a_minute_is_used_once(make: Make) -> None:
    with Service(page([])) as service:
        service.token_scripts = [lambda asked: token("short", 30)]
        authority = make(service)
        for _ in range(3):
            authority.search(WORKS, DAY)
    assert len(service.token_asked) == 3


def test_after_the_clock_was_put_back_a_token_is_fetched_anew(make: Make, clock: Clock) -> None:
    with Service(page([])) as service:
        authority = make(service)
        authority.search(WORKS, DAY)
        clock.at_ms -= 3_600_000
        authority.search(WORKS, DAY)
    assert len(service.token_asked) == 2


# ---------------------------------------------------------------- single flight


def source(service: Service, key: rsa.RSAPrivateKey, clock: Clock) -> TokenSource:
    return TokenSource(Web(1, 5), service.token_url, CLIENT, lambda: key, clock)


class Flights:
    """Threads that all want a token while the token service holds its answer back."""

    def __init__(self, tokens: TokenSource, count: int) -> None:
        self.got: list[str] = []
        self.failed: list[SitegateError] = []
        self._tokens = tokens
        self._ready = threading.Barrier(count + 1)
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        for thread in self._threads:
            thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        self._ready.wait(10)
        try:
            self.got.append(self._tokens.token())
        except SitegateError as error:
            self.failed.append(error)

    def land(self) -> None:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()


def held(reply: Reply, waiting: int) -> Callable[[Asked], Reply]:
    """Answers once `waiting` threads wait for the flight; the leader is not one of them."""

    def script(asked: Asked) -> Reply:
        del asked
        while sum("landed.wait" in text for text in stacks()) < waiting:
            threading.Event().wait(0.005)
        return reply

    return script


def stacks() -> list[str]:
    return [
        "".join(traceback.format_stack(frame)) for frame in list(sys._current_frames().values())
    ]


def test_one_fetch_serves_all_threads_that_wait(key: rsa.RSAPrivateKey, clock: Clock) -> None:
    with Service() as service:
        service.token_scripts = [held(token("one"), 7)]
        flights = Flights(source(service, key, clock), 8)
        flights.land()
    assert flights.got == ["one"] * 8
    assert len(service.token_asked) == 1


def test_one_refusal_serves_all_threads_that_wait(key: rsa.RSAPrivateKey, clock: Clock) -> None:
    refusal = Reply({"error": "invalid_client"}, 401)
    with Service() as service:
        service.token_scripts = [held(refusal, 7), lambda asked: token("later")]
        tokens = source(service, key, clock)
        flights = Flights(tokens, 8)
        flights.land()
        assert {(type(error), error.code) for error in flights.failed} == {
            (StoppedError, "HUB-1341")
        }
        assert len({id(error) for error in flights.failed}) == 8
        assert len(service.token_asked) == 1
        assert tokens.token() == "later"


def test_a_token_dropped_by_several_threads_is_fetched_once(
    key: rsa.RSAPrivateKey, clock: Clock
) -> None:
    with Service() as service:
        tokens = source(service, key, clock)
        first = tokens.token()
        tokens.drop(first)
        second = tokens.token()
        tokens.drop(first)  # a slower thread whose call was refused with the first one
        assert tokens.token() == second == "token-2"
    assert len(service.token_asked) == 2


def test_a_defect_in_the_leader_does_not_hang_the_others(
    key: rsa.RSAPrivateKey, clock: Clock
) -> None:
    def broken() -> rsa.RSAPrivateKey:
        raise ZeroDivisionError

    with Service() as service:
        tokens = TokenSource(Web(1, 5), service.token_url, CLIENT, broken, clock)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                tokens.token()


# ---------------------------------------------------------------- the key


def test_a_key_of_another_kind_stops(makes: Any, tmp_path: Path) -> None:
    file = tmp_path / "ec.pem"
    file.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    with Service() as service, pytest.raises(StoppedError) as caught:
        makes(service, certificate=str(file))().register([act(1)])
    assert caught.value.code == "HUB-1347"
    assert service.token_asked == []


def test_a_key_that_cannot_be_read_stops_at_the_first_call_and_not_at_the_start(
    makes: Any, tmp_path: Path
) -> None:
    with Service() as service:
        authority = makes(service, certificate=str(tmp_path / "gone.pem"))()
        with pytest.raises(StoppedError) as caught:
            authority.register([act(1)])
    assert caught.value.code == "HUB-1330"
    assert service.token_asked == []


def test_a_renewed_key_needs_no_restart(
    makes: Any, tmp_path: Path, key: rsa.RSAPrivateKey, clock: Clock
) -> None:
    file = tmp_path / "channel.p12"
    password = tmp_path / "password"
    password.write_text("secret\n")
    newer = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def write(one: rsa.RSAPrivateKey) -> None:
        file.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"x", one, certified(one), None, BestAvailableEncryption(b"secret")
            )
        )

    def signer(asked: Asked) -> rsa.RSAPrivateKey:
        assertion = dict(parse_qsl(asked.body.decode()))["client_assertion"]
        for one in (key, newer):
            try:
                jwt.decode(assertion, RSAKey(one.public_key(), one.public_key()))
            except BadSignatureError:
                continue
            return one
        raise AssertionError

    write(key)
    with Service(page([])) as service:
        authority = makes(service, certificate=str(file), certificate_password_file=str(password))()
        authority.search(WORKS, DAY)
        write(newer)
        clock.at_ms += 600_000
        authority.search(WORKS, DAY)
    assert [signer(asked) for asked in service.token_asked] == [key, newer]


@pytest.mark.parametrize("name", ["url", "token_url", "client_id", "certificate"])
def test_a_missing_setting_is_named(make: Make, name: str) -> None:
    with Service() as service, pytest.raises(UsageError) as caught:
        make(service, **{name: ""})
    assert (caught.value.code, caught.value.extra) == ("HUB-1343", {"key": f"in_out.{name}"})


def test_a_file_of_authorities_that_cannot_be_read_is_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for file in ("gone.pem", "empty.pem"):
        with Service() as service, pytest.raises(UsageError) as caught:
            make(service, ca_file=str(tmp_path / file))
        assert caught.value.extra == {"key": "in_out.ca_file"}


def test_nothing_secret_is_in_a_log_or_a_repr(
    key: rsa.RSAPrivateKey, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Service() as service:
        tokens = source(service, key, clock)
        value = tokens.token()
        assertion = dict(parse_qsl(service.token_asked[0].body.decode()))["client_assertion"]
    for shown in (caplog.text, repr(tokens), str(vars(tokens))):
        assert value not in shown
        assert assertion not in shown
