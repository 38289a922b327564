"""What the pages of the office work with: the store, the keys and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from hub.settings import Settings
from hub.storage.secrets import Vault

T = TypeVar("T")


class Write(Protocol):
    """Carries out a change in a transaction of its own."""

    def __call__(self, change: Callable[[Connection], T], /) -> T:
        """Returns what `change` returned, once it is on disk; raises what it raised."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """The back office of a running hub. Handlers that use it run in worker threads.

    Args:
        engine: to read, with `hub.storage.engine.reading`.
        write: the only way to change something.
        vault: seals and opens numbers.
        clock: UTC milliseconds.
        changed: call it after a change of the register: gates hear of it at once.
        settings: of this hub.
        folder: its data folder.
    """

    engine: Engine
    write: Write
    vault: Vault
    clock: Callable[[], int]
    changed: Callable[[], None]
    settings: Settings
    folder: Path
