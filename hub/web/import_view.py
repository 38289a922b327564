"""What the page of one list shows: its columns, its problems in groups, and its wrong rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hub.application.people_headings import COLUMNS, HEADINGS_BY_LANGUAGE, UNREAD
from hub.application.people_numbers import amount_text
from hub.application.people_sheet import sample
from hub.application.people_table import Problem, Severity, column_letter
from hub.application.workbook import Cell
from hub.i18n import ErrorText, error_text
from hub.storage.import_desk import Looked
from hub.web.page_words import PageWords

PLACES_SHOWN: Final = 200
"""Most rows that are listed for one problem; the file of wrong rows has them all."""
_ASKED: Final = frozenset({"IMP-1004", "IMP-1005"})
"""What the choice of columns asks for, in words of its own."""
UNSAID: Final = "?"
"""Value of a choice that nobody made yet."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column of the list: what it is called, holds, and is taken for."""

    letter: str
    heading: str
    samples: list[str]
    value: str
    recognised: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem is: row and column as the spreadsheet shows them, and whose row it is."""

    row: int
    letter: str
    column: str
    who: str


@dataclass(frozen=True, slots=True)
class Group:
    """One thing that is wrong, and everywhere it is."""

    text: ErrorText
    is_error: bool
    places: list[Place]
    more: int


def column_name(column: str, language: str) -> str:
    """Returns what a column is called in a language."""
    return HEADINGS_BY_LANGUAGE[column][language][0]


def column_options(words: PageWords) -> list[tuple[str, str]]:
    """Returns what a column can be, for a list to choose from."""
    own = [(column, column_name(column, words.language)) for column in COLUMNS]
    return [(UNSAID, words("choose")), (UNREAD, words("not_read")), *own]


def column_choices(looked: Looked) -> list[ColumnChoice]:
    """Returns the columns of a list with what they are taken for."""
    return [
        ColumnChoice(
            column_letter(index),
            heading,
            sample(looked.sheet, index),
            UNSAID if looked.columns[index] is None else looked.columns[index] or UNREAD,
            looked.recognised[index] is not None,
        )
        for index, heading in enumerate(looked.sheet.headings)
    ]


def file_problems(looked: Looked, language: str) -> list[ErrorText]:
    """Returns what is wrong with the file or its columns, so that no row was judged."""
    if looked.people.row_count:
        problems = [entry for entry in looked.people.problems if entry.row is None]
    else:
        problems = [entry for entry in looked.people.problems if entry.code not in _ASKED]
    return list(dict.fromkeys(_explained(entry, language) for entry in problems))


def unknown_columns(looked: Looked) -> list[str]:
    """Returns the letters of the columns that a person must say something of."""
    return [column_letter(i) for i, column in enumerate(looked.columns) if column is None]


def missing_columns(looked: Looked, words: PageWords) -> list[str]:
    """Returns what a list of this actor needs and has not, by names of the language."""
    if not looked.sheet.headings:
        return []
    return [
        f" {words('or')} ".join(column_name(one, words.language) for one in wanted.split(" / "))
        for wanted in looked.rules.required
        if not any(one in looked.columns for one in wanted.split(" / "))
    ]


def groups(looked: Looked, language: str) -> list[Group]:
    """Returns the problems of the rows, each thing once with all its rows, errors first."""
    if not looked.people.row_count:
        return []
    cells = dict(looked.sheet.records)
    places: dict[tuple[bool, ErrorText], list[Place]] = {}
    letters = {column: column_letter(i) for i, column in enumerate(looked.columns) if column}
    for entry in looked.people.problems:
        if entry.row is None:
            continue
        # The numbers in a text differ from row to row: told once, of the first of them.
        key = (entry.severity is Severity.ERROR, _explained(entry, language))
        places.setdefault(key, []).append(
            Place(
                entry.row,
                letters.get(entry.column or "", ""),
                "" if entry.column is None else column_name(entry.column, language),
                _who(looked, cells, entry.row),
            )
        )
    found = [
        Group(text, is_error, where[:PLACES_SHOWN], max(0, len(where) - PLACES_SHOWN))
        for (is_error, text), where in places.items()
    ]
    return sorted(found, key=lambda group: not group.is_error)


def wrong_rows(looked: Looked, language: str, remark: str) -> tuple[list[str], list[list[str]]]:
    """Returns headings and cells of the rows with an error, with what is wrong in a last column.

    The cells are as they were sent, for whoever sent them.
    """
    told: dict[int, list[str]] = {}
    for entry in looked.people.errors:
        if entry.row is not None:
            explained = _explained(entry, language)
            where = "" if entry.column is None else f"{column_name(entry.column, language)}: "
            told.setdefault(entry.row, []).append(
                f"{where}{explained.happened} {explained.next} ({entry.code})"
            )
    width = len(looked.sheet.headings)
    rows: list[list[str]] = []
    for number, cells in looked.sheet.records:
        if number in told:
            texts = [
                amount_text(cell.text) if cell.kind == "number" else cell.text for cell in cells
            ][:width]
            rows.append([*texts, *[""] * (width - len(texts)), "\n".join(told[number])])
    return [*looked.sheet.headings, remark], rows


def _who(looked: Looked, cells: dict[int, list[Cell]], row: int) -> str:
    """The name in a row: who made the list knows it by that."""
    names: list[str] = []
    for column in ("given_name", "family_name"):
        if column in looked.columns:
            place = looked.columns.index(column)
            if row in cells and place < len(cells[row]):
                names.append(cells[row][place].text[:40])
    return " ".join(name for name in names if name)


def _explained(entry: Problem, language: str) -> ErrorText:
    return error_text(entry.code, language, **dict(entry.values))
