"""The page of the rules: how long what is kept, and what was erased.

GET  /retention   rules, what is due, the report
POST /retention   erases now what the next night would
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.i18n import moment_text
from hub.storage.engine import reading
from hub.storage.retention import Retention, days_of, last_run_ms, report
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

ROOM = "retention"
_ADMIN = Depends(Allowed(Action.RETENTION_CHANGE))


def retention_pages(office: Office) -> APIRouter:
    """Returns the addresses of the rules."""
    router = APIRouter()
    days = days_of(office.settings.retention)
    rules = Retention(office.engine, office.write, office.vault, office.folder, days)

    @router.get("/retention")
    def page(request: Request, actor: Annotated[Actor, _ADMIN]) -> Response:
        words = PageWords(language_of(request, actor), ROOM)
        found = {one.due.data_class: one for one in rules.look(office.clock())}
        with reading(office.engine) as connection:
            last_ms = last_run_ms(connection)
            told = report(connection)
        return draw(
            request,
            "retention.html",
            words,
            actor,
            rules=[
                (
                    words(f"class.{one}"),
                    words(f"why.{one}"),
                    count,
                    words.board.day(found[one].due.before.isoformat()),
                    found[one].rows,
                )
                for one, count in days.items()
            ],
            last=words("never") if last_ms is None else moment_text(last_ms, words.language),
            report=[
                (
                    moment_text(row.at_ms, words.language),
                    words(f"class.{row.data_class}"),
                    words.board.day(row.before_day) if row.before_day else "",
                    row.rows,
                )
                for row in told
            ],
        )

    @router.post("/retention")
    def run(actor: Annotated[Actor, _ADMIN]) -> Response:
        rules.run(office.clock(), actor.name)
        return go("/retention", said="erased")

    return router
