"""Started by MicroPython after boot: runs the gate from the root of the flash, for ever.

On the board this file lies at the flash root as ``main.py``; everything else stays in ``firmware/``
and ``protocol/`` beside it.
"""

import asyncio

from firmware import app

if __name__ == "__main__":
    asyncio.run(app.run("/"))
