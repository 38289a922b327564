"""What the installer gave this gate: one JSON file, written by `sitegate terminal add`.

The file is read once at start and never written here. Keys are kept as bytes and never shown.

What a gate cannot work without (its name, keys, site) ends the start with `SettingsError`. An
entry that only says *how* something is done falls back to its default when it cannot be used, and
is named in `doubtful`: a typing mistake in a tone must not close a gate.
"""

import json
from binascii import unhexlify

from protocol.limits import KEY_SIZE
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT
from protocol.roster import LANGUAGES
from protocol.topics import valid_terminal_id

FILE = "settings.json"
SITE_MAX = 64
NETWORKS_MAX = 4
CA_MAX = 2048
USER_MAX = 32

DIRECTION_BUTTONS = 4
"""The worker says which way, with one of two buttons."""
DIRECTION_TOGGLE = 5
"""Who was last seen coming in is going out, and the other way round."""

LINK_WIFI = "wifi"
LINK_SERIAL = "serial"
LINK_BOTH = "both"

PASSBACK_OFF = "off"
PASSBACK_SOFT = "soft"
PASSBACK_HARD = "hard"

RELAY_PULSE = "pulse"
RELAY_LEVEL = "level"

_DIRECTIONS = {
    "in": DIRECTION_IN,
    "out": DIRECTION_OUT,
    "none": DIRECTION_NONE,
    "buttons": DIRECTION_BUTTONS,
    "toggle": DIRECTION_TOGGLE,
}

OPTIONS = ("repeat_s", "passback", "passback_reset_h", "sound", "supply_min_mv", "link",
           "mode", "open_ms", "passage", "passage_s")  # fmt: skip
"""Entries with a default; a fault record names one of them by its place here."""


class SettingsError(Exception):
    """The settings file is missing or wrong; `code` names the entry. The gate cannot work.

    Args:
        code: ``"file"`` or the name of the wrong entry, never its content.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Settings:
    """A checked settings file; every attribute is usable as it is.

    Attributes: terminal (id), user (its name at the broker), site (name), direction (a DIRECTION
    constant), language (one of the roster's LANGUAGES), key and badge_key (32 bytes each); host,
    port, tls, ca (broker; the PEM text of the hub's certificate authority), networks ((name,
    password) of each Wi-Fi, the preferred one first), link (LINK constant); repeat_ms, passback
    (PASSBACK constant), passback_reset_h (Brussels hour); relay_mode (RELAY constant), open_ms,
    passage (the arm tells when it turned), passage_ms; sound (0..100), supply_min_mv (0: not
    watched); doubtful (names of OPTIONS that fell back).
    """

    def __init__(self, fields: dict) -> None:
        """Checks and takes over the fields of the JSON object.

        Args:
            fields: the decoded file.

        Raises:
            SettingsError: an entry is missing or wrong that the gate cannot do without.
        """
        self.doubtful = []
        self.terminal = _text(fields, "terminal", 24)
        if not valid_terminal_id(self.terminal):
            raise SettingsError("terminal")
        self.site = _text(fields, "site", SITE_MAX)
        self.direction = _DIRECTIONS.get(_text(fields, "direction", 8), -1)
        if self.direction < 0:
            raise SettingsError("direction")
        self.language = _text(fields, "language", 2)
        if self.language not in LANGUAGES:
            raise SettingsError("language")
        self.key = _key(fields, "key")
        self.badge_key = _key(fields, "badge_key")
        self._take_link(fields)
        self.repeat_ms = 1000 * self._number(fields, "repeat_s", 10, 1, 3600)
        self.passback = self._choice(
            fields, "passback", (PASSBACK_OFF, PASSBACK_SOFT, PASSBACK_HARD)
        )
        self.passback_reset_h = self._number(fields, "passback_reset_h", 3, 0, 23)
        turnstile = fields.get("turnstile")
        if not isinstance(turnstile, dict):
            turnstile = {}
        self.relay_mode = self._choice(turnstile, "mode", (RELAY_PULSE, RELAY_LEVEL))
        self.open_ms = self._number(turnstile, "open_ms", 3000, 200, 30000)
        self.passage = self._choice(turnstile, "passage", (False, True))
        self.passage_ms = 1000 * self._number(turnstile, "passage_s", 8, 1, 60)
        self.sound = self._number(fields, "sound", 100, 0, 100)
        self.supply_min_mv = self._number(fields, "supply_min_mv", 0, 0, 6000)

    def __repr__(self) -> str:
        return f"Settings({self.terminal})"  # never a key

    def _take_link(self, fields: dict) -> None:
        self.link = self._choice(fields, "link", (LINK_WIFI, LINK_SERIAL, LINK_BOTH))
        self.user = self.terminal
        self.host, self.port, self.tls, self.ca = "", 0, False, ""
        networks = []
        self.networks = tuple(networks)
        if self.link == LINK_SERIAL:
            return
        broker = fields.get("broker")
        if not isinstance(broker, dict):
            raise SettingsError("broker")
        self.host = _text(broker, "host", 255)
        self.port = broker.get("port")
        if type(self.port) is not int or not 1 <= self.port <= 65535:
            raise SettingsError("port")
        if "user" in broker:
            self.user = _text(broker, "user", USER_MAX)
        self.tls = broker.get("tls", False)
        if type(self.tls) is not bool:
            raise SettingsError("tls")  # falling back would send in clear
        if self.tls:
            self.ca = _text(broker, "ca", CA_MAX)
        wifi = fields.get("wifi")
        if isinstance(wifi, dict):
            wifi = [wifi]
        if not isinstance(wifi, list) or not 1 <= len(wifi) <= NETWORKS_MAX:
            raise SettingsError("wifi")
        for network in wifi:
            if not isinstance(network, dict):
                raise SettingsError("wifi")
            networks.append((_text(network, "ssid", 32), _text(network, "password", 63, least=0)))
        self.networks = tuple(networks)

    def _number(self, fields: dict, name: str, default: int, least: int, most: int) -> int:
        value = fields.get(name, default)
        if type(value) is int and least <= value <= most:
            return value
        self.doubtful.append(name)
        return default

    def _choice(self, fields: dict, name: str, choices: tuple):
        """Returns one of `choices`; the first is the default."""
        value = fields.get(name, choices[0])
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return choice
        self.doubtful.append(name)
        return choices[0]


def _text(fields: dict, name: str, most: int, least: int = 1) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise SettingsError(name)
    return value


def _key(fields: dict, name: str) -> bytes:
    text = _text(fields, name, 2 * KEY_SIZE, least=2 * KEY_SIZE)
    try:
        return unhexlify(text)
    except ValueError:
        raise SettingsError(name)


def load(root: str) -> Settings:
    """Returns the settings found under `root`.

    Args:
        root: folder of the flash, for example ``"/"``.

    Raises:
        SettingsError: no file, no JSON, or an entry is wrong.
    """
    path = root.rstrip("/") + "/" + FILE
    fields = None
    try:
        with open(path) as file:
            fields = json.load(file)
    except (OSError, ValueError):
        fields = None  # the reason does not help the installer; the file has to be written anew
    if not isinstance(fields, dict):
        raise SettingsError("file")
    return Settings(fields)
