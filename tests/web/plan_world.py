"""A site with a plan for the tests of its board."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from hub.application.access import Actor
from hub.storage.engine import reading, writing
from hub.storage.held_uploads import HeldUploads
from hub.storage.history import RegistrationEvent, steps
from hub.storage.schema import badge, person, plan_entry, registration, registration_event
from hub.web.pages.plan import plan_pages
from hub.web.pages.plan_import import plan_import_pages
from tests.hub.day_world import DayWorld, at, day_world
from tests.hub.register_house import LOWER, MAIN, NORTH, STRANGER, SUB
from tests.web.register_pages import Pages, office_of

MONDAY, TUESDAY = "2026-11-23", "2026-11-24"
NUMBERS = ("85031299761", "90110599843", "00010199875", "24999000000000187", "90231599722")


@dataclass
class PlanWorld:
    """The pages of a board, its people by family name, and the hour, which a test may move."""

    day: DayWorld
    pages: Pages
    people: dict[str, int]
    now: list[int]

    @property
    def site(self) -> str:
        """What stands for the site in addresses."""
        key = str(self.day.register.sites["Werf Noord"])
        return self.day.register.house.vault.index("site", key).hex()[:16]

    def query(self, day: str = TUESDAY) -> str:
        """The part of an address that asks for the site."""
        return f"site={self.site}&day={day}"

    def plan(self, *names: str, day: str = TUESDAY, **values: Any) -> None:
        """Writes entries of the plan, as if they had been there."""
        with writing(self.day.register.house.engine) as connection:
            for name in names:
                one = {
                    "person_id": self.people[name],
                    "works_number": NORTH,
                    "day": day,
                    "source": "file",
                    "planned_ms": at(f"{MONDAY} 05:00"),
                    "actor": "command",
                }
                connection.execute(insert(plan_entry).values(**one | values))  # fmt: skip

    def planned(self, day: str = TUESDAY) -> list[str]:
        """The family names of whoever stands in the plan of a day, doubles too."""
        query = select(plan_entry.c.person_id).where(
            plan_entry.c.day == day, plan_entry.c.withdrawn_ms.is_(None)
        )
        names = {key: name for name, key in self.people.items()}
        with reading(self.day.register.house.engine) as connection:
            return sorted(names[key] for key in connection.execute(query).scalars())

    def row(self, name: str) -> str:
        """What ticks somebody under the number of the site."""
        return f"{self.token(name)}/{NORTH}"

    def token(self, name: str) -> str:
        """The token of somebody."""
        query = select(person.c.token).where(person.c.id == self.people[name])
        with reading(self.day.register.house.engine) as connection:
            return connection.execute(query).scalar_one()

    def stamp(self, number: str = MAIN, day: str = TUESDAY) -> str:
        """The stamp in the form of a company."""
        found = re.search(r'name="stamp" value="(\w+)"', self.company(number, day))
        assert found is not None
        return found[1]

    def board(self, day: str = TUESDAY, language: str = "en") -> str:
        """The board as text."""
        return unescape(self.pages.get(f"/plan?{self.query(day)}", language))

    def company(self, number: str = MAIN, day: str = TUESDAY, language: str = "en") -> str:
        """The page of a company as text."""
        return unescape(self.pages.get(f"/plan/{number}?{self.query(day)}", language))

    def act(
        self, do: str, *names: str, number: str | None = None, day: str = TUESDAY, **more: Any
    ) -> tuple[int, str]:
        """Sends a form; its status with the counts in the address that follows, or the page."""
        path = "/plan" if number is None else f"/plan/{number}"
        if number is not None and "stamp" not in more and do in ("add", "withdraw"):
            more["stamp"] = self.stamp(number, day)
        rows = {"row": [self.row(one) for one in names]} if names else {}
        sent = {"do": do, "site": self.site, "day": day, **rows, **more}
        status, answer = self.pages.post(path, **sent)
        return status, answer.partition("told=")[2] if status == 303 else unescape(answer)

    def states(self, day: str = TUESDAY) -> dict[str, str]:
        """How the registration of each stands."""
        names = {key: name for name, key in self.people.items()}
        query = select(registration.c.person_id, registration.c.state).where(
            registration.c.day == day
        )
        with reading(self.day.register.house.engine) as connection:
            return {names[row.person_id]: row.state for row in connection.execute(query)}

    def answered(self, number: int, *names: str, state: str = "registered") -> None:
        """The authority answers for these, the first with that number."""
        with writing(self.day.register.house.engine) as connection:
            for place, name in enumerate(names):
                reference = connection.execute(
                    select(registration.c.reference).where(
                        registration.c.person_id == self.people[name],
                        registration.c.day == TUESDAY,
                    )
                ).scalar_one()
                given = number + place if state == "registered" else None
                steps(connection, [
                    RegistrationEvent(reference, self.now[0], "sending", "claimed"),
                    RegistrationEvent(reference, self.now[0], state,
                                      "answered" if given else "refused_by_authority", given),
                ])  # fmt: skip

    def actors_of_steps(self) -> set[str]:
        """Who made the registrations of the plan."""
        query = select(registration_event.c.actor).where(registration_event.c.cause == "planned")
        with reading(self.day.register.house.engine) as connection:
            return set(connection.execute(query).scalars())

    def badge(self, name: str, state: str, tag: bytes) -> None:
        """Gives somebody a badge."""
        with writing(self.day.register.house.engine) as connection:
            connection.execute(
                insert(badge).values(tag=tag, person_id=self.people[name], state=state, linked_ms=0)
            )

    def as_(self, actor: Actor) -> PlanWorld:
        """Logs somebody else in."""
        self.pages.as_(actor)
        return self


@contextmanager
def plan_world(folder: Path) -> Iterator[PlanWorld]:
    """Opens a site on Monday at 17:00: Aerts and Nijs of MAIN, Borms of SUB, Ceulemans of LOWER,
    Evrard and Fontaine (who has no number) of STRANGER, and the visitor Jacobs."""
    with day_world(folder) as day:
        people = {
            "Aerts": day.person("Aerts", MAIN, inss="85031299761"),
            "Borms": day.person("Borms", SUB, inss="90110599843"),
            "Ceulemans": day.person("Ceulemans", LOWER, limosa="24999000000000187"),
            "Evrard": day.person("Evrard", STRANGER, inss="00010199875"),
            "Fontaine": day.person("Fontaine", STRANGER),
            "Jacobs": day.person("Jacobs", "", "visitor"),
            "Nijs": day.person("Nijs", MAIN, inss="90231599722"),
        }
        now = [at(f"{MONDAY} 17:00")]
        office = replace(office_of(day.register, folder), clock=lambda: now[0])
        pages = Pages(
            [plan_import_pages(office, HeldUploads(folder, office.vault)), plan_pages(office)],
            day.register,
        )
        yield PlanWorld(day, pages, people, now)
