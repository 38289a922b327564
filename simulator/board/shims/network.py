"""`network` of the Pico W: one station interface that joins, or does not.

Only the association is modelled; sockets are the host's own. As on the CYW43 driver a lost link
is not joined again by itself: call `connect` again. First on MICROPYPATH.
"""

from simulator.board import registry

STA_IF = 0
AP_IF = 1

STAT_IDLE = 0
STAT_CONNECTING = 1
STAT_GOT_IP = 3
STAT_CONNECT_FAIL = -1
STAT_NO_AP_FOUND = -2
STAT_WRONG_PASSWORD = -3

_names = {"hostname": "PicoW", "country": "XX"}


def hostname(name=None):
    if name is not None:
        _names["hostname"] = name
    return _names["hostname"]


def country(code=None):
    if code is not None:
        _names["country"] = code
    return _names["country"]


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0x10
    PM_PERFORMANCE = 0xA11142
    PM_POWERSAVE = 0xA11C82

    def __init__(self, interface_id=STA_IF):
        self._config = {"mac": b"\x28\xcd\xc1\x00\x00\x01", "pm": self.PM_PERFORMANCE}

    def active(self, is_active=None):
        if is_active is None:
            return registry.wifi.active
        registry.wifi.activate(bool(is_active))
        return None

    def connect(self, ssid=None, key=None, *, password=None, bssid=None, security=None):
        if ssid is not None:
            self._config["ssid"] = ssid
        registry.wifi.join(ssid, password if password is not None else key)

    def disconnect(self):
        registry.wifi.leave()

    def isconnected(self):
        return registry.wifi.status() == STAT_GOT_IP

    def status(self, param=None):
        if param == "rssi":
            return registry.wifi.read_rssi()
        return registry.wifi.status()

    def config(self, param=None, **values):
        if param is not None:
            return self._config[param]
        self._config.update(values)
        return None

    def ifconfig(self):
        address = "127.0.0.1" if self.isconnected() else "0.0.0.0"
        return (address, "255.255.255.0", "127.0.0.1", "127.0.0.1")

    def ipconfig(self, param):
        return {"addr4": (self.ifconfig()[0], "255.255.255.0"), "gw4": "127.0.0.1"}[param]
