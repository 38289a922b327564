"""Reports that go out by themselves: once for each due time, and only what the owner may see.

Real files over a real database; a clock of the test; each `at` is a hub that has just started.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from sqlalchemy import Connection, update

from hub.application.report_sending import LOOK_MS, Due, Made, Outcome, Schedule
from hub.domain.report_times import Cover, Kind, Rhythm, Timing
from hub.domain.rights import Role
from hub.errors import SitegateError
from hub.storage.engine import writing
from hub.storage.notices import Post
from hub.storage.report_schedules import ScheduleDraft
from hub.storage.report_sendings import ReportSendings
from hub.storage.schema import account
from tests.hub.day_world import at, day_world, whole_day
from tests.hub.schedule_world import TO, TODAY, YESTERDAY, ScheduleWorld, nothing_made

MONTH = Timing(Rhythm.MONTHLY, Cover.MONTH, time(7))
WEEK = Timing(Rhythm.WEEKDAYS, Cover.WEEK, time(7), frozenset({1}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScheduleWorld]:
    with day_world(tmp_path_factory.mktemp("schedule")) as opened:
        whole_day(opened)
        yield ScheduleWorld(opened)


@pytest.fixture
def world(whole: ScheduleWorld) -> ScheduleWorld:
    """No schedule, no message, no account; it is noon."""
    whole.clear()
    return whole


def states(world: ScheduleWorld, handle: str) -> list[tuple[str, str]]:
    """What became of its due times, oldest first."""
    return [(one.state, one.code) for one in reversed(world.row(handle).past)]


# ---------------------------------------------------------------- once


def test_a_due_time_is_sent_once_over_any_number_of_starts(world: ScheduleWorld) -> None:
    handle = world.add()
    world.at("2026-11-23 17:59")
    assert world.sent() == []
    for moment in ("2026-11-23 18:00", "2026-11-23 18:01", "2026-11-24 12:00"):
        world.at(moment)
    assert [one.to for one in world.sent()] == list(TO)
    assert world.queued == 1
    assert states(world, handle) == [("sent", "")]
    (name, content), *_ = world.sent()[0].files.items()
    assert name == "liste-du-jour-2026-11-23.csv"
    assert "Borms" in content.decode("utf-8-sig")
    world.at("2026-11-24 18:00")
    assert len(world.sent()) == 4


def test_the_sender_looks_again_at_the_next_due_time_at_the_latest(world: ScheduleWorld) -> None:
    world.add()
    world.now_ms = at("2026-11-23 17:59") + 45_000
    assert world.sender(nothing_made).step() == at("2026-11-23 18:00")
    world.now_ms = at("2026-11-23 12:00")
    assert world.sender(nothing_made).step() == world.now_ms + LOOK_MS


class PowerCut(Exception):
    """The hub is gone."""


def test_a_hub_that_dies_between_making_and_queueing_has_sent_nothing(world: ScheduleWorld) -> None:
    handle = world.add()
    made: list[int] = []

    def make(*arguments: Any) -> Made:
        made.append(1)
        return nothing_made(*arguments)

    def dies_before_the_commit(change: Any) -> Any:
        with writing(world.engine) as connection:
            change(connection)
            raise PowerCut

    world.now_ms = at("2026-11-23 18:00")
    with pytest.raises(PowerCut):
        world.sender(make, dies_before_the_commit).send_asked(
            replace(world.row(handle).schedule, asked_ms=1)
        )
    for _ in range(2):
        # What a defect keeps from being sent is tried again; nothing was kept of it.
        world.sender(make, dies_before_the_commit).step()
        assert (world.sent(), states(world, handle)) == ([], [])
    world.at("2026-11-23 18:05", make)
    assert (len(world.sent()), states(world, handle)) == (2, [("empty", "")])
    assert len(made) == 4


@pytest.mark.parametrize("commits", [1, 2])
def test_what_a_hub_had_put_down_before_it_died_is_not_sent_and_goes_away(
    world: ScheduleWorld, commits: int
) -> None:
    handle = world.add()
    left = [commits]

    def dies_after_some(change: Any) -> Any:
        if not left[0]:
            raise PowerCut
        left[0] -= 1
        return world.write(change)

    post = Post(world.engine, world.write, world.house.vault)
    world.now_ms = at("2026-11-23 18:00")
    world.sender(nothing_made, dies_after_some).step()
    assert world.drafts() == commits
    assert (world.sent(), post.oldest("mail", world.now_ms)) == ([], None)
    assert world.row(handle).past == ()
    world.at("2026-11-23 18:01", nothing_made)
    assert (len(world.sent()), states(world, handle)) == (2, [("empty", "")])
    assert world.drafts() == commits
    world.at("2026-11-24 18:00", nothing_made)
    assert (len(world.sent()), world.drafts()) == (4, 0)


def test_a_hub_that_dies_right_after_the_commit_sends_nothing_again(world: ScheduleWorld) -> None:
    handle = world.add()

    def dies_after_the_commit(change: Any) -> Any:
        done = world.write(change)
        if done is True:
            raise PowerCut
        return done

    world.now_ms = at("2026-11-23 18:00")
    world.sender(nothing_made, dies_after_the_commit).step()
    assert len(world.sent()) == 2
    world.at("2026-11-23 18:05")
    assert (len(world.sent()), states(world, handle)) == (2, [("empty", "")])


def test_two_who_make_the_same_report_at_once_send_it_once(world: ScheduleWorld) -> None:
    handle = world.add()
    world.now_ms = at("2026-11-23 18:00")

    def make(*arguments: Any) -> Made:
        world.sender(nothing_made).step()
        return nothing_made(*arguments)

    world.sender(make).step()
    assert (len(world.sent()), states(world, handle)) == (2, [("empty", "")])
    stale = replace(world.row(handle).schedule, settled_ms=0)
    port = ReportSendings(world.engine, world.write, world.house.vault)
    again = port.settle(stale, Due(world.now_ms), Outcome("empty"), None, None, world.now_ms)
    assert not again


def test_no_transaction_is_open_while_a_report_is_made(world: ScheduleWorld) -> None:
    world.add()
    world.now_ms = at("2026-11-23 18:00")

    def make(*arguments: Any) -> Made:
        # Any other writer goes on: it would wait a minute for a transaction and then fail.
        with world.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql("ROLLBACK")
        return nothing_made(*arguments)

    world.sender(make).step()
    assert len(world.sent()) == 2


@pytest.mark.parametrize("change", ["change", "switch", "remove", "disable"])
def test_what_was_made_for_a_schedule_that_is_another_now_is_not_sent(
    world: ScheduleWorld, change: str
) -> None:
    owner = world.account(Role.SUPERVISOR, "Werf Noord")
    handle = world.add(actor=owner)
    world.now_ms = at("2026-11-23 18:00")

    def make(schedule: Schedule, *arguments: Any) -> Made:
        def meanwhile(connection: Connection) -> None:
            mine = world.schedules(connection)
            if change == "change":
                draft = ScheduleDraft(Kind.DAY, TODAY, "csv", "nl", ("somebody@else.example",))
                mine.change(handle, draft)
            elif change == "switch":
                mine.switch(handle, on=False)
            elif change == "remove":
                mine.remove(handle)
            else:
                disabled = update(account).where(account.c.id == owner.account_id)
                connection.execute(disabled.values(disabled_ms=world.now_ms))

        world.write(meanwhile)
        return nothing_made(schedule, *arguments)

    world.sender(make).step()
    assert world.sent() == []


def test_what_somebody_asked_for_goes_to_those_who_are_named_when_it_is_ready(
    world: ScheduleWorld,
) -> None:
    handle = world.add()
    world.write(lambda connection: world.schedules(connection).ask(handle))
    draft = ScheduleDraft(Kind.DAY, TODAY, "csv", "nl", ("somebody@else.example",))

    def make(schedule: Schedule, *arguments: Any) -> Made:
        if schedule.recipients == TO:
            world.write(lambda connection: world.schedules(connection).change(handle, draft))
        return nothing_made(schedule, *arguments)

    sender = world.sender(make)
    sender.step()
    assert world.sent() == []
    sender.step()
    assert [one.to for one in world.sent()] == ["somebody@else.example"]


# ---------------------------------------------------------------- late


def test_a_hub_that_was_off_sends_once_and_says_that_it_is_late(world: ScheduleWorld) -> None:
    handle = world.add(timing=YESTERDAY)
    world.at("2026-11-25 06:29")
    # 24 November is a day late by a minute less than a day: sent, about the 23rd.
    assert states(world, handle) == [("sent", "")]
    assert "2026-11-23" in next(iter(world.sent()[0].files))
    assert "24 novembre 2026 06:30" in world.sent()[0].text
    assert world.row(handle).past[0].late


def test_what_is_a_day_late_is_missed_and_shown_and_the_next_one_comes(
    world: ScheduleWorld,
) -> None:
    handle = world.add(timing=YESTERDAY)
    world.at("2026-11-26 06:30")
    assert states(world, handle) == [
        ("missed", "HUB-1868"), ("missed", "HUB-1868"), ("empty", ""),
    ]  # fmt: skip
    assert len(world.sent()) == 2
    assert "retard" not in world.sent()[0].text


def test_a_day_of_23_hours_loses_no_report(world: ScheduleWorld) -> None:
    world.now_ms = at("2026-03-28 12:00")
    handle = world.add(timing=Timing(Rhythm.DAILY, Cover.YESTERDAY, time(2, 30)))
    world.at("2026-03-29 03:29")
    assert states(world, handle) == []
    world.at("2026-03-29 03:30")
    world.at("2026-03-30 02:30")
    assert states(world, handle) == [("empty", "")] * 2


def test_the_hour_that_comes_twice_sends_once(world: ScheduleWorld) -> None:
    world.now_ms = at("2026-10-24 12:00")
    handle = world.add(timing=Timing(Rhythm.DAILY, Cover.YESTERDAY, time(2, 30)))
    for moment in (at("2026-10-25 02:30"), at("2026-10-25 02:30", 1), at("2026-10-25 03:00")):
        world.now_ms = moment
        world.sender().step()
    assert states(world, handle) == [("empty", "")]


def test_weeks_and_months_go_with_their_days(world: ScheduleWorld) -> None:
    week = world.add(Kind.HOURS, WEEK, form="xlsx")
    month = world.add(Kind.MONTHLY, MONTH, form="pdf")
    world.at("2026-11-30 07:00")
    world.at("2026-12-01 07:00")
    names = [next(iter(one.files)) for one in world.sent()]
    assert (
        names == ["heures-2026-11-23-2026-11-29.xlsx"] * 2 + ["mois-2026-11-01-2026-11-30.pdf"] * 2
    )
    assert states(world, week) == states(world, month) == [("sent", "")]


@pytest.mark.parametrize(("form", "begin"), [("pdf", b"%PDF"), ("xlsx", b"PK")])
def test_the_list_of_a_day_goes_in_each_form(world: ScheduleWorld, form: str, begin: bytes) -> None:
    world.add(form=form, language="nl")
    world.at("2026-11-23 18:00")
    assert [list(one.files) for one in world.sent()] == [[f"daglijst-2026-11-23.{form}"]] * 2
    assert all(content.startswith(begin) for content in world.sent()[0].files.values())


def test_what_was_due_while_it_rested_or_before_it_was_made_is_not_sent(
    world: ScheduleWorld,
) -> None:
    world.now_ms = at("2026-11-23 18:00")
    handle = world.add()
    world.at("2026-11-23 18:00")
    world.write(lambda connection: world.schedules(connection).switch(handle, on=False))
    world.at("2026-11-24 18:00")
    world.now_ms = at("2026-11-24 19:00")
    world.write(lambda connection: world.schedules(connection).switch(handle, on=True))
    world.at("2026-11-24 19:01")
    assert (world.sent(), states(world, handle)) == ([], [])
    world.at("2026-11-25 18:00", nothing_made)
    assert states(world, handle) == [("empty", "")]


# ---------------------------------------------------------------- what goes wrong


def test_without_a_mail_server_nothing_is_made_and_that_is_kept(world: ScheduleWorld) -> None:
    handle = world.add()
    world.mail = False
    world.at("2026-11-23 18:00")
    assert (world.sent(), states(world, handle)) == ([], [("failed", "HUB-1800")])


def test_one_that_cannot_be_made_is_tried_three_times_and_holds_up_no_other(
    world: ScheduleWorld, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = world.add(), world.add(Kind.HOURS, replace(TODAY, at=time(18)))
    tried: list[int] = []

    def make(schedule: Schedule, *arguments: Any) -> Made:
        if schedule.kind is Kind.DAY:
            tried.append(schedule.id)
            raise RuntimeError("Aerts")
        return nothing_made(schedule, *arguments)

    world.now_ms = at("2026-11-23 18:00")
    sender = world.sender(make)
    for _ in range(5):
        sender.step()
    assert len(tried) == 3
    assert states(world, bad) == [("failed", "HUB-1867")]
    assert states(world, good) == [("empty", "")]
    assert "Aerts" not in caplog.text


def test_an_error_that_is_known_is_kept_with_its_code_at_once(world: ScheduleWorld) -> None:
    handle = world.add()

    def make(*_: Any) -> Made:
        raise SitegateError("HUB-1011")

    world.at("2026-11-23 18:00", make)
    assert states(world, handle) == [("failed", "HUB-1011")]


# ---------------------------------------------------------------- now


def test_who_wants_it_now_gets_it_once_and_the_due_time_stays(world: ScheduleWorld) -> None:
    handle = world.add()
    for _ in range(2):
        world.write(lambda connection: world.schedules(connection).ask(handle))
    world.at("2026-11-23 12:00")
    world.at("2026-11-23 12:01")
    assert len(world.sent()) == 2
    # In the same instant once more, and then at its time.
    world.now_ms = at("2026-11-23 12:00")
    world.write(lambda connection: world.schedules(connection).ask(handle))
    world.at("2026-11-23 12:00")
    world.at("2026-11-23 18:00")
    assert len(world.sent()) == 6
    assert [one.asked for one in world.row(handle).past] == [False, True, True]


def test_a_paused_one_is_sent_when_somebody_asks(world: ScheduleWorld) -> None:
    handle = world.add()
    world.write(lambda connection: world.schedules(connection).switch(handle, on=False))
    schedule = world.write(lambda connection: world.schedules(connection).ask(handle))
    assert world.sender(nothing_made).send_asked(schedule)
    assert not world.sender(nothing_made).send_asked(schedule)
    assert len(world.sent()) == 2
