"""What comes under the terminal's own key is taken and answered under it; all else is reported."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from hub.application.ingest import Arrival
from hub.application.rosters import BadgeRow, Roster, build_roster
from hub.application.terminals import TerminalKey
from hub.terminals.session import TerminalDesk
from hub.terminals.watch import TerminalWatch
from protocol.batch import encode_batch
from protocol.difference import merged
from protocol.limits import CONTROL_MAX, ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.mac import Mac, context
from protocol.messages import (
    changes_request,
    decode_control,
    encode_control,
    health,
    hello,
    lost,
    roster_request,
    time_request,
)
from protocol.roster import NO_CHANGES, decode_changes, decode_chunk, find_row
from protocol.topics import down_topic, up_topic
from tests.hub.house import JOURNAL, NOON_MS, record

IN = TerminalKey("gate-in", 1, "In", "in", bytes(range(32)))
OUT = TerminalKey("gate-out", 1, "Out", "out", bytes(range(32, 64)))
OTHER_SITE = TerminalKey("gate-zuid", 2, "Zuid", "in", bytes(range(64, 96)))
KEYS = (IN, OUT, OTHER_SITE)


def badges(count: int) -> list[BadgeRow]:
    """Badges with different tags, in no order."""
    tags = [hashlib.sha256(b"%d" % number).digest()[:8] for number in range(count)]
    return [BadgeRow(tag, "active", None, "nl") for tag in tags]


class Desk:
    """A desk with everything around it kept in lists."""

    def __init__(self) -> None:
        self.now_ms = NOON_MS
        self.put: list[Arrival] = []
        self.sent: list[tuple[str, bytes]] = []
        self.incidents: list[tuple[str | None, str, str]] = []
        self.watch = TerminalWatch(
            lambda at, code, terminal, detail: self.incidents.append((terminal, code, detail)),
            lambda: None,
            lambda: self.now_ms,
        )
        self.desk = TerminalDesk(
            self.put.append,
            lambda topic, payload: self.sent.append((topic, payload)),
            self.watch,
            lambda: self.now_ms,
            next_key_heard=lambda terminal, key: self.new_keys.append((terminal, key)),
        )
        self.new_keys: list[tuple[str, bytes]] = []
        self.rosters = {1: build_roster(7, badges(3)), 2: build_roster(7, badges(5))}
        self.take_register(KEYS)

    def take_register(self, keys: tuple[TerminalKey, ...]) -> None:
        """Gives it the terminals; what it offers them is not kept."""
        self.watch.replace([(key.terminal, key.name, key.direction) for key in keys])
        self.desk.replace(keys, self.rosters)
        self.sent.clear()

    def say(self, key: TerminalKey, fields: list[object]) -> None:
        """A control message of this terminal comes in."""
        payload = encode_control(Mac(key.key), "up", key.terminal, fields)
        self.desk.deliver(up_topic(key.terminal, "control"), payload)

    def answers(self, key: TerminalKey) -> list[list[object]]:
        """The control messages sent so far, which must all be for this terminal."""
        found = []
        for topic, payload in self.sent:
            assert topic == down_topic(key.terminal, "control")
            found.append(decode_control(Mac(key.key), "down", key.terminal, payload))
        self.sent.clear()
        return found


@pytest.fixture
def desk() -> Desk:
    """A desk that knows three terminals."""
    return Desk()


def batch(
    key: TerminalKey, terminal: str | None = None, first: int = 1, count: int = 3, floor: int = 1
) -> bytes:
    """A batch signed with this key."""
    records = b"".join(record(seq, b"badgetag", NOON_MS) for seq in range(first, first + count))
    return encode_batch(Mac(key.key), terminal or key.terminal, JOURNAL, floor, records)


def test_a_genuine_batch_goes_to_the_writer_as_it_came(desk: Desk) -> None:
    payload = batch(IN, first=5, count=16)
    desk.desk.deliver(up_topic("gate-in", "batch"), payload)
    assert desk.put == [Arrival("gate-in", JOURNAL, "batch", 5, 20, payload[14:-16])]
    assert desk.incidents == []
    # The ack comes after the commit, from the writer, and not from here.
    assert desk.sent == []


def test_a_batch_with_a_changed_byte_changes_nothing_and_is_reported(desk: Desk) -> None:
    genuine = batch(IN)
    # Every byte but magic and count, which are looked at before the MAC.
    for position in range(2, len(genuine)):
        desk.now_ms += 60_000
        forged = bytearray(genuine)
        forged[position] ^= 0x40
        desk.desk.deliver(up_topic("gate-in", "batch"), bytes(forged))
        assert desk.incidents[-1] == ("gate-in", "HUB-1202", "")
    assert len(desk.incidents) == len(genuine) - 2
    assert (desk.put, desk.sent) == ([], [])
    gate = {status.terminal_id: status for status in desk.watch.gates()}["gate-in"]
    assert (gate.last_seen_ms, gate.online, gate.unsent) == (None, None, None)


@pytest.mark.parametrize(
    "payload",
    [
        batch(OUT, "gate-in"),  # another terminal's key
        batch(OUT),  # another terminal's genuine batch
        batch(IN, "gate-out"),  # made for another topic
    ],
)
def test_only_the_terminals_own_key_counts_on_its_topic(desk: Desk, payload: bytes) -> None:
    desk.desk.deliver(up_topic("gate-in", "batch"), payload)
    assert desk.incidents == [("gate-in", "HUB-1202", "")]
    assert (desk.put, desk.sent) == ([], [])


def test_a_genuine_control_message_is_worthless_as_a_batch_and_back(desk: Desk) -> None:
    control = encode_control(Mac(IN.key), "up", "gate-in", time_request(1, 5))
    desk.desk.deliver(up_topic("gate-in", "batch"), control)
    desk.desk.deliver(up_topic("gate-in", "control"), batch(IN))
    # What the hub itself said is not believed when it comes back.
    down = encode_control(Mac(IN.key), "down", "gate-in", ["want", JOURNAL.hex(), []])
    desk.desk.deliver(up_topic("gate-in", "control"), down)
    codes = [code for _, code, _ in desk.incidents]
    assert codes == ["HUB-1203", "HUB-1202"]
    assert (desk.put, desk.sent) == ([], [])


@pytest.mark.parametrize(
    "topic",
    [
        "sitegate/1/gate-9/up/batch",
        "sitegate/1/gate-9/up/control",
        "sitegate/1/gate-9/up/status",
        "sitegate/1/gate-in/up/other",
        "sitegate/2/gate-in/up/batch",
        "sitegate/1/gate-in/down/control",
        "",
        "sitegate/1/GATE-IN/up/batch",
    ],
)
def test_a_topic_of_nobody_is_reported_and_not_named(desk: Desk, topic: str) -> None:
    desk.desk.deliver(topic, batch(IN))
    assert desk.incidents == [(None, "HUB-1201", "")]
    assert (desk.put, desk.sent) == ([], [])


def signed(leaf: str, body: bytes) -> bytes:
    """Any bytes under the right key."""
    return body + Mac(IN.key).sign(context("up", leaf, "gate-in"), body)


@pytest.mark.parametrize(
    ("leaf", "payload", "detail"),
    [
        ("batch", b"", "length"),
        ("batch", b"\xb1", "length"),
        ("batch", bytes(10_000), "length"),
        ("batch", batch(IN)[:-1], "length"),
        ("batch", b"\xb2" + batch(IN)[1:], "magic"),
        ("batch", signed("batch", batch(IN)[:14] + record(1, bytes(8), 0) * 3), "sequence"),
        ("control", b"", "length"),
        ("control", bytes(CONTROL_MAX + 1), "length"),
        ("control", signed("control", b"{"), "json"),
        ("control", signed("control", b"\xff\xff"), "json"),
        ("control", signed("control", b"[" * 900), "json"),
        ("control", signed("control", b"{}"), "shape"),
        ("control", signed("control", b'["open"]'), "name"),
        ("control", signed("control", b'["time",1]'), "shape"),
        ("control", signed("control", b'["time",1,-1]'), "value"),
        ("control", signed("control", b'["hello",2]'), "version"),
    ],
)
def test_what_cannot_be_read_changes_nothing_and_is_reported(
    desk: Desk, leaf: str, payload: bytes, detail: str
) -> None:
    desk.desk.deliver(up_topic("gate-in", leaf), payload)
    assert desk.incidents == [("gate-in", "HUB-1203", detail)]
    assert (desk.put, desk.sent) == ([], [])


def test_hello_goes_to_the_writer_and_is_answered_with_the_roster_of_its_site(desk: Desk) -> None:
    desk.say(OTHER_SITE, hello(JOURNAL, 4, 9, 2, 6, "0.1.0"))
    assert desk.put == [Arrival("gate-zuid", JOURNAL, "hello", 4, 9)]
    roster = desk.rosters[2]
    assert desk.answers(OTHER_SITE) == [["roster", 7, 5, roster.sha256]]
    gate = {status.terminal_id: status for status in desk.watch.gates()}["gate-zuid"]
    assert (gate.online, gate.roster_version, gate.unsent) == (True, 6, 6)


def test_a_report_of_lost_records_goes_to_the_writer(desk: Desk) -> None:
    desk.say(IN, lost(JOURNAL, 3, 8))
    assert desk.put == [Arrival("gate-in", JOURNAL, "lost", 3, 8)]
    assert desk.sent == []


def test_a_question_for_the_time_is_answered_with_this_moment_and_its_own_stamp(desk: Desk) -> None:
    desk.now_ms = 1_795_431_600_789
    desk.say(IN, time_request(41, 123_456_789_012))
    assert desk.answers(IN) == [["time", 41, 123_456_789_012, 1_795_431_600, 789]]
    assert desk.put == []


def test_a_health_report_is_shown(desk: Desk) -> None:
    desk.say(
        OUT, health({"unsent": 12, "clock_quality": 2, "roster_version": 7, "heap_free": 60_000})
    )
    gate = {status.terminal_id: status for status in desk.watch.gates()}["gate-out"]
    shown = (gate.unsent, gate.clock_quality, gate.roster_version, gate.reader_ok, gate.online)
    assert shown == (12, 2, 7, False, True)
    assert gate.last_seen_ms == NOON_MS


def test_a_status_without_proof_moves_only_a_lamp(desk: Desk) -> None:
    for payload, online in ((b"online", True), (b"offline", False), (b"\xff" * 900, False)):
        desk.desk.deliver(up_topic("gate-in", "status"), payload)
        gate = {status.terminal_id: status for status in desk.watch.gates()}["gate-in"]
        assert (gate.online, gate.last_seen_ms) == (online, None)
    assert (desk.put, desk.sent, desk.incidents) == ([], [], [])


def fetch(desk: Desk, key: TerminalKey) -> tuple[bytes, int]:
    """Fetches the offered roster chunk by chunk; returns the table and the number of chunks."""
    desk.say(key, hello(JOURNAL, 1, 0, 1, 0, "0.1.0"))
    ((_, version, rows, sha256),) = desk.answers(key)
    table, chunks = b"", 0
    assert isinstance(rows, int)
    while len(table) // ROSTER_ROW_SIZE < rows:
        desk.say(key, roster_request(version, len(table) // ROSTER_ROW_SIZE))  # pyright: ignore[reportArgumentType]
        ((topic, payload),) = desk.sent
        desk.sent.clear()
        assert topic == down_topic(key.terminal, "roster")
        found_version, first, part = decode_chunk(Mac(key.key), key.terminal, payload)
        assert (found_version, first) == (version, len(table) // ROSTER_ROW_SIZE)
        table, chunks = table + part, chunks + 1
    assert hashlib.sha256(table).hexdigest() == sha256
    return table, chunks


@pytest.mark.parametrize("count", [1, ROSTER_CHUNK_ROWS, ROSTER_CHUNK_ROWS + 1, 300])
def test_the_chunks_of_an_offered_roster_make_the_whole_table(desk: Desk, count: int) -> None:
    people = badges(count)
    desk.rosters = {1: build_roster(9, people)}
    desk.take_register(KEYS)
    table, chunks = fetch(desk, IN)
    assert chunks == -(-count // ROSTER_CHUNK_ROWS)
    assert len(table) == ROSTER_ROW_SIZE * count
    assert all(find_row(table, badge.tag) >= 0 for badge in people)


def ask_changes(desk: Desk, have: int, wanted: int, first: int) -> tuple[object, ...]:
    """What a gate hears when it asks for changes."""
    desk.say(IN, changes_request(have, wanted, first))  # pyright: ignore[reportArgumentType]
    ((topic, payload),) = desk.sent
    desk.sent.clear()
    assert topic == down_topic(IN.terminal, "changes")
    return decode_changes(Mac(IN.key), IN.terminal, payload)


def test_who_has_an_older_roster_gets_what_changed_since(desk: Desk) -> None:
    people = badges(300)
    tables = {7: desk.rosters[1].table}
    for version, count in ((8, 300), (9, 300), (10, 100)):
        blocked = [replace(row, state="blocked") for row in people[: version * 2]]
        desk.rosters = {1: build_roster(version, [*blocked, *people[version * 2 : count]])}
        tables[version] = desk.rosters[1].table
        desk.take_register(KEYS)
    for have in (7, 8, 9):
        changes = b""
        total = 1
        while len(changes) < total * ROSTER_ROW_SIZE:
            first = len(changes) // ROSTER_ROW_SIZE
            *place, total, rows = ask_changes(desk, have, 10, first)
            assert place == [have, 10, first]
            assert isinstance(rows, bytes)
            assert isinstance(total, int)
            changes += rows
        assert merged(tables[have], changes) == tables[10]
    # Not the newest any more, or beyond the end: the newest is offered.
    for have, wanted, first in ((7, 9, 0), (7, 11, 0), (9, 10, 60_000), (10, 10, 0)):
        desk.say(IN, changes_request(have, wanted, first))
        assert desk.answers(IN) == [["roster", 10, 100, desk.rosters[1].sha256]]


def test_a_hub_that_restarted_or_never_knew_a_version_says_so(desk: Desk) -> None:
    assert ask_changes(desk, 6, 7, 0) == (6, 7, 0, NO_CHANGES, b"")
    assert ask_changes(desk, 6, 7, 128) == (6, 7, 0, NO_CHANGES, b"")


def test_a_new_version_of_the_same_badges_is_a_difference_of_no_rows(desk: Desk) -> None:
    desk.rosters = {1: build_roster(8, badges(3))}
    desk.take_register(KEYS)
    assert ask_changes(desk, 7, 8, 0) == (7, 8, 0, 0, b"")


def test_an_empty_roster_is_offered_too(desk: Desk) -> None:
    desk.rosters = {1: Roster(3, b"")}
    desk.take_register(KEYS)
    assert fetch(desk, IN) == (b"", 0)


@pytest.mark.parametrize(("version", "first_row"), [(6, 0), (8, 0), (7, 3), (7, 60_000)])
def test_who_asks_for_what_is_no_more_is_offered_what_is(
    desk: Desk, version: int, first_row: int
) -> None:
    desk.say(IN, roster_request(version, first_row))
    assert desk.answers(IN) == [["roster", 7, 3, desk.rosters[1].sha256]]


def test_a_terminal_whose_site_has_no_roster_is_offered_none(desk: Desk) -> None:
    desk.rosters = {}
    desk.take_register(KEYS)
    desk.say(IN, roster_request(7, 0))
    assert desk.answers(IN) == []


def test_a_changed_register_is_offered_to_every_terminal_at_once(desk: Desk) -> None:
    desk.desk.replace(KEYS, desk.rosters)
    assert [topic for topic, _ in desk.sent] == [
        down_topic(key.terminal, "control") for key in KEYS
    ]


def test_acks_and_wants_go_to_their_own_terminal_under_its_own_key(desk: Desk) -> None:
    for key in KEYS:
        desk.desk.ack(key.terminal, JOURNAL, 12, [(14, 15), (20, 20)])
        assert desk.answers(key) == [["ack", JOURNAL.hex(), 12, [[14, 15], [20, 20]]]]
        desk.desk.want(key.terminal, JOURNAL, [(13, 13)])
        assert desk.answers(key) == [["want", JOURNAL.hex(), [[13, 13]]]]


def test_records_that_are_gone_are_reported_with_their_number(desk: Desk) -> None:
    desk.desk.lost("gate-in", 17)
    assert desk.incidents == [("gate-in", "HUB-1204", "17")]


def test_a_revoked_terminal_is_nobody_from_then_on(desk: Desk) -> None:
    desk.take_register((OUT, OTHER_SITE))
    for leaf in ("batch", "control", "status"):
        desk.now_ms += 60_000
        desk.desk.deliver(up_topic("gate-in", leaf), batch(IN))
        assert desk.incidents[-1] == (None, "HUB-1201", "")
    # What was on its way through the writer when it was revoked is not answered any more.
    desk.desk.ack("gate-in", JOURNAL, 3, [])
    desk.desk.want("gate-in", JOURNAL, [(1, 1)])
    assert (desk.put, desk.sent) == ([], [])
    assert [gate.terminal_id for gate in desk.watch.gates()] == ["gate-out", "gate-zuid"]


def test_a_terminal_with_a_new_key_is_not_believed_under_the_old_one(desk: Desk) -> None:
    desk.take_register((TerminalKey("gate-in", 1, "In", "in", bytes(32)), OUT))
    desk.desk.deliver(up_topic("gate-in", "batch"), batch(IN))
    assert desk.incidents == [("gate-in", "HUB-1202", "")]
    assert desk.put == []


# ---------------------------------------------------------------- a new key

RENEWED = TerminalKey("gate-in", 1, "In", "in", IN.key, next_key=bytes(range(96, 128)))
WITH_NEW_KEY = TerminalKey("gate-in", 1, "In", "in", bytes(range(96, 128)))


def test_the_old_key_is_good_until_the_new_one_is_heard(desk: Desk) -> None:
    desk.take_register((RENEWED, OUT))
    desk.desk.deliver(up_topic("gate-in", "batch"), batch(IN))
    desk.say(IN, time_request(1, 5))
    assert (len(desk.put), desk.new_keys, desk.incidents) == (1, [], [])
    assert desk.answers(IN)
    # What comes under the new key is taken, and answered under it.
    desk.desk.deliver(up_topic("gate-in", "batch"), batch(WITH_NEW_KEY, first=4))
    desk.say(WITH_NEW_KEY, time_request(1, 6))
    assert (len(desk.put), desk.incidents) == (2, [])
    assert desk.new_keys == [("gate-in", WITH_NEW_KEY.key)]
    assert desk.answers(WITH_NEW_KEY)
    # From then on the old one counts for nothing.
    desk.desk.deliver(up_topic("gate-in", "batch"), batch(IN, first=7))
    assert (len(desk.put), desk.incidents) == (2, [("gate-in", "HUB-1202", "")])
    assert len(desk.new_keys) == 1


def test_a_new_key_is_heard_with_any_kind_of_message(desk: Desk) -> None:
    desk.take_register((RENEWED,))
    desk.say(WITH_NEW_KEY, time_request(1, 5))
    assert desk.new_keys == [("gate-in", WITH_NEW_KEY.key)]
    assert desk.answers(WITH_NEW_KEY)


def test_nobody_brings_a_new_key_into_use_without_holding_it(desk: Desk) -> None:
    desk.take_register((RENEWED, OUT))
    desk.desk.deliver(up_topic("gate-in", "batch"), batch(OUT, "gate-in"))
    desk.desk.deliver(up_topic("gate-in", "control"), batch(WITH_NEW_KEY))
    assert (desk.put, desk.new_keys) == ([], [])
    desk.desk.deliver(up_topic("gate-in", "batch"), batch(IN))
    assert len(desk.put) == 1
