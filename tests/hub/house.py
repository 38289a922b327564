"""A hub's data folder for tests, with a site, people and terminals, and records to feed it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hub.application.people_file import read_people_file
from hub.application.terminals import TerminalKey
from hub.domain.legal_day import brussels_day
from hub.storage.engine import writing
from hub.storage.house import DATABASE, House, open_house
from hub.storage.register import Register
from protocol.limits import RECORD_SIZE
from protocol.record import (
    DIRECTION_IN,
    KIND_TAP,
    QUALITY_HUB,
    REASON_NONE,
    VERDICT_GRANTED,
    pack_record_into,
)
from tests import copies

NOON_MS = 1_795_431_600_000  # Monday 23 November 2026, 12:00 in Brussels
JOURNAL = b"journal1"
HEADER = (
    "site;works_number;company_number;company_name;family_name;given_name;inss;limosa;"
    "badge_uid;language;valid_until"
)
PEOPLE = f"""{HEADER}
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken;Aarts;Milan;85031299761;;04A1B2C3D4E501;nl;
Werf Noord;1Y19FAKE001AZ;0999000228;Toitures;Gillard;Basile;03072199766;;04A1B2C3D4E507;fr;
Werf Noord;1Y19FAKE001AZ;;;Kowalik;Piotr;;24999000000000187;04A1B2C3D4E50B;en;
"""
_KEYS: Final[dict[str, tuple[TerminalKey, TerminalKey]]] = {}
MILAN, BASILE, PIOTR = (bytes.fromhex(f"04A1B2C3D4E5{end}") for end in ("01", "07", "0B"))


@dataclass
class TestHouse:
    """An open house with one gate in and one gate out."""

    __test__ = False
    house: House
    gate_in: TerminalKey
    gate_out: TerminalKey

    def tag(self, uid: bytes) -> bytes:
        """The badge tag of a card."""
        return self.house.vault.tag(uid)


@contextmanager
def people_house(folder: Path, people: str = PEOPLE) -> Iterator[TestHouse]:
    """Opens a house with these people and two gates; the same people have the same keys."""
    name = f"house-{hashlib.sha256(people.encode()).hexdigest()}"
    made = copies.original(name, lambda to: _KEYS.update({name: _furnish(to, people)}))
    if made is None or (folder / DATABASE).exists():
        gates = _furnish(folder, people)
    else:
        shutil.copytree(made, folder, dirs_exist_ok=True)
        gates = _KEYS[name]
    with closing(open_house(folder)) as house:
        yield TestHouse(house, *gates)


def _furnish(folder: Path, people: str) -> tuple[TerminalKey, TerminalKey]:
    """Puts people and gates into a house; returns the keys of the gates."""
    with closing(open_house(folder)) as house:
        rows = read_people_file(people.encode(), brussels_day(NOON_MS)).rows
        with writing(house.engine) as connection:
            register = Register(connection, house.vault)
            register.import_people(rows, NOON_MS)
            return (
                register.add_terminal("gate-in", "In", "Werf Noord", "in", NOON_MS),
                register.add_terminal("gate-out", "Out", "Werf Noord", "out", NOON_MS),
            )


def record(
    seq: int,
    data: bytes,
    at_ms: int,
    *,
    kind: int = KIND_TAP,
    direction: int = DIRECTION_IN,
    verdict: int = VERDICT_GRANTED,
    reason: int = REASON_NONE,
    quality: int = QUALITY_HUB,
    boot: int = 1,
    ticks_ms: int = 0,
) -> bytes:
    """One record as a gate packs it; `at_ms` 0 for an unknown time."""
    buffer = bytearray(RECORD_SIZE)
    pack_record_into(
        buffer, 0, seq, kind, direction, verdict, reason, quality,
        at_ms // 1000, at_ms % 1000, boot, ticks_ms, data,
    )  # fmt: skip
    return bytes(buffer)
