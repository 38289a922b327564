"""A report over a period as a file, the same that the page shows; written row by row.

    GET /reports/hours/report.pdf    to print and hand over, A4 landscape
    GET /reports/hours/report.xlsx   as a workbook, in the form of the language
    GET /reports/hours/report.csv    days and moments as ISO 8601
    GET /reports/hours/report.json   for programs

Each takes the query of the page. Who took a report along is noted in the audit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Annotated, Final, Protocol

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from hub.application.access import Actor
from hub.application.reports import Period, Report, Row
from hub.domain.audit import Noted
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.web.access import Allowed
from hub.web.frame import language_of
from hub.web.office import Office
from hub.web.pages.reports import FORMS, DayText, Handle
from hub.web.report_asked import Asked, asked_of, rounding_of, rows_of
from hub.web.report_json import report_json
from hub.web.report_words import ReportWords
from hub.web.sheets import CSV, XLSX, write_csv, write_workbook

SEE: Final = Allowed(Action.REPORTS_SEE)
TYPES: Final = {
    "pdf": "application/pdf",
    "xlsx": XLSX,
    "csv": CSV,
    "json": "application/json",
}
_IN_MEMORY: Final = 1 << 20
_PIECE: Final = 1 << 16


class DrawReport(Protocol):
    """`hub.reports.report_table.report_pdf`; pages do not know how paper is made."""

    def __call__(
        self,
        report: Report,
        period: Period,
        rows: Sequence[Row],
        words: ReportWords,
        now_ms: int,
        /,
    ) -> bytes:
        """Returns a report as a PDF."""
        ...


def write_report(
    target: IO[bytes],
    form: str,
    asked: Asked,
    rows: Sequence[Row],
    words: ReportWords,
    now_ms: int,
    draw_report: DrawReport,
) -> None:
    """Writes a report in one of `TYPES`.

    Args:
        now_ms: when it is made, UTC milliseconds.

    Raises:
        UsageError: HUB-1852, it is too long for paper.
    """
    report = asked.report
    headings = words.file_columns(report)
    match form:
        case "pdf":
            target.write(draw_report(report, asked.period, rows, words, now_ms))
        case "xlsx":
            cells = _cells(rows, words, iso=False)
            write_workbook(target, words.title(report)[:31], headings, cells)
        case "csv":
            write_csv(target, headings, _cells(rows, words, iso=True))
        case _:
            for part in report_json(report, asked.period, rows, words.rounding, now_ms):
                target.write(part.encode())


def _cells(rows: Iterable[Row], words: ReportWords, iso: bool) -> Iterator[list[str]]:
    for row in rows:
        yield from words.file_rows(row, iso)


def file_name(asked: Asked, words: ReportWords, form: str) -> str:
    """Returns what the file of a report is called; it holds no name of a person."""
    period = asked.period
    return f"{words(f'{asked.report}.file')}-{period.first}-{period.last}.{form}"


def report_files(office: Office, draw_report: DrawReport) -> APIRouter:
    """Returns the addresses of the files."""
    router = APIRouter()

    @router.get("/reports/{name}/report.{form}")
    def file(
        request: Request,
        name: str,
        form: str,
        actor: Annotated[Actor, Depends(SEE)],
        first: DayText = "",
        last: DayText = "",
        site: Handle = "",
        company: Handle = "",
    ) -> Response:
        if form not in FORMS:
            raise HTTPException(404)
        now_ms = office.clock()
        words = ReportWords(language_of(request, actor), rounding_of(office.settings))
        try:
            asked = asked_of(name, first, last, site, company, now_ms)
            rows = rows_of(office, actor, asked, now_ms)
            target = _written(form, asked, rows, words, now_ms, draw_report)
        except UsageError:
            raise HTTPException(400) from None
        _note(office, actor, asked, form, len(rows), now_ms)
        return StreamingResponse(
            _pieces(target),
            media_type=TYPES[form],
            headers={
                "Content-Disposition": f'attachment; filename="{file_name(asked, words, form)}"',
                "Cache-Control": "no-store",
            },
        )

    return router


def _written(
    form: str,
    asked: Asked,
    rows: Sequence[Row],
    words: ReportWords,
    now_ms: int,
    draw_report: DrawReport,
) -> IO[bytes]:
    """A report in a file of its own, which is gone when it is closed."""
    target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - handed out
    try:
        write_report(target, form, asked, rows, words, now_ms, draw_report)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


def _note(office: Office, actor: Actor, asked: Asked, form: str, rows: int, now_ms: int) -> None:
    office.write(
        lambda connection: note(
            connection,
            office.vault,
            now_ms,
            actor.name,
            Noted.REPORT_EXPORTED,
            company_id=actor.company_id,
            report=str(asked.report),
            first=asked.period.first.isoformat(),
            last=asked.period.last.isoformat(),
            form=form,
            rows=rows,
        )
    )


def _pieces(target: IO[bytes]) -> Iterator[bytes]:
    with target:
        while piece := target.read(_PIECE):
            yield piece
