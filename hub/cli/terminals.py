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
from hub.i18n import LANGUAGES, text
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.register import Register
from protocol.topics import valid_terminal_id

# What a gate can use of its settings file (`firmware/settings.py`, which a hub does not import).
SITE_MAX = 64
SSID_MAX = 32
WIFI_PASSWORD_MAX = 63
HOST_MAX = 255

terminal = typer.Typer(help="Gates of the site and their keys.", no_args_is_help=True)
app.add_typer(terminal, name="terminal")


@terminal.command("add")
def add(
    terminal_id: Annotated[str, typer.Argument(help="Id: a-z, 0-9 and -, at most 24.")],
    out: Annotated[
        Path, typer.Option("--out", help="Where to write the terminal's settings file (secret).")
    ],
    site: Annotated[str, typer.Option("--site", help="Name of a site of the register.")],
    wifi_ssid: Annotated[str, typer.Option("--wifi-ssid", help="Wi-Fi network of the gate.")],
    name: Annotated[str, typer.Option("--name", help="What people call this gate.")] = "",
    direction: Annotated[str, typer.Option("--direction", help="in or out.")] = "in",
    broker_host: Annotated[
        str, typer.Option("--broker-host", help="Address under which the terminal finds this hub.")
    ] = "",
    broker_port: Annotated[
        int,
        typer.Option("--broker-port", help="Its port, if not broker.port.", show_default=False),
    ] = 0,
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
    host, port = broker_host or settings.broker.host, broker_port or settings.broker.port
    language = terminal_language or settings.language
    for option, fits, reason in (
        ("--direction", direction in ("in", "out"), "in, out"),
        ("--terminal-language", language in LANGUAGES, ", ".join(LANGUAGES)),
        ("--wifi-ssid", 1 <= len(wifi_ssid) <= SSID_MAX, f"1..{SSID_MAX}"),
        ("--wifi-password", len(wifi_password) <= WIFI_PASSWORD_MAX, f"0..{WIFI_PASSWORD_MAX}"),
        ("--broker-host", _names_this_hub(host, bool(broker_host)), host[:40]),
        ("--broker-port", 1 <= port <= 65535, str(port)),
    ):
        if not fits:
            raise UsageError("HUB-1002", key=option, reason=reason)
    if out.exists():
        raise UsageError("HUB-1015", file=str(out))
    house = open_house(settings.data)
    written = False
    try:
        with writing(house.engine) as connection:
            key = Register(connection, house.vault).add_terminal(
                terminal_id, name or terminal_id, site, direction, now_ms()
            )
            values = {
                "terminal": terminal_id,
                "site": site[:SITE_MAX],
                "direction": direction,
                "language": language,
                "key": key.key.hex(),
                "badge_key": house.vault.badge_key.hex(),
                "broker": {"host": host, "port": port},
                "wifi": {"ssid": wifi_ssid, "password": wifi_password},
            }
            # Inside the transaction: a terminal whose file could not be written is not added.
            _write_secret(out, json.dumps(values, indent=1))
            written = True
    except BaseException:
        if written:
            # The terminal was not kept, so its key is good for nothing.
            out.unlink(missing_ok=True)
        raise
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


def _names_this_hub(host: str, given: bool) -> bool:
    """Whether a gate can find the hub by this; where the hub listens often tells it nothing."""
    here = host.startswith("127.") or host in ("localhost", "::1")
    everywhere = host in ("", "0.0.0.0", "::")  # noqa: S104 - to refuse them
    return len(host) <= HOST_MAX and not everywhere and (given or not here)


def _write_secret(path: Path, content: str) -> None:
    """Writes the whole file, on disk and for its owner only, or leaves none."""
    made = False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made = True
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if made:
            path.unlink(missing_ok=True)
        raise UsageError("HUB-1013", file=str(path), reason=type(error).__name__) from None


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
            {
                "terminals": [
                    {
                        "terminal": key.terminal,
                        "name": key.name,
                        "direction": key.direction,
                        "site": sites[key.site_id],
                    }
                    for key in keys
                ]
            }
        )
        return
    if not keys:
        typer.echo(text("cli.no_terminals", chosen_language(settings)))
    for key in keys:
        typer.echo(f"{key.terminal:24s} {key.direction:3s}  {sites[key.site_id]}  {key.name}")


@terminal.command("revoke")
def revoke(
    terminal_id: Annotated[str, typer.Argument(help="Id of the gate.")], as_json: JsonFlag = False
) -> None:
    """Take a gate's login and key out of use; what it sent stays."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            Register(connection, house.vault).revoke_terminal(terminal_id, now_ms())
    finally:
        house.close()
    if as_json:
        print_json({"terminal": terminal_id, "revoked": True})
    else:
        typer.echo(text("cli.terminal_revoked", chosen_language(settings), terminal=terminal_id))
