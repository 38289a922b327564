"""Alerts and who was told of them, in the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from hub.application.access import Actor, Scope
from hub.application.alerting import AlertBook, Kept, Telling, Wanted, tell
from hub.application.gate_alarms import Alarm, alarm_of
from hub.application.gate_events import GateNews
from hub.application.mailing import Notice
from hub.domain.alert_times import Recipient
from hub.domain.alerts import Alert, Event, Kind, acknowledged
from hub.domain.audit import Noted
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.notices import Queue, Write
from hub.storage.schema import alert, alert_telling, notice
from hub.storage.secrets import Vault

T = TypeVar("T")
NOTE_MAX: Final = 200
_ONCE: Final = {Alarm.FORCED: Kind.FORCED, Alarm.STORAGE_RESET: Kind.LOST_RECORDS}
_STANDING: Final = alert.c.cleared_ms.is_(None)
_OPEN: Final = _STANDING & alert.c.risen_ms.is_not(None)


def handle_of(vault: Vault, row: int) -> str:
    """Returns what an address holds instead of the row of an alert."""
    return vault.index("alert", str(row)).hex()[:16]


def alerts_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `alert` that a scope sets: the own sites, and what concerns all."""
    if scope.everything:
        return true()
    if not scope.sites:
        return false()
    return or_(alert.c.site_id.in_(scope.sites), alert.c.site_id.is_(None))


class Alerts:
    """`AlertPort` on the database.

    Args:
        write: carries out each change.
        vault: makes handles, seals attachments.
    """

    def __init__(self, write: Write, vault: Vault) -> None:
        self._write = write
        self._vault = vault

    def change(self, change: Callable[[AlertBook], T], /) -> T:
        """See `AlertPort`."""
        return self._write(lambda connection: change(Book(connection, self._vault)))


class Book:
    """`AlertBook` in an open transaction."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def standing(self) -> list[Kept]:
        """See `AlertBook`."""
        return self._found(_STANDING)

    def kept(self, rows: Iterable[int]) -> dict[int, Kept]:
        """See `AlertBook`."""
        return {one.row: one for one in self._found(alert.c.id.in_(list(rows)))}

    def _found(self, condition: ColumnElement[bool]) -> list[Kept]:
        query = select(alert).where(condition).order_by(alert.c.id)
        return [kept_of(row, self._vault) for row in self._connection.execute(query)]

    def add(self, made: Alert) -> int:
        """See `AlertBook`."""
        statement = insert(alert).values(_columns(made)).returning(alert.c.id)
        return self._connection.execute(statement).scalar_one()

    def save(self, row: int, changed: Alert) -> None:
        """See `AlertBook`."""
        self._connection.execute(update(alert).where(alert.c.id == row).values(_columns(changed)))

    def forget(self, row: int) -> None:
        """See `AlertBook`."""
        self._connection.execute(delete(alert).where(alert.c.id == row))

    def tell(self, row: int, event: Event, to: Recipient, now_ms: int, due_ms: int) -> None:
        """See `AlertBook`."""
        self._connection.execute(
            insert(alert_telling).values(
                alert_id=row,
                event=event,
                channel=to.channel,
                recipient=to.to,
                made_ms=now_ms,
                due_ms=due_ms,
            )
        )

    def untold(self) -> list[Telling]:
        """See `AlertBook`."""
        query = (
            select(alert_telling)
            .where(alert_telling.c.notice_id.is_(None))
            .order_by(alert_telling.c.id)
        )
        return [
            Telling(row.id, row.alert_id, Event(row.event), row.channel, row.recipient, row.due_ms)
            for row in self._connection.execute(query)
        ]

    def unwanted(self, tellings: Iterable[Telling]) -> None:
        """See `AlertBook`."""
        rows = [one.row for one in tellings]
        if rows:
            self._connection.execute(delete(alert_telling).where(alert_telling.c.id.in_(rows)))

    def was_told(self, row: int) -> set[tuple[str, str]]:
        """See `AlertBook`."""
        query = select(alert_telling.c.channel, alert_telling.c.recipient).where(
            alert_telling.c.alert_id == row
        )
        return {(found.channel, found.recipient) for found in self._connection.execute(query)}

    def queue(self, queued: Notice, tellings: Sequence[Telling]) -> None:
        """See `AlertBook`."""
        row = Queue(self._connection, self._vault).queue(queued)
        self._connection.execute(
            update(alert_telling)
            .where(alert_telling.c.id.in_([one.row for one in tellings]))
            .values(notice_id=row)
        )


def _columns(one: Alert) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "subject": one.subject,
        "site_id": one.site_id,
        "details": json.dumps(dict(one.details), ensure_ascii=False, sort_keys=True),
        "amount": one.count,
        "told_amount": one.told_count,
        "first_ms": one.first_ms,
        "risen_ms": one.risen_ms,
        "calm_ms": one.calm_ms,
        "cleared_ms": one.cleared_ms,
        "acked_ms": one.acked_ms,
        "acked_by": one.acked_by,
        "ack_note": one.ack_note,
        "step": one.step,
        "step_ms": one.step_ms,
    }


def kept_of(row: Row[Any], vault: Vault) -> Kept:
    """Returns an alert as it is kept, given the columns of its table."""
    return Kept(
        row.id,
        handle_of(vault, row.id),
        Alert(
            Kind(row.kind),
            row.subject,
            row.site_id,
            json.loads(row.details),
            row.amount,
            row.told_amount,
            row.first_ms,
            row.risen_ms,
            row.calm_ms,
            row.cleared_ms,
            row.acked_ms,
            row.acked_by or "",
            row.ack_note or "",
            row.step,
            row.step_ms,
        ),
    )


# ---------------------------------------------------------------- for people


@dataclass(frozen=True, slots=True)
class Hearing:
    """That somebody was told, or is to be.

    Args:
        sent_ms: when the other side took it, UTC milliseconds; None: not yet, or never.
        state: `later` (its message is not made), `waiting`, `sent` or `lost`.
        code: what went wrong last; empty for nothing.
    """

    event: Event
    channel: str
    to: str
    due_ms: int
    sent_ms: int | None
    state: str
    code: str


def open_alerts(connection: Connection, vault: Vault, scope: Scope) -> list[Kept]:
    """Returns what is open: what nobody acknowledged first, the most urgent of it first."""
    query = select(alert).where(_OPEN, alerts_within(scope))
    kinds = list(Kind)
    found = [kept_of(row, vault) for row in connection.execute(query)]
    return sorted(
        found,
        key=lambda one: (
            one.alert.acked_ms is not None,
            kinds.index(one.alert.kind),
            one.alert.risen_ms or 0,
            one.row,
        ),
    )


def open_count(connection: Connection, scope: Scope) -> int:
    """Returns how many alerts are open that nobody has acknowledged."""
    query = (
        select(func.count())
        .select_from(alert)
        .where(_OPEN, alert.c.acked_ms.is_(None), alerts_within(scope))
    )
    return connection.execute(query).scalar_one()


def past_alerts(
    connection: Connection, vault: Vault, scope: Scope, page: int, size: int
) -> tuple[list[Kept], int]:
    """Returns a page of what is over, the newest first, and how many there are.

    Args:
        page: from 1 on.
        size: alerts of one page.
    """
    within = alert.c.cleared_ms.is_not(None) & alerts_within(scope)
    total = connection.execute(select(func.count()).select_from(alert).where(within)).scalar_one()
    query = (
        select(alert)
        .where(within)
        .order_by(alert.c.cleared_ms.desc(), alert.c.id.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    return [kept_of(row, vault) for row in connection.execute(query)], total


def hearings(connection: Connection, rows: Iterable[int]) -> Mapping[int, list[Hearing]]:
    """Returns who was told of these alerts, by row of the alert, the oldest first."""
    query = (
        select(alert_telling, notice.c.state, notice.c.ended_ms, notice.c.code)
        .outerjoin(notice, alert_telling.c.notice_id == notice.c.id)
        .where(alert_telling.c.alert_id.in_(list(rows)))
        .order_by(alert_telling.c.id)
    )
    found: dict[int, list[Hearing]] = {}
    for row in connection.execute(query):
        sent_ms = row.ended_ms if row.state == "sent" else None
        found.setdefault(row.alert_id, []).append(
            Hearing(
                Event(row.event),
                row.channel,
                row.recipient,
                row.due_ms,
                sent_ms,
                row.state or "later",
                row.code or "",
            )
        )
    return found


def acknowledge(
    connection: Connection,
    vault: Vault,
    handle: str,
    actor: Actor,
    now_ms: int,
    written: str = "",
    wanted: Wanted | None = None,
) -> bool:
    """Acknowledges an open alert; returns False when somebody has done so before, or it is over.

    Args:
        handle: of the alert.
        actor: who; the alert lies within his right to change.
        now_ms: UTC milliseconds.
        written: his note, at most NOTE_MAX characters of it are kept.
        wanted: who hears that what is settled by this is over; None: nobody.

    Raises:
        UsageError: HUB-1815, there is no such alert for him.
    """
    scope = actor.scope(Action.ALERTS_CHANGE)
    query = select(alert).where(alert.c.risen_ms.is_not(None), alerts_within(scope))
    rows = connection.execute(query.order_by(alert.c.id.desc()))
    row = next((one for one in rows if handle_of(vault, one.id) == handle), None)
    if row is None:
        raise UsageError("HUB-1815")
    done = acknowledged(now_ms, kept_of(row, vault).alert, actor.name, written.strip()[:NOTE_MAX])
    if done is None:
        return False
    book = Book(connection, vault)
    book.save(row.id, done.alert)
    if wanted is not None:
        for event in done.events:
            tell(book, wanted, row.id, done.alert, event, now_ms)
    note(
        connection,
        vault,
        now_ms,
        actor.name,
        Noted.ALERT_ACKNOWLEDGED,
        f"alert:{row.id}",
        site_id=row.site_id,
        kind=row.kind,
    )
    return True


def without_acknowledged(
    connection: Connection, told: Mapping[str, tuple[GateNews, ...]]
) -> dict[str, tuple[GateNews, ...]]:
    """Returns the news of gates with what happened once marked as over, where somebody has
    acknowledged it since.

    Args:
        told: news by terminal.
    """
    gates = [
        terminal for terminal, news in told.items() if any(alarm_of(one) in _ONCE for one in news)
    ]
    if not gates:
        return dict(told)
    query = (
        select(alert.c.kind, alert.c.subject, func.max(alert.c.acked_ms).label("acked_ms"))
        .where(alert.c.kind.in_(list(_ONCE.values())), alert.c.subject.in_(gates))
        .group_by(alert.c.kind, alert.c.subject)
    )
    acked = {(row.kind, row.subject): row.acked_ms or 0 for row in connection.execute(query)}

    def seen(terminal: str, one: GateNews) -> bool:
        alarm = alarm_of(one)
        kind = None if alarm is None else _ONCE.get(alarm)
        return kind is not None and one.received_ms <= acked.get((kind, terminal), -1)

    return {
        terminal: tuple(replace(one, over=True) if seen(terminal, one) else one for one in news)
        for terminal, news in told.items()
    }
