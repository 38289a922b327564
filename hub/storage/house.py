"""The data folder of one hub: database, keys and the lock that keeps a second hub out."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, select
from sqlalchemy.dialects.sqlite import insert

from hub.errors import PermanentError
from hub.storage.engine import open_engine, reading, writing
from hub.storage.schema import meta
from hub.storage.secrets import Vault, open_vault

DATABASE = "sitegate.db"
KEYS = "keys.json"
LOCK = "hub.lock"
KEY_PROOF = "key_proof"
"""Row of `meta` that only the keys of this database open."""


@dataclass(frozen=True, slots=True)
class House:
    """An open data folder."""

    folder: Path
    engine: Engine
    vault: Vault

    def close(self) -> None:
        """Closes every connection to the database."""
        self.engine.dispose()


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
    vault = open_vault(folder / KEYS, create=not database.exists())
    house = House(folder, open_engine(database), vault)
    try:
        _check_keys(house)
    except BaseException:
        house.close()
        raise
    return house


def _check_keys(house: House) -> None:
    """Refuses keys that are not this database's, before anything is written under two of them."""
    vault = house.vault
    proof = vault.index(KEY_PROOF, "") + vault.tag(bytes(4))
    query = select(meta.c.value).where(meta.c.key == KEY_PROOF)
    with reading(house.engine) as connection:
        sealed = connection.execute(query).scalar()
    if sealed is None:
        with writing(house.engine) as connection:
            value = vault.seal(KEY_PROOF, proof).hex()
            row = insert(meta).values(key=KEY_PROOF, value=value)
            connection.execute(row.on_conflict_do_nothing())
            sealed = connection.execute(query).scalar_one()
    if vault.open(KEY_PROOF, bytes.fromhex(sealed)) != proof:
        raise PermanentError("HUB-1011")


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
