"""The identity card in a PC/SC reader of this machine: its identity file, and no other.

    connect -> SELECT the application -> SELECT 3F00 DF01 4031 -> READ BINARY, block after block

Commands and answers are ISO/IEC 7816-4, as the government's own readers send them
(github.com/Fedict/eid-mw; commons-eid, `BeIDCard`): the Belgian PKCS#15 application by its name
A000000177504B43532D3135, the file by its path (00 A4 08 0C), then 00 B0 with the offset in P1 P2.
Status words: 9000 done; 61xx there is more, 00 C0 fetches it; 6Cxx ask for xx bytes; 6B00 the
offset is behind the end; 6282 the end came first; 6A82 and others: no such file, so no eID.

`pyscard` is an extra of the install (it is built against this machine's PC/SC library) and is
imported when the first card is read. Its lowest layer is used: the one above keeps threads and one
connection to the service for ever, which does not survive a restart of the service.

No number, name or byte of a card is in an error or a log of this module.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from hub.domain.identity_file import FILE_MAX
from hub.errors import PermanentError, RemoteProtocolError, TransientError

APPLICATION: Final = bytes.fromhex("A000000177504B43532D3135")
IDENTITY_PATH: Final = bytes.fromhex("3F00DF014031")
BLOCK: Final = 0xF0
"""Bytes asked for at once; some readers take at most 252 in one answer (`eid-mw`)."""
SLICE_S: Final = 0.5
"""How long one wait for a card lasts before we look whether the hub stops."""

_MORE_MAX: Final = 4
# Results of PC/SC by name, as far as they tell the person something to do; any other result while
# the card is spoken to means that the contact was lost.
_SERVICE: Final = (
    "SCARD_E_NO_SERVICE",
    "SCARD_E_SERVICE_STOPPED",
    "SCARD_E_INVALID_HANDLE",
    "SCARD_E_SERVER_TOO_BUSY",
    "SCARD_F_COMM_ERROR",
    "SCARD_W_SECURITY_VIOLATION",
)
_READER: Final = ("SCARD_E_NO_READERS_AVAILABLE", "SCARD_E_UNKNOWN_READER")
_MUTE: Final = ("SCARD_W_UNRESPONSIVE_CARD", "SCARD_W_UNSUPPORTED_CARD", "SCARD_E_PROTO_MISMATCH")


class CardReader:
    """The readers of this machine (`hub.application.card_reading.IdentityReader`).

    One read at a time; a second one is refused at once and does not wait behind the first.
    """

    def __init__(self) -> None:
        self._using = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """Ends a wait for a card within `SLICE_S`, and all later ones at once."""
        self._closed.set()

    def identity_file(self, wait_s: float) -> bytes:
        """Returns the identity file, at most `FILE_MAX` bytes.

        Args:
            wait_s: seconds to wait for a card, 0 or more.

        Raises:
            SitegateError: HUB-1690 to HUB-1697, see `IdentityReader`.
        """
        if not self._using.acquire(blocking=False):
            raise TransientError("HUB-1697")
        try:
            with _service(_library()) as service:
                name = self._wait(service, wait_s)
                with service.card(name) as card:
                    return _identity_file(card)
        finally:
            self._using.release()

    def _wait(self, service: _Service, wait_s: float) -> str:
        """Returns the name of the first reader that has a card."""
        until = time.monotonic() + wait_s
        while True:
            left = until - time.monotonic()
            last = left <= 0 or self._closed.is_set()
            name = service.reader_with_card(0 if last else min(left, SLICE_S))
            if name is not None:
                return name
            if last:
                raise TransientError("HUB-1693", seconds=round(wait_s))


class _Service:
    """One connection to the smart card service."""

    def __init__(self, library: Any, context: int) -> None:
        self._library = library
        self._context = context
        self._seen: dict[str, int] = {}

    def reader_with_card(self, wait_s: float) -> str | None:
        """Returns a reader with a card; else waits for a change and looks once more."""
        lib = self._library
        result, names = lib.SCardListReaders(self._context, [])
        _check(lib, result)
        if not names:
            raise TransientError("HUB-1692")
        states = [(name, self._seen.get(name, lib.SCARD_STATE_UNAWARE)) for name in names]
        result, states = lib.SCardGetStatusChange(self._context, round(wait_s * 1000), states)
        if result != lib.SCARD_E_TIMEOUT:
            _check(lib, result)
        self._seen = {name: state & ~lib.SCARD_STATE_CHANGED for name, state, _ in states}
        for name, state, _ in states:
            if state & lib.SCARD_STATE_PRESENT:
                return name
        return None

    @contextlib.contextmanager
    def card(self, name: str) -> Iterator[_Card]:
        """The card in this reader, with nobody else in between."""
        lib = self._library
        result, handle, protocol = lib.SCardConnect(
            self._context,
            name,
            lib.SCARD_SHARE_SHARED,
            lib.SCARD_PROTOCOL_T0 | lib.SCARD_PROTOCOL_T1,
        )
        _check(lib, result)
        try:
            _check(lib, lib.SCardBeginTransaction(handle))
            yield _Card(lib, handle, protocol)
        finally:
            # Left as it is: the service powers it down by itself. A reset that fails, because the
            # card is gone, makes the service overlook the next one if it follows at once.
            lib.SCardDisconnect(handle, lib.SCARD_LEAVE_CARD)


class _Card:
    """A card that is spoken to."""

    def __init__(self, library: Any, handle: int, protocol: int) -> None:
        self._library = library
        self._handle = handle
        self._header = (
            library.SCARD_PCI_T0 if protocol == library.SCARD_PROTOCOL_T0 else library.SCARD_PCI_T1
        )

    def ask(self, command: bytes) -> tuple[int, bytes]:
        """Returns (status word, data) of one command."""
        lib = self._library
        result, answer = lib.SCardTransmit(self._handle, self._header, list(command))
        _check(lib, result)
        if not answer:
            # Nothing at all is what some drivers make of a card that was taken out meanwhile.
            raise TransientError("HUB-1694")
        if not 2 <= len(answer) <= 256 + 2:
            raise RemoteProtocolError("HUB-1696", part="answer")
        data = bytes(byte & 0xFF for byte in answer)
        return int.from_bytes(data[-2:], "big"), data[:-2]


def _identity_file(card: _Card) -> bytes:
    for select in (b"\x04\x0c" + _counted(APPLICATION), b"\x08\x0c" + _counted(IDENTITY_PATH)):
        status, _ = card.ask(b"\x00\xa4" + select)
        if status != 0x9000 and status >> 8 != 0x61:
            raise RemoteProtocolError("HUB-1695")
    content = b""
    while len(content) <= FILE_MAX:
        status, data = _block(card, len(content))
        content += data
        # Behind the end of the file: no data, or a warning with the last of them.
        if status in (0x6B00, 0x6282) or (status == 0x9000 and not data):
            return content
        if status != 0x9000:
            raise RemoteProtocolError("HUB-1696", part="answer")
        if len(data) < BLOCK:
            return content
    raise RemoteProtocolError("HUB-1696", part="length")


def _block(card: _Card, offset: int) -> tuple[int, bytes]:
    """Returns (status word, data) of one block, whatever way the card hands it over."""
    command = b"\x00\xb0" + offset.to_bytes(2, "big")
    status, data = card.ask(command + bytes([BLOCK]))
    if status >> 8 == 0x6C:
        wanted = status & 0xFF
        status, data = card.ask(command + bytes([wanted]))
        # It has told how much there is: a block that is shorter than ours is the last.
    for _ in range(_MORE_MAX):
        if status >> 8 != 0x61:
            break
        status, more = card.ask(b"\x00\xc0\x00\x00" + bytes([status & 0xFF]))
        data += more
    if len(data) > BLOCK:
        raise RemoteProtocolError("HUB-1696", part="answer")
    return status, data


def _counted(value: bytes) -> bytes:
    return bytes([len(value)]) + value


def _library() -> Any:
    try:
        return importlib.import_module("smartcard.scard")
    except ImportError:
        raise PermanentError("HUB-1690") from None


@contextlib.contextmanager
def _service(library: Any) -> Iterator[_Service]:
    result, context = library.SCardEstablishContext(library.SCARD_SCOPE_USER)
    _check(library, result)
    try:
        yield _Service(library, context)
    finally:
        library.SCardReleaseContext(context)


def _check(library: Any, result: int) -> None:
    """Raises what a result of PC/SC means for the person at the reader; nothing for success."""
    if result == library.SCARD_S_SUCCESS:
        return
    # Which of the names this build of the library knows differs by its version.
    kinds = {getattr(library, name, None): "HUB-1691" for name in _SERVICE}
    kinds |= {getattr(library, name, None): "HUB-1692" for name in _READER}
    kinds |= {getattr(library, "SCARD_E_SHARING_VIOLATION", None): "HUB-1697"}
    if result in {getattr(library, name, None) for name in _MUTE}:
        raise RemoteProtocolError("HUB-1695")
    raise TransientError(kinds.get(result, "HUB-1694"))
