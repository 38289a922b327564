"""What a USB reader types when a card is held to it, and which card that is.

Such a reader is a keyboard to the computer. Which bytes it types in which order is the choice of
its maker, and nothing in what it typed tells it:

| form | four bytes 04 A1 B2 C3 are typed as |
| --- | --- |
| hex | `04A1B2C3`, also with blanks, colons, dots or dashes |
| decimal | `0077705923`: the bytes as one number, ten digits with leading zeros |
| pair | `01185,45763`: two numbers of five digits, 16 bits each (a Wiegand card of 34 bits) |
| each, reversed | the same of C3 B2 A1 04 |

`8H10D` on a reader's leaflet is the decimal form. Seven bytes are typed as hex or as one number of
up to 17 digits. What a reader set to 26 bits types (`8H8D`, `2H4H`, `161,45763`) has three of the
four bytes: several cards would be the same, so it is refused.

A keyboard of Belgium or France writes `&é"'(§è!çà` where the reader means `1234567890`; that is
undone here.

A guess that is wrong would link a card that no gate ever sees. So a card is only taken when the
form is known, or when every reading is the same card; else `matching` finds the form by a card that
was seen at a gate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.domain.identifiers import BadgeUid, IdentifierError, parse_badge_uid
from hub.errors import UsageError

TYPED_MAX: Final = 40
"""Characters; the longest form is ten bytes in hex with separators."""
NXP: Final = 0x04
"""First byte of every seven-byte UID of NXP, who makes nearly all such cards (ISO/IEC 7816-6)."""


class Form(StrEnum):
    """How a reader writes the bytes of a card; the word is used in settings."""

    HEX = "hex"
    DECIMAL = "decimal"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class ReaderForm:
    """What is known of one reader.

    Args:
        form: how it writes.
        reversed: whether it begins with the last byte of the card.
    """

    form: Form
    reversed: bool

    def __str__(self) -> str:
        return f"{self.form}-reversed" if self.reversed else str(self.form)


def reader_form(word: str) -> ReaderForm | None:
    """Returns the form that `str` of it gave; None for any other word."""
    known = [ReaderForm(form, turned) for form in Form for turned in (False, True)]
    return next((one for one in known if str(one) == word), None)


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """One card that the typed text may stand for; its `repr` does not show it."""

    form: ReaderForm
    uid: BadgeUid

    def __repr__(self) -> str:
        return f"Reading({self.form})"


_BELGIAN: Final = str.maketrans("&é\"'(§è!çàqQ", "1234567890aA")
_FRENCH: Final = str.maketrans("&é\"'(-è_çàqQ", "1234567890aA")
_ONLY_BELGIAN: Final = frozenset("§!")
_AZERTY: Final = frozenset("&é\"'(§èçà")
_PAIR: Final = re.compile(r"([0-9]{1,5})[ ,;:.\-/]([0-9]{1,5})")
_SEPARATORS: Final = re.compile(r"[\s:.\-]")


def readings(text: str) -> tuple[Reading, ...]:
    """Returns every card that this may stand for, each with the form it would be in.

    Args:
        text: what the reader typed, with or without blanks and line ends around it.

    Raises:
        UsageError: HUB-1680 it is nothing a reader types, HUB-1681 it holds three bytes of a card
            only.
        IdentifierError: IMP-3403, IMP-3404: every reading is a random UID, or a part of one.
    """
    text = _plain(text[: TYPED_MAX + 1].strip())
    if not text or len(text) > TYPED_MAX:
        raise UsageError("HUB-1680")
    written = [*_as_hex(text), *_as_decimal(text), *_as_pair(text)]
    if not written:
        raise UsageError("HUB-1681" if _is_short(text) else "HUB-1680")
    found: list[Reading] = []
    complaint: IdentifierError | None = None
    for form, data in written:
        for turned in (False, True):
            try:
                uid = parse_badge_uid((data[::-1] if turned else data).hex())
            except IdentifierError as error:
                complaint = complaint or error
                continue
            found.append(Reading(ReaderForm(form, turned), uid))
    if not found and complaint is not None:
        raise complaint
    return tuple(found)


def read(text: str, known: ReaderForm | None) -> BadgeUid | None:
    """Returns the card; None when it may be several and the reader is not known.

    Args:
        text: what the reader typed.
        known: of this reader; None: nobody has said.

    Raises:
        UsageError: as `readings`; HUB-1682 this is not what a reader of the known form types.
    """
    found = readings(text)
    if known is not None:
        fitting = [one.uid for one in found if one.form == known]
        if not fitting:
            raise UsageError("HUB-1682")
        return fitting[0]
    cards = {one.uid for one in found}
    if len(cards) > 1 and all(len(uid.reveal()) == 7 for uid in cards):
        cards = {uid for uid in cards if uid.reveal()[0] == NXP} or cards
    return cards.pop() if len(cards) == 1 else None


def matching(text: str, is_it: Callable[[BadgeUid], bool]) -> ReaderForm | None:
    """Returns the form in which this text is a certain card; None when it is in no form.

    Args:
        text: what the reader typed.
        is_it: whether a card is the one that was seen elsewhere.

    Raises:
        UsageError: as `readings`.
    """
    return next((one.form for one in readings(text) if is_it(one.uid)), None)


def _plain(text: str) -> str:
    """Returns what a keyboard with figures in its upper row would have shown."""
    if not _AZERTY & set(text):
        return text
    french = "-" in text or "_" in text
    return text.translate(_FRENCH if french and not _ONLY_BELGIAN & set(text) else _BELGIAN)


def _as_hex(text: str) -> list[tuple[Form, bytes]]:
    digits = _SEPARATORS.sub("", text)
    if len(digits) not in (8, 14, 20) or not re.fullmatch(r"[0-9A-Fa-f]+", digits):
        return []
    return [(Form.HEX, bytes.fromhex(digits))]


def _as_decimal(text: str) -> list[tuple[Form, bytes]]:
    if not re.fullmatch(r"[0-9]+", text):
        return []
    number = int(text)
    found: list[tuple[Form, bytes]] = []
    # Without its leading zeros it must be too large for three bytes: those have eight digits too.
    whole = len(text) == 10 or (len(text) in (8, 9) and number >= 1 << 24)
    if whole and number < 1 << 32:
        found.append((Form.DECIMAL, number.to_bytes(4, "big")))
    if 14 <= len(text) <= 17 and number < 1 << 56:
        found.append((Form.DECIMAL, number.to_bytes(7, "big")))
    return found


def _as_pair(text: str) -> list[tuple[Form, bytes]]:
    match = _PAIR.fullmatch(text)
    if match is None:
        return []
    high, low = (int(part) for part in match.groups())
    # Three digits before five are a card of 26 bits: the first byte is lost.
    if len(match[1]) < 5 or high > 0xFFFF or low > 0xFFFF:
        return []
    return [(Form.PAIR, (high << 16 | low).to_bytes(4, "big"))]


def _is_short(text: str) -> bool:
    """Whether it is one of the forms with three bytes: 6H, 8D, 3 + 5 digits."""
    if re.fullmatch(r"[0-9A-Fa-f]{6}|[0-9]{7}", text):
        return True
    match = _PAIR.fullmatch(text)
    return match is not None and int(match[1]) < 256 and int(match[2]) <= 0xFFFF
