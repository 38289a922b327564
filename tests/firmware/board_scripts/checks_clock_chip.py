"""The clock chip behind its registers, and when its time is believed."""

from standins import Ticks, equal

from firmware.clock import BACK_MAX_S, CHIP_AHEAD_S, Clock
from firmware.drivers.ds3231 import ClockChipError, Ds3231
from protocol.record import QUALITY_HUB, QUALITY_NONE, QUALITY_RTC
from simulator.board import ds3231 as model
from simulator.board import registry

UTC_S = 1_795_450_000
ADDRESS = 0x68


class Bench:
    """The chip on a bus, with the true time in the hand."""

    def __init__(self):
        from machine import I2C

        registry.clear()
        self.now_s = UTC_S
        self.chip = model.Ds3231(lambda: self.now_s)
        registry.attach_i2c(0, (4, 5), ADDRESS, self.chip)
        self.driver = Ds3231(I2C(0, sda=4, scl=5), ADDRESS)

    def code(self):
        try:
            self.driver.utc_s()
        except ClockChipError as error:
            return error.code
        return ""


def check_a_new_chip_is_not_believed_until_it_is_set():
    bench = Bench()
    equal(bench.code(), "stopped")
    bench.driver.set_utc(UTC_S)
    equal(bench.driver.utc_s(), UTC_S)
    bench.now_s += 12_345
    equal(bench.driver.utc_s(), UTC_S + 12_345)
    bench.chip.lose_battery()
    equal(bench.code(), "stopped")


def check_every_kind_of_date_is_kept():
    bench = Bench()
    for utc_s in (
        946_684_800,  # 2000-01-01
        1_835_395_199,  # 2028-02-28 23:59:59
        1_835_395_200,  # the leap day
        1_806_195_599,  # before summer time
        4_102_444_798,  # 2099-12-31 23:59:58
    ):
        bench.driver.set_utc(utc_s)
        equal(bench.driver.utc_s(), utc_s)
        bench.now_s += 1
        equal(bench.driver.utc_s(), utc_s + 1)


def check_what_is_no_time_is_garbled():
    bench = Bench()
    bench.driver.set_utc(UTC_S)
    for register, value in ((0, 0x7A), (0, 0x60), (2, 0x64), (2, 0x24), (4, 0x00), (5, 0x13)):
        before = bench.chip.send

        def answer(count, register=register, value=value, before=before):
            out = bytearray(before(count))
            if count == 7:
                out[register] = value
            return bytes(out)

        bench.chip.send = answer
        equal(bench.code(), "garbled", (register, value))
        bench.chip.send = before
    equal(bench.code(), "")


def check_a_chip_that_does_not_answer_is_missing():
    bench = Bench()
    registry.silent_i2c.add(ADDRESS)
    equal(bench.code(), "missing")
    try:
        bench.driver.set_utc(UTC_S)
        raise AssertionError("nobody answered")
    except ClockChipError as error:
        equal(error.code, "missing")


def check_its_temperature():
    equal(Bench().driver.temperature(), 212)


def clock(not_before_s=0):
    ticks = Ticks(start=(1 << 30) - 1000)
    made = Clock(3, ticks.ms, ticks.diff)
    made.not_before_s = not_before_s
    return made, ticks


def check_the_chips_time_counts_from_the_start():
    made, ticks = clock(UTC_S - 100)
    assert made.chip_says(UTC_S, made.now_ms())
    equal(made.quality, QUALITY_RTC)
    ticks.total += 5000
    equal(made.utc_at(made.now_ms()), UTC_S * 1000 + 5000)


def check_a_chip_that_cannot_be_right_is_not_believed():
    for said in (UTC_S - 101, 946_684_800, UTC_S + CHIP_AHEAD_S + 1):
        made, _ticks = clock(UTC_S - 100 if said < UTC_S else UTC_S)
        assert not made.chip_says(said, made.now_ms()), said
        equal(made.quality, QUALITY_NONE)
        equal(made.utc_at(made.now_ms()), 0)


def answer(made, ticks, utc_s):
    asked = made.now_ms()
    made.connected(asked)
    made.question(asked)
    ticks.total += 20
    return made.answered(3, asked, utc_s, 0, made.now_ms(), lambda _before, _quality: None)


def check_the_hub_corrects_the_chip_and_never_the_other_way():
    made, ticks = clock(UTC_S - 100)
    made.chip_says(UTC_S, made.now_ms())
    assert answer(made, ticks, UTC_S + 7)
    equal(made.quality, QUALITY_HUB)
    equal(made.step_ms, 7000 - 10, "what the chip was off")
    assert not made.chip_says(UTC_S + 500, made.now_ms())
    equal(made.utc_at(made.now_ms()), (UTC_S + 7) * 1000 + 10)


def check_a_hub_that_is_far_in_the_past_is_not_believed():
    made, ticks = clock(UTC_S)
    assert not answer(made, ticks, UTC_S - BACK_MAX_S - 1)
    equal(made.refused, 1)
    equal(made.quality, QUALITY_NONE)
    assert answer(made, ticks, UTC_S - BACK_MAX_S + 1)


def check_certificates_are_checked_against_the_newest_known_date():
    made, ticks = clock(UTC_S)
    equal(made.calendar(made.now_ms()), UTC_S, "the chip's own calendar stands in 2021")
    assert answer(made, ticks, UTC_S + 1000)
    equal(made.calendar(made.now_ms()), UTC_S + 1000)
