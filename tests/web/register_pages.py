"""The pages of the register over a real store, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.settings import Settings
from hub.storage.engine import writing
from hub.storage.overview import Overview
from hub.web.app import create_app
from hub.web.live import Changes
from hub.web.office import Office
from tests.hub.house import NOON_MS
from tests.hub.register_house import ADMINISTRATOR, RegisterHouse
from tests.web import sample
from tests.web.actors import CSRF, Everybody

T = TypeVar("T")


def office_of(register: RegisterHouse, folder: Path, settings: Settings | None = None) -> Office:
    """The office of a house."""

    def write(change: Callable[[Connection], T], /) -> T:
        with writing(register.house.engine) as connection:
            return change(connection)

    return Office(
        register.house.engine,
        write,
        register.house.vault,
        lambda: NOON_MS,
        lambda: None,
        settings or Settings(),
        folder,
    )


class Pages:
    """A browser without JavaScript; `actor` is who is logged in."""

    def __init__(self, routers: Sequence[APIRouter], register: RegisterHouse) -> None:
        self.access = Everybody(ADMINISTRATOR)
        app = create_app(
            Overview(register.house.engine),
            sample.gates,
            sample.authority,
            Changes(),
            lambda: NOON_MS,
            self.access,
            more=routers,
        )
        self.client = TestClient(app, follow_redirects=False)

    def as_(self, actor: Actor) -> Pages:
        """Logs somebody else in."""
        self.access.current = actor
        return self

    def status(self, path: str) -> int:
        """The status of a page."""
        return self.client.get(path, headers={"Accept-Language": "en"}).status_code

    def get(self, path: str, language: str = "en") -> str:
        """The text of a page that is there."""
        answer = self.client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.status_code
        return answer.text

    def post(self, path: str, csrf: str = CSRF, **fields: str) -> tuple[int, str]:
        """Sends a form; the status with where it leads, or with the page."""
        answer = self.client.post(
            path, data={"csrf": csrf, **fields}, headers={"Accept-Language": "en"}
        )
        return answer.status_code, answer.headers.get("Location", answer.text)
