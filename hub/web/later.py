"""Addresses whose code is prepared when one of them is first asked for.

To prepare a hundred addresses takes longer than to draw the page that somebody waits for while a
hub starts (measured: 0.25 s on two cores, several times that on a Raspberry Pi). Each page of the
office is prepared with the first request below it, once.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class Later(APIRouter):
    """A router that is filled at the first request for an address below one of its heads.

    Args:
        heads: first part of each of its addresses: `people` of `/people/new`. An address with
            another head would never be found; a test holds that there is none.
        makes: each returns some of the addresses, those that must be found first before others;
            called once.
    """

    def __init__(self, heads: str, *makes: Callable[[], APIRouter]) -> None:
        super().__init__()
        self.heads = frozenset(heads.split())
        self._makes = makes
        self._lock = Lock()

    def made(self) -> None:
        """Fills the router, if nobody did before."""
        with self._lock:
            makes, self._makes = self._makes, ()
            for make in makes:
                self.include_router(make())

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Returns whether an address of this router is asked for."""
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.strip("/").partition("/")[0] not in self.heads:
            return Match.NONE, {}
        self.made()
        return super().matches(scope)
