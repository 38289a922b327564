"""Where a company is written to: what is an address, who sees and changes it, and where it never
stands."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.access import COMMAND, Actor
from hub.domain.mail_address import mask_address, parse_address
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.storage.contacts import Contact, Contacts
from hub.storage.engine import reading, writing
from hub.storage.schema import audit, company_contact
from hub.web.pages.companies import companies_pages
from hub.web.pages.contacts import contacts_pages
from tests.hub.command_line import Sitegate, explained
from tests.hub.house import NOON_MS
from tests.hub.register_house import (
    ADMINISTRATOR,
    FOREIGN,
    LOWER,
    MAIN,
    NAMES,
    SUB,
    RegisterHouse,
    register_house,
)
from tests.web.register_pages import Pages, office_of

ADDRESS = "bureau@gillard.example"


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegisterHouse]:
    with register_house(tmp_path_factory.mktemp("contacts")) as opened:
        yield opened


@pytest.fixture
def pages(register: RegisterHouse, tmp_path: Path) -> Iterator[Pages]:
    office = office_of(register, tmp_path)
    yield Pages([companies_pages(office), contacts_pages(office)], register)
    with writing(register.house.engine) as connection:
        connection.execute(company_contact.delete())


def of(register: RegisterHouse, number: str, actor: Actor = COMMAND) -> Contact | None:
    with reading(register.house.engine) as connection:
        return Contacts(connection, register.house.vault, actor, NOON_MS).of(number)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (f" {ADDRESS} ", ADDRESS),
        ("Jan.Peeters+werf@Firma.Example", "Jan.Peeters+werf@firma.example"),
        ("a@b.c-d.be", "a@b.c-d.be"),
    ],
)
def test_an_address_is_kept_without_blanks_and_its_host_small(typed: str, kept: str) -> None:
    assert parse_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "bureau", "bureau@", "@gillard.example", "bureau@gillard", "bureau@gillard.1",
        "bureau@gillard.example, more@gillard.example", "bureau@gillard.example\r\nBcc: x@y.be",
        "bureau @gillard.example", "<bureau@gillard.example>", "bureau@-gillard.example",
        "a..b@gillard.example", f"{'a' * 65}@gillard.example", f"a@{'b.' * 130}be",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_repeated(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(typed)
    assert (caught.value.code, caught.value.extra) == ("HUB-1854", {})


def test_a_masked_address_tells_its_host_and_a_letter() -> None:
    assert mask_address(ADDRESS) == "b***@gillard.example"


def test_the_form_keeps_the_address_sealed_and_notes_that_it_did(
    pages: Pages, register: RegisterHouse
) -> None:
    there = f"/companies/{SUB}"
    sent = pages.post(f"{there}/contact", address=f" {ADDRESS}", language="fr")
    assert sent == (303, f"{there}?said=contact")
    assert of(register, SUB) == Contact(ADDRESS, "fr")
    page = pages.get(there)
    assert ADDRESS in page
    assert "Français" in page
    with reading(register.house.engine) as connection:
        sealed = connection.execute(select(company_contact.c.address_sealed)).scalar_one()
        noted = connection.execute(select(audit).where(audit.c.action == "contact.changed")).one()
    assert b"gillard" not in sealed
    assert noted.detail == '{"changed": ["address", "language"]}'
    assert noted.company_id == register.ids[SUB]
    # The same again changes and notes nothing.
    pages.post(f"{there}/contact", address=ADDRESS, language="fr")
    pages.post(f"{there}/contact", address=ADDRESS, language="de")
    pages.post(f"{there}/contact", address="", language="de")
    assert of(register, SUB) is None
    with reading(register.house.engine) as connection:
        details = connection.execute(
            select(audit.c.detail).where(audit.c.action == "contact.changed")
        ).scalars()
        assert list(details)[1:] == ['{"changed": ["language"]}', '{"changed": ["removed"]}']


def test_what_was_typed_stays_in_the_form_with_what_is_wrong(
    pages: Pages, register: RegisterHouse
) -> None:
    for typed, language, code in (("bureau", "de", "HUB-1854"), (ADDRESS, "xx", "HUB-1860")):
        status, page = pages.post(f"/companies/{SUB}/contact", address=typed, language=language)
        assert status == 400
        assert code in page
        assert f'value="{typed}"' in page
    assert of(register, SUB) is None


def test_only_who_may_change_it_sees_it(pages: Pages, register: RegisterHouse) -> None:
    pages.post(f"/companies/{SUB}/contact", address=ADDRESS, language="fr")
    may = [ADMINISTRATOR, register.at_site("Werf Noord"), register.contractor(SUB)]
    for actor in may:
        pages.as_(actor)
        assert ADDRESS in pages.get(f"/companies/{SUB}/contact")
        assert ADDRESS in pages.get(f"/companies/{SUB}")
    # Who is above it in the chain sees the company, not where it is written to.
    pages.as_(register.contractor(MAIN))
    assert NAMES[SUB] in pages.get(f"/companies/{SUB}")
    assert "gillard.example" not in pages.get(f"/companies/{SUB}")
    inspector = register.at_site("Werf Noord", Role.INSPECTOR)
    assert "gillard.example" not in pages.as_(inspector).get(f"/companies/{SUB}")
    assert pages.status(f"/companies/{SUB}/contact") == 403
    elsewhere = [register.contractor(MAIN), register.contractor(LOWER)]
    for actor in (*elsewhere, register.at_site("Chantier Sud")):
        pages.as_(actor)
        nothing = pages.client.get("/companies/0999000921/contact")
        found = pages.client.get(f"/companies/{SUB}/contact")
        assert (found.status_code, found.text) == (404, nothing.text)
        assert pages.post(f"/companies/{SUB}/contact", address="x@y.be")[0] == 404
    assert of(register, SUB) == Contact(ADDRESS, "fr")


def test_a_foreign_company_is_written_to_as_well(pages: Pages) -> None:
    there = f"/companies/{FOREIGN}/contact"
    assert pages.post(there, address="biuro@kowalik.example", language="en")[0] == 303
    page = unescape(pages.get(there))
    assert 'value="biuro@kowalik.example"' in page


def test_the_command_says_and_changes_it(sitegate: Sitegate) -> None:
    assert sitegate("company", "add", SUB, "Toitures Gillard").code == 0
    assert sitegate("company", "contact", SUB, "--json").json["contact"] is None
    said = sitegate("company", "contact", SUB, "--mail", ADDRESS, "--language", "fr")
    assert said.code == 0, said.err
    assert ADDRESS in said.out
    sitegate("company", "contact", SUB, "--language", "nl")
    told = sitegate("company", "contact", SUB, "--json").json
    assert told["contact"] == {"mail": ADDRESS, "language": "nl"}
    explained(sitegate("company", "contact", SUB, "--mail", "bureau"), "HUB-1854")
    explained(sitegate("company", "contact", MAIN), "HUB-1651", company=MAIN)
    assert sitegate("company", "contact", SUB, "--remove", "--json").json["contact"] is None
    assert "gillard" not in sitegate("audit", "list", "--json").out
