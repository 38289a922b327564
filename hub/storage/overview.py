"""Reads the board of one site and day from the tables: one small query for each thing it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, false, func, or_, select

from hub.application.access import Scope
from hub.application.flow import Flow
from hub.application.overview import (
    Board,
    GateName,
    PersonRow,
    RegistrationRow,
    SiteName,
    TurnedAway,
    assemble,
)
from hub.application.terminals import DESK
from hub.domain import chain
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.people import is_registered
from hub.domain.registration import LIVE, State
from hub.storage.alerts import without_acknowledged
from hub.storage.badges import handle_of
from hub.storage.companies import chains
from hub.storage.engine import reading
from hub.storage.flow import flow_of
from hub.storage.gate_news import news_of_gates, passages_of_day
from hub.storage.light_rows import light_rows
from hub.storage.nights import nights_before, who_stayed
from hub.storage.schema import (
    company,
    kiosk,
    person,
    presence,
    registration,
    site,
    tap,
    terminal,
    works,
)
from hub.storage.scope import people_within
from hub.storage.secrets import Vault
from hub.storage.visitors import visitors_on
from protocol.record import VERDICT_REFUSED

_STATES = {str(state): state for state in State}
_UNANSWERED = (State.HELD, State.DUE, State.SENDING, State.IN_DOUBT)
_ENDED_BADLY = (State.LAPSED, State.REFUSED)
# Person numbers have 11 or 17 digits, often written in groups. What the authority says is stored
# without them; this is the last door before a page that is photographed and forwarded.
_LONG_NUMBER = re.compile(r"\d(?:[\s.\-/]?\d){8,}")
_PERSON = (
    person.c.id.label("person_id"),
    person.c.token,
    person.c.given_name,
    person.c.family_name,
    person.c.company_id,
    person.c.kind,
    func.coalesce(company.c.name, "").label("company"),
)
_Row = Row[*tuple[Any, ...]]
_Key = tuple[int, str]
"""One person on one Brussels day."""
_Material = tuple[_Row | None, Sequence[_Row], str | None, bool]
"""What a person's row is made of: presence, registrations, name of the gate, a visitor then."""
_Known = dict[_Key, tuple[_Material, PersonRow]]


class Overview:
    """The board from a database; implements `hub.application.overview.OverviewPort`.

    Args:
        engine: the hub's database. Only read transactions are made, one for each call, so that a
            board is one consistent picture and never delays the writer.
        vault: makes what stands for a badge in addresses; None: none has any.
    """

    def __init__(self, engine: Engine, vault: Vault | None = None) -> None:
        self._engine = engine
        self._vault = vault
        # What the last picture of a site was made of: a tap changes one row of thousands.
        self._known: dict[int, _Known] = {}

    def sites(self) -> tuple[SiteName, ...]:
        """Returns every site by name."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(site.c.id, site.c.name).order_by(site.c.name))
            return tuple(SiteName(row.id, row.name) for row in rows)

    def board(self, site_id: int, day: str, now_ms: int) -> Board:
        """Returns one consistent picture of a site and a Brussels day (ISO).

        Raises:
            LookupError: no such site.
        """
        start_ms, end_ms = day_bounds_ms(date.fromisoformat(day))
        with reading(self._engine) as connection:
            name = connection.scalar(select(site.c.name).where(site.c.id == site_id))
            if name is None:
                raise LookupError("no such site")
            gates = connection.execute(
                select(terminal.c.id, terminal.c.name, terminal.c.direction, terminal.c.revoked_ms)
                .where(terminal.c.site_id == site_id)
                .order_by(terminal.c.name, terminal.c.id)
            ).all()
            # A revoked gate opens no more, but what it kept before counts.
            names: dict[str, str] = {row.id: row.name for row in gates}
            kiosks = select(kiosk.c.id, kiosk.c.name).where(kiosk.c.site_id == site_id)
            names_of_places = names | {row.id: row.name for row in connection.execute(kiosks)}
            in_use = [row for row in gates if row.revoked_ms is None and row.direction != DESK]
            news = without_acknowledged(
                connection,
                news_of_gates(connection, [row.id for row in in_use], start_ms, end_ms),
            )
            passed = passages_of_day(connection, [row.id for row in in_use], day)
            present = _presences(connection, site_id, [day])
            staying = _staying(connection, site_id, day, now_ms, present)
            registered = _registrations(connection, site_id, registration.c.day == day)
            # What ended badly stays in view on the day on which it ended: a tap that arrives
            # after midnight must not lapse unseen.
            late = _registrations(
                connection,
                site_id,
                registration.c.day < day,
                or_(
                    registration.c.state.in_(_UNANSWERED),
                    and_(
                        registration.c.state.in_(_ENDED_BADLY),
                        registration.c.changed_ms >= start_ms,
                    ),
                ),
            )
            # Today the register itself says who works here; of a day before, who did then.
            past = day < brussels_day(now_ms).isoformat()
            visitors = visitors_on(connection, date.fromisoformat(day)) if past else frozenset()
            # The end of a night shift was registered on the day on which that began.
            nights = nights_before(
                connection, site_id, day, now_ms, present, registered,
                [row.person_id for row in staying],
            )  # fmt: skip
            present = [*present, *staying]
            late = [row for row in late if row.reference not in nights.references]
            earlier_days = sorted({row.day for row in late})
            seen_then = _presences(connection, site_id, earlier_days) if late else []
            wanted = {(row.person_id, row.day) for row in late}
            # Replaced as a whole, so that two pictures taken at once do not disturb each other.
            before, after = self._known.get(site_id, {}), _Known()
            people = _people(
                present,
                [*registered, *nights.rows],
                names_of_places,
                visitors,
                day,
                known=before,
                kept=after,
            )
            self._known[site_id] = after
            board = assemble(
                now_ms=now_ms,
                site=SiteName(site_id, name),
                works=tuple(
                    connection.scalars(
                        select(works.c.number)
                        .where(works.c.site_id == site_id)
                        .order_by(works.c.number)
                    )
                ),
                day=day,
                people=people,
                earlier=_people(
                    [row for row in seen_then if (row.person_id, row.day) in wanted],
                    late,
                    names_of_places,
                ),
                turned_away=_turned_away(connection, names, start_ms, end_ms, self._vault),
                undated=_undated(connection, names),
                gates=tuple(
                    GateName(
                        row.id, row.name, row.direction, passed.get(row.id), news.get(row.id, ())
                    )
                    for row in in_use
                ),
                people_known=connection.scalar(
                    select(func.count())
                    .select_from(person.join(works, person.c.works_number == works.c.number))
                    .where(works.c.site_id == site_id)
                )
                or 0,
                places=_places(connection, site_id, {row.company_id for row in present}),
            )
            return _kept_here(connection, board)

    def flow(self, site_id: int, day: str, now_ms: int) -> Flow:
        """Returns a site through a Brussels day (ISO), and the arrivals of the week."""
        with reading(self._engine) as connection:
            return flow_of(connection, site_id, date.fromisoformat(day), now_ms)


def _kept_here(connection: Connection, board: Board) -> Board:
    """Takes the way to the page of those who are not registered and are no people of the site:
    whoever runs it may not correct them."""
    red = {one.person_id for one in board.not_registered}
    if not red:
        return board
    here = people_within(Scope(sites=frozenset({board.site.id})))
    kept = set(connection.execute(select(person.c.id).where(person.c.id.in_(red), here)).scalars())
    return replace(
        board,
        not_registered=tuple(
            one if one.person_id in kept else replace(one, token="") for one in board.not_registered
        ),
    )


def _places(
    connection: Connection, site_id: int, companies: Collection[int | None]
) -> dict[int, tuple[str, int | None]]:
    """Returns number and level of each of these companies; of several levels the highest."""
    here = connection.scalars(select(works.c.number).where(works.c.site_id == site_id)).all()
    levels: dict[int, int] = {}
    for links in chains(connection, here).values():
        for link, level in chain.in_order(links):
            levels[link.company] = min(level, levels.get(link.company, level))
    rows = connection.execute(
        select(company.c.id, company.c.number).where(
            company.c.id.in_([one for one in companies if one is not None])
        )
    )
    return {key: (number, levels.get(key)) for key, number in rows}


def _staying(
    connection: Connection, site_id: int, day: str, now_ms: int, present: Iterable[_Row]
) -> list[_Row]:
    """Who came the day before and is still there: he has not tapped on this day, and counts."""
    of = date.fromisoformat(day)
    stayed = {*who_stayed(connection, site_id, of, now_ms)} - {row.person_id for row in present}
    if not stayed:
        return []
    eve = (of - timedelta(days=1)).isoformat()
    rows = _presences(connection, site_id, [eve], presence.c.person_id.in_(stayed))
    return [row._replace(day=day) for row in rows]


def _presences(
    connection: Connection, site_id: int, days: Sequence[str], *conditions: Any
) -> Sequence[_Row]:
    return light_rows(
        connection.execute(
            select(
                *_PERSON,
                presence.c.day,
                presence.c.first_in_ms,
                presence.c.last_ms,
                presence.c.inside,
                presence.c.received_ms,
                presence.c.terminal_id,
            )
            .select_from(
                presence.join(person, presence.c.person_id == person.c.id).outerjoin(
                    company, person.c.company_id == company.c.id
                )
            )
            .where(presence.c.site_id == site_id, presence.c.day.in_(days), *conditions)
        )
    )


def _registrations(connection: Connection, site_id: int, *conditions: Any) -> Sequence[_Row]:
    return light_rows(
        connection.execute(
            select(
                *_PERSON,
                registration.c.reference,
                registration.c.works_number,
                registration.c.day,
                registration.c.state,
                registration.c.cause,
                registration.c.number,
                registration.c.answer,
                registration.c.tap_ms,
                registration.c.changed_ms,
                registration.c.direction,
            )
            .select_from(
                registration.join(person, registration.c.person_id == person.c.id).outerjoin(
                    company, person.c.company_id == company.c.id
                )
            )
            .where(registration.c.site_id == site_id, *conditions)
            .order_by(registration.c.changed_ms, registration.c.reference)
        )
    )


def _people(
    present: Iterable[_Row],
    registered: Iterable[_Row],
    gates: Mapping[str, str],
    visitors: Collection[int] = (),
    day: str = "",
    *,
    known: _Known | None = None,
    kept: _Known | None = None,
) -> list[PersonRow]:
    """Joins presences and registrations: a person may have either, both or several.

    Args:
        day: under which all of them are shown; empty: each under its own.
        known: what an earlier picture was made of; a person of whom all of it is the same is the
            same row, which makes a picture of 3,000 people several times cheaper.
        kept: is filled with what this one is made of.
    """
    who: dict[_Key, _Row] = {}
    presences: dict[_Key, _Row] = {}
    registrations: dict[_Key, list[_Row]] = {}
    for row in present:
        key = (row.person_id, row.day)
        who[key] = presences[key] = row
    for row in registered:
        key = (row.person_id, day or row.day)
        who.setdefault(key, row)
        registrations.setdefault(key, []).append(row)
    people: list[PersonRow] = []
    known, kept = known or {}, {} if kept is None else kept
    for key, row in who.items():
        seen = presences.get(key)
        gate = gates.get(seen.terminal_id, seen.terminal_id) if seen else None
        material = (seen, registrations.get(key, ()), gate, row.person_id in visitors)
        before = known.get(key)
        if before is None or before[0] != material:
            before = material, _person(row, key[1], *material)
        kept[key] = before
        people.append(before[1])
    return people


def _person(
    row: _Row,
    day: str,
    seen: _Row | None,
    registered: Sequence[_Row],
    gate: str | None,
    visited: bool,
) -> PersonRow:
    return PersonRow(
        person_id=row.person_id,
        given_name=row.given_name,
        family_name=row.family_name,
        company_id=row.company_id,
        company=row.company,
        day=day,
        seen=seen is not None,
        # A day can begin with an out (the in was yesterday): then the last tap stands.
        first_ms=(seen.first_in_ms or seen.last_ms) if seen else None,
        received_ms=seen.received_ms if seen else None,
        last_ms=seen.last_ms if seen else None,
        gate=gate,
        inside=bool(seen.inside) if seen else False,
        registrations=live_first([registration_row(one) for one in registered]),
        visitor=visited or not is_registered(row.kind),
        token=row.token,
    )


def live_first(rows: Sequence[RegistrationRow]) -> tuple[RegistrationRow, ...]:
    """Returns those that count before those that ended, each in the given order."""
    if len(rows) < 2:
        return tuple(rows)
    return tuple(sorted(rows, key=lambda one: one.state not in LIVE))


def registration_row(row: _Row) -> RegistrationRow:
    """Returns a registration as people see it, given the columns of its table; numbers masked."""
    remarks, errors = masked_answer(row.answer) if row.answer else ((), ())
    return RegistrationRow(
        reference=row.reference,
        works_number=row.works_number,
        day=row.day,
        state=_STATES[row.state],
        cause=row.cause,
        number=row.number,
        tap_ms=row.tap_ms,
        changed_ms=row.changed_ms,
        remarks=remarks,
        errors=errors,
        direction=row.direction,
    )


def masked_answer(answer: str | None) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Returns (remarks, errors) of a stored answer, long numbers masked.

    An answer of another shape has neither.
    """
    try:
        stored = json.loads(answer or "{}")
    except ValueError:
        return (), ()
    if not isinstance(stored, dict):
        return (), ()
    remarks = stored.get("remarks")
    errors = stored.get("errors")
    return (
        tuple(without_numbers(remark) for remark in remarks) if isinstance(remarks, list) else (),
        tuple(
            (without_numbers(pair[0]), without_numbers(pair[1]))
            for pair in (errors if isinstance(errors, list) else ())
            if isinstance(pair, list) and len(pair) == 2
        ),
    )


def without_numbers(said: object) -> str:
    """Returns what was said without anything as long as a person number."""
    return _LONG_NUMBER.sub("•••", str(said))


def _turned_away(
    connection: Connection,
    gates: dict[str, str],
    start_ms: int,
    end_ms: int,
    vault: Vault | None,
) -> tuple[TurnedAway, ...]:
    # The badge tag groups the taps and goes no further; what stands for it cannot be turned back.
    rows = connection.execute(
        select(
            tap.c.terminal_id,
            tap.c.reason,
            tap.c.tag,
            person.c.id.label("person_id"),
            func.coalesce(person.c.given_name, "").label("given_name"),
            func.coalesce(person.c.family_name, "").label("family_name"),
            func.count().label("taps"),
            func.max(tap.c.at_ms).label("last_ms"),
        )
        .select_from(tap.outerjoin(person, tap.c.person_id == person.c.id))
        .where(
            tap.c.terminal_id.in_(gates),
            tap.c.at_ms >= start_ms,
            tap.c.at_ms < end_ms,
            or_(tap.c.verdict == VERDICT_REFUSED, tap.c.person_id.is_(None)),
        )
        .group_by(tap.c.terminal_id, tap.c.reason, tap.c.tag, person.c.id)
        .order_by(func.max(tap.c.at_ms).desc(), tap.c.terminal_id)
    )
    return tuple(
        TurnedAway(
            gate=gates[row.terminal_id],
            reason=row.reason,
            given_name=row.given_name,
            family_name=row.family_name,
            taps=row.taps,
            last_ms=row.last_ms,
            badge=handle_of(vault, row.tag) if vault and row.person_id is None else "",
        )
        for row in rows
    )


def _undated(connection: Connection, gates: dict[str, str]) -> int:
    chosen = tap.c.terminal_id.in_(gates) if gates else false()
    query = select(func.count()).select_from(tap).where(tap.c.at_ms.is_(None), chosen)
    return connection.scalar(query) or 0
