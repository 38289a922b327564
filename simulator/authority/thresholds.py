"""Whether presence registration is compulsory on works: amounts by start day, from a data file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal, cast

CONSTRUCTION: Final = 1
MEAT: Final = 3
SECTORS: Final = (CONSTRUCTION, MEAT)

_FILE = Path(__file__).parent / "thresholds.toml"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether registration is compulsory, and why.

    Attributes:
        compulsory: people must be registered on these works.
        why: `before` (started before there was a duty), `any` (no threshold in the sector),
            `reached` or `below` (the amount against the threshold).
        threshold_eur: the amount compared with; 0 where none is.
        since: first start day this threshold goes for; None where none is.
    """

    compulsory: bool
    why: Literal["before", "any", "reached", "below"]
    threshold_eur: int = 0
    since: date | None = None


def judge(sector: int, start: date, amount_eur: int) -> Verdict:
    """Judges works by sector, start and amount.

    Args:
        sector: 1 construction, 3 meat.
        start: first day of the works.
        amount_eur: of the whole works, all contracts, VAT excluded; 0 or more.

    Source of the amounts and days: `thresholds.toml`. That the day of the start decides and not the
    day of the declaration is how secondary sources put it.
    """
    found = [line for line in _lines() if line[0] == sector and line[1] <= start]
    if not found:
        return Verdict(False, "before")
    _, since, threshold_eur = max(found, key=lambda line: line[1])
    if threshold_eur == 0:
        return Verdict(True, "any", 0, since)
    reached = amount_eur >= threshold_eur
    return Verdict(reached, "reached" if reached else "below", threshold_eur, since)


@cache
def _lines() -> tuple[tuple[int, date, int], ...]:
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    rows = cast("list[dict[str, object]]", content["threshold"])
    return tuple(
        (cast("int", row["sector"]), cast("date", row["from"]), cast("int", row["amount_eur"]))
        for row in rows
    )
