"""What the gates are told of the day, in SQL (`FeedbackSource`)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine, func, select

from hub.storage.engine import reading
from hub.storage.schema import (
    badge,
    inbox,
    registration,
    registration_event,
    stream,
    tap,
    terminal,
)
from protocol.errors import RemoteProtocolError
from protocol.limits import RECORD_SIZE
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_OUT,
    KIND_TAP,
    VERDICT_GRANTED,
    Record,
    unpack_record,
)

_WAYS = (DIRECTION_IN, DIRECTION_OUT)


class DayReader:
    """`FeedbackSource` on the database.

    Args:
        engine: of the house.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> tuple[int, int]:
        """See `FeedbackSource`."""
        with reading(self._engine) as connection:
            events = connection.execute(select(func.max(registration_event.c.id))).scalar()
            rows = connection.execute(select(func.max(inbox.c.id))).scalar()
        return events or 0, rows or 0

    def receipts_since(self, event: int, day: date) -> tuple[int, list[tuple[int, bytes, str]]]:
        """See `FeedbackSource`."""
        query = (
            select(
                registration_event.c.id,
                registration.c.site_id,
                registration.c.day,
                badge.c.tag,
                registration_event.c.number,
            )
            .join(registration, registration.c.reference == registration_event.c.reference)
            .join(badge, badge.c.person_id == registration.c.person_id)
            .where(registration_event.c.id > event)
            .where(registration_event.c.number.is_not(None))
            .order_by(registration_event.c.id)
        )
        # The day is looked at here: asked for it, SQLite reads the registrations of the whole day
        # (7 ms of 3,000, for each tap) instead of the few steps that are new.
        today = day.isoformat()
        with reading(self._engine) as connection:
            newest = connection.execute(select(func.max(registration_event.c.id))).scalar() or 0
            rows = connection.execute(query.where(registration_event.c.id <= newest)).all()
        found = [(row.site_id, row.tag, str(row.number)) for row in rows if row.day == today]
        return newest, found

    def receipts_of(self, site_id: int, day: date) -> list[tuple[bytes, str]]:
        """See `FeedbackSource`."""
        query = (
            select(badge.c.tag, registration.c.number)
            .join(registration, registration.c.person_id == badge.c.person_id)
            .where(registration.c.site_id == site_id)
            .where(registration.c.day == day.isoformat())
            .where(registration.c.number.is_not(None))
            .where(registration.c.state.in_(("registered", "validated", "flagged")))
            .order_by(registration.c.number)
        )
        with reading(self._engine) as connection:
            return [(row.tag, str(row.number)) for row in connection.execute(query)]

    def passed_since(
        self, inbox_id: int, not_before_ms: int
    ) -> tuple[int, list[tuple[int, str, bytes, int]]]:
        """See `FeedbackSource`."""
        query = (
            select(inbox.c.id, stream.c.terminal_id, terminal.c.site_id, inbox.c.records)
            .join(stream, stream.c.id == inbox.c.stream_id)
            .join(terminal, terminal.c.id == stream.c.terminal_id)
            .where(inbox.c.id > inbox_id)
            .where(inbox.c.received_ms >= not_before_ms)
            .order_by(inbox.c.id)
        )
        with reading(self._engine) as connection:
            newest = connection.execute(select(func.max(inbox.c.id))).scalar() or 0
            rows: list[Any] = list(connection.execute(query.where(inbox.c.id <= newest)))
        found: list[tuple[int, str, bytes, int]] = []
        for row in rows:
            for record in _granted(row.records):
                if record.utc_s * 1000 >= not_before_ms:
                    found.append((row.site_id, row.terminal_id, record.data, record.direction))
        return newest, found

    def directions_of(self, site_id: int, not_before_ms: int) -> list[tuple[bytes, int]]:
        """See `FeedbackSource`."""
        query = (
            select(tap.c.tag, tap.c.direction)
            .join(terminal, terminal.c.id == tap.c.terminal_id)
            .where(terminal.c.site_id == site_id)
            .where(tap.c.at_ms >= not_before_ms)
            .where(tap.c.verdict == VERDICT_GRANTED)
            .where(tap.c.direction.in_(_WAYS))
            .order_by(tap.c.at_ms)
        )
        with reading(self._engine) as connection:
            return list({row.tag: row.direction for row in connection.execute(query)}.items())


def _granted(records: bytes) -> list[Record]:
    """Returns the taps that were let through in or out; a record that has rotted is left out."""
    found: list[Record] = []
    for offset in range(0, len(records), RECORD_SIZE):
        # Kind and flags are looked at first: most of a backlog is of no interest here.
        if records[offset + 4] != KIND_TAP or records[offset + 5] & 3 not in _WAYS:
            continue
        try:
            record = unpack_record(records, offset)
        except RemoteProtocolError:
            continue
        if record.verdict == VERDICT_GRANTED:
            found.append(record)
    return found
