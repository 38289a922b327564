"""The people file: what is right is taken whole, what is wrong is named by row and column."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.application.people_file import COLUMNS, ROWS_MAX, PeopleFile, read_people_file
from hub.application.people_report import SHOWN_MAX, render_report, to_json
from hub.application.people_table import column_letter
from hub.i18n import LANGUAGES

TODAY = date(2026, 11, 23)
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "people.csv"

GOOD = {
    "site": "Werf Noord",
    "works_number": "1Y19FAKE001AZ",
    "company_number": "0999000129",
    "company_name": "Bouwwerken Voorbeeld",
    "family_name": "Aarts",
    "given_name": "Milan",
    "inss": "85031299761",
    "limosa": "",
    "badge_uid": "04A1B2C3D4E501",
    "language": "nl",
    "valid_until": "",
}
LIMOSA = {
    **GOOD,
    "company_number": "",
    "company_name": "",
    "inss": "",
    "limosa": "24999000000000187",
    "badge_uid": "04A1B2C3D4E506",
}
OTHER = {**GOOD, "inss": "90110599843", "badge_uid": "04A1B2C3D4E502", "family_name": "Brasseur"}


def csv_of(
    *rows: dict[str, str], separator: str = ",", columns: tuple[str, ...] = COLUMNS
) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return target.getvalue().encode()


def read(*rows: dict[str, str]) -> PeopleFile:
    return read_people_file(csv_of(*rows), TODAY)


def found(people_file: PeopleFile) -> list[tuple[int | None, str | None, str, str]]:
    return [
        (entry.row, entry.column, str(entry.severity), entry.code) for entry in people_file.problems
    ]


def only(people_file: PeopleFile, column: str | None, code: str, row: int | None = 2) -> None:
    """The file is refused for this one error and yields nothing to write."""
    assert found(people_file) == [(row, column, "error", code)]
    assert not people_file.accepted
    assert people_file.rows == ()


def warned(people_file: PeopleFile, column: str, code: str, row: int = 2) -> None:
    assert found(people_file) == [(row, column, "warning", code)]
    assert people_file.accepted
    assert people_file.rows


class TestExample:
    def test_the_example_of_the_docs_is_right(self) -> None:
        people_file = read_people_file(EXAMPLE.read_bytes(), TODAY)
        assert found(people_file) == []
        assert people_file.accepted
        assert people_file.row_count == len(people_file.rows) == 9
        first, florescu = people_file.rows[0], people_file.rows[5]
        assert first.row == 2
        assert (first.site, first.works_number) == ("Werf Noord", "1Y19FAKE001AZ")
        assert (first.company_number, first.company_name) == ("0999000129", "Bouwwerken Voorbeeld")
        assert (first.family_name, first.given_name, first.language) == ("Aarts", "Milan", "nl")
        assert first.inss is not None
        assert first.inss.reveal() == "85031299761"
        assert first.limosa is None
        assert first.badge_uid is not None
        assert first.badge_uid.reveal() == bytes.fromhex("04A1B2C3D4E501")
        assert first.valid_until is None
        assert people_file.rows[2].valid_until == date(2027, 12, 31)
        assert florescu.inss is None
        assert florescu.limosa is not None
        assert florescu.valid_until == date(2027, 12, 31)

    def test_the_docs_name_every_column(self) -> None:
        page = (EXAMPLE.parents[1] / "people-file.md").read_text(encoding="utf-8")
        assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(COLUMNS)


class TestShapes:
    @pytest.mark.parametrize("separator", [",", ";"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("ends", [b"\r\n", b"\n", b"\r"])
    def test_what_spreadsheets_write(self, separator: str, mark: bytes, ends: bytes) -> None:
        data = mark + csv_of(GOOD, OTHER, separator=separator).replace(b"\r\n", ends)
        people_file = read_people_file(data, TODAY)
        assert [row.row for row in people_file.rows] == [2, 3]

    def test_columns_in_any_order_and_case(self) -> None:
        data = csv_of(GOOD, columns=tuple(reversed(COLUMNS))).replace(b"site", b" Site ")
        assert read_people_file(data, TODAY).rows[0].family_name == "Aarts"

    def test_quoted_separators_and_accents(self) -> None:
        row = {**GOOD, "company_name": "Dûpont, Père & Fils", "family_name": "d’Août-Çelik"}
        person = read(row).rows[0]
        assert person.company_name == "Dûpont, Père & Fils"
        assert person.family_name == "d’Août-Çelik"

    def test_two_spellings_of_an_accent_are_one(self) -> None:
        assert read({**GOOD, "given_name": "Zoe\u0308"}).rows[0].given_name == "Zo\u00eb"

    def test_blanks_around_a_cell_are_no_content(self) -> None:
        person = read({**GOOD, "family_name": " \u00a0Aarts ", "valid_until": "  "}).rows[0]
        assert (person.family_name, person.valid_until) == ("Aarts", None)

    def test_rows_are_numbered_as_the_spreadsheet_shows_them(self) -> None:
        lines = csv_of({**GOOD, "site": '"Werf\nNoord"'}, OTHER, {**LIMOSA, "language": "xx"})
        blank = lines.replace(b"\r\n" + b"Werf Noord", b"\r\n,,,,,,,,,,\r\n\r\nWerf Noord", 1)
        assert (2, "site", "error", "IMP-2003") in found(read_people_file(blank, TODAY))
        assert (6, "language", "error", "IMP-2004") in found(read_people_file(blank, TODAY))

    def test_trailing_empty_cells_and_missing_ones_are_nothing(self) -> None:
        data = csv_of(GOOD).replace(b"\r\n", b",,\r\n")
        assert read_people_file(data, TODAY).accepted
        assert read_people_file(csv_of(GOOD)[:-3] + b"\r\n", TODAY).accepted

    def test_as_many_rows_as_allowed(self) -> None:
        line = csv_of({**GOOD, "language": "xx"}).splitlines()[1]
        head = csv_of().strip()
        most = read_people_file(b"\n".join([head] + [line] * ROWS_MAX), TODAY)
        assert most.row_count == ROWS_MAX
        assert "IMP-1007" not in {entry.code for entry in most.problems}
        more = read_people_file(b"\n".join([head] + [line] * (ROWS_MAX + 1)), TODAY)
        assert (None, None, "error", "IMP-1007") in found(more)


class TestFileErrors:
    @pytest.mark.parametrize(
        ("data", "code", "row"),
        [
            (b"", "IMP-1001", None),
            (b" \r\n\t\n", "IMP-1001", None),
            (b"\xef\xbb\xbf", "IMP-1001", None),
            (b"\xef\xbb\xbf\n;;;\n", "IMP-1001", None),
            (b"PK\x03\x04rest", "IMP-1010", None),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "IMP-1010", None),
            (csv_of(GOOD).decode().encode("utf-16"), "IMP-1003", None),
            (csv_of(GOOD).decode().encode("utf-16-le"), "IMP-1003", None),
            (csv_of(GOOD).decode().encode("utf-16-be"), "IMP-1003", None),
            (
                csv_of(OTHER, {**GOOD, "given_name": "André"}).decode().encode("cp1252"),
                "IMP-1002",
                3,
            ),
            (csv_of(), "IMP-1012", None),
            (csv_of() + b",,,\r\n", "IMP-1012", None),
            (b"x" * 20_000_001, "IMP-1008", None),
        ],
    )
    def test_a_file_that_is_no_people_file(self, data: bytes, code: str, row: int | None) -> None:
        only(read_people_file(data, TODAY), None, code, row)

    def test_missing_columns_are_listed(self) -> None:
        data = csv_of(GOOD, columns=tuple(c for c in COLUMNS if c not in ("language", "site")))
        people_file = read_people_file(data, TODAY)
        only(people_file, None, "IMP-1005", 1)
        assert dict(people_file.problems[0].values) == {"missing": "site, language"}

    def test_unknown_and_repeated_columns_are_named_by_letter(self) -> None:
        data = csv_of(GOOD, columns=(*COLUMNS, "shoe size", "site"))
        people_file = read_people_file(data, TODAY)
        assert [entry.code for entry in people_file.problems] == ["IMP-1004", "IMP-1006"]
        assert dict(people_file.problems[0].values)["letter"] == "S"
        assert dict(people_file.problems[1].values)["letter"] == "T"

    def test_a_file_without_headings_quotes_nobody(self) -> None:
        people_file = read_people_file(csv_of(GOOD, OTHER).split(b"\r\n", 1)[1], TODAY)
        assert people_file.rows == ()
        for shown in (render_report(people_file, "fr"), to_json(people_file), repr(people_file)):
            assert "aarts" not in shown.lower()
            assert "99761" not in shown

    def test_a_row_with_too_many_cells(self) -> None:
        data = csv_of(GOOD, OTHER).replace(b"E502,nl,,,,,,,,", b"E502,nl,,,,,,,,,surplus")
        people_file = read_people_file(data, TODAY)
        only(people_file, None, "IMP-1011", 3)
        assert dict(people_file.problems[0].values) == {"expected": 18, "found": 19}

    def test_an_unclosed_quotation_mark(self) -> None:
        data = csv_of(GOOD, OTHER).replace(b"Brasseur", b'"Brasseur')
        only(read_people_file(data, TODAY), None, "IMP-1009", 3)

    @pytest.mark.parametrize(
        ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (702, "AAA")]
    )
    def test_letters_of_columns(self, index: int, letters: str) -> None:
        assert column_letter(index) == letters


class TestCells:
    @pytest.mark.parametrize(
        "column", ["site", "works_number", "family_name", "given_name", "language"]
    )
    def test_needed_cells(self, column: str) -> None:
        only(read({**GOOD, column: " "}), column, "IMP-2001")

    @pytest.mark.parametrize(
        ("column", "limit"),
        [("site", 80), ("company_name", 120), ("family_name", 80), ("given_name", 80)],
    )
    def test_long_cells(self, column: str, limit: int) -> None:
        assert read({**GOOD, column: "é" * limit}).accepted
        people_file = read({**GOOD, column: "é" * (limit + 1)})
        only(people_file, column, "IMP-2002")
        assert dict(people_file.problems[0].values) == {"found": limit + 1, "limit": limit}

    @pytest.mark.parametrize("character", ["\x00", "\n", "\t", "\x1b", "\u202e", "\u2028"])
    def test_invisible_characters(self, character: str) -> None:
        only(read({**GOOD, "given_name": f"Mi{character}lan"}), "given_name", "IMP-2003")

    @pytest.mark.parametrize("code", ["nl", "FR", "uk", "it"])
    def test_languages_a_gate_speaks(self, code: str) -> None:
        assert read({**GOOD, "language": code}).rows[0].language == code.lower()

    @pytest.mark.parametrize("code", ["xx", "dutch", "nl-BE"])
    def test_other_languages(self, code: str) -> None:
        only(read({**GOOD, "language": code}), "language", "IMP-2004")

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("2027-12-31", date(2027, 12, 31)),
            ("2027-1-5", date(2027, 1, 5)),
            ("2027-12-31 00:00:00", date(2027, 12, 31)),
            ("31/12/2027", date(2027, 12, 31)),
            ("1/2/2027", date(2027, 2, 1)),
            ("31.12.2027", date(2027, 12, 31)),
            ("2026-11-23", TODAY),
        ],
    )
    def test_last_days(self, text: str, day: date) -> None:
        people_file = read({**GOOD, "valid_until": text})
        assert found(people_file) == []
        assert people_file.rows[0].valid_until == day

    @pytest.mark.parametrize(
        "text", ["31/02/2027", "12/31/2027", "0000-01-01", "46387", "2027", "31/12/27", "soon"]
    )
    def test_dates_that_are_none(self, text: str) -> None:
        only(read({**GOOD, "valid_until": text}), "valid_until", "IMP-2005")

    def test_a_last_day_that_is_past_warns(self) -> None:
        warned(read({**GOOD, "valid_until": "22/11/2026"}), "valid_until", "IMP-2006")


class TestNumbers:
    @pytest.mark.parametrize(
        ("column", "text", "code"),
        [
            ("inss", "85031299762", "IMP-3002"),
            ("inss", "8503129976", "IMP-3001"),
            ("inss", "85133299716", "IMP-3003"),
            ("company_number", "0999000130", "IMP-3103"),
            ("company_number", "2199000193", "IMP-3102"),
            ("company_number", "12", "IMP-3101"),
            ("works_number", "1Y19FAKE001AZZ", "IMP-3201"),
            ("badge_uid", "hello", "IMP-3401"),
            ("badge_uid", "4A1B2C3D4E501", "IMP-3402"),
            ("badge_uid", "08A1B2C3", "IMP-3403"),
            ("badge_uid", "88A1B2C3", "IMP-3404"),
        ],
    )
    def test_wrong_numbers_are_errors(self, column: str, text: str, code: str) -> None:
        only(read({**GOOD, column: text}), column, code)

    def test_a_limosa_of_the_wrong_length_is_an_error(self) -> None:
        only(read({**LIMOSA, "limosa": "2499900000000018"}), "limosa", "IMP-3301")

    @pytest.mark.parametrize(
        ("number", "code"),
        [
            ("1Y19FAKE001BZ", "IMP-3204"),
            ("1Y19FAKE", "IMP-3202"),
            ("1Y19FAKEO01AZ", "IMP-3203"),
        ],
    )
    def test_a_doubtful_works_number_warns_once(self, number: str, code: str) -> None:
        people_file = read({**GOOD, "works_number": number}, {**OTHER, "works_number": number})
        warned(people_file, "works_number", code)
        assert len(people_file.rows) == 2

    def test_an_unknown_series_is_taken_in_silence(self) -> None:
        assert found(read({**GOOD, "works_number": "2B400000000XY"})) == []

    def test_a_doubtful_limosa_warns(self) -> None:
        warned(read({**LIMOSA, "limosa": "24999000000000188"}), "limosa", "IMP-3302")

    @pytest.mark.parametrize(
        ("column", "text", "code"),
        [
            ("inss", "8.50313E+10", "IMP-2007"),
            ("inss", "8,50313E+10", "IMP-2007"),
            ("inss", "8.5e10", "IMP-2007"),
            ("inss", "85031300000", "IMP-2007"),
            ("company_number", "9.99E+08", "IMP-2007"),
            ("badge_uid", "1.234E+12", "IMP-2007"),
            ("badge_uid", "1E+12", "IMP-2007"),
            ("badge_uid", "12345678.0", "IMP-2020"),
        ],
    )
    def test_what_a_spreadsheet_has_mangled(self, column: str, text: str, code: str) -> None:
        only(read({**GOOD, column: text}), column, code)

    def test_a_mangled_limosa(self) -> None:
        only(read({**LIMOSA, "limosa": "2,4999E+16"}), "limosa", "IMP-2007")

    def test_a_uid_that_looks_like_an_exponent_is_a_uid(self) -> None:
        assert read({**GOOD, "badge_uid": "1234E567"}).accepted

    @pytest.mark.parametrize("text", ["3072199766", "10199875"])
    def test_lost_zeros_of_an_inss_are_named_not_guessed(self, text: str) -> None:
        only(read({**GOOD, "inss": text}), "inss", "IMP-2009")

    def test_the_lost_zero_of_a_company_is_put_back(self) -> None:
        assert read({**GOOD, "company_number": "999000129"}).rows[0].company_number == "0999000129"


class TestIdentity:
    def test_limosa_alone(self) -> None:
        person = read(LIMOSA).rows[0]
        assert person.inss is None
        assert person.company_number is None

    def test_limosa_with_a_company(self) -> None:
        assert found(read({**LIMOSA, "company_number": "0999000228"})) == []

    def test_neither(self) -> None:
        only(read({**GOOD, "inss": ""}), "inss", "IMP-4001")

    def test_inss_without_company(self) -> None:
        row = {**GOOD, "company_number": ""}
        only(read(row), "company_number", "IMP-4002")

    def test_both_warns_that_limosa_alone_is_sent(self) -> None:
        warned(read({**GOOD, "limosa": "24999000000000187"}), "limosa", "IMP-4003")

    def test_a_wrong_number_is_not_also_a_missing_one(self) -> None:
        only(read({**GOOD, "inss": "85031299762"}), "inss", "IMP-3002")

    def test_a_company_name_alone_is_not_kept(self) -> None:
        warned(read({**LIMOSA, "company_name": "Firma"}), "company_name", "IMP-4008")


class TestRowsTogether:
    def test_one_badge_twice(self) -> None:
        people_file = read(GOOD, {**OTHER, "badge_uid": "04:a1:b2:c3:d4:e5:01"})
        only(people_file, "badge_uid", "IMP-4004", 3)
        assert dict(people_file.problems[0].values) == {"first_row": 2}

    def test_one_person_twice(self) -> None:
        only(read(GOOD, {**OTHER, "inss": "85.03.12-997.61"}), "inss", "IMP-4005", 3)
        again = {**LIMOSA, "badge_uid": "04A1B2C3D4E509"}
        only(read(LIMOSA, again), "limosa", "IMP-4005", 3)

    def test_one_company_with_two_names_warns(self) -> None:
        warned(read(GOOD, {**OTHER, "company_name": "Autre"}), "company_name", "IMP-4006", 3)
        assert found(read(GOOD, {**OTHER, "company_name": "BOUWWERKEN voorbeeld"})) == []

    def test_one_works_number_on_two_sites(self) -> None:
        only(read(GOOD, {**OTHER, "site": "Werf Zuid"}), "site", "IMP-4007", 3)


class TestRefusal:
    def test_one_bad_row_among_good_ones_leaves_nothing_to_write(self) -> None:
        people_file = read(GOOD, {**OTHER, "language": "xx"}, LIMOSA)
        only(people_file, "language", "IMP-2004", 3)
        assert people_file.row_count == 3

    def test_all_problems_are_told_at_once_in_the_order_of_rows(self) -> None:
        people_file = read({**GOOD, "inss": "1", "language": "xx"}, {**OTHER, "badge_uid": "zz"})
        assert [(entry.row, entry.code) for entry in people_file.problems] == [
            (2, "IMP-3001"),
            (2, "IMP-2004"),
            (3, "IMP-3401"),
        ]


class TestReport:
    BAD = (
        {**GOOD, "inss": "8,50313E+10", "works_number": "1Y19FAKE001BZ"},
        {**OTHER, "badge_uid": "08112233"},
    )

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_names_row_column_reason_remedy_and_verdict(self, language: str) -> None:
        report = render_report(read(*self.BAD), language)
        assert re.search(r"^2 +inss .*IMP-2007  \S", report, re.MULTILINE)
        assert re.search(r"^2 +works_number .*IMP-3204  \S", report, re.MULTILINE)
        assert re.search(r"^3 +badge_uid .*IMP-3403  \S", report, re.MULTILINE)
        assert re.search(r"^  IMP-2007  .*(Texte|Tekst|Text)", report, re.MULTILINE)

    def test_the_verdict_of_a_refused_and_of_an_accepted_file(self) -> None:
        refused, accepted = render_report(read(*self.BAD), "en"), render_report(read(GOOD), "en")
        assert "Errors: 2. Warnings: 1." in refused
        assert "Nothing was written" in refused
        assert "people 1, badges 1, companies 1, sites 1" in accepted
        assert "Nothing was written" not in accepted

    def test_a_long_list_is_cut_and_says_so(self) -> None:
        rows = [{**GOOD, "language": "xx", "inss": "", "badge_uid": "08"}] * 100
        report = render_report(read(*rows), "en")
        assert len(re.findall(r"^\d+  ", report, re.MULTILINE)) == SHOWN_MAX
        assert "… and 100 more" in report

    def test_json_is_one_line_with_everything(self) -> None:
        shown = to_json(read(*self.BAD), "nl")
        assert "\n" not in shown
        report = json.loads(shown)
        assert report["accepted"] is False
        assert (report["rows"], report["errors"], report["warnings"]) == (2, 2, 1)
        assert report["people"] == 0
        first = report["problems"][0]
        assert set(first) == {
            "row", "column", "severity", "code", "values", "reason", "kept", "next",
        }  # fmt: skip
        assert (first["row"], first["severity"]) == (2, "error")


@st.composite
def messy_rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """Rows whose cells are right, mangled, or of another column."""
    cells = st.sampled_from(
        [*GOOD.values(), *OTHER.values(), *LIMOSA.values(), "8,5E+10", "85031299762", "x" * 200]
    ) | st.text(max_size=12)
    changes = st.dictionaries(st.sampled_from(COLUMNS), cells, max_size=3)
    bases = draw(st.lists(st.sampled_from([GOOD, OTHER, LIMOSA]), min_size=1, max_size=4))
    return [{**base, **draw(changes)} for base in bases]


@settings(max_examples=150)
@given(messy_rows())
def test_any_rows_are_taken_whole_or_explained(rows: list[dict[str, str]]) -> None:
    try:
        data = csv_of(*rows)
    except UnicodeEncodeError:
        return
    people_file = read_people_file(data, TODAY)
    if people_file.accepted:
        assert len(people_file.rows) == people_file.row_count
        for person in people_file.rows:
            assert person.limosa is not None or (person.inss and person.company_number)
    else:
        assert people_file.rows == ()
        assert people_file.errors
    report = render_report(people_file, "de") + to_json(people_file, "fr") + repr(people_file)
    for secret in ("8503129976", "9011059984", "24999000000000187", "04A1B2C3D4E5", "Brasseur"):
        assert secret not in report


@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_explained(data: bytes) -> None:
    people_file = read_people_file(data, TODAY)
    assert people_file.errors
    assert render_report(people_file, "en")


@given(st.binary(max_size=200))
def test_any_bytes_under_good_headings_are_explained(data: bytes) -> None:
    people_file = read_people_file(csv_of() + data, TODAY)
    assert not people_file.accepted
    assert people_file.rows == ()
