"""Linking a badge that somebody tapped at a gate of the board and that is nobody's.

    POST /enrol/tap/{badge}    goes on to the form with that badge, as if it were held up now

What stands for the badge is on the board of who sees it; the tag itself is on no page. It is found
among the taps of today at the gates of the actor's sites, and nowhere else.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Response
from sqlalchemy import Connection, select

from hub.application.access import Actor, Scope
from hub.application.enrolment import Enrolment
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.rights import Action
from hub.storage.badges import handle_of
from hub.storage.engine import reading
from hub.storage.schema import tap, terminal
from hub.storage.secrets import Vault
from hub.web.access import Allowed
from hub.web.frame import go
from hub.web.office import Office

_Enroller = Annotated[Actor, Depends(Allowed(Action.ENROL))]


def enrol_tap_pages(office: Office, modes: Enrolment) -> APIRouter:
    """Returns the route.

    Args:
        office: the store, the keys and the time.
        modes: the enrol modes of this hub.
    """
    router = APIRouter()

    @router.post("/enrol/tap/{badge}")
    def tapped(actor: _Enroller, badge: str) -> Response:
        with reading(office.engine) as connection:
            tag = tag_of(connection, office.vault, actor.scope(Action.ENROL), badge, office.clock())
        if tag is None:
            raise HTTPException(404)
        return go(f"/enrol/{modes.typed(tag, actor).handle}")

    return router


def tag_of(
    connection: Connection, vault: Vault, scope: Scope, handle: str, now_ms: int
) -> bytes | None:
    """Returns the tag of a badge that is nobody's and was tapped today at a gate of these sites.

    Args:
        scope: of who asks; a company has no gates.
        handle: what stands for the badge on the board.
        now_ms: UTC milliseconds.
    """
    if not (scope.everything or scope.sites):
        return None
    gates = select(terminal.c.id)
    if not scope.everything:
        gates = gates.where(terminal.c.site_id.in_(scope.sites))
    start_ms, end_ms = day_bounds_ms(brussels_day(now_ms))
    query = (
        select(tap.c.tag)
        .where(
            tap.c.person_id.is_(None),
            tap.c.at_ms >= start_ms,
            tap.c.at_ms < end_ms,
            tap.c.terminal_id.in_(gates),
        )
        .distinct()
    )
    for tag in connection.execute(query).scalars():
        if handle_of(vault, tag) == handle:
            return tag
    return None
