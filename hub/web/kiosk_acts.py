"""What is done at a kiosk, from a whole number or a chosen person to an act that is kept.

Everything that belongs together is one transaction: a person who is added and his act are both on
disk before the screen says *kept*, or neither is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from sqlalchemy import Connection

from hub.application.acts import DIRECTIONS, Case, Channel, Means, NewAct, keep
from hub.domain.identifiers import IdentifierError, Inss, Limosa, parse_inss, parse_limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import Kind
from hub.errors import UsageError
from hub.storage.acts import Acts, standing_of
from hub.storage.engine import reading
from hub.storage.kiosk_desk import KioskDesk, Somebody
from hub.storage.kiosks import Kiosk
from hub.web.kiosk_device import Told, Turn
from hub.web.office import Office

T = TypeVar("T")
REASONS: Final = ("ill", "absent", "extra", "other")
"""Why somebody takes another's place."""
SERVICES: Final = ("fire", "ambulance", "police", "other")
LIMOSA_DIGITS: Final = 17
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{16,48}", re.ASCII)
_NOT_DIGITS: Final = re.compile(r"[\s.\-/]")


def number_of(text: str, today_ms: int) -> Inss | Limosa:
    """Returns the number that was typed: INSS, BIS or Limosa, by its length.

    Raises:
        UsageError: HUB-1782, its check digits or its length are wrong; it never holds the number.
    """
    digits = _NOT_DIGITS.sub("", text)
    try:
        if len(digits) == LIMOSA_DIGITS:
            return parse_limosa(digits)
        return parse_inss(digits, brussels_day(today_ms))
    except IdentifierError:
        raise UsageError("HUB-1782") from None


@dataclass(frozen=True, slots=True)
class KioskActs:
    """Keeps what is done at kiosks.

    Args:
        office: the store, the keys and the time.
        kept: called after each act that is on disk.
    """

    office: Office
    kept: Callable[[], None]

    def look(self, kiosk: Kiosk, ask: Callable[[KioskDesk], T]) -> T:
        """Returns what is asked of the register, reading."""
        with reading(self.office.engine) as connection:
            return ask(self._desk(connection, kiosk))

    def enter(
        self,
        kiosk: Kiosk,
        turn: Turn,
        who: Somebody,
        means: Means,
        way: str,
        reference: str = "",
        case: Case = Case.USUAL,
        reason: str = "",
        replaces: int | None = None,
    ) -> None:
        """Keeps the act of somebody who is known, and lets the turn say so.

        Args:
            way: `in` or `out`; a kiosk of one way goes its way.
            reference: as the form brought it; one that is none is replaced by that of the turn.

        Raises:
            UsageError: HUB-1780, HUB-1781; nothing was kept.
        """
        one = self._act(kiosk, turn, who.person_id, means, way, reference)
        one = replace(one, case=case, reason=reason, replaces=replaces)
        self._keep(kiosk, turn, lambda _: [who], one)

    def newcomer(self, kiosk: Kiosk, turn: Turn, form: Mapping[str, str], language: str) -> None:
        """Adds somebody whom the register does not know, and keeps his act.

        Raises:
            UsageError: HUB-1620, HUB-1791 what he typed; HUB-1780 there is no number any more.
        """
        number = turn.number
        if number is None:
            raise UsageError("HUB-1780")

        def people(desk: KioskDesk) -> list[Somebody]:
            # Somebody was quicker, or it was sent twice: he is known now.
            return desk.by_number(number)[:1] or [
                desk.add_newcomer(
                    form.get("given_name", ""),
                    form.get("family_name", ""),
                    number,
                    form.get("company", ""),
                    form.get("company_said", ""),
                    language,
                )
            ]

        means = Means(turn.means)
        self._keep(kiosk, turn, people, self._act(kiosk, turn, 0, means, turn.way, ""))

    def guest(self, kiosk: Kiosk, turn: Turn, form: Mapping[str, str], language: str) -> None:
        """Adds a visitor or a delivery, and keeps that he came in.

        Raises:
            UsageError: HUB-1620, a name is missing or too long.
        """
        kind = Kind.DELIVERY if form.get("kind") == Kind.DELIVERY else Kind.VISITOR

        def people(desk: KioskDesk) -> list[Somebody]:
            return [
                desk.add_guest(
                    form.get("given_name", ""),
                    form.get("family_name", ""),
                    kind,
                    form.get("company_said", ""),
                    form.get("host", ""),
                    form.get("purpose", ""),
                    language,
                )
            ]

        one = self._act(kiosk, turn, 0, Means.TOLD, "in", form.get("reference", ""))
        self._keep(kiosk, turn, people, replace(one, case=Case.VISIT, reason=str(kind)))

    def emergency(
        self, kiosk: Kiosk, turn: Turn, service: str, called: str, count: int, reference: str
    ) -> None:
        """Notes an emergency service that goes in; whatever was typed, it is noted.

        Args:
            service: one of `SERVICES`; anything else is `other`.
            called: what that service is called on a list.
        """
        word = service if service in SERVICES else "other"
        language = kiosk.languages[0]
        one = self._act(kiosk, turn, 0, Means.TOLD, "in", reference)
        one = replace(one, case=Case.EMERGENCY, reason=word)
        self._keep(kiosk, turn, lambda desk: desk.add_crew(called, count, language), one)

    # ------------------------------------------------------------ how

    def _act(
        self, kiosk: Kiosk, turn: Turn, person_id: int, means: Means, way: str, reference: str
    ) -> NewAct:
        # A guard says which way, and a guest comes and goes where he can.
        free = kiosk.way == "both" or means in (Means.TOLD, Means.NAME)
        direction = way if free else kiosk.way
        by = kiosk.opened_by if means is Means.NAME and kiosk.opened_by else kiosk.id
        good = _REFERENCE.fullmatch(reference) is not None
        return NewAct(
            reference=reference if good else turn.reference,
            at_ms=self.office.clock(),
            site_id=kiosk.site_id,
            direction=DIRECTIONS.get(direction, DIRECTIONS["in"]),
            person_id=person_id,
            channel=Channel.KIOSK,
            means=means,
            place=kiosk.place,
            by=by,
        )

    def _keep(
        self,
        kiosk: Kiosk,
        turn: Turn,
        people: Callable[[KioskDesk], list[Somebody]],
        act: NewAct,
    ) -> None:
        now_ms = self.office.clock()

        def write(connection: Connection) -> list[Somebody]:
            acts, desk = Acts(connection), self._desk(connection, kiosk)
            before = acts.find(act.reference)
            if before is not None and act.person_id == 0:
                # The answer was lost: nobody is added a second time.
                return desk.by_row(before.act.person_id)
            found = people(desk)
            for number, one in enumerate(found):
                name = act.reference if number == 0 else f"{act.reference}-{number}"
                keep(acts, replace(act, reference=name, person_id=one.person_id), now_ms)
            return found

        found = self.office.write(write)
        if act.person_id == 0:
            self.office.changed()
        self.kept()
        turn.page, turn.number, turn.errors, turn.found = "done", None, (), None
        turn.typed.clear()
        turn.replacing = None
        way = "in" if act.direction == DIRECTIONS["in"] else "out"
        turn.told = Told(act.reference, found[0], way, str(act.case), now_ms, len(found))

    def standing(self, told: Told) -> tuple[str, int | None]:
        """Returns the stage of what was noted, and the authority's number if there is one."""
        with reading(self.office.engine) as connection:
            found = standing_of(connection, told.reference)
        return ("kept", None) if found is None else (str(found.stage), found.number)

    def _desk(self, connection: Connection, kiosk: Kiosk) -> KioskDesk:
        return KioskDesk(connection, self.office.vault, kiosk, self.office.clock())
