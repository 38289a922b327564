"""Amounts of contracts: whole cents without VAT, read as people write them in Belgium."""

from __future__ import annotations

import re
from typing import Final

from hub.errors import UsageError

CENTS_MAX: Final = 10**14
"""A thousand milliard euro: more is a mistake of typing, and all sums stay within 64 bits."""

_EURO: Final = re.compile(r"^(?:EUR|€)|(?:EUR|€)$")
_GROUPED: Final = re.compile(r"\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?")


def parse_cents(text: str) -> int:
    """Returns the amount in cents.

    Reads ``480000``, ``480 000,50``, ``480.000,50``, ``480,000.50`` and ``€ 480 000``: three digits
    behind a dot or comma are thousands, one or two at the end are cents. Blanks of every kind
    between digits are skipped.

    Raises:
        UsageError: HUB-1654, no such amount; a negative one is none.
    """
    bare = _EURO.sub("", re.sub(r"\s", "", text).upper().replace("\u2019", "'"))
    if not bare.isascii() or not _GROUPED.fullmatch(bare):
        raise UsageError("HUB-1654")
    decimals = re.search(r"[.,](\d{1,2})$", bare)
    fraction = decimals[1] if decimals else ""
    whole = bare[: decimals.start()] if decimals else bare
    if len(set(re.findall(r"[.,']", whole))) > 1:
        raise UsageError("HUB-1654")
    if decimals and decimals[0][0] in whole:
        raise UsageError("HUB-1654")
    cents = int(re.sub(r"\D", "", whole)) * 100 + int(fraction.ljust(2, "0") or "0")
    if cents > CENTS_MAX:
        raise UsageError("HUB-1654")
    return cents
