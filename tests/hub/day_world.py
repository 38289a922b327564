"""A day on a site with a chain: who taps there, and what is registered for him.

The chain is that of `tests.hub.register_house`. Taps are folded into presences by the rule of the
domain, as the projection does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from hub.application.access import Actor
from hub.application.site_day import DayPerson, SiteDay
from hub.domain.legal_day import brussels_day
from hub.domain.presence import Presence, PresenceTap, fold
from hub.storage.engine import reading, writing
from hub.storage.schema import (
    person,
    presence,
    registration,
    registration_event,
    stream,
    tap,
    terminal,
)
from hub.storage.site_day import site_days
from protocol.record import DIRECTION_IN, DIRECTION_OUT, QUALITY_HUB, REASON_NONE, VERDICT_GRANTED
from tests.hub.house import NOON_MS
from tests.hub.register_house import (
    ADMINISTRATOR,
    AGENCY,
    LOWER,
    MAIN,
    NORTH,
    STRANGER,
    SUB,
    RegisterHouse,
    register_house,
)

DAY = date(2026, 11, 23)
SITE = "Werf Noord"
GATE = "gate-1"


def at(moment: str, fold: int = 0) -> int:
    """UTC milliseconds of a Brussels time like `2026-11-23 07:04`; `fold` 1: the second such."""
    zone = ZoneInfo("Europe/Brussels")
    local = datetime.fromisoformat(moment).replace(tzinfo=zone, fold=fold)
    return int(local.timestamp()) * 1000


@dataclass
class DayWorld:
    """The register with a gate, and what happened there."""

    register: RegisterHouse
    seq: int = 0

    def person(
        self,
        family_name: str,
        employer: str = MAIN,
        kind: str = "employee",
        user: str = "",
        inss: str = "",
        limosa: str = "",
        given_name: str = "Jo",
    ) -> int:
        """Adds somebody who works at the site; returns his row."""
        vault = self.register.house.vault
        numbers: dict[str, Any] = {}
        for which, number in (("inss", inss), ("limosa", limosa)):
            if number:
                numbers[f"{which}_sealed"] = vault.seal(which, number.encode())
                numbers[f"{which}_index"] = vault.index(which, number)
        self.seq += 1
        with writing(self.register.house.engine) as connection:
            result = connection.execute(
                insert(person).values(
                    token=f"{self.seq:032x}", family_name=family_name, given_name=given_name,
                    company_id=self.register.ids[employer] if employer else None, kind=kind,
                    user_company_id=self.register.ids[user] if user else None,
                    works_number=NORTH, language="nl", **numbers,
                )
            )  # fmt: skip
            return result.inserted_primary_key[0]  # pyright: ignore

    def tap(self, who: int, moment: str, out: bool = False, second: int = 0) -> None:
        """Somebody taps; the presence of the Brussels day follows."""
        at_ms = at(moment, second)
        day = brussels_day(at_ms).isoformat()
        site_id = self.register.sites[SITE]
        direction = DIRECTION_OUT if out else DIRECTION_IN
        self.seq += 1
        key = (
            (presence.c.person_id == who)
            & (presence.c.site_id == site_id)
            & (presence.c.day == day)
        )
        with writing(self.register.house.engine) as connection:
            connection.execute(
                insert(tap).values(
                    stream_id=1, seq=self.seq, terminal_id=GATE, direction=direction,
                    verdict=VERDICT_GRANTED, reason=REASON_NONE, tag=b"12345678", person_id=who,
                    boot=1, ticks_ms=0, quality=QUALITY_HUB, at_ms=at_ms, received_ms=at_ms,
                )
            )  # fmt: skip
            row = connection.execute(select(presence).where(key)).first()
            before = None
            if row is not None:
                before = Presence(
                    row.first_in_ms, row.last_ms, bool(row.inside), row.taps, row.received_ms, GATE
                )
            now = fold(before, PresenceTap(at_ms, direction, at_ms, GATE))
            connection.execute(presence.delete().where(key))
            connection.execute(
                insert(presence).values(
                    person_id=who, site_id=site_id, day=day, first_in_ms=now.first_in_ms,
                    last_ms=now.last_ms, inside=int(now.inside), taps=now.taps,
                    received_ms=now.received_ms, terminal_id=GATE,
                )
            )  # fmt: skip

    def registered(
        self,
        who: int,
        moment: str,
        state: str = "registered",
        cause: str = "answered",
        number: int | None = None,
        **others: Any,
    ) -> str:
        """A registration of that act, which got its number a minute later; its reference."""
        at_ms = at(moment)
        self.seq += 1
        reference = f"{self.seq:024x}"
        values = {
            "site_id": self.register.sites[SITE], "works_number": NORTH,
            "day": brussels_day(at_ms).isoformat(), "due_ms": at_ms, "changed_ms": at_ms + 60_000,
        }  # fmt: skip
        with writing(self.register.house.engine) as connection:
            connection.execute(
                insert(registration).values(
                    reference=reference, person_id=who, state=state, cause=cause, number=number,
                    tap_ms=at_ms, **values | others,
                )
            )  # fmt: skip
            if number is not None:
                connection.execute(
                    insert(registration_event).values(
                        reference=reference, at_ms=at_ms + 60_000, state="registered",
                        cause="answered", number=number,
                    )
                )  # fmt: skip
        return reference

    def at_work(self, who: int, number: int, day: str = "2026-11-23") -> None:
        """Somebody comes at seven, is registered, and goes at four."""
        self.tap(who, f"{day} 07:00")
        self.registered(who, f"{day} 07:00", number=number)
        self.tap(who, f"{day} 16:00", out=True)

    def list(
        self, day: date = DAY, now: str = "2026-11-30 12:00", actor: Actor = ADMINISTRATOR
    ) -> SiteDay:
        """The list of the site, as somebody sees it at that moment."""
        handle = self.register.house.vault.index("site", str(self.register.sites[SITE])).hex()[:16]
        with reading(self.register.house.engine) as connection:
            (found,) = site_days(connection, self.register.house.vault, actor, day, at(now), handle)
        return found


@contextmanager
def day_world(folder: Path) -> Iterator[DayWorld]:
    """Opens the register with one gate."""
    with register_house(folder) as register:
        with writing(register.house.engine) as connection:
            connection.execute(
                insert(terminal).values(
                    id=GATE, site_id=register.sites[SITE], name="Gate", direction="buttons",
                    key_sealed=b"", added_ms=NOON_MS,
                )
            )  # fmt: skip
            connection.execute(
                insert(stream).values(
                    id=1, terminal_id=GATE, journal=b"journal1", first_seen_ms=NOON_MS
                )
            )
        yield DayWorld(register)


def whole_day(world: DayWorld) -> None:
    """Everything that a list may have to tell, once."""
    world.at_work(world.person("Aerts", MAIN, inss="85031299761"), 900_000_000_000_001)
    flagged = world.person("Borms", SUB, inss="90110599843")
    world.tap(flagged, "2026-11-23 06:58")
    world.registered(
        flagged, "2026-11-23 06:58", "flagged", "validation_remarks", 900_000_000_000_002,
        answer='{"remarks": ["RELATED DIMONA NOT OK"]}',
    )  # fmt: skip
    world.at_work(world.person("Ceulemans", LOWER, limosa="24999000000000187"), 900_000_000_000_003)
    lent = world.person("Dubois", AGENCY, "agency", user=SUB, inss="03072199766")
    world.at_work(lent, 900_000_000_000_004)
    refused = world.person("Evrard", STRANGER, inss="00010199875")
    world.tap(refused, "2026-11-23 07:30")
    world.registered(refused, "2026-11-23 07:30", "refused", "refused_by_authority")
    world.tap(world.person("Fontaine", STRANGER), "2026-11-23 07:31")
    held = world.person("Goossens", "")
    world.tap(held, "2026-11-23 07:40")
    world.registered(held, "2026-11-23 07:40", "held", "no_company")
    ill = world.person("Hermans", MAIN)
    world.registered(
        ill, "2026-11-23 00:30", "cancelled", "cancel_confirmed", 900_000_000_000_005,
        cancel_reason="DISEASE",
    )  # fmt: skip
    due = world.person("Ivens", MAIN)
    world.tap(due, "2026-11-23 08:00")
    world.registered(due, "2026-11-23 08:00", "due", "first_tap")
    for name, kind in (("Jacobs", "visitor"), ("Klaes", "delivery")):
        world.tap(world.person(name, "", kind), "2026-11-23 09:00")


def named(day: SiteDay, family_name: str) -> DayPerson:
    """The one person of that name on a list."""
    (found,) = [one for one in day.everybody if one.row.family_name == family_name]
    return found
