"""Carries the uplink over Wi-Fi and MQTT 3.1.1, and comes back for ever.

Theory of operation. One session after another; each has one task that sends and one that receives,
and a watch above both that ends the session when its time is over. Nothing else depends on it: the
tap path never waits for a socket.

| phase | ends well by | ended by the watch |
| --- | --- | --- |
| join | an address in one of the networks | JOIN_MS; sooner when the radio says it failed |
| calm (TLS only) | nobody tapped for some time | CALM_MS, then it goes on all the same |
| handshake | TCP, TLS, CONNACK 0, SUBACK without a refusal | HANDSHAKE_MS |
| up | (never) | a ping or a QoS 1 packet without answer for ANSWER_MS, Wi-Fi lost |

A link that is half open (the other side is gone and no packet says so) is found by the ping, which
goes out after PING_MS without a word from the broker, or by the missing PUBACK, whichever is first.
PUBACK only says that the broker has the packet; a record is freed by the hub's own ack (`uplink`),
and whether the hub itself is there is asked by `uplink` too. A broker without a hub behind it is a
working link: the panel says that the hub is away, and the radio is left alone. What happens when
nobody answers at all is told in `recovery`.

The gate's part of a TLS handshake keeps a Pico busy for a third of a second, in which no badge is
read; hence the phase *calm*.

After a session the next one waits FIRST_BACKOFF_MS, doubling up to BACKOFF_MAX_MS, and begins with
the first again once the hub has answered. Errors around a connection are of four kinds: OSError,
ValueError (a certificate that is refused: measured), MemoryError and ProtocolError; none ends the
loop, and `trouble` says which was the last.
"""

import asyncio
import os

from firmware.connection import (
    LINK_ERRORS,
    TROUBLE_BROKEN,
    TROUBLE_CLOSED,
    TROUBLE_LOGIN,
    TROUBLE_NONE,
    TROUBLE_SILENT,
    TROUBLE_WIFI,
    Connection,
    LinkError,
)
from firmware.recovery import Recovery
from protocol import mqtt
from protocol.limits import CHANGES_CHUNK_MAX
from protocol.mac import broker_password
from protocol.topics import (
    DOWN_LEAVES,
    STATUS_OFFLINE,
    STATUS_ONLINE,
    down_topic,
    parse_topic,
    up_topic,
)

KEEPALIVE_S = 30
PING_MS = 10 * 1000
ANSWER_MS = 10 * 1000
HANDSHAKE_MS = 15 * 1000
CALM_MS = 20 * 1000
JOIN_MS = 15 * 1000
STEP_MS = 100
WATCH_MS = 250
FIRST_BACKOFF_MS = 500
BACKOFF_MAX_MS = 8000
HARM_MS = 5000
"""A link that ends so soon after the signal was measured may have ended because of it."""

PACKET_MAX = CHANGES_CHUNK_MAX + 128
"""Largest packet from the broker: a chunk of changes to a roster and its topic."""
READ_BYTES = 512
UNACKED_MAX = 8
"""QoS 1 packets under way: four batches and a few questions."""
TO_ACK_MAX = 32
"""QoS 1 packets of the broker's that wait for our PUBACK; Mosquitto sends 20 at once."""
FLOOD_MS = 1000
FLOOD_MAX = 200
"""Messages taken in FLOOD_MS; then the gate stops reading until the time is over, and the broker is
held back by TCP. A hub has nothing to say so fast."""


class MqttLink:
    """The gate's connection to the broker.

    Attributes: sessions (handshakes that went well), refused (logins and subscriptions the broker
    refused), trouble (TROUBLE constant: why the last attempt or session ended; TROUBLE_NONE while
    all is well), recovery (`Recovery`, with counters of its own). `wifi` counts joins and resets.

    Args:
        settings: of this gate.
        wifi: driver (`drivers.wifi`).
        uplink: what is carried.
        now_ms: monotonic milliseconds since start that never wrap.
        idle: returns whether nobody has tapped for some time, so that a pause of a second hurts
            nobody; None: always.
        give_up: asks for a reset by the watchdog, see `recovery`; None: never.
        reserve: room for TLS, see `connection`; None: taken now.
    """

    def __init__(
        self, settings, wifi, uplink, now_ms, idle=None, give_up=None, reserve=None
    ) -> None:
        self._settings = settings
        self._wifi = wifi
        self._uplink = uplink
        self._now_ms = now_ms
        self._idle = idle if idle is not None else _always
        self.recovery = Recovery(wifi, self._idle, give_up)
        self._password = broker_password(settings.key)
        self._down = [down_topic(settings.terminal, leaf) for leaf in DOWN_LEAVES]
        self._status = up_topic(settings.terminal, "status")
        self._connection = Connection(settings, wifi, reserve)
        self._measured_ms = -HARM_MS
        self.sessions = 0
        self.refused = 0
        self.trouble = TROUBLE_NONE
        self._forget()

    def _forget(self) -> None:
        self._started_ms = self._now_ms()
        self._up = False
        self._was_up = False
        self._broken = False
        self._heard_ms = self._started_ms
        self._sent_ms = self._started_ms
        self._pinged_ms = -1
        self._unacked = []  # (packet id, sent at), at most UNACKED_MAX
        self._to_ack = []  # packet ids of the broker's, at most TO_ACK_MAX
        self._packet_id = 0
        self._flood_ms = self._started_ms
        self._flood = 0

    async def run(self) -> None:
        """Keeps the gate connected for ever."""
        backoff = FIRST_BACKOFF_MS
        while True:
            self._connection.answered = False
            if await self._join():
                if self._settings.tls:
                    await self._calm()
                await self._watched_session()
            if self._uplink.greeted:
                backoff = FIRST_BACKOFF_MS
                self._wifi.prefer()
            self._uplink.disconnected()
            try:
                if self._connection.answered:
                    self.recovery.heard()
                else:
                    self.recovery.unheard(self._now_ms())
            except OSError:
                self.trouble = TROUBLE_WIFI
            # Up to a quarter more: gates that lost the same broker do not come back together.
            await asyncio.sleep_ms(backoff + backoff * os.urandom(1)[0] // 1024)
            backoff = min(2 * backoff, BACKOFF_MAX_MS)

    async def _join(self) -> bool:
        wifi = self._wifi
        try:
            if wifi.joined():
                return True
            wifi.join()
            for _ in range(JOIN_MS // STEP_MS):
                await asyncio.sleep_ms(STEP_MS)
                if wifi.joined():
                    return True
                if wifi.failed():
                    break
            wifi.move_on()
        except OSError:
            # The radio does not take orders: unheard, like everything that is not an answer.
            wifi.prefer()
        self.trouble = TROUBLE_WIFI
        return False

    async def _calm(self) -> None:
        for _ in range(CALM_MS // STEP_MS):
            if self._idle():
                return
            await asyncio.sleep_ms(STEP_MS)

    async def _watched_session(self) -> None:
        """Runs one session and ends it when something is overdue."""
        self._forget()
        session = asyncio.create_task(self._session())
        cancelled = False
        while not session.done():
            await asyncio.sleep_ms(WATCH_MS)
            self._uplink.work.set()  # what is due by time alone is sent now
            if cancelled:
                continue
            now_ms = self._now_ms()
            joined = self._wifi.joined()
            if not joined or self._overdue(now_ms):
                if not joined:
                    self.trouble = TROUBLE_WIFI
                else:
                    connection = self._connection
                    self.trouble = TROUBLE_SILENT if connection.answered else connection.stage
                cancelled = True
                session.cancel()
            elif self._up and self._idle() and self._wifi.measure(now_ms):
                self._measured_ms = now_ms
        if self._was_up and self._now_ms() - self._measured_ms < HARM_MS:
            self._wifi.harmed()

    def _overdue(self, now_ms: int) -> bool:
        if not self._up:
            return now_ms - self._started_ms > HANDSHAKE_MS
        if self._pinged_ms >= 0 and now_ms - self._pinged_ms > ANSWER_MS:
            return True
        if now_ms - self._heard_ms > PING_MS + 2 * ANSWER_MS:
            return True  # not even the ping could be sent
        return bool(self._unacked) and now_ms - self._unacked[0][1] > ANSWER_MS

    async def _session(self) -> None:
        connection = self._connection
        try:
            reader, writer = await connection.open()
            packets = mqtt.PacketReader(PACKET_MAX)
            await self._shake_hands(reader, writer, packets)
            self._up = self._was_up = True
            self.sessions += 1
            self.trouble = TROUBLE_NONE
            self._uplink.connected(self._now_ms())
            receiving = asyncio.create_task(self._receive(reader, packets))
            try:
                await self._send(writer)
            finally:
                receiving.cancel()
        except LINK_ERRORS as error:
            self.trouble = connection.explain(error)
        finally:
            self._up = False
            await connection.close()

    async def _shake_hands(self, reader, writer, packets) -> None:
        terminal, user = self._settings.terminal, self._settings.user
        writer.write(
            mqtt.connect(terminal, user, self._password, KEEPALIVE_S, self._status, STATUS_OFFLINE)
        )
        await writer.drain()
        self._connection.stage = TROUBLE_BROKEN  # with TLS only now: the handshake was in there
        packet = await self._packet(reader, packets)
        if packet[0] != "connack":
            raise LinkError(TROUBLE_BROKEN)
        if packet[2]:  # session present (packet[1]) means nothing: ours is the journal
            self.refused += 1
            raise LinkError(TROUBLE_LOGIN)
        packet_id = self._new_id()
        writer.write(mqtt.subscribe(packet_id, self._down, 1))
        await writer.drain()
        while True:
            packet = await self._packet(reader, packets)
            if packet[0] == "suback":
                break
            self._take(packet)  # a broker may send what it holds before it says so (3.8.4)
        if packet[1] != packet_id or len(packet[2]) != len(self._down):
            raise LinkError(TROUBLE_BROKEN)
        if 0x80 in packet[2]:
            self.refused += 1
            raise LinkError(TROUBLE_LOGIN)
        await self._publish(writer, self._status, STATUS_ONLINE, True)

    async def _send(self, writer) -> None:
        """Sends what there is, then waits for work; all writing is done here."""
        uplink = self._uplink
        while True:
            uplink.work.clear()
            if self._broken:
                raise LinkError(self.trouble)
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
                since_ms = self._now_ms() - self._flood_ms
                if since_ms < FLOOD_MS and self._flood >= FLOOD_MAX:
                    await asyncio.sleep_ms(FLOOD_MS - since_ms)
                    since_ms = FLOOD_MS
                if since_ms >= FLOOD_MS:
                    self._flood_ms = self._now_ms()
                    self._flood = 0
        except LINK_ERRORS as error:
            self.trouble = self._connection.explain(error)
            self._broken = True
            self._uplink.work.set()

    async def _packet(self, reader, packets) -> tuple:
        while True:
            packet = packets.next_packet()
            if packet is not None:
                return packet
            data = await reader.read(READ_BYTES)
            if not data:
                raise LinkError(TROUBLE_CLOSED)
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
                # A repeat (DUP) is acked like the first: `uplink` takes what is new in it.
                if len(self._to_ack) >= TO_ACK_MAX:
                    raise LinkError(TROUBLE_BROKEN)
                self._to_ack.append(packet[4])
            self._flood += 1
            if terminal == self._settings.terminal and direction == "down":
                self._uplink.received(leaf, packet[2], self._now_ms())
        else:
            raise LinkError(TROUBLE_BROKEN)


def _always() -> bool:
    return True
