"""An emulated Pico W with the real MicroPython image and the firmware on its flash.

`SITEGATE_UF2` names the image. Everything from the boot ROM's flash code to the drivers of SPI,
I2C, USB and radio is then the machine code that runs on a board; what is soldered to it is
`wires.Station`. Emulated time is what the chip sees: ten to thirty times slower than the test's
when it is busy, much faster when it waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rp2040py.boards import BOARDS, BoardSpec, resolve_firmware
from rp2040py.device import MicroPythonDevice
from rp2040py.external.cyw43.chip import Cyw43439
from rp2040py.utils.logging import LogLevel

from hub.terminals.flash_places import BOARDS as BLOCKS
from hub.terminals.flash_places import ImagePlace
from simulator.board.pinout import read_pinout
from simulator.gate import find_interpreter
from tests.emulator.flash_power import FlashPower
from tests.emulator.radio import Radio
from tests.emulator.wires import Station

IMAGE = "SITEGATE_UF2"
ROOT = Path(__file__).parents[2]
PINS = read_pinout(str(ROOT / "hardware" / "pinout.toml"))
WAIT_S = 900.0
"""For one thing to happen in a gate; half an hour of patience would say no more."""
LOOK_S = 0.05
BLOCK = 4096

STACK_AT = 0x40000
STACK_BYTES = 8192
"""The port's C stack: the last 8 KB of memory (memmap_mp_rp2040.ld, PICO_STACK_SIZE)."""
_PAINT = 0xA5

pytest_skip = pytest.mark.skipif(
    not os.environ.get(IMAGE), reason=f"no RP2040 image: {IMAGE} is not set"
)


def needs_image(test: Any) -> Any:
    """Marks a test that runs the real image: skipped, and said to be, when none is named."""
    return pytest.mark.emulator(pytest_skip(test))


def image_spec() -> BoardSpec:
    """Returns the Pico W with the image that the variable names; nothing is ever downloaded."""
    path = Path(os.environ[IMAGE]).expanduser()
    # rp2040py would take anything else for a version and fetch it.
    assert path.is_file(), f"{IMAGE} names {path}, which is no file"
    return resolve_firmware(BOARDS["pico_w"], "micropython", str(path))


def write_flash(file: Path, files: dict[str, bytes]) -> None:
    """Makes a file system image as `sitegate terminal flash --image` does."""
    place = ImagePlace(file, BLOCKS["pico-w"])
    for name, content in files.items():
        place.write(name, content)
    place.finish()


def flash_content(image: bytes, folder: Path) -> dict[str, bytes]:
    """Returns every file of a file system image by its path.

    Args:
        image: of the flash of a gate, whose power may have gone in the middle of something.
        folder: for a file that is needed meanwhile.
    """
    file = folder / "look.bin"
    file.write_bytes(image)
    place = ImagePlace(file, BLOCKS["pico-w"])
    return {path: place.read(path) for path in place.files()}


def read_display(pixels: bytes) -> list[str]:
    """Returns the lines of text on a display, read with MicroPython's own letters."""
    kind, program = find_interpreter()
    if kind != "micropython":
        pytest.skip("no MicroPython VM for this platform")
    source = (
        "import sys; from binascii import unhexlify; from simulator.board import glass; "
        f"print('\\n'.join(glass.read_lines(unhexlify('{pixels.hex()}'))))"
    )
    environment = os.environ | {"MICROPYPATH": f"{ROOT}:.frozen"}
    command = [str(program), "-X", "heapsize=4M", "-c", source]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


class Pico:
    """One board from power-on to power-off; use it as an asynchronous context.

    Attributes: station (what is soldered to it), power (of its flash), radio, console (what it has
    printed), on_bytes (called with what comes over USB; None: nobody listens), opened (flash as it
    was at each moment the arm was released).

    Args:
        flash: file with the file system it starts from; `dump` says what it left.
        station: None for a new one.
        power: None for one that never goes.
    """

    def __init__(
        self, flash: Path, station: Station | None = None, power: FlashPower | None = None
    ) -> None:
        spec = image_spec()
        assert spec.layout is not None
        self._layout = spec.layout
        self.station = station or Station(PINS)
        self.power = power or FlashPower()
        self.power.first = self._layout.fs_start
        self.radio = Radio()
        self.console = bytearray()
        self.opened: list[bytes] = []
        self.on_bytes: Callable[[bytes], None] | None = None
        others = tuple(extra for extra in spec.extras if extra is not Cyw43439)
        soldered = (lambda: self.radio, lambda: self.station, lambda: self.power)
        self._device = MicroPythonDevice(
            board=dataclasses.replace(spec, extras=others + soldered),
            filesystem=flash,
            log_level=LogLevel.ERROR,
        )
        chip = self._device.mcu
        # By itself the emulated host answers so fast that MicroPython does nothing but USB.
        chip.usb_ctrl.read_delay_microseconds = 1000
        chip.sram[STACK_AT : STACK_AT + STACK_BYTES] = bytes((_PAINT,)) * STACK_BYTES
        self.station.follow_resets(chip)
        self.station.relay.line.listeners.append(self._arm_moved)
        self._running: asyncio.Task[None] | None = None
        self._to_send = bytearray()
        self._pump = chip.clock.create_alarm(self._send_some)

    def _arm_moved(self, level: int) -> None:
        if level:
            self.opened.append(self.dump())

    async def __aenter__(self) -> Pico:
        self._device.cdc.on_serial_data = self._came
        try:
            await self._device.astart(WAIT_S)
        except TimeoutError as error:
            self._running = self._device.simulator._execute_task
            await self.power_off()
            raise AssertionError(self._last_words("not there as a USB device")) from error
        self._running = self._device.simulator._execute_task
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.power_off()

    async def power_on(self) -> None:
        """Starts it without waiting until it is there as a USB device."""
        simulator = self._device.simulator
        simulator.bind_loop()
        self._device.mcu.leave_reset()
        self._running = asyncio.create_task(simulator.execute())
        await asyncio.sleep(0)

    async def power_off(self) -> None:
        """Ends it at once; nothing more reaches its flash."""
        self.power.gone = True
        self._device.stop()
        if self._running is not None:
            await self._running  # raises what broke the emulator, if anything did
            self._running = None
        await self.radio.bridge.close()

    def dump(self) -> bytes:
        """Returns the file system's part of the flash as it is now."""
        start = self._layout.fs_start
        return bytes(self._device.mcu.flash[start : start + self._layout.fs_blockcount * BLOCK])

    def save(self, file: Path) -> None:
        """Writes the file system's part of the flash to a file, for the next start."""
        file.write_bytes(self.dump())

    def untouched_stack(self) -> int:
        """Returns how many bytes of the C stack were never written since the power came."""
        stack = bytes(self._device.mcu.sram[STACK_AT : STACK_AT + STACK_BYTES])
        return max(len(run) for run in stack.translate(_PAINTED).split(b"\0"))

    def write(self, data: bytes) -> None:
        """Sends bytes over USB, as fast as the gate takes them."""
        self._to_send += data
        self._pump.schedule(0)

    def _send_some(self) -> None:
        fifo = self._device.cdc.tx_fifo
        room = fifo.size - fifo.item_count
        for byte in self._to_send[:room]:
            self._device.cdc.send_serial_byte(byte)
        del self._to_send[:room]
        if self._to_send:
            self._pump.schedule(1_000_000)  # a millisecond: one USB frame

    def _came(self, data: bytes | bytearray) -> None:
        self.console += data
        if self.on_bytes is not None:
            self.on_bytes(bytes(data))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits until `condition` holds.

        Raises:
            AssertionError: it does not, or the board stopped; with what was printed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while not condition():
                    assert self._device.simulator.executing, self._last_words(f"died before {what}")
                    await asyncio.sleep(LOOK_S)
                return
        raise AssertionError(self._last_words(f"no {what}"))

    async def died(self) -> None:
        """Waits until the power has gone."""
        assert self._running is not None
        await asyncio.wait([self._running], timeout=WAIT_S)
        assert self.power.gone, self._last_words("power is still there")

    def _last_words(self, what: str) -> str:
        printed = self.console[-4000:].decode("ascii", "backslashreplace")
        return f"{what} after {self.station.now_us() // 1000} ms of the gate's time:\n{printed}"

    async def run(self, code: str) -> str:
        """Runs code at MicroPython's prompt and returns what it printed.

        Raises:
            AssertionError: it ended by an error.
        """
        printed, error = await self._device.aexec(code, WAIT_S)
        self._device.cdc.on_serial_data = self._came
        assert not error, error.decode()
        return printed.decode()

    async def tap(self, uid: str) -> None:
        """Holds up a badge until the arm is released, and takes it away."""
        before = self.station.relay.history.count(1)
        self.station.field.present(bytes.fromhex(uid))
        await self.until(lambda: self.station.relay.history.count(1) > before, f"green for {uid}")
        self.station.field.remove()
        await self.until(lambda: not self.station.relay.line.driven, "the arm locked again")


_PAINTED = bytes(1 if byte == _PAINT else 0 for byte in range(256))
