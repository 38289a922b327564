"""Who must be found when a site is cleared: one site at one instant, as plain values.

Page, printed sheet, file on disk and command all show a `Sheet`. It carries names, companies and
gates, and never a person number, a card or a badge; a `repr` shows none of it.

Who counts as *here*: whose newest tap let him in, today, or not longer than `NIGHT_MS` ago, so that
midnight empties no site. Where a tap cannot be dated or is doubtful, the person is here: a person
too many costs a search, a person too few costs a life.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from hub.domain.legal_day import brussels_day

NIGHT_MS: Final = 16 * 3_600_000
"""How long a tap of the day before keeps somebody here: a night shift with its overtime. Who forgot
to tap out yesterday afternoon is off the list when the morning begins. Our choice."""


class Group(StrEnum):
    """Where somebody stands, in the order of the printed sheet."""

    HERE = "here"
    LEFT = "left"
    NOT_COME = "not_come"
    """Planned or registered for today, and not seen."""


class Mark(StrEnum):
    """What a helper said of somebody; the value is what the tables hold."""

    PRESENT = "present"
    MISSING = "missing"
    UNDONE = "undone"
    """What was said before was a mistake."""


@dataclass(frozen=True, slots=True)
class LastTap:
    """The newest tap of somebody on a site.

    Args:
        day: Brussels day of it, ISO.
        at_ms: UTC milliseconds.
        inside: it left him on the site.
        gate: name of the gate.
    """

    day: str
    at_ms: int
    inside: bool
    gate: str


@dataclass(frozen=True, slots=True)
class Undated:
    """A granted tap that nothing dates yet: only when the hub got it is known."""

    received_ms: int
    inside: bool
    gate: str


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """What is known of one person for a list.

    Args:
        key: row of the person; inside the hub only.
        token: what stands for him in a form.
        visitor: he visits or delivers, and does not work here.
        seen: his newest dated tap of yesterday or today on this site.
        undated: his newest tap without a date.
        expected: planned or registered for today on this site.
    """

    key: int
    token: str
    given_name: str
    family_name: str
    company: str
    visitor: bool
    seen: LastTap | None = None
    undated: Undated | None = None
    expected: bool = False

    def __repr__(self) -> str:
        return f"Known({self.key})"


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One person of a list.

    Args:
        gate: of his last tap; empty for none.
        at_ms: moment of it, UTC milliseconds; None for none or for one without a date.
        unsure: he tapped in on an earlier day, longer than `NIGHT_MS` ago, and never out.
    """

    key: int
    token: str
    given_name: str
    family_name: str
    company: str
    visitor: bool
    group: Group
    gate: str = ""
    at_ms: int | None = None
    unsure: bool = False

    def __repr__(self) -> str:
        return f"Entry({self.key}, {self.group})"

    @property
    def order(self) -> tuple[bool, str, str, str, int]:
        """By company, then name; who has no company comes last."""
        return (
            not self.company,
            self.company.casefold(),
            self.family_name.casefold(),
            self.given_name.casefold(),
            self.key,
        )


_OF_ENTRY: Final = tuple(one.name for one in fields(Entry))


@dataclass(frozen=True, slots=True, repr=False)
class SiteList:
    """Everybody of one site at one instant, each once, in the order of the sheet.

    Args:
        site_id: row of the site.
        languages: of the site, the first one first.
        as_of_ms: when this was read, UTC milliseconds.
    """

    site_id: int
    site: str
    languages: tuple[str, ...]
    as_of_ms: int
    entries: tuple[Entry, ...]

    def __repr__(self) -> str:
        return f"SiteList({self.site_id}, {len(self.entries)} people)"

    def of(self, group: Group) -> tuple[Entry, ...]:
        """Returns one group."""
        return tuple(one for one in self.entries if one.group is group)

    def as_json(self) -> dict[str, Any]:
        """Returns it as JSON values; `from_json` makes the same list of them."""
        # `asdict` copies each value on its own: 100 ms of a list of 3,000 people.
        entries = [{name: getattr(one, name) for name in _OF_ENTRY} for one in self.entries]
        return {
            "site_id": self.site_id,
            "site": self.site,
            "languages": list(self.languages),
            "as_of_ms": self.as_of_ms,
            "entries": entries,
        }

    @staticmethod
    def from_json(said: Mapping[str, Any]) -> SiteList:
        """Returns the list that `as_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is of another shape.
        """
        entries = (Entry(**{**one, "group": Group(one["group"])}) for one in said["entries"])
        return SiteList(
            int(said["site_id"]),
            str(said["site"]),
            tuple(said["languages"]),
            int(said["as_of_ms"]),
            tuple(entries),
        )


def make_list(
    site_id: int,
    site: str,
    languages: tuple[str, ...],
    now_ms: int,
    people: Iterable[Known],
    kept: frozenset[int] = frozenset(),
) -> SiteList:
    """Sorts people into the three groups; a pure function, each person once.

    Args:
        now_ms: UTC milliseconds.
        people: whom to sort; one who belongs to no group is left out.
        kept: people who stay on the list whatever their taps say: a roll call looks for them.
    """
    found: dict[int, Entry] = {}
    for one in people:
        entry = _entry(one, now_ms, one.key in kept)
        if entry is not None:
            found[one.key] = entry
    ordered = sorted(found.values(), key=lambda entry: entry.order)
    return SiteList(site_id, site, languages, now_ms, tuple(ordered))


def _entry(one: Known, now_ms: int, kept: bool) -> Entry | None:
    group, tap, unsure = _group(one, now_ms, kept)
    if group is None:
        return None
    return Entry(
        one.key,
        one.token,
        one.given_name,
        one.family_name,
        one.company,
        one.visitor,
        group,
        "" if tap is None else tap.gate,
        tap.at_ms if isinstance(tap, LastTap) else None,
        unsure,
    )


def _group(
    one: Known, now_ms: int, kept: bool
) -> tuple[Group | None, LastTap | Undated | None, bool]:
    """Returns the group, the tap that says so, and whether it is doubtful."""
    today = brussels_day(now_ms).isoformat()
    seen, undated = one.seen, one.undated
    if undated is not None and undated.inside:
        # Nothing says that the dated one is newer, unless it came after this one had arrived.
        if seen is None or seen.inside or seen.at_ms <= undated.received_ms:
            newer = seen if seen is not None and seen.inside and seen.day >= today else undated
            return Group.HERE, newer, False
    if seen is not None:
        if seen.inside and (seen.day >= today or now_ms - seen.at_ms <= NIGHT_MS):
            return Group.HERE, seen, False
        if not seen.inside and seen.day >= today:
            return Group.LEFT, seen, False
    if one.expected:
        return Group.NOT_COME, seen if seen and seen.inside else None, bool(seen and seen.inside)
    if seen is not None and (seen.inside or kept):
        return Group.LEFT, seen, seen.inside
    return (Group.LEFT if kept else None), None, False


def days_looked_at(now_ms: int) -> tuple[str, str]:
    """Returns yesterday and today in Brussels, ISO: a list is made of the taps of both."""
    today = brussels_day(now_ms)
    return (today - timedelta(days=1)).isoformat(), today.isoformat()


# ---------------------------------------------------------------- a roll call


@dataclass(frozen=True, slots=True)
class Opened:
    """A roll call began; people are the rows of those who were here."""

    handle: str
    site_id: int
    at_ms: int
    by: str
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """These turned out to be on the site too."""

    handle: str
    at_ms: int
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ticked:
    """A helper said something of somebody.

    Args:
        number: 1 for the first one of this roll call, and so on.
        by: as in the audit: `account:7`.
    """

    handle: str
    number: int
    key: int
    mark: Mark
    at_ms: int
    by: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A roll call ended."""

    handle: str
    at_ms: int
    by: str


Act = Opened | Joined | Ticked | Closed
"""What happens in a roll call; carrying one out twice does nothing more than once."""


@dataclass(slots=True)
class RollCall:
    """One roll call of one site: who is to be found, and what was said of each last.

    Args:
        labels: what the accounts that took part are called on a page, by their names in the audit.
    """

    handle: str
    site_id: int
    opened_ms: int
    opened_by: str
    people: set[int]
    marks: dict[int, Ticked] = field(default_factory=dict)
    ticks: int = 0
    closed_ms: int | None = None
    labels: dict[str, str] = field(default_factory=dict)

    def apply(self, act: Act) -> None:
        """Takes in what happened."""
        match act:
            case Joined():
                self.people.update(act.people)
            case Ticked():
                self.people.add(act.key)
                self.ticks = max(self.ticks, act.number)
                before = self.marks.get(act.key)
                if before is None or before.number <= act.number:
                    self.marks[act.key] = act
            case Closed():
                self.closed_ms = self.closed_ms or act.at_ms
            case Opened():
                self.people.update(act.people)

    def mark_of(self, key: int) -> Mark:
        """Returns what counts of somebody: `UNDONE` when nothing was said."""
        said = self.marks.get(key)
        return Mark.UNDONE if said is None else said.mark

    @property
    def found(self) -> int:
        """How many were found."""
        return sum(self.mark_of(key) is Mark.PRESENT for key in self.people)

    @property
    def remaining(self) -> int:
        """How many are still to be found."""
        return len(self.people) - self.found


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One line of a sheet.

    Args:
        entry: who.
        mark: what was said of him.
        by: by whom, as a page calls him; empty for nobody.
        marked_ms: when, UTC milliseconds.
        out: he was here when the roll call began, and has tapped out since.
    """

    entry: Entry
    mark: Mark = Mark.UNDONE
    by: str = ""
    marked_ms: int | None = None
    out: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is shown and printed: each person of the list in exactly one of the groups.

    Args:
        list: of which site and when.
        opened_ms: when the roll call began; None: there is none.
        opened_by: who began it.
        remaining: to be found; without a roll call, everybody who is here.
        found: ticked off.
        left, not_come: the others.
    """

    list: SiteList
    opened_ms: int | None
    opened_by: str
    remaining: tuple[Row, ...]
    found: tuple[Row, ...]
    left: tuple[Row, ...]
    not_come: tuple[Row, ...]

    @property
    def here(self) -> tuple[Row, ...]:
        """Everybody who is to be found, in the order of the sheet."""
        rows = (*self.remaining, *self.found)
        return tuple(sorted(rows, key=lambda row: row.entry.order))

    @property
    def missing(self) -> int:
        """How many of the remaining were said to be missing."""
        return sum(row.mark is Mark.MISSING for row in self.remaining)

    @property
    def visitors(self) -> int:
        """How many of those who are to be found visit or deliver."""
        return sum(row.entry.visitor for row in (*self.remaining, *self.found))

    def as_json(self) -> dict[str, Any]:
        """Returns what a script is told: names, companies and gates, without our own rows."""

        def told(row: Row) -> dict[str, Any]:
            one = row.entry
            return {
                "company": one.company,
                "family_name": one.family_name,
                "given_name": one.given_name,
                "visitor": one.visitor,
                "gate": one.gate or None,
                "at_ms": one.at_ms,
                "unsure": one.unsure,
                "mark": None if row.mark is Mark.UNDONE else str(row.mark),
            }

        return {
            "site": self.list.site,
            "as_of_ms": self.list.as_of_ms,
            "opened_ms": self.opened_ms,
            "counts": {
                "here": len(self.remaining) + len(self.found),
                "remaining": len(self.remaining),
                "found": len(self.found),
                "missing": self.missing,
                "visitors": self.visitors,
                "left": len(self.left),
                "not_come": len(self.not_come),
            },
            "here": [told(row) for row in self.here],
            "left": [told(row) for row in self.left],
            "not_come": [told(row) for row in self.not_come],
        }


def sheet_of(people: SiteList, call: RollCall | None) -> Sheet:
    """Returns the sheet of a list, with what a roll call that is under way says."""
    if call is None or call.closed_ms is not None:
        return Sheet(
            people,
            None,
            "",
            tuple(Row(one) for one in people.of(Group.HERE)),
            (),
            tuple(Row(one) for one in people.of(Group.LEFT)),
            tuple(Row(one) for one in people.of(Group.NOT_COME)),
        )
    sought: list[Row] = []
    others: list[Row] = []
    for one in people.entries:
        if one.key in call.people or one.group is Group.HERE:
            said = call.marks.get(one.key)
            mark = call.mark_of(one.key)
            by = "" if said is None else call.labels.get(said.by, said.by)
            at_ms = None if said is None else said.at_ms
            sought.append(Row(one, mark, by, at_ms, one.group is Group.LEFT and not one.unsure))
        else:
            others.append(Row(one))
    return Sheet(
        people,
        call.opened_ms,
        call.labels.get(call.opened_by, call.opened_by),
        tuple(row for row in sought if row.mark is not Mark.PRESENT),
        tuple(row for row in sought if row.mark is Mark.PRESENT),
        tuple(row for row in others if row.entry.group is Group.LEFT),
        tuple(row for row in others if row.entry.group is Group.NOT_COME),
    )


def by_company(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Returns the rows under the name of each company, in their order; empty name: none."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.entry.company, []).append(row)
    return list(found.items())
