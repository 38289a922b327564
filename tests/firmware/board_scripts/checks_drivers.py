"""The thin edges against the board's models: display, arm, buzzer, ring, calendar, radio."""

import time

import network
from checks_cards import bench
from standins import equal

from firmware import icons, pins
from firmware.drivers import rtc
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.lights import Lights
from firmware.drivers.oled import RENEW_FLUSHES, RETRY_FLUSHES, Oled
from firmware.drivers.power import Power
from firmware.drivers.turnstile import BOUNCE_MS, Turnstile
from firmware.drivers.wifi import RSSI_EVERY_MS, Wifi
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
    display.text(2, "BADGE HIER")
    equal(draw(display), 8)
    equal(read_lines(board.display.visible()), ["Werf Noord", "BADGE HIER"])
    display.text(2, "BADGE HIER")
    equal(draw(display), 0)
    display.text(2, "OFFLINE - OK 12")
    equal(draw(display), 2)
    display.text(0, "")
    draw(display)
    equal(read_lines(board.display.visible()), ["OFFLINE - OK 12"])


def check_a_picture_takes_the_place_of_two_lines():
    board, _reader = bench()
    display = oled()
    display.text(0, "Werf Noord")
    display.text(1, "07:31          →")
    display.text(2, "BADGE HIER")
    draw(display)
    display.picture(icons.TICK)
    for row, line in enumerate(("", "", "WELCOME", "KEPT", "→ IN")):
        display.text(row, line, True)
    assert 0 < draw(display) <= 8, "an answer is on the display within eight pages"
    shown = board.display.visible()
    equal(read_lines(shown), ["WELCOME", "KEPT", "→ IN"])
    top = shown[: 3 * 128]
    assert 20 < sum([bin(column).count("1") for column in top]) < 200
    assert not any(top[:30]), "it stands in the middle"
    display.picture(icons.NONE)
    display.text(0, "Werf Noord")
    draw(display)
    equal(read_lines(board.display.visible()), ["Werf Noord", "WELCOME", "KEPT", "→ IN"])


def check_no_picture_leaves_its_place_and_each_is_another():
    board, _reader = bench()
    display = oled()
    display.text(2, "BELOW")
    seen = set()
    for name in dir(icons):
        picture = getattr(icons, name)
        if isinstance(picture, bytes) and picture:
            display.picture(picture)
            draw(display)
            shown = bytes(board.display.visible())
            equal(read_lines(shown), ["BELOW"], name)
            assert shown[: 3 * 128] not in seen, name
            seen.add(shown[: 3 * 128])
    assert len(seen) >= 20


def check_marks_keep_off_the_lines_around_them():
    board, _reader = bench()
    display = oled()
    for row in range(5):
        display.text(row, "ÄÉŞȘĄÇÂĞİŻ jgpqy")
    draw(display)
    shown = board.display.visible()

    def dark(y):
        return not any(shown[y // 8 * 128 + x] >> y % 8 & 1 for x in range(10 * 8))

    for row in range(1, 5):
        assert dark(13 * row + 1), "between a capital and its mark"
    whole = bytes(shown)
    display.text(2, "")
    draw(display)
    display.text(2, "ÄÉŞȘĄÇÂĞİŻ jgpqy")
    draw(display)
    equal(bytes(board.display.visible()), whole, "a line takes nothing of the next ones along")


def check_a_display_that_lost_its_supply_comes_back_within_a_minute():
    board, _reader = bench()
    display = oled()
    display.text(2, "BADGE HIER")
    draw(display)
    board.display.receive(b"\x00\xae")  # off, as after power-on
    equal(read_lines(board.display.visible()), [])
    for _ in range(RENEW_FLUSHES + 8):
        display.flush()
    equal(read_lines(board.display.visible()), ["BADGE HIER"])


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


def check_the_arm_is_locked_at_the_start_and_its_turns_are_counted():
    registry.clear()
    relay = registry.line(pins.RELAY)
    contact = registry.line(15)
    contact.set_outside(1)
    arm = Turnstile(pins.RELAY, 15)
    equal(relay.value(), 0)
    arm.release(True)
    equal(relay.value(), 1)
    equal(arm.turned(), 0)
    time.sleep_ms(BOUNCE_MS + 5)
    for level in (0, 1, 0, 1, 0):  # a dry contact bounces
        contact.set_outside(level)
    equal(arm.turned(), 1)
    equal(arm.turned(), 0)
    time.sleep_ms(BOUNCE_MS + 5)
    contact.set_outside(1)
    contact.set_outside(0)
    equal(arm.turned(), 1)
    arm.release(False)
    equal(relay.value(), 0)


def check_supply_and_temperature():
    class Wiring:
        SUPPLY_ADC = 26
        SUPPLY_DIVIDER_NUM = 2
        SUPPLY_DIVIDER_DEN = 1
        TEMPERATURE_ADC = 27
        TEMPERATURE_ZERO_MV = 500
        TEMPERATURE_MV_PER_DEGREE = 10
        ADC_REFERENCE_MV = 3300

    board, _reader = bench()
    power = Power(Wiring)
    assert abs(power.supply_mv() - 5000) < 10, power.supply_mv()
    board.set_supply(4300)
    assert abs(power.supply_mv() - 4300) < 10, power.supply_mv()
    assert abs(power.temperature() - 215) < 15, power.temperature()


def check_a_reset_is_told_by_its_cause():
    from firmware.drivers import chip
    from protocol.messages import RESET_POWER, RESET_SOFTWARE, RESET_WATCHDOG

    registry.clear()
    equal(chip.reset_cause(False), RESET_POWER)
    registry.reset_cause = 3
    equal(chip.reset_cause(False), RESET_WATCHDOG)
    equal(chip.reset_cause(True), RESET_SOFTWARE)
    registry.clear()


def check_tones_and_colours_arrive():
    board, _reader = bench()
    buzzer = Buzzer(pins.BUZZER)
    equal(board.buzzer.hertz, 0)
    buzzer.tone(880)
    equal(board.buzzer.hertz, 880)
    buzzer.tone(0)
    equal(board.buzzer.hertz, 0)
    Lights(pins.RING, pins.RING_PIXELS).paint(0x803, (1, 2, 3), (4, 5, 6))
    equal(board.news()["ring"], [[1, 2, 3]] * 2 + [[4, 5, 6]] * 9 + [[1, 2, 3]])


def check_the_sound_is_as_loud_as_it_is_set():
    board, _reader = bench()
    buzzer = Buzzer(pins.BUZZER)
    duties = []
    for level in (100, 50, 1, 0):
        buzzer.level = level
        buzzer.tone(880)
        duties.append(buzzer._pwm.duty_u16())
        equal(board.buzzer.hertz, 880 if level else 0)
    equal(duties, [32768, 8192, 3, 0])
    buzzer.level = 30
    equal(board.buzzer.hertz, 0, "not before the next tone")
    buzzer.tone(440)
    equal(board.buzzer.hertz, 440)


def check_the_calendar_takes_utc():
    bench()
    rtc.set_utc(1_772_323_199)  # 28 February 2026, 23:59:59, a Saturday
    equal(registry.rtc.datetime()[:7], (2026, 2, 28, 5, 23, 59, 59))
    rtc.set_utc(1_835_395_200)  # 29 February 2028, a Tuesday
    equal(registry.rtc.datetime()[:7], (2028, 2, 29, 1, 0, 0, 0))


def joins(wifi):
    """Begins to join and waits; returns whether it worked."""
    wifi.join()
    deadline = time.ticks_add(time.ticks_ms(), 2000)
    while not wifi.joined():
        if wifi.failed():
            return False
        assert time.ticks_diff(deadline, time.ticks_ms()) > 0
    return True


def check_the_radio_joins_leaves_and_starts_anew():
    board, _reader = bench()
    wifi = Wifi((("werf", "not-a-secret"),))
    assert not wifi.joined()
    wifi.switch_on()
    equal(network.country(), "BE")
    equal(wifi._wlan.config("pm"), network.WLAN.PM_NONE)
    assert joins(wifi)
    wifi._wlan.config(pm=network.WLAN.PM_PERFORMANCE)
    wifi.restart()
    equal(wifi._wlan.config("pm"), network.WLAN.PM_NONE)
    assert not wifi.joined()
    assert joins(wifi)
    equal((wifi.joins, wifi.resets), (2, 1))
    board.wifi.set_in_range(False)
    assert not wifi.joined()
    assert not joins(wifi)
    board.wifi.set_in_range(True)
    assert joins(wifi)
    wifi.leave()
    assert not wifi.joined()
    equal(wifi.joins, 3)


def check_the_next_network_is_tried_and_the_first_preferred():
    board, _reader = bench()
    board.wifi.set_points([("third", "c", -70), ("second", "changed", -40)])
    wifi = Wifi((("first", "a"), ("second", "b"), ("third", "c")))
    wifi.switch_on()
    assert not joins(wifi)  # not there
    wifi.move_on()
    assert not joins(wifi)  # another password
    equal(wifi._wlan.status(), network.STAT_WRONG_PASSWORD)
    wifi.move_on()
    assert joins(wifi)
    equal(board.wifi.point(), 0)
    board.wifi.set_points([("first", "a", -50), ("third", "c", -70)])
    assert wifi.joined()  # what works is kept
    wifi.leave()
    wifi.prefer()
    assert joins(wifi)
    equal(board.wifi.point(), 0)
    for _ in range(3):
        wifi.move_on()
    assert joins(wifi)  # after the last comes the first


def check_no_network_at_all_is_no_error():
    bench()
    wifi = Wifi(())
    wifi.switch_on()
    wifi.join()
    wifi.move_on()
    assert not wifi.joined()


def check_the_signal_is_read_rarely_and_not_when_it_does_harm():
    board, _reader = bench()
    wifi = Wifi((("werf", "x"),))
    wifi.switch_on()
    equal(wifi.rssi(), 0)
    assert joins(wifi)
    assert wifi.measure(0)
    equal(wifi.rssi(), -55)
    for now_ms in (1, RSSI_EVERY_MS - 1):
        assert not wifi.measure(now_ms)
        equal(wifi.rssi(), -55)
    equal(board.wifi.readings, 1)
    board.wifi.fragile = True
    assert wifi.measure(RSSI_EVERY_MS)
    assert not wifi.joined()
    wifi.harmed()
    wifi.harmed()
    assert not wifi.measures
    assert not wifi.measure(9 * RSSI_EVERY_MS)
    equal((wifi.rssi(), board.wifi.readings), (0, 2))


def check_a_signal_that_cannot_be_is_not_told():
    bench()
    wifi = Wifi((("werf", "x"),))

    class Odd:
        def status(self, _what):
            if isinstance(self.value, Exception):
                raise self.value
            return self.value

    wifi._wlan = Odd()
    at = 0
    for value, told in ((-60, -60), (0, 0), (5, 0), (-200, 0), (None, 0), (OSError(5), 0)):
        wifi._wlan.value = value
        assert wifi.measure(at)
        equal(wifi.rssi(), told)
        at += RSSI_EVERY_MS
