"""Tens of thousands of taps on a third of a Pico W's heap: 64wK, as many objects as fit into 64 KB.

In: the MAC of a badge, its row in a table of 300, the decision, clock, journal with archives and
ack mark on LittleFS, the sender, batches with their MAC, and the hub's receiver opposite.
Out, because the VM of the host has 64 bits, and with them one word takes two of a Pico's: reader,
panel with its texts, control messages in JSON, sockets. They are in `checks_soak`, at 200wK.

How many taps: environment variable BOARD_TAPS, a multiple of PHASE and three phases at least, so
that there is one to compare after what is made once.

Run from `.mpy` files, as on a gate: compiling takes more heap than the rest of its life. The flash
is in a file (environment variable BOARD_FLASH): the heap holds no 848 KB.
"""

import gc

gc.threshold(4096)  # before anything else is loaded: what lives long shall not lie scattered

import os  # noqa: E402

from standins import (  # noqa: E402
    BADGE_KEY,
    GEOMETRY,
    KEY,
    MOUNT,
    Ticks,
    equal,
    mount,
    table_for,
    uid_of,
)

from firmware.clock import Clock  # noqa: E402
from firmware.decision import decide  # noqa: E402
from firmware.journal import Journal  # noqa: E402
from protocol.batch import decode_batch, encode_batch  # noqa: E402
from protocol.mac import Mac, badge_tag  # noqa: E402
from protocol.record import (  # noqa: E402
    DIRECTION_IN,
    KIND_TAP,
    KIND_TIME_SET,
    QUALITY_HUB,
    VERDICT_GRANTED,
    unpack_record,
)
from protocol.roster import find_row, row_fields  # noqa: E402
from protocol.sync import Receiver, Sender  # noqa: E402
from simulator.board.flash import FileFlash  # noqa: E402

TAPS = int(os.getenv("BOARD_TAPS"))
PHASE = 10000
"""Taps between two looks at the heap: most of them with the hub, then an outage, then a restart."""
OUTAGE = 1500
BADGES = 300
UTC_MS = 1_795_000_000_000


class Gate:
    """The way of a tap from its number to the hub's ack."""

    def __init__(self, ticks, table):
        self.journal = Journal(MOUNT + "/journal")
        self.clock = Clock(self.journal.boot, ticks.ms, ticks.diff)
        self.journal.start(self.clock)
        self.clock.question(0)
        self.clock.answered(
            self.journal.boot, self.clock.now_ms(), UTC_MS // 1000, 0, 0, self._time_set
        )
        equal(self.clock.quality, QUALITY_HUB)
        self.table = table
        self.sender = Sender(self.journal.floor, self.journal.head)
        self.journal.appended = self.sender.appended
        self.mac = Mac(KEY)
        self.taps = 0

    def _time_set(self, _before_ms, _quality):
        self.journal.note(KIND_TIME_SET, 0, self.clock, self.clock.now_ms(), bytes(8))

    def tap(self, number):
        now_ms = self.clock.now_ms()
        tag = badge_tag(BADGE_KEY, uid_of(number))
        row = row_fields(self.table, find_row(self.table, tag))
        verdict, reason = decide(True, row, self.clock.today(now_ms))
        equal(verdict, VERDICT_GRANTED)
        self.journal.append(KIND_TAP, DIRECTION_IN, verdict, reason, self.clock, now_ms, tag)
        self.taps += 1
        self.journal.prepare()
        self.journal.tidy(now_ms)


class Far:
    """The hub: takes every batch, looks at every record, and acks."""

    def __init__(self):
        self.mac = Mac(KEY)
        self.receiver = Receiver()
        self.taps = 0

    def carry(self, gate):
        while True:
            now_ms = gate.clock.now_ms()
            step = gate.sender.next(now_ms)
            if step is None:
                return
            name, first, second = step
            if name == "batch":
                records = gate.journal.read(first, second)
                equal(len(records), second * 32, first)
                payload = encode_batch(
                    gate.mac, "gate-1", gate.journal.id, gate.sender.floor, records
                )
                self._take(decode_batch(self.mac, "gate-1", payload))
            else:
                equal(name, "hello")
                self.receiver.hello(first, second)
            upto, ranges = self.receiver.ack()
            floor = gate.sender.acked(upto, ranges, now_ms)
            if floor is not None:
                gate.journal.acked(floor - 1)
                gate.journal.tidy(now_ms)

    def _take(self, batch):
        for first, last in self.receiver.offer(batch.first, batch.count):
            for sequence in range(first, last + 1):
                record = unpack_record(batch.records, (sequence - batch.first) * 32)
                equal(record.seq, sequence)
                self.taps += record.kind == KIND_TAP
            self.receiver.committed(first, last)


def check_the_heap_stays_flat():
    import vfs

    assert TAPS in range(3 * PHASE, TAPS + 1, PHASE), TAPS
    flash = FileFlash(os.getenv("BOARD_FLASH"))
    vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
    mount(flash)
    gc.collect()
    table = table_for(range(BADGES))
    gc.threshold(16 * 1024)  # as the gate's own
    ticks = Ticks(start=(1 << 30) - 5000)
    far = Far()
    figures = []
    archived = 0
    erases = flash.erases
    for start in range(0, TAPS, PHASE):
        gate = None
        gc.collect()
        gate = Gate(ticks, table)
        gate.sender.connected(gate.clock.now_ms())
        far.carry(gate)
        for number in range(start, start + PHASE):
            ticks.total += 1500
            gate.tap(number % BADGES)
            if number == start + PHASE - 2 * OUTAGE:
                gate.sender.disconnected()
            elif number == start + PHASE - OUTAGE:
                archived = max(archived, gate.journal.head - gate.journal.floor)
                gate.sender.connected(gate.clock.now_ms())
            if number % 3 == 0:
                far.carry(gate)
        far.carry(gate)
        equal(gate.sender.unsent, 0)
        while gate.journal.tidy(gate.clock.now_ms()):
            pass
        gc.collect()
        figures.append(gc.mem_alloc())
    equal(far.taps, TAPS)
    assert archived >= OUTAGE
    # The first phase still makes what is made once; after it not one byte may stay behind each tap.
    assert max(figures[1:]) - min(figures[1:]) < 2048, figures
    return "{} to {} bytes of {}, 0.{:03d} erases a tap".format(
        min(figures),
        max(figures),
        gc.mem_alloc() + gc.mem_free(),
        (flash.erases - erases) * 1000 // TAPS,
    )
