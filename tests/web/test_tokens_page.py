"""The page of tokens: shown once, one's own only, revoked at once, noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from hub.application.access import Actor
from hub.i18n import LANGUAGES
from hub.storage.engine import reading
from hub.storage.schema import audit
from hub.storage.tokens import find_program
from hub.web.access import install_access
from hub.web.pages.tokens import tokens_pages
from tests.web.actors import ADMINISTRATOR, CSRF, Everybody
from tests.web.two_companies import OTHER, OWN, World, two_companies


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with two_companies(tmp_path / "world", True) as world:
        yield world


def client_of(world: World, actor: Actor) -> TestClient:
    app = FastAPI()
    install_access(app, Everybody(actor))
    app.include_router(tokens_pages(world.office))
    return TestClient(app, follow_redirects=False, headers={"Accept-Language": "en"})


def make(client: TestClient, name: str, *scopes: str, **more: str) -> tuple[int, str]:
    """Status, and the token that was shown."""
    form = {"name": name, "scope": list(scopes), "csrf": CSRF, **more}
    answer = client.post("/tokens", data=form)
    found = re.search(r"sitegate_[\w-]{43}", answer.text)
    if found:
        assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, found[0] if found else answer.text


def test_a_contractor_makes_a_token_of_his_company(world: World) -> None:
    client = client_of(world, world.own)
    status, token = make(client, "payroll", "people", "plan", company=OTHER)
    assert status == 200
    with reading(world.engine) as connection:
        program = find_program(connection, token)
        noted = connection.execute(select(audit).order_by(audit.c.id.desc())).first()
    assert program is not None
    assert program.actor.company_id == world.own.company_id
    assert program.actor.name == f"token:{OWN}/payroll"
    assert noted is not None
    assert (noted.action, noted.actor) == ("token.added", world.own.name)
    assert noted.company_id == world.own.company_id
    page = client.get("/tokens").text
    assert token not in page
    assert "payroll" in page
    assert "zwartplanner" not in page


def test_what_is_wrong_is_explained_and_nothing_typed_is_lost(world: World) -> None:
    client = client_of(world, world.own)
    for name, scopes, code in (
        ("Büro", ["plan"], "HUB-1528"),
        ("payroll", [], "HUB-1529"),
        ("planner", ["plan"], "HUB-1520"),
    ):
        status, text = make(client, name, *scopes)
        assert (status, code in text, f'value="{name}"' in text) == (400, True, True)
        assert ("checked" in text) == bool(scopes)


def test_a_name_that_another_company_gave_is_free(world: World) -> None:
    assert make(client_of(world, world.own), "zwartplanner", "plan")[0] == 200


def test_a_revoked_token_is_worthless(world: World) -> None:
    client = client_of(world, world.own)
    handle = world.handles[OWN]["token"]
    answer = client.post(f"/tokens/{handle}/revoke", data={"csrf": CSRF})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tokens?said=revoked")
    assert client.post(f"/tokens/{handle}/revoke", data={"csrf": CSRF}).status_code == 404
    other = world.handles[OTHER]["token"]
    assert client.post(f"/tokens/{other}/revoke", data={"csrf": CSRF}).status_code == 404
    assert "revoked on" in client.get("/tokens?said=revoked").text


def test_the_office_makes_tokens_for_a_company_or_the_hub(world: World) -> None:
    client = client_of(world, ADMINISTRATOR)
    tokens = [make(client, "office", "plan", company=one)[1] for one in ("", "0999.000.228")]
    with reading(world.engine) as connection:
        programs = [find_program(connection, token) for token in tokens]
    assert [one and one.actor.company_id for one in programs] == [None, world.own.company_id]
    assert "HUB-1700" in make(client, "office", "plan", company="0999000624")[1]
    assert "zwartplanner" in client.get("/tokens").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_every_language(world: World, language: str) -> None:
    answer = client_of(world, world.own).get(f"/tokens?lang={language}")
    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
