"""Taking planned days back, and what that does to registrations, inside one open write transaction.

Each function is safe to repeat: it looks at what is there before it writes. Who was seen on the
site keeps his registration, whatever the plan says, unless a human says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, exists, func, insert, select, update

from hub.application.planning import Outcome, Withdrawn
from hub.application.registrations import NewRegistration
from hub.domain.causes import Cause
from hub.domain.legal_day import brussels_day
from hub.domain.plan import Withdrawal, withdrawal
from hub.domain.registration import LIVE, State, client_reference
from hub.errors import UsageError
from hub.storage.acts import acts_wait
from hub.storage.history import RegistrationEvent, create, steps
from hub.storage.plan_reader import seen_people
from hub.storage.schema import (
    inbox,
    meta,
    person,
    plan_entry,
    presence,
    projection,
    registration,
    registration_event,
    works,
)
from hub.storage.works import regime_on

ACTOR: Final = "plan"
ABSENT_DONE: Final = "plan_absent_day"
"""Row of `meta`: the last Brussels day whose absent were withdrawn by themselves."""
_LIVE: Final = tuple(sorted(str(state) for state in LIVE))


def withdraw(
    connection: Connection,
    entry_ids: Sequence[int],
    reason: str,
    actor: str,
    now_ms: int,
    although_seen: bool = False,
) -> list[Withdrawn]:
    """Takes planned days back, and what they made: see `hub.application.planning.Outcome`.

    Args:
        connection: a write transaction.
        entry_ids: which.
        reason: one of `hub.domain.registration.CANCEL_REASONS`.
        actor: who.
        now_ms: UTC milliseconds.
        although_seen: whether to do so for people who were seen on the site; only a human may say
            that.

    Raises:
        UsageError: HUB-1501, there is no such entry; nothing is written.
    """
    return [
        Withdrawn(
            entry_id, _withdraw_one(connection, entry_id, reason, actor, now_ms, although_seen)
        )
        for entry_id in entry_ids
    ]


def _withdraw_one(
    connection: Connection,
    entry_id: int,
    reason: str,
    actor: str,
    now_ms: int,
    although_seen: bool,
) -> Outcome:
    entry = connection.execute(
        select(plan_entry, works.c.site_id)
        .join(works, works.c.number == plan_entry.c.works_number)
        .where(plan_entry.c.id == entry_id)
    ).first()
    if entry is None:
        raise UsageError("HUB-1501", entry=entry_id)
    if entry.withdrawn_ms is not None:
        return "before"
    live = connection.execute(
        select(registration.c.reference, registration.c.state).where(
            registration.c.person_id == entry.person_id,
            registration.c.works_number == entry.works_number,
            registration.c.day == entry.day,
            registration.c.act == "",
            registration.c.state.in_(_LIVE),
        )
    ).first()
    action = withdrawal(live.state if live else None)
    outcome: Outcome = "withdrawn"
    if live is not None and action is not Withdrawal.NOTHING:
        if _was_seen(connection, entry, live.reference):
            if not although_seen:
                return "seen"
            if action is Withdrawal.WAIT:
                return "in_hand"
        outcome = _take_back(connection, live.reference, action, reason, actor, now_ms)
    connection.execute(
        update(plan_entry)
        .where(plan_entry.c.id == entry_id)
        .values(
            withdrawn_ms=max(now_ms, entry.planned_ms),
            withdrawn_reason=reason,
            withdrawn_actor=actor,
        )
    )
    return outcome


def _was_seen(connection: Connection, entry: Row[Any], reference: str) -> bool:
    """Whether the person was there, or the registration has another origin than the plan.

    A registration that a tap made tells of somebody who came, even where the tap has no date yet.
    """
    seen = seen_people(connection, date.fromisoformat(entry.day), [entry.person_id])
    return (entry.person_id, entry.site_id) in seen or not _made_by_plan(connection, reference)


def _made_by_plan(connection: Connection, reference: str) -> bool:
    query = select(registration_event.c.id).where(
        registration_event.c.reference == reference, registration_event.c.cause == Cause.PLANNED
    )
    return connection.execute(query).first() is not None


def _take_back(
    connection: Connection,
    reference: str,
    action: Withdrawal,
    reason: str,
    actor: str,
    now_ms: int,
) -> Outcome:
    if action is Withdrawal.WAIT:
        return "waiting"
    if action is Withdrawal.DROP:
        step = RegistrationEvent(reference, now_ms, State.DROPPED, Cause.WITHDRAWN, actor=actor)
    else:
        step = RegistrationEvent(
            reference, now_ms, State.CANCELLING, Cause.CANCEL_ASKED, actor=actor, reason=reason
        )
    steps(connection, [step])
    return "dropped" if action is Withdrawal.DROP else "cancelling"


def settle(connection: Connection, now_ms: int) -> int:
    """Cancels or drops what was withdrawn while it was under way; returns how many.

    Once for each withdrawal: what the authority refuses to cancel is not asked for again. Nobody
    who was seen is touched, and nothing that was planned again since.
    """
    yesterday = brussels_day(now_ms - 24 * 3600 * 1000).isoformat()
    again = plan_entry.alias("again")
    asked = exists().where(
        registration_event.c.reference == registration.c.reference,
        registration_event.c.state == State.CANCELLING,
        registration_event.c.at_ms >= plan_entry.c.withdrawn_ms,
    )
    standing = exists().where(
        again.c.person_id == plan_entry.c.person_id,
        again.c.works_number == plan_entry.c.works_number,
        again.c.day == plan_entry.c.day,
        again.c.withdrawn_ms.is_(None),
    )
    query = (
        select(plan_entry, works.c.site_id, registration.c.reference, registration.c.state)
        .join(
            registration,
            and_(
                registration.c.person_id == plan_entry.c.person_id,
                registration.c.works_number == plan_entry.c.works_number,
                registration.c.day == plan_entry.c.day,
            ),
        )
        .join(works, works.c.number == plan_entry.c.works_number)
        .where(
            plan_entry.c.withdrawn_ms.is_not(None),
            plan_entry.c.day >= yesterday,
            registration.c.act == "",
            registration.c.state.in_(_LIVE),
            registration.c.tap_ms <= plan_entry.c.withdrawn_ms,
            ~asked,
            ~standing,
        )
        .order_by(plan_entry.c.withdrawn_ms.desc())
    )
    done: set[str] = set()
    for row in connection.execute(query).all():
        action = withdrawal(row.state)
        if row.reference in done or action in (Withdrawal.NOTHING, Withdrawal.WAIT):
            continue
        if not _was_seen(connection, row, row.reference):
            done.add(row.reference)
            actor = row.withdrawn_actor or ACTOR
            _take_back(connection, row.reference, action, row.withdrawn_reason, actor, now_ms)
    return len(done)


def came_all_the_same(connection: Connection, now_ms: int) -> int:
    """Registers anew who came in while his registration was being cancelled; returns how many.

    Such a tap found a registration that still stood and made none. Once that is cancelled, somebody
    is on the site unregistered. Who had been seen before it was asked to be cancelled is left
    alone: that was decided by a human who knew.
    """
    today = brussels_day(now_ms)
    asked_ms = (
        select(func.max(registration_event.c.at_ms))
        .where(
            registration_event.c.reference == registration.c.reference,
            registration_event.c.state == State.CANCELLING,
        )
        .scalar_subquery()
    )
    other = registration.alias("other")
    live = exists().where(
        other.c.person_id == registration.c.person_id,
        other.c.site_id == registration.c.site_id,
        other.c.day == registration.c.day,
        other.c.state.in_(_LIVE),
    )
    query = (
        select(
            registration.c.person_id,
            registration.c.site_id,
            registration.c.works_number,
            person.c.token,
            func.coalesce(presence.c.first_in_ms, presence.c.last_ms).label("came_ms"),
        )
        .join(person, person.c.id == registration.c.person_id)
        .join(
            presence,
            and_(
                presence.c.person_id == registration.c.person_id,
                presence.c.site_id == registration.c.site_id,
                presence.c.day == registration.c.day,
            ),
        )
        .where(
            registration.c.day == today.isoformat(),
            registration.c.act == "",
            registration.c.state == State.CANCELLED,
            presence.c.received_ms >= asked_ms,
            ~live,
        )
        .order_by(registration.c.changed_ms.desc())
    )
    done: set[tuple[int, int]] = set()
    for row in connection.execute(query).all():
        if (row.person_id, row.site_id) in done:
            continue
        if regime_on(connection, row.works_number, today) != "day":
            continue
        ended = connection.execute(
            select(func.count())
            .select_from(registration)
            .where(
                registration.c.person_id == row.person_id,
                registration.c.works_number == row.works_number,
                registration.c.day == today.isoformat(),
                registration.c.act == "",
            )
        ).scalar_one()
        create(
            connection,
            NewRegistration(
                reference=client_reference(row.token, row.works_number, today, ended),
                person_id=row.person_id,
                site_id=row.site_id,
                works_number=row.works_number,
                day=today,
                state=State.DUE,
                cause=Cause.FIRST_TAP,
                tap_ms=row.came_ms,
                due_ms=now_ms,
                changed_ms=now_ms,
                actor=ACTOR,
            ),
        )
        done.add((row.person_id, row.site_id))
    return len(done)


# ---------------------------------------------------------------- absent


def taps_wait(connection: Connection) -> bool:
    """Returns whether taps, or acts without a badge, are stored that were not looked at yet."""
    last = connection.execute(select(func.max(inbox.c.id))).scalar() or 0
    seen = connection.execute(select(func.max(projection.c.inbox_id))).scalar() or 0
    return last > seen or acts_wait(connection)


def absences_done(connection: Connection, day: date) -> bool:
    """Returns whether the absent of this day, or of a later one, were withdrawn already."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == ABSENT_DONE)).scalar()
    return found is not None and found >= day.isoformat()


def mark_absences(connection: Connection, day: date) -> None:
    """Remembers that the absent of this day were withdrawn."""
    changed = connection.execute(
        update(meta).where(meta.c.key == ABSENT_DONE).values(value=day.isoformat())
    )
    if changed.rowcount == 0:
        connection.execute(insert(meta).values(key=ABSENT_DONE, value=day.isoformat()))
