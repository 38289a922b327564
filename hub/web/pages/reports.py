"""Reports over a period: which there are, and each as a page.

    GET /reports                                     which there are
    GET /reports/hours?first=2026-11-01&last=...     one of them; `&site=HANDLE&company=NUMBER`

`hub.web.pages.report_files` has the same as files.
"""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from hub.application.access import Actor
from hub.application.reports import Report, Row
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.companies import Companies, CompanyRow
from hub.storage.engine import reading
from hub.storage.reminding import may_remind
from hub.storage.site_day import FIRST_DAY
from hub.storage.sites import SiteRow, Sites
from hub.web.access import Allowed
from hub.web.frame import draw, language_of
from hub.web.office import Office
from hub.web.report_asked import Asked, asked_of, rounding_of, rows_of, this_month
from hub.web.report_words import ReportWords

SEE: Final = Allowed(Action.REPORTS_SEE)
PAGE: Final = 250
"""Rows on one page."""
FORMS: Final = ("pdf", "xlsx", "csv", "json")
DayText = Annotated[str, Query(max_length=20)]
Handle = Annotated[str, Query(max_length=40)]
_Page = Annotated[int, Query(ge=1, le=10_000)]


def reports_pages(office: Office) -> APIRouter:
    """Returns the pages."""
    router = APIRouter()

    def words_of(request: Request, actor: Actor) -> ReportWords:
        return ReportWords(language_of(request, actor), rounding_of(office.settings))

    @router.get("/reports")
    def overview(request: Request, actor: Annotated[Actor, Depends(SEE)]) -> Response:
        words = words_of(request, actor)
        period = this_month(office.clock())
        return draw(
            request,
            "reports.html",
            words,
            actor,
            reports=tuple(Report),
            period=period,
            first_day=FIRST_DAY,
            sites=_sites(office, actor),
            companies=_companies(office, actor),
            sees_day=actor.may(Action.DAY_SEE),
            may_remind=may_remind(actor),
            schedules=actor.may(Action.REPORTS_SCHEDULE),
        )

    @router.get("/reports/{name}")
    def page(
        request: Request,
        name: str,
        actor: Annotated[Actor, Depends(SEE)],
        first: DayText = "",
        last: DayText = "",
        site: Handle = "",
        company: Handle = "",
        page: _Page = 1,
    ) -> Response:
        now_ms = office.clock()
        rows: list[Row] = []
        error: UsageError | None = None
        try:
            asked = asked_of(name, first, last, site, company, now_ms)
            rows = rows_of(office, actor, asked, now_ms)
        except UsageError as found:
            error, asked = found, asked_of(name, "", "", "", "", now_ms)
        return _draw(request, office, actor, words_of(request, actor), asked, rows, page, error)

    return router


def _draw(
    request: Request,
    office: Office,
    actor: Actor,
    words: ReportWords,
    asked: Asked,
    rows: list[Row],
    page: int,
    error: UsageError | None,
) -> Response:
    now_ms = office.clock()
    pages = max(1, -(-len(rows) // PAGE))
    page = min(page, pages)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    return draw(
        request,
        "report.html",
        words,
        actor,
        400 if error else 200,
        asked=asked,
        groups=[
            (heading, [words.cells(row) for row in group])
            for heading, group in groupby(shown, key=words.heading)
        ],
        columns=words.columns(asked.report),
        totals=words.totals(rows),
        as_of=words.as_of(now_ms),
        rounded=words.rounded() if asked.report is Report.HOURS else "",
        first_day=FIRST_DAY,
        today=this_month(now_ms).last,
        sites=_sites(office, actor),
        companies=_companies(office, actor),
        forms=FORMS,
        may_remind=asked.report is Report.EXCEPTIONS and bool(rows) and may_remind(actor),
        page=page,
        pages=pages,
        errors=words.explained([error] if error else []),
    )


def _sites(office: Office, actor: Actor) -> list[SiteRow]:
    with reading(office.engine) as connection:
        return Sites(connection, office.vault, actor, office.clock()).rows(Action.REPORTS_SEE)


def _companies(office: Office, actor: Actor) -> list[CompanyRow]:
    with reading(office.engine) as connection:
        return Companies(connection, office.vault, actor, office.clock()).rows()
