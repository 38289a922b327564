"""The data folder of one hub: database, keys and the lock that keeps a second hub out."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.sqlite import insert

from hub.errors import PermanentError, UsageError
from hub.storage.committed import Committed
from hub.storage.engine import open_engine, reading, writing
from hub.storage.schema import meta
from hub.storage.secrets import Vault, end_replacing, open_next, open_vault

DATABASE = "sitegate.db"
KEYS = "keys.json"
LOCK = "hub.lock"
KEYS_LOCK = "keys.lock"
KEY_PROOF = "key_proof"
"""Row of `meta` that only the keys of this database open."""


@dataclass(frozen=True, slots=True)
class House:
    """An open data folder."""

    folder: Path
    engine: Engine
    vault: Vault
    keys_lock: IO[str]
    """Held, shared, as long as something may be sealed with these keys."""
    committed: Committed
    """Tells whether anybody has written to the database meanwhile."""

    def close(self) -> None:
        """Closes every connection to the database."""
        self.committed.close()
        self.engine.dispose()
        self.keys_lock.close()

    def keep_others_out(self) -> None:
        """Holds the keys alone from now on, until this is closed: for replacing them.

        Raises:
            UsageError: HUB-1714, a hub or another command uses this folder.
        """
        try:
            fcntl.flock(self.keys_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError("HUB-1714", folder=str(self.folder)) from None


def open_house(folder: Path) -> House:
    """Opens the data folder, making it on first use.

    Raises:
        PermanentError: HUB-1003 when it cannot be written, HUB-1004, HUB-1007, HUB-1010, HUB-1011
            when what is in it cannot be used. Nothing in it was changed then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError
    except OSError as error:
        raise PermanentError("HUB-1003", folder=str(folder), reason=type(error).__name__) from None
    database = folder / DATABASE
    # Waits while keys are being replaced: what is read afterwards is what they are then.
    lock = _hold_keys(folder)
    try:
        vault = open_vault(folder / KEYS, create=not database.exists())
        engine = open_engine(database)
    except BaseException:
        lock.close()
        raise
    try:
        fitting = _fitting(folder, engine, vault)
        return House(folder, engine, fitting, lock, Committed(database))
    except BaseException:
        engine.dispose()
        lock.close()
        raise


def _hold_keys(folder: Path) -> IO[str]:
    file = (folder / KEYS_LOCK).open("a")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _fitting(folder: Path, engine: Engine, vault: Vault) -> Vault:
    """Returns the keys of this database, refusing others before anything is written under two.

    Where new keys stand beside the old ones, a replacement was cut off: after its commit the
    database opens with the new ones, which are then the only ones; before, with the old ones.
    """
    if _opens(engine, vault):
        return vault
    following = open_next(folder / KEYS)
    if following is None or not _opens(engine, following):
        raise PermanentError("HUB-1011")
    end_replacing(folder / KEYS)
    return following


def _opens(engine: Engine, vault: Vault) -> bool:
    query = select(meta.c.value).where(meta.c.key == KEY_PROOF)
    with reading(engine) as connection:
        sealed = connection.execute(query).scalar()
    if sealed is None:
        with writing(engine) as connection:
            prove_keys(connection, vault)
            sealed = connection.execute(query).scalar_one()
    try:
        return vault.open(KEY_PROOF, bytes.fromhex(sealed)) == _proof(vault)
    except PermanentError:
        return False


def prove_keys(connection: Connection, vault: Vault, anew: bool = False) -> None:
    """Writes by what the keys of this database are known, unless it is there.

    Args:
        anew: also when it is: from this transaction on these are the keys.
    """
    value = vault.seal(KEY_PROOF, _proof(vault)).hex()
    row = insert(meta).values(key=KEY_PROOF, value=value)
    if anew:
        row = row.on_conflict_do_update(index_elements=["key"], set_={"value": value})
    else:
        row = row.on_conflict_do_nothing()
    connection.execute(row)


def _proof(vault: Vault) -> bytes:
    return vault.index(KEY_PROOF, "") + vault.tag(bytes(4))


def lock_house(folder: Path) -> IO[str]:
    """Takes the folder for this process until the returned file is closed or the process ends.

    Raises:
        PermanentError: HUB-1009 when another hub runs on it.
    """
    file = (folder / LOCK).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise PermanentError("HUB-1009", folder=str(folder)) from None
    return file
