"""Reports over a period: each form holds what the page shows, for whom it may, and no number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import insert, select

from hub.domain.rights import Role
from hub.i18n import LANGUAGES, text
from hub.message_settings import ReportSettings
from hub.reports.report_table import report_pdf
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.schema import audit, registration_event
from hub.web.pages.report_files import report_files
from hub.web.pages.reports import reports_pages
from tests.hub.day_world import DayWorld, at, day_world, whole_day
from tests.hub.register_house import LOWER, MAIN, NAMES, SUB
from tests.web.register_pages import Pages, office_of
from tests.web.test_site_day_page import NUMBERS, handle

NOW = at("2026-11-30 12:00")
PERIOD = "first=2026-10-20&last=2026-11-30"
FORMS = ("pdf", "xlsx", "csv", "json")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DayWorld]:
    with day_world(tmp_path_factory.mktemp("reports")) as opened:
        whole_day(opened)
        night = opened.person("Nijs", LOWER)
        opened.tap(night, "2026-10-24 21:00")
        opened.registered(night, "2026-10-24 21:00", number=900_000_000_000_021)
        opened.tap(night, "2026-10-25 05:00", out=True)
        split = opened.person("Otte", SUB)
        for moment, out in (("07:00", False), ("12:00", True), ("12:30", False), ("16:07", True)):
            opened.tap(split, f"2026-11-24 {moment}", out=out)
        opened.registered(split, "2026-11-24 07:00", number=900_000_000_000_022)
        lapsed = opened.person("Peeters", SUB)
        opened.tap(lapsed, "2026-11-24 08:00")
        reference = opened.registered(lapsed, "2026-11-24 08:00", "lapsed", "day_over")
        late = opened.person("Quix", SUB)
        opened.tap(late, "2026-11-24 09:00")
        opened.registered(late, "2026-11-24 09:30", number=900_000_000_000_023)
        with writing(opened.register.house.engine) as connection:
            connection.execute(
                insert(registration_event).values(
                    reference=reference, at_ms=NOW, state="lapsed", cause="attested"
                )
            )
        yield opened


@pytest.fixture(scope="module")
def pages(world: DayWorld, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    rounding = ReportSettings(rounding_minutes=15, rounding_favour="worker")
    office = office_of(
        world.register, tmp_path_factory.mktemp("office"), Settings(reports=rounding)
    )
    office = replace(office, clock=lambda: NOW)
    return Pages([report_files(office, report_pdf), reports_pages(office)], world.register)


@pytest.fixture(autouse=True)
def somebody(pages: Pages, world: DayWorld) -> None:
    """The administrator looks, unless a test says otherwise."""
    pages.as_(replace(world.register.at_site("Werf Noord"), role=Role.ADMINISTRATOR))


def got(pages: Pages, name: str, form: str, language: str = "en", more: str = "") -> bytes:
    """A file, as it is handed out."""
    answer = pages.client.get(
        f"/reports/{name}/report.{form}?{PERIOD}{more}", headers={"Accept-Language": language}
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert f'-2026-10-20-2026-11-30.{form}"' in answer.headers["content-disposition"]
    return answer.content


def rows(pages: Pages, name: str, more: str = "") -> list[dict[str, Any]]:
    """The rows of the JSON form."""
    return json.loads(got(pages, name, "json", more=more))["rows"]


def of(found: list[dict[str, Any]], family_name: str) -> dict[str, Any]:
    """The one row of that name."""
    (row,) = [one for one in found if one["family_name"] == family_name]
    return row


def pdf_text(content: bytes) -> str:
    """The text of all sheets, blanks plain."""
    sheets = PdfReader(io.BytesIO(content)).pages
    return "\n".join(page.extract_text() for page in sheets).replace("\u00a0", " ")


def table(form: str, content: bytes) -> list[list[str]]:
    """The rows of a workbook or CSV file."""
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]


# ---------------------------------------------------------------- hours


def test_a_night_over_the_hour_that_comes_twice_is_one_span_of_its_first_day(
    pages: Pages,
) -> None:
    row = of(rows(pages, "hours"), "Nijs")
    assert row["day"] == "2026-10-24"
    assert row["spans"] == [
        {"in": "2026-10-24T21:00:00+02:00", "out": "2026-10-25T05:00:00+01:00", "here": False}
    ]
    assert row["worked_minutes"] == 9 * 60


def test_a_night_at_the_edge_of_a_period_is_whole_and_belongs_to_one_of_them(
    pages: Pages,
) -> None:
    def nights(day: str) -> list[int]:
        answer = pages.client.get(f"/reports/hours/report.json?first={day}&last={day}")
        found = answer.json()["rows"]
        return [one["worked_minutes"] for one in found if one["family_name"] == "Nijs"]

    assert nights("2026-10-24") == [9 * 60]
    assert nights("2026-10-25") == []


def test_breaks_true_and_rounded_hours_stand_beside_each_other(pages: Pages) -> None:
    row = of(rows(pages, "hours"), "Otte")
    assert (row["worked_minutes"], row["break_minutes"]) == (8 * 60 + 37, 30)
    assert row["rounded_minutes"] == 8 * 60 + 45
    lines = [line for line in table("csv", got(pages, "hours", "csv")) if "Otte" in line]
    head = table("csv", got(pages, "hours", "csv"))[0]
    columns = [head.index(text(f"reports.column.{one}", "en")) for one in ("break", "worked",
               "rounded")]  # fmt: skip
    assert [[line[one] for one in columns] for line in lines] == [
        ["", "5:00", "5:00"], ["0:30", "3:37", "3:45"],
    ]  # fmt: skip


def test_a_way_out_that_is_missing_is_said_and_not_made(pages: Pages) -> None:
    found = rows(pages, "hours")
    # Who visits or delivers does not work.
    assert not {"Jacobs", "Klaes"} & {one["family_name"] for one in found}
    row = of(found, "Peeters")
    assert row["spans"][0]["out"] is None
    assert (row["missing"], row["worked_minutes"]) == (1, 0)
    html = unescape(pages.get(f"/reports/hours?{PERIOD}"))
    assert "08:00 – ?" in html
    assert text("reports.missing_out", "en") in html


# ---------------------------------------------------------------- exceptions


def test_each_exception_is_named_once_with_its_problem(pages: Pages) -> None:
    found = {one["family_name"]: one["problem"] for one in rows(pages, "exceptions")}
    assert found == {
        "Borms": "remarks", "Evrard": "refused", "Fontaine": "no_registration",
        "Goossens": "held", "Ivens": "waiting", "Peeters": "lapsed", "Quix": "late",
    }  # fmt: skip


def test_what_was_attested_and_how_late_it_was_is_said(pages: Pages) -> None:
    found = rows(pages, "exceptions")
    assert [one["family_name"] for one in found if one["attested"]] == ["Peeters"]
    assert of(found, "Quix")["late_minutes"] == 31
    words = unescape(pages.get(f"/reports/exceptions?{PERIOD}", "fr"))
    assert text("reports.problem.lapsed", "fr") in words
    assert "Dimona" in words


def test_of_one_company_and_one_site(pages: Pages, world: DayWorld) -> None:
    found = rows(pages, "exceptions", f"&company={SUB}&site={handle(world)}")
    assert {one["family_name"] for one in found} == {"Borms", "Peeters", "Quix"}


# ---------------------------------------------------------------- months


def test_a_month_adds_up(pages: Pages) -> None:
    october, november = rows(pages, "monthly")
    assert (october["month"], october["presences"], october["registered"]) == ("2026-10", 1, 1)
    assert november["presences"] == 11
    parts = ("registered", "remarks", "explained", "waiting", "unexplained")
    assert [november[one] for one in parts] == [5, 1, 3, 1, 1]
    assert (november["lapsed"], november["companies"]) == (1, 5)
    assert (november["busiest"], november["busiest_presences"]) == ("2026-11-23", 8)
    assert "2026-11-23" in november["open_days"]


def test_who_may_not_see_the_books_sees_no_balance(pages: Pages, world: DayWorld) -> None:
    pages.as_(world.register.contractor(MAIN))
    assert {one["open_days"] for one in rows(pages, "monthly")} == {None}


# ---------------------------------------------------------------- forms


@pytest.mark.parametrize(
    ("name", "language"), [("hours", "fr"), ("exceptions", "de"), ("monthly", "nl")]
)
def test_paper_workbook_and_csv_hold_what_json_holds(
    pages: Pages, name: str, language: str
) -> None:
    found = rows(pages, name)
    assert found
    whole = pdf_text(got(pages, name, "pdf", language))
    cells = [
        {cell for line in table(form, got(pages, name, form, language)) for cell in line}
        for form in ("xlsx", "csv")
    ]
    for one in found:
        if name == "monthly":
            assert all(str(one["presences"]) in each for each in cells)
            continue
        assert one["family_name"] in whole
        assert all(one["family_name"] in each for each in cells)
    assert text(f"reports.{name}.title", language) in whole
    assert text("reports.sheet", language, page=1, pages=1)[:5] in whole


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["hours", "exceptions"])
def test_no_form_shows_a_number_in_clear(pages: Pages, name: str, language: str) -> None:
    html = pages.get(f"/reports/{name}?{PERIOD}", language)
    found = [html, *(got(pages, name, form).decode("latin-1") for form in ("csv", "json"))]
    for one in found:
        assert not any(number in one for number in NUMBERS)
    assert "***" in html


def test_who_took_a_report_along_is_noted_and_never_whom_it_is_about(
    pages: Pages, world: DayWorld
) -> None:
    got(pages, "hours", "xlsx")
    with reading(world.register.house.engine) as connection:
        query = select(audit).where(audit.c.action == "report.exported").order_by(audit.c.id.desc())
        row = connection.execute(query).first()
    assert row is not None
    detail = json.loads(row.detail)
    assert (detail["report"], detail["form"]) == ("hours", "xlsx")
    assert "Otte" not in row.detail


def test_the_overview_leads_to_each(pages: Pages) -> None:
    html = pages.get("/reports")
    for name in ("hours", "exceptions", "monthly"):
        assert f'action="/reports/{name}"' in html
    assert 'href="/day"' in html


# ---------------------------------------------------------------- who, and what cannot be


def test_a_contractor_finds_no_trace_of_anybody_else(pages: Pages, world: DayWorld) -> None:
    pages.as_(world.register.contractor(LOWER))
    for name in ("hours", "exceptions"):
        for form in ("csv", "json"):
            whole = got(pages, name, form).decode()
            for trace in ("Aerts", "Borms", "Otte", "Peeters", NAMES[SUB]):
                assert trace not in whole
    assert {one["family_name"] for one in rows(pages, "hours")} == {"Ceulemans", "Nijs"}
    html = pages.get(f"/reports/exceptions?{PERIOD}&company={SUB}")
    assert "Peeters" not in html
    assert NAMES[SUB] not in html


def test_a_site_of_others_is_one_that_does_not_exist(pages: Pages, world: DayWorld) -> None:
    pages.as_(world.register.at_site("Chantier Sud", Role.INSPECTOR))
    for path in ("/reports/hours", *(f"/reports/hours/report.{form}" for form in FORMS)):
        for site in (handle(world), "f" * 16):
            assert pages.status(f"{path}?site={site}") == 404


@pytest.mark.parametrize("role", [Role.GUARD, Role.WORKER])
def test_others_are_refused(pages: Pages, world: DayWorld, role: Role) -> None:
    pages.as_(world.register.at_site("Werf Noord", role))
    for path in ("/reports", "/reports/hours", "/reports/hours/report.pdf"):
        assert pages.status(path) == 403


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("2026-11-30", "2026-11-29", "HUB-1850"), ("2026-11-01", "2026-12-01", "HUB-1850"),
        ("yesterday", "2026-11-30", "HUB-1850"), ("2014-03-31", "2014-04-02", "HUB-1850"),
        ("2026-08-30", "2026-11-30", "HUB-1851"), ("2026-08-31", "2026-11-29", ""),
        ("2026-08-31", "2026-11-30", "HUB-1851"), ("2026-09-01", "2026-11-30", ""),
    ],
)  # fmt: skip
def test_a_period_has_limits(pages: Pages, first: str, last: str, code: str) -> None:
    query = f"first={first}&last={last}"
    answer = pages.client.get(f"/reports/hours?{query}")
    assert answer.status_code == (400 if code else 200)
    assert code in answer.text
    for form in ("csv", "json"):
        status = pages.status(f"/reports/hours/report.{form}?{query}")
        assert status == answer.status_code


def test_there_is_no_other_report_and_no_other_form(pages: Pages) -> None:
    for path in ("/reports/wages", "/reports/wages/report.pdf", "/reports/hours/report.docx"):
        assert pages.status(path) == 404
