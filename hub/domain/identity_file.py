"""The identity file of a Belgian eID or residence card: five of its fields, and nothing else of it.

The file is EF(ID#RN), 3F00 DF01 4031: one field after the other, each a tag of one byte, a length
and a value. A length below 128 is one byte; a longer one is written in groups of seven bits, the
most significant first, every byte but the last with its highest bit set. A tag 0 may stand first
(the version of the structure); anywhere else it is the filling behind the last field.

Sources, which agree: the government's middleware (github.com/Fedict/eid-mw: `CTLVBuffer` with
`TlvDecodeLen`, and the tags of `beid_p11.h`) and the ministry's Java library
(github.com/e-Contract/commons-eid: `TlvParser`, `Identity`, `DocumentType`,
`ValidityDateDataConvertor`).

What the chip says is not trusted: its signature is not checked here, so a card can be made that
tells anything. Bounded, never longer than `FILE_MAX`; the number must pass its check digits, and a
person confirms all of it before it is kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from hub.domain.identifiers import IdentifierError, Inss, parse_inss
from hub.errors import RemoteProtocolError

FILE_MAX: Final = 2048
"""Bytes; real files have fewer than 300."""
NAME_MAX: Final = 120
"""Characters of a name that are believed; the card keeps less than 120 bytes of each."""

VALID_UNTIL: Final = 4
NATIONAL_NUMBER: Final = 6
FAMILY_NAME: Final = 7
GIVEN_NAMES: Final = 8
DOCUMENT_TYPE: Final = 15
_WANTED: Final = frozenset({VALID_UNTIL, NATIONAL_NUMBER, FAMILY_NAME, GIVEN_NAMES, DOCUMENT_TYPE})

_LENGTH_BYTES: Final = 2
_DAY: Final = re.compile(r"(\d{2})[. ](\d{2})[. ](\d{4})", re.ASCII)
# Cards of foreigners, by the letter that is printed on them.
_RESIDENCE: Final = {
    "11": "A",
    "12": "B",
    "13": "C",
    "14": "D",
    "15": "E",
    "16": "E+",
    "17": "F",
    "18": "F+",
    "19": "H",
    "20": "I",
    "21": "J",
    "22": "M",
    "23": "N",
    "31": "EU",
    "32": "EU+",
}


class Document(StrEnum):
    """What kind of card it is."""

    CITIZEN = "citizen"
    CHILD = "child"
    RESIDENCE = "residence"
    OTHER = "other"


@dataclass(frozen=True, slots=True, repr=False)
class CardIdentity:
    """Who a card says its holder is. Its `repr` shows nothing of him.

    Args:
        inss: national number (or BIS number) whose check digits hold.
        family_name: as on the card, 1..`NAME_MAX` characters.
        given_names: the first two, 0..`NAME_MAX` characters: some people have none.
        document: kind of card.
        letter: of a residence card, for example ``F+``; else empty.
        valid_until: last day of the card; None when it does not say.
    """

    inss: Inss
    family_name: str
    given_names: str
    document: Document
    letter: str
    valid_until: date | None

    def __repr__(self) -> str:
        return "CardIdentity()"


def read_identity(file: bytes, today: date) -> CardIdentity:
    """Returns the fields of an identity file that we need; every other byte is passed over.

    Args:
        file: the content of EF(ID#RN), 0..`FILE_MAX` bytes.
        today: Brussels day; a birth date after it is refused.

    Raises:
        RemoteProtocolError: HUB-1696, it is no such file; `part` says which field is wrong. The
            error never holds a byte of the file.
    """
    if len(file) > FILE_MAX:
        raise RemoteProtocolError("HUB-1696", part="length")
    values: dict[int, bytes] = {}
    for tag, value in _fields(file):
        if tag in values:
            raise RemoteProtocolError("HUB-1696", part="repeated")
        if tag in _WANTED:
            values[tag] = value
    try:
        number = values.get(NATIONAL_NUMBER, b"").decode("ascii")
        inss = parse_inss(number, today)
    except (UnicodeDecodeError, IdentifierError):
        # Neither error goes on as a cause: one holds the bytes.
        raise RemoteProtocolError("HUB-1696", part="number") from None
    family_name = _name(values.get(FAMILY_NAME, b""), "name")
    if not family_name:
        raise RemoteProtocolError("HUB-1696", part="name")
    document, letter = _document(values.get(DOCUMENT_TYPE, b""))
    return CardIdentity(
        inss,
        family_name,
        _name(values.get(GIVEN_NAMES, b""), "given"),
        document,
        letter,
        _day(values.get(VALID_UNTIL, b"")),
    )


def _fields(file: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields (tag, value) up to the filling or the end.

    Raises:
        RemoteProtocolError: HUB-1696, a length leads out of the file.
    """
    place = 0
    while place < len(file):
        tag = file[place]
        if tag == 0 and place > 0:
            return
        place += 1
        length, place = _length(file, place)
        if place + length > len(file):
            raise RemoteProtocolError("HUB-1696", part="structure")
        yield tag, file[place : place + length]
        place += length


def _length(file: bytes, place: int) -> tuple[int, int]:
    length = 0
    for byte in file[place : place + _LENGTH_BYTES]:
        place += 1
        length = length << 7 | byte & 0x7F
        if not byte & 0x80:
            return length, place
    raise RemoteProtocolError("HUB-1696", part="structure")


def _name(value: bytes, part: str) -> str:
    try:
        text = unicodedata.normalize("NFC", value.decode("utf-8"))
    except UnicodeDecodeError:
        raise RemoteProtocolError("HUB-1696", part=part) from None
    # Unicode calls control, format, private and unassigned characters C*: none is part of a name.
    if any(unicodedata.category(sign).startswith("C") for sign in text):
        raise RemoteProtocolError("HUB-1696", part=part)
    text = " ".join(text.split())
    if len(text) > NAME_MAX:
        raise RemoteProtocolError("HUB-1696", part=part)
    return text


def _document(value: bytes) -> tuple[Document, str]:
    """Kind and letter; a type that is new to us is no reason to refuse a card."""
    kind = value.decode("ascii", "replace").strip("\0 ")
    if kind in _RESIDENCE:
        return Document.RESIDENCE, _RESIDENCE[kind]
    known = {"1": Document.CITIZEN, "6": Document.CHILD}
    return known.get(kind, Document.OTHER), ""


def _day(value: bytes) -> date | None:
    found = _DAY.fullmatch(value.decode("ascii", "replace"))
    if found is None:
        return None
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None
