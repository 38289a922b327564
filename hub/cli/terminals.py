"""`sitegate terminal`: the gates of the site and their keys."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.application.gate_events import GateNews
from hub.application.gate_settings import masked, merged
from hub.application.gate_words import event_words, health_words
from hub.application.terminals import TerminalKey
from hub.cli import gate_options as options
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import moment_text, text
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.firmware import crash_logs, firmware_versions, orders
from hub.storage.gate_news import StoredHealth, newest_events, stored_health
from hub.storage.house import House, open_house
from hub.storage.terminals import Terminals
from protocol.topics import valid_terminal_id

terminal = typer.Typer(help="Gates of the site and their keys.", no_args_is_help=True)
app.add_typer(terminal, name="terminal")


@terminal.command("add")
def add(
    terminal_id: Annotated[str, typer.Argument(help="Id: a-z, 0-9 and -, at most 24.")],
    site: Annotated[str, typer.Option("--site", help="Name of a site of the register.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the gate's settings file (secret).")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What people call this gate.")] = None,
    lane: options.Lane = None,
    direction: options.Direction = None,
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
    """Add a gate with a fresh key; the hub keeps how it is set up."""
    settings = given_settings()
    if not valid_terminal_id(terminal_id):
        raise UsageError("HUB-1014", value=terminal_id[:40])
    options.check_names(name, lane, direction)
    host, port = options.broker_address(settings, broker_host, broker_port, {})
    kept = merged(
        {},
        {
            "language": terminal_language or settings.language,
            "host": host,
            "port": port,
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
        },
    )
    if out is not None and out.exists():
        raise UsageError("HUB-1015", file=str(out))
    house = open_house(settings.data)
    written = False
    try:
        with writing(house.engine) as connection:
            register = Terminals(connection, house.vault)
            gate = register.add_terminal(
                terminal_id, name or terminal_id, site, direction or "in", now_ms(), lane or ""
            )
            register.keep_settings(terminal_id, kept, now_ms())
            content = options.settings_file(settings, house, register, gate)
            if out is not None and content is not None:
                # Inside the transaction: a terminal whose file could not be written is not added.
                _write_secret(out, content)
                written = True
    except BaseException:
        if written and out is not None:
            # The terminal was not kept, so its key is good for nothing.
            out.unlink(missing_ok=True)
        raise
    finally:
        house.close()
    if as_json:
        print_json({"terminal": terminal_id, "settings": str(out) if out else None})
        return
    language = chosen_language(settings)
    if out is None:
        typer.echo(text("cli.terminal_kept", language, terminal=terminal_id))
    else:
        typer.echo(text("cli.terminal_added", language, terminal=terminal_id, file=str(out)))


def _write_secret(path: Path, content: bytes) -> None:
    """Writes the whole file, on disk and for its owner only, or leaves none."""
    made = False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made = True
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if made:
            path.unlink(missing_ok=True)
        raise UsageError("HUB-1013", file=str(path), reason=type(error).__name__) from None


def _told(
    settings: Settings, house: House, register: Terminals, gate: TerminalKey
) -> dict[str, Any]:
    """What is known of a gate, for scripts; holds no key and no password.

    `state`: "new" until it was written to a board, then "written"; "changed" when what the hub
    keeps is not what the board was given; "rekeying" when a new key was not heard yet.
    """
    stored = register.stored(gate.terminal)
    content = options.settings_file(settings, house, register, gate)
    if stored.flashed_sha256 is None:
        state = "new"
    elif content is not None and hashlib.sha256(content).digest() != stored.flashed_sha256:
        state = "changed"
    else:
        state = "written" if gate.next_key is None else "rekeying"
    kept = register.settings(gate.terminal)
    return {
        "terminal": gate.terminal,
        "name": gate.name,
        "site": dict(register.sites())[gate.site_id],
        "lane": gate.lane,
        "direction": gate.direction,
        "link": (kept or {}).get("link", "wifi"),
        "state": state,
        "last_received_ms": stored.received_ms,
        "records": stored.records,
        "added_ms": stored.added_ms,
        "settings": masked(kept) if kept is not None else None,
    }


EVENTS_MAX = 20
"""Most events that are shown of a gate."""
SHORT = ("terminal", "name", "direction", "site", "lane", "link", "state", "last_received_ms")
"""What the list tells of each."""


@terminal.command("list")
def show_all(as_json: JsonFlag = False) -> None:
    """List the gates in use."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            register = Terminals(connection, house.vault)
            found = [_told(settings, house, register, key) for key in register.terminals()]
    finally:
        house.close()
    if as_json:
        print_json({"terminals": [{name: gate[name] for name in SHORT} for gate in found]})
        return
    language = chosen_language(settings)
    if not found:
        typer.echo(text("cli.no_terminals", language))
    for gate in found:
        state = text(f"cli.gate_state.{gate['state']}", language)
        typer.echo(
            f"{gate['terminal']:24s} {gate['direction']:7s} {gate['link']:6s} {state:15s} "
            f"{_moment(gate['last_received_ms'], language):28s}  "
            f"{gate['site']}  {gate['name']}  {gate['lane']}".rstrip()
        )


def _moment(utc_ms: int | None, language: str) -> str:
    return text("cli.never", language) if utc_ms is None else moment_text(utc_ms, language)


@terminal.command("show")
def show(terminal_id: options.TerminalId, as_json: JsonFlag = False) -> None:
    """Show how a gate is set up, without its keys and passwords."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            register = Terminals(connection, house.vault)
            gate = _told(settings, house, register, register.terminal(terminal_id))
            gate["firmware"] = firmware_versions(connection).get(terminal_id)
            gate["update"] = next(
                (asdict(o) for o in orders(connection) if o.terminal == terminal_id), None
            )
            gate["crashes"] = [asdict(crash) for crash in crash_logs(connection, terminal_id)]
            health = stored_health(connection).get(terminal_id)
            events = newest_events(connection, terminal_id, EVENTS_MAX)
    finally:
        house.close()
    if as_json:
        gate["health"] = asdict(health) if health else None
        gate["events"] = [_event_told(event) for event in events]
        print_json(gate)
        return
    language = chosen_language(settings)
    lines = {
        name: gate[name] for name in ("terminal", "name", "site", "lane", "direction", "records")
    }
    lines["state"] = text(f"cli.gate_state.{gate['state']}", language)
    lines["firmware"] = gate["firmware"] or "-"
    if gate["update"] is not None:
        lines["update"] = _update(gate["update"], language)
    lines["added"] = _moment(gate["added_ms"], language)
    lines["last_received"] = _moment(gate["last_received_ms"], language)
    for entry, value in (gate["settings"] or {}).items():
        if entry == "wifi":
            for place, network in enumerate(value, 1):
                lines[f"wifi.{place}"] = f"{network['ssid']} {network['password']}".rstrip()
        else:
            lines[entry] = value
    for entry, value in lines.items():
        typer.echo(f"{entry:24s} {value}".rstrip())
    _say_health(health, gate["firmware"] or "", language)
    _say_events(events, language)
    for crash in gate["crashes"]:
        typer.echo(f"\ncrash, {_moment(crash['last_ms'], language)}, boot {crash['boot']}")
        typer.echo(crash["text"].rstrip())


def _update(order: dict[str, Any], language: str) -> str:
    """What came of the newest order of firmware, and why."""
    told = text(f"cli.update.{order['outcome']}", language, **order)
    if order["why"]:
        why = text(f"gate.why.{order['why']}", language)
        told += f" ({why})"
    return f"{order['version']}: {told}"


def _event_told(event: GateNews) -> dict[str, Any]:
    return {
        "name": event.name,
        "level": event.level,
        "kind": event.kind,
        "code": event.code,
        "detail": event.detail,
        "at_ms": event.at_ms,
        "received_ms": event.received_ms,
    }


def _say_health(health: StoredHealth | None, firmware: str, language: str) -> None:
    if health is None:
        return
    moment = _moment(health.said_ms, language)
    typer.echo(f"\n{text('cli.gate_health', language, time=moment)}")
    for _, word, value in health_words(health.numbers, firmware, language):
        typer.echo(f"  {word:38s} {value}")


def _say_events(events: Sequence[GateNews], language: str) -> None:
    typer.echo(f"\n{text('cli.gate_events' if events else 'cli.no_gate_events', language)}")
    for event in events:
        happened, _ = event_words(event, language)
        typer.echo(f"  {_moment(event.moment_ms, language):28s} {happened}")


@terminal.command("revoke")
def revoke(terminal_id: options.TerminalId, as_json: JsonFlag = False) -> None:
    """Take a gate's login and key out of use; what it sent stays."""
    settings = given_settings()
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            Terminals(connection, house.vault).revoke_terminal(terminal_id, now_ms())
    finally:
        house.close()
    if as_json:
        print_json({"terminal": terminal_id, "revoked": True})
    else:
        typer.echo(text("cli.terminal_revoked", chosen_language(settings), terminal=terminal_id))
