"""A batch: 1..16 records with consecutive sequence numbers, signed as one.

Wire: magic 0xB1 | count u8 | journal id 8 | floor u32 | count x 32-byte record | MAC 16, numbers
little-endian. The MAC covers everything before it, in the context up, "batch", terminal.

`floor` is the oldest sequence number the terminal still holds. Because every batch says it, a hub
that starts in the middle of a connection needs no new hello to know what is gone for ever.

The hub decodes thousands of these a second: one `unpack` reads the floor and every sequence
number, and the records stay one piece of bytes until they are needed one by one.
"""

import struct

from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.limits import (
    BATCH_HEADER_SIZE,
    BATCH_MAX,
    BATCH_RECORDS_MAX,
    JOURNAL_SIZE,
    MAC_SIZE,
    RECORD_SIZE,
    SEQ_MAX,
)
from protocol.mac import Mac, context

MAGIC = 0xB1

_FRAME_SIZE = BATCH_HEADER_SIZE + MAC_SIZE
_BATCH_MIN = _FRAME_SIZE + RECORD_SIZE
_HEADER = "<BB8sI"
# The floor, then the sequence number of each record: the format for `count` records.
_NUMBERS = ["<10xI" + "I28x" * count for count in range(BATCH_RECORDS_MAX + 1)]


class Batch:
    """A genuine batch: `records` is `count` x 32 bytes, numbered `first`, `first` + 1 and so on."""

    __slots__ = ("count", "first", "floor", "journal", "records")

    def __init__(self, journal: bytes, floor: int, first: int, count: int, records: bytes) -> None:
        self.journal = journal
        self.floor = floor
        self.first = first
        self.count = count
        self.records = records

    def __repr__(self) -> str:
        return f"Batch(floor={self.floor}, first={self.first}, count={self.count})"


def _numbers_error(numbers: tuple, count: int) -> str:
    """Returns what is wrong with (floor, sequence numbers...), or an empty string."""
    first = numbers[1]
    if first < 1 or numbers[1:] != tuple(range(first, first + count)):
        return "sequence"
    return "" if 1 <= numbers[0] <= first else "floor"


def encode_batch(
    mac: Mac, terminal: str, journal: bytes, floor: int, records: bytes | bytearray | memoryview
) -> bytes:
    """Returns the signed batch; `decode_batch` accepts every batch this returns.

    Args:
        mac: the terminal's `Mac`.
        terminal: terminal id.
        journal: 8-byte id of the journal the records are from.
        floor: oldest sequence number still held, 1..first record's.
        records: 1..16 records of 32 bytes, consecutive.

    Raises:
        LocalProtocolError: a length, the order of the records or the floor is wrong.
    """
    count = len(records) // RECORD_SIZE
    if len(journal) != JOURNAL_SIZE or not 1 <= count <= BATCH_RECORDS_MAX:
        raise LocalProtocolError("length")
    if len(records) != count * RECORD_SIZE:
        raise LocalProtocolError("length")
    if not 0 <= floor <= SEQ_MAX:
        raise LocalProtocolError("floor")
    body = struct.pack(_HEADER, MAGIC, count, journal, floor) + records
    problem = _numbers_error(struct.unpack_from(_NUMBERS[count], body, 0), count)
    if problem:
        raise LocalProtocolError(problem)
    return body + mac.sign(context("up", "batch", terminal), body)


def decode_batch(mac: Mac, terminal: str, payload: bytes | bytearray) -> Batch:
    """Returns the batch if it is genuine and in order; a record's own CRC is not looked at here.

    Args:
        mac: the `Mac` of the terminal the topic names.
        terminal: terminal id from the topic.
        payload: what arrived, any length.

    Raises:
        MalformedError: length, magic, count, sequence or floor is wrong.
        MacError: not signed by this terminal, or changed since.
    """
    size = len(payload)
    if not _BATCH_MIN <= size <= BATCH_MAX:
        raise MalformedError("length")
    if payload[0] != MAGIC:
        raise MalformedError("magic")
    count = payload[1]
    if size != _FRAME_SIZE + count * RECORD_SIZE:
        raise MalformedError("length")
    if not mac.verify(context("up", "batch", terminal), payload[:-MAC_SIZE], payload[-MAC_SIZE:]):
        raise MacError("mac")
    numbers = struct.unpack_from(_NUMBERS[count], payload, 0)
    problem = _numbers_error(numbers, count)
    if problem:
        raise MalformedError(problem)
    return Batch(
        bytes(payload[2:10]),
        numbers[0],
        numbers[1],
        count,
        bytes(payload[BATCH_HEADER_SIZE:-MAC_SIZE]),
    )
