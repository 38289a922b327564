"""MicroPython's prompt instead of the firmware, for whoever flashes a gate over its USB cable.

The firmware's watchdog cannot be stopped on an RP2040: eight seconds after a Ctrl-C it would reset
the board under the hands of whoever is at the prompt. So a Ctrl-C leaves a mark in flash and starts
the board anew, and a start that finds the mark takes it away and leaves the board at its prompt,
without a watchdog. The start after that runs the firmware.
"""

import os

from firmware.files import join

MARK = "prompt"


def give(root: str, restart) -> None:
    """Starts the board anew, this once without the firmware; does not return.

    Args:
        root: folder of the flash.
        restart: starts the board anew.
    """
    try:
        with open(join(root, MARK), "w") as file:
            file.write("1")
    except OSError as error:
        print("prompt:", error)  # a full flash: the firmware comes back, and says why itself
    restart()


def wanted(root: str) -> bool:
    """Returns whether this start is to leave the board at its prompt; True once for each `give`.

    A mark that cannot be taken away does not count: the gate would never start again.
    """
    try:
        os.remove(join(root, MARK))
    except OSError:
        return False
    return True
