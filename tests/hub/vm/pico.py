"""Makes this interpreter a Pico at its REPL: a flash at /, what the port says of itself, a reset.

Use: micropython -i pico.py FLASH PLATFORM MAJOR MINOR WIFI [firmware|cable|deaf]

With a last argument something is at work instead, and ends as the firmware does: by starting the
board anew at its prompt.
"""

import builtins
import os
import sys
import time

import vfs

from firmware import prompt
from protocol.frames import CONSOLE, FRAME_CONSOLE, FrameReader
from simulator.board.flash import FileFlash

ARGUMENTS = sys.argv[1:]
RESET = 64
stdin = sys.stdin.buffer
leave = sys.exit  # what is typed at the REPL shares these names, and imports `sys` anew


class Machine:
    """What the commands of the hub use of the module `machine`."""

    mem32 = {}

    def reset(self):
        leave(RESET)


class Network:
    """A module for a board with a radio, and one without."""

    def __init__(self, wifi):
        if wifi:
            self.WLAN = object


class Implementation:
    name = "micropython"
    version = (int(ARGUMENTS[2]), int(ARGUMENTS[3]), 0, "")
    _machine = "Raspberry Pi Pico W with RP2040"
    _mpy = sys.implementation._mpy


class System:
    platform = ARGUMENTS[1]
    implementation = Implementation


flash = FileFlash(ARGUMENTS[0])
try:
    volume = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
except OSError:
    vfs.VfsLfs2.mkfs(flash, readsize=32, progsize=256, lookahead=32)
    volume = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
vfs.umount("/")
vfs.mount(volume, "/")
os.chdir("/")
sys.modules["machine"] = Machine()
sys.modules["network"] = Network(ARGUMENTS[4] == "1")

# `sys` itself is found by the interpreter before any module is looked up.
import_any = builtins.__import__
builtins.__import__ = lambda name, *more: System if name == "sys" else import_any(name, *more)


def restart():
    Machine().reset()


def work():
    """What the firmware does until somebody wants the prompt."""
    if "cable" in ARGUMENTS[5:]:
        frames = FrameReader()
        while frames.next_frame() != (FRAME_CONSOLE, CONSOLE):
            frames.feed(stdin.read(1))
        return
    try:
        while True:
            time.sleep_ms(20)
    except KeyboardInterrupt:
        return  # where the terminal turns Ctrl-C into a signal


if not prompt.wanted("/") and ARGUMENTS[5:]:
    work()
    prompt.give("/", restart)
