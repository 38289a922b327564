"""`sitegate broker`: files for a site that has a broker of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import text
from hub.settings import parse_broker_url
from hub.storage.engine import reading
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.terminals.certificates import Certificates
from hub.terminals.external import external_password
from hub.terminals.mosquitto import Login, write_config
from protocol.mac import broker_password

broker = typer.Typer(help="The broker between gates and hub.", no_args_is_help=True)
app.add_typer(broker, name="broker")


@broker.callback()
def group() -> None:
    """The broker between gates and hub."""


@broker.command("config")
def config(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where Mosquitto will read the files (secret).")
    ],
    mosquitto: Annotated[
        bool, typer.Option("--mosquitto", help="For Mosquitto 2; the only kind so far.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write configuration, access list, logins and certificate for an existing broker."""
    settings = given_settings()
    if not mosquitto:
        raise UsageError("HUB-1002", key="--mosquitto", reason="--mosquitto")
    outside = parse_broker_url(settings.broker.external)
    where = outside or settings.broker
    # An existing broker listens wherever it likes; that it is found under its name is what counts.
    listens = "" if outside else where.host
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            keys = Register(connection, house.vault).terminals()
        hub = Login(settings.broker.external_user, external_password(house.vault))
    finally:
        house.close()
    server_pem, ca_pem = None, ""
    if settings.broker.encrypted:
        certificates = Certificates(settings.data, where.host, now_ms)
        certificates.ensure()
        server_pem, ca_pem = certificates.server_file.read_bytes(), certificates.ca_pem()
    gates = [Login(user, broker_password(key)) for gate in keys for user, key in gate.logins()]
    files = write_config(folder, listens, where.port, hub, gates, server_pem, ca_pem)
    if as_json:
        print_json({"files": [str(path) for path in files], "terminals": len(keys)})
    else:
        told = text(
            "cli.broker_config",
            chosen_language(settings),
            folder=str(folder.absolute()),
            count=len(keys),
        )
        typer.echo(told)
