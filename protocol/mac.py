"""Message authentication: HMAC-SHA-256 (RFC 2104) cut to 128 bits, one key per terminal.

Every MAC covers a context first: protocol version, direction, topic leaf and terminal. So bytes
that are genuine in one place are worthless in any other, also under the same key.
"""

from hashlib import sha256

from protocol.errors import LocalProtocolError
from protocol.limits import KEY_SIZE, MAC_SIZE, TAG_SIZE


def _starting_with(block: bytes):
    """Returns a function that gives a new SHA-256 which has taken in `block` already.

    Both halves of an HMAC start with one 64-byte block that depends on the key alone. CPython
    copies the state behind it; MicroPython has no copy() and hashes the block each time.
    """
    copy = getattr(sha256(block), "copy", None)
    return copy if copy is not None else lambda: sha256(block)


class Mac:
    """Signs and verifies with one key; the key itself is not kept and never shown.

    Args:
        key: exactly 32 bytes.

    Raises:
        LocalProtocolError: the key has another length.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise LocalProtocolError("key")
        self._inner = _starting_with(bytes(b ^ 0x36 for b in key) + b"\x36" * 32)
        self._outer = _starting_with(bytes(b ^ 0x5C for b in key) + b"\x5c" * 32)

    def sign(self, context: bytes, payload: bytes | bytearray) -> bytes:
        """Returns the 16-byte MAC of `context` followed by `payload`.

        Args:
            context: from `context`; ends with NUL, so that it cannot run into the payload.
            payload: the exact bytes in front of the MAC on the wire.
        """
        inner = self._inner()
        inner.update(context + payload)
        outer = self._outer()
        outer.update(inner.digest())
        return outer.digest()[:MAC_SIZE]

    def verify(self, context: bytes, payload: bytes | bytearray, mac: bytes | bytearray) -> bool:
        """Returns whether `mac` is the MAC of `context` and `payload`, in constant time."""
        if len(mac) != MAC_SIZE:
            return False
        # One XOR over all 128 bits: the time does not tell how many leading bytes agree.
        ours = int.from_bytes(self.sign(context, payload), "big")
        return ours ^ int.from_bytes(mac, "big") == 0


def context(direction: str, leaf: str, terminal: str) -> bytes:
    """Returns what a MAC covers in front of the payload.

    Args:
        direction: ``"up"`` (terminal to hub) or ``"down"``.
        leaf: ``"batch"``, ``"control"``, ``"roster"`` or ``"changes"``.
        terminal: terminal id, 1..24 of a-z 0-9 and hyphen.
    """
    return f"sitegate/1 {direction} {leaf} {terminal}\0".encode()


def badge_tag(badge_key: bytes, uid: bytes | bytearray) -> bytes:
    """Returns the 8-byte name of a badge outside the reader; it cannot be turned into the UID.

    Args:
        badge_key: the organisation's 32-byte badge key.
        uid: 4, 7 or 10 bytes (ISO 14443-3 single, double, triple size).

    Raises:
        LocalProtocolError: another length of key or UID.
    """
    if len(uid) not in (4, 7, 10):
        raise LocalProtocolError("uid")
    return Mac(badge_key).sign(b"", uid)[:TAG_SIZE]


def broker_password(key: bytes) -> str:
    """Returns the MQTT password of the terminal with this key: 32 hex digits, useless as a key."""
    return Mac(key).sign(b"sitegate/1 broker password", b"").hex()
