"""The uplink against the protocol's receiver: sent, acked, freed; lost, told; time and roster."""

from hashlib import sha256

from standins import KEY, MOUNT, Parts, RamFlash, equal, formatted, mount, table_for, uid_of

from firmware.uplink import HEALTH_MS, SILENCE_MS, Uplink
from protocol import messages
from protocol.batch import decode_batch
from protocol.limits import ROSTER_ROW_SIZE
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control
from protocol.record import (
    KIND_ROSTER,
    KIND_STORAGE_RESET,
    KIND_TIME_SET,
    QUALITY_HUB,
    unpack_record,
)
from protocol.roster import encode_chunk
from protocol.sync import Receiver

BLOCKS = 48
UTC_S = 1_795_450_000


class Hub:
    """The other end: what a hub answers, with the records it committed."""

    def __init__(self, uplink, parts):
        self.uplink = uplink
        self.parts = parts
        self.mac = Mac(KEY)
        self.receivers = {}
        self.records = {}
        self.gaps = []
        self.seen = []
        self.table = b""
        self.version = 0
        self.answers_batches = True

    def down(self, fields):
        payload = encode_control(self.mac, "down", "gate-1", fields)
        self.uplink.received("control", payload, self.parts.clock.now_ms())

    def offer(self, version, table):
        self.version, self.table = version, table
        self.down(
            messages.roster_offer(
                version, len(table) // ROSTER_ROW_SIZE, sha256(table).digest().hex()
            )
        )

    def carry(self, limit=200):
        """Takes everything the gate has to send and answers it; returns how many messages."""
        for count in range(limit):
            message = self.uplink.next(self.parts.clock.now_ms())
            if message is None:
                return count
            self.parts.ticks.total += 2
            self._take(message[0], message[1])
        raise AssertionError("never quiet")

    def _take(self, leaf, payload):
        if leaf == "batch":
            batch = decode_batch(self.mac, "gate-1", payload)
            self.seen.append("batch")
            if not self.answers_batches:
                return
            receiver = self.receivers[batch.journal]
            for first, last in receiver.offer(batch.first, batch.count):
                for sequence in range(first, last + 1):
                    offset = (sequence - batch.first) * 32
                    self.records[sequence] = unpack_record(batch.records, offset)
                receiver.committed(first, last)
            self._ack(batch.journal)
            return
        fields = decode_control(self.mac, "up", "gate-1", payload)
        self.seen.append(fields[0])
        if fields[0] == "hello":
            journal = bytes.fromhex(fields[2])
            receiver = self.receivers.setdefault(journal, Receiver())
            for first, last in receiver.hello(fields[3], fields[4]):
                receiver.committed(first, last)
            self._ack(journal)
        elif fields[0] == "lost":
            journal = bytes.fromhex(fields[1])
            receiver = self.receivers[journal]
            for first, last in receiver.lost(fields[2], fields[3]):
                self.gaps.append((first, last))
                receiver.committed(first, last)
            self._ack(journal)
        elif fields[0] == "time":
            self.down(messages.time_answer(fields[1], fields[2], UTC_S, 0))
        elif fields[0] == "roster":
            first = fields[2]
            rows = self.table[first * ROSTER_ROW_SIZE : (first + 128) * ROSTER_ROW_SIZE]
            chunk = encode_chunk(self.mac, "gate-1", fields[1], first, rows)
            self.uplink.received("roster", chunk, self.parts.clock.now_ms())

    def _ack(self, journal):
        upto, ranges = self.receivers[journal].ack()
        self.down(messages.ack(journal, upto, ranges))


def gate(calendar=None):
    parts = Parts()
    told = [] if calendar is None else calendar
    uplink = Uplink(
        parts.settings,
        parts.clock,
        parts.journal,
        parts.roster,
        parts.intake,
        lambda: {"heap_free": 12345, "reader_ok": 1},
        told.append,
        parts.taps,
    )
    return parts, uplink, Hub(uplink, parts)


def fresh(calendar=None):
    mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
    return gate(calendar)


def connect(parts, uplink):
    uplink.connected(parts.clock.now_ms())


def check_every_record_arrives_and_flash_is_freed():
    parts, uplink, hub = fresh()
    for number in range(40):
        parts.tap(uid_of(number))
    equal(uplink.next(parts.clock.now_ms()), None, "nobody to send to")
    connect(parts, uplink)
    hub.carry()
    while parts.journal.tidy():
        pass
    equal(sorted(hub.records), list(range(1, parts.journal.head + 1)))
    equal(uplink.sender.unsent, 0)
    assert uplink.online(parts.clock.now_ms())
    assert parts.journal.head - parts.journal.floor < 6
    equal(hub.seen[0], "hello")
    parts.tap(uid_of(77))
    hub.carry()
    assert parts.journal.head in hub.records


def check_records_wait_for_the_ack_not_for_the_wire():
    parts, uplink, hub = fresh()
    connect(parts, uplink)
    hub.carry()
    hub.answers_batches = False
    head = parts.journal.head
    for number in range(12):
        parts.tap(uid_of(number), wait_ms=0)
    hub.carry()
    while parts.journal.tidy():
        pass
    assert len(parts.journal.read(head + 1, 12)) == 12 * 32, "nothing is freed without an ack"
    assert uplink.sender.unsent >= 12
    parts.ticks.total += SILENCE_MS
    assert not uplink.online(parts.clock.now_ms()), "a silent hub is not there"
    hub.answers_batches = True
    hub.carry()
    equal(uplink.sender.unsent, 0)
    assert uplink.online(parts.clock.now_ms())
    assert uplink.greeted
    uplink.disconnected()
    assert not uplink.greeted, "the next back-off would start too early"
    assert not uplink.online(parts.clock.now_ms())


def check_a_rotten_record_is_reported_as_lost():
    parts, uplink, hub = fresh()
    for number in range(20):
        parts.tap(uid_of(number))
    path = MOUNT + "/journal/s0000000007"
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content[2 * 32 + 25] ^= 4  # number 9
    with open(path, "wb") as file:
        file.write(content)
    connect(parts, uplink)
    hub.carry()
    equal(hub.gaps, [(9, 9)])
    equal(uplink.sender.unsent, 0)
    wanted = [n for n in range(1, parts.journal.head + 1) if n != 9]
    equal(sorted(hub.records), wanted)


def check_time_is_asked_for_and_kept_before_the_first_dated_tap():
    calendar = []
    parts, uplink, hub = fresh(calendar)
    parts.tap(uid_of(1))
    connect(parts, uplink)
    hub.carry()
    parts.tap(uid_of(2))
    hub.carry()
    kinds = [hub.records[n].kind for n in sorted(hub.records)]
    at = kinds.index(KIND_TIME_SET) + 1
    equal(hub.records[at].utc_s, UTC_S)
    equal(hub.records[at].data, bytes(8), "nothing was known before")
    for sequence in hub.records:
        record = hub.records[sequence]
        equal(record.quality == QUALITY_HUB, sequence >= at)
        equal(record.utc_s > 0, sequence >= at)
    equal(calendar, [UTC_S])


def check_a_newer_roster_is_pulled_and_noted_before_it_decides():
    parts, uplink, hub = fresh()
    connect(parts, uplink)
    hub.carry()
    table = table_for(range(300))
    hub.offer(9, table)
    hub.carry()
    equal((parts.roster.version, parts.roster.rows), (9, 300))
    record = unpack_record(parts.journal.read(parts.journal.head, 1))
    equal(record.kind, KIND_ROSTER)
    equal(record.data, (9).to_bytes(4, "little") + sha256(table).digest()[:4])
    hub.offer(8, b"")
    hub.carry()
    equal(parts.roster.version, 9)


def check_health_comes_at_once_and_each_half_minute():
    parts, uplink, hub = fresh()
    connect(parts, uplink)
    hub.carry()
    equal(hub.seen.count("health"), 1)
    parts.ticks.total += HEALTH_MS
    hub.carry()
    equal(hub.seen.count("health"), 2)


def check_forged_and_broken_messages_change_nothing():
    parts, uplink, hub = fresh()
    for number in range(5):
        parts.tap(uid_of(number))
    connect(parts, uplink)
    now = parts.clock.now_ms()
    hello = uplink.next(now)
    equal(hello[0], "control")
    forged = encode_control(
        Mac(b"\x99" * 32), "down", "gate-1", messages.ack(parts.journal.id, 5, ())
    )
    other_gate = encode_control(Mac(KEY), "down", "gate-2", messages.ack(parts.journal.id, 5, ()))
    for payload in (forged, other_gate, b"", b"x" * 40, forged[:-1], hello[1]):
        for leaf in ("control", "roster"):
            uplink.received(leaf, payload, now)
    equal(uplink.refused, 12)
    equal(uplink.sender.unsent, parts.journal.head)
    hub.down(messages.ack(b"\x01" * 8, 5, ()))
    equal(uplink.sender.unsent, parts.journal.head, "an ack of another journal")


def check_a_hub_that_knows_more_than_we_do_starts_a_new_stream():
    parts, uplink, hub = fresh()
    parts.tap(uid_of(1))
    connect(parts, uplink)
    old = parts.journal.id
    uplink.next(parts.clock.now_ms())
    hub.down(messages.ack(old, parts.journal.head + 50, ()))
    assert parts.journal.id != old
    hub.carry()
    newest = unpack_record(parts.journal.read(parts.journal.head, 1))
    kinds = [hub.records[n].kind for n in sorted(hub.records)]
    assert KIND_STORAGE_RESET in (newest.kind, kinds[-1]) or KIND_STORAGE_RESET in kinds
    equal(sorted(hub.records), list(range(1, parts.journal.head + 1)))
    equal(uplink.sender.unsent, 0)
    equal(gate()[0].journal.id, parts.journal.id, "and the new id is kept")
