"""What every answer says to the browser so that a page can be trusted and stays on this hub."""

from __future__ import annotations

import re
from typing import Final

# A CSP source list: 'none', 'self' or origins; nothing that could end the directive (CSP 3, 2.3).
_ANCESTORS: Final = re.compile(r"('none'|'self'|[A-Za-z0-9:/.*\[\]-]+)( [A-Za-z0-9:/.*\[\]'-]+)*")


def security_headers(frame_ancestors: str) -> dict[str, str]:
    """Returns the headers of every answer.

    Nothing is loaded from elsewhere and nothing inline is run or styled. Pages hold names, so no
    cache keeps them.

    Args:
        frame_ancestors: who may show the page in a frame, a CSP source list such as `'none'`.

    Raises:
        ValueError: it is not a source list.
    """
    if not _ANCESTORS.fullmatch(frame_ancestors):
        raise ValueError("frame_ancestors is not a CSP source list")
    headers = {
        "Content-Security-Policy": (
            "default-src 'self'; script-src 'self'; style-src 'self'; "
            "base-uri 'none'; form-action 'self'; object-src 'none'; "
            f"frame-ancestors {frame_ancestors}"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if frame_ancestors == "'none'":
        headers["X-Frame-Options"] = "DENY"
    return headers
