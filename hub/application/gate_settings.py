"""How a gate is set up: what may be asked for, and the file a gate reads at its start.

The hub keeps what an installer chose (`kept`: no key in it, and only entries that were given), and
makes the file of it when a gate is written, with the key, the addresses and the trust of that
moment. `firmware/settings.py` reads the file; a hub does not import firmware, so the limits stand
here once more and a test runs every one of them through the firmware's own reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hub.application.terminals import DESK, TerminalKey, broker_user
from hub.errors import UsageError
from protocol.roster import LANGUAGES

SITE_MAX: Final = 64
"""Characters of a site's name that a gate shows."""
LANE_MAX: Final = 24
SSID_MAX: Final = 32
WIFI_PASSWORD_MAX: Final = 63
NETWORKS_MAX: Final = 4

LINKS: Final = ("wifi", "serial", "both")
PASSBACKS: Final = ("off", "soft", "hard")
RELAYS: Final = ("pulse", "level")

NUMBERS: Final = {
    "repeat_s": (1, 3600),
    "passback_reset_h": (0, 23),
    "sound": (0, 100),
    "supply_min_mv": (2000, 6000),
    "turnstile.open_ms": (200, 30000),
    "turnstile.passage_s": (1, 60),
}
"""Least and most; a supply of 0 mV as well, for one that is not watched."""
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "link": LINKS,
    "passback": PASSBACKS,
    "turnstile.mode": RELAYS,
}
SWITCHES: Final = ("turnstile.passage",)
OPTIONS: Final[Mapping[str, str]] = {
    "link": "--link",
    "repeat_s": "--repeat-s",
    "passback": "--passback",
    "passback_reset_h": "--passback-reset-h",
    "sound": "--sound",
    "supply_min_mv": "--supply-min-mv",
    "turnstile.mode": "--relay",
    "turnstile.open_ms": "--open-ms",
    "turnstile.passage": "--passage",
    "turnstile.passage_s": "--passage-s",
}
"""Each entry with a default in the firmware, and the option it is given with."""


def merged(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings to keep: what was kept, replaced by what is given.

    Args:
        kept: as this function returned them; empty for a new gate.
        given: by entry; ``turnstile.open_ms`` for one inside another, `wifi` as a list of
            (network, password), `language`, `host`, `port`. None for what was not given.

    Raises:
        UsageError: HUB-1002 for the first entry that no gate could use, naming its option.
    """
    result: dict[str, Any] = dict(kept) | {k: v for k, v in given.items() if v is not None}
    if "wifi" in result:
        result["wifi"] = [list(network) for network in result["wifi"]]  # as it comes back
    _check("--terminal-language", result.get("language") in LANGUAGES, ", ".join(LANGUAGES))
    for entry, choices in CHOICES.items():
        fits = entry not in result or result[entry] in choices
        _check(OPTIONS[entry], fits, ", ".join(choices))
    for entry, (least, most) in NUMBERS.items():
        value = result.get(entry, least)
        fits = least <= value <= most or (entry == "supply_min_mv" and value == 0)
        _check(OPTIONS[entry], fits, f"{least}..{most}")
    if result.get("link") == "serial":
        # Kept, if there are any: the gate may be given Wi-Fi again.
        result.setdefault("wifi", [])
        return result
    networks = result.get("wifi") or []
    _check("--wifi-ssid", 1 <= len(networks) <= NETWORKS_MAX, f"1..{NETWORKS_MAX}")
    for ssid, password in networks:
        _check("--wifi-ssid", 1 <= len(ssid) <= SSID_MAX, f"1..{SSID_MAX}")
        _check("--wifi-password", len(password) <= WIFI_PASSWORD_MAX, f"0..{WIFI_PASSWORD_MAX}")
    _check("--broker-host", bool(result.get("host")), str(result.get("host", ""))[:40])
    _check("--broker-port", 1 <= result.get("port", 0) <= 65535, str(result.get("port")))
    return result


def _check(option: str, fits: bool, reason: str) -> None:
    if not fits:
        raise UsageError("HUB-1002", key=option, reason=reason)


def gate_file(
    gate: TerminalKey,
    site: str,
    kept: Mapping[str, Any],
    badge_key: bytes,
    trust: Mapping[str, object],
) -> dict[str, Any]:
    """Returns what the gate's settings file says, with its newest key.

    Args:
        gate: the terminal.
        site: name of its site.
        kept: see `merged`.
        badge_key: of the organisation.
        trust: `tls` and `ca`, what the gate needs to believe the broker.
    """
    number, key = gate.newest()
    file: dict[str, Any] = {
        "terminal": gate.terminal,
        "site": site[:SITE_MAX],
        "direction": "none" if gate.direction == DESK else gate.direction,
        "language": kept["language"],
        "key": key.hex(),
        "badge_key": badge_key.hex(),
        "wifi": [{"ssid": ssid, "password": password} for ssid, password in kept["wifi"]],
    }
    if kept.get("link") != "serial":
        user = broker_user(gate.terminal, number)
        file["broker"] = {"host": kept["host"], "port": kept["port"], "user": user, **trust}
    for entry in OPTIONS:
        if entry in kept:
            table, _, name = entry.rpartition(".")
            (file.setdefault(table, {}) if table else file)[name] = kept[entry]
    return file


def follows(direction: str, kept: Mapping[str, Any] | None) -> bool:
    """Returns whether a gate wants to know which way people went at the other gates of its site."""
    return direction == "toggle" or (kept or {}).get("passback", "off") != "off"


def masked(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings to show: a Wi-Fi password is only told to be there or not."""
    shown = {entry: value for entry, value in kept.items() if entry != "wifi"}
    shown["wifi"] = [
        {"ssid": ssid, "password": "********" if password else ""}
        for ssid, password in kept.get("wifi", [])
    ]
    return shown
