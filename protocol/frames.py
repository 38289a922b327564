"""Frames for a serial line: the payloads of the topics, and who is at the other end.

Theory of operation. A line delivers bytes, some of them twice, cut or not at all, and between them
the text that a gate prints. A frame is

    00 | COBS(code, payload, CRC-32) | 00

so a zero byte is nothing but a border. Whatever lies between two borders is a frame when its check
fits, else it is dropped; after any disturbance the next border is the next chance. Nothing is
repeated here: what was lost is repaired above, by the hub's acks, as on MQTT.

| code | frame | from | payload |
| --- | --- | --- | --- |
| B, C | up/batch, up/control | terminal | that topic's |
| P | ping | terminal | version u8, number u32, terminal id; every PING_MS |
| c, r, d, f | down/control, roster, changes, firmware | host | that topic's |
| p | pong | host | version u8, number of the ping u32, host's session u32, hub reached u8 |
| x | console | host | the word ``console``: end the application, give the prompt back |

Codes of a terminal are capitals and those of a host small letters, so an echo is never mistaken for
an answer. Code 03 does not exist: a stretch that begins with 0D 03 or 03 03 was typed by a person
or by mpremote (Ctrl-C), see `FrameReader.typed`.

Either side holds the other for gone after SILENT_MS without a frame of it. A pong with another
session number means that the host was started anew: what was under way to it is lost.
"""

import struct
from binascii import crc32

from protocol.errors import LocalProtocolError, MalformedError
from protocol.limits import TERMINAL_ID_MAX
from protocol.topics import valid_terminal_id

FRAME_VERSION = 1
FRAME_PAYLOAD_MAX = 2048
"""Bytes of the largest payload: above any of the topics' (1,690 for a roster chunk)."""
FRAME_MAX = 2064
"""Bytes of the largest frame between its borders: code, payload, CRC-32 and one for every 254."""

PING_MS = 1000
SILENT_MS = 3500
"""Three pings lost and some patience."""

FRAME_BATCH = 66
FRAME_UP_CONTROL = 67
FRAME_PING = 80
FRAME_DOWN_CONTROL = 99
FRAME_ROSTER = 114
FRAME_CHANGES = 100
FRAME_FIRMWARE = 102
FRAME_PONG = 112
FRAME_CONSOLE = 120

CONSOLE = b"console"

_UP = ((FRAME_BATCH, "batch"), (FRAME_UP_CONTROL, "control"))
_DOWN = (
    (FRAME_DOWN_CONTROL, "control"),
    (FRAME_ROSTER, "roster"),
    (FRAME_CHANGES, "changes"),
    (FRAME_FIRMWARE, "firmware"),
)
_BORDER = b"\0"
_RUN = 254
_CRC = "<I"
_CRC_SIZE = 4
_PING = "<BI"
_PING_SIZE = 5
_PONG = "<BIIB"
_PONG_SIZE = 10
_ETX = 3
_CR = 13


def encode_frame(code: int, payload: bytes | bytearray) -> bytes:
    """Returns the bytes of one frame with a border before and after it.

    Args:
        code: one of the FRAME constants.
        payload: at most FRAME_PAYLOAD_MAX bytes.

    Raises:
        LocalProtocolError: the payload is too long or the code is none.
    """
    if len(payload) > FRAME_PAYLOAD_MAX:
        raise LocalProtocolError("length")
    if not 32 <= code <= 255:
        raise LocalProtocolError("code")
    body = bytes((code,)) + payload
    return _stuff(body + struct.pack(_CRC, crc32(body)))


def _stuff(data: bytes) -> bytes:
    """Returns `data` without zeros (COBS, Cheshire and Baker 1999), between two borders."""
    out = bytearray(_BORDER)
    at = 0
    end = len(data)
    while True:
        zero = data.find(_BORDER, at, at + _RUN)
        if zero >= 0:
            out.append(zero - at + 1)
            out.extend(data[at:zero])
            at = zero + 1
            continue
        run = min(_RUN, end - at)
        out.append(run + 1)
        out.extend(data[at : at + run])
        at += run
        if at == end:
            out.extend(_BORDER)
            return bytes(out)


def _unstuff(data: bytearray):
    """Returns what `_stuff` was given, or None when a length runs over the end."""
    out = bytearray()
    at = 0
    end = len(data)
    while at < end:
        stop = at + data[at]
        if stop > end:
            return None
        out.extend(data[at + 1 : stop])
        if data[at] <= _RUN and stop < end:
            out.append(0)
        at = stop
    return out


class FrameReader:
    """Finds the frames in what a line delivers; never holds more than FRAME_MAX bytes of one.

    Attributes: dropped (stretches between borders that were no frame: noise, text, half frames),
    typed (the stretch under way began with Ctrl-C; the owner sets it back to False).
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.typed = False
        self._held = bytearray()
        self._skipping = False
        self._frames = []

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the line; `next_frame` gives what they completed."""
        start = 0
        while True:
            end = data.find(_BORDER, start)
            if end < 0:
                self._hold(data[start:])
                return
            self._hold(data[start:end])
            self._close()
            start = end + 1

    def next_frame(self):
        """Returns (code, payload) of the next whole frame, or None."""
        if not self._frames:
            return None
        return self._frames.pop(0)

    def forget(self) -> None:
        """Drops a frame that is under way: the line was silent or opened anew."""
        if self._held or self._skipping:
            self.dropped += 1
            self._held = bytearray()
            self._skipping = False

    def _hold(self, piece: bytes) -> None:
        if self._skipping or not piece:
            return
        if len(self._held) + len(piece) > FRAME_MAX:
            self._held = bytearray()
            self._skipping = True
            return
        held = self._held
        fresh = len(held) < 2
        held.extend(piece)
        if fresh and len(held) >= 2 and held[1] == _ETX and held[0] in (_ETX, _CR):
            self.typed = True

    def _close(self) -> None:
        """Takes what was held as a frame, if it is one."""
        held = self._held
        if not held and not self._skipping:
            return  # borders may follow each other
        self._held = bytearray()
        body = None if self._skipping else _unstuff(held)
        self._skipping = False
        if body is not None and len(body) > _CRC_SIZE:
            view = memoryview(body)
            if crc32(view[:-_CRC_SIZE]) == struct.unpack(_CRC, view[-_CRC_SIZE:])[0]:
                self._frames.append((body[0], bytes(view[1:-_CRC_SIZE])))
                return
        self.dropped += 1


def up_frame(leaf: str) -> int:
    """Returns the code of a topic leaf that a terminal sends.

    Raises:
        LocalProtocolError: the leaf has no frame (``status`` is told by pings).
    """
    return _code(_UP, leaf)


def down_frame(leaf: str) -> int:
    """Returns the code of a topic leaf that a host sends.

    Raises:
        LocalProtocolError: no such leaf.
    """
    return _code(_DOWN, leaf)


def _code(table: tuple, leaf: str) -> int:
    for code, name in table:
        if name == leaf:
            return code
    raise LocalProtocolError("leaf")


def up_leaf(code: int):
    """Returns the topic leaf of a terminal's frame, or None when it carries none."""
    return _leaf(_UP, code)


def down_leaf(code: int):
    """Returns the topic leaf of a host's frame, or None when it carries none."""
    return _leaf(_DOWN, code)


def _leaf(table: tuple, code: int):
    for known, name in table:
        if known == code:
            return name
    return None


def encode_ping(number: int, terminal: str) -> bytes:
    """Returns the ping frame of a terminal.

    Args:
        number: u32, another one for each ping.
        terminal: its id.
    """
    return encode_frame(FRAME_PING, struct.pack(_PING, FRAME_VERSION, number) + terminal.encode())


def decode_ping(payload: bytes) -> tuple[int, str]:
    """Returns (number, terminal id) of a ping.

    Raises:
        MalformedError: not a ping of this version, or no terminal id.
    """
    if not _PING_SIZE < len(payload) <= _PING_SIZE + TERMINAL_ID_MAX:
        raise MalformedError("length")
    version, number = struct.unpack_from(_PING, payload)
    if version != FRAME_VERSION:
        raise MalformedError("version")
    name = payload[_PING_SIZE:]
    terminal = "" if max(name) > 127 else name.decode()
    if not valid_terminal_id(terminal):
        raise MalformedError("terminal")
    return number, terminal


def encode_pong(number: int, session: int, reached: bool) -> bytes:
    """Returns the answer to a ping.

    Args:
        number: of the ping.
        session: u32, chosen anew each time the host opens the line.
        reached: whether frames sent now get to the hub.
    """
    payload = struct.pack(_PONG, FRAME_VERSION, number, session, 1 if reached else 0)
    return encode_frame(FRAME_PONG, payload)


def decode_pong(payload: bytes) -> tuple[int, int, bool]:
    """Returns (number, session, reached) of a pong.

    Raises:
        MalformedError: not a pong of this version.
    """
    if len(payload) != _PONG_SIZE:
        raise MalformedError("length")
    version, number, session, reached = struct.unpack(_PONG, payload)
    if version != FRAME_VERSION:
        raise MalformedError("version")
    return number, session, reached == 1
