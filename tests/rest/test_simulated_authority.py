"""Against the simulated authority, which was written apart from the hub: real HTTP, real tokens."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hub.application.evidence import Exchange
from hub.application.ports import Cancel, Place, PresenceItem, Refused, Registered
from hub.authority.in_out import in_out_authority
from hub.authority.rest import RestAuthority
from hub.errors import InDoubtError, PermanentError, StoppedError, TransientError
from hub.settings import InOutSettings
from tests.rest.acts import DAY, act, reference
from tests.rest.conftest import certified
from tests.soap.simulated import SimulatedAuthority

START_MS = 1_795_413_600_000
"""2026-11-23 07:00:00 in Brussels, where the authority's clock starts."""

MINUTE_MS = 60_000
WORKS = "1Y19FAKE005EZ"
"""Works of the invented world where every in and out is registered."""

NO_DIMONA = "99123199544"

pytestmark = pytest.mark.processes


@pytest.fixture
def authority(tmp_path: Path, key: rsa.RSAPrivateKey) -> Iterator[SimulatedAuthority]:
    """An authority that knows the channel's certificate."""
    with SimulatedAuthority(tmp_path) as running:
        certificate = certified(key).public_bytes(Encoding.PEM).decode()
        running.order("client", id="sim-client-1", certificate=certificate)
        yield running


class Hub:
    """What the hub would use, on a clock that runs with the authority's."""

    def __init__(self, authority: SimulatedAuthority, key_file: Path) -> None:
        self.kept: list[Exchange] = []
        self.shift_ms = 0
        self._authority = authority
        self._key_file = key_file
        self._start = time.monotonic()

    def now_ms(self) -> int:
        return START_MS + self.shift_ms + int((time.monotonic() - self._start) * 1000)

    def adapter(self, **changed: Any) -> RestAuthority:
        values: dict[str, Any] = {
            "url": self._authority.rest,
            "token_url": self._authority.token,
            "client_id": "sim-client-1",
            "certificate": str(self._key_file),
        }
        make = in_out_authority(InOutSettings(**values | changed), self.now_ms, self.kept.append)
        made = make()
        assert isinstance(made, RestAuthority)
        return made

    def act(self, index: int, ago_ms: int = 1000, **changed: Any) -> PresenceItem:
        values: dict[str, Any] = {"works_number": WORKS, "act_ms": self.now_ms() - ago_ms}
        return act(index, **values | changed)


@pytest.fixture
def hub(authority: SimulatedAuthority, key_file: Path) -> Hub:
    """The hub's side."""
    return Hub(authority, key_file)


def events(authority: SimulatedAuthority) -> list[dict[str, Any]]:
    """Returns all that the authority holds of in and out."""
    return authority._ask("GET", "/sim/events")


@pytest.mark.parametrize("case", ["lower", "upper"])
def test_in_and_out_are_registered_found_and_read(
    hub: Hub, authority: SimulatedAuthority, case: str
) -> None:
    authority.order("rest", type_case=case)
    adapter = hub.adapter(type_case=case)
    address = {"postCode": "1000", "municipalityName": "Brussel", "streetName": "Wetstraat"}
    sent = [
        hub.act(1, ago_ms=5 * MINUTE_MS),
        hub.act(2, direction="out", place=Place(address=address)),
        hub.act(3, inss=NO_DIMONA),
    ]
    results = adapter.register(sent)
    assert [type(result) for result in results] == [Registered] * 3
    assert {getattr(result, "status", "") for result in results} == {"SUCCESSFULLY REGISTERED"}
    held = events(authority)
    assert [(row["reference"], row["type"], row["ssin"]) for row in held] == [
        (item.reference, item.direction, item.inss) for item in sent
    ]
    assert [row["number"] for row in held] == [getattr(result, "number", 0) for result in results]

    authority.order("validate")
    found = {seen.registered.reference: seen for seen in adapter.search(WORKS, DAY)}
    assert found.keys() == {item.reference for item in sent}
    for item in sent:
        seen = found[item.reference]
        assert item.act_ms is not None
        assert seen.act_ms == item.act_ms // 1000 * 1000
        assert (seen.inss, seen.direction, seen.company_number) == (
            item.inss,
            item.direction,
            item.company_number,
        )
        assert adapter.get(seen.registered.number) == seen.registered
    assert found[reference(1)].registered.status == "VALIDATED"
    flagged = found[reference(3)].registered
    assert (flagged.status, flagged.remarks) == ("FAILED", ("SIM_01",))
    assert {exchange.outcome for exchange in hub.kept} == {"answered"}


@pytest.mark.parametrize("shape", ["list", "items"])
def test_a_duplicate_is_accepted_and_flagged_and_its_remark_has_a_text(
    hub: Hub, authority: SimulatedAuthority, shape: str
) -> None:
    authority.order("rest", refdata=shape)
    adapter = hub.adapter()
    item = hub.act(1)
    adapter.register([item])
    (second,) = adapter.register([replace(item, reference=reference(2))])
    authority.order("validate")
    assert isinstance(second, Registered)
    read = adapter.get(second.number)
    assert read is not None
    assert "CAW_14" in read.remarks
    texts = {adapter.remark_label("CAW_14", language) for language in ("fr", "nl", "de", "en")}
    assert len(texts) > 1
    assert "CAW_14" not in texts


@pytest.mark.parametrize("backwards", [False, True])
def test_refusals_come_back_at_their_items(
    hub: Hub, authority: SimulatedAuthority, backwards: bool
) -> None:
    authority.order("rest", backwards=backwards)
    sent = [
        hub.act(1),
        hub.act(2, ago_ms=11 * MINUTE_MS),
        hub.act(3),
        hub.act(4, ago_ms=-5 * MINUTE_MS),
    ]
    adapter = hub.adapter()
    if backwards:
        # The service says neither whose refusals these are nor that it turns its answer round.
        with pytest.raises(InDoubtError):
            adapter.register(sent)
        assert {seen.registered.reference for seen in adapter.search(WORKS, DAY)} == {
            reference(1),
            reference(3),
        }
        return
    results = adapter.register(sent)
    assert [result.errors[0][0] if isinstance(result, Refused) else "" for result in results] == [
        "",
        "SIM-TOO-LATE",
        "",
        "SIM-TOO-EARLY",
    ]


def test_200_in_one_call_are_found_page_by_page(hub: Hub, authority: SimulatedAuthority) -> None:
    adapter = hub.adapter()
    sent = [hub.act(n, ago_ms=n * 1000) for n in range(200)]
    authority.order("rest", backwards=True)
    results = adapter.register(sent)
    assert [result.reference for result in results] == [item.reference for item in sent]
    assert [row["reference"] for row in events(authority)] == [item.reference for item in sent]
    assert len(adapter.search(WORKS, DAY)) == 200
    assert sum(exchange.operation == "search" for exchange in hub.kept) == 4


def test_an_item_the_service_refuses_the_call_for_is_named(
    hub: Hub, authority: SimulatedAuthority
) -> None:
    # A limit that our own check does not know of.
    authority.order("rest", reference_max=10)
    sent = [hub.act(n, reference="r" * (n + 8)) for n in range(5)]
    with pytest.raises(PermanentError) as caught:
        hub.adapter().register(sent)
    assert caught.value.extra["items"] == (3, 4)
    assert caught.value.extra["rules"] == ("customReference schemaViolation",) * 2
    assert events(authority) == []


def test_a_token_that_ended_is_renewed_without_anybody_noticing(
    hub: Hub, authority: SimulatedAuthority
) -> None:
    adapter = hub.adapter()
    adapter.register([hub.act(1)])
    authority.order("tokens", expire=True)
    adapter.register([hub.act(2)])
    assert [row["reference"] for row in events(authority)] == [reference(1), reference(2)]
    assert [exchange.outcome for exchange in hub.kept] == ["answered", "refused", "answered"]


TROUBLE: dict[str, tuple[int, type[Exception]]] = {
    "quota": (429, TransientError),
    "away": (503, TransientError),
    "error": (500, InDoubtError),
    "gateway": (502, InDoubtError),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_a_problem_of_the_service_is_typed_and_passes(
    hub: Hub, authority: SimulatedAuthority, name: str
) -> None:
    status, kind = TROUBLE[name]
    adapter = hub.adapter()
    authority.order("trouble", status=status, calls=1, retry_after_s=7)
    with pytest.raises(kind) as caught:
        adapter.register([hub.act(1)])
    if kind is TransientError:
        assert caught.value.extra["retry_after_s"] == 7  # pyright: ignore
    assert isinstance(adapter.register([hub.act(1)])[0], Registered)


def test_trouble_of_the_token_service_is_transient(hub: Hub, authority: SimulatedAuthority) -> None:
    adapter = hub.adapter()
    authority.order("trouble", face="token", status=503, calls=1, retry_after_s=9)
    with pytest.raises(TransientError) as caught:
        adapter.register([hub.act(1)])
    assert (caught.value.code, caught.value.extra["retry_after_s"]) == ("HUB-1340", 9)
    assert isinstance(adapter.register([hub.act(1)])[0], Registered)


def test_access_that_is_refused_stops(
    hub: Hub, authority: SimulatedAuthority, key: rsa.RSAPrivateKey
) -> None:
    authority.order("client", id="sim-client-1", permitted=False)
    with pytest.raises(StoppedError) as caught:
        hub.adapter().register([hub.act(1)])
    assert caught.value.code == "HUB-1346"
    with pytest.raises(StoppedError) as caught:
        hub.adapter(client_id="sim-client-9").register([hub.act(1)])
    assert (caught.value.code, caught.value.extra["cause"]) == ("HUB-1341", "invalid_client")
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = certified(other).public_bytes(Encoding.PEM).decode()
    authority.order("client", id="sim-client-1", permitted=True, certificate=certificate)
    with pytest.raises(StoppedError) as caught:
        hub.adapter().register([hub.act(1)])
    assert caught.value.code == "HUB-1341"
    assert events(authority) == []


def test_a_clock_that_is_an_hour_wrong_gets_no_token(hub: Hub) -> None:
    hub.shift_ms = -60 * MINUTE_MS
    with pytest.raises(StoppedError) as caught:
        hub.adapter().register([act(1)])
    assert caught.value.code == "HUB-1341"


@contextmanager
def cut(url: str) -> Iterator[str]:
    """Passes requests on to the service and closes instead of passing the answer back."""
    target = urlsplit(url)
    assert target.hostname is not None
    assert target.port is not None
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            service = socket.create_connection((target.hostname or "", target.port or 0))
            with caller, service:
                pump(caller, service)

    def pump(caller: socket.socket, service: socket.socket) -> None:
        def forward() -> None:
            while data := caller.recv(65536):
                service.sendall(data)

        thread = threading.Thread(target=quietly(forward), daemon=True)
        thread.start()
        service.recv(1)  # the answer begins, so the service has committed
        caller.shutdown(socket.SHUT_RDWR)
        thread.join(5)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    with closing(listener):
        yield url.replace(f":{target.port}", f":{listener.getsockname()[1]}")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def quietly(forward: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            forward()
        except OSError:
            return

    return run


def test_a_write_whose_answer_was_cut_is_found_by_its_reference(
    hub: Hub, authority: SimulatedAuthority
) -> None:
    with cut(authority.rest) as url, pytest.raises(InDoubtError):
        hub.adapter(url=url).register([hub.act(1), hub.act(2, direction="out")])
    found = hub.adapter().search(WORKS, DAY)
    assert {seen.registered.reference for seen in found} == {reference(1), reference(2)}
    assert len(events(authority)) == 2
    assert hub.kept[0].outcome == "no_answer"


def test_a_registration_is_withdrawn_where_the_service_can(
    hub: Hub, authority: SimulatedAuthority
) -> None:
    (made,) = hub.adapter().register([hub.act(1)])
    assert isinstance(made, Registered)
    wanted = [
        Cancel(reference(1), made.number, "PLANNING"),
        Cancel(reference(2), made.number + 1, "PLANNING"),
    ]
    path = "/sim-only/presenceRegistrations/{number}/cancel"
    able = hub.adapter(can_cancel=True, cancel_path=path)
    authority.order("rest", can_cancel=True)
    done, unknown = able.cancel(wanted)
    assert isinstance(done, Registered)
    assert (done.reference, done.number, done.status) == (
        reference(1),
        made.number,
        "SUCCESSFULLY CANCELLED",
    )
    assert unknown == Refused(reference(2), (("resourceNotFound", ""),))
    (seen,) = hub.adapter().search(WORKS, DAY)
    assert seen.registered.status == "SUCCESSFULLY CANCELLED"


def test_acts_around_midnight_belong_to_their_brussels_day(
    hub: Hub, authority: SimulatedAuthority
) -> None:
    authority.order("clock", now="2026-11-24T00:03:00")
    hub.shift_ms = 17 * 60 * MINUTE_MS + 3 * MINUTE_MS
    adapter = hub.adapter()
    adapter.register([hub.act(1, ago_ms=5 * MINUTE_MS), hub.act(2, ago_ms=2000)])
    assert [seen.registered.reference for seen in adapter.search(WORKS, DAY)] == [reference(1)]
    tomorrow = DAY.replace(day=24)
    assert [seen.registered.reference for seen in adapter.search(WORKS, tomorrow)] == [reference(2)]


def test_the_hour_that_comes_twice_is_two_hours(hub: Hub, authority: SimulatedAuthority) -> None:
    # 31 October 2027: 02:30 with +02:00, and an hour later 02:30 with +01:00.
    authority.order("clock", now="2027-10-31T02:35:00+01:00")
    twice_ms = 1_824_946_500_000
    hub.shift_ms = twice_ms - START_MS
    adapter = hub.adapter()
    results = adapter.register([hub.act(1), hub.act(2, ago_ms=60 * MINUTE_MS)])
    assert isinstance(results[0], Registered)
    assert isinstance(results[1], Refused)
    assert results[1].errors[0][0] == "SIM-TOO-LATE"
    (seen,) = adapter.search(WORKS, DAY.replace(year=2027, month=10, day=31))
    assert seen.act_ms is not None
    assert abs(seen.act_ms - twice_ms) < 5 * MINUTE_MS
