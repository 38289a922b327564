"""Association with the site's Wi-Fi. Nothing here waits, except `switch_on`.

Users of this radio report hanging connects and links that look alive and carry nothing; so the link
above is judged by answers from the hub, and this file only joins, and starts the radio anew.
"""

import network


class Wifi:
    """The station interface of the radio.

    Args:
        ssid: name of the network.
        password: its password; empty for an open one.
    """

    def __init__(self, ssid: str, password: str) -> None:
        self._ssid = ssid
        self._password = password
        self._wlan = network.WLAN(network.STA_IF)

    def switch_on(self) -> None:
        """Starts the radio. Blocks a Pico W about 0.8 s (measured): only before taps are read."""
        self._wlan.active(True)
        # Power saving delays each answer by up to 200 ms; the gate has mains power.
        self._wlan.config(pm=network.WLAN.PM_NONE)

    def restart(self) -> None:
        """Takes the radio down and up again; blocks like `switch_on`."""
        self._wlan.disconnect()
        self._wlan.active(False)
        self.switch_on()

    def join(self) -> None:
        """Begins to associate; `joined` tells when it worked."""
        if self._password:
            self._wlan.connect(self._ssid, self._password)
        else:
            self._wlan.connect(self._ssid)

    def leave(self) -> None:
        """Ends an association or the attempt at one."""
        self._wlan.disconnect()

    def joined(self) -> bool:
        """Whether the gate has an address in the network."""
        return self._wlan.isconnected()
