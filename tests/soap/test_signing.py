"""What is signed holds before a verifier that shares nothing with what signed it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import lxml.etree as etree
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from hub.application.evidence import Exchange
from hub.application.ports import Cancel, Refused, Registered
from hub.authority.certificates import CertificateFiles
from hub.authority.signing import Signature
from hub.authority.soap import SoapAuthority
from hub.authority.sts import TokenSource
from hub.authority.transport import Transport
from hub.errors import PermanentError, SitegateError, StoppedError, TransientError
from tests.soap.responder import (
    Request,
    Responder,
    Script,
    answers,
    fault,
    found_answer,
    got,
    shown,
    stores_all,
)
from tests.soap.test_privacy import everything_said_by
from tests.soap.verifier import NOW_MS, SENDER, Issuer, Pair, canonical, make_pair, one, verify
from tests.soap.workers import DAY, INSS, LIMOSA, WORKS, employee, posted, reference

KEYS = {
    "RSA": None,
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def sts(issuer: Issuer) -> Iterator[Responder]:
    with Responder(answers(issuer.answer)) as service:
        yield service


class World:
    """An adapter of the signed profile between a token service and a service."""

    def __init__(
        self, sts: Responder, service: Responder, file: Path, *, sign_token: bool = False
    ) -> None:
        self.kept: list[Exchange] = []
        self.tokens = TokenSource(
            Transport(sts.url, 5, 30),
            CertificateFiles(str(file)),
            SENDER,
            lambda: NOW_MS,
            sign_token=sign_token,
        )
        self.port = SoapAuthority(
            service.url,
            5,
            30,
            clock=lambda: NOW_MS,
            keep=self.kept.append,
            signature=Signature(self.tokens, lambda: NOW_MS, sign_token=sign_token),
        )


@pytest.mark.parametrize("kind", KEYS)
def test_a_call_is_signed_by_the_key_that_the_assertion_names(
    kind: str, issuer: Issuer, sts: Responder, tmp_path: Path
) -> None:
    curve = KEYS[kind]
    pair = make_pair(ec.generate_private_key(curve) if curve is not None else None)
    with Responder(answers(stores_all)) as service:
        world = World(sts, service, pair.write(tmp_path))
        results = world.port.register([employee(1), posted(2)])
    assert [type(result) for result in results] == [Registered, Registered]
    (request,) = service.requests
    verified = verify(request.body, issuer.certificate)
    assert verified.certificate == pair.certificate
    assert verified.assertion_id == "_assertion1"
    assert sorted(verified.signed) == ["Body", "Timestamp"]
    assert (verified.created, verified.expires) == (
        "2026-11-23T07:00:00.000Z",
        "2026-11-23T07:05:00.000Z",
    )
    assert request.references == [reference(1), reference(2)]
    assert request.header("X-Sim-Sender") == ""
    # And so was the request for the token.
    (asked,) = issuer.requests
    assert asked.certificate == pair.certificate
    assert sorted(asked.signed) == ["Body", "Timestamp"]


def test_every_operation_is_signed_and_one_token_serves_them(
    issuer: Issuer, sts: Responder, pair: Pair, tmp_path: Path
) -> None:
    script = [
        answers(stores_all),
        answers(found_answer(0)),
        answers(got(shown(reference(1), 7))),
        answers(fault("SOA-03006", "false", "s:Client"), 500),
    ]
    with Responder(*script) as service:
        port = World(sts, service, pair.write(tmp_path)).port
        port.register([employee(n) for n in range(200)])
        port.search(WORKS, DAY)
        port.get(7)
        with pytest.raises(PermanentError):
            port.cancel([Cancel(reference(1), 7, "DISEASE")])
    names = {verify(request.body, issuer.certificate).assertion_id for request in service.requests}
    assert len(service.requests) == 4
    assert names == {"_assertion1"}


def test_the_assertion_arrives_as_it_was_issued(
    issuer: Issuer, sts: Responder, pair: Pair, tmp_path: Path
) -> None:
    issued: list[bytes] = []
    issue = issuer.issue
    issuer.issue = lambda holder: issued.append(issue(holder)) or issued[-1]  # pyright: ignore[reportAttributeAccessIssue]
    with Responder(answers(stores_all)) as service:
        World(sts, service, pair.write(tmp_path)).port.register([employee(1)])
    there = one(etree.fromstring(issued[0]), "//a:Assertion")
    here = one(etree.fromstring(service.requests[0].body), "//a:Assertion")
    assert canonical(here) == canonical(there)
    written = etree.tostring(there, encoding="utf-8", with_tail=False)
    assert written in service.requests[0].body


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(INSS.encode(), b"85031299762"),
        lambda body: body.replace(b"07:05:00", b"07:06:00"),
        lambda body: body.replace(b"<soap-env:Body ", b"<soap-env:Body x='1' "),
        lambda body: body.replace(b">SIM-0001 ", b">SIM-0002 "),
    ],
    ids=["body", "timestamp", "attribute", "assertion"],
)
def test_the_verifier_of_these_tests_sees_a_change(
    change: object, issuer: Issuer, sts: Responder, pair: Pair, tmp_path: Path
) -> None:
    with Responder(answers(stores_all)) as service:
        World(sts, service, pair.write(tmp_path)).port.register([employee(1)])
    body = service.requests[0].body
    verify(body, issuer.certificate)
    changed = change(body)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    assert changed != body
    with pytest.raises(InvalidSignature):
        verify(changed, issuer.certificate)


def test_the_token_can_be_signed_too(
    issuer: Issuer, sts: Responder, pair: Pair, tmp_path: Path
) -> None:
    with Responder(answers(stores_all)) as service:
        World(sts, service, pair.write(tmp_path), sign_token=True).port.register([employee(1)])
    call = verify(service.requests[0].body, issuer.certificate)
    assert sorted(call.signed) == ["Assertion", "Body", "Timestamp"]
    assert sorted(issuer.requests[0].signed) == ["BinarySecurityToken", "Body", "Timestamp"]


def test_the_check_of_the_contract_comes_first(
    issuer: Issuer, sts: Responder, pair: Pair, tmp_path: Path
) -> None:
    with Responder(answers(stores_all)) as service:
        port = World(sts, service, pair.write(tmp_path)).port
        (alone,) = port.register([employee(1, inss="1")])
        assert isinstance(alone, Refused)
        assert (sts.connections, service.connections) == (0, 0)
        results = port.register([employee(1), employee(2, inss="1"), posted(3)])
    assert [type(result) for result in results] == [Registered, Refused, Registered]
    verify(service.requests[0].body, issuer.certificate)
    assert service.requests[0].references == [reference(1), reference(3)]


REFUSALS = [
    fault("SOA-01001", "false", "s:Client"),
    fault("SOA-01001", kind="BusinessError"),
    fault(None, soap_code="wsse:FailedAuthentication"),
    fault(None, soap_code="wsu:MessageExpired"),
]


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_token_that_the_service_refuses_is_renewed_once(
    refused: bytes, issuer: Issuer, sts: Responder, pair: Pair, tmp_path: Path
) -> None:
    with Responder(answers(refused, 500), answers(stores_all)) as service:
        world = World(sts, service, pair.write(tmp_path))
        (result,) = world.port.register([employee(1)])
    assert isinstance(result, Registered)
    ids = [verify(request.body, issuer.certificate).assertion_id for request in service.requests]
    assert ids == ["_assertion1", "_assertion2"]
    assert [exchange.outcome for exchange in world.kept] == ["refused", "answered"]
    assert [exchange.request for exchange in world.kept] == [r.body for r in service.requests]


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_second_refusal_stops(refused: bytes, sts: Responder, pair: Pair, tmp_path: Path) -> None:
    with Responder(answers(refused, 500)) as service:
        port = World(sts, service, pair.write(tmp_path)).port
        for call in (
            lambda: port.register([employee(1)]),
            lambda: port.search(WORKS, DAY),
            lambda: port.get(7),
            lambda: port.cancel([Cancel(reference(1), 7, "DISEASE")]),
        ):
            before = service.connections
            with pytest.raises(StoppedError) as caught:
                call()
            assert caught.value.code == "HUB-1304"
            assert service.connections == before + 2


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        (answers(fault("SOA-01002"), 500), StoppedError, "HUB-1304"),
        (answers(fault(None, soap_code="s:MustUnderstand"), 500), StoppedError, "HUB-1304"),
        (
            answers(fault(None, soap_code="wsse:UnsupportedAlgorithm"), 500),
            StoppedError,
            "HUB-1304",
        ),
        (answers(fault("SOA-02001"), 500), TransientError, "HUB-1310"),
        (answers(b"", 401), StoppedError, "HUB-1304"),
    ],
)
def test_other_refusals_do_not_cost_a_token(
    script: Script,
    kind: type[SitegateError],
    code: str,
    sts: Responder,
    pair: Pair,
    tmp_path: Path,
) -> None:
    with Responder(script) as service:
        port = World(sts, service, pair.write(tmp_path)).port
        for _ in range(2):
            with pytest.raises(kind) as caught:
                port.register([employee(1)])
            assert caught.value.code == code
        assert service.connections == 2
    assert sts.connections == 1


def test_a_renewal_that_fails_says_why_and_sends_nothing_more(
    issuer: Issuer, pair: Pair, tmp_path: Path
) -> None:
    away = answers(b"", 503)
    with (
        Responder(answers(issuer.answer), away) as sts,
        Responder(answers(fault("SOA-01001"), 500)) as service,
    ):
        port = World(sts, service, pair.write(tmp_path)).port
        with pytest.raises(TransientError) as caught:
            port.register([employee(1)])
        assert caught.value.code == "HUB-1336"
        assert service.connections == 1


def test_without_a_token_nothing_is_sent(pair: Pair, tmp_path: Path) -> None:
    with (
        Responder(answers(fault("SOA-01002"), 500)) as sts,
        Responder(answers(stores_all)) as service,
    ):
        world = World(sts, service, pair.write(tmp_path))
        with pytest.raises(StoppedError) as caught:
            world.port.register([employee(1)])
        assert caught.value.code == "HUB-1335"
        assert service.connections == 0
    assert world.kept == []


def test_nothing_of_a_signed_call_is_in_a_log_an_error_or_a_repr(
    issuer: Issuer,
    sts: Responder,
    pair: Pair,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("zeep", "signxml", "signxml.processor"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    caplog.set_level(logging.DEBUG)
    quoting = fault("SOA-01001", text=f"'{INSS}' {LIMOSA} is not valid")
    said = ""
    with Responder(answers(stores_all), answers(quoting, 500)) as service:
        world = World(sts, service, pair.write(tmp_path))
        said += repr(world.port.register([employee(1), posted(2)]))
        with pytest.raises(StoppedError) as caught:
            world.port.register([employee(1), posted(2)])
        said += everything_said_by(caught.value)
    token = world.tokens.token()
    said += repr(world.port) + repr(world.tokens) + repr(token) + repr(token.credential)
    said += caplog.text
    for number in (INSS, LIMOSA, token.assertion.decode()[200:300], SENDER):
        assert number not in said


def test_a_request_shows_a_clean_layout(sts: Responder, pair: Pair, tmp_path: Path) -> None:
    with Responder(answers(stores_all)) as service:
        World(sts, service, pair.write(tmp_path)).port.register([employee(1)])
    request: Request = service.requests[0]
    security = one(etree.fromstring(request.body), "/s:Envelope/s:Header/e:Security")
    assert [etree.QName(part).localname for part in security] == [
        "Timestamp",
        "Assertion",
        "Signature",
    ]
