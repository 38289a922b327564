"""The numbers of people, companies, works and badges: read, checked, and never shown by accident.

Two kinds of strictness. Check digits that an official text fixes (INSS, BIS, enterprise number)
are errors. Rules that we inferred from samples (works number, Limosa) are doubts: a warning at
data entry, never a refusal, because the rule is not official and other series may exist. What the
schema of the service would fault is an error in both cases, since one schema error faults a whole
call of up to 200 people.

An INSS, a Limosa number and a badge UID are values whose `str`, `repr` and `format` are masked;
only `reveal()` gives the value, so that every look can be found in the source.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Final, Generic, NewType, NoReturn, TypeVar

from stdnum.be import bis, nn, vat
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError

from hub.errors import UsageError

WORKS_NUMBER_MAX: Final = 13
LIMOSA_DIGITS: Final = 17
BADGE_UID_SIZES: Final = (4, 7, 10)

CompanyNumber = NewType("CompanyNumber", str)
"""Enterprise number (KBO/BCE): 10 digits, the leading zero kept."""

WorksNumber = NewType("WorksNumber", str)
"""Number of a declaration of works, upper case, 1..13 characters."""

V = TypeVar("V", str, bytes)

# The alphabet of works numbers: digits and capitals without I and O.
_A34: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SEPARATORS: Final = re.compile(r"[\s.\-/:\u2010-\u2014]")


class IdentifierError(UsageError):
    """The text is not such a number; nothing was made of it. It never holds the text itself."""


class _Masked(Generic[V]):
    """A value that prints as its mask; equal and hashed by what it hides, and immutable."""

    __slots__ = ("_hidden",)
    _hidden: V

    def __init__(self, value: V) -> None:
        object.__setattr__(self, "_hidden", value)

    def reveal(self) -> V:
        """Returns the bare value. Each caller is a place where person data leave their shell."""
        return self._hidden

    def _mask(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return self._mask()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._mask()})"

    def __format__(self, spec: str) -> str:
        return format(self._mask(), spec)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._hidden == other._hidden

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._hidden))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> NoReturn:
        # A pickle would carry the bare value past every mask.
        raise TypeError(f"{type(self).__name__} is not pickled")


class Inss(_Masked[str]):
    """A national or BIS number of 11 digits whose check digits and birth date hold."""

    __slots__ = ()

    def _mask(self) -> str:
        return mask_person_number(self._hidden)


class Limosa(_Masked[str]):
    """A Limosa declaration number of 17 digits; its check rule is a doubt only."""

    __slots__ = ()

    def _mask(self) -> str:
        return mask_limosa(self._hidden)


class BadgeUid(_Masked[bytes]):
    """The fixed UID of a card: 4, 7 or 10 bytes (ISO/IEC 14443-3, single, double, triple size)."""

    __slots__ = ()

    def _mask(self) -> str:
        return f"{len(self._hidden)} bytes"


def mask_person_number(digits: str) -> str:
    """Returns ``85.03.12-***.**``: enough to tell people apart on a list, not to use the number.

    Args:
        digits: the 11 digits of an INSS; any other length is masked whole.
    """
    if len(digits) != 11 or not _is_digits(digits):
        return "*" * 11
    return f"{digits[0:2]}.{digits[2:4]}.{digits[4:6]}-***.**"


def mask_limosa(digits: str) -> str:
    """Returns the last four digits behind 13 stars.

    Args:
        digits: the 17 digits of a Limosa number; any other length is masked whole.
    """
    if len(digits) != LIMOSA_DIGITS or not _is_digits(digits):
        return "*" * LIMOSA_DIGITS
    return "*" * (LIMOSA_DIGITS - 4) + digits[-4:]


def parse_inss(text: str, today: date) -> Inss:
    """Returns a person number whose check digits, date and sequence are possible on `today`.

    Check digits by python-stdnum (`be.nn`, `be.bis`); the rest are the rules of the federal
    validator (Belgif, person identifier): month part at most 52 and at most 12 modulo 20, day
    within its month, both may be 0 (unknown), and sequence neither 000 nor 999 in a national
    number.

    Args:
        text: 11 digits; blanks, dots, dashes and slashes between them are skipped.
        today: Brussels day; a birth date after it is refused.

    Raises:
        IdentifierError: IMP-3001 length or characters, IMP-3002 check digits, IMP-3003 no such
            date, IMP-3004 born in the future, IMP-3005 impossible sequence.
    """
    digits = _SEPARATORS.sub("", text)
    if len(digits) != 11 or not _is_digits(digits):
        raise IdentifierError("IMP-3001", expected=11, found=len(digits))
    century = _century(digits)
    if century is None:
        raise IdentifierError("IMP-3002")
    month_part, day = int(digits[2:4]), int(digits[4:6])
    month = month_part % 20
    if month_part > 52 or month > 12:
        raise IdentifierError("IMP-3003")
    try:
        (nn if month_part <= 12 else bis).validate(digits)
    except InvalidChecksum:
        # python-stdnum tries the rule of 2000 only for years its own clock has reached.
        raise IdentifierError("IMP-3004") from None
    except ValidationError:
        raise IdentifierError("IMP-3003") from None
    year = century + int(digits[0:2])
    # With an unknown month any day that exists in some month can stand (counter exhausted).
    if day > (calendar.monthrange(year, month)[1] if month else 31):
        raise IdentifierError("IMP-3003")
    if (year, month, day) > (today.year, today.month, today.day):
        raise IdentifierError("IMP-3004")
    if month_part <= 12 and digits[6:9] in ("000", "999"):
        raise IdentifierError("IMP-3005")
    return Inss(digits)


def parse_company_number(text: str) -> CompanyNumber:
    """Returns the enterprise number as 10 digits, first digit 0 or 1, check digits right.

    Accepts ``BE 0999.000.129``, and 9 digits whose leading zero a spreadsheet or the `long` of
    the SOAP schema lost. Check: last two digits = 97 - (first eight modulo 97), python-stdnum
    `be.vat`.

    Raises:
        IdentifierError: IMP-3101 length or characters, IMP-3102 first digit (2..8 is an
            establishment unit, not a company), IMP-3103 check digits.
    """
    digits = _SEPARATORS.sub("", text).upper().removeprefix("BE")
    if len(digits) == 9:
        digits = "0" + digits
    if len(digits) != 10 or not _is_digits(digits):
        raise IdentifierError("IMP-3101", expected=10, found=len(digits))
    if digits.endswith("00"):
        # 97 minus a remainder is never 0; the library takes 00 for 97, and a number that a
        # spreadsheet rounded ends so.
        raise IdentifierError("IMP-3103")
    try:
        return CompanyNumber(vat.validate(digits))
    except InvalidComponent:
        raise IdentifierError("IMP-3102") from None
    except ValidationError:
        raise IdentifierError("IMP-3103") from None


def parse_works_number(text: str) -> WorksNumber:
    """Returns the works number in capitals without blanks; its series is not judged here.

    Only what the schema would fault is refused (`WorkPlaceIdType`: string, maxLength 13) and
    characters that cannot stand in XML; see `works_number_doubts` for the rest.

    Raises:
        IdentifierError: IMP-3201 empty, longer than 13 or not printable ASCII.
    """
    number = re.sub(r"\s", "", text)
    # Checked before upper(), which turns some other letters into ASCII.
    if not 1 <= len(number) <= WORKS_NUMBER_MAX or not re.fullmatch(r"[!-~]+", number):
        raise IdentifierError("IMP-3201", limit=WORKS_NUMBER_MAX, found=len(number))
    return WorksNumber(number.upper())


def works_number_doubts(text: str) -> tuple[str, ...]:
    """Returns warning codes for a number that looks mistyped; empty when it looks right.

    The check rule is inferred from 22 distinct published numbers of series ``1Y1``: with the
    34-symbol alphabet (no I, no O), characters 1..11 read as a base-34 integer v, character 12 is
    symbol number v modulo 31 and character 13 is Z. It is not official, so it never blocks, and
    a number of another series raises no doubt about its check character.

    Returns:
        IMP-3202 not 13 characters, IMP-3203 a character outside the alphabet, IMP-3204 check
        character of series 1Y1 wrong.
    """
    number = text.strip().upper()
    if len(number) != WORKS_NUMBER_MAX:
        return ("IMP-3202",)
    if any(symbol not in _A34 for symbol in number):
        return ("IMP-3203",)
    if number.startswith("1Y1"):
        value = 0
        for symbol in number[:11]:
            value = value * 34 + _A34.index(symbol)
        if number[11:] != _A34[value % 31] + "Z":
            return ("IMP-3204",)
    return ()


def parse_limosa(text: str) -> Limosa:
    """Returns a Limosa number of 17 digits; see `limosa_doubts` for its check rule.

    Raises:
        IdentifierError: IMP-3301 not 17 digits.
    """
    digits = _SEPARATORS.sub("", text)
    if len(digits) != LIMOSA_DIGITS or not _is_digits(digits):
        raise IdentifierError("IMP-3301", expected=LIMOSA_DIGITS, found=len(digits))
    return Limosa(digits)


def limosa_doubts(text: str) -> tuple[str, ...]:
    """Returns ``("IMP-3302",)`` when the number modulo 97 is not 1, else nothing.

    Inferred from two samples (ISO 7064 MOD 97-10), which is weak: a warning, never a refusal.

    Args:
        text: what `parse_limosa` accepts; anything else raises no doubt here.
    """
    digits = _SEPARATORS.sub("", text)
    if len(digits) != LIMOSA_DIGITS or not _is_digits(digits):
        return ()
    return () if int(digits) % 97 == 1 else ("IMP-3302",)


def parse_badge_uid(text: str) -> BadgeUid:
    """Returns the UID of a card that shows the same UID at every tap.

    Args:
        text: hexadecimal, 4, 7 or 10 bytes, with or without blanks, colons, dots or dashes.

    Raises:
        IdentifierError: IMP-3401 not hexadecimal, IMP-3402 not 4, 7 or 10 bytes, IMP-3403 a
            random UID (4 bytes beginning with 08: new at each tap, ISO/IEC 14443-3), IMP-3404 the
            first part of a longer UID (4 bytes beginning with 88, the cascade tag).
    """
    digits = _SEPARATORS.sub("", text)
    if not re.fullmatch(r"[0-9A-Fa-f]+", digits):
        raise IdentifierError("IMP-3401")
    if len(digits) not in (8, 14, 20):
        raise IdentifierError("IMP-3402", found=len(digits))
    uid = bytes.fromhex(digits)
    if len(uid) == 4 and uid[0] == 0x08:
        raise IdentifierError("IMP-3403")
    if len(uid) == 4 and uid[0] == 0x88:
        raise IdentifierError("IMP-3404")
    return BadgeUid(uid)


def _century(digits: str) -> int | None:
    """Which rule the check digits follow: 1900, 2000, or None when neither holds."""
    body, check = int(digits[:9]), int(digits[9:])
    if check == 97 - body % 97:
        return 1900
    if check == 97 - (2_000_000_000 + body) % 97:
        return 2000
    return None


def _is_digits(text: str) -> bool:
    # str.isdigit() also takes superscripts and other scripts, which int() or the wire refuse.
    return text.isascii() and text.isdigit()
