"""One person: everything handed out, or taken out, and what the law needs stays without him."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook
from sqlalchemy import Connection, insert, select

from hub.application.access import COMMAND, Actor
from hub.domain.audit import Noted
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.i18n import LANGUAGES, text
from hub.settings import Settings
from hub.storage.audit import note
from hub.storage.audit_reader import Wanted, read_page
from hub.storage.engine import reading, writing
from hub.storage.erase import erase_person
from hub.storage.export import export_person, workbook
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.storage.schema import (
    account,
    badge,
    badge_event,
    erasure,
    import_change,
    import_run,
    link,
    person,
    plan_entry,
    presence,
    registration,
    tap,
    web_session,
)
from hub.web.access import install_access
from hub.web.office import Office
from hub.web.pages.privacy import privacy_pages
from tests.hub.books import Books
from tests.hub.books import books as opened_books
from tests.hub.command_line import Sitegate, explained
from tests.hub.derived import Site
from tests.hub.house import MILAN, NOON_MS, TestHouse, people_house, record
from tests.hub.ledger import DAY
from tests.web.actors import ADMINISTRATOR, CSRF, Everybody
from tests.web.reading import Outline

T = TypeVar("T")
INSS = "85031299761"
NUMBER = 900_000_000_000_117
WHY = "request for access"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Books]:
    """A site where Milan was registered yesterday."""
    with opened_books(tmp_path / "house") as made:
        made.registration("a" * 24, "validated", 1, NUMBER, day=DAY - timedelta(days=1))
        yield made


def token_of(made: Books, person_id: int = 1) -> str:
    """The token of a person."""
    with reading(made.house.engine) as connection:
        query = select(person.c.token).where(person.c.id == person_id)
        return connection.execute(query).scalar_one()


def erase(made: Books, token: str, actor: Actor = COMMAND) -> None:
    """Erases a person."""
    with writing(made.house.engine) as connection:
        erase_person(connection, made.house.vault, actor, token, NOON_MS)


# ---------------------------------------------------------------- erasing


def test_names_numbers_and_badges_go_and_the_registration_stays(kept: Books) -> None:
    house = kept.house
    with writing(house.engine) as connection:
        connection.execute(
            insert(account).values(
                id=7,
                login="milan",
                name="Milan",
                role="worker",
                person_id=1,
                added_ms=1,
                added_by="command",
            )
        )
        connection.execute(
            insert(web_session).values(
                digest=bytes(32),
                account_id=7,
                csrf="",
                begun_ms=1,
                seen_ms=1,
                until_ms=2**40,
                complete=1,
            )
        )
        connection.execute(
            insert(link).values(
                digest=bytes(32),
                purpose="worker",
                person_id=1,
                made_ms=1,
                made_by="command",
                until_ms=2**40,
            )
        )
        connection.execute(insert(import_run).values(id=101, at_ms=1, actor="command", rows=1))
        connection.execute(
            insert(import_change).values(run_id=101, place="person", row="1", before=b"sealed")
        )
        version = Register(connection, house.vault).version()  # fmt: skip
    token = token_of(kept)
    erase(kept, token)
    with reading(house.engine) as connection:
        row = connection.execute(select(person).where(person.c.id == 1)).one()
        assert (row.family_name, row.given_name, row.erased_ms) == ("", "", NOON_MS)
        for column in ("inss_sealed", "inss_index", "limosa_sealed", "limosa_index"):
            assert row._mapping[column] is None
        assert row.token == token
        stays = connection.execute(select(registration)).one()
        assert (stays.person_id, stays.number, stays.state) == (1, NUMBER, "validated")
        assert 1 not in connection.execute(select(badge.c.person_id)).scalars().all()
        newest = select(badge_event).order_by(badge_event.c.id.desc()).limit(1)
        assert connection.execute(newest).one().event == "released"
        for table in (web_session, link):
            assert connection.execute(select(table)).first() is None
        images = select(import_change).where(
            import_change.c.place == "person", import_change.c.row == "1"
        )
        assert connection.execute(images).first() is None
        gone = connection.execute(select(account)).one()
        assert (gone.disabled_ms, gone.person_id, gone.name) == (NOON_MS, None, "")
        # Gates hear of it: the register has a new version.
        assert Register(connection, house.vault).version() > version
        told = connection.execute(select(erasure)).one()
        assert (told.data_class, told.rows, told.before_day) == ("person", 1, None)
        assert read_page(connection, Wanted(action="person.erased"), 1)[1] == 1


@pytest.mark.parametrize("state", ["held", "due", "sending", "in_doubt", "refused", "cancelling"])
def test_nobody_is_erased_whose_registration_may_still_change(kept: Books, state: str) -> None:
    number = NUMBER + 1 if state == "cancelling" else None
    kept.registration("b" * 24, state, 1, number, day=DAY - timedelta(days=2))
    with pytest.raises(UsageError) as caught:
        erase(kept, token_of(kept))
    assert caught.value.code == "HUB-1712"
    assert caught.value.extra == {"day": (DAY - timedelta(days=2)).isoformat()}
    with reading(kept.house.engine) as connection:
        assert connection.execute(select(person.c.family_name)).scalars().first() == "Aarts"


def test_nobody_is_erased_today_or_while_he_is_planned(kept: Books) -> None:
    kept.registration("b" * 24, "validated", 1, NUMBER + 1, day=DAY)
    with pytest.raises(UsageError) as caught:
        erase(kept, token_of(kept))
    assert caught.value.extra == {"day": DAY.isoformat()}
    tomorrow = (DAY + timedelta(days=1)).isoformat()
    with writing(kept.house.engine) as connection:
        connection.execute(
            insert(plan_entry).values(
                person_id=2, works_number="1Y19FAKE001AZ", day=tomorrow, source="file",
                planned_ms=1, actor="command",
            )
        )  # fmt: skip
    with pytest.raises(UsageError) as caught:
        erase(kept, token_of(kept, 2))
    assert caught.value.extra == {"day": tomorrow}


def test_who_was_erased_is_not_there_any_more(kept: Books) -> None:
    token = token_of(kept)
    erase(kept, token)
    for wanted in (token, "nobody"):
        with pytest.raises(UsageError) as caught:
            erase(kept, wanted)
        assert caught.value.code == "HUB-1621"


def test_a_contractor_erases_nobody(kept: Books) -> None:
    contractor = Actor("account:2", Role.CONTRACTOR, company_id=1)
    with pytest.raises(UsageError) as caught:
        erase(kept, token_of(kept), contractor)
    assert caught.value.code == "HUB-1621"


# ---------------------------------------------------------------- handing out


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site where Milan tapped, and somebody looked at his number."""
    with people_house(tmp_path / "house") as found:
        here = Site(found)
        here.arrive("gate-in", NOON_MS, record(1, found.tag(MILAN), NOON_MS))
        here.project()
        with writing(here.engine) as connection:
            note(
                connection, found.house.vault, NOON_MS, "account:1", Noted.PERSON_REVEALED,
                "person:1", which="inss", reason="inspectie",
            )  # fmt: skip
        yield here


def exported(site: Site, token: str, actor: Actor = COMMAND, reason: str = WHY) -> dict[str, Any]:
    """An export."""
    with writing(site.engine) as connection:
        vault = site.house.house.vault
        return export_person(connection, vault, actor, token, NOON_MS, reason)


def first_token(house: TestHouse, person_id: int = 1) -> str:
    """The token of a person."""
    with reading(house.house.engine) as connection:
        query = select(person.c.token).where(person.c.id == person_id)
        return connection.execute(query).scalar_one()


def test_everything_of_a_person_is_handed_out(site: Site) -> None:
    found = exported(site, first_token(site.house))
    assert found["person"][0]["inss"] == INSS
    assert found["person"][0]["family_name"] == "Aarts"
    assert found["person"][0]["employer"].startswith("0999000129")
    assert len(found["taps"]) == len(site.rows(tap)) == 1
    assert found["presences"][0]["day"] == DAY.isoformat()
    assert len(site.rows(presence)) == 1
    assert [row["state"] for row in found["registrations"]]
    assert len(found["steps"]) >= 1
    looks = [row["what"] for row in found["looks"]]
    assert looks[:2] == ["person.exported", "person.revealed"]
    assert WHY in found["looks"][0]["detail"]
    # Nobody else is in it, no card, and no number of a row.
    written = json.dumps(found)
    for other in ("Gillard", "Kowalik", "03072199766"):
        assert other not in written
    for secret in (MILAN, site.house.tag(MILAN)):
        assert secret.hex() not in written.lower()
    assert '"person_id"' not in written
    assert '"account:1"' not in written
    json.loads(written)


def test_the_workbook_says_the_same_and_spoils_no_number(site: Site) -> None:
    found = exported(site, first_token(site.house, 3))
    book = CalamineWorkbook.from_filelike(BytesIO(workbook(found)))
    rows = book.get_sheet_by_name("person").to_python()
    shown = dict(zip(rows[0], rows[1], strict=True))
    assert shown["limosa"] == "24999000000000187"
    assert shown["family_name"] == "Kowalik"
    assert set(book.sheet_names) == {
        name for name, value in found.items() if isinstance(value, list) and value
    }


def test_without_a_reason_nothing_is_shown_and_nothing_noted(site: Site) -> None:
    with pytest.raises(UsageError) as caught:
        exported(site, first_token(site.house), reason="  x ")
    assert caught.value.code == "HUB-1632"
    with reading(site.engine) as connection:
        assert read_page(connection, Wanted(action="person.exported"), 1)[1] == 0


def test_a_contractor_hands_out_his_own_people_only(site: Site) -> None:
    contractor = Actor("account:2", Role.CONTRACTOR, company_id=1)
    assert exported(site, first_token(site.house), contractor)["person"]
    for actor in (contractor, Actor("account:3", Role.INSPECTOR, sites=frozenset({1}))):
        with pytest.raises(UsageError) as caught:
            exported(site, first_token(site.house, 2), actor)
        assert caught.value.code == "HUB-1621"


# ---------------------------------------------------------------- page and commands


def client(site: Site, actor: Actor = ADMINISTRATOR) -> TestClient:
    """The page as this actor sees it."""
    house = site.house.house

    def write(change: Callable[[Connection], T], /) -> T:
        with writing(house.engine) as connection:
            return change(connection)

    office = Office(
        house.engine, write, house.vault, lambda: NOON_MS, lambda: None, Settings(), house.folder
    )
    app = FastAPI()
    install_access(app, Everybody(actor))
    app.include_router(privacy_pages(office))
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_why_not_yet(site: Site, language: str) -> None:
    path = f"/people/{first_token(site.house)}/privacy"
    page = client(site).get(f"{path}?lang={language}").text
    Outline(page)
    assert "2026" in page
    assert text("privacy.erase_now", language) not in page
    refused = client(site).post(f"{path}/erase", data={"csrf": CSRF})
    assert (refused.status_code, "HUB-1712" in refused.text) == (422, True)


def test_the_page_hands_out_a_file_that_is_kept_nowhere(site: Site) -> None:
    path = f"/people/{first_token(site.house)}/privacy/export"
    browser = client(site)
    answer = browser.post(path, data={"csrf": CSRF, "reason": WHY, "kind": "json"})
    assert answer.json()["person"][0]["inss"] == INSS
    assert answer.headers["Cache-Control"] == "no-store"
    answer = browser.post(path, data={"csrf": CSRF, "reason": WHY, "kind": "xlsx"})
    assert answer.content[:2] == b"PK"
    wrong = browser.post(path, data={"csrf": CSRF, "reason": "x"})
    assert (wrong.status_code, "HUB-1632" in wrong.text) == (422, True)
    assert INSS not in wrong.text
    assert browser.post(path, data={"reason": WHY}).status_code == 403


def test_the_page_erases(site: Site) -> None:
    token = first_token(site.house, 2)
    browser = client(site)
    answer = browser.post(f"/people/{token}/privacy/erase", data={"csrf": CSRF})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/people?said=erased")
    assert browser.get(f"/people/{token}/privacy").status_code == 404
    contractor = replace(ADMINISTRATOR, role=Role.CONTRACTOR, company_id=1)
    mine = f"/people/{first_token(site.house)}/privacy"
    assert client(site, contractor).get(mine).status_code == 200
    assert client(site, contractor).post(f"{mine}/erase", data={"csrf": CSRF}).status_code == 403
    other = f"/people/{first_token(site.house, 3)}/privacy"
    assert client(site, contractor).get(other).status_code == 404


def test_the_commands(people: Sitegate) -> None:
    house = open_house(Path("sitegate-data"))
    with reading(house.engine) as connection:
        token = connection.execute(select(person.c.token).where(person.c.id == 1)).scalar_one()
    house.close()
    made = people("privacy", "export", token, "--reason", WHY, "--folder", "out", "--json").json
    for name in made["files"]:
        assert Path(name).stat().st_mode & 0o777 == 0o600
    assert INSS in Path(made["files"][0]).read_text()
    again = people("privacy", "export", token, "--reason", WHY, "--folder", "out")
    explained(again, "HUB-1715", file=made["files"][0])
    assert people("privacy", "erase", token, "--json").json == {"token": token, "erased": True}
    assert people("privacy", "erase", token).code == 2
