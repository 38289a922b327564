"""Each limit of the alerts, a step on either side of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

import pytest

from hub.application.alert_readings import (
    Certificate,
    Facts,
    GateFacts,
    Limits,
    Planned,
    companies_of,
    plan_is_looked_at,
    readings,
)
from hub.application.balance import SiteBooks, TapBooks
from hub.application.gate_events import GateNews
from hub.application.overview import (
    AuthorityStatus,
    Board,
    GateStatus,
    PersonRow,
    RegistrationRow,
    SiteName,
    assemble,
)
from hub.domain.alerts import Kind, Reading
from hub.domain.legal_day import BRUSSELS
from hub.domain.registration import State
from protocol import faults
from protocol.messages import ALARM_FIRE, ALARM_TAMPER
from protocol.record import (
    FORCED,
    KIND_FAULT,
    KIND_PASSAGE,
    KIND_STORAGE_RESET,
    QUALITY_HUB,
    QUALITY_NONE,
)
from tests.hub.house import NOON_MS

MINUTE = 60_000
DAY = "2026-11-23"
LIMITS = Limits()
STARTED = NOON_MS - 24 * 60 * MINUTE


def gate(status: dict[str, object] | None = None, **facts: object) -> GateFacts:
    told: dict[str, object] = {
        "online": True,
        "last_seen_ms": NOON_MS,
        "clock_quality": QUALITY_HUB,
        "reader_ok": True,
        "roster_version": 3,
        "health": {},
        **(status or {}),
    }
    live = GateStatus("gate-in", "In", "in", **told)  # pyright: ignore[reportArgumentType]
    return GateFacts(live, 1, "Werf Noord", **facts)  # pyright: ignore[reportArgumentType]


def found(*gates: GateFacts, started_ms: int = STARTED) -> dict[Kind, Reading]:
    facts = Facts(NOON_MS, started_ms, gates=gates, authority=AuthorityStatus("ok"))
    return {one.kind: one for one in readings(facts, LIMITS)}


def stands(one: GateFacts, kind: Kind, **when: int) -> str:
    """Whether this kind is at its limit, holds or is calm."""
    reading = found(one, **when).get(kind)
    return "calm" if reading is None else "holds" if reading.holds else "at"


# ------------------------------------------------------------ gates


def test_a_gate_that_is_well_says_nothing() -> None:
    assert found(gate()) == {}


@pytest.mark.parametrize(("minutes", "what"), [(9, "holds"), (10, "at"), (600, "at")])
@pytest.mark.parametrize("online", [False, None])
def test_a_gate_is_silent_after_its_minutes(minutes: int, what: str, online: bool | None) -> None:
    one = gate({"online": online, "last_seen_ms": NOON_MS - minutes * MINUTE})
    assert stands(one, Kind.SILENT) == what


def test_a_hub_that_has_just_started_has_heard_nobody_and_accuses_nobody() -> None:
    one = gate({"online": None, "last_seen_ms": NOON_MS - 3 * 24 * 60 * MINUTE})
    assert stands(one, Kind.SILENT, started_ms=NOON_MS - 9 * MINUTE) == "holds"
    assert stands(one, Kind.SILENT, started_ms=NOON_MS - 10 * MINUTE) == "at"


def test_a_gate_that_was_never_heard_of_hangs_nowhere_yet() -> None:
    assert stands(gate({"online": None, "last_seen_ms": None}), Kind.SILENT) == "holds"


def test_a_desk_is_no_gate() -> None:
    one = gate({"online": False, "last_seen_ms": NOON_MS - 60 * MINUTE})
    desk = replace(one, status=replace(one.status, direction="desk"))
    assert found(desk) == {}


@pytest.mark.parametrize(
    ("used", "what"), [(59, "calm"), (60, "holds"), (69, "holds"), (70, "at"), (99, "at")]
)
def test_a_journal_that_fills(used: int, what: str) -> None:
    assert stands(gate({"health": {"journal_used": used}}), Kind.JOURNAL) == what


def test_a_full_journal_lets_nobody_in() -> None:
    kinds = found(gate({"health": {"journal_used": 100}}))
    assert kinds[Kind.GATE].details["alarm"] == "journal_full"


@pytest.mark.parametrize(
    ("quality", "online", "what"),
    [
        (QUALITY_NONE, True, "at"),
        (QUALITY_HUB, True, "calm"),
        (QUALITY_NONE, False, "holds"),
        (None, None, "holds"),
    ],
)
def test_a_bad_clock(quality: int | None, online: bool | None, what: str) -> None:
    assert stands(gate({"clock_quality": quality, "online": online}), Kind.CLOCK) == what


@pytest.mark.parametrize(("downs", "what"), [(0, "calm"), (1, "holds"), (2, "holds"), (3, "at")])
def test_a_reader_that_is_restarted_often(downs: int, what: str) -> None:
    assert stands(gate(reader_downs=downs), Kind.READER) == what


@pytest.mark.parametrize(
    ("refused", "what"), [(7, "calm"), (8, "holds"), (14, "holds"), (15, "at")]
)
def test_a_spike_of_refusals(refused: int, what: str) -> None:
    assert stands(gate(refused=refused), Kind.REFUSALS) == what
    if what == "at":
        assert found(gate(refused=refused))[Kind.REFUSALS].count == refused


@pytest.mark.parametrize(
    ("status", "alarm"),
    [
        ({"reader_ok": False}, "reader"),
        ({"roster_version": 0}, "roster"),
        ({"health": {"alarms": ALARM_TAMPER}}, "lid"),
        ({"health": {"alarms": ALARM_FIRE}}, "fire"),
    ],
)
def test_what_keeps_a_gate_from_its_work(status: dict[str, object], alarm: str) -> None:
    told = found(gate(status))
    assert set(told) == {Kind.GATE}
    assert told[Kind.GATE].subject == f"gate-in {alarm}"
    # Of one that is away the last word stands: it cannot say that it is well again.
    away = {**status, "online": False}
    assert Kind.GATE in found(gate(away))


def event(kind: int, code: int, times: int = 1, over: bool = False) -> GateNews:
    return GateNews(kind, code, 0, times, NOON_MS, NOON_MS, 1, over)


@pytest.mark.parametrize(
    ("news", "kind"),
    [
        (event(KIND_PASSAGE, FORCED, 3), Kind.FORCED),
        (event(KIND_STORAGE_RESET, 1, 3), Kind.LOST_RECORDS),
    ],
)
def test_what_happened_once_stands_until_somebody_has_seen_it(news: GateNews, kind: Kind) -> None:
    assert found(gate(news=(news,)))[kind].count == 3
    assert found(gate(news=(replace(news, over=True),))) == {}


def test_a_fault_of_no_consequence_is_no_alert() -> None:
    assert found(gate(news=(event(KIND_FAULT, faults.RADIO_RESET),))) == {}


# ------------------------------------------------------------ people


def person(
    number: int, minutes: int, state: State | None = State.HELD, day: str = DAY
) -> PersonRow:
    tap_ms = NOON_MS - minutes * MINUTE
    rows = ()
    if state is not None:
        rows = (RegistrationRow(f"r{number}", "W", day, state, "", None, tap_ms, tap_ms),)
    return PersonRow(
        number,
        "Milan",
        "Aarts",
        1,
        "Bouwwerken",
        day,
        True,
        tap_ms,
        tap_ms,
        tap_ms,
        "In",
        True,
        rows,
    )


def board(*people: PersonRow, earlier: tuple[PersonRow, ...] = ()) -> Board:
    return assemble(
        now_ms=NOON_MS, site=SiteName(1, "Werf Noord"), works=(), day=DAY, people=list(people),
        earlier=list(earlier), turned_away=(), undated=0, gates=(), people_known=9,
    )  # fmt: skip


def receipts(*people: PersonRow, earlier: tuple[PersonRow, ...] = ()) -> list[Reading]:
    boards = [board(*people, earlier=earlier)]
    return [
        one
        for one in readings(Facts(NOON_MS, STARTED, boards=boards), LIMITS)
        if one.kind is Kind.RECEIPT
    ]


@pytest.mark.parametrize("state", [State.HELD, State.DUE, State.IN_DOUBT, State.REFUSED, None])
def test_somebody_is_missed_once_he_is_there_for_long_without_a_number(state: State | None) -> None:
    assert receipts(person(1, 29, state)) == []
    (late,) = receipts(person(1, 29, state), person(2, 30, state), person(3, 200, state))
    assert late.count == 2
    assert late.site_id == 1
    assert late.details == {
        "site": "Werf Noord",
        "minutes": 30,
        "companies": "Bouwwerken (2)",
    }


@pytest.mark.parametrize("state", [State.REGISTERED, State.VALIDATED, State.FLAGGED])
def test_who_has_a_number_is_not_missed(state: State) -> None:
    assert receipts(person(1, 200, state)) == []


def test_what_is_left_of_an_earlier_day_is_another_matter() -> None:
    assert receipts(earlier=(person(1, 24 * 60, day="2026-11-22"),)) == []


def test_companies_are_named_by_how_many_and_no_more_than_three() -> None:
    names = ["B", "a", "A", "B", "", "C", "D", "B", "C"]
    assert companies_of(names) == ("B (3)", "C (2)", "a (1)", "…")
    assert companies_of([""]) == ()


# ------------------------------------------------------------ authority, plan, books, certificates


@pytest.mark.parametrize(
    ("state", "away", "stopped"),
    [
        ("ok", "calm", "calm"),
        ("retrying", "at", "calm"),
        ("stopped", "holds", "at"),
        ("unknown", "holds", "holds"),
    ],
)
def test_the_authority(state: str, away: str, stopped: str) -> None:
    status = AuthorityStatus(state, unsent=7, error_code="HUB-1301")  # pyright: ignore[reportArgumentType]
    told = {one.kind: one for one in readings(Facts(NOON_MS, STARTED, authority=status), LIMITS)}

    def of(kind: Kind) -> str:
        return "calm" if kind not in told else "holds" if told[kind].holds else "at"

    assert (of(Kind.AUTHORITY), of(Kind.AUTHORITY_STOPPED)) == (away, stopped)


def test_tomorrows_plan_is_looked_at_from_its_hour_on() -> None:
    def at(hour: int, minute: int) -> int:
        return int(datetime(2026, 11, 23, hour, minute, tzinfo=BRUSSELS).timestamp()) * 1000

    limits = Limits(plan_at=time(17))
    assert plan_is_looked_at(at(16, 59), limits) is None
    assert plan_is_looked_at(at(17, 0), limits) == date(2026, 11, 24)
    assert plan_is_looked_at(at(23, 59), limits) == date(2026, 11, 24)


def test_a_plan_with_problems_is_one_matter_for_each_site_and_day() -> None:
    planned = Planned(1, "Werf Noord", date(2026, 11, 24), 4, ("Bouwwerken (4)",))
    (told,) = readings(Facts(NOON_MS, STARTED, planned=[planned]), LIMITS)[-1:]
    assert (told.kind, told.subject, told.count) == (Kind.PLAN, "1 2026-11-24", 4)


def test_books_that_do_not_balance() -> None:
    good = SiteBooks(1, "Werf Noord", date(2026, 11, 22), True)
    bad = replace(good, taps=TapBooks(received=5, stored=3))
    told = readings(Facts(NOON_MS, STARTED, books=[good, bad]), LIMITS)
    (books,) = [one for one in told if one.kind is Kind.BALANCE]
    assert (books.subject, books.count) == ("1 2026-11-22", 2)


@pytest.mark.parametrize(
    ("days", "ends", "over"),
    [(32, "calm", "calm"), (31, "holds", "calm"), (30, "at", "calm"), (0, "at", "calm"),
     (-1, "holds", "at")],
)  # fmt: skip
def test_a_certificate_that_ends(days: int, ends: str, over: str) -> None:
    facts = Facts(NOON_MS, STARTED, certificates=[Certificate("broker", days)])
    told = {one.kind: one for one in readings(facts, LIMITS)}

    def of(kind: Kind) -> str:
        return "calm" if kind not in told else "holds" if told[kind].holds else "at"

    assert (of(Kind.CERTIFICATE), of(Kind.CERTIFICATE_OVER)) == (ends, over)
