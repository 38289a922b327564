"""`sitegate day`: who was on a site on a day, by company and level, with the registrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from hub.application.access import COMMAND
from hub.application.site_day import SiteDay
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.cli.days import day_of
from hub.clock import now_ms
from hub.domain.audit import Noted
from hub.errors import UsageError
from hub.i18n import text
from hub.reports.day_list import day_list_pdf
from hub.storage.audit import note
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.site_day import site_days
from hub.storage.sites import Sites
from hub.web.day_json import day_json
from hub.web.day_words import DayWords
from hub.web.sheets import csv_text, workbook

_File = Annotated[Path | None, typer.Option(help="Write the list into this file.")]


@app.command("day")
def day_list(
    day: Annotated[
        str, typer.Argument(help="today, yesterday or an ISO day (Brussels).")
    ] = "today",
    site: Annotated[
        str | None, typer.Option("--site", help="Only this site, by its name; default: all.")
    ] = None,
    csv: _File = None,
    pdf: _File = None,
    xlsx: _File = None,
    as_json: JsonFlag = False,
) -> None:
    """Show who was on the sites on a day, by company and level, with the registrations."""
    settings = given_settings()
    words = DayWords(chosen_language(settings))
    now = now_ms()
    asked = day_of(day, now)
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        handle = ""
        if site is not None:
            handle = Sites(connection, house.vault, COMMAND, now).named(site.strip()).handle
        days = site_days(connection, house.vault, COMMAND, asked, now, handle)
        note(
            connection,
            house.vault,
            now,
            COMMAND.name,
            Noted.DAY_EXPORTED,
            day=asked.isoformat(),
            form="command",
            sites=[one.site for one in days],
            rows=sum(1 for one in days for _ in one.everybody),
        )
    written = [
        _write(file, content())
        for file, content in (
            (csv, lambda: csv_text(words.file_columns(), words.file_rows(days, iso=True))),
            (pdf, lambda: day_list_pdf(days, words, asked, now)),
            (
                xlsx,
                lambda: workbook(
                    words("title")[:31], words.file_columns(), words.file_rows(days, iso=False)
                ),
            ),
        )
        if file is not None
    ]
    if as_json:
        print_json(day_json(days, asked, now) | ({"files": written} if written else {}))
    elif written:
        typer.echo("\n".join(words("written", file=file) for file in written))
    else:
        lines = [line for one in days for line in _lines(one, words)]
        typer.echo("\n".join(lines) if days else text("day.no_sites", words.language))


def _write(file: Path, content: bytes) -> str:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError("HUB-1752", file=str(file), reason=type(error).__name__) from None
    return str(file)


def _lines(day: SiteDay, words: DayWords) -> Iterator[str]:
    yield words.title(day)
    yield f"  {words.as_of(day)}"
    if day.works:
        yield f"  {words.works(day)}"
    for _, label, count in words.totals(day.totals):
        yield f"  {count:>6}  {label}"
    for reason, count in words.reasons(day):
        yield f"  ! {count} x {reason}"
    groups = [
        (f"{words.company(one)}   {words.place(one)}".rstrip(), one.people) for one in day.companies
    ]
    if day.visitors:
        groups.append((words("visitors"), day.visitors))
    for heading, people in groups:
        yield ""
        yield heading
        for one in people:
            came, left = words.came(one, day.day), words.left(one, day.day)
            yield f"  {one.name:<32} {one.masked:<18} {came:>12} {left:>14}  {words.standing(one)}"
            for row in one.registrations:
                yield f"      {words.registration(one, row, day.day)}"
            remark = words.remark(one)
            if remark:
                yield f"      {remark}"
    if not groups:
        yield f"  {words('nobody')}"
