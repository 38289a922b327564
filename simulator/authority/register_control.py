"""Endpoints under /sim/registers: the fake registers are read and changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Body, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from simulator.authority.entries import EntryError
from simulator.authority.operations import Authority

Kind = Literal["persons", "dimona", "limosa", "companies", "works", "verdicts"]
Content = Annotated[dict[str, object], Body()]
# Ten years, as for every other time that can be asked for.
_LATE_MAX_S = 10 * 366 * 86_400


def register_router(authority: Authority) -> APIRouter:
    """The endpoints of one authority's registers."""
    router = APIRouter(prefix="/sim/registers")

    @router.get("/{kind}")
    def show(kind: Kind) -> list[dict[str, object]]:
        return authority.book.entries(kind)

    @router.post("/{kind}", response_model=None)
    async def put(kind: Kind, content: Content) -> Response | dict[str, object]:
        if kind == "dimona":
            content = _timed(content, authority.clock.world())
        return await _changed(kind, content, remove=False)

    @router.post("/{kind}/remove", response_model=None)
    async def remove(kind: Kind, content: Content) -> Response | dict[str, object]:
        if kind not in ("dimona", "verdicts"):
            raise HTTPException(405, "only dimona and verdicts are removed; others end")
        return await _changed(kind, content, remove=True)

    async def _changed(
        kind: Kind, content: Mapping[str, object], *, remove: bool
    ) -> Response | dict[str, object]:
        try:
            entry = await run_in_threadpool(authority.book.edit, kind, content, remove=remove)
        except EntryError as problem:
            return JSONResponse({"detail": problem.problems}, 422)
        validated = await run_in_threadpool(authority.validate_due)
        return {"entry": entry, "validated": validated}

    return router


def _timed(content: Mapping[str, object], now_ms: int) -> dict[str, object]:
    """A Dimona with `appears_after_s` turned into the instant it stands for."""
    timed = dict(content)
    if "appears_after_s" in timed:
        late_s = timed.pop("appears_after_s")
        if not isinstance(late_s, int | float) or isinstance(late_s, bool):
            raise HTTPException(422, "appears_after_s: seconds expected")
        if not 0 <= late_s <= _LATE_MAX_S or "appears_ms" in timed:
            raise HTTPException(422, "appears_after_s: seconds, without appears_ms, expected")
        timed["appears_ms"] = now_ms + round(late_s * 1000)
    else:
        # Said again without it, it is known from now on.
        timed.setdefault("appears_ms", None)
    return timed
