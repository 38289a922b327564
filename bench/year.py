"""A large site with a year behind it: who came on each day, and who is there this morning.

The rows are those that the projection leaves, written by the database itself: to project a million
and a half taps would take minutes and is measured elsewhere. The inbox, which no page reads, stays
empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bench.crowd import COMPANY, GATE, WORKS, company_number, settle
from hub.application.access import COMMAND
from hub.domain.legal_day import brussels_day
from hub.storage.engine import writing
from hub.storage.house import House
from hub.storage.parties import Parties, PartyDraft
from hub.storage.register import Register
from hub.storage.schema import stream

PEOPLE: Final = 3_000
DAYS: Final = 250
COMPANIES: Final = 200
OUT: Final = "gate-out"
_MINUTE_MS: Final = 60_000
_BRUSSELS: Final = ZoneInfo("Europe/Brussels")
_WAITING: Final = 100
"""Of this morning's people: registrations that are on their way."""
_REFUSED: Final = 20
"""And what the authority refused, for someone to look at."""


@dataclass(frozen=True, slots=True)
class Year:
    """A furnished house.

    Attributes: tags (of the badges, in the order of the people), taps (rows of taps in it).
    """

    house: House
    tags: list[bytes]
    taps: int


def large_site(
    folder: Path, now_ms: int, people: int = PEOPLE, days: int = DAYS, here: int | None = None
) -> Year:
    """Makes a hub's data folder with a year of a large site in it; who called closes the house.

    Whoever is here came in this morning, and nobody has left; 20 were refused by the authority and
    100 wait for their number.

    Args:
        now_ms: UTC milliseconds; today is its day in Brussels.
        people: who works there, all of them each day.
        days: days before today on which they came and left.
        here: how many of them came today; None: all.
    """
    today_here = people if here is None else here
    house, tags = settle(folder, people, COMPANIES)
    with writing(house.engine) as connection:
        Register(connection, house.vault).add_terminal(OUT, OUT, "Bench", "out", now_ms)
        parties = Parties(connection, house.vault, COMMAND, now_ms)
        parties.put(WORKS, PartyDraft(COMPANY))
        for number in range(2, COMPANIES + 1):
            parties.put(WORKS, PartyDraft(company_number(number), COMPANY))
        streams = [
            {"id": one, "terminal_id": name, "journal": b"journal1", "first_seen_ms": now_ms}
            for one, name in enumerate((GATE, OUT), 1)
        ]
        connection.execute(insert(stream), streams)
    today = brussels_day(now_ms)
    past = [_Day(today - timedelta(days=back), people, tags) for back in range(days, 0, -1)]
    raw: Any = house.engine.raw_connection()
    try:
        raw.execute("PRAGMA synchronous=OFF")
        raw.execute("BEGIN IMMEDIATE")
        for number, day in enumerate((*past, _Day(today, today_here, tags, now_ms))):
            for statement, rows in day.rows(number):
                raw.executemany(statement, rows)
        raw.execute("COMMIT")
        raw.execute("PRAGMA optimize")
        raw.execute("PRAGMA synchronous=FULL")
    finally:
        raw.close()
    return Year(house, tags, people * 2 * days + today_here)


@dataclass(frozen=True, slots=True)
class _Day:
    """One day of the first `people`; with `now_ms` it is today, and nobody has left."""

    day: date
    people: int
    tags: list[bytes]
    now_ms: int = 0

    def rows(self, number: int) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
        """Statements and the rows for each; `number` counts the days."""
        first = number * len(self.tags)
        yield _TAP, self._taps(1, 1, 0, first)
        if not self.now_ms:
            yield _TAP, self._taps(2, 2, 1, first)
        yield _PRESENCE, self._presences()
        yield _REGISTRATION, self._registrations(first)
        for state, cause, later_ms in (
            ("due", "first_tap", 0),
            ("sending", "first_tap", 1_000),
            ("registered", "receipt", 2_500),
        ):
            yield _EVENT, self._events(first, state, cause, later_ms)

    def _come_ms(self, who: int) -> int:
        """Between 06:15 and 07:45; on this morning not after now."""
        begin = datetime.combine(self.day, time(6, 15), _BRUSSELS)
        at_ms = int(begin.timestamp()) * 1000 + who * 90 * _MINUTE_MS // self.people
        return min(at_ms, self.now_ms - _MINUTE_MS) if self.now_ms else at_ms

    def _taps(
        self, stream_id: int, direction: int, left: int, first: int
    ) -> Iterator[tuple[Any, ...]]:
        for who in range(self.people):
            at_ms = self._come_ms(who) + left * 9 * 60 * _MINUTE_MS
            name = (GATE, OUT)[stream_id - 1]
            yield (
                stream_id, first + who + 1, name, direction, 1, 0, self.tags[who],
                who + 1, 1, first + who, 3, at_ms, at_ms + 400,
            )  # fmt: skip

    def _presences(self) -> Iterator[tuple[Any, ...]]:
        here = bool(self.now_ms)
        for who in range(self.people):
            come = self._come_ms(who)
            last = come if here else come + 9 * 60 * _MINUTE_MS
            yield (
                who + 1, 1, self.day.isoformat(), come, last, int(here), 1 if here else 2,
                come + 400, GATE if here else OUT,
            )  # fmt: skip

    def _state(self, who: int) -> tuple[str, str]:
        if self.now_ms and who < _REFUSED:
            return "refused", "refused_by_authority"
        if self.now_ms and who < _REFUSED + _WAITING:
            return "due", "first_tap"
        return "registered", "receipt"

    def _registrations(self, first: int) -> Iterator[tuple[Any, ...]]:
        for who in range(self.people):
            come = self._come_ms(who)
            state, cause = self._state(who)
            number = 100_000_000_000 + first + who if state == "registered" else None
            yield (
                f"{first + who:024x}", who + 1, 1, WORKS, self.day.isoformat(), state, cause, come,
                come, number, come + 2_500, 1, first + who + 1,
            )  # fmt: skip

    def _events(
        self, first: int, state: str, cause: str, later_ms: int
    ) -> Iterator[tuple[Any, ...]]:
        for who in range(self.people):
            if state != "due" and self._state(who)[0] == "due":
                continue
            kept = self._state(who) if state == "registered" else (state, cause)
            number = 100_000_000_000 + first + who if kept[0] == "registered" else None
            yield f"{first + who:024x}", self._come_ms(who) + later_ms, *kept, number


_TAP: Final = (
    "INSERT INTO tap (stream_id, seq, terminal_id, direction, verdict, reason, tag, person_id, "
    "boot, ticks_ms, quality, at_ms, received_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_PRESENCE: Final = (
    "INSERT INTO presence (person_id, site_id, day, first_in_ms, last_ms, inside, taps, "
    "received_ms, terminal_id) VALUES (?,?,?,?,?,?,?,?,?)"
)
_REGISTRATION: Final = (
    "INSERT INTO registration (reference, person_id, site_id, works_number, day, state, cause, "
    "tap_ms, due_ms, number, changed_ms, stream_id, seq) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_EVENT: Final = (
    "INSERT INTO registration_event (reference, at_ms, state, cause, number) VALUES (?,?,?,?,?)"
)
