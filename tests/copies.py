"""Makes a new database once for each worker and copies it; what SQLAlchemy compiled serves again.

Thousands of tests begin with a database of their own. To create its tables took 50 ms of CPU each
time, and to compile every statement again because the engine is another one took as much (measured
on 112 tests of pages and projection: 18 s, and 8 s with this). The copy is of a file that the same
code made in the same run; only the program does so in fewer steps here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from hub.storage import engine as opening

_COMPILED: Final[LRUCache[Any, Any]] = LRUCache(5000)
_create_engine = opening.create_engine
_prepare = opening._prepare
_folder: Path | None = None
"""Where the originals of this worker are; None outside a run."""


def begin() -> None:
    """From here on databases are copies."""
    global _folder
    _folder = Path(tempfile.mkdtemp(prefix="sitegate-copies-"))
    opening.create_engine = _engine_that_shares
    opening._prepare = _prepare_from_copy
    # Two dialects of one kind compile alike; SQLAlchemy tells them apart by identity.
    SQLiteDialect_pysqlite.__eq__ = lambda self, other: type(self) is type(other)
    SQLiteDialect_pysqlite.__hash__ = lambda self: hash(type(self))


def end() -> None:
    """Takes the originals away."""
    global _folder
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)
        _folder = None


def original(name: str, make: Callable[[Path], object]) -> Path | None:
    """Returns the folder of an original, which `make` made if it is the first time.

    Args:
        name: of the original; it is made once for each name.
        make: fills the new, empty folder that it is given.

    Returns:
        The folder, to be copied and left as it is; None outside a run.
    """
    if _folder is None:
        return None
    folder = _folder / name
    if not folder.exists():
        begun = _folder / f"{name}.begun"
        begun.mkdir()
        make(begun)
        begun.rename(folder)
    return folder


def _engine_that_shares(*arguments: Any, **options: Any) -> Engine:
    engine = _create_engine(*arguments, **options)
    engine._compiled_cache = _COMPILED
    return engine


def _make(folder: Path) -> None:
    engine = _create_engine(f"sqlite:///{folder / 'new.db'}")
    event.listen(engine, "connect", opening._on_connect)
    try:
        _prepare(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()


def _prepare_from_copy(engine: Engine) -> None:
    path = Path(str(engine.url.database))
    if not path.exists():
        made = original("database", _make)
        # Where it cannot be written the program itself is to say so.
        with suppress(OSError):
            if made is not None:
                shutil.copyfile(made / "new.db", path)
    _prepare(engine)
