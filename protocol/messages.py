"""Control messages: a compact JSON list in UTF-8 followed by its 16-byte MAC.

The first element is the name; the others are listed below by position. A message is either valid in
every element or refused whole, so the code behind `decode_control` checks nothing again.

| up | elements after the name |
| --- | --- |
| hello | protocol version, journal id, floor, head, boot, roster version, firmware version |
| lost | journal id, first, last: the journal cannot read these any more |
| time | boot, ticks: asks the hub for its time |
| roster | version, first row: asks for a chunk |
| health | unsent, clock quality, roster version, heap free, reader ok, uptime in s |

| down | elements after the name |
| --- | --- |
| ack | journal id, upto, ranges: every number <= upto is committed, and these beyond it |
| want | journal id, ranges: send these again |
| time | boot and ticks as asked, UTC seconds and milliseconds when the answer left |
| roster | version, rows, SHA-256 of the table: this roster is valid now |

Ids and hashes are lower-case hex; ranges are a list of [first, last], rising, at most RANGES_MAX.
"""

import json

from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.limits import (
    CONTROL_MAX,
    FIRMWARE_MAX,
    JOURNAL_SIZE,
    MAC_SIZE,
    PROTOCOL_VERSION,
    RANGES_MAX,
    ROSTER_ROWS_MAX,
    SEQ_MAX,
    TICKS_MAX,
)
from protocol.mac import Mac, context

_U16 = (0, 0xFFFF)
_U32 = (0, 0xFFFFFFFF)
_SEQ = (1, SEQ_MAX)
_JOURNAL = "journal"
_SHA256 = "sha256"
_RANGES = "ranges"
_FIRMWARE = "firmware"

# One entry for each element after the name: (lowest, highest) of an integer, or the kind of text.
# The floor of an empty journal is head + 1, hence its upper bound.
_UP = {
    "hello": (_U16, _JOURNAL, (1, SEQ_MAX + 1), (0, SEQ_MAX), _U16, _U32, _FIRMWARE),
    "lost": (_JOURNAL, _SEQ, _SEQ),
    "time": (_U16, (0, TICKS_MAX)),
    "roster": (_U32, (0, ROSTER_ROWS_MAX)),
    "health": ((0, SEQ_MAX), (0, 15), _U32, _U32, (0, 1), _U32),
}
_DOWN = {
    "ack": (_JOURNAL, (0, SEQ_MAX), _RANGES),
    "want": (_JOURNAL, _RANGES),
    "time": (_U16, (0, TICKS_MAX), _U32, (0, 999)),
    "roster": (_U32, (0, ROSTER_ROWS_MAX), _SHA256),
}

_HEX = "0123456789abcdef"
_FIRMWARE_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_"

# CPython builds an encoder for each call with separators; one kept encoder halves the time.
if hasattr(json, "JSONEncoder"):
    _dumps = json.JSONEncoder(separators=(",", ":")).encode
else:

    def _dumps(o: object) -> str:
        return json.dumps(o, separators=(",", ":"))


def hello(
    journal: bytes, floor: int, head: int, boot: int, roster_version: int, firmware: str
) -> list:
    """Returns the first message of a connection: what the journal holds and who is speaking."""
    return [
        "hello",
        PROTOCOL_VERSION,
        bytes(journal).hex(),
        floor,
        head,
        boot,
        roster_version,
        firmware,
    ]


def lost(journal: bytes, first: int, last: int) -> list:
    """Returns the report that the journal will never again read `first`..`last`."""
    return ["lost", bytes(journal).hex(), first, last]


def time_request(boot: int, ticks_ms: int) -> list:
    """Returns the question for the hub's time, stamped with our own ticks (ms since boot)."""
    return ["time", boot, ticks_ms]


def roster_request(version: int, first_row: int) -> list:
    """Returns the question for the chunk of roster `version` that starts at `first_row`."""
    return ["roster", version, first_row]


def health(
    unsent: int, quality: int, roster_version: int, heap_free: int, reader_ok: int, uptime_s: int
) -> list:
    """Returns how the terminal is: records not acked, clock, roster, heap bytes, reader 0 or 1."""
    return ["health", unsent, quality, roster_version, heap_free, int(reader_ok), uptime_s]


def ack(journal: bytes, upto: int, ranges) -> list:
    """Returns the promise that `upto` and all before it, and `ranges`, are committed."""
    return ["ack", bytes(journal).hex(), upto, [[first, last] for first, last in ranges]]


def want(journal: bytes, ranges) -> list:
    """Returns the request to send `ranges` again."""
    return ["want", bytes(journal).hex(), [[first, last] for first, last in ranges]]


def time_answer(boot: int, ticks_ms: int, utc_s: int, utc_ms: int) -> list:
    """Returns the hub's UTC time (seconds since 1970 and ms) with the question's stamp echoed."""
    return ["time", boot, ticks_ms, utc_s, utc_ms]


def roster_offer(version: int, rows: int, sha256_hex: str) -> list:
    """Returns the news that roster `version` of `rows` rows is valid, with the table's SHA-256."""
    return ["roster", version, rows, sha256_hex]


def _all_in(text: object, characters: str) -> bool:
    return isinstance(text, str) and all(character in characters for character in text)


def _valid_ranges(ranges: object) -> bool:
    if not isinstance(ranges, list) or len(ranges) > RANGES_MAX:
        return False
    before = 0
    for pair in ranges:
        if not isinstance(pair, list) or len(pair) != 2:
            return False
        first, last = pair
        if type(first) is not int or type(last) is not int:
            return False
        if not before < first <= last <= SEQ_MAX:
            return False
        before = last
    return True


def _valid_element(value, rule) -> bool:
    if isinstance(rule, tuple):
        # type(), not isinstance(): True is an int in Python and `true` is no number here.
        return type(value) is int and rule[0] <= value <= rule[1]
    if rule == _RANGES:
        return _valid_ranges(value)
    if rule == _JOURNAL:
        return _all_in(value, _HEX) and len(value) == 2 * JOURNAL_SIZE
    if rule == _SHA256:
        return _all_in(value, _HEX) and len(value) == 64
    return _all_in(value, _FIRMWARE_CHARACTERS) and 1 <= len(value) <= FIRMWARE_MAX


def _problem(direction: str, fields: object) -> str:
    """Returns what is wrong with a message, in one word, or an empty string."""
    if not isinstance(fields, list) or not fields or not isinstance(fields[0], str):
        return "shape"
    name = fields[0]
    rules = (_UP if direction == "up" else _DOWN).get(name)
    if rules is None:
        return "name"
    # The version comes first: what follows it may look different in another version.
    if name == "hello" and len(fields) > 1 and fields[1] != PROTOCOL_VERSION:
        return "version"
    if len(fields) != len(rules) + 1:
        return "shape"
    for position in range(len(rules)):
        if not _valid_element(fields[position + 1], rules[position]):
            return "value"
    if name == "hello" and fields[3] > fields[4] + 1:
        return "value"
    if name == "lost" and fields[2] > fields[3]:
        return "value"
    if name == "ack" and fields[3] and fields[3][0][0] <= fields[2]:
        return "value"
    return ""


def encode_control(mac: Mac, direction: str, terminal: str, fields: list) -> bytes:
    """Returns the signed message; `decode_control` accepts every message this returns.

    Args:
        mac: the terminal's `Mac`.
        direction: ``"up"`` or ``"down"``.
        terminal: terminal id.
        fields: what one of the constructors above returned.

    Raises:
        LocalProtocolError: an element is out of range or has the wrong type, or the name does not
            go this way.
    """
    problem = _problem(direction, fields)
    if problem:
        raise LocalProtocolError(problem)
    body = _dumps(fields).encode()
    return body + mac.sign(context(direction, "control", terminal), body)


def decode_control(mac: Mac, direction: str, terminal: str, payload: bytes | bytearray) -> list:
    """Returns the fields of a genuine and valid message, as the constructors above build them.

    Args:
        mac: the `Mac` of the terminal the topic names.
        direction: ``"up"`` or ``"down"``, from the topic.
        terminal: terminal id from the topic.
        payload: what arrived, any length.

    Raises:
        MalformedError: too long or short, not JSON, unknown name, wrong count, type or range;
            code ``"version"`` when a hello speaks another protocol version.
        MacError: not signed with this key for this direction and terminal.
    """
    size = len(payload)
    if not MAC_SIZE < size <= CONTROL_MAX:
        raise MalformedError("length")
    body = payload[:-MAC_SIZE]
    if not mac.verify(context(direction, "control", terminal), body, payload[-MAC_SIZE:]):
        raise MacError("mac")
    try:
        fields = json.loads(bytes(body).decode())
    except (ValueError, RuntimeError):  # RuntimeError: CPython refuses lists nested 1,000 deep
        fields = None
    if fields is None:
        raise MalformedError("json")
    problem = _problem(direction, fields)
    if problem:
        raise MalformedError(problem)
    return fields
