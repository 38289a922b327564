"""Association of the Pico W's radio with an access point that can disappear.

Status values are those of `network.STAT_*`. Runs on CPython and on MicroPython.
"""

JOIN_MS = 150  # a Pico W takes some seconds; short enough here to keep tests short

_IDLE = 0
_CONNECTING = 1
_GOT_IP = 3
_NO_AP_FOUND = -2


class Wifi:
    """One radio.

    Args:
        now_ms: monotonic milliseconds that never wrap.
    """

    def __init__(self, now_ms):
        self._now_ms = now_ms
        self.active = False
        self.in_range = True
        self._since = -1  # start of a join under way
        self._status = _IDLE

    def activate(self, on):
        if on != self.active:
            self.active = on
            self.leave()

    def join(self):
        """Start to associate; ends after JOIN_MS with an address or without an access point."""
        if self.active and self.status() != _GOT_IP:
            self._since = self._now_ms()
            self._status = _CONNECTING

    def leave(self):
        self._since = -1
        self._status = _IDLE

    def set_in_range(self, in_range):
        """The access point appears or disappears; a lost association stays lost until `join`."""
        self.in_range = in_range
        if not in_range and self.status() == _GOT_IP:
            self.leave()

    def status(self):
        if self._status == _CONNECTING and self._now_ms() - self._since >= JOIN_MS:
            self._status = _GOT_IP if self.in_range else _NO_AP_FOUND
        return self._status
