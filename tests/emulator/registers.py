"""`machine` for the firmware's own drivers, on the registers of an emulated RP2040.

What a driver asks for becomes the register accesses that the Pico SDK makes for it (spi_init,
spi_write_read_blocking, i2c_init, i2c_write_blocking, i2c_read_blocking, gpio_put), written on the
bus of the emulated chip from this Python. Where the SDK waits for a bit, emulated time goes on to
the next thing that happens in the chip. So drivers, register blocks and chip models meet without a
MicroPython image; the interpreter and the port's C code do not take part.
"""

from __future__ import annotations

import errno
import types
from collections.abc import Callable
from typing import Any

from rp2040py.rp2040 import RP2040

SIO = 0xD0000000
GPIO_IN, OUT_SET, OUT_CLR, OE_SET, OE_CLR = SIO + 4, SIO + 0x14, SIO + 0x18, SIO + 0x24, SIO + 0x28
IO_BANK0 = 0x40014000
PADS_BANK0 = 0x4001C000
SPI = (0x4003C000, 0x40040000)
I2C = (0x40044000, 0x40048000)

FUNCTION_SPI, FUNCTION_I2C, FUNCTION_SIO = 1, 3, 5

SSPCR0, SSPCR1, SSPDR, SSPSR, SSPCPSR = 0x00, 0x04, 0x08, 0x0C, 0x10
SPI_ENABLE, SPI_CAN_WRITE, SPI_CAN_READ = 0x02, 0x02, 0x04
FIFO_DEPTH = 8

IC_CON, IC_TAR, IC_DATA_CMD = 0x00, 0x04, 0x10
IC_FS_HIGH, IC_FS_LOW, IC_RAW_INTR = 0x1C, 0x20, 0x34
IC_CLR_ABORT, IC_CLR_STOP, IC_ENABLE, IC_RX_LEVEL, IC_ABORT = 0x54, 0x60, 0x6C, 0x78, 0x80
FAST_MASTER = 0x165  # master, fast mode, restart enabled, no slave, TX_EMPTY_CTRL
TX_EMPTY, STOP_DETECTED, ABORTED = 0x10, 0x200, 0x40
RESTART, STOP, READ = 0x400, 0x200, 0x100

PULL_UP, PULL_DOWN, INPUT_ENABLE = 0x08, 0x04, 0x40


class Bus:
    """The bus of one chip, as its processor sees it."""

    def __init__(self, rp2040: RP2040) -> None:
        self.rp2040 = rp2040

    def put(self, address: int, value: int) -> None:
        """Writes a register."""
        self.rp2040.write_uint32(address, value)

    def get(self, address: int) -> int:
        """Reads a register."""
        return self.rp2040.read_uint32(address)

    def wait(self, address: int, bits: int) -> int:
        """Reads a register until one of the bits is set; emulated time goes on meanwhile.

        Raises:
            AssertionError: nothing is going to happen in the chip.
        """
        while not (value := self.get(address)) & bits:
            clock: Any = self.rp2040.clock
            assert clock.has_scheduled_alarm, f"{address:x} waits for {bits:x} for ever"
            clock.tick(clock.nanos_to_next_alarm)
        return value

    def sleep_ms(self, milliseconds: int) -> None:
        """Lets emulated time pass."""
        self.rp2040.clock.tick(milliseconds * 1e6)


def machine_of(bus: Bus) -> types.ModuleType:
    """Returns a module `machine` with the Pin, SPI and I2C of this chip."""

    class Pin:
        IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 1, 2
        IRQ_FALLING, IRQ_RISING = 4, 8

        def __init__(self, id: int, mode: int = -1, pull: int = -1, value: int | None = None):
            self.id = id
            if mode < 0:
                return
            pulls = {self.PULL_UP: PULL_UP, self.PULL_DOWN: PULL_DOWN}.get(pull, 0)
            bus.put(PADS_BANK0 + 4 + 4 * id, INPUT_ENABLE | pulls)
            bus.put(IO_BANK0 + 4 + 8 * id, FUNCTION_SIO)
            if value is not None:
                self(value)
            bus.put(OE_SET if mode == self.OUT else OE_CLR, 1 << id)

        def __call__(self, level: int | None = None) -> int | None:
            if level is None:
                return bus.get(GPIO_IN) >> self.id & 1
            bus.put(OUT_SET if level else OUT_CLR, 1 << self.id)
            return None

    def give(pin: Pin, function: int) -> None:
        bus.put(IO_BANK0 + 4 + 8 * pin.id, function)

    class Spi:
        def __init__(
            self, id: int, baudrate: int, polarity: int, phase: int, sck: Pin, mosi: Pin, miso: Pin
        ) -> None:
            self._base = SPI[id]
            prescale, divider = _spi_clock(bus.rp2040.clk_peri, baudrate)
            bus.put(self._base + SSPCPSR, prescale)
            bus.put(self._base + SSPCR0, (divider - 1) << 8 | phase << 7 | polarity << 6 | 7)
            bus.put(self._base + SSPCR1, SPI_ENABLE)
            for pin in (sck, mosi, miso):
                give(pin, FUNCTION_SPI)

        def write_readinto(self, out: bytes, into: bytearray) -> None:
            assert len(out) == len(into), "buffers must be the same length"
            sent = read = 0
            while read < len(out):
                status = bus.wait(self._base + SSPSR, SPI_CAN_WRITE | SPI_CAN_READ)
                if sent < len(out) and status & SPI_CAN_WRITE and sent < read + FIFO_DEPTH:
                    bus.put(self._base + SSPDR, out[sent])
                    sent += 1
                    continue
                bus.wait(self._base + SSPSR, SPI_CAN_READ)
                into[read] = bus.get(self._base + SSPDR)
                read += 1

        def write(self, out: bytes) -> None:
            self.write_readinto(out, bytearray(len(out)))

    class I2c:
        def __init__(self, id: int, *, sda: Pin, scl: Pin, freq: int, timeout: int) -> None:
            self._base = I2C[id]
            self._go_on = False
            period = (bus.rp2040.clk_sys + freq // 2) // freq
            bus.put(self._base + IC_ENABLE, 0)
            bus.put(self._base + IC_CON, FAST_MASTER)
            bus.put(self._base + IC_FS_HIGH, period - period * 3 // 5)
            bus.put(self._base + IC_FS_LOW, period * 3 // 5)
            bus.put(self._base + IC_ENABLE, 1)
            for pin in (sda, scl):
                give(pin, FUNCTION_I2C)

        def _target(self, address: int) -> None:
            bus.put(self._base + IC_ENABLE, 0)
            bus.put(self._base + IC_TAR, address)
            bus.put(self._base + IC_ENABLE, 1)

        def writeto(self, address: int, data: bytes, stop: bool = True) -> int:
            self._target(address)
            for at, byte in enumerate(data):
                last = at == len(data) - 1
                command = RESTART if self._go_on and not at else 0
                command |= STOP if last and stop else 0
                bus.put(self._base + IC_DATA_CMD, command | byte)
                bus.wait(self._base + IC_RAW_INTR, TX_EMPTY | ABORTED)
                # The byte is in the shift register; what became of it shows a little later.
                aborted = self._settled(STOP_DETECTED if last and stop else TX_EMPTY)
                if aborted:
                    self._go_on = False
                    raise OSError(errno.EIO)
            self._go_on = not stop
            return len(data)

        def _settled(self, bits: int) -> bool:
            status = bus.wait(self._base + IC_RAW_INTR, bits | ABORTED)
            aborted = bool(status & ABORTED)
            if aborted:
                bus.get(self._base + IC_CLR_ABORT)
                bus.wait(self._base + IC_RAW_INTR, STOP_DETECTED)
            if aborted or bits == STOP_DETECTED:
                bus.get(self._base + IC_CLR_STOP)
            return aborted

        def readfrom(self, address: int, count: int) -> bytes:
            self._target(address)
            data = bytearray()
            for at in range(count):
                command = READ | (RESTART if self._go_on and not at else 0)
                bus.put(self._base + IC_DATA_CMD, command | (STOP if at == count - 1 else 0))
                while not bus.get(self._base + IC_RX_LEVEL):
                    if bus.get(self._base + IC_RAW_INTR) & ABORTED:
                        self._settled(ABORTED)
                        self._go_on = False
                        raise OSError(errno.EIO)
                    clock: Any = bus.rp2040.clock
                    assert clock.has_scheduled_alarm
                    clock.tick(clock.nanos_to_next_alarm)
                data.append(bus.get(self._base + IC_DATA_CMD) & 0xFF)
            self._go_on = False
            self._settled(STOP_DETECTED)
            return bytes(data)

        def writeto_mem(self, address: int, register: int, data: bytes) -> None:
            self.writeto(address, bytes([register]) + data)

        def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
            self.writeto(address, bytes([register]), False)
            return self.readfrom(address, count)

    machine = types.ModuleType("machine")
    contents: dict[str, Callable[..., Any]] = {"Pin": Pin, "SPI": Spi, "I2C": I2c}
    vars(machine).update(contents)
    return machine


def _spi_clock(source: int, wanted: int) -> tuple[int, int]:
    """The prescaler and divider that spi_set_baudrate of the SDK finds."""
    prescale = next(p for p in range(2, 256, 2) if source < (p + 2) * 256 * wanted)
    divider = 256
    while divider > 1 and source // (prescale * (divider - 1)) <= wanted:
        divider -= 1
    return prescale, divider
