"""The contract: every example fits it, every facet of it bites, a bad message stores nothing."""

from __future__ import annotations

from collections.abc import Callable

import lxml.etree as etree
import pytest

from tests.authority.rig import (
    NS,
    SCHEMA,
    E,
    Rig,
    S,
    cancel,
    envelope,
    errors,
    get,
    item,
    messages,
    period,
    register,
    search,
)

SUBMITTED = """
<t:RegistrationDate>2026-11-23</t:RegistrationDate>
<t:INSS>85031299761</t:INSS>
<t:CompanyID>999000129</t:CompanyID>
<t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>
"""
REFERENCE = (
    "<t:ClientPresenceRegistrationReference>SITE7-20261123-000117"
    "</t:ClientPresenceRegistrationReference>"
)
REMARKED = """
<t:Status>FAILED</t:Status>
<t:ValidationDate>2026-11-23T06:55:40.002+01:00</t:ValidationDate>
<t:RemarkList><t:Remark>RELATED DIMONA NOT OK</t:Remark></t:RemarkList>
"""
VALIDATED = """
<t:Status>VALIDATED</t:Status><t:ValidationDate>2026-11-23T09:12:00+01:00</t:ValidationDate>
"""
EXAMPLES = {
    "register": f"""
        <p:RegisterPresencesRequest>
          <p:PresenceRegistrationRequest>{SUBMITTED}{REFERENCE}</p:PresenceRegistrationRequest>
          <p:PresenceRegistrationRequest>
            <t:LimosaId>24999000000000187</t:LimosaId>
            <t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>{REFERENCE}
          </p:PresenceRegistrationRequest>
        </p:RegisterPresencesRequest>""",
    "registered": f"""
        <p:RegisterPresencesResponse>
          <p:PresenceRegistrationResponse><t:PresenceRegistration>
            <t:PresenceRegistrationSubmitted>{SUBMITTED}{REFERENCE}</t:PresenceRegistrationSubmitted>
            <t:Sector>1</t:Sector>
            <t:INSS>85031299761</t:INSS>
            <t:PresenceRegistrationId>900000000000117</t:PresenceRegistrationId>
            <t:CreationDate>2026-11-23T06:41:07.312+01:00</t:CreationDate>
            <t:Channel>WEBSERVICE</t:Channel>
            <t:LastValidation><t:Status>SUCCESSFULLY REGISTERED</t:Status></t:LastValidation>
          </t:PresenceRegistration></p:PresenceRegistrationResponse>
          <p:PresenceRegistrationResponse><t:PresenceRegistrationError>
            <t:PresenceRegistrationSubmitted>
              <t:LimosaId>24999000000000187</t:LimosaId>
              <t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>{REFERENCE}
            </t:PresenceRegistrationSubmitted>
            <t:ErrorList><t:Error>
              <t:ErrorCode>SIM-LIMOSA-FORMAT</t:ErrorCode>
              <t:ErrorDescription>simulator text</t:ErrorDescription>
            </t:Error></t:ErrorList>
          </t:PresenceRegistrationError></p:PresenceRegistrationResponse>
        </p:RegisterPresencesResponse>""",
    "cancel": cancel((900000000000117, "DISEASE")),
    "search": search(
        period("2026-11-23", "2026-11-23"),
        company=999000129,
        works="1Y19FAKE001AZ",
        statuses=("FAILED",),
        tail="<t:Sector>1</t:Sector>",
        paging=(0, 50),
        sorting=("ASCENDING", "CREATION DATE"),
    ),
    "found": f"""
        <p:SearchPresencesResponse><p:SearchPresencesResponseType>
          <t:SearchPresencesRequest>
            <t:SearchPresenceRegistrationCriteria>
              <t:CompanyID>999000129</t:CompanyID>
            </t:SearchPresenceRegistrationCriteria>
          </t:SearchPresencesRequest>
          <t:PresenceRegistrationList>
            <t:PresenceRegistrationResultCount>1</t:PresenceRegistrationResultCount>
            <t:PresenceRegistration>
              <t:PresenceRegistrationConsultSubmitted>
                {SUBMITTED}
              </t:PresenceRegistrationConsultSubmitted>
              <t:Sector>1</t:Sector>
              <t:INSS>85031299761</t:INSS>
              <t:PresenceRegistrationId>900000000000117</t:PresenceRegistrationId>
              <t:CreationDate>2026-11-23T06:41:07.312+01:00</t:CreationDate>
              <t:Channel>WEBSERVICE</t:Channel>
              <t:LastValidation>{REMARKED}</t:LastValidation>
              <t:Sender>
                <t:SenderId>SIM-0001</t:SenderId>
                <t:SenderCompanyId>999000129</t:SenderCompanyId>
                <t:SenderUserType>SIM</t:SenderUserType>
              </t:Sender>
            </t:PresenceRegistration>
          </t:PresenceRegistrationList>
        </p:SearchPresencesResponseType></p:SearchPresencesResponse>""",
    "get": get(900000000000117),
    "got": f"""
        <p:GetPresenceRegistrationResponse><p:GetPresenceRegistrationResponseType>
          <t:GetPresenceRegistrationRequest>
            <t:PresenceRegistrationId>900000000000117</t:PresenceRegistrationId>
          </t:GetPresenceRegistrationRequest>
          <t:GetPresenceRegistrationType><t:PresenceRegistrationType>
            <t:PresenceRegistrationConsultSubmitted>{SUBMITTED}</t:PresenceRegistrationConsultSubmitted>
            <t:PresenceRegistrationId>900000000000117</t:PresenceRegistrationId>
            <t:CreationDate>2026-11-23T06:41:07.312+01:00</t:CreationDate>
            <t:Channel>WEBSERVICE</t:Channel>
            <t:LastValidation>{VALIDATED}</t:LastValidation>
            <t:ValidationHistory>
              <t:Validation><t:Status>SUCCESSFULLY REGISTERED</t:Status></t:Validation>
              <t:Validation>{REMARKED}</t:Validation>
              <t:Validation>{VALIDATED}</t:Validation>
            </t:ValidationHistory>
          </t:PresenceRegistrationType></t:GetPresenceRegistrationType>
        </p:GetPresenceRegistrationResponseType></p:GetPresenceRegistrationResponse>""",
}


def content(body: str) -> etree._Element:
    return etree.fromstring(envelope(body)).find("s:Body", NS)[0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_fits(name: str) -> None:
    messages.assertValid(content(EXAMPLES[name]))


def test_the_example_fault_fits() -> None:
    detail = etree.fromstring(
        f"""<e:SystemError xmlns:e="{E}" Id="SIM-TICKET-0001">
          <e:Origin>Consumer</e:Origin>
          <e:Code>SOA-03006</e:Code>
          <e:Message xml:lang="en">XSD compliance failure</e:Message>
          <e:Retry>false</e:Retry>
          <e:Environment>Simulation</e:Environment>
        </e:SystemError>"""
    )
    errors.assertValid(detail)
    detail.find(f"{{{E}}}Environment").text = "Elsewhere"
    assert not errors.validate(detail)


FULL = item(day="2026-11-23", reference="r" * 24)
SEARCH = EXAMPLES["search"]


def swap(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


BROKEN = {
    "INSS pattern: short": register(item("8503129976")),
    "INSS pattern: long": register(item("850312997611")),
    "INSS pattern: letters": register(item("85.03.12-99")),
    "CompanyID totalDigits": register(item(company=99900012900)),
    "CompanyID long": register(swap(item(), "999000129", "BE0999000129")),
    "WorkPlaceId maxLength": register(item(works="1Y19FAKE001AZZ")),
    "RegistrationDate date": register(item(day="23/11/2026")),
    "RegistrationDate dateTime": register(item(day="2026-11-23T06:41:07")),
    "RegistrationDate impossible": register(item(day="2026-02-29")),
    "reference maxLength": register(item(reference="r" * 25)),
    "order of elements": register(item() + "<t:RegistrationDate>2026-11-23</t:RegistrationDate>"),
    "INSS without CompanyID": register(item(company=None)),
    "CompanyID without INSS": register(item(inss=None)),
    "INSS and LimosaId": register(
        swap(item(), "<t:WorkPlaceId>", "<t:LimosaId>24999000000000187</t:LimosaId><t:WorkPlaceId>")
    ),
    "nobody": register(item(inss=None, company=None)),
    "no works": register("<t:INSS>85031299761</t:INSS><t:CompanyID>999000129</t:CompanyID>"),
    "unknown element": register(item() + "<t:VatNumber>BE0999000129</t:VatNumber>"),
    "element of another namespace": register(swap(item(), "t:WorkPlaceId", "p:WorkPlaceId")),
    "element without namespace": register(swap(item(), "t:WorkPlaceId", "WorkPlaceId")),
    "unknown attribute": swap(register(item()), "<t:INSS>", "<t:INSS unit='x'>"),
    "text between elements": register("x" + item()),
    "no item": register(),
    "too many items": register(*[item()] * 201),
    "number totalDigits": cancel((1234567890123456, "DISEASE")),
    "number long": swap(cancel((1, "DISEASE")), ">1<", ">one<"),
    "reason maxLength": cancel((1, "C" * 16)),
    "no cancellation": cancel(),
    "too many cancellations": cancel(*[(1, "DISEASE")] * 201),
    "Status enumeration": swap(SEARCH, ">FAILED<", ">BROKEN<"),
    "Status underscore": swap(SEARCH, ">FAILED<", ">SUCCESSFULLY_REGISTERED<"),
    "too many statuses": search(statuses=("FAILED",) * 5),
    "Remark enumeration": search(remarks=("DIMONA NOT OK",)),
    "Remark single space": search(
        remarks=("COMPANY IS NOT KNOWN AS BUILDER OR SUBCONTRACTOR IN THIS DUC",)
    ),
    "too many remarks": search(remarks=("RELATED DIMONA NOT OK",) * 18),
    "too many periods": search(period("2026-11-23", "2026-11-23") * 32),
    "period without end": search(
        "<t:RegistrationPeriod><t:RegistrationPeriodStartDate>2026-11-23"
        "</t:RegistrationPeriodStartDate></t:RegistrationPeriod>"
    ),
    "creation date": search(tail="<t:CreationStartDate>2026-11-23</t:CreationStartDate>"),
    "Sector totalDigits": swap(SEARCH, "<t:Sector>1<", "<t:Sector>1000<"),
    "Sector int": swap(SEARCH, "<t:Sector>1<", "<t:Sector>construction<"),
    "FirstRow totalDigits": search(paging=(1234567890, 50)),
    "FetchSize totalDigits": search(paging=(0, 1234567890)),
    "FetchSize int": search(paging=(0, "all")),
    "SortDirection enumeration": swap(SEARCH, ">ASCENDING<", ">UP<"),
    "SortCriteria enumeration": swap(SEARCH, ">CREATION DATE<", ">CREATION_DATE<"),
    "criterion LimosaId": swap(SEARCH, "<t:CompanyID>", "<t:LimosaId>1</t:LimosaId><t:CompanyID>"),
    "two searches": SEARCH.replace(
        "</p:SearchPresencesRequest>",
        "<p:SearchPresenceRequest><t:SearchPresenceRegistrationCriteria/></p:SearchPresenceRequest>"
        "</p:SearchPresencesRequest>",
    ),
    "get without number": swap(
        get(1), "<t:PresenceRegistrationId>1</t:PresenceRegistrationId>", ""
    ),
    "unknown operation": "<p:UpdatePresencesRequest/>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_facet_faults_the_call(spare_rig: Rig, name: str) -> None:
    assert not messages.validate(content(BROKEN[name]))
    reply = spare_rig.call(BROKEN[name])
    assert (reply.status, reply.fault) == (500, "SOA-03006")
    assert spare_rig.stored() == []


def test_the_edges_of_the_facets_are_inside() -> None:
    messages.assertValid(content(register(*[FULL] * 200)))
    messages.assertValid(content(cancel(*[(999_999_999_999_999, "C" * 15)] * 200)))
    messages.assertValid(
        content(
            search(
                period("2026-11-23", "2026-11-23") * 31,
                statuses=("FAILED",) * 4,
                remarks=("RELATED DIMONA NOT OK",) * 17,
                paging=(999_999_999, 999_999_999),
            )
        )
    )


def test_the_answer_types_are_bounded() -> None:
    def too_many(name: str, count: int) -> bool:
        found = content(EXAMPLES[name])
        [part] = [e for e in found.iter() if e.tag.partition("}")[2] in ("Remark", "Error")][:1]
        for _ in range(count - 1):
            part.getparent().append(etree.fromstring(etree.tostring(part)))
        return not messages.validate(found)

    assert [too_many("found", 10), too_many("found", 11)] == [False, True]
    assert [too_many("registered", 10), too_many("registered", 11)] == [False, True]


def test_the_fault_of_a_schema_error_has_its_details(spare_rig: Rig) -> None:
    reply = spare_rig.call(BROKEN["INSS pattern: short"], action="")
    assert [child.tag for child in reply.body] == ["faultcode", "faultstring", "detail"]
    assert reply.body.findtext("faultcode") == "soapenv:Client"
    assert reply.root.nsmap["soapenv"] == S
    detail = reply.body.find("detail")[0]
    assert detail.tag == f"{{{E}}}SystemError"
    assert detail.get("Id").startswith("SIM-TICKET-")
    assert detail.findtext("e:Retry", namespaces=NS) == "false"
    assert detail.findtext("e:Environment", namespaces=NS) == "Simulation"
    message = detail.find("e:Message", NS)
    assert message.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert message.text.startswith("XSD compliance failure: ")


def test_every_operation_has_its_soap_action_and_both_faults() -> None:
    contract = etree.parse(str(SCHEMA / "PresenceRegistration.wsdl"))
    names = {"w": "http://schemas.xmlsoap.org/wsdl/", "b": "http://schemas.xmlsoap.org/wsdl/soap/"}
    read: Callable[..., list] = lambda path: contract.xpath(path, namespaces=names)  # noqa: E731
    base = "http://socialsecurity.be/presenceregistration/v1/"
    operations = [
        "registerPresences",
        "cancelPresences",
        "searchPresences",
        "getPresenceRegistration",
    ]
    assert read("//w:portType/w:operation/@name") == operations
    assert read("//b:operation/@soapAction") == [base + name for name in operations]
    assert read("//w:portType/w:operation/w:fault/@name") == ["SystemError", "BusinessError"] * 4
    assert read("//w:service/@name") == ["PresenceRegistrationService"]
    assert read("//w:port/@name") == ["PresenceRegistrationSOAP11"]
    assert read("//w:portType/@name") == ["PresenceRegistrationPortType"]
    assert read("//w:binding/@name") == ["PresenceRegistrationSOAPBinding"]


def test_the_seventeen_remarks_are_the_official_ones() -> None:
    types = etree.parse(str(SCHEMA / "presence-types-v1.xsd"))
    found = types.xpath(
        "//xs:simpleType[@name='SearchRemarkType']//xs:enumeration/@value",
        namespaces={"xs": "http://www.w3.org/2001/XMLSchema"},
    )
    assert found == [
        "RELATED DIMONA NOT OK",
        "GIVEN INSS IS NOT THE FOUNDER OF THE COMPANY",
        "EMPLOYER IS NOT KNOWN AS COMPANY FOUNDER",
        "THE COMPANY DOESN'T EXISTS",
        "INDEPENDANT IS NOT KNOWN AS COMPANY FOUNDER",
        "LIMOSA ID IS NOT KNOWN",
        "LIMOSA ID IS NOT ACTIVE AT DATE",
        "NISS-BIS IS NOT KNOWN IN LIMOSA",
        "NISS-BIS IS NOT ACTIVE AT THIS DATE IN LIMOSA",
        "DUC IS NOT EXISTING",
        "DUC IS NOT ACTIVE AT THIS DATE",
        "COMPANY IS NOT KNOWN  AS BUILDER OR  SUBCONTRACTOR IN THIS DUC",
        "SITE IS NOT SUBJECT TO PRESENCE REGISTRATION",
        "SAME DECLARATION HAS ALREADY BEEN REGISTERED",
        "NISS IS NOT KNOW IN THE NATIONAL REGISTER",
        "EMPLOYER NOT ACTIVE",
        "THE COMPANY ID ASSOCIATED AT A NOT ACTIVE CONTRACT",
    ]
