"""The reader on the hub's own pins: the real library, a simulated chip, what can be missing."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest

from hub.domain.identifiers import BadgeUid, IdentifierError
from hub.errors import PermanentError
from hub.terminals.pins import GONE_LOOKS, PinReader, open_chip, read_uid
from tests.board.test_mfrc522_library import Bench
from tests.board.test_mfrc522_library import bench as bench

DEADLINE_S = 20


@pytest.mark.parametrize("uid", ["deadbeef", "04a1b2c3d4e5f6", "0102030405060708090a"])
def test_a_uid_of_every_length_is_whole(bench: Bench, uid: str) -> None:
    chip = open_chip()
    bench.us += 6000
    assert read_uid(chip) is None
    bench.present(bytes.fromhex(uid))
    # It was selected and stays awake for the next look, or answers that one only after another.
    found = [read_uid(chip) for _ in range(4)]
    assert BadgeUid(bytes.fromhex(uid)) in found
    assert set(found) <= {BadgeUid(bytes.fromhex(uid)), None}


def test_a_random_number_is_no_badge(bench: Bench) -> None:
    chip = open_chip()
    bench.present(bytes.fromhex("08a1b2c3"))
    with pytest.raises(IdentifierError) as refused:
        read_uid(chip)
    assert refused.value.code == "IMP-3403"


def test_two_cards_are_no_card(bench: Bench) -> None:
    chip = open_chip()
    bench.present(b"\x12\x34\x56\x78")
    bench.present(b"\x12\x30\x56\x78")
    assert [read_uid(chip) for _ in range(4)] == [None] * 4


def test_a_card_that_lies_there_is_told_once(bench: Bench) -> None:
    told: list[BadgeUid] = []
    reader = PinReader(told.append)
    chip = open_chip()
    card, other = bytes.fromhex("deadbeef"), bytes.fromhex("04a1b2c3d4e5f6")
    bench.present(card)
    for _ in range(10):
        reader.look(chip)
    assert told == [BadgeUid(card)]
    bench.field.remove(card)
    bench.present(other)
    for _ in range(4):
        reader.look(chip)
    bench.field.remove(other)
    for _ in range(GONE_LOOKS):
        reader.look(chip)
    bench.present(other)
    for _ in range(4):
        reader.look(chip)
    assert told == [BadgeUid(card), BadgeUid(other), BadgeUid(other)]


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mfrc522", None)
    with pytest.raises(PermanentError) as refused:
        open_chip()
    assert (refused.value.code, refused.value.extra["library"]) == ("HUB-1687", "mfrc522")


def test_spi_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class SpiDev:
        def open(self, bus: int, device: int) -> None:
            raise FileNotFoundError(2, "No such file or directory")

    module = types.ModuleType("spidev")
    module.__dict__["SpiDev"] = SpiDev
    monkeypatch.setitem(sys.modules, "spidev", module)
    with pytest.raises(PermanentError) as refused:
        open_chip()
    assert refused.value.code == "HUB-1688"
    assert "No such file" in refused.value.extra["reason"]  # pyright: ignore[reportOperatorIssue]


def test_a_chip_that_does_not_answer_is_told(bench: Bench) -> None:
    bench.chip.fault = "dead"
    with pytest.raises(PermanentError) as refused:
        open_chip()
    assert refused.value.code == "HUB-1688"


@pytest.fixture
def running() -> Iterator[list[PinReader]]:
    readers: list[PinReader] = []
    yield readers
    for reader in readers:
        reader.stop()


def test_the_thread_reads_and_finds_a_chip_that_comes_back(
    bench: Bench, running: list[PinReader]
) -> None:
    came, opened, lost = threading.Event(), threading.Event(), threading.Event()
    told: list[BadgeUid] = []

    def read(uid: BadgeUid) -> None:
        told.append(uid)
        came.set()

    def chip() -> Any:
        try:
            found = open_chip()
        except PermanentError:
            lost.set()
            raise
        opened.set()
        return found

    bench.chip.fault = "dead"
    reader = PinReader(read, chip, look_s=0.001, retry_s=0.01)
    running.append(reader)
    reader.start()
    assert lost.wait(DEADLINE_S)
    assert not opened.is_set()
    bench.chip.fault = ""
    assert opened.wait(DEADLINE_S)
    bench.present(b"\xde\xad\xbe\xef")
    assert came.wait(DEADLINE_S)
    assert told[0] == BadgeUid(b"\xde\xad\xbe\xef")
    assert reader.trouble() is None
    lost.clear()
    bench.chip.fault = "dead"
    assert lost.wait(DEADLINE_S)
    trouble = reader.trouble()
    assert trouble is not None
    assert trouble.code == "HUB-1688"
