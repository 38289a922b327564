"""Association of the Pico W's radio with access points that appear, disappear and say no.

Without a list of access points every name and password is taken, as long as the network is in
range. With one, a name that is not in it is not found, and a wrong password is refused. Whether
bytes pass is not modelled here: a dead association is a `Wire` that stalls.

Status values are those of `network.STAT_*`. Runs on CPython and on MicroPython.
"""

JOIN_MS = 150  # a Pico W takes some seconds; short enough here to keep tests short
RSSI = -55

_IDLE = 0
_CONNECTING = 1
_GOT_IP = 3
_NO_AP_FOUND = -2
_WRONG_PASSWORD = -3


class Wifi:
    """One radio.

    Attributes: starts (times it was switched on), joins (associations that worked), readings (of
    the signal), fragile (reading the signal breaks the association, as users report).

    Args:
        now_ms: monotonic milliseconds that never wrap.
    """

    def __init__(self, now_ms):
        self._now_ms = now_ms
        self.active = False
        self.in_range = True
        self.fragile = False
        self.starts = 0
        self.joins = 0
        self.readings = 0
        self._listed = False  # whether there is a list of access points
        self._points = []  # (name, password, dBm) of each
        self._wanted = ("", "")
        self._since = -1  # start of a join under way
        self._status = _IDLE

    def activate(self, on):
        if on != self.active:
            self.active = on
            if on:
                self.starts += 1
            self.leave()

    def join(self, name=None, password=None):
        """Start to associate, to the same as before without a name; ends after JOIN_MS."""
        if name is not None:
            self._wanted = (name, password or "")
        if self.active and self.status() != _GOT_IP:
            self._since = self._now_ms()
            self._status = _CONNECTING

    def leave(self):
        self._since = -1
        self._status = _IDLE

    def set_in_range(self, in_range):
        """All access points appear or disappear; a lost association stays lost until `join`."""
        self.in_range = in_range
        if not in_range and self.status() == _GOT_IP:
            self.leave()

    def set_points(self, points):
        """The access points there are from now on.

        Args:
            points: list of (name, password, signal in dBm).
        """
        joined = self.status() == _GOT_IP
        self._listed = True
        self._points = [(name, password, rssi) for name, password, rssi in points]
        if joined and self._outcome() != _GOT_IP:
            self.leave()

    def point(self):
        """Index of the access point joined, -1 if none is; 0 without a list."""
        if self.status() != _GOT_IP:
            return -1
        return self._find() if self._listed else 0

    def status(self):
        if self._status == _CONNECTING and self._now_ms() - self._since >= JOIN_MS:
            self._status = self._outcome()
            if self._status == _GOT_IP:
                self.joins += 1
        return self._status

    def read_rssi(self):
        """The signal in dBm; 0 when not joined."""
        self.readings += 1
        at = self.point()
        if at < 0:
            return 0
        if self.fragile:
            self.leave()
        return self._points[at][2] if self._listed else RSSI

    def _find(self):
        for at in range(len(self._points)):
            if self._points[at][0] == self._wanted[0]:
                return at
        return -1

    def _outcome(self):
        if not self.in_range:
            return _NO_AP_FOUND
        if not self._listed:
            return _GOT_IP
        at = self._find()
        if at < 0:
            return _NO_AP_FOUND
        return _GOT_IP if self._points[at][1] == self._wanted[1] else _WRONG_PASSWORD
