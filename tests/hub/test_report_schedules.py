"""Schedules of reports: whose they are, who sees their addresses, and how their mails go."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.storage import report_schedules
from hub.storage.engine import reading
from hub.storage.schema import audit, notice, report_schedule, report_sending
from tests.hub.day_world import day_world
from tests.hub.schedule_world import TO, ScheduleWorld, nothing_made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScheduleWorld]:
    with day_world(tmp_path_factory.mktemp("schedules")) as opened:
        yield ScheduleWorld(opened)


@pytest.fixture
def world(whole: ScheduleWorld) -> ScheduleWorld:
    """No schedule, no message, no account; it is noon."""
    whole.clear()
    return whole


def test_addresses_are_in_the_sealed_column_and_nowhere_else(
    world: ScheduleWorld, caplog: pytest.LogCaptureFixture
) -> None:
    handle = world.add()
    world.at("2026-11-23 18:00")
    world.write(lambda connection: world.schedules(connection).ask(handle))
    with reading(world.engine) as connection:
        found = "".join(
            str(tuple(row))
            for table in (report_schedule, report_sending, audit)
            for row in connection.execute(select(table))
        )
        (sealed,) = connection.execute(select(report_schedule.c.recipients_sealed)).scalars()
        row = connection.execute(select(audit).where(audit.c.action == "report.sent")).first()
    row_ = world.row(handle)
    for one in TO:
        assert one not in found + caplog.text + repr(row_) + repr(row_.schedule)
        assert one.encode() not in sealed
    assert json.loads(world.house.vault.open("schedule", sealed)) == list(TO)
    assert row is not None
    assert json.loads(row.detail)["recipients"] == 2


@pytest.mark.parametrize(
    "recipients",
    [(), ("nobody",), ("a@b", "a b@c.example"), ("a@b.example\r\nBcc: x@y.example;",),
     ("<a@b.example>",), ("a@@b.example",),
     tuple(f"p{one}@b.example" for one in range(11)), ("x" * 65 + "@b.example",)],
)  # fmt: skip
def test_what_is_no_address_is_refused(world: ScheduleWorld, recipients: tuple[str, ...]) -> None:
    if recipients == ("a@b.example\r\nBcc: x@y.example;",):
        # Blanks part addresses: a header of one's own is no address.
        recipients = ("a@b.example\r\nBcc: x@y.example",)
    with pytest.raises(UsageError) as caught:
        world.add(recipients=recipients)
    assert caught.value.code == "HUB-1864"
    assert "@" not in str(caught.value)


def test_an_owner_has_so_many_at_most(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_schedules, "SCHEDULES_MAX", 2)
    one, other = (world.account(Role.SUPERVISOR, name) for name in ("Werf Noord", "Chantier Sud"))
    for actor in (one, one, other):
        world.add(actor=actor)
    with pytest.raises(UsageError) as caught:
        world.add(actor=one)
    assert caught.value.code == "HUB-1869"


def test_who_sees_whose(world: ScheduleWorld) -> None:
    one, other = (world.account(Role.SUPERVISOR, name) for name in ("Werf Noord", "Chantier Sud"))
    admin = world.account(Role.ADMINISTRATOR)
    guard = world.account(Role.GUARD, "Werf Noord")
    mine, theirs = world.add(actor=one), world.add(actor=other)
    by_command = world.add()

    def seen(actor: Actor) -> list[str]:
        with reading(world.engine) as connection:
            return [row.handle for row in world.schedules(connection, actor).rows()]

    assert seen(one) == [mine]
    assert seen(other) == [theirs]
    assert seen(admin) == [mine, theirs, by_command]
    assert seen(guard) == []
    for act in ("remove", "ask", "row"):
        with pytest.raises(UsageError) as caught:
            world.write(
                lambda connection, act=act: getattr(world.schedules(connection, one), act)(theirs)
            )
        assert caught.value.code == "HUB-1863"


def test_a_mail_that_fails_says_so_at_its_schedule(world: ScheduleWorld) -> None:
    handle = world.add()
    world.at("2026-11-23 18:00", nothing_made)
    world.write(
        lambda connection: connection.execute(
            update(notice)
            .where(notice.c.recipient == TO[0])
            .values(code="HUB-1805", next_try_ms=world.now_ms + 60_000)
        )
    )
    mails = world.row(handle).past[0].mails
    assert [(one.state, one.code, one.next_try_ms, one.many) for one in mails] == [
        ("waiting", "", 0, 1), ("waiting", "HUB-1805", world.now_ms + 60_000, 1),
    ]  # fmt: skip
