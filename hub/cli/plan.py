"""`sitegate plan`: who is expected on which day, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hub.application import plan_report as report
from hub.application.people_table import MEGABYTES_MAX
from hub.application.planning import Withdrawn
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.domain.identifiers import parse_works_number
from hub.domain.plan import parse_weekdays, weekdays_text
from hub.domain.registration import CANCEL_REASONS
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.house import open_house
from hub.storage.plans import Plans, plans_of

ACTOR = "command"
KEPT_SEEN = ("seen", "in_hand")

plan = typer.Typer(help="Who is expected on which day.", no_args_is_help=True)
app.add_typer(plan, name="plan")
pattern = typer.Typer(help="Weekly patterns of the plan.", no_args_is_help=True)
plan.add_typer(pattern, name="pattern")

Day = Annotated[str, typer.Argument(help="today, tomorrow or a date such as 2026-11-24.")]
PersonRef = Annotated[int, typer.Option("--person-ref", help="Reference of the person.")]
Again = Annotated[bool, typer.Option("--again", help="Also plan again what was withdrawn before.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """An open plan, and how to talk about it."""

    plans: Plans
    language: str


@contextmanager
def _desk() -> Iterator[Desk]:
    settings = given_settings()
    house = open_house(settings.data)
    try:
        plans = plans_of(house, now_ms, settings.plan.submit_at)
        yield Desk(plans, chosen_language(settings))
    finally:
        house.close()


def read_file(file: Path) -> bytes:
    """Returns the content of a file that is not too large.

    Raises:
        UsageError: HUB-1013, it cannot be read.
    """
    try:
        if file.stat().st_size > MEGABYTES_MAX * 1_100_000:
            raise UsageError("HUB-1013", file=str(file), reason="size")
        return file.read_bytes()
    except OSError as error:
        raise UsageError("HUB-1013", file=str(file), reason=type(error).__name__) from None


def _reason(reason: str) -> str:
    wanted = reason.strip().upper()
    if wanted not in CANCEL_REASONS:
        raise UsageError("HUB-1502", reasons=", ".join(CANCEL_REASONS))
    return wanted


@plan.command("import")
def import_plan(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, XLS or ODS, see docs/plan.md.")],
    good_rows_only: Annotated[
        bool, typer.Option("--good-rows-only", help="Plan the good rows although others are not.")
    ] = False,
    again: Again = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is wrong; plan nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take people and days from a file into the plan; all rows or none."""
    with _desk() as desk:
        read = desk.plans.read(read_file(file))
        written = desk.plans.take(read, "file", ACTOR, again, good_rows_only, dry_run)
    check = written.check
    accepted = check.writable(good_rows_only)
    if as_json:
        told = report.check_told(check, good_rows_only, desk.language)
        print_json({**told, "written": accepted and not dry_run, "added": written.added})
    else:
        typer.echo(report.render_check(check, desk.language))
        if not accepted:
            why = "plan.unreadable" if check.refused else "plan.refused"
            typer.echo(text(why, desk.language))
        elif dry_run:
            typer.echo(text("plan.dry_run", desk.language))
        else:
            typer.echo(text("plan.done", desk.language, added=written.added))
    if not accepted:
        raise typer.Exit(2)


@plan.command("show")
def show(
    day: Day = "today",
    unplanned: Annotated[
        bool, typer.Option("--unplanned", help="Show who is not planned on that day instead.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a day of the plan with every problem, before anything leaves."""
    with _desk() as desk:
        wanted = desk.plans.day(day)
        iso = wanted.isoformat()
        if unplanned:
            people = desk.plans.unplanned(wanted)
            if as_json:
                told = [report.person_told(one) for one in people]
                print_json({"day": iso, "unplanned": told})
            elif people:
                typer.echo(report.render_people(people))
            else:
                typer.echo(text("plan.everybody_planned", desk.language, day=iso))
            return
        days = desk.plans.days(wanted)
    if as_json:
        print_json({"day": iso, "entries": report.days_told(days, desk.language)})
    elif days:
        typer.echo(report.render_days(days, desk.language))
    else:
        typer.echo(text("plan.empty", desk.language, day=iso))


@plan.command("submit")
def submit(
    day: Day = "tomorrow",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be prepared.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prepare the registrations of a day now; the running hub does so by itself."""
    with _desk() as desk:
        wanted = desk.plans.day(day)
        ready, wrong = desk.plans.unsubmitted(wanted)
        count = len(ready) if dry_run else desk.plans.submit_asked(wanted)
    if as_json:
        print_json(
            {
                "day": wanted.isoformat(),
                "submitted": 0 if dry_run else count,
                "would_submit": count if dry_run else 0,
                "ready": report.days_told(ready, desk.language) if dry_run else [],
                "problems": report.days_told(wrong, desk.language),
            }
        )
        return
    if wrong:
        typer.echo(report.render_days(wrong, desk.language))
    key = "plan.would_submit" if dry_run else "plan.submitted"
    day_shown = wanted.isoformat()
    typer.echo(text(key, desk.language, day=day_shown, count=count, problems=len(wrong)))


@plan.command("withdraw")
def withdraw(
    reason: Annotated[str, typer.Option("--reason", help="HOLIDAY, DISEASE, PLANNING or C32A.")],
    entry_ids: Annotated[
        list[int] | None, typer.Argument(help="Numbers of entries, see `plan show`.")
    ] = None,
    day: Annotated[
        str | None, typer.Option("--day", help="With --person-ref, instead of numbers: the day.")
    ] = None,
    person_ref: Annotated[
        int | None, typer.Option("--person-ref", help="With --day: reference of the person.")
    ] = None,
    although_seen: Annotated[
        bool, typer.Option("--although-seen", help="Even of people who were seen on the site.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Withdraw planned days; what was registered for them is cancelled with the reason."""
    wanted_reason = _reason(reason)
    by_person = day is not None and person_ref is not None
    if bool(entry_ids) == by_person or (day is None) != (person_ref is None):
        raise UsageError("HUB-1503")
    with _desk() as desk:
        wanted = list(dict.fromkeys(entry_ids or []))
        if day is not None and person_ref is not None:
            wanted = desk.plans.entries_of(desk.plans.day(day), person_ref)
        done = desk.plans.withdraw(wanted, wanted_reason, ACTOR, although_seen)
    _tell_withdrawn(done, desk.language, as_json)


def _tell_withdrawn(done: Sequence[Withdrawn], language: str, as_json: bool) -> None:
    if as_json:
        print_json({"withdrawn": report.withdrawn_told(done)})
    elif done:
        typer.echo(report.render_withdrawn(done, language))
    kept = sum(one.outcome in KEPT_SEEN for one in done)
    if kept:
        raise UsageError("HUB-1504", count=kept)


@plan.command("copy")
def copy(
    source: Annotated[str, typer.Option("--from", help="The day that is copied.")],
    target: Annotated[str, typer.Option("--to", help="The day that is planned.")],
    again: Again = False,
    as_json: JsonFlag = False,
) -> None:
    """Plan for a day everybody who stands in the plan of another day."""
    with _desk() as desk:
        source_day, day = desk.plans.day(source), desk.plans.day(target)
        done = desk.plans.copy(source_day, day, ACTOR, again)
    told = {"added": done.added, "unchanged": done.unchanged, "withdrawn": done.withdrawn_before}
    days = {"source": source_day.isoformat(), "day": day.isoformat()}
    if as_json:
        print_json({"from": days["source"], "to": days["day"], **told})
    else:
        typer.echo(text("plan.copied", desk.language, **told, **days))


@plan.command("absent")
def absent(
    day: Day = "today",
    cancel: Annotated[
        str | None,
        typer.Option("--cancel", help="Withdraw them: HOLIDAY, DISEASE, PLANNING or C32A."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List who is planned and was not seen; with a reason, cancel them."""
    reason = _reason(cancel) if cancel is not None else None
    with _desk() as desk:
        wanted = desk.plans.day(day)
        if reason is not None:
            done = desk.plans.withdraw_absent_asked(wanted, reason, ACTOR)
            _tell_withdrawn(done, desk.language, as_json)
            return
        missing = desk.plans.absent(wanted)
    iso = wanted.isoformat()
    if as_json:
        print_json({"day": iso, "absent": report.days_told(missing, desk.language)})
    elif missing:
        typer.echo(report.render_days(missing, desk.language))
        reasons = "|".join(CANCEL_REASONS)
        typer.echo(text("plan.absent_next", desk.language, day=iso, reasons=reasons))
    else:
        typer.echo(text("plan.nobody_absent", desk.language, day=iso))


# ---------------------------------------------------------------- weekly patterns


@pattern.command("add")
def add_pattern(
    person_ref: PersonRef,
    days: Annotated[str, typer.Option("--days", help="For example mon-fri or mon,wed,fri.")],
    works: Annotated[
        str | None, typer.Option("--works", help="Works number; default: the only assignment.")
    ] = None,
    start: Annotated[str, typer.Option("--from", help="First day.")] = "today",
    until: Annotated[str | None, typer.Option("--until", help="Last day.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Plan a person on the same days of every week."""
    mask = parse_weekdays(days)
    number = None if works is None else parse_works_number(works)
    with _desk() as desk:
        first = desk.plans.day(start)
        last = None if until is None else desk.plans.day(until)
        added = desk.plans.add_pattern(person_ref, number, mask, first, last, ACTOR)
    if as_json:
        print_json({"pattern": added, "days": weekdays_text(mask)})
    else:
        shown = {"pattern": added, "days": weekdays_text(mask), "start": first.isoformat()}
        typer.echo(text("plan.pattern_added", desk.language, **shown))


@pattern.command("list")
def list_patterns(as_json: JsonFlag = False) -> None:
    """List the weekly patterns in force."""
    with _desk() as desk:
        patterns = desk.plans.patterns()
    if as_json:
        print_json({"patterns": report.patterns_told(patterns)})
    elif patterns:
        typer.echo(report.render_patterns(patterns))
    else:
        typer.echo(text("plan.no_patterns", desk.language))


@pattern.command("remove")
def remove_pattern(
    pattern_id: Annotated[int, typer.Argument(help="Number of the pattern.")],
    as_json: JsonFlag = False,
) -> None:
    """End a weekly pattern and withdraw its days after today."""
    with _desk() as desk:
        done = desk.plans.remove_pattern(pattern_id, ACTOR)
    if as_json:
        print_json({"pattern": pattern_id, "withdrawn": report.withdrawn_told(done)})
    else:
        shown = {"pattern": pattern_id, "count": len(done)}
        typer.echo(text("plan.pattern_removed", desk.language, **shown))
        if done:
            typer.echo(report.render_withdrawn(done, desk.language))
