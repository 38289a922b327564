"""Copies of the database that are made before something is changed in bulk.

`VACUUM INTO` writes a copy of one moment while everything goes on; it is opened and checked before
it counts. The numbers in it are as sealed as in the database, and its keys are not with it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from hub.errors import PermanentError
from hub.storage.soundness import is_sound

FOLDER: Final = "backups"
_BEGINNING: Final = "before-import-"


def back_up(engine: Engine, folder: Path, now_ms: int, keep: int) -> str:
    """Makes a copy of the database and returns its file name.

    Args:
        engine: of the database; no transaction is open in this thread.
        folder: the data folder; copies lie in `backups` below it.
        now_ms: UTC milliseconds, for its name.
        keep: how many of these copies stay, the newest ones; at least 1.

    Raises:
        PermanentError: HUB-1673, it could not be written or is not sound. What was there before
            stays.
    """
    place = folder / FOLDER
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    path = (
        place / f"{_BEGINNING}{moment:%Y%m%dT%H%M%S}{now_ms % 1000:03d}Z-{secrets.token_hex(2)}.db"
    )
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        # Made first, so that no other ever may read it; SQLite fills an empty file.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(path),))
        _check(path)
    except (OSError, DatabaseError, sqlite3.DatabaseError, ValueError) as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise PermanentError("HUB-1673", reason=type(error).__name__) from None
    for old in sorted(place.glob(f"{_BEGINNING}*.db"))[: -max(keep, 1)]:
        old.unlink(missing_ok=True)
    return path.name


def _check(path: Path) -> None:
    """Refuses a copy that is not a whole and sound database of ours."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        if not is_sound(copy):
            raise ValueError("quick_check")
        copy.execute("SELECT count(*) FROM person").fetchone()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
