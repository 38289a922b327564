"""The roll call on paper, drawn beside the hub: a long list is drawn by a process of its own.

A list of 3,000 people takes a core for 1.8 s (measured), each minute and at every download, and
Python runs one thread at a time: meanwhile every tap and every page would wait for it. The other
process costs 0.7 s more, of another core, and yields to whatever else the machine has to do.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Final

import structlog

from hub.application.roll_call import Sheet
from hub.reports.roll_call import roll_call_pdf

LARGE: Final = 300
"""Up to so many people the drawing takes less than the start of a process."""
PATIENCE_S: Final = 60.0
_NICE: Final = 15

log = structlog.get_logger()


def roll_call_paper(sheet: Sheet, language: str, notice: str = "") -> bytes:
    """Returns what `hub.reports.roll_call.roll_call_pdf` returns.

    When the other process fails, for want of memory for example, it is drawn here: an evacuation
    list that comes late is worth more than none.

    Args:
        language: one of `hub.i18n.LANGUAGES`.
        notice: what stands above everything; empty: nothing.
    """
    if len(sheet.list.entries) <= LARGE:
        return roll_call_pdf(sheet, language, notice)
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=pickle.dumps((sheet, language, notice)),
            capture_output=True,
            timeout=PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        # What it said may hold names.
        log.warning("roll call drawn by the hub itself", error=type(error).__name__)
        return roll_call_pdf(sheet, language, notice)
    return done.stdout


def main() -> None:
    """Reads a sheet, its language and its notice from standard input and prints the PDF."""
    if sys.platform != "win32":
        os.nice(_NICE)
    # From the hub that started this process, by a pipe that nobody else holds.
    sheet, language, notice = pickle.load(sys.stdin.buffer)  # noqa: S301
    sys.stdout.buffer.write(roll_call_pdf(sheet, language, notice))


if __name__ == "__main__":
    main()
