"""What changes a gate that is there: its name, how it is set up, its key."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.application.gate_settings import merged
from hub.cli import gate_options as options
from hub.cli.app import JsonFlag, chosen_language, given_settings, print_json
from hub.cli.terminals import terminal
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.terminals import Terminals


@terminal.command("rename")
def rename(
    terminal_id: options.TerminalId,
    name: Annotated[str | None, typer.Option("--name", help="What people call this gate.")] = None,
    lane: options.Lane = None,
    direction: options.Direction = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a gate's name, lane or direction; id and site stay."""
    settings = given_settings()
    options.check_names(name, lane, direction)
    if name is None and lane is None and direction is None:
        raise UsageError("HUB-1002", key="--name", reason="--name, --lane, --direction")
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            register = Terminals(connection, house.vault)
            before = register.terminal(terminal_id)
            gate = register.change_terminal(
                terminal_id, now_ms(), name=name, lane=lane, direction=direction
            )
    finally:
        house.close()
    flash = gate.direction != before.direction
    if as_json:
        print_json(
            {
                "terminal": terminal_id,
                "name": gate.name,
                "lane": gate.lane,
                "direction": gate.direction,
                "flash": flash,
            }
        )
        return
    _changed(terminal_id, flash, chosen_language(settings))


def _changed(terminal_id: str, flash: bool, language: str) -> None:
    typer.echo(text("cli.terminal_changed", language, terminal=terminal_id))
    key = "cli.terminal_flash_needed" if flash else "cli.terminal_flash_not_needed"
    typer.echo(text(key, language, terminal=terminal_id))


@terminal.command("change")
def change(
    terminal_id: options.TerminalId,
    link: options.Link = None,
    wifi_ssid: options.WifiSsid = None,
    wifi_password: options.WifiPassword = None,
    broker_host: options.BrokerHost = None,
    broker_port: options.BrokerPort = None,
    terminal_language: options.TerminalLanguage = None,
    repeat_s: options.RepeatS = None,
    passback: options.Passback = None,
    passback_reset_h: options.PassbackReset = None,
    relay: options.Relay = None,
    open_ms: options.OpenMs = None,
    passage: options.Passage = None,
    passage_s: options.PassageS = None,
    sound: options.Sound = None,
    supply_min_mv: options.SupplyMin = None,
    as_json: JsonFlag = False,
) -> None:
    """Change how a gate is set up; what is not given stays."""
    settings = given_settings()
    given = {
        "language": terminal_language,
        "wifi": options.wifi_networks(wifi_ssid, wifi_password),
        "link": link,
        "repeat_s": repeat_s,
        "passback": passback,
        "passback_reset_h": passback_reset_h,
        "turnstile.mode": relay,
        "turnstile.open_ms": open_ms,
        "turnstile.passage": passage,
        "turnstile.passage_s": passage_s,
        "sound": sound,
        "supply_min_mv": supply_min_mv,
    }
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            register = Terminals(connection, house.vault)
            register.terminal(terminal_id)
            before = register.settings(terminal_id) or {"language": settings.language}
            host, port = options.broker_address(settings, broker_host, broker_port, before)
            after = merged(before, given | {"host": host, "port": port})
            if after != before:
                register.keep_settings(terminal_id, after, now_ms())
    finally:
        house.close()
    flash = after != before
    if as_json:
        print_json({"terminal": terminal_id, "flash": flash})
        return
    _changed(terminal_id, flash, chosen_language(settings))


@terminal.command("rekey")
def rekey(
    terminal_id: options.TerminalId,
    now: Annotated[
        bool, typer.Option("--now", help="The old key is good for nothing from this moment.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a gate a new key; the old one is good until the gate is heard with the new one."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            gate = Terminals(connection, house.vault).renew_key(terminal_id, now_ms(), now)
    finally:
        house.close()
    number, _ = gate.newest()
    if as_json:
        print_json({"terminal": terminal_id, "key": number, "old_key_good": not now})
        return
    language = chosen_language(settings)
    key = "cli.terminal_rekeyed_now" if now else "cli.terminal_rekeyed"
    typer.echo(text(key, language, terminal=terminal_id))
