"""How a start of the gate begins: its journal, its time, its settings.

In this order, so that whatever is wrong with the settings is a record too, and not only a line on a
display that nobody reads.
"""

import asyncio
import time

from firmware import BUILT_S, files, texts
from firmware.clock import Clock
from firmware.drivers import rtc
from firmware.drivers.ds3231 import ClockChipError
from firmware.journal import Journal, JournalError
from firmware.settings import SettingsError, load
from protocol import faults
from protocol.record import KIND_FAULT, REASON_NONE

RETRY_MS = 5000
SETTINGS_ALL = 255
"""Detail of a SETTINGS fault: the file as a whole, or an entry without which there is no gate."""


async def open_journal(root: str, panel) -> tuple:
    """Returns (journal, clock); without a flash the gate can only say so.

    Args:
        root: folder of the flash.
        panel: says it.
    """
    while True:
        try:
            journal = Journal(files.join(root, "journal"))
            clock = Clock(journal.boot, time.ticks_ms, time.ticks_diff)
            clock.not_before_s = max(journal.newest_utc_s, BUILT_S)
            return journal, clock
        except JournalError as error:
            print("journal:", error.code)
            panel.notice(texts.FULL)
        await asyncio.sleep_ms(RETRY_MS)


def start_clock(clock, clock_chip, new: bool) -> int:
    """Takes the clock chip's time if it can be believed; returns the fault that says why not, or 0.

    A new gate's chip has never been set: that it stands still is no fault then.

    Certificates need a date in any case: without a time they are checked against the newest second
    that is certainly past, since a clock that stands in 2021 would refuse every one.
    """
    fault = 0
    try:
        if not clock.chip_says(clock_chip.utc_s(), clock.now_ms()):
            fault = faults.TIME
    except ClockChipError as error:
        if error.code == "missing":
            fault = faults.CLOCK_MISSING
        elif not (new and error.code == "stopped"):
            fault = faults.CLOCK_STOPPED
    rtc.set_utc(clock.calendar(clock.now_ms()))
    return fault


def keep_start(journal, clock) -> None:
    """The first records of this start."""
    try:
        journal.start(clock)
    except JournalError as error:
        # A full journal still has to be sent; taps are refused until there is room.
        print("journal:", error.code)


async def settings_of(root: str, panel, journal, clock):
    """Returns the settings; without them the gate says so and keeps it, until they are there.

    Args:
        root: folder of the flash.
        panel: says it.
        journal, clock: keep it, once.
    """
    told = False
    while True:
        try:
            return load(root)
        except SettingsError as error:
            print("settings:", error.code)
            panel.notice(texts.NO_SETTINGS)
        if not told:
            told = True
            data = faults.data(faults.SETTINGS, 0, SETTINGS_ALL)
            try:
                journal.note(KIND_FAULT, REASON_NONE, clock, clock.now_ms(), data)
            except JournalError as error:
                print("journal:", error.code)
        await asyncio.sleep_ms(RETRY_MS)
