"""What every outbox must do; each implementation runs this with its own bench.

class TestMyOutbox(OutboxContract):
    @pytest.fixture
    def bench(self) -> OutboxBench: ...
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Protocol

import pytest

from hub.application.outbox import OutboxPort
from hub.application.ports import PresenceItem, Refused, Registered
from hub.domain.causes import Cause
from hub.errors import LocalProtocolError

DAY = date(2026, 11, 23)
WORKS = "1Y19FAKE001AZ"
NOW_MS = 1_795_413_600_000
"""2026-11-23, 07:00 in Brussels."""


class OutboxBench(Protocol):
    """An outbox with a way to put registrations in and to look at them from outside."""

    @property
    def outbox(self) -> OutboxPort:
        """The outbox under test."""
        ...

    def add(self, item: PresenceItem, tap_ms: int, due_ms: int) -> None:
        """Puts in a registration that is due from `due_ms` on."""
        ...

    def state(self, reference: str) -> str:
        """Returns the state it is in."""
        ...

    def number(self, reference: str) -> int | None:
        """Returns the number of the authority, None when it has none."""
        ...

    def reopen(self) -> OutboxPort:
        """Returns what a new process would find of it."""
        ...


def reference(index: int) -> str:
    """Returns a client reference."""
    return f"{index:024x}"


def limosa(index: int) -> str:
    """Returns an invented Limosa number with valid check digits (ISO 7064 MOD 97-10)."""
    body = 249_990_000_001_000 + index
    return f"{body}{98 - body * 100 % 97:02d}"


def posted(index: int, day: date = DAY, works: str = WORKS) -> PresenceItem:
    """Returns the item of the index-th person, who has a Limosa number."""
    return PresenceItem(reference(index), day, works, limosa=limosa(index))


def employee() -> PresenceItem:
    """Returns the item of a person with a national number."""
    return PresenceItem(
        reference(10_000), DAY, WORKS, inss="85031299761", company_number="0999000129"
    )


def registered(index: int, number: int = 0, status: str = "SUCCESSFULLY REGISTERED") -> Registered:
    """Returns the answer of the authority to the index-th item."""
    return Registered(
        reference(index), number or 900_000 + index, "2026-11-23T07:00:01+01:00", status
    )


def refused(index: int) -> Refused:
    """Returns a refusal of the index-th item."""
    return Refused(reference(index), (("SIM-PLACE", "works number unknown"),))


class OutboxContract:
    """The behaviour that the forwarder builds on."""

    def fill(self, bench: OutboxBench, count: int, due_ms: int = NOW_MS) -> None:
        for index in range(count):
            bench.add(posted(index), NOW_MS - 5_000, due_ms)

    def states(self, bench: OutboxBench, count: int) -> list[str]:
        return [bench.state(reference(index)) for index in range(count)]

    def test_a_claim_holds_what_will_be_sent(self, bench: OutboxBench) -> None:
        bench.add(employee(), NOW_MS - 9_000, NOW_MS)
        bench.add(posted(1), NOW_MS - 8_000, NOW_MS)
        claims = {claim.reference: claim for claim in bench.outbox.claim(NOW_MS, 200)}
        assert {key: (claim.item, claim.tap_ms) for key, claim in claims.items()} == {
            reference(10_000): (employee(), NOW_MS - 9_000),
            reference(1): (posted(1), NOW_MS - 8_000),
        }
        assert {claim.since_ms for claim in claims.values()} == {NOW_MS}

    def test_a_claim_takes_the_longest_due_and_nobody_gets_it_again(
        self, bench: OutboxBench
    ) -> None:
        for index, age_ms in enumerate((10, 30, 20)):
            bench.add(posted(index), NOW_MS - 5_000, NOW_MS - age_ms)
        first = bench.outbox.claim(NOW_MS, 2)
        assert [claim.reference for claim in first] == [reference(1), reference(2)]
        assert self.states(bench, 3) == ["due", "sending", "sending"]
        assert [claim.reference for claim in bench.outbox.claim(NOW_MS, 2)] == [reference(0)]
        assert bench.outbox.claim(NOW_MS, 2) == []

    def test_what_is_due_later_is_not_claimed(self, bench: OutboxBench) -> None:
        self.fill(bench, 1, due_ms=NOW_MS + 1)
        assert bench.outbox.claim(NOW_MS, 200) == []
        assert len(bench.outbox.claim(NOW_MS + 1, 200)) == 1

    def test_a_claim_is_on_disk_before_it_is_handed_out(self, bench: OutboxBench) -> None:
        self.fill(bench, 2)
        bench.outbox.claim(NOW_MS, 1)
        outbox = bench.reopen()
        assert sorted(self.states(bench, 2)) == ["due", "sending"]
        assert outbox.recover(NOW_MS + 1) == 1

    def test_answers_are_kept(self, bench: OutboxBench) -> None:
        self.fill(bench, 2)
        bench.outbox.claim(NOW_MS, 200)
        bench.outbox.answered([refused(1), registered(0, 900_000_000_000_001)], NOW_MS + 1)
        assert self.states(bench, 2) == ["registered", "refused"]
        assert bench.number(reference(0)) == 900_000_000_000_001
        assert bench.number(reference(1)) is None
        assert bench.outbox.claim(NOW_MS + 10**9, 200) == []
        assert bench.outbox.doubtful(NOW_MS, 200) == []

    def test_a_lost_answer_puts_in_doubt_and_keeps_since_when(self, bench: OutboxBench) -> None:
        self.fill(bench, 3)
        bench.outbox.claim(NOW_MS, 200)
        bench.outbox.in_doubt([reference(2)], NOW_MS + 10)
        bench.outbox.in_doubt([reference(0), reference(1)], NOW_MS + 20)
        doubtful = bench.outbox.doubtful(NOW_MS, 200)
        assert [(claim.reference, claim.since_ms) for claim in doubtful][:1] == [
            (reference(2), NOW_MS + 10)
        ]
        assert {(claim.item, claim.since_ms) for claim in doubtful[1:]} == {
            (posted(0), NOW_MS + 20),
            (posted(1), NOW_MS + 20),
        }
        assert [claim.reference for claim in bench.outbox.doubtful(NOW_MS, 1)] == [reference(2)]
        assert bench.outbox.claim(NOW_MS + 10**9, 200) == []

    @pytest.mark.parametrize(
        ("status", "state"),
        [
            ("SUCCESSFULLY REGISTERED", "registered"),
            ("VALIDATED", "validated"),
            ("FAILED", "flagged"),
            ("SUCCESSFULLY CANCELLED", "cancelled"),
        ],
    )
    def test_what_a_search_found_has_its_number_and_the_state_it_shows(
        self, bench: OutboxBench, status: str, state: str
    ) -> None:
        self.fill(bench, 1)
        bench.outbox.claim(NOW_MS, 200)
        bench.outbox.in_doubt([reference(0)], NOW_MS)
        bench.outbox.found([registered(0, 7, status)], NOW_MS + 1)
        assert bench.state(reference(0)) == state
        assert bench.number(reference(0)) == 7
        assert bench.outbox.doubtful(NOW_MS, 200) == []

    @pytest.mark.parametrize("doubted", [False, True])
    def test_back_to_due_waits_for_its_moment(self, bench: OutboxBench, doubted: bool) -> None:
        self.fill(bench, 2)
        bench.outbox.claim(NOW_MS, 200)
        both = [reference(0), reference(1)]
        if doubted:
            bench.outbox.in_doubt(both, NOW_MS)
        bench.outbox.back_to_due(both, Cause.NOT_CARRIED_OUT, NOW_MS + 500, NOW_MS)
        assert self.states(bench, 2) == ["due", "due"]
        assert bench.outbox.claim(NOW_MS + 499, 200) == []
        assert len(bench.outbox.claim(NOW_MS + 500, 200)) == 2
        assert bench.outbox.doubtful(NOW_MS, 200) == []

    def test_what_was_in_doubt_can_lapse(self, bench: OutboxBench) -> None:
        self.fill(bench, 2)
        bench.outbox.claim(NOW_MS, 200)
        bench.outbox.in_doubt([reference(0), reference(1)], NOW_MS)
        bench.outbox.lapse([reference(1)], NOW_MS)
        assert self.states(bench, 2) == ["in_doubt", "lapsed"]
        assert [claim.reference for claim in bench.outbox.doubtful(NOW_MS, 200)] == [reference(0)]

    def test_only_what_is_due_for_an_earlier_day_lapses_with_its_day(
        self, bench: OutboxBench
    ) -> None:
        yesterday = DAY - timedelta(days=1)
        for index in range(4):
            bench.add(posted(index, yesterday), NOW_MS, NOW_MS - 10 + index)
        bench.add(posted(4, DAY), NOW_MS, NOW_MS)
        bench.add(posted(5, DAY + timedelta(days=1)), NOW_MS, NOW_MS)
        bench.outbox.claim(NOW_MS - 9, 200)
        bench.outbox.in_doubt([reference(0)], NOW_MS)
        assert bench.outbox.lapse_over(NOW_MS) == 2
        assert self.states(bench, 6) == ["in_doubt", "sending", "lapsed", "lapsed", "due", "due"]
        assert bench.outbox.lapse_over(NOW_MS) == 0

    def test_what_was_being_sent_when_the_hub_died_is_in_doubt(self, bench: OutboxBench) -> None:
        self.fill(bench, 3)
        bench.outbox.claim(NOW_MS, 2)
        outbox = bench.reopen()
        assert outbox.recover(NOW_MS + 77) == 2
        assert sorted(self.states(bench, 3)) == ["due", "in_doubt", "in_doubt"]
        assert {claim.since_ms for claim in outbox.doubtful(NOW_MS, 200)} == {NOW_MS + 77}
        assert outbox.recover(NOW_MS + 78) == 0

    @pytest.mark.parametrize(
        "step",
        [
            lambda outbox: outbox.answered([registered(0), registered(1)], NOW_MS),
            lambda outbox: outbox.answered([refused(0), refused(1)], NOW_MS),
            lambda outbox: outbox.answered([registered(0), registered(99)], NOW_MS),
            lambda outbox: outbox.found([registered(1)], NOW_MS),
            lambda outbox: outbox.in_doubt([reference(0), reference(1)], NOW_MS),
            lambda outbox: outbox.in_doubt([reference(0), reference(99)], NOW_MS),
            lambda outbox: outbox.back_to_due(
                [reference(0), reference(99)], Cause.NOT_FOUND, NOW_MS, NOW_MS
            ),
            lambda outbox: outbox.lapse([reference(0)], NOW_MS),
        ],
    )
    def test_a_step_that_life_does_not_have_changes_nothing(
        self, bench: OutboxBench, step: Callable[[OutboxPort], None]
    ) -> None:
        self.fill(bench, 1)
        bench.outbox.claim(NOW_MS, 200)
        bench.add(posted(1), NOW_MS, NOW_MS)
        with pytest.raises(LocalProtocolError):
            step(bench.outbox)
        assert self.states(bench, 2) == ["sending", "due"]
        assert bench.number(reference(0)) is None
