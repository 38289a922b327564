"""`sitegate report`: hours, exceptions and months over a period, to read or as a file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from hub.application.access import COMMAND
from hub.application.reports import Report, Row, period_of
from hub.cli.app import JsonFlag, app, chosen_language, given_settings
from hub.cli.reminders import show_reminders
from hub.clock import now_ms
from hub.domain.audit import Noted
from hub.errors import UsageError
from hub.reports.report_table import report_pdf
from hub.storage.audit import note
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.report_rows import report_rows
from hub.storage.reports import Narrowed
from hub.storage.site_day import FIRST_DAY
from hub.storage.sites import Sites
from hub.web.pages.report_files import write_report
from hub.web.report_asked import Asked, day_typed, rounding_of, this_month
from hub.web.report_words import ReportWords

_Day = Annotated[str, typer.Option(help="ISO day (Brussels); default: this month until today.")]
_File = Annotated[Path | None, typer.Option(help="Write the report into this file.")]


class Name(StrEnum):
    """What the command shows: a report over a period, or the reminders that were sent."""

    HOURS = "hours"
    EXCEPTIONS = "exceptions"
    MONTHLY = "monthly"
    REMINDERS = "reminders"


@app.command("report")
def report(
    name: Annotated[Name, typer.Argument(help="Which report.")],
    first: _Day = "",
    last: _Day = "",
    site: Annotated[str | None, typer.Option(help="Only this site, by its name.")] = None,
    company: Annotated[str, typer.Option(help="Only this company, by its number.")] = "",
    csv: _File = None,
    pdf: _File = None,
    xlsx: _File = None,
    as_json: JsonFlag = False,
) -> None:
    """Show hours, exceptions or months over a period, or the reminders that were sent."""
    if name is Name.REMINDERS:
        show_reminders(company, {"csv": csv, "xlsx": xlsx}, as_json)
        return
    _show(
        Report(name), (first, last), site, company, {"csv": csv, "pdf": pdf, "xlsx": xlsx}, as_json
    )


def _show(
    name: Report,
    days: tuple[str, str],
    site: str | None,
    company: str,
    wanted: Mapping[str, Path | None],
    as_json: bool,
) -> None:
    settings = given_settings()
    words = ReportWords(chosen_language(settings), rounding_of(settings))
    now = now_ms()
    usual = this_month(now)
    period = period_of(
        day_typed(days[0], usual.first), day_typed(days[1], usual.last), usual.last, FIRST_DAY
    )
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        handle = ""
        if site is not None:
            handle = Sites(connection, house.vault, COMMAND, now).named(site.strip()).handle
        asked = Asked(name, Narrowed(period, handle, company.strip()))
        rows = list(report_rows(connection, house.vault, COMMAND, name, asked.narrowed, now))
        note(
            connection,
            house.vault,
            now,
            COMMAND.name,
            Noted.REPORT_EXPORTED,
            report=str(name),
            first=period.first.isoformat(),
            last=period.last.isoformat(),
            form="command",
            rows=len(rows),
        )
    files = [
        _write(file, form, asked, rows, words, now)
        for form, file in wanted.items()
        if file is not None
    ]
    if as_json:
        target = io.BytesIO()
        write_report(target, "json", asked, rows, words, now, report_pdf)
        typer.echo(target.getvalue().decode(), nl=False)
    elif files:
        typer.echo("\n".join(words("written", file=file) for file in files))
    else:
        typer.echo("\n".join(_lines(asked, rows, words, now)))


def _write(
    file: Path, form: str, asked: Asked, rows: Sequence[Row], words: ReportWords, now: int
) -> str:
    try:
        with file.open("w+b") as target:
            write_report(target, form, asked, rows, words, now, report_pdf)
    except OSError as error:
        raise UsageError("HUB-1752", file=str(file), reason=type(error).__name__) from None
    return str(file)


def _lines(asked: Asked, rows: Sequence[Row], words: ReportWords, now: int) -> Iterator[str]:
    yield f"{words.title(asked.report)}, {words.period(asked.period)}"
    yield f"  {words.as_of(now)}"
    for label, count in words.totals(rows):
        yield f"  {count:>8}  {label}"
    for heading, group in groupby(rows, key=words.heading):
        yield ""
        yield heading
        for row in group:
            cells = [one.replace("\n", ", ") for one in words.cells(row)]
            yield "  " + "  ".join(cells)
    if not rows:
        yield f"  {words('nothing')}"
