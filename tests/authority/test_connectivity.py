"""The connectivity test: a message comes back, at three levels of security."""

from __future__ import annotations

from typing import Any

import lxml.etree as etree
import pytest
import zeep
from zeep.exceptions import Fault

from tests.authority.rig import SCHEMA, envelope
from tests.authority.secured import HEADERS, Answer, Secured
from tests.authority.signing import (
    Caller,
    assertion_id,
    binary_token,
    by_assertion,
    by_token,
    caller,
    message,
    signed,
    timestamp,
)

PATH = "/PlatformIntegrationConsumerTest/v1"
C = "http://socialsecurity.be/platformintegrationconsumertest/v1"
T = "http://socialsecurity.be/platformintegrationconsumertest/types/v1"
messages = etree.XMLSchema(etree.parse(str(SCHEMA / "connectivity-messages-v1.xsd")))

LEVELS = ("CheckConnection", "CheckAccessControl", "CheckBrokeredAccessControl")


def check(level: str, text: str = "is anybody there?") -> str:
    return (
        f'<c:{level}Request xmlns:c="{C}" xmlns:ct="{T}"><ct:Message>{text}</ct:Message>'
        f"<ct:Timestamp>2026-11-23T06:41:07+01:00</ct:Timestamp></c:{level}Request>"
    )


def post(secured: Secured, content: bytes, action: str = "") -> Answer:
    headers = HEADERS | {"SOAPAction": f'"{action}"'}
    answer = secured.rig.client.post(PATH, content=content, headers=headers)
    read = Answer(answer.status_code, answer.content)
    if read.fault is None:
        messages.assertValid(read.body)
    return read


def with_certificate(secured: Secured, who: Caller, body: str) -> bytes:
    return signed(message(body, timestamp(secured.now) + binary_token(who)), who.key, by_token())


def with_assertion(secured: Secured, body: str) -> bytes:
    assertion = secured.token()
    content = message(body, timestamp(secured.now) + assertion.decode())
    return signed(content, secured.who.key, by_assertion(assertion_id(assertion)))


def told(answer: Answer) -> tuple[str, list[str]]:
    assert answer.fault is None, answer.reason
    return etree.QName(answer.body).localname, [one.text for one in answer.body]


NOW_UTC = "2026-11-23T05:41:07.312Z"


@pytest.mark.parametrize("profile", ["open", "signed"])
def test_each_level_echoes_and_says_who_called(secured: Secured, profile: str) -> None:
    secured.rig.order("profile", profile=profile)
    text = "is anybody there?"
    plain = post(secured, envelope(check(LEVELS[0])))
    assert told(plain) == ("CheckConnectionResponse", [text, NOW_UTC])
    proved = post(secured, with_certificate(secured, secured.who, check(LEVELS[1])))
    assert told(proved) == ("CheckAccessControlResponse", [text, NOW_UTC, "CN=main contractor"])
    brokered = post(secured, with_assertion(secured, check(LEVELS[2])))
    assert told(brokered) == ("CheckBrokeredAccessControlResponse", [text, NOW_UTC, "SIM-0001"])


def test_each_level_wants_its_own_proof(secured: Secured) -> None:
    for level in LEVELS[1:]:
        assert post(secured, envelope(check(level))).fault == "SOA-01001"
    stranger = with_certificate(secured, caller(), check(LEVELS[1]))
    assert post(secured, stranger).fault == "SOA-01001"
    swapped = with_certificate(secured, secured.who, check(LEVELS[2]))
    assert post(secured, swapped).fault == "SOA-01001"
    swapped = with_assertion(secured, check(LEVELS[1]))
    assert post(secured, swapped).fault == "SOA-01001"
    forged = with_assertion(secured, check(LEVELS[2])).replace(b"anybody", b"anyone.")
    assert post(secured, forged).fault == "SOA-01001"


TEXTS = {
    "": False,
    "x" * 9: False,
    "x" * 10: True,
    " \n é&lt;   y ": True,
    "x" * 50: True,
    "x" * 51: False,
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("text", "fits"), TEXTS.items())
def test_a_message_has_10_to_50_characters(
    secured: Secured, level: str, text: str, fits: bool
) -> None:
    body = check(level, text)
    contents = {
        "CheckConnection": lambda: envelope(body),
        "CheckAccessControl": lambda: with_certificate(secured, secured.who, body),
        "CheckBrokeredAccessControl": lambda: with_assertion(secured, body),
    }
    answer = post(secured, contents[level]())
    if fits:
        assert told(answer)[1][0] == text.replace("&lt;", "<")
    else:
        assert answer.fault == "SOA-03006"


def test_what_is_no_request_is_not_compliant(secured: Secured) -> None:
    for body in ("", check(LEVELS[0]) * 2, f'<c:CheckConnectionResponse xmlns:c="{C}"/>'):
        assert post(secured, envelope(body)).fault == "SOA-03004"
    assert post(secured, b"hello").fault == "SOA-03004"
    assert post(secured, envelope(check(LEVELS[0])), "checkConnection").fault == "SOA-03004"


def test_zeep_reads_both_contracts(base: str) -> None:
    test = zeep.Client(f"{base}{PATH}?wsdl")
    sts = zeep.Client(f"{base}/SecurityTokenService/v1?wsdl")
    answer: Any = test.service.checkConnection("is anybody there?", "2026-11-23T05:41:07Z")
    assert answer.Message == "is anybody there?"
    with pytest.raises(Fault):
        test.service.checkAccessControl("is anybody there?", "2026-11-23T05:41:07Z")
    with pytest.raises(Fault) as refused:
        sts.service.RequestSecurityToken(Context="x")
    detail: Any = refused.value.detail
    assert detail.findtext(".//{*}Code") == "SOA-01001"
    for client in (test, sts):
        client.transport.session.close()
