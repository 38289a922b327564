"""What facts of the hub say at this moment, as readings for `hub.domain.alerts`.

A limit is a band: what has crossed it keeps its alert open until it is well on the good side again.
What cannot be known just now (a hub that has just started has heard no gate yet) holds too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from hub.application.balance import SiteBooks
from hub.application.gate_alarms import STOPPING, Alarm
from hub.application.gate_events import GateNews
from hub.application.overview import AuthorityStatus, Board, GateStatus, PersonRow, Standing
from hub.application.terminals import DESK
from hub.domain.alerts import MINUTE_MS, Kind, Reading
from hub.domain.legal_day import BRUSSELS
from protocol.record import QUALITY_NONE

WINDOW_MS: Final = 15 * MINUTE_MS
"""In this time refused taps are counted."""
HOUR_MS: Final = 60 * MINUTE_MS
NAMES_MAX: Final = 3
_STANDING_ALARMS: Final = (Alarm.FIRE, Alarm.LID, *STOPPING)
_ONCE: Final = {Alarm.FORCED: Kind.FORCED, Alarm.STORAGE_RESET: Kind.LOST_RECORDS}
WITHOUT_NUMBER: Final = (Standing.ACTION, Standing.WAITING)


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is an alert; see the settings of the same names."""

    receipt_minutes: int = 30
    silent_minutes: int = 10
    refusals: int = 15
    reader_resets: int = 3
    journal_percent: int = 70
    plan_at: time = time(17)
    certificate_days: int = 30


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the store and the link know of one gate.

    Args:
        status: its live state.
        site_id, site: where it hangs.
        news: what it told today; of what happened once, only what nobody has acknowledged.
        refused: taps it refused in the last WINDOW_MS.
        reader_downs: times in the last hour that its reader had stopped answering.
    """

    status: GateStatus
    site_id: int
    site: str
    news: tuple[GateNews, ...] = ()
    refused: int = 0
    reader_downs: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """Entries of a day's plan that cannot be registered as they are, on one site."""

    site_id: int
    site: str
    day: date
    count: int
    companies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of the hub.

    Args:
        name: `authority`, `in_out`, `broker` or `broker_ca`.
        days: until it ends; negative when it has ended.
    """

    name: str
    days: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is looked at, at one moment."""

    now_ms: int
    started_ms: int
    boards: Sequence[Board] = ()
    gates: Sequence[GateFacts] = ()
    authority: AuthorityStatus = field(default_factory=AuthorityStatus)
    planned: Sequence[Planned] = ()
    books: Sequence[SiteBooks] = ()
    certificates: Sequence[Certificate] = ()


class FactsPort(Protocol):
    """Where facts come from; reads only."""

    def facts(self, now_ms: int) -> Facts:
        """Returns everything that is looked at, as it is now."""
        ...


def readings(facts: Facts, limits: Limits) -> list[Reading]:
    """Returns what is at a limit or holds.

    Args:
        facts: of one moment.
        limits: of the settings.
    """
    found: list[Reading] = []
    for board in facts.boards:
        found += _receipts(board, facts.now_ms, limits)
    for gate in facts.gates:
        if gate.status.direction != DESK:
            for look in _GATE_LOOKS:
                found += look(gate, facts, limits)
    found += _authority(facts.authority)
    for planned in facts.planned:
        details = {
            "site": planned.site,
            "day": planned.day.isoformat(),
            "companies": ", ".join(planned.companies),
        }
        found.append(
            Reading(
                Kind.PLAN,
                f"{planned.site_id} {planned.day}",
                planned.count,
                site_id=planned.site_id,
                details=details,
            )
        )
    found += _books(facts.books)
    for one in facts.certificates:
        found += _certificate(one, limits)
    return found


def plan_is_looked_at(now_ms: int, limits: Limits) -> date | None:
    """Returns tomorrow once the time has come by which its plan must be right; None before it."""
    local = datetime.fromtimestamp(now_ms // 1000, BRUSSELS)
    return local.date() + timedelta(days=1) if local.time() >= limits.plan_at else None


def companies_of(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the names that come most often, each with how often, at most NAMES_MAX and `…`."""
    counted = Counter(name for name in names if name)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0].casefold()))
    listed = tuple(f"{name} ({count})" for name, count in ordered[:NAMES_MAX])
    return (*listed, "…") if len(ordered) > NAMES_MAX else listed


# ------------------------------------------------------------ people


def _receipts(board: Board, now_ms: int, limits: Limits) -> Iterator[Reading]:
    long_ago_ms = now_ms - limits.receipt_minutes * MINUTE_MS

    def late(person: PersonRow) -> bool:
        return person.day == board.day and (person.first_ms or now_ms) <= long_ago_ms

    waiting = [one for one in (*board.not_registered, *board.waiting) if late(one)]
    if waiting:
        yield Reading(
            Kind.RECEIPT,
            # Another day is another matter: its people are counted anew.
            f"{board.site.id} {board.day}",
            len(waiting),
            site_id=board.site.id,
            details={
                "site": board.site.name,
                "minutes": limits.receipt_minutes,
                "companies": ", ".join(companies_of(one.company for one in waiting)),
            },
        )


# ------------------------------------------------------------ gates


def _here(gate: GateFacts, **more: str | int) -> Mapping[str, str | int]:
    return {"site": gate.site, "gate": gate.status.name, **more}


def _of_gate(
    gate: GateFacts, kind: Kind, subject: str = "", holds: bool = False, **more: str | int
) -> Reading:
    count = int(more.pop("count", 1))
    return Reading(
        kind,
        subject or gate.status.terminal_id,
        count,
        holds,
        site_id=gate.site_id,
        details=_here(gate, **more),
    )


def _silent(gate: GateFacts, facts: Facts, limits: Limits) -> Iterator[Reading]:
    status = gate.status
    if status.online:
        return
    # What was heard before this start counts from the start on: the hub was deaf meanwhile.
    silent_ms = facts.now_ms - max(status.last_seen_ms or 0, facts.started_ms)
    # A gate that was never heard of hangs nowhere yet.
    known = status.last_seen_ms is not None
    long = known and silent_ms >= limits.silent_minutes * MINUTE_MS
    yield _of_gate(gate, Kind.SILENT, holds=not long, minutes=limits.silent_minutes)


def _alarms(gate: GateFacts, facts: Facts, limits: Limits) -> Iterator[Reading]:
    del facts, limits
    terminal = gate.status.terminal_id
    for standing in gate.status.alarms(gate.news):
        if standing.alarm in _STANDING_ALARMS:
            alarm = str(standing.alarm)
            yield _of_gate(gate, Kind.GATE, f"{terminal} {alarm}", alarm=alarm)
        elif standing.alarm in _ONCE:
            yield _of_gate(gate, _ONCE[standing.alarm], count=max(1, standing.times))
    if gate.status.online is not True:
        # It cannot say that it is well again.
        for alarm in _STANDING_ALARMS:
            yield _of_gate(gate, Kind.GATE, f"{terminal} {alarm}", holds=True, alarm=str(alarm))


def _journal(gate: GateFacts, facts: Facts, limits: Limits) -> Iterator[Reading]:
    del facts
    used = (gate.status.health or {}).get("journal_used", 0)
    if used >= limits.journal_percent - 10:
        holds = used < limits.journal_percent
        yield _of_gate(gate, Kind.JOURNAL, holds=holds, percent=used)


def _clock(gate: GateFacts, facts: Facts, limits: Limits) -> Iterator[Reading]:
    del facts, limits
    bad = gate.status.clock_quality == QUALITY_NONE
    if bad or gate.status.online is not True:
        yield _of_gate(gate, Kind.CLOCK, holds=not (bad and gate.status.online))


def _reader(gate: GateFacts, facts: Facts, limits: Limits) -> Iterator[Reading]:
    del facts
    if gate.reader_downs:
        holds = gate.reader_downs < limits.reader_resets
        yield _of_gate(gate, Kind.READER, holds=holds, times=gate.reader_downs)


def _refusals(gate: GateFacts, facts: Facts, limits: Limits) -> Iterator[Reading]:
    del facts
    if gate.refused * 2 >= limits.refusals:
        yield _of_gate(
            gate, Kind.REFUSALS, holds=gate.refused < limits.refusals, count=gate.refused
        )


_Look = Callable[[GateFacts, Facts, Limits], Iterable[Reading]]
_GATE_LOOKS: Final[tuple[_Look, ...]] = (_silent, _alarms, _journal, _clock, _reader, _refusals)


# ------------------------------------------------------------ authority, books, certificates


def _authority(status: AuthorityStatus) -> Iterator[Reading]:
    details: dict[str, str | int] = {"code": status.error_code or "", "unsent": status.unsent}
    if status.state == "stopped":
        yield Reading(Kind.AUTHORITY_STOPPED, "", details=details)
        # Refused or away, it is not well.
        yield Reading(Kind.AUTHORITY, "", holds=True)
    elif status.state == "retrying":
        yield Reading(Kind.AUTHORITY, "", details=details)
    elif status.state == "unknown":
        yield Reading(Kind.AUTHORITY, "", holds=True)
        yield Reading(Kind.AUTHORITY_STOPPED, "", holds=True)


def _books(books: Iterable[SiteBooks]) -> Iterator[Reading]:
    for one in books:
        if not one.balances:
            yield Reading(
                Kind.BALANCE,
                f"{one.site_id} {one.day}",
                sum(count for _, count in one.points),
                site_id=one.site_id,
                details={"site": one.site, "day": one.day.isoformat()},
            )


def _certificate(one: Certificate, limits: Limits) -> Iterator[Reading]:
    details: dict[str, str | int] = {"certificate": one.name, "days": max(0, one.days)}
    if one.days < 0:
        yield Reading(Kind.CERTIFICATE_OVER, one.name, details=details)
    if one.days <= limits.certificate_days + 1:
        # Whose time is over is told as that, and is not well meanwhile.
        holds = one.days > limits.certificate_days or one.days < 0
        yield Reading(Kind.CERTIFICATE, one.name, holds=holds, details=details)
