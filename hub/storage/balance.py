"""The books of a day, counted from the tables (`BalancePort`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, or_, select, update

from hub.application.balance import (
    Column,
    Compared,
    Entry,
    OpenBooks,
    SiteBooks,
    Tally,
    TapBooks,
    UnbadgedBooks,
    entry_of,
    tally,
)
from hub.application.terminals import DESK
from hub.domain.causes import Cause
from hub.domain.day_regime import FUTURE_LIMIT_MS, tap_day
from hub.domain.in_out_regime import REPEAT_MS, way_of
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.registration import LIVE, NUMBERED, State
from hub.storage.acts import acts_of_day, unbadged_books
from hub.storage.engine import reading
from hub.storage.incidents import add_incident
from hub.storage.schema import (
    erased_run,
    gap,
    inbox,
    incident,
    meta,
    plan_entry,
    presence,
    projection,
    reconcile_difference,
    reconcile_run,
    registration,
    site,
    stream,
    tap,
    terminal,
    works,
)
from hub.storage.visitors import visitors_on
from hub.storage.works import candidates, choice_on, regime_on
from protocol.limits import RECORD_SIZE
from protocol.record import KIND_TAP, VERDICT_GRANTED, record_ok

BOOKS_OPEN = "HUB-1361"
CODES = (BOOKS_OPEN, "HUB-1362", "HUB-1363", "HUB-1354")
"""Incidents that the page of the balance shows."""

_KIND_AT = 4
"""Place of the kind in a record."""
_Row = Row[*tuple[Any, ...]]


class Books:
    """`BalancePort` on the database.

    Args:
        engine: of the house; each call is one read transaction, so the books are of one moment.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def books(self, day: date, now_ms: int) -> tuple[SiteBooks, ...]:
        """See `BalancePort`."""
        with reading(self._engine) as connection:
            return books_of_day(connection, day, now_ms)

    def alarms(self, since_ms: int) -> tuple[OpenBooks, ...]:
        """See `BalancePort`."""
        query = (
            select(incident.c.at_ms, incident.c.code, incident.c.detail)
            .where(incident.c.at_ms >= since_ms, incident.c.code.in_(CODES))
            .order_by(incident.c.id.desc())
        )
        with reading(self._engine) as connection:
            return tuple(OpenBooks(*row) for row in connection.execute(query))


def books_of_day(connection: Connection, day: date, now_ms: int) -> tuple[SiteBooks, ...]:
    """Returns the books of every site for a Brussels day, by name of the site."""
    taps = _taps(connection, day)
    unbadged = unbadged_books(connection, day)
    sites = connection.execute(select(site.c.id, site.c.name).order_by(site.c.name)).all()
    return tuple(
        _Site(connection, row.id, day).books(
            row.name,
            day < brussels_day(now_ms),
            taps.get(row.id, TapBooks()),
            unbadged.get(row.id, UnbadgedBooks()),
        )
        for row in sites
    )


# ---------------------------------------------------------------- taps


def _taps(connection: Connection, day: date) -> dict[int, TapBooks]:
    """Returns the tap books by site: one pass over the inbox and one over the taps."""
    begin_ms, end_ms = day_bounds_ms(day)
    cursor = connection.execute(select(func.max(projection.c.inbox_id))).scalar() or 0
    received: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    runs = (
        select(inbox.c.id, terminal.c.site_id, inbox.c.records)
        .join(stream, stream.c.id == inbox.c.stream_id)
        .join(terminal, terminal.c.id == stream.c.terminal_id)
        .where(
            inbox.c.received_ms >= begin_ms,
            inbox.c.received_ms < end_ms,
            # What is held to a desk is no tap.
            terminal.c.direction != DESK,
        )
    )
    for run_id, site_id, records in connection.execution_options(yield_per=500).execute(runs):
        good, bad = _count(records)
        counts = received[site_id]
        counts[0] += good
        counts[1] += good if run_id > cursor else 0
        counts[2] += bad
    stored = (
        select(terminal.c.site_id, func.count(), func.count(tap.c.at_ms))
        .join(terminal, terminal.c.id == tap.c.terminal_id)
        .where(tap.c.received_ms >= begin_ms, tap.c.received_ms < end_ms)
        .group_by(terminal.c.site_id)
    )
    taps = {row[0]: (row[1], row[2]) for row in connection.execute(stored)}
    lost = _lost(connection, begin_ms, end_ms)
    missing = _open(connection)
    found: dict[int, TapBooks] = {}
    for site_id in {*received, *taps, *lost, *missing}:
        count, dated = taps.get(site_id, (0, 0))
        good, ahead, bad = received.get(site_id, (0, 0, 0))
        found[site_id] = TapBooks(
            received=good,
            stored=count,
            ahead=ahead,
            unreadable=bad,
            lost=lost.get(site_id, 0),
            open=missing.get(site_id, 0),
            undated=count - dated,
        )
    return found


def _count(records: bytes) -> tuple[int, int]:
    """Returns how many of these records are taps, and how many are damaged."""
    places = range(0, len(records) - RECORD_SIZE + 1, RECORD_SIZE)
    good = [place for place in places if record_ok(records, place)]
    taps = sum(records[place + _KIND_AT] == KIND_TAP for place in good)
    return taps, len(places) - len(good)


def _lost(connection: Connection, begin_ms: int, end_ms: int) -> dict[int, int]:
    size = gap.c.last_seq - gap.c.first_seq + 1
    query = (
        select(terminal.c.site_id, func.sum(size))
        .join(stream, stream.c.id == gap.c.stream_id)
        .join(terminal, terminal.c.id == stream.c.terminal_id)
        .where(gap.c.noticed_ms >= begin_ms, gap.c.noticed_ms < end_ms)
        .group_by(terminal.c.site_id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _open(connection: Connection) -> dict[int, int]:
    """Returns by site how many sequence numbers are neither here nor known to be lost."""
    held: dict[int, tuple[int, int]] = {}
    for table, last, count in (
        (inbox, inbox.c.first_seq + inbox.c.count - 1, inbox.c.count),
        (gap, gap.c.last_seq, gap.c.last_seq - gap.c.first_seq + 1),
        (
            erased_run,
            erased_run.c.last_seq,
            erased_run.c.last_seq - erased_run.c.first_seq + 1,
        ),
    ):
        query = select(table.c.stream_id, func.max(last), func.sum(count)).group_by(
            table.c.stream_id
        )
        for stream_id, highest, total in connection.execute(query):
            before = held.get(stream_id, (0, 0))
            held[stream_id] = max(before[0], highest), before[1] + int(total)
    sites = select(stream.c.id, terminal.c.site_id).join(
        terminal, terminal.c.id == stream.c.terminal_id
    )
    found: dict[int, int] = defaultdict(int)
    for stream_id, site_id in connection.execute(sites):
        highest, total = held.get(stream_id, (0, 0))
        found[site_id] += highest - total
    return found


# ---------------------------------------------------------------- one site


class _Site:
    """What is counted for one site and day."""

    def __init__(self, connection: Connection, site_id: int, day: date) -> None:
        self._connection = connection
        self._site_id = site_id
        self._day = day
        self._regimes: dict[int, str] = {}
        self._visitors = visitors_on(connection, day)
        columns = registration.c
        self._rows: Sequence[_Row] = connection.execute(
            select(
                columns.person_id,
                columns.works_number,
                columns.state,
                columns.cause,
                columns.act,
                columns.direction,
                columns.tap_ms,
            )
            .where(columns.site_id == site_id, columns.day == day.isoformat())
            .order_by(columns.changed_ms, columns.reference)
        ).all()
        self._seen = {
            row.person_id: row.first_in_ms
            for row in connection.execute(
                select(presence.c.person_id, presence.c.first_in_ms).where(
                    presence.c.site_id == site_id, presence.c.day == day.isoformat()
                )
            )
        }

    def books(self, name: str, past: bool, taps: TapBooks, unbadged: UnbadgedBooks) -> SiteBooks:
        """Returns the books."""
        planned = self._planned()
        numbered = {row.person_id for row in self._rows if row.state in NUMBERED}
        return SiteBooks(
            site_id=self._site_id,
            site=name,
            day=self._day,
            past=past,
            taps=taps,
            unbadged=unbadged,
            presences=self._presences(),
            acts=self._acts(),
            planned=len(planned),
            not_seen=len(planned - set(self._seen)),
            registered_unseen=len(numbered - set(self._seen)),
            compared=self._compared(),
        )

    def _presences(self) -> Tally:
        by_person: dict[int, list[tuple[State, str]]] = defaultdict(list)
        acting = {row.person_id for row in self._rows if row.act}
        for row in self._rows:
            if not row.act:
                by_person[row.person_id].append((State(row.state), row.cause))
        entries: list[Entry] = []
        for person_id, first_in_ms in self._seen.items():
            if person_id in by_person:
                entries.append(entry_of(by_person[person_id]))
            elif person_id in self._visitors:
                entries.append(Entry(Column.EXPLAINED, "", Cause.NOT_A_WORKER))
            elif person_id not in acting and self._regime(person_id) == "day":
                entries.append(self._without(person_id, first_in_ms))
        return tally(entries)

    def _without(self, person_id: int, first_in_ms: int | None) -> Entry:
        """Who only went out, after a day on which he was registered, ended a night shift."""
        before = (self._day - timedelta(days=1)).isoformat()
        columns = registration.c
        query = select(columns.state).where(
            columns.person_id == person_id,
            columns.site_id == self._site_id,
            columns.day == before,
            columns.state.in_(LIVE),
        )
        if first_in_ms is None and self._connection.execute(query).first() is not None:
            return Entry(Column.EXPLAINED, "", Cause.NIGHT_SHIFT)
        return Entry(Column.UNEXPLAINED)

    def _acts(self) -> Tally:
        made: dict[str, list[tuple[State, str]]] = defaultdict(list)
        moments: dict[tuple[int, str | None], list[int]] = defaultdict(list)
        for row in self._rows:
            if row.act:
                made[row.act].append((State(row.state), row.cause))
                if row.state in LIVE:
                    moments[row.person_id, row.direction].append(row.tap_ms)
        if not made and not self._in_out():
            return Tally()
        entries = [entry_of(rows) for rows in made.values()]
        for row, at_ms in self._granted():
            if f"{row.stream_id}.{row.seq}" in made or self._regime(row.person_id) != "in_out":
                continue
            if row.person_id in self._visitors:
                continue  # counted once, as a presence
            near = moments[row.person_id, way_of(row.direction)]
            repeated = any(abs(at_ms - other) <= REPEAT_MS for other in near)
            entries.append(
                Entry(Column.EXPLAINED, "", Cause.REPEATED_ACT)
                if repeated
                else Entry(Column.UNEXPLAINED)
            )
        return tally(entries)

    def _granted(self) -> Iterator[tuple[_Row, int]]:
        """Yields the taps of known people whom a gate of this site let in or out on this day, their
        acts without a badge, and the moment each counts for."""
        begin_ms, end_ms = day_bounds_ms(self._day)
        late = begin_ms - FUTURE_LIMIT_MS, end_ms + FUTURE_LIMIT_MS
        columns = tap.c
        query = (
            select(
                columns.stream_id,
                columns.seq,
                columns.person_id,
                columns.direction,
                columns.at_ms,
                columns.received_ms,
            )
            .join(terminal, terminal.c.id == columns.terminal_id)
            .where(
                terminal.c.site_id == self._site_id,
                columns.verdict == VERDICT_GRANTED,
                columns.person_id.is_not(None),
                or_(
                    columns.at_ms.between(*late),
                    columns.received_ms.between(begin_ms, end_ms),
                ),
            )
        )
        for row in self._connection.execute(query):
            if tap_day(row.at_ms, row.received_ms) == self._day:
                moment = row.received_ms if row.at_ms is None else min(row.at_ms, row.received_ms)
                yield row, moment
        for row in acts_of_day(self._connection, self._site_id, self._day):
            yield row, row.at_ms

    def _in_out(self) -> bool:
        """Whether a works declaration of this site stands under the in/out regime on the day."""
        numbers = self._connection.execute(
            select(works.c.number).where(works.c.site_id == self._site_id)
        ).scalars()
        return any(regime_on(self._connection, one, self._day) == "in_out" for one in list(numbers))

    def _regime(self, person_id: int) -> str:
        """The regime a tap of this person falls under here, by the rule of the projection."""
        if person_id not in self._regimes:
            key = self._connection, person_id, self._site_id, self._day
            number = choice_on(*key).number
            if number:
                numbers: Sequence[str] = (number,)
            else:
                found = candidates(*key)
                numbers = found.own or found.employer or found.of_site
            regimes = {regime_on(self._connection, one, self._day) for one in numbers}
            self._regimes[person_id] = "in_out" if regimes == {"in_out"} else "day"
        return self._regimes[person_id]

    def _planned(self) -> set[int]:
        query = (
            select(plan_entry.c.person_id)
            .join(works, works.c.number == plan_entry.c.works_number)
            .where(
                works.c.site_id == self._site_id,
                plan_entry.c.day == self._day.isoformat(),
                plan_entry.c.withdrawn_ms.is_(None),
            )
        )
        return set(self._connection.execute(query).scalars())

    def _compared(self) -> Compared:
        columns = reconcile_run.c
        numbers = {row.works_number for row in self._rows if row.works_number}
        if not numbers:
            return Compared()
        runs = self._connection.execute(
            select(columns.id, columns.works_number, columns.regime, columns.at_ms, columns.failed)
            .where(columns.day == self._day.isoformat(), columns.works_number.in_(numbers))
            .order_by(columns.id)
        ).all()
        newest = {(row.works_number, row.regime): row for row in runs}
        good = {(row.works_number, row.regime): row for row in runs if not row.failed}
        difference = reconcile_difference.c
        query = (
            select(difference.kind, difference.explained, func.count())
            .where(difference.run_id.in_([row.id for row in good.values()]))
            .group_by(difference.kind, difference.explained)
            .order_by(difference.explained, difference.kind)
        )
        whole = numbers <= {number for number, _ in good}
        return Compared(
            at_ms=min((row.at_ms for row in good.values()), default=None) if whole else None,
            failed=next((row.failed for row in newest.values() if row.failed), ""),
            differences=tuple(
                (row[0], bool(row[1]), row[2]) for row in self._connection.execute(query)
            ),
        )


# ---------------------------------------------------------------- once a night

CHECKED = "books_checked"
"""Row of `meta` with the newest day whose books were looked at."""


def check_books(connection: Connection, day: date, now_ms: int) -> int:
    """Keeps an incident for each site whose books of a past day are open; once for each day.

    Returns:
        How many incidents were kept.
    """
    query = select(meta.c.value).where(meta.c.key == CHECKED)
    checked = connection.execute(query).scalar()
    if checked is not None and checked >= day.isoformat():
        return 0
    open_books = [one for one in books_of_day(connection, day, now_ms) if not one.balances]
    for one in open_books:
        points = " ".join(f"{point}={count}" for point, count in one.points)
        add_incident(connection, now_ms, BOOKS_OPEN, None, f"{one.site_id} {day} {points}")
    if checked is None:
        connection.execute(insert(meta).values(key=CHECKED, value=day.isoformat()))
    else:
        connection.execute(update(meta).where(meta.c.key == CHECKED).values(value=day.isoformat()))
    return len(open_books)
