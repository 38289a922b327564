"""What a supervisor sees of one site and one Brussels day, as plain values.

The page, the JSON interface and the tests read these; `hub.storage.overview` fills them from the
tables, and the link and the forwarder tell the live state of gates and authority. The values carry
names (a page for people) and never a person number, a card UID or a badge tag; a `repr` shows
neither names nor numbers, so that none reaches a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Literal, Protocol

from hub.application.flow import Flow
from hub.application.gate_alarms import Standing as StandingAlarm
from hub.application.gate_alarms import alarms_of
from hub.application.gate_events import GateNews
from hub.domain.registration import LIVE, State


class Standing(StrEnum):
    """Where one person stands on one day, in the order in which a supervisor must know it."""

    ACTION = "action"
    """Seen, without a number, and nothing will happen until somebody does something."""
    WAITING = "waiting"
    """Seen, without a number yet; the hub goes on by itself."""
    REMARKS = "remarks"
    """Registered with a number; the authority made remarks."""
    REGISTERED = "registered"
    """Registered with a number."""
    PLANNED = "planned"
    """Has a registration for the day and was not seen."""
    VISITOR = "visitor"
    """Seen, and does not work here: counted for safety and never registered."""


_STANDING_OF_STATE = {
    State.HELD: Standing.ACTION,
    State.REFUSED: Standing.ACTION,
    State.LAPSED: Standing.ACTION,
    State.CANCELLED: Standing.ACTION,
    State.DROPPED: Standing.ACTION,
    State.IN_DOUBT: Standing.WAITING,
    State.DUE: Standing.WAITING,
    State.SENDING: Standing.WAITING,
    State.FLAGGED: Standing.REMARKS,
    State.REGISTERED: Standing.REGISTERED,
    State.VALIDATED: Standing.REGISTERED,
    State.CANCELLING: Standing.REGISTERED,
}
_URGENCY = list(Standing)
_BY_NAME = attrgetter("order")


@dataclass(frozen=True, slots=True)
class SiteName:
    """One site of this hub."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class GateName:
    """One gate of a site, and what its records tell of this day.

    Args:
        direction: one of `hub.application.terminals.DIRECTIONS`.
        passed: people who went through after a tap; None when its turnstile does not tell.
        news: what it told of itself, newest first.
    """

    terminal_id: str
    name: str
    direction: str
    passed: int | None = None
    news: tuple[GateNews, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class RegistrationRow:
    """One registration, whatever became of it.

    Args:
        reference: our client reference.
        day: Brussels day it is for, ISO.
        state: state of the life cycle.
        cause: why it is in this state, a key of the message catalogue.
        number: number of the authority; None until it gave one.
        tap_ms: moment of the tap behind it, UTC milliseconds.
        changed_ms: moment of the last change of state, UTC milliseconds.
        remarks: remarks of the authority, as it wrote them.
        errors: (code, description) pairs of the authority, as it wrote them.
        direction: `in` or `out` of an act of the in/out regime; None in the day regime.
    """

    reference: str
    works_number: str
    day: str
    state: State
    cause: str
    number: int | None
    tap_ms: int
    changed_ms: int
    remarks: tuple[str, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    direction: str | None = None

    @property
    def standing(self) -> Standing:
        """Where this registration alone puts a person who was seen."""
        return _STANDING_OF_STATE[self.state]

    def __repr__(self) -> str:
        return f"RegistrationRow({self.reference}, {self.state})"


@dataclass(frozen=True, slots=True, repr=False)
class PersonRow:
    """One person on one day: what was seen of him and what was registered.

    Args:
        company: name of the company, empty for a person without one.
        seen: he has a presence on this day; the four fields that follow are None without one.
        first_ms: first tap of the day as the gate dated it, UTC milliseconds; of the day before for
            who came then and is still there.
        received_ms: moment the hub first held a tap of it, UTC milliseconds.
        last_ms: last tap of the day, UTC milliseconds.
        gate: name of the gate of the last tap.
        inside: his last tap was not an out.
        registrations: those that count first, then cancelled and dropped ones.
        visitor: he visits or delivers here, and does not work.
        token: what stands for him in addresses; empty for one who is not registered and is none
            of the people of the site.
    """

    person_id: int
    given_name: str
    family_name: str
    company_id: int | None
    company: str
    day: str
    seen: bool
    first_ms: int | None
    received_ms: int | None
    last_ms: int | None
    gate: str | None
    inside: bool
    registrations: tuple[RegistrationRow, ...]
    visitor: bool = False
    token: str = ""
    standing: Standing = field(init=False, compare=False)
    """Where the person stands; seen without any registration that counts needs action."""
    order: tuple[str, str, int] = field(init=False, compare=False)
    """Where the person stands in a list by name."""

    def __post_init__(self) -> None:
        # Asked for several times of each of thousands, for every picture.
        object.__setattr__(self, "standing", self._stands())
        order = self.family_name.casefold(), self.given_name.casefold(), self.person_id
        object.__setattr__(self, "order", order)

    @property
    def counting(self) -> tuple[RegistrationRow, ...]:
        """The registrations that were neither cancelled nor dropped."""
        return tuple(row for row in self.registrations if row.state in LIVE)

    @property
    def deciding(self) -> RegistrationRow | None:
        """The registration that decides the standing: the most urgent one that counts."""
        if len(self.registrations) == 1:
            return self.registrations[0]
        rows = self.counting or self.registrations[-1:]  # the newest of those that ended
        return min(rows, key=lambda row: _URGENCY.index(row.standing), default=None)

    def _stands(self) -> Standing:
        if not self.seen:
            return Standing.PLANNED
        if self.visitor and not self.counting:
            return Standing.VISITOR
        deciding = self.deciding
        return Standing.ACTION if deciding is None else deciding.standing

    def __repr__(self) -> str:
        return f"PersonRow({self.person_id}, {self.standing})"


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One company and its people of the day; `name` is empty for people without a company.

    Args:
        visitors: these are no company: they visit or deliver.
        number: its enterprise or foreign VAT number; empty for people without a company.
        level: in the chain of the works declaration, 0 for the declaring contractor; None for a
            company that stands in none of this site.
    """

    name: str
    people: tuple[PersonRow, ...]
    visitors: bool = False
    number: str = ""
    level: int | None = None
    on_site: int = field(init=False, compare=False)
    """People of this company who are inside now."""
    seen: int = field(init=False, compare=False)
    """People of this company who were seen today."""
    registered: int = field(init=False, compare=False)
    """People of this company who were seen today and have a number."""

    def __post_init__(self) -> None:
        # Asked for several times of each of hundreds, for every picture.
        on_site = seen = registered = 0
        for person in self.people:
            on_site += person.inside
            seen += person.seen
            registered += person.standing in (Standing.REGISTERED, Standing.REMARKS)
        object.__setattr__(self, "on_site", on_site)
        object.__setattr__(self, "seen", seen)
        object.__setattr__(self, "registered", registered)


@dataclass(frozen=True, slots=True, repr=False)
class TurnedAway:
    """Taps of one badge at one gate that the gate refused, for one reason.

    Args:
        reason: `REASON_*` of `protocol.record`.
        given_name: with `family_name`, whose badge it is; both empty for an unknown badge.
        taps: how many, 1 or more.
        last_ms: the last of them, UTC milliseconds.
        badge: what stands for a badge that is nobody's in addresses; empty for any other.
    """

    gate: str
    reason: int
    given_name: str
    family_name: str
    taps: int
    last_ms: int
    badge: str = ""

    def __repr__(self) -> str:
        return f"TurnedAway({self.gate}, reason {self.reason}, {self.taps} taps)"


@dataclass(frozen=True, slots=True)
class Board:
    """One site, one day, one moment.

    Every person seen is in exactly one of `not_registered`, `waiting` and the registered, so
    `to_settle`, `waiting` and `registered` add up to `seen`.

    Args:
        as_of_ms: moment of this picture, UTC milliseconds.
        day: Brussels day, ISO.
        not_registered: people who need action, longest waiting first; people of earlier days
            whose matter ended or is still open today follow with their own `day`.
        waiting: people of this day whose registration is on its way.
        companies: everybody of this day, companies and people by name.
        turned_away: refused taps of this day, newest first.
        undated: taps of this site that no clock evidence dates yet.
        gates: gates of this site that are not revoked, by name.
        people_known: people in the register of this site.
        visitors: people who were seen and do not work here; they are in `on_site`, not in `seen`.
    """

    as_of_ms: int
    site: SiteName
    works: tuple[str, ...]
    day: str
    on_site: int
    seen: int
    registered: int
    with_remarks: int
    not_registered: tuple[PersonRow, ...]
    waiting: tuple[PersonRow, ...]
    companies: tuple[CompanyRow, ...]
    turned_away: tuple[TurnedAway, ...]
    undated: int
    gates: tuple[GateName, ...]
    people_known: int
    visitors: int = 0

    @property
    def expected(self) -> tuple[CompanyRow, ...]:
        """Who has a registration for this day that counts and was not seen, by company."""
        rows = (
            CompanyRow(
                company.name,
                tuple(one for one in company.people if not one.seen and one.counting),
                company.visitors,
                company.number,
                company.level,
            )
            for company in self.companies
        )
        return tuple(row for row in rows if row.people)

    @property
    def to_settle(self) -> int:
        """People seen on this very day who need action."""
        return sum(person.day == self.day for person in self.not_registered)


@dataclass(frozen=True, slots=True)
class GateStatus:
    """Live state of one gate, as far as this run of the hub knows it.

    Args:
        direction: one of `hub.application.terminals.DIRECTIONS`.
        online: None while nothing was heard of it.
        last_seen_ms: last message that carried a valid MAC, UTC milliseconds.
        unsent: records kept at the gate and not yet at the hub, as it said itself.
        clock_quality: `QUALITY_*` of `protocol.record`.
        roster_version: the roster it decides with; 0 or None: none.
        reader_ok: its badge reader answers.
        incidents_today: rejected messages and faults of this Brussels day.
        last_incident_code: code of the last of them, None for none.
        firmware: what it introduced itself with, ``<version>+<digest>``; empty for not known.
        health: its last health message, the numbers of `protocol.messages.HEALTH` by their names;
            None when none is known.
        health_ms: when the hub heard that, UTC milliseconds.
    """

    terminal_id: str
    name: str
    direction: str
    online: bool | None = None
    last_seen_ms: int | None = None
    unsent: int | None = None
    clock_quality: int | None = None
    roster_version: int | None = None
    reader_ok: bool | None = None
    incidents_today: int = 0
    last_incident_code: str | None = None
    firmware: str = ""
    health: Mapping[str, int] | None = None
    health_ms: int | None = None

    def alarms(self, news: tuple[GateNews, ...]) -> tuple[StandingAlarm, ...]:
        """Returns the alarms that stand, the most urgent first, given what it told today."""
        return alarms_of(self.health, self.reader_ok, self.roster_version, news)


@dataclass(frozen=True, slots=True)
class AuthorityStatus:
    """Live state of the connection to the presence service.

    Args:
        state: `ok`, `retrying` (it goes on by itself), `stopped` (needs a human) or `unknown`
            (nothing was sent yet).
        last_success_ms: last usable answer, UTC milliseconds.
        next_try_ms: next call when retrying, UTC milliseconds.
        oldest_unsent_ms: tap of the oldest registration that waits, UTC milliseconds.
        unsent: registrations that wait.
        in_doubt: registrations whose answer was lost and that are being looked up.
        error_code: stable code of what is wrong, None for nothing.
        until_ms: until when the hub goes on trying what waits, UTC milliseconds; None when nothing
            waits.
    """

    state: Literal["ok", "retrying", "stopped", "unknown"] = "unknown"
    last_success_ms: int | None = None
    next_try_ms: int | None = None
    oldest_unsent_ms: int | None = None
    unsent: int = 0
    in_doubt: int = 0
    error_code: str | None = None
    until_ms: int | None = None


class OverviewPort(Protocol):
    """Where the board comes from. All of it reads only and may be called from any thread."""

    def sites(self) -> tuple[SiteName, ...]:
        """Returns every site of this hub by name."""
        ...

    def board(self, site_id: int, day: str, now_ms: int) -> Board:
        """Returns one consistent picture of a site and a Brussels day (ISO).

        Raises:
            LookupError: no such site.
        """
        ...

    def flow(self, site_id: int, day: str, now_ms: int) -> Flow:
        """Returns a site through a Brussels day (ISO), and the arrivals of the week."""
        ...


def assemble(
    *,
    now_ms: int,
    site: SiteName,
    works: tuple[str, ...],
    day: str,
    people: list[PersonRow],
    earlier: list[PersonRow],
    turned_away: tuple[TurnedAway, ...],
    undated: int,
    gates: tuple[GateName, ...],
    people_known: int,
    places: Mapping[int, tuple[str, int | None]] | None = None,
) -> Board:
    """Sorts people into the groups of a board; a pure function, so the counts always add up.

    Args:
        now_ms: moment of the picture, UTC milliseconds.
        people: everybody seen on or registered for `day`, once each.
        earlier: people of earlier days whose matter ended or is still open on this day.
        places: company -> (its number, its level in the chain).
    """
    known = places or {}
    standings = [(person, person.standing) for person in people]
    by_company: dict[int | None, list[PersonRow]] = {}
    visitors = [person for person, standing in standings if standing is Standing.VISITOR]
    for person in sorted(people, key=_BY_NAME):
        if person.standing is not Standing.VISITOR:
            by_company.setdefault(person.company_id, []).append(person)
    companies = [
        CompanyRow(rows[0].company, tuple(rows), False, *known.get(key or 0, ("", None)))
        for key, rows in by_company.items()
    ]
    action = [person for person, standing in standings if standing is Standing.ACTION]
    waiting = [person for person, standing in standings if standing is Standing.WAITING]
    remarks = sum(standing is Standing.REMARKS for _, standing in standings)
    registered = sum(standing is Standing.REGISTERED for _, standing in standings) + remarks
    return Board(
        as_of_ms=now_ms,
        site=site,
        works=works,
        day=day,
        on_site=sum(person.inside for person in people),
        seen=sum(person.seen for person in people) - len(visitors),
        registered=registered,
        with_remarks=remarks,
        not_registered=tuple(sorted(action, key=_by_wait) + sorted(earlier, key=_by_wait)),
        waiting=tuple(sorted(waiting, key=_by_wait)),
        # People without a company come last.
        companies=(
            *sorted(companies, key=lambda row: (not row.name, row.name.casefold())),
            *([CompanyRow("", tuple(sorted(visitors, key=_BY_NAME)), True)] if visitors else ()),
        ),
        turned_away=turned_away,
        undated=undated,
        gates=gates,
        people_known=people_known,
        visitors=len(visitors),
    )


def _by_wait(person: PersonRow) -> tuple[str, int, int]:
    moments = [row.tap_ms for row in person.registrations]
    return person.day, person.first_ms or min(moments, default=0), person.person_id
