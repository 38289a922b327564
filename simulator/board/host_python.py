# type: ignore  (CPython only; the board's type check knows MicroPython's library)
"""Lends CPython what MicroPython has, so that the same firmware files run where no VM is built.

Only for a process that is a board: it replaces parts of `time`, `gc`, `os` and `asyncio`. What
differs from a Pico is said where it does: heap figures are 0 (not measured), the file system is a
plain folder, nothing is slow. Ticks wrap at 2^30 ms as on the RP2040, which the VM's do not.
"""

import asyncio
import gc
import os
import sys
import time
import types

from simulator.board import host_framebuf, registry
from simulator.board.rtc import BOOT_EPOCH_S, epoch_s

_PERIOD = 1 << 30
_monotonic_ns = time.monotonic_ns
_gmtime = time.gmtime
_time = time.time


def monotonic_us():
    """Microseconds that never wrap."""
    return _monotonic_ns() // 1000


def true_s():
    """The host's own time in whole seconds, which the firmware never sees."""
    return int(_time())


def ticks_us():
    return monotonic_us() % _PERIOD


def ticks_ms():
    return monotonic_us() // 1000 % _PERIOD


def ticks_add(ticks, delta):
    return (ticks + delta) % _PERIOD


def ticks_diff(end, start):
    return (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2


def folder(path):
    """Make the folder that stands for the flash; returns its path."""
    os.makedirs(path, exist_ok=True)
    return path


def _board_time():
    return BOOT_EPOCH_S if registry.rtc is None else registry.rtc.now_s()


def _board_gmtime(secs=None):
    return tuple(_gmtime(_board_time() if secs is None else secs)[:8])


async def _sleep_ms(ms):
    await asyncio.sleep(max(0, ms) / 1000)


def _wait_for_ms(awaitable, ms):
    return asyncio.wait_for(awaitable, ms / 1000)


class _ThreadSafeFlag:
    """asyncio.ThreadSafeFlag: `set` from anywhere, one waiter, cleared by waking it."""

    def __init__(self):
        self._event = asyncio.Event()

    def set(self):
        self._event.set()

    def clear(self):
        self._event.clear()

    async def wait(self):
        await self._event.wait()
        self._event.clear()


def _ilistdir(path="."):
    for entry in os.scandir(path):
        kind = 0x4000 if entry.is_dir() else 0x8000
        yield (entry.name, kind, 0, entry.stat().st_size)


def _micropython():
    module = types.ModuleType("micropython")
    module.const = lambda value: value
    module.native = module.viper = lambda function: function
    module.kbd_intr = lambda character: None
    module.opt_level = module.alloc_emergency_exception_buf = lambda *_: None
    module.schedule = lambda function, argument: function(argument)
    return module


class _Port:
    """stdin or stdout as MicroPython has them: text on top, `buffer` reads and writes at once."""

    def __init__(self, text, number, mode):
        self._text = text
        self.buffer = open(number, mode, buffering=0, closefd=False)

    def write(self, text):
        self._text.write(text)
        self._text.flush()

    def __getattr__(self, name):
        return getattr(self._text, name)


def install():
    """Make MicroPython's names importable and callable in this process."""
    time.ticks_ms = ticks_ms
    time.ticks_us = time.ticks_cpu = ticks_us
    time.ticks_add = ticks_add
    time.ticks_diff = ticks_diff
    time.sleep_ms = lambda ms: time.sleep(ms / 1000)
    time.sleep_us = lambda us: time.sleep(us / 1_000_000)
    time.time = _board_time
    time.gmtime = time.localtime = _board_gmtime
    time.mktime = lambda t: epoch_s(*t[:6])
    asyncio.sleep_ms = _sleep_ms
    asyncio.wait_for_ms = _wait_for_ms
    asyncio.ThreadSafeFlag = _ThreadSafeFlag
    gc.mem_free = gc.mem_alloc = lambda: 0
    gc.threshold = lambda *_: None
    os.ilistdir = _ilistdir
    sys.stdin = _Port(sys.stdin, 0, "rb")
    sys.stdout = _Port(sys.stdout, 1, "wb")
    sys.modules["framebuf"] = host_framebuf
    sys.modules["micropython"] = _micropython()
