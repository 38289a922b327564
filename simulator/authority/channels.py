"""The pages in the shape of the official channels: desktop, mobile, declaration of works.

What the real pages look like inside is not public; these do the same work with the same rules, so
that a supervisor's office exists in the simulated world. Nothing here is a copy of them.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from simulator.authority.frame import Frame, LogInFirst, PageProblem
from simulator.authority.later import Later
from simulator.authority.operations import Authority
from simulator.authority.pages_consult import consult_router
from simulator.authority.pages_desktop import desktop_router
from simulator.authority.pages_mobile import InOutEvents, mobile_router
from simulator.authority.pages_works import works_router
from simulator.authority.sessions import Sessions


def add_channel_pages(app: FastAPI, authority: Authority, events: InOutEvents) -> None:
    """Adds /desktop, /mobile, /works and their style sheet to the application.

    Args:
        app: gets the routes and what answers when a page cannot be shown.
        authority: decides and keeps.
        events: takes in and out events on works in that regime.
    """
    frame = Frame(authority, Sessions())
    for router in (
        Later(("/channels.css",), _style_router),
        Later(
            ("/desktop/consult", "/desktop/registration/", "/desktop/cancel", "/desktop/copy"),
            lambda: consult_router(authority, frame),
        ),
        # After the pages above, whose addresses begin alike.
        Later(("/desktop",), lambda: desktop_router(authority, frame)),
        Later(("/works",), lambda: works_router(authority, frame)),
        Later(("/mobile",), lambda: mobile_router(authority, frame, events)),
    ):
        app.include_router(router)
    app.add_exception_handler(PageProblem, frame.show_problem)
    app.add_exception_handler(LogInFirst, frame.show_problem)


def _style_router() -> APIRouter:
    router = APIRouter()
    style = (Path(__file__).parent / "channels.css").read_text(encoding="utf-8")

    @router.get("/channels.css")
    def show_style() -> Response:
        return Response(style, media_type="text/css", headers={"Cache-Control": "no-cache"})

    return router
