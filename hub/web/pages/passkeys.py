"""Passkeys: made and taken off on one's own page, used at the login.

    POST /login/passkey/options   what the browser looks for a passkey by (JSON)
    POST /login/passkey           answer: logs in
    POST /account/passkeys/new    name, current: the page on which the browser makes one
    POST /account/passkeys        answer: keeps it
    POST /account/passkeys/remove handle

A browser makes and uses passkeys by a script only (`static/passkey.js`); without it, the login
does not offer them and the password is there.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.concurrency import run_in_threadpool

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.errors import TransientError, UsageError
from hub.storage.passkeys import remove_passkey
from hub.web.access import FORM_FIELD, SESSION_COOKIE, Allowed, anyone
from hub.web.door import Door
from hub.web.entrance import address_of, check_before, way_on
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.pages.account import DrawAccount
from hub.web.pages.entering import Entering
from hub.web.passkeys import Passkeys

WHERE: Final = "passkeys"
_OPEN: Final = [Depends(anyone)]
_Own = Annotated[Actor, Depends(Allowed(Action.OWN_ACCOUNT))]
_Text = Annotated[str, Form()]


def passkey_pages(
    office: Office, door: Door, entering: Entering, passkeys: Passkeys, draw_account: DrawAccount
) -> APIRouter:
    """Returns the addresses of passkeys."""
    router = APIRouter()

    @router.post("/login/passkey/options", dependencies=_OPEN)
    async def ask(request: Request) -> Response:
        fields = await check_before(request)
        try:
            options = passkeys.begin_login(fields[FORM_FIELD])
        except UsageError:
            return Response("{}", 404, media_type="application/json")
        return Response(options, media_type="application/json")

    @router.post("/login/passkey", dependencies=_OPEN)
    async def log_in(request: Request) -> Response:
        fields = await check_before(request)
        on = way_on(fields.get("next", ""))
        try:
            entered = await run_in_threadpool(
                passkeys.log_in,
                fields[FORM_FIELD],
                fields.get("answer", ""),
                address_of(request),
                request.cookies.get(SESSION_COOKIE, ""),
            )
        except (UsageError, TransientError) as error:
            return entering.login_page(request, on, error=error)
        return await run_in_threadpool(entering.let_in, entered, on)

    @router.post("/account/passkeys/new")
    async def new(request: Request, actor: _Own, name: _Text = "", current: _Text = "") -> Response:
        try:
            options = await door.quietly(
                lambda: passkeys.begin_adding(
                    actor.account_id or 0, actor.csrf, name, current, address_of(request)
                )
            )
        except (UsageError, TransientError) as error:
            return await run_in_threadpool(draw_account, request, actor, [error], WHERE)
        words = PageWords(language_of(request, actor), "access")
        return draw(request, "account_passkey.html", words, actor, options=options)

    @router.post("/account/passkeys")
    def add(request: Request, actor: _Own, answer: _Text = "") -> Response:
        try:
            passkeys.add(actor.account_id or 0, actor.csrf, answer)
        except UsageError as error:
            return draw_account(request, actor, [error], WHERE)
        return go("/account", "passkey_added")

    @router.post("/account/passkeys/remove")
    def remove(actor: _Own, handle: _Text = "") -> Response:
        known, now_ms = door.known(actor.account_id or 0), office.clock()
        office.write(
            lambda connection: remove_passkey(connection, office.vault, known, handle, now_ms)
        )
        return go("/account", "passkey_removed")

    return router
