"""Gates on a USB cable: the ports of this machine, whoever is at their other end.

Theory of operation. One thread looks once a second which of the configured ports exist and gives
each of them a thread of its own, which ends with the port; so a cable that was pulled is found
again under the same name, or under another one that the setting's pattern fits. A port's thread
waits for bytes and for work with `select` and never for the gate: what cannot be written waits in
a queue with a bound, and what does not fit into that is lost, as on a broker (the gate asks again).

A gate says its name in a ping each second; from the first one until SILENT_MS without a ping, or
the end of the port, it is *present* there. Its name proves nothing: each message is signed with
the gate's key, as on every way to the hub, and the desk believes nothing else.
"""

from __future__ import annotations

import glob
import os
import secrets
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

import serial
import structlog

from protocol import frames
from protocol.errors import ProtocolError
from protocol.topics import STATUS_OFFLINE, STATUS_ONLINE, parse_topic, up_topic

BAUD = 115_200
"""Means nothing on USB, but a port cannot be opened without; 1,200 would restart a Pico."""
SCAN_S = 1.0
WAIT_S = 0.25
READ_BYTES = 4096
QUEUE_BYTES = 65_536
SILENT_S = frames.SILENT_MS / 1000

log = structlog.get_logger()


def is_address(port: str) -> bool:
    """Whether this is one of pyserial's addresses, such as ``socket://host:port``, not a path."""
    return "://" in port


def port_names(wanted: Iterable[str]) -> list[str]:
    """Returns the ports that are there now: addresses, and paths that exist or fit a pattern.

    A device that has several names is in it once, under the first of them.
    """
    found: dict[str, str] = {}
    for port in wanted:
        if is_address(port):
            found.setdefault(port, port)
            continue
        for path in sorted(glob.glob(port)) or [port]:
            if os.path.exists(path):  # a link whose device is gone does not
                found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def open_port(name: str) -> serial.SerialBase:
    """Opens a port for this process alone; reading and writing never wait.

    Raises:
        OSError: it is not there, not ours to use, or in use.
        ValueError: pyserial knows no such kind of address.
    """
    line = serial.serial_for_url(name, do_not_open=True, timeout=0, write_timeout=0)
    line.baudrate = BAUD
    if not is_address(name):
        line.exclusive = True
    line.open()
    return line


class _Port:
    """One open port and the gate at its end; lives as long as the port does."""

    def __init__(self, name: str, link: SerialLink) -> None:
        self.name = name
        self.terminal: str | None = None
        self._link = link
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._lock = threading.Lock()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._stopping = False
        self._session = secrets.randbits(32)
        self._reader = frames.FrameReader()
        self._heard = 0.0
        self.thread = threading.Thread(target=self._run, name=f"serial {name}", daemon=True)

    def stop(self) -> None:
        """Has the thread end; does not wait for it."""
        self._stopping = True
        self._wake()

    def send(self, frame: bytes) -> None:
        """Queues a frame; drops it when the gate takes nothing any more."""
        with self._lock:
            if self._queued + len(frame) > QUEUE_BYTES:
                return
            self._queue.append(frame)
            self._queued += len(frame)
        self._wake()

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"\0")
        except BlockingIOError:
            return  # full of wake-ups that were not taken yet: it will wake
        except OSError:
            return  # the port has ended

    def _run(self) -> None:
        try:
            line = open_port(self.name)
        except (OSError, ValueError) as error:
            self._link.failed(self.name, error)
            self._close()
            return
        self._link.opened(self.name)
        try:
            self._serve(line)
        except OSError as error:
            self._link.failed(self.name, error)
        finally:
            self._leave()
            try:
                line.close()
            except OSError as error:
                log.debug("serial port not closed", port=self.name, error=type(error).__name__)
            self._close()

    def _close(self) -> None:
        self._wake_in.close()
        self._wake_out.close()

    def _serve(self, line: serial.SerialBase) -> None:
        """Reads and writes until the port ends."""
        rest = b""
        while not self._stopping:
            if not rest:
                rest = self._next()
            readable, writable, _ = select.select(
                [line, self._wake_out], [line] if rest else [], [], WAIT_S
            )
            if self._wake_out in readable:
                self._wake_out.recv(64)
            if line in readable:
                self._take(line.read(READ_BYTES))
            if line in writable:
                rest = rest[line.write(rest) or 0 :]
            if self.terminal is not None and time.monotonic() - self._heard > SILENT_S:
                self._leave()

    def _next(self) -> bytes:
        with self._lock:
            if not self._queue:
                return b""
            frame = self._queue.popleft()
            self._queued -= len(frame)
            return frame

    def _take(self, data: bytes) -> None:
        self._reader.feed(data)
        while (frame := self._reader.next_frame()) is not None:
            code, payload = frame
            try:
                if code == frames.FRAME_PING:
                    number, terminal = frames.decode_ping(payload)
                    self._pinged(number, terminal)
                elif self.terminal is not None:
                    leaf = frames.up_leaf(code)
                    if leaf is not None:
                        self._link.deliver(up_topic(self.terminal, leaf), payload)
            except ProtocolError as error:
                log.warning("serial frame not understood", port=self.name, code=error.code)

    def _pinged(self, number: int, terminal: str) -> None:
        self._heard = time.monotonic()
        if terminal != self.terminal:
            self._leave()
            self.terminal = terminal
            log.info("gate at the serial port", port=self.name, terminal=terminal)
            self._link.changed(terminal, True)
        self.send(frames.encode_pong(number, self._session, self._link.reached(terminal)))

    def _leave(self) -> None:
        terminal = self.terminal
        if terminal is not None:
            self.terminal = None
            log.info("gate left the serial port", port=self.name, terminal=terminal)
            self._link.changed(terminal, False)


class SerialLink:
    """All serial ports of this machine that gates may be at.

    Args:
        ports: names, patterns or addresses of ports.
        deliver: called in a port's thread with topic and payload; must not raise.
        changed: called in a port's thread when a gate came (True) or went; must not raise.
        reached: whether what a gate sends now gets to the hub.
    """

    def __init__(
        self,
        ports: Iterable[str],
        deliver: Callable[[str, bytes], None],
        changed: Callable[[str, bool], None],
        reached: Callable[[str], bool],
    ) -> None:
        self.deliver = deliver
        self.changed = changed
        self.reached = reached
        self._wanted = tuple(ports)
        self._ports: dict[str, _Port] = {}
        self._told: dict[str, str] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._scan, name="serial", daemon=True)

    def start(self) -> None:
        """Starts looking for ports; they come and go in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Ends all threads and closes the ports."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for port in list(self._ports.values()):
            port.stop()
        for port in list(self._ports.values()):
            port.thread.join()

    def publish(self, topic: str, payload: bytes) -> None:
        """Sends to the gate of this topic if it is at a port; lost if not (it asks again)."""
        terminal = frame = None
        for port in tuple(self._ports.values()):
            if port.terminal is None:
                continue
            if terminal is None:
                terminal, direction, leaf = parse_topic(topic)
                if direction != "down":
                    return
                frame = frames.encode_frame(frames.down_frame(leaf), payload)
            if port.terminal == terminal and frame is not None:
                port.send(frame)

    def present(self, terminal: str) -> bool:
        """Whether this gate is at a port now."""
        return any(port.terminal == terminal for port in tuple(self._ports.values()))

    def terminals(self) -> list[str]:
        """Returns the gates that are at a port now."""
        return [port.terminal for port in tuple(self._ports.values()) if port.terminal]

    # ------------------------------------------------------------ ports

    def _scan(self) -> None:
        while not self._stopping.is_set():
            for name in port_names(self._wanted):
                running = self._ports.get(name)
                if running is None or not running.thread.is_alive():
                    port = _Port(name, self)
                    # A new dictionary, since other threads walk through the old one.
                    self._ports = {**self._ports, name: port}
                    port.thread.start()
            self._stopping.wait(SCAN_S)

    def opened(self, name: str) -> None:
        """A port's thread can read and write it."""
        self._told.pop(name, None)
        log.info("serial port open", port=name)

    def failed(self, name: str, error: Exception) -> None:
        """A port's thread ends with this error; the same one is logged once."""
        reason = failure(error)
        if self._told.get(name) != reason:
            self._told[name] = reason
            log.warning("serial port lost or not usable", port=name, reason=reason)


def failure(error: Exception) -> str:
    """Returns why a port cannot be used, in a few words."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)[:120] or type(error).__name__


class SerialDesk:
    """The gates at this hub's own ports, beside those that come over MQTT.

    A gate with both links is online while it is on one of them.

    Args:
        ports: see `SerialLink`.
        deliver: of the `TerminalDesk`.
    """

    def __init__(self, ports: Iterable[str], deliver: Callable[[str, bytes], None]) -> None:
        self._deliver = deliver
        self._over_mqtt: set[str] = set()
        self._link = SerialLink(ports, deliver, self._changed, lambda terminal: True)
        self.start = self._link.start
        self.stop = self._link.stop
        self.publish = self._link.publish

    def deliver_mqtt(self, topic: str, payload: bytes) -> None:
        """Passes on what the broker brought, but for the end of a gate that is at a port."""
        if topic.endswith("/up/status"):
            terminal = topic.split("/")[2]
            if payload == STATUS_ONLINE:
                self._over_mqtt.add(terminal)
            else:
                self._over_mqtt.discard(terminal)
                if self._link.present(terminal):
                    return
        self._deliver(topic, payload)

    def broker_lost(self) -> None:
        """After the broker took the knowledge about all gates along: says who is here."""
        self._over_mqtt.clear()
        for terminal in self._link.terminals():
            self._changed(terminal, True)

    def _changed(self, terminal: str, here: bool) -> None:
        if here or terminal not in self._over_mqtt:
            self._deliver(up_topic(terminal, "status"), STATUS_ONLINE if here else STATUS_OFFLINE)
