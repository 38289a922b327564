"""The number of a company: a Belgian enterprise number, or the VAT number of a foreign one.

The two are never mixed up: an enterprise number is ten digits, a foreign VAT number begins with two
letters. Only the first may be sent where the authority's service asks for an enterprise number
(`CompanyID`, `enterpriseNumber`); `enterprise_number` is the only way to it.
"""

from __future__ import annotations

import re
from typing import Final

from hub.domain.identifiers import parse_company_number
from hub.errors import UsageError

NUMBER_MAX: Final = 40
NAME_MAX: Final = 120
# Belgif's type for a foreign VAT number is `^[A-Z]{2}.+`; the national parts differ for each
# country and are not checked; what cannot stand in an address of a page is no part of one.
_FOREIGN: Final = re.compile(r"[A-Z]{2}[A-Z0-9+*_:()]+")
_BELGIAN: Final = re.compile(r"(BE)?[\d\s.\-/]*")


def parse_number(text: str) -> str:
    """Returns the number as it is kept: ten digits, or letters first for a foreign company.

    Args:
        text: ``0999.000.129``, ``BE 0999 000 129`` or ``PL 526-000-12-46``; blanks, dots,
            dashes and slashes are skipped.

    Raises:
        IdentifierError: IMP-3101..IMP-3103, a Belgian number that is none.
        UsageError: HUB-1650, neither digits nor two letters and a national part.
    """
    bare = re.sub(r"\s", "", text).upper()
    if _BELGIAN.fullmatch(bare):
        return parse_company_number(bare)
    number = re.sub(r"[.\-/]", "", bare)
    if len(number) > NUMBER_MAX or not _FOREIGN.fullmatch(number):
        raise UsageError("HUB-1650")
    return number


def enterprise_number(number: str | None) -> str | None:
    """Returns the enterprise number of a company; None for a foreign one, and for none."""
    return number if number and number[0].isdigit() else None


def foreign_vat(number: str | None) -> str | None:
    """Returns the VAT number of a foreign company; None for a Belgian one, and for none."""
    return None if not number or number[0].isdigit() else number


def number_text(number: str) -> str:
    """Returns the number as people read it: ``0999.000.129``, or a foreign one as it is."""
    return f"{number[:4]}.{number[4:7]}.{number[7:]}" if enterprise_number(number) else number
