"""The guard's screen: who has just tapped, whether the gate opened, and what to say if not.

    GET /guard         the newest taps of a site; `?site=` another of his sites
    GET /guard/live    keeps it up to date

It shows names, for a guard who knows faces, and nothing of social security.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, StreamingResponse

from hub.application.access import Actor, Scope
from hub.application.overview import SiteName
from hub.application.passing import Passing, PassingPort
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.rights import Action
from hub.web.access import Allowed, still_allowed
from hub.web.drawing import asset, template
from hub.web.frame import draw, language_of
from hub.web.live import BEAT_S, Changes, Picture, SharedPicture, stream, while_allowed
from hub.web.page_words import PageWords
from protocol.record import DIRECTION_IN, DIRECTION_OUT

SHOWN: Final = 20
"""Taps on the screen: more than come while a guard looks away."""
_Guard = Annotated[Actor, Depends(Allowed(Action.GUARD_SEE))]
_SiteId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
_SHAPES: Final = {DIRECTION_IN: "in", DIRECTION_OUT: "out"}


class GuardWords(PageWords):
    """Texts of the guard's screen in one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "guard")

    def why(self, one: Passing) -> str:
        """Returns why the gate stayed closed."""
        return self.board.reason(one.reason)

    def say(self, one: Passing) -> str:
        """Returns what the guard does about it."""
        key = f"say.{one.reason}"
        return self(key) if self.has(key) else self("say.other")


def guard_pages(passings: PassingPort, changes: Changes, clock: Callable[[], int]) -> APIRouter:
    """Returns the routes of the guard's screen.

    Args:
        passings: the store of the taps; called in worker threads.
        changes: notified after each tap.
        clock: UTC milliseconds.
    """
    router = APIRouter()
    shared: dict[tuple[int, str], SharedPicture] = {}

    def picture(site_id: int, language: str) -> Picture:
        version, now_ms = changes.version, clock()
        begin_ms, _ = day_bounds_ms(brussels_day(now_ms))
        taps = passings.latest(site_id, begin_ms, SHOWN)
        values = {
            "words": GuardWords(language),
            "taps": taps,
            "now_ms": now_ms,
            "site_id": site_id,
            "today": brussels_day(now_ms).isoformat(),
            "shape": partial(_SHAPES.get),
            "asset": asset,
        }
        drawn = {
            name: template(f"guard_{name}.html").render(**values)
            for name in ("headline", "passed", "moment")
        }
        return Picture(version, drawn.pop("moment"), drawn)

    @router.get("/guard", response_class=HTMLResponse)
    def page(request: Request, actor: _Guard, site: _SiteId = None) -> Response:
        sites = _own_sites(passings.sites(), actor.scope(Action.GUARD_SEE))
        words = GuardWords(language_of(request, actor))
        if not sites and site is None:
            return draw(request, "guard.html", words, actor, sites=sites, site=None)
        here = _chosen(sites, site)
        return draw(
            request,
            "guard.html",
            words,
            actor,
            sites=sites,
            site=here,
            picture=picture(here.id, words.language),
            stale_ms=round(2.5 * BEAT_S * 1000),
        )

    @router.get("/guard/live")
    async def live(
        request: Request, actor: _Guard, site: _SiteId = None, since: str = ""
    ) -> Response:
        sites = await run_in_threadpool(passings.sites)
        here = _chosen(_own_sites(sites, actor.scope(Action.GUARD_SEE)), site)
        language = language_of(request, actor)
        key = (here.id, language)
        if key not in shared:
            shared[key] = SharedPicture(lambda _: run_in_threadpool(picture, here.id, language))
        events = stream(changes, shared[key].get, request.headers.get("Last-Event-ID", since))
        events = while_allowed(events, still_allowed(request, actor, Action.GUARD_SEE))
        return StreamingResponse(events, 200, media_type="text/event-stream")

    return router


def _own_sites(sites: tuple[SiteName, ...], scope: Scope) -> tuple[SiteName, ...]:
    return tuple(one for one in sites if scope.everything or one.id in scope.sites)


def _chosen(sites: tuple[SiteName, ...], site_id: int | None) -> SiteName:
    for one in sites:
        if site_id is None or one.id == site_id:
            return one
    raise HTTPException(404)
