"""Headings in four languages, and numbers after they were in a spreadsheet."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.make_headings import table
from hub.application.people_file import Rules, check_people
from hub.application.people_headings import (
    COLUMNS,
    HEADINGS,
    HEADINGS_BY_LANGUAGE,
    KINDS,
    UNREAD_HEADINGS,
    plain,
    read_kind,
    recognise,
)
from hub.application.people_numbers import written_number
from hub.application.people_sheet import Sheet, columns_of, read_sheet, sample
from hub.application.workbook import Cell
from hub.domain.identifiers import CompanyNumber, IdentifierError, parse_company_number, parse_inss
from hub.i18n import LANGUAGES
from tests.people_files import inss_of, invented_people, limosa_of, xlsx_file

TODAY = date(2026, 11, 23)
OWN = Rules(CompanyNumber("0999000129"), ("1Y19FAKE001AZ",), frozenset(), "nl")


class TestHeadings:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_column_is_known_in_every_language(self, language: str) -> None:
        headings = [HEADINGS_BY_LANGUAGE[column][language][0] for column in COLUMNS]
        assert recognise(headings) == list(COLUMNS)

    def test_no_heading_means_two_columns(self) -> None:
        meant: dict[str, set[str]] = {}
        for column in COLUMNS:
            meant.setdefault(column, set()).add(column)
            for names in HEADINGS_BY_LANGUAGE[column].values():
                for name in names:
                    meant.setdefault(plain(name), set()).add(column)
        for name in UNREAD_HEADINGS:
            meant.setdefault(plain(name), set()).add("")
        assert [name for name, columns in meant.items() if len(columns) > 1] == []
        assert set(meant) == set(HEADINGS)

    @pytest.mark.parametrize(
        ("heading", "column"),
        [
            ("NISS", "inss"), ("insz", "inss"), ("Rijksregister-nummer", "inss"),
            ("RIJKSREGISTERNUMMER", "inss"), ("Numero national", "inss"),
            ("N° national", "inss"), ("Nom", "family_name"), ("Naam", "family_name"),
            ("Prenom ", "given_name"), ("Numéro d’entreprise", "company_number"),
            ("Téléphone", ""), ("", ""), ("Schoenmaat", None), ("!!", None),
        ],
    )  # fmt: skip
    def test_what_offices_write(self, heading: str, column: str | None) -> None:
        assert recognise([heading]) == [column]

    def test_a_second_heading_of_the_same_meaning_is_left_to_a_person(self) -> None:
        assert recognise(["NISS", "INSZ", "Nom"]) == ["inss", None, "family_name"]

    def test_the_page_lists_what_is_understood(self) -> None:
        page = (Path(__file__).resolve().parents[2] / "docs/people-file.md").read_text("utf-8")
        for language in LANGUAGES:
            assert table(language) in page

    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("Salariée", "employee"), ("zelfstandige", "self_employed"),
            ("Intérimaire", "agency"), ("Praktikant", "trainee"),
            ("werkend vennoot", "active_partner"), ("posted worker", "foreign"),
            ("BEZOEKER", "visitor"), ("livreur", "delivery"), ("chef", None),
        ],
    )  # fmt: skip
    def test_kinds(self, word: str, kind: str | None) -> None:
        assert read_kind(word) == kind

    def test_the_kinds_are_those_of_the_register(self) -> None:
        assert {read_kind(kind) for kind in KINDS} == set(KINDS)


class TestSheets:
    def test_the_first_sheet_that_holds_something_or_the_one_that_is_named(self) -> None:
        data = xlsx_file(invented_people(1), "fr", before=("Blad1", "Leeg"))
        found = read_sheet(data)
        assert (found.name, found.names) == ("Personen", ("Blad1", "Leeg", "Personen"))
        assert len(found.records) == 1
        named = read_sheet(data, "Leeg")
        assert [problem.code for problem in named.problems] == ["IMP-1001"]
        unknown = read_sheet(data, "Feuille")
        assert [problem.code for problem in unknown.problems] == ["IMP-1013"]

    def test_a_sample_for_the_eye_shows_no_number(self) -> None:
        people = invented_people(5)
        found = read_sheet(xlsx_file(people, amounts=("inss",)))
        place = found.headings.index("inss")
        for shown in sample(found, place):
            assert shown == people[0]["inss"][:2] + "*" * 9 or shown[2:] == "*" * 9
        assert sample(found, 0)[0] == "Aarts"
        assert "04C0DE" not in "".join(sample(found, found.headings.index("badge_uid")))

    def test_a_sheet_does_not_show_its_cells(self) -> None:
        assert "Aarts" not in repr(read_sheet(xlsx_file(invented_people(1))))

    def test_amounts_of_a_workbook_are_taken_as_they_are_kept(self) -> None:
        people = [row for row in invented_people(20) if not row["inss"].startswith("0")]
        sheet = read_sheet(xlsx_file(people, amounts=("inss",)))
        checked = check_people(sheet, columns_of(sheet), TODAY, OWN)
        assert checked.problems == ()
        got = [row.inss.reveal() for row in checked.rows if row.inss]
        assert got == [row["inss"] for row in people]

    def test_the_example_row_of_a_template_is_left_out(self) -> None:
        example = {**invented_people(1)[0], "family_name": "Voorbeeld", "inss": "85.03.12-997.61"}
        sheet = read_sheet(xlsx_file([example, *invented_people(2)]))
        checked = check_people(sheet, columns_of(sheet), TODAY, OWN)
        assert [(entry.row, entry.code) for entry in checked.problems] == [(2, "IMP-2022")]
        assert len(checked.rows) == 2


class TestCells:
    @pytest.mark.parametrize(
        ("column", "cell", "code"),
        [
            ("inss", Cell("85031299761.5", "number"), "IMP-2007"),
            ("inss", Cell("-85031299761.0", "number"), "IMP-2007"),
            ("inss", Cell("inf", "number"), "IMP-2007"),
            ("inss", Cell("2026-11-23", "day"), "IMP-2021"),
            ("inss", Cell("True", "other"), "IMP-2021"),
            ("limosa", Cell("2.4999e+16", "number"), "IMP-2007"),
            ("limosa", Cell("24999000000000200"), "IMP-2007"),
            ("badge_uid", Cell("12345600.0", "number"), "IMP-2020"),
            ("works_number", Cell("1.0", "number"), "IMP-2020"),
        ],
    )
    def test_what_may_have_lost_something_is_refused(
        self, column: str, cell: Cell, code: str
    ) -> None:
        assert written_number(column, cell) == ("", code)


births = st.dates(date(1940, 1, 1), date(2008, 12, 31))
sequences = st.integers(990, 998)


@settings(max_examples=60, deadline=None)
@given(births, sequences, st.integers(0, 8), st.booleans())
def test_no_spoiled_inss_is_taken_for_another(
    born: date, sequence: int, digits: int, opened: bool
) -> None:
    """Shown with few digits and saved, and the same opened again, where it is an amount."""
    number = inss_of(born, sequence)
    shown = f"{int(number):.{digits}E}"
    for text in (shown, shown.replace(".", ","), shown.lower()):
        assert written_number("inss", Cell(text)) == ("", "IMP-2007")
    cell = Cell(repr(float(shown)), "number") if opened else Cell(f"{float(shown):.0f}")
    assert _accepted("inss", cell) in (None, number)
    # What an amount keeps of it: the same number, or nothing.
    assert _accepted("inss", Cell(repr(float(number)), "number")) in (None, number)
    assert _accepted("inss", Cell(str(int(number)))) in (None, number)
    assert _accepted("inss", Cell(f"{int(number)}.0")) in (None, number)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 99_999), st.integers(0, 14))
def test_no_spoiled_limosa_is_taken_for_another(serial: int, digits: int) -> None:
    number = limosa_of(serial)
    fifteen = number[:15] + "00"
    for cell in (
        Cell(repr(float(number)), "number"),
        Cell(fifteen),
        Cell(f"{fifteen}.0"),
        Cell(f"{int(number):.{digits}E}"),
        Cell(repr(float(f"{int(number):.{digits}E}")), "number"),
    ):
        text, code = written_number("limosa", cell)
        assert (text, code) == ("", "IMP-2007")


@settings(max_examples=60, deadline=None)
@given(st.integers(1_000_000, 19_999_999), st.integers(0, 6))
def test_no_spoiled_company_is_taken_for_another(body: int, digits: int) -> None:
    number = f"{body:08d}{97 - body % 97:02d}"
    shown = f"{int(number):.{digits}E}"
    assert written_number("company_number", Cell(shown)) == ("", "IMP-2007")
    for cell in (
        Cell(repr(float(shown)), "number"),
        Cell(f"{float(shown):.0f}"),
        Cell(repr(float(number)), "number"),
        Cell(str(int(number))),
    ):
        assert _accepted("company_number", cell) in (None, number)


def _accepted(column: str, cell: Cell) -> str | None:
    text, code = written_number(column, cell)
    if code is not None:
        return None
    try:
        if column == "inss":
            return parse_inss(text, TODAY).reveal()
        return parse_company_number(text)
    except IdentifierError:
        return None


def test_an_empty_sheet_has_no_columns() -> None:
    assert check_people(Sheet(), (), TODAY, OWN).row_count == 0
