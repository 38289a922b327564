"""The list of a day as a file, the same that the page shows.

    GET /day/list.pdf    to print and hand over, A4 landscape
    GET /day/list.xlsx   as a workbook, in the form of the language
    GET /day/list.csv    days and moments as ISO 8601
    GET /day/list.json   for programs

Each takes `?day=` and `?site=` as the page does. Who took a list along is noted in the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from hub.application.access import Actor
from hub.application.site_day import SiteDay
from hub.domain.audit import Noted
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.web.access import Allowed
from hub.web.day_json import day_json
from hub.web.day_words import DayWords
from hub.web.frame import language_of
from hub.web.office import Office
from hub.web.pages.site_day import Asked, DayText, SiteHandle, asked_of, days_of
from hub.web.sheets import CSV, XLSX, csv_text, download, workbook

SEE: Final = Allowed(Action.DAY_SEE)
PDF: Final = "application/pdf"
DrawDays = Callable[[Sequence[SiteDay], DayWords, date, int], bytes]
"""Draws lists as a PDF: the sites, the words, the day, and when, in UTC milliseconds."""


def day_list_files(office: Office, draw_days: DrawDays) -> APIRouter:
    """Returns the addresses of the files.

    Args:
        draw_days: `hub.reports.day_list.day_list_pdf`; pages do not know how paper is made.
    """
    router = APIRouter()

    def found(actor: Actor, day: str, site: str, form: str) -> tuple[Asked, list[SiteDay], int]:
        now_ms = office.clock()
        try:
            asked = asked_of(day, site, now_ms)
            days = days_of(office, actor, asked, now_ms)
        except UsageError:
            raise HTTPException(400) from None
        people = sum(1 for one in days for _ in one.everybody)
        office.write(
            lambda connection: note(
                connection,
                office.vault,
                now_ms,
                actor.name,
                Noted.DAY_EXPORTED,
                company_id=actor.company_id,
                day=asked.day.isoformat(),
                form=form,
                sites=[one.site for one in days],
                rows=people,
            )
        )
        return asked, days, now_ms

    def named(words: DayWords, asked: Asked, ending: str) -> str:
        return f"{words('file')}-{asked.day.isoformat()}.{ending}"

    @router.get("/day/list.pdf")
    def as_pdf(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        day: DayText = "",
        site: SiteHandle = "",
    ) -> Response:
        words = DayWords(language_of(request, actor))
        asked, days, now_ms = found(actor, day, site, "pdf")
        content = draw_days(days, words, asked.day, now_ms)
        return download(content, named(words, asked, "pdf"), PDF)

    @router.get("/day/list.xlsx")
    def as_workbook(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        day: DayText = "",
        site: SiteHandle = "",
    ) -> Response:
        words = DayWords(language_of(request, actor))
        asked, days, _ = found(actor, day, site, "xlsx")
        rows = words.file_rows(days, iso=False)
        content = workbook(words("title")[:31], words.file_columns(), rows)
        return download(content, named(words, asked, "xlsx"), XLSX)

    @router.get("/day/list.csv")
    def as_csv(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        day: DayText = "",
        site: SiteHandle = "",
    ) -> Response:
        words = DayWords(language_of(request, actor))
        asked, days, _ = found(actor, day, site, "csv")
        rows = words.file_rows(days, iso=True)
        return download(csv_text(words.file_columns(), rows), named(words, asked, "csv"), CSV)

    @router.get("/day/list.json")
    def as_json(
        actor: Annotated[Actor, Depends(SEE)], day: DayText = "", site: SiteHandle = ""
    ) -> Response:
        asked, days, now_ms = found(actor, day, site, "json")
        content = day_json(days, asked.day, now_ms)
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    return router
