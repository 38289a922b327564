"""`sitegate report reminders`: the reminders that were sent to companies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import typer

from hub.application.access import COMMAND
from hub.cli.app import chosen_language, given_settings
from hub.clock import now_ms
from hub.domain.audit import Noted
from hub.domain.companies import number_text
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.reminders import Reminders
from hub.web.pages.reminders import write_reminders
from hub.web.reminder_words import ReminderWords


def show_reminders(company: str, files: Mapping[str, Path | None], as_json: bool) -> None:
    """Shows the reminders, newest first, or writes them into files.

    Args:
        company: number of one company; empty: all.
        files: what to write, by form.

    Raises:
        UsageError: HUB-1752, a file cannot be written.
    """
    settings = given_settings()
    words, now = ReminderWords(chosen_language(settings)), now_ms()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        rows = Reminders(connection, house.vault, COMMAND).rows(company.strip())
        note(
            connection,
            house.vault,
            now,
            COMMAND.name,
            Noted.REPORT_EXPORTED,
            report="reminders",
            form="command",
            rows=len(rows),
        )
    made: list[str] = []
    for form, file in files.items():
        if file is not None:
            try:
                file.write_bytes(write_reminders(form, rows, words, now))
            except OSError as error:
                raise UsageError("HUB-1752", file=str(file), reason=type(error).__name__) from None
            made.append(str(file))
    if as_json:
        typer.echo(write_reminders("json", rows, words, now).decode(), nl=False)
    elif made:
        typer.echo("\n".join(words.any("reports.written", file=file) for file in made))
    elif not rows:
        typer.echo(words("none"))
    else:
        for row in rows:
            told = words(
                "cli_line",
                moment=words.moment(row.at_ms),
                number=number_text(row.company_number),
                company=row.company,
                period=words.period(row.period),
                count=row.rows,
                state=words(f"state.{row.state}"),
            )
            typer.echo(told)
