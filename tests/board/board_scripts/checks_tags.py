"""ISO/IEC 14443-3 Type A: the state machine of a tag, and several of them at once."""

from rig import equal

from simulator.board.tags import ACTIVE, HALT, IDLE, READY, Tag, TagField, crc_a, overlay, take_bits

LATE = 10_000


def _with_crc(data):
    crc = crc_a(data, len(data))
    return data + bytes([crc & 0xFF, crc >> 8])


def _tag(uid=b"\x01\x02\x03\x04"):
    tag = Tag(uid)
    tag.power(True, 0)
    return tag


def _say(tag, data, bits=None):
    return tag.answer(data, len(data) * 8 if bits is None else bits, LATE)


def _select(tag):
    """Walk a tag in IDLE to ACTIVE; its UID as a reader puts it together."""
    equal(_say(tag, b"\x26", 7), (tag.atqa, 16))
    uid = b""
    for code in b"\x93\x95\x97":
        block, bits = _say(tag, bytes([code, 0x20]))
        equal(bits, 40)
        equal(block[0] ^ block[1] ^ block[2] ^ block[3], block[4])
        sak, bits = _say(tag, _with_crc(bytes([code, 0x70]) + block))
        equal((bits, crc_a(sak, 3)), (24, 0))
        if not sak[0] & 0x04:
            equal(tag.state, ACTIVE)
            return uid + block[:4]
        equal((block[0], tag.state), (0x88, READY))
        uid += block[1:4]
    raise AssertionError("no end of the cascade")


def check_crc_vectors():
    equal(crc_a(b"\x00\x00", 2), 0x1EA0)
    equal(crc_a(b"\x12\x34", 2), 0xCF26)


def check_uid_sizes():
    for uid, atqa in (
        (b"\x01\x02\x03\x04", b"\x04\x00"),
        (b"\x04\xa1\xb2\xc3\xd4\xe5\xf6", b"\x44\x00"),
        (bytes(range(1, 11)), b"\x84\x00"),
    ):
        tag = _tag(uid)
        equal(tag.atqa, atqa)
        equal(_select(tag), uid)
    for size in (0, 3, 5, 8, 11):
        try:
            Tag(bytes(size))
        except ValueError:
            continue
        raise AssertionError(size)


def check_wake_up_takes_5_ms():
    tag = Tag(b"\x01\x02\x03\x04")
    equal(tag.answer(b"\x26", 7, 1_000_000), None)  # no field
    tag.power(True, 1000)
    equal(tag.answer(b"\x26", 7, 5999), None)
    equal(tag.answer(b"\x26", 7, 6000), (b"\x04\x00", 16))


def check_request_in_ready_and_active():
    tag = _tag()
    assert _say(tag, b"\x26", 7)
    equal((_say(tag, b"\x26", 7), tag.state), (None, IDLE))
    assert _say(tag, b"\x52", 7)
    equal((_say(tag, b"\x52", 7), tag.state), (None, IDLE))
    _select(tag)
    equal((_say(tag, b"\x26", 7), tag.state), (None, IDLE))
    assert _say(tag, b"\x26", 7)


def check_halt():
    tag = _tag()
    _select(tag)
    equal((_say(tag, _with_crc(b"\x50\x00")), tag.state), (None, HALT))
    equal((_say(tag, b"\x26", 7), tag.state), (None, HALT))
    equal(_say(tag, b"\x52", 7), (b"\x04\x00", 16))
    equal((_say(tag, b"\x26", 7), tag.state), (None, HALT))  # READY* falls back to HALT
    assert _say(tag, b"\x52", 7)
    block, _ = _say(tag, b"\x93\x20")
    assert _say(tag, _with_crc(b"\x93\x70" + block))
    equal(tag.state, ACTIVE)
    equal((_say(tag, _with_crc(b"\x30\x04")), tag.state), (None, HALT))  # ACTIVE* too
    tag.power(False, LATE)
    tag.power(True, 0)
    assert _say(tag, b"\x26", 7)  # a new field forgets HALT


def check_halt_needs_its_crc():
    tag = _tag()
    _select(tag)
    equal((_say(tag, b"\x50\x00\x00\x00"), tag.state), (None, IDLE))
    assert _say(tag, b"\x26", 7)


def check_select_refused():
    block = b"\x01\x02\x03\x04\x04"
    for frame in (
        b"\x93\x70" + block + b"\x00\x00",  # wrong CRC
        _with_crc(b"\x93\x70\x01\x02\x03\x05\x05"),  # another UID
        _with_crc(b"\x93\x70\x01\x02\x03\x04\x05"),  # wrong check byte
        _with_crc(b"\x95\x70" + block),  # another cascade level
        b"\x93\x70" + block,  # no CRC
        b"\x93\x10",  # NVB below 2 bytes
        b"\x93\x80",  # NVB above 7 bytes
        b"\x93\x28\x00",  # more than 7 bits
        b"\x93",
    ):
        tag = _tag()
        assert _say(tag, b"\x26", 7)
        equal((_say(tag, frame), tag.state), (None, IDLE))


def check_every_prefix():
    uid = b"\xa5\x3c\x96\x0f"
    block = uid + bytes([0xA5 ^ 0x3C ^ 0x96 ^ 0x0F])
    for known in range(40):
        tag = _tag(uid)
        assert _say(tag, b"\x26", 7)
        nvb = (2 + (known >> 3)) << 4 | known & 7
        frame = bytes([0x93, nvb]) + take_bits(block, 0, known)
        reply = _say(tag, frame, 16 + known)
        equal(reply, (take_bits(block, known, 40 - known), 40 - known))
        if known:
            wrong = bytearray(frame)
            wrong[2 + ((known - 1) >> 3)] ^= 1 << ((known - 1) & 7)
            equal((_say(tag, wrong, 16 + known), tag.state), (None, IDLE))


def check_overlay():
    equal(overlay([(b"\x0f", 8), (b"\x0f", 8)]), (b"\x0f", 8, 0))
    equal(overlay([(b"\x01", 8), (b"\x03", 8)]), (b"\x03", 8, 2))
    equal(overlay([(b"\x80\x01", 16), (b"\x80", 8)]), (b"\x80\x01", 16, 0))
    equal(overlay([(b"\x00\x00", 16), (b"\x00\x80", 16)]), (b"\x00\x80", 16, 16))


def check_field():
    now = [0]
    field = TagField(lambda: now[0])
    assert field.present(b"\x01\x02\x03\x04")
    assert not field.present(b"\x01\x02\x03\x04")
    equal(field.exchange(b"\x26", 7, 0), None)
    field.power(True)
    now[0] = LATE
    equal(field.exchange(b"\x26", 7, LATE)[:3], (b"\x04\x00", 16, 0))
    assert field.present(b"\x04\xa1\xb2\xc3\xd4\xe5\xf6")
    field.power(False)
    field.power(True)
    now[0] = 2 * LATE
    # ATQA 04 00 and 44 00 part at the seventh bit.
    equal(field.exchange(b"\x26", 7, 2 * LATE)[:3], (b"\x44\x00", 16, 7))
    equal(field.remove(b"\x01\x02\x03\x04"), 1)
    equal(field.remove(), 1)
    equal(field.remove(), 0)
