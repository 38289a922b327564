"""The shims: `machine`, `network`, `neopixel` and `time` as the rp2 port has them."""

import errno
import time

import machine
import neopixel
import network
from reader import OK, WUPA, Reader
from rig import equal

from simulator.board import registry
from simulator.board.assembly import Board
from simulator.board.pinout import read_pinout

ROOT = __file__.rpartition("/")[0] + "/../../.."
if hasattr(time, "monotonic_ns"):

    def now_us():
        return time.monotonic_ns() // 1000
else:
    now_us = time.ticks_us


class Changes:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


def _board():
    registry.clear()
    changes = Changes()
    board = Board(read_pinout(ROOT + "/hardware/pinout.toml"), now_us, changes)
    return board, changes


def _reader(**options):
    pins = {"sck": machine.Pin(18), "mosi": machine.Pin(19), "miso": machine.Pin(16)}
    pins.update(options)
    spi = machine.SPI(0, 4_000_000, **pins)
    return Reader(spi, machine.Pin(17), machine.Pin(20))


def _refused(error, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except error as refusal:
        return refusal
    raise AssertionError("not refused")


def check_pins():
    _board()
    out = machine.Pin(14, machine.Pin.OUT)
    equal(out.value(), 0)
    out.on()
    equal((out(), machine.Pin(14).value()), (1, 1))
    out.toggle()
    out(1)
    out.low()
    equal(out.value(), 0)
    equal(machine.Pin(7, machine.Pin.IN, machine.Pin.PULL_UP).value(), 1)
    button = machine.Pin(6, machine.Pin.IN, machine.Pin.PULL_UP)
    heard = []
    button.irq(lambda pin: heard.append(pin.value()), machine.Pin.IRQ_FALLING)
    registry.line(6).set_outside(0)
    registry.line(6).set_outside(None)
    equal((button(), heard), (1, [0]))
    _refused(ValueError, machine.Pin, 29)
    machine.Pin("LED", machine.Pin.OUT, value=1)


def check_uids_over_spi():
    board, _ = _board()
    reader = _reader()
    equal(reader.start(), 0x92)
    equal(reader.uid(), None)
    for text in ("deadbeef", "04a1b2c3d4e5f6", "0102030405060708090a"):
        uid = bytes.fromhex(text)
        board.present(uid)
        time.sleep_ms(6)
        equal(reader.uid(), uid)
        reader.halt()
        equal(reader.uid(), None)
        equal(reader.uid(WUPA), uid)
        board.remove(uid)
    assert board.counters()["spi_transactions"] > 200


def check_three_badges_at_once():
    board, _ = _board()
    reader = _reader()
    wanted = [bytes.fromhex(t) for t in ("04a1b2c3d4e5f6", "04a1b2c3d4e5f7", "04a1b3c3d4e5f6")]
    for uid in wanted:
        board.present(uid)
    reader.start()
    found = []
    for _ in range(12):
        uid = reader.uid()
        if uid is not None:
            found.append(uid)
            reader.halt()
    equal(sorted(found), sorted(wanted))


def check_reader_on_wrong_wires():
    board, _ = _board()
    board.present(b"\xde\xad\xbe\xef")
    for options in ({"miso": machine.Pin(4)}, {"baudrate": 12_000_000}, {"polarity": 1}):
        spi_options = {"baudrate": 1_000_000}
        spi_options.update(options)
        spi = machine.SPI(0, **spi_options)
        equal(Reader(spi, machine.Pin(17), machine.Pin(20)).start(), 0x00)
    equal(Reader(machine.SPI(0), machine.Pin(17), machine.Pin(20)).start(), 0x92)
    _refused(ValueError, machine.SPI, 2)


def check_spi_forms():
    _board()
    spi = machine.SPI(0)
    reader = Reader(spi, machine.Pin(17), machine.Pin(20))
    reader.start()
    select = machine.Pin(17)
    select(0)
    spi.write(b"\xee")  # read VersionReg
    equal(spi.read(1), b"\x92")
    select(1)
    select(0)
    buf = bytearray(2)
    spi.readinto(buf, 0xEE)
    equal(buf, b"\x00\x92")
    select(1)
    _refused(ValueError, spi.write_readinto, b"12", bytearray(3))
    status, _ = reader.exchange(b"\x26", last_bits=7)
    assert status != OK  # nobody there


def check_i2c():
    board, _ = _board()
    i2c = machine.I2C(0, scl=machine.Pin(5), sda=machine.Pin(4), freq=400_000)
    equal(i2c.scan(), [0x3C, 0x68])
    i2c.writeto(0x3C, b"\x00\xaf")
    assert board.display.on
    i2c.writeto_mem(0x3C, 0x40, b"\x01\x02")
    i2c.writevto(0x3C, (b"\x40", b"\x03"))
    equal(bytes(board.display.ram[:3]), b"\x01\x02\x03")
    equal(i2c.readfrom(0x3C, 1), b"\x00")
    buf = bytearray(1)
    i2c.readfrom_into(0x3C, buf)
    refusal = _refused(OSError, i2c.readfrom_mem, 0x50, 0, 7)  # nobody there
    equal(refusal.errno, errno.EIO)
    wrong = machine.I2C(0, scl=machine.Pin(9), sda=machine.Pin(8))
    equal(wrong.scan(), [])
    _refused(OSError, wrong.writeto, 0x3C, b"\x00")


def check_buzzer_and_ring():
    board, changes = _board()
    pwm = machine.PWM(machine.Pin(10))
    pwm.freq(880)
    equal(board.buzzer.hertz, 0)  # no duty, no sound
    pwm.duty_u16(32768)
    equal(board.buzzer.hertz, 880)
    pwm.duty_u16(0)
    pwm.freq(440)
    pwm.duty_u16(32768)
    pwm.deinit()
    news = board.news()
    equal((news["buzzer"], news["sounds"]), (0, [880, 440]))
    _refused(ValueError, pwm.freq, 7)
    strip = neopixel.NeoPixel(machine.Pin(11), 12)
    strip[0] = (255, 1, 2)
    strip.fill((0, 40, 0))
    strip[11] = (9, 8, 7)
    equal((len(strip), strip[11], bytes(strip.buf[-3:])), (12, (9, 8, 7), b"\x08\x09\x07"))
    equal(board.news(), {})  # nothing is lit before write
    before = changes.count
    strip.write()
    assert changes.count > before
    equal(board.news(), {"ring": [[0, 40, 0]] * 11 + [[9, 8, 7]]})
    board.present(b"\x01\x02\x03\x04")
    equal(board.news(), {"sounds": [], "taps": 1})


def check_turnstile():
    board, _ = _board()
    relay = machine.Pin(14, machine.Pin.OUT)
    passage = machine.Pin(15, machine.Pin.IN, machine.Pin.PULL_UP)
    fire = machine.Pin(12, machine.Pin.IN, machine.Pin.PULL_UP)
    equal((passage(), fire(), board.turnstile.walk_through()), (1, 0, False))
    board.news()
    relay.on()
    equal(board.news(), {"arm": "open"})
    assert board.turnstile.walk_through()
    equal(passage(), 0)
    relay.off()
    equal(board.news(), {"arm": "closed"})
    board.turnstile.set_fire(True)
    equal((fire(), relay(), board.news()), (1, 0, {"arm": "open"}))  # not by our software
    left = board.turnstile.tick()
    assert 0 < left <= 300
    time.sleep_ms(left + 2)
    equal((board.turnstile.tick(), passage()), (-1, 1))


def check_clock():
    _board()
    rtc = machine.RTC()
    equal(rtc.datetime()[:4], (2021, 1, 1, 4))  # a Friday
    assert 0 <= time.time() - 1609459200 < 5
    assert isinstance(time.time(), int)
    rtc.datetime((2026, 11, 23, 0, 6, 58, 59, 0))
    equal(rtc.datetime(), (2026, 11, 23, 0, 6, 58, 59, 0))
    equal(time.time(), 1795417139)
    equal(tuple(time.gmtime(0)), (1970, 1, 1, 0, 0, 0, 3, 1))
    equal(time.gmtime()[:5], (2026, 11, 23, 6, 58))
    equal(time.mktime(time.gmtime(1795417139)), 1795417139)
    equal(time.mktime((2024, 2, 29, 23, 59, 59, 0, 0)), 1709251199)


def check_watchdog():
    _board()
    _refused(ValueError, machine.WDT, 0, 9000)
    dog = machine.WDT(timeout=20)
    dog.feed()
    assert not dog.timed_out()
    time.sleep_ms(30)
    assert registry.watchdog.timed_out()
    equal(_refused(SystemExit, dog.feed).args[0], registry.EXIT_WATCHDOG)
    equal(_refused(SystemExit, machine.reset).args[0], registry.EXIT_RESET)
    equal((machine.reset_cause(), len(machine.unique_id())), (1, 8))


def check_network():
    board, _ = _board()
    wlan = network.WLAN(network.STA_IF)
    wlan.connect("site", "secret")
    assert not wlan.isconnected()  # not active
    wlan.active(True)
    wlan.connect("site", "secret")
    equal(wlan.status(), network.STAT_CONNECTING)
    time.sleep_ms(160)
    assert wlan.isconnected()
    board.wifi.set_in_range(False)
    assert not wlan.isconnected()
    board.wifi.set_in_range(True)
    assert not wlan.isconnected()  # not by itself
    board.wifi.set_in_range(False)
    wlan.connect()
    time.sleep_ms(160)
    equal(wlan.status(), network.STAT_NO_AP_FOUND)
    board.wifi.set_in_range(True)
    wlan.connect()
    time.sleep_ms(160)
    equal(wlan.status(), network.STAT_GOT_IP)
    wlan.disconnect()
    equal(wlan.status(), network.STAT_IDLE)
    wlan.config(pm=network.WLAN.PM_NONE)
    equal(wlan.config("pm"), network.WLAN.PM_NONE)


def check_access_points_by_name_and_password():
    board, _ = _board()
    board.wifi.set_points([["site", "secret", -48], ["open", "", -80]])
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    for name, key, status in (
        ("site", "secret", network.STAT_GOT_IP),
        ("site", "guess", network.STAT_WRONG_PASSWORD),
        ("other", "secret", network.STAT_NO_AP_FOUND),
        ("open", None, network.STAT_GOT_IP),
    ):
        wlan.disconnect()
        wlan.connect(name, key)
        time.sleep_ms(160)
        equal(wlan.status(), status)
    equal(board.wifi.point(), 1)
    equal(wlan.status("rssi"), -80)
    assert wlan.isconnected()
    board.wifi.fragile = True
    equal(wlan.status("rssi"), -80)
    assert not wlan.isconnected()
    wlan.connect()  # the one of the last time
    time.sleep_ms(160)
    equal(board.wifi.point(), 1)
    board.wifi.set_points([])
    equal(wlan.status(), network.STAT_IDLE)
    counted = board.counters()
    equal((counted["radio_starts"], counted["wifi_point"]), (1, -1))


def check_chip_conditions():
    board, _ = _board()
    reader = _reader()
    for condition, version in (
        ("dead", 0x00),
        ("stuck", 0xFF),
        ("ok", 0x92),
        ("version:12", 0x12),
        ("reset", 0x12),
    ):
        board.set_chip(condition)
        equal(reader.start(), version)
    _refused(ValueError, board.set_chip, "fried")
