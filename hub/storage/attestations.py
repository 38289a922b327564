"""Reads what an attestation says from the tables."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.application.acts import ACTS_STREAM
from hub.application.attestation import Attestation, HistoryStep, TapEvidence, attestation
from hub.storage.acts import act_evidence
from hub.storage.history import read_events
from hub.storage.schema import inbox, stream, tap
from protocol.limits import RECORD_SIZE


def steps_of(connection: Connection, reference: str) -> tuple[HistoryStep, ...]:
    """Returns every step of a registration, oldest first."""
    return tuple(
        HistoryStep(event.at_ms, event.state, event.cause, event.actor, event.note)
        for event in read_events(connection, reference)
    )


def tap_evidence(connection: Connection, stream_id: int, seq: int) -> TapEvidence | None:
    """Returns the tap with this number as its gate recorded it; None when it is not stored."""
    if stream_id == ACTS_STREAM:
        return act_evidence(connection, seq)
    row = connection.execute(
        select(tap, stream.c.journal)
        .join(stream, stream.c.id == tap.c.stream_id)
        .where(tap.c.stream_id == stream_id, tap.c.seq == seq)
    ).first()
    run = connection.execute(
        select(inbox.c.first_seq, inbox.c.records)
        .where(inbox.c.stream_id == stream_id, inbox.c.first_seq <= seq)
        .order_by(inbox.c.first_seq.desc())
        .limit(1)
    ).first()
    if row is None or run is None:
        return None
    start = (seq - run.first_seq) * RECORD_SIZE
    return TapEvidence(
        terminal_id=row.terminal_id,
        journal=row.journal.hex(),
        seq=seq,
        at_ms=row.at_ms,
        quality=row.quality,
        received_ms=row.received_ms,
        record=run.records[start : start + RECORD_SIZE],
    )


def attestation_of(connection: Connection, row: Row[Any]) -> Attestation:
    """Returns the attestation of a registration that `hub.storage.decisions.find` found."""
    behind = tap_evidence(connection, row.stream_id, row.seq) if row.stream_id is not None else None
    return attestation(
        reference=row.reference,
        site=row.site or "",
        works_number=row.works_number,
        company=row.company or "",
        what=row.direction or "day",
        day=date.fromisoformat(row.day),
        act_ms=row.tap_ms,
        cause=row.cause,
        tap=behind,
        history=steps_of(connection, row.reference),
    )
