"""The place of works as it is typed: coordinates, or an address in its parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hub.application.ports import Place
from hub.errors import UsageError

ADDRESS: Final = ("streetName", "houseNumber", "postCode", "municipalityName")
"""Parts of an address in the order they are typed; the in/out service wants all of them."""
_POINT: Final = re.compile(r"(-?\d{1,2}(?:\.\d+)?)\s*[,;]\s*(-?\d{1,3}(?:\.\d+)?)")


def typed_place(coordinates: str, address: Sequence[str] = ()) -> Place | None:
    """Returns the place that was typed; None when nothing was.

    Args:
        coordinates: ``50.8466, 4.3517``: latitude first, degrees (WGS84).
        address: street, house number, postcode and town; whole or not at all.

    Raises:
        UsageError: HUB-1408, no such coordinates, part of an address, or both.
    """
    parts = [part.strip() for part in address]
    if coordinates.strip():
        found = _POINT.fullmatch(coordinates.strip())
        if found is None or any(parts):
            raise UsageError("HUB-1408", what="coordinates", value=coordinates[:40])
        latitude, longitude = float(found[1]), float(found[2])
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise UsageError("HUB-1408", what="coordinates", value=coordinates[:40])
        return Place(longitude=longitude, latitude=latitude)
    if not any(parts):
        return None
    if len(parts) != len(ADDRESS) or not all(parts) or any(len(part) > 80 for part in parts):
        raise UsageError("HUB-1408", what="address", value=" ".join(parts)[:40])
    return Place(address=dict(zip(ADDRESS, parts, strict=True)))
