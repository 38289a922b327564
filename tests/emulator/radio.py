"""The radio of the emulated Pico W, whose only network is the loopback of this machine.

rp2040py's CYW43439 takes every name and password, gives the address 10.0.0.2 and hands each TCP
connection to a socket of the host. Here every connection goes to 127.0.0.1, whatever address the
gate meant, and no datagram leaves: a gate under test reaches nothing but the test.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from rp2040py.external.cyw43 import net
from rp2040py.external.cyw43.chip import Cyw43439
from rp2040py.external.cyw43.nat import NatBridge, TcpReflector, UdpRelay
from rp2040py.rp2040 import RP2040

HUB_ADDRESS = "192.0.2.10"
"""Where a gate thinks that its hub is (RFC 5737, for documentation): behind the gateway, since
nobody answers ARP for a neighbour."""


class NoDatagrams(UdpRelay):
    """Takes every datagram and lets none out. DHCP is answered before it comes here."""

    def maybe_handle(self, eth: net.EthernetFrame) -> bool:
        """Whether it was a datagram."""
        ip = net.parse_ipv4(eth.payload) if eth.ethertype == net.ETHERTYPE_IPV4 else None
        return ip is not None and ip.proto == net.IP_PROTO_UDP


class LoopbackBridge(NatBridge):
    """The bridge to the host's sockets.

    Attributes: asked (address and port of each connection the gate wanted, in order).
    """

    def __init__(self, rp2040: RP2040, queue_ethernet_frame: Callable[[bytes], None]) -> None:
        super().__init__(rp2040, queue_ethernet_frame)
        self.asked: list[tuple[str, int]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._udp = NoDatagrams(rp2040, queue_ethernet_frame)
        self._tcp = TcpReflector(rp2040, queue_ethernet_frame, connect_fn=self._connect)

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.asked.append((host, port))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        """Ends every connection; call it when the gate has no power any more."""
        self.reset()
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Radio(Cyw43439):
    """The radio chip on the pins of a Pico W.

    Attributes: bridge (the `LoopbackBridge`, once attached).
    """

    def attach(self, rp2040: RP2040) -> None:
        """Solders it on."""
        super().attach(rp2040)
        self.bridge = LoopbackBridge(rp2040, self.bus.queue_rx_ethernet_frame)
        self.bus.nat_bridge = self.bridge
