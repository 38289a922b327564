"""The newest taps of a site, for the guard's screen."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from hub.application.overview import SiteName
from hub.application.passing import Passing
from hub.application.terminals import DESK
from hub.storage.engine import reading
from hub.storage.schema import company, person, site, tap, terminal
from protocol.record import VERDICT_GRANTED


class Passings:
    """`PassingPort` on a database; each call is one read transaction.

    Args:
        engine: the hub's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sites(self) -> tuple[SiteName, ...]:
        """See `PassingPort`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(site.c.id, site.c.name).order_by(site.c.name))
            return tuple(SiteName(row.id, row.name) for row in rows)

    def latest(self, site_id: int, since_ms: int, limit: int) -> tuple[Passing, ...]:
        """See `PassingPort`."""
        moment = func.coalesce(tap.c.at_ms, tap.c.received_ms)
        query = (
            select(
                terminal.c.name.label("gate"),
                tap.c.direction,
                tap.c.verdict,
                tap.c.reason,
                func.coalesce(person.c.given_name, "").label("given_name"),
                func.coalesce(person.c.family_name, "").label("family_name"),
                func.coalesce(company.c.name, "").label("company"),
                func.coalesce(person.c.kind, "").label("kind"),
                moment.label("at_ms"),
            )
            .select_from(
                tap.join(terminal, terminal.c.id == tap.c.terminal_id)
                .outerjoin(person, person.c.id == tap.c.person_id)
                .outerjoin(company, company.c.id == person.c.company_id)
            )
            .where(
                terminal.c.site_id == site_id,
                terminal.c.direction != DESK,
                # Taps that nothing dates are few; the others are found by the index of their time.
                (tap.c.at_ms >= since_ms)
                | (tap.c.at_ms.is_(None) & (tap.c.received_ms >= since_ms)),
            )
            .order_by(moment.desc(), tap.c.seq.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return tuple(
                Passing(
                    row.gate,
                    row.direction,
                    row.verdict == VERDICT_GRANTED,
                    row.reason,
                    row.given_name,
                    row.family_name,
                    row.company,
                    row.kind,
                    row.at_ms,
                )
                for row in connection.execute(query)
            )
