"""A house with people, gates and a desk, and a browser on the pages that link badges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, select

from hub.application.access import Actor
from hub.application.enrolment import Enrolment, SeenTap
from hub.application.overview import GateStatus
from hub.domain.rights import Role
from hub.errors import SitegateError
from hub.settings import DeskSettings, Settings
from hub.storage.engine import reading, writing
from hub.storage.register import Register
from hub.storage.schema import badge, company, person
from hub.web.access import install_access
from hub.web.office import Office
from hub.web.pages.enrol import enrol_pages
from protocol.record import (
    REASON_UNKNOWN_BADGE,
)
from tests.hub.derived import Site
from tests.hub.house import NOON_MS, people_house
from tests.web.actors import CSRF, Everybody

T = TypeVar("T")
CARD = bytes.fromhex("04A1B2C3")
OFFICE = Actor("account:1", Role.ADMINISTRATOR, "Ada", account_id=1, csrf=CSRF)
NOORD, TOITURES = "0999000129", "0999000228"
NEW_INSS = "90110599843"
WORKS = "1Y19FAKE001AZ"


def contractor(company: int, name: str = "Bob", number: int = 2) -> Actor:
    """Somebody of that company."""
    return Actor(
        f"account:{number}",
        Role.CONTRACTOR,
        name,
        company_id=company,
        account_id=number,
        csrf=CSRF,
    )


class World:
    """The pages on a house with three people, two gates and a desk."""

    def __init__(self, site: Site, desk: DeskSettings) -> None:
        self.site = site
        self.vault = site.house.house.vault
        self.now = NOON_MS
        self.changed = 0
        self.pins: SitegateError | None = None
        self._made = 0
        self.modes = Enrolment(lambda: self.now, self._handle)
        settings = Settings().model_copy(update={"desk": desk})
        office = Office(
            site.engine, self._write, self.vault, lambda: self.now, self._change, settings, Path()
        )
        app = FastAPI()
        self.access = Everybody(OFFICE)
        install_access(app, self.access)
        app.include_router(enrol_pages(office, self.modes, self._gates, lambda: self.pins))
        self.client = TestClient(app, follow_redirects=False)
        self.client.headers["Accept-Language"] = "en"

    def _handle(self) -> str:
        self._made += 1
        return f"handle{self._made}"

    def _change(self) -> None:
        self.changed += 1

    def _write(self, change: Callable[[Connection], T]) -> T:
        with writing(self.site.engine) as connection:
            return change(connection)

    def _gates(self) -> list[GateStatus]:
        return [
            GateStatus("gate-in", "In", "in", online=True),
            GateStatus("gate-out", "Out", "out", online=False),
        ]

    # ------------------------------------------------------------ a browser

    def as_(self, actor: Actor) -> World:
        """Looks with another's eyes from now on."""
        self.access.current = actor
        return self

    def get(self, path: str) -> Response:
        """Gets a page."""
        return self.client.get(path)

    def post(self, path: str, **form: str) -> Response:
        """Sends a form."""
        return self.client.post(path, data={"csrf": CSRF, **form})

    def open(self, place: str = "gate-in") -> str:
        """Waits at a place; returns the address of its page."""
        answer = self.post("/enrol/gate", place=place)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def tap(
        self, tag: bytes, reason: int = REASON_UNKNOWN_BADGE, terminal: str = "gate-in"
    ) -> None:
        """A badge is refused at a gate, or held at a desk."""
        owner = self.sql(select(badge.c.person_id).where(badge.c.tag == tag))
        desk = terminal.startswith("desk")
        seen = SeenTap(terminal, tag, bool(owner), reason, desk, self.now, self.now)
        self.modes.tapped([seen])

    def read(self, actor: Actor, tag: bytes) -> str:
        """A badge that was unknown when it was tapped; returns the address of its page."""
        self.as_(actor)
        path = self.open("desk-1")
        self.tap(tag, terminal="desk-1")
        return path

    def sql(self, query: Any) -> list[Any]:
        """Rows of the database."""
        with reading(self.site.engine) as connection:
            return [tuple(row) for row in connection.execute(query)]

    def owner(self, tag: bytes) -> str:
        """Family name of whose badge it is, empty for nobody's."""
        query = (
            select(person.c.family_name)
            .join(badge, badge.c.person_id == person.c.id)
            .where(badge.c.tag == tag)
        )
        found = self.sql(query)
        return found[0][0] if found else ""

    def company(self, number: str) -> int:
        """Row of a company."""
        return self.sql(select(company.c.id).where(company.c.number == number))[0][0]


def worlds(folder: Path, desk: DeskSettings) -> Iterator[World]:
    """Gives one world, and ends it."""
    with people_house(folder) as house:
        with writing(house.house.engine) as connection:
            register = Register(connection, house.house.vault)
            register.add_terminal("desk-1", "Bureau", "Werf Noord", "desk", NOON_MS)
        yield World(Site(house), desk)


def new_person(**more: str) -> dict[str, str]:
    """A form that is right."""
    return {
        "number": NEW_INSS,
        "given_name": "Nora",
        "family_name": "Verlinden",
        "kind": "employee",
        "company": NOORD,
        "works": WORKS,
        "language": "nl",
        **more,
    }


def heading(answer: Response) -> str:
    """The text of the page's first heading."""
    match = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert match is not None
    return match[1]
