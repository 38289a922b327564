"""Housekeeping: contacts become records, the supply is watched, health is told, the dog is fed."""

import asyncio
import struct

from standins import Parts, RamFlash, equal, formatted, mount, table_for, uid_of

from firmware.arm import Arm
from firmware.care import PART_MS, PART_PANEL, PART_TAPS, SUPPLY_BACK_MV, Beats, Care
from firmware.contacts import Alarms, Buttons, Steady
from firmware.health import REJECTED_EVERY_MS, Health
from firmware.journal import JournalError
from firmware.settings import DIRECTION_BUTTONS
from protocol import faults
from protocol.messages import (
    ALARM_CLOCK_CHIP,
    ALARM_FIRE,
    ALARM_SUPPLY,
    ALARM_TAMPER,
    HEALTH,
    health,
)
from protocol.record import (
    CONTACT_DATA,
    DIRECTION_OUT,
    KIND_FAULT,
    KIND_FIRE,
    KIND_PASSAGE,
    KIND_TAMPER,
    unpack_record,
)

BLOCKS = 48


class Wire:
    def __init__(self, closed):
        self.now = closed

    def closed(self):
        return self.now


class Power:
    millivolts = 5000

    def supply_mv(self):
        return self.millivolts

    def temperature(self):
        return 215


class Radio:
    resets = 2

    def joined(self):
        return False

    def rssi(self):
        return -61


class Uplink:
    """What care asks of the uplink."""

    class Sender:
        unsent = 4

    def __init__(self):
        self.sender = self.Sender()
        self.refused = 0
        self.due = 0

    def note_due(self, now_ms):
        """Nothing is to be noted."""

    def health_due(self, now_ms):
        self.due += 1

    def online(self, now_ms):
        return False


class Bench:
    """A gate with everything but reader and link."""

    def __init__(self, direction=1, least=0):
        mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
        parts = self.parts = Parts(direction=direction)
        parts.settings.supply_min_mv = least
        parts.install(1, table_for((1, 2, 3)))
        self.lid, self.fire = Wire(True), Wire(True)
        self.into, self.out = Wire(False), Wire(False)
        self.health = Health(parts.clock, parts.journal, parts.roster, parts.panel)
        self.health.watch_taps(parts.taps)
        self.power = Power()
        self.uplink = Uplink()
        self.beats = Beats(parts.clock.now_ms)
        self.fed = 0
        alarms = Alarms(Steady(self.lid, True), Steady(self.fire, True))
        self.arm = Arm(None, _NoArm(), None, None)
        self.care = Care(
            parts.settings,
            parts.clock,
            parts.journal,
            parts.panel,
            parts.taps,
            self.arm,
            parts.today,
            self.health,
            Buttons(Steady(self.into, False), Steady(self.out, False)),
            alarms,
            self.power,
            Radio(),
            self.beats,
            self._feed,
        )
        alarms.keep = self.care.contact
        self.head = parts.journal.head

    def _feed(self):
        self.fed += 1

    def steps(self, count, beating=True):
        async def run():
            for _ in range(count):
                self.parts.ticks.total += 50
                if beating:
                    self.beats.beat(PART_TAPS)
                    self.beats.beat(PART_PANEL)
                await self.care.step(self.uplink)

        asyncio.run(run())

    def kept(self):
        """(kind, data) of what was kept since the start."""
        found = []
        for sequence in range(self.head + 1, self.parts.journal.head + 1):
            record = unpack_record(self.parts.journal.read(sequence, 1))
            found.append((record.kind, record.data))
        return found


class _NoArm:
    relay_mode = "pulse"
    open_ms = 1
    passage_ms = 1
    passage = False


def check_lid_and_fire_are_records_and_alarms():
    bench = Bench()
    bench.steps(10)
    equal(bench.kept(), [])
    bench.lid.now = False
    bench.fire.now = False
    bench.steps(6)
    equal(
        bench.kept(),
        [(KIND_TAMPER, struct.pack(CONTACT_DATA, 1)), (KIND_FIRE, struct.pack(CONTACT_DATA, 1))],
    )
    idle = bench.parts.panel.idle
    assert idle.tamper
    assert idle.fire
    assert bench.arm.free, "the fire panel has dropped the arm: turning it is no break-in"
    equal(bench.health.alarms() & (ALARM_TAMPER | ALARM_FIRE), ALARM_TAMPER | ALARM_FIRE)
    bench.lid.now = bench.fire.now = True
    bench.steps(6)
    equal([data[0] for _kind, data in bench.kept()], [1, 1, 0, 0])
    assert not idle.fire
    assert not bench.arm.free


def check_a_contact_is_kept_when_the_journal_takes_it_again():
    from firmware.journal import JournalError

    bench = Bench()
    note = bench.parts.journal.note

    def refuse(*_arguments):
        raise JournalError("flash")

    bench.parts.journal.note = refuse
    bench.lid.now = False
    bench.steps(10)
    bench.parts.journal.note = note
    equal(bench.kept(), [])
    bench.steps(1)
    equal(bench.kept(), [(KIND_TAMPER, struct.pack(CONTACT_DATA, 1))])


def check_a_button_reaches_the_tap_path():
    bench = Bench(direction=DIRECTION_BUTTONS)
    bench.out.now = True
    bench.steps(3)
    bench.parts.tap(uid_of(1))
    record = unpack_record(bench.parts.journal.read(bench.parts.journal.head, 1))
    equal(record.direction, DIRECTION_OUT)


def check_the_supply_stops_writing_and_says_so_afterwards():
    bench = Bench(least=4500)
    bench.steps(25)
    bench.power.millivolts = 4400
    bench.steps(25)
    assert not bench.parts.taps.writable
    assert bench.parts.panel.idle.supply_low
    equal(bench.health.alarms() & ALARM_SUPPLY, ALARM_SUPPLY)
    bench.lid.now = False
    # Passages, faults and a corrected clock are records like any other: not written either.
    bench.health.fault(faults.TASK, 1)
    try:
        bench.parts.journal.note(KIND_PASSAGE, 0, bench.parts.clock, 1, bytes(8))
        raise AssertionError("written with too low a supply")
    except JournalError as error:
        equal(error.code, "supply")
    bench.power.millivolts = 4300
    bench.steps(25)
    bench.power.millivolts = 4500 + SUPPLY_BACK_MV - 1
    bench.steps(25)
    equal(bench.kept(), [], "nothing is written, not even that it is low")
    bench.power.millivolts = 4500 + SUPPLY_BACK_MV
    bench.steps(25)
    assert bench.parts.taps.writable
    told = []
    for kind, data in bench.kept():
        if kind == KIND_FAULT:
            code, _count, detail = faults.fields(data)
            told.append((code, detail))
    equal(told, [(faults.SUPPLY_LOW, 4300), (faults.SUPPLY_BACK, 4650)])
    assert (KIND_TAMPER, struct.pack(CONTACT_DATA, 1)) in bench.kept(), "what had to wait"


def check_a_supply_that_nobody_watches_stops_nothing():
    bench = Bench()
    bench.power.millivolts = 100
    bench.steps(50)
    assert bench.parts.taps.writable
    equal(bench.health.supply_mv, 100)


def check_the_dog_is_fed_while_the_parts_move():
    bench = Bench()
    bench.steps(10)
    equal(bench.fed, 10)
    for part in (PART_TAPS, PART_PANEL):
        bench = Bench()
        bench.steps(PART_MS // 50 - 1, beating=False)
        fed = bench.fed
        bench.parts.ticks.total += 100
        bench.beats.beat(PART_PANEL if part == PART_TAPS else PART_TAPS)
        bench.steps(5, beating=False)
        equal(bench.fed, fed, "part {} stands still".format(part))


def check_a_link_that_gives_up_ends_the_feeding_unless_somebody_is_there():
    bench = Bench()
    bench.parts.tap(uid_of(1), wait_ms=0)
    assert not bench.care.give_up()
    bench.steps(2)
    equal(bench.fed, 2)
    bench.parts.ticks.total += 10_000
    bench.beats.beat(PART_TAPS)
    assert bench.care.give_up()
    bench.steps(2)
    equal(bench.fed, 2)


def check_health_goes_out_when_something_changed():
    bench = Bench()
    bench.steps(10)
    equal(bench.uplink.due, 1, "the first report")
    bench.steps(20)
    equal(bench.uplink.due, 1)
    bench.lid.now = False
    bench.steps(10)
    equal(bench.uplink.due, 2)
    bench.parts.panel.idle.reader_ok = False
    bench.steps(5)
    equal(bench.uplink.due, 3)


def check_the_report_has_every_number_of_the_message():
    bench = Bench()
    bench.health.clock_chip = False
    bench.parts.tap(uid_of(1))
    bench.parts.tap(uid_of(99))
    bench.steps(10)
    report = bench.health.report()
    names = [name for name, _least, _most in HEALTH]
    for name in report:
        assert name in names, name
    # What the uplink itself adds.
    for name in names:
        by_uplink = ("unsent", "clock_quality", "roster_version", "uptime_s", "refused")
        assert name in report or name in by_uplink, name
    equal((report["taps"], report["rssi"], report["radio_resets"]), (2, -61, 2))
    equal(report["temperature"], 215)
    equal(report["supply_mv"], 5000)
    equal(report["alarms"], ALARM_CLOCK_CHIP)
    assert report["flash_free"] > 4096
    equal(len(health(report)), len(HEALTH) + 1)


def check_a_roster_that_finds_no_room_is_one_record():
    bench = Bench()

    class Intake:
        refused_version = 0

    intake = Intake()
    bench.health.watch_intake(intake)
    bench.steps(10)
    intake.refused_version = 77
    bench.steps(20)
    intake.refused_version = 0  # it was taken in the end
    bench.steps(10)
    told = [faults.fields(data) for kind, data in bench.kept() if kind == KIND_FAULT]
    equal([(code, detail) for code, _count, detail in told], [(faults.ROSTER_REFUSED, 77)])


def check_troubles_that_begin_are_records():
    bench = Bench()
    bench.parts.roster.damaged = True
    bench.steps(20)
    bench.parts.roster.damaged = False
    bench.parts.journal.nearly_full = True
    bench.steps(5)
    told = [faults.fields(data)[0] for kind, data in bench.kept() if kind == KIND_FAULT]
    equal(told, [faults.ROSTER_DAMAGED, faults.JOURNAL_NEARLY_FULL])


def check_what_comes_from_outside_and_is_not_used_is_a_record_now_and_then():
    bench = Bench()
    bench.steps(10)
    bench.uplink.refused = 3
    bench.parts.clock.refused = 1
    bench.steps(10)
    bench.uplink.refused = 9000
    bench.steps(100)
    told = [faults.fields(data) for kind, data in bench.kept() if kind == KIND_FAULT]
    equal(
        [(code, detail) for code, _count, detail in told], [(faults.TIME, 1), (faults.MESSAGE, 3)]
    )
    bench.parts.ticks.total += REJECTED_EVERY_MS
    bench.steps(10)
    code, _count, detail = faults.fields(bench.kept()[-1][1])
    equal((code, detail), (faults.MESSAGE, 9000))


def check_the_idle_picture_follows():
    bench = Bench()
    bench.steps(5)
    idle = bench.parts.panel.idle
    equal((idle.unsent, idle.link, idle.utc_s), (4, 0, 0))
    assert not idle.full
