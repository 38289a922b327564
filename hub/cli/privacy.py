"""`sitegate privacy`: everything of one person, to hand out or to take out."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from hub.application.access import COMMAND
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.engine import writing
from hub.storage.erase import erase_person
from hub.storage.export import export_person, workbook
from hub.storage.house import open_house

privacy = typer.Typer(
    help="Everything of one person: hand it out, or erase it.", no_args_is_help=True
)
app.add_typer(privacy, name="privacy")

Token = Annotated[str, typer.Argument(help="The person's token, from the address of his page.")]


@privacy.command("export")
def export(
    token: Token,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the audit.")],
    folder: Annotated[
        Path, typer.Option("--folder", help="Write it there, for its owner only.")
    ] = Path(),
    as_json: JsonFlag = False,
) -> None:
    """Write everything of a person, numbers in clear, as JSON and as a workbook."""
    settings = given_settings()
    files = [folder / f"person-{token}.{kind}" for kind in ("json", "xlsx")]
    for file in files:
        if file.exists():
            raise UsageError("HUB-1715", file=str(file))
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        found = export_person(connection, house.vault, COMMAND, token, now_ms(), reason)
    whole = json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"
    for file, content in zip(files, (whole, workbook(found)), strict=True):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
        except OSError:
            raise UsageError("HUB-1715", file=str(file)) from None
    if as_json:
        print_json({"files": [str(file) for file in files]})
    else:
        language = chosen_language(settings)
        typer.echo(text("privacy.exported", language, files=", ".join(map(str, files))))


@privacy.command("erase")
def erase(token: Token, as_json: JsonFlag = False) -> None:
    """Take names, numbers and badges of a person out; registrations stay without them."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        erase_person(connection, house.vault, COMMAND, token, now_ms())
    if as_json:
        print_json({"token": token, "erased": True})
    else:
        typer.echo(text("privacy.erased", chosen_language(settings)))
