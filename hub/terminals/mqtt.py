"""The hub's end of the broker: a paho client in a loop of our own, in one thread.

Theory of operation. paho's own `loop_start` asks the kernel four times for every packet. This loop
uses the calls paho offers for foreign event loops on a socket that reads ahead (`readahead`): it
waits once, the messages go to the handler, and paho takes every other packet. Publishing from
another thread only queues the packet and wakes the loop, which sends all that is queued in one go.

aiomqtt, the obvious choice, costs three times as much a message (see docs/decisions/). The
subscription is QoS 0 on purpose: the promise to a terminal is our ack after the commit, and a lost
message is sent again, so a second acknowledgement between broker and hub would promise nothing.

With TLS (`context`) it is the same loop: `readahead` takes whole records off the encrypted socket.

TCP_NODELAY is set (see `readahead`): with Nagle's algorithm the 99th percentile of an ack at a low
rate is 44 ms.
"""

from __future__ import annotations

import secrets
import select
import socket
import ssl
import threading
from collections.abc import Callable

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from hub.terminals.readahead import LinkClient, ReadAheadSocket

SUBSCRIPTION = "sitegate/1/+/up/+"
KEEPALIVE_S = 15
RETRY_S = 0.5
OK = MQTTErrorCode.MQTT_ERR_SUCCESS
log = structlog.get_logger()


class MqttLink:
    """Connects, subscribes and reconnects for ever.

    Args:
        host, port: the broker.
        user, password: the hub's own login.
        deliver: called in the link's thread with topic and payload; must not raise.
        changed: called with True when subscribed and with False when the broker is gone.
        context: for TLS, with the broker's name checked; None for plain MQTT.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        deliver: Callable[[str, bytes], None],
        changed: Callable[[bool], None],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._address = (host, port)
        self._changed = changed
        # Not to be guessed: a broker closes the older of two connections with one client id, so a
        # terminal that used ours would push the hub off.
        client = LinkClient(
            deliver,
            context,
            callback_api_version=CallbackAPIVersion.VERSION2,
            client_id=f"hub-{secrets.token_hex(8)}",
            clean_session=True,
        )
        client.username_pw_set(user, password)
        # Given only so that paho leaves the writing to this loop when another thread publishes.
        client.on_socket_register_write = self._on_register_write
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        self._client = client
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._woken = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Starts the thread; connecting goes on in the background until it succeeds."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnects and ends the thread."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._wake_in.close()
        self._wake_out.close()

    def publish(self, topic: str, payload: bytes) -> None:
        """Sends at QoS 0; silently lost while the broker is away (the terminal asks again)."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=0)
            self._wake()

    # ------------------------------------------------------------ loop

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._client.connect(*self._address, keepalive=KEEPALIVE_S)
            except ssl.SSLCertVerificationError as error:
                # Tried again all the same: a certificate that has ended is replaced one day.
                log.error("broker's certificate is refused", reason=error.verify_message)
            except OSError as error:
                log.warning("broker does not answer", error=type(error).__name__)
            else:
                self._serve()
            self._stopping.wait(RETRY_S)
        connection = self._client.socket()
        self._client.disconnect()
        self._client.loop_write()
        if isinstance(connection, ReadAheadSocket):
            self._flush(connection)

    def _serve(self) -> None:
        """Reads and writes until the connection ends."""
        client = self._client
        while not self._stopping.is_set():
            connection = client.socket()
            if not isinstance(connection, ReadAheadSocket):
                return
            # First what may queue a ping, then what writes the queue.
            if client.loop_misc() != OK:
                return
            if client.want_write() and client.loop_write() != OK:
                return
            if not self._flush(connection):
                return
            writers = [connection] if connection.unsent() else []
            readable, _, _ = select.select([connection, self._wake_out], writers, [], 1.0)
            if self._wake_out in readable:
                # In this order: whoever publishes from here on wakes us again, and what was queued
                # before is written at the top of the loop.
                self._wake_out.recv(64)
                self._woken = False
            if connection in readable and not self._read(connection):
                return

    def _read(self, connection: ReadAheadSocket) -> bool:
        """Takes every whole packet that has come; returns False when the connection ended."""
        try:
            connection.fill()
        except OSError:
            return self._client.loop_read() == OK
        while connection.take_messages():
            if self._client.loop_read() != OK:
                return False
        return True

    def _flush(self, connection: ReadAheadSocket) -> bool:
        try:
            connection.flush()
        except OSError:
            # paho finds the broken connection at its next read and says so.
            return self._client.loop_read() == OK
        return True

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            try:
                self._wake_in.send(b"\0")
            except BlockingIOError:
                # The pipe is full of wake-ups that were not taken yet: it will wake.
                return

    # ------------------------------------------------------------ paho's callbacks

    def _on_register_write(self, *_: object) -> None:
        """Does nothing: paho tells of the first packet queued only; `publish` wakes the loop."""

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: object,
        reason: ReasonCode,
        properties: object,
    ) -> None:
        del userdata, flags, properties
        if reason.is_failure:
            log.error("broker refused the hub", reason=str(reason))
            return
        client.subscribe(SUBSCRIPTION, qos=0)

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        packet_id: int,
        reasons: list[ReasonCode],
        properties: object,
    ) -> None:
        del client, userdata, packet_id, properties
        if any(reason.is_failure for reason in reasons):
            log.error("broker refused the subscription", topic=SUBSCRIPTION)
            return
        self._changed(True)

    def _on_disconnect(self, *_: object) -> None:
        log.warning("broker connection closed")
        self._changed(False)
