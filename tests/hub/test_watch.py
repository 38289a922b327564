"""What is known of each gate now, and incidents that cannot fill the disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from hub.application.overview import GateStatus
from hub.terminals.watch import KEEP_MS, OVERTAKEN_MS, REPEAT_MS, TerminalWatch
from protocol.messages import HEALTH, health
from tests.hub.house import NOON_MS


def report(unsent: int) -> dict[str, int]:
    """The numbers of a health message."""
    said = health({"unsent": unsent, "clock_quality": 2, "roster_version": 7, "reader_ok": 1})
    return dict(zip([name for name, _, _ in HEALTH], said[1:], strict=True))


@dataclass
class Bench:
    """A watch with what it stored and how often it called."""

    now_ms: int = NOON_MS
    stored: list[tuple[int, str, str | None, str]] = field(default_factory=list)
    kept: list[tuple[str, int, int]] = field(default_factory=list)
    changes: int = 0

    def __post_init__(self) -> None:
        self.watch = TerminalWatch(
            lambda *incident: self.stored.append(incident),
            self._changed,
            lambda: self.now_ms,
            lambda terminal, at_ms, said: self.kept.append((terminal, at_ms, said["unsent"])),
        )
        self.watch.replace([("gate-in", "Poort 1", "in"), ("gate-out", "Achterpoort", "out")])
        self.changes = 0

    def _changed(self) -> None:
        self.changes += 1

    def gate(self, terminal: str = "gate-in") -> GateStatus:
        """The state of one gate."""
        return {status.terminal_id: status for status in self.watch.gates()}[terminal]


@pytest.fixture
def bench() -> Bench:
    """A watch on two gates."""
    return Bench()


def test_gates_are_listed_by_the_name_people_use(bench: Bench) -> None:
    listed = [(gate.terminal_id, gate.name, gate.direction) for gate in bench.watch.gates()]
    assert listed == [("gate-out", "Achterpoort", "out"), ("gate-in", "Poort 1", "in")]
    assert bench.gate() == GateStatus("gate-in", "Poort 1", "in")


def test_a_flood_of_one_incident_is_stored_once_a_minute_and_counted(bench: Bench) -> None:
    for _ in range(1_000):
        bench.watch.incident("gate-in", "HUB-1202")
        bench.now_ms += 59
    assert bench.stored == [(NOON_MS, "HUB-1202", "gate-in", "")]
    assert bench.gate().incidents_today == 1_000
    assert bench.gate().last_incident_code == "HUB-1202"
    bench.now_ms = NOON_MS + REPEAT_MS
    bench.watch.incident("gate-in", "HUB-1202")
    assert [moment for moment, *_ in bench.stored] == [NOON_MS, NOON_MS + REPEAT_MS]


def test_a_clock_that_was_set_back_silences_nothing(bench: Bench) -> None:
    bench.watch.incident("gate-in", "HUB-1202")
    bench.now_ms -= 86_400_000
    bench.watch.incident("gate-in", "HUB-1202")
    bench.watch.incident("gate-in", "HUB-1202")
    assert [moment for moment, *_ in bench.stored] == [NOON_MS, NOON_MS - 86_400_000]


def test_other_gates_and_other_incidents_are_not_silenced(bench: Bench) -> None:
    for terminal, code in (
        ("gate-in", "HUB-1202"),
        ("gate-out", "HUB-1202"),
        ("gate-in", "HUB-1203"),
        (None, "HUB-1201"),
    ):
        bench.watch.incident(terminal, code, "x")
        bench.watch.incident(terminal, code, "x")
    assert [(code, terminal) for _, code, terminal, _ in bench.stored] == [
        ("HUB-1202", "gate-in"),
        ("HUB-1202", "gate-out"),
        ("HUB-1203", "gate-in"),
        ("HUB-1201", None),
    ]


def test_incidents_are_counted_for_the_brussels_day(bench: Bench) -> None:
    midnight = NOON_MS + 12 * 3_600_000
    bench.now_ms = midnight - 1
    bench.watch.incident("gate-in", "HUB-1202")
    assert (bench.gate().incidents_today, bench.gate().last_incident_code) == (1, "HUB-1202")
    bench.now_ms = midnight
    assert (bench.gate().incidents_today, bench.gate().last_incident_code) == (0, None)
    bench.watch.incident("gate-in", "HUB-1203")
    assert (bench.gate().incidents_today, bench.gate().last_incident_code) == (1, "HUB-1203")


def test_unsent_counts_down_with_the_acks(bench: Bench) -> None:
    bench.watch.greeted("gate-in", 11, 30, 1, "0.1.0")
    shown = [bench.gate().unsent]
    for upto in (15, 15, 29, 30):
        bench.watch.acked("gate-in", upto)
        shown.append(bench.gate().unsent)
    assert shown == [20, 15, 15, 1, 0]


def test_what_came_since_the_greeting_counts_until_its_ack(bench: Bench) -> None:
    bench.watch.greeted("gate-in", 31, 30, 1, "0.1.0")
    assert bench.gate().unsent == 0
    bench.watch.received("gate-in", 32)
    bench.watch.acked("gate-in", 31)
    assert bench.gate().unsent == 1
    # A repeat of old records does not set the mark back.
    bench.watch.received("gate-in", 20)
    bench.watch.acked("gate-in", 32)
    assert bench.gate().unsent == 0


def test_a_report_that_an_ack_overtook_does_not_count(bench: Bench) -> None:
    def shown(unsent: int) -> int | None:
        bench.watch.health("gate-in", report(unsent))
        return bench.gate().unsent

    assert shown(3) == 3
    bench.watch.received("gate-in", 5)
    bench.watch.acked("gate-in", 5)
    # It was written before the ack came, and arrived after it.
    bench.now_ms += OVERTAKEN_MS - 1
    assert shown(3) == 0
    assert bench.gate().clock_quality == 2
    bench.now_ms += 1
    assert shown(2) == 2
    # A hub's clock that was set back does not make all later reports too early.
    bench.watch.acked("gate-in", 5)
    bench.now_ms -= 86_400_000
    assert shown(4) == 4


def test_of_the_reports_the_news_are_stored_at_once_and_the_others_now_and_then(
    bench: Bench,
) -> None:
    for unsent in range(20):
        bench.watch.health("gate-in", report(unsent))
        bench.now_ms += 30_000
    bench.watch.health("gate-in", report(20))
    assert bench.kept == [
        ("gate-in", NOON_MS, 0),
        ("gate-in", NOON_MS + KEEP_MS, 20),
    ]
    bench.watch.health("gate-in", report(21) | {"alarms": 1})
    bench.watch.health("gate-in", report(22) | {"alarms": 1})
    bench.watch.health("gate-out", report(23))
    assert [unsent for _, _, unsent in bench.kept] == [0, 20, 21, 23]
    # A clock that was set back does not keep the next from being stored.
    bench.now_ms -= 86_400_000
    bench.watch.health("gate-in", report(24) | {"alarms": 1})
    assert bench.kept[-1] == ("gate-in", bench.now_ms, 24)


def test_what_was_stored_is_known_after_a_restart_until_the_gate_says_it_itself(
    bench: Bench,
) -> None:
    bench.watch.remember("gate-in", "0.1.0+ab", NOON_MS - 9, report(3))
    bench.watch.remember("gate-out", "0.1.0+cd", None, None)
    bench.watch.remember("gate-9", "0.1.0+cd", None, None)
    gate = bench.gate()
    assert (gate.online, gate.last_seen_ms, gate.health_ms) == (None, NOON_MS - 9, NOON_MS - 9)
    assert (gate.unsent, gate.roster_version, gate.reader_ok, gate.firmware) == (
        3, 7, True, "0.1.0+ab",
    )  # fmt: skip
    assert bench.gate("gate-out").health is None
    bench.watch.health("gate-in", report(4))
    assert (bench.gate().unsent, bench.gate().health_ms) == (4, NOON_MS)
    # It was quicker than the memory.
    bench.watch.heard("gate-in")
    bench.watch.remember("gate-in", "0.0.1+ef", NOON_MS - 9, report(5))
    assert (bench.gate().firmware, bench.gate().unsent) == ("0.1.0+ab", 4)


def test_an_incident_stored_by_somebody_else_is_counted(bench: Bench) -> None:
    bench.watch.counted("HUB-1206", "gate-in")
    gate = bench.gate()
    assert (gate.incidents_today, gate.last_incident_code) == (1, "HUB-1206")
    assert bench.stored == []
    assert bench.changes == 1


def test_a_gate_is_seen_when_something_authentic_came(bench: Bench) -> None:
    bench.watch.heard("gate-in")
    assert (bench.gate().online, bench.gate().last_seen_ms) == (True, NOON_MS)
    assert bench.gate("gate-out").online is None
    bench.watch.status("gate-in", False)
    assert (bench.gate().online, bench.gate().last_seen_ms) == (False, NOON_MS)


def test_without_the_broker_nothing_is_known_of_any_gate(bench: Bench) -> None:
    bench.watch.heard("gate-in")
    bench.watch.status("gate-out", False)
    bench.watch.all_silent()
    assert [gate.online for gate in bench.watch.gates()] == [None, None]
    assert bench.gate().last_seen_ms == NOON_MS


def test_a_changed_register_keeps_what_is_known(bench: Bench) -> None:
    bench.watch.greeted("gate-in", 1, 3, 8, "0.1.0")
    bench.watch.replace([("gate-in", "Hoofdpoort", "in"), ("gate-new", "Nieuw", "in")])
    assert {gate.terminal_id for gate in bench.watch.gates()} == {"gate-in", "gate-new"}
    gate = bench.gate()
    assert (gate.name, gate.roster_version, gate.unsent) == ("Hoofdpoort", 8, 3)


def test_pages_are_called_for_what_they_show_and_not_for_every_message(bench: Bench) -> None:
    bench.watch.heard("gate-in")
    assert bench.changes == 1
    for _ in range(100):
        bench.watch.heard("gate-in")
        bench.watch.received("gate-in", 5)
    assert bench.changes == 1
    bench.watch.acked("gate-in", 5)
    bench.watch.acked("gate-in", 5)
    assert bench.changes == 2
    bench.watch.status("gate-in", True)
    assert bench.changes == 2
    bench.watch.status("gate-in", False)
    assert bench.changes == 3


def test_a_terminal_that_is_not_known_is_no_error(bench: Bench) -> None:
    watch = bench.watch
    watch.heard("gone")
    watch.greeted("gone", 1, 2, 1, "0.1.0")
    watch.received("gone", 4)
    watch.acked("gone", 3)
    watch.health("gone", report(1))
    watch.status("gone", True)
    watch.incident("gone", "HUB-1202")
    assert len(watch.gates()) == 2
    assert [terminal for _, _, terminal, _ in bench.stored] == ["gone"]


def test_incidents_of_many_threads_are_stored_once_and_all_counted(bench: Bench) -> None:
    start = threading.Barrier(8)

    def report() -> None:
        start.wait(10)
        for _ in range(500):
            bench.watch.incident("gate-in", "HUB-1202")

    threads = [threading.Thread(target=report) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(bench.stored) == 1
    assert bench.gate().incidents_today == 4_000
