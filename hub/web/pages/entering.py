"""What every page before a login is drawn with, and where one goes on to after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from hub.application.accounts import PASSWORD_MAX, PASSWORD_MIN
from hub.domain.rights import Action
from hub.errors import SitegateError
from hub.storage.credentials import Credentials
from hub.storage.links import LinkRow
from hub.web.door import Door, Entered
from hub.web.entrance import HERE, form_token, remember_form, remember_session
from hub.web.frame import draw, home_of, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

SECOND: Final = "/login/second"


@dataclass(frozen=True, slots=True)
class Entering:
    """Draws the pages before a login.

    Args:
        office: the store, the keys and the time.
        door: who lets people in.
        passkeys: whether the login offers them.
        elsewhere: what the login elsewhere is called; empty: there is none.
    """

    office: Office
    door: Door
    passkeys: bool
    elsewhere: str

    def page(
        self,
        request: Request,
        template: str,
        errors: list[SitegateError],
        status: int,
        **values: object,
    ) -> HTMLResponse:
        """Returns a page whose forms are bound to this browser."""
        words = PageWords(language_of(request), "access")
        token = form_token(request)
        page = draw(
            request, template, words, None, status,
            before=token, errors=words.explained(errors), least=PASSWORD_MIN, most=PASSWORD_MAX,
            passkeys=self.passkeys, elsewhere=self.elsewhere, **values,
        )  # fmt: skip
        remember_form(page, token, self.office.settings.access)
        return page

    def login_page(
        self, request: Request, on: str, login: str = "", error: SitegateError | None = None
    ) -> HTMLResponse:
        """Returns the login, with what was refused before.

        Args:
            on: path to go on to.
            login: as typed.
        """
        errors = [] if error is None else [error]
        status = 200 if error is None else status_of(error)
        return self.page(request, "login.html", errors, status, on=on, login=login[:80])

    def link_page(
        self,
        request: Request,
        row: LinkRow,
        known: Credentials | None,
        errors: list[SitegateError],
        typed: dict[str, str],
        address: str = "",
    ) -> HTMLResponse:
        """Returns the page of a link that is good.

        Args:
            typed: what the form held.
            address: path of the link, where the page is drawn at another.
        """
        return self.page(
            request, "link.html", errors, status_of(errors[0]) if errors else 200,
            purpose=str(row.purpose), account=known, login=typed.get("login", "")[:80],
            called=typed.get("name", "")[:80], address=address or request.url.path,
        )  # fmt: skip

    def dead_page(self, request: Request, error: SitegateError) -> HTMLResponse:
        """Returns the page of a link that is good for nothing."""
        return self.page(
            request, "link.html", [error], 404,
            purpose="dead", account=None, login="", called="", address="",
        )  # fmt: skip

    def let_in(self, entered: Entered, on: str, welcome: bool = False) -> Response:
        """Goes on with the new session: to the second factor, to where he wanted, or home.

        Args:
            on: path to go on to.
            welcome: somebody's first time here.
        """
        to = on
        if not entered.complete:
            to = SECOND if on == HERE else f"{SECOND}?next={on}"
        elif welcome or on == HERE:
            actor = self.door.sessions.actor(entered.cookie)
            to = home_of(actor) if actor is not None else HERE
            if welcome:
                # Whoever has the board sees other people's data: the second factor comes first.
                watches = actor is not None and actor.may(Action.BOARD_SEE)
                to = f"{'/account' if watches or to == HERE else to}?said=welcome"
        response = RedirectResponse(to, 303)
        remember_session(response, entered.cookie, self.office.settings.access)
        return response


def status_of(error: SitegateError) -> int:
    """Returns the HTTP status of a form that was not taken."""
    return {"HUB-1601": 429, "HUB-1608": 503, "HUB-1735": 503}.get(error.code, 400)
