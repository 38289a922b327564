"""Our signatures and the simulated authority's check of them were written apart; here they meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hub.application.evidence import Exchange
from hub.application.ports import AuthorityPort, Cancel, Registered
from hub.authority.day import day_authority
from hub.errors import InDoubtError, PermanentError, SitegateError, StoppedError, TransientError
from hub.settings import AuthoritySettings
from tests.soap.simulated import NOW, SimulatedAuthority
from tests.soap.verifier import Pair, make_pair
from tests.soap.workers import DAY, WORKS, employee, posted, reference

pytestmark = pytest.mark.processes

MAIN, SUB = "SIM-0001", "SIM-0002"


class Simulated:
    """A simulated authority of the signed profile that knows one certificate."""

    def __init__(self, authority: SimulatedAuthority, pair: Pair, folder: Path) -> None:
        self.authority = authority
        self.order = authority.order
        self.file = pair.write(folder)
        self.kept: list[Exchange] = []
        began_ms = datetime.fromisoformat(NOW).replace(tzinfo=ZoneInfo("Europe/Brussels"))
        self._began_ms = int(began_ms.timestamp() * 1000)
        self._began = time.monotonic()

    def clock(self) -> int:
        """The clock of this hub goes as that of the authority."""
        return self._began_ms + int((time.monotonic() - self._began) * 1000)

    def port(self, **more: object) -> AuthorityPort:
        values = {
            "profile": "signed",
            "url": self.authority.soap,
            "sts_url": self.authority.sts,
            "sender_number": MAIN,
            "certificate": str(self.file),
        }
        settings = AuthoritySettings.model_validate(values | more)
        return day_authority(settings, self.clock, self.kept.append)()

    def stored(self) -> list[str]:
        return self.authority.references()


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair()


@pytest.fixture
def simulated(pair: Pair, tmp_path: Path) -> Iterator[Simulated]:
    with SimulatedAuthority(tmp_path, "--profile", "signed", "--validation-delay", "0") as running:
        running.order("sender", id=MAIN, certificate=pair.pem_certificate.decode())
        yield Simulated(running, pair, tmp_path)


def test_every_operation_is_believed(simulated: Simulated) -> None:
    port = simulated.port()
    results = port.register([employee(1), posted(2)])
    assert [type(result) for result in results] == [Registered, Registered]
    assert simulated.stored() == [reference(1), reference(2)]
    simulated.order("validate")
    rows = port.search(WORKS, DAY)
    assert sorted(row.registered.reference for row in rows) == [reference(1), reference(2)]
    first = results[0]
    assert isinstance(first, Registered)
    found = port.get(first.number)
    assert found is not None
    assert found.status == "VALIDATED"
    (gone,) = port.cancel([Cancel(first.reference, first.number, "PLANNING")])
    assert isinstance(gone, Registered)
    assert gone.status == "SUCCESSFULLY CANCELLED"
    assert {exchange.outcome for exchange in simulated.kept} == {"answered"}


def test_200_items_in_a_signed_call(simulated: Simulated) -> None:
    results = simulated.port().register([employee(index) for index in range(200)])
    assert all(isinstance(result, Registered) for result in results)


@pytest.mark.parametrize("sign_token", [False, True])
def test_an_elliptic_key_in_pkcs12_is_believed_too(
    simulated: Simulated, tmp_path: Path, sign_token: bool
) -> None:
    pair = make_pair(ec.generate_private_key(ec.SECP384R1()))
    simulated.order("sender", id=SUB, certificate=pair.pem_certificate.decode())
    file, word = tmp_path / "hub.p12", tmp_path / "word"
    file.write_bytes(pair.pkcs12(b"word"))
    word.write_text("word\n")
    port = simulated.port(
        sender_number=SUB,
        certificate=str(file),
        certificate_password_file=str(word),
        sign_token=sign_token,
    )
    (result,) = port.register([employee(1)])
    assert isinstance(result, Registered)
    (row,) = simulated.authority.registrations()
    assert row["sender"] == SUB


def stops(call: Callable[[], object], code: str, fault: str | None = None) -> None:
    with pytest.raises(StoppedError) as caught:
        call()
    assert (caught.value.code, caught.value.extra.get("fault")) == (code, fault)


def test_a_certificate_that_nobody_registered_stops(simulated: Simulated, tmp_path: Path) -> None:
    file = make_pair().write(tmp_path, "other.pem")
    port = simulated.port(certificate=str(file))
    stops(lambda: port.register([employee(1)]), "HUB-1335", "SOA-01001")
    assert simulated.stored() == []


@pytest.mark.parametrize("number", [SUB, "SIM-9999"])
def test_a_sender_number_that_is_another_ones_stops(simulated: Simulated, number: str) -> None:
    port = simulated.port(sender_number=number)
    stops(lambda: port.register([employee(1)]), "HUB-1335", "SOA-01002")


def test_a_certificate_that_has_ended_stops_before_anybody_is_asked(
    simulated: Simulated, tmp_path: Path
) -> None:
    pair = make_pair(begin_days=-10, end_days=-1)
    simulated.order("sender", id=MAIN, certificate=pair.pem_certificate.decode())
    simulated.order("sts", fault="SOA-02002", calls=None)
    port = simulated.port(certificate=str(pair.write(tmp_path, "old.pem")))
    stops(lambda: port.register([employee(1)]), "HUB-1334")


STS_FAULTS: dict[str, tuple[type[SitegateError], str]] = {
    "SOA-00001": (TransientError, "HUB-1336"),
    "SOA-02001": (TransientError, "HUB-1336"),
    "SOA-02002": (TransientError, "HUB-1336"),
    "SOA-01001": (StoppedError, "HUB-1335"),
    "SOA-01002": (StoppedError, "HUB-1335"),
    "SOA-03004": (StoppedError, "HUB-1335"),
    "SOA-03006": (StoppedError, "HUB-1335"),
    "down": (TransientError, "HUB-1336"),
    "refuse": (TransientError, "HUB-1336"),
}


def test_every_fault_of_the_token_service_keeps_all_here(simulated: Simulated) -> None:
    port = simulated.port()
    for fault, (kind, code) in STS_FAULTS.items():
        simulated.order("sts", fault=fault, calls=1)
        with pytest.raises(kind) as caught:
            port.register([employee(1)])
        assert caught.value.code == code, fault
    assert simulated.stored() == []
    assert simulated.kept == []
    (result,) = port.register([employee(1)])
    assert isinstance(result, Registered)


SERVICE_FAULTS: dict[str, tuple[type[SitegateError], type[SitegateError]]] = {
    "SOA-00001": (InDoubtError, TransientError),
    "SOA-02001": (TransientError, TransientError),
    "SOA-02002": (TransientError, TransientError),
    "SOA-01002": (StoppedError, StoppedError),
    "SOA-03004": (PermanentError, PermanentError),
    "SOA-03006": (PermanentError, PermanentError),
    # Unknown to the hub; the simulator says that a retry makes no sense.
    "SOA-99999": (InDoubtError, PermanentError),
}


SERVICE = ["register", "cancel", "search", "get"]
"""The operations of the presence service itself, without the token service."""


@pytest.mark.parametrize("element", ["SystemError", "BusinessError"])
def test_every_fault_of_the_service_says_what_to_do(simulated: Simulated, element: str) -> None:
    port = simulated.port()
    for fault, (writing, reading) in SERVICE_FAULTS.items():
        simulated.order("fault", code=fault, element=element, operations=SERVICE)
        for kind, call in (
            (writing, lambda: port.register([employee(1)])),
            (writing, lambda: port.cancel([Cancel(reference(1), 7, "DISEASE")])),
            (reading, lambda: port.search(WORKS, DAY)),
            (reading, lambda: port.get(7)),
        ):
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.extra["fault"] == fault
            assert str(caught.value.extra["ticket"]).startswith("SIM-TICKET-")
    assert simulated.stored() == []


def test_a_refused_token_is_renewed_once_and_stored_once(simulated: Simulated) -> None:
    port = simulated.port()
    simulated.order("fault", code="SOA-01001", calls=1, operations=["register"])
    (result,) = port.register([employee(1)])
    assert isinstance(result, Registered)
    assert simulated.stored() == [reference(1)]
    simulated.order("fault", code="SOA-01001", calls=2, operations=["register"])
    stops(lambda: port.register([employee(2)]), "HUB-1304", "SOA-01001")
    assert simulated.stored() == [reference(1)]


def test_a_new_key_of_the_token_service_costs_one_renewal(simulated: Simulated) -> None:
    port = simulated.port()
    port.register([employee(1)])
    simulated.order("sts", new_key=True)
    port.register([employee(2)])
    assert [exchange.outcome for exchange in simulated.kept] == ["answered", "refused", "answered"]
    assert simulated.stored() == [reference(1), reference(2)]


def test_an_assertion_that_has_ended_is_renewed_and_then_stops(simulated: Simulated) -> None:
    port = simulated.port()
    simulated.order("sts", fault="expired", calls=1)
    (result,) = port.register([employee(1)])
    assert isinstance(result, Registered)
    simulated.order("sts", fault="expired", calls=None, new_key=True)
    stops(lambda: port.register([employee(2)]), "HUB-1304", "SOA-01001")
    assert simulated.stored() == [reference(1)]


def test_a_short_life_of_assertions_only_costs_requests(simulated: Simulated) -> None:
    simulated.order("sts", life_s=59)
    port = simulated.port()
    for index in range(3):
        (result,) = port.register([employee(index)])
        assert isinstance(result, Registered)


def test_a_clock_that_is_a_few_minutes_off_is_borne_and_more_is_not(simulated: Simulated) -> None:
    port = simulated.port()
    for shift_s in (200, -400):
        simulated.order("clock", shift_s=shift_s)
        simulated.port().search(WORKS, DAY)
        port.search(WORKS, DAY)
    simulated.order("clock", shift_s=200 + 420)
    for late in (port, simulated.port()):
        stops(lambda late=late: late.register([employee(1)]), "HUB-1335", "SOA-01001")
    assert simulated.stored() == []


def test_a_service_that_wants_signatures_believes_no_header(simulated: Simulated) -> None:
    port = simulated.port(profile="unsigned")
    stops(lambda: port.register([employee(1)]), "HUB-1304", "SOA-01001")


def test_the_open_profile_believes_the_header_and_bears_signatures(simulated: Simulated) -> None:
    simulated.order("profile", profile="open")
    port = simulated.port(profile="unsigned", sender_number=SUB)
    port.register([employee(1)])
    simulated.port().register([employee(2)])
    senders = {row["reference"]: row["sender"] for row in simulated.authority.registrations()}
    assert senders == {reference(1): SUB, reference(2): MAIN}
    stranger = simulated.port(profile="unsigned", sender_number="SIM-9999")
    stops(lambda: stranger.register([employee(3)]), "HUB-1304", "SOA-01001")


def test_a_renewed_certificate_follows_the_old_one_without_a_gap(
    simulated: Simulated, pair: Pair, tmp_path: Path
) -> None:
    port = simulated.port()
    port.register([employee(1)])
    new = make_pair()
    both = (pair.pem_certificate + new.pem_certificate).decode()
    simulated.order("sender", id=MAIN, certificate=both)
    new.write(tmp_path)  # over the old files
    port.register([employee(2)])
    simulated.order("sts", new_key=True)
    port.register([employee(3)])
    simulated.order("sender", id=MAIN, certificate=new.pem_certificate.decode())
    (result,) = port.register([employee(4)])
    assert isinstance(result, Registered)
