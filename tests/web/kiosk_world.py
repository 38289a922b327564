"""A whole hub with a kiosk at its gate: a device, a supervisor, and what becomes of each touch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from hub.domain.rights import Role
from hub.storage.engine import reading, writing
from hub.storage.projection import RegisterView, project_some
from hub.storage.schema import kiosk
from hub.web.kiosk_device import COOKIE
from simulator.eid.people import CITIZEN, Holder, identity_file
from tests.web.whole_hub import WholeHub, post, whole_hub

MILAN, BASILE = "85031299761", "03072199766"
PIOTR = "24999000000000187"
NOBODY = "90110599843"
PIN = "246810"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_REFERENCE = re.compile(r'name="reference" value="([^"]+)"')


class OneCard:
    """`IdentityReader` with this card in it."""

    def __init__(self) -> None:
        self.holder: Holder = CITIZEN

    def identity_file(self, wait_s: float) -> bytes:
        """Returns the file of the card."""
        assert wait_s > 0
        return identity_file(self.holder)


class Gate:
    """The device at the gate, and the hub behind it."""

    def __init__(self, hub: WholeHub, device: TestClient) -> None:
        self.hub = hub
        self.device = device

    def get(self, path: str = "/kiosk") -> Response:
        """What the screen shows."""
        return self.device.get(path)

    def touch(self, path: str, page: str = "/kiosk", **fields: str) -> Response:
        """Sends a form of a screen, with what is hidden in it; returns the screen that follows."""
        shown = self.get(page).text
        hidden = {"csrf": unescape(_CSRF.search(shown)[1])}  # pyright: ignore[reportOptionalSubscript]
        reference = _REFERENCE.search(shown)
        if reference is not None:
            hidden["reference"] = reference[1]
        answer = self.device.post(path, data=hidden | fields)
        assert answer.status_code == 303, answer.text
        assert "?" not in answer.headers["location"]
        return self.get(answer.headers["location"])

    def number(self, number: str, way: str = "in") -> Response:
        """Somebody types his number."""
        return self.touch("/kiosk/number", number=number, way=way)

    def next(self) -> Response:
        """The next person."""
        return self.touch("/kiosk/next")

    def rows(self, table: Any) -> list[Any]:
        """The rows of a table, by its key."""
        with reading(self.hub.engine) as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key)))

    def told(self) -> dict[str, Any]:
        """What the script of the screen is told."""
        return self.get("/kiosk/turn.json").json()


def projecting(hub_of: Callable[[], WholeHub]) -> Callable[[], None]:
    """What a running hub does after an act, done at once."""

    def acted() -> None:
        with writing(hub_of().engine) as connection:
            while project_some(connection, RegisterView())[0]:
                pass

    return acted


def set_up(hub: WholeHub, way: str = "both", gate: str = "", pin: str = PIN) -> Gate:
    """A supervisor makes a browser a kiosk of the first site."""
    login = f"sofie{len(hub.noted())}"
    hub.add(login, Role.SUPERVISOR)
    device = hub.logged_in(login)
    answer = post(
        device, "/kiosks", name="Loge", site="1", gate=gate, way=way, lock_minutes="5", pin=pin
    )
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/kiosk"
    return Gate(hub, device)


@contextmanager
def gate_world(folder: Path, way: str = "both", gate: str = "") -> Iterator[Gate]:
    """Opens a hub with a kiosk."""
    known: list[WholeHub] = []
    cards = OneCard()
    with whole_hub(folder, acted=projecting(lambda: known[0]), cards=cards) as hub:
        known.append(hub)
        yield set_up(hub, way, gate)


def cookie_of(gate: Gate) -> str:
    """The cookie of the device."""
    return next(one.value or "" for one in gate.device.cookies.jar if one.name == COOKIE)


def kiosk_id(gate: Gate) -> str:
    """The kiosk in the store."""
    return gate.rows(kiosk)[-1].id
