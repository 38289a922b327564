"""Which card is in the field: ISO/IEC 14443-3 type A, single, double and triple size UIDs.

| step | sent | expected |
| --- | --- | --- |
| wake | REQA (7 bits) | ATQA, any content; two cards may collide in it |
| each cascade level | SEL code, NVB 0x20 | 4 bytes of UID CLn and their XOR |
| | SEL code, NVB 0x70, those 5 bytes, CRC | SAK and CRC |
| SAK bit 3 set | next level | |

The field is off between polls: cards start afresh each time, and power is saved. A collision means
several cards; we do not choose one, since the gate could then let in a badge its owner did not mean
to show.
"""

NOTHING = 0
CARD = 1
SEVERAL = 2
UNCLEAR = 3
"""Something answered and the answer was not whole: a card on its way in or out."""

ANSWER = 0
SILENCE = 1
COLLISION = 2
"""The results of the driver's `exchange`; any other is a garbled answer."""

_REQA = b"\x26"
_SELECT = (0x93, 0x95, 0x97)
_CASCADE_TAG = 0x88
_CASCADE_BIT = 0x04
_RANDOM_ID = 0x08


def is_random(uid: bytes) -> bool:
    """Whether this UID is new at each tap and names nobody (ISO/IEC 14443-3, table 7)."""
    return len(uid) == 4 and uid[0] == _RANDOM_ID


async def poll(reader) -> tuple:
    """Looks once; the field is off before and after.

    Args:
        reader: `drivers.mfrc522.Mfrc522` or something that behaves like it.

    Returns:
        (CARD, UID of 4, 7 or 10 bytes), or (NOTHING, SEVERAL or UNCLEAR, b"").

    Raises:
        ReaderError: of the driver.
    """
    await reader.field(True)
    try:
        return await _select(reader)
    finally:
        await reader.field(False)


async def _select(reader) -> tuple:
    woken = await reader.exchange(_REQA, 7)
    if woken == SILENCE:
        return NOTHING, b""
    if woken == ANSWER and reader.length != 2:
        return UNCLEAR, b""
    uid = b""
    for code in _SELECT:
        found = await reader.exchange(bytes((code, 0x20)))
        if found == COLLISION:
            return SEVERAL, b""
        if found != ANSWER or reader.length != 5:
            return UNCLEAR, b""
        part = bytes(reader.received[:5])
        if part[0] ^ part[1] ^ part[2] ^ part[3] != part[4]:
            return UNCLEAR, b""
        frame = bytes((code, 0x70)) + part
        frame += await reader.crc(frame)
        if await reader.exchange(frame) != ANSWER or reader.length != 3:
            return UNCLEAR, b""
        sak = bytes(reader.received[:3])
        if await reader.crc(sak[:1]) != sak[1:]:
            return UNCLEAR, b""
        if not sak[0] & _CASCADE_BIT:
            return CARD, uid + part[:4]
        if part[0] != _CASCADE_TAG:
            return UNCLEAR, b""
        uid += part[1:4]
    return UNCLEAR, b""  # the standard has three levels
