"""What is planned against what the register knows, and the plan as people look at it.

Checking only reads. Rows that are understood become planned days, or problems that name the row and
column as a people file's do; a row with one wrong day is wrong as a whole. What stands in the plan
already is left alone, so the same file twice changes nothing, and what somebody withdrew comes back
only when that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, Protocol

from hub.application.access import COMMAND, Actor
from hub.application.people_table import Problem, Severity
from hub.application.plan_file import PlanFile, PlanRow
from hub.domain.plan import EntryFacts, Finding, findings

Past = Literal["standing", "withdrawn"]
SEVERAL_WORKS: Final = "IMP-5029"
WITHDRAWN_BEFORE: Final = "IMP-5027"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A planned day to be kept."""

    person_id: int
    works_number: str
    day: date


@dataclass(frozen=True, slots=True, repr=False)
class PlannedPerson:
    """The person of a planned day as pages and commands may show him.

    Args:
        ref: number of the person in the register; means nothing outside of this hub.
        token: stands for the person in addresses.
        masked: INSS or Limosa number, masked; empty when there is none.
        company_number: employer; empty when not known.
    """

    ref: int
    family_name: str
    given_name: str
    masked: str
    company_number: str
    company_name: str
    token: str = ""

    def __repr__(self) -> str:
        return f"PlannedPerson({self.ref})"


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One standing entry of the plan for the preview.

    Args:
        entry_id: number of the entry.
        person: who.
        works_number, day: where and when.
        site: name of the site.
        source: `file`, `api`, `copy:DAY` or `pattern:ID`.
        regime: `day` or `in_out`.
        findings: what keeps it from being registered; empty when nothing does.
        warnings: what looks odd and keeps it from nothing.
        state: of its registration; None when there is none.
        number: of the authority; None while it gave none.
        seen: whether the person was seen at the site on that day.
        cause: why the registration stands so, `cause.*` of the catalogue; None when there is none.
    """

    entry_id: int
    person: PlannedPerson
    works_number: str
    day: date
    site: str
    source: str
    regime: str
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    state: str | None
    number: int | None
    seen: bool
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """What a plan comes to.

    Args:
        entries: planned days that are new.
        unchanged: how many stand in the plan already.
        problems: of the file and of the register, in the order of the rows.
        row_count: rows read.
        good_rows: rows without an error.
        refused: nothing may be written, not even the good rows: the file itself is unreadable.
    """

    entries: tuple[NewEntry, ...]
    unchanged: int
    problems: tuple[Problem, ...]
    row_count: int
    good_rows: int
    refused: bool

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(entry.severity == Severity.ERROR for entry in self.problems)

    @property
    def warnings(self) -> int:
        """How many problems are warnings."""
        return len(self.problems) - self.errors

    def writable(self, good_rows_only: bool) -> bool:
        """Whether the entries may be written: all is good, or only the good rows are asked for."""
        return not self.errors or (good_rows_only and not self.refused)


class PlanRegister(Protocol):
    """What the register and the plan know, in one consistent view."""

    def person_of(self, row: PlanRow) -> int | None:
        """Returns the person that a row names; None when the register knows none."""
        ...

    def company_number(self, person_id: int) -> str | None:
        """Returns the employer's number."""
        ...

    def knows_works(self, works_number: str) -> bool:
        """Returns whether the register has these works."""
        ...

    def assignments(self, person_id: int, day: date) -> tuple[str, ...]:
        """Returns the works numbers of a person on a day, at every site, sorted."""
        ...

    def facts(self, person_id: int, works_number: str, day: date) -> EntryFacts:
        """Returns what stands between a planned day and its registration."""
        ...

    def past(self, person_id: int, works_number: str, day: date) -> Past | None:
        """Returns whether this day is in the plan, or was withdrawn from it; None: neither."""
        ...


def check_plan(register: PlanRegister, plan: PlanFile, today: date, again: bool) -> PlanCheck:
    """Returns the new entries of a plan and everything that is wrong with it; writes nothing.

    Args:
        register: one consistent view.
        plan: as it was read.
        today: Brussels day.
        again: whether a day that was withdrawn before may be planned again.
    """
    checking = _Checking(register, today, again)
    good = 0
    for row in plan.rows:
        good += checking.row(row)
    problems = sorted([*plan.problems, *checking.problems], key=lambda entry: entry.row or 0)
    return PlanCheck(
        tuple(checking.entries),
        checking.unchanged,
        tuple(problems),
        plan.row_count,
        good,
        plan.unreadable,
    )


class _Checking:
    def __init__(self, register: PlanRegister, today: date, again: bool) -> None:
        self._register = register
        self._today = today
        self._again = again
        self._row = 0
        self._told: set[tuple[str | None, str]] = set()
        self._failed = False
        self._taken: dict[tuple[int, str, date], int] = {}
        self.entries: list[NewEntry] = []
        self.problems: list[Problem] = []
        self.unchanged = 0

    def row(self, row: PlanRow) -> bool:
        """Takes a row: its entries when all of it is good; returns whether it was."""
        self._row, self._failed = row.row, False
        self._told.clear()
        person_id = self._register.person_of(row)
        if person_id is None:
            by_badge = type(row.person).__name__ == "BadgeUid"
            self._error(None, "IMP-5014" if by_badge else "IMP-5013")
            return False
        company = self._register.company_number(person_id)
        if row.company_number is not None and company != row.company_number:
            self._error("company_number", "IMP-5021")
        if row.works_number is not None and not self._register.knows_works(row.works_number):
            self._error("works_number", "IMP-5015")
            return False
        new: list[NewEntry] = []
        unchanged = 0
        for day in row.days:
            taken = self._day(person_id, row.works_number, day)
            if taken == "standing":
                unchanged += 1
            elif taken is not None:
                new.append(taken)
        if self._failed:
            return False
        self.entries.extend(new)
        self.unchanged += unchanged
        return True

    def _day(
        self, person_id: int, works_number: str | None, day: date
    ) -> NewEntry | Literal["standing"] | None:
        works = works_number or self._only_assignment(person_id, day)
        if works is None:
            return None
        first = self._taken.setdefault((person_id, works, day), self._row)
        if first != self._row:
            self._error(None, "IMP-5012", first_row=first)
            return None
        past = self._register.past(person_id, works, day)
        if past == "standing":
            return "standing"
        if day < self._today:
            self._error("day", "IMP-5009")
            return None
        if past == "withdrawn" and not self._again:
            self._note("day", WITHDRAWN_BEFORE, Severity.WARNING)
            return None
        for finding in findings(day, self._register.facts(person_id, works, day)):
            self._error(finding.column, finding.code, **dict(finding.values))
        return NewEntry(person_id, works, day)

    def _only_assignment(self, person_id: int, day: date) -> str | None:
        found = self._register.assignments(person_id, day)
        if len(found) == 1:
            return found[0]
        if found:
            self._error("works_number", "IMP-5019", works=", ".join(found))
        else:
            self._error("works_number", "IMP-5020", day=day.isoformat())
        return None

    def _error(self, column: str | None, code: str, **values: object) -> None:
        self._failed = True
        self._note(column, code, Severity.ERROR, **values)

    def _note(self, column: str | None, code: str, severity: Severity, **values: object) -> None:
        # Said once for each row: a range would repeat it for every day.
        if (column, code) not in self._told:
            self._told.add((column, code))
            self.problems.append(
                Problem(self._row, column, severity, code, tuple(sorted(values.items())))
            )


def with_warnings(days: Iterable[PlannedDay]) -> list[PlannedDay]:
    """Returns the days of one date; who is planned twice at one site says so.

    Two numbers at one site are two registrations, which is right for few and a slip for most.
    """
    listed = list(days)
    seen: dict[tuple[int, str], int] = {}
    for one in listed:
        key = (one.person.ref, one.site)
        seen[key] = seen.get(key, 0) + 1
    odd = (Finding(SEVERAL_WORKS, "works_number"),)
    return [
        replace(one, warnings=odd if seen[one.person.ref, one.site] > 1 else ()) for one in listed
    ]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A weekly pattern in force."""

    pattern_id: int
    person: PlannedPerson
    works_number: str
    weekdays: int
    from_day: date
    until_day: date | None


Outcome = Literal["withdrawn", "dropped", "cancelling", "waiting", "seen", "in_hand", "before"]
"""What withdrawing an entry came to: only the entry; its unsent registration dropped; its
registration on the way to be cancelled; that decided as soon as it is known whether the authority
has it. Nothing: the person was seen; the person was seen and it is under way; it was withdrawn
before."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What became of one entry."""

    entry_id: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Written:
    """What an import, a copy or the API changed."""

    check: PlanCheck
    added: int


class PlanDesk(Protocol):
    """The plan for whoever asks from outside of the hub's own threads."""

    def take(
        self,
        plan: PlanFile,
        source: str,
        actor: str,
        again: bool,
        good_rows_only: bool,
        dry: bool,
        by: Actor = COMMAND,
    ) -> Written:
        """Checks a plan, and keeps its entries unless it is refused or `dry`.

        Whom `by` may not plan does not exist for him.
        """
        ...

    def read(self, data: bytes) -> PlanFile:
        """Returns a file as it was read, as of today."""
        ...

    def read_list(self, entries: object) -> PlanFile:
        """Returns a JSON list as it was read, as of today."""
        ...

    def day(self, text: str) -> date:
        """Returns the day that was typed; raises UsageError HUB-1500."""
        ...

    def days(self, day: date, by: Actor = COMMAND) -> Sequence[PlannedDay]:
        """Returns the preview of a day, of whom `by` may see."""
        ...
