"""SOAP 1.1 and HTTP around the operations: what is not a call, who calls, and injected faults."""

from __future__ import annotations

import logging

import lxml.etree as etree
import pytest

from simulator.authority.faults import KINDS
from simulator.authority.soap import BODY_MAX
from tests.authority.rig import NS, OK, PATH, P, Reply, Rig, S, T, envelope, item, register

GOOD = register(item())
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


def post(rig: Rig, content: bytes, **headers: str) -> Reply:
    changed = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = rig.client.post(PATH, content=content, headers=changed)
    assert answer.headers["content-type"].startswith("text/xml")
    return Reply(answer.status_code, answer.content)


BOMB = b"".join(
    [b'<!DOCTYPE a [<!ENTITY e0 "e">']
    + [b'<!ENTITY e%d "&e%d;&e%d;">' % (n + 1, n, n) for n in range(30)]
    + [b"]>", envelope(GOOD).replace(b"1Y19FAKE001AZ", b"&e30;")]
)
NOT_CALLS = {
    "nothing": b"",
    "no XML": b"presence",
    "half a document": envelope(GOOD)[:-20],
    "a document type": b"<!DOCTYPE x>" + envelope(GOOD),
    "an entity": b'<!DOCTYPE x [<!ENTITY e "1">]>' + envelope(GOOD).replace(b"AZ", b"&e;"),
    "an external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    + envelope(GOOD).replace(b"1Y19FAKE001AZ", b"&e;"),
    "an entity bomb": BOMB,
    "no envelope": GOOD.replace("<p:", f'<p:x xmlns:p="{P}" xmlns:t="{T}"/><p:', 1).encode(),
    "the body alone": f'<p:RegisterPresencesRequest xmlns:p="{P}"/>'.encode(),
    "SOAP 1.2": envelope(GOOD).replace(S.encode(), b"http://www.w3.org/2003/05/soap-envelope"),
    "an empty body": envelope(""),
    "two requests": envelope(GOOD * 2),
    "two bodies": envelope(GOOD).replace(b"<s:Body>", b"<s:Body/><s:Body>"),
    "a response": envelope(
        "<p:RegisterPresencesResponse><p:PresenceRegistrationResponse>"
        f"<t:PresenceRegistrationError><t:PresenceRegistrationSubmitted>{item()}"
        "</t:PresenceRegistrationSubmitted><t:ErrorList><t:Error><t:ErrorCode>x</t:ErrorCode>"
        "<t:ErrorDescription>x</t:ErrorDescription></t:Error></t:ErrorList>"
        "</t:PresenceRegistrationError></p:PresenceRegistrationResponse>"
        "</p:RegisterPresencesResponse>"
    ),
    "deep nesting": b"<a>" * 300 + b"</a>" * 300,
    "too many bytes": envelope(GOOD) + b" " * BODY_MAX,
}


@pytest.mark.parametrize("name", NOT_CALLS)
def test_what_is_no_call_faults_and_stores_nothing(spare_rig: Rig, name: str) -> None:
    reply = post(spare_rig, NOT_CALLS[name])
    assert (reply.status, reply.fault) == (500, "SOA-03004")
    assert spare_rig.stored() == []


def test_the_size_limit_is_exact(rig: Rig) -> None:
    content = envelope(GOOD)
    assert post(rig, content + b" " * (BODY_MAX - len(content))).fault is None


def test_comments_do_not_split_a_value(rig: Rig) -> None:
    content = envelope(GOOD).replace(OK.encode(), OK[:5].encode() + b"<!-- -->" + OK[5:].encode())
    assert post(rig, content).fault is None
    assert rig.stored()[0]["inss"] == OK


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_are_xml_too(rig: Rig, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + envelope(GOOD).decode()
    assert post(rig, text.encode(encoding)).fault is None


def test_soap_action_may_be_absent_but_not_wrong(rig: Rig) -> None:
    for action in ("", '""', f'"{P}/registerPresences"', f"{P}/registerPresences"):
        assert post(rig, envelope(GOOD), SOAPAction=action).fault is None
    stored = len(rig.stored())
    for action in (f'"{P}/cancelPresences"', '"registerPresences"'):
        assert post(rig, envelope(GOOD), SOAPAction=action).fault == "SOA-03004"
    assert len(rig.stored()) == stored


def test_only_text_xml_is_soap_1_1(rig: Rig) -> None:
    for media_type in ("application/soap+xml", "application/json", ""):
        answer = rig.client.post(
            PATH, content=envelope(GOOD), headers=HEADERS | {"Content-Type": media_type}
        )
        assert answer.status_code == 415
    assert rig.stored() == []


def test_a_header_that_must_be_understood_is_not(rig: Rig) -> None:
    header = '<s:Header><x:T xmlns:x="urn:x" s:mustUnderstand="{}"/></s:Header>'
    reply = post(rig, envelope(GOOD, header.format(1)))
    assert reply.fault == "SOA-03004"
    assert reply.body.findtext("faultcode") == "soapenv:MustUnderstand"
    assert rig.stored() == []
    assert post(rig, envelope(GOOD, header.format(0))).fault is None


def test_security_headers_are_accepted_unread(rig: Rig) -> None:
    space = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    header = f'<s:Header><w:Security xmlns:w="{space}" s:mustUnderstand="1"/></s:Header>'
    assert post(rig, envelope(GOOD, header)).fault is None


def test_an_unknown_sender_is_not_authenticated(rig: Rig) -> None:
    reply = post(rig, envelope(GOOD), X_Sim_Sender="SIM-9999")
    assert (reply.status, reply.fault) == (500, "SOA-01001")
    assert rig.stored() == []


@pytest.mark.parametrize("code", [*KINDS, "SOA-09999"])
def test_a_fault_can_be_asked_for(rig: Rig, code: str) -> None:
    rig.order("fault", code=code, element="BusinessError")
    reply = post(rig, envelope(GOOD))
    assert (reply.status, reply.fault) == (500, code)
    [detail] = reply.body.find("detail")
    assert detail.tag == "{http://socialsecurity.be/errors/v1}BusinessError"
    retry = detail.findtext("e:Retry", namespaces=NS)
    assert retry == ("true" if code in ("SOA-00001", "SOA-02001", "SOA-02002") else "false")
    assert rig.stored() == []
    assert post(rig, envelope(GOOD)).fault is None


def test_a_fault_lasts_as_many_calls_as_asked_for(rig: Rig) -> None:
    rig.order("fault", code="SOA-01002", calls=2)
    faults = [post(rig, envelope(GOOD)).fault for _ in range(3)]
    assert faults == ["SOA-01002", "SOA-01002", None]
    rig.order("fault", code="SOA-01002", calls=None)
    assert [post(rig, envelope(GOOD)).fault for _ in range(3)] == ["SOA-01002"] * 3
    rig.order("fault", code=None)
    assert post(rig, envelope(GOOD)).fault is None


def test_tickets_differ(rig: Rig) -> None:
    tickets = {post(rig, b"").body.find("detail")[0].get("Id") for _ in range(3)}
    assert len(tickets) == 3


def test_the_contract_names_the_address_it_was_asked_at(rig: Rig) -> None:
    for query in ("?wsdl", "?WSDL"):
        answer = rig.client.get(PATH + query, headers={"Host": "authority.test:8080"})
        contract = etree.fromstring(answer.content)
        [address] = contract.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
        assert address.get("location") == f"http://authority.test:8080{PATH}"
    for imported in contract.iter("{http://www.w3.org/2001/XMLSchema}import"):
        location = imported.get("schemaLocation")
        assert location.startswith(f"http://authority.test:8080{PATH}?xsd=")
        assert rig.client.get(location).status_code == 200


@pytest.mark.parametrize("query", ["", "?xsd=nothing.xsd", "?xsd=../world.toml", "?xsd=", "?x"])
def test_nothing_else_is_served_there(spare_rig: Rig, query: str) -> None:
    assert spare_rig.client.get(PATH + query).status_code == 404


def test_no_person_in_logs_and_reprs(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig.validated(item(), item(limosa="24999000000000187"))
    post(rig, envelope(register(item("8503129976"))))
    post(rig, envelope(register(item()))[:-9])
    text = caplog.text + repr(rig.authority.everything()) + repr(rig.authority.newest(5, 0))
    assert "SOA-03006" in text
    assert "WORKS" in text.upper()
    for number in (OK, "8503129976", "24999000000000187", "90431599864"):
        assert number not in text
