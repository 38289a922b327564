"""Tokens for programs: made and shown once, listed, revoked.

GET  /tokens                    an administrator sees all, a contractor those of his company
POST /tokens                    makes one; it stands in this answer and nowhere else
POST /tokens/{handle}/revoke    makes one worthless
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.companies import number_text, parse_number
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.i18n import moment_text
from hub.storage.engine import reading
from hub.storage.tokens import SCOPES, Tokens
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

_Change = Annotated[Actor, Depends(Allowed(Action.TOKENS_CHANGE))]
_Text = Annotated[str, Form(max_length=200)]


def tokens_pages(office: Office) -> APIRouter:
    """Returns the addresses of tokens."""
    router = APIRouter()

    def tokens(connection: Connection, actor: Actor) -> Tokens:
        return Tokens(connection, office.vault, actor, office.clock())

    def page(
        request: Request,
        actor: Actor,
        errors: list[SitegateError],
        secret: str = "",
        name: str = "",
        chosen: tuple[str, ...] = (),
        company: str = "",
    ) -> HTMLResponse:
        words = PageWords(language_of(request, actor), "tokens")
        with reading(office.engine) as connection:
            rows = tokens(connection, actor).rows()
        response = draw(
            request, "tokens.html", words, actor, 400 if errors else 200,
            rows=rows, errors=words.explained(errors), secret=secret, given=name, chosen=chosen,
            company=company, scopes=list(SCOPES), whole=actor.company_id is None,
            when=lambda ms: moment_text(ms, words.language, seconds=False), number_text=number_text,
        )  # fmt: skip
        if secret:
            response.headers["Cache-Control"] = "no-store"
        return response

    @router.get("/tokens")
    def show(request: Request, actor: _Change) -> Response:
        return page(request, actor, [])

    @router.post("/tokens")
    def make(
        request: Request,
        actor: _Change,
        name: _Text = "",
        scope: Annotated[list[str] | None, Form()] = None,
        company: _Text = "",
    ) -> Response:
        chosen = tuple(scope or ())
        whose = company.strip() if actor.company_id is None else ""

        def add(connection: Connection) -> str:
            number = parse_number(whose) if whose else None
            return tokens(connection, actor).add(name.strip(), chosen, number)

        try:
            secret = office.write(add)
        except UsageError as error:
            return page(request, actor, [error], name=name, chosen=chosen, company=whose)
        return page(request, actor, [], secret, name.strip())

    @router.post("/tokens/{handle}/revoke")
    def revoke(actor: _Change, handle: str) -> Response:
        def end(connection: Connection) -> None:
            tokens(connection, actor).revoke(handle)

        try:
            office.write(end)
        except UsageError:
            raise HTTPException(404) from None
        return go("/tokens", said="revoked")

    return router
