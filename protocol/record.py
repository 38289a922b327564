"""One fact of a terminal in 32 bytes, the same in flash and on the wire.

| offset | size | field |
| --- | --- | --- |
| 0 | 4 | sequence number, 1..SEQ_MAX, one sequence for all kinds |
| 4 | 1 | kind |
| 5 | 1 | flags: bits 0-1 direction, 2-3 verdict, 4-7 clock quality |
| 6 | 1 | reason |
| 7 | 4 | UTC seconds since 1970, 0 when the terminal did not know |
| 11 | 2 | milliseconds of that second |
| 13 | 2 | boot number |
| 15 | 5 | milliseconds since that boot |
| 20 | 8 | data: the badge tag of a tap, else by kind |
| 28 | 4 | CRC-32 (IEEE 802.3) of the 28 bytes before |

All numbers are little-endian. The CRC guards against flash that rots; forgery is the batch MAC's
matter.
"""

import struct
from binascii import crc32

from protocol.errors import LocalProtocolError, MalformedError
from protocol.limits import RECORD_SIZE, SEQ_MAX, TAG_SIZE, TICKS_MAX

KIND_TAP = 1
KIND_PASSAGE = 2
KIND_BOOT = 3
KIND_TIME_SET = 4
KIND_FAULT = 5
KIND_TAMPER = 6
KIND_STORAGE_RESET = 7
KIND_ROSTER = 8
KIND_FIRE = 9
KIND_UPDATE = 10

DIRECTION_NONE = 0
DIRECTION_IN = 1
DIRECTION_OUT = 2

VERDICT_NONE = 0
VERDICT_GRANTED = 1
VERDICT_REFUSED = 2

QUALITY_NONE = 0
QUALITY_RTC = 1
QUALITY_HUB = 2
QUALITY_NTP = 3

REASON_NONE = 0
REASON_UNKNOWN_BADGE = 1
REASON_BLOCKED = 2
REASON_EXPIRED = 3
REASON_NO_ROSTER = 4
REASON_UNREADABLE = 5
REASON_JOURNAL_FULL = 6
REASON_NOT_YET = 7
REASON_OTHER_SITE = 8
REASON_PASSBACK = 9
"""Came in twice, or left twice. Refused, or let in and to be looked at: the verdict says which."""

TIME_SET_DATA = "<IHBB"
"""Data of KIND_TIME_SET: previous UTC seconds, milliseconds and quality, then 0. The record's own
time is the new one, so the hub can date the taps of the same boot that came before it."""

ROSTER_DATA = "<I4s"
"""Data of KIND_ROSTER: version and first 4 bytes of the SHA-256 of the roster from here on."""

PASSAGE_DATA = "<IHBB"
"""Data of KIND_PASSAGE: sequence number of the tap that released the arm (0: none), hundredths of a
second since then, outcome (PASSED, NOT_PASSED, FORCED), 0."""

PASSED = 1
NOT_PASSED = 2
"""The arm was released and nobody went through in time."""
FORCED = 3
"""The arm turned although nobody had been let in."""

CONTACT_DATA = "<B7x"
"""Data of KIND_TAMPER (lid) and KIND_FIRE (copy of the fire contact): 1 alarm, 0 normal again."""

UPDATE_DATA = "<BB6s"
"""Data of KIND_UPDATE: outcome (UPDATE_...), why (WHY_... of `slots`), first 6 bytes of the digest
of the pack."""

UPDATE_STORED = 1
UPDATE_CONFIRMED = 2
UPDATE_ROLLED_BACK = 3
UPDATE_REFUSED = 4

_BODY = "<IBBBIHHIB8s"
_BODY_SIZE = 28


class Record:
    """A record read back; the attributes are the numbers of `pack_record_into`.

    An unknown kind, verdict or reason is kept as it is: it is a fact of a newer terminal.
    """

    __slots__ = (
        "boot",
        "data",
        "direction",
        "kind",
        "quality",
        "reason",
        "seq",
        "ticks_ms",
        "utc_ms",
        "utc_s",
        "verdict",
    )

    def __init__(
        self,
        seq: int,
        kind: int,
        direction: int,
        verdict: int,
        reason: int,
        quality: int,
        utc_s: int,
        utc_ms: int,
        boot: int,
        ticks_ms: int,
        data: bytes,
    ) -> None:
        self.seq = seq
        self.kind = kind
        self.direction = direction
        self.verdict = verdict
        self.reason = reason
        self.quality = quality
        self.utc_s = utc_s
        self.utc_ms = utc_ms
        self.boot = boot
        self.ticks_ms = ticks_ms
        self.data = data

    def __repr__(self) -> str:
        return f"Record(seq={self.seq}, kind={self.kind})"  # never the badge tag


def pack_record_into(
    buffer: bytearray | memoryview,
    offset: int,
    seq: int,
    kind: int,
    direction: int,
    verdict: int,
    reason: int,
    quality: int,
    utc_s: int,
    utc_ms: int,
    boot: int,
    ticks_ms: int,
    data: bytes,
) -> None:
    """Writes one record with its CRC at `offset`; nothing is written when a value is out of range.

    Args:
        buffer: at least `offset` + 32 bytes.
        offset: where the record starts, 0 or more.
        seq: 1..SEQ_MAX.
        kind: a KIND constant, 1..255.
        direction: a DIRECTION constant, 0..3.
        verdict: a VERDICT constant, 0..3.
        reason: a REASON constant, 0..255.
        quality: how good the clock was, a QUALITY constant, 0..15.
        utc_s: UTC seconds since 1970, 0 when not known.
        utc_ms: 0..999.
        boot: boot number, 0..65535.
        ticks_ms: milliseconds since boot, 0..TICKS_MAX.
        data: exactly 8 bytes; the badge tag for a tap.

    Raises:
        LocalProtocolError: a value is out of range (MicroPython's struct would cut it silently).
    """
    if (
        not 1 <= seq <= SEQ_MAX
        or not 1 <= kind <= 255
        or not 0 <= direction <= 3
        or not 0 <= verdict <= 3
        or not 0 <= reason <= 255
        or not 0 <= quality <= 15
        or not 0 <= utc_s <= 0xFFFFFFFF
        or not 0 <= utc_ms <= 999
        or not 0 <= boot <= 0xFFFF
        or not 0 <= ticks_ms <= TICKS_MAX
        or len(data) != TAG_SIZE
    ):
        raise LocalProtocolError("range")
    if offset < 0 or offset + RECORD_SIZE > len(buffer):
        raise LocalProtocolError("length")
    struct.pack_into(
        _BODY,
        buffer,
        offset,
        seq,
        kind,
        direction | verdict << 2 | quality << 4,
        reason,
        utc_s,
        utc_ms,
        boot,
        ticks_ms & 0xFFFFFFFF,
        ticks_ms >> 32,
        data,
    )
    body = memoryview(buffer)[offset : offset + _BODY_SIZE]
    struct.pack_into("<I", buffer, offset + _BODY_SIZE, crc32(body))


def record_ok(buffer: bytes | bytearray | memoryview, offset: int = 0) -> bool:
    """Returns whether a whole record is at `offset`: length, CRC and a sequence number."""
    if offset < 0 or offset + RECORD_SIZE > len(buffer):
        return False
    body = memoryview(buffer)[offset : offset + _BODY_SIZE]
    if crc32(body) != struct.unpack_from("<I", buffer, offset + _BODY_SIZE)[0]:
        return False
    return record_seq(buffer, offset) > 0  # 28 zero bytes have a CRC too: flash filled with zeros


def record_seq(buffer: bytes | bytearray | memoryview, offset: int = 0) -> int:
    """Returns the sequence number at `offset` without checking the record.

    Raises:
        MalformedError: fewer than 4 bytes there.
    """
    if offset < 0 or offset + 4 > len(buffer):
        raise MalformedError("length")
    return struct.unpack_from("<I", buffer, offset)[0]


def unpack_record(buffer: bytes | bytearray | memoryview, offset: int = 0) -> Record:
    """Returns the record at `offset`; what it returns is byte for byte what was packed.

    Raises:
        MalformedError: fewer than 32 bytes, a CRC that does not fit, or sequence number 0.
    """
    if offset < 0 or offset + RECORD_SIZE > len(buffer):
        raise MalformedError("length")
    if not record_ok(buffer, offset):
        raise MalformedError("crc")
    seq, kind, flags, reason, utc_s, utc_ms, boot, low, high, data = struct.unpack_from(
        _BODY, buffer, offset
    )
    return Record(
        seq,
        kind,
        flags & 3,
        flags >> 2 & 3,
        reason,
        flags >> 4,
        utc_s,
        utc_ms,
        boot,
        high << 32 | low,
        data,
    )
