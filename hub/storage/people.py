"""People in the register for whoever asks: found, shown with masks, added, changed, revealed.

Everything is narrowed to the actor's scope (`hub.storage.scope`): who lies outside of it is not
found, and is told apart from nobody by nothing.
"""

from __future__ import annotations

import os
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, and_, func, insert, select, update

from hub.application.access import Actor, Scope
from hub.application.people import (
    Changed,
    PeopleFilter,
    PersonDraft,
    PersonFile,
    PersonLine,
    check,
)
from hub.domain.audit import Noted
from hub.domain.identifiers import Inss, Limosa, mask_limosa, mask_person_number
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day
from hub.domain.people import (
    REASON_MAX,
    REASON_MIN,
    Kind,
    limosa_state,
    sought_as,
)
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.announced import settle
from hub.storage.audit import note
from hub.storage.people_list import lines
from hub.storage.register import SENT, Register
from hub.storage.schema import company, person, site, works
from hub.storage.scope import companies_within, people_within, works_seen
from hub.storage.secrets import Vault
from hub.storage.turning import becomes_worker, turn

Which = Literal["inss", "limosa"]
_USER: Final = company.alias("user_company")
_CHANGED: Final = (
    "family_name",
    "given_name",
    "kind",
    "company_id",
    "user_company_id",
    "works_number",
    "language",
    "limosa_from",
    "limosa_until",
    "foreign_vat",
)
"""Columns whose names the audit keeps when they change; a number says only that it did."""


class People:
    """The people of one actor's scope, inside one open transaction.

    Args:
        connection: a write transaction for what changes or reveals something.
        vault: seals, opens and finds numbers.
        actor: who asks.
        now_ms: UTC milliseconds.
        window_ms: milliseconds after an act in which the in/out service takes it.
    """

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        actor: Actor,
        now_ms: int,
        window_ms: int = WINDOW_MS,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._window_ms = window_ms
        self._today = brussels_day(now_ms)

    # ------------------------------------------------------------ looking

    def find(self, inss: Inss | None = None, limosa: Limosa | None = None) -> str | None:
        """Returns the token of a person of the scope with exactly this number; None: nobody."""
        conditions = self._has_number(inss, limosa)
        if not conditions:
            return None
        query = (
            select(person.c.token)
            .where(and_(*conditions), people_within(self._scope(Action.PEOPLE_SEE)))
            .order_by(person.c.id)
            .limit(1)
        )
        return self._connection.execute(query).scalar()

    def rows(self, wanted: PeopleFilter) -> tuple[list[PersonLine], int]:
        """Returns a page of the people of the scope, by name, and how many there are in all.

        Args:
            wanted: which of them; a number is found exactly, and only within the scope.
        """
        conditions = [people_within(self._scope(Action.PEOPLE_SEE)), person.c.erased_ms.is_(None)]
        conditions += self._has_number(wanted.inss, wanted.limosa)
        return lines(self._connection, self._vault, and_(*conditions), wanted, self._today)

    def row(self, token: str) -> PersonFile:
        """Returns one person, every number masked.

        Raises:
            UsageError: HUB-1621, nobody of the scope has this token.
        """
        row = self._row(token, Action.PEOPLE_SEE)
        limosa_from, limosa_until = _day(row.limosa_from), _day(row.limosa_until)
        return PersonFile(
            person_id=row.id,
            token=row.token,
            family_name=row.family_name,
            given_name=row.given_name,
            kind=Kind(row.kind),
            company_number=row.company_number or "",
            company_name=row.company_name or "",
            user_company_number=row.user_number or "",
            user_company_name=row.user_name or "",
            works_number=row.works_number,
            site=row.site_name,
            language=row.language,
            inss=mask_person_number(self._open("inss", row)) if row.inss_sealed else "",
            limosa=mask_limosa(self._open("limosa", row)) if row.limosa_sealed else "",
            limosa_from=limosa_from,
            limosa_until=limosa_until,
            limosa_state=limosa_state(
                row.limosa_sealed is not None, limosa_from, limosa_until, self._today
            ),
            foreign_vat=row.foreign_vat or "",
            added_ms=row.added_ms,
            may_change=self._within(row.id, Action.PEOPLE_CHANGE),
            may_reveal=self._within(row.id, Action.PEOPLE_REVEAL),
            may_badge=self._within(row.id, Action.BADGES_CHANGE),
        )

    def reveal(self, token: str, which: Which, reason: str) -> Inss | Limosa:
        """Returns a number in clear; who asked and why is in the audit before it is seen.

        Args:
            which: `inss` or `limosa`.
            reason: why, at least `REASON_MIN` characters; kept in the audit.

        Raises:
            UsageError: HUB-1621 not found, HUB-1632 no reason given, HUB-1633 no such number.
        """
        row = self._row(token, Action.PEOPLE_REVEAL)
        why = " ".join(reason.split())
        if not REASON_MIN <= len(why) <= REASON_MAX:
            raise UsageError("HUB-1632", least=REASON_MIN, most=REASON_MAX)
        if row._mapping[f"{which}_sealed"] is None:
            raise UsageError("HUB-1633")
        self._note(Noted.PERSON_REVEALED, row.id, row.company_id, which=which, reason=why)
        digits = self._open(which, row)
        return Inss(digits) if which == "inss" else Limosa(digits)

    # ------------------------------------------------------------ changing

    def add(self, draft: PersonDraft) -> str:
        """Adds a person and returns his token.

        Raises:
            UsageError: see `problems`; the first of them.
        """
        self._refuse(self.problems(draft))
        values = self._values(draft)
        token = os.urandom(16).hex()
        result = self._connection.execute(
            insert(person).values(
                token=token, added_ms=self._now_ms, changed_ms=self._now_ms, **values
            )
        )
        key = result.inserted_primary_key
        person_id = int(key[0]) if key else 0
        self._refuse_outside(person_id)
        self._note(Noted.PERSON_ADDED, person_id, values["company_id"], kind=str(draft.kind))
        Register(self._connection, self._vault).changed(self._now_ms)
        return token

    def change(self, token: str, draft: PersonDraft) -> Changed:
        """Makes a person as the draft says; a number that it leaves out stays as it is known.

        A visitor who turns out to work here is registered today, if that is still lawful. A worker
        who turns out to be none has what was not sent yet dropped; what the authority holds stays,
        and is to be withdrawn by somebody who knows that it was wrong.

        Raises:
            UsageError: HUB-1621 not found; else see `problems`, the first of them.
        """
        row = self._row(token, Action.PEOPLE_CHANGE)
        self._refuse(self.problems(draft, token))
        values = self._values(draft)
        for which in ("inss", "limosa"):
            if getattr(draft, f"drop_{which}") and getattr(draft, which) is None:
                values[f"{which}_sealed"] = values[f"{which}_index"] = None
        before = row._mapping
        if any(before[name] != values.get(name, before[name]) for name in SENT):
            values["changed_ms"] = self._now_ms
        self._connection.execute(update(person).where(person.c.id == row.id).values(**values))
        settle(self._connection, row.id, self._now_ms, self._actor.name)
        self._refuse_outside(row.id)
        details: dict[str, Any] = {
            "changed": [name for name in _CHANGED if before[name] != values.get(name, before[name])]
            + [w for w in ("inss", "limosa") if before[f"{w}_index"] != values.get(
                f"{w}_index", before[f"{w}_index"])]
        }  # fmt: skip
        if row.kind != draft.kind:
            details["kind"] = [row.kind, str(draft.kind)]
        if becomes_worker(row.kind, draft.kind):
            # The projection reads this word: before this day he was no worker here.
            details["became_worker"] = True
        self._note(Noted.PERSON_CHANGED, row.id, values["company_id"], **details)
        Register(self._connection, self._vault).changed(self._now_ms)
        return turn(
            self._connection,
            row.id,
            row.kind,
            draft.kind,
            self._now_ms,
            self._actor.name,
            self._window_ms,
        )

    def problems(self, draft: PersonDraft, token: str | None = None) -> list[UsageError]:
        """Returns everything that keeps a draft from being kept; empty when nothing does.

        Args:
            draft: the description.
            token: whom it changes; None: it adds somebody.

        Returns:
            Beside those of `hub.domain.people.problems_of`: HUB-1628 the employer has a person
            with this INSS already (an agency: for the same user), HUB-1629 with this Limosa
            number, HUB-1630 no such works, HUB-1631 no such company, HUB-1634 no such language.

        Raises:
            UsageError: HUB-1621, nobody of the scope has this token.
        """
        row = None if token is None else self._row(token, Action.PEOPLE_CHANGE)
        found = check(
            draft,
            self._today,
            known_inss=row is not None and row.inss_sealed is not None,
            known_limosa=row is not None and row.limosa_sealed is not None,
        )
        if draft.language not in ("fr", "nl", "de", "en"):
            found.append(UsageError("HUB-1634"))
        if self._works(draft.works_number) is None:
            found.append(UsageError("HUB-1630"))
        employer = self._employer(draft)
        if draft.company_number and employer is None:
            found.append(UsageError("HUB-1631", role="employer"))
        if draft.user_company_number and self._company(draft.user_company_number) is None:
            found.append(UsageError("HUB-1631", role="user"))
        found.extend(self._taken(draft, employer, None if row is None else row.id, row))
        return found

    def companies(self) -> list[tuple[str, str]]:
        """Returns (number, name) of the companies whose people the actor may add, by name."""
        scope = self._scope(Action.PEOPLE_CHANGE)
        return self._named(select(company).where(companies_within(scope)))

    def employers(self) -> list[tuple[str, str]]:
        """Returns (number, name) of the companies whose people the actor sees, by name."""
        scope = self._scope(Action.PEOPLE_SEE)
        return self._named(select(company).where(companies_within(scope)))

    def agencies(self) -> list[tuple[str, str]]:
        """Returns (number, name) of the agencies whose workers the actor may add, by name."""
        scope = self._scope(Action.COMPANIES_SEE)
        return self._named(select(company).where(companies_within(scope), company.c.agency == 1))

    def works(self) -> list[tuple[str, str]]:
        """Returns (number, site) of the works that the actor sees, by site and number."""
        query = (
            select(works.c.number, site.c.name)
            .join(site, site.c.id == works.c.site_id)
            .where(works_seen(self._actor))
            .order_by(site.c.name, works.c.number)
        )
        return [(row.number, row.name) for row in self._connection.execute(query)]

    # ------------------------------------------------------------ how

    def _scope(self, action: Action) -> Scope:
        return self._actor.scope(action)

    def _row(self, token: str, action: Action) -> Row[Any]:
        query = (
            select(
                person,
                company.c.number.label("company_number"),
                company.c.name.label("company_name"),
                _USER.c.number.label("user_number"),
                _USER.c.name.label("user_name"),
                site.c.name.label("site_name"),
            )
            .outerjoin(company, company.c.id == person.c.company_id)
            .outerjoin(_USER, _USER.c.id == person.c.user_company_id)
            .join(works, works.c.number == person.c.works_number)
            .join(site, site.c.id == works.c.site_id)
            .where(
                person.c.token == token,
                person.c.erased_ms.is_(None),
                people_within(self._scope(action)),
            )
        )
        row = self._connection.execute(query).first()
        if row is None:
            raise UsageError("HUB-1621")
        return row

    def _within(self, person_id: int, action: Action) -> bool:
        query = select(person.c.id).where(
            person.c.id == person_id, people_within(self._scope(action))
        )
        return self._connection.execute(query).first() is not None

    def _refuse_outside(self, person_id: int) -> None:
        """Nobody makes a person that he could not change again: it would be another's."""
        if not self._within(person_id, Action.PEOPLE_CHANGE):
            raise UsageError("HUB-1631", role="employer")

    def _refuse(self, problems: list[UsageError]) -> None:
        if problems:
            raise problems[0]

    def _has_number(self, inss: Inss | None, limosa: Limosa | None) -> list[Any]:
        found: list[Any] = []
        if inss is not None:
            found.append(person.c.inss_index == self._vault.index("inss", inss.reveal()))
        if limosa is not None:
            found.append(person.c.limosa_index == self._vault.index("limosa", limosa.reveal()))
        return found

    def _taken(
        self, draft: PersonDraft, employer: int | None, own_id: int | None, row: Row[Any] | None
    ) -> list[UsageError]:
        found: list[UsageError] = []
        for code, column, number, kept in (
            ("HUB-1628", person.c.inss_index, draft.inss, None if row is None else row.inss_index),
            (
                "HUB-1629",
                person.c.limosa_index,
                draft.limosa,
                None if row is None else row.limosa_index,
            ),
        ):
            if number is None:
                index = kept  # a change of employer takes the number that is known along
            else:
                index = self._vault.index(column.name.removesuffix("_index"), number.reveal())
            if index is None:
                continue
            query = select(person.c.id).where(
                column == index,
                func.coalesce(person.c.company_id, 0) == (employer or 0),
                func.coalesce(person.c.user_company_id, 0) == (self._user(draft) or 0),
            )
            if own_id is not None:
                query = query.where(person.c.id != own_id)
            if self._connection.execute(query).first() is not None:
                found.append(UsageError(code))
        return found

    def _values(self, draft: PersonDraft) -> dict[str, Any]:
        values: dict[str, Any] = {
            "family_name": draft.family_name.strip(),
            "given_name": draft.given_name.strip(),
            "sought_as": sought_as(draft.given_name, draft.family_name),
            "kind": str(draft.kind),
            "company_id": self._employer(draft),
            "user_company_id": self._user(draft),
            "works_number": self._works(draft.works_number),
            "language": draft.language,
            "limosa_from": draft.limosa_from.isoformat() if draft.limosa_from else None,
            "limosa_until": draft.limosa_until.isoformat() if draft.limosa_until else None,
            "foreign_vat": draft.foreign_vat or None,
        }
        for which, number in (("inss", draft.inss), ("limosa", draft.limosa)):
            if number is not None:
                values[f"{which}_index"] = self._vault.index(which, number.reveal())
                values[f"{which}_sealed"] = self._vault.seal(which, number.reveal().encode())
        return values

    def _employer(self, draft: PersonDraft) -> int | None:
        own = self._company(draft.company_number)
        if own is None and draft.kind is Kind.AGENCY and draft.company_number:
            # An agency stands below the company that uses its workers, who may name it.
            query = select(company.c.id).where(
                company.c.number == draft.company_number,
                company.c.agency == 1,
                companies_within(self._scope(Action.COMPANIES_SEE)),
            )
            return self._connection.execute(query).scalar()
        return own

    def _user(self, draft: PersonDraft) -> int | None:
        return self._company(draft.user_company_number) if draft.kind is Kind.AGENCY else None

    def _company(self, number: str | None) -> int | None:
        if not number:
            return None
        query = select(company.c.id).where(
            company.c.number == number, companies_within(self._scope(Action.PEOPLE_CHANGE))
        )
        return self._connection.execute(query).scalar()

    def _works(self, number: str) -> str | None:
        query = select(works.c.number).where(works.c.number == number, works_seen(self._actor))
        return self._connection.execute(query).scalar()

    def _named(self, query: Any) -> list[tuple[str, str]]:
        rows = self._connection.execute(query.order_by(company.c.name, company.c.number))
        return [(row.number, row.name) for row in rows]

    def _open(self, which: Which, row: Row[Any]) -> str:
        return self._vault.open(which, row._mapping[f"{which}_sealed"]).decode()

    def _note(self, action: Noted, person_id: int, company_id: int | None, **detail: Any) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"person:{person_id}",
            company_id=company_id,
            **detail,
        )


def described(file: PersonFile) -> PersonDraft:
    """Returns the draft that leaves a person as he is; `replace` what is to change in it."""
    return PersonDraft(
        family_name=file.family_name,
        given_name=file.given_name,
        kind=file.kind,
        company_number=file.company_number or None,
        user_company_number=file.user_company_number or None,
        works_number=file.works_number,
        language=file.language,
        limosa_from=file.limosa_from,
        limosa_until=file.limosa_until,
        foreign_vat=file.foreign_vat or None,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
