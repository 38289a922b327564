"""What alerts look at, from the tables: each thing as often as it may change, and no more often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, func, select

from hub.application.alert_readings import (
    HOUR_MS,
    WINDOW_MS,
    Certificate,
    Facts,
    GateFacts,
    Limits,
    Planned,
    companies_of,
    plan_is_looked_at,
)
from hub.application.balance import SiteBooks
from hub.application.overview import AuthorityStatus, GateStatus, OverviewPort
from hub.application.planning import PlannedDay
from hub.domain.alerts import MINUTE_MS
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.storage.alerts import without_acknowledged
from hub.storage.balance import CHECKED, books_of_day
from hub.storage.engine import reading
from hub.storage.gate_news import news_of_gates
from hub.storage.schema import gate_event, meta, site, tap, terminal
from protocol import faults
from protocol.record import KIND_FAULT, VERDICT_REFUSED

T = TypeVar("T")
BOOKS_BACK: Final = 3
"""Days that are over whose books are looked at: Friday's on Monday too."""
BOOKS_MS: Final = HOUR_MS
PLAN_MS: Final = 5 * MINUTE_MS
CERTIFICATES_MS: Final = HOUR_MS


class AlertFacts:
    """`FactsPort` on the database and the live state.

    Args:
        engine: only read.
        overview: the boards.
        gates: live state of every gate.
        authority: live state of the link to the authority.
        planned: the plan of a day.
        certificates: of the hub, at a moment.
        limits: of the settings.
        started_ms: when the hub started, UTC milliseconds.
    """

    def __init__(
        self,
        engine: Engine,
        overview: OverviewPort,
        gates: Callable[[], list[GateStatus]],
        authority: Callable[[], AuthorityStatus],
        planned: Callable[[date], list[PlannedDay]],
        certificates: Callable[[int], list[Certificate]],
        limits: Limits,
        started_ms: int,
    ) -> None:
        self._engine = engine
        self._overview = overview
        self._gates = gates
        self._authority = authority
        self._planned = planned
        self._certificates = certificates
        self._limits = limits
        self._started_ms = started_ms
        self._seldom: dict[str, tuple[int, object, Sequence[object]]] = {}

    def facts(self, now_ms: int) -> Facts:
        """See `FactsPort`."""
        today = brussels_day(now_ms)
        sites = self._overview.sites()
        with reading(self._engine) as connection:
            gates = self._gate_facts(connection, now_ms)
            ids = {row.name: row.id for row in connection.execute(select(site))}
            checked = connection.execute(select(meta.c.value).where(meta.c.key == CHECKED)).scalar()
        return Facts(
            now_ms,
            self._started_ms,
            [self._overview.board(one.id, today.isoformat(), now_ms) for one in sites],
            gates,
            self._authority(),
            self._plan(now_ms, ids),
            self._books(now_ms, checked),
            self._now_and_then(
                "certificates", now_ms, CERTIFICATES_MS, None, lambda: self._certificates(now_ms)
            ),
        )

    def _gate_facts(self, connection: Connection, now_ms: int) -> list[GateFacts]:
        live = {one.terminal_id: one for one in self._gates()}
        rows = connection.execute(
            select(terminal.c.id, terminal.c.name, terminal.c.direction, terminal.c.site_id,
                   site.c.name.label("site"))
            .select_from(terminal.join(site, terminal.c.site_id == site.c.id))
            .where(terminal.c.revoked_ms.is_(None))
            .order_by(terminal.c.id)
        ).all()  # fmt: skip
        begin_ms, end_ms = day_bounds_ms(brussels_day(now_ms))
        ids = [row.id for row in rows]
        news = without_acknowledged(connection, news_of_gates(connection, ids, begin_ms, end_ms))
        refused = {
            row.terminal_id: row.taps
            for row in connection.execute(
                select(tap.c.terminal_id, func.count().label("taps"))
                .where(
                    tap.c.at_ms > now_ms - WINDOW_MS,
                    tap.c.at_ms <= now_ms,
                    tap.c.verdict == VERDICT_REFUSED,
                )
                .group_by(tap.c.terminal_id)
            )
        }
        downs = {
            row.terminal_id: row.times
            for row in connection.execute(
                select(gate_event.c.terminal_id, func.count().label("times"))
                .where(
                    gate_event.c.terminal_id.in_(ids),
                    gate_event.c.received_ms > now_ms - HOUR_MS,
                    gate_event.c.kind == KIND_FAULT,
                    gate_event.c.code == faults.READER_DOWN,
                )
                .group_by(gate_event.c.terminal_id)
            )
        }
        return [
            GateFacts(
                live.get(row.id) or GateStatus(row.id, row.name, row.direction),
                row.site_id,
                row.site,
                news.get(row.id, ()),
                refused.get(row.id, 0),
                downs.get(row.id, 0),
            )
            for row in rows
        ]

    # ------------------------------------------------------------ what changes seldom

    def _plan(self, now_ms: int, sites: dict[str, int]) -> Sequence[Planned]:
        day = plan_is_looked_at(now_ms, self._limits)
        if day is None:
            return ()

        def look() -> list[Planned]:
            wrong: dict[str, list[PlannedDay]] = {}
            for one in self._planned(day):
                if one.findings:
                    wrong.setdefault(one.site, []).append(one)
            return [
                Planned(
                    sites[name],
                    name,
                    day,
                    len(entries),
                    companies_of(one.person.company_name for one in entries),
                )
                for name, entries in sorted(wrong.items())
                if name in sites
            ]

        return self._now_and_then("plan", now_ms, PLAN_MS, day, look)

    def _books(self, now_ms: int, checked: str | None) -> Sequence[SiteBooks]:
        """The books of past days, once a night has looked at them: before, much is on its way."""
        today = brussels_day(now_ms)
        days = [today - timedelta(days=back) for back in range(BOOKS_BACK, 0, -1)]
        seen = [day for day in days if checked is not None and day.isoformat() <= checked]

        def look() -> list[SiteBooks]:
            found: list[SiteBooks] = []
            for day in seen:
                with reading(self._engine) as connection:
                    found += books_of_day(connection, day, now_ms)
            return [one for one in found if not one.balances]

        return self._now_and_then("books", now_ms, BOOKS_MS, tuple(seen), look)

    def _now_and_then(
        self, name: str, now_ms: int, every_ms: int, about: object, look: Callable[[], Sequence[T]]
    ) -> Sequence[T]:
        """What was found at most `every_ms` ago about the same, else what is found now."""
        known = self._seldom.get(name)
        if known is None or known[1] != about or not 0 <= now_ms - known[0] < every_ms:
            known = self._seldom[name] = (now_ms, about, look())
        return known[2]  # pyright: ignore[reportReturnType]
