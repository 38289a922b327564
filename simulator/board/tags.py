"""ISO/IEC 14443-3 Type A tags and the field they sit in, bit by bit.

Theory of operation. A tag has no power but the reader's field. It needs up to 5 ms of field
before it listens (ISO/IEC 14443-3, 5.2). Then it is in one of four states; a starred state is
the same state reached from HALT, and falls back to HALT instead of IDLE. Whatever the table
does not name sends the tag back to where it rests (IDLE, or HALT for a starred state) without
an answer, which is why a reader that polls with REQA sees a selected tag only every second time.

    state    hears                              answers           next
    (none)   5 ms of field                      -                 IDLE
    IDLE     REQA or WUPA (7 bit)               ATQA              READY
    HALT     WUPA (7 bit)                       ATQA              READY*
    READY    ANTICOLLISION, prefix matches      rest of UID CLn   READY
    READY    SELECT CLn, UID matches, not last  SAK cascade bit   READY, level n + 1
    READY    SELECT CLn, UID matches, last      SAK               ACTIVE
    ACTIVE   HLTA                               -                 HALT
    any      field off                          -                 (none)

All tags answer in the same bit times. Where two send different bits the reader sees both halves
of the bit modulated: a collision, reported by its 1-based position in the frame.
Runs on CPython and on MicroPython.
"""

WAKE_US = 5000  # ISO/IEC 14443-3, 5.2: a tag answers after at most 5 ms of unmodulated field

REQA = 0x26
WUPA = 0x52
HLTA = 0x50
CASCADE_TAG = 0x88
SELECT_CODES = b"\x93\x95\x97"

IDLE = 0
READY = 1
ACTIVE = 2
HALT = 3


def crc_a(data, count, preset=0x6363):
    """CRC_A over the first `count` bytes, as the number whose low byte is sent first.

    Args:
        data: bytes-like.
        count: how many of its bytes are covered.
        preset: start value; 0x6363 on the air (ISO/IEC 14443-3, 6.2.4 and annex B).

    Returns:
        0..0xFFFF.
    """
    crc = preset
    for i in range(count):
        b = data[i] ^ (crc & 0xFF)
        b = (b ^ (b << 4)) & 0xFF
        crc = (crc >> 8) ^ (b << 8) ^ (b << 3) ^ (b >> 4)
    return crc & 0xFFFF


def cascade_levels(uid):
    """The 5-byte UID CLn + BCC blocks of a 4-, 7- or 10-byte UID, in selection order.

    Raises:
        ValueError: any other length (ISO/IEC 14443-3, 6.5.4).
    """
    size = len(uid)
    if size == 4:
        parts = [uid]
    elif size == 7:
        parts = [bytes([CASCADE_TAG]) + uid[:3], uid[3:]]
    elif size == 10:
        parts = [bytes([CASCADE_TAG]) + uid[:3], bytes([CASCADE_TAG]) + uid[3:6], uid[6:]]
    else:
        raise ValueError("uid length")
    return [p + bytes([p[0] ^ p[1] ^ p[2] ^ p[3]]) for p in parts]


def take_bits(data, first, count):
    """`count` bits of `data` from bit `first`, moved down to bit 0 (least significant first)."""
    if not first & 7:
        return bytes(data[first >> 3 : (first + count + 7) >> 3])
    out = bytearray((count + 7) >> 3)
    for i in range(count):
        j = first + i
        if data[j >> 3] >> (j & 7) & 1:
            out[i >> 3] |= 1 << (i & 7)
    return bytes(out)


class Tag:
    """One card: answers what ISO/IEC 14443-3 lets it answer and nothing else.

    Args:
        uid: 4, 7 or 10 bytes.
        sak: last SAK; by default 0x08 for 4 bytes (as MIFARE Classic) and 0x00 for others.
    """

    def __init__(self, uid, sak=None):
        self.uid = bytes(uid)
        self.levels = cascade_levels(self.uid)
        self.atqa = bytes([0x04 | (len(self.levels) - 1) << 6, 0x00])
        self.sak = sak if sak is not None else (0x08 if len(self.uid) == 4 else 0x00)
        self.awake_us = -1  # no field
        self.state = IDLE
        self.starred = False
        self.level = 0
        self.number = 0  # as which it came into the field, from 1 on
        self.telling = False  # its last answer was about its UID

    def power(self, on, now_us):
        """Field on (or tag brought into it) at `now_us`, or field gone."""
        self.awake_us = now_us + WAKE_US if on else -1
        self.state = IDLE
        self.starred = False

    def answer(self, data, bits, now_us):
        """What the tag sends back to a frame that ended at `now_us`.

        Args:
            data: the frame's bits, least significant first.
            bits: frame length; 7 for a short frame.
            now_us: end of the frame.

        Returns:
            (bytes, bit count), or None for silence.
        """
        if self.awake_us < 0 or now_us < self.awake_us:
            return None
        state = self.state
        if bits == 7:
            code = data[0] & 0x7F
            if (state == IDLE and code in (REQA, WUPA)) or (state == HALT and code == WUPA):
                self.starred = state == HALT
                self.state = READY
                self.level = 0
                self.telling = False
                return self.atqa, 16
        elif state == READY and bits >= 16 and data[0] == SELECT_CODES[self.level]:
            reply = self._selection(data, bits)
            if reply is not None:
                self.telling = True
                return reply
        elif state == ACTIVE and bits == 32 and data[0] == HLTA and data[1] == 0:
            # A CRC_A over data and its own CRC is zero.
            self.starred = self.starred or crc_a(data, 4) == 0
        self.state = HALT if self.starred or state == HALT else IDLE
        return None

    def _selection(self, data, bits):
        block = self.levels[self.level]
        nvb = data[1]
        if nvb == 0x70:
            if bits != 72 or bytes(data[2:7]) != block or crc_a(data, 9) != 0:
                return None
            self.level += 1
            if self.level < len(self.levels):
                sak = 0x04
            else:
                self.state = ACTIVE
                sak = self.sak
            crc = crc_a(bytes([sak]), 1)
            return bytes([sak, crc & 0xFF, crc >> 8]), 24
        known = (nvb >> 4) * 8 + (nvb & 0x0F) - 16
        if bits != known + 16 or known < 0 or known >= 40 or nvb & 0x08:
            return None
        whole = known >> 3
        mask = (1 << (known & 7)) - 1
        if bytes(data[2 : 2 + whole]) != block[:whole]:
            return None
        if mask and (data[2 + whole] ^ block[whole]) & mask:
            return None
        return take_bits(block, known, 40 - known), 40 - known


class TagField:
    """The space in front of the antenna: which tags are there, and what they say together.

    Attributes: came (tags that have come into the field until now, each has its number from this
    count), read (number of the newest of them that the reader has read, 0 for none: it has the
    tag's last SAK, or it knows from UIDs that collide that there are several; nothing that was
    read is lost when the tag leaves).

    Args:
        now_us: clock in microseconds that never wraps.
    """

    def __init__(self, now_us):
        self.now_us = now_us
        self.tags = []
        self.on = False
        self.before_change = None  # the chip settles what happened until now
        self.frames = 0
        self.came = 0
        self.read = 0

    def power(self, on):
        """The reader switches its carrier on or off; every tag starts afresh."""
        if on != self.on:
            self.on = on
            now = self.now_us()
            for tag in self.tags:
                tag.power(on, now)

    def present(self, uid, sak=None):
        """A tag comes into the field; False if one with this UID is already there."""
        for tag in self.tags:
            if tag.uid == bytes(uid):
                return False
        tag = Tag(uid, sak)
        self._settle()
        self.came += 1
        tag.number = self.came
        tag.power(self.on, self.now_us())
        self.tags.append(tag)
        return True

    def remove(self, uid=None):
        """The tag with this UID leaves at this moment (None: all leave); returns how many."""
        self._settle()
        kept = [] if uid is None else [tag for tag in self.tags if tag.uid != bytes(uid)]
        gone = len(self.tags) - len(kept)
        self.tags = kept
        return gone

    def exchange(self, data, bits, end_us):
        """All tags hear one frame; their answers overlaid.

        Returns:
            None for silence, else (bytes, bits, collision, tags): `collision` is the 1-based
            position of the first bit on which they disagree, 0 for none.
        """
        self.frames += 1
        if not self.on:
            return None
        replies = []
        speakers = []
        for tag in self.tags:
            reply = tag.answer(data, bits, end_us)
            if reply is not None:
                replies.append(reply)
                speakers.append(tag)
        if not replies:
            return None
        if len(replies) == 1:
            return replies[0][0], replies[0][1], 0, speakers
        merged, length, collision = overlay(replies)
        return merged, length, collision, speakers

    def received(self, speakers, collision):
        """The reader has what these tags answered, all of it and undamaged.

        Args:
            speakers: tags, as `exchange` returned them.
            collision: position as `exchange` returned it, 0 for none.
        """
        for tag in speakers:
            # ATQAs collide as well, and a reader that knows no more has to go on asking.
            if tag.state == ACTIVE or collision and tag.telling:
                self.read = max(self.read, tag.number)

    def _settle(self):
        if self.before_change is not None:
            self.before_change()


def overlay(replies):
    """Several answers in the same bit times: (bytes, bits, position of the first collision).

    A bit on which the tags disagree reads as 1, since both halves of it are modulated.
    """
    length = 0
    for reply in replies:
        length = max(length, reply[1])
    merged = bytearray((length + 7) >> 3)
    collision = 0
    for i in range(length):
        ones = zeros = False
        for data, bits in replies:
            if i < bits:
                if data[i >> 3] >> (i & 7) & 1:
                    ones = True
                else:
                    zeros = True
        if ones:
            merged[i >> 3] |= 1 << (i & 7)
            if zeros and not collision:
                collision = i + 1
    return bytes(merged), length, collision
