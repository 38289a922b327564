"""The reminders that were sent: a list, each by itself, and what proves it.

    GET /reports/reminders                        newest first; `?company=NUMBER`
    GET /reports/reminders/report.xlsx            the same as a file; also .csv and .json
    GET /reports/reminders/{handle}               one: what was said, and what became of it
    GET /reports/reminders/{handle}/attestation   that on paper, a PDF
    GET /reports/reminders/{handle}/list          the list as it was attached

A reminder outside of the scope of whoever asks is 404 like one that does not exist. Who takes a
file along is noted in the audit.
"""

from __future__ import annotations

import io
import json
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from hub.application.access import Actor
from hub.application.reminders import ReminderRow
from hub.domain.audit import Noted
from hub.domain.companies import number_text
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import iso_text
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.reminders import PAGE, Reminders
from hub.storage.reminding import may_remind
from hub.web.access import Allowed
from hub.web.frame import draw, language_of
from hub.web.office import Office
from hub.web.pages.reports import Handle
from hub.web.reminder_words import ReminderWords, reminder_json
from hub.web.sheets import CSV, XLSX, download, write_csv, write_workbook

SEE: Final = Allowed(Action.REPORTS_SEE)
FORMS: Final = ("xlsx", "csv", "json")
TYPES: Final = {"xlsx": XLSX, "csv": CSV, "json": "application/json"}
_Page = Annotated[int, Query(ge=1, le=10_000)]


class DrawReminder(Protocol):
    """`hub.reports.reminder.reminder_pdf`; pages do not know how paper is made."""

    def __call__(
        self, row: ReminderRow, words: ReminderWords, hub_name: str, now_ms: int, /
    ) -> bytes:
        """Returns the attestation of a reminder as a PDF."""
        ...


def write_reminders(form: str, rows: list[ReminderRow], words: ReminderWords, now_ms: int) -> bytes:
    """Returns the list in one of `FORMS`.

    Args:
        now_ms: when it is made, UTC milliseconds.
    """
    if form == "json":
        told = {"as_of": iso_text(now_ms), "reminders": [reminder_json(row) for row in rows]}
        return (json.dumps(told, ensure_ascii=False) + "\n").encode()
    target = io.BytesIO()
    cells = (words.cells(row, iso=form == "csv") for row in rows)
    if form == "csv":
        write_csv(target, words.columns(), cells)
    else:
        write_workbook(target, words("title")[:31], words.columns(), cells)
    return target.getvalue()


def reminders_pages(office: Office, hub_name: str, draw_reminder: DrawReminder) -> APIRouter:
    """Returns the pages.

    Args:
        hub_name: address of this hub, by which an attestation names it.
        draw_reminder: makes an attestation a PDF.
    """
    router = APIRouter()

    def words_of(request: Request, actor: Actor) -> ReminderWords:
        return ReminderWords(language_of(request, actor))

    def one_of(actor: Actor, handle: str) -> ReminderRow:
        with reading(office.engine) as connection:
            row = Reminders(connection, office.vault, actor).one(handle)
        if row is None:
            raise HTTPException(404)
        return row

    def noted(actor: Actor, what: str, form: str, rows: int) -> None:
        office.write(
            lambda connection: note(
                connection,
                office.vault,
                office.clock(),
                actor.name,
                Noted.REPORT_EXPORTED,
                company_id=actor.company_id,
                report=what,
                form=form,
                rows=rows,
            )
        )

    @router.get("/reports/reminders")
    def listed(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        company: Handle = "",
        page: _Page = 1,
    ) -> Response:
        company = company.strip()
        with reading(office.engine) as connection:
            reminders = Reminders(connection, office.vault, actor)
            count = reminders.count(company)
            pages = max(1, -(-count // PAGE))
            rows = reminders.rows(company, min(page, pages))
        return draw(
            request,
            "reminders.html",
            words_of(request, actor),
            actor,
            rows=rows,
            count=count,
            company=company,
            page=min(page, pages),
            pages=pages,
            forms=FORMS,
            may_send=may_remind(actor),
            number_text=number_text,
        )

    @router.get("/reports/reminders/report.{form}")
    def file(
        request: Request,
        form: str,
        actor: Annotated[Actor, Depends(SEE)],
        company: Handle = "",
    ) -> Response:
        if form not in FORMS:
            raise HTTPException(404)
        words = words_of(request, actor)
        with reading(office.engine) as connection:
            rows = Reminders(connection, office.vault, actor).rows(company.strip())
        content = write_reminders(form, rows, words, office.clock())
        noted(actor, "reminders", form, len(rows))
        return download(content, f"{words('file')}.{form}", TYPES[form])

    @router.get("/reports/reminders/{handle}")
    def one(request: Request, actor: Annotated[Actor, Depends(SEE)], handle: str) -> Response:
        row = one_of(actor, handle)
        words = words_of(request, actor)
        return draw(request, "reminder.html", words, actor, row=row, number_text=number_text)

    @router.get("/reports/reminders/{handle}/attestation")
    def attestation(
        request: Request, actor: Annotated[Actor, Depends(SEE)], handle: str
    ) -> Response:
        row, words = one_of(actor, handle), words_of(request, actor)
        content = draw_reminder(row, words, hub_name, office.clock())
        noted(actor, "reminder_attestation", "pdf", 1)
        name = f"{words('attest.file')}-{row.period.last}.pdf"
        return download(content, name, "application/pdf")

    @router.get("/reports/reminders/{handle}/list")
    def attached(actor: Annotated[Actor, Depends(SEE)], handle: str) -> Response:
        try:
            with reading(office.engine) as connection:
                found = Reminders(connection, office.vault, actor).list(handle)
        except UsageError:
            # The page of the reminder says why there is none.
            raise HTTPException(404) from None
        if found is None:
            raise HTTPException(404)
        noted(actor, "reminder_list", "pdf", 1)
        return download(found.content, found.name, found.media_type)

    return router
