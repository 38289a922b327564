"""Lists of invented people as a contractor hands them in: right, wrong, and as spreadsheets.

Every number follows the published rules and belongs to nobody: person numbers use sequences 990 to
998, which births do not reach, on varying days.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import xlsxwriter

from hub.application.people_headings import COLUMNS, HEADINGS_BY_LANGUAGE

FAMILY_NAMES = (
    "Aarts", "Brasseur", "Claes", "Dupuis", "Evrard", "Fabry", "Gillard", "Hendrickx", "Istace",
    "Jacobs", "Kaya", "Lambert", "Maes", "Nowak", "Ooms", "Popescu", "Quintin", "Renard", "Smets",
    "Thys", "Urbain", "Verlinden", "Wauters", "Yilmaz", "Zielinski",
)  # fmt: skip
GIVEN_NAMES = ("Milan", "Chloé", "Bart", "Noor", "Luca", "Inès", "Emre", "Ana", "Piotr", "Lotte")
OWN_COMPANY = "0999000129"
OTHER_COMPANY = "0999000228"
WORKS = "1Y19FAKE001AZ"

Row = dict[str, str]


def inss_of(born: date, sequence: int) -> str:
    """The national number of an invented person, 11 digits."""
    body = f"{born:%y%m%d}{sequence:03d}"
    base = int(body) + (2_000_000_000 if born.year >= 2000 else 0)
    return f"{body}{97 - base % 97:02d}"


def limosa_of(number: int) -> str:
    """An invented Limosa number, 17 digits."""
    body = 249990000000000 + number
    return f"{body}{98 - body * 100 % 97:02d}"


def invented_numbers() -> Iterator[str]:
    """National numbers, each different."""
    day = date(1962, 1, 3)
    while True:
        for sequence in range(990, 999):
            yield inss_of(day, sequence)
        day += timedelta(days=17)


def invented_people(count: int, **same: str) -> list[Row]:
    """Rows of people without a fault, by the names of our columns.

    Args:
        **same: cells that are the same in each row.
    """
    numbers = invented_numbers()
    people: list[Row] = []
    for index in range(count):
        people.append(
            {
                "family_name": FAMILY_NAMES[index % len(FAMILY_NAMES)],
                "given_name": GIVEN_NAMES[index // len(FAMILY_NAMES) % len(GIVEN_NAMES)],
                "inss": next(numbers),
                "badge_uid": f"04C0DE{index:08X}",
                "language": ("nl", "fr", "pl", "ro")[index % 4],
                **same,
            }
        )
    return people


@dataclass(frozen=True)
class Wrong:
    """One fault of the list with fourteen.

    Args:
        index: of the row among the people, from 0; the row number is two higher.
        column: where.
        text: what stands there instead.
        code: what it is found to be.
    """

    index: int
    column: str
    text: str
    code: str


FOURTEEN = (
    Wrong(4, "inss", "8.50313E+10", "IMP-2007"),
    Wrong(17, "inss", "62010399091", "IMP-3002"),
    Wrong(23, "family_name", "", "IMP-2001"),
    Wrong(38, "inss", "", "IMP-4001"),
    Wrong(51, "badge_uid", "04C0DEXYZ", "IMP-3401"),
    Wrong(66, "badge_uid", "04C0DE0000000A", "IMP-4004"),
    Wrong(79, "language", "vlaams", "IMP-2004"),
    Wrong(92, "valid_until", "31/02/2027", "IMP-2005"),
    Wrong(105, "company_number", OTHER_COMPANY, "IMP-2023"),
    Wrong(118, "inss", "3072199766", "IMP-2009"),
    Wrong(133, "works_number", "1Y19TEST001FZ", "IMP-2025"),
    Wrong(149, "given_name", "x" * 90, "IMP-2002"),
    Wrong(170, "badge_uid", "088A1B2C", "IMP-3403"),
    Wrong(188, "inss", "85133299716", "IMP-3003"),
)
"""Each is one error of one row, for a contractor who is OWN_COMPANY and takes part in WORKS."""


def two_hundred(wrong: Sequence[Wrong] = FOURTEEN) -> list[Row]:
    """The list of 200 people a contractor hands in, with fourteen wrong rows."""
    people = invented_people(200, company_number=OWN_COMPANY, works_number=WORKS, valid_until="")
    for one in wrong:
        people[one.index][one.column] = one.text
    return people


def headings(columns: Sequence[str], language: str) -> list[str]:
    """How the columns are called in that language; `en` names them as we do when it is empty."""
    return [HEADINGS_BY_LANGUAGE[column][language][0] if language else column for column in columns]


def columns_in(rows: Sequence[Row]) -> list[str]:
    """The columns that the rows have, in our order."""
    return [column for column in COLUMNS if any(column in row for row in rows)]


def csv_file(rows: Sequence[Row], language: str = "", separator: str = ";") -> bytes:
    """The rows as a CSV file with headings in that language."""
    columns = columns_in(rows)
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator)
    writer.writerow(headings(columns, language))
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return target.getvalue().encode()


def xlsx_file(
    rows: Sequence[Row],
    language: str = "",
    *,
    amounts: Sequence[str] = (),
    before: Sequence[str] = (),
    sheet: str = "Personen",
    title: Sequence[str] | None = None,
) -> bytes:
    """The rows as a workbook.

    Args:
        amounts: columns that the spreadsheet keeps as amounts.
        before: names of empty sheets in front of it.
        sheet: name of the sheet with the people.
        title: headings instead of those of the language.
    """
    columns = columns_in(rows)
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        for name in before:
            book.add_worksheet(name)
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, list(title or headings(columns, language)))
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(columns):
                text = row.get(column, "")
                if column in amounts and text.isdigit():
                    page.write_number(number, place, int(text))
                elif text:
                    page.write_string(number, place, text)
    return target.getvalue()
