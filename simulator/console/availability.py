"""A hand on the simulated authority: how well it can be reached, set by its own HTTP endpoint."""

from __future__ import annotations

import ssl
from typing import Final

import httpx2

MODES: Final = ("up", "down", "drop-after-commit", "refuse")
"""Of the authority's modes, those the page offers, in its order."""
TIMEOUT_S: Final = 2.0


class AuthorityAway(Exception):
    """The authority's control endpoint did not answer as it should; nothing was changed."""


class AuthoritySwitch:
    """Reads and sets the authority's mode.

    Args:
        url: address of the authority, ends with a slash.
    """

    def __init__(self, url: str) -> None:
        # Proxies of the environment and whom it trusts (a tenth of a second to read) are for the
        # world outside; the authority is on this machine.
        self._client = httpx2.AsyncClient(
            base_url=url,
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def mode(self) -> str:
        """Returns the mode now.

        Raises:
            AuthorityAway: it does not answer.
        """
        return await self._ask("GET", "sim/state", None)

    async def set(self, mode: str) -> str:
        """Sets the mode for good; returns the mode it then has.

        Args:
            mode: one of `MODES`.

        Raises:
            AuthorityAway: it does not answer.
        """
        return await self._ask("POST", "sim/availability", {"mode": mode})

    async def close(self) -> None:
        """Closes the connections kept open."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, order: dict[str, str] | None) -> str:
        try:
            response = await self._client.request(method, path, json=order)
            response.raise_for_status()
            mode = response.json()["mode"]
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise AuthorityAway(type(error).__name__) from error
        if not isinstance(mode, str):
            raise AuthorityAway("mode")
        return mode
