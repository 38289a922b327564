"""Reading the audit: by page and by what is asked for, and whether it is whole.

A row tells of accounts, people and companies by the number of their row, which no address and no
output may hold: `Subjects` turns them into the handles that may be seen (a person's token, the
keyed index of an account) and into what they are called.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select, true

from hub.domain.legal_day import day_bounds_ms
from hub.storage.audit import ANCHOR, HEAD, PARTS, link
from hub.storage.chain import EMPTY, ChainReport, Head, Walk, plain, raw, raw_text, read_noted
from hub.storage.kiosk_tables import kiosk
from hub.storage.schema import account, audit, company, person, site
from hub.storage.secrets import Vault

PAGE: Final = 50
"""Rows of one page."""
_ROWS_AT_ONCE: Final = 500
_TEXTS: Final = ("actor", "action", "subject", "detail")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the audit; `detail` is what was noted beside, without person data."""

    number: int
    at_ms: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; all of it must hold, None asks for anything.

    Args:
        subject: `person:12` and the like.
        actor: `account:7` and the like.
        action: a word of `hub.domain.audit.Noted`.
        day: a Brussels day.
    """

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    day: date | None = None


def read_page(connection: Connection, wanted: Wanted, page: int) -> tuple[list[AuditRow], int]:
    """Returns the rows of a page, newest first, and how many there are on all pages.

    Args:
        page: from 1 on; beyond the last there are none.
    """
    condition = _condition(wanted)
    total = connection.execute(select(func.count()).select_from(audit).where(condition)).scalar()
    query = (
        select(
            audit.c.id,
            audit.c.at_ms,
            audit.c.actor,
            audit.c.action,
            audit.c.subject,
            audit.c.detail,
        )
        .where(condition)
        .order_by(audit.c.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    rows = [AuditRow(*row[:5], _detail(row.detail)) for row in connection.execute(query)]
    return rows, total or 0


def actors(connection: Connection) -> list[str]:
    """Returns everybody who is in the audit as an actor, sorted."""
    return list(
        connection.execute(select(audit.c.actor).distinct().order_by(audit.c.actor)).scalars()
    )


def _condition(wanted: Wanted) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    for column, value in (
        (audit.c.subject, wanted.subject),
        (audit.c.actor, wanted.actor),
        (audit.c.action, wanted.action),
    ):
        if value is not None:
            condition &= column == value
    if wanted.day is not None:
        begin, end = day_bounds_ms(wanted.day)
        condition &= audit.c.at_ms.between(begin, end - 1)
    return condition


def _detail(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


# ---------------------------------------------------------------- whom it is about


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what a row tells of, fit to be seen.

    Args:
        kind: `person`, `account`, `company`, `works`, `site`, `badge`, `command` ...
        handle: what may stand in an address and in an output; empty when there is only the kind.
        name: what it is called; empty when that is not known any more.
    """

    kind: str
    handle: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.handle}" if self.handle else self.kind


_KIOSK: Final = "kiosk-"
"""A kiosk is written by its identity, which nobody can count: `kiosk-1f2e3d4c`."""
_ROWS: Final[Mapping[str, Any]] = {
    "person": person,
    "account": account,
    "company": company,
    "site": site,
}


@dataclass(slots=True)
class Subjects:
    """Finds out whom rows tell of.

    Args:
        connection: to look in.
        vault: makes the handles.
    """

    connection: Connection
    vault: Vault
    _known: dict[str, Subject] = field(default_factory=dict)

    def learn(self, written: Iterable[str]) -> None:
        """Looks up many at once, for `of`."""
        wanted: dict[str, set[int]] = {}
        unknown = set(written) - self._known.keys()
        self._learn_kiosks([one for one in unknown if one.startswith(_KIOSK)])
        for one in unknown:
            kind, _, rest = one.partition(":")
            if kind in _ROWS and rest.isascii() and rest.isdigit():
                wanted.setdefault(kind, set()).add(int(rest))
        for kind, rows in wanted.items():
            for row in self.connection.execute(self._query(kind).where(_ROWS[kind].c.id.in_(rows))):
                self._known[f"{kind}:{row.id}"] = self._named(kind, row)

    def _learn_kiosks(self, keys: list[str]) -> None:
        if keys:
            query = select(kiosk.c.id, kiosk.c.name).where(kiosk.c.id.in_(keys))
            names = {row.id: row.name for row in self.connection.execute(query)}
            self._known |= {key: Subject("kiosk", key, names.get(key, "")) for key in keys}

    def of(self, written: str) -> Subject:
        """Returns whom `person:12` stands for; one whose row is gone has a handle and no name."""
        if written not in self._known:
            self.learn([written])
        if written not in self._known:
            kind, _, rest = written.partition(":")
            if rest.isascii() and rest.isdigit() or kind == "badge":
                rest = self._handle(kind, rest)
            self._known[written] = Subject(kind, rest)
        return self._known[written]

    def written(self, seen: str) -> str | None:
        """Returns what the audit has for `person:TOKEN` and the like; None: nobody is known so."""
        kind, _, handle = seen.partition(":")
        if kind == "person":
            row = self.connection.execute(
                select(person.c.id).where(person.c.token == handle)
            ).scalar()
            return None if row is None else f"person:{row}"
        if kind == "company":
            row = self.connection.execute(
                select(company.c.id).where(company.c.number == handle)
            ).scalar()
            return None if row is None else f"company:{row}"
        if kind == "kiosk":
            return handle
        if kind in _ROWS:
            for row in self.connection.execute(self._query(kind)):
                if self._named(kind, row).handle == handle:
                    return f"{kind}:{row.id}"
            return None
        return seen

    def _query(self, kind: str) -> Any:
        columns: dict[str, tuple[Any, ...]] = {
            "person": (person.c.id, person.c.token, person.c.given_name, person.c.family_name),
            "account": (account.c.id, account.c.name),
            "company": (company.c.id, company.c.number, company.c.name),
            "site": (site.c.id, site.c.name),
        }
        return select(*columns[kind])

    def _named(self, kind: str, row: Any) -> Subject:
        if kind == "person":
            return Subject(kind, row.token, f"{row.given_name} {row.family_name}".strip())
        if kind == "company":
            return Subject(kind, row.number, row.name)
        return Subject(kind, self._handle(kind, str(row.id)), row.name)

    def _handle(self, kind: str, rest: str) -> str:
        return self.vault.index(kind, rest).hex()[:16]


# ---------------------------------------------------------------- whether it is whole


def verify_audit(connection: Connection, vault: Vault, noted: Head | None = None) -> ChainReport:
    """Looks at every row once, a few at a time in memory; changes nothing.

    Args:
        noted: an end of this chain that was noted elsewhere at an earlier time; None: none.
    """
    walk = Walk(read_noted(connection, vault, ANCHOR) or EMPTY, noted)
    for row in _rows(connection):
        values = {name: getattr(row, name) for name in PARTS}
        walk.step(row.id, row.previous, row.digest, link(plain(row.previous), values))
    return walk.end(read_noted(connection, vault, HEAD))


def _rows(connection: Connection) -> Iterator[Any]:
    columns = [
        (raw_text if name in _TEXTS else raw)(audit.c[name]).label(name)
        for name in (*PARTS, "previous", "digest")
    ]
    query = select(audit.c.id, *columns).order_by(audit.c.id)
    yield from connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
