"""The page of the balance: the books of every site for one day, what is open first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from hub.application.access import Scope
from hub.application.balance import BalancePort, OpenBooks, SiteBooks, Tally
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.i18n import moment_text, text
from hub.web.drawing import LANGUAGE_NAMES, asset, template
from hub.web.recent import Recent
from hub.web.words import Words

FIRST_DAY = date(2014, 4, 1)
"""Since then presences are registered (decrees of 11 February 2014)."""
OF_A_SITE = "HUB-1361"
"""The books of one site do not balance."""
ALARM_DAYS = 1
"""The dashboard points at what came up since so many days before today."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account.

    Args:
        tone: `number`, `wait`, `remark`, `action` or `none`.
        part: it is part of the line above it.
    """

    label: str
    count: int
    tone: str = "none"
    part: bool = False


class BalanceWords:
    """Texts of the balance in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.board = Words(language)

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text of the balance with that key."""
        return self.board.typeset(text(f"balance.{key}", self.language, **values))

    def any(self, key: str, **values: object) -> str:
        """Returns the text with that whole key."""
        return self.board.typeset(text(key, self.language, **values))

    def verdict(self, books: SiteBooks) -> tuple[str, str, str]:
        """Returns (symbol, tone, text) of what the books say."""
        if not books.balances:
            return "none", "action", self("no")
        if books.past:
            return "registered", "number", self("yes")
        return "due", "wait" if _goes_on(books) else "number", self("so_far")

    def points(self, books: SiteBooks) -> list[str]:
        """Returns what is open, and what to do about each."""
        return [self(f"point.{point}", count=count) for point, count in books.points]

    def accounts(self, books: SiteBooks) -> Iterator[tuple[str, list[Line]]]:
        """Yields (title, lines) of each account that has something to tell."""
        yield self("taps.title"), list(self._taps(books))
        if books.unbadged.kept or books.unbadged.missing:
            yield self("unbadged.title"), list(self._unbadged(books))
        if books.presences.total or not books.acts.total:
            yield self("presences.title"), list(self._tally(books.presences, books.past))
        if books.acts.total:
            yield self("acts.title"), list(self._tally(books.acts, books.past))
        if books.planned or books.registered_unseen:
            yield (
                self("plan.title"),
                [
                    Line(self(f"plan.{name}"), count)
                    for name, count in (
                        ("planned", books.planned),
                        ("not_seen", books.not_seen),
                        ("registered_unseen", books.registered_unseen),
                    )
                ],
            )

    def _taps(self, books: SiteBooks) -> Iterator[Line]:
        taps = books.taps
        yield Line(self("taps.received"), taps.received)
        yield Line(self("taps.stored"), taps.stored, "number")
        late = "action" if books.past else "wait"
        for name, count, tone, part in (
            ("undated", taps.undated, "wait", True),
            ("ahead", taps.ahead, late, False),
            ("open", taps.open, late, False),
            ("unreadable", taps.unreadable, "action", False),
            ("lost", taps.lost, "action", False),
        ):
            if count:
                yield Line(self(f"taps.{name}"), count, tone, part)
        yield Line(self("taps.missing"), taps.missing, "action" if taps.missing else "none")

    def _unbadged(self, books: SiteBooks) -> Iterator[Line]:
        acts = books.unbadged
        yield Line(self("unbadged.kept"), acts.kept)
        yield Line(self("unbadged.counted"), acts.counted, "number")
        if acts.ahead:
            yield Line(self("taps.ahead"), acts.ahead, "action" if books.past else "wait")
        yield Line(self("taps.missing"), acts.missing, "action" if acts.missing else "none")

    def _tally(self, made: Tally, past: bool) -> Iterator[Line]:
        yield Line(self("tally.total"), made.total)
        yield Line(self("tally.registered"), made.registered, "number")
        if made.remarks:
            yield Line(self("tally.remarks"), made.remarks, "remark")
        if made.waiting:
            yield Line(self("tally.waiting"), made.waiting, "action" if past else "wait")
        yield Line(self("tally.explained"), made.exceptions)
        for state, cause, count in made.explained:
            yield Line(reason(state, cause, self.language, self.board), count, part=True)
        tone = "action" if made.unexplained else "none"
        yield Line(self("tally.unexplained"), made.unexplained, tone)

    def differences(self, books: SiteBooks) -> list[tuple[Line, str]]:
        """Returns each kind of difference, with what to do about it."""
        return [
            (
                Line(self.any(f"reconcile.{kind}.meaning"), count, "none" if known else "action"),
                "" if known else self.any(f"reconcile.{kind}.action"),
            )
            for kind, known, count in books.compared.differences
        ]

    def when(self, utc_ms: int) -> str:
        """Returns day and time."""
        return moment_text(utc_ms, self.language)

    def trouble(self, code: str) -> str:
        """Returns what an incident means and what to do."""
        return self.board.trouble(code)


def reason(state: str, cause: str, language: str, board: Words) -> str:
    """Returns why something is explained: where it stands, and why there."""
    said = text(f"cause.{cause}", language)
    if state:
        word = text(f"dashboard.state.{state}", language)
        said = text("balance.tally.reason", language, state=word, cause=said)
    return board.typeset(said)


def _goes_on(books: SiteBooks) -> bool:
    made = books.presences.waiting + books.acts.waiting
    return bool(made or books.taps.ahead or books.unbadged.ahead or books.taps.open)


def asked_day(given: str | None, today: date) -> date | None:
    """Returns the day of an address; None when it is none that the hub can have books of."""
    if not given:
        return today
    try:
        day = date.fromisoformat(given) if len(given) == len("2026-11-23") else None
    except ValueError:
        return None
    return day if day is not None and FIRST_DAY <= day <= today + timedelta(days=1) else None


def chosen(books: Sequence[SiteBooks], site_id: int | None) -> tuple[SiteBooks, ...]:
    """Returns the books of that site, or of all.

    Raises:
        LookupError: no such site.
    """
    found = tuple(one for one in books if site_id is None or one.site_id == site_id)
    if site_id is not None and not found:
        raise LookupError("no such site")
    return found


class RecentBooks:
    """`BalancePort`: books that were read a moment ago serve again.

    Args:
        port: the books of all.
        recent: keeps them.
    """

    def __init__(self, port: BalancePort, recent: Recent[tuple[SiteBooks, ...]]) -> None:
        self._port = port
        self._recent = recent

    def books(self, day: date, now_ms: int) -> tuple[SiteBooks, ...]:
        """See `BalancePort`."""
        return self._recent.get(day, lambda: self._port.books(day, now_ms))

    def alarms(self, since_ms: int) -> tuple[OpenBooks, ...]:
        """See `BalancePort`."""
        return self._port.alarms(since_ms)


class BooksWithin:
    """`BalancePort`: the books of the sites that there are for who asks.

    Args:
        port: the books of all.
        within: the sites.
    """

    def __init__(self, port: BalancePort, within: Scope) -> None:
        self._port = port
        self._within = within

    def books(self, day: date, now_ms: int) -> tuple[SiteBooks, ...]:
        """See `BalancePort`."""
        found = self._port.books(day, now_ms)
        return tuple(one for one in found if self._covers(one.site_id))

    def alarms(self, since_ms: int) -> tuple[OpenBooks, ...]:
        """See `BalancePort`. An alarm of one site begins with its number; of the others, which
        are of the whole hub, what they say in detail is not told."""
        found = self._port.alarms(since_ms)
        if self._within.everything:
            return found
        return tuple(
            one if one.code == OF_A_SITE else replace(one, detail="")
            for one in found
            if one.code != OF_A_SITE or self._covers(_number(one.detail))
        )

    def _covers(self, site_id: int) -> bool:
        return self._within.everything or site_id in self._within.sites


def _number(detail: str) -> int:
    first = detail.partition(" ")[0]
    return int(first) if first.isdecimal() else 0


def newest_alarm(port: BalancePort, now_ms: int) -> OpenBooks | None:
    """Returns the newest incident about books or runs since yesterday."""
    since = brussels_day(now_ms) - timedelta(days=ALARM_DAYS)
    alarms = port.alarms(day_bounds_ms(since)[0])
    return alarms[0] if alarms else None


def draw_balance(
    port: BalancePort,
    day: date,
    site_id: int | None,
    language: str,
    now_ms: int,
    bar: Mapping[str, Any],
) -> str:
    """Returns the page.

    Args:
        bar: see `hub.web.frame.bar_of`.

    Raises:
        LookupError: no such site.
    """
    today = brussels_day(now_ms)
    begin_ms, end_ms = day_bounds_ms(day)[0], day_bounds_ms(day + timedelta(days=1))[1]
    values: dict[str, Any] = {
        "books": chosen(port.books(day, now_ms), site_id),
        # The books of a day are closed in the night after it.
        "alarms": tuple(one for one in port.alarms(begin_ms) if one.at_ms < end_ms),
        "words": BalanceWords(language),
        "day": day,
        "today": today,
        "previous": day - timedelta(days=1),
        "following": day + timedelta(days=1),
        "site_id": site_id,
        "now_ms": now_ms,
    }
    return template("balance.html").render(asset=asset, languages=LANGUAGE_NAMES, **values, **bar)


def balance_json(port: BalancePort, day: date, site_id: int | None, now_ms: int) -> dict[str, Any]:
    """Returns the same for scripts.

    Raises:
        LookupError: no such site.
    """
    books = chosen(port.books(day, now_ms), site_id)
    return {
        "as_of_ms": now_ms,
        "day": day.isoformat(),
        "balances": all(one.balances for one in books),
        "sites": [one.as_json() for one in books],
    }
