"""A version of the firmware as one file: the pack that lies in a slot and travels to a gate.

| part | bytes |
| --- | --- |
| magic ``SGPK``, format 1, length of the version | 4 + 1 + 1 |
| size of the whole pack, size of head and table, number of files | 4 + 4 + 2 |
| version | 1..32, FIRMWARE_CHARACTERS |
| table, for each file: method, length of its name, offset, size, name | 1 + 1 + 4 + 4 + n |
| contents, each preceded by its SHA-256 | 32 + size |
| SHA-256 of all before: the digest, by which a pack is known everywhere | 32 |

All numbers are little-endian; an offset counts from the start of the pack and names the first byte
of the content. A file is either stored or deflated (RFC 1951, window of 1 KB). One file and not
many: LittleFS gives each above 512 bytes blocks of its own, and one name is replaced in one step.
"""

import struct
from hashlib import sha256

from protocol.errors import LocalProtocolError, MalformedError

MAGIC = b"SGPK"
PACK_MAX = 128 * 1024  # `limits.FIRMWARE_PACK_MAX`; alone here, for the loader takes this file only
"""Bytes of the largest pack."""
PACK_FILES_MAX = 160
PACK_NAME_MAX = 64
DIGEST_SIZE = 32

METHOD_STORED = 0
METHOD_DEFLATE = 1
WINDOW_BITS = 10

_HEAD = "<4sBBIIH"
_HEAD_SIZE = 16
_ENTRY = "<BBII"
_ENTRY_SIZE = 10
_TABLE_MAX = _HEAD_SIZE + 32 + PACK_FILES_MAX * (_ENTRY_SIZE + PACK_NAME_MAX)
_STEP = 512


class PackHead:
    """Head and table of a pack, checked: every file lies inside it, in the order of the table.

    Attributes: version, size (bytes of the whole pack), files (name -> (offset, size, method)).
    """

    __slots__ = ("files", "size", "version")

    def __init__(self, version: str, size: int, files: dict) -> None:
        self.version = version
        self.size = size
        self.files = files


def encode_pack(version: str, files) -> bytes:
    """Returns the pack; the same arguments give the same bytes.

    Args:
        version: of the firmware, 1..32 of a-z A-Z 0-9 . + - _.
        files: list of (name, METHOD constant, content as it shall be stored); names are unique
            relative paths of 1..64 printable ASCII characters.

    Raises:
        LocalProtocolError: a name or the version is no such text, or the pack would be too large.
    """
    table_size = _HEAD_SIZE + len(version)
    names = set()
    for name, _method, _content in files:
        if not _plain(name, PACK_NAME_MAX) or name in names or name[0] == "/":
            raise LocalProtocolError("name")
        names.add(name)
        table_size += _ENTRY_SIZE + len(name)
    if not _plain(version, 32):
        raise LocalProtocolError("version")
    table = []
    contents = []
    at = table_size
    for name, method, content in files:
        at += DIGEST_SIZE
        table.append(struct.pack(_ENTRY, method, len(name), at, len(content)) + name.encode())
        contents.append(sha256(content).digest() + content)
        at += len(content)
    size = at + DIGEST_SIZE
    if size > PACK_MAX or not 1 <= len(table) <= PACK_FILES_MAX:
        raise LocalProtocolError("size")
    head = struct.pack(_HEAD, MAGIC, 1, len(version), size, table_size, len(table))
    body = head + version.encode() + b"".join(table) + b"".join(contents)
    return body + sha256(body).digest()


def read_head(stream) -> PackHead:
    """Reads head and table from the start of a pack.

    Args:
        stream: an open file at the start of the pack; left behind the table.

    Raises:
        MalformedError: this is no pack of this format, or its table names what cannot be.
    """
    head = stream.read(_HEAD_SIZE)
    if len(head) != _HEAD_SIZE:
        raise MalformedError("length")
    magic, form, version_size, size, table_size, count = struct.unpack(_HEAD, head)
    if magic != MAGIC or form != 1:
        raise MalformedError("format")
    if not (size <= PACK_MAX and table_size <= _TABLE_MAX and 1 <= count <= PACK_FILES_MAX):
        raise MalformedError("size")
    table = stream.read(table_size - _HEAD_SIZE)
    if table_size < _HEAD_SIZE or len(table) != table_size - _HEAD_SIZE:
        raise MalformedError("length")
    version = _text(table[:version_size], 32)
    at = version_size
    end = table_size
    files = {}
    for _ in range(count):
        if at + _ENTRY_SIZE > len(table):
            raise MalformedError("table")
        method, name_size, offset, length = struct.unpack_from(_ENTRY, table, at)
        at += _ENTRY_SIZE
        name = _text(table[at : at + name_size], PACK_NAME_MAX)
        at += name_size
        if method > METHOD_DEFLATE or offset != end + DIGEST_SIZE or name in files:
            raise MalformedError("table")
        end = offset + length
        files[name] = (offset, length, method)
    if at != len(table) or end + DIGEST_SIZE != size or len(files) != count:
        raise MalformedError("table")
    return PackHead(version, size, files)


def read_content(stream, entry: tuple) -> bytes:
    """Returns a file as it is stored, after its SHA-256 was found right.

    Args:
        stream: an open pack.
        entry: its value in `PackHead.files`.

    Raises:
        MalformedError: the content is not what was packed.
    """
    offset, size, _method = entry
    stream.seek(offset - DIGEST_SIZE)
    digest = stream.read(DIGEST_SIZE)
    content = stream.read(size)
    if len(content) != size or sha256(content).digest() != digest:
        raise MalformedError("content")
    return content


def pack_digest(stream) -> bytes:
    """Returns the digest of the pack in an open file that starts at its first byte.

    Raises:
        MalformedError: it is no whole pack, or its digest does not fit.
    """
    stream.seek(0)
    size = read_head(stream).size
    stream.seek(0)
    whole = sha256()
    left = size - DIGEST_SIZE
    while left:
        part = stream.read(min(left, _STEP))
        if not part:
            raise MalformedError("length")
        whole.update(part)
        left -= len(part)
    digest = stream.read(DIGEST_SIZE)
    if digest != whole.digest() or stream.read(1):
        raise MalformedError("digest")
    return digest


def _plain(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and all("!" <= character <= "~" for character in text)


def _text(data: bytes, most: int) -> str:
    for byte in data:
        if not 0x21 <= byte <= 0x7E:
            raise MalformedError("text")
    if not 1 <= len(data) <= most:
        raise MalformedError("text")
    return data.decode()
