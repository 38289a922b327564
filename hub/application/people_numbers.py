"""What is left of a number after it was in a spreadsheet.

A spreadsheet keeps a long number as an amount: it shows it rounded (`8.50313E+10`), drops zeros in
front, adds a decimal, takes it for a date. A number that provably lost nothing is taken; one that
did, or may have, is refused with the remedy, because what looks like a number of somebody else is
worse than no number.

What proves it: a cell that the workbook keeps as an amount holds whole numbers below 2^53 exactly
(IEEE 754), whatever it shows; of those a spreadsheet keeps 15 digits, so that a longer one was
rounded when it was typed. The last two digits of an INSS, of an enterprise number and, as far as
is known, of a Limosa number are never `00`: one that ends so was rounded before.
"""

from __future__ import annotations

import re
from typing import Final

from hub.application.workbook import Cell

NUMBER_COLUMNS: Final = frozenset(
    {"inss", "limosa", "company_number", "user_company_number", "foreign_vat", "badge_uid",
     "works_number"}
)  # fmt: skip
EXACT_DIGITS: Final = 15
"""Digits that every spreadsheet keeps of an amount."""

_CHECKED: Final = {"inss": 11, "limosa": 17, "company_number": 10, "user_company_number": 10}
# 8,5E+10 and the like. A UID may read 1234E567, so there only a plus or a decimal mark convicts.
_ROUNDED: Final = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
_ROUNDED_UID: Final = re.compile(r"\d+(?:[.,]\d+[eE]\+?|[eE]\+)\d+")
_DECIMAL: Final = re.compile(r"(\d+)[.,]0+")
_APOSTROPHES: Final = "'\u2019\u2018`\u00b4"


def written_number(column: str, cell: Cell) -> tuple[str, str | None]:
    """Returns the number as it was written, or the code of what was done to it.

    Args:
        column: one of NUMBER_COLUMNS.
        cell: cleaned of blanks around it.

    Returns:
        The text and None; or the empty text and IMP-2007 (rounded, digits are lost), IMP-2020 (a
        card number that was kept as an amount), IMP-2021 (shown as a date).
    """
    if cell.kind in ("day", "other"):
        return "", "IMP-2021"
    if cell.kind == "number":
        return _of_amount(column, cell.text)
    text = cell.text.strip(_APOSTROPHES + " ")
    if column == "works_number":
        return text, None
    rounded = _ROUNDED_UID if column == "badge_uid" else _ROUNDED
    if rounded.fullmatch(text):
        return "", "IMP-2007"
    whole = _DECIMAL.fullmatch(text)
    if whole is not None and column in _CHECKED:
        text = whole[1]
        if len(text) > EXACT_DIGITS:
            return "", "IMP-2007"
    elif whole is not None:
        return "", "IMP-2020"
    if _ends_rounded(column, text):
        return "", "IMP-2007"
    return text, None


def spoiled_number(column: str, text: str) -> str | None:
    """Returns the code of what a spreadsheet did to the text of a number: IMP-2007 rounded it,
    IMP-2008 made it a decimal; None when nothing shows."""
    if column == "works_number":
        return None
    rounded = _ROUNDED_UID if column == "badge_uid" else _ROUNDED
    if rounded.fullmatch(text):
        return "IMP-2007"
    return "IMP-2008" if _DECIMAL.fullmatch(text) else None


def _of_amount(column: str, text: str) -> tuple[str, str | None]:
    if column in ("badge_uid", "works_number", "foreign_vat"):
        # Letters belong in it: `123456E2` typed into a cell is 12345600 ever after.
        return "", "IMP-2020"
    amount = float(text)
    digits = f"{amount:.0f}"
    if not amount.is_integer() or amount < 0 or len(digits) > EXACT_DIGITS:
        return "", "IMP-2007"
    return ("", "IMP-2007") if _ends_rounded(column, digits) else (digits, None)


def _ends_rounded(column: str, text: str) -> bool:
    """Whether it has the right length and ends in a way that no check digits do."""
    digits = re.sub(r"[\s.\-/]", "", text)
    return len(digits) == _CHECKED.get(column) and digits.isdigit() and digits.endswith("00")


def amount_text(text: str) -> str:
    """Returns how an amount in a cell for words reads: `12` for 12.0."""
    amount = float(text)
    return f"{amount:.0f}" if amount.is_integer() and abs(amount) < 2**53 else text
