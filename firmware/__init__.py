"""Firmware of a gate: Raspberry Pi Pico W, MicroPython 1.28 or newer.

A tap is decided here, kept in flash and only then answered; the network is never in its path.
"""

VERSION = "0.1.0"

BUILT_S = 1_788_220_800
"""UTC seconds (2026-09-01): this firmware did not exist before. A clock that says less is wrong."""
