"""The gates of the sample: what they tell on an ordinary day, and on a bad one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, insert

from hub.application.overview import GateStatus
from hub.storage.schema import gate_event, passage_count
from protocol import faults
from protocol.messages import (
    ALARM_DISPLAY,
    ALARM_TAMPER,
    ALARM_UPDATE_TRIAL,
    HEALTH,
    RESET_POWER,
    RESET_WATCHDOG,
)
from protocol.record import (
    FORCED,
    KIND_BOOT,
    KIND_FAULT,
    KIND_PASSAGE,
    KIND_ROSTER,
    KIND_STORAGE_RESET,
    KIND_TAMPER,
    NOT_PASSED,
    QUALITY_HUB,
    QUALITY_RTC,
)
from tests.web.moments import DAY, NOW, at

FIRMWARE = "0.9.1+0123456789ab"


def add_event(
    connection: Connection,
    seq: int,
    kind: int,
    code: int,
    at_ms: int | None,
    detail: int = 0,
    gate: str = "gate-north",
    stream_id: int = 1,
    received_ms: int | None = None,
) -> None:
    """Writes one event of a gate as the projection would."""
    connection.execute(
        insert(gate_event).values(
            stream_id=stream_id,
            seq=seq,
            terminal_id=gate,
            kind=kind,
            code=code,
            detail=detail,
            boot=1,
            ticks_ms=seq * 1_000,
            at_ms=at_ms,
            received_ms=received_ms or at_ms or NOW,
        )
    )


def add_quiet_events(connection: Connection) -> None:
    """Writes what healthy gates tell on an ordinary day."""
    add_event(connection, 201, KIND_BOOT, 0, at("05:58:12"), 41)
    add_event(connection, 202, KIND_ROSTER, 0, at("05:58:40"), 41)
    add_event(connection, 203, KIND_PASSAGE, NOT_PASSED, at("06:44:20"), 4)
    add_event(connection, 204, KIND_PASSAGE, NOT_PASSED, at("07:01:20"), 21)
    connection.execute(insert(passage_count).values(terminal_id="gate-north", day=DAY, passed=18))


def add_trouble(connection: Connection) -> None:
    """Writes a bad day: the arm was forced, a lid is open, a memory was wiped, a reader died."""
    add_event(connection, 301, KIND_PASSAGE, FORCED, at("06:58:31"))
    add_event(connection, 302, KIND_PASSAGE, FORCED, at("07:14:02"))
    add_event(connection, 303, KIND_TAMPER, 1, at("07:38:49"))
    add_event(connection, 304, KIND_FAULT, faults.CLOCK_STOPPED, at("07:02:00"))
    quay = {"gate": "gate-quay", "stream_id": 2}
    add_event(connection, 311, KIND_FAULT, faults.SUPPLY_LOW, at("06:12:00"), 4_310, **quay)
    add_event(connection, 312, KIND_FAULT, faults.SUPPLY_BACK, at("06:12:09"), 4_870, **quay)
    add_event(connection, 313, KIND_FAULT, faults.READER_DOWN, at("07:15:33"), **quay)
    add_event(connection, 314, KIND_FAULT, faults.SETTINGS, None, 7, **quay)
    away = {"gate": "gate-out", "stream_id": 3}
    add_event(connection, 1, KIND_STORAGE_RESET, 1, None, received_ms=at("06:05:00"), **away)
    add_event(connection, 2, KIND_BOOT, 0, None, 1, received_ms=at("06:05:00"), **away)
    add_event(connection, 3, KIND_FAULT, 99, at("06:30:00"), 5, **away)


def health(**numbers: int) -> dict[str, int]:
    """Returns what a healthy gate says of itself, with these numbers instead."""
    usual = {
        "clock_quality": QUALITY_HUB,
        "roster_version": 41,
        "reader_ok": 1,
        "heap_free": 71_200,
        "uptime_s": 6_238,
        "journal_used": 3,
        "flash_free": 612_000,
        "rssi": -61,
        "supply_mv": 4_930,
        "temperature": 214,
        "reset_cause": RESET_POWER,
        "reader_errors": 2,
        "taps": 27,
        "slot": 1,
    }
    return {name: 0 for name, *_ in HEALTH} | usual | numbers


def gates() -> list[GateStatus]:
    """Returns two healthy gates and one that is away with taps still in it."""
    return [
        GateStatus(
            "gate-north",
            "Poort Noord",
            "in",
            True,
            at("07:42:08"),
            0,
            QUALITY_HUB,
            41,
            True,
            firmware=FIRMWARE,
            health=health(),
            health_ms=at("07:42:02"),
        ),
        GateStatus(
            "gate-quay",
            "Poort Kaai",
            "in",
            False,
            at("07:20:33"),
            7,
            QUALITY_RTC,
            40,
            True,
            2,
            "mac",
        ),
        GateStatus(
            "gate-out", "Uitgang Loods", "out", True, at("07:42:01"), 0, QUALITY_HUB, 41, True
        ),
    ]


def troubled_gates() -> list[GateStatus]:
    """Returns the gates of the bad day that `add_trouble` writes."""
    north, quay, out = gates()
    return [
        replace(
            north,
            health=health(
                alarms=ALARM_TAMPER | ALARM_DISPLAY | ALARM_UPDATE_TRIAL,
                journal_used=12,
                rssi=-79,
                slot=2,
            ),
        ),
        replace(
            quay,
            reader_ok=False,
            incidents_today=2,
            last_incident_code="HUB-1202",
            firmware=FIRMWARE,
            health=health(
                reader_ok=0,
                journal_used=100,
                not_kept=4,
                supply_mv=4_870,
                restarts=3,
                reset_cause=RESET_WATCHDOG,
                radio_resets=2,
                reader_resets=6,
            ),
            health_ms=at("07:20:31"),
        ),
        replace(out, incidents_today=1, last_incident_code="HUB-1206"),
    ]
