"""Where each face of the authority is found below one base URL."""

from __future__ import annotations

from typing import Final

from simulator.authority import soap

REST_PATH: Final = "/REST/presenceRegistration/v1"
TOKEN_PATH: Final = "/REST/oauth/v5/token"
PAGES_PATH: Final = "/desktop"
"""Where the pages in the shape of the official channels begin."""
OPENAPI_PATH: Final = f"{REST_PATH}/openapi.json"


def urls(base: str) -> dict[str, str]:
    """The addresses the program prints when it is ready, and `GET /sim/state` repeats."""
    base = base.rstrip("/")
    return soap.urls(base) | {
        "rest": f"{base}{REST_PATH}",
        "token": f"{base}{TOKEN_PATH}",
        "openapi": f"{base}{OPENAPI_PATH}",
        "pages": f"{base}{PAGES_PATH}",
    }
