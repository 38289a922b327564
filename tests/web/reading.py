"""Reads pages as a browser and as a person would."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from hub.application.overview import AuthorityStatus, GateStatus
from hub.storage.overview import Overview
from hub.web.app import create_app
from hub.web.live import Changes
from tests.web import sample
from tests.web.actors import Everybody

VOID = frozenset({"meta", "link", "br", "img", "input", "hr", "col", "wbr"})


class Outline(HTMLParser):
    """The elements of a page, and whether they are nested as they should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [value for _, one in self.elements if (value := one.get(name)) is not None]


def client_of(
    engine: Engine,
    *,
    gates: Callable[[], list[GateStatus]] = sample.gates,
    authority: Callable[[], AuthorityStatus] = sample.authority,
    now_ms: int = sample.NOW,
    **more: Any,
) -> TestClient:
    overview, changes = Overview(engine), Changes()
    app = create_app(overview, gates, authority, changes, lambda: now_ms, Everybody(), **more)
    return TestClient(app, raise_server_exceptions=False)


def plain(html: str) -> str:
    """Returns what a reader sees: no tags, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace(" ,", ",")


def page(engine: Engine, language: str = "en", **more: Any) -> str:
    return client_of(engine, **more).get(f"/?lang={language}").text
