"""`sitegate terminal update`: new firmware for gates, over the link."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.app import JsonFlag, chosen_language, given_settings, print_json
from hub.cli.terminals import terminal
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.engine import reading, writing
from hub.storage.firmware import order_firmware
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.terminals.firmware_build import build_firmware


@terminal.command("update")
def update(
    terminal_id: Annotated[str, typer.Argument(help="Id of the gate.", show_default=False)] = "",
    every: Annotated[bool, typer.Option("--all", help="All gates in use.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build it and say what would be ordered.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Order gates to run the firmware of this Sitegate."""
    if bool(terminal_id) == every:
        raise UsageError("HUB-1222")
    settings = given_settings()
    language = chosen_language(settings)
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            known = [key.terminal for key in Register(connection, house.vault).terminals()]
        if not every and terminal_id not in known:
            raise UsageError("HUB-1201", terminal=terminal_id)
        chosen = known if every else [terminal_id]
        built = build_firmware()
        number = 0
        if chosen and not dry_run:
            with writing(house.engine) as connection:
                number = order_firmware(
                    connection, chosen, built.version, built.digest, built.pack, now_ms()
                )
    finally:
        house.close()
    if as_json:
        print_json(
            {
                "version": built.version,
                "digest": built.digest,
                "size": len(built.pack),
                "terminals": chosen,
                "order": number,
                "dry_run": dry_run,
            }
        )
        return
    build = f"{built.version}+{built.digest[:12]}"
    if not chosen:
        typer.echo(text("cli.no_terminals", language))
    for name in chosen:
        typer.echo(
            text(
                "cli.update_ordered",
                language,
                terminal=name,
                version=build,
                size=len(built.pack) // 1024 + 1,
            )
        )
    if dry_run:
        typer.echo(text("cli.dry_run", language))
