"""The USB cable: bytes in and out of the serial port that MicroPython has for its prompt.

The stock image offers one serial port over USB (CDC), and it is `sys.stdin` and `sys.stdout`; what
the firmware prints goes there as well. Nothing here waits, with one exception: on the RP2040 a
write of more bytes than its buffer has room for waits up to 500 ms (MICROPY_HW_USB_CDC_TX_TIMEOUT)
when a host holds the port open and does not read. One byte always fits when `poll` says that there
is room, so a link that does not know whether its host reads writes byte by byte.
"""

import select
import sys

import micropython

CTRL_C = 3
_NONE = -1


class Usb:
    """The port, shared with whoever prints."""

    def __init__(self) -> None:
        # The `buffer` of both carries bytes as they are; the texts above change line ends.
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._readable = select.poll()
        self._readable.register(self._in, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._out, select.POLLOUT)

    def take(self) -> None:
        """A byte 03 is from now on a byte, and no Ctrl-C that ends the firmware."""
        micropython.kbd_intr(_NONE)

    def give_back(self) -> None:
        """Ctrl-C interrupts again; for the prompt."""
        micropython.kbd_intr(CTRL_C)

    def read(self, most: int) -> bytes:
        """Returns what has come, at most `most` bytes; nothing behind a byte 03.

        What follows a Ctrl-C is for the prompt, so it stays in the port.
        """
        data = bytearray()
        while len(data) < most and self._ready(self._readable, select.POLLIN):
            # One by one: on the board, reading more than has come waits for the rest.
            byte = self._in.read(1)
            if not byte:
                break  # the other end is gone
            data.extend(byte)
            if byte[0] == CTRL_C:
                break
        return bytes(data)

    def write(self, data) -> int:
        """Returns how many bytes of `data` the port took; 0 when it has no room now."""
        if not self._ready(self._writable, select.POLLOUT):
            return 0
        return self._out.write(data) or 0

    def _ready(self, poller, wanted: int) -> bool:
        events = poller.poll(0)
        return bool(events) and bool(events[0][1] & wanted)
