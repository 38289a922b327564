"""Addresses that are prepared when one of them is first asked for.

All the pages and control orders of the authority take twice as long to prepare as the services
themselves, and most who start one never ask for most of them.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import final

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


@final
class Later(APIRouter):
    """A router that is filled at the first request for an address below one of its heads.

    Args:
        heads: how its addresses begin, each with its slash; one that begins otherwise is refused
            when the router is filled.
        make: returns the addresses; called once.
    """

    def __init__(self, heads: tuple[str, ...], make: Callable[[], APIRouter]) -> None:
        super().__init__()
        self._heads = heads
        self._make: Callable[[], APIRouter] | None = make
        self._lock = Lock()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Returns whether an address of this router is asked for."""
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(self._heads):
            return Match.NONE, {}
        self._fill()
        return super().matches(scope)

    def _fill(self) -> None:
        with self._lock:
            if self._make is None:
                return
            made, self._make = self._make(), None
            for route in made.routes:
                where = str(getattr(route, "path", ""))
                if not where.startswith(self._heads):
                    raise ValueError(f"{where} begins with none of {self._heads}")
            self.include_router(made)
