"""What gates tell about themselves: which records become events, and how grave each is.

An event is derived from a record and nothing else, so it can be made again from the inbox. What is
derived:

| record | event | code | detail |
| --- | --- | --- | --- |
| fault | always | of `protocol.faults` | by code |
| lid, fire contact | always | 1 alarm, 0 normal again | 0 |
| passage | not passed, forced | NOT_PASSED, FORCED | number of the tap behind it, 0 for none |
| storage reset | always | 1: the hub knew a journal of this gate before, else 0 | 0 |
| start | always | 0 | boot number |
| time set | always | quality of the time before | milliseconds the clock was moved, 0 if unknown |
| roster | always | 0 | version |
| update | always | UPDATE_... | WHY_... |

A passage that went as it should is only counted, since there is one for each tap.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from protocol import faults
from protocol.record import (
    FORCED,
    KIND_BOOT,
    KIND_FAULT,
    KIND_FIRE,
    KIND_PASSAGE,
    KIND_ROSTER,
    KIND_STORAGE_RESET,
    KIND_TAMPER,
    KIND_TIME_SET,
    KIND_UPDATE,
    NOT_PASSED,
    PASSAGE_DATA,
    PASSED,
    ROSTER_DATA,
    TIME_SET_DATA,
    UPDATE_CONFIRMED,
    UPDATE_DATA,
    UPDATE_STORED,
    Record,
)

STORAGE_RESET_CODE: Final = "HUB-1206"
"""Incident: a gate began a new journal although it had one."""

KIND_NAMES: Final = {
    KIND_FAULT: "fault",
    KIND_TAMPER: "tamper",
    KIND_FIRE: "fire",
    KIND_PASSAGE: "passage",
    KIND_STORAGE_RESET: "storage_reset",
    KIND_BOOT: "boot",
    KIND_TIME_SET: "time_set",
    KIND_ROSTER: "roster",
    KIND_UPDATE: "update",
}
"""Kinds that become events, by the name their texts have."""

SETTING_NAMES: Final = (
    "repeat_s",
    "passback",
    "passback_reset_h",
    "sound",
    "supply_min_mv",
    "link",
    "turnstile.mode",
    "turnstile.open_ms",
    "turnstile.passage",
    "turnstile.passage_s",
)
"""Entries of a gate's settings in the order in which a SETTINGS fault counts them."""


class Level(StrEnum):
    """How much an event matters to a supervisor."""

    ALARM = "alarm"
    """Somebody must act now."""
    LOOK = "look"
    """Somebody should know of it today."""
    NOTE = "note"
    """The course of things."""


_ALARMS: Final = {
    (KIND_TAMPER, 1),
    (KIND_FIRE, 1),
    (KIND_PASSAGE, FORCED),
    (KIND_STORAGE_RESET, 1),
    (KIND_FAULT, faults.READER_DOWN),
    (KIND_FAULT, faults.JOURNAL_FULL),
    (KIND_FAULT, faults.SUPPLY_LOW),
    (KIND_FAULT, faults.SAFE_MODE),
}
_NOTES: Final = {
    (KIND_TAMPER, 0),
    (KIND_FIRE, 0),
    (KIND_PASSAGE, NOT_PASSED),
    (KIND_STORAGE_RESET, 0),
    (KIND_FAULT, faults.READER_BACK),
    (KIND_FAULT, faults.SUPPLY_BACK),
    (KIND_FAULT, faults.RADIO_RESET),
    (KIND_UPDATE, UPDATE_STORED),
    (KIND_UPDATE, UPDATE_CONFIRMED),
}
_ENDED_BY: Final = {
    (KIND_TAMPER, 1): (KIND_TAMPER, 0),
    (KIND_FIRE, 1): (KIND_FIRE, 0),
    (KIND_FAULT, faults.READER_DOWN): (KIND_FAULT, faults.READER_BACK),
    (KIND_FAULT, faults.SUPPLY_LOW): (KIND_FAULT, faults.SUPPLY_BACK),
}


@dataclass(slots=True)
class GateEvent:
    """One event as a row; `at_ms` is None while nothing dates it."""

    stream_id: int
    seq: int
    terminal_id: str
    kind: int
    code: int
    detail: int
    boot: int
    ticks_ms: int
    at_ms: int | None
    received_ms: int


@dataclass(frozen=True, slots=True)
class GateNews:
    """Events of one gate that say the same, taken together.

    Args:
        kind: `KIND_...` of `protocol.record`.
        code: see the table of this module.
        detail: of the newest of them.
        times: how many, 1 or more.
        at_ms: moment of the newest of them by the gate's clock, UTC milliseconds; None: unknown.
        received_ms: when the hub first held it, UTC milliseconds.
        order: rises with each event of this gate; of two, the higher one was kept later.
        over: a later event says that it has ended, or somebody has acknowledged it.
    """

    kind: int
    code: int
    detail: int
    times: int
    at_ms: int | None
    received_ms: int
    order: int
    over: bool = False

    @property
    def moment_ms(self) -> int:
        """When to say it was: the receipt, if its clock said nothing or a time after that."""
        return self.received_ms if self.at_ms is None else min(self.at_ms, self.received_ms)

    @property
    def name(self) -> str:
        """What its texts are found under in the catalogue, for example ``fault.1``."""
        return f"{KIND_NAMES[self.kind]}.{self.code}"

    @property
    def level(self) -> Level:
        """How much it matters now."""
        key = (self.kind, self.code)
        if key in _ALARMS:
            return Level.LOOK if self.over else Level.ALARM
        if key in _NOTES or self.kind in (KIND_BOOT, KIND_TIME_SET, KIND_ROSTER):
            return Level.NOTE
        return Level.LOOK


def joined(news: Iterable[GateNews]) -> tuple[GateNews, ...]:
    """Returns the news of one gate, newest first, what has ended marked so."""
    found = {(one.kind, one.code): one for one in news}

    def over(one: GateNews) -> bool:
        end = found.get(_ENDED_BY.get((one.kind, one.code), (0, 0)))
        return end is not None and end.order > one.order

    newest = sorted(found.values(), key=lambda one: one.order, reverse=True)
    return tuple(replace(one, over=over(one)) for one in newest)


def event_of(record: Record) -> tuple[int, int] | None:
    """Returns (code, detail) of a record that is an event; None for one that is none.

    Of a storage reset the code is 0: whether it is the first is known to the inbox alone.
    """
    kind, data = record.kind, record.data
    if kind == KIND_FAULT:
        code, _count, detail = faults.fields(data)
        return code, detail
    if kind in (KIND_TAMPER, KIND_FIRE):
        return min(data[0], 1), 0
    if kind == KIND_PASSAGE:
        sequence, _after, outcome, _zero = struct.unpack(PASSAGE_DATA, data)
        return (outcome, sequence) if outcome in (NOT_PASSED, FORCED) else None
    if kind == KIND_STORAGE_RESET:
        return 0, 0
    if kind == KIND_BOOT:
        return 0, record.boot
    if kind == KIND_TIME_SET:
        before_s, before_ms, quality, _zero = struct.unpack(TIME_SET_DATA, data)
        if not before_s or not record.utc_s:
            return quality, 0
        return quality, (record.utc_s - before_s) * 1000 + record.utc_ms - before_ms
    if kind == KIND_ROSTER:
        return 0, struct.unpack(ROSTER_DATA, data)[0]
    if kind == KIND_UPDATE:
        outcome, why, _digest = struct.unpack(UPDATE_DATA, data)
        return outcome, why
    return None


def went_through(record: Record) -> bool:
    """Returns whether the record says that somebody went through after a tap."""
    return record.kind == KIND_PASSAGE and struct.unpack(PASSAGE_DATA, record.data)[2] == PASSED
