"""One registration for whoever asks: looked at with its history, and what he decides about it.

Everything is narrowed to the actor's scope (`hub.storage.scope`). What is decided is one step of
the life cycle, taken by `hub.storage.decisions` and its like, and a row of the audit beside it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from hub.application.access import Actor
from hub.application.people import Changed
from hub.application.registration_file import RegistrationFile, Step
from hub.domain.audit import Noted
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.people import Kind
from hub.domain.registration import CANCEL_REASONS, State
from hub.domain.rights import Action, Role
from hub.errors import UsageError
from hub.storage import decisions
from hub.storage.adoption import register_today
from hub.storage.attestations import attestation_of
from hub.storage.audit import note
from hub.storage.history import RegistrationEvent, read_events
from hub.storage.masks import mask_of
from hub.storage.overview import masked_answer, without_numbers
from hub.storage.people import People, described
from hub.storage.schema import account, company, person, presence, registration, site, works
from hub.storage.scope import people_within, presences_within, registrations_within, works_within
from hub.storage.secrets import Vault

NOTE_MAX: Final = 200
_NAMES_ACCOUNTS: Final = (Role.ADMINISTRATOR, Role.SUPERVISOR)
_BY: Final = {
    "projection": "tap",
    "plan": "plan",
    "authority": "authority",
    "command": "command",
}
"""Actors of steps that are no accounts; every other one is the hub itself."""


class RegistrationDesk:
    """The registrations of one actor's scope, inside one open transaction.

    Args:
        connection: a write transaction for what decides something.
        vault: opens numbers for their masks.
        actor: who asks.
        now_ms: UTC milliseconds.
        window_ms: milliseconds after an act in which the in/out service takes it.
        in_out_cancels: the in/out service is known to cancel (setting `in_out.can_cancel`).
    """

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        actor: Actor,
        now_ms: int,
        window_ms: int = WINDOW_MS,
        in_out_cancels: bool = False,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._window_ms = window_ms
        self._in_out_cancels = in_out_cancels

    # ------------------------------------------------------------ looking

    def file(self, reference: str) -> RegistrationFile:
        """Returns one registration, every number of a person masked.

        Raises:
            UsageError: HUB-1760, none of the scope has this reference.
        """
        row = self._row(reference, Action.REGISTRATIONS_SEE)
        state, today = State(row.state), brussels_day(self._now_ms)
        until_ms = self._until_ms(row)
        remarks, errors = masked_answer(row.answer)
        history = self._history(row.reference)
        numbered = [one.at_ms for one in history if one.number is not None]
        may_change = self._within(row, Action.REGISTRATIONS_CHANGE)
        waits = state is State.DUE and row.due_ms > self._now_ms
        return RegistrationFile(
            reference=row.reference,
            person=row.token if self._knows(row.person_id, Action.PEOPLE_SEE) else "",
            person_id=row.person_id,
            given_name=row.given_name,
            family_name=row.family_name,
            masked=mask_of(self._vault, row),
            company_id=row.company_id,
            company=row.company or "",
            company_number=row.company_number or "",
            works_number=row.works_number,
            works=self._works(row) if may_change and not row.works_number else (),
            site_id=row.site_id,
            site=row.site or "",
            day=date.fromisoformat(row.day),
            regime=row.regime,
            direction=row.direction,
            state=state,
            cause=row.cause,
            act_ms=row.tap_ms,
            planned=row.seq is None,
            number=row.number,
            numbered_ms=numbered[0] if numbered else None,
            until_ms=until_ms,
            waits_ms=row.due_ms if waits else None,
            over=until_ms <= self._now_ms,
            today=row.day == today.isoformat(),
            remarks=remarks,
            errors=errors,
            cancel_reason=row.cancel_reason,
            can_cancel=row.regime == "day" or self._in_out_cancels,
            history=history,
            attestation=(attestation_of(self._connection, row) if state is State.LAPSED else None),
            may_change=may_change,
            may_person=self._knows(row.person_id, Action.PEOPLE_CHANGE),
            may_reveal=self._knows(row.person_id, Action.PEOPLE_REVEAL),
        )

    # ------------------------------------------------------------ deciding

    def retry(self, reference: str) -> None:
        """Makes a refused registration due again, and one that waits due now.

        Raises:
            UsageError: HUB-1760 none of the scope, HUB-1404 neither refused nor due.
        """
        row = self._row(reference, Action.REGISTRATIONS_CHANGE)
        decisions.retry(self._connection, row.reference, self._now_ms, self._actor.name)
        self._note(Noted.REGISTRATION_RETRIED, row)

    def assign(self, reference: str, works_number: str) -> str:
        """Says under which works number a held presence falls; returns the new reference.

        Raises:
            UsageError: HUB-1760 none of the scope, HUB-1762 no such works of its site, HUB-1404 it
                does not wait for that.
        """
        row = self._row(reference, Action.REGISTRATIONS_CHANGE)
        if works_number not in self._works(row):
            raise UsageError("HUB-1762")
        made = decisions.choose(
            self._connection, row.reference, works_number, self._now_ms, self._actor.name
        )
        self._note(Noted.REGISTRATION_ASSIGNED, row, works=works_number, made=made)
        return made

    def drop(self, reference: str, why: str = "") -> None:
        """Gives up a registration of which nothing was ever stored.

        Raises:
            UsageError: HUB-1760 none of the scope, HUB-1404 it was sent or has ended.
        """
        row = self._row(reference, Action.REGISTRATIONS_CHANGE)
        told = _note_of(why)
        decisions.give_up(self._connection, row.reference, self._now_ms, self._actor.name, told)
        self._note(Noted.REGISTRATION_DROPPED, row, **({"note": told} if told else {}))

    def cancel(self, reference: str, reason: str) -> None:
        """Has a registration that has its number cancelled at the authority.

        Args:
            reason: one of `CANCEL_REASONS`.

        Raises:
            UsageError: HUB-1760 none of the scope, HUB-1763 no reason chosen, HUB-1404 it has no
                number or has ended, HUB-1406 its service does not cancel.
        """
        row = self._row(reference, Action.REGISTRATIONS_CHANGE)
        if reason not in CANCEL_REASONS:
            raise UsageError("HUB-1763")
        decisions.withdraw(
            self._connection,
            row.reference,
            reason,
            self._now_ms,
            self._actor.name,
            self._in_out_cancels,
        )
        self._note(Noted.REGISTRATION_CANCELLED, row, reason=reason)

    def attest(self, reference: str, why: str = "") -> None:
        """Notes that the correction of a lapsed registration was asked of the authority.

        Raises:
            UsageError: HUB-1760 none of the scope, HUB-1404 it has not lapsed.
        """
        row = self._row(reference, Action.REGISTRATIONS_CHANGE)
        told = _note_of(why)
        decisions.attest(self._connection, row.reference, self._now_ms, self._actor.name, told)
        self._note(Noted.REGISTRATION_ATTESTED, row, **({"note": told} if told else {}))

    def register(self, token: str) -> int:
        """Decides again, as of now, about the taps of today of somebody without a registration.

        Returns:
            How many registrations that made.

        Raises:
            UsageError: HUB-1760 nobody of the scope was here today, HUB-1761 his taps make none.
        """
        key, company_id, site_id = self._here_today(token)
        made = register_today(self._connection, key, self._now_ms, self._window_ms)
        if not made:
            raise UsageError("HUB-1761")
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            Noted.REGISTRATION_MADE,
            f"person:{key}",
            company_id=company_id,
            site_id=site_id,
            made=made,
        )
        return made

    def visitor(self, token: str) -> Changed:
        """Says that somebody visits or delivers here: what was not sent yet is not needed.

        What the authority holds stays, for somebody to withdraw.

        Raises:
            UsageError: HUB-1760 nobody of the scope, or what `People.change` raises.
        """
        people = People(self._connection, self._vault, self._actor, self._now_ms, self._window_ms)
        try:
            file = people.row(token)
        except UsageError:
            raise UsageError("HUB-1760") from None
        if not file.may_change:
            raise UsageError("HUB-1760")
        return people.change(token, replace(described(file), kind=Kind.VISITOR))

    # ------------------------------------------------------------ how

    def _row(self, reference: str, action: Action) -> Row[Any]:
        query = (
            select(
                registration,
                person.c.token,
                person.c.given_name,
                person.c.family_name,
                person.c.company_id,
                person.c.inss_sealed,
                person.c.limosa_sealed,
                company.c.name.label("company"),
                company.c.number.label("company_number"),
                site.c.name.label("site"),
            )
            .join(person, person.c.id == registration.c.person_id)
            .outerjoin(company, company.c.id == person.c.company_id)
            .outerjoin(site, site.c.id == registration.c.site_id)
            .where(
                registration.c.reference == reference.lower(),
                registrations_within(self._actor.scope(action)),
            )
        )
        row = self._connection.execute(query).first()
        if row is None:
            raise UsageError("HUB-1760")
        return row

    def _within(self, row: Row[Any], action: Action) -> bool:
        query = select(registration.c.reference).where(
            registration.c.reference == row.reference,
            registrations_within(self._actor.scope(action)),
        )
        return self._connection.execute(query).first() is not None

    def _knows(self, person_id: int, action: Action) -> bool:
        query = select(person.c.id).where(
            person.c.id == person_id,
            person.c.erased_ms.is_(None),
            people_within(self._actor.scope(action)),
        )
        return self._connection.execute(query).first() is not None

    def _works(self, row: Row[Any]) -> tuple[str, ...]:
        """Works of its site that run on its day."""
        query = (
            select(works.c.number)
            .where(
                works.c.site_id == row.site_id,
                works_within(self._actor.scope(Action.REGISTRATIONS_CHANGE)),
                func.coalesce(works.c.from_day, row.day) <= row.day,
                func.coalesce(works.c.until_day, row.day) >= row.day,
            )
            .order_by(works.c.number)
        )
        return tuple(self._connection.execute(query).scalars())

    def _until_ms(self, row: Row[Any]) -> int:
        if row.regime == "in_out":
            return row.tap_ms + self._window_ms
        return day_bounds_ms(date.fromisoformat(row.day))[1]

    def _history(self, reference: str) -> tuple[Step, ...]:
        events = list(read_events(self._connection, reference))
        keys = {_account(one.actor) for one in events} - {0}
        query = select(account.c.id, account.c.name, account.c.role).where(account.c.id.in_(keys))
        known: dict[int, tuple[str, str]] = (
            {row.id: (row.role, row.name) for row in self._connection.execute(query)}
            if keys
            else {}
        )
        return tuple(self._step(one, known) for one in events)

    def _step(self, event: RegistrationEvent, known: dict[int, tuple[str, str]]) -> Step:
        role, name = known.get(_account(event.actor), (_BY.get(event.actor, "hub"), ""))
        named = self._actor.role in _NAMES_ACCOUNTS
        return Step(
            event.at_ms,
            event.state,
            event.cause,
            event.number,
            role,
            name if named else "",
            event.reason,
            event.note,
        )

    def _here_today(self, token: str) -> tuple[int, int | None, int]:
        query = (
            select(person.c.id, person.c.company_id, presence.c.site_id)
            .join(presence, presence.c.person_id == person.c.id)
            .where(
                person.c.token == token,
                person.c.erased_ms.is_(None),
                presence.c.day == brussels_day(self._now_ms).isoformat(),
                presences_within(self._actor.scope(Action.REGISTRATIONS_CHANGE)),
            )
        )
        row = self._connection.execute(query).first()
        if row is None:
            raise UsageError("HUB-1760")
        return row.id, row.company_id, row.site_id

    def _note(self, action: Noted, row: Row[Any], **detail: Any) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"registration:{row.reference}",
            company_id=row.company_id,
            site_id=row.site_id,
            **detail,
        )


def _account(actor: str) -> int:
    """The number of the account that took a step; 0 for whoever is none."""
    kind, _, key = actor.partition(":")
    return int(key) if kind == "account" and key.isdigit() else 0


def _note_of(typed: str) -> str | None:
    """What is kept of a note: a few words, without anything that looks like a person number."""
    return without_numbers(" ".join(typed.split()))[:NOTE_MAX] or None
