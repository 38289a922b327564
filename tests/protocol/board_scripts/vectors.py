"""The example bytes of docs/protocol.md, made by the code: prints `name hex` lines."""

from protocol import batch, frames, messages, mqtt, record, roster, topics
from protocol.mac import Mac, badge_tag, broker_password, context

TERMINAL = "gate-1"
JOURNAL = bytes(range(0xA0, 0xA8))
KEY = bytes(range(32))
BADGE_KEY = bytes(range(32, 64))
UIDS = (("uid4", "04a1b2c3"), ("uid7", "04a1b2c3d4e5f6"), ("uid10", "04a1b2c3d4e5f6071829"))
SHA256 = "00112233445566778899aabbccddeeff" * 2


def records():
    """Returns a roster record and the tap that was decided with it."""
    made = bytearray(64)
    fixed = (3, 5000)  # boot, ticks in ms
    version = bytes((9, 0, 0, 0)) + bytes.fromhex(SHA256)[:4]
    record.pack_record_into(made, 0, 41, record.KIND_ROSTER, 0, 0, 0, 0, 0, 0, *fixed, version)
    tag = badge_tag(BADGE_KEY, bytes.fromhex(UIDS[1][1]))
    record.pack_record_into(
        made,
        32,
        42,
        record.KIND_TAP,
        record.DIRECTION_IN,
        record.VERDICT_GRANTED,
        record.REASON_NONE,
        record.QUALITY_HUB,
        1_793_430_000,
        250,
        3,
        0x01_0000_1388,
        tag,
    )
    return bytes(made)


HEALTH = {
    "unsent": 2, "clock_quality": 2, "roster_version": 9, "heap_free": 120000, "reader_ok": 1,
    "uptime_s": 5, "journal_used": 3, "flash_free": 400000, "clock_step_ms": -12, "rssi": -61,
    "supply_mv": 4980, "temperature": 215, "reset_cause": 1, "taps": 7, "slot": 1,
}  # fmt: skip


def vectors():
    """Returns (name, bytes) of every vector."""
    mac = Mac(KEY)
    made = [("key", KEY), ("badge-key", BADGE_KEY)]
    for name, uid in UIDS:
        made.append((name, bytes.fromhex(uid)))
        made.append((name + "-tag", badge_tag(BADGE_KEY, bytes.fromhex(uid))))
    made.append(("broker-password", broker_password(KEY).encode()))
    made.append(("context-up-batch", context("up", "batch", TERMINAL)))
    made.append(("record-roster", records()[:32]))
    made.append(("record-tap", records()[32:]))
    made.append(("batch", batch.encode_batch(mac, TERMINAL, JOURNAL, 40, records())))
    for direction, fields in (
        ("up", messages.hello(JOURNAL, 40, 42, 3, 9, "0.1.0")),
        ("up", messages.lost(JOURNAL, 40, 40)),
        ("up", messages.time_request(3, 5000)),
        ("up", messages.roster_request(9, 128)),
        ("up", messages.changes_request(8, 9, 0)),
        ("up", messages.health(HEALTH)),
        ("down", messages.ack(JOURNAL, 39, [(42, 42)])),
        ("down", messages.want(JOURNAL, [(40, 41)])),
        ("down", messages.time_answer(3, 5000, 1_793_430_000, 250)),
        ("down", messages.roster_offer(9, 200, SHA256)),
        (
            "down",
            messages.receipts(9800, [(bytes.fromhex(UIDS[1][1])[:7] + b"\0", "900000000000001")]),
        ),
        ("down", messages.passed(1_793_430_000, [(bytes(range(8)), 2)])),
    ):
        payload = messages.encode_control(mac, direction, TERMINAL, fields)
        made.append((f"{direction}-{fields[0]}", payload))
    rows = roster.build_table(
        [
            roster.pack_row(
                badge_tag(BADGE_KEY, bytes.fromhex(UIDS[1][1])), True, 9800, "nl", 9000
            ),
            roster.pack_row(
                badge_tag(BADGE_KEY, bytes.fromhex(UIDS[0][1])), False, roster.NO_END, "pl"
            ),
        ]
    )
    made.append(("roster-chunk", roster.encode_chunk(mac, TERMINAL, 9, 0, rows)))
    rows = roster.pack_row(bytes.fromhex("3ed66868f4a80dfc"), roster.STANDING_GONE, 0, "fr")
    made.append(("changes-chunk", roster.encode_changes(mac, TERMINAL, (8, 9), 0, 1, rows)))
    made.append(("changes-none", roster.encode_changes(mac, TERMINAL, (8, 9), 0, 0, b"")))
    unknown = roster.encode_changes(mac, TERMINAL, (7, 9), 0, roster.NO_CHANGES, b"")
    made.append(("changes-unknown", unknown))
    password = broker_password(KEY)
    status = topics.up_topic(TERMINAL, "status")
    made.append(
        (
            "mqtt-connect",
            mqtt.connect(TERMINAL, TERMINAL, password, 30, status, topics.STATUS_OFFLINE),
        )
    )
    lost = messages.encode_control(mac, "up", TERMINAL, messages.lost(JOURNAL, 40, 40))
    made.append(("frame-up-lost", frames.encode_frame(frames.FRAME_UP_CONTROL, lost)))
    made.append(("frame-ping", frames.encode_ping(0x01020304, TERMINAL)))
    made.append(("frame-pong", frames.encode_pong(0x01020304, 0x0A0B0C0D, True)))
    made.append(("frame-console", frames.encode_frame(frames.FRAME_CONSOLE, frames.CONSOLE)))
    return made


if __name__ == "__main__":
    for name, data in vectors():
        print(name, data.hex())
