"""How a start begins: what is wrong is a record, and the gate waits for what it lacks."""

import asyncio
import json

from standins import BADGE_KEY, KEY, MOUNT, RamFlash, equal, formatted, mount

from firmware import beginning, texts
from firmware.drivers.ds3231 import ClockChipError
from protocol import faults
from protocol.record import (
    KIND_BOOT,
    KIND_FAULT,
    KIND_STORAGE_RESET,
    QUALITY_NONE,
    QUALITY_RTC,
    unpack_record,
)
from simulator.board import registry
from simulator.board.rtc import BOOT_EPOCH_S, Rtc

BLOCKS = 48
UTC_S = 1_795_450_000


class Panel:
    """Remembers what it was to say."""

    def __init__(self):
        self.said = []

    def notice(self, text):
        self.said.append(text)


class Chip:
    def __init__(self, says):
        self.says = says

    def utc_s(self):
        if isinstance(self.says, str):
            raise ClockChipError(self.says)
        return self.says


def begin():
    registry.clear()
    registry.rtc = Rtc(lambda: 0)
    mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
    panel = Panel()
    journal, clock = asyncio.run(beginning.open_journal(MOUNT, panel))
    return panel, journal, clock


def kept(journal):
    found = []
    for sequence in range(1, journal.head + 1):
        record = unpack_record(journal.read(sequence, 1))
        found.append((record.kind, record.data[0] if record.kind == KIND_FAULT else 0))
    return found


def settings(**changed):
    fields = {
        "terminal": "gate-1",
        "site": "Werf Noord",
        "direction": "in",
        "language": "nl",
        "key": KEY.hex(),
        "badge_key": BADGE_KEY.hex(),
        "broker": {"host": "192.0.2.1", "port": 1883},
        "wifi": {"ssid": "werf", "password": ""},
    }
    fields.update(changed)
    return json.dumps(fields)


def write(text):
    with open(MOUNT + "/settings.json", "w") as file:
        file.write(text)


def check_settings_that_cannot_be_used_are_a_record_and_waited_for():
    panel, journal, clock = begin()
    beginning.keep_start(journal, clock)
    sleep_ms = asyncio.sleep_ms
    broken = [None, "{", settings(key="zz" * 32), settings(direction="left"), settings()]

    async def next_file(_ms):
        write(broken.pop(0))

    asyncio.sleep_ms = next_file
    broken.pop(0)  # there is no file at first
    try:
        read = asyncio.run(beginning.settings_of(MOUNT, panel, journal, clock))
    finally:
        asyncio.sleep_ms = sleep_ms
    equal(read.terminal, "gate-1")
    equal(panel.said, [texts.NO_SETTINGS] * 4)
    equal(kept(journal), [(KIND_STORAGE_RESET, 0), (KIND_BOOT, 0), (KIND_FAULT, faults.SETTINGS)])


def check_a_clock_chip_is_believed_or_named():
    for says, fault, quality in (
        (UTC_S, 0, QUALITY_RTC),
        (946_684_800, faults.TIME, QUALITY_NONE),
        ("stopped", faults.CLOCK_STOPPED, QUALITY_NONE),
        ("garbled", faults.CLOCK_STOPPED, QUALITY_NONE),
        ("missing", faults.CLOCK_MISSING, QUALITY_NONE),
    ):
        _panel, _journal, clock = begin()
        equal(beginning.start_clock(clock, Chip(says), False), fault, says)
        equal(clock.quality, quality, says)
        # A certificate of today is valid for a clock of today, and not for one of 2021.
        assert registry.rtc.now_s() > BOOT_EPOCH_S + 5 * 365 * 86400, says
        if not fault:
            equal(registry.rtc.now_s(), UTC_S)


def check_the_chip_of_a_new_gate_was_never_set():
    _panel, _journal, clock = begin()
    equal(beginning.start_clock(clock, Chip("stopped"), True), 0)
    equal(clock.quality, QUALITY_NONE)
    for says in ("missing", "garbled", 946_684_800):
        _panel, _journal, clock = begin()
        assert beginning.start_clock(clock, Chip(says), True), says
