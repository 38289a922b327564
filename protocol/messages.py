"""Control messages: a compact JSON list in UTF-8 followed by its 16-byte MAC.

The first element is the name; the others are listed below by position. A message is either valid in
every element or refused whole, so the code behind `decode_control` checks nothing again.

| up | elements after the name |
| --- | --- |
| hello | protocol version, journal id, floor, head, boot, roster version, firmware version |
| lost | journal id, first, last: the journal cannot read these any more |
| time | boot, ticks: asks the hub for its time |
| roster | version, first row: asks for a chunk |
| changes | version we have, version we want, first row: asks for a chunk of the difference |
| health | the numbers of HEALTH, in its order |
| crash | boot, first character, length of the whole, characters: a piece of a crash log |
| firmware | first 16 digits of the digest of a pack, offset: asks for a piece of it |

| down | elements after the name |
| --- | --- |
| ack | journal id, upto, ranges: every number <= upto is committed, and these beyond it |
| want | journal id, ranges: send these again |
| time | boot and ticks as asked, UTC seconds and milliseconds when the answer left |
| roster | version, rows, SHA-256 of the table: this roster is valid now |
| receipts | Brussels day, list of [badge tag, number]: the authority registered these people |
| passed | UTC seconds, list of [badge tag, direction]: taps at the other gates of the site |
| crash | boot, characters kept: the crash log of that start is kept up to there |
| firmware | version, size, digest, order: run this pack; of two orders the higher number is newer |

Ids, tags and hashes are lower-case hex; ranges are a list of [first, last], rising, at most
RANGES_MAX; the lists of receipts and passed have at most RECEIPTS_MAX pairs.
"""

import json

from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.limits import (
    CONTROL_MAX,
    CRASH_LOG_MAX,
    CRASH_TEXT_MAX,
    FIRMWARE_MAX,
    FIRMWARE_PACK_MAX,
    JOURNAL_SIZE,
    MAC_SIZE,
    PROTOCOL_VERSION,
    RANGES_MAX,
    RECEIPTS_MAX,
    ROSTER_ROWS_MAX,
    SEQ_MAX,
    TAG_SIZE,
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
_PREFIX = "prefix"
_CRASH = "crash"
_RECEIPTS = "receipts"
_PASSED = "passed"

HEALTH = (
    ("unsent", 0, SEQ_MAX),  # records the hub may not have
    ("clock_quality", 0, 15),  # QUALITY constant
    ("roster_version", 0, 0xFFFFFFFF),
    ("heap_free", 0, 0xFFFFFFFF),  # bytes
    ("reader_ok", 0, 1),
    ("uptime_s", 0, 0xFFFFFFFF),
    ("journal_used", 0, 100),  # percent of the room for taps
    ("flash_free", 0, 0xFFFFFFFF),  # bytes
    ("clock_step_ms", -0x7FFFFFFF, 0x7FFFFFFF),  # what the last answer of the hub corrected
    ("rssi", -128, 0),  # dBm, 0 when not known
    ("supply_mv", 0, 65535),  # 0 when not measured
    ("temperature", -500, 1500),  # tenths of a degree Celsius
    ("reset_cause", 0, 255),  # of this start: RESET_... constants
    ("reader_resets", 0, 0xFFFFFFFF),
    ("reader_errors", 0, 0xFFFFFFFF),  # answers of cards that were not whole
    ("reader_collisions", 0, 0xFFFFFFFF),  # several cards at once
    ("taps", 0, 0xFFFFFFFF),  # kept since start
    ("not_kept", 0, 0xFFFFFFFF),  # taps refused because they could not be kept
    ("faults", 0, 0xFFFFFFFF),  # fault records since start
    ("restarts", 0, 0xFFFFFFFF),  # parts that ended by an error and were started again
    ("radio_resets", 0, 0xFFFFFFFF),
    ("refused", 0, 0xFFFFFFFF),  # messages from outside that were not genuine or not valid
    ("slot", 0, 2),  # of the firmware that runs: 0 no slot, 1 a, 2 b
    ("alarms", 0, 0xFFFF),  # ALARM_... bits
    ("reader_lost", 0, 0xFFFFFFFF),  # times it was found dead or without its registers
    ("reader_version", 0, 255),  # of the chip: 0x91 and 0x92 are NXP's, others are clones
    ("unreadable", 0, 0xFFFFFFFF),  # badges without a number of their own
)
"""Name, lowest and highest of each number of a health message, in the order of the wire."""

RESET_POWER = 1
RESET_WATCHDOG = 2
RESET_SOFTWARE = 3

ALARM_TAMPER = 1
ALARM_FIRE = 2
ALARM_JOURNAL = 4  # four fifths full or more
ALARM_SUPPLY = 8
ALARM_SAFE_MODE = 16
ALARM_DISPLAY = 32
ALARM_CLOCK_CHIP = 64
ALARM_UPDATE_TRIAL = 128  # new firmware runs and is not confirmed yet

# One entry for each element after the name: (lowest, highest) of an integer, or the kind of text.
# The floor of an empty journal is head + 1, hence its upper bound.
_UP = {
    "hello": (_U16, _JOURNAL, (1, SEQ_MAX + 1), (0, SEQ_MAX), _U16, _U32, _FIRMWARE),
    "lost": (_JOURNAL, _SEQ, _SEQ),
    "time": (_U16, (0, TICKS_MAX)),
    "roster": (_U32, (0, ROSTER_ROWS_MAX)),
    "changes": (_U32, _U32, (0, ROSTER_ROWS_MAX)),
    "health": tuple([(lowest, highest) for _name, lowest, highest in HEALTH]),
    "crash": (_U16, (0, CRASH_LOG_MAX), (1, CRASH_LOG_MAX), _CRASH),
    "firmware": (_PREFIX, (0, FIRMWARE_PACK_MAX)),
}
_DOWN = {
    "ack": (_JOURNAL, (0, SEQ_MAX), _RANGES),
    "want": (_JOURNAL, _RANGES),
    "time": (_U16, (0, TICKS_MAX), _U32, (0, 999)),
    "roster": (_U32, (0, ROSTER_ROWS_MAX), _SHA256),
    "receipts": (_U16, _RECEIPTS),
    "passed": (_U32, _PASSED),
    "crash": (_U16, (1, CRASH_LOG_MAX)),
    "firmware": (_FIRMWARE, (1, FIRMWARE_PACK_MAX), _SHA256, (1, 0xFFFFFFFF)),
}

_HEX = "0123456789abcdef"
_DIGITS = "0123456789"
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


def changes_request(have: int, wanted: int, first_row: int) -> list:
    """Returns the question for the chunk of changes from roster `have` to `wanted`."""
    return ["changes", have, wanted, first_row]


def health(numbers: dict) -> list:
    """Returns how the terminal is.

    Args:
        numbers: by the names of HEALTH; what is absent is 0, what is out of range its nearest end,
            so that a gate in trouble can always say so.
    """
    said: list = ["health"]
    for name, lowest, highest in HEALTH:
        said.append(min(max(int(numbers.get(name, 0)), lowest), highest))
    return said


def crash(boot: int, first: int, length: int, text: str) -> list:
    """Returns a piece of the crash log of start `boot`: printable ASCII and line ends only."""
    return ["crash", boot, first, length, text]


def crash_kept(boot: int, upto: int) -> list:
    """Returns that the crash log of start `boot` is kept up to character `upto`."""
    return ["crash", boot, upto]


def receipts(day: int, numbers) -> list:
    """Returns news of registrations.

    Args:
        day: Brussels day they are for, in days since 2000-01-01.
        numbers: (badge tag, number as digits) pairs, at most RECEIPTS_MAX.
    """
    return ["receipts", day, [[bytes(tag).hex(), number] for tag, number in numbers]]


def passed(utc_s: int, taps) -> list:
    """Returns news of taps at the other gates: (badge tag, DIRECTION constant) pairs."""
    return ["passed", utc_s, [[bytes(tag).hex(), direction] for tag, direction in taps]]


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


def firmware_request(digest: bytes, offset: int) -> list:
    """Returns the question for the piece at `offset` of the pack with this digest."""
    return ["firmware", bytes(digest[:8]).hex(), offset]


def firmware_order(version: str, size: int, digest_hex: str, order: int) -> list:
    """Returns the order to run a pack.

    Args:
        version: of the firmware.
        size: bytes of the pack.
        digest_hex: of the pack, 64 hex digits.
        order: number of the order, 1..2**32 - 1; a terminal carries each out once, rising.
    """
    return ["firmware", version, size, digest_hex, order]


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


def _valid_pairs(pairs: object, rule: str) -> bool:
    if not isinstance(pairs, list) or not 1 <= len(pairs) <= RECEIPTS_MAX:
        return False
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            return False
        tag, value = pair
        if not _all_in(tag, _HEX) or len(tag) != 2 * TAG_SIZE:
            return False
        if rule == _PASSED:
            if type(value) is not int or not 1 <= value <= 2:
                return False
        elif not _all_in(value, _DIGITS) or not 1 <= len(value) <= 18:
            return False
    return True


def _valid_crash_text(text: object) -> bool:
    if not isinstance(text, str) or not 1 <= len(text) <= CRASH_TEXT_MAX:
        return False
    return all(" " <= character <= "~" or character == "\n" for character in text)


def _valid_element(value, rule) -> bool:
    if isinstance(rule, tuple):
        # type(), not isinstance(): True is an int in Python and `true` is no number here.
        return type(value) is int and rule[0] <= value <= rule[1]
    if rule == _RANGES:
        return _valid_ranges(value)
    if rule in (_RECEIPTS, _PASSED):
        return _valid_pairs(value, rule)
    if rule == _CRASH:
        return _valid_crash_text(value)
    if rule == _JOURNAL:
        return _all_in(value, _HEX) and len(value) == 2 * JOURNAL_SIZE
    if rule == _PREFIX:
        return _all_in(value, _HEX) and len(value) == 16
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
