"""A Pico with stock MicroPython on a USB port, to be written as a gate's flash; see `flashing`.

mpremote's own machinery does the talking: raw REPL, its file functions, its hashing on the board.
What is added here is what it leaves open: typed errors, a check of what kind of board answers, and
an end to everything that waits. A firmware that is at work is ended by Ctrl-C, or by a frame of the
serial protocol where it speaks with a hub over this very cable; it then restarts the board at its
prompt, so that the port vanishes and comes back (docs/protocol.md, "The line and the prompt").
"""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from hub.errors import PermanentError, SitegateError, TransientError
from hub.terminals.flashing import BLOCK
from protocol.frames import CONSOLE, FRAME_CONSOLE, encode_frame

T = TypeVar("T")

ANSWER_S = 5.0
"""A board is given so long for one byte; erasing a sector takes 0.4 s at the worst."""
RAW_REPL_S = 6
ATTEMPTS = 3
"""One that Ctrl-C or the frame turns into a restart, one that the restart breaks off, one more."""
RESTART_S = 1.0
RETURN_S = 15.0
"""A board that restarts is gone from USB for a second or two."""
CHUNK = 1024
VERSION_LEAST = (1, 28)
MPY_VERSION = 6
PLATFORM = "rp2"
DIRECTORY = 0x4000

# The watchdog of a firmware that ran before cannot be stopped by MicroPython, and would cut the
# writing off after 8 s. Bit 30 of its control register pauses it; 0x3000 on is the alias that
# clears bits (RP2040 datasheet, 2.1.2 and 4.7.6). The restart at the end sets it up anew.
PAUSE_WATCHDOG = """
import sys
if sys.platform == 'rp2' and 'RP2040' in sys.implementation._machine:
    import machine
    machine.mem32[0x40058000 + 0x3000] = 1 << 30
"""
ASK = """
import os, sys
try:
    import network
    w = hasattr(network, 'WLAN')
except ImportError:
    w = False
i = sys.implementation
print(repr((i.name, sys.platform, i.version[0], i.version[1], i._mpy & 255, w)))
"""
RESTART = """
import machine
machine.reset()
"""


class SerialPlace:
    """The flash of the board on a port; `close` when done.

    Args:
        port: name of the serial device.
        wants_wifi: the settings need a board with Wi-Fi.

    Raises:
        TransientError: HUB-1240 no such port, HUB-1241 it is in use, HUB-1242 what is there does
            not answer as MicroPython, HUB-1246 the board went away.
        PermanentError: HUB-1243 it is not a board or a MicroPython that this firmware runs on.
    """

    def __init__(self, port: str, wants_wifi: bool) -> None:
        self._port = port
        self._transport = self._open()
        self.board = ""
        try:
            self._enter()
            self._check(wants_wifi)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Gives the port free."""
        with contextlib.suppress(OSError, serial.SerialException):
            self._transport.close()

    # ------------------------------------------------------------ place

    def files(self) -> dict[str, int]:
        """Returns size in bytes by path of every file."""
        found: dict[str, int] = {}
        folders = [""]
        while folders:
            folder = folders.pop()
            listed = self._ask(lambda board, folder=folder: board.fs_listdir("/" + folder))
            for entry in listed:
                path = f"{folder}/{entry.name}".lstrip("/")
                if entry.st_mode & DIRECTORY:
                    folders.append(path)
                else:
                    found[path] = entry.st_size
        return found

    def read(self, path: str) -> bytes:
        """Returns the content of a file."""
        return bytes(self._ask(lambda board: board.fs_readfile("/" + path, CHUNK)))

    def sha256(self, path: str) -> bytes:
        """Returns the digest that the board works out of what is stored."""
        return self._ask(lambda board: board.fs_hashfile("/" + path, "sha256", CHUNK))

    def write(self, path: str, content: bytes) -> None:
        """Writes a file; closed, it survives a power cut."""
        self._ask(lambda board: board.fs_writefile("/" + path, content, CHUNK))

    def rename(self, old: str, new: str) -> None:
        """Replaces `new` by `old` in one step."""
        self._ask(lambda board: board.exec(f"import os\nos.rename({'/' + old!r}, {'/' + new!r})"))

    def remove(self, path: str) -> None:
        """Removes a file."""
        self._ask(lambda board: board.fs_rmfile("/" + path))

    def free(self) -> int:
        """Returns how many bytes are free."""
        status = self._ask(lambda board: board.eval("tuple(__import__('os').statvfs('/'))"))
        return int(status[0]) * int(status[3]) if status[0] else BLOCK

    def finish(self) -> None:
        """Restarts the board, which then runs what was written.

        The port may be gone before the board has said that it heard.
        """
        with contextlib.suppress(TransientError), _typed(self._port), _quiet():
            self._transport.exec_raw_no_follow(RESTART)

    def abandon(self) -> None:
        """Restarts a board that was not changed, so that a gate goes on working."""
        with contextlib.suppress(SitegateError):
            self.finish()

    # ------------------------------------------------------------ board

    def _open(self) -> SerialTransport:
        # mpremote tells "cannot be accessed" for every reason; the port itself says which.
        if not self._port.startswith(("socket://", "rfc2217://", "loop://")):
            if not Path(self._port).exists():
                raise TransientError("HUB-1240", port=self._port, reason="ENOENT")
        try:
            with serial.serial_for_url(self._port, exclusive=True, timeout=ANSWER_S):
                pass
        except (OSError, ValueError) as error:
            code = getattr(error, "errno", None)
            busy = code in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
            if busy or "exclusively lock" in str(error):
                raise TransientError("HUB-1241", port=self._port) from None
            reason = errno.errorcode.get(code or 0, type(error).__name__)
            raise TransientError("HUB-1240", port=self._port, reason=reason) from None
        try:
            return SerialTransport(self._port, timeout=ANSWER_S)
        except (OSError, TransportError):
            raise TransientError("HUB-1241", port=self._port) from None

    def _enter(self) -> None:
        for _ in range(ATTEMPTS):
            if self._enter_raw_repl():
                self._ask(lambda board: board.exec(PAUSE_WATCHDOG))
                return
            with contextlib.suppress(OSError):
                self._transport.serial.write(encode_frame(FRAME_CONSOLE, CONSOLE))
            # Before the board comes back: held open, the port would return under another name.
            self.close()
            self._reopen()
        raise TransientError("HUB-1242", port=self._port)

    def _enter_raw_repl(self) -> bool:
        if isinstance(self._transport.serial, serial.SerialBase):
            self._transport.serial.write_timeout = ANSWER_S
        try:
            with _quiet():
                self._transport.enter_raw_repl(soft_reset=True, timeout_overall=RAW_REPL_S)
        except (TransportError, OSError):
            return False
        return True

    def _reopen(self) -> None:
        """Waits for a port that may be about to vanish, and opens it anew."""
        deadline = time.monotonic() + RETURN_S
        while True:
            time.sleep(RESTART_S)
            try:
                self._transport = self._open()
                return
            except TransientError:
                if time.monotonic() > deadline:
                    raise

    def _check(self, wants_wifi: bool) -> None:
        found = self._ask(lambda board: board.exec(ASK)).decode("utf-8", "replace").strip()
        try:
            name, platform, major, minor, mpy, wifi = _parsed(found)
        except ValueError:
            raise TransientError("HUB-1242", port=self._port) from None
        self.board = f"{name} {major}.{minor} {platform}"
        reason = ""
        if name != "micropython" or platform != PLATFORM:
            reason = f"{name} {platform}"
        elif (major, minor) < VERSION_LEAST or mpy != MPY_VERSION:
            reason = f"MicroPython {major}.{minor}"
        elif wants_wifi and not wifi:
            reason = "no Wi-Fi"
        if reason:
            self.abandon()
            raise PermanentError("HUB-1243", found=reason)

    def _ask(self, question: Callable[[SerialTransport], T]) -> T:
        with _typed(self._port), _quiet():
            return question(self._transport)


def _parsed(text: str) -> tuple[str, str, int, int, int, bool]:
    value: Any = ast.literal_eval(text)
    if not isinstance(value, tuple) or len(value) != 6:
        raise ValueError(text)
    return value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """mpremote prints what it did not understand; on our output there are only our own words."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@contextlib.contextmanager
def _typed(port: str) -> Iterator[None]:
    """Turns what mpremote and the port raise into errors of ours."""
    try:
        yield
    except OSError as error:
        # An error of the board's file system, in mpremote's translation; or the port's own.
        if isinstance(error, serial.SerialException) or error.errno in (None, errno.EIO):
            raise TransientError("HUB-1246", port=port) from None
        if error.errno == errno.ENOSPC:
            raise PermanentError("HUB-1244", needed="?", free=0) from None
        reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
        raise PermanentError("HUB-1248", file=port, reason=reason) from None
    except TransportExecError as error:
        last = error.error_output.strip().splitlines()[-1:] or ["?"]
        raise PermanentError("HUB-1248", file=port, reason=last[0][:80]) from None
    except (TransportError, struct.error, ValueError, SyntaxError, IndexError):
        # Half an answer, or none: the cable.
        raise TransientError("HUB-1246", port=port) from None
