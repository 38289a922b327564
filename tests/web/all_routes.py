"""Every route of an application, those of the routers that it includes among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount


def all_routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yields each route with its path and dependencies.

    An included router is one entry of `app.routes`, whose own routes are not there: a loop over
    `app.routes` alone would see none of the pages.

    Raises:
        AssertionError: an entry of a kind that is not known here.
    """
    return _each(app.routes)


def _each(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    for one in routes:
        inner: Any = getattr(one, "original_router", None)
        if isinstance(inner, APIRouter):
            yield from _each(inner.routes)
        elif isinstance(one, APIRoute):
            yield one
        else:
            assert isinstance(one, Mount), f"what is {type(one).__name__}?"
