"""Association with one of the site's Wi-Fi networks. Nothing here waits, except `switch_on`.

Users of this radio report hanging connects and links that look alive and carry nothing; so a link
is judged by answers from the other end (`mqtt_link`), and this file only joins, goes on to the next
network, and starts the radio anew. One cannot trust it with the signal strength either: reading it
has broken links, so it is read rarely, kept, and not read any more after it did harm.
"""

import network

COUNTRY = "BE"
"""Which channels may be used, and how loud."""

RSSI_EVERY_MS = 5 * 60 * 1000
RSSI_HARM_MAX = 2
RSSI_LEAST = -110


class Wifi:
    """The station interface of the radio.

    Attributes: joins (associations that worked), resets (starts of the radio after the first),
    measures (False once reading the signal broke the link RSSI_HARM_MAX times).

    Args:
        networks: (name, password) of each network, the preferred one first; an empty password for
            an open one. May be empty: nothing is joined then.
    """

    def __init__(self, networks) -> None:
        self._networks = networks
        self._at = 0
        self._wlan = network.WLAN(network.STA_IF)
        self._connected = False
        self._rssi = 0
        self._rssi_at = 0
        self._harm = 0
        self.joins = 0
        self.resets = 0
        self.measures = True

    def switch_on(self) -> None:
        """Starts the radio. Blocks a Pico W about 0.8 s (measured): never while taps are read."""
        network.country(COUNTRY)
        self._wlan.active(True)
        # Power saving delays each answer by up to 200 ms; the gate has mains power. The radio
        # forgets it with each start.
        self._wlan.config(pm=network.WLAN.PM_NONE)

    def restart(self) -> None:
        """Takes the radio down and up again; blocks like `switch_on`."""
        self.resets += 1
        self._connected = False
        self._wlan.disconnect()
        self._wlan.active(False)
        self.switch_on()

    def join(self) -> None:
        """Begins to associate; `joined` and `failed` tell how it goes."""
        if not self._networks:
            return
        ssid, password = self._networks[self._at]
        if password:
            self._wlan.connect(ssid, password)
        else:
            self._wlan.connect(ssid)

    def leave(self) -> None:
        """Ends an association or the attempt at one."""
        self._connected = False
        self._wlan.disconnect()

    def move_on(self) -> None:
        """Leaves, and takes the next network for the next `join`; after the last the first."""
        self.leave()
        if self._networks:
            self._at = (self._at + 1) % len(self._networks)

    def prefer(self) -> None:
        """Takes the preferred network for the next `join`."""
        self._at = 0

    def joined(self) -> bool:
        """Whether the gate has an address in a network."""
        connected = self._wlan.isconnected()
        if connected and not self._connected:
            self.joins += 1
        self._connected = connected
        return connected

    def failed(self) -> bool:
        """Whether the attempt to join has ended without success."""
        return self._wlan.status() < 0

    def name_server(self) -> str:
        """Returns the address to ask for names, as the network told it."""
        return self._wlan.ifconfig()[3]

    def rssi(self) -> int:
        """Returns the signal as it was last measured, in dBm; 0 when not known."""
        return self._rssi

    def measure(self, now_ms: int) -> bool:
        """Reads the signal if it is time; returns whether the radio was asked.

        Call it only when nobody needs the link, and `harmed` when the link broke right after.

        Args:
            now_ms: monotonic milliseconds that never wrap.
        """
        if not self.measures or now_ms < self._rssi_at:
            return False
        self._rssi_at = now_ms + RSSI_EVERY_MS
        try:
            value = self._wlan.status("rssi")
        except (OSError, ValueError):
            value = 0
        self._rssi = value if type(value) is int and RSSI_LEAST <= value < 0 else 0
        return True

    def harmed(self) -> None:
        """The link broke right after a measurement."""
        self._harm += 1
        if self._harm >= RSSI_HARM_MAX:
            self.measures = False
            self._rssi = 0
