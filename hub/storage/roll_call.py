"""Lists and roll calls in SQL: who is on a site, and what was said of whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, func, select, union, update
from sqlalchemy.dialects.sqlite import insert

from hub.application.roll_call import (
    NIGHT_MS,
    Act,
    Closed,
    Joined,
    Known,
    LastTap,
    Mark,
    Opened,
    RollCall,
    SiteList,
    Ticked,
    Undated,
    days_looked_at,
    make_list,
)
from hub.application.terminals import DESK
from hub.domain.audit import Noted
from hub.domain.people import is_registered
from hub.domain.registration import LIVE
from hub.storage.audit import note
from hub.storage.light_rows import light_rows
from hub.storage.schema import (
    account,
    company,
    kiosk,
    newcomer,
    person,
    plan_entry,
    presence,
    registration,
    roll_call,
    roll_call_person,
    roll_call_tick,
    site,
    tap,
    terminal,
    visit,
    works,
)
from hub.storage.secrets import Vault
from protocol.record import DIRECTION_OUT, VERDICT_GRANTED

AT_ONCE = 500
"""People asked for in one query."""


def read_sites(connection: Connection) -> list[tuple[int, str]]:
    """Returns (row, name) of every site, by name."""
    query = select(site.c.id, site.c.name).order_by(site.c.name)
    return [(row.id, row.name) for row in connection.execute(query)]


def read_list(
    connection: Connection, site_id: int, now_ms: int, kept: frozenset[int] = frozenset()
) -> SiteList:
    """Returns who is, was and should be on a site.

    Args:
        connection: a read transaction, so that it is one consistent picture.
        now_ms: UTC milliseconds.
        kept: people who are on it whatever their taps say.

    Raises:
        LookupError: no such site.
    """
    here = connection.execute(select(site.c.name, site.c.languages).where(site.c.id == site_id))
    row = here.first()
    if row is None:
        raise LookupError("no such site")
    yesterday, today = days_looked_at(now_ms)
    seen = _newest(connection, site_id, yesterday)
    undated = _undated(connection, site_id, now_ms - NIGHT_MS)
    expected = _expected(connection, site_id, today)
    people = [
        Known(
            one.id,
            one.token,
            one.given_name,
            one.family_name,
            one.company,
            not is_registered(one.kind),
            seen.get(one.id),
            undated.get(one.id),
            one.id in expected,
        )
        for one in _people(connection, seen.keys() | undated.keys() | expected | kept)
    ]
    languages = tuple(row.languages.split())
    return make_list(site_id, row.name, languages, now_ms, people, kept)


def _newest(connection: Connection, site_id: int, since_day: str) -> dict[int, LastTap]:
    query = (
        select(
            presence.c.person_id,
            presence.c.day,
            presence.c.last_ms,
            presence.c.inside,
            func.coalesce(terminal.c.name, kiosk.c.name, presence.c.terminal_id).label("gate"),
        )
        .select_from(
            presence.outerjoin(terminal, terminal.c.id == presence.c.terminal_id).outerjoin(
                kiosk, kiosk.c.id == presence.c.terminal_id
            )
        )
        .where(presence.c.site_id == site_id, presence.c.day >= since_day)
        # The newest comes last, and is what stays.
        .order_by(presence.c.last_ms, presence.c.inside)
    )
    return {
        row.person_id: LastTap(row.day, row.last_ms, bool(row.inside), row.gate)
        for row in light_rows(connection.execute(query))
    }


def _undated(connection: Connection, site_id: int, since_ms: int) -> dict[int, Undated]:
    query = (
        select(tap.c.person_id, tap.c.received_ms, tap.c.direction, terminal.c.name)
        .join_from(tap, terminal, terminal.c.id == tap.c.terminal_id)
        .where(
            tap.c.at_ms.is_(None),
            tap.c.received_ms >= since_ms,
            tap.c.person_id.is_not(None),
            tap.c.verdict == VERDICT_GRANTED,
            terminal.c.site_id == site_id,
            terminal.c.direction != DESK,
        )
        .order_by(tap.c.received_ms, tap.c.seq)
    )
    return {
        row.person_id: Undated(row.received_ms, row.direction != DIRECTION_OUT, row.name)
        for row in connection.execute(query)
    }


def _expected(connection: Connection, site_id: int, day: str) -> set[int]:
    planned = (
        select(plan_entry.c.person_id)
        .join_from(plan_entry, works, works.c.number == plan_entry.c.works_number)
        .where(
            plan_entry.c.day == day,
            plan_entry.c.withdrawn_ms.is_(None),
            works.c.site_id == site_id,
        )
    )
    registered = select(registration.c.person_id).where(
        registration.c.day == day,
        registration.c.site_id == site_id,
        registration.c.state.in_(LIVE),
    )
    return set(connection.execute(union(planned, registered)).scalars())


def _people(connection: Connection, keys: Iterable[int]) -> Iterable[Row[*tuple[Any, ...]]]:
    wanted = sorted(keys)
    for place in range(0, len(wanted), AT_ONCE):
        yield from light_rows(
            connection.execute(
                select(
                    person.c.id,
                    person.c.token,
                    person.c.given_name,
                    person.c.family_name,
                    person.c.kind,
                    func.coalesce(
                        company.c.name, visit.c.company, newcomer.c.company_said, ""
                    ).label("company"),
                )
                .select_from(
                    person.outerjoin(company, company.c.id == person.c.company_id)
                    .outerjoin(visit, visit.c.person_id == person.c.id)
                    .outerjoin(newcomer, newcomer.c.person_id == person.c.id)
                )
                .where(person.c.id.in_(wanted[place : place + AT_ONCE]))
            )
        )


# ---------------------------------------------------------------- roll calls


def read_calls(connection: Connection) -> list[RollCall]:
    """Returns the newest roll call of each site, whether it is under way or over."""
    newest = select(func.max(roll_call.c.opened_ms)).where(roll_call.c.site_id == site.c.id)
    query = select(roll_call).join_from(
        roll_call,
        site,
        (site.c.id == roll_call.c.site_id)
        & (roll_call.c.opened_ms == newest.correlate(site).scalar_subquery()),
    )
    calls = [
        RollCall(
            row.handle, row.site_id, row.opened_ms, row.opened_by, set(), closed_ms=row.closed_ms
        )
        for row in connection.execute(query)
    ]
    for call in calls:
        theirs = roll_call_person.c.handle == call.handle
        call.people.update(
            connection.execute(select(roll_call_person.c.person_id).where(theirs)).scalars()
        )
        ticks = select(roll_call_tick).where(roll_call_tick.c.handle == call.handle)
        for row in connection.execute(ticks.order_by(roll_call_tick.c.number)):
            mark = Mark(row.mark)
            call.apply(Ticked(row.handle, row.number, row.person_id, mark, row.at_ms, row.by))
        call.labels.update(_labels(connection, call))
    return calls


def _labels(connection: Connection, call: RollCall) -> dict[str, str]:
    names = {call.opened_by, *(one.by for one in call.marks.values())}
    rows = {
        int(name.removeprefix("account:")): name for name in names if name.startswith("account:")
    }
    query = select(account.c.id, account.c.name).where(account.c.id.in_(rows))
    return {rows[row.id]: row.name for row in connection.execute(query) if row.name}


def keep_acts(connection: Connection, vault: Vault, acts: Iterable[Act]) -> None:
    """Writes what happened, in this transaction; what is there already stays as it is.

    Args:
        acts: in the order in which they happened.
    """
    for act in acts:
        match act:
            case Opened():
                _open(connection, vault, act)
            case Joined():
                _join(connection, act.handle, act.at_ms, act.people)
            case Ticked():
                _join(connection, act.handle, act.at_ms, (act.key,))
                connection.execute(
                    insert(roll_call_tick)
                    .values(
                        handle=act.handle,
                        number=act.number,
                        person_id=act.key,
                        mark=str(act.mark),
                        at_ms=act.at_ms,
                        by=act.by,
                    )
                    .on_conflict_do_nothing()
                )
            case Closed():
                _close(connection, vault, act)


def _open(connection: Connection, vault: Vault, act: Opened) -> None:
    made = connection.execute(
        insert(roll_call)
        .values(handle=act.handle, site_id=act.site_id, opened_ms=act.at_ms, opened_by=act.by)
        .on_conflict_do_nothing()
    )
    _join(connection, act.handle, act.at_ms, act.people)
    if made.rowcount:
        note(
            connection,
            vault,
            act.at_ms,
            act.by,
            Noted.ROLL_CALL_OPENED,
            f"site:{act.site_id}",
            site_id=act.site_id,
            people=len(act.people),
        )


def _join(connection: Connection, handle: str, at_ms: int, people: Iterable[int]) -> None:
    rows = [{"handle": handle, "person_id": key, "added_ms": at_ms} for key in people]
    if rows:
        connection.execute(insert(roll_call_person).on_conflict_do_nothing(), rows)


def _close(connection: Connection, vault: Vault, act: Closed) -> None:
    ended = connection.execute(
        update(roll_call)
        .where(roll_call.c.handle == act.handle, roll_call.c.closed_ms.is_(None))
        .values(closed_ms=act.at_ms, closed_by=act.by)
    )
    if ended.rowcount:
        query = select(roll_call.c.site_id).where(roll_call.c.handle == act.handle)
        site_id = connection.execute(query).scalar_one()
        note(
            connection,
            vault,
            act.at_ms,
            act.by,
            Noted.ROLL_CALL_CLOSED,
            f"site:{site_id}",
            site_id=site_id,
        )
