"""Records packed into pages of 256 bytes: twelve bytes a tap in place of 32, and each page alone.

Theory of operation. Consecutive records repeat themselves: the sequence number counts, UTC and
ticks move together, kind and verdict are one of a few, and the CRC-32 is a function of the rest. A
page holds what is new in each record, and nothing outside it is needed to read it: flash that rots
in one page hides the records of that page, about twenty, and no other.

| offset | bytes | of a page |
| --- | --- | --- |
| 0 | 4 | CRC-32 of all bytes after it, begun with the archive's first sequence number |
| 4 | 2 | how many records of the archive come before this page |
| 6 | 1 | records in this page, 1..32 |
| 7 | | the records, then zeros |

| bytes | of a record |
| --- | --- |
| 1 | bits 0-2 head, 3-4 clock, 5-6 data, 7 zero |
| 0 | head 0 to 6: kind, flags and reason are the remembered ones of that number |
| 3 | head 7: kind, flags, reason; remembered as number 5, 6, 0, 1 ... in turn |
| 1..4 | clock 0: milliseconds since the record before; UTC, when known, moved as far |
| 2..5 | clock 1: the same, then a signed byte: milliseconds that UTC moved beyond that |
| 13 | clock 2: boot u16, UTC seconds u32, milliseconds u16, ticks u40, as in the record |
| 0 | data 0: eight zeros |
| 8 | data 1: as it is |
| 4 | data 2: bytes 0-3 are a number so far back (u8), then bytes 4-6; byte 7 is zero: a passage |

Milliseconds have 7 bits in a byte, lowest first, and 128 is set when more follow. Each page begins
with the heads of `_HEADS`. All numbers are little-endian. Every record that is whole has such a
form, whatever its values are.
"""

import struct
from binascii import crc32

from protocol.limits import RECORD_SIZE

PAGE = 256
RECORDS_MAX = 32
BUFFER = PAGE + 32
"""A page and zeros behind it: what runs over the end of a page reads them, and is noticed then."""

_HEADER = 7
_BODY = "<IBBBIHHIB8s"  # a record without its CRC
_CLOCK = "<HIHIB"
_CLOCK_SIZE = 13
_DELTA_MAX = 1 << 28
_DATA_SIZES = (0, 8, 4)
_ZEROS = bytes(8)

# Kind, flags and reason as one number: taps in, out and without direction that were granted, one
# that was refused as unknown, and a passage, all with the hub's time.
_HEADS = (0x002501, 0x002601, 0x002401, 0x012901, 0x002002, 0, 0)
_FIRST_NEW = 5
_NEW_HEAD = 7


class Packer:
    """Packs records that follow each other into one page after the other.

    Attributes: page (bytearray of BUFFER bytes, the first PAGE of them are the page), count
    (records in it).
    """

    def __init__(self) -> None:
        self.page = bytearray(BUFFER)
        self._view = memoryview(self.page)
        self._blank = bytes(BUFFER)
        self._heads = list(_HEADS)
        self.begin()

    def begin(self) -> None:
        """Starts an empty page."""
        self.page[:] = self._blank
        self.count = 0
        self._at = _HEADER
        self._sum = 0
        self._next_head = _FIRST_NEW
        for i in range(7):
            self._heads[i] = _HEADS[i]
        self._boot = -1
        self._utc_s = 0
        self._utc_ms = 0
        self._ticks = 0

    def mark(self) -> tuple:
        """Returns where the page is, for `back_to`."""
        return self.count, self._at, self._sum

    def back_to(self, mark: tuple) -> None:
        """What was added since `mark` is out of the page again; nothing may be added after that."""
        self.count, self._at, self._sum = mark
        self.page[self._at :] = self._blank[self._at :]

    def add(self, records, offset: int) -> bool:
        """Adds a record that is whole; returns False, with nothing changed, when the page is full.

        Args:
            records: buffer of records.
            offset: where the record starts; it has the number after that of the one before.
        """
        if self.count == RECORDS_MAX:
            return False
        seq, kind, flags, reason, utc_s, utc_ms, boot, low, high, data = struct.unpack_from(
            _BODY, records, offset
        )
        ticks = high << 32 | low if high else low
        head = kind | flags << 8 | reason << 16
        slot = self._slot(head)
        delta = ticks - self._ticks
        clock, shift = self._clock(boot, utc_s, utc_ms, delta)
        form = self._data_form(seq, data)
        size = 1 + (3 if slot == _NEW_HEAD else 0) + _DATA_SIZES[form]
        size += _CLOCK_SIZE if clock == 2 else _length(delta) + clock
        page = self.page
        at = self._at
        if at + size > PAGE:
            return False
        page[at] = slot | clock << 3 | form << 5
        at += 1
        if slot == _NEW_HEAD:
            page[at] = kind
            page[at + 1] = flags
            page[at + 2] = reason
            at += 3
            self._heads[self._next_head] = head
            self._next_head = (self._next_head + 1) % 7
        if clock == 2:
            struct.pack_into(_CLOCK, page, at, boot, utc_s, utc_ms, low, high)
            at += _CLOCK_SIZE
        else:
            while delta > 127:
                page[at] = delta & 127 | 128
                delta >>= 7
                at += 1
            page[at] = delta
            at += 1
            if clock == 1:
                page[at] = shift & 255
                at += 1
        if form == 1:
            page[at : at + 8] = data
            at += 8
        elif form == 2:
            page[at] = seq - struct.unpack_from("<I", data)[0]
            page[at + 1 : at + 4] = data[4:7]
            at += 4
        self._at = at
        self._boot = boot
        self._utc_s = utc_s
        self._utc_ms = utc_ms
        self._ticks = ticks
        self._sum = crc32(memoryview(records)[offset : offset + RECORD_SIZE], self._sum)
        self.count += 1
        return True

    def _slot(self, head: int) -> int:
        heads = self._heads
        for i in range(7):
            if heads[i] == head:
                return i
        return _NEW_HEAD

    def _clock(self, boot: int, utc_s: int, utc_ms: int, delta: int) -> tuple:
        """Returns (form, shift) for a record `delta` ms after the one before."""
        if boot != self._boot or not 0 <= delta < _DELTA_MAX:
            return 2, 0
        if not self._utc_s and not self._utc_ms:
            return (2, 0) if utc_s or utc_ms else (0, 0)
        milliseconds = self._utc_ms + delta
        seconds = utc_s - self._utc_s - milliseconds // 1000
        if utc_ms > 999 or not -2 < seconds < 2:
            return 2, 0
        shift = seconds * 1000 + utc_ms - milliseconds % 1000
        if not shift:
            return 0, 0
        # Moved back to 0 seconds and 0 milliseconds it would read as a time that is not known.
        return (1, shift) if -128 <= shift <= 127 and (utc_s or utc_ms) else (2, 0)

    def _data_form(self, seq: int, data: bytes) -> int:
        if data == _ZEROS:
            return 0
        if not data[7] and 0 <= seq - struct.unpack_from("<I", data)[0] <= 255:
            return 2
        return 1

    def seal(self, first: int, before: int, scratch: bytearray) -> bool:
        """Finishes the page; returns whether reading it gives back exactly what was added.

        Args:
            first: sequence number of the archive's first record.
            before: how many of its records are in earlier pages.
            scratch: RECORDS_MAX * 32 bytes, overwritten.
        """
        struct.pack_into("<HB", self.page, 4, before, self.count)
        struct.pack_into("<I", self.page, 0, crc32(self._view[4:PAGE], first))
        count = unpack(self.page, first, scratch)
        size = count * RECORD_SIZE
        return count == self.count and crc32(memoryview(scratch)[:size]) == self._sum


def _length(delta: int) -> int:
    """Bytes of `delta` as clock 0 writes it."""
    if delta < 1 << 7:
        return 1
    if delta < 1 << 14:
        return 2
    return 3 if delta < 1 << 21 else 4


def span(page, first: int) -> tuple:
    """Returns (records before it in the archive, records in it) of a whole page, or (0, 0).

    Args:
        page: buffer of PAGE bytes or more.
        first: sequence number of the archive's first record.
    """
    expected, before, count = struct.unpack_from("<IHB", page)
    if crc32(memoryview(page)[4:PAGE], first) != expected or count > RECORDS_MAX:
        return 0, 0
    return before, count


def unpack(page: bytearray, first: int, records: bytearray) -> int:
    """Returns how many records of a page that `span` accepts are in `records` now, 0 for none.

    Args:
        page: BUFFER bytes, zeros behind the page.
        first: sequence number of the archive's first record.
        records: RECORDS_MAX * 32 bytes. Byte for byte what was packed.
    """
    before, count = struct.unpack_from("<HB", page, 4)
    seq = first + before
    heads: list[int] = list(_HEADS)
    next_head = _FIRST_NEW
    view = memoryview(records)
    at = _HEADER
    boot = utc_s = utc_ms = low = high = ticks = 0
    for offset in range(0, count * RECORD_SIZE, RECORD_SIZE):
        if at >= PAGE:
            return 0
        flag = page[at]
        at += 1
        head = flag & 7
        if head == _NEW_HEAD:
            heads[next_head] = page[at] | page[at + 1] << 8 | page[at + 2] << 16
            head = next_head
            next_head = (next_head + 1) % 7
            at += 3
        head = heads[head]
        clock = flag >> 3 & 3
        if clock == 2:
            boot, utc_s, utc_ms, low, high = struct.unpack_from(_CLOCK, page, at)
            ticks = high << 32 | low if high else low
            at += _CLOCK_SIZE
        else:
            delta = page[at]
            at += 1
            if delta > 127:
                delta &= 127
                for shift in (7, 14, 21):
                    more = page[at]
                    at += 1
                    delta |= (more & 127) << shift
                    if more < 128:
                        break
            ticks += delta
            if clock == 1:
                delta += page[at] - ((page[at] & 128) << 1)
                at += 1
            if utc_s or utc_ms:
                utc_ms += delta
                utc_s += utc_ms // 1000
                utc_ms %= 1000
            # Most are small numbers, and stay it: 2**32 - 1 is none on a Pico, and takes memory.
            low = ticks & 0xFFFFFFFF if ticks > 0x3FFFFFFF else ticks
            high = ticks >> 32
        form = flag >> 5
        if form == 1:
            data = page[at : at + 8]
            at += 8
        elif form == 2:
            data = struct.pack("<I3sx", seq - page[at], page[at + 1 : at + 4])
            at += 4
        else:
            data = _ZEROS
        struct.pack_into(
            _BODY,
            records,
            offset,
            seq,
            head & 255,
            head >> 8 & 255,
            head >> 16,
            utc_s,
            utc_ms,
            boot,
            low,
            high,
            data,
        )
        struct.pack_into("<I", records, offset + 28, crc32(view[offset : offset + 28]))
        seq += 1
    return count if at <= PAGE else 0
