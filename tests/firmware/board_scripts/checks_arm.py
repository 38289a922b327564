"""The arm: released for one person, followed by its contact, forced, and locked again."""

import struct

from standins import equal

from firmware.arm import WAITING_MAX, Arm
from firmware.contacts import Alarms, Buttons, Steady
from firmware.settings import RELAY_LEVEL, RELAY_PULSE
from protocol.record import DIRECTION_IN, FORCED, NOT_PASSED, PASSAGE_DATA, PASSED


class Relay:
    """Relay and contact of an arm that is moved by hand."""

    def __init__(self):
        self.released = False
        self.turns = 0

    def release(self, on):
        self.released = on

    def turned(self):
        turns = self.turns
        self.turns = 0
        return turns


class Ways:
    """Settings of an arm."""

    def __init__(self, mode=RELAY_PULSE, passage=True):
        self.relay_mode = mode
        self.passage = passage
        self.open_ms = 3000
        self.passage_ms = 8000


class Bench:
    def __init__(self, **options):
        self.relay = Relay()
        self.kept = []
        self.alarms = []
        self.arm = Arm(self.relay, Ways(**options), self._keep, self.alarms.append)

    def _keep(self, data, direction, now_ms):
        sequence, hundredths, outcome, _zero = struct.unpack(PASSAGE_DATA, data)
        self.kept.append((sequence, hundredths, outcome, direction, now_ms))


def check_a_pulse_ends_by_its_time_alone():
    bench = Bench(passage=False)
    assert not bench.relay.released
    bench.arm.open(1000, 7, DIRECTION_IN)
    assert bench.relay.released
    bench.arm.step(3999)
    assert bench.relay.released
    bench.arm.step(4000)
    assert not bench.relay.released
    bench.relay.turns = 3
    bench.arm.step(4100)
    equal((bench.kept, bench.alarms), ([], []), "no contact is wired: nothing is concluded")


def check_a_person_who_went_through_is_a_record_of_the_tap():
    bench = Bench()
    bench.arm.open(1000, 7, DIRECTION_IN)
    bench.relay.turns = 1
    bench.arm.step(2550)
    equal(bench.kept, [(7, 155, PASSED, DIRECTION_IN, 2550)])
    equal(bench.arm.passages, 1)
    assert bench.relay.released, "a pulse is not cut short"
    bench.arm.step(20000)
    equal(len(bench.kept), 1)


def check_nobody_went_through():
    bench = Bench()
    bench.arm.open(1000, 7, DIRECTION_IN)
    bench.arm.step(8999)
    equal(bench.kept, [])
    bench.arm.step(9000)
    equal(bench.kept, [(7, 800, NOT_PASSED, DIRECTION_IN, 9000)])
    equal(bench.arm.not_passed, 1)


def check_two_people_in_a_row_each_have_their_passage():
    bench = Bench()
    bench.arm.open(1000, 7, DIRECTION_IN)
    bench.arm.open(2000, 9, DIRECTION_IN)
    bench.relay.turns = 1
    bench.arm.step(2500)
    bench.relay.turns = 1
    bench.arm.step(3500)
    equal([kept[:3] for kept in bench.kept], [(7, 150, PASSED), (9, 150, PASSED)])
    equal(bench.alarms, [])


def check_both_turned_between_two_steps():
    bench = Bench()
    bench.arm.open(1000, 7, DIRECTION_IN)
    bench.arm.open(1000, 9, DIRECTION_IN)
    bench.relay.turns = 2
    bench.arm.step(1400)
    equal([kept[0] for kept in bench.kept], [7, 9])


def check_more_than_the_arm_can_follow_count_as_not_passed():
    bench = Bench()
    for number in range(WAITING_MAX + 1):
        bench.arm.open(1000 + number, 10 + number, DIRECTION_IN)
    equal([kept[:3] for kept in bench.kept], [(10, 0, NOT_PASSED)])


def check_an_arm_that_turns_by_itself_is_forced():
    bench = Bench()
    bench.relay.turns = 1
    bench.arm.step(500)
    equal(bench.kept, [(0, 0, FORCED, 0, 500)])
    equal((bench.alarms, bench.arm.forced), ([500], 1))
    bench.arm.free = True  # the fire panel has dropped it
    bench.relay.turns = 1
    bench.arm.step(600)
    equal(bench.arm.forced, 1)


def check_a_level_ends_with_the_person_or_the_time():
    bench = Bench(mode=RELAY_LEVEL)
    bench.arm.open(1000, 7, DIRECTION_IN)
    bench.arm.step(8999)
    assert bench.relay.released
    bench.relay.turns = 1
    bench.arm.step(8999)
    assert not bench.relay.released, "behind the person it locks"
    bench.arm.open(20000, 8, DIRECTION_IN)
    bench.arm.step(28000)
    assert not bench.relay.released
    equal([kept[2] for kept in bench.kept], [PASSED, NOT_PASSED])
    bench = Bench(mode=RELAY_LEVEL, passage=False)
    bench.arm.open(1000, 7, DIRECTION_IN)
    bench.arm.step(4000)
    assert not bench.relay.released, "without a contact its time is that of a pulse"


class Wire:
    def __init__(self, closed):
        self.now = closed

    def closed(self):
        return self.now


def check_a_contact_counts_when_it_holds_still():
    wire = Wire(False)
    steady = Steady(wire, False)
    changes = []
    for level in (True, False, True, False, True, True, True, False, True, False, False):
        wire.now = level
        changes.append(steady.step())
    equal([i for i in range(len(changes)) if changes[i]], [5, 10])


def check_a_button_held_down_is_one_press():
    into, out = Wire(False), Wire(False)
    buttons = Buttons(Steady(into, False), Steady(out, False))
    into.now = True
    equal([buttons.step() for _ in range(5)].count((True, False)), 1)
    into.now = False
    equal([buttons.step() for _ in range(5)], [(False, False)] * 5)
    out.now = True
    equal([buttons.step() for _ in range(5)].count((False, True)), 1)


def check_lid_and_fire_are_told_when_they_change():
    lid, fire = Wire(False), Wire(True)  # the lid was open when the gate started
    alarms = Alarms(Steady(lid, True), Steady(fire, True))
    told = []

    def keep(is_lid, alarm):
        told.append((is_lid, alarm))

    alarms.keep = keep
    for _ in range(4):
        alarms.step()
    equal(told, [(True, True)])
    assert alarms.lid_open
    assert not alarms.fire
    lid.now = True
    fire.now = False  # alarm, or a cut wire
    for _ in range(4):
        alarms.step()
    equal(told[1:], [(True, False), (False, True)])
    assert alarms.fire
