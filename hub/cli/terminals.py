"""`sitegate terminal`: the gates of the site and their keys."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.register import Register
from protocol.topics import valid_terminal_id

terminal = typer.Typer(help="Gates of the site and their keys.", no_args_is_help=True)
app.add_typer(terminal, name="terminal")


@terminal.command("add")
def add(
    terminal_id: Annotated[str, typer.Argument(help="Id: a-z, 0-9 and -, at most 24.")],
    out: Annotated[
        Path, typer.Option("--out", help="Where to write the terminal's settings file (secret).")
    ],
    site: Annotated[str, typer.Option("--site", help="Name of a site of the register.")],
    name: Annotated[str, typer.Option("--name", help="What people call this gate.")] = "",
    direction: Annotated[str, typer.Option("--direction", help="in or out.")] = "in",
    broker_host: Annotated[
        str, typer.Option("--broker-host", help="Address under which the terminal finds this hub.")
    ] = "",
    broker_port: Annotated[int, typer.Option("--broker-port", help="Port; default: setting.")] = 0,
    wifi_ssid: Annotated[str, typer.Option("--wifi-ssid", help="Wi-Fi network.")] = "",
    wifi_password: Annotated[
        str, typer.Option("--wifi-password", envvar="WIFI_PASSWORD", help="Wi-Fi password.")
    ] = "",
    terminal_language: Annotated[
        str, typer.Option("--terminal-language", help="Language of the gate's own texts.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Add a gate and write the settings file to copy to it."""
    settings = given_settings()
    if not valid_terminal_id(terminal_id):
        raise UsageError("HUB-1014", value=terminal_id[:40])
    if direction not in ("in", "out"):
        raise UsageError("HUB-1002", key="--direction", reason="in, out")
    if out.exists():
        raise UsageError("HUB-1015", file=str(out))
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            key = Register(connection, house.vault).add_terminal(
                terminal_id, name or terminal_id, site, direction, now_ms()
            )
            values = {
                "terminal": terminal_id,
                "site": site,
                "direction": direction,
                "language": terminal_language or settings.language,
                "key": key.key.hex(),
                "badge_key": house.vault.badge_key.hex(),
                "broker": {
                    "host": broker_host or settings.broker.host,
                    "port": broker_port or settings.broker.port,
                },
                "wifi": {"ssid": wifi_ssid, "password": wifi_password},
            }
            # Inside the transaction: a terminal whose file could not be written is not added.
            _write_secret(out, json.dumps(values, indent=1))
    finally:
        house.close()
    if as_json:
        print_json({"terminal": terminal_id, "settings": str(out)})
    else:
        typer.echo(
            text(
                "cli.terminal_added", chosen_language(settings), terminal=terminal_id, file=str(out)
            )
        )


def _write_secret(path: Path, content: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError("HUB-1013", file=str(path), reason=type(error).__name__) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(content)


@terminal.command("list")
def show(as_json: JsonFlag = False) -> None:
    """List the gates in use."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            register = Register(connection, house.vault)
            keys = register.terminals()
            sites = dict(register.sites())
    finally:
        house.close()
    if as_json:
        print_json(
            [
                {
                    "terminal": key.terminal,
                    "name": key.name,
                    "direction": key.direction,
                    "site": sites[key.site_id],
                }
                for key in keys
            ]
        )
        return
    if not keys:
        typer.echo(text("cli.no_terminals", chosen_language(settings)))
    for key in keys:
        typer.echo(f"{key.terminal:24s} {key.direction:3s}  {sites[key.site_id]}  {key.name}")


@terminal.command("revoke")
def revoke(terminal_id: Annotated[str, typer.Argument(help="Id of the gate.")]) -> None:
    """Take a gate's login and key out of use; what it sent stays."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            Register(connection, house.vault).revoke_terminal(terminal_id, now_ms())
    finally:
        house.close()
    typer.echo(text("cli.terminal_revoked", chosen_language(settings), terminal=terminal_id))
