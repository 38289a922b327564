"""The pages of reports by mail: a browser without JavaScript plans, changes, asks and removes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert, update

from hub.application.access import Actor
from hub.domain.report_times import Cover, Kind, Rhythm
from hub.domain.rights import Role
from hub.i18n import LANGUAGES, error_text, text
from hub.message_settings import MailSettings
from hub.settings import Settings
from hub.storage.engine import writing
from hub.storage.schema import notice, notice_channel, report_sending
from hub.web.pages.report_schedule import schedule_pages
from hub.web.pages.reports import reports_pages
from tests.hub.day_world import at, day_world
from tests.hub.register_house import SUB
from tests.hub.schedule_world import TO, ScheduleWorld, nothing_made
from tests.web.actors import CSRF
from tests.web.register_pages import Pages, office_of

HERE = "/reports/schedule"
MAIL = Settings(mail=MailSettings(host="127.0.0.1", sender="hub@site.example"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScheduleWorld]:
    with day_world(tmp_path_factory.mktemp("schedule-pages")) as opened:
        yield ScheduleWorld(opened)


@pytest.fixture(scope="module")
def woken() -> list[int]:
    return []


@pytest.fixture(scope="module")
def pages(
    whole: ScheduleWorld, woken: list[int], tmp_path_factory: pytest.TempPathFactory
) -> Pages:
    office = office_of(whole.day.register, tmp_path_factory.mktemp("office"), MAIL)
    office = replace(office, clock=lambda: whole.now_ms)
    routers = [schedule_pages(office, lambda: woken.append(1)), reports_pages(office)]
    return Pages(routers, whole.day.register)


@pytest.fixture
def world(whole: ScheduleWorld, pages: Pages, woken: list[int]) -> ScheduleWorld:
    """No schedule; an administrator looks."""
    whole.clear()
    woken.clear()
    pages.as_(whole.account(Role.ADMINISTRATOR))
    return whole


def form(**others: Any) -> dict[str, Any]:
    """The form, filled in well."""
    return {
        "kind": "hours", "pattern": "weekdays-week", "weekday": ["1"], "at": "07:15",
        "form": "xlsx", "language": "fr", "recipients": "\n".join(TO), "company": "",
    } | others  # fmt: skip


def only(world: ScheduleWorld, pages: Pages) -> str:
    """The address of the one schedule."""
    html = pages.get(HERE)
    (path,) = {one.partition('"')[0] for one in html.split(f'action="{HERE}/')[1:]
               if one.partition('"')[0].endswith("/remove")}  # fmt: skip
    del world
    return f"{HERE}/{path.removesuffix('/remove')}"


def test_one_is_planned_shown_changed_and_removed(
    world: ScheduleWorld, pages: Pages, woken: list[int]
) -> None:
    assert text("schedule.none", "en") in pages.get(HERE)
    north = world.site("Werf Noord")
    assert pages.post(f"{HERE}/new", **form(site=[north], company=SUB)) == (
        303, f"{HERE}?said=added",
    )  # fmt: skip
    html = unescape(pages.get(f"{HERE}?said=added"))
    for said in ("Hours", "Werf Noord · Toitures Gillard", "On Monday at 07:15", *TO, "Français",
                 "30 November 2026 07:15", text("schedule.never", "en"), "Administrator",
                 text("schedule.said.added", "en")):  # fmt: skip
        assert said in html
    path = only(world, pages)
    filled = pages.get(path)
    assert '<option value="hours" selected>' in filled
    assert f'value="{north}" checked' in filled
    assert 'name="weekday" value="1" checked' in filled
    assert f'<option value="{SUB}" selected>' in filled
    changed = form(kind="day", pattern="daily-today", weekday=["1"], at="18:00", site=[])
    assert pages.post(path, **changed) == (303, f"{HERE}?said=changed")
    html = unescape(pages.get(HERE))
    # Ticks that mean nothing for each day are not kept.
    assert "Each day at 18:00, about the day itself until then" in html
    assert "All sites" in html
    assert pages.post(f"{path}/remove") == (303, f"{HERE}?said=removed")
    assert text("schedule.none", "en") in pages.get(HERE)
    assert len(woken) == 3


def test_a_wrong_form_comes_back_with_what_was_typed(world: ScheduleWorld, pages: Pages) -> None:
    for wrong, code in (
        (form(pattern="monthly-month", kind="day"), "HUB-1862"),
        (form(weekday=[]), "HUB-1862"),
        (form(weekday=["1", "4"]), "HUB-1862"),
        (form(at="25:00"), "HUB-1862"),
        (form(at="06:30:15"), "HUB-1862"),
        (form(form="json"), "HUB-1862"),
        (form(language="es"), "HUB-1862"),
        (form(kind="wages"), "HUB-1862"),
        (form(recipients="werf@site.example nobody"), "HUB-1864"),
        (form(site=["f" * 16]), "HUB-1661"),
        (form(company="0999000624"), "HUB-1651"),
    ):
        status, html = pages.post(f"{HERE}/new", **wrong)
        assert (status, code in html) == (400, True), wrong
        assert "07:15" in html or wrong["at"] != "07:15"
        assert wrong["recipients"] in unescape(html)
    assert text("schedule.none", "en") in pages.get(HERE)


def test_pausing_going_on_and_sending_now(
    world: ScheduleWorld, pages: Pages, woken: list[int]
) -> None:
    pages.post(f"{HERE}/new", **form())
    path = only(world, pages)
    assert pages.post(f"{path}/pause")[1] == f"{HERE}?said=paused"
    assert text("schedule.resting", "en") in pages.get(HERE)
    assert pages.post(f"{path}/send")[1] == f"{HERE}?said=asked"
    html = pages.get(HERE)
    assert text("schedule.being_made", "en") in html
    # Once is enough.
    assert f'action="{path}/send"' not in html
    assert len(woken) == 3
    world.sender(nothing_made).step()
    html = pages.get(HERE)
    assert text("schedule.state.empty", "en") in html
    assert "on demand" in html
    assert pages.post(f"{path}/resume")[1] == f"{HERE}?said=resumed"
    assert text("schedule.resting", "en") not in pages.get(HERE)


def test_another_session_s_form_and_a_stranger_s_schedule(
    world: ScheduleWorld, pages: Pages
) -> None:
    other = world.account(Role.SUPERVISOR, "Chantier Sud")
    handle = world.add(actor=other)
    pages.as_(world.account(Role.SUPERVISOR, "Werf Noord"))
    assert text("schedule.none", "en") in pages.get(HERE)
    nothing = pages.client.get(f"{HERE}/{'f' * 16}")
    theirs = pages.client.get(f"{HERE}/{handle}")
    assert (theirs.status_code, theirs.text) == (nothing.status_code, nothing.text) == (
        404, nothing.text,
    )  # fmt: skip
    for act in ("", "/send", "/pause", "/resume", "/remove"):
        for one in (handle, "f" * 16):
            assert pages.post(f"{HERE}/{one}{act}", **form())[0] == 404
    assert pages.post(f"{HERE}/new", csrf="of another", **form())[0] == 403
    assert world.row(handle).past == ()


@pytest.mark.parametrize("role", [Role.GUARD, Role.INSPECTOR, Role.WORKER])
def test_others_may_not(world: ScheduleWorld, pages: Pages, role: Role) -> None:
    sites = frozenset({world.day.register.sites["Werf Noord"]})
    pages.as_(Actor("account:9", role, sites=sites, person_id=1, account_id=9, csrf=CSRF))
    assert pages.status(HERE) == pages.status(f"{HERE}/new") == 403
    if role is Role.INSPECTOR:
        assert HERE not in pages.get("/reports")


def test_the_reports_lead_to_it(world: ScheduleWorld, pages: Pages) -> None:
    del world
    assert f'href="{HERE}"' in pages.get("/reports")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_went_wrong_is_told_at_its_schedule(
    world: ScheduleWorld, pages: Pages, language: str
) -> None:
    handle = world.add()
    world.at("2026-11-26 06:00")
    html = unescape(pages.get(HERE, language))
    # Two due times were missed; the last one came late and holds nothing.
    assert html.count("HUB-1868") == 3
    assert text("schedule.earlier", language) in html
    assert text("schedule.sent_late", language) in html
    assert "badge-word bad" not in html
    schedule_id = world.row(handle).schedule.id
    for code in ("HUB-1865", "HUB-1866", "HUB-1867", "HUB-1868"):
        values = {
            "schedule_id": schedule_id, "due_ms": int(code[-4:]), "asked": 1, "rows": 0, "late": 0,
            "at_ms": world.now_ms, "state": "failed", "code": code, "notices": "[]",
        }  # fmt: skip
        with writing(world.engine) as connection:
            connection.execute(insert(report_sending).values(values))
        html = unescape(pages.get(HERE, language)).replace("\u00a0", " ").replace("\u202f", " ")
        assert "badge-word bad" in html
        assert f"<code>{code}</code>" in html
        assert error_text(code, language).happened in html


def test_a_mail_server_that_does_not_answer_is_told_with_the_next_try(
    world: ScheduleWorld, pages: Pages
) -> None:
    world.add()
    world.at("2026-11-23 18:00", nothing_made)
    next_ms = at("2026-11-23 18:04")
    world.write(
        lambda connection: connection.execute(
            insert(notice_channel).values(
                channel="mail", failures=3, next_try_ms=next_ms, code="HUB-1802"
            )
        )
    )
    html = unescape(pages.get(HERE))
    assert "2 mails could not be handed over; next try on 23 November 2026 18:04." in html
    assert "<code>HUB-1802</code>" in html
    world.write(
        lambda connection: connection.execute(update(notice).values(state="lost", code="HUB-1806"))
    )
    html = unescape(pages.get(HERE))
    assert "2 mails were refused and are not tried again. <code>HUB-1806</code>" in html
    world.write(lambda connection: connection.execute(update(notice).values(state="sent")))
    assert "HUB-1806" not in pages.get(HERE)


def test_without_a_mail_server_the_page_says_what_to_set(
    world: ScheduleWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    office = office_of(world.day.register, tmp_path_factory.mktemp("office"))
    pages = Pages([schedule_pages(office, lambda: None)], world.day.register)
    pages.as_(world.account(Role.ADMINISTRATOR, "Werf Noord"))
    world.add()
    html = unescape(pages.get(HERE))
    assert text("schedule.no_mail", "en") in html
    assert text("schedule.send", "en") not in html


def test_every_way_to_plan_is_offered_and_no_address_stands_in_an_address(
    world: ScheduleWorld, pages: Pages
) -> None:
    html = pages.get(f"{HERE}/new", "nl")
    for kind in Kind:
        assert f'<option value="{kind}"' in html
    for rhythm, cover in ((Rhythm.DAILY, Cover.TODAY), (Rhythm.MONTHLY, Cover.MONTH)):
        assert f'<option value="{rhythm}-{cover}"' in html
    assert "maandag" in html
    assert '<option value="nl" selected>' in html
    world.add()
    for path in (HERE, only(world, pages)):
        for part in pages.get(path).split('="/')[1:]:
            assert "@" not in part.partition('"')[0]
