"""The roll call: who is on the site, ticked off by several phones at once.

    GET  /roll-call             one site; `?site=` another of the own ones
    GET  /roll-call/live        keeps it up to date
    GET  /roll-call/list.pdf    the list on A4
    POST /roll-call/start       begins a roll call
    POST /roll-call/tick        somebody was found, is missing, or neither
    POST /roll-call/end         ends it

It answers without the database too, with the last list that was read and a plain warning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from markupsafe import Markup

from hub.application.access import Actor
from hub.application.overview import SiteName
from hub.application.place_words import place_text
from hub.application.prompt import Prompt
from hub.application.roll_call import Mark, Row, Sheet, by_company
from hub.application.roll_call_desk import Look, RollCallDesk
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import SitegateError, TransientError
from hub.web.drawing import asset, template
from hub.web.frame import draw, go, language_of
from hub.web.in_need import AllowedInNeed
from hub.web.live import (
    BEAT_S,
    Changes,
    Picture,
    SharedPicture,
    compressed,
    stream,
    while_allowed,
)
from hub.web.page_words import PageWords
from hub.web.recent import Recent

DrawList = Callable[[Sheet, str, str], bytes]
"""Draws a sheet in a language as a PDF, with a notice above it."""
SHARE: Final = 0.6
"""Of the time that may go into pictures of a roll call: nothing is as urgent as a name that is
still missing, and gates let people pass without the hub."""
_PROMPT: Final = Prompt()
SEE = AllowedInNeed(Action.ROLL_CALL_SEE, _PROMPT)
CHANGE = AllowedInNeed(Action.ROLL_CALL_CHANGE, _PROMPT)
_Seer = Annotated[Actor, Depends(SEE)]
_Changer = Annotated[Actor, Depends(CHANGE)]
_SiteId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
_FormSite = Annotated[int, Form(ge=1, le=2**31 - 1)]


class RollCallWords(PageWords):
    """Texts of the roll call in one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "roll_call")

    def name(self, row: Row) -> str:
        """Returns what somebody is called; never empty."""
        one = row.entry
        return f"{one.given_name} {one.family_name}".strip() or self("no_name")

    def clock(self, utc_ms: int) -> str:
        """Returns the time of day without its seconds."""
        return self.board.time(utc_ms, seconds=False)

    def where(self, row: Row) -> str:
        """Returns gate and time of the last tap; empty when there was none."""
        one = row.entry
        if one.unsure and one.at_ms is not None:
            day = brussels_day(one.at_ms).isoformat()
            return self("unsure", day=self.board.day(day))
        if not one.gate:
            return ""
        time = self("no_time") if one.at_ms is None else self.clock(one.at_ms)
        place = place_text(one.gate, self.language)
        return self("out", gate=place, time=time) if row.out else f"{place}, {time}"

    def last(self, look: Look) -> str:
        """Returns how the last roll call ended; empty when there was none."""
        call = look.last
        if call is None or call.closed_ms is None:
            return ""
        return self(
            "last",
            day=self.board.day(brussels_day(call.opened_ms).isoformat()),
            begin=self.clock(call.opened_ms),
            end=self.clock(call.closed_ms),
            found=call.found,
            missing=call.remaining,
        )


def roll_call_pages(
    desk: RollCallDesk, draw_list: DrawList, changes: Changes, clock: Callable[[], int]
) -> APIRouter:
    """Returns the addresses of the roll call.

    Args:
        desk: the lists and roll calls; called in worker threads.
        draw_list: `hub.reports.roll_call_apart.roll_call_paper`; pages do not know how paper is
            made.
        changes: notified after each tap and each tick.
        clock: UTC milliseconds.
    """
    router = APIRouter()
    pages = _Pages(desk, changes, clock)
    _add_reading(router, pages, draw_list)
    _add_changing(router, pages)
    return router


class _Pages:
    """What every address of the roll call works with."""

    def __init__(self, desk: RollCallDesk, changes: Changes, clock: Callable[[], int]) -> None:
        self.desk = desk
        self.changes = changes
        self.clock = clock
        self.shared: dict[tuple[int, str, bool], SharedPicture] = {}
        self.recent: Recent[tuple[Look, Picture]] = Recent(changes, clock)

    def sites(self, actor: Actor, action: Action = Action.ROLL_CALL_SEE) -> list[SiteName]:
        """Returns the sites of somebody."""
        scope = actor.scope(action)
        return [
            SiteName(key, name)
            for key, name in self.desk.sites()
            if scope.everything or key in scope.sites
        ]

    def chosen(
        self, actor: Actor, site: int | None, action: Action = Action.ROLL_CALL_SEE
    ) -> SiteName:
        """Returns the site that was asked for, or the first; 404 for one that is not his."""
        for one in self.sites(actor, action):
            if site is None or one.id == site:
                return one
        raise HTTPException(404)

    def picture(self, site_id: int, language: str, may: bool) -> Picture:
        """Returns the sections of a site."""
        return self.looked(site_id, language, may)[1]

    def looked(
        self, site_id: int, language: str, may: bool, *, fresh: bool = False
    ) -> tuple[Look, Picture]:
        """Returns a site and its sections.

        Args:
            fresh: not those of a moment ago.

        Raises:
            LookupError, TransientError: as `RollCallDesk.look`.
        """

        def read() -> tuple[Look, Picture]:
            version = self.changes.version
            look = self.desk.look(site_id)
            return look, self.drawn(look, language, may, version)

        return self.recent.get((site_id, language, may), read, fresh=fresh)

    def drawn(self, look: Look, language: str, may: bool, version: int) -> Picture:
        """Returns the sections as HTML; those who may not tick see no box to tap."""
        words = RollCallWords(language)
        sheet = look.sheet
        values: dict[str, Any] = {
            "words": words,
            "look": look,
            "sheet": sheet,
            "ticking": bool(look.handle) and may,
            "as_of": self.clock() if not look.silent else sheet.list.as_of_ms,
        }
        sections = {"headline": template("roll_call_headline.html").render(**values)}
        drawn_for = language, values["ticking"], not look.handle
        remaining, found = dict(by_company(sheet.remaining)), dict(by_company(sheet.found))
        companies = [name for name, _ in by_company(sheet.here)]
        for kind, rows in (("to", remaining), ("ok", found)):
            part = template(f"roll_call_{kind}.html")
            values["line"] = partial(_draw_row, kind, *drawn_for)
            for company in companies:
                name = f"{kind}-{_digest(company)}"
                people = rows.get(company, [])
                sections[name] = part.render(id=name, company=company, rows=people, **values)
        values["line"] = partial(_draw_row, "others", *drawn_for)
        for key, rows in (("left", sheet.left), ("not_come", sheet.not_come)):
            sections[key] = template("roll_call_others.html").render(id=key, rows=rows, **values)
        # Other companies or another roll call make another page.
        page = _digest(
            f"{sheet.list.site_id} {look.handle} {companies} {asset('roll_call.css')} "
            f"{asset('roll_call.js')} {asset('board.js')}"
        )
        moment = template("roll_call_moment.html").render(page=page, **values)
        return Picture(version, moment, sections)

    def page(
        self,
        request: Request,
        actor: Actor,
        site: int | None,
        error: SitegateError | None = None,
    ) -> Response:
        """Returns the page of a site, with what went wrong above it."""
        words = RollCallWords(language_of(request, actor))
        sites = self.sites(actor)
        if not sites and site is None:
            return draw(request, "roll_call.html", words, actor, sites=sites, site=None, errors=[])
        here = self.chosen(actor, site)
        may = actor.may(Action.ROLL_CALL_CHANGE)
        try:
            # Who has just done something sees what became of it.
            acted = error is not None or "said" in request.query_params
            look, picture = self.looked(here.id, words.language, may, fresh=acted)
        except TransientError as silent:
            errors = words.explained([silent])
            return draw(
                request, "roll_call.html", words, actor, 503, sites=sites, site=None, errors=errors
            )
        return draw(
            request,
            "roll_call.html",
            words,
            actor,
            400 if error else 200,
            sites=sites,
            site=here,
            look=look,
            may=may,
            picture=picture,
            stale_ms=round(2.5 * BEAT_S * 1000),
            errors=words.explained([error] if error else []),
        )


@lru_cache(maxsize=16_384)
def _draw_row(kind: str, language: str, ticking: bool, paper: bool, row: Row) -> Markup:
    """Returns one person of a sheet: a tick changes one row of hundreds or thousands, and every
    screen waits for the picture.

    Args:
        paper: the box is for a pen: no roll call is under way.
    """
    words = RollCallWords(language)
    html = template(f"roll_call_{kind}_row.html").render(
        row=row, words=words, ticking=ticking, paper=paper
    )
    return Markup(html)  # noqa: S704 - the template has escaped it


def _digest(said: str) -> str:
    return hashlib.blake2s(said.encode(), digest_size=5).hexdigest()


def _add_reading(router: APIRouter, pages: _Pages, draw_list: DrawList) -> None:
    @router.api_route("/roll-call", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def page(request: Request, actor: _Seer, site: _SiteId = None) -> Response:
        return pages.page(request, actor, site)

    @router.get("/roll-call/live")
    async def live(
        request: Request, actor: _Seer, site: _SiteId = None, since: str = ""
    ) -> Response:
        here = await run_in_threadpool(pages.chosen, actor, site)
        language, may = language_of(request, actor), actor.may(Action.ROLL_CALL_CHANGE)
        key = (here.id, language, may)
        if key not in pages.shared:
            pages.shared[key] = SharedPicture(
                lambda _: run_in_threadpool(pages.picture, here.id, language, may), SHARE
            )
        since = request.headers.get("Last-Event-ID", since)
        events = stream(pages.changes, pages.shared[key].get, since)
        events = while_allowed(events, SEE.still(request, actor))
        coding: dict[str, str] = {}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            events, coding = compressed(events), {"Content-Encoding": "gzip"}
        return StreamingResponse(events, 200, coding, "text/event-stream")

    @router.get("/roll-call/list.pdf")
    def pdf(request: Request, actor: _Seer, site: _SiteId = None) -> Response:
        here = pages.chosen(actor, site)
        words = RollCallWords(language_of(request, actor))
        try:
            look = pages.desk.look(here.id)
        except TransientError as silent:
            return pages.page(request, actor, site, silent)
        time = words.board.time(look.sheet.list.as_of_ms)
        notice = words("silent", time=time) if look.silent else ""
        content = draw_list(look.sheet, words.language, notice)
        disposition = 'inline; filename="sitegate-roll-call.pdf"'
        return Response(
            content, 200, {"Content-Disposition": disposition}, media_type="application/pdf"
        )


def _add_changing(router: APIRouter, pages: _Pages) -> None:
    change = Action.ROLL_CALL_CHANGE

    @router.post("/roll-call/start")
    def start(request: Request, actor: _Changer, site: _FormSite = 0) -> Response:
        here = pages.chosen(actor, site, change)
        try:
            pages.desk.open(here.id, actor.name, actor.label)
        except TransientError as error:
            return pages.page(request, actor, here.id, error)
        return go(f"/roll-call?site={here.id}", "started")

    @router.post("/roll-call/tick")
    def tick(
        request: Request,
        actor: _Changer,
        site: _FormSite = 0,
        call: Annotated[str, Form()] = "",
        present: Annotated[str, Form()] = "",
        missing: Annotated[str, Form()] = "",
        undone: Annotated[str, Form()] = "",
    ) -> Response:
        here = pages.chosen(actor, site, change)
        said = {Mark.PRESENT: present, Mark.MISSING: missing, Mark.UNDONE: undone}
        mark, token = next(((one, value) for one, value in said.items() if value), (None, ""))
        by_script = "application/json" in request.headers.get("Accept", "")
        if mark is None:
            raise HTTPException(400)
        try:
            news = pages.desk.tick(here.id, call, token, mark, actor.name, actor.label)
        except LookupError:
            raise HTTPException(404) from None
        except SitegateError as error:
            if by_script:
                return JSONResponse({"kept": False, "code": error.code}, 409)
            return pages.page(request, actor, here.id, error)
        return JSONResponse({"kept": True, "news": news}) if by_script else _back(here)

    @router.post("/roll-call/end")
    def end(
        request: Request,
        actor: _Changer,
        site: _FormSite = 0,
        call: Annotated[str, Form()] = "",
    ) -> Response:
        here = pages.chosen(actor, site, change)
        try:
            pages.desk.close(here.id, call, actor.name)
        except SitegateError as error:
            return pages.page(request, actor, here.id, error)
        return go(f"/roll-call?site={here.id}", "ended")


def _back(here: SiteName) -> Response:
    return go(f"/roll-call?site={here.id}")
