"""Which badges were seen since the night: their last direction, and whether a receipt came.

A fixed table of 8 KB that never grows: 1,024 places of 8 bytes, found by the badge tag's own bytes
(a tag is an HMAC, so its bytes are spread evenly). It is lost with the power and forgotten every
night; what it does not know is allowed. Nothing but a comfort rests on it: the records and the
roster are elsewhere.

Place: first 5 bytes of the tag | state u8 | last 4 digits of the receipt's number u16. Two of 900
badges share 5 bytes at one site in a million.

| state bits | meaning |
| --- | --- |
| 0-1 | last direction seen: DIRECTION constant, 0 for none |
| 2 | a receipt came: the authority registered this person today |
| 7 | the place is taken |
"""

import struct

from protocol.record import DIRECTION_NONE

PLACES = 1024
PLACES_USED_MAX = 896
"""Beyond seven eighths a search takes long; a badge more is not remembered."""

_PLACE = 8
_TAG = 5
_TAKEN = 0x80
_REGISTERED = 0x04
_DIRECTION = 0x03
_DAY_MS = 86400 * 1000


class Today:
    """What this gate remembers of badges until the next night.

    Attributes: badges (how many are remembered), forgotten (badges that found no place).

    Args:
        reset_h: hour in Brussels at which the day begins, 0..23.
        day_of: returns the Brussels day, in days since 2000-01-01, of UTC seconds
            (`clock.brussels_day`).
    """

    def __init__(self, reset_h: int, day_of) -> None:
        self._table = bytearray(PLACES * _PLACE)
        self._reset_s = 3600 * reset_h
        self._day_of = day_of
        self._day = 0
        self._since_ms = 0
        self.badges = 0
        self.forgotten = 0

    def step(self, utc_s: int, now_ms: int) -> None:
        """Forgets everything when a new day has begun; call it at calm moments.

        Args:
            utc_s: UTC seconds, 0 when not known: then a day is 24 hours since the last reset.
            now_ms: tick.
        """
        day = self._day_of(utc_s - self._reset_s) if utc_s else 0
        if day and not self._day:
            self._day = day  # the clock was set: what was seen before it belongs to today
        elif day != self._day or (not day and now_ms - self._since_ms >= _DAY_MS):
            self._day = day
            self._since_ms = now_ms
            self.forget()

    def forget(self) -> None:
        """No badge is remembered."""
        table = self._table
        for offset in range(_TAG, len(table), _PLACE):
            table[offset] = 0
        self.badges = 0
        self.forgotten = 0

    def direction(self, tag: bytes) -> int:
        """Returns the last direction seen of a badge, DIRECTION_NONE when none is remembered."""
        offset = self._find(tag)
        return self._table[offset + _TAG] & _DIRECTION if offset >= 0 else DIRECTION_NONE

    def receipt(self, tag: bytes) -> str:
        """Returns the last 4 digits of the receipt's number, or nothing when none came today."""
        offset = self._find(tag)
        if offset < 0 or not self._table[offset + _TAG] & _REGISTERED:
            return ""
        return "%04d" % struct.unpack_from("<H", self._table, offset + 6)[0]

    def passed(self, tag: bytes, direction: int) -> None:
        """A badge was let through, here or at another gate.

        Args:
            tag: 8 bytes.
            direction: DIRECTION_IN or DIRECTION_OUT; DIRECTION_NONE changes nothing.
        """
        if direction == DIRECTION_NONE:
            return
        offset = self._place(tag)
        if offset >= 0:
            state = self._table[offset + _TAG]
            self._table[offset + _TAG] = state & ~_DIRECTION | direction

    def registered(self, tag: bytes, number: str) -> None:
        """The authority registered this badge's owner today.

        Args:
            tag: 8 bytes.
            number: the receipt's number, digits only.
        """
        offset = self._place(tag)
        if offset >= 0:
            self._table[offset + _TAG] |= _REGISTERED
            struct.pack_into("<H", self._table, offset + 6, int(number[-4:]))

    def _find(self, tag: bytes) -> int:
        """Returns the offset of a badge's place, or -1 - the offset of the free place for it."""
        table = self._table
        index = tag[0] | (tag[1] << 8)
        while True:
            offset = index % PLACES * _PLACE
            if not table[offset + _TAG]:
                return -1 - offset
            if table[offset : offset + _TAG] == tag[:_TAG]:
                return offset
            index += 1

    def _place(self, tag: bytes) -> int:
        """Returns the offset of a badge's place, taking one for it; -1 when there is none left."""
        offset = self._find(tag)
        if offset >= 0:
            return offset
        if self.badges >= PLACES_USED_MAX:
            self.forgotten += 1
            return -1
        offset = -1 - offset
        self._table[offset : offset + _TAG] = tag[:_TAG]
        self._table[offset + _TAG] = _TAKEN
        self.badges += 1
        return offset
