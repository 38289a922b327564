"""The cards on the wall: the site's badges, one nobody knows, and two held up together.

Pages and requests name a card by its place on the wall. A card's number stays between this process
and the reader that reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.console.ports import BadgeLike
from simulator.console.texts import text

UNKNOWN_UID: Final = "04ffeeddccbbaa"
TONES: Final = 6
"""Companies with a colour of their own on the wall; more of them share."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card on the wall.

    Args:
        key: its name in requests: its number on the wall, "unknown" or "two".
        uids: what comes into the field with it.
        name: printed on it; empty for the two special ones.
        company: printed on it.
        tone: number of the company's colour, 1..`TONES`; 0 for none.
    """

    key: str
    uids: tuple[str, ...]
    name: str = ""
    company: str = ""
    tone: int = 0

    @property
    def initials(self) -> str:
        """First letters of the first and the last name."""
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:]))

    def title(self, language: str) -> str:
        """Returns what people call this card."""
        return self.name or text(f"card_{self.key}", language)


def wall(badges: Sequence[BadgeLike]) -> dict[str, Card]:
    """Returns the cards of these badges and the special ones by their key, in order."""
    companies = list(dict.fromkeys(badge.company for badge in badges))
    cards = [
        Card(
            str(number),
            (badge.uid,),
            badge.name,
            badge.company,
            companies.index(badge.company) % TONES + 1,
        )
        for number, badge in enumerate(badges, start=1)
    ]
    cards.append(Card("unknown", (UNKNOWN_UID,)))
    # A reader that looks between the two cards sees the one that nobody knows.
    cards.append(Card("two", (UNKNOWN_UID, *(badge.uid for badge in badges[:1]))))
    return {card.key: card for card in cards}
