"""The chip model read by a driver we did not write: PyPI `mfrc522`, made for a Raspberry Pi.

Only its two hardware modules are stood in for, `spidev` and `RPi.GPIO`: they pass bytes and the
reset pin to the model, on a clock that moves with the bytes.
"""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.board.mfrc522 import Mfrc522
from simulator.board.tags import TagField

RESET_PIN = 22  # position on the header


class Bench:
    """One chip on a simulated SPI bus; `us` is the time."""

    def __init__(self) -> None:
        self.us = 0
        self.field = TagField(lambda: self.us)
        self.chip = Mfrc522(self.field, lambda: self.us)

    def present(self, uid: bytes) -> None:
        """A badge comes to the reader and is left there until it has power."""
        self.field.present(uid)
        self.us += 6000

    def spidev(self) -> types.ModuleType:
        bench = self

        class SpiDev:
            max_speed_hz = 500_000

            def open(self, bus: int, device: int) -> None:
                bench.chip.select(1)

            def xfer2(self, out: list[int]) -> list[int]:
                bench.chip.select(0)
                back = []
                for byte in out:
                    bench.us += 8_000_000 // self.max_speed_hz
                    back.append(bench.chip.exchange(byte & 0xFF))
                bench.chip.select(1)
                return back

            def close(self) -> None:
                bench.chip.select(1)

        module = types.ModuleType("spidev")
        module.__dict__["SpiDev"] = SpiDev
        return module

    def gpio(self) -> types.ModuleType:
        mode: list[int] = []

        def output(pin: int, level: int) -> None:
            if pin == RESET_PIN:
                self.chip.reset_pin(level)
                self.us += 2000

        module = types.ModuleType("RPi.GPIO")
        module.__dict__.update(
            BOARD=10,
            BCM=11,
            OUT=0,
            getmode=lambda: mode[0] if mode else None,
            setmode=mode.append,
            setup=lambda pin, direction: None,
            output=output,
            cleanup=lambda: None,
        )
        return module


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    package = types.ModuleType("RPi")
    package.__dict__["GPIO"] = gpio = bench.gpio()
    monkeypatch.setitem(sys.modules, "RPi", package)
    monkeypatch.setitem(sys.modules, "RPi.GPIO", gpio)
    monkeypatch.setitem(sys.modules, "spidev", bench.spidev())
    _forget_library()
    yield bench
    _forget_library()
    logging.getLogger("mfrc522Logger").handlers.clear()


def _forget_library() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "mfrc522"]:
        del sys.modules[name]


@pytest.fixture
def library() -> Callable[[str], Any]:
    def load(name: str) -> Any:
        import importlib

        return getattr(importlib.import_module("mfrc522"), name)

    return load


def number(uid: bytes) -> int:
    """A UID as the library gives it: four bytes and their check byte, as one number."""
    return int.from_bytes(uid + bytes([uid[0] ^ uid[1] ^ uid[2] ^ uid[3]]), "big")


def read_id(reader: Any) -> int | None:
    """As its `read_id`, which asks until it has an answer, with an end."""
    for _ in range(5):
        if (found := reader.read_id_no_block()) is not None:
            return found
    return None


@pytest.mark.parametrize("uid", ["deadbeef", "00000001", "ffffffff", "08a1b2c3"])
def test_four_byte_uid(bench: Bench, library: Callable[[str], Any], uid: str) -> None:
    reader = library("SimpleMFRC522")()
    bench.us += 6000
    assert reader.read_id_no_block() is None
    bench.present(bytes.fromhex(uid))
    assert read_id(reader) == number(bytes.fromhex(uid))


def test_whole_read_with_select(bench: Bench, library: Callable[[str], Any]) -> None:
    reader = library("SimpleMFRC522")()
    bench.present(b"\xde\xad\xbe\xef")
    # Our badges have no MIFARE Classic memory: authentication times out, the number is right.
    number_read, text = reader.read_no_block()
    assert (number_read, text) == (number(b"\xde\xad\xbe\xef"), "")


def test_its_own_steps(bench: Bench, library: Callable[[str], Any]) -> None:
    reader = library("MFRC522")()
    bench.present(b"\xde\xad\xbe\xef")
    assert reader.Read_MFRC522(reader.VersionReg) == 0x92
    assert reader.CalulateCRC([0x12, 0x34]) == [0x26, 0xCF]  # ISO/IEC 14443-3 annex B
    assert reader.MFRC522_Request(reader.PICC_REQIDL) == (reader.MI_OK, 16)
    status, block = reader.MFRC522_Anticoll()
    assert (status, block) == (reader.MI_OK, [0xDE, 0xAD, 0xBE, 0xEF, 0xDE ^ 0xAD ^ 0xBE ^ 0xEF])
    assert reader.MFRC522_SelectTag(block) == 0x08


def test_a_tag_it_left_selected_answers_every_second_time(
    bench: Bench, library: Callable[[str], Any]
) -> None:
    reader = library("SimpleMFRC522")()
    bench.present(b"\xde\xad\xbe\xef")
    answers = [reader.read_id_no_block() for _ in range(4)]
    wanted = number(b"\xde\xad\xbe\xef")
    assert answers == [wanted, None, wanted, None]


@pytest.mark.parametrize("uid", ["04a1b2c3d4e5f6", "0102030405060708090a"])
def test_longer_uids_it_cuts_to_their_first_level(
    bench: Bench, library: Callable[[str], Any], uid: str
) -> None:
    # It knows one cascade level: cascade tag 0x88 and three bytes. Not an identity.
    reader = library("SimpleMFRC522")()
    bench.present(bytes.fromhex(uid))
    assert read_id(reader) == number(b"\x88" + bytes.fromhex(uid)[:3])


def test_two_badges_are_no_badge(bench: Bench, library: Callable[[str], Any]) -> None:
    reader = library("SimpleMFRC522")()
    bench.present(b"\x12\x34\x56\x78")
    bench.present(b"\x12\x30\x56\x78")
    assert [reader.read_id_no_block() for _ in range(4)] == [None] * 4
    bench.field.remove(b"\x12\x30\x56\x78")
    assert read_id(reader) == number(b"\x12\x34\x56\x78")


def test_dead_bus_reads_nothing(bench: Bench, library: Callable[[str], Any]) -> None:
    reader = library("SimpleMFRC522")()
    bench.present(b"\xde\xad\xbe\xef")
    for fault in ("dead", "stuck"):
        bench.chip.fault = fault
        assert reader.read_id_no_block() is None
    bench.chip.fault = ""
    assert read_id(reader) == number(b"\xde\xad\xbe\xef")
