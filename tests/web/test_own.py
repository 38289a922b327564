"""A worker's own page shows his registrations and nobody else's, by a link that can be ended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.i18n import LANGUAGES
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.links import look_at_link
from hub.storage.schema import audit, person, registration
from hub.storage.secrets import Vault, open_vault
from hub.web.access import install_access
from hub.web.office import Office
from hub.web.pages.own import own_pages
from tests.web.actors import ADMINISTRATOR, CSRF, Everybody
from tests.web.reading import plain
from tests.web.sample import NOW


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(tmp_path / "keys.json", create=True)


@pytest.fixture
def office(morning: Engine, vault: Vault, tmp_path: Path) -> Office:
    def write(change):  # pyright: ignore[reportMissingParameterType]
        with writing(morning) as connection:
            return change(connection)

    return Office(
        morning, write, vault, lambda: NOW, lambda: None, Settings(data=tmp_path), tmp_path
    )


def client(office: Office, actor: Actor) -> TestClient:
    app = FastAPI()
    install_access(app, Everybody(actor))
    app.include_router(own_pages(office))
    return TestClient(app, follow_redirects=False)


def worker(office: Office) -> tuple[Actor, list[int]]:
    """Somebody who has a number today, and his numbers."""
    with reading(office.engine) as connection:
        row = connection.execute(
            select(registration.c.person_id)
            .where(registration.c.state == "validated")
            .order_by(registration.c.reference)
            .limit(1)
        ).one()
        numbers = connection.execute(
            select(registration.c.number).where(
                registration.c.person_id == row.person_id, registration.c.number.is_not(None)
            )
        ).scalars()
        actor = Actor(
            "account:9", Role.WORKER, "W.", person_id=row.person_id, account_id=9, csrf=CSRF
        )
        return actor, list(numbers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_worker_sees_his_own_numbers_and_no_others(office: Office, language: str) -> None:
    actor, own = worker(office)
    text = plain(client(office, actor).get(f"/own?lang={language}").text)
    with reading(office.engine) as connection:
        numbers = set(
            connection.execute(
                select(registration.c.number).where(registration.c.number.is_not(None))
            ).scalars()
        )
    shown = {number for number in numbers if str(number) in text}
    assert shown == set(own)


def test_nobody_else_has_such_a_page(office: Office) -> None:
    assert client(office, ADMINISTRATOR).get("/own").status_code == 403


def token_of(office: Office, person_id: int | None) -> str:
    with reading(office.engine) as connection:
        query = select(person.c.token).where(person.c.id == person_id)
        return connection.execute(query).scalar_one()


def test_a_link_is_shown_once_and_a_new_one_ends_it(office: Office) -> None:
    actor, _ = worker(office)
    path = f"/people/{token_of(office, actor.person_id)}/own-link"
    desk = client(office, ADMINISTRATOR)
    assert "/link/" not in desk.get(path).text
    secrets = []
    for _ in range(2):
        html = desk.post(path, data={"csrf": CSRF}).text
        [secret] = set(re.findall(r"/link/([\w-]+)", html))
        assert "<svg" in html
        secrets.append(secret)
    with reading(office.engine) as connection:
        assert look_at_link(connection, secrets[1], NOW).person_id == actor.person_id
        with pytest.raises(UsageError, match="HUB-1602"):
            look_at_link(connection, secrets[0], NOW)
        noted = connection.execute(select(audit.c.action, audit.c.subject)).all()
    assert ("link.made", f"person:{actor.person_id}") in [tuple(row) for row in noted]
    assert desk.post(path, data={"csrf": CSRF, "end": "1"}).status_code == 303
    with reading(office.engine) as connection, pytest.raises(UsageError, match="HUB-1602"):
        look_at_link(connection, secrets[1], NOW)


def test_a_contractor_makes_links_for_his_own_people_only(office: Office) -> None:
    actor, _ = worker(office)
    stranger = Actor("account:4", Role.CONTRACTOR, company_id=10**6, account_id=4, csrf=CSRF)
    path = f"/people/{token_of(office, actor.person_id)}/own-link"
    desk = client(office, stranger)
    unknown = f"/people/{'0' * 32}/own-link"
    assert desk.get(path).status_code == desk.get(unknown).status_code == 404
    assert desk.get(path).content == desk.get(unknown).content
    assert desk.post(path, data={"csrf": CSRF}).status_code == 404
