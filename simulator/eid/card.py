"""A virtual identity card: its file system, its answers to commands, and what can go wrong.

    00 A4 04 0C  name     select an application       9000 | 6A82
    00 A4 08 0C  path     select a file from the root 9000 | 6A82
    00 A4 02 0C  id       select a file of this folder
    00 B0 oo oo  Le       read binary                 data 9000 | 6B00 | 6Cxx | 6986

Two generations of cards differ at the end of a file: the newer one hands over what there is and
says 9000, the older one asks to be asked for the right number of bytes (6Cxx). Over the T=0
protocol a card may also keep its answer and say that it has it (61xx, fetched with 00 C0).
Address, photo and a certificate are there as well, so that a test can see nobody asked for them.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from simulator.eid.people import Holder, identity_file

ATR: Final = bytes.fromhex("3B981340 0AA50301 0101AD1311".replace(" ", ""))
"""Answer to reset of the applet of 2004, protocol T=0 (vsmartcard, `belpic.py`)."""
FOREIGN_ATR: Final = bytes.fromhex("3B6500009C02020702")
"""Of a bank card."""
APPLICATION: Final = bytes.fromhex("A000000177504B43532D3135")

IDENTITY: Final = "3F00DF014031"
ADDRESS: Final = "3F00DF014033"
PHOTO: Final = "3F00DF014035"
CERTIFICATE: Final = "3F00DF005038"

_OK: Final = 0x9000
_NOT_FOUND: Final = 0x6A82
_NO_FILE: Final = 0x6986
_BEHIND: Final = 0x6B00
_WRONG_CLASS: Final = 0x6E00
_WRONG_INSTRUCTION: Final = 0x6D00
_WRONG_LENGTH: Final = 0x6700


class Ending(enum.Enum):
    """How a card tells that a file ends before the bytes that were asked for."""

    SHORT = enum.auto()
    """Hands over what there is: the applet from 1.7 on."""
    ASK_AGAIN = enum.auto()
    """6Cxx: there are xx."""
    KEPT = enum.auto()
    """61xx: fetch them."""
    WARNING = enum.auto()
    """6282 with what there is (ISO/IEC 7816-4)."""


class Removed(Exception):
    """The card was taken out before it answered."""


@dataclass(slots=True)
class Faults:
    """What goes wrong, counted in commands from 1; 0: never.

    Args:
        remove_at: taken out when that command comes.
        short_at: answers one byte only.
        garbage_at: answers with data nobody asked for and a status word no standard has.
        status_at: (command, status word) instead of an answer.
        answer: made of the right answer, or None.
    """

    remove_at: int = 0
    short_at: int = 0
    garbage_at: int = 0
    status_at: tuple[int, int] = (0, 0)
    answer: Callable[[int, bytes], bytes] | None = None


@dataclass(slots=True)
class Card:
    """One card; powered on and off by its reader.

    Args:
        files: content by path from the root, for example ``3F00DF014031``.
        atr: answer to reset.
        applications: names that can be selected.
        ending: how it tells the end of a file.
        faults: what goes wrong.
    """

    files: dict[str, bytes]
    atr: bytes = ATR
    applications: tuple[bytes, ...] = (APPLICATION,)
    ending: Ending = Ending.SHORT
    faults: Faults = field(default_factory=Faults)
    commands: int = 0
    """How many it was given since it was made."""
    read: list[str] = field(default_factory=list)
    """Paths of the files that were read from, each once."""
    _selected: str = ""
    _kept: bytes = b""

    def reset(self) -> None:
        """Forgets what was selected."""
        self._selected = ""
        self._kept = b""

    def answer(self, command: bytes) -> bytes:
        """Returns data and status word.

        Raises:
            Removed: the card is gone.
        """
        self.commands += 1
        faults = self.faults
        if self.commands == faults.remove_at:
            raise Removed
        if self.commands == faults.short_at:
            return b"\x90"
        if self.commands == faults.garbage_at:
            return bytes(range(256)) + b"\x12\x34"
        if self.commands == faults.status_at[0]:
            return struct.pack(">H", faults.status_at[1])
        data, status = self._answer(command)
        right = data + struct.pack(">H", status)
        return faults.answer(self.commands, right) if faults.answer else right

    def _answer(self, command: bytes) -> tuple[bytes, int]:
        if len(command) < 4:
            return b"", _WRONG_LENGTH
        if command[0] != 0:
            return b"", _WRONG_CLASS
        match command[1]:
            case 0xA4:
                return b"", self._select(command[2], command[5:])
            case 0xB0:
                return self._read(command)
            case 0xC0:
                kept, self._kept = self._kept, b""
                return kept, _OK
            case _:
                return b"", _WRONG_INSTRUCTION

    def _select(self, how: int, name: bytes) -> int:
        if how == 4:
            if name not in self.applications:
                return _NOT_FOUND
            self._selected = "3F00DF00"
            return _OK
        folder = self._selected[:8] if how == 2 else ""
        path = folder + name.hex().upper()
        if path not in self.files:
            return _NOT_FOUND
        self._selected = path
        return _OK

    def _read(self, command: bytes) -> tuple[bytes, int]:
        content = self.files.get(self._selected)
        if content is None:
            return b"", _NO_FILE
        if len(command) != 5:
            return b"", _WRONG_LENGTH
        if self._selected not in self.read:
            self.read.append(self._selected)
        offset, wanted = int.from_bytes(command[2:4], "big"), command[4] or 256
        data = content[offset : offset + wanted]
        if not data:
            return b"", _BEHIND
        if len(data) == wanted or self.ending is Ending.SHORT:
            return data, _OK
        if self.ending is Ending.ASK_AGAIN:
            return b"", 0x6C00 | len(data)
        if self.ending is Ending.KEPT:
            self._kept = data
            return b"", 0x6100 | len(data)
        return data, 0x6282


def identity_card(
    holder: Holder,
    ending: Ending = Ending.SHORT,
    faults: Faults | None = None,
    identity: bytes | None = None,
) -> Card:
    """Returns the card of this holder, with an address, a photo and a certificate that are none.

    Args:
        holder: whose it is.
        ending: generation of the card.
        faults: what goes wrong.
        identity: the identity file, when it is not to be his own.
    """
    return Card(
        files={
            IDENTITY: identity_file(holder) if identity is None else identity,
            ADDRESS: b"\x01\x10Verzonnenlaan 99\x02\x049999\x03\x0bVerzinnegem" + bytes(40),
            PHOTO: b"\xff\xd8\xff" + bytes(600),
            CERTIFICATE: b"\x30\x82" + bytes(700),
        },
        ending=ending,
        faults=faults or Faults(),
    )


def foreign_card() -> Card:
    """Returns a card that is no identity card of this country."""
    return Card(files={"3F002F00": b"\x61\x02"}, atr=FOREIGN_ATR, applications=())
