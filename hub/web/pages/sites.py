"""Sites: name, address, languages, gates; and the poster that hangs at the entrance.

    GET  /sites/new, POST              a new one
    GET  /sites/{handle}               one: its facts, works and gates
    GET  /sites/{handle}/change, POST  its facts
    GET  /sites/{handle}/poster        the poster as a page to print on A4
    GET  /sites/{handle}/poster.pdf    the poster as a file

The poster holds only works numbers that whoever prints it may see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.poster import Poster, phone_address, qr_code, told
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import LANGUAGES
from hub.storage.engine import reading
from hub.storage.sites import Gate, SiteRow, Sites
from hub.web.access import Allowed
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

SEE = Allowed(Action.WORKS_SEE)
CHANGE = Allowed(Action.SITES_CHANGE)
DrawPoster = Callable[[Poster, int], bytes]
"""Draws a poster as a PDF; the second value is when, in UTC milliseconds."""


def sites_pages(office: Office, draw_poster: DrawPoster) -> APIRouter:
    """Returns the pages of the sites.

    Args:
        draw_poster: `hub.reports.poster.poster_pdf`; pages do not know how paper is made.
    """
    router = APIRouter()
    _add_sites(router, office)
    _add_posters(router, office, draw_poster)
    return router


def _add_sites(router: APIRouter, office: Office) -> None:
    @router.get("/sites/new")
    def new(request: Request, actor: Annotated[Actor, Depends(CHANGE)]) -> Response:
        _everything(actor)
        return _form(request, actor, None, {}, ("nl", "fr"))

    @router.post("/sites/new")
    def add(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        name: Annotated[str, Form()] = "",
        address: Annotated[str, Form()] = "",
        languages: Annotated[tuple[str, ...], Form()] = (),
    ) -> Response:
        _everything(actor)
        try:
            handle = office.write(
                lambda connection: _sites(connection, office, actor).add(name, address, languages)
            )
        except UsageError as error:
            typed = {"name": name, "address": address}
            return _form(request, actor, None, typed, languages, error)
        office.changed()
        return go(f"/sites/{handle}", "added")

    @router.get("/sites/{handle}")
    def one(request: Request, actor: Annotated[Actor, Depends(SEE)], handle: str) -> Response:
        row, gates = _row(office, actor, handle)
        return draw(
            request,
            "site.html",
            PageWords(language_of(request, actor), "sites"),
            actor,
            row=row,
            gates=gates,
            watched=actor.may(Action.BOARD_SEE),
            names=LANGUAGE_NAMES,
        )

    @router.get("/sites/{handle}/change")
    def change_form(
        request: Request, actor: Annotated[Actor, Depends(CHANGE)], handle: str
    ) -> Response:
        row, _ = _row(office, actor, handle, Action.SITES_CHANGE)
        typed = {"name": row.name, "address": row.address}
        return _form(request, actor, row, typed, row.languages)

    @router.post("/sites/{handle}/change")
    def change(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        handle: str,
        name: Annotated[str, Form()] = "",
        address: Annotated[str, Form()] = "",
        languages: Annotated[tuple[str, ...], Form()] = (),
    ) -> Response:
        row, _ = _row(office, actor, handle, Action.SITES_CHANGE)
        # Those chosen before keep their order; new ones follow.
        ordered = [one for one in row.languages if one in languages]
        ordered += [one for one in languages if one not in ordered]
        try:
            office.write(
                lambda connection: _sites(connection, office, actor).change(
                    handle, name, address, ordered
                )
            )
        except UsageError as error:
            typed = {"name": name, "address": address}
            return _form(request, actor, row, typed, languages, error)
        office.changed()
        return go(f"/sites/{handle}", "changed")


def _add_posters(router: APIRouter, office: Office, draw_poster: DrawPoster) -> None:
    @router.get("/sites/{handle}/poster")
    def page(request: Request, actor: Annotated[Actor, Depends(SEE)], handle: str) -> Response:
        row, _ = _row(office, actor, handle)
        poster = _poster(request, office, row)
        return draw(
            request,
            "poster.html",
            PageWords(language_of(request, actor), "poster"),
            actor,
            row=row,
            poster=poster,
            code=qr_code(poster.url),
            told=told,
            asked=not office.settings.access.public_url,
        )

    @router.get("/sites/{handle}/poster.pdf")
    def pdf(request: Request, actor: Annotated[Actor, Depends(SEE)], handle: str) -> Response:
        row, _ = _row(office, actor, handle)
        content = draw_poster(_poster(request, office, row), office.clock())
        disposition = 'inline; filename="sitegate-poster.pdf"'
        return Response(
            content, 200, {"Content-Disposition": disposition}, media_type="application/pdf"
        )


def _poster(request: Request, office: Office, row: SiteRow) -> Poster:
    base = office.settings.access.public_url or str(request.base_url)
    return Poster(row.name, row.address, row.languages, row.works, phone_address(base, row.handle))


def _sites(connection: Connection, office: Office, actor: Actor) -> Sites:
    return Sites(connection, office.vault, actor, office.clock())


def _row(
    office: Office, actor: Actor, handle: str, action: Action = Action.WORKS_SEE
) -> tuple[SiteRow, list[Gate]]:
    with reading(office.engine) as connection:
        sites = _sites(connection, office, actor)
        try:
            row = sites.row(handle, action)
        except UsageError:
            raise HTTPException(404) from None
        return row, sites.gates(row)


def _everything(actor: Actor) -> None:
    """A supervisor has his sites; a new one is nobody's yet."""
    if not actor.scope(Action.SITES_CHANGE).everything:
        raise HTTPException(403)


def _form(
    request: Request,
    actor: Actor,
    row: SiteRow | None,
    typed: dict[str, str],
    languages: tuple[str, ...],
    error: UsageError | None = None,
) -> Response:
    words = PageWords(language_of(request, actor), "sites")
    return draw(
        request,
        "site_form.html",
        words,
        actor,
        400 if error else 200,
        row=row,
        typed={"name": "", "address": ""} | typed,
        chosen=languages,
        every_language=[(one, LANGUAGE_NAMES[one]) for one in LANGUAGES],
        errors=words.explained([error] if error else []),
    )
