"""The dashboard: one page that works without JavaScript and is live with it.

    GET /                 the board of the first site; `?site=` another, `?lang=` fr nl de en
    GET /live             server-sent events that bring a page up to date
    GET /api/board.json   the same content for scripts
    GET /balance          the books of a day, `?day=` 2026-11-23, `?site=` one of the sites
    GET /balance.json     the same content for scripts
    GET /healthz          whether the hub can show a board; holds no personal data
    GET /static/...       our own style, script and icon

Every address here only reads; further ones (the office, the plan) are given as routers. Each names
the right it takes (`hub.web.access`). The page loads nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    StreamingResponse,
)
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from hub.application.access import AccessPort, Actor, Scope
from hub.application.balance import BalancePort
from hub.application.overview import AuthorityStatus, GateStatus, OverviewPort
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.i18n import LANGUAGES, negotiate
from hub.web.access import Allowed, anyone, install_access, still_allowed
from hub.web.balance import (
    BooksWithin,
    RecentBooks,
    asked_day,
    balance_json,
    draw_balance,
    newest_alarm,
)
from hub.web.board_acts import may_on_board
from hub.web.drawing import STATIC, draw_failure, draw_moment, draw_page, draw_sections
from hub.web.frame import LANGUAGE_COOKIE, LANGUAGE_COOKIE_S, bar_of, home_of
from hub.web.headers import security_headers
from hub.web.live import (
    Changes,
    Picture,
    SharedPicture,
    compressed,
    stream,
    while_allowed,
)
from hub.web.recent import Recent
from hub.web.scene import Scene, Scenes
from hub.web.words import Words

STREAMS_MAX: Final = 64
"""Most browsers that are kept live at once; one more still has the page and its refresh."""
_SiteId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
_Board = Annotated[Actor, Depends(Allowed(Action.BOARD_SEE))]
_Books = Annotated[Actor, Depends(Allowed(Action.BOOKS_SEE))]
_OPEN: Final = [Depends(anyone)]
_LONG_PAGES: Final = ("/", "/roll-call")


def create_app(
    overview: OverviewPort,
    gates: Callable[[], list[GateStatus]],
    authority: Callable[[], AuthorityStatus],
    changes: Changes,
    clock: Callable[[], int],
    access: AccessPort,
    frame_ancestors: str = "'none'",
    balance: BalancePort | None = None,
    more: Sequence[APIRouter] = (),
    open_alerts: Callable[[Scope], int] | None = None,
) -> FastAPI:
    """Returns the dashboard as an ASGI application.

    Args:
        overview: the store of the board; called in worker threads.
        gates: live state of every gate; called in worker threads, must not block.
        authority: live state of the authority's link; as `gates`.
        changes: `notify` it after anything the page shows has changed, and `close` it before the
            server is asked to stop, or it waits for its streams.
        clock: UTC milliseconds.
        access: knows the sessions.
        frame_ancestors: who may show the page in a frame, a CSP source list.
        balance: the store of the books; None: there is no page of them.
        more: further addresses, for example those of `hub.web.api`.
        open_alerts: how many alerts of a scope nobody has acknowledged; None: none are known.

    Raises:
        ValueError: `frame_ancestors` is not a source list.
    """
    headers = security_headers(frame_ancestors)
    if balance is not None:
        balance = RecentBooks(balance, Recent(changes, clock))
    scenes = Scenes(overview, gates, authority, clock, changes)
    shared: dict[tuple[int | None, Scope, str, frozenset[Action]], SharedPicture] = {}
    streams = _Places(STREAMS_MAX)
    # No interactive documentation: its pages load scripts from elsewhere.
    app = FastAPI(title="Sitegate", docs_url=None, redoc_url=None, openapi_url=None)
    install_access(app, access)
    app.add_middleware(_Headers, headers=headers)
    app.add_middleware(_Compressed)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in more:
        app.include_router(router)

    def picture(
        site_id: int | None, within: Scope, language: str, may: frozenset[Action], newer_than: int
    ) -> Picture:
        return _draw(scenes.take(site_id, within, newer_than + 1), language, may)[0]

    @app.api_route("/", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def page(
        request: Request,
        actor: _Board,
        site: _SiteId = None,
        lang: str | None = None,
        said: str = "",
    ) -> Response:
        language = _language(request, lang, actor)
        # Who has just done something sees what became of it.
        holding = None if said else changes.version
        scene = _found(scenes, site, actor.scope(Action.BOARD_SEE), holding)
        drawn, words = _draw(scene, language, may_on_board(actor))
        alarm = None
        if balance is not None and actor.may(Action.BOOKS_SEE):
            books = BooksWithin(balance, actor.scope(Action.BOOKS_SEE))
            alarm = newest_alarm(books, scene.as_of_ms)
        code = None if alarm is None else alarm.code
        bar = bar_of(actor, request.url.path)
        calls = 0
        if open_alerts is not None and actor.may(Action.ALERTS_SEE):
            calls = open_alerts(actor.scope(Action.ALERTS_SEE))
        return _page(draw_page(scene, words, drawn, site, bar, code, said, calls), language, lang)

    @app.get("/live")
    async def live(
        request: Request,
        actor: _Board,
        site: _SiteId = None,
        lang: str | None = None,
        since: str = "",
    ) -> Response:
        if streams.full:
            return JSONResponse({"status": "full"}, 503, {"Retry-After": "30"})
        within = actor.scope(Action.BOARD_SEE)
        if site is not None:
            await run_in_threadpool(_found, scenes, site, within)
        language = _language(request, lang, actor)
        may = may_on_board(actor)
        key = (site, within, language, may)
        if key not in shared:
            shared[key] = SharedPicture(
                lambda newer_than: run_in_threadpool(
                    picture, site, within, language, may, newer_than
                )
            )

        events = stream(changes, shared[key].get, request.headers.get("Last-Event-ID", since))
        events = while_allowed(events, still_allowed(request, actor, Action.BOARD_SEE))
        coding: dict[str, str] = {}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            events, coding = compressed(events), {"Content-Encoding": "gzip"}
        return StreamingResponse(streams.held(events), 200, coding, "text/event-stream")

    @app.get("/api/board.json")
    def board_json(actor: _Board, site: _SiteId = None) -> Response:
        scene = _found(scenes, site, actor.scope(Action.BOARD_SEE), changes.version)
        return Response(scenes.written(scene), media_type="application/json")

    if balance is not None:
        _add_balance(app, balance, clock)

    @app.api_route("/healthz", methods=["GET", "HEAD"], dependencies=_OPEN)
    def healthz() -> Response:
        return _health(scenes)

    @app.get("/favicon.ico", include_in_schema=False, dependencies=_OPEN)
    def favicon() -> Response:
        return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")

    async def refuse(request: Request, error: Exception) -> Response:
        status, extra = 400, {}
        if isinstance(error, StarletteHTTPException):
            status, extra = error.status_code, dict(error.headers or {})
        actor: Actor | None = getattr(request.state, "actor", None)
        if status == 403 and request.url.path == "/" and actor is not None:
            # Who has no board begins at the first of his own pages.
            return RedirectResponse(home_of(actor), 303)
        return _failure(request, status, extra)

    async def fail(request: Request, error: Exception) -> Response:
        # The server logs the traceback; this answer is made outside of every middleware.
        del error
        return _failure(request, 500, headers)

    app.add_exception_handler(StarletteHTTPException, refuse)
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_exception_handler(Exception, fail)
    return app


def _add_balance(app: FastAPI, balance: BalancePort, clock: Callable[[], int]) -> None:
    @app.api_route("/balance", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def page(
        request: Request,
        actor: _Books,
        day: str | None = None,
        site: _SiteId = None,
        lang: str | None = None,
    ) -> Response:
        language, now_ms = _language(request, lang, actor), clock()
        books = BooksWithin(balance, actor.scope(Action.BOOKS_SEE))
        bar = bar_of(actor, request.url.path)
        try:
            html = draw_balance(books, _day(day, now_ms), site, language, now_ms, bar)
        except LookupError:
            raise HTTPException(404) from None
        return _page(html, language, lang)

    @app.get("/balance.json")
    def json(actor: _Books, day: str | None = None, site: _SiteId = None) -> Response:
        now_ms = clock()
        books = BooksWithin(balance, actor.scope(Action.BOOKS_SEE))
        try:
            return JSONResponse(balance_json(books, _day(day, now_ms), site, now_ms))
        except LookupError:
            raise HTTPException(404) from None


def _day(given: str | None, now_ms: int) -> date:
    day = asked_day(given, brussels_day(now_ms))
    if day is None:
        raise HTTPException(400)
    return day


def _page(html: str, language: str, asked: str | None) -> HTMLResponse:
    """Returns a page in this language, which is remembered when it was asked for."""
    response = HTMLResponse(html)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    if asked in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=LANGUAGE_COOKIE_S,
            httponly=True,
            samesite="lax",
            path="/",
        )
    return response


def _draw(scene: Scene, language: str, may: frozenset[Action]) -> tuple[Picture, Words]:
    words = Words(language, scene.authority)
    sections = draw_sections(scene, words, may)
    return Picture(scene.version, draw_moment(scene, words), sections), words


def _found(scenes: Scenes, site: int | None, within: Scope, holding: int | None = None) -> Scene:
    try:
        return scenes.take(site, within, holding)
    except LookupError:
        raise HTTPException(404) from None


def _language(request: Request, asked: str | None, actor: Actor | None = None) -> str:
    chosen = asked if asked in LANGUAGES else request.cookies.get(LANGUAGE_COOKIE)
    if chosen not in LANGUAGES and actor is not None:
        chosen = actor.language
    return negotiate(request.headers.get("Accept-Language"), chosen)


def _failure(request: Request, status: int, headers: dict[str, str]) -> Response:
    kind = "404" if status == 404 else "400" if status < 500 else "500"
    if request.url.path.startswith(("/api/", "/healthz", "/live", "/balance.json")):
        return JSONResponse({"status": "failed", "code": status}, status, headers)
    language = _language(request, request.query_params.get("lang"))
    return HTMLResponse(draw_failure(kind, Words(language)), status, headers)


def _health(scenes: Scenes) -> Response:
    try:
        as_of_ms, authority = scenes.pulse()
    except SQLAlchemyError:
        return JSONResponse({"status": "failed", "database": False}, 503)
    # For everybody who can reach the hub, so it counts nothing: neither sites nor what is unsent.
    content: dict[str, Any] = {
        "status": "ok",
        "as_of_ms": as_of_ms,
        "database": True,
        "authority": authority.state,
    }
    return JSONResponse(content)


class _Places:
    """Counts live streams; used on the event loop only."""

    def __init__(self, most: int) -> None:
        self._free = most

    @property
    def full(self) -> bool:
        """Whether every place is taken."""
        return self._free <= 0

    async def held(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Passes the events on, holding a place until the browser leaves."""
        # Taken here and not before: a stream whose browser left at once is never begun, and what
        # is never begun is never ended either.
        self._free -= 1
        try:
            async for event in events:
                yield event
        finally:
            self._free += 1


class _Compressed:
    """Compresses files and the pages that are long: a board of 300 people is half a megabyte.

    No page that repeats what was typed: its length would tell whoever listens on the wire, and has
    somebody type, how much of a secret on the page he guessed (BREACH, 2013).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Level 1, as for the streams. What is longer than 128 KiB is compressed in a thread.
        self._small = GZipMiddleware(app, minimum_size=1_000, compresslevel=1)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        wanted = path in _LONG_PAGES or path.startswith("/static/")
        await (self._small if wanted else self._app)(scope, receive, send)


class _Headers:
    """Puts the headers on every answer that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Our own files carry the digest of their content in their address.
        static = scope["path"].startswith("/static/") and b"v=" in scope["query_string"]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = list(message["headers"]) + [
                    (name, b"public, max-age=31536000, immutable")
                    if static and name == b"cache-control"
                    else (name, value)
                    for name, value in self._headers
                    if name not in given
                ]
            await send(message)

        await self._app(scope, receive, with_headers)
