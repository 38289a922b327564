"""Acts without a badge in SQL: kept once, had their effect once, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, literal, select

from hub.application.acts import (
    ACTS_STREAM,
    Case,
    Channel,
    KeptAct,
    Means,
    NewAct,
    Standing,
    standing,
)
from hub.application.attestation import TapEvidence
from hub.application.balance import UnbadgedBooks
from hub.application.projection import ActRow
from hub.domain.in_out_regime import way_of
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.people import is_registered
from hub.domain.registration import LIVE, State
from hub.storage.schema import act_done, inbox, person, projection, registration, unbadged_act
from protocol.record import DIRECTION_OUT, QUALITY_HUB

_FACTS: Final = (
    "reference", "at_ms", "received_ms", "site_id", "direction", "channel", "means", "place",
    "case", "reason",
)  # fmt: skip

_ACT_ROW: Final = (
    unbadged_act.c.id,
    unbadged_act.c.after_inbox,
    unbadged_act.c.site_id,
    unbadged_act.c.direction,
    unbadged_act.c.person_id,
    unbadged_act.c.place,
    unbadged_act.c.at_ms,
    unbadged_act.c.received_ms,
)


class Acts:
    """`hub.application.acts.ActsPort` inside one open write transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str) -> KeptAct | None:
        """See `ActsPort`."""
        query = select(unbadged_act).where(unbadged_act.c.reference == reference)
        row = self._connection.execute(query).first()
        return None if row is None else _kept(row, again=True)

    def append(self, act: NewAct, received_ms: int) -> KeptAct:
        """See `ActsPort`."""
        done = self._connection.execute(
            insert(unbadged_act).values(
                reference=act.reference,
                at_ms=act.at_ms,
                received_ms=received_ms,
                after_inbox=_newest_run(self._connection),
                site_id=act.site_id,
                direction=act.direction,
                person_id=act.person_id,
                channel=str(act.channel),
                means=str(act.means),
                place=act.place,
                case=str(act.case),
                reason=act.reason,
                replaces=act.replaces,
                by=act.by,
            )
        )
        key = done.inserted_primary_key
        return KeptAct(int(key[0]) if key else 0, received_ms, act)


def _newest_run(connection: Connection) -> int:
    """The newest row of the inbox; the cursor stands for it where that row is gone."""
    newest = connection.execute(select(func.max(inbox.c.id))).scalar() or 0
    cursor = connection.execute(select(func.max(projection.c.inbox_id))).scalar() or 0
    return max(newest, cursor)


def _kept(row: Row[Any], again: bool = False) -> KeptAct:
    act = NewAct(
        reference=row.reference,
        at_ms=row.at_ms,
        site_id=row.site_id,
        direction=row.direction,
        person_id=row.person_id,
        channel=Channel(row.channel),
        means=Means(row.means),
        place=row.place,
        by=row.by,
        case=Case(row.case),
        reason=row.reason,
        replaces=row.replaces,
    )
    return KeptAct(row.id, row.received_ms, act, again)


# ---------------------------------------------------------------- for the projection


def acts_to_do(connection: Connection, limit: int) -> list[ActRow]:
    """Returns at most so many acts that had no effect yet, in the order in which they came."""
    done = select(func.coalesce(func.max(act_done.c.act_id), 0)).scalar_subquery()
    key = unbadged_act.c.id
    query = select(*_ACT_ROW).where(key > done).order_by(key).limit(limit)
    return [ActRow(*row) for row in connection.execute(query)]


def acts_of_person(connection: Connection, person_id: int, day: date) -> list[ActRow]:
    """Returns the acts of somebody that had their effect on a Brussels day, in order."""
    begin_ms, end_ms = day_bounds_ms(day)
    of_day = select(act_done.c.act_id).where(
        act_done.c.person_id == person_id, act_done.c.at_ms >= begin_ms, act_done.c.at_ms < end_ms
    )
    query = select(*_ACT_ROW).where(unbadged_act.c.id.in_(of_day)).order_by(unbadged_act.c.id)
    return [ActRow(*row) for row in connection.execute(query)]


def mark_done(connection: Connection, act: ActRow, at_ms: int) -> None:
    """Remembers that an act had its effect, in the transaction of that effect."""
    connection.execute(
        insert(act_done).values(
            act_id=act.number,
            person_id=act.person_id,
            site_id=act.site_id,
            place=act.place,
            direction=act.direction,
            at_ms=at_ms,
            received_ms=act.received_ms,
        )
    )


def acts_wait(connection: Connection) -> bool:
    """Returns whether acts are kept that had no effect yet."""
    return bool(acts_to_do(connection, 1))


# ---------------------------------------------------------------- for the books and the pages


def unbadged_books(connection: Connection, day: date) -> dict[int, UnbadgedBooks]:
    """Returns the books of the acts that were taken on a Brussels day, by site."""
    begin_ms, end_ms = day_bounds_ms(day)
    cursor = connection.execute(select(func.max(act_done.c.act_id))).scalar() or 0
    found: dict[int, list[int]] = {}
    for place, table, key in ((0, unbadged_act, "id"), (1, act_done, "act_id")):
        query = select(table.c.site_id, table.c[key]).where(
            table.c.received_ms >= begin_ms, table.c.received_ms < end_ms
        )
        for site_id, number in connection.execute(query):
            counts = found.setdefault(site_id, [0, 0, 0])
            counts[place] += 1
            counts[2] += int(place == 0 and number > cursor)
    return {site_id: UnbadgedBooks(*counts) for site_id, counts in found.items()}


def acts_of_day(connection: Connection, site_id: int, day: date) -> Sequence[Row[*tuple[Any, ...]]]:
    """Returns the acts at a site that count for a Brussels day, oldest first: whose, which way,
    when, and (as `stream_id` and `seq`) by what a registration names them."""
    begin_ms, end_ms = day_bounds_ms(day)
    columns = act_done.c
    return connection.execute(
        select(
            literal(ACTS_STREAM).label("stream_id"),
            columns.act_id.label("seq"),
            columns.person_id,
            columns.direction,
            columns.at_ms,
        )
        .where(columns.site_id == site_id, columns.at_ms >= begin_ms, columns.at_ms < end_ms)
        .order_by(columns.at_ms, columns.act_id)
    ).all()


def outs_of(connection: Connection, day: date, people: Collection[int]) -> list[tuple[int, int]]:
    """Returns (whose, when) of the acts by which these people left on a Brussels day."""
    begin_ms, end_ms = day_bounds_ms(day)
    columns = act_done.c
    query = select(columns.person_id, columns.at_ms).where(
        columns.person_id.in_(people),
        columns.direction == DIRECTION_OUT,
        columns.at_ms >= begin_ms,
        columns.at_ms < end_ms,
    )
    return [(row.person_id, row.at_ms) for row in connection.execute(query)]


# ---------------------------------------------------------------- what became of it


def standing_of(connection: Connection, reference: str) -> Standing | None:
    """Returns how far an act has come; None when none of this name is kept."""
    row = connection.execute(
        select(unbadged_act, person.c.kind, act_done.c.at_ms.label("counted_ms"))
        .join(person, person.c.id == unbadged_act.c.person_id)
        .outerjoin(act_done, act_done.c.act_id == unbadged_act.c.id)
        .where(unbadged_act.c.reference == reference)
    ).first()
    if row is None:
        return None
    done = row.counted_ms is not None
    return standing(done, is_registered(row.kind), _stands_for(connection, row) if done else None)


def _stands_for(connection: Connection, row: Row[Any]) -> tuple[State, int | None] | None:
    """The registration of the act itself; in the day regime, and for the same act done twice, the
    one that covers it."""
    columns = registration.c
    rows = connection.execute(
        select(columns.state, columns.number, columns.act, columns.direction)
        .where(
            columns.person_id == row.person_id,
            columns.site_id == row.site_id,
            columns.day == brussels_day(row.counted_ms).isoformat(),
        )
        .order_by(columns.changed_ms.desc(), columns.reference)
    ).all()
    name = f"{ACTS_STREAM}.{row.id}"
    way = way_of(row.direction)
    of_day = [one for one in rows if not one.act]
    repeated = [one for one in rows if one.act and one.direction == way]
    for found in ([one for one in rows if one.act == name], of_day, repeated):
        living = [one for one in found if one.state in LIVE]
        for one in living or found:
            return State(one.state), one.number
    return None


# ---------------------------------------------------------------- as evidence


def act_evidence(connection: Connection, number: int) -> TapEvidence | None:
    """Returns an act as an attestation shows it, in the place of a tap; None when it is gone.

    Its record is the row itself as JSON, without whom it is of.
    """
    query = select(unbadged_act).where(unbadged_act.c.id == number)
    row = connection.execute(query).first()
    if row is None:
        return None
    facts = {name: row._mapping[name] for name in _FACTS}
    return TapEvidence(
        terminal_id=row.place,
        journal=row.channel,
        seq=number,
        at_ms=row.at_ms,
        quality=QUALITY_HUB,
        received_ms=row.received_ms,
        record=json.dumps(facts, sort_keys=True, separators=(",", ":")).encode(),
    )
