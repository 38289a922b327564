"""Carries the uplink over Wi-Fi and MQTT 3.1.1, and comes back for ever.

Theory of operation. One session after another; each has one task that sends and one that receives,
and a watch above both that ends the session when its time is over. Nothing else depends on it: the
tap path never waits for a socket.

| phase | ends well by | ended by the watch |
| --- | --- | --- |
| join | an address in the Wi-Fi | JOIN_MS |
| handshake | CONNACK 0, SUBACK without a refusal | HANDSHAKE_MS |
| up | (never) | a ping or a QoS 1 packet without answer for ANSWER_MS, Wi-Fi lost |

A link that is half open (the other side is gone and no packet says so) is found by the ping, which
goes out after PING_MS without a word from the broker, or by the missing PUBACK, whichever is first.
PUBACK only says that the broker has the packet; a record is freed by the hub's own ack (`uplink`).

Some Wi-Fi links look alive and carry nothing. When nobody at all answered (no TCP connection and no
refusal either) LEAVE_EVERY times in a row, the Wi-Fi is joined anew, and after RESTART_EVERY times
the radio is started anew, which stops the gate for 0.8 s. A broker that refuses does neither.

After a session the next one waits FIRST_BACKOFF_MS, doubling up to BACKOFF_MAX_MS, and begins with
the first again once the hub has answered. Errors around a connection are of three kinds: OSError,
ValueError (TLS, measured) and MemoryError; none ends the loop.
"""

import asyncio
import errno
import os

from protocol import mqtt
from protocol.errors import ProtocolError
from protocol.limits import ROSTER_CHUNK_MAX
from protocol.mac import broker_password
from protocol.topics import STATUS_OFFLINE, STATUS_ONLINE, down_topic, parse_topic, up_topic

KEEPALIVE_S = 30
PING_MS = 10 * 1000
ANSWER_MS = 10 * 1000
HANDSHAKE_MS = 15 * 1000
JOIN_MS = 15 * 1000
JOIN_STEP_MS = 100
WATCH_MS = 250
FIRST_BACKOFF_MS = 500
BACKOFF_MAX_MS = 8000
LEAVE_EVERY = 5
RESTART_EVERY = 20

PACKET_MAX = ROSTER_CHUNK_MAX + 128
"""Largest packet from the broker: a roster chunk and its topic."""
READ_BYTES = 512
UNACKED_MAX = 8
"""QoS 1 packets under way: four batches and a few questions."""

LINK_ERRORS = (OSError, ValueError, MemoryError, ProtocolError)

_IPPROTO_TCP = 6
_TCP_NODELAY = 1


class LinkError(OSError):
    """The broker ended the session or refused us; the code says which."""


class MqttLink:
    """The gate's connection to the broker.

    Args:
        settings: of this gate.
        wifi: driver with joined, join, leave and restart.
        uplink: what is carried.
        now_ms: monotonic milliseconds that never wrap.
    """

    def __init__(self, settings, wifi, uplink, now_ms) -> None:
        self._settings = settings
        self._wifi = wifi
        self._uplink = uplink
        self._now_ms = now_ms
        self._password = broker_password(settings.key)
        self._down = (
            down_topic(settings.terminal, "control"),
            down_topic(settings.terminal, "roster"),
        )
        self._status = up_topic(settings.terminal, "status")
        self._forget()
        self._answered = False

    def _forget(self) -> None:
        self._started_ms = self._now_ms()
        self._up = False
        self._broken = False
        self._heard_ms = self._started_ms
        self._sent_ms = self._started_ms
        self._pinged_ms = -1
        self._unacked = []  # (packet id, sent at), at most UNACKED_MAX
        self._to_ack = []  # packet ids of the broker's, at most UNACKED_MAX
        self._packet_id = 0

    async def run(self) -> None:
        """Keeps the gate connected for ever."""
        backoff = FIRST_BACKOFF_MS
        unheard = 0
        while True:
            self._answered = False
            if await self._join():
                await self._watched_session()
            if self._uplink.greeted:
                backoff = FIRST_BACKOFF_MS
            self._uplink.disconnected()
            unheard = 0 if self._answered else unheard + 1
            if unheard and unheard % RESTART_EVERY == 0:
                self._wifi.restart()
            elif unheard and unheard % LEAVE_EVERY == 0:
                self._wifi.leave()
            # Up to a quarter more: gates that lost the same broker do not come back together.
            await asyncio.sleep_ms(backoff + backoff * os.urandom(1)[0] // 1024)
            backoff = min(2 * backoff, BACKOFF_MAX_MS)

    async def _join(self) -> bool:
        try:
            if self._wifi.joined():
                return True
            self._wifi.join()
            for _ in range(JOIN_MS // JOIN_STEP_MS):
                await asyncio.sleep_ms(JOIN_STEP_MS)
                if self._wifi.joined():
                    return True
        except OSError:
            self._answered = False
        self._wifi.leave()
        return False

    async def _watched_session(self) -> None:
        """Runs one session and ends it when something is overdue."""
        self._forget()
        session = asyncio.create_task(self._session())
        cancelled = False
        while not session.done():
            await asyncio.sleep_ms(WATCH_MS)
            self._uplink.work.set()  # what is due by time alone is sent now
            if not cancelled and (self._overdue(self._now_ms()) or not self._wifi.joined()):
                cancelled = True
                session.cancel()

    def _overdue(self, now_ms: int) -> bool:
        if not self._up:
            return now_ms - self._started_ms > HANDSHAKE_MS
        if self._pinged_ms >= 0 and now_ms - self._pinged_ms > ANSWER_MS:
            return True
        return bool(self._unacked) and now_ms - self._unacked[0][1] > ANSWER_MS

    async def _session(self) -> None:
        writer = None
        try:
            reader, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
            self._answered = True
            _no_delay(writer)
            packets = mqtt.PacketReader(PACKET_MAX)
            await self._shake_hands(reader, writer, packets)
            self._up = True
            self._uplink.connected(self._now_ms())
            receiving = asyncio.create_task(self._receive(reader, packets))
            try:
                await self._send(writer)
            finally:
                receiving.cancel()
        except LINK_ERRORS as error:
            if isinstance(error, OSError) and error.args and error.args[0] == errno.ECONNREFUSED:
                self._answered = True  # somebody said no: the way there works
        finally:
            self._up = False
            if writer is not None:
                await _close(writer)

    async def _shake_hands(self, reader, writer, packets) -> None:
        terminal = self._settings.terminal
        writer.write(
            mqtt.connect(
                terminal, terminal, self._password, KEEPALIVE_S, self._status, STATUS_OFFLINE
            )
        )
        await writer.drain()
        packet = await self._packet(reader, packets)
        if packet[0] != "connack" or packet[2] != 0:
            raise LinkError("refused")
        packet_id = self._new_id()
        writer.write(mqtt.subscribe(packet_id, self._down, 1))
        await writer.drain()
        while True:
            packet = await self._packet(reader, packets)
            if packet[0] == "suback":
                break
            self._take(packet)  # a broker may send what it holds before it says so (3.8.4)
        if packet[1] != packet_id or 0x80 in packet[2]:
            raise LinkError("subscribe")
        await self._publish(writer, self._status, STATUS_ONLINE, True)

    async def _send(self, writer) -> None:
        """Sends what there is, then waits for work; all writing is done here."""
        uplink = self._uplink
        while True:
            uplink.work.clear()
            if self._broken:
                raise LinkError("closed")
            while self._to_ack:
                writer.write(mqtt.puback(self._to_ack.pop(0)))
                await writer.drain()
            message = None
            if len(self._unacked) < UNACKED_MAX:
                message = uplink.next(self._now_ms())
            if message is not None:
                topic = up_topic(self._settings.terminal, message[0])
                await self._publish(writer, topic, message[1], False)
                continue
            await self._ping_if_due(writer)
            await uplink.work.wait()

    async def _publish(self, writer, topic: str, payload: bytes, retain: bool) -> None:
        packet_id = self._new_id()
        now_ms = self._now_ms()
        self._unacked.append((packet_id, now_ms))
        self._sent_ms = now_ms
        writer.write(mqtt.publish(topic, payload, 1, packet_id, False, retain))
        await writer.drain()

    async def _ping_if_due(self, writer) -> None:
        now_ms = self._now_ms()
        quiet_ms = max(now_ms - self._heard_ms, now_ms - self._sent_ms)
        if self._pinged_ms < 0 and quiet_ms >= PING_MS:
            self._pinged_ms = now_ms
            self._sent_ms = now_ms
            writer.write(mqtt.pingreq())
            await writer.drain()

    def _new_id(self) -> int:
        self._packet_id = self._packet_id % 0xFFFF + 1
        return self._packet_id

    async def _receive(self, reader, packets) -> None:
        try:
            while True:
                self._take(await self._packet(reader, packets))
                self._uplink.work.set()
        except LINK_ERRORS:
            self._broken = True
            self._uplink.work.set()

    async def _packet(self, reader, packets) -> tuple:
        while True:
            packet = packets.next_packet()
            if packet is not None:
                return packet
            data = await reader.read(READ_BYTES)
            if not data:
                raise LinkError("closed")
            self._heard_ms = self._now_ms()
            packets.feed(data)

    def _take(self, packet: tuple) -> None:
        name = packet[0]
        if name == "puback":
            self._unacked = [slot for slot in self._unacked if slot[0] != packet[1]]
        elif name == "pingresp":
            self._pinged_ms = -1
        elif name == "publish":
            terminal, direction, leaf = parse_topic(packet[1])
            if packet[3]:
                if len(self._to_ack) >= UNACKED_MAX:
                    raise LinkError("flood")
                self._to_ack.append(packet[4])
            if terminal == self._settings.terminal and direction == "down":
                self._uplink.received(leaf, packet[2], self._now_ms())
        else:
            raise LinkError("unexpected")


def _no_delay(writer) -> None:
    """A tap is one small packet: it must not wait for the answer to the one before (Nagle)."""
    # MicroPython's stream holds its socket as `s`; CPython sets the option by itself.
    socket = getattr(writer, "s", None)
    if socket is None:
        return
    try:
        socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    except OSError:
        return  # a network stack without the option sends all the same, only later


async def _close(writer) -> None:
    try:
        writer.close()
        await writer.wait_closed()
    except LINK_ERRORS:
        return  # it is gone either way
