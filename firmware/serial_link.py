"""Carries the uplink over the USB cable, in frames, and comes back for ever.

Theory of operation. The gate pings once a second, whether somebody listens or not. A host that
answers with "the hub is reached" makes the link *up*; it goes down when no frame of the host came
for SILENT_MS, when the host says that the hub is not reached, or when the host was started anew.
What was under way is then lost, and sent again by the uplink.

| state | writes | ends by |
| --- | --- | --- |
| alone | pings, byte by byte (see `drivers.usb`) | a pong with "reached" |
| up | pings and what the uplink has, PIECE bytes at a time | silence, "not reached", new session |

One task does it all in small steps and never waits for the port, so the tap path does not notice
whether the cable is there. A step looks every STEP_MS, at once while bytes flow.

The port is also the way in for `mpremote`. Its Ctrl-C is only a byte here; two things end the
firmware and give the prompt back: a frame `console`, and a Ctrl-C as it is typed (see `frames`)
while no host has been heard for SILENT_MS.
"""

import asyncio
import os
import struct

from protocol import frames
from protocol.errors import ProtocolError

STEP_MS = 20
READ_BYTES = 256
PIECE = 64
"""Bytes of one USB packet."""
PIECES = 8
"""Pieces written in one step."""
PAUSE_MS = 1000
"""A frame that stops for so long is not finished any more."""
PINGS_KEPT = 3


class SerialLink:
    """The gate's end of the cable.

    Args:
        terminal: id of this gate.
        usb: driver with take, give_back, read and write.
        uplink: what is carried.
        now_ms: monotonic milliseconds that never wrap.
        console: called when the prompt is asked for; ends the firmware.
    """

    def __init__(self, terminal: str, usb, uplink, now_ms, console) -> None:
        self._terminal = terminal
        self._usb = usb
        self._uplink = uplink
        self._now_ms = now_ms
        self._console = console
        self._reader = frames.FrameReader()
        self._out = b""
        self._written = 0
        self._up = False
        self._session = -1
        self._number = struct.unpack("<I", os.urandom(4))[0]
        self._ping_at = 0
        self._heard_ms = -frames.SILENT_MS - 1
        self._byte_ms = 0

    async def run(self) -> None:
        """Keeps looking for a host for ever."""
        self._usb.take()
        try:
            while True:
                moved = False
                try:
                    moved = self._step(self._now_ms())
                except (ProtocolError, OSError, MemoryError):
                    self._drop()  # the uplink sends again what this took along
                await asyncio.sleep_ms(0 if moved else STEP_MS)
        finally:
            self._usb.give_back()
            self._lose()

    def _step(self, now_ms: int) -> bool:
        """Reads, answers, writes; returns whether bytes moved."""
        moved = self._read(now_ms)
        if self._up and now_ms - self._heard_ms > frames.SILENT_MS:
            self._lose()
        if not self._out:
            self._fill(now_ms)
        elif not self._up and now_ms >= self._ping_at:
            self._ping(now_ms)  # nobody took the last one whole; this one begins with a border
        return self._write() or moved

    # --- in --------------------------------------------------------------------------------------

    def _read(self, now_ms: int) -> bool:
        data = self._usb.read(READ_BYTES)
        if not data:
            if now_ms - self._byte_ms > PAUSE_MS:
                self._reader.forget()
            return False
        self._byte_ms = now_ms
        self._reader.feed(data)
        while True:
            frame = self._reader.next_frame()
            if frame is None:
                break
            self._take(frame[0], frame[1], now_ms)
        if self._reader.typed:
            self._reader.typed = False
            if now_ms - self._heard_ms > frames.SILENT_MS:
                self._console()
        return True

    def _take(self, code: int, payload: bytes, now_ms: int) -> None:
        leaf = frames.down_leaf(code)
        if leaf is not None:
            self._heard_ms = now_ms
            if self._up:
                self._uplink.received(leaf, payload, now_ms)
        elif code == frames.FRAME_PONG:
            number, session, reached = frames.decode_pong(payload)
            # An older number answers a ping of before the cable was pulled.
            if (self._number - number) & 0xFFFFFFFF < PINGS_KEPT:
                self._heard_ms = now_ms
                self._answered(session, reached, now_ms)
        elif code == frames.FRAME_CONSOLE and payload == frames.CONSOLE:
            self._console()

    def _answered(self, session: int, reached: bool, now_ms: int) -> None:
        if self._up and (not reached or session != self._session):
            self._lose()
        if reached and not self._up:
            self._session = session
            self._up = True
            self._uplink.connected(now_ms)

    # --- out -------------------------------------------------------------------------------------

    def _fill(self, now_ms: int) -> None:
        """Takes the next thing to write, if there is one."""
        if now_ms >= self._ping_at:
            self._ping(now_ms)
        elif self._up:
            self._uplink.work.clear()
            message = self._uplink.next(now_ms)
            if message is not None:
                self._send(frames.encode_frame(frames.up_frame(message[0]), message[1]))

    def _ping(self, now_ms: int) -> None:
        self._ping_at = now_ms + frames.PING_MS
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._send(frames.encode_ping(self._number, self._terminal))

    def _send(self, data: bytes) -> None:
        self._out = data
        self._written = 0

    def _write(self) -> bool:
        view = memoryview(self._out)
        size = PIECE if self._up else 1
        at = self._written
        for _ in range(PIECES if self._up else PIECE):
            taken = self._usb.write(view[at : at + size]) if at < len(view) else 0
            if not taken:
                break
            at += taken
        moved = at > self._written
        if at < len(view):
            self._written = at
        else:
            self._send(b"")
        return moved

    def _lose(self) -> None:
        if self._up:
            self._up = False
            self._uplink.disconnected()
        self._drop()

    def _drop(self) -> None:
        self._send(b"")
        self._reader.forget()
