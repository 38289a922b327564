"""Chip models on the emulated SPI, I2C and GPIO: no MicroPython image takes part here.

The firmware's own drivers run on this Python and reach the chips through the register blocks of the
emulated RP2040 (`registers`); a loop of the emulated processor does so too (`thumb`). What only an
image can show, that the port's C code uses the same registers in the same way, is in `test_gate`.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from simulator.board import host_framebuf
from simulator.board.pinout import read_pinout
from tests.emulator import registers
from tests.emulator.registers import Bus, machine_of
from tests.emulator.thumb import DATA, POKE, TRANSFER, new_chip, run
from tests.emulator.wires import CLOCK_ADDRESS, DISPLAY_ADDRESS, Station

PINS = read_pinout(str(Path(__file__).parents[2] / "hardware" / "pinout.toml"))
NOW_S = 1_795_450_123
UIDS = ("deadbeef", "04a1b2c3d4e5f6", "0102030405060708090a")
DRIVERS = ("mfrc522", "ds3231", "oled")


class Bench:
    """A chip, a station on its pins, and the firmware's drivers on its registers.

    Attributes: bus, station, drivers (module by name), cards (`firmware.cards`).
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, true_s: int = NOW_S) -> None:
        chip = new_chip()
        self.bus = Bus(chip)
        self.station = Station(PINS, true_s)
        self.station.attach(chip)

        async def sleep_ms(milliseconds: int) -> None:
            self.bus.sleep_ms(milliseconds)

        monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)
        monkeypatch.setitem(sys.modules, "machine", machine_of(self.bus))
        monkeypatch.setitem(sys.modules, "framebuf", host_framebuf)
        self.drivers: dict[str, Any] = {}
        for name in (*[f"firmware.drivers.{driver}" for driver in DRIVERS], "firmware.cards"):
            monkeypatch.delitem(sys.modules, name, raising=False)
            self.drivers[name.rpartition(".")[2]] = importlib.import_module(name)
            # The next test gets them with its own chip.
            monkeypatch.setitem(sys.modules, name, sys.modules[name])
            monkeypatch.delitem(sys.modules, name)
        self.cards: types.ModuleType = self.drivers["cards"]

    def reader(self) -> Any:
        """The firmware's reader driver on the pins of the pin table."""
        names = ("reader_sck", "reader_mosi", "reader_miso", "reader_ss", "reader_rst")
        return self.drivers["mfrc522"].Mfrc522(0, *[PINS[name] for name in names])

    def display(self) -> Any:
        """The firmware's display driver."""
        return self.drivers["oled"].Oled(0, PINS["i2c_sda"], PINS["i2c_scl"], DISPLAY_ADDRESS)

    def clock(self) -> Any:
        """The firmware's driver of the clock chip, on the display's bus."""
        return self.drivers["ds3231"].Ds3231(self.display().bus, CLOCK_ADDRESS)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


@pytest.mark.parametrize("uid", UIDS)
def test_the_driver_reads_a_badge_through_the_emulated_spi(bench: Bench, uid: str) -> None:
    reader = bench.reader()
    asyncio.run(reader.begin())
    bench.station.field.present(bytes.fromhex(uid))
    found = asyncio.run(bench.cards.poll(reader))
    assert found == (bench.cards.CARD, bytes.fromhex(uid))
    assert bench.station.reader.transactions > 40


def test_a_byte_takes_its_eight_clocks(bench: Bench) -> None:
    reader = bench.reader()
    asyncio.run(reader.begin())
    before_us = bench.station.now_us()
    for _ in range(100):
        reader.check()  # four registers, two bytes each
    # 125 MHz through the divider that comes closest to 4 MHz from below: 3.9 MHz.
    took_us = bench.station.now_us() - before_us
    assert abs(took_us - 800 * 8 / 3.90625) < 10


def test_two_badges_none_and_a_reader_without_power_are_told_apart(bench: Bench) -> None:
    reader = bench.reader()
    asyncio.run(reader.begin())
    assert asyncio.run(bench.cards.poll(reader))[0] == bench.cards.NOTHING
    bench.station.field.present(bytes.fromhex(UIDS[0]))
    bench.station.field.present(bytes.fromhex("11223344"))
    assert asyncio.run(bench.cards.poll(reader))[0] == bench.cards.SEVERAL
    reader.check()
    bench.station.reader.brown_out()
    with pytest.raises(bench.drivers["mfrc522"].ReaderError):
        reader.check()
    asyncio.run(reader.begin())  # its RST pin brings it back
    reader.check()


def test_a_reader_that_is_not_selected_hears_and_says_nothing(bench: Bench) -> None:
    reader = bench.reader()
    asyncio.run(reader.begin())
    heard = bench.station.reader.bytes
    into = bytearray(b"\xaa" * 4)
    reader._spi.write_readinto(b"\xee\x00\xee\x00", into)
    assert (bytes(into), bench.station.reader.bytes) == (bytes(4), heard)


def test_the_processor_itself_reads_the_version_register() -> None:
    chip = new_chip()
    station = Station(PINS, NOW_S)
    station.attach(chip)
    machine = machine_of(Bus(chip))
    pins = [machine.Pin(PINS[name]) for name in ("reader_sck", "reader_mosi", "reader_miso")]
    machine.SPI(0, 4_000_000, 0, 0, *pins)
    machine.Pin(PINS["reader_rst"], machine.Pin.OUT, value=1)
    machine.Pin(PINS["reader_ss"], machine.Pin.OUT, value=1)
    Bus(chip).sleep_ms(5)
    chip.write_uint8(DATA, 0x37 << 1 | 0x80)
    chip.write_uint8(DATA + 1, 0)
    select = 1 << PINS["reader_ss"]
    run(
        chip,
        [
            (POKE, registers.OUT_CLR, select, 0, 0),
            (TRANSFER, registers.SPI[0], DATA, DATA + 8, 2),
            (POKE, registers.OUT_SET, select, 0, 0),
        ],
    )
    assert chip.read_uint8(DATA + 9) == 0x92
    assert (station.reader.transactions, station.reader.bytes) == (1, 2)
    assert not station.reader.selected


def test_the_clock_chip_is_set_and_read_through_the_emulated_i2c(bench: Bench) -> None:
    clock = bench.clock()
    with pytest.raises(bench.drivers["ds3231"].ClockChipError) as stopped:
        clock.utc_s()
    assert stopped.value.code == "stopped"
    clock.set_utc(NOW_S)
    bench.bus.sleep_ms(59_000)
    assert clock.utc_s() == NOW_S + 59
    assert clock.temperature() == 212
    bench.station.i2c.silent.add(CLOCK_ADDRESS)
    with pytest.raises(bench.drivers["ds3231"].ClockChipError) as missing:
        clock.utc_s()
    assert missing.value.code == "missing"
    bench.station.i2c.silent.clear()
    assert clock.utc_s() == NOW_S + 59


def test_a_transfer_takes_nine_clocks_for_each_byte(bench: Bench) -> None:
    clock = bench.clock()
    before_us = bench.station.now_us()
    clock.temperature()
    # Address, register, address again, two bytes of data at 400 kHz: 112 us and the edges.
    assert 5 * 9 * 2.5 <= bench.station.now_us() - before_us <= 5 * 9 * 2.5 + 20


def test_what_the_display_driver_drew_is_on_the_glass(bench: Bench) -> None:
    display = bench.display()
    for row, text in enumerate(("WERF NOORD", "07:45", "", "ONVERZONDEN 3", "ŁÓDŹ ЩЪ")):
        display.text(row, text)
    while display.flush():
        pass
    assert any(display._dots)
    assert bench.station.display.visible() == bytes(display._dots)


def test_the_arm_hears_the_relay_and_its_contact_is_heard(bench: Bench) -> None:
    machine = sys.modules["machine"]
    arm = bench.station.turnstile
    relay = machine.Pin(PINS["relay"], machine.Pin.OUT, value=0)
    passage = machine.Pin(PINS["passage"], machine.Pin.IN, machine.Pin.PULL_UP)
    assert (arm.is_open, arm.walk_through(), passage()) == (False, False, 1)
    relay(1)
    assert arm.is_open
    assert arm.walk_through()
    assert passage() == 0
    bench.bus.sleep_ms(400)
    arm.tick()
    assert passage() == 1
    relay(0)
    assert bench.station.relay.history[-2:] == [1, 0]
    arm.set_fire(True)
    fire = machine.Pin(PINS["fire"], machine.Pin.IN, machine.Pin.PULL_UP)
    assert (arm.is_open, fire()) == (True, 1)
