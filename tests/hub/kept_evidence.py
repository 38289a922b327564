"""Exchanges to keep in tests: invented messages in the shapes of both services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.application.evidence import Exchange
from hub.storage.evidence import EvidenceStore
from hub.storage.house import House, open_house
from hub.storage.writer import Writer
from tests.hub.house import NOON_MS

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:p="http://socialsecurity.be/presenceregistration/v1"'
    ' xmlns:t="http://socialsecurity.be/presenceregistration/schemas/v1">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
PEOPLE = ("85031299761", "03072199766", "90110599843")
REFERENCES = tuple(f"{place:024x}" for place in (0xA1, 0xB2, 0xC3))
NUMBERS = (900_000_000_000_117, 900_000_000_000_234, 900_000_000_000_351)


def submitted(place: int) -> str:
    """What is sent of one person."""
    return (
        f"<t:RegistrationDate>2026-11-23</t:RegistrationDate><t:INSS>{PEOPLE[place]}</t:INSS>"
        "<t:CompanyID>999000129</t:CompanyID><t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>"
        "<t:ClientPresenceRegistrationReference>"
        f"{REFERENCES[place]}</t:ClientPresenceRegistrationReference>"
    )


def registration(place: int, status: str = "SUCCESSFULLY REGISTERED") -> str:
    """What is answered of one person."""
    return (
        "<t:PresenceRegistration><t:PresenceRegistrationSubmitted>"
        f"{submitted(place)}</t:PresenceRegistrationSubmitted><t:INSS>{PEOPLE[place]}</t:INSS>"
        f"<t:PresenceRegistrationId>{NUMBERS[place]}</t:PresenceRegistrationId>"
        "<t:CreationDate>2026-11-23T06:41:07.312+01:00</t:CreationDate>"
        f"<t:LastValidation><t:Status>{status}</t:Status></t:LastValidation>"
        "</t:PresenceRegistration>"
    )


def soap_register(places: tuple[int, ...] = (0, 1, 2), at_ms: int = NOON_MS) -> Exchange:
    """A call of the day service with these people, all registered."""
    asked = "".join(
        f"<p:PresenceRegistrationRequest>{submitted(place)}</p:PresenceRegistrationRequest>"
        for place in places
    )
    told = "".join(
        f"<p:PresenceRegistrationResponse>{registration(place)}</p:PresenceRegistrationResponse>"
        for place in places
    )
    return Exchange(
        at_ms,
        "day",
        "register",
        "answered",
        ENVELOPE.format(
            f"<p:RegisterPresencesRequest>{asked}</p:RegisterPresencesRequest>"
        ).encode(),
        ENVELOPE.format(
            f"<p:RegisterPresencesResponse>{told}</p:RegisterPresencesResponse>"
        ).encode(),
        tuple((REFERENCES[place], NUMBERS[place]) for place in places),
    )


def rest_register(at_ms: int = NOON_MS) -> Exchange:
    """A call of the in/out service: the first registered, the second refused without reference."""
    items = [
        {"ssin": PEOPLE[place], "type": "in", "customReference": REFERENCES[place]}
        for place in (0, 1)
    ]
    created = {**items[0], "id": 17611, "worker": {"givenName": "Sim", "familyName": "Worker"}}
    refused = {"errorList": [{"errorCode": "SIM-TOO-LATE", "errorDescription": "too late"}]}
    answer = {
        "items": [
            {"createdPresenceRegistration": created},
            {"notCreatedPresenceRegistration": refused},
        ]
    }
    return Exchange(
        at_ms,
        "in_out",
        "register",
        "answered",
        json.dumps({"items": items}).encode(),
        json.dumps(answer).encode(),
        ((REFERENCES[0], 17611), (REFERENCES[1], None)),
    )


def unanswered(at_ms: int = NOON_MS) -> Exchange:
    """A call whose answer was lost."""
    whole = soap_register((2,), at_ms)
    return Exchange(
        at_ms, "day", "register", "no_answer", whole.request, None, ((REFERENCES[2], None),)
    )


@dataclass
class Archive:
    """An open house and the store of its evidence."""

    house: House
    store: EvidenceStore


@contextmanager
def archive(folder: Path) -> Iterator[Archive]:
    """Opens a house with a running writer."""
    with closing(open_house(folder)) as house:
        writer = Writer(house.engine)
        writer.start()
        try:
            yield Archive(house, EvidenceStore(writer, house.vault))
        finally:
            writer.stop()
