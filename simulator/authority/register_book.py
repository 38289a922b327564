"""The registers as they are changed while running: read, entered, kept, and validation told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import final

from simulator.authority.clock import Clock, brussels_day
from simulator.authority.entries import (
    KEYS,
    DimonaEntry,
    Entry,
    LimosaEntry,
    PersonEntry,
    read_entry,
    shown,
    written,
)
from simulator.authority.facts import Facts
from simulator.authority.registers import Registers
from simulator.authority.store import Store
from simulator.authority.validation import Validator


@final
class RegisterBook:
    """Changes to the registers; those of earlier runs are entered when it is made.

    Args:
        store: where they are kept.
        registers: where they count.
        validator: is told of each.
        clock: UTC milliseconds.
        lock: of the authority; held around every change.
        changed: called after a change, without the lock.
    """

    def __init__(
        self,
        store: Store,
        registers: Registers,
        validator: Validator,
        clock: Clock,
        *,
        lock: threading.RLock,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._registers = registers
        self._validator = validator
        self._clock = clock
        self._lock = lock
        self._changed = changed
        self._facts = Facts(store.connection)
        for kind, content, gone in self._facts.all():
            self._remember(kind, content, gone=gone)

    def entries(self, kind: str) -> list[dict[str, object]]:
        """All entries of one register, see `entries.KINDS`."""
        with self._lock:
            return shown(kind, self._registers, self._validator)

    def edit(
        self, kind: str, content: Mapping[str, object], *, remove: bool = False
    ) -> dict[str, object]:
        """Adds, changes or removes one entry of a register, and has registrations validated again.

        Args:
            kind: one of `entries.KINDS`.
            content: the entry as JSON; what is left out of one that exists stays as it is.
            remove: takes it away; only for registers whose entries can be.

        Returns:
            The entry as it stands now, or stood last.

        Raises:
            EntryError: not an entry of that register; nothing was changed.
        """
        today = brussels_day(self._clock())
        with self._lock:
            entry = read_entry(kind, self._completed(kind, content), today)
            with self._store.transaction():
                self._facts.keep(kind, entry.key, json.dumps(written(entry)), gone=remove)
                self._identify(entry)
                self._validator.learned(self._clock())
            act = entry.leave if remove else entry.enter
            act(self._registers, self._validator)
        self._changed()
        return written(entry)

    def _remember(self, kind: str, content: str, *, gone: bool) -> None:
        """Enters a change of an earlier run; a Dimona whose time came meanwhile is known."""
        # Read long ago by a clock that may have been moved back since.
        entry = read_entry(kind, json.loads(content), date.max)
        late_ms = entry.appears_ms if isinstance(entry, DimonaEntry) else None
        if late_ms is not None and late_ms <= self._clock():
            entry = entry.model_copy(update={"appears_ms": None})
        act = entry.leave if gone else entry.enter
        act(self._registers, self._validator)

    def _completed(self, kind: str, content: Mapping[str, object]) -> Mapping[str, object]:
        """The entry with what it leaves out taken from the one it changes."""
        keys = KEYS[kind]
        wanted = [content.get(key) for key in keys]
        for one in shown(kind, self._registers, self._validator):
            if [one[key] for key in keys] == wanted:
                return {**one, **content}
        return content

    def _identify(self, entry: Entry) -> None:
        """Tells the registrations whose number this is, when the entry says it."""
        if isinstance(entry, LimosaEntry) and entry.inss is not None:
            self._store.identify(entry.id, self._registers.latest_inss(entry.inss))
        if isinstance(entry, PersonEntry) and entry.replaced_by is not None:
            self._store.replace_inss(entry.inss, entry.replaced_by)
