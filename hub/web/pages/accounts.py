"""The accounts that somebody may see, and inviting one more.

    GET  /accounts                    the list
    GET  /accounts/new                the form of an invitation
    POST /accounts/new                login, name, role, company, site (several), language
    GET  /accounts/{handle}           one account and what can be done
    POST /accounts/{handle}/link      a new link, shown once
    POST /accounts/{handle}/disable   also enable, unlock, second-off

A link is shown in the answer to the form that made it and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.companies import number_text
from hub.domain.rights import Action, Role
from hub.errors import SitegateError, UsageError
from hub.i18n import moment_text
from hub.storage.accounts import AccountRow, Accounts, NewAccount
from hub.storage.engine import reading
from hub.storage.links import Purpose
from hub.web.access import Allowed
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.entrance import link_address
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

HOUR_MS: Final = 3_600_000
TONES: Final = {"active": "good", "invited": "none", "locked": "warn", "disabled": "bad"}
_See = Annotated[Actor, Depends(Allowed(Action.ACCOUNTS_SEE))]
_Change = Annotated[Actor, Depends(Allowed(Action.ACCOUNTS_CHANGE))]
_Text = Annotated[str, Form()]


def accounts_pages(office: Office) -> APIRouter:
    """Returns the addresses of other people's accounts."""
    router = APIRouter()

    def seen(connection: Connection, actor: Actor) -> Accounts:
        return Accounts(connection, office.vault, actor, office.clock())

    def found(connection: Connection, actor: Actor, handle: str) -> AccountRow:
        try:
            return seen(connection, actor).row(handle)
        except UsageError:
            raise HTTPException(404) from None

    def shown(
        request: Request,
        actor: Actor,
        row: AccountRow,
        errors: list[SitegateError],
        secret: str = "",
        purpose: str = "",
    ) -> HTMLResponse:
        words = PageWords(language_of(request, actor), "access")
        until_ms = office.clock() + office.settings.access.link_hours * HOUR_MS
        return draw(
            request, "account_of.html", words, actor, 400 if errors else 200,
            row=row, errors=words.explained(errors), tone=TONES[row.state],
            link=link_address(request, office.settings.access, secret) if secret else "",
            purpose=purpose, until=moment_text(until_ms, words.language, seconds=False),
            when=lambda ms: moment_text(ms, words.language, seconds=False),
            languages_of=LANGUAGE_NAMES,
        )  # fmt: skip

    @router.get("/accounts")
    def show_all(request: Request, actor: _See) -> Response:
        with reading(office.engine) as connection:
            accounts = seen(connection, actor)
            rows, invitable = accounts.rows(), accounts.invitable()
        words = PageWords(language_of(request, actor), "access")
        return draw(
            request, "accounts.html", words, actor,
            rows=rows, tones=TONES, invitable=bool(invitable),
        )  # fmt: skip

    # ------------------------------------------------------------ inviting

    def form(
        request: Request, actor: Actor, errors: list[SitegateError], new: NewAccount
    ) -> HTMLResponse:
        words = PageWords(language_of(request, actor), "access")
        with reading(office.engine) as connection:
            accounts = seen(connection, actor)
            roles, companies, sites = (
                accounts.invitable(), accounts.companies(), accounts.sites()
            )  # fmt: skip
        return draw(
            request, "account_new.html", words, actor, 400 if errors else 200,
            errors=words.explained(errors), new=new, sites=sites,
            roles=[(str(role), words.any(f"frame.role.{role}")) for role in roles],
            companies=[(number, f"{name} ({number_text(number)})") for number, name in companies],
            spoken=[("", words("account.language_browser")), *LANGUAGE_NAMES.items()],
        )  # fmt: skip

    @router.get("/accounts/new")
    def ask(request: Request, actor: _Change) -> Response:
        return form(request, actor, [], NewAccount("", "", Role.CONTRACTOR))

    @router.post("/accounts/new")
    def invite(
        request: Request,
        actor: _Change,
        login: _Text = "",
        name: _Text = "",
        role: _Text = "",
        company: _Text = "",
        site: Annotated[list[str] | None, Form()] = None,
        language: _Text = "",
    ) -> Response:
        known = Role(role) if role in tuple(Role) else Role.WORKER  # nobody invites a worker
        new = NewAccount(login, name, known, company, tuple(site or ()), language)
        now_ms = office.clock()

        def add(connection: Connection) -> tuple[AccountRow, str]:
            accounts = seen(connection, actor)
            row = accounts.add(new)
            until_ms = now_ms + office.settings.access.link_hours * HOUR_MS
            return row, accounts.link(row, Purpose.INVITATION, until_ms)

        try:
            row, secret = office.write(add)
        except UsageError as error:
            return form(request, actor, [error], new)
        return shown(request, actor, row, [], secret, "invitation")

    # ------------------------------------------------------------ one account

    @router.get("/accounts/{handle}")
    def show(request: Request, actor: _See, handle: str) -> Response:
        with reading(office.engine) as connection:
            row = found(connection, actor, handle)
        return shown(request, actor, row, [])

    @router.post("/accounts/{handle}/link")
    def new_link(request: Request, actor: _Change, handle: str) -> Response:
        until_ms = office.clock() + office.settings.access.link_hours * HOUR_MS

        def make(connection: Connection) -> tuple[AccountRow, str, Purpose]:
            row = found(connection, actor, handle)
            purpose = Purpose.INVITATION if row.state == "invited" else Purpose.RESET
            return row, seen(connection, actor).link(row, purpose, until_ms), purpose

        try:
            row, secret, purpose = office.write(make)
        except UsageError as error:
            with reading(office.engine) as connection:
                row = found(connection, actor, handle)
            return shown(request, actor, row, [error])
        return shown(request, actor, row, [], secret, str(purpose))

    def changing(what: str) -> None:
        @router.post(f"/accounts/{{handle}}/{what}", name=f"account {what}")
        def change(request: Request, actor: _Change, handle: str) -> Response:
            def carry_out(connection: Connection) -> None:
                row, accounts = found(connection, actor, handle), seen(connection, actor)
                match what:
                    case "disable":
                        accounts.disable(row)
                    case "enable":
                        accounts.enable(row)
                    case "unlock":
                        accounts.unlock(row)
                    case _:
                        accounts.remove_second_factor(row)

            try:
                office.write(carry_out)
            except UsageError as error:
                with reading(office.engine) as connection:
                    row = found(connection, actor, handle)
                return shown(request, actor, row, [error])
            return go(f"/accounts/{handle}", what.replace("-", "_"))

    for what in ("disable", "enable", "unlock", "second-off"):
        changing(what)
    return router
