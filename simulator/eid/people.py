"""Identity files of people who do not exist, as a Belgian card carries them.

Every number is invented: sequence 99x, which no birth reaches. Names, places and card numbers are
made up. Field tags and forms are those that public readers of the card expect (eid-mw,
commons-eid); the order is that of the tags.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Holder:
    """What a card says of its holder.

    Args:
        national_number: 11 digits.
        family_name: as printed.
        given_names: the first two.
        document: type of card: "1" citizen, "6" child, "11".."32" residence.
        valid_until: ``DD.MM.YYYY``.
        born: as printed on the card, in its language.
        nationality: in the language of the card.
        sex: one letter, in the language of the card.
    """

    national_number: str
    family_name: str
    given_names: str
    document: str = "1"
    valid_until: str = "30.06.2031"
    born: str = "12 MAAR 1985"
    nationality: str = "Belg"
    sex: str = "M"


CITIZEN: Final = Holder("85031299761", "Verzonnen", "Bram Proef")
RESIDENCE: Final = Holder(
    "90110599843",
    "Ngùyễn-Inventée",
    "Zoë Modèle",
    document="17",
    born="05 NOV  1990",
    nationality="Vietnam",
    sex="F",
)
BIS_HOLDER: Final = Holder(
    "90431599864", "Fictivo", "", document="15", born="15 MARS 1990", nationality="Italie", sex="F"
)
EXPIRED: Final = Holder("99123199544", "Erfunden", "Anton", valid_until="01.02.2020")
HOLDERS: Final = {
    "citizen": CITIZEN,
    "residence": RESIDENCE,
    "bis": BIS_HOLDER,
    "expired": EXPIRED,
}


def identity_file(holder: Holder, filling: int = 24) -> bytes:
    """Returns the content of EF(ID#RN).

    Args:
        holder: whose card it is.
        filling: zero bytes behind the last field, as a file of fixed size has them.
    """
    fields = (
        (1, b"592999999991"),
        (2, bytes.fromhex("534C494E00000000000000000000FFFF")),
        (3, b"01.07.2021"),
        (4, holder.valid_until.encode()),
        (5, b"Verzinnegem"),
        (6, holder.national_number.encode()),
        (7, holder.family_name.encode()),
        (8, holder.given_names.encode()),
        (9, b""),
        (10, holder.nationality.encode()),
        (11, b"Verzinnegem"),
        (12, holder.born.encode()),
        (13, holder.sex.encode()),
        (14, b""),
        (15, holder.document.encode()),
        (16, b"0"),
        (17, hashlib.sha384(b"no photo").digest()),
    )
    return b"".join(field(tag, value) for tag, value in fields) + bytes(filling)


def field(tag: int, value: bytes) -> bytes:
    """Returns one field; a length from 128 on takes two bytes of seven bits each."""
    length = len(value)
    if length < 0x80:
        return bytes([tag, length]) + value
    return bytes([tag, 0x80 | length >> 7, length & 0x7F]) + value
