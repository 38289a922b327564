"""`sitegate retention`: how long what is kept, and erasing what has had its time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.i18n import moment_text, text
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.retention import Erased, Retention, days_of, last_run_ms, report

T = TypeVar("T")
retention = typer.Typer(help="How long what is kept.", no_args_is_help=True)
app.add_typer(retention, name="retention")


@retention.command("show")
def show(as_json: JsonFlag = False) -> None:
    """Show the rules, what is due now, and what was erased lately."""
    settings = given_settings()
    language = chosen_language(settings)
    days = days_of(settings.retention)
    with closing(open_house(settings.data)) as house:
        found = {one.due.data_class: one for one in _rules(house).look(now_ms())}
        with reading(house.engine) as connection:
            last_ms = last_run_ms(connection)
            told = report(connection)
    if as_json:
        print_json(
            {
                "rules": [
                    {
                        "class": one,
                        "days": count,
                        "before": found[one].due.before.isoformat(),
                        "due": found[one].rows,
                    }
                    for one, count in days.items()
                ],
                "last_run_ms": last_ms,
                "report": [
                    {
                        "at_ms": row.at_ms,
                        "class": row.data_class,
                        "before": row.before_day,
                        "rows": row.rows,
                        "actor": row.actor,
                    }
                    for row in told
                ],
            }
        )
        return
    for one, count in days.items():
        name = text(f"retention.class.{one}", language)
        typer.echo(text("retention.rule", language, name=name, days=count, rows=found[one].rows))
    when = text("retention.never", language) if last_ms is None else moment_text(last_ms, language)
    typer.echo(text("retention.last", language, when=when))
    for row in told:
        name = text(f"retention.class.{row.data_class}", language)
        moment = moment_text(row.at_ms, language)
        before = row.before_day or "-"
        typer.echo(
            text("retention.was", language, when=moment, name=name, before=before, rows=row.rows)
        )


@retention.command("run")
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be erased.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erase what has had its time; a running hub does the same each night."""
    settings = given_settings()
    language = chosen_language(settings)
    with closing(open_house(settings.data)) as house:
        rules = _rules(house)
        done = rules.look(now_ms()) if dry_run else rules.run(now_ms(), "command")
    if as_json:
        print_json({"dry_run": dry_run, "erased": [_as_json(one) for one in done]})
        return
    for one in done:
        name = text(f"retention.class.{one.due.data_class}", language)
        before = one.due.before.isoformat()
        key = "retention.would" if dry_run else "retention.did"
        typer.echo(text(key, language, name=name, before=before, rows=one.rows))


def _as_json(one: Erased) -> dict[str, str | int]:
    before: date = one.due.before
    return {"class": one.due.data_class, "before": before.isoformat(), "rows": one.rows}


def _rules(house: House) -> Retention:
    def write(change: Callable[[Connection], T], /) -> T:
        with writing(house.engine) as connection:
            return change(connection)

    return Retention(
        house.engine, write, house.vault, house.folder, days_of(given_settings().retention)
    )
