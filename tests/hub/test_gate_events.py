"""What gates tell about themselves becomes events and alarms, each with words in four languages."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.settings import OPTIONS
from hub.application.gate_alarms import Alarm, Standing, alarms_of, explained_by
from hub.application.gate_events import (
    KIND_NAMES,
    SETTING_NAMES,
    STORAGE_RESET_CODE,
    GateNews,
    Level,
    event_of,
    joined,
)
from hub.application.gate_words import alarm_words, duration_text, event_words, health_words
from hub.i18n import LANGUAGES, catalogue
from hub.storage.engine import reading
from hub.storage.gate_news import newest_events, news_of_gates, passages_of_day
from hub.storage.incidents import incidents_since
from hub.storage.schema import gate_event, passage_count, tap
from protocol import faults, slots
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
from protocol.record import (
    CONTACT_DATA,
    FORCED,
    KIND_BOOT,
    KIND_FAULT,
    KIND_FIRE,
    KIND_PASSAGE,
    KIND_ROSTER,
    KIND_STORAGE_RESET,
    KIND_TAMPER,
    KIND_TAP,
    KIND_TIME_SET,
    KIND_UPDATE,
    NOT_PASSED,
    PASSAGE_DATA,
    PASSED,
    QUALITY_NONE,
    QUALITY_RTC,
    ROSTER_DATA,
    TIME_SET_DATA,
    UPDATE_CONFIRMED,
    UPDATE_DATA,
    UPDATE_REFUSED,
    UPDATE_ROLLED_BACK,
    UPDATE_STORED,
    unpack_record,
)
from tests.hub.derived import Site
from tests.hub.house import MILAN, NOON_MS, people_house, record

MINUTE, DAY = 60_000, 86_400_000
TODAY = "2026-11-23"
CODES = {
    name: value
    for name, value in vars(faults).items()
    if name.isupper() and isinstance(value, int) and value
}
OPENED, CLOSED = struct.pack(CONTACT_DATA, 1), struct.pack(CONTACT_DATA, 0)


def fault(seq: int, code: int, at_ms: int, detail: int = 0, **more: int) -> bytes:
    """A fault record; `at_ms` 0 for an unknown time."""
    return record(seq, faults.data(code, 1, detail), at_ms, kind=KIND_FAULT, **more)


def passage(seq: int, outcome: int, at_ms: int, behind: int = 7) -> bytes:
    """What the arm did."""
    data = struct.pack(PASSAGE_DATA, behind, 120, outcome, 0)
    return record(seq, data, at_ms, kind=KIND_PASSAGE)


def news(kind: int, code: int, order: int = 1, detail: int = 0) -> GateNews:
    """One thing a gate told."""
    return GateNews(kind, code, detail, 1, NOON_MS, NOON_MS + 1_000, order)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A house with two gates."""
    with people_house(tmp_path) as house:
        yield Site(house)


# ---------------------------------------------------------------- records become events


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (KIND_FAULT, faults.data(faults.SUPPLY_LOW, 3, 4_310), (faults.SUPPLY_LOW, 4_310)),
        (KIND_FAULT, faults.data(222, 0, 5), (222, 5)),
        (KIND_TAMPER, OPENED, (1, 0)),
        (KIND_FIRE, CLOSED, (0, 0)),
        (KIND_PASSAGE, struct.pack(PASSAGE_DATA, 0, 0, FORCED, 0), (FORCED, 0)),
        (KIND_PASSAGE, struct.pack(PASSAGE_DATA, 41, 800, NOT_PASSED, 0), (NOT_PASSED, 41)),
        (KIND_PASSAGE, struct.pack(PASSAGE_DATA, 41, 90, PASSED, 0), None),
        (KIND_PASSAGE, struct.pack(PASSAGE_DATA, 41, 90, 9, 0), None),
        (KIND_STORAGE_RESET, bytes(8), (0, 0)),
        (KIND_BOOT, bytes(8), (0, 1)),
        (KIND_TIME_SET, bytes(8), (0, 0)),
        (
            KIND_TIME_SET,
            struct.pack(TIME_SET_DATA, NOON_MS // 1000 - 3, 250, QUALITY_RTC, 0),
            (QUALITY_RTC, 2_750),
        ),
        (KIND_ROSTER, struct.pack(ROSTER_DATA, 41, b"hash"), (0, 41)),
        (
            KIND_UPDATE,
            struct.pack(UPDATE_DATA, UPDATE_ROLLED_BACK, slots.WHY_TIME, b"digest"),
            (UPDATE_ROLLED_BACK, slots.WHY_TIME),
        ),
        (KIND_TAP, b"badgetag", None),
        (200, bytes(8), None),
    ],
)
def test_each_kind_of_record_says_its_code_and_detail(
    kind: int, data: bytes, expected: tuple[int, int] | None
) -> None:
    assert event_of(unpack_record(record(1, data, NOON_MS, kind=kind))) == expected


def test_events_are_kept_with_their_moment_and_taps_are_not_among_them(site: Site) -> None:
    tag = site.house.tag(MILAN)
    site.arrive(
        "gate-in",
        NOON_MS + 5_000,
        record(1, tag, NOON_MS),
        fault(2, faults.READER_DOWN, NOON_MS + 1_500),
        record(3, OPENED, NOON_MS + 2_000, kind=KIND_TAMPER),
    )
    assert site.project() == 3
    shown = [(row.seq, row.kind, row.code, row.at_ms) for row in site.rows(gate_event)]
    assert shown == [
        (2, KIND_FAULT, faults.READER_DOWN, NOON_MS + 1_500),
        (3, KIND_TAMPER, 1, NOON_MS + 2_000),
    ]
    assert {row.received_ms for row in site.rows(gate_event)} == {NOON_MS + 5_000}
    assert [row.seq for row in site.rows(tap)] == [1]


@pytest.mark.parametrize("event_first", [True, False])
def test_an_event_without_a_date_gets_it_from_its_own_boot_in_either_order(
    site: Site, event_first: bool
) -> None:
    pieces = [
        fault(1, faults.READER_DOWN, 0, quality=QUALITY_NONE, ticks_ms=5_000),
        record(2, bytes(8), NOON_MS, kind=KIND_TIME_SET, ticks_ms=65_000),
    ]
    other = fault(3, faults.TASK, 0, quality=QUALITY_NONE, ticks_ms=5_000, boot=2)
    for piece in (*(pieces if event_first else reversed(pieces)), other):
        site.arrive("gate-in", NOON_MS, piece)
        site.project()
    dated = {row.seq: row.at_ms for row in site.rows(gate_event)}
    assert dated == {1: NOON_MS - MINUTE, 2: NOON_MS, 3: None}


def test_passages_that_went_well_are_counted_by_gate_and_day(site: Site) -> None:
    site.arrive(
        "gate-in",
        NOON_MS,
        passage(1, PASSED, NOON_MS - DAY),
        passage(2, PASSED, NOON_MS),
        passage(3, NOT_PASSED, NOON_MS),
        passage(4, PASSED, 0),  # without a date it counts for the day of its receipt
    )
    site.arrive("gate-in", NOON_MS, passage(5, PASSED, NOON_MS))
    site.arrive("gate-out", NOON_MS, passage(1, FORCED, NOON_MS, behind=0))
    site.project()
    counted = [(row.terminal_id, row.day, row.passed) for row in site.rows(passage_count)]
    assert counted == [("gate-in", "2026-11-22", 1), ("gate-in", TODAY, 3)]
    assert [(row.terminal_id, row.code) for row in site.rows(gate_event)] == [
        ("gate-in", NOT_PASSED),
        ("gate-out", FORCED),
    ]
    with reading(site.engine) as connection:
        assert passages_of_day(connection, ["gate-in", "gate-out"], TODAY) == {"gate-in": 3}


def test_a_journal_begun_anew_is_an_incident_and_the_first_one_is_not(site: Site) -> None:
    reset = record(1, bytes(8), NOON_MS, kind=KIND_STORAGE_RESET)

    def incidents() -> list[tuple[int, str, str | None, str]]:
        with reading(site.engine) as connection:
            return incidents_since(connection, 0)

    site.arrive("gate-in", NOON_MS, reset)
    site.arrive("gate-out", NOON_MS, reset, journal=b"journal9")
    site.project()
    assert incidents() == []
    site.arrive("gate-in", NOON_MS + 9, reset, journal=b"journal2")
    site.project()
    assert incidents() == [(NOON_MS + 9, STORAGE_RESET_CODE, "gate-in", "")]
    assert [row.code for row in site.rows(gate_event)] == [0, 0, 1]


# ---------------------------------------------------------------- what people are shown


def test_news_of_a_day_are_what_was_heard_on_it_and_the_same_is_taken_together(site: Site) -> None:
    last_night = NOON_MS - 13 * 3_600_000
    site.arrive("gate-in", last_night, fault(1, faults.TASK, last_night, 3))
    # Kept over the night at a gate without network.
    site.arrive("gate-in", NOON_MS, record(2, OPENED, last_night, kind=KIND_TAMPER))
    site.arrive(
        "gate-in",
        NOON_MS,
        fault(3, faults.TASK, NOON_MS - 9, 3),
        fault(4, faults.TASK, NOON_MS - 5, 4),
    )
    site.arrive("gate-out", NOON_MS, fault(1, faults.TASK, NOON_MS, 5))
    site.project()
    midnight = NOON_MS - 12 * 3_600_000
    with reading(site.engine) as connection:
        found = news_of_gates(connection, ["gate-in"], midnight, midnight + DAY)
        newest = newest_events(connection, "gate-in", 2)
    assert list(found) == ["gate-in"]
    told = [(one.name, one.times, one.detail, one.at_ms) for one in found["gate-in"]]
    assert told == [
        (f"fault.{faults.TASK}", 2, 4, NOON_MS - 5),
        ("tamper.1", 1, 0, last_night),
    ]
    assert [(one.name, one.at_ms) for one in newest] == [
        (f"fault.{faults.TASK}", NOON_MS - 5),
        (f"fault.{faults.TASK}", NOON_MS - 9),
    ]


def test_what_has_ended_is_no_alarm_any_more() -> None:
    down, back = news(KIND_FAULT, faults.READER_DOWN, 5), news(KIND_FAULT, faults.READER_BACK, 6)
    again = news(KIND_FAULT, faults.READER_DOWN, 7)
    assert [one.over for one in joined([down, back])] == [False, True]
    assert [one.level for one in joined([down, back])] == [Level.NOTE, Level.LOOK]
    assert [one.level for one in joined([back, again])] == [Level.ALARM, Level.NOTE]
    assert joined([down])[0].level is Level.ALARM


def test_an_event_is_never_said_to_be_later_than_the_hub_held_it() -> None:
    ahead = GateNews(KIND_BOOT, 0, 1, 1, NOON_MS + DAY, NOON_MS, 1)
    unknown = GateNews(KIND_BOOT, 0, 1, 1, None, NOON_MS, 1)
    assert (ahead.moment_ms, unknown.moment_ms) == (NOON_MS, NOON_MS)
    assert news(KIND_BOOT, 0).moment_ms == NOON_MS


# ---------------------------------------------------------------- alarms


@pytest.mark.parametrize(
    ("bit", "alarm"),
    [
        (ALARM_TAMPER, Alarm.LID),
        (ALARM_FIRE, Alarm.FIRE),
        (ALARM_JOURNAL, Alarm.JOURNAL),
        (ALARM_SUPPLY, Alarm.SUPPLY),
        (ALARM_SAFE_MODE, Alarm.SAFE_MODE),
        (ALARM_DISPLAY, Alarm.DISPLAY),
        (ALARM_CLOCK_CHIP, Alarm.CLOCK_CHIP),
        (ALARM_UPDATE_TRIAL, Alarm.TRIAL),
    ],
)
def test_each_bit_of_a_health_message_is_an_alarm(bit: int, alarm: Alarm) -> None:
    assert alarms_of({"alarms": bit}, True, 1, []) == (Standing(alarm),)


def test_a_gate_that_is_well_has_no_alarm_whatever_it_told_before() -> None:
    told = [
        news(KIND_TAMPER, 1), news(KIND_FIRE, 1), news(KIND_FAULT, faults.READER_DOWN),
        news(KIND_FAULT, faults.SUPPLY_LOW), news(KIND_FAULT, faults.JOURNAL_FULL),
    ]  # fmt: skip
    assert alarms_of({"alarms": 0, "journal_used": 4}, True, 1, told) == ()


def test_of_a_gate_that_says_nothing_the_events_of_the_day_decide() -> None:
    told = joined(
        [
            news(KIND_FIRE, 1, 1), news(KIND_FIRE, 0, 2), news(KIND_TAMPER, 1, 3),
            news(KIND_FAULT, faults.READER_DOWN, 4), news(KIND_FAULT, faults.TASK, 5),
        ]
    )  # fmt: skip
    found = alarms_of(None, None, None, told)
    assert found == (Standing(Alarm.LID, NOON_MS, 1), Standing(Alarm.READER, NOON_MS, 1))
    assert explained_by(found, news(KIND_TAMPER, 1))
    assert not explained_by(found, news(KIND_FAULT, faults.TASK))


def test_a_forced_passage_and_a_lost_memory_stay_for_the_day() -> None:
    told = [news(KIND_PASSAGE, FORCED), news(KIND_STORAGE_RESET, 1), news(KIND_STORAGE_RESET, 0)]
    found = alarms_of({"alarms": 0}, True, 1, told)
    assert [one.alarm for one in found] == [Alarm.FORCED, Alarm.STORAGE_RESET]
    assert all(one.alarm.urgent for one in found)


def test_the_most_urgent_alarm_comes_first_and_full_is_more_than_nearly_full() -> None:
    bits = ALARM_JOURNAL | ALARM_FIRE | ALARM_UPDATE_TRIAL | ALARM_TAMPER
    found = alarms_of({"alarms": bits, "journal_used": 100}, False, 0, [])
    assert [one.alarm for one in found] == [
        Alarm.FIRE, Alarm.LID, Alarm.READER, Alarm.JOURNAL_FULL, Alarm.ROSTER, Alarm.TRIAL,
    ]  # fmt: skip


# ---------------------------------------------------------------- words


def said(kind: int, code: int, detail: int = 3) -> list[tuple[str, str]]:
    """What happened and what to do, in each language."""
    return [event_words(news(kind, code, detail=detail), language) for language in LANGUAGES]


@pytest.mark.parametrize("name", CODES)
def test_each_fault_says_what_happened_and_what_to_do_in_four_languages(name: str) -> None:
    for part in ("happened", "next"):
        assert set(catalogue()[f"gate.event.fault.{CODES[name]}.{part}"]) == set(LANGUAGES)
    texts = said(KIND_FAULT, CODES[name])
    assert len({happened for happened, _ in texts}) == len(LANGUAGES)
    assert all(happened and advice and "{" not in happened + advice for happened, advice in texts)


def test_there_are_words_for_every_other_event_and_alarm() -> None:
    known = [
        *[(kind, code) for kind in (KIND_TAMPER, KIND_FIRE, KIND_STORAGE_RESET) for code in (0, 1)],
        *[(KIND_PASSAGE, code) for code in (NOT_PASSED, FORCED)],
        *[(KIND_UPDATE, code) for code in (UPDATE_STORED, UPDATE_CONFIRMED, UPDATE_ROLLED_BACK)],
        (KIND_UPDATE, UPDATE_REFUSED), (KIND_BOOT, 0), (KIND_ROSTER, 0), (KIND_TIME_SET, 0),
    ]  # fmt: skip
    newer = {happened for happened, _ in said(KIND_UPDATE, 77)}
    assert {kind for kind, _ in known} | {KIND_FAULT} == set(KIND_NAMES)
    for kind, code in known:
        texts = said(kind, code)
        assert len({happened for happened, _ in texts}) == len(LANGUAGES)
        level = news(kind, code).level
        assert level is Level.NOTE or all(advice for _, advice in texts), (kind, code)
        assert not newer & {happened for happened, _ in texts}
    for alarm in Alarm:
        assert len({alarm_words(alarm, language) for language in LANGUAGES}) == len(LANGUAGES)


def test_what_a_newer_gate_tells_has_words_too() -> None:
    assert event_words(news(KIND_FAULT, 222, detail=5), "en")[0] == (
        "Fault no. 222 (5) of newer firmware."
    )
    assert "update.77" in event_words(news(KIND_UPDATE, 77), "en")[0]


@pytest.mark.parametrize(
    ("kind", "code", "detail", "words"),
    [
        (KIND_FAULT, faults.SUPPLY_LOW, 4_310, "4,31 V"),
        (KIND_FAULT, faults.SETTINGS, 7, "turnstile.open_ms"),
        (KIND_FAULT, faults.SETTINGS, 77, "77"),
        (KIND_FAULT, faults.UPDATE, slots.WHY_NO_ROOM, "not enough space"),
        (KIND_UPDATE, UPDATE_ROLLED_BACK, slots.WHY_TIME, "ten minutes"),
        (KIND_UPDATE, UPDATE_ROLLED_BACK, 99, "(99)"),
        (KIND_TIME_SET, QUALITY_RTC, -2_750, "by -2,8 s"),
        (KIND_TIME_SET, QUALITY_RTC, 7_200_000, "by 2 h 0 min"),
        (KIND_TIME_SET, QUALITY_NONE, 0, "was set"),
    ],
)
def test_the_detail_of_an_event_is_said_in_plain_words(
    kind: int, code: int, detail: int, words: str
) -> None:
    assert words in event_words(news(kind, code, detail=detail), "en")[0]


def test_each_reason_of_an_update_has_words() -> None:
    reasons = {value for name, value in vars(slots).items() if name.startswith("WHY_")}
    assert all(f"gate.why.{reason}" in catalogue() for reason in reasons)


def test_the_settings_a_fault_counts_are_those_of_the_firmware() -> None:
    assert [name.rpartition(".")[2] for name in SETTING_NAMES] == list(OPTIONS)


def test_the_numbers_of_health_are_said_with_their_units() -> None:
    numbers = {
        "rssi": -61, "supply_mv": 4_930, "temperature": -35, "uptime_s": 93_784,
        "journal_used": 12, "flash_free": 612_000, "reset_cause": 2, "reader_resets": 1,
        "reader_errors": 4, "not_kept": 2, "radio_resets": 1, "reader_version": 0x92, "refused": 6,
    }  # fmt: skip
    shown = {name: value for name, _, value in health_words(numbers, "0.9.1+0123456789ab", "nl")}
    assert shown == {
        "signal": "goed (-61 dBm)",
        "supply": "4,93 V",
        "temperature": "-3,5 °C",
        "firmware": "0.9.1",
        "uptime": "1 d 2 u",
        "reset": "door de waakhond",
        "restarts": "0",
        "memory": "12 % gebruikt",
        "flash": "597 kB",
        "taps": "0",
        "not_kept": "2",
        "reader": "1, 4",
        "chip": "0x92",
        "radio": "1",
        "refused": "6",
    }
    # What a gate cannot measure is left out rather than shown as a zero.
    bare = {name for name, *_ in health_words({}, "", "en")}
    assert bare == {"uptime", "restarts", "memory", "flash", "taps", "reader"}


@pytest.mark.parametrize(
    ("dbm", "word"), [(-40, "good"), (-67, "good"), (-68, "fair"), (-77, "fair"), (-78, "weak")]
)
def test_a_signal_is_named(dbm: int, word: str) -> None:
    shown = {name: value for name, _, value in health_words({"rssi": dbm}, "", "en")}
    assert shown["signal"] == f"{word} ({dbm} dBm)"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 min"), (59, "0 min"), (3_599, "59 min"), (3_600, "1 h 0 min"), (86_400, "1 d 0 h")],
)
def test_a_length_of_time_has_two_units(seconds: int, words: str) -> None:
    assert duration_text(seconds, "en") == words
