"""The thin edges against the board's models: display, arm, buzzer, ring, calendar, radio."""

import time

from checks_cards import bench
from standins import equal

from firmware import pins
from firmware.drivers import rtc
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.lights import Lights
from firmware.drivers.oled import RETRY_FLUSHES, Oled
from firmware.drivers.turnstile import Turnstile
from firmware.drivers.wifi import Wifi
from simulator.board import registry
from simulator.board.glass import read_lines


def oled():
    return Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)


def draw(display):
    written = 0
    while display.flush():
        written += 1
    return written


def check_the_display_shows_what_was_written_and_only_changes_are_sent():
    board, _reader = bench()
    display = oled()
    display.text(0, "Werf Noord")
    display.text(3, "BADGE HIER")
    equal(draw(display), 8)
    equal(read_lines(board.display.visible()), ["Werf Noord", "BADGE HIER"])
    display.text(3, "BADGE HIER")
    equal(draw(display), 0)
    display.text(3, "OFFLINE - OK 12")
    equal(draw(display), 1)
    display.text(0, "")
    draw(display)
    equal(read_lines(board.display.visible()), ["OFFLINE - OK 12"])


def check_a_missing_display_is_left_alone_and_found_again():
    board, _reader = bench()
    devices = registry.i2c_buses[0][1]
    gone = devices.pop(pins.OLED_ADDRESS)
    display = oled()
    display.text(0, "HELLO")
    before = registry.i2c_transactions
    for _ in range(RETRY_FLUSHES):
        assert not display.flush()
    equal(registry.i2c_transactions, before)
    devices[pins.OLED_ADDRESS] = gone
    flushes = 0
    while not display.flush():
        flushes += 1
        assert flushes <= RETRY_FLUSHES
    draw(display)
    equal(read_lines(board.display.visible()), ["HELLO"])
    devices.pop(pins.OLED_ADDRESS)
    display.text(0, "PULLED OUT")
    assert not display.flush()
    devices[pins.OLED_ADDRESS] = gone
    for _ in range(RETRY_FLUSHES + 20):
        display.flush()
    equal(read_lines(board.display.visible()), ["PULLED OUT"])


def check_the_arm_is_closed_at_the_start_and_closes_again():
    registry.clear()
    relay = registry.line(pins.RELAY)
    arm = Turnstile(pins.RELAY, 3000)
    equal(relay.value(), 0)
    arm.step(0)
    arm.open(1000)
    equal(relay.value(), 1)
    arm.step(3999)
    equal(relay.value(), 1)
    arm.open(3999)  # the next person: three seconds more
    arm.step(4000)
    equal(relay.value(), 1)
    arm.step(6999)
    equal(relay.value(), 0)


def check_tones_and_colours_arrive():
    board, _reader = bench()
    buzzer = Buzzer(pins.BUZZER)
    equal(board.buzzer.hertz, 0)
    buzzer.tone(880)
    equal(board.buzzer.hertz, 880)
    buzzer.tone(0)
    equal(board.buzzer.hertz, 0)
    Lights(pins.RING, pins.RING_PIXELS).fill((1, 2, 3))
    equal(board.news()["ring"], [[1, 2, 3]] * 12)


def check_the_calendar_takes_utc():
    bench()
    rtc.set_utc(1_772_323_199)  # 28 February 2026, 23:59:59, a Saturday
    equal(registry.rtc.datetime()[:7], (2026, 2, 28, 5, 23, 59, 59))
    rtc.set_utc(1_835_395_200)  # 29 February 2028, a Tuesday
    equal(registry.rtc.datetime()[:7], (2028, 2, 29, 1, 0, 0, 0))


def check_the_radio_joins_leaves_and_starts_anew():
    board, _reader = bench()
    wifi = Wifi("werf", "not-a-secret")
    assert not wifi.joined()
    wifi.switch_on()
    for begin in (wifi.join, wifi.restart):
        begin()
        wifi.join()
        deadline = time.ticks_add(time.ticks_ms(), 2000)
        while not wifi.joined():
            assert time.ticks_diff(deadline, time.ticks_ms()) > 0
    board.wifi.set_in_range(False)
    assert not wifi.joined()
    board.wifi.set_in_range(True)
    wifi.leave()
    assert not wifi.joined()
