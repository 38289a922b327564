"""A plan file: CSV or spreadsheet, four languages, every fault named, any bytes survived."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.application.people_table import ROWS_MAX
from hub.application.plan_file import (
    ENTRIES_MAX,
    PlanFile,
    PlanRow,
    read_plan_file,
    read_plan_list,
)
from hub.application.plan_table import COLUMNS, HEADINGS
from hub.domain.identifiers import BadgeUid, Inss, Limosa
from hub.domain.plan import DAYS_AHEAD_MAX

TODAY = date(2026, 11, 23)
TOMORROW = date(2026, 11, 24)
DOCS = Path(__file__).resolve().parents[2] / "docs"
INSS, LIMOSA, UID, WORKS = "85031299761", "24999000000000187", "04A1B2C3D4E501", "1Y19FAKE001AZ"
GOOD = {"inss": INSS, "day": "2026-11-24", "works_number": WORKS}


def csv_of(*rows: Mapping[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=";")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return target.getvalue().encode()


def read(*rows: dict[str, str]) -> PlanFile:
    return read_plan_file(csv_of(*rows), TODAY)


def found(plan: PlanFile) -> list[tuple[int | None, str | None, str]]:
    return [(entry.row, entry.column, entry.code) for entry in plan.problems]


def only(plan: PlanFile) -> PlanRow:
    assert found(plan) == []
    (row,) = plan.rows
    return row


def book(
    *rows: tuple[Any, ...], headings: tuple[str, ...] = ("inss", "day", "works_number")
) -> bytes:
    """A workbook of one sheet; dates are written as dates, everything else as it is."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as workbook:
        workbook.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001
        as_date = workbook.add_format({"num_format": "dd/mm/yyyy"})
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, headings)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001
                    sheet.write_datetime(number, column, moment, as_date)
                else:
                    sheet.write(number, column, value)
    return target.getvalue()


class TestRows:
    def test_by_inss(self) -> None:
        row = only(read({**GOOD, "company_number": "999.000.129"}))
        assert isinstance(row.person, Inss)
        assert row.person.reveal() == INSS
        assert (row.row, row.days, row.works_number) == (2, (TOMORROW,), WORKS)
        assert row.company_number == "0999000129"

    def test_by_limosa_or_badge(self) -> None:
        plan = read(
            {"limosa": LIMOSA, "day": "today"},
            {"badge_uid": "04:a1:b2:c3:d4:e5:01", "day": "heute"},
        )
        first, second = plan.rows
        assert isinstance(first.person, Limosa)
        assert isinstance(second.person, BadgeUid)
        assert (first.works_number, first.days, second.days) == (None, (TODAY,), (TODAY,))

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("24/11/2026", TOMORROW),
            ("2026-11-24 00:00:00", TOMORROW),
            ("Vandaag", TODAY),
            ("aujourd'hui", TODAY),
            ("aujourd’hui", TODAY),
            ("MORGEN", TOMORROW),
            ("demain", TOMORROW),
            ("22.11.2026", TODAY - timedelta(days=1)),
        ],
    )
    def test_days(self, text: str, day: date) -> None:
        assert only(read({**GOOD, "day": text})).days == (day,)

    def test_a_range(self) -> None:
        row = only(read({"inss": INSS, "from": "today", "until": "26/11/2026"}))
        assert row.days == tuple(TODAY + timedelta(days=number) for number in range(4))

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ({"inss": "", "day": "today"}, (None, "IMP-5004")),
            ({"limosa": LIMOSA}, (None, "IMP-5004")),
            ({"inss": "85031299762"}, ("inss", "IMP-3002")),
            ({"inss": "8,50313E+10"}, ("inss", "IMP-2007")),
            ({"inss": "85031299761.0"}, ("inss", "IMP-2008")),
            ({"inss": "3072199766"}, ("inss", "IMP-2009")),
            ({"inss": "", "limosa": "2,4999E+16"}, ("limosa", "IMP-2007")),
            ({"inss": "", "limosa": "123"}, ("limosa", "IMP-3301")),
            ({"inss": "", "badge_uid": "08112233"}, ("badge_uid", "IMP-3403")),
            ({"works_number": "1Y19FAKE001AZZ"}, ("works_number", "IMP-3201")),
            ({"company_number": "0999000130"}, ("company_number", "IMP-3103")),
            ({"day": ""}, ("day", "IMP-5006")),
            ({"from": "today"}, ("day", "IMP-5006")),
            ({"day": "", "from": "today"}, ("day", "IMP-5006")),
            ({"day": "31/02/2026"}, ("day", "IMP-5005")),
            ({"day": "46387"}, ("day", "IMP-5005")),
            ({"day": "", "from": "tomorrow", "until": "today"}, ("until", "IMP-5007")),
            ({"day": "2062-11-24"}, ("day", "IMP-5008")),
            ({"day": "", "from": "2024-01-01", "until": "today"}, ("until", "IMP-5008")),
            ({"day": "to\u200bday"}, ("day", "IMP-2003")),
            ({"day": "x" * 41}, ("day", "IMP-2002")),
        ],
    )
    def test_each_fault_alone(self, row: dict[str, str], problem: tuple[str | None, str]) -> None:
        plan = read({**GOOD, **row})
        assert found(plan) == [(2, *problem)]
        assert plan.rows == ()
        assert not plan.unreadable

    def test_good_rows_stand_beside_bad_ones(self) -> None:
        plan = read(GOOD, {**GOOD, "inss": "1"}, {**GOOD, "day": "tomorrow"})
        assert [row.row for row in plan.rows] == [2, 4]
        assert (plan.row_count, len(plan.problems)) == (3, 1)

    def test_too_many_days(self) -> None:
        count = ENTRIES_MAX // (DAYS_AHEAD_MAX + 1)
        year = {"inss": INSS, "from": "2026-11-23", "until": "2027-11-24"}
        plan = read(*[year] * (count + 1))
        assert found(plan) == [(count + 2, None, "IMP-5010")]


class TestHeadings:
    @pytest.mark.parametrize(
        "headings",
        [
            "NISS;Jour;Numéro de chantier;Numéro d'entreprise",
            "INSZ;Datum;Werfnummer;Ondernemingsnummer",
            "ENSS;Tag;Baustellennummer;Unternehmensnummer",
            "SSIN;Date;Works number;Enterprise number",
            "rijksregisternummer;dag;werf;kbo",
        ],
    )
    def test_four_languages(self, headings: str) -> None:
        data = f"{headings}\n{INSS};2026-11-24;{WORKS};0999000129\n".encode()
        row = only(read_plan_file(data, TODAY))
        assert (row.works_number, row.company_number) == (WORKS, "0999000129")

    @pytest.mark.parametrize(
        "headings", ["Du;Au", "van;tot en met", "Von;Bis", "from;until", "À partir du;jusqu'au"]
    )
    def test_ranges_in_four_languages(self, headings: str) -> None:
        data = f"inss;{headings}\n{INSS};23/11/2026;24/11/2026\n".encode()
        assert only(read_plan_file(data, TODAY)).days == (TODAY, TOMORROW)

    def test_names_may_stand_there_and_are_not_read(self) -> None:
        data = f"Naam;Voornaam;INSZ;Dag\nAarts;Milan;{INSS};morgen\n".encode()
        plan = read_plan_file(data, TODAY)
        assert only(plan).days == (TOMORROW,)
        assert "Aarts" not in repr(plan)

    @pytest.mark.parametrize(
        ("line", "codes"),
        [
            ("inss;day;shoe size", ["IMP-5002"]),
            ("inss;;day", ["IMP-5002"]),
            ("inss;day;INSZ", ["IMP-1006"]),
            ("inss;works_number", ["IMP-5003"]),
            ("day;works_number", ["IMP-5003"]),
            ("inss;from", ["IMP-5003"]),
            (f"{INSS};{WORKS};???", ["IMP-5002"] * 3),
        ],
    )
    def test_headings_nobody_knows(self, line: str, codes: list[str]) -> None:
        plan = read_plan_file(f"{line}\n{INSS};x;y\n".encode(), TODAY)
        assert [entry.code for entry in plan.problems] == codes
        assert (plan.rows, plan.unreadable) == ((), True)
        assert INSS not in repr(plan)

    def test_every_heading_leads_to_a_column(self) -> None:
        assert set(HEADINGS.values()) == {*COLUMNS, ""}

    def test_the_docs_name_every_column(self) -> None:
        page = (DOCS / "plan.md").read_text(encoding="utf-8")
        assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)[: len(COLUMNS)] == list(COLUMNS)

    def test_the_example_of_the_docs_is_right(self) -> None:
        plan = read_plan_file((DOCS / "examples" / "plan.csv").read_bytes(), TODAY)
        assert found(plan) == []
        assert len(plan.rows) == plan.row_count >= 4


class TestFiles:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "IMP-1001"),
            (b"  \n ", "IMP-1001"),
            (b"inss;day\n", "IMP-1012"),
            ("inss;day\nümlaut".encode("latin-1"), "IMP-1002"),
            ("inss;day".encode("utf-16"), "IMP-1003"),
            (b"PK\x03\x04 and nothing more", "IMP-5001"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "IMP-5001"),
            (b'inss;day\n1;2\n"open', "IMP-1009"),
        ],
    )
    def test_files_that_cannot_be_read(self, data: bytes, code: str) -> None:
        plan = read_plan_file(data, TODAY)
        assert code in [entry.code for entry in plan.problems]
        assert plan.unreadable

    def test_too_many_rows(self) -> None:
        data = b"inss;day\n" + b"1;today\n" * (ROWS_MAX + 1)
        plan = read_plan_file(data, TODAY)
        assert "IMP-1007" in [entry.code for entry in plan.problems]
        assert plan.row_count == ROWS_MAX
        assert plan.unreadable

    def test_a_row_that_is_too_long(self) -> None:
        data = f"inss;day\n{INSS};today;more\n{INSS};today\n".encode()
        plan = read_plan_file(data, TODAY)
        assert found(plan) == [(2, None, "IMP-1011")]
        assert not plan.unreadable


class TestWorkbooks:
    def test_text_and_dates(self) -> None:
        plan = read_plan_file(book((INSS, TOMORROW, WORKS), (INSS, "vandaag", "")), TODAY)
        assert found(plan) == []
        assert [(row.row, row.days) for row in plan.rows] == [(2, (TOMORROW,)), (3, (TODAY,))]

    def test_numbers_as_amounts_are_refused(self) -> None:
        plan = read_plan_file(book((int(INSS), TOMORROW, WORKS), (INSS, 46350, WORKS)), TODAY)
        assert found(plan) == [(2, "inss", "IMP-5011"), (3, "day", "IMP-5005")]

    def test_a_rounded_limosa_is_refused(self) -> None:
        data = book((float(LIMOSA), TODAY), headings=("limosa", "day"))
        assert found(read_plan_file(data, TODAY)) == [(2, "limosa", "IMP-5011")]

    def test_blank_rows_count(self) -> None:
        plan = read_plan_file(book((), (INSS, TODAY, WORKS)), TODAY)
        assert only(plan).row == 3

    def test_an_empty_workbook(self) -> None:
        target = io.BytesIO()
        xlsxwriter.Workbook(target).close()
        assert found(read_plan_file(target.getvalue(), TODAY)) == [(None, None, "IMP-1001")]

    def test_opendocument(self) -> None:
        cell = "<table:table-cell office:value-type='string'><text:p>{}</text:p></table:table-cell>"
        cells = cell.format(INSS) + cell.format("today")
        heads = cells.replace(INSS, "insz").replace("today", "datum")
        content = (
            '<?xml version="1.0"?><office:document-content '
            'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
            'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
            'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
            '<office:spreadsheet><table:table table:name="Plan">'
            f"<table:table-row>{heads}</table:table-row><table:table-row>{cells}</table:table-row>"
            "</table:table></office:spreadsheet></office:body></office:document-content>"
        )
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("META-INF/manifest.xml", "<manifest/>")
            archive.writestr("content.xml", content)
        assert only(read_plan_file(target.getvalue(), TODAY)).days == (TODAY,)

    def test_a_bomb_costs_nothing_but_the_file(self) -> None:
        # Two cells at the far corners: a table of 17 thousand million cells, if it were laid out.
        data = _with_sheet(
            '<row r="1"><c r="A1" t="str"><v>inss</v></c></row>'
            '<row r="1048576"><c r="XFD1048576" t="str"><v>day</v></c></row>'
        )
        assert found(read_plan_file(data, TODAY)) == [(None, None, "IMP-5001")]


def _with_sheet(rows: str) -> bytes:
    """A good workbook with other rows in its sheet."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book())) as good,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for name in good.namelist():
            content = good.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                begin, end = content.index("<sheetData>"), content.index("</sheetData>")
                content = content[:begin] + "<sheetData>" + rows + content[end:]
            changed.writestr(name, content)
    return target.getvalue()


class TestLists:
    def test_the_columns_are_the_keys(self) -> None:
        plan = read_plan_list([GOOD, {"limosa": LIMOSA, "from": "today", "until": None}], TODAY)
        assert [row.row for row in plan.rows] == [1]
        assert found(plan) == [(2, "day", "IMP-5006")]

    @pytest.mark.parametrize(
        ("value", "problems"),
        [
            (None, [(None, None, "IMP-1012")]),
            ({}, [(None, None, "IMP-1012")]),
            ([], [(None, None, "IMP-1012")]),
            ([1], [(1, None, "IMP-5028")]),
            ([{**GOOD, "name": "x"}], [(1, None, "IMP-5028")]),
            ([{**GOOD, "inss": True}], [(1, None, "IMP-5028")]),
            ([{**GOOD, "inss": [INSS]}], [(1, None, "IMP-5028")]),
            ([{**GOOD, "inss": int(INSS)}], [(1, "inss", "IMP-5011")]),
            ([{**GOOD, "day": 46350}], [(1, "day", "IMP-5005")]),
        ],
    )
    def test_what_is_no_list_of_entries(
        self, value: object, problems: list[tuple[int | None, str | None, str]]
    ) -> None:
        assert found(read_plan_list(value, TODAY)) == problems


def taken_or_explained(plan: PlanFile) -> None:
    """Every row is one of the plan or has a problem, and nothing of a cell is repeated."""
    bad = {entry.row for entry in plan.problems}
    assert not {row.row for row in plan.rows} & bad or plan.unreadable
    assert plan.rows or plan.problems
    for entry in plan.problems:
        assert entry.code.startswith("IMP-")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    taken_or_explained(read_plan_file(data, TODAY))


CELLS = st.sampled_from([INSS, LIMOSA, UID, WORKS, "today", "demain", "2026-11-24", "", "x"])


@settings(deadline=None)
@given(st.lists(st.lists(CELLS | st.text(max_size=12), min_size=8, max_size=8), max_size=6))
def test_any_rows_are_taken_or_explained(rows: list[list[str]]) -> None:
    data = csv_of(*[{str(c): text for c, text in zip(COLUMNS, row, strict=True)} for row in rows])
    taken_or_explained(read_plan_file(data, TODAY))


SOUND = book((INSS, TOMORROW, WORKS))


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_damaged_workbook_is_survived(data: st.DataObject) -> None:
    damaged = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(4, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(damaged)))
    taken_or_explained(read_plan_file(bytes(damaged[:cut]), TODAY))
