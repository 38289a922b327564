"""Power cuts inside the emulated flash controller, with the boot ROM's own code: no image needed.

Every erase and program here is made by flash_range_erase and flash_range_program of the boot ROM,
run by the emulated processor, as MicroPython's `rp2.Flash` has them made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from littlefs import LittleFS
from littlefs.context import UserContext
from rp2040py.boards import BOARDS, resolve_layout
from rp2040py.rp2040 import RP2040

from hub.terminals import flash_places
from tests.emulator.flash_power import PAGE, SECTOR, FlashPower
from tests.emulator.thumb import DATA, flash_calls, new_chip, run
from tests.firmware.flash_image import BLOCKS, read_image

AT = 0x12_C000
FIRST_BYTE = bytes(range(256))
OTHER = bytes(range(255, -1, -1))


def put(chip: RP2040, address: int, content: bytes) -> None:
    for number, byte in enumerate(content):
        chip.write_uint8(address + number, byte)


def worked_on(cut_at: int, seed: int = 1) -> tuple[RP2040, FlashPower]:
    """A sector with old content is erased, then two pages are programmed: three operations."""
    chip = new_chip()
    chip.flash[AT : AT + SECTOR] = b"\x55" * SECTOR
    power = FlashPower(cut_at, seed, first=AT)
    power.attach(chip)
    put(chip, DATA, FIRST_BYTE + OTHER)
    run(chip, flash_calls(chip, [AT], [(AT, DATA), (AT + PAGE, DATA + PAGE)]))
    return chip, power


def test_uncut_the_rom_erases_and_programs_what_it_is_told() -> None:
    chip, power = worked_on(0)
    assert bytes(chip.flash[AT : AT + 2 * PAGE]) == FIRST_BYTE + OTHER
    assert set(chip.flash[AT + 2 * PAGE : AT + SECTOR]) == {0xFF}
    assert (power.erases, power.programs, power.violations, power.gone) == (1, 2, 0, False)


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_erase_leaves_an_arbitrary_part(seed: int) -> None:
    chip, power = worked_on(1, seed)
    content = bytes(chip.flash[AT : AT + SECTOR])
    erased = content.index(0x55)
    assert content == b"\xff" * erased + b"\x55" * (SECTOR - erased)
    assert (power.operations, power.gone) == (1, True)


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_program_leaves_a_prefix_and_half_a_byte(seed: int) -> None:
    chip, power = worked_on(2, seed)
    page = bytes(chip.flash[AT : AT + PAGE])
    same = next(i for i in range(PAGE + 1) if i == PAGE or page[i] != FIRST_BYTE[i])
    assert set(page[same + 1 :]) <= {0xFF}
    assert same == PAGE or page[same] & FIRST_BYTE[same] == FIRST_BYTE[same]
    assert set(chip.flash[AT + PAGE : AT + SECTOR]) == {0xFF}, "nothing after the cut"
    assert (power.operations, power.gone) == (2, True)


def test_nothing_reaches_the_flash_any_more() -> None:
    chip, power = worked_on(3, 4)
    after = bytes(chip.flash)
    put(chip, DATA, bytes(PAGE))
    run(chip, flash_calls(chip, [AT + SECTOR], [(AT, DATA)]))
    assert bytes(chip.flash) == after
    assert power.operations == 3


def test_programming_what_is_not_erased_only_clears_bits_and_is_counted() -> None:
    chip, power = worked_on(0)
    put(chip, DATA, b"\xff" * PAGE)
    run(chip, flash_calls(chip, [], [(AT, DATA)]))
    assert bytes(chip.flash[AT : AT + PAGE]) == FIRST_BYTE
    assert power.violations == 1


def test_the_image_has_the_place_that_the_hub_writes_for() -> None:
    layout = resolve_layout(BOARDS["pico_w"], "micropython")
    assert layout is not None
    assert (layout.fs_blockcount, layout.fs_blocksize) == (BLOCKS, SECTOR)
    assert flash_places.BOARDS["pico-w"] == BLOCKS
    assert layout.fs_start + BLOCKS * SECTOR == len(bytes(2 * 1024 * 1024))


# --- a file system on it --------------------------------------------------------------------------


class RomFlash(UserContext):
    """The flash of an emulated chip as a block device: LittleFS asks, the boot ROM writes.

    A board without power stops; LittleFS, a library here, cannot. So when the power has gone it is
    left in a world of its own (`buffer`), and what it still does there means nothing.
    """

    def __init__(self, chip: RP2040, power: FlashPower) -> None:
        super().__init__(buffer=bytearray(chip.flash[AT : AT + BLOCKS * SECTOR]))
        self._chip = chip
        self._power = power

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        if self._power.gone:
            return super().read(cfg, block, off, size)
        at = AT + block * SECTOR + off
        return bytearray(self._chip.flash[at : at + size])

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        if not self._power.gone:
            put(self._chip, DATA, bytes(data))
            start = AT + block * SECTOR + off
            pages = [(start + at, DATA + at) for at in range(0, len(data), PAGE)]
            run(self._chip, flash_calls(self._chip, [], pages))
        return super().prog(cfg, block, off, data)

    def erase(self, cfg: Any, block: int) -> int:
        if not self._power.gone:
            run(self._chip, flash_calls(self._chip, [AT + block * SECTOR], []))
        return super().erase(cfg, block)


def volume(context: UserContext | None) -> LittleFS:
    return LittleFS(
        context=context, block_size=SECTOR, block_count=BLOCKS, read_size=32, prog_size=PAGE,
        lookahead_size=32, cache_size=1024, disk_version=flash_places.DISK_VERSION, mount=False,
    )  # fmt: skip


def keep_numbers(flash: LittleFS, power: FlashPower, kept: list[int]) -> None:
    """Appends and commits numbers, and replaces a mark, as the journal does."""
    flash.mount()
    with flash.open("numbers", "wb", buffering=0) as file:
        for number in range(1, 9):
            file.write(bytes([number]) * 32)
            file.flush()
            if power.gone:
                return
            kept.append(number)
            if number % 4 == 0:
                with flash.open("mark.tmp", "wb") as mark:
                    mark.write(bytes([number]))
                flash.rename("mark.tmp", "mark")


def test_a_file_system_survives_a_cut_at_every_operation(tmp_path: Path) -> None:
    blank = new_chip()
    fresh = volume(RomFlash(blank, FlashPower()))
    fresh.format()
    start = bytes(blank.flash)

    def played(cut_at: int) -> tuple[list[int], dict[str, bytes], FlashPower]:
        chip = new_chip()
        chip.flash[:] = start
        power = FlashPower(cut_at, seed=cut_at, first=AT)
        power.attach(chip)
        kept: list[int] = []
        keep_numbers(volume(RomFlash(chip, power)), power, kept)
        # What a new chip starts from: the dump of the old one.
        image = tmp_path / "flash.bin"
        image.write_bytes(chip.flash[AT : AT + BLOCKS * SECTOR])
        return kept, read_image(image), power

    kept, files, power = played(0)
    assert (kept, files["mark"], power.violations) == (list(range(1, 9)), b"\x08", 0)
    points = power.operations
    assert points > 12, points
    torn = 0
    for cut_at in range(1, points + 1):
        kept, files, power = played(cut_at)
        assert power.gone
        numbers = files.get("numbers", b"")
        whole = [numbers[at] for at in range(0, len(numbers), 32)]
        # What was committed is there, at most one more; and the mark is an old or a new one.
        assert whole[: len(kept)] == kept
        assert len(whole) - len(kept) in (0, 1)
        assert files.get("mark", b"\0")[0] in (len(kept) // 4 * 4, (len(kept) - 1) // 4 * 4)
        torn += len(kept) < 8
    assert torn > points // 2
