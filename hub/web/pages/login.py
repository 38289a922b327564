"""Logging in and out, and what links from elsewhere open.

    GET  /login           the form; `?next=` a path of this hub to go on to
    POST /login           login, password
    GET  /login/second    the form for a code of the second factor
    POST /login/second    code
    POST /logout
    GET  /link/{secret}   what the link is for; looking at it changes nothing
    POST /link/{secret}   uses it: sets up the hub, sets a password, or logs in

All but the last of a login are open to everybody. Their forms are bound to the browser, see
`hub.web.entrance`.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.errors import TransientError, UsageError
from hub.storage.links import LinkRow, Purpose
from hub.web.access import LOGIN, SESSION_COOKIE, Allowed, anyone, signed_in
from hub.web.door import Door, Entered
from hub.web.entrance import (
    HERE,
    address_of,
    check_before,
    forget_session,
    way_on,
)
from hub.web.frame import go, home_of
from hub.web.office import Office
from hub.web.pages.entering import SECOND, Entering, status_of

_OPEN: Final = [Depends(anyone)]
_Next = Annotated[str, Query(alias="next")]


def login_pages(office: Office, door: Door, entering: Entering) -> APIRouter:
    """Returns the addresses that let people in and out."""
    router = APIRouter()
    settings = office.settings.access

    # ------------------------------------------------------------ password

    @router.get(LOGIN, dependencies=_OPEN)
    async def ask(request: Request, on: _Next = "") -> Response:
        actor = await signed_in(request)
        if actor is not None:
            return RedirectResponse(home_of(actor) if not on else way_on(on), 303)
        return entering.login_page(request, way_on(on))

    @router.post(LOGIN, dependencies=_OPEN)
    async def log_in(request: Request) -> Response:
        fields = await check_before(request)
        on, login = way_on(fields.get("next", "")), fields.get("login", "")
        try:
            entered = await door.quietly(
                lambda: door.log_in(
                    login,
                    fields.get("password", ""),
                    address_of(request),
                    request.cookies.get(SESSION_COOKIE, ""),
                )
            )
        except (UsageError, TransientError) as error:
            return entering.login_page(request, on, login, error)
        return await run_in_threadpool(entering.let_in, entered, on)

    # ------------------------------------------------------------ second factor

    @router.get(SECOND, dependencies=_OPEN)
    def ask_code(request: Request, on: _Next = "") -> Response:
        if door.sessions.pending(request.cookies.get(SESSION_COOKIE, "")) is None:
            return RedirectResponse(LOGIN, 303)
        return entering.page(request, "second.html", [], 200, on=way_on(on))

    @router.post(SECOND, dependencies=_OPEN)
    async def prove(request: Request) -> Response:
        fields = await check_before(request)
        on = way_on(fields.get("next", ""))
        try:
            entered = await door.quietly(
                lambda: door.prove(
                    request.cookies.get(SESSION_COOKIE, ""),
                    fields.get("code", ""),
                    address_of(request),
                )
            )
        except (UsageError, TransientError) as error:
            if error.code == "HUB-1600":
                return RedirectResponse(LOGIN, 303)
            return entering.page(request, "second.html", [error], status_of(error), on=on)
        return await run_in_threadpool(entering.let_in, entered, on)

    # ------------------------------------------------------------ out

    @router.post("/logout")
    def log_out(
        request: Request, actor: Annotated[Actor, Depends(Allowed(Action.OWN_ACCOUNT))]
    ) -> Response:
        door.leave(request.cookies.get(SESSION_COOKIE, ""), actor.account_id or 0)
        response = RedirectResponse(f"{LOGIN}?said=out", 303)
        forget_session(response, settings)
        return response

    # ------------------------------------------------------------ links

    @router.get("/link/{secret}", dependencies=_OPEN)
    def look(request: Request, secret: str) -> Response:
        try:
            row, known = door.look(secret)
        except UsageError as error:
            # Who opens the link again that let him in is in.
            actor = door.sessions.actor(request.cookies.get(SESSION_COOKIE, ""))
            return entering.dead_page(request, error) if actor is None else go(home_of(actor))
        return entering.link_page(request, row, known, [], {})

    @router.post("/link/{secret}", dependencies=_OPEN)
    async def use(request: Request, secret: str) -> Response:
        fields = await check_before(request)
        try:
            row, known = await run_in_threadpool(door.look, secret)
        except UsageError as error:
            return entering.dead_page(request, error)
        try:
            entered = await door.quietly(lambda: _use(door, secret, row, fields))
        except (UsageError, TransientError) as error:
            if error.code == "HUB-1602":
                return entering.dead_page(request, error)
            return entering.link_page(request, row, known, [error], fields)
        welcome = row.purpose in (Purpose.SETUP, Purpose.INVITATION)
        return await run_in_threadpool(entering.let_in, entered, HERE, welcome)

    return router


def same_password(fields: dict[str, str]) -> str:
    """Returns a new password that was typed twice the same.

    Raises:
        UsageError: HUB-1605, the two differ.
    """
    password = fields.get("password", "")
    if password != fields.get("again", ""):
        raise UsageError("HUB-1605")
    return password


def _use(door: Door, secret: str, row: LinkRow, fields: dict[str, str]) -> Entered:
    if row.purpose in (Purpose.LOGIN, Purpose.WORKER):
        return door.take_login(secret)
    password = same_password(fields)
    if row.purpose is Purpose.SETUP:
        return door.set_up(secret, fields.get("login", ""), fields.get("name", ""), password)
    return door.take_password(secret, password)
