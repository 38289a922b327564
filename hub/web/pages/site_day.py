"""The day of a site: who was there, by company and level, with registrations; to read and print.

    GET /day                              today, on every site of whoever asks
    GET /day?day=2026-11-23&site=HANDLE   another day, one site; `&state=` narrows it

It is where an inspector begins. Nothing on it is changed, and nothing comes from elsewhere, so it
works with the internet down. `hub.web.pages.day_list` has the same as files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from hub.application.access import Actor
from hub.application.site_day import Show, SiteDay, part_of
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import day_text
from hub.storage.engine import reading
from hub.storage.site_day import FIRST_DAY, site_days
from hub.storage.sites import SiteRow, Sites
from hub.web.access import Allowed
from hub.web.day_words import SHAPES, TONES, DayWords
from hub.web.frame import draw, language_of
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.recent import Recent

SEE: Final = Allowed(Action.DAY_SEE)
PAGE: Final = 100
"""People on one page; more are on the next one, and the PDF holds everybody."""
DayText = Annotated[str, Query(max_length=20)]
SiteHandle = Annotated[str, Query(max_length=40)]
_Page = Annotated[int, Query(ge=1, le=1_000)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: a day, and a site or all of them."""

    day: date
    site: str = ""

    def query(self, **others: str | int) -> str:
        """Returns the part of an address that asks for the same."""
        chosen = {"day": self.day.isoformat(), "site": self.site, **others}
        return urlencode({name: value for name, value in chosen.items() if value})


def asked_of(day: str, site: str, now_ms: int) -> Asked:
    """Returns what an address asks for.

    Raises:
        UsageError: HUB-1750, that is no day.
    """
    if not day:
        return Asked(brussels_day(now_ms), site)
    try:
        if len(day) != len("2026-11-23"):
            raise UsageError("HUB-1750")
        return Asked(date.fromisoformat(day), site)
    except ValueError:
        raise UsageError("HUB-1750") from None


def days_of(office: Office, actor: Actor, asked: Asked, now_ms: int) -> list[SiteDay]:
    """Returns the lists that an address asks for.

    Raises:
        HTTPException: 404, no such site in scope.
        UsageError: HUB-1750, HUB-1751, the day can have no list.
    """
    with reading(office.engine) as connection:
        try:
            return site_days(connection, office.vault, actor, asked.day, now_ms, asked.site)
        except UsageError as error:
            if error.code == "HUB-1661":
                raise HTTPException(404) from None
            raise


def site_day_pages(office: Office, changes: Changes) -> APIRouter:
    """Returns the page.

    Args:
        changes: counts what a list may have become old by.
    """
    router = APIRouter()
    recent: Recent[list[SiteDay]] = Recent(changes, office.clock)

    @router.get("/day")
    def page(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        day: DayText = "",
        site: SiteHandle = "",
        state: Annotated[str, Query(max_length=20)] = "",
        page: _Page = 1,
    ) -> Response:
        now_ms = office.clock()
        show = Show(state) if state in tuple(Show) else Show.ALL
        try:
            asked = asked_of(day, site, now_ms)
            days = recent.get((actor, asked), lambda: days_of(office, actor, asked, now_ms))
        except UsageError as error:
            return _draw(request, office, actor, Asked(brussels_day(now_ms)), [], show, 1, error)
        return _draw(request, office, actor, asked, days, show, page)

    return router


def _draw(
    request: Request,
    office: Office,
    actor: Actor,
    asked: Asked,
    days: list[SiteDay],
    show: Show,
    page: int,
    error: UsageError | None = None,
) -> Response:
    words = DayWords(language_of(request, actor))
    today = brussels_day(office.clock())
    only = [one.only(show) for one in days]
    pages = max(1, -(-sum(1 for one in only for _ in one.everybody) // PAGE))
    page = min(page, pages)
    state = "" if show is Show.ALL else str(show)
    return draw(
        request,
        "site_day.html",
        words,
        actor,
        400 if error else 200,
        asked=asked,
        days=list(zip(days, part_of(only, (page - 1) * PAGE, page * PAGE), strict=True)),
        show=show,
        shows=tuple(Show),
        state=state,
        sites=_sites(office, actor),
        today=today,
        first_day=FIRST_DAY,
        previous=Asked(asked.day - timedelta(days=1), asked.site),
        following=Asked(asked.day + timedelta(days=1), asked.site),
        current=Asked(today, asked.site),
        page=page,
        pages=pages,
        totals_by_company=lambda of: {one.key: one.totals for one in of.companies},
        tones=TONES,
        shapes_of=SHAPES,
        errors=words.explained([error] if error else []),
        day_text=lambda of: day_text(of, words.language),
    )


def _sites(office: Office, actor: Actor) -> list[SiteRow]:
    with reading(office.engine) as connection:
        return Sites(connection, office.vault, actor, office.clock()).rows(Action.DAY_SEE)
