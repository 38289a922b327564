"""Which badge a sound of the gate is the answer to: never one that the reader has not read."""

import time

import machine
from checks_machine import ROOT, now_us
from reader import BROKEN, OK, Reader
from rig import equal

from simulator.board import registry
from simulator.board.assembly import Board
from simulator.board.pinout import read_pinout

SMALL = b"\x12\x34\x56\x78"
OTHER = b"\x12\x30\x56\x78"
LARGE = b"\x04\xa1\xb2\xc3\xd4\xe5\xf6"
RECEIPT = (1047, 1319, 1568)


class Bench:
    """A gate whose firmware is the check: it reads when it is told to, and sounds as well."""

    def __init__(self):
        registry.clear()
        self.board = Board(read_pinout(ROOT + "/hardware/pinout.toml"), now_us, lambda: None)
        self.reader = Reader(machine.SPI(0, 4_000_000), machine.Pin(17), machine.Pin(20))
        self.reader.start()
        self._seen = {}

    def hold(self, *uids):
        for uid in uids:
            assert self.board.present(uid)
        time.sleep_ms(6)

    def sound(self, *tones):
        for hertz in tones or (880,):
            self.board.buzzer.set(hertz)
        self.board.buzzer.set(0)

    def panel(self, name):
        self._seen.update(self.board.news())
        return self._seen[name]

    def answered(self, *tones):
        self.sound(*tones)
        return self.panel("answered")


def check_a_receipt_in_front_of_a_badge_that_lies_there_unread():
    bench = Bench()
    bench.hold(SMALL)
    equal(bench.answered(*RECEIPT), 0)
    equal(bench.panel("sounds"), list(RECEIPT))  # it is heard all the same
    equal(bench.reader.uid(), SMALL)
    equal(bench.panel("answered"), 0)  # read, and nothing said yet
    equal(bench.answered(), 1)
    bench.board.remove(SMALL)
    bench.hold(LARGE)
    equal((bench.answered(*RECEIPT), bench.panel("taps")), (1, 2))
    equal(bench.reader.uid(), LARGE)
    equal(bench.answered(), 2)


def check_half_of_a_uid_is_not_read():
    bench = Bench()
    bench.hold(LARGE)
    reader = bench.reader
    assert reader.request()
    equal(bench.answered(), 0)
    block = reader._level(0x93)
    equal(bench.answered(), 0)
    reader.with_crc(True)
    equal(reader.exchange(b"\x93\x70" + block), (OK, b"\x04"))
    equal(bench.answered(), 0)
    block = reader._level(0x95)
    equal(bench.answered(), 0)
    reader.with_crc(True)
    bench.board.reader.noise = 1
    equal(reader.exchange(b"\x95\x70" + block)[0], BROKEN)
    equal(bench.answered(), 0)
    assert not reader.request()  # a tag that was selected falls back first
    equal(reader.uid(), LARGE)
    equal(bench.answered(), 1)


def check_a_badge_that_leaves_before_it_is_answered():
    bench = Bench()
    bench.hold(SMALL)
    bench.board.remove(SMALL)
    equal((bench.reader.uid(), bench.answered()), (None, 0))
    bench.hold(SMALL)
    equal(bench.reader.uid(), SMALL)
    bench.board.remove(SMALL)
    equal(bench.answered(), 2)  # it was read: nothing is lost
    bench.hold(SMALL)
    bench.board.remove(SMALL)
    equal(bench.answered(), 2)


def check_two_badges_are_answered_together():
    for first, second, same_atqa in ((SMALL, OTHER, True), (SMALL, LARGE, False)):
        bench = Bench()
        bench.hold(first, second)
        status, _ = bench.reader.exchange(b"\x26", last_bits=7)
        equal(status == OK, same_atqa)
        equal(bench.answered(*RECEIPT), 0)  # two ATQAs that collide do not say who is there
        bench.reader.exchange(b"\x93\x20")
        equal(bench.answered(), 2)


def check_a_second_badge_beside_one_that_is_read():
    bench = Bench()
    bench.hold(SMALL)
    equal(bench.reader.uid(), SMALL)
    bench.hold(OTHER)
    equal(bench.answered(), 1)
    assert not bench.board.present(OTHER)
    equal(bench.panel("taps"), 2)  # it is the same card, and was there already
    bench.reader.start()  # the field comes up anew: both begin together
    assert bench.reader.request()
    bench.reader.exchange(b"\x93\x20")
    equal(bench.answered(), 2)


def check_an_alarm_in_front_of_nobody():
    bench = Bench()
    equal(bench.answered(1800, 1200), 0)
    bench.hold(SMALL)
    equal(bench.reader.uid(), SMALL)
    equal(bench.answered(*range(100, 140)), 1)  # more tones than the panel keeps
    equal(len(bench.panel("sounds")), 32)
    bench.board.remove(SMALL)
    equal(bench.answered(1800, 1200), 1)
