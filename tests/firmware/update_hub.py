"""A hand-written hub that orders firmware and keeps crash logs, and packs to order."""

from __future__ import annotations

from functools import cache

from hub.terminals.firmware_build import (
    Firmware,
    build_firmware,
    build_from,
    installed_sources,
)
from protocol import messages
from protocol.limits import FIRMWARE_PIECE
from protocol.messages import decode_control
from protocol.pieces import encode_piece
from protocol.record import KIND_UPDATE, Record
from tests.firmware.hand_broker import HandBroker


class UpdateHub(HandBroker):
    """Offers `pack` under `order` after each hello, and answers what a gate asks about it.

    Attributes: pack, version, order (0: none); asked (offsets asked for), crashes (boot number ->
    log), stop_at (an offset from which on nothing is answered; -1: none), hellos (firmware named).
    """

    def __init__(self, terminal: str, key: bytes) -> None:
        super().__init__(terminal, key)
        self.pack = b""
        self.firmware = ""
        self.order = 0
        self.asked: list[int] = []
        self.crashes: dict[int, str] = {}
        self.stop_at = -1
        self.hellos: list[str] = []

    async def __aenter__(self) -> UpdateHub:
        await super().__aenter__()
        return self

    async def send_order(self, firmware: Firmware, order: int) -> None:
        """Orders this firmware."""
        self.firmware, self.pack, self.order = firmware.version, firmware.pack, order
        await self._order()

    async def _order(self) -> None:
        await self.control(
            messages.firmware_order(
                self.firmware, len(self.pack), self.pack[-32:].hex(), self.order
            )
        )

    def outcomes(self) -> list[tuple[int, int]]:
        """(outcome, why) of the update records, in the order of their numbers."""
        kept: list[Record] = [
            record
            for _key, record in sorted(self.records.items(), key=lambda item: item[0][1])
            if record.kind == KIND_UPDATE
        ]
        return [(record.data[0], record.data[1]) for record in kept]

    async def _take_control(self, payload: bytes) -> None:
        fields = decode_control(self._mac, "up", self._terminal, payload)
        if fields[0] == "firmware":
            offset = fields[2]
            self.asked.append(offset)
            if 0 <= self.stop_at <= offset:
                return
            assert fields[1] == self.pack[-32:].hex()[:16]
            data = self.pack[offset : offset + FIRMWARE_PIECE]
            digest = self.pack[-32:]
            await self.publish(
                "firmware", encode_piece(self._mac, self._terminal, digest, offset, data)
            )
        elif fields[0] == "crash":
            boot, first, _length, text = fields[1:]
            before = self.crashes.get(boot, "")
            self.crashes[boot] = before[:first] + text
            await self.control(messages.crash_kept(boot, first + len(text)))
        else:
            await super()._take_control(payload)
            if fields[0] == "hello":
                self.hellos.append(fields[7])
                if self.order:
                    await self._order()


@cache
def changed(version: str, *changes: tuple[str, str, str]) -> Firmware:
    """The installed firmware with another version, and with lines of its modules changed.

    Args:
        version: what the new firmware calls itself.
        changes: (module path, text, what stands there instead); the text must be there.
    """
    sources = installed_sources()
    named = f'VERSION = "{build_firmware().version}"'
    for path, text, instead in (
        ("firmware/__init__.py", named, f'VERSION = "{version}"'),
        *changes,
    ):
        assert text in sources[path], text
        sources[path] = sources[path].replace(text, instead)
    return build_from(sources)
