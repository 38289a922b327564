"""Linking badges with the real firmware: at a gate over the broker, and at a desk on a cable."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from hub.application.gate_settings import gate_file, merged
from hub.main import Hub
from hub.settings import BrokerSettings, SerialSettings, Settings
from hub.storage.engine import reading, writing
from hub.storage.schema import badge, person, presence, tap
from hub.storage.terminals import Terminals
from hub.web.access import install_access
from hub.web.pages.enrol import enrol_pages
from simulator.cable import Cable
from simulator.gate import Gate, GateError
from tests.e2e.chain import until
from tests.hub.house import MILAN, NOON_MS, TestHouse, people_house
from tests.web.actors import CSRF, Everybody

pytestmark = [pytest.mark.processes, pytest.mark.micropython]
CARD = "04a1b2c3d4e5f6"
STRANGER = "a1b2c3d4"
NEW_PERSON = {
    "csrf": CSRF,
    "number": "90110599843",
    "given_name": "Nora",
    "family_name": "Verlinden",
    "kind": "employee",
    "company": "0999000129",
    "works": "1Y19FAKE001AZ",
    "language": "nl",
}


class Place:
    """A running hub, its pages, and one terminal with the real firmware."""

    def __init__(self, hub: Hub, house: TestHouse, gate: Gate) -> None:
        self.hub, self.house, self.gate = hub, house, gate
        app = FastAPI()
        install_access(app, Everybody())
        app.include_router(
            enrol_pages(hub.office, hub.enrolment, hub.watch.gates, hub.pins_trouble)
        )
        self._browser = TestClient(app, follow_redirects=False, headers={"Accept-Language": "en"})

    async def post(self, path: str, **form: str) -> Any:
        """Sends a form; returns the answer."""
        data = {"csrf": CSRF, **form}
        return await asyncio.to_thread(lambda: self._browser.post(path, data=data))

    async def get(self, path: str) -> str:
        """Returns a page."""
        return await asyncio.to_thread(lambda: self._browser.get(path).text)

    async def in_touch(self) -> None:
        """Waits until the terminal holds the roster and has sent everything."""

        async def look() -> list[tuple[bool | None, int | None, int | None]]:
            found = [g for g in self.hub.watch.gates() if g.terminal_id == self.gate.terminal_id]
            return [(g.online, g.unsent, g.roster_version) for g in found]

        await until(
            look, lambda seen: any(on and not kept and held for on, kept, held in seen), "contact"
        )

    async def state(self, path: str, wanted: str) -> None:
        """Waits until the page is in this state, as its script does."""

        async def look() -> str:
            return json.loads(await self.get(f"{path}/state.json"))["state"]

        await until(look, lambda state: state == wanted, wanted)

    async def present(self, uid: str, arm: str = "") -> None:
        """Holds a card to the reader, again and again, until it is answered.

        Args:
            uid: of the card.
            arm: where the arm has to be then; anywhere, if empty.
        """

        async def hold() -> bool:
            answered = self.answered()
            await self.gate.present(uid)
            try:
                await self.gate.wait_panel(
                    lambda panel: answered(panel) and arm in ("", panel["arm"]), 4
                )
            except GateError:
                return False
            finally:
                await self.gate.remove(uid)
            return True

        async def hold_between() -> bool:
            if await hold():
                return True
            # The same card counts again once another was there.
            answered = self.answered()
            await self.gate.present(STRANGER)
            await self.gate.wait_panel(answered, 10)
            await self.gate.remove(STRANGER)
            return False

        await until(hold_between, bool, "the panel")

    def answered(self) -> Callable[[dict[str, Any]], bool]:
        """What the panel shows when the terminal has answered the next card."""
        before = self.gate.panel["taps"]
        return lambda panel: panel["answered"] > before

    def owner(self, uid: str) -> str:
        """Family name of whose badge a card is."""
        tag = self.house.tag(bytes.fromhex(uid))
        query = (
            select(person.c.family_name)
            .join(badge, badge.c.person_id == person.c.id)
            .where(badge.c.tag == tag)
        )
        with reading(self.house.house.engine) as connection:
            return connection.execute(query).scalar() or ""

    def count(self, table: Any) -> int:
        """How many rows a table has."""
        with reading(self.house.house.engine) as connection:
            return len(connection.execute(select(table)).all())


@contextlib.asynccontextmanager
async def place(folder: Path, terminal: str, cable: Cable | None = None) -> AsyncIterator[Place]:
    """A hub with three people, and this terminal in contact."""
    pace = sys.getswitchinterval()
    ports = [] if cable is None else [str(cable.port)]
    settings = Settings(
        data=folder / "hub", broker=BrokerSettings(port=0), serial=SerialSettings(ports=ports)
    )
    with people_house(folder / "hub") as house, contextlib.ExitStack() as ending:
        vault = house.house.vault
        hub = Hub(settings)
        ending.callback(sys.setswitchinterval, pace)
        ending.callback(hub.stop)
        addresses = await asyncio.to_thread(hub.start)
        given = {
            "language": "nl",
            "wifi": [("werf", "")],
            "host": "127.0.0.1",
            "port": addresses.broker_port,
            "link": "wifi" if cable is None else "serial",
        }
        with writing(house.house.engine) as connection:
            register = Terminals(connection, vault)
            if terminal == "desk-1":
                register.add_terminal(terminal, "Bureau", "Werf Noord", "desk", NOON_MS)
            key = register.terminal(terminal)
        file = gate_file(
            key, "Werf Noord", merged({}, given), vault.badge_key, {"tls": False, "ca": ""}
        )
        gate = Gate(terminal, folder / terminal, file, "micropython", cable=cable)
        async with gate:
            here = Place(hub, house, gate)
            await here.in_touch()
            yield here


def test_an_unknown_badge_is_linked_at_a_gate_and_is_green_from_then_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with place(tmp_path, "gate-in") as here:
            page = (await here.post("/enrol/gate", place="gate-in")).headers["location"]
            assert "Hold the badge to In" in await here.get(page)
            await here.present(CARD)
            await here.state(page, "seen")
            shown = await here.get(page)
            assert "Badge read: whose is it?" in shown
            assert CARD not in shown.lower()
            answer = await here.post(f"{page}/link", **NEW_PERSON)
            assert answer.headers["location"] == page
            done = await here.get(page)
            assert "Nora Verlinden" in done
            # The tap that showed the badge was his.
            assert "of today count" in done
            assert here.owner(CARD) == "Verlinden"
            assert here.count(presence) == 1
            await here.present(CARD, arm="open")

    asyncio.run(play())


def test_a_desk_on_a_cable_shows_every_badge_and_nobody_is_present(tmp_path: Path) -> None:
    cable = Cable(tmp_path.resolve() / "usb-desk")

    async def play() -> None:
        async with place(tmp_path, "desk-1", cable) as here:
            for uid, wanted in ((CARD, "Badge read"), (MILAN.hex(), "Milan Aarts")):
                page = (await here.post("/enrol/gate", place="desk-1")).headers["location"]
                await here.present(uid)
                await here.state(page, "seen")
                assert wanted in await here.get(page)
                if uid == CARD:
                    await here.post(f"{page}/link", **NEW_PERSON)
                    assert "Nora Verlinden" in await here.get(page)
            assert here.owner(CARD) == "Verlinden"
            assert (here.count(tap), here.count(presence)) == (0, 0)

    asyncio.run(play())
