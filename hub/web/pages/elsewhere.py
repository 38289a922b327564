"""Logging in with an account elsewhere.

    POST /login/elsewhere           next: sends the browser to the provider
    POST /link/{secret}/elsewhere   the same, to link an invitation
    GET  /login/elsewhere/back      where the provider sends it back to

The browser is sent on by a page and not by a redirect: the policy of the pages lets forms go
nowhere else, and a redirect after a form counts as one (CSP 3, `form-action`). Where no provider is
set these addresses lead back to the login.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from hub.errors import RemoteProtocolError, SitegateError, TransientError, UsageError
from hub.web.access import LOGIN, SESSION_COOKIE, anyone
from hub.web.door import Door
from hub.web.elsewhere import Begun, Elsewhere
from hub.web.entrance import BEFORE_COOKIE, HERE, address_of, check_before, way_on
from hub.web.frame import language_of
from hub.web.pages.entering import Entering

BACK: Final = "/login/elsewhere/back"
_OPEN: Final = [Depends(anyone)]
_EXPECTED: Final = (UsageError, TransientError, RemoteProtocolError)


def elsewhere_pages(door: Door, entering: Entering, elsewhere: Elsewhere) -> APIRouter:
    """Returns the addresses of logging in elsewhere."""
    router = APIRouter()

    async def send(request: Request, token: str, on: str, link: str) -> Response:
        base = entering.office.settings.access.public_url or str(request.base_url)
        going = await elsewhere.begin(
            token, f"{base.rstrip('/')}{BACK}", language_of(request), on, link
        )
        return entering.page(request, "elsewhere.html", [], 200, going=going)

    def refused(request: Request, error: SitegateError, on: str, link: str) -> Response:
        """Where one began, with what was wrong."""
        if not link:
            return entering.login_page(request, on, error=error)
        try:
            row, known = door.look(link)
        except UsageError as dead:
            return entering.dead_page(request, dead)
        return entering.link_page(request, row, known, [error], {}, f"/link/{link}")

    @router.post("/login/elsewhere", dependencies=_OPEN)
    async def begin(request: Request) -> Response:
        fields = await check_before(request)
        on = way_on(fields.get("next", ""))
        if not elsewhere.offered:
            return RedirectResponse(LOGIN, 303)
        try:
            return await send(request, fields["csrf"], on, "")
        except _EXPECTED as error:
            return entering.login_page(request, on, error=error)

    @router.post("/link/{secret}/elsewhere", dependencies=_OPEN)
    async def link(request: Request, secret: str) -> Response:
        fields = await check_before(request)
        if not elsewhere.offered:
            return RedirectResponse(LOGIN, 303)
        try:
            return await send(request, fields["csrf"], HERE, secret)
        except _EXPECTED as error:
            return await run_in_threadpool(refused, request, error, HERE, secret)

    @router.get(BACK, dependencies=_OPEN)
    async def back(request: Request) -> Response:
        if not elsewhere.offered:
            return RedirectResponse(LOGIN, 303)
        said = dict(request.query_params)
        begun: Begun | None = None
        try:
            begun = elsewhere.came_back(
                request.cookies.get(BEFORE_COOKIE, ""), said.get("state", "")
            )
            entered = await elsewhere.let_in(
                begun, said, address_of(request), request.cookies.get(SESSION_COOKIE, "")
            )
        except _EXPECTED as error:
            on, secret = (begun.on, begun.link) if begun is not None else (HERE, "")
            return await run_in_threadpool(refused, request, error, on, secret)
        return await run_in_threadpool(entering.let_in, entered, begun.on, bool(begun.link))

    return router
