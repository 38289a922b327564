"""Board and page of a registration over a morning that happens: a gate, taps, a real outbox.

Taps come in as batches and are projected, people are those of `tests.hub.house`, and what leaves is
what the outbox of a forwarder claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, TypeVar

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, select, update

from hub.application.access import Actor
from hub.application.enrolment import Enrolment
from hub.application.overview import PersonRow
from hub.authority.evidence import read_items
from hub.domain.rights import Role
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.history import RegistrationEvent, steps
from hub.storage.outbox import Outbox
from hub.storage.overview import Overview
from hub.storage.schema import audit, person, registration
from hub.web.app import create_app
from hub.web.later import Later
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.pages.enrol import enrol_pages
from hub.web.pages.enrol_tap import enrol_tap_pages
from hub.web.pages.own import own_pages
from hub.web.pages.people import every_people_page
from hub.web.pages.registration import registration_pages
from protocol.record import DIRECTION_IN, DIRECTION_OUT, REASON_NONE, VERDICT_GRANTED
from tests.hub.derived import Site
from tests.hub.house import BASILE, MILAN, NOON_MS, PIOTR, people_house, record
from tests.web import sample
from tests.web.actors import CSRF, Everybody

T = TypeVar("T")
DAY = "2026-11-23"
HOUR = 3_600_000
NUMBER = 900_000_000_000_117
SUPERVISOR = Actor(
    "account:7", Role.SUPERVISOR, "Sofie", sites=frozenset({1}), account_id=7, csrf=CSRF
)
INSPECTOR = replace(SUPERVISOR, name="account:8", role=Role.INSPECTOR, label="Inge")
ELSEWHERE = replace(SUPERVISOR, name="account:9", sites=frozenset({2}))
CARDS = {"Aarts": MILAN, "Gillard": BASILE, "Kowalik": PIOTR}


class Morning:
    """One site at noon, and a browser on its board."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.vault = site.house.house.vault
        self.now_ms = NOON_MS
        self.told = 0
        self.changes = Changes()
        self._seq = 0
        settings = Settings(data=folder)
        self.office = Office(
            site.engine, self.write, self.vault, lambda: self.now_ms, self._told, settings, folder
        )
        self.overview = Overview(site.engine, self.vault)
        self.access = Everybody(SUPERVISOR)
        handles = iter(f"handle{number}" for number in range(100))
        modes = Enrolment(lambda: self.now_ms, lambda: next(handles))
        self.app = create_app(
            self.overview,
            list,
            sample.authority,
            self.changes,
            lambda: self.now_ms,
            self.access,
            more=[
                Later("enrol", lambda: enrol_tap_pages(self.office, modes)),
                Later("enrol", lambda: enrol_pages(self.office, modes, list, lambda: None)),
                Later("registrations", lambda: registration_pages(self.office, read_items)),
                Later("own", lambda: own_pages(self.office)),
                Later("people", *every_people_page(self.office)),
            ],
        )
        self.client = TestClient(self.app, follow_redirects=False)

    def _told(self) -> None:
        self.told += 1
        self.changes.notify()

    # ------------------------------------------------------------ what happens

    def write(self, change: Callable[[Connection], T], /) -> T:
        """A transaction of its own."""
        with writing(self.site.engine) as connection:
            return change(connection)

    def call(self, function: Callable[[Connection], T]) -> Future[T]:
        """`Transactions` of the outbox: done at once."""
        done: Future[T] = Future()
        done.set_result(self.write(function))
        return done

    def tap(
        self,
        card: bytes,
        at_ms: int = NOON_MS - HOUR,
        *,
        out: bool = False,
        verdict: int = VERDICT_GRANTED,
        reason: int = REASON_NONE,
        received_ms: int | None = None,
    ) -> None:
        """A card is held up and the tap comes in."""
        self._seq += 1
        piece = record(
            self._seq, self.vault.tag(card), at_ms, verdict=verdict, reason=reason,
            direction=DIRECTION_OUT if out else DIRECTION_IN,
        )  # fmt: skip
        gate = "gate-out" if out else "gate-in"
        journal = b"journal2" if out else b"journal1"
        self.site.arrive(gate, received_ms or at_ms, piece, journal=journal)
        self.site.project()

    def know(self, family_name: str, **values: Any) -> None:
        """The register says something else of a person."""
        self.write(
            lambda connection: connection.execute(
                update(person).where(person.c.family_name == family_name).values(**values)
            )
        )

    def unnumbered(self, family_name: str) -> None:
        """No number is known of a person."""
        none = dict.fromkeys(("inss_sealed", "inss_index", "limosa_sealed", "limosa_index"))
        self.know(family_name, **none)

    def step(self, reference: str, *states: str, **more: Any) -> None:
        """A registration goes through these states, the last with these values."""
        events = [
            RegistrationEvent(reference, self.now_ms, state, _CAUSES[state]) for state in states
        ]
        events[-1] = replace(events[-1], **more)
        self.write(lambda connection: steps(connection, events))

    # ------------------------------------------------------------ what stands there

    def rows(self, family_name: str) -> list[Any]:
        """The registrations of a person, the newest step last."""
        query = (
            select(registration)
            .join(person, person.c.id == registration.c.person_id)
            .where(person.c.family_name == family_name)
            .order_by(registration.c.changed_ms, registration.c.state.desc())
        )
        with reading(self.site.engine) as connection:
            return list(connection.execute(query).all())

    def reference(self, family_name: str) -> str:
        """The one registration of a person that was not dropped or cancelled."""
        (row,) = [
            row for row in self.rows(family_name) if row.state not in ("dropped", "cancelled")
        ]
        return row.reference

    def token(self, family_name: str) -> str:
        """What stands for a person in addresses."""
        query = select(person.c.token).where(person.c.family_name == family_name)
        with reading(self.site.engine) as connection:
            return connection.execute(query).scalar_one()

    def red(self) -> list[str]:
        """The family names of who is not registered, as the board has them."""
        return [one.family_name for one in self.not_registered()]

    def not_registered(self) -> tuple[PersonRow, ...]:
        """Who is not registered on the board of the site."""
        return self.overview.board(1, DAY, self.now_ms).not_registered

    def leaving(self) -> list[str]:
        """The references that a forwarder would send now; it takes them."""
        return [one.reference for one in Outbox(self, self.vault).claim(self.now_ms, 200)]

    def withdrawing(self) -> list[tuple[int, str]]:
        """(number, reason) of what a forwarder would withdraw now."""
        claims = Outbox(self, self.vault).cancels(self.now_ms, 200)
        return [(one.number, one.reason) for one in claims]

    def noted(self) -> list[str]:
        """The words of the audit, oldest first."""
        with reading(self.site.engine) as connection:
            return list(connection.execute(select(audit.c.action).order_by(audit.c.id)).scalars())

    # ------------------------------------------------------------ a browser

    def as_(self, actor: Actor) -> Morning:
        """Somebody else is logged in."""
        self.access.current = actor
        return self

    def get(self, path: str, language: str = "en") -> Response:
        """A page."""
        return self.client.get(path, headers={"Accept-Language": language})

    def post(self, path: str, csrf: str = CSRF, **form: str) -> Response:
        """A form."""
        return self.client.post(
            path, data={"csrf": csrf, **form}, headers={"Accept-Language": "en"}
        )

    def offers(self, family_name: str, language: str = "en") -> list[tuple[str, str]]:
        """(address, what it says) of every act that the board offers for a person."""
        html = self.get("/?site=1", language).text
        html = html.partition('id="unregistered"')[2].partition('id="companies"')[0]
        (part,) = [one for one in html.split("<li>") if f"<strong>{family_name}<" in one]
        found = re.findall(
            r'<(?:a|button)[^>]*?(?:href|formaction)="([^"]+)"[^>]*>(.*?)</(?:a|button)>', part
        )
        plain = [(unescape(path), re.sub(r"<[^>]+>", "", told)) for path, told in found]
        return [(path, told.partition(":")[0]) for path, told in plain]

    def press(self, path: str, **form: str) -> Response:
        """Presses a button of the board; returns the board that it leads back to."""
        answer = self.post(path, site="1", **form)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith("/?site=1"), answer.headers["location"]
        return self.get(answer.headers["location"])


_CAUSES = {
    "due": "not_carried_out",
    "sending": "claimed",
    "refused": "refused_by_authority",
    "registered": "answered",
    "validated": "validation_passed",
    "flagged": "validation_remarks",
    "cancelling": "cancel_asked",
    "cancelled": "cancel_confirmed",
    "in_doubt": "answer_lost",
    "lapsed": "day_over",
}


@contextmanager
def morning_of(folder: Path) -> Iterator[Morning]:
    """Opens a site at noon; nobody has tapped."""
    with people_house(folder) as house:
        yield Morning(Site(house), folder)
