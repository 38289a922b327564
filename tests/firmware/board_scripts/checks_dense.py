"""Records in dense pages: what comes out is what went in, and a rotten page is no page."""

import random
from binascii import crc32

from standins import equal

from firmware import dense
from protocol import faults
from protocol.limits import TICKS_MAX
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_OUT,
    KIND_BOOT,
    KIND_FAULT,
    KIND_PASSAGE,
    KIND_TAP,
    PASSAGE_DATA,
    PASSED,
    QUALITY_HUB,
    QUALITY_NONE,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_NONE,
    VERDICT_REFUSED,
    pack_record_into,
)

UTC_S = 1_795_000_000


class Writer:
    """Makes records that follow each other."""

    def __init__(self, first=1, seed=1):
        random.seed(seed)
        self.first = first
        self.records = bytearray(0)

    @property
    def next(self):
        return self.first + len(self.records) // 32

    def add(self, kind, direction, verdict, reason, quality, utc, boot, ticks, data):
        record = bytearray(32)
        pack_record_into(
            record,
            0,
            self.next,
            kind,
            direction,
            verdict,
            reason,
            quality,
            utc // 1000,
            utc % 1000,
            boot,
            ticks,
            data,
        )
        self.records.extend(record)


def tag():
    return bytes([random.getrandbits(8) for _ in range(8)])


def morning(count, passages=False, seed=1, first=1):
    """Taps of different badges, two a minute to one in two seconds, in and out; some refused."""
    import struct

    writer = Writer(first, seed)
    ticks = 3_600_000
    while writer.next < first + count:
        ticks += random.randint(1500, 30000)
        utc = UTC_S * 1000 + ticks
        refused = random.randint(0, 30) == 0
        direction = DIRECTION_OUT if random.randint(0, 2) == 0 else DIRECTION_IN
        writer.add(
            KIND_TAP,
            direction,
            VERDICT_REFUSED if refused else VERDICT_GRANTED,
            REASON_UNKNOWN_BADGE if refused else 0,
            QUALITY_HUB,
            utc,
            7,
            ticks,
            tag(),
        )
        if passages and not refused and writer.next < first + count:
            went = random.randint(900, 5000)
            ticks += went
            data = struct.pack(PASSAGE_DATA, writer.next - 1, went // 10, PASSED, 0)
            writer.add(KIND_PASSAGE, 0, VERDICT_NONE, 0, QUALITY_HUB, utc + went, 7, ticks, data)
    return writer


def packed(records, first=1):
    """The pages of an archive of any length, and how many records are in each."""
    packer = dense.Packer()
    scratch = bytearray(dense.RECORDS_MAX * 32)
    pages = []
    before = 0
    offset = 0
    while offset < len(records):
        packer.begin()
        while offset < len(records) and packer.add(records, offset):
            offset += 32
        assert packer.count, "a record that fits into no page"
        assert packer.seal(first, before, scratch), "page {}".format(len(pages))
        pages.append(bytearray(packer.page))
        before += packer.count
    return pages


def unpacked(pages, first=1):
    out = bytearray(0)
    scratch = bytearray(dense.RECORDS_MAX * 32)
    for page in pages:
        before, count = dense.span(page, first)
        equal(before, len(out) // 32, "records before")
        assert count
        equal(dense.unpack(page, first, scratch), count)
        out.extend(scratch[: count * 32])
    return out


def check_taps_come_out_as_they_went_in():
    figures = []
    for passages in (False, True):
        for first in (1, 4_294_000_000):
            writer = morning(2000, passages, first=first)
            pages = packed(writer.records, first)
            equal(bytes(unpacked(pages, first)), bytes(writer.records))
        per_block = 2000 * 16 // len(pages)
        assert per_block > 300, per_block
        figures.append(per_block)
    return "{} taps, or {} taps and passages, in a block".format(figures[0], figures[1])


def check_any_whole_record_has_a_form():
    """Random fields, far apart or close together, in any order of time."""
    random.seed(5)
    writer = Writer(100)
    utc = ticks = boot = 0
    for number in range(3000):
        way = random.randint(0, 9)
        if way == 0:
            utc = random.getrandbits(30) * 4000 + random.randint(0, 999)
            ticks = random.getrandbits(30) << random.randint(0, 10)
        elif way == 1:
            boot = random.choice((boot, 65535, number))
            ticks = random.randint(0, 5)
        elif way == 2:
            utc = 0
        elif way == 3:
            ticks = max(0, ticks - random.randint(0, 1000))
        elif way == 4:
            utc = random.choice((1, 999, 1000, 0xFFFFFFFF * 1000 + 999, utc))
            ticks = random.choice((0, TICKS_MAX, (1 << 30) - 1, 1 << 30, ticks))
        else:
            step = random.getrandbits(random.randint(1, 28))
            ticks += step
            if utc:
                utc += step + random.choice((0, 0, 1, -1, 127, -128, 128, -129, 1000))
        ticks = min(ticks, TICKS_MAX)
        utc = max(0, min(utc, 0xFFFFFFFF * 1000 + 999))
        data = random.choice((bytes(8), tag(), b"\x01" + bytes(7), tag()[:7] + b"\0"))
        if random.randint(0, 3) == 0:
            back = max(0, writer.next - random.randint(-2, 300))
            data = back.to_bytes(4, "little") + data[4:7] + b"\0"
        writer.add(
            random.choice((1, 2, 3, 4, 5, 255)),
            random.randint(0, 3),
            random.randint(0, 3),
            random.choice((0, 0, 1, 9, 255)),
            random.choice((0, 2, 15)),
            utc,
            boot,
            ticks,
            data,
        )
    # A whole record is one whose CRC fits, even with more milliseconds than a second has.
    odd = writer.records[-32:-4]
    odd[0:4] = writer.next.to_bytes(4, "little")
    odd[11:13] = b"\xff\xff"
    writer.records.extend(odd + crc32(odd).to_bytes(4, "little"))
    writer.add(1, 1, 1, 0, 2, utc, boot, ticks, tag())
    equal(
        bytes(unpacked(packed(writer.records, 100), 100)),
        bytes(writer.records),
    )


def check_the_worst_records_still_take_less_than_their_size():
    writer = Writer()
    for number in range(400):
        writer.add(
            (number * 7) % 255 + 1,
            number & 3,
            1,
            number & 255,
            1,
            number * 9_999_999,
            number,
            5,
            tag(),
        )
    pages = packed(writer.records)
    equal(bytes(unpacked(pages)), bytes(writer.records))
    assert len(pages) * 16 < 2 * 400, len(pages)
    return "{} records in a block".format(400 * 16 // len(pages))


def check_a_flipped_bit_anywhere_is_noticed():
    page = packed(morning(10).records)[0]
    for at in range(dense.PAGE):
        for bit in range(8):
            page[at] ^= 1 << bit
            equal(dense.span(page, 1), (0, 0), (at, bit))
            page[at] ^= 1 << bit
    equal(dense.span(page, 1), (0, 10))
    equal(dense.span(page, 2), (0, 0), "of another archive")
    for blank in (b"\xff", b"\0"):
        equal(dense.span(blank * dense.PAGE, 1), (0, 0))


def check_a_page_goes_back_to_a_mark():
    writer = morning(32)
    packer = dense.Packer()
    for i in range(6):
        assert packer.add(writer.records, i * 32)
    mark = packer.mark()
    for i in range(6, 12):
        assert packer.add(writer.records, i * 32)
    packer.back_to(mark)
    scratch = bytearray(dense.RECORDS_MAX * 32)
    assert packer.seal(1, 0, scratch)
    equal(scratch[: 6 * 32], writer.records[: 6 * 32])
    equal(bytes(packer.page), bytes(packed(writer.records[: 6 * 32])[0]))


def check_facts_about_the_gate_are_short():
    writer = Writer()
    for number in range(64):
        kind = KIND_BOOT if number == 0 else KIND_FAULT
        data = bytes(8) if number % 2 else faults.data(faults.TASK, number, 0)
        writer.add(kind, 0, 0, 0, QUALITY_NONE, 0, 3, 100 + number * 1000, data)
    equal(bytes(unpacked(packed(writer.records))), bytes(writer.records))
