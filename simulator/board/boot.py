"""Powers up a simulated gate and runs the real firmware on it.

    micropython -X heapsize=200wK simulator/board/boot.py --control PORT --flash FILE
        [--settings FILE] [--app MODULE] [--app-folder FOLDER] [--unique-id HEX] [--reset-cause N]
        [--compiled FOLDER] [--main yes] [--inputs NAME=LEVEL,...]

What the stock image's _boot.py does comes first: mount the flash, format it when that fails. Then
the settings file is copied in unless there is one, the devices are wired, and the firmware runs
with the control channel beside it: MODULE of this checkout or, with --main, `main.py` of the flash
and nothing but what lies there, as on a board. Contacts have their level before it starts. On
CPython a plain folder `FILE.files` takes the place of the flash. With --compiled, firmware and
models are the .mpy files of that folder. Standard input and output are the board's USB port, as on
a Pico. The process ends with the firmware, with the control
channel, or when the board resets.
"""

import sys

# The script's own folder would make every model a top-level module.
_HERE = __file__.rpartition("/")[0] or "."
_ROOT = _HERE + "/../.."
_SHIMS = _HERE + "/shims"
sys.path[:] = [_SHIMS, _ROOT] + [
    p for p in sys.path if p.rstrip("/") not in (_HERE, "") or p == ".frozen"
]
if "--compiled" in sys.argv:
    _COMPILED = sys.argv[sys.argv.index("--compiled") + 1]
    _SHIMS = _COMPILED + "/simulator/board/shims"
    sys.path[:0] = [_SHIMS, _COMPILED]

host = None  # what stands in for the VM, on CPython
if sys.implementation.name != "micropython":
    from simulator.board import host_python as host

    host.install()

import gc
import os

if host is None:
    gc.threshold(8192)  # before the imports, as in firmware/main.py

import asyncio
import time

from simulator.board import registry
from simulator.board.assembly import Board
from simulator.board.control import connect
from simulator.board.flash import FileFlash
from simulator.board.pinout import read_pinout

MOUNT = "/flash"
FIRMWARE_HEAP = 200 * 1024 * (2 if sys.maxsize > 1 << 32 else 1)
"""What a Pico W has, in as many words."""
CHANNEL_HEAP = 32 * 1024
"""What the control channel takes while it works; a real board has none."""
_ballast = []


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


def _host_s():
    """The host's own time in whole seconds, on the VM; the firmware's `time` is a shim."""
    import utime

    return int(utime.time())


def _load(module):
    app = __import__(module)
    for name in module.split(".")[1:]:
        app = getattr(app, name)
    return app


def _run_main(root, channel):
    """Runs `main.py` of the flash as the stock image does, with the modules that lie there."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("firmware", "protocol"):
            del sys.modules[name]
    sys.path[:] = ["", ".frozen", _SHIMS]
    os.chdir(root)
    with open("main.py") as file:
        source = file.read()
    # Its asyncio.run serves the control channel too: tasks outlive the loop that made them.
    exec(source, {"__name__": "__main__"})  # noqa: S102
    asyncio.run(_at_prompt(channel))


async def main(options):
    if host is None:
        flash = FileFlash(options["flash"])
        mount_flash(flash)
        root = MOUNT
        now_us = time.ticks_us  # wraps after 2^62 us
        true_s = _host_s
    else:
        flash = None
        root = host.folder(options["flash"] + ".files")
        now_us = host.monotonic_us
        true_s = host.true_s
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
    board = Board(
        read_pinout(_ROOT + "/hardware/pinout.toml"),
        now_us,
        changed.set,
        true_s,
        options["flash"] + ".battery",
    )
    gc.collect()
    identity["heap_free"] = gc.mem_free()
    # The firmware gets the heap of a Pico W: what the models do not take of the rest is taken away.
    _ballast.append(bytearray(max(0, gc.mem_free() - FIRMWARE_HEAP - CHANNEL_HEAP)))
    if "app-folder" in options:
        sys.path.append(options["app-folder"])
    for held in options.get("inputs", "").split(","):
        if held:
            name, _, level = held.partition("=")
            board.inputs[name].set_outside(int(level))
    # Firmware that cannot be imported ends the board before it has said that it is up.
    app = None if "main" in options else _load(options["app"])
    control = await connect(
        int(options["control"]), identity, board, changed, lambda: _flash_counters(flash)
    )
    channel = asyncio.create_task(control.run())
    if app is None:
        return root, channel
    if _load("firmware.prompt").wanted(root):
        await _at_prompt(channel)
    await app.run(root)
    channel.cancel()
    return None


async def _at_prompt(channel):
    """A board at its prompt does nothing by itself."""
    print(">>> ")
    await channel


given = _options(sys.argv[1:])
if "main" in given:
    _run_main(*(asyncio.run(main(given)) or ()))
else:
    # From here on what firmware/loader.py does with a Ctrl-C.
    try:
        asyncio.run(main(given))
    except KeyboardInterrupt:
        _load("firmware.prompt").give(
            MOUNT if host is None else given["flash"] + ".files",
            _load("firmware.drivers.chip").restart,
        )
