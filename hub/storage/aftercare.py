"""What is done with a registration that has its number, in SQL: withdrawn, read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from hub.application.judgement import JUDGED, same_remarks
from hub.application.outbox import CancelClaim, Watched
from hub.application.ports import Refused, Registered, Seen
from hub.domain.causes import Cause
from hub.domain.registration import State
from hub.storage.history import RegistrationEvent, steps
from hub.storage.schema import registration, registration_event

_STANDS = (State.REGISTERED, State.VALIDATED, State.FLAGGED)


def cancels(connection: Connection, regime: str, free: Any, limit: int) -> list[CancelClaim]:
    """Returns what is to be withdrawn and in nobody else's hand, the longest first.

    A lease that is still written there is that of a call whose outcome was never kept, so what it
    is about must be looked at first; a call that was certainly not carried out ends its lease.
    """
    query = (
        select(
            registration.c.reference,
            registration.c.number,
            registration.c.cancel_reason,
            registration.c.lease_by,
            registration.c.changed_ms,
        )
        .where(registration.c.regime == regime, registration.c.state == State.CANCELLING, free)
        .order_by(registration.c.changed_ms, registration.c.reference)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        CancelClaim(
            row.reference,
            row.number,
            row.cancel_reason or "",
            row.lease_by is not None,
            row.changed_ms,
        )
        for row in connection.execute(query)
    ]


def cancel_failures(
    connection: Connection, results: Sequence[Refused | Registered], now_ms: int
) -> list[RegistrationEvent]:
    """Returns the steps back from `cancelling`, to what the authority holds."""
    events: list[RegistrationEvent] = []
    for result in results:
        if isinstance(result, Registered):
            state = JUDGED[result.status][0] if result.status in JUDGED else State.REGISTERED
            kept = _merged(connection, result.reference, remarks=list(result.remarks))
        else:
            state = _state_before(connection, result.reference)
            errors = [list(pair) for pair in result.errors]
            kept = _merged(connection, result.reference, cancel_errors=errors)
        events.append(
            RegistrationEvent(
                result.reference,
                now_ms,
                state,
                Cause.CANCEL_REFUSED,
                answer=kept,
                actor="authority",
            )
        )
    return events


def _state_before(connection: Connection, reference: str) -> State:
    query = (
        select(registration_event.c.state)
        .where(registration_event.c.reference == reference, registration_event.c.state.in_(_STANDS))
        .order_by(registration_event.c.id.desc())
        .limit(1)
    )
    return State(connection.execute(query).scalar() or State.REGISTERED)


def _merged(connection: Connection, reference: str, **news: object) -> str:
    stored = connection.execute(
        select(registration.c.answer).where(registration.c.reference == reference)
    ).scalar()
    known = json.loads(stored) if stored else {}
    return json.dumps({**known, **news})


def watched(connection: Connection, regime: str, since: date) -> list[Watched]:
    """Returns the works numbers and days that hold registrations with a number."""
    unjudged = func.sum(case((registration.c.state == State.REGISTERED, 1), else_=0))
    flagged = func.sum(case((registration.c.state == State.FLAGGED, 1), else_=0))
    never = func.sum(case((registration.c.checked_ms.is_(None), 1), else_=0))
    query = (
        select(
            registration.c.works_number,
            registration.c.day,
            unjudged,
            flagged,
            never,
            func.min(registration.c.checked_ms),
        )
        .where(
            registration.c.regime == regime,
            registration.c.state.in_(_STANDS),
            registration.c.day >= since.isoformat(),
        )
        .group_by(registration.c.works_number, registration.c.day)
        .order_by(registration.c.day, registration.c.works_number)
    )
    return [
        Watched(
            row[0],
            date.fromisoformat(row[1]),
            int(row[2]),
            int(row[3]),
            None if row[4] else row[5],
        )
        for row in connection.execute(query)
    ]


def take_seen(
    connection: Connection,
    regime: str,
    works_number: str,
    day: date,
    rows: Sequence[Seen],
    now_ms: int,
) -> int:
    """Brings our registrations up to a whole search; returns how many took a step.

    What the search does not show is left as it is: to explain it is the reconciliation's.
    """
    shown = {row.registered.number: row.registered for row in rows}
    ours = connection.execute(
        select(
            registration.c.reference,
            registration.c.number,
            registration.c.state,
            registration.c.answer,
        ).where(
            registration.c.regime == regime,
            registration.c.works_number == works_number,
            registration.c.day == day.isoformat(),
            registration.c.state.in_(_STANDS),
        )
    ).all()
    events: list[RegistrationEvent] = []
    for row in ours:
        there = shown.get(row.number)
        event = None if there is None else judged_event(row, there, now_ms)
        if event is not None:
            events.append(event)
    steps(connection, events)
    connection.execute(
        update(registration)
        .where(
            registration.c.regime == regime,
            registration.c.works_number == works_number,
            registration.c.day == day.isoformat(),
            registration.c.state.in_(_STANDS),
        )
        .values(checked_ms=now_ms)
    )
    return len(events)


def judged_event(ours: Any, there: Registered, now_ms: int) -> RegistrationEvent | None:
    """Returns the step that brings one of ours up to what the authority shows; None for none.

    Args:
        ours: row with `reference`, `state` and `answer`.
        there: what the authority shows under its number.
    """
    if there.status not in JUDGED:
        return None
    state, cause = JUDGED[there.status]
    known = json.loads(ours.answer) if ours.answer else {}
    same = same_remarks(there.remarks, known.get("remarks", []))
    if state == ours.state and (state != State.FLAGGED or same):
        return None
    answer = json.dumps({**known, "status": there.status, "remarks": list(there.remarks)})
    return RegistrationEvent(ours.reference, now_ms, state, cause, answer=answer, actor="authority")
