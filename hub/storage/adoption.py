"""Taps made before their badge was linked, or before it was known that somebody works here.

A tap is kept whoever made it. When its badge is linked on the same Brussels day, it is taken for
the act of the person who holds the badge now, whether the gate let him in or refused the badge as
unknown: he stood there with it and showed up for work. (A badge that was refused because it is
blocked, lost, over or of another site is not made good by that.) From the tap follows what follows
from any other: presence, and the registration if it is still lawful, through the same code as for
a tap that comes in now. Taps of days before stay nobody's: the day regime takes no past day, and
whose the badge was then is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select, update

from hub.application.projection import tap_of
from hub.application.registering import Registering, TapRow
from hub.domain.day_regime import tap_day
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.presence import Presence
from hub.storage.acts import acts_of_person
from hub.storage.projection import Derived, RegisterView
from hub.storage.schema import registration, tap, terminal

_TAP: Final = tuple(tap.c[name] for name in TapRow.__dataclass_fields__)


def adopt(
    connection: Connection, tag: bytes, person_id: int, now_ms: int, window_ms: int = WINDOW_MS
) -> int:
    """Gives a person the taps of today that a badge made while it was nobody's.

    Call it in the transaction that links the badge, after the link.

    Args:
        connection: a write transaction.
        tag: the badge tag.
        person_id: whose the badge is now.
        now_ms: UTC milliseconds of the link; decides what is still lawful.
        window_ms: milliseconds after an act in which the in/out service takes it.

    Returns:
        How many taps were his.
    """
    return adopt_many(connection, {tag: person_id}, now_ms, window_ms)


def adopt_many(
    connection: Connection,
    owners: Mapping[bytes, int],
    now_ms: int,
    window_ms: int = WINDOW_MS,
) -> int:
    """Does the same for many badges in one look at the day; see `adopt`.

    Args:
        owners: whose each badge is now, by its tag.
    """
    if not owners:
        return 0
    condition = tap.c.person_id.is_(None)
    if len(owners) == 1:
        condition &= tap.c.tag == next(iter(owners))
    found = [one for one in _of_today(connection, now_ms, condition) if one[1].tag in owners]
    for _, row in found:
        row.person_id = owners[row.tag]
        connection.execute(
            update(tap)
            .where(tap.c.stream_id == row.stream_id, tap.c.seq == row.seq)
            .values(person_id=row.person_id)
        )
    registering = Registering(Derived(connection, RegisterView()), window_ms)
    for site_id, row in found:
        registering.happened(site_id, row, now_ms)
    return len(found)


def register_today(
    connection: Connection, person_id: int, now_ms: int, window_ms: int = WINDOW_MS
) -> int:
    """Makes the registration of somebody who was counted as a visitor today and works here.

    His presence stands already; what was decided for it is decided anew, as of now.

    Returns:
        How many registrations there are now that were not before.
    """
    today = brussels_day(now_ms)
    before = _registrations(connection, person_id, today)
    registering = Registering(_Seen(connection, RegisterView()), window_ms)
    for site_id, row in _of_today(connection, now_ms, tap.c.person_id == person_id):
        registering.happened(site_id, row, now_ms)
    for act in acts_of_person(connection, person_id, today):
        registering.acted(act.site_id, tap_of(act), now_ms)
    return _registrations(connection, person_id, today) - before


def _registrations(connection: Connection, person_id: int, day: date) -> int:
    return connection.execute(
        select(func.count())
        .select_from(registration)
        .where(registration.c.person_id == person_id, registration.c.day == day.isoformat())
    ).scalar_one()


class _Seen(Derived):
    """The store, in which every presence stands already."""

    def put_presence(self, person_id: int, site_id: int, day: date, presence: Presence) -> None:
        """Writes nothing: these taps were folded when they came in."""


def _of_today(connection: Connection, now_ms: int, condition: Any) -> list[tuple[int, TapRow]]:
    """Taps of today with their site, in the order in which they happened, undated ones last."""
    today = brussels_day(now_ms)
    begin_ms, _ = day_bounds_ms(today)
    query = (
        select(*_TAP, terminal.c.site_id)
        .join(terminal, terminal.c.id == tap.c.terminal_id)
        .where(condition, or_(tap.c.at_ms >= begin_ms, tap.c.at_ms.is_(None)))
    )
    rows: list[tuple[int, TapRow]] = []
    for row in connection.execute(query):
        *columns, site_id = tuple(row)
        rows.append((site_id, TapRow(*columns)))
    mine = [row for row in rows if tap_day(row[1].at_ms, row[1].received_ms) == today]
    return sorted(mine, key=_moment)


def _moment(one: tuple[int, TapRow]) -> tuple[bool, int, int, int]:
    row = one[1]
    return row.at_ms is None, row.at_ms or row.received_ms, row.stream_id, row.seq
