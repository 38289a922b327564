"""The boot loader: chooses a slot, proves its pack whole, mounts it and runs it.

It lies beside ``main.py`` as ``loader.mpy``, in one file together with the modules it imports
(`hub.terminals.firmware_build` puts them together), is written over USB only and never updated over
the link. What it promises the firmware in a pack must therefore stay: the files of
`protocol.pack`, `protocol.slots` and `firmware.crash`, and ``firmware.app.run(root, start)`` with
`start` as `choose` describes it.

- A pack is started only when its digest fits its bytes, and the digest of the state file if there
  is one. If the chosen one does not, the other one is.
- A slot on trial is started at most three times; each start is counted in flash before it is made.
- After three starts in a row that ended within their first minute, and when the recovery button is
  held, the firmware is told to start without taps (safe mode). Power switched off and on begins
  anew. The firmware itself takes the count back after its first minute; of a watchdog nobody knows
  when it bit, so the first of the three may have run longer.
"""

import asyncio
import gc
import io
import sys
import time

import deflate
import vfs

from firmware.crash import note_crash
from firmware.files import join, read, replace
from firmware.prompt import give, wanted
from protocol.errors import MalformedError
from protocol.pack import METHOD_DEFLATE, WINDOW_BITS, pack_digest, read_content, read_head
from protocol.slots import (
    ENDED_CRASH,
    ENDED_LATE,
    ENDED_PLANNED,
    ENDED_UNKNOWN,
    SLOT_FILES,
    STATE_FILE,
    WHY_BUTTON,
    WHY_DAMAGED,
    WHY_STARTS,
    BootState,
    decode_state,
)

MOUNT = "/app"
APP = "firmware/app.mpy"
TRIAL_STARTS = 3
EARLY_STARTS = 3
EARLY_MS = 60 * 1000
OTHER_STARTS = 6
"""So many early ends in a row, safe mode included, and the other slot's firmware is tried."""
SAFE_NO = 0
SAFE_CRASHES = 1
SAFE_BUTTON = 2
_ROLLED_BACK = 3  # protocol.record.UPDATE_ROLLED_BACK
_PAUSE_MS = 2000


class PackVolume:
    """The files of a pack as a read-only volume for `vfs.mount`; modules are imported from it.

    Args:
        path: of the pack.

    Raises:
        OSError, MalformedError: it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with open(path, "rb") as file:
            self._files = read_head(file).files

    def in_order(self) -> list:
        """Returns the names of the files as they lie in the pack: each after those it imports."""
        files = self._files
        return sorted(files, key=lambda name: files[name][0])

    def mount(self, readonly: bool, mkfs: bool) -> None:
        """Called by `vfs.mount`."""

    def umount(self) -> None:
        """Called by `vfs.umount`."""

    def chdir(self, path: str) -> None:
        """There is no current folder here."""
        raise OSError(1)

    def getcwd(self) -> str:
        """There is no current folder here."""
        return "/"

    def stat(self, path: str) -> tuple:
        """As `os.stat`; a folder is what the name of a file goes through."""
        name = path.strip("/")
        entry = self._files.get(name)
        if entry is not None:
            return (0x8000, 0, 0, 0, 0, 0, entry[1], 0, 0, 0)
        folder = name + "/" if name else ""
        for known in self._files:
            if known.startswith(folder):
                return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)

    def ilistdir(self, path: str):
        """As `os.ilistdir`, for the files of one folder."""
        folder = path.strip("/") + "/" if path.strip("/") else ""
        for name in self._files:
            if name.startswith(folder) and "/" not in name[len(folder) :]:
                yield name[len(folder) :], 0x8000, 0

    def open(self, path: str, mode: str):
        """Opens a file for reading; its SHA-256 is checked first.

        Raises:
            OSError: not there (2), not as it was packed (5), or not to be read only (30).
        """
        if "w" in mode or "a" in mode or "+" in mode:
            raise OSError(30)
        entry = self._files.get(path.strip("/"))
        if entry is None:
            raise OSError(2)
        # What an import leaves behind would else lie between the modules, all over the heap: no
        # piece of 8 KB is left then (measured).
        gc.collect()
        try:
            with open(self._path, "rb") as file:
                content = io.BytesIO(read_content(file, entry))
        except MalformedError:
            raise OSError(5)
        if entry[2] == METHOD_DEFLATE:
            return deflate.DeflateIO(content, deflate.RAW, WINDOW_BITS)
        return content


def whole_digest(root: str, slot: int) -> bytes:
    """Returns the digest of the pack in `slot` when every byte of it is right, else nothing."""
    try:
        with open(join(root, SLOT_FILES[slot]), "rb") as file:
            return pack_digest(file)
    except (OSError, MalformedError):
        return b""


def _usable(root: str, state: BootState, slot: int, vouched: bool) -> bool:
    digest = whole_digest(root, slot)
    return bool(digest) and (not vouched or digest == state.digests[slot])


def _pick(root: str, state: BootState, first: int) -> int:
    """Returns the slot to start: one the state file vouches for, else any pack whole in itself."""
    for vouched in (True, False):
        for slot in (first, 3 - first):
            if _usable(root, state, slot, vouched):
                return slot
    return 0


def choose(root: str, was_reset: bool, held: bool) -> dict:
    """Decides what this start is, writes it to the state file when it changed, and returns it.

    Args:
        root: folder of the flash.
        was_reset: the start before was ended by watchdog, crash or software and not by power.
        held: the recovery button.

    Returns: what the firmware is told, a dict that may get more entries: slot (1, 2; 0 when no pack
        is whole), digest (of its pack), trial (the slot is on trial), safe (SAFE_ constant), early
        (early ends in a row before this start), damaged (the active slot had to be passed over),
        reset (1 power, 2 watchdog, 3 software), crashed (the start before ended by an error), boot
        (0; the firmware sets its boot number). `run` adds imported, which the firmware calls when
        it will import nothing more.
    """
    content = read(join(root, STATE_FILE), 256)
    state = decode_state(content)
    known = state is not None
    if state is None:
        state = BootState()
    ended = state.ended if was_reset else ENDED_UNKNOWN
    state.ended = ENDED_UNKNOWN
    if not was_reset or ended in (ENDED_PLANNED, ENDED_LATE):
        state.early = 0
    elif not state.trial and state.early < 255:
        state.early += 1
    if state.trial:
        digest = state.digests[state.trial]
        if held:
            state.finish(_ROLLED_BACK, WHY_BUTTON, digest)
        elif state.attempts >= TRIAL_STARTS:
            state.finish(_ROLLED_BACK, WHY_STARTS, digest)
        elif not _usable(root, state, state.trial, True):
            state.finish(_ROLLED_BACK, WHY_DAMAGED, digest)
        else:
            state.attempts += 1
    slot = state.trial or _pick(
        root, state, 3 - state.active if state.early >= OTHER_STARTS else state.active
    )
    if not known and slot:
        state.active = slot
        for each in (1, 2):
            state.digests[each] = whole_digest(root, each) or bytes(32)
    if state.encode() != content:
        try:
            replace(join(root, STATE_FILE), state.encode())
        except OSError:
            if state.trial:
                # A start that cannot be counted is not made: it might be made for ever.
                state.trial = 0
                slot = _pick(root, state, state.active)
    safe = SAFE_NO
    if held:
        safe = SAFE_BUTTON
    elif not state.trial and state.early >= EARLY_STARTS:
        safe = SAFE_CRASHES
    reset = 1
    if was_reset:
        reset = 2 if ended == ENDED_UNKNOWN else 3
    return {
        "slot": slot,
        "digest": state.digests[slot] if slot else b"",
        "trial": bool(state.trial),
        "safe": safe,
        "early": state.early,
        "damaged": not state.trial and slot != state.active and state.early < OTHER_STARTS,
        "reset": reset,
        "crashed": ended in (ENDED_CRASH, ENDED_LATE),
        "boot": 0,
    }


def note_end(root: str, start: dict, ran_ms: int, error) -> None:
    """Keeps for the next start that this one ended by `error` after `ran_ms`."""
    title = "slot %s, %d ms, ended" % (" ab"[start["slot"]], ran_ms)
    note_crash(root, start["boot"], title, error)
    state = decode_state(read(join(root, STATE_FILE), 256))
    if state is not None:
        state.ended = ENDED_CRASH
        if ran_ms >= EARLY_MS:
            state.ended = ENDED_LATE
        try:
            replace(join(root, STATE_FILE), state.encode())
        except OSError:
            print("boot state not written")


def mount(root: str, slot: int) -> PackVolume:
    """Modules are imported from the pack in `slot` from now on, before any other place.

    Raises:
        OSError, MalformedError: it cannot be read.
    """
    volume = PackVolume(join(root, SLOT_FILES[slot]))
    vfs.mount(volume, MOUNT)
    sys.path.insert(0, MOUNT)
    return volume


def load(volume: PackVolume) -> None:
    """Imports `firmware.app` and before it, one by one, what it needs.

    Left to itself an import begins inside the import that needs it, three levels deep and more, and
    each level takes C stack, of which a Pico has 8 KB. So it is one level, whatever they import.
    """
    for name in volume.in_order():
        if name.endswith("/__init__.mpy"):
            __import__(name[:-13].replace("/", "."))
        else:
            __import__(name[:-4].replace("/", "."))
        if name == APP:
            break


def unmount() -> None:
    """Nothing more is imported from the pack; its table gives back the memory."""
    vfs.umount(MOUNT)
    sys.path.remove(MOUNT)
    gc.collect()


def run(root: str, board) -> None:
    """Starts the gate; returns only when there is nothing to start, or somebody wants the prompt.

    Args:
        root: folder of the flash.
        board: a `firmware.drivers.startup.Startup`.
    """
    if wanted(root):
        return
    began = time.ticks_ms()
    start = choose(root, board.was_reset(), board.recovery_held())
    if not start["slot"]:
        print("no firmware that is whole: sitegate terminal flash")
        board.no_firmware()
        return
    if start["trial"]:
        start["guard"] = board.guard()  # firmware that hangs before its own watchdog runs
    start["imported"] = unmount
    try:
        load(mount(root, start["slot"]))
        from firmware import app

        asyncio.run(app.run(root, start))
    except KeyboardInterrupt:
        give(root, board.restart)
    except Exception as error:  # noqa: BLE001 (whatever ends the firmware, the gate starts again)
        if hasattr(sys, "print_exception"):
            sys.print_exception(error)
        note_end(root, start, time.ticks_diff(time.ticks_ms(), began), error)
        time.sleep_ms(_PAUSE_MS)  # long enough to stop it with Ctrl-C
        board.restart()
