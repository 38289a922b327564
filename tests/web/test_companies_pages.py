"""The pages of the companies: what they show, take and refuse, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.i18n import LANGUAGES, text
from hub.web.pages.companies import companies_pages
from tests.hub.register_house import (
    AGENCY,
    FOREIGN,
    LOWER,
    MAIN,
    NAMES,
    NORTH,
    SOUTH,
    STRANGER,
    SUB,
    RegisterHouse,
    register_house,
)
from tests.web.register_pages import Pages, office_of


@pytest.fixture
def register(tmp_path: Path) -> Iterator[RegisterHouse]:
    with register_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def pages(register: RegisterHouse, tmp_path: Path) -> Pages:
    return Pages([companies_pages(office_of(register, tmp_path))], register)


def dotted(number: str) -> str:
    return f"{number[:4]}.{number[4:7]}.{number[7:]}"


def test_the_list_shows_every_company_by_name(pages: Pages) -> None:
    page = pages.get("/companies")
    places = [page.index(f">{name}</a>") for name in sorted(NAMES.values(), key=str.casefold)]
    assert places == sorted(places)
    assert dotted(MAIN) in page
    assert "6 companies" in page
    assert page.count(text("companies.agency", "en")) == 1
    assert page.count(f">{text('companies.foreign', 'en')}<") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_every_language(pages: Pages, language: str) -> None:
    for path, key in (
        ("/companies", "title"),
        (f"/companies/{FOREIGN}", "foreign_told"),
        ("/companies/new", "new_title"),
        (f"/companies/{SUB}/change", "change_title"),
    ):
        page = pages.get(path, language).replace("\u00a0", " ").replace("&#39;", "'")
        assert text(f"companies.{key}", language) in page
        assert f'lang="{language}"' in page


def test_a_contractor_finds_no_trace_of_others(pages: Pages, register: RegisterHouse) -> None:
    pages.as_(register.contractor(SUB))
    others = {MAIN, STRANGER, FOREIGN}
    for path in ("/companies", f"/companies/{SUB}", f"/companies/{LOWER}", f"/companies/{AGENCY}"):
        page = pages.get(path)
        # For whom he works himself is the one name he needs.
        hidden = others - {MAIN} if path == f"/companies/{SUB}" else others
        for number in hidden:
            assert number not in page
            assert dotted(number) not in page
            assert NAMES[number] not in page
        assert SOUTH not in page
        assert "/change" not in page
    assert "3 companies" in pages.get("/companies")
    missing = pages.client.get("/companies/0999000426")
    for number in others:
        answer = pages.client.get(f"/companies/{number}")
        assert (answer.status_code, answer.text) == (missing.status_code, missing.text)
        assert missing.status_code == 404


def test_a_contractor_changes_nothing(pages: Pages, register: RegisterHouse) -> None:
    pages.as_(register.contractor(SUB))
    assert "/companies/new" not in pages.get("/companies")
    for path in ("/companies/new", f"/companies/{SUB}/change"):
        assert pages.status(path) == 403
        assert pages.post(path, number=SUB, name="Mine")[0] == 403


def test_who_has_no_right_sees_no_company(pages: Pages) -> None:
    pages.as_(Actor("account:7", Role.GUARD, "Gert", account_id=7))
    assert pages.status("/companies") == pages.status(f"/companies/{MAIN}") == 403


def test_a_company_is_added_with_its_place(pages: Pages) -> None:
    form = pages.get("/companies/new")
    assert f'<option value="{NORTH}/{SUB}">' in form
    assert f'<option value="{NORTH}/{AGENCY}">' not in form
    place = f"{NORTH}/{SUB}"
    assert pages.post("/companies/new", number="0999.000.426", name="Nieuw", place=place) == (
        303,
        "/companies?said=added",
    )
    page = pages.get("/companies/0999000426")
    assert NORTH in page
    assert NAMES[SUB] in page
    assert text("companies.said.added", "en") in pages.get("/companies?said=added")


def test_a_wrong_form_comes_back_as_it_was_typed(pages: Pages) -> None:
    status, page = pages.post(
        "/companies/new", number="0999.000.427", name="Nieuw & Zn", agency="on", place=""
    )
    assert status == 400
    assert "IMP-3103" in page
    assert 'value="0999.000.427"' in page
    assert 'value="Nieuw &amp; Zn"' in page
    assert 'value="on" aria-describedby="h-agency" checked' in page
    assert pages.post("/companies/new", number=MAIN, name="Again")[0] == 400
    assert pages.post("/companies/new", number="PL12", name="")[0] == 400
    # Nothing of a refused form is kept: the company would have been right, its place was not.
    status, page = pages.post("/companies/new", number="0999000426", name="N", place=f"{NORTH}/")
    assert status == 400
    assert "HUB-1658" in page
    assert pages.status("/companies/0999000426") == 404


def test_a_form_of_another_page_is_refused(pages: Pages) -> None:
    assert pages.post("/companies/new", "x", number="0999000426", name="N")[0] == 403
    assert pages.status("/companies/0999000426") == 404


def test_a_company_is_changed(pages: Pages) -> None:
    path = f"/companies/{LOWER}/change"
    assert f'value="{NAMES[LOWER]}"' in pages.get(path)
    status, page = pages.post(path, number=SUB, name="Etanche")
    assert status == 400
    assert "HUB-1652" in page
    assert pages.post(path, number="DE 812.345/67", name="Etanche GmbH") == (
        303,
        "/companies/DE81234567?said=changed",
    )
    assert pages.status(f"/companies/{LOWER}") == 404
    assert "Etanche GmbH" in pages.get("/companies/DE81234567")


def test_a_supervisor_gives_a_company_a_place_on_his_site(
    pages: Pages, register: RegisterHouse
) -> None:
    pages.as_(register.at_site("Chantier Sud"))
    form = pages.get("/companies/new")
    assert NORTH not in form
    assert 'value=""' not in form[form.index("<select") :]
    status, page = pages.post("/companies/new", number="0999000426", name="Nieuw", place="")
    assert status == 400
    assert "HUB-1657" in page
    elsewhere = f"{NORTH}/{MAIN}"
    assert pages.post("/companies/new", number="0999000426", name="N", place=elsewhere)[0] == 400
    here = f"{SOUTH}/{FOREIGN}"
    assert pages.post("/companies/new", number="0999000426", name="N", place=here)[0] == 303
    assert pages.status("/companies/0999000426") == 200


def test_an_inspector_reads_only(pages: Pages, register: RegisterHouse) -> None:
    pages.as_(replace(register.at_site("Werf Noord"), role=Role.INSPECTOR))
    page = pages.get("/companies")
    assert NAMES[LOWER] in page
    assert NAMES[FOREIGN] not in page
    assert "/companies/new" not in page
    assert "/change" not in pages.get(f"/companies/{LOWER}")
    assert pages.status(f"/companies/{LOWER}/change") == 403
