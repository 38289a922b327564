"""What lies on the flash of an emulated gate, made by the hub's own builders."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from firmware.roster_base import trailer
from hub.application.gate_settings import gate_file, merged
from hub.application.terminals import TerminalKey
from hub.terminals.firmware_build import Firmware, flash_files
from protocol.mac import badge_tag
from protocol.roster import NO_END, STANDING_ALLOWED, build_table, pack_row
from tests.emulator.pico import flash_content, write_flash
from tests.emulator.radio import HUB_ADDRESS
from tests.firmware.rig import BADGE_KEY, KEY, SITE, TERMINAL

ROSTER_VERSION = 5
BADGES = tuple(f"04a1b2c3{number:06x}" for number in range(400))
"""UIDs of 7 bytes that every roster here lets in."""


def tag_of(uid: str) -> bytes:
    """Returns the badge tag that stands for a UID."""
    return badge_tag(BADGE_KEY, bytes.fromhex(uid))


def settings_file(port: int = 0, ca: str = "") -> bytes:
    """Returns the settings of the gate as the hub writes them: USB cable only without a port.

    Args:
        port: of the broker, behind HUB_ADDRESS.
        ca: PEM text of the hub's CA; empty for no TLS.
    """
    given: dict[str, Any] = {"language": "nl", "repeat_s": 1, "turnstile.open_ms": 200}
    if port:
        given |= {"host": HUB_ADDRESS, "port": port, "wifi": [("werf", "not-a-secret")]}
    else:
        given["link"] = "serial"
    kept = merged({}, given)
    gate = TerminalKey(TERMINAL, 1, "Poort 1", "in", KEY)
    trust = {"tls": bool(ca), "ca": ca}
    return json.dumps(gate_file(gate, SITE, kept, BADGE_KEY, trust), indent=1).encode()


def roster_file(strangers: int = 0) -> bytes:
    """Returns the roster file with BADGES, and with so many other badges."""
    tags = [tag_of(uid) for uid in BADGES]
    tags += [hashlib.sha256(number.to_bytes(4, "big")).digest()[:8] for number in range(strangers)]
    table = build_table([pack_row(tag, STANDING_ALLOWED, NO_END, "nl") for tag in tags])
    return table + trailer(ROSTER_VERSION, hashlib.sha256(table).digest())


def new_flash(
    file: Path,
    settings: bytes,
    firmware: Firmware | None = None,
    more: dict[str, bytes] | None = None,
) -> Path:
    """Writes the flash of a new gate with a roster; returns the file.

    Args:
        file: to be written.
        settings: see `settings_file`.
        firmware: None for the installed one.
        more: other files, or others in place of those of a new gate.
    """
    write_flash(file, {**flash_files(settings, firmware), "roster": roster_file(), **(more or {})})
    return file


def journal_holds(image: bytes, uid: str, folder: Path) -> bool:
    """Returns whether a tap of this badge is in the journal on a flash.

    Args:
        image: of the flash.
        uid: of the badge.
        folder: for a file that is needed meanwhile.
    """
    files = flash_content(image, folder)
    return any(tag_of(uid) in files[path] for path in files if path.startswith("journal/"))
