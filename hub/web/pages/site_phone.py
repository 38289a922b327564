"""What a site asks of workers' phones.

GET  /sites/{handle}/phone   the question of the location; POST answers it
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.phone import Location
from hub.domain.audit import Noted
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.phone_acts import ask_location, location_asked
from hub.storage.sites import SiteRow, Sites
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

_Change = Annotated[Actor, Depends(Allowed(Action.SITES_CHANGE))]


def site_phone_pages(office: Office) -> APIRouter:
    """Returns the routes of what a site asks of phones."""
    router = APIRouter()

    def found(connection: Connection, actor: Actor, handle: str) -> SiteRow:
        sites = Sites(connection, office.vault, actor, office.clock())
        try:
            return sites.row(handle, Action.SITES_CHANGE)
        except UsageError:
            raise HTTPException(404) from None

    @router.get("/sites/{handle}/phone")
    def show(request: Request, actor: _Change, handle: str) -> Response:
        with reading(office.engine) as connection:
            row = found(connection, actor, handle)
            chosen = location_asked(connection, row.id)
        words = PageWords(language_of(request, actor), "phone")
        return draw(
            request, "site_phone.html", words, actor, row=row, chosen=str(chosen),
            choices=[str(one) for one in Location],
        )  # fmt: skip

    @router.post("/sites/{handle}/phone")
    def change(actor: _Change, handle: str, location: Annotated[str, Form()] = "") -> Response:
        if location not in list(Location):
            raise HTTPException(404)

        def write(connection: Connection) -> None:
            row = found(connection, actor, handle)
            if location_asked(connection, row.id) == location:
                return
            ask_location(connection, row.id, Location(location))
            note(
                connection, office.vault, office.clock(), actor.name, Noted.SITE_CHANGED,
                f"site:{row.id}", site_id=row.id, changed=["location"],
            )  # fmt: skip

        office.write(write)
        return go(f"/sites/{handle}/phone", said="changed")

    return router
