"""A whole hub with workers' phones: who has a code, what his phone sends, what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from hub.application.ports import Registered
from hub.domain.rights import Role
from hub.storage.engine import reading
from hub.storage.outbox import Outbox
from hub.storage.phones import make_code
from hub.storage.schema import person, registration
from hub.storage.works import put_works, set_regime
from hub.storage.writer import Writer
from hub.web.frame import LANGUAGE_COOKIE
from hub.web.phone_device import COOKIE
from tests.web.kiosk_world import projecting
from tests.web.whole_hub import WholeHub, post, whole_hub

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MILAN, BASILE = 1, 2
WORKS = "1Y19FAKE001AZ"
NUMBER = 900_000_000_000_117
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_REFERENCE = re.compile(r'name="reference" value="([^"]+)"')


class Worker:
    """A worker's phone."""

    def __init__(self, hub: WholeHub, browser: TestClient, site: str) -> None:
        self.hub = hub
        self.browser = browser
        self.site = site
        self.made = 0

    @property
    def page(self) -> str:
        """Where his page is."""
        return f"/phone/{self.site}"

    @property
    def cookie(self) -> str:
        """What makes the phone his."""
        return next(one.value or "" for one in self.browser.cookies.jar if one.name == COOKIE)

    def text(self) -> str:
        """What the page says."""
        answer = self.browser.get(self.page)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def state(self) -> dict[str, Any]:
        """What the script is told."""
        return self.browser.get(f"{self.page}/state.json").json()

    def name(self) -> str:
        """A name for his next act, as the phone makes it."""
        self.made += 1
        phone = re.search(r'data-phone="(\w{8})"', self.text())
        assert phone
        return f"{phone[1]}-{self.made:016}"

    def send(self, reference: str = "", way: str = "in", **told: Any) -> Response:
        """Sends an act as the script does; without more, made now by a good clock."""
        now_ms = self.hub.now_ms
        body = {"reference": reference or self.name(), "way": way, "at": now_ms, "sent": now_ms}
        csrf = self.state().get("csrf", "")
        return self.browser.post(
            f"{self.page}/act.json", json=body | told, headers={"X-Csrf": csrf}
        )

    def press(self, way: str, **typed: str) -> Response:
        """Sends the form, as a browser without script does."""
        shown = self.browser.get(self.page).text
        fields = {"csrf": _CSRF.search(shown), "reference": _REFERENCE.search(shown)}
        hidden = {name: unescape(found[1]) for name, found in fields.items() if found}
        return self.browser.post(f"{self.page}/act", data=hidden | {"way": way} | typed)


def site_handle(hub: WholeHub, site_id: int = 1) -> str:
    """What stands for a site in addresses."""
    return hub.office.vault.index("site", str(site_id)).hex()[:16]


def code_for(hub: WholeHub, person_id: int = MILAN) -> str:
    """A code of somebody."""
    return hub.write(
        lambda connection: make_code(connection, hub.office.vault, person_id, "command", hub.now_ms)
    )


def speaking(hub: WholeHub, language: str = "en") -> TestClient:
    """A browser on which this language was chosen."""
    browser = hub.browser()
    browser.cookies.set(LANGUAGE_COOKIE, language)
    return browser


def worker(hub: WholeHub, person_id: int = MILAN, site_id: int = 1) -> Worker:
    """A phone that somebody made his with his code."""
    one = Worker(hub, speaking(hub), site_handle(hub, site_id))
    answer = post(one.browser, f"{one.page}/enter", one.page, code=code_for(hub, person_id))
    assert answer.status_code == 303, answer.text
    return one


def rows(hub: WholeHub, table: Any) -> list[Any]:
    """The rows of a table, by its key."""
    with reading(hub.engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def registrations(hub: WholeHub) -> list[tuple[Any, ...]]:
    """(state, day, moment) of each registration."""
    columns = (registration.c.state, registration.c.day, registration.c.tap_ms)
    with reading(hub.engine) as connection:
        found = connection.execute(select(*columns).order_by(registration.c.tap_ms))
        return [tuple(row) for row in found]


def registered(hub: WholeHub, number: int = NUMBER, regime: str = "day") -> None:
    """The authority answers with a number to what is due in this regime."""
    writer = Writer(hub.engine)
    writer.start()
    try:
        outbox = Outbox(writer, hub.office.vault, regime=regime)
        claims = outbox.claim(hub.now_ms, 10)
        said = ("2026-11-23T12:00:00+01:00", "SUCCESSFULLY REGISTERED", ())
        answers = [
            Registered(one.reference, number + place, *said) for place, one in enumerate(claims)
        ]
        outbox.answered(answers, hub.now_ms)
    finally:
        writer.stop()


def in_out(hub: WholeHub) -> None:
    """The works of the first site stand under the in/out regime."""

    def change(connection: Any) -> None:
        put_works(connection, WORKS, 1, place='{"longitude": 4.3517, "latitude": 50.8466}')
        set_regime(connection, WORKS, date(2026, 1, 1), "in_out")

    hub.write(change)


@contextmanager
def phone_world(folder: Path) -> Iterator[WholeHub]:
    """Opens a hub whose acts have their effect at once."""
    known: list[WholeHub] = []
    with whole_hub(folder, acted=projecting(lambda: known[0])) as hub:
        known.append(hub)
        yield hub


def token_of(hub: WholeHub, person_id: int = MILAN) -> str:
    """What stands for somebody in addresses."""
    with reading(hub.engine) as connection:
        query = select(person.c.token).where(person.c.id == person_id)
        return connection.execute(query).scalar_one()


def supervisor(hub: WholeHub) -> TestClient:
    """Who may change the first site and its people."""
    login = f"sofie{len(hub.noted())}"
    hub.add(login, Role.SUPERVISOR)
    return hub.logged_in(login)
