"""`sitegate roll-call`: who is on the site, from the database or from the last list on disk."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.application.prompt import Unanswered
from hub.application.roll_call import RollCall, Sheet, SiteList, by_company, sheet_of
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import PermanentError, TransientError, UsageError
from hub.i18n import text
from hub.reports.roll_call import (
    as_of,
    company_of,
    groups_of,
    name_of,
    roll_call_pdf,
    title_of,
    where_of,
)
from hub.storage.house import DATABASE
from hub.storage.roll_call_files import read_shelf, write_whole
from hub.storage.roll_call_lists import PromptLists

_Known = tuple[SiteList, RollCall | None]


@app.command("roll-call")
def roll_call(
    site: Annotated[
        str | None, typer.Option("--site", help="Name of the site; needed where there are several.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Write the list to this file, on A4.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print who is on site, for an evacuation; works when the database does not answer."""
    settings = given_settings()
    language = chosen_language(settings)
    found, old = _known(settings.data)
    people, call = _chosen(found, site)
    sheet = sheet_of(people, call)
    age_ms = max(0, now_ms() - people.as_of_ms) if old else 0
    notice = text("roll_call.cli.old", language, age=_age(age_ms, language)) if old else ""
    if pdf is not None:
        try:
            write_whole(pdf.absolute(), roll_call_pdf(sheet, language, notice))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise PermanentError("HUB-1743", file=str(pdf), reason=reason) from None
    if as_json:
        told: dict[str, Any] = {**sheet.as_json(), "from_disk": old}
        print_json({**told, "age_s": age_ms // 1000, "pdf": None if pdf is None else str(pdf)})
        return
    if pdf is not None:
        if notice:
            typer.echo(notice)
        typer.echo(text("roll_call.cli.written", language, file=pdf))
        return
    for line in _lines(sheet, language, notice):
        typer.echo(line)


def _known(folder: Path) -> tuple[list[_Known], bool]:
    """Returns the lists of every site, and whether they are those of the disk."""
    try:
        with closing(PromptLists(folder / DATABASE, now_ms)) as lists:
            calls = {call.site_id: call for call in lists.calls()}
            found: list[_Known] = []
            for key, _ in lists.sites():
                call = calls.get(key)
                under_way = call is not None and call.closed_ms is None
                kept = frozenset(call.people) if call and under_way else frozenset[int]()
                found.append((lists.read(key, kept), call))
            return found, False
    except Unanswered:
        last = read_shelf(folder)
        if not last:
            raise TransientError("HUB-1740") from None
        return last, True


def _chosen(found: list[_Known], site: str | None) -> _Known:
    fitting = [one for one in found if site is None or one[0].site.casefold() == site.casefold()]
    if len(fitting) != 1:
        raise UsageError("HUB-1741", sites=", ".join(one[0].site for one in found) or "-")
    return fitting[0]


def _age(age_ms: int, language: str) -> str:
    minutes = age_ms // 60_000
    if minutes < 120:
        return text("roll_call.cli.minutes", language, count=minutes)
    hours, rest = divmod(minutes, 60)
    return text("roll_call.cli.hours", language, hours=hours, minutes=rest)


def _lines(sheet: Sheet, language: str, notice: str) -> Iterable[str]:
    yield title_of("title", sheet.list.site, language)
    yield as_of(sheet, language)
    if notice:
        yield notice
    yield text("roll_call.caution", language)
    for key, rows in groups_of(sheet):
        yield ""
        yield title_of(key, len(rows), language)
        for company, people in by_company(rows):
            yield f"  {company_of(company, language)} ({len(people)})"
            for row in people:
                box = "[x]" if row.mark == "present" else "[ ]"
                where = where_of(row, language)
                yield f"    {box} {name_of(row, language)}{f'  {where}' if where else ''}"
