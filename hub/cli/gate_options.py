"""What a gate can be set up with on the command line, and the settings file that comes of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from hub.application.gate_settings import LANE_MAX, gate_file
from hub.application.terminals import DIRECTIONS, TerminalKey
from hub.cli.app import chosen_language
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import text
from hub.settings import Settings, is_loopback, parse_broker_url
from hub.storage.house import House
from hub.storage.terminals import Terminals
from hub.terminals.certificates import EVERYWHERE, Certificates, valid_name
from hub.terminals.external import ExternalBroker, external_password

HOST_MAX = 255
NAME_MAX = 64
PASSWORD_VARIABLE = "WIFI_PASSWORD"  # noqa: S105 - the name of a variable

TerminalId = Annotated[str, typer.Argument(help="Id of the gate.")]
Lane = Annotated[str | None, typer.Option("--lane", help="Which lane of the entrance it is.")]
Direction = Annotated[
    str | None, typer.Option("--direction", help="in, out, none, buttons, toggle or desk.")
]
WifiSsid = Annotated[
    list[str] | None,
    typer.Option("--wifi-ssid", help="Wi-Fi network of the gate; up to 4, the preferred first."),
]
WifiPassword = Annotated[
    list[str] | None,
    typer.Option("--wifi-password", help="Password of the network in the same place."),
]
BrokerHost = Annotated[
    str | None, typer.Option("--broker-host", help="Address under which the gate finds this hub.")
]
BrokerPort = Annotated[
    int | None, typer.Option("--broker-port", help="Its port, if not broker.port.")
]
TerminalLanguage = Annotated[
    str | None, typer.Option("--terminal-language", help="Language of the gate's own texts.")
]
Link = Annotated[str | None, typer.Option("--link", help="wifi, serial or both.")]
RepeatS = Annotated[
    int | None, typer.Option("--repeat-s", help="Seconds in which a second tap counts once.")
]
Passback = Annotated[
    str | None, typer.Option("--passback", help="Twice in without out: off, soft or hard.")
]
PassbackReset = Annotated[
    int | None, typer.Option("--passback-reset-h", help="Hour at which that is forgotten.")
]
Relay = Annotated[
    str | None, typer.Option("--relay", help="What opens the turnstile: pulse or level.")
]
OpenMs = Annotated[int | None, typer.Option("--open-ms", help="Milliseconds it opens.")]
Passage = Annotated[
    bool | None,
    typer.Option("--passage/--no-passage", help="Whether the turnstile says that it turned."),
]
PassageS = Annotated[
    int | None, typer.Option("--passage-s", help="Seconds in which somebody must go through.")
]
Sound = Annotated[int | None, typer.Option("--sound", help="Loudness, 0 to 100.")]
SupplyMin = Annotated[
    int | None,
    typer.Option("--supply-min-mv", help="Millivolts below which nothing is written; 0: never."),
]


def wifi_networks(
    names: list[str] | None, passwords: list[str] | None
) -> list[tuple[str, str]] | None:
    """Returns (network, password) of each network that is given, None without any.

    A password that is not given comes from the environment (WIFI_PASSWORD for the first network,
    WIFI_PASSWORD_2 and so on), else it is asked for at a keyboard; without one the network is open.

    Raises:
        UsageError: HUB-1002 when there are more passwords than networks.
    """
    names, given = names or [], passwords or []
    if len(given) > len(names):
        raise UsageError("HUB-1002", key="--wifi-password", reason=f"{len(given)} > {len(names)}")
    if not names:
        return None
    found = []
    for place, name in enumerate(names, 1):
        variable = PASSWORD_VARIABLE if place == 1 else f"{PASSWORD_VARIABLE}_{place}"
        if place <= len(given):
            password = given[place - 1]
        elif variable in os.environ:
            password = os.environ[variable]
        elif sys.stdin.isatty():
            asked = text("cli.wifi_password", chosen_language(), network=name)
            password = typer.prompt(
                asked, default="", hide_input=True, show_default=False, err=True
            )
        else:
            password = ""
        found.append((name, password))
    return found


def check_names(
    name: str | None = None, lane: str | None = None, direction: str | None = None
) -> None:
    """Checks what a gate is called by and which way it lets people go.

    Raises:
        UsageError: HUB-1002 names the option.
    """
    for option, value, fits, reason in (
        ("--name", name, 1 <= len(name or "") <= NAME_MAX, f"1..{NAME_MAX}"),
        ("--lane", lane, len(lane or "") <= LANE_MAX, f"0..{LANE_MAX}"),
        ("--direction", direction, direction in DIRECTIONS, ", ".join(DIRECTIONS)),
    ):
        if value is not None and not fits:
            raise UsageError("HUB-1002", key=option, reason=reason)


def broker_address(
    settings: Settings, host: str | None, port: int | None, known: Mapping[str, Any]
) -> tuple[str | None, int]:
    """Returns where a gate connects to: what is given, else what is known, else the settings.

    Args:
        settings: of the hub.
        host, port: as given; None for not.
        known: what is kept of this gate.

    Returns:
        None as host when a gate would not find the hub by what the settings say.

    Raises:
        UsageError: HUB-1002 when no gate can find a hub under the host that was given.
    """
    outside = parse_broker_url(settings.broker.external)
    standard = outside or settings.broker
    if host and not _names_a_hub(host):
        raise UsageError("HUB-1002", key="--broker-host", reason=host[:40])
    chosen = host or known.get("host")
    if not chosen and _names_a_hub(standard.host) and (outside or not is_loopback(standard.host)):
        chosen = standard.host
    return chosen, port if port is not None else known.get("port") or standard.port


def _names_a_hub(host: str) -> bool:
    return host not in EVERYWHERE and len(host) <= HOST_MAX and valid_name(host)


def settings_file(
    settings: Settings, house: House, register: Terminals, gate: TerminalKey
) -> bytes | None:
    """Returns the settings file of a gate as it would be written now, None when none was kept."""
    kept = register.settings(gate.terminal)
    if kept is None:
        return None
    site = dict(register.sites())[gate.site_id]
    trust = {} if kept.get("link") == "serial" else _trust(settings, house, kept["host"])
    file = gate_file(gate, site, kept, house.vault.badge_key, trust)
    return json.dumps(file, indent=1).encode()


def _trust(settings: Settings, house: House, host: str) -> dict[str, object]:
    """What a gate needs to connect with TLS; the broker's certificate will carry `host`.

    A gate that is to find the hub under an address on a network gets TLS also when the hub does
    not listen there yet: once it does, it does so with TLS.
    """
    broker = settings.broker
    later = broker.tls == "auto" and not broker.external and not is_loopback(host)
    if not broker.encrypted and not later:
        return {"tls": False, "ca": ""}
    certificates = Certificates(settings.data, settings.broker.host, now_ms)
    if not settings.broker.external_ca:
        certificates.remember(host)
        return {"tls": True, "ca": certificates.ca_pem()}
    password = external_password(house.vault)
    return {"tls": True, "ca": ExternalBroker(settings.broker, certificates, password).ca_pem()}
