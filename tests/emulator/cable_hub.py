"""The hand-written hub at the other end of an emulated Pico's USB cable."""

from __future__ import annotations

import asyncio
from pathlib import Path

from protocol import messages
from protocol.messages import decode_control
from tests.emulator.pico import Pico
from tests.firmware.hand_broker import HandHub
from tests.firmware.hand_port import DOWN, Line, framed, unframed
from tests.firmware.rig import KEY, TERMINAL

HEAP_FREE = [name for name, _least, _most in messages.HEALTH].index("heap_free")
RESET_CAUSE = [name for name, _least, _most in messages.HEALTH].index("reset_cause")
READER_OK = [name for name, _least, _most in messages.HEALTH].index("reader_ok")


class UsbLine(Line):
    """The cable; what a `Line` does with a port, with the bytes of an emulated board."""

    def __init__(self, hub: HandHub) -> None:
        super().__init__(Path("usb"), hub)
        self._pico: Pico | None = None
        self._stretches: asyncio.Queue[bytes] = asyncio.Queue()

    def plug(self, pico: Pico) -> None:
        """Plugs it into a board, before that has power."""
        self._pico = pico
        self._stretch.clear()
        pico.on_bytes = self._heard

    def _heard(self, data: bytes) -> None:
        for byte in data:
            if byte:
                self._stretch.append(byte)
            elif self._stretch:
                self._stretches.put_nowait(bytes(self._stretch))
                self._stretch.clear()

    def write(self, data: bytes) -> None:
        """Writes to the gate."""
        if self._pico is not None:
            self._pico.write(data)

    async def _run(self) -> None:
        while True:
            stretch = await self._stretches.get()
            await self._take(unframed(stretch))
            await self._hub.tell()


class CableHub(HandHub):
    """A hub with one gate, an emulated one, at its USB port.

    Attributes: hellos (firmware that the gate named, each time).
    """

    def __init__(self) -> None:
        super().__init__(TERMINAL, KEY)
        self.line = UsbLine(self)
        self.hellos: list[str] = []

    async def __aenter__(self) -> CableHub:
        await self.line.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.line.__aexit__()

    def plug(self, pico: Pico) -> None:
        """Plugs the cable in, before the board has power. The hub is a new one for it."""
        self.line.session += 1
        self.line.plug(pico)

    async def publish(self, leaf: str, payload: bytes) -> None:
        self.line.write(framed(DOWN[leaf], payload))

    async def _take_control(self, payload: bytes) -> None:
        fields = decode_control(self._mac, "up", self._terminal, payload)
        if fields[0] == "hello":
            self.hellos.append(fields[7])
        await super()._take_control(payload)

    async def until_healthy(self, pico: Pico, times: int = 1) -> None:
        """Waits until the gate has told that its reader works, so many times from now on."""
        before = len(self.health)
        await pico.until(
            lambda: sum(numbers[READER_OK] for numbers in self.health[before:]) >= times,
            "health message with a reader that works",
        )

    async def until_taps(self, pico: Pico, count: int) -> None:
        """Waits until so many taps are at the hub."""
        await pico.until(lambda: len(self.taps()) >= count, f"{count} taps at the hub")
