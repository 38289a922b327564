"""`sitegate rebuild`: everything derived, made again from the facts."""

from __future__ import annotations

from contextlib import closing

import typer

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.i18n import text
from hub.storage.engine import writing
from hub.storage.house import lock_house, open_house
from hub.storage.projection import rebuild


@app.command("rebuild")
def rebuild_derived(as_json: JsonFlag = False) -> None:
    """Make presence and registrations again from the stored taps; the hub must be stopped."""
    settings = given_settings()
    with (
        closing(open_house(settings.data)) as house,
        closing(lock_house(settings.data)),
        writing(house.engine) as connection,
    ):
        records = rebuild(connection, settings.in_out.window_s * 1000)
    if as_json:
        print_json({"records": records})
    else:
        typer.echo(text("cli.rebuilt", chosen_language(settings), records=records))
