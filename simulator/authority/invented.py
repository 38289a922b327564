"""Invented numbers with right check digits, as many as a scenario needs and never one twice.

Person numbers use the sequences 990 to 998, which real births do not reach; enterprise numbers the
blocks 0999 and 1999, believed unassigned; works numbers the series 1Y19, where real serials begin
with 0; Limosa numbers begin with 24999. The check rules are those of `numbers`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, final

from simulator.authority.numbers import WORKS_ALPHABET, company_text, works_number

# Everybody is of age on any day of a scenario.
_BORN_FIRST: Final = date(1960, 1, 1)
_BORN_LAST: Final = date(2007, 12, 31)
_SEQUENCES: Final = range(990, 999)
# Added to the month of a BIS number when the sex is known.
_BIS_MONTHS: Final = 40
# Numbers below these are those of `world.toml` and of examples.
_COMPANY_FIRST: Final = 1000
_LIMOSA_FIRST: Final = 1_000_000

FAMILY_NAMES: Final = (
    "Aarts", "Brasseur", "Claessens", "Delvaux", "Ehrenfeld", "Florescu", "Grabowski", "Hristov",
    "Iqbal", "Janssens", "Kowalczyk", "Lambrechts", "Moreau", "Nowak", "Oliveira", "Peeters",
    "Quintens", "Rossi", "Schmitz", "Tavares", "Urbain", "Vandevelde", "Willems", "Yildiz",
    "Zanetti",
)  # fmt: skip
GIVEN_NAMES: Final = (
    "Alix", "Basile", "Cato", "Denis", "Elif", "Fons", "Gabriela", "Hugo", "Ioana", "Jef", "Kacper",
    "Lieselotte", "Milan", "Noor", "Odile", "Plamen", "Quinten", "Rui", "Sabine", "Tuur", "Ursula",
    "Vasile", "Ward", "Xandra", "Yusuf", "Zofia",
)  # fmt: skip
LANGUAGES: Final = ("fr", "nl", "de", "en", "pl", "pt", "ro", "bg", "uk", "tr", "es", "it")


@final
class Invented:
    """Draws numbers from one seed.

    Args:
        seed: the same seed gives the same numbers in the same order.
    """

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._given: set[str] = set()

    def inss(self) -> str:
        """A national number."""
        return self._new(lambda: self._person(0))

    def bis(self) -> str:
        """A BIS number of a person whose sex is known."""
        return self._new(lambda: self._person(_BIS_MONTHS))

    def company(self) -> str:
        """An enterprise number, ten digits."""
        return self._new(self._company)

    def works(self) -> str:
        """A works number."""
        return self._new(
            lambda: works_number("9" + "".join(self._dice.choices(WORKS_ALPHABET, k=7)))
        )

    def limosa(self) -> str:
        """A Limosa number."""
        return self._new(self._limosa)

    def badge(self) -> str:
        """The UID of a card, 14 hexadecimal digits."""
        return self._new(lambda: f"04{self._dice.randrange(16**12):012X}")

    def name(self) -> tuple[str, str]:
        """Family name and given name; these may come twice, as they do."""
        return self._dice.choice(FAMILY_NAMES), self._dice.choice(GIVEN_NAMES)

    def language(self) -> str:
        """The language of a person."""
        return self._dice.choice(LANGUAGES)

    def _new(self, draw: Callable[[], str]) -> str:
        while (number := draw()) in self._given:
            pass
        self._given.add(number)
        return number

    def _person(self, months: int) -> str:
        days = self._dice.randrange((_BORN_LAST - _BORN_FIRST).days + 1)
        born = _BORN_FIRST + timedelta(days=days)
        sequence = self._dice.choice(_SEQUENCES)
        body = f"{born.year % 100:02d}{born.month + months:02d}{born.day:02d}{sequence}"
        century = 2_000_000_000 if born.year >= 2000 else 0
        return f"{body}{97 - (century + int(body)) % 97:02d}"

    def _company(self) -> str:
        block = self._dice.choice(("0999", "1999"))
        body = f"{block}{self._dice.randrange(_COMPANY_FIRST, 10_000)}"
        return company_text(int(f"{body}{97 - int(body) % 97:02d}"))

    def _limosa(self) -> str:
        body = f"24999{self._dice.randrange(_LIMOSA_FIRST, 10**10):010d}"
        return f"{body}{98 - int(body) * 100 % 97:02d}"
