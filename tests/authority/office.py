"""A visitor of the channel pages: opens addresses, sends forms as a browser does."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

from starlette.testclient import TestClient

from tests.authority.rig import Rig

_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


class Visitor:
    """One browser; `page` is what it shows, `trail` every address it asked for."""

    def __init__(self, rig: Rig | None, language: str = "en", client: Any = None) -> None:
        """Visits an application in this process, or what `client` (of httpx2) reaches."""
        if rig is not None:
            client = TestClient(rig.app, headers={"Accept-Language": language})
        self.client: Any = client
        self.page = ""
        self.status = 0
        self.headers: Any = {}
        self.trail: list[str] = []

    def get(self, path: str) -> str:
        """Opens an address."""
        return self._shown(self.client.get(path))

    def post(self, path: str, *fields: tuple[str, object], hidden: bool = True) -> str:
        """Sends the form of the page shown, its hidden fields included."""
        kept = [(name, unescape(value)) for name, value in _FIELD.findall(self.page)]
        # A page can hold several forms (log out); each has its token, and they are the same.
        own = [(n, v) for n, v in dict(kept).items()] if hidden else []
        body = urlencode([*own, *fields])
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._shown(self.client.post(path, content=body, headers=headers))

    def log_in(self, sender: str = "SIM-0001", wanted: str = "/desktop") -> str:
        """Chooses who to be."""
        self.get(f"/desktop/login?next={wanted}")
        return self.post("/desktop/login", ("sender", sender))

    def _shown(self, answer: Any) -> str:
        self.trail += [str(one.url) for one in (*answer.history, answer)]
        self.page, self.status, self.headers = answer.text, answer.status_code, answer.headers
        return self.page


def keys_of(page: str, shown: str) -> list[str]:
    """The keys of the people a page offers under the characters shown."""
    found = re.findall(r'name="who" value="(p\d+)"[^>]*> <span class="code">([^<]*)<', page)
    return [key for key, text in found if text == shown]


def numbers_on(page: str) -> list[int]:
    """The registration numbers a list links to, in order."""
    return [int(text) for text in re.findall(r'href="/desktop/registration/(\d+)"', page)]
