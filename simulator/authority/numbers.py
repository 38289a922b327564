"""Check rules of the numbers a registration carries, written here independently of the hub.

Status of the rules: INSS, BIS and enterprise number follow the public Belgif validators
(openapi-person-identifier, openapi-organization-identifier). The works-number and Limosa rules are
inferred from public examples and are not official; a simulator may be strict about them, a real
client may only warn.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Final

# Digits and capitals without I and O.
WORKS_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
WORKS_SERIES: Final = "1Y1"


def digits_only(text: str, count: int) -> bool:
    """True if `text` is exactly `count` ASCII digits.

    XML Schema's backslash-d and Python's `str.isdigit` both accept digits of other scripts.
    """
    return len(text) == count and text.isascii() and text.isdigit()


def inss_ok(inss: str, today: date) -> bool:
    """True if an INSS or BIS number has right check digits and a possible date of birth.

    Args:
        inss: 11 digits `YYMMDDSSSCC`; a BIS number has 20 or 40 added to the month.
        today: the Belgian day; nobody is born after it.
    """
    if not digits_only(inss, 11):
        return False
    body, check = int(inss[:9]), int(inss[9:])
    if check == 97 - body % 97 and _born(inss, 1900, today):
        return True
    # From 2000 on, a 2 is put in front of the nine digits.
    return check == 97 - (2_000_000_000 + body) % 97 and _born(inss, 2000, today)


def _born(inss: str, century: int, today: date) -> bool:
    year = century + int(inss[:2])
    month_part, day, sequence = int(inss[2:4]), int(inss[4:6]), inss[6:9]
    month = month_part % 20
    if month_part > 52 or month > 12:
        return False
    if month_part <= 12 and sequence in ("000", "999"):
        return False
    # Month 00 or day 00 means: not known.
    longest = monthrange(year, month)[1] if month else 31
    if day > longest:
        return False
    return date(year, month or 1, (day or 1) if month else 1) <= today


def is_bis(inss: str) -> bool:
    """True if the number is a BIS number (month raised by 20 or 40)."""
    return int(inss[2:4]) > 12


def company_ok(company: int) -> bool:
    """True if an enterprise number is possible.

    Args:
        company: as on the wire, a whole number whose leading zero is lost.
    """
    if not 0 <= company <= 1_999_999_999:
        return False
    text = company_text(company)
    return int(text[8:]) == 97 - int(text[:8]) % 97


def company_text(company: int) -> str:
    """The ten digits of an enterprise number, leading zero restored."""
    return f"{company:010d}"


@lru_cache(maxsize=1024)
def works_number_ok(works: str) -> bool:
    """True if a works number has 13 allowed characters and, in the known series, a right check.

    Numbers of an unknown series pass: their rule is not known.
    """
    if len(works) != 13 or any(symbol not in WORKS_ALPHABET for symbol in works):
        return False
    if not works.startswith(WORKS_SERIES):
        return True
    return works == works_number(works[len(WORKS_SERIES) : 11])


def works_number(serial: str) -> str:
    """The works number of the known series with that serial, check character included.

    Args:
        serial: 8 symbols of the alphabet. Real serials seen so far begin with 0, invented with 9.
    """
    body = WORKS_SERIES + serial
    value = 0
    for symbol in body:
        value = value * len(WORKS_ALPHABET) + WORKS_ALPHABET.index(symbol)
    return f"{body}{WORKS_ALPHABET[value % 31]}Z"


def limosa_ok(limosa: str) -> bool:
    """True if a Limosa number is 17 digits with remainder 1 modulo 97 (ISO 7064 MOD 97-10)."""
    return digits_only(limosa, 17) and int(limosa) % 97 == 1


def masked(number: str) -> str:
    """A person or Limosa number for a page: its last three characters and nothing else."""
    return f"•••{number[-3:]}"
