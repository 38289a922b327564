"""The token service: who gets an assertion, what it says, and who does not get one."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import httpx2
import lxml.etree as etree
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests import plain_http
from tests.authority.rig import NOW, SCHEMA, Rig, item, register, served
from tests.authority.secured import HEADERS, Secured
from tests.authority.signing import (
    MESSAGE_PROFILE,
    NAMES,
    STS,
    WST,
    Caller,
    assertion_of,
    binary_token,
    by_token,
    call_bytes,
    caller,
    canonical,
    digest_text,
    message,
    request_bytes,
    rsa_key,
    signed,
    signed_by_hand,
    timestamp,
    token_request,
)

trust = etree.XMLSchema(etree.parse(str(SCHEMA / "token-messages-v1.xsd")))


def request(who: Caller, body: str, now: str = NOW) -> bytes:
    """A signed message with any body."""
    content = message(body, timestamp(now) + binary_token(who))
    return signed(content, who.key, by_token())


def test_an_assertion_says_who_holds_which_key_and_how_long(secured: Secured) -> None:
    answer = secured.ask(request_bytes(secured.who, secured.now))
    trust.assertValid(answer.body)
    assertion = etree.fromstring(assertion_of(answer.content))

    def text(path: str) -> str:
        return assertion.findtext(path, None, NAMES)

    name = assertion.get("AssertionID")
    assert dict(assertion.attrib) | {"Issuer": ""} == {
        "MajorVersion": "1",
        "MinorVersion": "1",
        "AssertionID": name,
        "Issuer": "",
        "IssueInstant": "2026-11-23T05:41:07.312Z",
    }
    assert dict(assertion.find("saml:Conditions", NAMES).attrib) == {
        "NotBefore": "2026-11-23T05:41:07.312Z",
        "NotOnOrAfter": "2026-11-23T06:41:07.312Z",
    }
    attribute = assertion.find("saml:AttributeStatement/saml:Attribute", NAMES)
    assert attribute.get("AttributeName") == "urn:be:smals:expeditor:number"
    assert [value.text for value in attribute] == ["SIM-0001"]
    subject = "saml:AttributeStatement/saml:Subject"
    assert text(f"{subject}/saml:NameIdentifier") == "CN=main contractor"
    confirmation = f"{subject}/saml:SubjectConfirmation"
    method = text(f"{confirmation}/saml:ConfirmationMethod")
    assert method == "urn:oasis:names:tc:SAML:1.0:cm:holder-of-key"
    holder = text(f"{confirmation}/ds:KeyInfo/ds:X509Data/ds:X509Certificate")
    assert holder == secured.who.base64
    response = answer.body.find("wst:RequestSecurityTokenResponse", NAMES)
    assert response.get("Context") == "ctx-7"
    assert response.findtext("wst:TokenType", None, NAMES).endswith("#SAMLV1.1")
    assert [one.text for one in response.find("wst:Lifetime", NAMES)] == [
        "2026-11-23T05:41:07.312Z",
        "2026-11-23T06:41:07.312Z",
    ]
    assert [one.text for one in response.iterfind(".//wsse:KeyIdentifier", NAMES)] == [name, name]


def test_the_assertion_is_signed_by_the_service_checked_by_hand(secured: Secured) -> None:
    assertion = etree.fromstring(secured.token())
    signature = assertion.find("ds:Signature", NAMES)
    assert signature is assertion[-1]
    [reference] = signature.iterfind(".//ds:Reference", NAMES)
    assert reference.get("URI") == f"#{assertion.get('AssertionID')}"
    der = base64.b64decode(signature.findtext(".//ds:X509Certificate", None, NAMES))
    public = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    value = base64.b64decode(signature.findtext("ds:SignatureValue", None, NAMES))
    data = canonical(signature.find("ds:SignedInfo", NAMES))
    public.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
    assertion.remove(signature)
    assert digest_text(canonical(assertion)) == reference.findtext("ds:DigestValue", None, NAMES)


def test_assertions_have_names_of_their_own(secured: Secured) -> None:
    names = {etree.fromstring(secured.token()).get("AssertionID") for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("sign", [signed, signed_by_hand])
@pytest.mark.parametrize("kind", ["rsa", "curve"])
def test_two_signers_and_two_kinds_of_key(
    secured: Secured, sign: Callable[..., bytes], kind: str
) -> None:
    who = caller(key=rsa_key() if kind == "rsa" else None)
    secured.rig.order("sender", id="SIM-0003", certificate=who.pem)
    content = message(token_request("SIM-0003"), timestamp(NOW) + binary_token(who))
    for names in (("TS-1", "Body-1"), ("Body-1", "X509-1", "TS-1")):
        assert secured.ask(sign(content, who.key, by_token(), names=names)).fault is None


def test_both_names_of_the_action_or_none(secured: Secured) -> None:
    content = request_bytes(secured.who, NOW)
    for action in ("RequestSecurityToken", f"{WST}/RST/Issue", ""):
        assert secured.ask(content, action).fault is None
    for action in ("RequestSecurityToken2", f"{WST}/RST/Cancel"):
        assert secured.ask(content, action).fault == "SOA-03004"


# who is it


def test_a_certificate_speaks_for_its_own_sender_only(secured: Secured, sub_caller: Caller) -> None:
    assert secured.ask(request_bytes(sub_caller, NOW, "SIM-0002")).fault is None
    for who, sender_id in (
        (sub_caller, "SIM-0001"),
        (secured.who, "SIM-0002"),
        (secured.who, "SIM-0003"),
        (secured.who, "SIM-9999"),
        (secured.who, "sim-0001"),
    ):
        assert secured.ask(request_bytes(who, NOW, sender_id)).fault == "SOA-01002"


def test_a_certificate_nobody_registered_is_not_authenticated(secured: Secured) -> None:
    for who in (caller(), caller("main contractor", key=secured.who.key)):
        for sender_id in ("SIM-0001", "SIM-9999"):
            assert secured.ask(request_bytes(who, NOW, sender_id)).fault == "SOA-01001"


@pytest.mark.parametrize(
    ("since", "until", "fits"),
    [
        ("2026-11-23T05:41:07Z", "2028-01-01T00:00:00Z", True),
        ("2026-11-23T05:41:08Z", "2028-01-01T00:00:00Z", False),
        ("2026-01-01T00:00:00Z", "2026-11-23T05:41:08Z", True),
        ("2026-01-01T00:00:00Z", "2026-11-23T05:41:07Z", False),
    ],
)
def test_a_certificate_counts_while_it_is_in_date(
    secured: Secured, since: str, until: str, fits: bool
) -> None:
    who = caller(since=since, until=until)
    secured.rig.order("sender", id="SIM-0001", certificate=who.pem)
    answer = secured.ask(request_bytes(who, NOW))
    assert answer.fault == (None if fits else "SOA-01001")


# what is no request


WHOLE = token_request()
NOT_REQUESTS = {
    "another element": '<x:RequestSecurityToken xmlns:x="urn:x"/>',
    "nothing": "",
    "two requests": WHOLE * 2,
    "an answer": f'<w:RequestSecurityTokenResponse xmlns:w="{WST}"/>',
    "to cancel": token_request(kind=f"{WST}/Cancel"),
    "another token": token_request(token="urn:oasis:names:tc:SAML:2.0:assertion"),
    "a bearer token": token_request(key=f"{WST}/Bearer"),
    "another dialect": token_request(dialect="urn:x"),
    "another claim": token_request(claim="urn:x"),
    "an empty claim": token_request(""),
    "no claims": WHOLE.replace("wst:Claims", "wst:Other"),
    "no type": WHOLE.replace("wst:TokenType", "wst:Other"),
    "no value": WHOLE.replace("auth:Value", "auth:Other"),
    "two values": WHOLE.replace("</auth:Value>", "</auth:Value><auth:Value>SIM-0002</auth:Value>"),
    "two claims": WHOLE.replace(
        "</wst:Claims>", '<auth:ClaimType Uri="urn:be:smals:expeditor:number"/></wst:Claims>'
    ),
}


@pytest.mark.parametrize("name", NOT_REQUESTS)
def test_what_is_no_request_is_not_compliant(secured: Secured, name: str) -> None:
    answer = secured.ask(request(secured.who, NOT_REQUESTS[name]))
    assert (answer.status, answer.fault) == (500, "SOA-03004")


def test_a_request_may_say_more_than_is_asked_for(secured: Secured) -> None:
    more = WHOLE.replace("<wst:Claims", "<wst:Lifetime/><wst:Renewing/><wst:Claims")
    assert secured.ask(request(secured.who, more)).fault is None


HOSTILE = {
    "no XML": lambda _: b"token",
    "half of it": lambda good: good[:-40],
    "too much": lambda good: good + b" " * 1_048_576,
    "a document type": lambda good: b"<!DOCTYPE x>" + good,
    "an entity bomb": lambda good: (
        b"<!DOCTYPE x ["
        + b'<!ENTITY e0 "x">'
        + b"".join(b'<!ENTITY e%d "&e%d;&e%d;">' % (n + 1, n, n) for n in range(30))
        + b"]>"
        + good.replace(b">SIM-0001<", b">&e30;<")
    ),
    "an outer entity": lambda good: (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        + good.replace(b">SIM-0001<", b">&e;<")
    ),
    "no envelope": lambda _: token_request().encode(),
    "a header nobody knows": lambda good: good.replace(
        b"<s:Header>", b'<s:Header><x:T xmlns:x="urn:x" s:mustUnderstand="1"/>'
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_message_is_not_compliant(secured: Secured, name: str) -> None:
    content = HOSTILE[name](request_bytes(secured.who, NOW))
    assert secured.ask(content).fault == "SOA-03004"
    assert secured.ask(request_bytes(secured.who, NOW)).fault is None


# what is not signed as it must be; the rules the presence service shares are in test_forgeries


def unsigned(who: Caller) -> bytes:
    return message(WHOLE, timestamp(NOW) + binary_token(who))


def wrapped(who: Caller) -> bytes:
    root = etree.fromstring(request_bytes(who, NOW))
    header, body = root
    forged = etree.fromstring(message(token_request("SIM-0002"), "", body_name="Body-2"))
    root.replace(body, forged[1])
    etree.SubElement(header, "{urn:x}Keep").append(body)
    return etree.tostring(root)


def other_token(who: Caller) -> bytes:
    """Signed by one key, with another's certificate beside it."""
    content = message(WHOLE, timestamp(NOW) + binary_token(who))
    return signed(content, caller().key, by_token())


def own_certificate_in_key_info(who: Caller) -> bytes:
    thief = caller()
    data = f"<ds:X509Data><ds:X509Certificate>{thief.base64}</ds:X509Certificate></ds:X509Data>"
    info = by_token().replace("</ds:KeyInfo>", f"{data}</ds:KeyInfo>")
    return signed(unsigned(who), thief.key, info)


def two_tokens(who: Caller) -> bytes:
    thief = caller()
    tokens = binary_token(who) + binary_token(thief, "X509-2")
    content = message(WHOLE, timestamp(NOW) + tokens)
    return signed(content, thief.key, by_token("X509-2"))


def changed(before: str, after: str) -> Callable[[Caller], bytes]:
    """A part is written differently, then everything is signed."""

    def attack(who: Caller) -> bytes:
        content = unsigned(who).decode()
        assert before in content
        return signed(content.replace(before, after).encode(), who.key, by_token())

    return attack


def key_info(before: str, after: str) -> Callable[[Caller], bytes]:
    def attack(who: Caller) -> bytes:
        assert before in by_token()
        return signed(unsigned(who), who.key, by_token().replace(before, after))

    return attack


def tampered(who: Caller) -> bytes:
    return request_bytes(who, NOW).replace(b">SIM-0001<", b">SIM-0002<")


UNPROVED: dict[str, tuple[Callable[[Caller], bytes], str]] = {
    "no signature": (unsigned, "and nothing else"),
    "no security": (lambda _: message(WHOLE, ""), "and nothing else"),
    "a wrapped body": (wrapped, "each once"),
    "a changed claim": (tampered, "does not fit, or its certificate is out of date"),
    "another's certificate": (other_token, "does not fit, or its certificate is out of date"),
    "two certificates": (own_certificate_in_key_info, "and nothing else"),
    "two tokens": (two_tokens, "and nothing else"),
    "an old message": (lambda who: request_bytes(who, NOW, age_s=301), "five minutes of now"),
    "an early message": (lambda who: request_bytes(who, NOW, age_s=-301), "five minutes of now"),
    "an expired message": (
        lambda who: request_bytes(who, NOW, age_s=60, life_s=60),
        "has expired",
    ),
    "a broken certificate": (changed("MII", "AAA"), "cannot be read"),
    "another kind of certificate": (
        changed("#X509v3", "#X509PKIPathv1"),
        "v3 certificate in base64",
    ),
    "another encoding": (changed(f"{MESSAGE_PROFILE}#Base64Binary", "x"), "certificate in base64"),
    "no name of the token": (changed(' wsu:Id="X509-1"', ""), "or an unusual one"),
    "a zone left out": (changed("Z</wsu:Created>", "</wsu:Created>"), "with its zone is needed"),
    "created twice": (
        changed("<wsu:Expires>", "<wsu:Created>2026-11-23T05:41:07Z</wsu:Created><wsu:Expires>"),
        "must be Created and Expires",
    ),
    "a reference to another token": (key_info("#X509-1", "#X509-2"), "does not name the binary"),
    "a reference of another kind": (key_info("#X509v3", "#X509v1"), "of another kind"),
    "a key by its name": (
        key_info("<wsse:Reference", '<ds:KeyName xmlns:ds="urn:x"/><wsse:Reference'),
        "and nothing else",
    ),
}


@pytest.mark.parametrize("name", UNPROVED)
def test_who_is_not_proved_gets_nothing(secured: Secured, name: str) -> None:
    attack, reason = UNPROVED[name]
    answer = secured.ask(attack(secured.who))
    assert (answer.status, answer.fault) == (500, "SOA-01001")
    assert reason in answer.reason


def test_no_log_repeats_a_message(secured: Secured, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    content = request_bytes(secured.who, NOW)
    caplog.clear()
    secured.ask(content)
    secured.ask(content.replace(b">SIM-0001<", b">SIM-0002<"))
    assert "SOA-01001" in caplog.text
    for told in ("SIM-0001", "SIM-0002", "main contractor", secured.who.base64[:40]):
        assert told not in caplog.text


# orders


def test_life_and_faults_can_be_ordered(secured: Secured) -> None:
    def conditions() -> dict[str, str]:
        return dict(etree.fromstring(secured.token()).find("saml:Conditions", NAMES).attrib)

    content = request_bytes(secured.who, NOW)
    state = secured.rig.order("sts", life_s=60, fault="SOA-02002", calls=2)
    assert state["sts"] == {"life_s": 60, "fault": "SOA-02002", "calls": 2}
    assert [secured.ask(content).fault for _ in range(3)] == ["SOA-02002", "SOA-02002", None]
    assert conditions()["NotOnOrAfter"] == "2026-11-23T05:42:07.312Z"
    # A life alone leaves the fault as it is.
    secured.rig.order("sts", fault="SOA-01001", calls=None)
    secured.rig.order("sts", life_s=1)
    assert [secured.ask(content).fault for _ in range(3)] == ["SOA-01001"] * 3
    secured.rig.order("sts", fault=None)
    assert conditions()["NotOnOrAfter"] == "2026-11-23T05:41:08.312Z"
    secured.rig.order("sts", fault="down")
    assert secured.rig.client.post(STS, content=content).status_code == 503
    assert secured.ask(content).fault is None


def test_the_connection_can_be_closed_without_an_answer(secured: Secured) -> None:
    secured.rig.order("sts", fault="refuse")
    content = request_bytes(secured.who, NOW)
    with served(secured.rig) as url:
        with pytest.raises(httpx2.TransportError):
            plain_http.post(f"{url}{STS}", content=content, headers=HEADERS)
        assert plain_http.post(f"{url}{STS}", content=content, headers=HEADERS).status_code == 200


def test_an_expired_assertion_can_be_ordered(secured: Secured) -> None:
    secured.rig.order("sts", fault="expired")
    ended = secured.token()
    conditions = etree.fromstring(ended).find("saml:Conditions", NAMES)
    assert dict(conditions.attrib) == {
        "NotBefore": "2026-11-23T04:41:07.312Z",
        "NotOnOrAfter": "2026-11-23T05:41:07.312Z",
    }
    reply = secured.post(call_bytes(secured.who, NOW, ended, register(item())))
    assert reply.fault == "SOA-01001"
    assert secured.call().fault is None


@pytest.mark.parametrize(
    "order",
    [
        {"life_s": 0},
        {"life_s": 10**9},
        {"fault": "SOA-1"},
        {"fault": "slow"},
        {"calls": 0},
        {"new_key": False},
        {"x": 1},
    ],
)
def test_an_order_that_is_wrong_changes_nothing(spare_rig: Rig, order: dict[str, Any]) -> None:
    before = spare_rig.client.get("/sim/security").json()
    assert spare_rig.client.post("/sim/sts", json=order).status_code == 422
    assert spare_rig.client.get("/sim/security").json() == before


def test_the_token_service_may_be_away_alone(secured: Secured) -> None:
    assertion = secured.token()
    secured.rig.order("sts", fault="down", calls=None)
    assert secured.rig.client.post(STS, content=b"").status_code == 503
    assert secured.post(call_bytes(secured.who, NOW, assertion, register(item()))).fault is None


def test_only_text_xml_is_soap_1_1(secured: Secured) -> None:
    content = request_bytes(secured.who, NOW)
    headers = {"Content-Type": "application/soap+xml"}
    assert secured.rig.client.post(STS, content=content, headers=headers).status_code == 415


def test_the_contract_names_its_address(spare_rig: Rig) -> None:
    answer = spare_rig.client.get(f"{STS}?wsdl", headers={"Host": "authority.test:8080"})
    contract = etree.fromstring(answer.content)
    [address] = contract.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address.get("location") == f"http://authority.test:8080{STS}"
    for imported in contract.iter("{http://www.w3.org/2001/XMLSchema}import"):
        assert spare_rig.client.get(imported.get("schemaLocation")).status_code == 200
    for query in ("", "?xsd=../world.toml", "?x"):
        assert spare_rig.client.get(STS + query).status_code == 404
