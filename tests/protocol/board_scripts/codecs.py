"""Puts drawn values, and what is left of them after a hit, through every codec; prints outcomes."""

import sys
from io import BytesIO

from draw import Numbers

from protocol import batch, messages, mqtt, pack, pieces, record, roster, slots, topics
from protocol.difference import difference, merged
from protocol.errors import ProtocolError
from protocol.mac import Mac, badge_tag, context


def outcome(call, *arguments):
    """Returns the result as text, or the kind and code of the refusal."""
    try:
        return repr(call(*arguments))
    except ProtocolError as error:
        return f"{type(error).__name__} {error.code}"


def drawn_record(numbers, seq):
    made = bytearray(32)
    record.pack_record_into(
        made,
        0,
        seq,
        numbers.below(255) + 1,
        numbers.below(4),
        numbers.below(4),
        numbers.below(256),
        numbers.below(16),
        numbers.wide(),
        numbers.below(1000),
        numbers.below(65536),
        numbers.below(256) << 32 | numbers.wide(),
        numbers.data(8),
    )
    return bytes(made)


def hit(numbers, data):
    """Returns `data` with one byte changed, cut off, or appended."""
    spoiled = bytearray(data)
    kind = numbers.below(4)
    if kind == 0:
        return bytes(spoiled[: numbers.below(len(spoiled) + 1)])
    if kind == 1:
        return bytes(spoiled) + numbers.data(1 + numbers.below(3))
    spoiled[numbers.below(min(16, len(spoiled)))] = numbers.below(256)
    return bytes(spoiled)


def records_and_batches(numbers, mac):
    def fields(data):
        got = record.unpack_record(data)
        return [
            getattr(got, name) for name in ("seq", "kind", "direction", "verdict", "reason")
        ] + [
            getattr(got, name)
            for name in ("quality", "utc_s", "utc_ms", "boot", "ticks_ms", "data")
        ]

    def numbers_of(payload):
        got = batch.decode_batch(mac, "gate-1", payload)
        return got.journal, got.floor, got.first, got.count, got.records

    first = 1 + numbers.below(1000)
    count = 1 + numbers.below(16)
    made = b"".join(drawn_record(numbers, first + n) for n in range(count))
    print(made.hex(), outcome(fields, made), outcome(fields, hit(numbers, made[:32])))
    floor = 1 + numbers.below(first)
    payload = batch.encode_batch(mac, "gate-1", numbers.data(8), floor, memoryview(made))
    print(payload.hex(), outcome(numbers_of, payload), outcome(numbers_of, bytearray(payload)))
    spoiled = hit(numbers, payload)
    print(outcome(numbers_of, spoiled))
    body = hit(numbers, payload[:-16])
    again = body + mac.sign(context("up", "batch", "gate-1"), body)
    print(outcome(numbers_of, again))


def drawn_messages(numbers):
    journal = numbers.data(8)
    upto = numbers.below(1000)
    ranges = [(upto + 2 + 4 * n, upto + 3 + 4 * n) for n in range(numbers.below(10))]
    return [
        (
            "up",
            messages.hello(journal, numbers.below(9), upto, numbers.below(70000), 5, "1.0+x_y-z"),
        ),
        ("up", messages.lost(journal, numbers.below(99), numbers.below(99))),
        ("up", messages.time_request(numbers.below(70000), numbers.wide() << numbers.below(10))),
        ("up", messages.roster_request(numbers.wide(), numbers.below(70000))),
        ("up", messages.health({"unsent": numbers.wide(), "clock_quality": numbers.below(18)})),
        ("down", messages.ack(journal, upto, ranges)),
        ("down", messages.want(journal, ranges)),
        ("down", messages.time_answer(1, 2, numbers.wide(), numbers.below(1100))),
        ("down", messages.roster_offer(numbers.wide(), 3, numbers.data(32).hex())),
        ("up", messages.firmware_request(numbers.data(32), numbers.wide() >> 14)),
        ("down", messages.firmware_order("1.0", numbers.wide() >> 14, numbers.data(32).hex(), 7)),
        ("down", ["time", 1.5, None, [], True]),
    ]


def firmware(numbers, mac):
    data = numbers.data(1 + numbers.below(1024))
    payload = pieces.encode_piece(mac, "gate-1", numbers.data(32), numbers.below(131073), data)
    print(payload.hex(), outcome(pieces.decode_piece, mac, "gate-1", payload))
    print(outcome(pieces.decode_piece, mac, "gate-1", hit(numbers, payload)))
    files = [("f%d.mpy" % n, n % 2, numbers.data(numbers.below(40))) for n in range(5)]
    packed = pack.encode_pack("1.0", files)
    print(packed.hex(), outcome(pack.pack_digest, BytesIO(packed)))
    print(outcome(pack.pack_digest, BytesIO(hit(numbers, packed))))
    state = slots.BootState()
    state.order, state.digests[2] = numbers.wide(), numbers.data(32)
    kept = state.encode()
    print(kept.hex(), slots.decode_state(hit(numbers, kept)) is None)


def control(numbers, mac):
    for direction, fields in drawn_messages(numbers):
        try:
            payload = messages.encode_control(mac, direction, "gate-1", fields)
        except ProtocolError as error:
            print(type(error).__name__, error.code)
            continue
        decode = messages.decode_control
        print(payload.hex(), outcome(decode, mac, direction, "gate-1", payload))
        print(outcome(decode, mac, direction, "gate-1", hit(numbers, payload)))
    for text in ("", "null", "[", '["time",1]', '["time",1,2]x', '["time",1,1.5]', "[[]]", "{}"):
        body = text.encode()
        payload = body + mac.sign(context("up", "control", "gate-1"), body)
        print(outcome(messages.decode_control, mac, "up", "gate-1", payload))


def rosters(numbers, mac):
    rows = [
        roster.pack_row(numbers.data(8), bool(numbers.below(2)), numbers.below(65536), language)
        for language in roster.LANGUAGES
    ]
    table = roster.build_table(rows)
    print(table.hex(), outcome(roster.build_table, rows + rows[:1]))
    for row in rows:
        offset = roster.find_row(table, row[:8])
        print(offset, roster.row_fields(table, offset))
    print(roster.find_row(memoryview(table), numbers.data(8)))
    payload = roster.encode_chunk(mac, "gate-1", numbers.wide(), numbers.below(1000), table)
    print(payload.hex(), outcome(roster.decode_chunk, mac, "gate-1", payload))
    print(outcome(roster.decode_chunk, mac, "gate-1", hit(numbers, payload)))


def changes(numbers, mac):
    def drawn():
        standing = (0, 1, 2, 15)[numbers.below(4)]
        return roster.pack_row(bytes((0, numbers.below(20))) * 4, standing, 7, "nl")

    tables = []
    for _ in range(2):
        rows = {}
        for _ in range(numbers.below(25)):
            row = roster.pack_row(
                bytes((0, numbers.below(20))) * 4, numbers.below(3), numbers.below(3), "fr"
            )
            rows[row[:8]] = row
        tables.append(roster.build_table(rows.values()))
    made = difference(tables[0], tables[1])
    print(made.hex(), merged(tables[0], made) == tables[1], roster.row_place(made, bytes(8)))
    print(merged(tables[0], drawn()).hex())
    total = len(made) // 13
    payload = roster.encode_changes(mac, "gate-1", (1, 2 + numbers.wide() // 2), 0, total, made)
    for sent in (payload, hit(numbers, payload)):
        print(sent.hex(), outcome(roster.decode_changes, mac, "gate-1", sent))
    first = numbers.below(4)
    total = (0, 3, 600, roster.NO_CHANGES)[numbers.below(4)]
    for count in range(3):
        arguments = (mac, "gate-1", (1, numbers.below(3)), first, total, drawn() * count)
        print(outcome(roster.encode_changes, *arguments))


def packets(numbers):
    def read(stream):
        reader = mqtt.PacketReader(200)
        found = []
        for start in range(0, len(stream), 7):
            reader.feed(memoryview(stream)[start : start + 7])
            while True:
                packet = reader.next_packet()
                if packet is None:
                    break
                found.append(packet)
        return found

    payload = numbers.data(numbers.below(180))
    stream = mqtt.publish("s/1/g/down/control", payload, 1, 1 + numbers.below(65535), True, False)
    stream += mqtt.publish("s", bytearray(payload)) + mqtt.puback(7) + b"\xd0\x00\x20\x02\x01\x00"
    print(stream.hex(), outcome(read, stream), outcome(read, hit(numbers, stream)))
    print(outcome(read, numbers.data(1 + numbers.below(30))))
    print(
        mqtt.connect("g", "u", "p", 30, "t", b"off").hex(), mqtt.subscribe(3, ["a", "b"], 1).hex()
    )
    print(outcome(mqtt.publish, "a/#", b""), outcome(mqtt.publish, "a", b"", 1, 0))


def names(numbers):
    for topic in (
        "sitegate/1/gate-1/up/batch",
        "sitegate/1/Gate/up/batch",
        "sitegate/1/g/up/roster",
    ):
        print(outcome(topics.parse_topic, topic))
    for size in (3, 4, 7, 8, 10):
        print(outcome(badge_tag, numbers.data(32), numbers.data(size)))


if __name__ == "__main__":
    for seed in sys.argv[1:]:
        print("seed", seed)
        drawn = Numbers(int(seed))
        key = Mac(drawn.data(32))
        records_and_batches(drawn, key)
        control(drawn, key)
        firmware(drawn, key)
        rosters(drawn, key)
        changes(drawn, key)
        packets(drawn)
        names(drawn)
