"""What the hub knows of the firmware of its gates: orders, pieces, outcomes and crash logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.application.ingest import Arrival
from hub.application.rosters import build_roster
from hub.application.updates import FirmwareOrder, Updates
from hub.storage.engine import reading, writing
from hub.storage.firmware import (
    CRASH_LOGS_MAX,
    crash_logs,
    firmware_versions,
    keep_crash,
    keep_firmware_seen,
    keep_progress,
    newest_order,
    order_firmware,
    orders,
    packs,
)
from hub.terminals.care import FirmwareCare
from hub.terminals.session import TerminalDesk
from hub.terminals.watch import TerminalWatch
from protocol import messages
from protocol.batch import encode_batch
from protocol.limits import FIRMWARE_PIECE
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control
from protocol.pieces import decode_piece
from protocol.record import (
    KIND_UPDATE,
    UPDATE_CONFIRMED,
    UPDATE_REFUSED,
    UPDATE_ROLLED_BACK,
    UPDATE_STORED,
)
from protocol.slots import WHY_NOT_WHOLE, WHY_TIME
from protocol.topics import up_topic
from tests.hub.house import JOURNAL, NOON_MS, TestHouse, people_house, record

PACK = bytes(range(256)) * 20
DIGEST = "ab" * 32
OTHER = "cd" * 32


def order(terminal: str = "gate-in", number: int = 5, digest: str = DIGEST) -> FirmwareOrder:
    return FirmwareOrder(terminal, number, "0.2.0", digest, len(PACK), NOON_MS)


class Known:
    """`Updates` with what it wants stored, in a list."""

    def __init__(self) -> None:
        self.stored: list[FirmwareOrder] = []
        self.updates = Updates(self.stored.append, lambda: NOON_MS + 1)
        self.updates.replace([order()], {DIGEST: PACK})

    def state(self) -> str:
        found = self.updates.order("gate-in")
        assert found is not None
        return found.state


def test_pieces_of_the_ordered_pack_are_given_and_noted() -> None:
    known = Known()
    assert known.state() == "waiting"
    fetched = b""
    while len(fetched) < len(PACK):
        found = known.updates.piece("gate-in", DIGEST[:16], len(fetched))
        assert found is not None
        assert found[0].hex() == DIGEST
        fetched += found[1]
    assert fetched == PACK
    assert known.state() == "fetching"
    assert known.stored[-1].percent == 100
    # Twenty per cent a piece here: each is stored, and a piece asked for again is not.
    assert [stored.percent for stored in known.stored] == [20, 40, 60, 80, 100]


@pytest.mark.parametrize(
    ("terminal", "prefix", "offset"),
    [("gate-in", OTHER[:16], 0), ("gate-in", DIGEST[:16], len(PACK)), ("gate-out", DIGEST[:16], 0)],
)
def test_what_was_not_ordered_is_not_given(terminal: str, prefix: str, offset: int) -> None:
    assert Known().updates.piece(terminal, prefix, offset) is None


def test_an_outcome_counts_once_and_for_its_own_order() -> None:
    known = Known()
    prefix = bytes.fromhex(DIGEST)[:6]
    ended = known.updates.ended
    assert ended("gate-in", UPDATE_STORED, 0, bytes.fromhex(OTHER)[:6], 0) is None
    assert ended("gate-out", UPDATE_STORED, 0, prefix, 0) is None
    assert ended("gate-in", UPDATE_CONFIRMED, 0, prefix, NOON_MS // 1000 - 3600) is None
    assert ended("gate-in", UPDATE_STORED, 0, prefix, NOON_MS // 1000) is not None
    assert known.state() == "trial"
    assert ended("gate-in", UPDATE_ROLLED_BACK, WHY_TIME, prefix, 0) is not None
    assert known.state() == "rolled_back"
    assert ended("gate-in", UPDATE_ROLLED_BACK, WHY_TIME, prefix, 0) is None
    assert ended("gate-in", UPDATE_STORED, 0, prefix, 0) is None
    assert [stored.state for stored in known.stored] == ["trial", "rolled_back"]
    assert known.stored[-1].outcome_ms == NOON_MS + 1


def test_a_newer_order_begins_anew_and_the_same_one_goes_on() -> None:
    known = Known()
    known.updates.piece("gate-in", DIGEST[:16], 0)
    known.updates.replace([order()], {DIGEST: PACK})
    assert known.state() == "fetching"
    known.updates.replace([order(number=6)], {DIGEST: PACK})
    assert known.state() == "waiting"
    known.updates.replace([], {})
    assert known.updates.order("gate-in") is None


# ---------------------------------------------------------------- stored


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    with people_house(tmp_path) as house:
        yield house


def test_orders_outlive_the_hub_and_their_numbers_rise(house: TestHouse) -> None:
    engine = house.house.engine
    with writing(engine) as connection:
        assert newest_order(connection) == 0
        both = ["gate-in", "gate-out"]
        first = order_firmware(connection, both, "0.2.0", DIGEST, PACK, NOON_MS)
        second = order_firmware(connection, both[:1], "0.3.0", OTHER, PACK, NOON_MS)
    assert (first, second) == (NOON_MS // 1000, NOON_MS // 1000 + 1)
    with reading(engine) as connection:
        found = orders(connection)
        assert [(o.terminal, o.number, o.version) for o in found] == [
            ("gate-in", second, "0.3.0"),
            ("gate-out", first, "0.2.0"),
        ]
        assert packs(connection) == {DIGEST: PACK, OTHER: PACK}
        assert newest_order(connection) == second
    with writing(engine) as connection:
        third = order_firmware(connection, both[1:], "0.3.0", OTHER, PACK, NOON_MS + 60_000)
        assert third == NOON_MS // 1000 + 60
        assert list(packs(connection)) == [OTHER], "what nobody is to run is not kept"


def test_progress_belongs_to_the_order_it_was_made_for(house: TestHouse) -> None:
    with writing(house.house.engine) as connection:
        number = order_firmware(connection, ["gate-in"], "0.2.0", DIGEST, PACK, NOON_MS)
        (made,) = orders(connection)
        updates = Updates(lambda o: keep_progress(connection, o), lambda: NOON_MS)
        updates.replace([made], packs(connection))
        updates.piece("gate-in", DIGEST[:16], 0)
        assert orders(connection)[0].percent == 100 * FIRMWARE_PIECE // len(PACK)
        updates.ended("gate-in", UPDATE_CONFIRMED, 0, bytes.fromhex(DIGEST)[:6], 0)
        assert orders(connection)[0].state == "running"
        again = order_firmware(connection, ["gate-in"], "0.2.0", DIGEST, PACK, NOON_MS)
        assert again > number
        updates.ended("gate-in", UPDATE_ROLLED_BACK, WHY_TIME, bytes.fromhex(DIGEST)[:6], 0)
        assert orders(connection)[0].state == "waiting"


def test_a_crash_log_is_put_together_once(house: TestHouse) -> None:
    with writing(house.house.engine) as connection:

        def keep(boot: int, first: int, text: str, at: int) -> bool:
            return keep_crash(connection, "gate-in", boot, first, text, at)

        def kept() -> list[tuple[int, str, int, int]]:
            rows = crash_logs(connection, "gate-in")
            return [(row.boot, row.text, row.first_ms, row.last_ms) for row in rows]

        assert keep(7, 0, "one\n", 1)
        assert not keep(7, 0, "one\n", 2), "sent again"
        assert keep(7, 4, "two\n", 3)
        assert not keep(7, 0, "one\ntw", 4)
        assert keep(7, 4, "two\nthree\n", 5)
        assert kept() == [(7, "one\ntwo\nthree\n", 1, 5)]
        assert keep(8, 0, "other\n", 6)
        assert keep(7, 0, "after the flash was wiped\n", 7)
        assert [row[1] for row in kept()] == [
            "after the flash was wiped\n",
            "other\n",
            "one\ntwo\nthree\n",
        ]
        assert keep(9, 100, "what came before is lost\n", 8)
        assert keep(9, 125, "more\n", 9)
        assert kept()[0][:2] == (9, "what came before is lost\nmore\n")
        assert crash_logs(connection, "gate-out") == []
        for boot in range(100, 200):
            keep(boot, 0, "x\n", boot)
        assert [row[0] for row in kept()] == list(range(199, 199 - CRASH_LOGS_MAX, -1))


def test_the_firmware_a_gate_runs_is_remembered(house: TestHouse) -> None:
    with writing(house.house.engine) as connection:
        keep_firmware_seen(connection, "gate-in", "0.1.0", 1)
        keep_firmware_seen(connection, "gate-in", "0.2.0+abcdef012345", 2)
        assert firmware_versions(connection) == {"gate-in": "0.2.0+abcdef012345"}


# ---------------------------------------------------------------- under the terminal's key


class Desk:
    """A desk with the care of one gate, and what it sends and reports in lists."""

    def __init__(self, house: TestHouse) -> None:
        self.key = house.gate_in
        self.mac = Mac(self.key.key)
        self.put: list[Arrival] = []
        self.sent: list[tuple[str, bytes]] = []
        self.incidents: list[tuple[str, str]] = []
        self.crashes: list[tuple[Any, ...]] = []
        self.seen: list[tuple[str, str]] = []
        self.watch = TerminalWatch(
            lambda _at, code, _terminal, detail: self.incidents.append((code, detail)),
            lambda: None,
            lambda: NOON_MS,
        )
        self.known = Known()

        def publish(topic: str, payload: bytes) -> None:
            self.sent.append((topic.rpartition("/")[2], payload))

        def keep(boot_of: str, *piece: Any) -> None:
            self.crashes.append((boot_of, *piece))

        care = FirmwareCare(
            self.known.updates, publish, self.watch, keep, lambda *seen: self.seen.append(seen)
        )
        self.desk = TerminalDesk(self.put.append, publish, self.watch, lambda: NOON_MS, care=care)
        self.watch.replace([("gate-in", "In", "in")])
        self.desk.replace([self.key], {self.key.site_id: build_roster(7, [])})
        self.sent.clear()

    def say(self, fields: list[Any]) -> None:
        payload = encode_control(self.mac, "up", "gate-in", fields)
        self.desk.deliver(up_topic("gate-in", "control"), payload)

    def controls(self) -> list[list[Any]]:
        found = [
            decode_control(self.mac, "down", "gate-in", payload)
            for leaf, payload in self.sent
            if leaf == "control"
        ]
        self.sent = [(leaf, payload) for leaf, payload in self.sent if leaf != "control"]
        return found


ORDER = ["firmware", "0.2.0", len(PACK), DIGEST, 5]


def test_a_gate_that_greets_hears_its_order(house: TestHouse) -> None:
    desk = Desk(house)
    for _ in range(2):
        desk.say(messages.hello(JOURNAL, 1, 0, 1, 7, "0.1.0+000000000000"))
        assert ORDER in desk.controls()
    assert desk.seen == [("gate-in", "0.1.0+000000000000")]
    desk.desk.offer_firmware()
    assert desk.controls() == [ORDER]


def test_a_gate_that_asks_for_a_piece_gets_it_signed(house: TestHouse) -> None:
    desk = Desk(house)
    desk.say(messages.firmware_request(bytes.fromhex(DIGEST), 1024))
    ((leaf, payload),) = desk.sent
    assert leaf == "firmware"
    digest, offset, data = decode_piece(desk.mac, "gate-in", payload)
    assert (digest.hex(), offset, data) == (DIGEST[:16], 1024, PACK[1024:2048])
    desk.sent.clear()
    desk.say(messages.firmware_request(bytes.fromhex(OTHER), 0))
    assert desk.controls() == [ORDER], "the order changed while the gate fetched"
    assert desk.sent == []


@pytest.mark.parametrize(
    ("outcome", "why", "incidents"),
    [
        (UPDATE_STORED, 0, []),
        (UPDATE_CONFIRMED, 0, []),
        (UPDATE_ROLLED_BACK, WHY_TIME, [("HUB-1224", f"0.2.0 {WHY_TIME}")]),
        (UPDATE_REFUSED, WHY_NOT_WHOLE, [("HUB-1225", f"0.2.0 {WHY_NOT_WHOLE}")]),
    ],
)
def test_what_the_journal_says_of_an_update_is_taken_up(
    house: TestHouse, outcome: int, why: int, incidents: list[tuple[str, str]]
) -> None:
    desk = Desk(house)
    data = bytes((outcome, why)) + bytes.fromhex(DIGEST)[:6]
    records = record(1, b"badgetag", NOON_MS) + record(2, data, NOON_MS, kind=KIND_UPDATE)
    for _ in range(2):
        payload = encode_batch(desk.mac, "gate-in", JOURNAL, 1, records)
        desk.desk.deliver(up_topic("gate-in", "batch"), payload)
    assert desk.incidents == incidents
    found = desk.known.updates.order("gate-in")
    assert found is not None
    assert (found.outcome, found.why) == (outcome, why)
    assert len(desk.put) == 2


def test_a_crash_log_is_freed_only_when_it_is_stored(house: TestHouse) -> None:
    desk = Desk(house)
    desk.say(messages.crash(9, 4, 20, "ValueError\n"))
    ((terminal, boot, first, text, kept),) = desk.crashes
    assert (terminal, boot, first, text) == ("gate-in", 9, 4, "ValueError\n")
    assert desk.sent == []
    assert desk.incidents == []
    assert isinstance(kept, Callable)
    kept(True)
    assert desk.controls() == [["crash", 9, 15]]
    assert desk.incidents == [("HUB-1226", "9")]
    kept(False)
    assert desk.controls() == [["crash", 9, 15]], "it came again: it is told again"
