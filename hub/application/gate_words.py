"""What gates tell about themselves, in words: events, alarms and the numbers of a health message.

Used by the dashboard and by the commands, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.application.gate_alarms import Alarm
from hub.application.gate_events import SETTING_NAMES, GateNews
from hub.i18n import catalogue, number_text, text
from protocol import faults
from protocol.record import KIND_FAULT, KIND_TIME_SET, KIND_UPDATE

SIGNAL_GOOD_DBM: Final = -67
SIGNAL_FAIR_DBM: Final = -77
"""Below it a gate's Wi-Fi hangs: packets are lost and the slowest rates are used."""


def event_words(news: GateNews, language: str) -> tuple[str, str]:
    """Returns what happened and what to do; the latter is empty for the course of things."""
    key = f"gate.event.{news.name}"
    if news.kind == KIND_TIME_SET:
        key = f"gate.event.time_set.{'moved' if news.detail else 'first'}"
    elif f"{key}.happened" not in catalogue():
        key = "gate.event.fault.other" if news.kind == KIND_FAULT else "gate.event.other"
    values = {"code": news.name, "detail": _detail(news, language)}
    if news.kind == KIND_FAULT:
        values["code"] = str(news.code)
    happened = text(f"{key}.happened", language, **values)
    has_next = f"{key}.next" in catalogue()
    return happened, text(f"{key}.next", language, **values) if has_next else ""


def _detail(news: GateNews, language: str) -> str:
    if news.kind == KIND_UPDATE or (news.kind, news.code) == (KIND_FAULT, faults.UPDATE):
        key = f"gate.why.{news.detail}"
        return text(key, language) if key in catalogue() else str(news.detail)
    if news.kind == KIND_TIME_SET:
        return _seconds(news.detail, language)
    if news.kind == KIND_FAULT:
        if news.code in (faults.SUPPLY_LOW, faults.SUPPLY_BACK):
            return _volts(news.detail, language)
        if news.code == faults.SETTINGS and news.detail < len(SETTING_NAMES):
            return SETTING_NAMES[news.detail]
    return str(news.detail)


def alarm_words(alarm: Alarm, language: str) -> tuple[str, str]:
    """Returns what stands, in a few words, and what to do."""
    key = f"gate.alarm.{alarm}"
    return text(f"{key}.word", language), text(f"{key}.next", language)


def health_words(
    health: Mapping[str, int], firmware: str, language: str
) -> list[tuple[str, str, str]]:
    """Returns (name, word, value) of what a health message says, as far as the gate knew it.

    Args:
        health: the numbers of `protocol.messages.HEALTH` by their names; any may be missing.
        firmware: what the gate introduced itself with; empty for not known.
        language: one of `hub.i18n.LANGUAGES`.
    """

    def number(name: str) -> int:
        return health.get(name, 0)

    found: dict[str, str] = {}
    if number("rssi"):
        found["signal"] = _signal(number("rssi"), language)
    if number("supply_mv"):
        found["supply"] = _volts(number("supply_mv"), language)
    # A gate that cannot measure says 0; 0.0 degrees to the tenth is rare enough to be left out.
    if number("temperature"):
        found["temperature"] = f"{number_text(number('temperature') / 10, language, 1)} °C"
    if firmware:
        found["firmware"] = firmware.partition("+")[0]
    found["uptime"] = duration_text(number("uptime_s"), language)
    reset = f"gate.reset.{number('reset_cause')}"
    if reset in catalogue():
        found["reset"] = text(reset, language)
    found["restarts"] = str(number("restarts"))
    found["memory"] = text("gate.used", language, percent=number("journal_used"))
    found["flash"] = text("gate.kilobytes", language, count=number("flash_free") // 1024)
    found["taps"] = str(number("taps"))
    if number("not_kept"):
        found["not_kept"] = str(number("not_kept"))
    found["reader"] = f"{number('reader_resets')}, {number('reader_errors')}"
    if number("reader_version"):
        found["chip"] = f"0x{number('reader_version'):02X}"
    if number("radio_resets"):
        found["radio"] = str(number("radio_resets"))
    if number("refused"):
        found["refused"] = str(number("refused"))
    return [(name, text(f"gate.health.{name}", language), value) for name, value in found.items()]


def duration_text(seconds: int, language: str) -> str:
    """Returns a length of time in its two largest units, minutes at least."""
    minutes = seconds // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return text("gate.days", language, days=days, hours=hours % 24)
    if hours:
        return text("gate.hours", language, hours=hours, minutes=minutes % 60)
    return text("gate.minutes", language, minutes=minutes)


def _signal(dbm: int, language: str) -> str:
    word = "good" if dbm >= SIGNAL_GOOD_DBM else "fair" if dbm >= SIGNAL_FAIR_DBM else "weak"
    return text(f"gate.signal.{word}", language, dbm=number_text(dbm, language, 0))


def _volts(millivolts: int, language: str) -> str:
    return f"{number_text(millivolts / 1000, language, 2)} V"


def _seconds(milliseconds: int, language: str) -> str:
    if abs(milliseconds) >= 120_000:
        sign = "-" if milliseconds < 0 else ""
        return sign + duration_text(abs(milliseconds) // 1000, language)
    return text("gate.seconds", language, count=number_text(milliseconds / 1000, language, 1))
