"""Started by MicroPython after boot: hands over to the boot loader beside it.

On the board this file and ``loader.mpy`` lie at the root of the flash, with the packs of
`firmware.loader`. It is written over USB only.
"""

import gc
import os

if hasattr(gc, "threshold"):
    # Before the imports: what they leave behind would else lie between what stays, all over the
    # heap, and no piece of 8 KB could be had afterwards, let alone the 16 KB of TLS (measured).
    gc.threshold(8192)

import loader  # pyright: ignore[reportMissingImports]  (made by hub/terminals/firmware_build.py)

if __name__ == "__main__":
    loader.run(os.getcwd(), loader.Startup())  # pyright: ignore[reportAttributeAccessIssue]
