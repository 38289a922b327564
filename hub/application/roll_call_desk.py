"""The roll calls of a running hub: ticked by several phones at once, and never lost.

Theory of operation. Everything that a page shows stands in memory: the newest list of each site and
the roll call that is under way. What a helper ticks is first appended to a journal on disk, then
taken into memory, where every screen sees it at once, and then written to the database by a thread
of its own (*roll-call-keeper*). While the database is locked that thread tries again and again; the
page says how many ticks still wait. The journal is emptied only when the database has everything,
and read at the next start. Writing an act twice does nothing more, so neither a crash between the
two nor two helpers who tick the same person at once make a difference.

The thread *roll-call* reads the list of each site every minute and when a roll call begins or ends,
and has it written to files that a browser opens without a hub. The database is given
`hub.application.prompt.LIMIT_S` to answer; when it does not, the last list is what there is, and
everybody is told so. It is then asked again by that thread only, every `RETRY_S`.

A list never shrinks during a roll call: who was here when it began stays until it ends, and who
turns out to be here joins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from hub.application.prompt import Unanswered
from hub.application.roll_call import (
    Act,
    Closed,
    Entry,
    Group,
    Joined,
    Mark,
    Opened,
    RollCall,
    Sheet,
    SiteList,
    Ticked,
    sheet_of,
)
from hub.application.roll_call_ports import JournalPort, ListPort, ShelfPort
from hub.errors import TransientError, UsageError

WRITE_MS: Final = 60_000
"""How often the list of each site is written to disk."""
FIRST_S: Final = 5.0
"""A hub that starts answers pages first: drawing the first list takes a core for some seconds, and
the list of the hub before it is there."""
RETRY_S: Final = 5.0
"""How often a database that does not answer is asked again."""
KEEP_RETRY_S: Final = 1.0
SLOW_MS: Final = 2_000
"""A tick that waits longer for the database is told of on the page."""
STOP_S: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Look:
    """What one site looks like now.

    Args:
        sheet: who is to be found, and who was.
        handle: of the roll call that is under way; empty: there is none.
        silent: the database does not answer, and the list is the last one that was read.
        waiting: ticks that are kept on the hub and not in the database, though they should be.
        last: the last roll call, when it is over.
    """

    sheet: Sheet
    handle: str
    silent: bool
    waiting: int
    last: RollCall | None


class RollCallDesk:
    """Lists and roll calls of every site. Safe from every thread.

    Args:
        lists: where lists come from.
        keep: writes acts to the database in one transaction; raises when it did not.
        journal: where they are until then.
        shelf: the files.
        clock: UTC milliseconds.
        changed: called after whatever a page shows has changed.
        new_handle: a name that nobody guesses, for a new roll call.
    """

    def __init__(
        self,
        lists: ListPort,
        keep: Callable[[Sequence[Act]], object],
        journal: JournalPort,
        shelf: ShelfPort,
        clock: Callable[[], int],
        changed: Callable[[], None],
        new_handle: Callable[[], str],
    ) -> None:
        self._lists = lists
        self._keep = keep
        self._journal = journal
        self._shelf = shelf
        self._clock = clock
        self._changed = changed
        self._new_handle = new_handle
        self._lock = threading.RLock()
        self._acted = threading.Condition(self._lock)
        self._flushing = threading.Lock()
        self._loaded = False
        self._calls_known = False
        self._silent = False
        self._failed = False
        self._sites: list[tuple[int, str]] = []
        self._people: dict[int, SiteList] = {}
        self._calls: dict[int, RollCall] = {}
        self._pending: list[Act] = []
        self._written: dict[int, int] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, name="roll-call", daemon=True),
            threading.Thread(target=self._keep_on, name="roll-call-keeper", daemon=True),
        ]

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Starts writing lists to disk and acts to the database."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends both threads; what is not in the database stays in the journal."""
        self._stopping.set()
        self._wake.set()
        with self._lock:
            self._acted.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(STOP_S)

    # ------------------------------------------------------------ looking

    def sites(self) -> list[tuple[int, str]]:
        """Returns (row, name) of every site by name, or of those known from before."""
        if not self._silent:
            try:
                found = list(self._lists.sites())
            except Unanswered:
                self._became_silent()
            else:
                with self._lock:
                    self._sites = found
        with self._lock:
            self._load()
            known = dict(self._sites) or {one.site_id: one.site for one in self._people.values()}
            return sorted(known.items(), key=lambda pair: pair[1])

    def look(self, site_id: int) -> Look:
        """Returns who is to be found on a site, as freshly as the database lets it.

        Raises:
            LookupError: no such site.
            TransientError: HUB-1740, the database does not answer, and there is no list of before.
        """
        self._load()
        if not self._silent:
            self._read(site_id)
        with self._lock:
            people, call = self._people.get(site_id), self._calls.get(site_id)
            if people is None:
                raise TransientError("HUB-1740")
            under_way = call is not None and call.closed_ms is None
            return Look(
                sheet_of(people, call),
                call.handle if call is not None and under_way else "",
                self._silent,
                self._waiting(),
                None if under_way else call,
            )

    def _waiting(self) -> int:
        if not self._pending:
            return 0
        slow = self._clock() - self._pending[0].at_ms >= SLOW_MS
        ticks = sum(isinstance(one, Ticked) for one in self._pending)
        return max(1, ticks) if slow or self._failed else 0

    def _read(self, site_id: int) -> None:
        with self._lock:
            call = self._calls.get(site_id)
            open_call = call is not None and call.closed_ms is None
            kept = frozenset(call.people) if call is not None and open_call else frozenset[int]()
        try:
            fresh = self._lists.read(site_id, kept)
        except Unanswered:
            self._became_silent()
            return
        with self._lock:
            before = self._people.get(site_id)
            if before is not None and before.as_of_ms > fresh.as_of_ms:
                return
            call = self._calls.get(site_id)
            if call is not None and call.closed_ms is None:
                # Read before somebody joined whom no tap put on the list.
                if before is not None and not call.people <= {one.key for one in fresh.entries}:
                    gone = call.people - {one.key for one in fresh.entries}
                    held = [one for one in before.entries if one.key in gone]
                    fresh = _with(fresh, held)
                new = {one.key for one in fresh.of(Group.HERE)} - call.people
                if new:
                    self._record(call, Joined(call.handle, fresh.as_of_ms, tuple(sorted(new))))
            self._people[site_id] = fresh

    def _became_silent(self) -> None:
        with self._lock:
            was, self._silent = self._silent, True
        if not was:
            log.error("roll call without database", code="HUB-1745")
            self._wake.set()
            self._changed()

    # ------------------------------------------------------------ acting

    def open(self, site_id: int, by: str, label: str) -> None:
        """Begins a roll call of everybody who is here; one that is under way goes on.

        Args:
            by: who, as in the audit.
            label: what he is called on a page.

        Raises:
            LookupError, TransientError: as `look`.
        """
        self.look(site_id)
        with self._lock:
            call = self._calls.get(site_id)
            if call is not None and call.closed_ms is None:
                return
            people = tuple(one.key for one in self._people[site_id].of(Group.HERE))
            act = Opened(self._new_handle(), site_id, self._clock(), by, people)
            call = _begun(act)
            call.labels[by] = label
            self._calls[site_id] = call
            self._written.pop(site_id, None)
            self._record(call, act)
        self._wake.set()

    def tick(self, site_id: int, handle: str, token: str, mark: Mark, by: str, label: str) -> bool:
        """Takes in what a helper said of somebody; returns whether it was news.

        It is on disk when this returns, and on every screen within a second.

        Args:
            handle: of the roll call that the helper's page showed.
            token: stands for the person.

        Raises:
            LookupError: nobody of the list has this token.
            UsageError: HUB-1742, that roll call is over.
        """
        with self._lock:
            call = self._under_way(site_id, handle)
            people = self._people[site_id].entries if site_id in self._people else ()
            key = next((one.key for one in people if one.token == token), None)
            if key is None:
                raise LookupError("not on this list")
            if call.mark_of(key) is mark:
                return False
            call.labels[by] = label
            self._record(call, Ticked(handle, call.ticks + 1, key, mark, self._clock(), by))
            return True

    def close(self, site_id: int, handle: str, by: str) -> None:
        """Ends a roll call.

        Raises:
            UsageError: HUB-1742, it is over already.
        """
        with self._lock:
            call = self._under_way(site_id, handle)
            self._written.pop(site_id, None)
            self._record(call, Closed(handle, self._clock(), by))
        self._wake.set()

    def _under_way(self, site_id: int, handle: str) -> RollCall:
        self._load()
        call = self._calls.get(site_id)
        if call is None or call.closed_ms is not None or call.handle != handle:
            raise UsageError("HUB-1742")
        return call

    def _record(self, call: RollCall, act: Act) -> None:
        try:
            self._journal.append(act)
        except OSError as error:
            # Nobody is told that it was not taken: it is in memory, and the database may take it.
            log.error("tick not on disk", code="HUB-1744", error=type(error).__name__)
        call.apply(act)
        self._pending.append(act)
        self._acted.notify_all()
        self._changed()

    # ------------------------------------------------------------ before

    def _load(self) -> None:
        """Takes in what a hub before this one left, once."""
        if self._loaded:
            return
        with self._lock:
            if self._loaded:
                return
            self._loaded = True
            for one in self._shelf.last():
                self._people.setdefault(one.site_id, one)
            self._take_calls()
            left = self._journal.read()
            for act in left:
                self._again(act)
            self._pending[:0] = left
            self._acted.notify_all()

    def _take_calls(self) -> None:
        """Takes in the roll calls of the database, as soon as it answers."""
        try:
            calls = self._lists.calls()
        except Unanswered:
            self._became_silent()
            return
        with self._lock:
            self._calls_known = True
            for call in calls:
                # One that was begun without the database goes on.
                self._calls.setdefault(call.site_id, call)

    def _again(self, act: Act) -> None:
        if isinstance(act, Opened):
            known = self._calls.get(act.site_id)
            if known is None or known.opened_ms < act.at_ms:
                self._calls[act.site_id] = _begun(act)
                return
        for call in self._calls.values():
            if call.handle == act.handle:
                call.apply(act)

    # ------------------------------------------------------------ threads

    def step(self) -> float:
        """Reads every list and writes those that are due; returns after how many seconds to do it
        again."""
        self._load()
        if self._silent:
            try:
                self._lists.sites()
            except Unanswered:
                pass
            else:
                with self._lock:
                    self._silent = False
                if not self._calls_known:
                    self._take_calls()
                self._changed()
        sites = self.sites()
        for site_id, _ in sites:
            now_ms = self._clock()
            if now_ms - self._written.get(site_id, -WRITE_MS) >= WRITE_MS:
                self._write(site_id, sites, now_ms)
        if self._silent:
            return RETRY_S
        with self._lock:
            if self._pending:
                self._changed()  # so that a page learns that ticks wait
                return SLOW_MS / 1000
        next_ms = min(self._written.values(), default=self._clock()) + WRITE_MS
        return max(1.0, (next_ms - self._clock()) / 1000)

    def _write(self, site_id: int, sites: list[tuple[int, str]], now_ms: int) -> None:
        try:
            self.look(site_id)
        except (LookupError, TransientError):
            return
        with self._lock:
            people, call = self._people[site_id], self._calls.get(site_id)
            if call is not None:
                call = _copy(call) if call.closed_ms is None else None
        try:
            self._shelf.put(people, call, sites)
        except OSError as error:
            log.error("roll call not written", code="HUB-1744", error=type(error).__name__)
        self._written[site_id] = now_ms

    def _watch(self) -> None:
        wait_s = FIRST_S
        while not self._stopping.is_set():
            self._wake.wait(wait_s)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                wait_s = self.step()
            except Exception as error:  # noqa: BLE001 - the next minute must come
                # The text of an unexpected error may hold anything: only its kind is logged.
                log.error("roll call not written", code="HUB-1744", error=type(error).__name__)
                wait_s = RETRY_S

    def flush(self) -> bool:
        """Writes what waits to the database; returns whether nothing waits any more."""
        self._load()
        with self._flushing:
            return self._flush()

    def _flush(self) -> bool:
        with self._lock:
            batch = tuple(self._pending)
        if not batch:
            return True
        try:
            self._keep(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            log.warning("roll call waits for the database", error=type(error).__name__)
            with self._lock:
                self._failed = True
            self._changed()
            return False
        with self._lock:
            del self._pending[: len(batch)]
            self._failed = False
            if not self._pending:
                self._empty_journal()
        self._changed()
        return True

    def _empty_journal(self) -> None:
        try:
            self._journal.clear()
        except OSError as error:
            # What stays in it is written once more at the next start, which does nothing.
            log.error("journal not emptied", code="HUB-1744", error=type(error).__name__)

    def _keep_on(self) -> None:
        while True:
            with self._lock:
                while not self._pending and not self._stopping.is_set():
                    self._acted.wait()
            kept = self.flush()
            if self._stopping.is_set():
                return
            if not kept:
                self._stopping.wait(KEEP_RETRY_S)


def _begun(act: Opened) -> RollCall:
    return RollCall(act.handle, act.site_id, act.at_ms, act.by, set(act.people))


def _copy(call: RollCall) -> RollCall:
    return RollCall(
        call.handle,
        call.site_id,
        call.opened_ms,
        call.opened_by,
        set(call.people),
        dict(call.marks),
        call.ticks,
        call.closed_ms,
        dict(call.labels),
    )


def _with(people: SiteList, held: Iterable[Entry]) -> SiteList:
    entries = sorted((*people.entries, *held), key=lambda entry: entry.order)
    return SiteList(people.site_id, people.site, people.languages, people.as_of_ms, tuple(entries))
