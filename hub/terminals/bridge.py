"""From a USB cable to the hub's broker, for a gate whose cable ends at another computer.

Theory of operation. The gate at the port gets an MQTT session under its own name and password, with
a client id of its own so that it does not push out a gate that has Wi-Fi as well. Payloads pass
unread in both directions; they are signed end to end, so this computer needs no key and can forge
nothing. Nothing is kept here either: while the session is not up, the gate is told in each pong
that the hub is not reached, and keeps its records.

| thread | does |
| --- | --- |
| serial and its port's | gate to broker; starts and ends the session |
| paho's | broker to gate |
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from hub.terminals.serial import SerialLink
from protocol.topics import DOWN_LEAVES, STATUS_OFFLINE, STATUS_ONLINE, down_topic, up_topic

KEEPALIVE_S = 15
RETRY_S = 1
RETRY_MAX_S = 8
GOODBYE_S = 1.0
HANDSHAKE_S = 10.0

CAME, WENT, OTHER, REACHED, LOST = "came", "went", "other", "reached", "lost"
"""What is told: a gate came to the port or went; it is not the one expected; its session is up or
ended."""
REFUSED, UNTRUSTED, UNREACHABLE = "refused", "untrusted", "unreachable"
"""Why there is no session yet: the login, the broker's certificate, nobody there."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BrokerLogin:
    """Where the broker is and how the gate logs in.

    terminal: id of the gate, or empty for whichever is at the port.
    context: for TLS, else None.
    """

    terminal: str
    password: str
    host: str
    port: int
    context: ssl.SSLContext | None


class Bridge:
    """Carries one gate between a port and a broker, until `stop`.

    Args:
        ports: names, patterns or addresses of the port; see `SerialLink`.
        login: at the broker.
        told: called from any thread with one of the words above and a terminal id.
    """

    def __init__(
        self, ports: Iterable[str], login: BrokerLogin, told: Callable[[str, str], None]
    ) -> None:
        self._login = login
        self._told = told
        self._link = SerialLink(ports, self._deliver, self._changed, self._reached)
        self._lock = threading.Lock()
        self._session: _Session | None = None

    def start(self) -> None:
        """Starts its threads."""
        self._link.start()

    def stop(self) -> None:
        """Ends the session with a goodbye, and all threads."""
        self._link.stop()  # every gate leaves, which ends its session

    # ------------------------------------------------------------ called in a port's thread

    def _changed(self, terminal: str, here: bool) -> None:
        if self._login.terminal not in ("", terminal):
            if here:
                self._told(OTHER, terminal)
            return
        self._told(CAME if here else WENT, terminal)
        with self._lock:
            ended, self._session = self._session, None
            if here:
                self._session = _Session(terminal, self._login, self._link.publish, self._told)
        if ended is not None:
            ended.end()

    def _reached(self, terminal: str) -> bool:
        session = self._session
        return session is not None and session.terminal == terminal and session.up

    def _deliver(self, topic: str, payload: bytes) -> None:
        session = self._session
        if session is not None:
            session.send(topic, payload)


class _Client(paho.Client):
    """Closes a connection whose certificate it refused; paho leaves that to the collector.

    Attributes: untrusted (the last attempt ended by the broker's certificate).
    """

    untrusted = False

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        context = self._ssl_context
        if context is None:
            return super()._ssl_wrap_socket(tcp_sock)
        self.untrusted = False
        secured = context.wrap_socket(
            tcp_sock, server_hostname=self._host, do_handshake_on_connect=False
        )
        try:
            secured.settimeout(HANDSHAKE_S)
            secured.do_handshake()
        except OSError as error:
            self.untrusted = isinstance(error, ssl.SSLCertVerificationError)
            secured.close()
            raise
        return secured


class _Session:
    """The gate's MQTT session, from the moment it is at the port until it goes."""

    def __init__(
        self,
        terminal: str,
        login: BrokerLogin,
        publish: Callable[[str, bytes], None],
        told: Callable[[str, str], None],
    ) -> None:
        self.terminal = terminal
        self.up = False
        self._publish = publish
        self._told = told
        self._status = up_topic(terminal, "status")
        client = _Client(
            CallbackAPIVersion.VERSION2, client_id=f"{terminal}-usb", clean_session=True
        )
        client.username_pw_set(terminal, login.password)
        client.will_set(self._status, STATUS_OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(RETRY_S, RETRY_MAX_S)
        client.max_queued_messages_set(64)
        if login.context is not None:
            client.tls_set_context(login.context)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        self._client = client
        client.connect_async(login.host, login.port, KEEPALIVE_S)
        client.loop_start()

    def send(self, topic: str, payload: bytes) -> None:
        """Passes one message of the gate on; lost while the session is not up."""
        if self.up and topic.split("/")[2] == self.terminal:
            self._client.publish(topic, payload, qos=1)

    def end(self) -> None:
        """Says goodbye if somebody listens, and ends the thread."""
        if self.up:
            said = self._client.publish(self._status, STATUS_OFFLINE, qos=1, retain=True)
            try:
                said.wait_for_publish(GOODBYE_S)
            except (RuntimeError, ValueError) as error:
                log.debug("goodbye not sent", error=type(error).__name__)
        self.up = False
        self._client.disconnect()
        self._client.loop_stop()

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
            log.error("broker refused the gate", terminal=self.terminal, reason=str(reason))
            self._told(REFUSED, self.terminal)
            return
        client.subscribe([(down_topic(self.terminal, leaf), 1) for leaf in DOWN_LEAVES])

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        packet_id: int,
        reasons: list[ReasonCode],
        properties: object,
    ) -> None:
        del userdata, packet_id, properties
        if any(reason.is_failure for reason in reasons):
            log.error("broker refused the subscription", terminal=self.terminal)
            self._told(REFUSED, self.terminal)
            return
        client.publish(self._status, STATUS_ONLINE, qos=1, retain=True)
        self.up = True
        self._told(REACHED, self.terminal)

    def _on_connect_fail(self, client: paho.Client, userdata: object) -> None:
        del client, userdata
        self._told(UNTRUSTED if self._client.untrusted else UNREACHABLE, self.terminal)

    def _on_disconnect(self, *_: object) -> None:
        if self.up:
            self.up = False
            self._told(LOST, self.terminal)

    def _on_message(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        del client, userdata
        if message.topic.startswith(f"sitegate/1/{self.terminal}/down/"):
            self._publish(message.topic, bytes(message.payload))
