"""From what is read to what arrives: risen, collected, acknowledged, escalated, over; each once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from hub.application.access import EVERYTHING, Actor, Scope
from hub.application.alert_readings import Facts, Limits, Planned
from hub.application.alert_words import Told, advice, content_of, title
from hub.application.alerting import Alerting, Wanted
from hub.application.mailing import Notice
from hub.application.overview import AuthorityStatus
from hub.application.posting import Posting
from hub.domain.alert_times import Recipient, Timing
from hub.domain.alerts import Alert, Event, Kind, Level
from hub.domain.legal_day import BRUSSELS
from hub.domain.rights import Role
from hub.errors import TransientError, UsageError
from hub.i18n import LANGUAGES, strict
from hub.storage.alerts import (
    Alerts,
    acknowledge,
    hearings,
    open_alerts,
    open_count,
    past_alerts,
)
from hub.storage.engine import open_engine, reading, writing
from hub.storage.notices import Post
from hub.storage.schema import alert as alert_table
from hub.storage.schema import audit, notice
from hub.storage.secrets import Vault

T = TypeVar("T")
MINUTE = 60_000
SOFIE = Recipient("mail", "sofie@site.example", "nl")
MANAGER = Recipient("mail", "manager@site.example", "fr", 2)
HOOK = Recipient("webhook", "", "en", 1, frozenset(), True)
ADA = Actor("account:1", Role.ADMINISTRATOR, "Ada", account_id=1)
DAY = date(2026, 11, 24)


def at(clock: str, day: date = date(2026, 11, 23)) -> int:
    moment = datetime.combine(day, time.fromisoformat(clock), BRUSSELS)
    return int(moment.timestamp()) * 1000


class Died(BaseException):
    """The process ends here."""


@dataclass
class Inbox:
    """Sender of a channel that remembers what it took, and dies or refuses as told."""

    got: list[Notice] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)

    def send(self, sent: Notice) -> None:
        """Takes it, unless the plan says otherwise."""
        what = self.plan.pop(0) if self.plan else "take"
        if what == "away":
            raise TransientError("HUB-1802", host="h", port=25, reason="away")
        if what == "die before":
            raise Died
        self.got.append(sent)
        if what == "die after":
            raise Died


@dataclass
class Site:
    """A hub that looks at what the test says, on a database on disk."""

    engine: Engine
    vault: Vault
    now_ms: int = at("12:00")
    recipients: tuple[Recipient, ...] = (SOFIE, MANAGER)
    timing: Timing = field(default_factory=Timing)
    away: bool = False
    wrong: int = 0
    mail: Inbox = field(default_factory=Inbox)
    hook: Inbox = field(default_factory=Inbox)
    names: Iterator[int] = field(default_factory=count)
    die_in_write: bool = False

    def facts(self, now_ms: int) -> Facts:
        """What is looked at."""
        status = AuthorityStatus("stopped" if self.away else "ok", error_code="HUB-1334", unsent=4)
        planned = [Planned(1, "Werf Noord", DAY, self.wrong, ("Toitures (2)",))]
        return Facts(now_ms, 0, authority=status, planned=planned if self.wrong else [])

    def write(self, change: Callable[[Connection], T], /) -> T:
        """One transaction; it may die just before it is kept."""
        with writing(self.engine) as connection:
            result = change(connection)
            if self.die_in_write:
                self.die_in_write = False
                raise Died
            return result

    @property
    def wanted(self) -> Wanted:
        """What the settings say."""
        return Wanted(
            Limits(), {}, self.timing, self.recipients, 30 * MINUTE, "https://hub.example"
        )

    def look(self, minutes: float = 0) -> None:
        """A look, by a hub that has just started, so many minutes later."""
        self.now_ms += int(minutes * MINUTE)
        Alerting(
            Alerts(self.write, self.vault),
            self,
            self.wanted,
            lambda: self.now_ms,
            lambda: f"handle-{next(self.names)}",
        ).look(self.now_ms)

    def post(self) -> None:
        """Hands over what waits, by a hub that has just started."""
        senders = {"mail": self.mail, "webhook": self.hook}
        Posting(Post(self.engine, self.write, self.vault), senders, lambda: self.now_ms).step()

    def arrived(self, minutes: float = 0) -> list[tuple[str, str]]:
        """(recipient, subject) of what has come since this was last asked."""
        self.look(minutes)
        self.post()
        got = [(one.to, one.content.subject) for one in (*self.mail.got, *self.hook.got)]
        self.mail.got.clear()
        self.hook.got.clear()
        return got

    def take_care(self, note: str = "", by: Actor = ADA) -> bool:
        """Acknowledges the first open alert."""
        with reading(self.engine) as connection:
            (first, *_) = open_alerts(connection, self.vault, EVERYTHING)
        return self.write(
            lambda connection: acknowledge(
                connection, self.vault, first.handle, by, self.now_ms, note, self.wanted
            )
        )


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Site]:
    strict(True)
    engine = open_engine(tmp_path / "sitegate.db")
    yield Site(engine, Vault({name: bytes(32) for name in ("seal", "index", "badge")}))
    engine.dispose()


STOPPED = "Hub: DRINGEND, de aanwezigheidsdienst weigert onze toegang (HUB-1334)"
OVER = "Hub: voorbij, de aanwezigheidsdienst weigert onze toegang (HUB-1334)"


def test_an_alert_is_told_once_and_that_it_is_over_once(hub: Site) -> None:
    hub.away = True
    assert hub.arrived() == [(SOFIE.to, STOPPED)]
    for _ in range(5):
        assert hub.arrived(1) == []
    hub.away = False
    assert hub.arrived(1) == []
    assert hub.arrived(1) == [(SOFIE.to, OVER)]
    assert hub.arrived(60) == []
    with reading(hub.engine) as connection:
        (past,), total = past_alerts(connection, hub.vault, EVERYTHING, 1, 50)
        assert total == 1
        assert past.alert.cleared_ms is not None
        (told, over) = hearings(connection, [past.row])[past.row]
    assert (told.event, told.state, told.sent_ms) == (Event.RISEN, "sent", at("12:00"))
    assert (over.event, over.to) == (Event.CLEARED, SOFIE.to)


def test_what_nobody_takes_care_of_goes_to_the_next(hub: Site) -> None:
    hub.away = True
    assert hub.arrived() == [(SOFIE.to, STOPPED)]
    assert hub.arrived(29) == []
    ((to, subject),) = hub.arrived(1)
    assert to == MANAGER.to
    assert subject.startswith("Hub : sans réaction, le service de présences refuse")
    assert hub.arrived(60) == []
    # Both hear that it is over.
    hub.away = False
    hub.look()
    assert {to for to, _ in hub.arrived(1)} == {SOFIE.to, MANAGER.to}


def test_what_somebody_takes_care_of_goes_no_further_and_it_is_kept_who_when_why(
    hub: Site,
) -> None:
    hub.away = True
    hub.arrived()
    hub.now_ms += 29 * MINUTE
    assert hub.take_care("called the provider " + "x" * 300)
    assert not hub.take_care()
    assert hub.arrived(120) == []
    with reading(hub.engine) as connection:
        (one,) = open_alerts(connection, hub.vault, EVERYTHING)
        assert open_count(connection, EVERYTHING) == 0
        noted = connection.execute(select(audit)).one()
    assert (one.alert.acked_by, one.alert.acked_ms) == ("account:1", at("12:29"))
    assert one.alert.ack_note.startswith("called the provider x")
    assert len(one.alert.ack_note) == 200
    assert (noted.action, noted.actor) == ("alert.acknowledged", "account:1")
    # What somebody wrote may name anybody: it stays on the page.
    assert "provider" not in noted.detail


def test_at_night_only_what_is_urgent_is_told_and_the_rest_in_the_morning(hub: Site) -> None:
    hub.now_ms = at("22:00")
    hub.recipients = (SOFIE, HOOK)
    hub.away, hub.wrong = True, 2
    told = hub.arrived()
    assert (SOFIE.to, STOPPED) in told
    assert len([to for to, _ in told if to == SOFIE.to]) == 1
    # A program has no night.
    assert ("", "2 sites: 2 alerts") in told
    assert hub.arrived(7 * 60 + 59) == []
    ((to, subject),) = hub.arrived(1)
    assert to == SOFIE.to
    assert subject.startswith("Werf Noord: 2 personen uit de planning")


def test_the_next_step_is_counted_from_when_the_first_was_told(hub: Site) -> None:
    hub.now_ms = at("22:00")
    hub.wrong = 2
    assert hub.arrived() == []
    assert hub.arrived(60) == []
    hub.now_ms = at("06:00", DAY)
    assert [to for to, _ in hub.arrived()] == [SOFIE.to]
    assert hub.arrived(29) == []
    assert [to for to, _ in hub.arrived(1)] == [MANAGER.to]


def test_what_is_over_before_it_was_told_is_told_as_that(hub: Site) -> None:
    hub.now_ms = at("22:00")
    hub.wrong = 2
    hub.look()
    hub.wrong = 0
    hub.look(1)
    hub.look(5)
    hub.now_ms = at("06:00", DAY)
    ((to, subject),) = hub.arrived()
    assert to == SOFIE.to
    assert subject.startswith("Werf Noord: voorbij, 2 personen")


def test_that_something_is_over_wakes_nobody(hub: Site) -> None:
    hub.now_ms = at("22:00")
    hub.away = True
    assert hub.arrived() == [(SOFIE.to, STOPPED)]
    assert hub.take_care()
    hub.away = False
    hub.look(1)
    assert hub.arrived(5) == []
    hub.now_ms = at("06:00", DAY)
    assert hub.arrived() == [(SOFIE.to, OVER)]


def test_what_was_taken_care_of_before_it_was_told_is_told_to_nobody(hub: Site) -> None:
    hub.now_ms = at("22:00")
    hub.wrong = 2
    hub.look()
    assert hub.take_care()
    hub.now_ms = at("06:00", DAY)
    assert hub.arrived() == []


def test_what_has_grown_is_told_again(hub: Site) -> None:
    hub.wrong = 2
    assert len(hub.arrived()) == 1
    assert hub.take_care()
    hub.wrong = 6
    assert hub.arrived(1) == []
    hub.wrong = 7
    ((_, subject),) = hub.arrived(1)
    assert subject.startswith("Werf Noord: wordt erger, 7 personen")
    assert not hub.arrived(29)
    assert [to for to, _ in hub.arrived(1)] == [MANAGER.to]


def test_who_is_no_longer_in_the_settings_is_not_told(hub: Site) -> None:
    hub.now_ms = at("22:00")
    hub.wrong = 2
    hub.look()
    hub.recipients = (replace(SOFIE, to="another@site.example"),)
    hub.now_ms = at("06:00", DAY)
    assert hub.arrived() == []


def test_a_site_of_somebody_else_is_not_told(hub: Site) -> None:
    hub.recipients = (replace(SOFIE, sites=frozenset({"Werf Zuid"})),)
    hub.wrong = 2
    assert hub.arrived() == []
    hub.away = True
    assert hub.arrived(1) == [(SOFIE.to, STOPPED)]


def test_with_nobody_to_tell_the_page_says_it_all_the_same(hub: Site) -> None:
    hub.recipients = ()
    hub.away = True
    assert hub.arrived() == []
    with reading(hub.engine) as connection:
        assert open_count(connection, EVERYTHING) == 1
        assert open_count(connection, Scope(sites=frozenset({1}))) == 1  # concerns all
        assert open_count(connection, Scope()) == 0


def test_an_alert_of_another_site_is_not_there(hub: Site) -> None:
    hub.wrong = 2
    hub.look()
    supervisor = Actor("account:2", Role.SUPERVISOR, sites=frozenset({2}), account_id=2)
    with pytest.raises(UsageError) as refused:
        hub.take_care(by=supervisor)
    assert refused.value.code == "HUB-1815"
    own = replace(supervisor, sites=frozenset({1}))
    assert hub.take_care(by=own)


LOOKS = st.lists(
    st.sampled_from(
        ["stop", "well", "look", "die in look", "post", "away", "die before", "die after", "ack"]
    ),
    max_size=30,
)


@given(LOOKS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_sequence_of_restarts_loses_or_doubles_what_is_told(hub: Site, acts: list[str]) -> None:
    """However often the hub dies, wherever: every alert that rose was told once as risen, and each
    that is over once as that, to everybody; what comes twice comes under the same handle."""
    hub.recipients = (replace(SOFIE, at_once=True),)
    hub.die_in_write = False
    for act in acts:
        hub.now_ms += MINUTE
        if act in ("stop", "well"):
            hub.away = act == "stop"
        elif act in ("look", "die in look"):
            hub.die_in_write = act == "die in look"
            with suppress(Died):
                hub.look()
            hub.die_in_write = False
        elif act == "ack":
            with reading(hub.engine) as connection:
                waiting = open_count(connection, EVERYTHING)
            if waiting:
                hub.take_care()
        else:
            hub.mail.plan = [] if act == "post" else [act]
            with suppress(Died):
                hub.post()
    hub.mail.plan = []
    hub.away = False
    for _ in range(4):
        hub.look(61)
        hub.post()
    by_handle = {one.handle: one for one in hub.mail.got}
    told = [
        (what["handle"], event)
        for one in by_handle.values()
        for what in one.content.data["alerts"]
        for event in what["events"]
    ]
    assert len(told) == len(set(told))
    with reading(hub.engine) as connection:
        rows = connection.execute(select(alert_table)).all()
        states = set(connection.execute(select(notice.c.state)).scalars())
        past, _ = past_alerts(connection, hub.vault, EVERYTHING, 1, 10_000)
    assert all(row.cleared_ms is not None for row in rows)
    assert states <= {"sent"}
    for one in past:
        events = {event for handle, event in told if handle == one.handle}
        expected = {"risen", "cleared"}
        # Taken care of before its message was made: nobody needs to hear of it any more.
        assert events == expected or (one.alert.acked_ms is not None and "risen" not in events)


# ------------------------------------------------------------ words

DETAILS: dict[str, str | int] = {
    "site": "Werf Noord", "gate": "In", "alarm": "lid", "minutes": 30, "companies": "Toitures (2)",
    "code": "HUB-1301", "unsent": 4, "day": "2026-11-24", "percent": 75, "times": 3,
    "certificate": "broker", "days": 12,
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_is_told_in_each_language_by_count(kind: Kind, language: str) -> None:
    strict(True)
    for number in (1, 7):
        made = Alert(kind, "gate-in", 1, DETAILS, number, number, at("12:00"), at("12:00"))
        told = [
            Told("h", made, events)
            for events in (
                (Event.RISEN,), (Event.ESCALATED,), (Event.WORSE,), (Event.CLEARED,),
                (Event.RISEN, Event.CLEARED),
            )
        ]  # fmt: skip
        assert title(made, language)
        assert advice(made, language)
        for some in (*([one] for one in told), told):
            content = content_of(some, language, "https://hub.example", at("12:30"))
            assert "{" not in content.subject + content.text
            assert content.link == "https://hub.example/alerts"
            json.dumps(dict(content.data))
            if language == "fr":
                # In French a space stands before these.
                assert not re.search(r"\w[:;?!](\s|$)", content.text.replace("https:", ""))


def test_what_is_urgent_stands_first_and_what_is_over_last() -> None:
    made = Alert(Kind.BALANCE, "x", 1, DETAILS, 1, 1, at("12:00"), at("12:00"))
    later = Told("a", made, (Event.RISEN,))
    urgent = Told("b", replace(made, kind=Kind.SILENT), (Event.RISEN,))
    over = Told("c", replace(made, kind=Kind.FORCED, cleared_ms=at("12:10")), (Event.CLEARED,))
    content = content_of([over, later, urgent], "en", "https://hub.example", at("12:30"))
    assert [one["handle"] for one in content.data["alerts"]] == ["b", "a", "c"]
    assert content.subject == "Werf Noord: 2 alerts"
    assert urgent.alert.rule.level is Level.URGENT
