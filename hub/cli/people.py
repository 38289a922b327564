"""`sitegate import`: people, companies, works and badges from a spreadsheet or CSV file."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.application.access import COMMAND
from hub.application.people_file import check_people
from hub.application.people_headings import COLUMNS, UNREAD, plain
from hub.application.people_report import render_report, to_json
from hub.application.people_rows import PeopleFile, Rules
from hub.application.people_sheet import Columns, Sheet, columns_of, read_sheet
from hub.application.people_table import column_letter
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.i18n import text
from hub.settings import Settings
from hub.storage.backups import back_up
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.import_desk import Choice, ImportDesk
from hub.storage.import_undo import ImportUndo
from hub.storage.people_import import Imported

FILE_MAX = 32 * 1024 * 1024


@app.command("import")
def import_people(
    file: Annotated[
        Path | None, typer.Argument(help="Workbook or CSV file, see docs/people-file.md.")
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(help="Sheet of the workbook; else the first that holds something."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="HEADING=column or LETTER=column; nothing after = to skip it."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is wrong; write nothing.")
    ] = False,
    good_rows: Annotated[
        bool, typer.Option("--good-rows", help="Import the rows without an error.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last import back.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Import people, companies, works numbers and badges; all rows, or none, or the good ones."""
    settings = given_settings()
    if undo == (file is not None):
        raise typer.BadParameter("FILE, --undo")
    if file is None:
        _undo(settings, as_json)
        return
    read = read_sheet(_bytes_of(file), sheet)
    at_ms = now_ms()
    # The office of the hub may name whatever a file can name: nothing is asked of the register, so
    # that a look makes no data folder.
    chosen = _mapped(read, columns or [])
    people = check_people(read, chosen, brussels_day(at_ms), Rules())
    done = None
    if not dry_run and (people.accepted or (good_rows and people.good)):
        choice = Choice.GOOD_ROWS if good_rows else Choice.EVERYTHING
        with closing(open_house(settings.data)) as house:
            backup = back_up(house.engine, house.folder, at_ms, settings.imports.backups)
            desk = ImportDesk(house.vault, COMMAND, at_ms)
            with writing(house.engine) as connection:
                done = desk.write(connection, read, chosen, choice, backup)
    _tell(settings, read, people, done, dry_run, as_json)


def _tell(
    settings: Settings,
    sheet: Sheet,
    people: PeopleFile,
    done: Imported | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    language = chosen_language(settings)
    if as_json:
        report: dict[str, Any] = json.loads(to_json(people, language))
        report |= {"sheet": sheet.name, "sheets": list(sheet.names)}
        report["written"] = done is not None
        if done is not None:
            report |= {
                "rows_written": done.rows,
                "people_new": done.people_new,
                "people_changed": done.people_changed,
                "badges_new": done.badges_new,
                "badges_moved": done.badges_moved,
            }
        print_json(report)
    else:
        if len(sheet.names) > 1:
            typer.echo(text("import.sheet_read", language, sheet=sheet.name))
        typer.echo(render_report(people, language))
        if done is not None:
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
        elif dry_run and people.accepted:
            typer.echo(text("cli.dry_run", language))
    if not people.accepted and done is None:
        raise typer.Exit(2)


def _undo(settings: Settings, as_json: bool) -> None:
    language = chosen_language(settings)
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        done = ImportUndo(connection, house.vault, COMMAND, now_ms()).undo()
    if as_json:
        left = [{"person": person, "why": why} for person, why in done.left]
        print_json({"restored": done.restored, "removed": done.removed, "left": left})
    else:
        typer.echo(
            text(
                "import.undone",
                language,
                restored=done.restored,
                removed=done.removed,
                left=len(done.left),
            )
        )


def _bytes_of(file: Path) -> bytes:
    try:
        if file.stat().st_size > FILE_MAX:
            raise UsageError("HUB-1013", file=str(file), reason="size")
        return file.read_bytes()
    except OSError as error:
        raise UsageError("HUB-1013", file=str(file), reason=type(error).__name__) from None


def _mapped(sheet: Sheet, given: list[str]) -> Columns:
    """Returns the columns with what was said of some of them.

    Raises:
        UsageError: HUB-1675, no such heading, letter or column.
    """
    columns = list(columns_of(sheet))
    names = {plain(name): index for index, name in reversed(list(enumerate(sheet.headings)))}
    letters = {column_letter(index).casefold(): index for index in range(len(columns))}
    for one in given:
        heading, sign, column = one.rpartition("=")
        column = column.strip()
        index = names.get(plain(heading), letters.get(heading.strip().casefold()))
        if not sign or index is None or column not in (*COLUMNS, UNREAD):
            raise UsageError("HUB-1675", given=one, columns=", ".join(COLUMNS))
        if column:
            columns = [None if known == column else known for known in columns]
        columns[index] = column
    return tuple(columns)
