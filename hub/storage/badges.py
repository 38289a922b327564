"""Badges for whoever asks: linked, released, lost, found, blocked, with their history.

One badge is one person's at a time; a person may have several. Every change is kept twice in its
own transaction: in the history of the badge and in the audit. A badge is named by its tag; neither
tag nor card UID is ever shown.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from hub.application.access import Actor
from hub.application.people import BadgeChange, BadgeLine, Linked
from hub.domain.audit import Noted
from hub.domain.badges import ACTIVE, BLOCKED, LOST
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action, Role
from hub.errors import UsageError
from hub.storage import badge_history as history
from hub.storage.adoption import adopt
from hub.storage.audit import note as note_audit
from hub.storage.badge_history import append_badge_event
from hub.storage.register import Register
from hub.storage.schema import badge, badge_event, person, registration
from hub.storage.scope import people_within
from hub.storage.secrets import Vault

NOTE_MAX: Final = 200
_Row = Row[*tuple[Any, ...]]
LABEL: Final = 4
"""Signs of a badge's label: enough to tell a person's badges apart, nothing of its UID."""
_REISSUE: Final = (Role.ADMINISTRATOR, Role.SUPERVISOR)
_NOTED: Final = {
    history.LINKED: Noted.BADGE_LINKED,
    history.RELEASED: Noted.BADGE_RELEASED,
    history.LOST: Noted.BADGE_LOST,
    history.FOUND: Noted.BADGE_FOUND,
    history.BLOCKED: Noted.BADGE_BLOCKED,
    history.UNBLOCKED: Noted.BADGE_UNBLOCKED,
    history.DATED: Noted.BADGE_DATED,
}


def handle_of(vault: Vault, tag: bytes) -> str:
    """Returns what stands for a badge in addresses and in the audit: 32 hex digits."""
    return vault.index("badge", tag.hex()).hex()


def label_of(vault: Vault, tag: bytes) -> str:
    """Returns what a page calls a badge."""
    return handle_of(vault, tag)[:LABEL].upper()


class Badges:
    """The badges of one actor's scope, inside one open transaction.

    Args:
        connection: a write transaction for what changes something.
        vault: makes handles.
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

    def of_person(self, token: str) -> list[BadgeLine]:
        """Returns the badges that are a person's now, oldest link first.

        Raises:
            UsageError: HUB-1621, nobody of the scope has this token.
        """
        owner = self._person(token, Action.PEOPLE_SEE)
        query = select(badge).where(badge.c.person_id == owner.id).order_by(badge.c.linked_ms)
        return [self._line(row) for row in self._connection.execute(query)]

    def history(self, tag: bytes) -> list[BadgeChange]:
        """Returns what happened to a badge while it was somebody's of the scope, newest first."""
        within = select(person.c.id).where(people_within(self._actor.scope(Action.PEOPLE_SEE)))
        query = (
            select(badge_event)
            .where(badge_event.c.tag == tag, badge_event.c.person_id.in_(within))
            .order_by(badge_event.c.id.desc())
        )
        return [_change(row) for row in self._connection.execute(query)]

    def past_of_person(self, token: str) -> list[tuple[str, BadgeChange]]:
        """Returns (label of the badge, what happened to it) while it was a person's, newest first.

        Raises:
            UsageError: HUB-1621, nobody of the scope has this token.
        """
        owner = self._person(token, Action.PEOPLE_SEE)
        query = (
            select(badge_event)
            .where(badge_event.c.person_id == owner.id)
            .order_by(badge_event.c.id.desc())
        )
        return [
            (label_of(self._vault, row.tag), _change(row))
            for row in self._connection.execute(query)
        ]

    def by_handle(self, token: str, handle: str) -> bytes:
        """Returns the tag of a person's badge.

        Raises:
            UsageError: HUB-1621 or HUB-1640, there is no such badge of such a person.
        """
        for line in self.of_person(token):
            if line.handle == handle:
                return line.tag
        raise UsageError("HUB-1640")

    def with_handle(self, handle: str) -> bytes:
        """Returns the tag of the badge of the scope that this handle stands for.

        Raises:
            UsageError: HUB-1640, there is none.
        """
        within = people_within(self._actor.scope(Action.BADGES_CHANGE))
        query = select(badge.c.tag).join(person, person.c.id == badge.c.person_id).where(within)
        for tag in self._connection.execute(query).scalars():
            if handle_of(self._vault, tag) == handle:
                return tag
        raise UsageError("HUB-1640")

    # ------------------------------------------------------------ changing

    def link(
        self,
        tag: bytes,
        person_token: str,
        valid_from: date | None = None,
        valid_until: date | None = None,
    ) -> Linked:
        """Makes a badge this person's; the taps it made today, before, are taken for his.

        A badge of somebody else is his no more from that moment on. One of the same person gets the
        days that are given, and is found again if it was lost.

        Args:
            tag: the badge tag.
            valid_from, valid_until: first and last Brussels day on which it opens; None = no limit.

        Raises:
            UsageError: HUB-1621 no such person of the scope, HUB-1641 it is the badge of somebody
                whose badges the actor may not change, HUB-1642 its last day is before the first,
                HUB-1643 it is this person's and blocked.
        """
        owner = self._person(person_token, Action.BADGES_CHANGE)
        if valid_from is not None and valid_until is not None and valid_until < valid_from:
            raise UsageError("HUB-1642")
        days = {
            "valid_from": valid_from.isoformat() if valid_from else None,
            "valid_until": valid_until.isoformat() if valid_until else None,
        }
        row = self._row(tag)
        if row is not None and row.person_id == owner.id:
            return self._again(row, days)
        if row is not None:
            self._may_reissue(row)
            self._happened(history.RELEASED, tag, row.person_id, row.company_id)
            self._connection.execute(delete(badge).where(badge.c.tag == tag))
        self._connection.execute(
            insert(badge).values(
                tag=tag, person_id=owner.id, state=ACTIVE, linked_ms=self._now_ms, **days
            )
        )
        self._happened(history.LINKED, tag, owner.id, owner.company_id)
        self._changed()
        before = self._registrations(owner.id)
        adopted = adopt(self._connection, tag, owner.id, self._now_ms, self._window_ms)
        registered = self._registrations(owner.id) - before
        return Linked(row is not None, adopted, registered)

    def release(self, tag: bytes, note: str = "") -> None:
        """Makes a badge nobody's: gates refuse it as unknown.

        Raises:
            UsageError: HUB-1640, no such badge of the scope.
        """
        row = self._mine(tag)
        self._connection.execute(delete(badge).where(badge.c.tag == tag))
        self._happened(history.RELEASED, tag, row.person_id, row.company_id, note)
        self._changed()

    def lost(self, tag: bytes, note: str = "") -> None:
        """Says that a badge is lost: gates refuse it. See `_turn` for what it raises."""
        self._turn(tag, history.LOST, (ACTIVE,), LOST, note)

    def found(self, tag: bytes, note: str = "") -> None:
        """Says that a lost badge is found: it is good again."""
        self._turn(tag, history.FOUND, (LOST,), ACTIVE, note)

    def block(self, tag: bytes, note: str = "") -> None:
        """Blocks a badge: gates refuse it until it is unblocked."""
        self._turn(tag, history.BLOCKED, (ACTIVE, LOST), BLOCKED, note)

    def unblock(self, tag: bytes, note: str = "") -> None:
        """Makes a blocked badge good again."""
        self._turn(tag, history.UNBLOCKED, (BLOCKED,), ACTIVE, note)

    # ------------------------------------------------------------ how

    def _turn(self, tag: bytes, event: str, before: tuple[str, ...], after: str, note: str) -> None:
        """Takes a badge from one state to another.

        Raises:
            UsageError: HUB-1640 no such badge of the scope, HUB-1644 it is not in a state in which
                that can happen to it.
        """
        row = self._mine(tag)
        if row.state not in before:
            raise UsageError("HUB-1644", state=row.state)
        self._connection.execute(update(badge).where(badge.c.tag == tag).values(state=after))
        self._happened(event, tag, row.person_id, row.company_id, note)
        self._changed()

    def _again(self, row: _Row, days: dict[str, str | None]) -> Linked:
        if row.state == BLOCKED:
            raise UsageError("HUB-1643")
        changed: dict[str, Any] = {
            name: day for name, day in days.items() if day != row._mapping[name]
        }
        if changed:
            self._happened(history.DATED, row.tag, row.person_id, row.company_id)
        if row.state == LOST:
            changed["state"] = ACTIVE
            self._happened(history.FOUND, row.tag, row.person_id, row.company_id)
        if changed:
            query = update(badge).where(badge.c.tag == row.tag).values(**changed)
            self._connection.execute(query)
            self._changed()
        return Linked()

    def _may_reissue(self, row: _Row) -> None:
        if self._actor.role in _REISSUE or self._within(row.person_id):
            return
        raise UsageError("HUB-1641")

    def _person(self, token: str, action: Action) -> _Row:
        query = select(person.c.id, person.c.company_id).where(
            person.c.token == token,
            person.c.erased_ms.is_(None),
            people_within(self._actor.scope(action)),
        )
        row = self._connection.execute(query).first()
        if row is None:
            raise UsageError("HUB-1621")
        return row

    def _row(self, tag: bytes) -> _Row | None:
        query = (
            select(badge, person.c.company_id)
            .join(person, person.c.id == badge.c.person_id)
            .where(badge.c.tag == tag)
        )
        return self._connection.execute(query).first()

    def _mine(self, tag: bytes) -> _Row:
        row = self._row(tag)
        if row is None or not self._within(row.person_id):
            raise UsageError("HUB-1640")
        return row

    def _within(self, person_id: int) -> bool:
        query = select(person.c.id).where(
            person.c.id == person_id, people_within(self._actor.scope(Action.BADGES_CHANGE))
        )
        return self._connection.execute(query).first() is not None

    def _registrations(self, person_id: int) -> int:
        query = (
            select(func.count())
            .select_from(registration)
            .where(
                registration.c.person_id == person_id,
                registration.c.day == self._today.isoformat(),
            )
        )
        return self._connection.execute(query).scalar_one()

    def _happened(
        self, event: str, tag: bytes, person_id: int, company_id: int | None, note: str = ""
    ) -> None:
        why = " ".join(note.split())[:NOTE_MAX]
        append_badge_event(
            self._connection, tag, event, person_id, self._now_ms, self._actor.name, why
        )
        detail: dict[str, Any] = {"note": why} if why else {}
        note_audit(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            _NOTED[event],
            f"badge:{handle_of(self._vault, tag)[:16]}",
            company_id=company_id,
            person=f"person:{person_id}",
            **detail,
        )

    def _changed(self) -> None:
        Register(self._connection, self._vault).changed(self._now_ms)

    def _line(self, row: _Row) -> BadgeLine:
        valid_until = date.fromisoformat(row.valid_until) if row.valid_until else None
        return BadgeLine(
            tag=row.tag,
            handle=handle_of(self._vault, row.tag),
            label=label_of(self._vault, row.tag),
            state=row.state,
            valid_from=date.fromisoformat(row.valid_from) if row.valid_from else None,
            valid_until=valid_until,
            expired=valid_until is not None and valid_until < self._today,
            linked_ms=row.linked_ms,
        )


def _change(row: _Row) -> BadgeChange:
    return BadgeChange(row.at_ms, row.event, row.person_id, row.actor, row.note)
