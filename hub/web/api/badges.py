"""Badges for programs: linked, released, lost, found, blocked and unblocked.

GET  /api/v1/badges                    a page of those of the token's people
POST /api/v1/people/{token}/badges     links a badge, by the number of its card
POST /api/v1/badges/{handle}/release   and lost, found, block, unblock
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.identifiers import parse_badge_uid
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.badge_list import BadgeEntry, badge_entries, badge_entry, tag_of
from hub.storage.badges import Badges
from hub.storage.engine import reading
from hub.storage.request_keys import Done
from hub.web.api import shapes
from hub.web.api.bearer import ByToken
from hub.web.api.once import once
from hub.web.api.people import Page, Size
from hub.web.api.problems import Refusal, answer, told
from hub.web.office import Office

SEES: Final = ByToken(Action.PEOPLE_SEE)
CHANGES: Final = ByToken(Action.BADGES_CHANGE)
Seeing = Annotated[Actor, Depends(SEES)]
Changing = Annotated[Actor, Depends(CHANGES)]
Step = Literal["release", "lost", "found", "block", "unblock"]


def badges_router(office: Office, route: type[APIRoute]) -> APIRouter:
    """Returns the addresses of badges.

    Args:
        office: the store.
        route: made by `hub.web.api.front`.
    """
    router = APIRouter(prefix="/api/v1", route_class=route, tags=["badges"])

    def store(connection: Connection, actor: Actor) -> Badges:
        window_ms = office.settings.in_out.window_s * 1000
        return Badges(connection, office.vault, actor, office.clock(), window_ms)

    @router.get("/badges", responses={200: {"model": shapes.BadgesOut}})
    def badges_list(
        actor: Seeing,
        state: shapes.BadgeState | None = None,
        person: Annotated[str, Query(max_length=32)] = "",
        page: Page = 1,
        size: Size = 50,
    ) -> Response:
        """List badges, the newest link first."""
        today = brussels_day(office.clock())
        with reading(office.engine) as connection:
            entries, total = badge_entries(
                connection, office.vault, actor, today, state or "", person, page, size
            )
        badges = [shapes.BadgeOut(**asdict(one)) for one in entries]
        return answer(shapes.BadgesOut(page=page, size=size, total=total, badges=badges).told())

    @router.post(
        "/people/{token}/badges",
        status_code=201,
        responses={201: {"model": shapes.LinkedOut}},
        tags=["people"],
    )
    def badges_link(
        request: Request, token: str, body: shapes.BadgeIn, actor: Changing
    ) -> Response:
        """Link a badge to a person."""

        def link(connection: Connection) -> Done:
            try:
                uid = parse_badge_uid(body.uid)
            except UsageError as error:
                errors = [told(error, "/uid", request.state.language)]
                raise Refusal(422, "HUB-1702", more={"errors": errors}) from None
            tag = office.vault.tag(uid.reveal())
            done = store(connection, actor).link(tag, token, body.valid_from, body.valid_until)
            entry = badge_entry(connection, office.vault, actor, tag, brussels_day(office.clock()))
            linked = shapes.LinkedOut(
                badge=shapes.BadgeOut(**asdict(entry)),
                reissued=done.reissued,
                adopted=done.adopted,
                registered=done.registered,
            )
            return Done(201, linked.told())

        return once(office, request, link)

    @router.post("/badges/{handle}/{step}", responses={200: {"model": shapes.BadgeOut}})
    def badges_step(
        request: Request,
        handle: str,
        step: Step,
        actor: Changing,
        body: Annotated[shapes.NoteIn | None, Body()] = None,
    ) -> Response:
        """Release, block or unblock a badge; say that it is lost or found."""
        note = "" if body is None else body.note

        def take(connection: Connection) -> Done:
            tag = tag_of(connection, office.vault, actor, handle)
            today = brussels_day(office.clock())
            before = badge_entry(connection, office.vault, actor, tag, today)
            getattr(store(connection, actor), step)(tag, note)
            if step == "release":
                return Done(200, _told(before))
            return Done(200, _told(badge_entry(connection, office.vault, actor, tag, today)))

        return once(office, request, take)

    return router


def _told(entry: BadgeEntry) -> dict[str, Any]:
    return shapes.BadgeOut(**asdict(entry)).told()
