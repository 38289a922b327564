"""Which alarms stand at a gate: what it says of itself now, and what it told today.

A gate's health message is the newest word on all that can be over by itself (lid, fire contact,
reader, supply ...); while none is known, today's events decide. What cannot be undone, a forced
passage or a lost journal, stays for the day, or until somebody acknowledges it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.application.gate_events import GateNews
from protocol import faults
from protocol.messages import (
    ALARM_CLOCK_CHIP,
    ALARM_DISPLAY,
    ALARM_FIRE,
    ALARM_JOURNAL,
    ALARM_SAFE_MODE,
    ALARM_SUPPLY,
    ALARM_TAMPER,
    ALARM_UPDATE_TRIAL,
)
from protocol.record import FORCED, KIND_FAULT, KIND_FIRE, KIND_PASSAGE, KIND_STORAGE_RESET
from protocol.record import KIND_TAMPER as KIND_LID


class Alarm(StrEnum):
    """What may stand at a gate, the most urgent first."""

    FIRE = "fire"
    LID = "lid"
    FORCED = "forced"
    STORAGE_RESET = "storage_reset"
    READER = "reader"
    JOURNAL_FULL = "journal_full"
    SUPPLY = "supply"
    SAFE_MODE = "safe_mode"
    ROSTER = "roster"
    JOURNAL = "journal"
    DISPLAY = "display"
    CLOCK_CHIP = "clock_chip"
    TRIAL = "trial"

    @property
    def urgent(self) -> bool:
        """Somebody must act now: the gate takes no taps, lets the wrong ones in, or lost some."""
        return self not in (Alarm.JOURNAL, Alarm.DISPLAY, Alarm.CLOCK_CHIP, Alarm.TRIAL)


STOPPING: Final = (
    Alarm.READER,
    Alarm.JOURNAL_FULL,
    Alarm.SUPPLY,
    Alarm.SAFE_MODE,
    Alarm.ROSTER,
)
"""With one of these the gate lets nobody in."""

_BITS: Final = {
    Alarm.FIRE: ALARM_FIRE,
    Alarm.LID: ALARM_TAMPER,
    Alarm.SUPPLY: ALARM_SUPPLY,
    Alarm.SAFE_MODE: ALARM_SAFE_MODE,
    Alarm.JOURNAL: ALARM_JOURNAL,
    Alarm.DISPLAY: ALARM_DISPLAY,
    Alarm.CLOCK_CHIP: ALARM_CLOCK_CHIP,
    Alarm.TRIAL: ALARM_UPDATE_TRIAL,
}
_OF_EVENT: Final = {
    (KIND_FIRE, 1): Alarm.FIRE,
    (KIND_LID, 1): Alarm.LID,
    (KIND_PASSAGE, FORCED): Alarm.FORCED,
    (KIND_STORAGE_RESET, 1): Alarm.STORAGE_RESET,
    (KIND_FAULT, faults.READER_DOWN): Alarm.READER,
    (KIND_FAULT, faults.JOURNAL_FULL): Alarm.JOURNAL_FULL,
    (KIND_FAULT, faults.SUPPLY_LOW): Alarm.SUPPLY,
    (KIND_FAULT, faults.SAFE_MODE): Alarm.SAFE_MODE,
    (KIND_FAULT, faults.JOURNAL_NEARLY_FULL): Alarm.JOURNAL,
    (KIND_FAULT, faults.DISPLAY_DOWN): Alarm.DISPLAY,
    (KIND_FAULT, faults.CLOCK_MISSING): Alarm.CLOCK_CHIP,
}
_STAYS: Final = (Alarm.FORCED, Alarm.STORAGE_RESET)
FULL_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """One alarm that stands.

    Args:
        alarm: which.
        since_ms: moment of the newest event that tells of it today, UTC milliseconds; None when
            no event does.
        times: how many such events; 0 when none does.
    """

    alarm: Alarm
    since_ms: int | None = None
    times: int = 0


def alarms_of(
    health: Mapping[str, int] | None,
    reader_ok: bool | None,
    roster_version: int | None,
    news: Iterable[GateNews],
) -> tuple[Standing, ...]:
    """Returns the alarms of one gate, the most urgent first.

    Args:
        health: the numbers of its last health message by name; None when none is known.
        reader_ok: whether its reader answers; None when not known.
        roster_version: of the list it decides with, 0 for none; None when not known.
        news: what it told today.
    """
    told = {_OF_EVENT[key]: one for one in news if (key := (one.kind, one.code)) in _OF_EVENT}
    if health is None:
        found = {alarm for alarm, one in told.items() if not one.over}
    else:
        found = {alarm for alarm in _STAYS if alarm in told and not told[alarm].over}
        found |= {alarm for alarm, bit in _BITS.items() if health.get("alarms", 0) & bit}
        if health.get("journal_used", 0) >= FULL_PERCENT:
            found.add(Alarm.JOURNAL_FULL)
    if Alarm.JOURNAL_FULL in found:
        found.discard(Alarm.JOURNAL)
    if reader_ok is not None:
        (found.add if not reader_ok else found.discard)(Alarm.READER)
    # In safe mode nothing is read, so a reader that is silent tells nothing.
    if Alarm.SAFE_MODE in found:
        found.discard(Alarm.READER)
    if roster_version == 0:
        found.add(Alarm.ROSTER)
    return tuple(
        Standing(alarm, told[alarm].moment_ms, told[alarm].times)
        if alarm in told and not told[alarm].over
        else Standing(alarm)
        for alarm in Alarm
        if alarm in found
    )


def alarm_of(news: GateNews) -> Alarm | None:
    """Returns the alarm that these news tell of; None when they tell of none."""
    return _OF_EVENT.get((news.kind, news.code))


def explained_by(standing: Iterable[Standing], news: GateNews) -> bool:
    """Returns whether one of these alarms says already what the news say."""
    alarm = _OF_EVENT.get((news.kind, news.code))
    return alarm is not None and any(one.alarm is alarm for one in standing)
