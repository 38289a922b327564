"""registerPresences: what goes over the wire, and which answer belongs to whom."""

from __future__ import annotations

import lxml.etree as etree
import pytest

from hub.application.ports import PresenceItem, Refused, Registered
from hub.authority.soap import SoapAuthority
from hub.errors import InDoubtError, LocalProtocolError
from tests.soap.responder import (
    NS,
    Responder,
    answers,
    refusal,
    registered_answer,
    registration,
    stores_all,
)
from tests.soap.workers import COMPANY, DAY, INSS, LIMOSA, WORKS, employee, posted, reference


def test_the_request_is_what_the_schema_asks_for() -> None:
    with Responder(answers(stores_all)) as service:
        SoapAuthority(service.url).register([employee(1), posted(2)])
    request = service.requests[0]
    assert request.head.startswith("POST /PresenceRegistration/v1 HTTP/1.1")
    action = "http://socialsecurity.be/presenceregistration/v1/registerPresences"
    assert request.header("SOAPAction") == f'"{action}"'
    assert request.header("Content-Type") == "text/xml; charset=utf-8"
    items = etree.fromstring(request.body).xpath(
        "/s:Envelope/s:Body/p:RegisterPresencesRequest/p:PresenceRegistrationRequest",
        namespaces=NS,
    )
    sent = [[(etree.QName(field).localname, field.text) for field in item] for item in items]
    assert sent == [
        [
            ("RegistrationDate", "2026-11-23"),
            ("INSS", INSS),
            ("CompanyID", "999000129"),
            ("WorkPlaceId", WORKS),
            ("ClientPresenceRegistrationReference", reference(1)),
        ],
        [
            ("RegistrationDate", "2026-11-23"),
            ("LimosaId", LIMOSA),
            ("WorkPlaceId", WORKS),
            ("ClientPresenceRegistrationReference", reference(2)),
        ],
    ]
    # Each namespace is declared once, not on every element.
    assert request.body.count(b"xmlns") == 3


def test_a_stored_registration_comes_back_with_its_number() -> None:
    with Responder(answers(stores_all)) as service:
        assert SoapAuthority(service.url).register([employee(1)]) == [
            Registered(
                reference=reference(1),
                number=900_000_000_000_001,
                created="2026-11-23T06:41:07.312+01:00",
                status="SUCCESSFULLY REGISTERED",
            )
        ]


def test_answers_are_matched_by_reference_in_any_order() -> None:
    def backwards(request: object) -> bytes:
        return registered_answer(
            *(registration(reference(index), 1000 + index) for index in range(199, -1, -1))
        )

    with Responder(answers(backwards)) as service:
        results = SoapAuthority(service.url).register([employee(index) for index in range(200)])
    assert [result.reference for result in results] == [reference(index) for index in range(200)]
    assert [result.number for result in results if isinstance(result, Registered)] == [
        1000 + index for index in range(200)
    ]
    assert service.connections == 1


def test_a_refused_item_carries_the_errors_of_the_authority_and_no_number_of_a_person() -> None:
    body = registered_answer(
        registration(reference(1), 7),
        refusal(
            reference(2), ("SIM-INSS", f"INSS {INSS} (85.03.12-997.61) unknown for 0999000129")
        ),
        # The service's schema says nothing of the form of a Limosa number.
        refusal(reference(3), ("SIM-LIMOSA", "L1-4711\nis not a number")),
    )
    with Responder(answers(body)) as service:
        results = SoapAuthority(service.url).register(
            [employee(1), employee(2), posted(3, limosa="L1-4711")]
        )
    assert isinstance(results[0], Registered)
    assert results[1] == Refused(
        reference(2), (("SIM-INSS", "INSS *** (***) unknown for 0999000129"),)
    )
    assert results[2] == Refused(reference(3), (("SIM-LIMOSA", "*** is not a number"),))


def test_entries_that_were_not_asked_for_are_passed_over() -> None:
    body = registered_answer(
        registration("somebody else's", 1),
        registration(None, 2),
        registration(reference(1), 3),
        registration(reference(1), 3),
    )
    with Responder(answers(body)) as service:
        (result,) = SoapAuthority(service.url).register([employee(1)])
    assert isinstance(result, Registered)
    assert result.number == 3


@pytest.mark.parametrize(
    ("entries", "answered"),
    [
        pytest.param([registration(reference(1), 7)], 1, id="missing"),
        pytest.param(
            [registration(reference(1), 7), registration(None, 8)], 1, id="without reference"
        ),
        pytest.param(
            [registration(reference(1), 7), registration(reference(2), "many")], 1, id="no number"
        ),
        pytest.param(
            [registration(reference(1), 7), registration(reference(2), 0)], 1, id="number zero"
        ),
        pytest.param(
            [
                registration(reference(1), 7),
                registration(reference(2), 8),
                registration(reference(2), 9),
            ],
            1,
            id="two numbers for one",
        ),
        pytest.param(
            [
                registration(reference(1), 7),
                registration(reference(2), 8),
                refusal(reference(2), ("X", "y")),
            ],
            1,
            id="stored and refused",
        ),
        pytest.param([], 0, id="empty"),
    ],
)
def test_an_answer_without_every_reference_leaves_all_in_doubt(
    entries: list[str], answered: int
) -> None:
    with (
        Responder(answers(registered_answer(*entries))) as service,
        pytest.raises(InDoubtError) as caught,
    ):
        SoapAuthority(service.url).register([employee(1), employee(2)])
    assert caught.value.code == "HUB-1302"
    assert caught.value.extra == {"cause": "incomplete", "asked": 2, "answered": answered}


def test_elements_of_a_newer_schema_do_not_disturb() -> None:
    entry = registration(reference(1), 7).replace(
        "<t:Sector>", "<t:Weather>wet</t:Weather><t:Sector>"
    )
    with Responder(answers(registered_answer(entry))) as service:
        (result,) = SoapAuthority(service.url).register([employee(1)])
    assert isinstance(result, Registered)


@pytest.mark.parametrize(
    ("bad", "finding"),
    [
        (employee(2, inss="8503129976"), "INSS: pattern"),
        (employee(2, company="BE0999000129"), "CompanyID: digits"),
        (employee(2, company="10999000129"), "CompanyID: too many digits"),
        (employee(2, works="1Y19FAKE001AZ9"), "WorkPlaceId: too long"),
        (employee(2, works=""), "WorkPlaceId: characters"),
        (posted(2, limosa="2499900000000\x000187"), "LimosaId: characters"),
        (PresenceItem(reference(2), DAY, WORKS), "INSS: identity"),
        (PresenceItem(reference(2), DAY, WORKS, inss=INSS), "INSS: identity"),
        (
            PresenceItem(reference(2), DAY, WORKS, INSS, COMPANY, LIMOSA),
            "INSS: identity",
        ),
        (
            PresenceItem(reference(2) + "x", DAY, WORKS, limosa=LIMOSA),
            "ClientPresenceRegistrationReference: too long",
        ),
    ],
)
def test_an_item_that_breaks_the_schema_stays_here_and_the_others_go(
    bad: PresenceItem, finding: str
) -> None:
    with Responder(answers(stores_all)) as service:
        results = SoapAuthority(service.url).register([employee(1), bad, employee(3)])
    assert service.requests[0].references == [reference(1), reference(3)]
    assert results[1] == Refused(bad.reference, (("HUB-1316", finding),))
    assert isinstance(results[0], Registered)
    assert isinstance(results[2], Registered)


def test_several_bad_items_are_told_apart() -> None:
    items = [employee(index) for index in range(6)]
    items[1] = employee(1, inss="1")
    items[2] = employee(2, company="no")
    items[4] = employee(4, works="x" * 14)
    with Responder(answers(stores_all)) as service:
        results = SoapAuthority(service.url).register(items)
    assert service.requests[0].references == [reference(index) for index in (0, 3, 5)]
    said = [result.errors[0][1] if isinstance(result, Refused) else "" for result in results]
    assert said == ["", "INSS: pattern", "CompanyID: digits", "", "WorkPlaceId: too long", ""]


def test_nothing_is_sent_when_no_item_is_left() -> None:
    with Responder(answers(stores_all)) as service:
        (result,) = SoapAuthority(service.url).register([employee(1, inss="1")])
    assert isinstance(result, Refused)
    assert service.connections == 0


@pytest.mark.parametrize(
    "items",
    [[], [employee(index) for index in range(201)], [employee(1), posted(1)]],
    ids=["none", "201", "a reference twice"],
)
def test_a_call_outside_the_contract_is_our_mistake_and_sends_nothing(
    items: list[PresenceItem],
) -> None:
    with Responder(answers(stores_all)) as service:
        with pytest.raises(LocalProtocolError) as caught:
            SoapAuthority(service.url).register(items)
        assert service.connections == 0
    assert caught.value.code == "HUB-1317"
