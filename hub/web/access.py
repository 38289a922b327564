"""Who may call an address: each route names its action, and nothing is served without.

    actor: Annotated[Actor, Depends(Allowed(Action.PEOPLE_SEE))]      a page for those who may
    _: Annotated[None, Depends(anyone)]                               a page for everybody

`Allowed` finds the session of the cookie, refuses who may not, and for everything but reading
asks the form for the token of the session (field `csrf`, or header `X-Csrf`), so that no other page
can act for somebody (ASVS 4.2.2). Who is not logged in is sent to the login page and back; a
program gets 401. Objects outside of the actor's scope are 404 like those that do not exist.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from hub.application.access import AccessPort, Actor
from hub.domain.rights import Action
from hub.web.remembered import Remembered

SESSION_COOKIE: Final = "sitegate_session"
LOGIN: Final = "/login"
FORM_FIELD: Final = "csrf"
FORM_HEADER: Final = "X-Csrf"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class LoginNeeded(Exception):
    """Nobody is logged in here."""


class FormStale(HTTPException):
    """The form was made for another session: it may have been sent by another page."""

    def __init__(self) -> None:
        super().__init__(403, "form")


class Allowed:
    """Dependency: returns the actor of the session when he may do this.

    Args:
        action: what the address does; reading and writing are different actions.
    """

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request) -> Actor:
        """Returns the actor.

        Raises:
            LoginNeeded: no session.
            HTTPException: 403, he may not, or the form is not of his session.
        """
        actor = await self.who(request)
        if actor is None:
            raise LoginNeeded
        request.state.actor = actor
        if not actor.may(self.action):
            raise HTTPException(403)
        if request.method not in _READING:
            await check_form(request, actor.csrf)
        return actor

    async def who(self, request: Request) -> Actor | None:
        """Returns who is logged in, None when nobody is."""
        return await signed_in(request)


async def signed_in(request: Request) -> Actor | None:
    """Returns who is logged in, None when nobody is."""
    access: AccessPort = request.app.state.access
    cookie = request.cookies.get(SESSION_COOKIE, "")
    actor = await run_in_threadpool(access.actor, cookie)
    request.app.state.remembered.take(cookie, actor)
    return actor


def still_allowed(request: Request, actor: Actor, action: Action) -> Callable[[], Awaitable[bool]]:
    """Returns what a stream asks again and again: whether its session still is, and sees the same.

    Args:
        request: which opened the stream.
        actor: whose it was then.
        action: what he needs for it.
    """
    scope = actor.scope(action)

    async def same() -> bool:
        again = await signed_in(request)
        return again is not None and again.scope(action) == scope

    return same


def anyone() -> None:
    """Dependency of an address that is open to everybody: it must name that on purpose."""


async def check_form(request: Request, expected: str) -> None:
    """Refuses a request that does not bring the token of its session.

    Raises:
        FormStale: it does not.
    """
    given = request.headers.get(FORM_HEADER, "")
    if not given and request.headers.get("Content-Type", "").startswith(_FORMS):
        value = (await request.form()).get(FORM_FIELD, "")
        given = value if isinstance(value, str) else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise FormStale


def install_access(app: FastAPI, access: AccessPort) -> None:
    """Lets the routes of an application ask for rights."""
    app.state.access = access
    app.state.remembered = Remembered()
    app.add_exception_handler(LoginNeeded, _to_login)


def is_for_programs(request: Request) -> bool:
    """Returns whether the answer is read by a program, which wants no page."""
    path = request.url.path
    return path.startswith("/api/") or path.endswith((".json", "/live"))


async def _to_login(request: Request, error: Exception) -> Response:
    del error
    if is_for_programs(request):
        return JSONResponse({"status": "failed", "code": 401}, 401)
    if request.method in _READING and request.url.path != "/":
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{LOGIN}?next={quote(request.url.path + query)}", 303)
    return RedirectResponse(LOGIN, 303)
