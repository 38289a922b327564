"""Linking a badge to a person: at a gate, at a desk, with a reader that types.

    GET  /enrol                     where a badge can be held, and who waits there; `?person=` the
                                    token of whom it is for
    POST /enrol/gate                waits at a gate, a desk, or the reader on the hub's pins
    POST /enrol/typed               takes what a USB reader typed
    GET  /enrol/{handle}            the badge: waited for, seen, linked
    GET  /enrol/{handle}/state.json what the page watches
    POST /enrol/{handle}/end        waits no longer
    POST /enrol/{handle}/again      waits for the next badge at the same place
    POST /enrol/{handle}/refused    goes on with a badge that was refused though it is somebody's
    POST /enrol/{handle}/reader     finds out how a USB reader types this very card
    POST /enrol/{handle}/find       looks for a known person by name
    POST /enrol/{handle}/link       links

A handle is random and good for whoever opened it and his colleagues; for everybody else, and after
a restart of the hub, it leads back to the choice. The UID of a card is not kept, shown or logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from hub.application.access import Actor
from hub.application.enrolment import Enrolment, Kind, Session
from hub.application.overview import GateStatus
from hub.domain.rights import Action
from hub.domain.typed_uid import matching, read
from hub.errors import SitegateError, UsageError
from hub.web.access import Allowed
from hub.web.enrol_form import Typed
from hub.web.enrol_room import READER_COOKIE, Room
from hub.web.frame import go
from hub.web.office import Office

READER_COOKIE_S: Final = 365 * 24 * 3600
TOKEN_MAX: Final = 100
_Enroller = Annotated[Actor, Depends(Allowed(Action.ENROL))]
_Text = Annotated[str, Form()]


def enrol_pages(
    office: Office,
    modes: Enrolment,
    gates: Callable[[], list[GateStatus]],
    pins: Callable[[], SitegateError | None],
) -> APIRouter:
    """Returns the pages.

    Args:
        office: the store, the keys and the time.
        modes: the enrol modes of this hub.
        gates: live state of every terminal; must not block.
        pins: why the reader on the hub's pins does not work; None when it does.
    """
    router = APIRouter()
    room = Room(office, modes, gates, pins)

    @router.get("/enrol", response_class=HTMLResponse)
    def choose(request: Request, actor: _Enroller, person: str = "") -> Response:
        return room.choose(request, actor, meant=person)

    @router.post("/enrol/gate", response_class=HTMLResponse)
    def begin(
        request: Request, actor: _Enroller, place: _Text = "", person: _Text = ""
    ) -> Response:
        found = room.place(actor, place)
        if found is None:
            raise HTTPException(404)
        try:
            return _to(modes.begin(found, actor, person[:TOKEN_MAX]))
        except UsageError as error:
            return room.choose(request, actor, [error], 409, meant=person)

    @router.post("/enrol/typed", response_class=HTMLResponse)
    def typed(request: Request, actor: _Enroller, card: _Text = "", person: _Text = "") -> Response:
        try:
            uid = read(card, room.reader(request))
            if uid is None:
                raise UsageError("HUB-1686")
        except UsageError as error:
            return room.choose(request, actor, [error], 422, meant=person)
        tag = office.vault.tag(uid.reveal())
        return _to(modes.typed(tag, actor, person[:TOKEN_MAX]))

    @router.get("/enrol/{handle}", response_class=HTMLResponse)
    def badge(request: Request, actor: _Enroller, handle: str) -> Response:
        session = modes.look(handle, actor)
        return go("/enrol", "gone") if session is None else room.badge(request, actor, session)

    @router.get("/enrol/{handle}/state.json")
    def state(actor: _Enroller, handle: str) -> Response:
        session = modes.look(handle, actor)
        if session is None:
            return JSONResponse({"state": "gone"})
        left_s = session.left_s(office.clock())
        told = session.refused is not None
        return JSONResponse({"state": session.state, "left_s": left_s, "refused": told})

    @router.post("/enrol/{handle}/end")
    def end(actor: _Enroller, handle: str) -> Response:
        session = modes.end(handle, actor)
        return go("/enrol", "gone" if session is None else "ended")

    @router.post("/enrol/{handle}/again", response_class=HTMLResponse)
    def again(request: Request, actor: _Enroller, handle: str) -> Response:
        session = modes.look(handle, actor)
        if session is None:
            return go("/enrol", "gone")
        if session.place.kind is Kind.TYPED:
            return go("/enrol")
        found = room.place(actor, session.place.terminal or session.place.kind)
        if found is None:
            return go("/enrol", "gone")
        try:
            return _to(modes.begin(found, actor))
        except UsageError as error:
            return room.choose(request, actor, [error], 409)

    @router.post("/enrol/{handle}/refused")
    def refused(actor: _Enroller, handle: str) -> Response:
        session = modes.take_refused(handle, actor)
        return go("/enrol", "gone") if session is None else _to(session)

    @router.post("/enrol/{handle}/reader", response_class=HTMLResponse)
    def learn(request: Request, actor: _Enroller, handle: str, card: _Text = "") -> Response:
        session = modes.look(handle, actor)
        if session is None or session.tag is None:
            return go("/enrol", "gone")
        tag, vault = session.tag, office.vault
        try:
            form = matching(card, lambda uid: vault.tag(uid.reveal()) == tag)
            if form is None:
                raise UsageError("HUB-1685")
        except UsageError as error:
            return room.badge(request, actor, session, errors=[error], status=422)
        answer = go(f"/enrol/{session.handle}", "reader")
        answer.set_cookie(
            READER_COOKIE,
            str(form),
            max_age=READER_COOKIE_S,
            httponly=True,
            samesite="lax",
            path="/enrol",
        )
        return answer

    @router.post("/enrol/{handle}/find", response_class=HTMLResponse)
    def find(request: Request, actor: _Enroller, handle: str, name: _Text = "") -> Response:
        session = modes.look(handle, actor)
        if session is None or session.tag is None:
            return go("/enrol", "gone")
        return room.badge(request, actor, session, sought=name)

    @router.post("/enrol/{handle}/link", response_class=HTMLResponse)
    def link(
        request: Request, actor: _Enroller, handle: str, form: Annotated[Typed, Form()]
    ) -> Response:
        session = modes.look(handle, actor)
        if session is None:
            return go("/enrol", "gone")
        if session.tag is None:
            return _to(session)  # sent twice, or too late: the page says how it stands
        return room.link(request, actor, session, form)

    return router


def _to(session: Session) -> Response:
    return go(f"/enrol/{session.handle}")
