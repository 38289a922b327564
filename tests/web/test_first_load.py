"""What a first look at a page costs on the wire, with all that it loads, from this hub only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from hub.domain.rights import Role
from hub.storage.engine import writing
from hub.web.live import Changes
from tests.web.isolation import application, requests
from tests.web.reading import Outline, client_of
from tests.web.test_accessible import NO_PAGES
from tests.web.test_page import add_crowd
from tests.web.two_companies import World, two_companies

MOST = 150_000
"""Bytes: two seconds of a phone at the edge of a mobile network (0.6 Mbit/s)."""


def weight(answer: Response) -> int:
    """Bytes of an answer on the wire, its headers too."""
    return answer.num_bytes_downloaded + sum(len(k) + len(v) + 4 for k, v in answer.headers.raw)


def first_load(client: TestClient, path: str, files: dict[str, int] | None = None) -> int:
    """Bytes of a page and of every file that it loads; fails for one that is not of this hub.

    Args:
        client: asks for them.
        path: of the page.
        files: address -> bytes of those that are known.
    """
    known = {} if files is None else files
    page = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert page.status_code == 200, path
    loaded = {
        one.get("src") or one.get("href")
        for tag, one in Outline(page.text).elements
        if tag in ("script", "link", "img", "source", "iframe", "object", "embed")
        if one.get("src") or one.get("href")
    }
    total = weight(page)
    for address in sorted(filter(None, loaded)):
        if address.startswith("data:"):
            continue
        assert address.startswith("/"), f"{path} loads {address}"
        assert not address.startswith("//"), f"{path} loads {address}"
        if address not in known:
            answer = client.get(address, headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 200, address
            known[address] = weight(answer)
        total += known[address]
    return total


def test_a_board_is_light_that_names_as_many_people_as_one_may(morning: Engine) -> None:
    with writing(morning) as connection:
        add_crowd(connection, 270)  # beside the thirty that are there
    client = client_of(morning)
    page = client.get("/?lang=fr")
    assert page.text.count('class="person') >= 300
    assert first_load(client, "/?lang=fr") < MOST


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_companies(tmp_path_factory.mktemp("first-load"), True) as world:
        yield world


def test_every_page_is_light_and_loads_nothing_from_elsewhere(world: World) -> None:
    app, access = application(world, Changes())
    asked = requests(app, world, changing=False)
    paths = sorted({one.path for one in asked if one.flavour == "own" and "?" not in one.path})
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    weights: dict[str, int] = {}
    files: dict[str, int] = {}
    everybody = (replace(world.own, role=Role.ADMINISTRATOR, company_id=None), world.worker, None)
    for who in everybody:
        access.current = who
        for path in paths:
            if path in weights or any(part in path for part in NO_PAGES):
                continue
            answer = client.get(path)
            html = answer.headers.get("content-type", "").startswith("text/html")
            if answer.status_code == 200 and html:
                weights[path] = first_load(client, path, files)
    assert len(weights) > 40
    assert {path: one for path, one in weights.items() if one >= MOST} == {}


def test_what_repeats_what_was_typed_is_not_compressed(world: World) -> None:
    app, access = application(world, Changes())
    client = TestClient(app)
    access.current = replace(world.own, role=Role.ADMINISTRATOR, company_id=None)
    client.headers["Accept-Encoding"] = "gzip"
    for path, coded in (("/", "gzip"), ("/roll-call", "gzip"), ("/people", None), ("/audit", None)):
        assert client.get(path).headers.get("content-encoding") == coded, path
