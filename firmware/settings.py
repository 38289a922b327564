"""What the installer gave this gate: one JSON file, written by `sitegate terminal add`.

The file is read once at start and never written here. Keys are kept as bytes and never shown.
"""

import json
from binascii import unhexlify

from protocol.limits import KEY_SIZE
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT
from protocol.topics import valid_terminal_id

FILE = "settings.json"
LANGUAGES = ("fr", "nl", "de", "en")
SITE_MAX = 64

_DIRECTIONS = {"in": DIRECTION_IN, "out": DIRECTION_OUT, "none": DIRECTION_NONE}


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

    Attributes: terminal (id), site (name), direction (a DIRECTION constant), language (one of
    LANGUAGES), key and badge_key (32 bytes each), host, port (broker), ssid, wifi_password.
    """

    __slots__ = (
        "badge_key",
        "direction",
        "host",
        "key",
        "language",
        "port",
        "site",
        "ssid",
        "terminal",
        "wifi_password",
    )

    def __init__(self, fields: dict) -> None:
        """Checks and takes over the fields of the JSON object.

        Args:
            fields: the decoded file.

        Raises:
            SettingsError: an entry is missing or wrong.
        """
        self.terminal = _text(fields, "terminal", 24)
        if not valid_terminal_id(self.terminal):
            raise SettingsError("terminal")
        self.site = _text(fields, "site", SITE_MAX)
        direction = _text(fields, "direction", 8)
        if direction not in _DIRECTIONS:
            raise SettingsError("direction")
        self.direction = _DIRECTIONS[direction]
        self.language = _text(fields, "language", 2)
        if self.language not in LANGUAGES:
            raise SettingsError("language")
        self.key = _key(fields, "key")
        self.badge_key = _key(fields, "badge_key")
        broker = _object(fields, "broker")
        self.host = _text(broker, "host", 255)
        self.port = broker.get("port")
        if type(self.port) is not int or not 1 <= self.port <= 65535:
            raise SettingsError("port")
        wifi = _object(fields, "wifi")
        self.ssid = _text(wifi, "ssid", 32)
        self.wifi_password = _text(wifi, "password", 63, least=0)

    def __repr__(self) -> str:
        return f"Settings({self.terminal})"  # never a key


def _text(fields: dict, name: str, most: int, least: int = 1) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise SettingsError(name)
    return value


def _object(fields: dict, name: str) -> dict:
    value = fields.get(name)
    if not isinstance(value, dict):
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
