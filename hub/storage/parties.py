"""Who takes part in a works declaration, and how much of that whoever asks may know.

Site office and inspection see the whole chain of their sites. A contractor sees himself, everyone
below him and the one company he works for by name; of nobody else is there a trace: no row, no
count, no level, no amount, and the threshold meter only where he sees the whole chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.application.access import Actor
from hub.domain import chain
from hub.domain.audit import Noted
from hub.domain.chain import Link
from hub.domain.companies import parse_number
from hub.domain.rights import Action
from hub.domain.threshold import Contract, Meter, measure
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.companies import Companies, chains
from hub.storage.register import Register
from hub.storage.schema import company, party, works
from hub.storage.scope import works_seen
from hub.storage.secrets import Vault


class Stand(StrEnum):
    """Where a company stands for whoever looks."""

    ABOVE = "above"
    """For whom he works: its name, nothing else."""
    OWN = "own"
    OTHER = "other"
    """Below him, or anybody for who sees the whole chain."""


@dataclass(frozen=True, slots=True)
class PartyLine:
    """One company of a chain, as somebody may see it.

    Args:
        depth: how far it is set in, from 0.
        level: 0 for the declaring contractor; None for who does not see the whole chain.
        above: number of the company it works for; None where that is not shown.
        cents: what its contract is worth without VAT; None when not told, or not shown.
    """

    number: str
    name: str
    agency: bool
    stand: Stand
    depth: int
    level: int | None
    above: str | None
    cents: int | None
    from_day: date | None
    until_day: date | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain of a works declaration, as somebody may see it.

    Args:
        lines: in the order of a tree.
        whole: whether this is all of it.
        meter: the threshold; None when it is not all of it.
    """

    lines: tuple[PartyLine, ...]
    whole: bool
    meter: Meter | None


@dataclass(frozen=True, slots=True)
class PartyDraft:
    """What is said of a company's part in a works declaration.

    Args:
        number: of the company, which is in the register.
        above: number of the company it works for; None: it declares the works.
        cents: what its contract is worth without VAT; None: not told.
        from_day: first Brussels day of the contract; None: that of the works.
        until_day: last one; None: not known.
    """

    number: str
    above: str | None = None
    cents: int | None = None
    from_day: date | None = None
    until_day: date | None = None


class Parties:
    """The parties that somebody may see or change, inside one open transaction.

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

    def chain(self, works_number: str, today: date) -> Chain:
        """Returns the chain of a works declaration.

        Args:
            today: Brussels day of the meter.

        Raises:
            UsageError: HUB-1407, no such declaration in scope.
        """
        start = self._start(works_number, Action.WORKS_SEE)
        links = chains(self._connection, [works_number]).get(works_number, [])
        shown, whole = self._shown(links)
        rows = {
            row.company_id: row
            for row in self._connection.execute(
                select(party, company.c.number, company.c.name, company.c.agency)
                .join(company, company.c.id == party.c.company_id)
                .where(party.c.works_number == works_number)
            )
        }
        lines: list[PartyLine] = []
        for link, depth in chain.in_order([one for one in links if one.company in shown]):
            row = rows[link.company]
            stand = shown[link.company]
            told = stand is not Stand.ABOVE
            above = rows.get(link.above) if link.above is not None and told else None
            lines.append(
                PartyLine(
                    row.number,
                    row.name,
                    bool(row.agency) and told,
                    stand,
                    depth,
                    depth if whole else None,
                    above.number if above is not None else None,
                    row.amount_cents if told else None,
                    _day(row.from_day) if told else None,
                    _day(row.until_day) if told else None,
                )
            )
        meter = None
        if whole:
            contracts = [
                Contract(row.company_id, row.above_id, row.amount_cents, _day(row.from_day))
                for row in rows.values()
            ]
            meter = measure(contracts, start, today)
        return Chain(tuple(lines), whole, meter)

    def put(self, works_number: str, draft: PartyDraft, company_id: int | None = None) -> None:
        """Gives a company its place in a chain, or changes it.

        Args:
            company_id: the row of the company, as `Companies.add` returned it: one that is new in
                his scope is not found by its number yet.

        Raises:
            UsageError: HUB-1407 no such declaration in the scope of changing, HUB-1651 a company
                that is not known there, HUB-1656..HUB-1658 and HUB-1660 the place (see
                `hub.domain.chain`), HUB-1664 the days.
        """
        self._start(works_number, Action.WORKS_CHANGE)
        key = company_id or self._company(draft.number, works_number)
        above = None
        if draft.above is not None:
            above = self._takes_part(draft.above, works_number)
            if above is None:
                raise UsageError("HUB-1657")
        if draft.from_day and draft.until_day and draft.until_day < draft.from_day:
            raise UsageError("HUB-1664")
        links = chains(self._connection, [works_number]).get(works_number, [])
        agency = self._connection.execute(
            select(company.c.agency).where(company.c.id == key)
        ).scalar_one()
        chain.check_link(links, Link(key, above, bool(agency)))
        values = {
            "above_id": above,
            "amount_cents": draft.cents,
            "from_day": draft.from_day.isoformat() if draft.from_day else None,
            "until_day": draft.until_day.isoformat() if draft.until_day else None,
        }
        here = (party.c.works_number == works_number) & (party.c.company_id == key)
        known = self._connection.execute(select(party).where(here)).first()
        if known is None:
            self._connection.execute(
                insert(party).values(
                    works_number=works_number,
                    company_id=key,
                    added_ms=self._now_ms,
                    actor=self._actor.name,
                    **values,
                )
            )
            self._note(Noted.PARTY_ADDED, works_number, key, above=above)
            return
        changed = [name for name, value in values.items() if known._mapping[name] != value]
        if changed:
            self._connection.execute(update(party).where(here).values(**values))
            self._note(Noted.PARTY_CHANGED, works_number, key, changed=changed, above=above)

    def remove(self, works_number: str, number: str) -> None:
        """Takes a company out of a chain.

        Raises:
            UsageError: HUB-1407 no such declaration in the scope of changing, HUB-1667 it takes no
                part, HUB-1659 others stand below it.
        """
        self._start(works_number, Action.WORKS_CHANGE)
        key = self._takes_part(number, works_number)
        if key is None:
            raise UsageError("HUB-1667")
        links = chains(self._connection, [works_number])[works_number]
        if chain.below(links, key):
            raise UsageError("HUB-1659")
        self._connection.execute(
            delete(party).where(party.c.works_number == works_number, party.c.company_id == key)
        )
        self._note(Noted.PARTY_REMOVED, works_number, key)

    # ------------------------------------------------------------ how

    def _start(self, works_number: str, action: Action) -> date | None:
        row = self._connection.execute(
            select(works.c.from_day).where(
                works.c.number == works_number, works_seen(self._actor, action)
            )
        ).first()
        if row is None:
            raise UsageError("HUB-1407", works=works_number[:13])
        return _day(row.from_day)

    def _shown(self, links: list[Link]) -> tuple[dict[int, Stand], bool]:
        """Which companies whoever asks may see here, and whether these are all."""
        scope = self._actor.scope(Action.WORKS_SEE)
        if scope.everything or scope.sites:
            return {link.company: Stand.OTHER for link in links}, True
        mine = next((link for link in links if link.company == self._actor.company_id), None)
        if mine is None:
            return {}, False
        shown = dict.fromkeys(chain.below(links, mine.company), Stand.OTHER)
        shown[mine.company] = Stand.OWN
        if mine.above is not None:
            shown[mine.above] = Stand.ABOVE
        return shown, mine.above is None

    def _takes_part(self, number: str, works_number: str) -> int | None:
        return self._connection.execute(
            select(company.c.id)
            .join(party, party.c.company_id == company.c.id)
            .where(party.c.works_number == works_number, company.c.number == parse_number(number))
        ).scalar()

    def _company(self, number: str, works_number: str) -> int:
        """A company that takes part here, or one in scope."""
        here = self._takes_part(number, works_number)
        if here is not None:
            return here
        return Companies(self._connection, self._vault, self._actor, self._now_ms).id_of(number)

    def _note(self, action: Noted, works_number: str, key: int, **detail: Any) -> None:
        site_id = self._connection.execute(
            select(works.c.site_id).where(works.c.number == works_number)
        ).scalar()
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"works:{works_number}",
            company_id=key,
            site_id=site_id,
            **detail,
        )
        Register(self._connection, self._vault).changed(self._now_ms)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
