"""The page of the audit: every word in four languages, filters, handles, and who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TypeVar

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select

from hub.domain.audit import Noted
from hub.domain.rights import Role
from hub.i18n import LANGUAGES, text
from hub.settings import Settings
from hub.storage.audit import note
from hub.storage.engine import writing
from hub.storage.kiosk_tables import kiosk
from hub.storage.kiosks import Kiosks, NewKiosk
from hub.storage.schema import company, works
from hub.web.access import install_access
from hub.web.office import Office
from hub.web.pages.audit import audit_pages
from tests.hub.house import NOON_MS, TestHouse, people_house
from tests.web.actors import ADMINISTRATOR, Everybody
from tests.web.reading import Outline, plain

T = TypeVar("T")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[TestHouse]:
    """A site whose audit holds one row of every word."""
    with people_house(tmp_path) as found:
        with writing(found.house.engine) as connection:
            for number, word in enumerate(Noted):
                note(
                    connection, found.house.vault, NOON_MS + number, "account:1", word,
                    f"person:{number % 3 + 1}", reason="<b>inspectie</b>",
                )  # fmt: skip
            note(connection, found.house.vault, NOON_MS, "command", Noted.WORKS_ADDED,
                 "works:1Y19FAKE001AZ")  # fmt: skip
        yield found


def client(here: TestHouse, role: Role = Role.ADMINISTRATOR) -> TestClient:
    """The page as somebody of this role sees it."""
    house = here.house

    def write(change: Callable[[Connection], T], /) -> T:
        with writing(house.engine) as connection:
            return change(connection)

    office = Office(
        house.engine, write, house.vault, lambda: NOON_MS, lambda: None, Settings(), house.folder
    )
    app = FastAPI()
    install_access(app, Everybody(replace(ADMINISTRATOR, role=role)))
    app.include_router(audit_pages(office))
    return TestClient(app)


def test_details_are_told_in_words_and_moments(here: TestHouse) -> None:
    with writing(here.house.engine) as connection:
        note(
            connection, here.house.vault, NOON_MS + 10_000, "command", Noted.LINK_MADE, "account:1",
            until_ms=NOON_MS, role="guard", everywhere_else=False,
        )  # fmt: skip
    shown = typed(unescape(client(here).get("/audit?lang=fr").text))
    assert str(NOON_MS) not in shown
    assert "valable jusqu'au</span> 2" in shown
    assert "Gardien" in shown
    assert "aussi ailleurs</span> non" in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_told_in_the_language_of_the_reader(here: TestHouse, language: str) -> None:
    browser = client(here)
    shown = "".join(
        unescape(browser.get(f"/audit?lang={language}&page={page}").text) for page in (1, 2)
    )
    shown = typed(shown)
    for word in Noted:
        assert typed(text(f"audit.did.{word}", language)) in shown
    Outline(browser.get(f"/audit?lang={language}").text)


def test_a_kiosk_is_called_by_its_name_and_not_by_its_identity(here: TestHouse) -> None:
    house = here.house
    with writing(house.engine) as connection:
        site_id = connection.execute(select(works.c.site_id)).scalar_one()
        Kiosks(connection, house.vault, ADMINISTRATOR, NOON_MS).add(
            NewKiosk("Loge", site_id, "", "both", 5)
        )
        key = connection.execute(select(kiosk.c.id)).scalar_one()
        note(connection, house.vault, NOON_MS, key, Noted.PERSON_ADDED, "person:1")
    browser = client(here)
    rows = plain(browser.get("/audit?lang=nl&action=person.added").text)
    assert "Kiosk Loge" in rows
    assert key not in rows
    # It can be chosen among those who did something, and only its rows are shown then.
    only = plain(browser.get(f"/audit?lang=nl&by=kiosk:{key}").text)
    assert "1 regel " in only


def test_rows_of_tables_are_told_as_names_or_as_how_many(here: TestHouse) -> None:
    with writing(here.house.engine) as connection:
        above, name = connection.execute(select(company.c.id, company.c.name)).first() or (0, "")
        note(connection, here.house.vault, NOON_MS + 10_000, "command", Noted.PARTY_ADDED,
             "works:1Y19FAKE001AZ", above=above)  # fmt: skip
        note(connection, here.house.vault, NOON_MS + 10_001, "command", Noted.PEOPLE_IMPORTED,
             "import:1", added=[31, 32, 33, 34])  # fmt: skip
    shown = unescape(client(here).get("/audit?lang=de").text)
    assert f"unter</span> {name}" in shown
    assert "hinzugefügt</span> 4" in shown
    assert "31, 32" not in shown


def test_how_somebody_logged_in_is_told_in_words(here: TestHouse) -> None:
    with writing(here.house.engine) as connection:
        for how in ("password", "link", "passkey", "oidc"):
            note(connection, here.house.vault, NOON_MS, "account:1", Noted.LOGIN, "account:1",
                 how=how)  # fmt: skip
    shown = plain(client(here).get("/audit?lang=nl&action=login").text)
    for word in ("wachtwoord", "toegangssleutel", "bedrijfsaccount"):
        assert word in shown
    assert "passkey" not in shown


def typed(text: str) -> str:
    """A text as a keyboard has it, without the signs of good typesetting."""
    return text.replace("’", "'").replace("\u00a0", " ").replace("\u202f", " ")


def test_what_was_written_is_never_markup(here: TestHouse) -> None:
    assert "<b>inspectie" not in client(here).get("/audit").text


def test_a_person_is_a_link_with_his_token_and_no_row_number(here: TestHouse) -> None:
    page = Outline(client(here).get("/audit?lang=en").text)
    links = [one for one in page.values("href") if one.startswith("/people/")]
    assert links
    assert all(len(one.removeprefix("/people/")) >= 16 for one in links)
    assert "/works/1Y19FAKE001AZ" in Outline(client(here).get("/audit").text).values("href")


def test_filters_narrow_the_list_and_are_kept_by_the_form(here: TestHouse) -> None:
    browser = client(here)
    only = plain(browser.get("/audit?lang=en&action=works.added&by=command").text)
    assert "1 row " in only
    page = browser.get("/audit?lang=en&action=works.added")
    assert '<option value="works.added" selected>' in page.text
    assert "No row matches." in browser.get("/audit?lang=en&day=2026-11-22").text
    assert "No row matches." in browser.get("/audit?lang=en&about=person:nobody").text
    token = next(
        one.removeprefix("/people/")
        for one in Outline(browser.get("/audit").text).values("href")
        if one.startswith("/people/")
    )
    about = plain(browser.get(f"/audit?lang=en&about=person:{token}").text)
    assert "Only:" in about
    # What is no filter is not asked for: the page is drawn all the same.
    assert browser.get("/audit?day=yesterday&action=x&page=-3").status_code == 200


def test_the_chain_is_looked_at_when_asked(here: TestHouse) -> None:
    browser = client(here)
    assert "is whole" not in browser.get("/audit?lang=en").text
    assert "is whole" in browser.get("/audit?lang=en&check=1").text


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_sees_it(here: TestHouse, role: Role) -> None:
    assert client(here, role).get("/audit").status_code == 403
