"""A roster on its way through the uplink: asked for, taken, noted before it decides a tap."""

import asyncio
from hashlib import sha256

from roster_hub import BLOCKED, BLOCKS, LET_IN, Hub, table_of, tag
from standins import KEY, MOUNT, FixedClock, GateSettings, RamFlash, equal, formatted, mount

from firmware.journal import Journal
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from firmware.uplink import Uplink
from protocol import messages
from protocol.difference import merged
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control
from protocol.record import KIND_ROSTER, unpack_record
from protocol.roster import STANDING_BLOCKED, encode_changes, encode_chunk

MAC = Mac(KEY)


class Clock(FixedClock):
    """A clock that needs no answer."""

    boot = 1

    def connected(self, now_ms):
        """Asks for nothing."""

    def question(self, now_ms):
        return False


class WireHub(Hub):
    """The hub of `roster_hub` behind signed messages.

    Attributes: told (roster versions of the health messages it got), mac.
    """

    def __init__(self):
        mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
        self.roster = Roster(MOUNT)
        Hub.__init__(self, RosterIntake(self.roster))
        self.clock = Clock()
        self.journal = Journal(MOUNT + "/journal")
        self.uplink = Uplink(
            GateSettings(),
            self.clock,
            self.journal,
            self.roster,
            self.intake,
            dict,
            lambda utc_s: None,
            None,
        )
        self.told = []
        self.mac = MAC
        # Whatever the hub hands to the intake goes over the wire instead.
        self.gate, self.intake = self.intake, self
        self.uplink.connected(0)

    def offered(self, version, rows, digest, now):
        self.down("control", messages.roster_offer(version, rows, digest))

    def chunk(self, version, first, rows, now):
        self.receive("roster", encode_chunk(self.mac, "gate-1", version, first, rows))

    def changes(self, have, wanted, first, total, rows, now):
        payload = encode_changes(self.mac, "gate-1", (have, wanted), first, total, rows)
        self.receive("changes", payload)

    def down(self, leaf, fields):
        self.receive(leaf, encode_control(self.mac, "down", "gate-1", fields))

    def receive(self, leaf, payload):
        self.uplink.received(leaf, payload, self.clock.now)

    def exchange(self):
        """Answers the gate and lets it work until both are quiet."""
        while True:
            message = self.uplink.next(self.clock.now)
            if message is None:
                if not self.gate.step(self.clock.now):
                    return
                continue
            if message[0] != "control":
                continue
            fields = decode_control(MAC, "up", "gate-1", message[1])
            if fields[0] == "hello":
                journal = bytes.fromhex(fields[2])
                self.down("control", messages.ack(journal, fields[4], ()))
            elif fields[0] == "health":
                self.told.append(fields[3])
            elif fields[0] in ("roster", "changes"):
                self.answer(fields)

    def noted(self):
        """Returns (version, start of the hash) of every roster record."""
        found = []
        for sequence in range(1, self.journal.head + 1):
            record = unpack_record(self.journal.read(sequence, 1))
            if record.kind == KIND_ROSTER:
                found.append((int.from_bytes(record.data[:4], "little"), record.data[4:]))
        return found


def check_every_change_is_pulled_noted_and_told():
    hub = WireHub()
    table = table_of(range(300))
    tables = [table]
    tables.append(merged(table, table_of(range(3), STANDING_BLOCKED)))
    tables.append(tables[-1])  # the same badges under a new number
    tables.append(merged(table, table_of(range(290), STANDING_BLOCKED)))
    for version, table in enumerate(tables):
        hub.offer(version + 1, table)
        hub.exchange()
        equal((hub.roster.version, hub.roster.digest), (version + 1, sha256(table).digest()))
        equal(hub.told[-1], version + 1)
    equal(hub.names(), ["roster", "changes"])
    equal(hub.noted(), [(i + 1, sha256(tables[i]).digest()[:4]) for i in range(4)])
    equal((hub.roster.row(tag(289)), hub.roster.row(tag(290))), (BLOCKED, LET_IN))


def check_what_is_not_signed_for_this_gate_changes_nothing():
    hub = WireHub()
    table = table_of(range(20))
    hub.offer(1, table)
    hub.exchange()
    hub.mac = Mac(b"\x99" * 32)
    hub.offer(2, table_of(range(21)))
    equal(hub.uplink.refused, 1)
    hub.mac = MAC
    hub.offer(2, table_of(range(21)))
    hub.mac = Mac(b"\x99" * 32)
    hub.answer(hub.gate.question(hub.clock.now))
    equal(hub.uplink.refused, 2)
    hub.mac = MAC
    payload = encode_changes(MAC, "gate-1", (1, 2), 0, 1, table[:13])
    for spoiled in (b"", payload[:-1], payload + b"\0", payload[:40]):
        hub.receive("changes", spoiled)
    hub.receive("roster", payload)
    hub.receive("control", payload)
    equal((hub.uplink.refused, hub.roster.version), (8, 1))
    hub.clock.now += 5000
    hub.exchange()
    equal(hub.roster.version, 2)


def check_the_task_does_what_there_is_to_do():
    hub = WireHub()
    hub.offer(1, table_of(range(300)))
    hub.exchange()
    hub.offer(2, table_of(range(200)))

    async def until_changed():
        changed = asyncio.Event()
        note = hub.gate.changed

        def tell():
            note()
            changed.set()

        hub.gate.changed = tell
        task = asyncio.create_task(hub.gate.run(hub.clock.now_ms))
        message = hub.uplink.next(hub.clock.now)
        hub.answer(decode_control(MAC, "up", "gate-1", message[1]))
        await asyncio.wait_for(changed.wait(), 20)
        task.cancel()

    asyncio.run(until_changed())
    equal((hub.roster.version, hub.roster.rows), (2, 200))
