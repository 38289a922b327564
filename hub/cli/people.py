"""`sitegate import`: people, companies, works and badges from a CSV file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hub.application.people_file import read_people_file
from hub.application.people_report import render_report, to_json
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.register import Register

FILE_MAX = 32 * 1024 * 1024


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="CSV file, see docs/people-file.md.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is wrong; write nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Import people, companies, works numbers and badges; all rows or none."""
    settings = given_settings()
    language = chosen_language(settings)
    try:
        if file.stat().st_size > FILE_MAX:
            raise UsageError("HUB-1013", file=str(file), reason="size")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError("HUB-1013", file=str(file), reason=type(error).__name__) from None
    now = now_ms()
    people = read_people_file(data, brussels_day(now))
    report = json.loads(to_json(people, language))
    if not as_json:
        typer.echo(render_report(people, language))
    if not people.accepted:
        if as_json:
            print_json({**report, "written": False})
        raise typer.Exit(2)
    if dry_run:
        if as_json:
            print_json({**report, "written": False})
        else:
            typer.echo(text("cli.dry_run", language))
        return
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            done = Register(connection, house.vault).import_people(people.rows, now)
    finally:
        house.close()
    if as_json:
        print_json(
            {
                **report,
                "written": True,
                "people_new": done.people_new,
                "badges_new": done.badges_new,
                "badges_moved": done.badges_moved,
            }
        )
    else:
        typer.echo(
            text(
                "cli.imported",
                language,
                rows=done.rows,
                people=done.people_new,
                badges=done.badges_new,
                moved=done.badges_moved,
            )
        )
