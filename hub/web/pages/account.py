"""One's own account: password, second factor, sessions, language.

    GET  /account                   all of it
    POST /account/password          current, password, again
    POST /account/language          language
    POST /account/elsewhere         ends every other session
    GET  /account/second            a new secret for the second factor, as picture and as text
    POST /account/second            ticket, code: turns it on
    POST /account/second/off        current: turns it off

The secret of a second factor is drawn as SVG inside the page: no address carries it, no picture of
it is cached, and the policy of the pages (`img-src 'self'`, no `data:`) stays as it is. Until a
code of it was right it is kept nowhere: the form carries it, sealed for this account and session.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Annotated, Final

import pyotp
import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pyotp.totp import TOTP

from hub.application.access import Actor
from hub.application.accounts import PASSWORD_MAX, PASSWORD_MIN
from hub.domain.rights import Action
from hub.errors import PermanentError, SitegateError, TransientError, UsageError
from hub.i18n import LANGUAGES, moment_text
from hub.storage.credentials import set_language
from hub.storage.engine import reading
from hub.storage.passkeys import passkeys_of
from hub.storage.sessions import sessions_of
from hub.web.access import SESSION_COOKIE, Allowed, FormStale
from hub.web.door import Door
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.entrance import address_of, remember_session
from hub.web.frame import LANGUAGE_COOKIE, draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.pages.entering import status_of
from hub.web.pages.login import same_password
from hub.web.passkeys import Passkeys
from hub.web.provider import label_of

ISSUER: Final = "Sitegate"
TICKET_MS: Final = 15 * 60_000
"""How long a secret that was shown may be turned on."""
_TICKET: Final = "totp ticket"
_Own = Annotated[Actor, Depends(Allowed(Action.OWN_ACCOUNT))]
_Text = Annotated[str, Form()]


DrawAccount = Callable[[Request, Actor, list[SitegateError], str], HTMLResponse]
"""Returns the page; the last names the part of it where the errors stand."""


def account_page(office: Office, door: Door, passkeys: Passkeys) -> DrawAccount:
    """Returns what draws the page of one's own account."""

    def page(
        request: Request, actor: Actor, errors: list[SitegateError], where: str
    ) -> HTMLResponse:
        words = PageWords(language_of(request, actor), "access")
        now_ms = office.clock()
        known = door.known(actor.account_id or 0)
        with reading(office.engine) as connection:
            sessions = sessions_of(
                connection, known.account_id, now_ms, request.cookies.get(SESSION_COOKIE, "")
            )
            his = passkeys_of(connection, office.vault, known.account_id)
        return draw(
            request, "account.html", words, actor, status_of(errors[0]) if errors else 200,
            known=known, sessions=sessions, errors=words.explained(errors), where=where,
            when=lambda ms: moment_text(ms, words.language, seconds=False),
            least=PASSWORD_MIN, most=PASSWORD_MAX,
            passkeys=his, passkeys_offered=passkeys.offered_to(known.role),
            elsewhere=known.elsewhere and label_of(office.settings.oidc),
            spoken=[("", words("account.language_browser")), *LANGUAGE_NAMES.items()],
        )  # fmt: skip

    return page


def account_pages(office: Office, door: Door, page: DrawAccount) -> APIRouter:
    """Returns the addresses of one's own account."""
    router = APIRouter()
    settings = office.settings.access

    @router.get("/account")
    def show(request: Request, actor: _Own) -> Response:
        return page(request, actor, [], "")

    # ------------------------------------------------------------ password

    @router.post("/account/password")
    async def password(request: Request, actor: _Own) -> Response:
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            wanted = same_password(fields)
            entered = await door.quietly(
                lambda: door.change_password(
                    actor.account_id or 0, fields.get("current", ""), wanted, address_of(request)
                )
            )
        except (UsageError, TransientError) as error:
            return await run_in_threadpool(page, request, actor, [error], "password")
        response = go("/account", "password")
        remember_session(response, entered.cookie, settings)
        return response

    # ------------------------------------------------------------ language, sessions

    @router.post("/account/language")
    def language(actor: _Own, language: _Text = "") -> Response:
        chosen = language if language in LANGUAGES else ""
        office.write(lambda connection: set_language(connection, actor.account_id or 0, chosen))
        response = go("/account", "language")
        response.delete_cookie(LANGUAGE_COOKIE, path="/")
        return response

    @router.post("/account/elsewhere")
    def elsewhere(request: Request, actor: _Own) -> Response:
        door.leave(request.cookies.get(SESSION_COOKIE, ""), actor.account_id or 0, True)
        return go("/account", "elsewhere")

    # ------------------------------------------------------------ second factor

    def second_page(
        request: Request, actor: Actor, secret: str, errors: list[SitegateError]
    ) -> HTMLResponse:
        words = PageWords(language_of(request, actor), "access")
        known = door.known(actor.account_id or 0)
        address = TOTP(secret).provisioning_uri(name=known.login, issuer_name=ISSUER)
        ticket = json.dumps([known.account_id, actor.csrf, office.clock() + TICKET_MS, secret])
        return draw(
            request, "account_second.html", words, actor, 400 if errors else 200,
            picture=_picture(address), secret=" ".join(_fours(secret)), address=address,
            ticket=office.vault.seal(_TICKET, ticket.encode()).hex(),
            errors=words.explained(errors),
        )  # fmt: skip

    @router.get("/account/second")
    def second(request: Request, actor: _Own) -> Response:
        if door.known(actor.account_id or 0).totp:
            return go("/account")
        return second_page(request, actor, pyotp.random_base32(), [])

    @router.post("/account/second")
    def turn_on(request: Request, actor: _Own, ticket: _Text, code: _Text = "") -> Response:
        secret = _secret_of(office, actor, ticket)
        try:
            door.take_second_factor(actor.account_id or 0, secret, code)
        except UsageError as error:
            return second_page(request, actor, secret, [error])
        return go("/account", "second_on")

    @router.post("/account/second/off")
    async def turn_off(request: Request, actor: _Own, current: _Text = "") -> Response:
        try:
            await door.quietly(
                lambda: door.drop_second_factor(actor.account_id or 0, current, address_of(request))
            )
        except (UsageError, TransientError) as error:
            return await run_in_threadpool(page, request, actor, [error], "second")
        return go("/account", "second_off")

    return router


def _secret_of(office: Office, actor: Actor, ticket: str) -> str:
    try:
        kept = json.loads(office.vault.open(_TICKET, bytes.fromhex(ticket)))
    except (PermanentError, ValueError):
        raise FormStale from None
    account_id, csrf, until_ms, secret = kept
    if account_id != actor.account_id or csrf != actor.csrf or until_ms < office.clock():
        raise FormStale
    return secret


def _picture(address: str) -> Markup:
    drawn = BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4,
        dark="#000", light="#fff", svgclass="qr", lineclass=None,
    )  # fmt: skip
    return Markup(drawn.getvalue().decode())  # noqa: S704 - made of squares, by us


def _fours(secret: str) -> list[str]:
    return [secret[at : at + 4] for at in range(0, len(secret), 4)]
