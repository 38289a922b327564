"""`sitegate schedule`: reports that go out by mail by themselves, at the hub itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import time
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from hub.application.access import COMMAND
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.domain.report_times import PATTERNS, Cover, Kind, Rhythm, Timing, next_due_ms
from hub.errors import UsageError
from hub.i18n import iso_text
from hub.scheduling import report_sending
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.report_schedules import ScheduleDraft, ScheduleRow, Schedules
from hub.storage.sites import Sites
from hub.web.schedule_words import ScheduleWords

T = TypeVar("T")
schedule = typer.Typer(help="Reports that go out by mail by themselves.", no_args_is_help=True)
app.add_typer(schedule, name="schedule")

_PATTERNS = ", ".join(f"{rhythm}-{cover}" for rhythm, cover in PATTERNS)
Handle = Annotated[str, typer.Argument(help="What `sitegate schedule list` shows first.")]


@schedule.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """Show every schedule: when it is due, what was sent last, what went wrong."""
    settings = given_settings()
    words = ScheduleWords(chosen_language(settings))
    now = now_ms()
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        rows = Schedules(connection, house.vault, COMMAND, now).rows()
    if as_json:
        print_json({"schedules": [_as_json(row, now) for row in rows]})
        return
    if not settings.mail.host:
        typer.echo(words("no_mail"))
    for row in rows:
        typer.echo(f"{row.handle}  {words.report(row.schedule.kind)}, {words.about(row)}")
        typer.echo(f"    {words.when(row.schedule.timing)}")
        typer.echo(f"    {words('to')}: {', '.join(row.schedule.recipients)}")
        typer.echo(f"    {words('owner')}: {words.owner(row)}")
        due, last = words.next_due(row, now), words.last_sent(row)
        typer.echo(f"    {words('next')}: {due}; {words('last')}: {last}")
        problem, code = words.problem(row)
        if problem:
            typer.echo(f"    ! {problem} ({code})")
    if not rows:
        typer.echo(words("none"))


@schedule.command("add")
def add(
    report: Annotated[Kind, typer.Argument(help="Which report.")],
    to: Annotated[list[str], typer.Option("--to", help="Mail address; once for each.")],
    at: Annotated[str, typer.Option(help="Time in Brussels, HH:MM.")] = "06:30",
    pattern: Annotated[
        str, typer.Option("--pattern", help=f"When, and about what: {_PATTERNS}.")
    ] = f"{Rhythm.DAILY}-{Cover.YESTERDAY}",
    weekday: Annotated[
        list[int] | None, typer.Option("--weekday", help="1 for Monday to 7; once for each.")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option("--site", help="Only this site, by name; once for each.")
    ] = None,
    company: Annotated[str, typer.Option(help="Only this company, by its number.")] = "",
    form: Annotated[str, typer.Option("--form", help="pdf, xlsx or csv.")] = "pdf",
    spoken: Annotated[
        str, typer.Option("--mail-language", help="Language of mail and file: fr, nl, de, en.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Have a report sent; it holds everything of the sites that are named."""
    settings = given_settings()
    words = ScheduleWords(chosen_language(settings))
    rhythm, _, cover = pattern.partition("-")
    try:
        timing = Timing(
            Rhythm(rhythm), Cover(cover), time.fromisoformat(at), frozenset(weekday or ())
        )
    except ValueError:
        raise UsageError("HUB-1862") from None
    with closing(open_house(settings.data)) as house:

        def change(connection: Connection) -> str:
            sites = Sites(connection, house.vault, COMMAND, now_ms())
            draft = ScheduleDraft(
                report,
                timing,
                form,
                spoken or settings.language,
                tuple(to),
                tuple(sites.named(one.strip()).handle for one in site or ()),
                company.strip(),
            )
            return _schedules(connection, house).add(draft)

        handle = _write(house, change)
        with reading(house.engine) as connection:
            row = _schedules(connection, house).row(handle)
    if as_json:
        print_json(_as_json(row, now_ms()))
        return
    typer.echo(f"{handle}  {words('said.added')}")
    typer.echo(f"    {words('next')}: {words.next_due(row, now_ms())}")


@schedule.command("pause")
def pause(handle: Handle, as_json: JsonFlag = False) -> None:
    """Let a schedule rest."""
    _act(lambda mine: mine.switch(handle, on=False), handle, "paused", as_json)


@schedule.command("resume")
def resume(handle: Handle, as_json: JsonFlag = False) -> None:
    """Let a schedule go on; what was due meanwhile is not sent."""
    _act(lambda mine: mine.switch(handle, on=True), handle, "resumed", as_json)


@schedule.command("remove")
def remove(handle: Handle, as_json: JsonFlag = False) -> None:
    """Remove a schedule; mails that wait still go."""
    _act(lambda mine: mine.remove(handle), handle, "removed", as_json)


@schedule.command("send")
def send(handle: Handle, as_json: JsonFlag = False) -> None:
    """Make a report now and queue its mails; a running hub hands them over."""
    settings = given_settings()
    words = ScheduleWords(chosen_language(settings))
    with closing(open_house(settings.data)) as house:
        asked = _write(house, lambda connection: _schedules(connection, house).ask(handle))

        def write(change: Callable[[Connection], T], /) -> T:
            return _write(house, change)

        report_sending(settings, house, write, now_ms).send_asked(asked)
        with reading(house.engine) as connection:
            past = _schedules(connection, house).row(handle).past[0]
    if as_json:
        print_json({"schedule": handle, "state": past.state, "rows": past.rows})
        return
    typer.echo(words.past(past))


def _act(act: Callable[[Schedules], object], handle: str, said: str, as_json: bool) -> None:
    settings = given_settings()
    with closing(open_house(settings.data)) as house:
        _write(house, lambda connection: act(_schedules(connection, house)))
    if as_json:
        print_json({"schedule": handle, "done": said})
        return
    typer.echo(ScheduleWords(chosen_language(settings))(f"said.{said}"))


def _schedules(connection: Connection, house: House) -> Schedules:
    return Schedules(connection, house.vault, COMMAND, now_ms())


def _write(house: House, change: Callable[[Connection], T]) -> T:
    with writing(house.engine) as connection:
        return change(connection)


def _as_json(row: ScheduleRow, now: int) -> dict[str, object]:
    one = row.schedule
    timing = one.timing
    return {
        "schedule": row.handle,
        "report": str(one.kind),
        "pattern": f"{timing.rhythm}-{timing.cover}",
        "weekdays": sorted(timing.weekdays),
        "at": f"{timing.at:%H:%M}",
        "sites": list(row.site_names),
        "company": row.company_number or None,
        "form": one.form,
        "language": one.language,
        "recipients": list(one.recipients),
        "active": one.active,
        "owner": row.owner or None,
        "next": iso_text(next_due_ms(timing, now)) if one.active else None,
        "last_sent": None if row.last_sent_ms is None else iso_text(row.last_sent_ms),
        "past": [
            {
                "due": iso_text(past.due_ms),
                "asked": past.asked,
                "state": past.state,
                "code": past.code or None,
                "rows": past.rows,
                "mails": [
                    {"state": mail.state, "code": mail.code or None, "count": mail.many}
                    for mail in past.mails
                ],
            }
            for past in row.past
        ],
    }
