"""A piece of a pack on its way to a terminal.

First 8 bytes of the pack's digest | offset u32 | length u16 | bytes | MAC 16, in the MAC context
down, "firmware", terminal. The whole is checked with the digest of the order.
"""

import struct

from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.limits import FIRMWARE_PACK_MAX, FIRMWARE_PIECE, FIRMWARE_PIECE_MAX, MAC_SIZE
from protocol.mac import Mac, context

_HEADER = "<8sIH"
_HEADER_SIZE = 14


def encode_piece(mac: Mac, terminal: str, digest: bytes, offset: int, data: bytes) -> bytes:
    """Returns the signed piece.

    Args:
        mac: the terminal's `Mac`.
        terminal: terminal id.
        digest: of the pack, its first 8 bytes or all.
        offset: of the piece in the pack, 0..FIRMWARE_PACK_MAX.
        data: 1..FIRMWARE_PIECE bytes.

    Raises:
        LocalProtocolError: a value is out of range.
    """
    if len(digest) < 8 or not 0 <= offset <= FIRMWARE_PACK_MAX:
        raise LocalProtocolError("range")
    if not 1 <= len(data) <= FIRMWARE_PIECE:
        raise LocalProtocolError("length")
    body = struct.pack(_HEADER, digest[:8], offset, len(data)) + data
    return body + mac.sign(context("down", "firmware", terminal), body)


def decode_piece(mac: Mac, terminal: str, payload: bytes | bytearray) -> tuple:
    """Returns (first 8 bytes of the digest, offset, data) of a genuine piece.

    Raises:
        MalformedError: too long or short, or its length does not fit.
        MacError: not signed with this key for this terminal.
    """
    size = len(payload)
    if not _HEADER_SIZE + MAC_SIZE < size <= FIRMWARE_PIECE_MAX:
        raise MalformedError("length")
    body = payload[:-MAC_SIZE]
    if not mac.verify(context("down", "firmware", terminal), body, payload[-MAC_SIZE:]):
        raise MacError("mac")
    digest, offset, length = struct.unpack_from(_HEADER, body)
    if length != size - _HEADER_SIZE - MAC_SIZE or offset > FIRMWARE_PACK_MAX:
        raise MalformedError("length")
    return bytes(digest), offset, bytes(body[_HEADER_SIZE:])
