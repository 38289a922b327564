"""Control messages: each one both ways, and everything that is not quite one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.errors import LocalProtocolError, MacError, MalformedError, RemoteProtocolError
from protocol.limits import CONTROL_MAX, SEQ_MAX, TICKS_MAX
from protocol.mac import Mac, context
from tests.protocol.pace import UNHURRIED

MAC = Mac(bytes(range(32)))
JOURNAL = bytes(range(1, 9))
HEX = "0102030405060708"
SHA = "0f" * 32
RANGES8 = [(2 * n + 20, 2 * n + 20) for n in range(8)]

MESSAGES = [
    ("up", messages.hello(JOURNAL, 1, 0, 0, 0, "0.1.0"), f'["hello",1,"{HEX}",1,0,0,0,"0.1.0"]'),
    (
        "up",
        messages.hello(JOURNAL, SEQ_MAX + 1, SEQ_MAX, 65535, 2**32 - 1, "a" * 32),
        f'["hello",1,"{HEX}",4294967296,4294967295,65535,4294967295,"{"a" * 32}"]',
    ),
    ("up", messages.lost(JOURNAL, 5, 5), f'["lost","{HEX}",5,5]'),
    ("up", messages.time_request(7, TICKS_MAX), f'["time",7,{TICKS_MAX}]'),
    ("up", messages.roster_request(3, 128), '["roster",3,128]'),
    (
        "up",
        messages.health(
            {
                "unsent": 1,
                "clock_quality": 2,
                "roster_version": 3,
                "heap_free": 4,
                "reader_ok": True,
            }
        ),
        '["health",1,2,3,4,1' + ",0" * (len(messages.HEALTH) - 5) + "]",
    ),
    ("up", messages.changes_request(3, 9, 128), '["changes",3,9,128]'),
    ("up", messages.crash(7, 0, 12, "a line\nb: ~"), '["crash",7,0,12,"a line\\nb: ~"]'),
    ("down", messages.crash_kept(7, 12), '["crash",7,12]'),
    ("up", messages.firmware_request(bytes.fromhex(SHA), 1024), f'["firmware","{SHA[:16]}",1024]'),
    (
        "down",
        messages.firmware_order("0.2.0", 51200, SHA, 2**32 - 1),
        f'["firmware","0.2.0",51200,"{SHA}",4294967295]',
    ),
    (
        "down",
        messages.receipts(9800, [(JOURNAL, "900000000000001")]),
        f'["receipts",9800,[["{HEX}","900000000000001"]]]',
    ),
    (
        "down",
        messages.passed(1_793_430_000, [(JOURNAL, 2)]),
        f'["passed",1793430000,[["{HEX}",2]]]',
    ),
    ("down", messages.ack(JOURNAL, 0, ()), f'["ack","{HEX}",0,[]]'),
    ("down", messages.ack(JOURNAL, 5, [(7, 9), (11, 11)]), f'["ack","{HEX}",5,[[7,9],[11,11]]]'),
    ("down", messages.want(JOURNAL, [(1, SEQ_MAX)]), f'["want","{HEX}",[[1,4294967295]]]'),
    ("down", messages.time_answer(7, 8, 1_793_430_000, 999), '["time",7,8,1793430000,999]'),
    ("down", messages.roster_offer(3, 500, SHA), f'["roster",3,500,"{SHA}"]'),
]


def signed(text: str | bytes, direction: str = "up") -> bytes:
    body = text if isinstance(text, bytes) else text.encode()
    return body + MAC.sign(context(direction, "control", "gate-1"), body)


def refusal(payload: bytes, direction: str = "up") -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        messages.decode_control(MAC, direction, "gate-1", payload)
    return caught.value.code


@pytest.mark.parametrize(("direction", "fields", "text"), MESSAGES)
def test_each_message_has_one_form(direction: str, fields: list, text: str) -> None:
    payload = messages.encode_control(MAC, direction, "gate-1", fields)
    assert payload == signed(text, direction)
    assert messages.decode_control(MAC, direction, "gate-1", payload) == fields


def test_the_largest_messages_fit() -> None:
    ranges = [(SEQ_MAX - 20 + 2 * n, SEQ_MAX - 20 + 2 * n) for n in range(8)]
    for fields in (messages.ack(JOURNAL, SEQ_MAX - 30, ranges), messages.want(JOURNAL, ranges)):
        assert len(messages.encode_control(MAC, "down", "gate-1", fields)) < CONTROL_MAX


@pytest.mark.parametrize(("direction", "fields", "text"), MESSAGES)
def test_a_message_goes_one_way_and_to_one_terminal(
    direction: str, fields: list, text: str
) -> None:
    payload = signed(text, direction)
    other = "down" if direction == "up" else "up"
    assert refusal(payload, other) == "mac"
    with pytest.raises(MacError):
        messages.decode_control(MAC, direction, "gate-2", payload)
    if fields[0] not in {"time", "roster", "crash", "firmware"}:
        assert refusal(signed(text, other), other) == "name"
        with pytest.raises(LocalProtocolError):
            messages.encode_control(MAC, other, "gate-1", fields)


@pytest.mark.parametrize(
    ("direction", "text", "code"),
    [
        ("up", "", "length"),
        ("up", "hello", "json"),
        ("up", '["hello"', "json"),
        ("up", '["time",1,2]x', "json"),
        ("up", "null", "json"),
        ("up", "{}", "shape"),
        ("up", '"time"', "shape"),
        ("up", "7", "shape"),
        ("up", "[]", "shape"),
        ("up", "[1,2]", "shape"),
        ("up", '[["time"],1,2]', "shape"),
        ("up", '["nonsense",1]', "name"),
        ("up", '["ack","0102030405060708",1,[]]', "name"),
        ("up", f'["firmware","{SHA}",0]', "value"),
        ("up", f'["firmware","{SHA[:15]}G",0]', "value"),
        ("up", f'["firmware","{SHA[:16]}",131073]', "value"),
        ("down", f'["firmware","1",0,"{SHA}",1]', "value"),
        ("down", f'["firmware","1",131073,"{SHA}",1]', "value"),
        ("down", f'["firmware","1",5,"{SHA}",0]', "value"),
        ("down", f'["firmware","1",5,"{SHA[1:]}",1]', "value"),
        ("down", f'["firmware","1 2",5,"{SHA}",1]', "value"),
        ("up", '["time"]', "shape"),
        ("up", '["time",1]', "shape"),
        ("up", '["time",1,2,3]', "shape"),
        ("up", '["time","1",2]', "value"),
        ("up", '["time",1.0,2]', "value"),
        ("up", '["time",true,2]', "value"),
        ("up", '["time",null,2]', "value"),
        ("up", '["time",[1],2]', "value"),
        ("up", '["time",-1,2]', "value"),
        ("up", '["time",65536,2]', "value"),
        ("up", f'["time",1,{TICKS_MAX + 1}]', "value"),
        ("up", '["time",1,' + "9" * 900 + "]", "value"),
        ("up", '["time",1,1e999]', "value"),
        ("up", f'["hello",2,"{HEX}",1,0,0,0,"0.1.0"]', "version"),
        ("up", '["hello",2]', "version"),
        ("up", f'["hello",true,"{HEX}",1,0,0,0,"0.1.0"]', "value"),
        ("up", f'["hello",1,"{HEX[:-1]}",1,0,0,0,"0.1.0"]', "value"),
        ("up", f'["hello",1,"{HEX}0",1,0,0,0,"0.1.0"]', "value"),
        ("up", '["hello",1,"010203040506070A",1,0,0,0,"0.1.0"]', "value"),
        ("up", f'["hello",1,"{HEX}",0,0,0,0,"0.1.0"]', "value"),
        ("up", f'["hello",1,"{HEX}",2,0,0,0,"0.1.0"]', "value"),
        ("up", f'["hello",1,"{HEX}",1,0,0,0,""]', "value"),
        ("up", f'["hello",1,"{HEX}",1,0,0,0,"{"a" * 33}"]', "value"),
        ("up", f'["hello",1,"{HEX}",1,0,0,0,"a b"]', "value"),
        ("up", f'["hello",1,"{HEX}",1,0,0,0,"\\u00e9"]', "value"),
        ("up", f'["hello",1,"{HEX}",1,0,0,0,7]', "value"),
        ("up", f'["lost","{HEX}",6,5]', "value"),
        ("up", f'["lost","{HEX}",0,5]', "value"),
        ("up", '["health",1,2,3,4,2' + ",0" * (len(messages.HEALTH) - 5) + "]", "value"),
        ("up", '["health",1,2,3,4,1,6]', "shape"),
        ("up", '["crash",7,0,12,"caf\\u00e9"]', "value"),
        ("up", '["crash",7,0,12,"a\\u0000b"]', "value"),
        ("up", '["crash",7,0,12,""]', "value"),
        ("down", f'["receipts",9800,[["{HEX}","12a"]]]', "value"),
        ("down", f'["receipts",9800,[["{HEX}",12]]]', "value"),
        ("down", f'["receipts",9800,[["{HEX[:15]}","12"]]]', "value"),
        ("down", '["receipts",9800,[]]', "value"),
        ("down", f'["passed",5,[["{HEX}",0]]]', "value"),
        ("down", f'["passed",5,[["{HEX}","1"]]]', "value"),
        ("down", f'["passed",5,[["{HEX}",1,1]]]', "value"),
        ("up", '["roster",1,65536]', "value"),
        ("down", f'["ack","{HEX}",5,[[7]]]', "value"),
        ("down", f'["ack","{HEX}",5,[[7,8,9]]]', "value"),
        ("down", f'["ack","{HEX}",5,[7,8]]', "value"),
        ("down", f'["ack","{HEX}",5,[[8,7]]]', "value"),
        ("down", f'["ack","{HEX}",5,[[7,true]]]', "value"),
        ("down", f'["ack","{HEX}",5,[[7,8],[8,9]]]', "value"),
        ("down", f'["ack","{HEX}",5,[[9,9],[7,7]]]', "value"),
        ("down", f'["ack","{HEX}",5,[[5,6]]]', "value"),
        ("down", f'["ack","{HEX}",5,[[7,{SEQ_MAX + 1}]]]', "value"),
        ("down", f'["ack","{HEX}",5,"none"]', "value"),
        ("down", f'["ack","{HEX}",5,{{}}]', "value"),
        ("down", f'["want","{HEX}",{json.dumps([[n, n] for n in range(1, 19, 2)])}]', "value"),
        ("down", f'["roster",1,10,"{SHA[:-2]}"]', "value"),
        ("down", f'["roster",1,10,"{SHA.upper()}"]', "value"),
        ("down", '["time",1,2,3,1000]', "value"),
        ("down", '["time",1,2,4294967296,0]', "value"),
    ],
)
def test_what_is_not_quite_a_message_is_refused(direction: str, text: str, code: str) -> None:
    assert refusal(signed(text, direction), direction) == code


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        '["time",1,2]'.encode("utf-16"),
        '["time",1,2]'.encode("utf-32"),
        b"[" * 1008,
        b"[" * 500 + b"]" * 500,
        b'{"a":' * 200,
        b'["time",1,\x00]',
    ],
)
def test_bytes_that_are_not_json_in_utf8_are_refused(body: bytes) -> None:
    assert refusal(signed(body)) in {"json", "shape"}


def test_length_is_looked_at_before_anything_else() -> None:
    longest = '["time",1,2]' + " " * (CONTROL_MAX - 16 - 12)
    assert messages.decode_control(MAC, "up", "gate-1", signed(longest)) == ["time", 1, 2]
    assert refusal(signed(longest + " ")) == "length"
    for length in range(17):
        assert refusal(bytes(length)) == "length"
    assert refusal(bytes(17)) == "mac"
    assert refusal(bytes(1_000_000)) == "length"


@pytest.mark.parametrize("position", range(16 + len('["time",1,2]')))
def test_every_byte_is_signed(position: int) -> None:
    payload = bytearray(signed('["time",1,2]'))
    payload[position] ^= 1
    assert refusal(bytes(payload)) == "mac"


@pytest.mark.parametrize(
    ("direction", "fields"),
    [
        ("up", messages.hello(JOURNAL, 1, 0, 0, 0, "0.1 beta")),
        ("up", messages.hello(JOURNAL[:4], 1, 0, 0, 0, "0.1")),
        ("up", messages.lost(JOURNAL, 9, 8)),
        ("up", messages.time_request(-1, 0)),
        ("down", messages.ack(JOURNAL, 30, RANGES8)),
        ("down", messages.ack(JOURNAL, 0, [*RANGES8, (90, 91)])),
        ("down", messages.roster_offer(1, 1, "abc")),
        ("up", ["nonsense"]),
        ("up", []),
    ],
)
def test_what_could_not_be_decoded_is_not_encoded(direction: str, fields: list) -> None:
    with pytest.raises(LocalProtocolError):
        messages.encode_control(MAC, direction, "gate-1", fields)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["hello", "lost", "time", "roster", "health", "ack", "want", HEX, SHA]),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@UNHURRIED
@given(fields=JSON, direction=st.sampled_from(["up", "down"]))
def test_any_json_is_decoded_or_refused(fields: object, direction: str) -> None:
    payload = signed(json.dumps(fields), direction)
    try:
        outcome = messages.decode_control(MAC, direction, "gate-1", payload)
    except MalformedError as error:
        outcome = error.code
    refusals = ["length", "json", "shape", "name", "version", "value"]
    assert outcome in [fields, *refusals]


@UNHURRIED
@given(body=st.binary(min_size=1, max_size=100))
def test_any_bytes_are_refused_as_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        messages.decode_control(MAC, "up", "gate-1", signed(body))
