"""The reader is reset while it looks well, under a badge that stays too, and when it is ill."""

import asyncio

from standins import Parts, RamFlash, equal, formatted, mount, table_for, uid_of

from firmware import cards, taps
from protocol import faults
from protocol.record import KIND_FAULT, unpack_record

BLOCKS = 48


class ReaderError(Exception):
    """What the driver raises."""


class Over(Exception):
    """The time of the check is over."""


class Reader:
    """A reader whose condition is set by hand."""

    def __init__(self):
        self.begun = []
        self.dead = False
        self.lost = False
        self.now_ms = None

    async def begin(self):
        if self.dead:
            raise ReaderError("bus")
        self.lost = False
        self.begun.append(self.now_ms())

    def check(self):
        if self.dead or self.lost:
            raise ReaderError("registers")


class Bench:
    def __init__(self):
        mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
        self.parts = parts = Parts()
        parts.install(1, table_for((1,)))
        self.reader = Reader()
        self.reader.now_ms = parts.clock.now_ms
        parts.taps._reader = self.reader
        parts.taps._reader_error = ReaderError
        self.found = (cards.NOTHING, b"")
        self.beats = 0
        self.events = {}

    def run(self, duration_ms):
        """Runs the tap path for so long, on a clock that its own pauses move."""
        sleep_ms, poll = asyncio.sleep_ms, cards.poll
        ends = self.parts.clock.now_ms() + duration_ms

        async def pause(ms):
            self.parts.ticks.total += ms
            now_ms = self.parts.clock.now_ms()
            for at_ms in list(self.events):
                if now_ms >= at_ms:
                    self.events.pop(at_ms)()
            if now_ms >= ends:
                raise Over

        async def look(_reader):
            return self.found

        def beat():
            self.beats += 1

        asyncio.sleep_ms, cards.poll = pause, look
        try:
            asyncio.run(self.parts.taps.run(beat))
        except Over:
            pass
        finally:
            asyncio.sleep_ms, cards.poll = sleep_ms, poll

    def faults(self):
        journal = self.parts.journal
        found = []
        for sequence in range(journal.floor, journal.head + 1):
            record = unpack_record(journal.read(sequence, 1))
            if record.kind == KIND_FAULT:
                found.append(faults.fields(record.data)[0])
        return found


def check_it_is_reset_every_minute_while_it_looks_well():
    bench = Bench()
    bench.run(5 * 60_000 + 500)
    gaps = [after - before for before, after in zip(bench.reader.begun, bench.reader.begun[1:])]
    equal(len(gaps), 5)
    assert all(taps.REFRESH_MS <= gap < taps.REFRESH_MS + 200 for gap in gaps), gaps
    equal(bench.parts.taps.lost, 0)
    assert bench.beats > 5000, "the watchdog hears of every poll"


def check_a_badge_that_stays_does_not_put_it_off_for_ever():
    bench = Bench()
    bench.found = (cards.CARD, uid_of(1))
    bench.run(7 * 60_000)
    gaps = [after - before for before, after in zip(bench.reader.begun, bench.reader.begun[1:])]
    assert 2 <= len(gaps) <= 3, gaps
    assert all(gap < taps.REFRESH_LATEST_MS + 200 for gap in gaps), gaps
    equal(bench.parts.taps.taps, 1, "and it counts once")


def check_a_chip_that_forgot_its_registers_is_set_up_at_the_next_poll():
    bench = Bench()

    def forget():
        bench.reader.lost = True

    bench.events[bench.parts.clock.now_ms() + 20_000] = forget
    bench.run(30_000)
    equal(len(bench.reader.begun), 2)
    equal((bench.parts.taps.lost, bench.parts.taps.reader_ok), (1, True))
    equal(bench.faults(), [], "a brown-out that is mended at once is a counter, no record")


def check_a_dead_reader_is_tried_every_second_and_told_once():
    bench = Bench()

    def die():
        bench.reader.dead = True

    def live():
        bench.reader.dead = False

    now_ms = bench.parts.clock.now_ms()
    bench.events[now_ms + 20_000] = die
    bench.run(60_000)
    equal(bench.faults(), [faults.READER_DOWN])
    assert not bench.parts.panel.idle.reader_ok
    equal(bench.parts.taps.reader_version, 0)
    before = bench.beats
    bench.events[bench.parts.clock.now_ms() + 5_000] = live
    bench.run(20_000)
    equal(bench.faults(), [faults.READER_DOWN, faults.READER_DOWN, faults.READER_BACK])
    assert bench.parts.panel.idle.reader_ok
    assert bench.beats > before
