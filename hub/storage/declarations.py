"""The works declarations that somebody may see or change: period, customer, place and regime.

A contractor sees those he takes part in. The customer is shown to who sees the whole chain: whoever
works for a subcontractor has no contract with him.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select

from hub.application.access import Actor
from hub.application.ports import Place
from hub.domain.audit import Noted
from hub.domain.identifiers import parse_works_number
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.domain.works import Regime
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.register import Register
from hub.storage.schema import party, site, works
from hub.storage.scope import sites_seen, works_seen
from hub.storage.secrets import Vault
from hub.storage.works import place_of, put_works, regime_changes, regime_on, set_regime

CUSTOMER_MAX = 120


@dataclass(frozen=True, slots=True)
class Declaration:
    """One works declaration, as somebody may see it.

    Args:
        site: name of the site.
        customer: None where it is not shown.
        regime: of today.
        regimes: (first Brussels day, regime) of each change, oldest first.
        changeable: whether he may change it.
    """

    number: str
    site_id: int
    site: str
    from_day: date | None
    until_day: date | None
    customer: str | None
    place: Place | None
    regime: Regime
    regimes: tuple[tuple[date, str], ...]
    changeable: bool


@dataclass(frozen=True, slots=True)
class DeclarationDraft:
    """What is said of a works declaration.

    Args:
        site_id: of a site in the scope of changing.
        from_day: first Brussels day of the works; None: not known.
        until_day: last one.
        customer: as the declaration names him, at most `CUSTOMER_MAX` characters.
        place: for the in/out service.
    """

    site_id: int
    from_day: date | None = None
    until_day: date | None = None
    customer: str = ""
    place: Place | None = None


class Declarations:
    """The works declarations of somebody, inside one open transaction.

    Args:
        connection: a write transaction for what changes something.
        vault: chains the audit.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._today = brussels_day(now_ms)

    def rows(self) -> list[Declaration]:
        """Returns every declaration in scope: those that run or come first, then those over."""
        rows = self._connection.execute(self._query()).all()
        over = [row for row in rows if row.until_day and row.until_day < self._today.isoformat()]
        return self._told([row for row in rows if row not in over] + over)

    def row(self, number: str) -> Declaration:
        """Returns one declaration.

        Raises:
            UsageError: HUB-1407, no such declaration in scope.
        """
        found = self._connection.execute(self._query().where(works.c.number == number)).all()
        if not found:
            raise UsageError("HUB-1407", works=number[:13])
        return self._told(found)[0]

    def add(self, number: str, draft: DeclarationDraft) -> str:
        """Adds a declaration and returns its number in capitals, without blanks.

        Raises:
            UsageError: IMP-3201 the number, HUB-1666 it is here already (its site need not be in
                scope: a number exists once), and the errors of `change`.
        """
        parsed = parse_works_number(number)
        self._check(draft)
        known = select(works.c.number).where(works.c.number == parsed)
        if self._connection.execute(known).first() is not None:
            raise UsageError("HUB-1666", works=parsed)
        put_works(self._connection, parsed, draft.site_id, **_values(draft))
        self._note(Noted.WORKS_ADDED, parsed, draft.site_id)
        return parsed

    def change(self, number: str, draft: DeclarationDraft) -> None:
        """Changes a declaration to what the draft says.

        Raises:
            UsageError: HUB-1407 not in the scope of changing, HUB-1661 the site is not, HUB-1664
                the days, HUB-1653 the customer's name is too long.
        """
        before = self._changeable(number)
        self._check(draft)
        values = {"site_id": draft.site_id, **_values(draft)}
        changed = sorted(name for name, value in values.items() if before._mapping[name] != value)
        if changed:
            put_works(self._connection, number, draft.site_id, **_values(draft))
            self._note(Noted.WORKS_CHANGED, number, draft.site_id, changed=changed)

    def set_regime(self, number: str, from_day: date, regime: Regime) -> None:
        """Says under which regime a declaration stands from a Brussels day on.

        Raises:
            UsageError: HUB-1407 not in the scope of changing, HUB-1408 a day that is over: what
                was decided for it stays decided.
        """
        before = self._changeable(number)
        if from_day < self._today:
            raise UsageError("HUB-1408", what="day", value=from_day.isoformat())
        set_regime(self._connection, number, from_day, regime)
        told = {"regime": regime, "from_day": from_day.isoformat()}
        self._note(Noted.WORKS_CHANGED, number, before.site_id, **told)

    # ------------------------------------------------------------ how

    def _query(self) -> Select[*tuple[Any, ...]]:
        return (
            select(works, site.c.name.label("site_name"))
            .join(site, site.c.id == works.c.site_id)
            .where(works_seen(self._actor))
            .order_by(site.c.name, works.c.number)
        )

    def _told(self, rows: Sequence[Row[Any]]) -> list[Declaration]:
        scope = self._actor.scope(Action.WORKS_SEE)
        whole = scope.everything or bool(scope.sites)
        declares = set(
            self._connection.execute(
                select(party.c.works_number).where(
                    party.c.company_id == self._actor.company_id, party.c.above_id.is_(None)
                )
            ).scalars()
        )
        changeable = set(
            self._connection.execute(
                select(works.c.number).where(works_seen(self._actor, Action.WORKS_CHANGE))
            ).scalars()
        )
        return [
            Declaration(
                row.number,
                row.site_id,
                row.site_name,
                _day(row.from_day),
                _day(row.until_day),
                row.customer if whole or row.number in declares else None,
                place_of(row.place),
                regime_on(self._connection, row.number, self._today),
                tuple(regime_changes(self._connection, row.number)),
                row.number in changeable,
            )
            for row in rows
        ]

    def _changeable(self, number: str) -> Row[Any]:
        found = self._connection.execute(
            select(works).where(
                works.c.number == number, works_seen(self._actor, Action.WORKS_CHANGE)
            )
        ).first()
        if found is None:
            raise UsageError("HUB-1407", works=number[:13])
        return found

    def _check(self, draft: DeclarationDraft) -> None:
        if draft.from_day and draft.until_day and draft.until_day < draft.from_day:
            raise UsageError("HUB-1664")
        if len(draft.customer) > CUSTOMER_MAX:
            raise UsageError("HUB-1653", limit=CUSTOMER_MAX)
        here = select(
            exists().where(site.c.id == draft.site_id, sites_seen(self._actor, Action.WORKS_CHANGE))
        )
        if not self._connection.execute(here).scalar():
            raise UsageError("HUB-1661")

    def _note(self, action: Noted, number: str, site_id: int, **detail: Any) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"works:{number}",
            site_id=site_id,
            **detail,
        )
        Register(self._connection, self._vault).changed(self._now_ms)


def _values(draft: DeclarationDraft) -> dict[str, str | None]:
    place = None
    if draft.place is not None:
        told = {name: value for name, value in asdict(draft.place).items() if value is not None}
        place = json.dumps(told)
    return {
        "from_day": draft.from_day.isoformat() if draft.from_day else None,
        "until_day": draft.until_day.isoformat() if draft.until_day else None,
        "customer": " ".join(draft.customer.split()),
        "place": place,
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
