"""What the application takes of the heap: `name value` lines in bytes, on this VM.

Pointers are twice as wide here as on a Pico and code is not, so these are upper bounds.
"""

import gc
import os
import sys

_HERE = __file__.rpartition("/")[0]
_ROOT = _HERE + "/../.."
_COMPILED = os.getenv("BOARD_COMPILED")
sys.path[:0] = [_COMPILED + "/simulator/board/shims", _COMPILED, _ROOT]

import asyncio  # noqa: E402
import asyncio.stream  # noqa: E402
import json  # noqa: E402

import machine  # noqa: E402
import network  # noqa: E402


def taken():
    gc.collect()
    return gc.mem_alloc()


LOADED = (asyncio, json, machine, network)
before = taken()
from firmware import app  # noqa: E402

print("application", taken() - before)
from firmware.roster import Roster  # noqa: E402

LOADED += (app,)
before = taken()
roster = Roster(os.getenv("BENCH_FLASH"))
print("roster", taken() - before)
print("roster_rows", roster.rows)
