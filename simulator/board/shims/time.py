"""`time` as the rp2 port has it: whole seconds from the board's own clock, which starts in 2021.

The unix port would give the host's clock, and a gate that knows the time without having been
told it. Ticks and sleeps are the VM's own. Only MicroPython finds this file: on CPython `time` is
built in and `host_python` does the same work.
"""

# ruff: noqa: F403
from utime import *
from utime import gmtime as _gmtime

from simulator.board import registry
from simulator.board.rtc import BOOT_EPOCH_S, epoch_s


def time():
    """Seconds since 1970 by the board's clock (int)."""
    return BOOT_EPOCH_S if registry.rtc is None else registry.rtc.now_s()


def time_ns():
    return time() * 1_000_000_000


def gmtime(secs=None):
    """(year, month, day, hour, minute, second, weekday, day of the year)."""
    return tuple(_gmtime(time() if secs is None else secs)[:8])


localtime = gmtime  # the port knows no zones


def mktime(t):
    return epoch_s(t[0], t[1], t[2], t[3], t[4], t[5])
