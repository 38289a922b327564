"""The timer unit of the MFRC522: a 16-bit down counter (data sheet 8.5).

It counts at 13.56 MHz / (2 * TPrescaler + 1), or + 2 with TPrescalEven, from TReload down to zero.
Nothing runs in the background: `settle` works out what the elapsed time has brought about.
Runs on CPython and on MicroPython.
"""

T_MODE = 0x2A
T_PRESCALER = 0x2B
T_RELOAD_H = 0x2C
T_RELOAD_L = 0x2D
_DEMOD = 0x19

T_AUTO = 0x80
_T_AUTO_RESTART = 0x10


class Timer:
    """One timer over the register file it is set by.

    Args:
        regs: bytearray of the chip's registers; read at each use.
    """

    def __init__(self, regs):
        self._regs = regs
        self._end_us = -1  # when it reaches zero; -1 while it stands still
        self._stop_us = -1  # when an answer will stop it
        self._left = 0

    @property
    def running(self):
        return self._end_us >= 0

    def start(self, now_us):
        reload = self._regs[T_RELOAD_H] << 8 | self._regs[T_RELOAD_L]
        self._end_us = now_us + self._prescaler() * (reload + 1) * 100 // 1356
        self._stop_us = -1

    def stop(self, now_us):
        if self.running:
            self._left = self._counts(max(0, self._end_us - now_us))
            self._end_us = -1

    def stop_at(self, us):
        """The fifth bit of an answer arrives then."""
        self._stop_us = us

    def settle(self, now_us):
        """Let it run until now; True if it has reached zero."""
        expired = False
        while self._end_us >= 0:
            if 0 <= self._stop_us < self._end_us:
                if now_us >= self._stop_us:
                    self.stop(self._stop_us)
                break
            if now_us < self._end_us:
                break
            expired = True
            end = self._end_us
            self._end_us = -1
            self._left = 0
            if self._regs[T_MODE] & _T_AUTO_RESTART and self._stop_us < 0:
                self.start(end)
        return expired

    def value(self, now_us):
        """TCounterValReg: counts left."""
        return self._counts(self._end_us - now_us) if self.running else self._left

    def _prescaler(self):
        regs = self._regs
        scale = ((regs[T_MODE] & 0x0F) << 8 | regs[T_PRESCALER]) * 2 + 1
        return scale + 1 if regs[_DEMOD] & 0x10 else scale

    def _counts(self, us):
        return us * 1356 // 100 // self._prescaler()
