"""Looks through the whole database for damage, beside everything else that goes on.

To read a small file takes no time, so `hub.storage.engine` does it before it opens one. A year of a
large site is 600 MB: to read that took 15 of the 17 seconds of a start on a busy machine, and no
gate is answered meanwhile. SQLite looks at header and length of such a file when it opens it; the
rest is read here.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

EVERY_S: Final = 24 * 3600.0
FIRST_S: Final = 60.0
"""A hub that starts answers gates and pages first: a year of a large site takes a core for 4 s."""
PATIENCE_S: Final = 2.0
STEPS: Final = 10_000
"""Steps of SQLite's machine between two looks at whether to stop: some milliseconds."""
log = structlog.get_logger()


def is_sound(connection: sqlite3.Connection) -> bool:
    """Returns whether SQLite finds every page and row of the database in order.

    Raises:
        sqlite3.OperationalError: it was interrupted, or the file cannot be read at all.
    """
    try:
        return connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False


class Soundness:
    """Reads the database through, soon if that was not done at opening, then each day.

    Args:
        path: the database file; only read.
        damaged: called each time that damage is found, in a thread of this.
        soon: whether the first look is after `first_s`, and not after `every_s`.
        first_s, every_s: seconds until the first look, and between two.
    """

    def __init__(
        self,
        path: Path,
        damaged: Callable[[], None],
        soon: bool,
        first_s: float = FIRST_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._path = path
        self._damaged = damaged
        self._wait_s = first_s if soon else every_s
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="soundness", daemon=True)

    def start(self) -> None:
        """Begins; called once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends a look that goes on. SQLite before 3.41 does not let go of a table that it checks:
        it is not waited for, and reads on for nobody until the process ends."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._wait_s):
            self._wait_s = self._every_s
            try:
                sound = self._look()
            except sqlite3.OperationalError as error:
                if not self._stopping.is_set():
                    log.warning("database not read through", error=type(error).__name__)
                continue
            if not sound:
                self._damaged()

    def _look(self) -> bool:
        with contextlib.closing(
            sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        ) as connection:
            connection.set_progress_handler(self._stopping.is_set, STEPS)
            return is_sound(connection)
