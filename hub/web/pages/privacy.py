"""The page of one person's data: hand everything out, or erase it.

GET  /people/{token}/privacy          what can be done, and what keeps it from being done
POST /people/{token}/privacy/export   everything as a file, with a reason
POST /people/{token}/privacy/erase    names, numbers and badges go
"""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response

from hub.application.access import Actor
from hub.domain.people import REASON_MAX, REASON_MIN
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.erase import erase_person, person_in_scope, why_not_yet
from hub.storage.export import export_person, workbook
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

ROOM = "privacy"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def privacy_pages(office: Office) -> APIRouter:
    """Returns the addresses of one person's data."""
    router = APIRouter()

    def page(
        request: Request, actor: Actor, token: str, reason: str = "", *errors: UsageError
    ) -> Response:
        words = PageWords(language_of(request, actor), ROOM)
        with reading(office.engine) as connection:
            try:
                person_id = person_in_scope(connection, actor, Action.PEOPLE_REVEAL, token)
            except UsageError:
                raise HTTPException(404) from None
            day = why_not_yet(connection, person_id, office.clock())
        return draw(
            request,
            "privacy.html",
            words,
            actor,
            status=422 if errors else 200,
            person=token,
            reason=reason,
            least=REASON_MIN,
            most=REASON_MAX,
            errors=words.explained(errors),
            may_erase=actor.may(Action.PEOPLE_ERASE),
            not_yet=words.board.day(day) if day else "",
        )

    @router.get("/people/{token}/privacy")
    def show(
        request: Request,
        token: str,
        actor: Annotated[Actor, Depends(Allowed(Action.PEOPLE_REVEAL))],
    ) -> Response:
        return page(request, actor, token)

    @router.post("/people/{token}/privacy/export")
    def export(
        request: Request,
        token: str,
        actor: Annotated[Actor, Depends(Allowed(Action.PEOPLE_REVEAL))],
        reason: Annotated[str, Form()] = "",
        kind: Annotated[str, Form()] = "xlsx",
    ) -> Response:
        try:
            found = office.write(
                lambda connection: export_person(
                    connection, office.vault, actor, token, office.clock(), reason
                )
            )
        except UsageError as error:
            return page(request, actor, token, reason, error)
        as_json = kind == "json"
        content = (
            json.dumps(found, ensure_ascii=False, indent=1).encode() if as_json else workbook(found)
        )
        name = f"person-{token}.{'json' if as_json else 'xlsx'}"
        return Response(
            content,
            media_type="application/json" if as_json else XLSX,
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            },
        )

    @router.post("/people/{token}/privacy/erase")
    def erase(
        request: Request,
        token: str,
        actor: Annotated[Actor, Depends(Allowed(Action.PEOPLE_ERASE))],
    ) -> Response:
        try:
            office.write(
                lambda connection: erase_person(
                    connection, office.vault, actor, token, office.clock()
                )
            )
        except UsageError as error:
            return page(request, actor, token, "", error)
        office.changed()
        return go("/people", said="erased")

    return router
