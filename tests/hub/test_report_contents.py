"""What a report that goes out by itself holds: what its owner may see; what its mail says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Connection, delete, update

from hub.application.access import Actor
from hub.application.report_sending import Made, Schedule
from hub.domain.report_times import Kind
from hub.domain.rights import Role
from hub.i18n import LANGUAGES
from hub.message_settings import ReportSettings
from hub.settings import Settings
from hub.storage.schema import account, account_site
from tests.hub.day_world import at, day_world, whole_day
from tests.hub.register_house import LOWER, NAMES, STRANGER, SUB
from tests.hub.schedule_world import YESTERDAY, ScheduleWorld
from tests.web.test_site_day_page import NUMBERS

FAMILY_NAMES = ("Aerts", "Borms", "Ceulemans", "Dubois", "Evrard", "Fontaine", "Goossens",
                "Ivens", "Jacobs", "Klaes")  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScheduleWorld]:
    with day_world(tmp_path_factory.mktemp("contents")) as opened:
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


# ---------------------------------------------------------------- whose rights


def test_it_holds_what_its_owner_may_see_and_nothing_else(world: ScheduleWorld) -> None:
    owner = world.account(Role.CONTRACTOR, company=LOWER)
    world.add(Kind.HOURS, YESTERDAY, owner)
    world.add(Kind.DAY, YESTERDAY, owner)
    world.at("2026-11-24 06:30")
    for mail in world.sent():
        (content,) = mail.files.values()
        text = content.decode("utf-8-sig")
        assert "Ceulemans" in text
        for trace in ("Aerts", "Borms", "Dubois", "Fontaine", NAMES[STRANGER]):
            assert trace not in text


def test_rights_are_those_of_the_moment_of_sending(world: ScheduleWorld) -> None:
    owner = world.account(Role.SUPERVISOR, "Werf Noord", "Chantier Sud")
    both = world.add(actor=owner, sites=(world.site("Werf Noord"), world.site("Chantier Sud")))
    all_ = world.add(actor=owner)
    north = world.day.register.sites["Werf Noord"]
    world.write(
        lambda connection: connection.execute(
            delete(account_site).where(account_site.c.site_id == north)
        )
    )
    world.at("2026-11-23 18:00")
    # What lacks a site that was asked for would look whole; without a choice it is whole.
    assert states(world, both) == [("failed", "HUB-1866")]
    assert states(world, all_) == [("empty", "")]
    assert all(not one.files for one in world.sent())


@pytest.mark.parametrize("loss", ["disabled", "role", "sites", "company"])
def test_who_lost_his_right_sends_nothing_and_the_page_can_say_so(
    world: ScheduleWorld, loss: str
) -> None:
    owner = world.account(Role.SUPERVISOR, "Werf Noord")
    handle = world.add(Kind.HOURS, YESTERDAY, owner, company=SUB)

    def lose(connection: Connection) -> None:
        mine = update(account).where(account.c.id == owner.account_id)
        if loss == "disabled":
            connection.execute(mine.values(disabled_ms=1))
        elif loss == "role":
            connection.execute(mine.values(role="guard"))
        elif loss == "sites":
            connection.execute(delete(account_site))
        else:
            gone = world.day.register.sites["Chantier Sud"]
            connection.execute(update(account_site).values(site_id=gone))

    world.write(lose)
    world.at("2026-11-24 06:30")
    code = "HUB-1865" if loss != "company" else "HUB-1866"
    assert (world.sent(), states(world, handle)) == ([], [("failed", code)])


def test_of_one_company_and_of_some_sites(world: ScheduleWorld) -> None:
    world.add(company=SUB, sites=(world.site("Werf Noord"),))
    world.at("2026-11-23 18:00")
    mail = world.sent()[0]
    (content,) = mail.files.values()
    text = content.decode("utf-8-sig")
    # Whom it employs, and whom an agency lends to it.
    assert {one for one in FAMILY_NAMES if one in text} == {"Borms", "Dubois"}
    assert "Werf Noord, Toitures Gillard" in mail.subject
    assert f"site={world.site('Werf Noord')}" in mail.link


# ---------------------------------------------------------------- what the mail says


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [Kind.DAY, Kind.HOURS, Kind.EXCEPTIONS])
def test_the_mail_itself_names_nobody_and_shows_no_number(
    world: ScheduleWorld, kind: Kind, language: str
) -> None:
    world.add(kind, YESTERDAY, language=language)
    world.at("2026-11-24 12:00")
    mails = world.sent()
    assert [one.language for one in mails] == [language] * 2
    for one in mails:
        assert not any(name in one.all_text for name in FAMILY_NAMES)
        assert not any(number in one.all_text for number in NUMBERS)
        (content,) = one.files.values()
        assert not any(number in content.decode("utf-8-sig") for number in NUMBERS)
        assert one.link.startswith("https://hub.example/")


@pytest.mark.parametrize("kind", [Kind.DAY, Kind.EXCEPTIONS])
def test_an_empty_report_is_a_sentence_and_no_file(world: ScheduleWorld, kind: Kind) -> None:
    world.now_ms = at("2026-11-10 12:00")
    handle = world.add(kind, YESTERDAY, language="en")
    world.at("2026-11-11 06:30")
    assert states(world, handle) == [("empty", "")]
    expected = "Nobody was on the site." if kind is Kind.DAY else "all presences are in order."
    assert all(expected in one.text and not one.files for one in world.sent())


def test_what_is_too_large_for_a_mail_is_a_link(world: ScheduleWorld) -> None:
    handle = world.add(language="en")
    content = b"x" * 1_000_001

    def make(schedule: Schedule, owner: Actor, first: date, last: date, now_ms: int) -> Made:
        making = world.making()
        world.settings = Settings(reports=ReportSettings(mail_megabytes=1))
        limited = replace(world.making(), draw_days=lambda *_: content)
        assert making(schedule, owner, first, last, now_ms).attachment is not None
        return limited(replace(schedule, form="pdf"), owner, first, last, now_ms)

    world.at("2026-11-23 18:00", make)
    assert states(world, handle) == [("linked", "")]
    mail = world.sent()[0]
    assert not mail.files
    assert "too large for a mail" in mail.text
    assert mail.link == "https://hub.example/day?day=2026-11-23"


def test_what_is_too_long_for_paper_is_a_link(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.reports.report_table.ROWS_MAX", 2)
    handle = world.add(Kind.HOURS, YESTERDAY, form="pdf")
    world.at("2026-11-24 06:30")
    assert states(world, handle) == [("linked", "")]
    assert "first=2026-11-23&last=2026-11-23" in world.sent()[0].link
