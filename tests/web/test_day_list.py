"""The list of a day as a file: each form holds what the view model holds, and nobody's number."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from hub.i18n import text
from hub.reports.day_list import day_list_pdf
from hub.storage.engine import reading
from hub.storage.schema import audit
from hub.web.day_json import day_json
from hub.web.day_words import FILE_COLUMNS, DayWords
from hub.web.pages.day_list import day_list_files
from tests.hub.day_world import DAY, DayWorld, at, day_world, whole_day
from tests.hub.register_house import LOWER, MAIN, SUB
from tests.web.register_pages import Pages, office_of
from tests.web.test_site_day_page import NUMBERS, handle

NOW = at("2026-11-23 12:00")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DayWorld]:
    with day_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def pages(world: DayWorld, tmp_path: Path) -> Pages:
    office = replace(office_of(world.register, tmp_path), clock=lambda: NOW)
    return Pages([day_list_files(office, day_list_pdf)], world.register)


def got(pages: Pages, world: DayWorld, form: str, language: str = "en") -> bytes:
    """A file, as it is handed out."""
    answer = pages.client.get(
        f"/day/list.{form}?site={handle(world)}", headers={"Accept-Language": language}
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    if form != "json":
        assert f'-2026-11-23.{form}"' in answer.headers["content-disposition"]
    return answer.content


def pdf_text(content: bytes) -> list[str]:
    """The text of each sheet."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def rows_of(form: str, content: bytes) -> list[list[str]]:
    """The rows of a workbook or CSV file."""
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]


# ---------------------------------------------------------------- PDF


@pytest.mark.parametrize("language", ["fr", "de"])
def test_the_pdf_names_everybody_once_with_number_and_company(
    world: DayWorld, pages: Pages, language: str
) -> None:
    whole_day(world)
    content = got(pages, world, "pdf", language)
    sheets = pdf_text(content)
    whole = "\n".join(sheets)
    day = world.list(now="2026-11-23 12:00")
    for one in day.everybody:
        assert whole.count(one.name) == 1, one.name
        for row in one.registrations:
            if row.number is not None:
                assert whole.count(str(row.number)) == 1
    words = DayWords(language)
    for number, sheet in enumerate(sheets, start=1):
        plain = sheet.replace("\u00a0", " ")
        assert text("day.sheet", language, page=number, pages=len(sheets)) in plain
        assert words.title(day).replace("\u00a0", " ") in plain
        assert words.as_of(day).replace("\u00a0", " ") in plain
    for company in day.companies:
        assert words.company(company) in whole
        assert words.place(company).replace("\u00a0", " ") in whole.replace("\u00a0", " ")
    assert not any(number in whole for number in NUMBERS)
    box = PdfReader(io.BytesIO(content)).pages[0].mediabox
    assert (round(box.width), round(box.height)) == (842, 595)


def test_a_long_list_goes_over_sheets_and_no_row_stands_without_its_heading(
    world: DayWorld,
) -> None:
    for number in range(1, 71):
        world.at_work(world.person(f"Aerts{number:02}", MAIN if number < 40 else LOWER), number)
    day = world.list()
    sheets = pdf_text(day_list_pdf([day], DayWords("en"), DAY, NOW))
    assert len(sheets) > 2
    heading = text("day.column.person_number", "en")
    counted: Counter[str] = Counter()
    for sheet in sheets:
        names = [one.name for one in day.everybody if one.name in sheet]
        counted.update(names)
        # The headings of the columns come again, and stand before the first name.
        assert 0 <= sheet.index(heading) < sheet.index(names[0])
    assert counted == {one.name: 1 for one in day.everybody}
    assert any("(continued)" in sheet for sheet in sheets)


def test_who_went_in_and_out_all_day_is_on_as_many_sheets_as_he_needs(world: DayWorld) -> None:
    who = world.person("Aerts")
    for number in range(60):
        moment = f"2026-11-23 {7 + number // 8:02}:{number % 8 * 7:02}"
        world.tap(who, moment)
        world.registered(
            who, moment, number=880_000 + number, regime="in_out", direction="in", act=str(number)
        )
    sheets = pdf_text(day_list_pdf([world.list()], DayWords("en"), DAY, NOW))
    found = [[n for n in range(880_000, 880_060) if str(n) in sheet] for sheet in sheets]
    assert sorted(number for one in found for number in one) == list(range(880_000, 880_060))
    # What is written below the edge of a sheet is in its text as well, and nobody sees it.
    assert max(len(one) for one in found) < 40
    assert "".join(sheets).count("Aerts Jo") == 1


def test_letters_of_every_language_of_the_site_are_on_paper(world: DayWorld) -> None:
    names = ("Șerbănescu", "Żółć", "Наконечна", "Ağaoğlu", "Ñíguez", "Παππάς", "Ėžys")
    for number, name in enumerate(names, start=1):
        world.at_work(world.person(name), number)
    (sheet,) = pdf_text(day_list_pdf([world.list()], DayWords("fr"), DAY, NOW))
    assert [name for name in names if name not in sheet] == []


def test_a_name_without_a_place_to_break_goes_on_in_the_next_line(world: DayWorld) -> None:
    name = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren" * 2
    world.at_work(world.person(name[:100]), 1)
    (sheet,) = pdf_text(day_list_pdf([world.list()], DayWords("de"), DAY, NOW))
    assert name[:100] in sheet.replace("\n", "")


def test_a_day_on_which_nobody_came_is_a_sheet_that_says_so(world: DayWorld) -> None:
    (sheet,) = pdf_text(day_list_pdf([world.list()], DayWords("en"), DAY, NOW))
    assert text("day.nobody", "en") in sheet
    (sheet,) = pdf_text(day_list_pdf([], DayWords("en"), DAY, NOW))
    assert text("day.no_sites", "en") in sheet


# ---------------------------------------------------------------- workbook and CSV


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["fr", "de"])
def test_workbook_and_csv_hold_a_row_for_each_registration(
    world: DayWorld, pages: Pages, form: str, language: str
) -> None:
    whole_day(world)
    headings, *rows = rows_of(form, got(pages, world, form, language))
    assert headings == DayWords(language).file_columns()
    place = {name: number for number, name in enumerate(FILE_COLUMNS)}
    day = world.list(now="2026-11-23 12:00")
    expected = [
        (one.row.family_name, str(row.number) if row and row.number else "", one.masked)
        for one in day.everybody
        for row in (one.registrations or (None,))
    ]
    picked = [(row[place["family_name"]], row[place["number"]], row[place["person_number"]])
              for row in rows]  # fmt: skip
    # An apostrophe keeps a spreadsheet from taking a masked number for something else.
    assert [(a, b, c.removeprefix("'")) for a, b, c in picked] == expected
    (aerts,) = [row for row in rows if row[place["family_name"]] == "Aerts"]
    shown = {"csv": "2026-11-23T07:00:00+01:00", "xlsx": "23"}[form]
    assert aerts[place["in"]].startswith(shown)
    assert aerts[place["level"]] == "0"
    content = "\n".join(";".join(row) for row in rows)
    assert not any(number in content for number in NUMBERS)


def test_no_cell_is_a_formula(world: DayWorld, pages: Pages) -> None:
    world.at_work(world.person("=HYPERLINK(1)", given_name="@SUM(A1)"), 1)
    place = {name: number for number, name in enumerate(FILE_COLUMNS)}
    _, row = rows_of("csv", got(pages, world, "csv"))
    assert row[place["family_name"]] == "'=HYPERLINK(1)"
    assert row[place["given_name"]] == "'@SUM(A1)"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    content = got(pages, world, "xlsx")
    _, row = rows_of("xlsx", content)
    assert row[place["family_name"]] == "=HYPERLINK(1)"  # text, which nothing carries out
    assert b"<f>" not in content


# ---------------------------------------------------------------- JSON


def test_the_json_is_the_view_model(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    told: dict[str, Any] = json.loads(got(pages, world, "json"))
    day = world.list(now="2026-11-23 12:00")
    assert told == day_json([day], DAY, NOW)
    assert (told["day"], told["as_of"]) == ("2026-11-23", "2026-11-23T12:00:00+01:00")
    (one,) = told["sites"]
    assert one["totals"] == asdict(day.totals)
    assert [company["level"] for company in one["companies"]] == [0, 1, 2, 2, 1, None]
    aerts = one["companies"][0]["people"][0]
    assert (aerts["first_in"], aerts["last_out"]) == (
        "2026-11-23T07:00:00+01:00", "2026-11-23T16:00:00+01:00",
    )  # fmt: skip
    assert aerts["registrations"][0] == {
        "works_number": "1Y19FAKE001AZ", "day": "2026-11-23", "direction": None,
        "state": "registered", "cause": "answered", "registered": True,
        "number": 900_000_000_000_001, "act": "2026-11-23T07:00:00+01:00",
        "numbered": "2026-11-23T07:01:00+01:00", "remarks": [], "errors": [],
    }  # fmt: skip
    assert [person["standing"] for person in one["visitors"]] == ["visitor", "visitor"]
    assert not any(number in json.dumps(told) for number in NUMBERS)


# ---------------------------------------------------------------- audit


@pytest.mark.parametrize("form", ["pdf", "xlsx", "csv", "json"])
def test_who_takes_a_list_along_is_noted_without_a_name(
    world: DayWorld, pages: Pages, form: str
) -> None:
    whole_day(world)
    pages.as_(world.register.contractor(SUB))
    got(pages, world, form)
    with reading(world.register.house.engine) as connection:
        row = connection.execute(select(audit).order_by(audit.c.id.desc()).limit(1)).one()
    assert (row.action, row.actor) == ("day.exported", f"account:{world.register.ids[SUB]}")
    assert json.loads(row.detail) == {
        "day": "2026-11-23", "form": form, "rows": 3, "sites": ["Werf Noord"],
    }  # fmt: skip
