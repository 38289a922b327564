"""Powers up a simulated gate and runs the real firmware on it.

    micropython -X heapsize=200wK simulator/board/boot.py --control PORT --flash FILE
        [--settings FILE] [--app MODULE] [--app-folder FOLDER] [--unique-id HEX] [--reset-cause N]

What the stock image's _boot.py does comes first: mount the flash, format it when that fails. Then
the settings file is copied in unless there is one, the devices are wired, and the firmware runs
with the control channel beside it. On CPython a plain folder `FILE.files` takes the place of the
flash. The process ends with the firmware, with the control channel, or when the board resets.
"""

import sys

# The script's own folder would make every model a top-level module.
_HERE = __file__.rpartition("/")[0] or "."
_ROOT = _HERE + "/../.."
sys.path[:] = [_HERE + "/shims", _ROOT] + [
    p for p in sys.path if p.rstrip("/") not in (_HERE, "") or p == ".frozen"
]

host = None  # what stands in for the VM, on CPython
if sys.implementation.name != "micropython":
    from simulator.board import host_python as host

    host.install()

import asyncio
import gc
import time

from simulator.board import registry
from simulator.board.assembly import Board
from simulator.board.control import connect
from simulator.board.flash import FileFlash
from simulator.board.pinout import read_pinout

MOUNT = "/flash"


def _options(arguments):
    options = {"app": "firmware.app", "reset-cause": "1"}
    for name, value in zip(arguments[::2], arguments[1::2]):
        options[name[2:]] = value
    return options


def mount_flash(flash):
    """Mount a flash at /flash as the stock image does, formatting it when that fails."""
    import vfs

    try:
        volume = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, readsize=32, progsize=256, lookahead=32)
        volume = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
    vfs.mount(volume, MOUNT)


def _install_settings(source, root):
    target = root + "/settings.json"
    try:
        open(target).close()
    except OSError:
        with open(source) as file:
            text = file.read()
        with open(target, "w") as file:
            file.write(text)


def _flash_counters(flash):
    if flash is None:  # a plain folder has no pages to count
        return {"erases": 0, "programs": 0, "bytes_programmed": 0, "violations": 0}
    return {
        "erases": flash.erases,
        "programs": flash.programs,
        "bytes_programmed": flash.bytes_programmed,
        "violations": flash.violations,
    }


def _load(module):
    app = __import__(module)
    for name in module.split(".")[1:]:
        app = getattr(app, name)
    return app


async def main(options):
    if host is None:
        flash = FileFlash(options["flash"])
        mount_flash(flash)
        root = MOUNT
        now_us = time.ticks_us  # wraps after 2^62 us
    else:
        flash = None
        root = host.folder(options["flash"] + ".files")
        now_us = host.monotonic_us
    if "settings" in options:
        _install_settings(options["settings"], root)
    registry.reset_cause = int(options["reset-cause"])
    if "unique-id" in options:
        registry.unique_id = bytes.fromhex(options["unique-id"])
    identity = {
        "interpreter": sys.implementation.name,
        "version": ".".join([str(n) for n in sys.implementation.version[:3]]),
        "reset_cause": registry.reset_cause,
    }
    changed = asyncio.Event()
    board = Board(read_pinout(_ROOT + "/hardware/pinout.csv"), now_us, changed.set)
    gc.collect()
    identity["heap_free"] = gc.mem_free()
    if "app-folder" in options:
        sys.path.append(options["app-folder"])
    # Firmware that cannot be imported ends the board before it has said that it is up.
    app = _load(options["app"])
    control = await connect(
        int(options["control"]), identity, board, changed, lambda: _flash_counters(flash)
    )
    channel = asyncio.create_task(control.run())
    await app.run(root)
    channel.cancel()


asyncio.run(main(_options(sys.argv[1:])))
