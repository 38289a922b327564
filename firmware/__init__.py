"""Firmware of a gate: Raspberry Pi Pico W, MicroPython 1.28 or newer.

A tap is decided here, kept in flash and only then answered; the network is never in its path.
"""

VERSION = "0.1.0"
