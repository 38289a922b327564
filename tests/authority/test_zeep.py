"""An independent reader: zeep loads the contract from the service and calls it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import zeep
import zeep.exceptions
from zeep.helpers import serialize_object

from tests.authority.rig import FIRST, LIMOSA_OK, MAIN, OK, SCHEMA, WORKS_A, Rig

TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def service(base: str) -> Iterator[Any]:
    """zeep's proxy, built from the WSDL the service hands out."""
    client = zeep.Client(f"{base}/PresenceRegistration/v1?wsdl")
    assert client.service._binding_options["address"] == f"{base}/PresenceRegistration/v1"
    yield client.service
    client.transport.session.close()


def test_the_contract_loads_from_its_folder() -> None:
    client = zeep.Client(str(SCHEMA / "PresenceRegistration.wsdl"))
    [port] = client.wsdl.services["PresenceRegistrationService"].ports.values()
    assert sorted(port.binding._operations) == [
        "cancelPresences",
        "getPresenceRegistration",
        "registerPresences",
        "searchPresences",
    ]
    client.transport.session.close()


def test_the_whole_life_of_a_registration(rig: Rig, service: Any) -> None:
    answer = service.registerPresences(
        PresenceRegistrationRequest=[
            {
                "RegistrationDate": TODAY,
                "INSS": OK,
                "CompanyID": MAIN,
                "WorkPlaceId": WORKS_A,
                "ClientPresenceRegistrationReference": "one",
            },
            {"INSS": OK, "CompanyID": 1, "WorkPlaceId": WORKS_A},
        ]
    )
    first, second = answer
    assert first.PresenceRegistration.PresenceRegistrationId == FIRST
    assert first.PresenceRegistration.PresenceRegistrationSubmitted.CompanyID == MAIN
    assert first.PresenceRegistration.LastValidation.Status == "SUCCESSFULLY REGISTERED"
    assert first.PresenceRegistrationError is None
    [error] = second.PresenceRegistrationError.ErrorList.Error
    assert error.ErrorCode == "SIM-COMPANY"

    rig.clock.forward(20)
    rig.authority.validate_due()
    found = service.searchPresences(
        SearchPresenceRequest={
            "SearchPresenceRegistrationCriteria": {
                "CompanyID": MAIN,
                "StatusList": {"Status": ["VALIDATED"]},
                "RegistrationPeriodList": {
                    "RegistrationPeriod": [
                        {
                            "RegistrationPeriodStartDate": TODAY,
                            "RegistrationPeriodEndDate": TODAY,
                        }
                    ]
                },
            },
            "PaginationProperties": {"FirstRow": 0, "FetchSize": 50},
            "SortingProperties": {"SortDirection": "ASCENDING", "SortCriteria": "CREATION DATE"},
        }
    )
    listed = found.PresenceRegistrationList
    assert listed.PresenceRegistrationResultCount == 1
    [registration] = listed.PresenceRegistration
    submitted = registration.PresenceRegistrationConsultSubmitted
    assert (submitted.RegistrationDate, submitted.INSS) == (TODAY, OK)
    assert submitted.ClientPresenceRegistrationReference == "one"
    assert registration.Sender.SenderId == "SIM-0001"
    assert registration.CreationDate.isoformat() == "2026-11-23T06:41:07.312000+01:00"

    got = service.getPresenceRegistration(
        GetPresenceRegistrationRequest={"PresenceRegistrationId": FIRST}
    )
    history = got.GetPresenceRegistrationType.PresenceRegistrationType.ValidationHistory.Validation
    assert [one.Status for one in history] == ["SUCCESSFULLY REGISTERED", "VALIDATED"]

    [cancelled] = service.cancelPresences(
        CancelPresenceRequest=[{"PresenceRegistrationId": FIRST, "CancellationReason": "DISEASE"}]
    )
    assert cancelled.PresenceRegistration.LastValidation.Status == "SUCCESSFULLY CANCELLED"


def test_a_limosa_number_is_read_leniently(base: str) -> None:
    # zeep 4.3.3, when strict, does not read the second branch of this choice in an answer.
    settings = zeep.Settings(strict=False)  # pyright: ignore[reportCallIssue]
    client = zeep.Client(f"{base}/PresenceRegistration/v1?wsdl", settings=settings)
    first, second = client.service.registerPresences(
        PresenceRegistrationRequest=[
            {"LimosaId": LIMOSA_OK, "WorkPlaceId": WORKS_A},
            {"LimosaId": "1", "WorkPlaceId": WORKS_A},
        ]
    )
    assert first.PresenceRegistration.INSS == "90431599864"
    assert first.PresenceRegistration.PresenceRegistrationSubmitted.LimosaId == LIMOSA_OK
    [error] = second.PresenceRegistrationError.ErrorList.Error
    assert error.ErrorCode == "SIM-LIMOSA-FORMAT"
    client.transport.session.close()


def test_an_empty_search_and_a_search_error(rig: Rig, service: Any) -> None:
    nothing = service.searchPresences(
        SearchPresenceRequest={"SearchPresenceRegistrationCriteria": {"CompanyID": MAIN}}
    )
    [error] = nothing.PresenceRegistrationError.ErrorList.Error
    assert error.ErrorCode == "SIM-SEARCH-PERIOD"
    gone = service.getPresenceRegistration(
        GetPresenceRegistrationRequest={"PresenceRegistrationId": 1}
    )
    assert serialize_object(gone.GetPresenceRegistrationType) is None


def test_a_fault_reaches_the_caller_with_its_detail(rig: Rig, service: Any) -> None:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        service.registerPresences(
            PresenceRegistrationRequest=[{"LimosaId": LIMOSA_OK, "WorkPlaceId": WORKS_A + "X"}]
        )
    assert caught.value.code == "soapenv:Client"
    assert caught.value.detail is not None
    assert caught.value.detail.findtext("{*}SystemError/{*}Code") == "SOA-03006"
    assert rig.stored() == []


def test_two_hundred_in_one_call(rig: Rig, service: Any) -> None:
    answer = service.registerPresences(
        PresenceRegistrationRequest=[
            {
                "INSS": OK,
                "CompanyID": MAIN,
                "WorkPlaceId": WORKS_A,
                "ClientPresenceRegistrationReference": f"r{n}",
            }
            for n in range(200)
        ]
    )
    assert [one.PresenceRegistration.PresenceRegistrationId for one in answer] == list(
        range(FIRST, FIRST + 200)
    )
