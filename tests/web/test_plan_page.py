"""The plan board: problems first, what each act does once, and what nobody but his may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, update

from hub.domain.rights import Role
from hub.i18n import LANGUAGES, text
from hub.storage import plan_board
from hub.storage.engine import reading, writing
from hub.storage.plans import Plans, by_itself
from hub.storage.schema import audit, person, works_regime
from tests.hub.day_world import at
from tests.hub.register_house import (
    ADMINISTRATOR,
    FOREIGN,
    LOWER,
    MAIN,
    NORTH,
    SOUTH,
    STRANGER,
    SUB,
)
from tests.web.plan_world import MONDAY, NUMBERS, TUESDAY, PlanWorld, plan_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlanWorld]:
    with plan_world(tmp_path) as opened:
        yield opened


def companies_on(html: str) -> list[str]:
    """The companies in the order of the board."""
    return re.findall(r'class="summary-name"><strong>([^<]+)<', html)


def counts_on(html: str) -> dict[str, int]:
    """The counts at the top."""
    found = re.findall(r'<div class="plan-(\w+)(?: zero)?"><dt>[^<]+</dt><dd>(\d+)</dd>', html)
    return {name: int(count) for name, count in found}


def names_on(html: str) -> list[str]:
    """The people of a company in the order of the page."""
    return re.findall(r'<strong class="whole">(\w+) Jo</strong>', html)


# ---------------------------------------------------------------- what it shows


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_in_the_way_comes_first_with_what_to_do(
    world: PlanWorld, language: str
) -> None:
    world.plan("Aerts", "Borms", "Fontaine")
    html = world.board(language=language)
    assert companies_on(html)[0] == "Vreemdeling"
    assert text("planboard.next.IMP-5022", language) in html.replace(" ", " ").replace(" ", " ")
    assert html.index("Fontaine") < html.index("Bouwwerken Aarts")
    assert counts_on(html) == {
        "planned": 3, "submitted": 0, "registered": 0, "refused": 0, "problems": 1,
    }  # fmt: skip
    assert not any(number in html for number in NUMBERS)


def test_a_company_shows_everybody_planned_or_not_and_masks(world: PlanWorld) -> None:
    world.plan("Nijs")
    html = world.company(MAIN)
    assert names_on(html) == ["Aerts", "Nijs"]
    assert "85.03.12-***.**" in html
    assert not any(number in html for number in NUMBERS)
    problem = world.company(STRANGER)
    assert world.row("Evrard") in problem
    # Who lacks a number cannot be ticked, and it says why.
    assert world.row("Fontaine") not in problem
    assert text("planboard.next.IMP-5022", "en") in problem


def test_only_today_and_tomorrow_are_planned(world: PlanWorld) -> None:
    for day in ("2026-11-22", "2026-11-25", "nonsense", "9999-12-31"):
        answer = world.pages.client.get(f"/plan?day={day}")
        assert (answer.status_code, "HUB-1770" in answer.text) == (400, True), day
        assert world.act("copy", day=day)[0] == 400
    for day in ("today", "tomorrow", MONDAY, TUESDAY, ""):
        assert world.pages.status(f"/plan?day={day}") == 200


def test_a_declaration_of_the_in_out_regime_says_that_nothing_goes_ahead(world: PlanWorld) -> None:
    with writing(world.day.register.house.engine) as connection:
        connection.execute(
            insert(works_regime).values(works_number=NORTH, from_day=TUESDAY, regime="in_out")
        )
    world.plan("Aerts")
    assert text("planboard.in_out", "en", numbers=NORTH) in world.board()
    assert text("planboard.standing.expected", "en") in world.company(MAIN)
    assert world.act("submit") == (303, "submitted-0")
    assert world.states() == {}
    # Today it is still the day regime.
    assert text("planboard.in_out", "en", numbers=NORTH) not in world.board(MONDAY)


def test_the_board_asks_no_more_of_the_store_for_more_people(world: PlanWorld) -> None:
    asked: list[str] = []
    engine = world.day.register.house.engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]), retval=False)
    world.plan("Aerts")
    counts: list[int] = []
    for more in (0, 40):
        for number in range(more):
            name = f"More{number:02}"
            world.people[name] = world.day.person(name, MAIN, inss=f"{number:011}")
            world.plan(name)
        for path in (f"/plan?{world.query()}", f"/plan/{MAIN}?{world.query()}"):
            asked.clear()
            world.pages.get(path)
            counts.append(len(asked))
    assert counts[2:] == counts[:2]


def test_a_long_list_goes_on_with_the_next_page(
    world: PlanWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_board, "PAGE", 1)
    pages = [world.pages.get(f"/plan/{MAIN}?{world.query()}&page={n}") for n in (1, 2, 3)]
    assert [names_on(html) for html in pages] == [["Aerts"], ["Nijs"], ["Nijs"]]


# ---------------------------------------------------------------- the same people


def test_the_same_people_are_planned_once_and_the_left_out_are_counted(world: PlanWorld) -> None:
    world.plan("Aerts", "Evrard", "Jacobs", day=MONDAY)
    for name in ("Borms", "Fontaine", "Nijs"):
        world.day.tap(world.people[name], f"{MONDAY} 07:00")
    world.badge("Nijs", "blocked", b"blocked1")
    with writing(world.day.register.house.engine) as connection:
        connection.execute(
            update(person).where(person.c.id == world.people["Evrard"]).values(erased_ms=1)
        )
    told = "planned-2.blocked-1.erased-1.number-1.visitor-1"
    status, answer = world.act("copy")
    assert (status, sorted(answer.split("."))) == (303, sorted(told.split(".")))
    assert world.planned() == ["Aerts", "Borms"]
    again = world.act("copy")[1]
    assert again.startswith("planned-0.unchanged-2")
    assert world.planned() == ["Aerts", "Borms"]
    shown = world.pages.get(f"/plan?{world.query()}&told={answer}")
    assert text("planboard.told.blocked_one", "en", count=1) in shown


def test_who_has_another_badge_is_not_blocked(world: PlanWorld) -> None:
    world.plan("Nijs", day=MONDAY)
    world.badge("Nijs", "blocked", b"blocked1")
    world.badge("Nijs", "active", b"active01")
    assert world.act("copy") == (303, "planned-1")


def test_the_last_working_day_is_copied_and_a_withdrawn_day_does_not_come_back(
    world: PlanWorld,
) -> None:
    world.plan("Aerts", "Nijs", day="2026-11-20")
    world.plan("Nijs", withdrawn_ms=at(f"{MONDAY} 12:00"), withdrawn_reason="PLANNING")
    assert "Friday, November 20, 2026" in world.board() or "20 November 2026" in world.board()
    assert world.act("copy") == (303, "planned-1.was_withdrawn-1")
    assert world.planned() == ["Aerts"]


def test_one_company_alone_is_copied(world: PlanWorld) -> None:
    world.plan("Aerts", "Borms", day=MONDAY)
    assert world.act("copy", number=SUB) == (303, "planned-1")
    assert world.planned() == ["Borms"]


def test_without_a_day_to_copy_it_says_so(world: PlanWorld) -> None:
    status, html = world.act("copy")
    assert (status, "HUB-1773" in html) == (422, True)


# ---------------------------------------------------------------- add, withdraw, submit


def test_a_form_that_is_handed_in_twice_does_nothing_twice(world: PlanWorld) -> None:
    stamp = world.stamp()
    assert world.act("add", "Aerts", "Nijs", number=MAIN, stamp=stamp) == (303, "planned-2")
    assert world.act("add", "Aerts", "Nijs", number=MAIN, stamp=stamp) == (
        303, "planned-0.unchanged-2",
    )  # fmt: skip
    assert world.planned() == ["Aerts", "Nijs"]
    stamp = world.stamp()
    gone = {"number": MAIN, "stamp": stamp, "reason": "HOLIDAY"}
    assert world.act("withdraw", "Nijs", **gone) == (303, "taken_back-1")
    assert world.act("withdraw", "Nijs", **gone) == (303, "taken_back-0.unchanged-1")
    assert world.planned() == ["Aerts"]


def test_who_acts_on_a_plan_that_was_changed_is_told_and_loses_no_tick(world: PlanWorld) -> None:
    before = world.stamp()
    world.plan("Nijs")
    status, html = world.act("add", "Aerts", number=MAIN, stamp=before)
    assert (status, "HUB-1771" in html) == (409, True)
    assert f'value="{world.row("Aerts")}" checked' in html
    assert world.planned() == ["Nijs"]
    status, html = world.act("withdraw", "Nijs", number=MAIN, stamp=before, reason="PLANNING")
    assert (status, world.planned()) == (409, ["Nijs"])
    # With the stamp of the page that came back it goes through.
    stamp = re.findall(r'name="stamp" value="(\w+)"', html)[0]
    assert world.act("add", "Aerts", number=MAIN, stamp=stamp) == (303, "planned-1")


def test_nobody_ticked_and_no_reason_are_told(world: PlanWorld) -> None:
    world.plan("Aerts")
    assert "HUB-1772" in world.act("add", number=MAIN)[1]
    assert "HUB-1502" in world.act("withdraw", "Aerts", number=MAIN, reason="BORED")[1]
    assert world.act("dance", number=MAIN)[0] == 400
    assert world.planned() == ["Aerts"]


def test_withdrawing_drops_cancels_or_leaves_who_was_seen(world: PlanWorld) -> None:
    world.plan("Aerts", "Nijs")
    assert world.act("submit") == (303, "submitted-2")
    world.answered(900_000_000_000_001, "Nijs")
    told = world.act("withdraw", "Aerts", "Nijs", number=MAIN, reason="DISEASE")[1]
    assert sorted(told.split(".")) == ["cancelling-1", "dropped-1", "taken_back-2"]
    assert world.states() == {"Aerts": "dropped", "Nijs": "cancelling"}


def test_who_was_seen_keeps_his_registration(world: PlanWorld) -> None:
    world.plan("Aerts", day=MONDAY)
    world.act("submit", day=MONDAY)
    world.day.tap(world.people["Aerts"], f"{MONDAY} 16:50")
    told = world.act("withdraw", "Aerts", number=MAIN, day=MONDAY, reason="HOLIDAY")
    assert told == (303, "taken_back-0.seen-1")
    assert (world.planned(MONDAY), world.states(MONDAY)) == (["Aerts"], {"Aerts": "due"})


def test_tomorrow_is_submitted_from_its_hour_on_and_never_before(world: PlanWorld) -> None:
    world.plan("Aerts", "Fontaine")
    world.now[0] = at(f"{MONDAY} 15:59")
    html = world.board()
    assert "16:00" in html
    assert 'value="submit"' not in html
    status, page = world.act("submit")
    assert (status, "HUB-1509" in page, world.states()) == (422, True, {})
    world.now[0] = at(f"{MONDAY} 16:00")
    assert 'value="submit"' in world.board()
    assert world.act("submit") == (303, "submitted-1.number-1")
    assert world.act("submit") == (303, "submitted-0.number-1")
    assert world.states() == {"Aerts": "due"}
    assert world.actors_of_steps() == {ADMINISTRATOR.name}


def test_some_alone_are_submitted(world: PlanWorld) -> None:
    world.plan("Aerts", "Nijs")
    assert world.act("submit", "Nijs", number=MAIN) == (303, "submitted-1")
    assert world.states() == {"Nijs": "due"}
    assert world.act("submit_all", number=MAIN) == (303, "submitted-1")


def test_what_was_sent_when_with_its_numbers(world: PlanWorld) -> None:
    world.plan("Aerts", "Nijs", "Borms")
    world.act("submit")
    world.now[0] = at(f"{MONDAY} 17:03")
    world.answered(900_000_000_000_001, "Aerts", "Nijs")
    world.answered(0, "Borms", state="refused")
    # What a tap made was not sent by the plan.
    world.day.registered(world.people["Evrard"], f"{TUESDAY} 07:00", number=900_000_000_000_009)
    html = world.board()
    assert "900000000000009" not in html
    lines = re.findall(r'<span class="time">([\d:]+)</span><div><strong>([^<]+)<', html)
    assert lines == [
        ("17:03", text("planboard.sent.refused_one", "en", count=1)),
        ("17:03", text("planboard.sent.registered_many", "en", count=2)),
        ("17:00", text("planboard.sent.submitted_many", "en", count=3)),
    ]
    assert "900000000000001" in html
    assert "900000000000002" in html
    assert counts_on(html) == {
        "planned": 3, "submitted": 3, "registered": 2, "refused": 1, "problems": 1,
    }  # fmt: skip
    assert companies_on(html)[0] == "Toitures Gillard"
    assert text("cause.refused_by_authority", "en") in html


def test_each_act_is_noted_without_a_name(world: PlanWorld) -> None:
    world.plan("Borms", day=MONDAY)
    world.act("add", "Aerts", number=MAIN)
    world.act("copy")
    world.act("submit")
    world.act("withdraw", "Aerts", number=MAIN, reason="C32A")
    query = select(audit.c.action, audit.c.detail).where(audit.c.action.like("plan.%"))
    with reading(world.day.register.house.engine) as connection:
        noted = [(row.action, json.loads(row.detail)) for row in connection.execute(query)]
    assert noted == [
        ("plan.added", {"added": 1, "day": TUESDAY, "source": "page"}),
        ("plan.copied", {"added": 1, "day": TUESDAY, "source": f"copy:{MONDAY}"}),
        ("plan.submitted", {"day": TUESDAY, "submitted": 2}),
        ("plan.withdrawn", {"day": TUESDAY, "reason": "C32A", "withdrawn": 1}),
    ]


# ---------------------------------------------------------------- whose


def test_a_contractor_sees_his_chain_and_plans_his_own_people_only(world: PlanWorld) -> None:
    world.plan("Aerts", "Borms", "Ceulemans", "Evrard", day=MONDAY)
    world.plan("Evrard", "Ceulemans")
    before = (world.company(LOWER), world.planned())
    assert before[1] == ["Ceulemans", "Evrard"]
    world.as_(world.day.register.contractor(SUB))
    assert sorted(companies_on(world.board())) == [
        "Etanche Sud",
        "Interim Nord",
        "Toitures Gillard",
    ]
    assert counts_on(world.board())["planned"] == 1
    assert "Evrard" not in world.board()
    assert world.act("copy") == (303, "planned-1")
    assert world.planned() == ["Borms", "Ceulemans", "Evrard"]
    # Those below him he sees, and does not change.
    below = world.company(LOWER)
    assert "Ceulemans" in below
    assert 'name="row"' not in below
    gone = world.act("withdraw", "Ceulemans", number=LOWER, reason="PLANNING")
    assert (gone[0], world.planned()) == (404, ["Borms", "Ceulemans", "Evrard"])
    assert world.act("submit", number=LOWER, row=[])[0] in (404, 422)
    assert world.act("submit_all", number=LOWER) == (303, "submitted-0")


def test_what_is_not_his_is_as_if_it_were_not_there(world: PlanWorld) -> None:
    world.plan("Aerts")
    world.as_(world.day.register.contractor(SUB))
    nobody = world.pages.client.get(f"/plan/1999000348?{world.query()}")
    for number in (MAIN, STRANGER, FOREIGN, "0", "nonsense"):
        answer = world.pages.client.get(f"/plan/{number}?{world.query()}")
        assert (answer.status_code, answer.text) == (404, nobody.text)
        assert world.act("add", "Aerts", number=number, stamp="x")[0] == 404
    elsewhere = world.day.register.house.vault.index(
        "site", str(world.day.register.sites["Chantier Sud"])
    ).hex()[:16]
    assert world.pages.status(f"/plan?site={elsewhere}") == 404
    assert world.pages.post("/plan", do="copy", site=elsewhere, day=TUESDAY)[0] == 404
    # Somebody of another company under his own one, and works that are not there.
    assert world.act("add", "Aerts", number=SUB)[0] == 404
    row = f"{world.token('Borms')}/1Y19FAKE003CZ"
    assert world.act("add", number=SUB, row=row, stamp=world.stamp(SUB))[0] == 404
    assert world.planned() == ["Aerts"]


def test_what_a_company_below_does_for_others_is_not_planned_before_ones_eyes(
    world: PlanWorld,
) -> None:
    world.plan("Ceulemans", works_number=SOUTH)
    house = world.day.register.house
    plans = Plans(
        house.engine, house.vault, lambda: world.now[0], time(16), by_itself(house.engine)
    )
    tomorrow = date.fromisoformat(TUESDAY)
    assert len(plans.days(tomorrow, world.day.register.contractor(LOWER))) == 1
    assert plans.days(tomorrow, world.day.register.contractor(SUB)) == []


def test_an_inspector_looks_and_changes_nothing(world: PlanWorld) -> None:
    world.plan("Aerts")
    world.as_(world.day.register.at_site("Werf Noord", Role.INSPECTOR))
    assert "<button" not in world.board().partition("<main")[2]
    assert 'name="row"' not in world.company(MAIN)
    assert world.act("submit")[0] == 403
    assert world.act("copy", number=MAIN)[0] == 403


def test_a_form_of_another_page_is_refused(world: PlanWorld) -> None:
    world.plan("Aerts", day=MONDAY)
    assert world.pages.post("/plan", csrf="no", do="copy", site=world.site, day=TUESDAY)[0] == 403
    assert world.planned() == []


# ---------------------------------------------------------------- a file


def sent(world: PlanWorld, content: str) -> str:
    """Sends a plan file; where it leads."""
    answer = world.pages.client.post(
        "/plan/import",
        data={"csrf": ADMINISTRATOR.csrf},
        files={"file": ("plan.csv", content.encode(), "text/csv")},
    )
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_a_file_is_checked_first_and_then_planned(world: PlanWorld) -> None:
    where = sent(world, "inss,day\n85031299761,tomorrow\n90231599722,tomorrow\n")
    html = world.pages.get(where)
    assert "<strong>2</strong> new days" in html
    assert world.planned() == []
    status, path = world.pages.post(where, do="all")
    assert (status, path) == (303, "/plan?told=planned-2.unchanged-0")
    assert world.planned() == ["Aerts", "Nijs"]
    assert world.pages.status(where) == 404


def test_a_file_with_a_wrong_row_names_it_and_plans_the_good_ones_only_when_told(
    world: PlanWorld,
) -> None:
    where = sent(world, "inss;day\n85031299761;tomorrow\n85031299700;tomorrow\n")
    html = world.pages.get(where)
    assert "Row 3 · inss" in html
    assert "85031299700" not in html
    status, page = world.pages.post(where, do="all")
    assert (status, "HUB-1514" in page, world.planned()) == (422, True, [])
    assert world.pages.post(where, do="good")[0] == 303
    assert world.planned() == ["Aerts"]


def test_a_file_is_for_whoever_sent_it_and_may_be_thrown_away(world: PlanWorld) -> None:
    where = sent(world, "inss,day\n85031299761,tomorrow\n")
    world.as_(world.day.register.contractor(SUB))
    assert world.pages.status(where) == 404
    assert world.pages.post(where, do="all")[0] == 404
    world.as_(ADMINISTRATOR)
    assert world.pages.post(where, do="discard") == (303, "/plan?said=discarded")
    assert world.pages.status(where) == 404
    assert world.planned() == []
    nothing = world.pages.client.post("/plan/import", data={"csrf": ADMINISTRATOR.csrf})
    assert (nothing.status_code, "HUB-1674" in nothing.text) == (422, True)


def test_a_contractor_plans_by_file_whom_he_may(world: PlanWorld) -> None:
    world.as_(world.day.register.contractor(SUB))
    where = sent(world, "inss,day\n90110599843,tomorrow\n85031299761,tomorrow\n")
    assert "IMP-5013" in world.pages.get(where)
    world.pages.post(where, do="good")
    assert world.planned() == ["Borms"]
