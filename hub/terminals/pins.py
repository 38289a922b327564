"""An MFRC522 wired to the hub's own pins (a Raspberry Pi), as a reader for linking badges.

Theory of operation. One thread asks the chip a few times a second for a card and passes each on
once while it lies there. The library `mfrc522` (extra `pi`) moves the bytes; it knows one cascade
level only and would cut a UID of seven or ten bytes to 88 and three bytes, so the levels are walked
through here (ISO/IEC 14443-3, 6.5). What goes wrong is kept as the reason why there is no reader,
and tried again after RETRY_S: a wire that was put back needs no restart.

Only the hub's own process touches the chip, and a UID leaves this module to `read` alone.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from hub.domain.identifiers import BadgeUid, IdentifierError, parse_badge_uid
from hub.errors import PermanentError, SitegateError

LOOK_S: Final = 0.2
RETRY_S: Final = 10.0
GONE_LOOKS: Final = 3
"""Looks without a card after which the same one counts again."""
LIBRARY: Final = "mfrc522"
_LEVELS: Final = (0x93, 0x95, 0x97)
_CASCADE_TAG: Final = 0x88
_ALIVE: Final = range(0x01, 0xFF)
"""Version register of a chip that answers; a bus without one reads all zeros or all ones."""

log = structlog.get_logger()


def open_chip() -> Any:
    """Returns the library's chip, set up and answering.

    Raises:
        PermanentError: HUB-1687 the library is not there, HUB-1688 SPI or the chip is not.
    """
    try:
        library = importlib.import_module(LIBRARY)
    except ImportError as error:
        raise PermanentError("HUB-1687", library=error.name or LIBRARY) from None
    try:
        chip = library.MFRC522()
        version = chip.Read_MFRC522(chip.VersionReg)
    except (OSError, RuntimeError) as error:
        # RPi.GPIO says RuntimeError on a machine without such pins.
        raise PermanentError("HUB-1688", reason=_reason(error)) from None
    if version not in _ALIVE:
        raise PermanentError("HUB-1688", reason=f"version {version:#04x}")
    return chip


def read_uid(chip: Any) -> BadgeUid | None:
    """Returns the card at the chip; None for none, several, or one that was taken away.

    Raises:
        IdentifierError: IMP-3403, a card whose number is another each time.
    """
    # All, not only the idle ones: a card that was read before is asked again.
    status, _ = chip.MFRC522_Request(chip.PICC_REQALL)
    if status != chip.MI_OK:
        return None
    uid: list[int] = []
    for level in _LEVELS:
        part = _anticollision(chip, level)
        if part is None:
            return None
        whole = part[0] != _CASCADE_TAG
        uid += part[0:4] if whole else part[1:4]
        if not _select(chip, level, part):
            return None
        if whole:
            return parse_badge_uid(bytes(uid).hex())
    return None


def _anticollision(chip: Any, level: int) -> list[int] | None:
    chip.Write_MFRC522(chip.BitFramingReg, 0)
    status, answer, bits = chip.MFRC522_ToCard(chip.PCD_TRANSCEIVE, [level, 0x20])
    if status != chip.MI_OK or bits != 40:
        return None
    check = answer[0] ^ answer[1] ^ answer[2] ^ answer[3]
    return list(answer) if check == answer[4] else None


def _select(chip: Any, level: int, part: list[int]) -> bool:
    command = [level, 0x70, *part]
    status, _, bits = chip.MFRC522_ToCard(
        chip.PCD_TRANSCEIVE, [*command, *chip.CalulateCRC(command)]
    )
    return bool(status == chip.MI_OK and bits == 24)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0][:120]


class PinReader:
    """The reader on the hub's pins; `start` and `stop` once each.

    Args:
        read: called in its thread with each card that is laid on it; must not block or raise.
        chip: opens the chip.
        look_s: seconds between two looks.
        retry_s: seconds until a chip that does not answer is tried again.
    """

    def __init__(
        self,
        read: Callable[[BadgeUid], None],
        chip: Callable[[], Any] = open_chip,
        look_s: float = LOOK_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._read = read
        self._open = chip
        self._look_s = look_s
        self._retry_s = retry_s
        self._stopping = threading.Event()
        self._trouble: SitegateError | None = None
        self._thread = threading.Thread(target=self._run, name="pins", daemon=True)
        self._last: BadgeUid | None = None
        self._empty = 0

    def start(self) -> None:
        """Starts to look; what is wrong with the reader never stops the hub."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and gives the pins back."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def trouble(self) -> SitegateError | None:
        """Returns why there is no reader; None while it works."""
        return self._trouble

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                chip = self._open()
            except SitegateError as error:
                self._told(error)
                self._stopping.wait(self._retry_s)
                continue
            self._told(None)
            try:
                self._serve(chip)
            except (OSError, RuntimeError) as error:
                self._told(PermanentError("HUB-1688", reason=_reason(error)))
                self._stopping.wait(self._retry_s)
            finally:
                chip.Close_MFRC522()

    def _serve(self, chip: Any) -> None:
        """Looks for cards until the end, or until the chip answers no more."""
        while not self._stopping.wait(self._look_s):
            if chip.Read_MFRC522(chip.VersionReg) not in _ALIVE:
                raise OSError("no answer")
            self.look(chip)

    def look(self, chip: Any) -> None:
        """Looks once; a card that stays there is passed on once."""
        try:
            uid = read_uid(chip)
        except IdentifierError:
            return  # another number each time: no badge
        if uid is None:
            self._empty += 1
            if self._empty >= GONE_LOOKS:
                self._last = None
            return
        self._empty = 0
        if uid != self._last:
            self._last = uid
            self._read(uid)

    def _told(self, error: SitegateError | None) -> None:
        before = None if self._trouble is None else str(self._trouble)
        self._trouble = error
        if error is not None and str(error) != before:
            log.warning("reader on the pins", code=error.code, **error.extra)
