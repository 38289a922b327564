"""The plan in the store: `PlanPort` for the planner, `PlanDesk` for commands and the API.

Checks are made in a read transaction, which keeps nobody waiting; what is written then looks again
at whatever may have changed in between, in short transactions, so that taps are never held up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, select

from hub.application.access import COMMAND, Actor
from hub.application.plan_file import PlanFile, read_plan_file, read_plan_list
from hub.application.planning import (
    NewEntry,
    Pattern,
    PlannedDay,
    PlannedPerson,
    Withdrawn,
    Written,
    check_plan,
)
from hub.clock import Clock
from hub.domain.legal_day import BRUSSELS, brussels_day
from hub.domain.plan import (
    PATTERN_DAYS,
    Withdrawal,
    may_submit,
    parse_day,
    pattern_days,
    submit_from_ms,
    withdrawal,
)
from hub.errors import UsageError
from hub.storage import plan_changes as changes
from hub.storage import plan_withdrawals as withdrawals
from hub.storage.engine import reading, writing
from hub.storage.house import House
from hub.storage.plan_reader import PlanReader
from hub.storage.schema import plan_entry, plan_pattern
from hub.storage.secrets import Vault
from hub.storage.writer import Writer

T = TypeVar("T")

CHUNK: Final = 50
"""Entries in one transaction: some tens of milliseconds on a slow computer."""


class Writing(Protocol):
    """Runs a job in a write transaction of its own and returns what it returned, once kept."""

    def __call__(self, job: Callable[[Connection], T], /) -> T:
        """Runs it."""
        ...


def by_writer(writer: Writer) -> Writing:
    """Returns how the running hub writes: jobs of its writer."""

    def run(job: Callable[[Connection], T], /) -> T:
        return writer.call(job).result()

    return run


def by_itself(engine: Engine) -> Writing:
    """Returns how a command writes: transactions of its own."""

    def run(job: Callable[[Connection], T], /) -> T:
        with writing(engine) as connection:
            return job(connection)

    return run


@dataclass(frozen=True, slots=True)
class Copied:
    """What copying a day changed: new entries, those that stood, and those once withdrawn."""

    added: int
    unchanged: int
    withdrawn_before: int


class Plans:
    """The plan of one hub.

    Args:
        engine: the database, for reading.
        vault: finds people by number and masks them.
        clock: UTC milliseconds.
        submit_at: Brussels time of the day before from which a planned day is sent.
        write: how something is written.
        changed: called after something was written.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        clock: Clock,
        submit_at: time,
        write: Writing,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self.submit_at = submit_at
        self._write = write
        self._changed = changed

    # ------------------------------------------------------------ PlanPort

    def expand(self, first: date, last: date, now_ms: int) -> int:
        """See `PlanPort`."""
        wanted: dict[str, list[NewEntry]] = {}
        with self._reader(now_ms) as (connection, reader):
            query = select(plan_pattern).where(
                plan_pattern.c.removed_ms.is_(None), plan_pattern.c.from_day <= last.isoformat()
            )
            for row in connection.execute(query).all():
                until = date.fromisoformat(row.until_day) if row.until_day else None
                from_day = date.fromisoformat(row.from_day)
                for day in pattern_days(row.weekdays, from_day, until, first, last):
                    if reader.past(row.person_id, row.works_number, day) is None:
                        entry = NewEntry(row.person_id, row.works_number, day)
                        wanted.setdefault(f"pattern:{row.id}", []).append(entry)
        count = 0
        for source, entries in wanted.items():
            for chunk in _chunks(entries):
                count += self._write(
                    lambda connection, chunk=chunk, source=source: changes.add_missing(
                        connection, chunk, source, now_ms
                    )
                )
        return self._told(count)

    def submit(self, day: date, now_ms: int) -> int:
        """See `PlanPort`."""
        ready, _ = self._unsubmitted(day, now_ms)
        count = 0
        for chunk in _chunks([one.entry_id for one in ready]):
            count += self._write(
                lambda connection, chunk=chunk: changes.submit_entries(
                    connection, day, chunk, now_ms, self.submit_at
                )
            )
        return self._told(count)

    def settle(self, now_ms: int) -> int:
        """See `PlanPort`."""
        return self._told(
            self._write(
                lambda connection: (
                    withdrawals.settle(connection, now_ms)
                    + withdrawals.came_all_the_same(connection, now_ms)
                )
            )
        )

    def absences_done(self, day: date) -> bool:
        """See `PlanPort`."""
        with reading(self._engine) as connection:
            return withdrawals.absences_done(connection, day)

    def withdraw_absent(self, day: date, reason: str, now_ms: int) -> int | None:
        """See `PlanPort`."""
        with reading(self._engine) as connection:
            if withdrawals.taps_wait(connection):
                return None
        done = self._withdraw_absent(day, reason, withdrawals.ACTOR, now_ms)
        self._write(lambda connection: withdrawals.mark_absences(connection, day))
        return len(done)

    # ------------------------------------------------------------ PlanDesk

    def take(
        self,
        plan: PlanFile,
        source: str,
        actor: str,
        again: bool = False,
        good_rows_only: bool = False,
        dry: bool = False,
        by: Actor = COMMAND,
        kept: Callable[[Connection, int], None] = lambda _connection, _count: None,
    ) -> Written:
        """See `PlanDesk`; `kept` is called with how many are new, inside their transaction."""
        now_ms = self._clock()
        with self._reader(now_ms, by) as (_, reader):
            check = check_plan(reader, plan, brussels_day(now_ms), again)
        if dry or not check.writable(good_rows_only) or not check.entries:
            return Written(check, 0)

        def keep(connection: Connection) -> int:
            # One transaction: all of a plan or nothing of it.
            count = changes.add_entries(connection, check.entries, source, actor, now_ms)
            kept(connection, count)
            return count

        return Written(check, self._told(self._write(keep)))

    def read(self, data: bytes) -> PlanFile:
        """See `PlanDesk`."""
        return read_plan_file(data, brussels_day(self._clock()))

    def read_list(self, entries: object) -> PlanFile:
        """See `PlanDesk`."""
        return read_plan_list(entries, brussels_day(self._clock()))

    def day(self, text: str) -> date:
        """See `PlanDesk`."""
        return parse_day(text, brussels_day(self._clock()))

    def days(self, day: date, by: Actor = COMMAND) -> list[PlannedDay]:
        """See `PlanDesk`."""
        with self._reader(self._clock(), by) as (_, reader):
            return reader.planned(day)

    # ------------------------------------------------------------ what a person asks

    def unplanned(self, day: date) -> list[PlannedPerson]:
        """Returns who is in the register and stands nowhere in the plan of this day."""
        with self._reader(self._clock()) as (_, reader):
            return reader.unplanned(day)

    def unsubmitted(self, day: date) -> tuple[list[PlannedDay], list[PlannedDay]]:
        """Returns what `submit_asked` would make, and what it would leave for its problems.

        Raises:
            UsageError: HUB-1509 before the day may be sent, HUB-1510 when it is over.
        """
        now_ms = self._clock()
        must_be_open(day, now_ms, self.submit_at)
        return self._unsubmitted(day, now_ms)

    def submit_asked(self, day: date) -> int:
        """Makes the registrations of a day at a human's word; returns how many are new.

        Raises:
            UsageError: see `unsubmitted`.
        """
        self.unsubmitted(day)
        return self.submit(day, self._clock())

    def entries_of(self, day: date, person_ref: int) -> list[int]:
        """Returns the standing entries of one person on one day.

        Raises:
            UsageError: HUB-1505, there is no such person.
        """
        with self._reader(self._clock()) as (connection, reader):
            reader.person(person_ref)
            query = select(plan_entry.c.id).where(
                plan_entry.c.person_id == person_ref,
                plan_entry.c.day == day.isoformat(),
                plan_entry.c.withdrawn_ms.is_(None),
            )
            return list(connection.execute(query).scalars())

    def withdraw(
        self, entry_ids: Sequence[int], reason: str, actor: str, although_seen: bool = False
    ) -> list[Withdrawn]:
        """Takes planned days back; all in one transaction.

        Raises:
            UsageError: HUB-1501, there is no such entry; nothing was changed.
        """
        now_ms = self._clock()
        done = self._write(
            lambda connection: withdrawals.withdraw(
                connection, entry_ids, reason, actor, now_ms, although_seen
            )
        )
        self._told(len(done))
        return done

    def copy(self, source_day: date, day: date, actor: str, again: bool = False) -> Copied:
        """Plans for a day everybody who stands in the plan of another one, with the same works.

        Raises:
            UsageError: HUB-1513, the two are one day; HUB-1510, the day is over.
        """
        now_ms = self._clock()
        if source_day == day:
            raise UsageError("HUB-1513")
        if day < brussels_day(now_ms):
            raise UsageError("HUB-1510", day=day.isoformat())
        new: list[NewEntry] = []
        unchanged = before = 0
        with self._reader(now_ms) as (_, reader):
            for one in reader.planned(source_day):
                past = reader.past(one.person.ref, one.works_number, day)
                if past == "standing":
                    unchanged += 1
                elif past == "withdrawn" and not again:
                    before += 1
                else:
                    new.append(NewEntry(one.person.ref, one.works_number, day))
        source = f"copy:{source_day.isoformat()}"
        added = self._write(
            lambda connection: changes.add_entries(connection, new, source, actor, now_ms)
        )
        return Copied(self._told(added), unchanged, before)

    def absent(self, day: date) -> list[PlannedDay]:
        """Returns who is planned on a day and was not seen at the site."""
        return [one for one in self.days(day) if not one.seen]

    def withdraw_absent_asked(self, day: date, reason: str, actor: str) -> list[Withdrawn]:
        """Withdraws who is planned and was not seen, at a human's word."""
        return self._withdraw_absent(day, reason, actor, self._clock())

    # ------------------------------------------------------------ patterns

    def patterns(self) -> list[Pattern]:
        """Returns the weekly patterns in force."""
        with self._reader(self._clock()) as (_, reader):
            return reader.patterns()

    def add_pattern(
        self,
        person_ref: int,
        works_number: str | None,
        weekdays: int,
        from_day: date,
        until_day: date | None,
        actor: str,
    ) -> int:
        """Keeps a weekly pattern, writes its next days out, and returns its number.

        Raises:
            UsageError: HUB-1505 no such person, HUB-1506 no such works, HUB-1511 the person has
                not exactly one assignment on the first day, HUB-1512 it ends before it begins.
        """
        now_ms = self._clock()
        if until_day is not None and until_day < from_day:
            raise UsageError("HUB-1512")
        with self._reader(now_ms) as (_, reader):
            reader.person(person_ref)
            if works_number is None:
                assigned = reader.assignments(person_ref, from_day)
                if len(assigned) != 1:
                    raise UsageError("HUB-1511", works=", ".join(assigned) or "-")
                works_number = assigned[0]
            elif not reader.knows_works(works_number):
                raise UsageError("HUB-1506")
        number = works_number
        pattern_id = self._write(
            lambda connection: changes.add_pattern(
                connection, person_ref, number, weekdays, from_day, until_day, actor, now_ms
            )
        )
        today = brussels_day(now_ms)
        self.expand(today, today + timedelta(days=PATTERN_DAYS), now_ms)
        return pattern_id

    def remove_pattern(self, pattern_id: int, actor: str) -> list[Withdrawn]:
        """Ends a pattern and withdraws the days after today that it wrote out.

        Raises:
            UsageError: HUB-1508, there is no such pattern.
        """
        now_ms = self._clock()
        done = self._write(
            lambda connection: changes.remove_pattern(connection, pattern_id, actor, now_ms)
        )
        self._told(1)
        return done

    # ------------------------------------------------------------ how

    @contextmanager
    def _reader(self, now_ms: int, by: Actor = COMMAND) -> Iterator[tuple[Connection, PlanReader]]:
        with reading(self._engine) as connection:
            yield connection, PlanReader(connection, self._vault, brussels_day(now_ms), by)

    def _told(self, count: int) -> int:
        if count:
            self._changed()
        return count

    def _unsubmitted(self, day: date, now_ms: int) -> tuple[list[PlannedDay], list[PlannedDay]]:
        """Entries of the day regime without a registration: those all right, those not."""
        with self._reader(now_ms) as (connection, reader):
            # In the in/out regime the plan never makes any, and this is asked twice a minute.
            open_ids = {
                row.id
                for row in changes.unsubmitted(connection, day)
                if reader.regime(row.works_number, day) == "day"
            }
            if not open_ids:
                return [], []
            rows = reader.planned(day, open_ids)
        ready = [one for one in rows if not one.findings]
        return ready, [one for one in rows if one.findings]

    def _withdraw_absent(self, day: date, reason: str, actor: str, now_ms: int) -> list[Withdrawn]:
        """Only what has a registration to take back: the rest stands as it is, and is listed."""
        wanted = [
            one.entry_id
            for one in self.absent(day)
            if one.regime == "day" and withdrawal(one.state) is not Withdrawal.NOTHING
        ]
        done: list[Withdrawn] = []
        for chunk in _chunks(wanted):
            done.extend(
                self._write(
                    lambda connection, chunk=chunk: withdrawals.withdraw(
                        connection, chunk, reason, actor, now_ms
                    )
                )
            )
        self._told(len(done))
        return done


def must_be_open(day: date, now_ms: int, submit_at: time) -> None:
    """Refuses a day that a human may not have sent now.

    Raises:
        UsageError: HUB-1509 before the day may be sent, HUB-1510 when it is over.
    """
    if day < brussels_day(now_ms):
        raise UsageError("HUB-1510", day=day.isoformat())
    if not may_submit(day, now_ms, submit_at):
        opens = datetime.fromtimestamp(submit_from_ms(day, submit_at) // 1000, BRUSSELS)
        raise UsageError("HUB-1509", day=day.isoformat(), opens=opens.strftime("%Y-%m-%d %H:%M"))


def plans_of(house: House, clock: Clock, submit_at: time) -> Plans:
    """Returns the plan of an open data folder for a command, which writes by itself."""
    return Plans(house.engine, house.vault, clock, submit_at, by_itself(house.engine))


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
