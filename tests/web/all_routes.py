"""Every route of an application, those of the routers that it includes among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from hub.web.later import Later


def all_routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yields each route with its path and dependencies.

    An included router is one entry of `app.routes`, whose own routes are not there: a loop over
    `app.routes` alone would see none of the pages.

    Raises:
        AssertionError: an entry of a kind that is not known here.
    """
    return _each(app.routes)


def later_routers(app: FastAPI) -> Iterator[tuple[frozenset[str], list[APIRoute]]]:
    """Yields each router that is filled later: the heads it is looked for under, its routes."""
    for one in app.routes:
        inner: Any = getattr(one, "original_router", None)
        if isinstance(inner, Later):
            yield inner.heads, list(_each([one]))


def _each(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    for one in routes:
        inner: Any = getattr(one, "original_router", None)
        if isinstance(inner, Later):
            inner.made()
        if isinstance(inner, APIRouter):
            yield from _each(inner.routes)
        elif isinstance(one, APIRoute):
            yield one
        else:
            assert isinstance(one, Mount), f"what is {type(one).__name__}?"
