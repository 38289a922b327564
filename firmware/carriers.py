"""A gate with Wi-Fi and a USB cable: whichever works carries the uplink.

Theory of operation. Both links live all the time, so each knows for itself
whether it is ready. One of them carries: the cable when it is ready, else Wi-Fi. The other keeps
its connection and carries nothing, so a change takes no longer than finding out that it is needed:
the cable 3.5 s, a closed connection at once. With each change the uplink begins anew with its
hello, and what was under way goes again; the hub knows what it has, so nothing is lost or doubled.

A link can be ready and lead nowhere: a computer that answers and is not our hub, a broker whose hub
is away. Only the hub itself can sign. So a link over which it has said nothing for as long as the
uplink calls silence stands back for AWAY_MS, doubling up to AWAY_MAX_MS, and the other one carries
if it is ready.
"""

import asyncio

from firmware.uplink import SILENCE_MS

WATCH_MS = 250
AWAY_MS = 30 * 1000
AWAY_MAX_MS = 480 * 1000


class Carrier:
    """The uplink as one of two links sees it: silent while the other one carries.

    Attributes: ready (the link could carry), work (see `Uplink`; one for each link, since whoever
    waits for it also clears it), away_until (it stands back until then), away_ms (the next time for
    so long).
    """

    def __init__(self, links) -> None:
        self._links = links
        self.ready = False
        self.away_until = 0
        self.away_ms = AWAY_MS
        self.work = asyncio.Event()

    @property
    def greeted(self) -> bool:
        """Whether the hub has answered over this link."""
        return self._links.carrying is self and self._links.uplink.greeted

    def connected(self, now_ms: int) -> None:
        """The link could carry."""
        self.ready = True
        self._links.choose(now_ms)

    def disconnected(self) -> None:
        """The link cannot carry any more."""
        self.ready = False
        self._links.choose(self._links.now_ms())

    def next(self, now_ms: int):
        """Returns what is to be sent over this link, or None."""
        if self._links.carrying is not self:
            return None
        return self._links.uplink.next(now_ms)

    def received(self, leaf: str, payload: bytes, now_ms: int) -> None:
        """Takes what came; a hub may send its answer over both links."""
        if self._links.carrying is self:
            self._links.uplink.received(leaf, payload, now_ms)


class SpareWifi:
    """The radio of a gate with both links: never started anew while the cable carries.

    That would stop the gate for 0.8 s again and again on a site that has no Wi-Fi.
    """

    def __init__(self, wifi, links) -> None:
        self._wifi = wifi
        self._links = links

    def __getattr__(self, name: str):
        return getattr(self._wifi, name)

    def restart(self) -> None:
        """Starts the radio anew, or only leaves the network."""
        if self._links.carrying is self._links.carriers[0]:
            self._wifi.leave()
        else:
            self._wifi.restart()


class Links:
    """Two links, of which one carries.

    Attributes: carriers (the preferred link's first), carrying (one of them or None), uplink,
    changes (how often the carrier changed).

    Args:
        uplink: what is carried.
        now_ms: monotonic milliseconds that never wrap.
    """

    def __init__(self, uplink, now_ms) -> None:
        self.uplink = uplink
        self.now_ms = now_ms
        self.carriers = (Carrier(self), Carrier(self))
        self.carrying = None
        self.changes = 0
        self._since = 0
        self._links = []
        self._tasks = []
        uplink.work = self  # it rings; `set` below

    def fit(self, link) -> None:
        """Adds a link that was made with the next of `carriers`."""
        self._links.append(link)

    async def run(self) -> None:
        """Runs both links for ever; ends with the error of one, and starts that one again."""
        while len(self._tasks) < len(self._links):
            self._tasks.append(None)
        for number, link in enumerate(self._links):
            if self._tasks[number] is None:
                self._tasks[number] = asyncio.create_task(link.run())
        while True:
            self._watch(self.now_ms())
            for number, task in enumerate(self._tasks):
                if task.done():
                    self._tasks[number] = None
                    await task  # raises what ended it
            await asyncio.sleep_ms(WATCH_MS)

    def set(self) -> None:
        """Something may be there to send: wakes the link that carries."""
        if self.carrying is not None:
            self.carrying.work.set()

    def _watch(self, now_ms: int) -> None:
        carrying = self.carrying
        if carrying is not None:
            if self.uplink.greeted and self.uplink.online(now_ms):
                carrying.away_ms = AWAY_MS
            elif now_ms - self._since > SILENCE_MS and carrying.away_until <= now_ms:
                carrying.away_until = now_ms + carrying.away_ms
                carrying.away_ms = min(2 * carrying.away_ms, AWAY_MAX_MS)
        self.choose(now_ms)

    def choose(self, now_ms: int) -> None:
        """Lets the first link that is ready carry, before one that is away."""
        best = None
        for carrier in self.carriers:
            if carrier.ready and carrier.away_until <= now_ms:
                best = carrier
                break
            if carrier.ready and best is None:
                best = carrier
        if best is self.carrying:
            return
        if self.carrying is not None:
            self.uplink.disconnected()
        self.carrying = best
        self._since = now_ms
        self.changes += 1
        if best is not None:
            self.uplink.connected(now_ms)
            best.work.set()
