"""The models of `simulator/board`, soldered to an emulated RP2040 instead of to the VM's shims.

The chip models are the very same objects that the MicroPython VM talks to in the other tests; only
what carries the bytes differs: here the emulated SPI, I2C and GPIO blocks, in emulated time. Each
class is an `ExternalDevice` of rp2040py: `attach` is called once with the RP2040.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rp2040py.gpio_pin import GPIOPinState
from rp2040py.peripherals.i2c import I2CMode
from rp2040py.rp2040 import RP2040

from simulator.board import registry
from simulator.board.ds3231 import Ds3231
from simulator.board.mfrc522 import Mfrc522
from simulator.board.ssd1306 import Ssd1306
from simulator.board.tags import TagField
from simulator.board.turnstile import Turnstile

DISPLAY_ADDRESS = 0x3C
CLOCK_ADDRESS = 0x68
NEW_CLOCK_S = 1_000_000_000
SUPPLY_STEPS = 2500 * 4096 // 3300  # 5.0 V, halved by the divider
ROOM_STEPS = 715 * 4096 // 3300  # of the temperature sensor at 21.5 degrees Celsius


def level_of(state: GPIOPinState) -> int | None:
    """What the chip drives: 0 or 1, None while the pin is an input."""
    return int(state) if state in (GPIOPinState.LOW, GPIOPinState.HIGH) else None


class SpiWires:
    """One device with `select` and `exchange` on an SPI; a byte takes as long as on the wire.

    Args:
        bus: number of the SPI.
        select: GPIO of its chip select.
        device: the model.
    """

    def __init__(self, bus: int, select: int, device: Any) -> None:
        self._bus = bus
        self._select = select
        self._device = device
        self._answer = 0

    def attach(self, rp2040: RP2040) -> None:
        """Solders it on."""
        spi = rp2040.spi[self._bus]
        done = rp2040.clock.create_alarm(lambda: spi.complete_transmit(self._answer))

        def transmit(byte: int) -> None:
            self._answer = self._device.exchange(byte) if self._device.selected else 0
            done.schedule(8e9 / spi.clock_frequency)

        def selected(state: GPIOPinState, _before: GPIOPinState) -> None:
            self._device.select(0 if state == GPIOPinState.LOW else 1)

        spi.on_transmit = transmit
        rp2040.gpio[self._select].add_listener(selected)


class I2cWires:
    """Devices with `receive` and `send` on an I2C, in the time of nine clocks for each byte.

    What is written reaches the device whole, at the stop or the repeated start, as the models of
    the VM's shim get it. What is read is asked for byte by byte.

    Args:
        bus: number of the I2C.
        devices: by address.
        at_start: called when a transfer begins: a clock chip holds its time still then.
    """

    def __init__(
        self, bus: int, devices: dict[int, Any], at_start: Callable[[], None] = lambda: None
    ) -> None:
        self.silent: set[int] = set()
        self.transfers = 0
        self._bus = bus
        self._devices = devices
        self._at_start = at_start
        self._device: Any = None
        self._written = bytearray()

    def attach(self, rp2040: RP2040) -> None:
        """Solders them on."""
        i2c = rp2040.i2c[self._bus]
        then: Callable[[], None] = i2c.complete_stop
        alarm = rp2040.clock.create_alarm(lambda: then())

        def after(clocks: int, what: Callable[[], None]) -> None:
            nonlocal then
            then = what
            period = (i2c.scl_high_period + i2c.scl_low_period) / rp2040.clk_sys
            alarm.schedule(clocks * period * 1e9)

        def start(_repeated: bool) -> None:
            self._deliver()
            self._at_start()
            after(1, i2c.complete_start)

        def connect(address: int, _mode: I2CMode) -> None:
            found = self._devices.get(address)
            self._device = None if address in self.silent else found
            self.transfers += self._device is not None
            here = self._device is not None
            after(9, lambda: i2c.complete_connect(here))

        def write(byte: int) -> None:
            self._written.append(byte)
            after(9, lambda: i2c.complete_write(True))

        def read(_more: bool) -> None:
            byte = self._device.send(1)[0]
            after(9, lambda: i2c.complete_read(byte))

        def stop() -> None:
            self._deliver()
            self._device = None
            after(1, i2c.complete_stop)

        i2c.on_start = start
        i2c.on_connect = connect
        i2c.on_write_byte = write
        i2c.on_read_byte = read
        i2c.on_stop = stop

    def _deliver(self) -> None:
        if self._written and self._device is not None:
            self._device.receive(bytes(self._written))
        self._written.clear()


class PinWire:
    """One GPIO as a `registry.Line`, which the models know: each end may drive it.

    Attributes: line, history (levels the chip has driven, None for an input, each change once).

    Args:
        gpio: number of the pin.
    """

    def __init__(self, gpio: int) -> None:
        self.line = registry.Line()
        self.history: list[int | None] = []
        self._gpio = gpio
        self._pin: Any = None
        self.line.handlers.append(self._outside_moved)

    def attach(self, rp2040: RP2040) -> None:
        """Solders it on; a level from outside that was set before is there from the start."""
        self._pin = rp2040.gpio[self._gpio]
        self._pin.add_listener(lambda state, _before: self._driven(level_of(state)))
        if self.line.outside is not None:
            self._outside_moved(self.line.outside)

    def look(self) -> int | None:
        """Takes over what the chip drives now: a reset changes it without an edge."""
        self._driven(level_of(self._pin.value))
        return self.line.driven

    def _driven(self, level: int | None) -> None:
        if not self.history or level != self.history[-1]:
            self.history.append(level)
        self.line.drive(level)

    def _outside_moved(self, level: int) -> None:
        if self._pin is not None:
            self._pin.set_input_value(bool(level))


class Station:
    """Everything of a gate that is not the Pico: reader, display, clock chip, arm, contacts.

    Attributes: field, reader, display, clock_chip, turnstile (the models), i2c, relay (`PinWire`),
    inputs ({signal: PinWire}), resets (by watchdog or software, once they are followed).

    Args:
        pins: {signal: GPIO}, see `pinout.read_pinout`.
        true_s: UTC seconds when the power comes, for the clock chip.
        battery: path of the file that stands for the clock chip's battery, see `ds3231`.
    """

    def __init__(self, pins: dict[str, int], true_s: int = NEW_CLOCK_S, battery: str = "") -> None:
        self._pins = pins
        self._true_s = true_s
        self._clock: Any = None
        self._reset: Any = None
        self._still_s = true_s
        self.resets = 0
        self.field = TagField(self.now_us)
        self.reader = Mfrc522(self.field, self.now_us)
        self.display = Ssd1306(lambda: None)
        self.clock_chip = Ds3231(lambda: self._still_s, battery)
        devices = {DISPLAY_ADDRESS: self.display, CLOCK_ADDRESS: self.clock_chip}
        self.i2c = I2cWires(0, devices, self._hold_still)
        self.relay = PinWire(pins["relay"])
        names = ("passage", "fire", "tamper", "button_in", "button_out", "button_recovery")
        self.inputs = {name: PinWire(pins[name]) for name in names}
        for name in ("button_in", "button_out", "button_recovery"):
            self.inputs[name].line.outside = 1
        self.inputs["tamper"].line.outside = 0  # lid closed
        self.turnstile = Turnstile(
            self.relay.line,
            self.inputs["passage"].line,
            self.inputs["fire"].line,
            lambda: self.now_us() // 1000,
            lambda: None,
        )

    def now_us(self) -> int:
        """Microseconds of emulated time since the power came."""
        return 0 if self._clock is None else int(self._clock.nanos) // 1000

    def true_s(self) -> int:
        """What a perfect clock would show now, in UTC seconds."""
        return self._true_s + self.now_us() // 1_000_000

    def _hold_still(self) -> None:
        # The chip copies its counters at the start of a transfer (data sheet, "Clock and
        # Calendar"), so that second and minute belong together.
        self._still_s = self.true_s()

    def attach(self, rp2040: RP2040) -> None:
        """Solders everything to the pins of the pin table."""
        self._clock = rp2040.clock
        pins = self._pins
        SpiWires(0, pins["reader_ss"], self.reader).attach(rp2040)

        self._reset = rp2040.gpio[pins["reader_rst"]]
        self._reset.add_listener(lambda _state, _before: self._reset_moved())
        self.i2c.attach(rp2040)
        self.relay.attach(rp2040)
        for wire in self.inputs.values():
            wire.attach(rp2040)
        rp2040.adc.channel_values[pins["supply_sense"] - 26] = SUPPLY_STEPS
        rp2040.adc.channel_values[pins["temperature"] - 26] = ROOM_STEPS

    def follow_resets(self, rp2040: RP2040) -> None:
        """From now on hears of resets by the watchdog: they let go of the pins without an edge."""
        reset = rp2040.watchdog.on_watchdog_trigger

        def triggered() -> None:
            self.resets += 1
            reset()
            self.relay.look()
            self._reset_moved()

        rp2040.watchdog.on_watchdog_trigger = triggered

    def _reset_moved(self) -> None:
        # The pull-down of a pin that nobody drives holds the reader in power-down.
        self.reader.reset_pin(self._reset.value == GPIOPinState.HIGH)
