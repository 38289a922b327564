"""The wizard of the desktop service: from works and people to numbers other channels see."""

from __future__ import annotations

import re

import pytest

from simulator.authority.clock import brussels_day, instant_ms
from simulator.authority.draft import Someone, read_person
from simulator.authority.operations import Settings
from simulator.authority.pages_desktop import ITEMS_MAX, PEOPLE_MAX
from tests.authority.conftest import MakeRig
from tests.authority.office import Visitor, keys_of, numbers_on
from tests.authority.rig import (
    BIS_LIMOSA,
    FIRST,
    LIMOSA_ENDED,
    LIMOSA_OK,
    LIMOSA_UNKNOWN,
    MAIN,
    NO_DIMONA,
    NOW,
    OK,
    SUB,
    SUB_WORKER,
    WORKS_A,
    WORKS_UNKNOWN,
    Rig,
    item,
    search,
)

TODAY = brussels_day(instant_ms(NOW))
PEOPLE = "/desktop/register/people"
DAYS = "/desktop/register/days"
CHECK = "/desktop/register/check"


def at_people(
    rig: Rig, sender: str = "SIM-0001", works: str = WORKS_A, field: str = "works"
) -> Visitor:
    visitor = Visitor(rig)
    visitor.log_in(sender)
    visitor.get("/desktop/register")
    visitor.post("/desktop/register", (field, works))
    assert visitor.trail[-1].endswith(PEOPLE)
    return visitor


def register(visitor: Visitor, typed: str, *days: str, skip: bool = False) -> list[int]:
    """Goes on from the people to the numbers."""
    visitor.post(PEOPLE, ("typed", typed))
    visitor.post(DAYS, *[("day", day) for day in days])
    assert visitor.trail[-1].endswith(CHECK)
    visitor.post(CHECK, *[("skip", "1")] * skip)
    assert visitor.trail[-1].endswith("/desktop/register/done")
    return numbers_on(visitor.page)


def test_several_people_and_days_become_numbers(rig: Rig) -> None:
    visitor = at_people(rig)
    ok, sub, limosa = (
        keys_of(visitor.page, shown)[0] for shown in ("•••761", "•••875", "L1 •••187")
    )
    typed = ("typed", f"{NO_DIMONA}\n\n{LIMOSA_ENDED}\r\n03.07.21-997.66 0999.000.228")
    visitor.post(PEOPLE, ("who", ok), ("who", sub), ("who", limosa), typed)
    visitor.post(DAYS, ("day", "2026-11-23"), ("day", "2026-12-28"))
    assert "<b>12</b>" in visitor.page
    visitor.post(CHECK)
    assert numbers_on(visitor.page) == [FIRST + at for at in range(12)]
    assert "12 of 12 registered on works 1Y19FAKE001AZ." in visitor.page
    stored = rig.stored()
    assert {one["channel"] for one in stored} == {"DESKTOP"}
    assert {one["sender"] for one in stored} == {"SIM-0001"}
    assert sorted(
        (one["day"], one["inss"] or one["limosa_id"], one["company"]) for one in stored
    ) == sorted(
        (day, who, company)
        for day in ("2026-11-23", "2026-12-28")
        for who, company in (
            (OK, "0999000129"),
            (SUB_WORKER, "0999000228"),
            (LIMOSA_OK, None),
            (NO_DIMONA, "0999000129"),
            (LIMOSA_ENDED, None),
            ("03072199766", "0999000228"),
        )
    )


def test_no_number_of_a_person_is_in_an_address_or_on_a_page_of_choices(rig: Rig) -> None:
    visitor = at_people(rig)
    pages = [visitor.page]
    visitor.post(PEOPLE, ("typed", f"{NO_DIMONA}\n{LIMOSA_ENDED}"))
    pages.append(visitor.page)
    visitor.post(DAYS, ("day", "2026-11-24"))
    pages.append(visitor.page)
    visitor.post(CHECK)
    pages += [visitor.page, visitor.get(PEOPLE), visitor.get("/desktop/consult")]
    pages.append(visitor.get(f"/desktop/registration/{FIRST}"))
    for text in (*pages, *visitor.trail):
        for number in (OK, NO_DIMONA, LIMOSA_ENDED, LIMOSA_OK, BIS_LIMOSA):
            assert number not in text


def test_other_channels_see_it_as_far_as_they_may(rig: Rig) -> None:
    visitor = at_people(rig)
    numbers = register(visitor, f"{OK}\n{SUB_WORKER} 0999000228", "2026-11-23", "2026-11-25")
    assert rig.call(search(works=WORKS_A)).numbers == numbers
    assert rig.call(search(company=SUB), sender="SIM-0002").numbers == [numbers[1], numbers[3]]
    assert rig.call(search(), sender="SIM-0003").numbers == []
    reply = rig.call(search(works=WORKS_A))
    assert reply.texts("Channel") == ["DESKTOP"] * 4


def test_the_channel_is_a_setting(make_rig: MakeRig) -> None:
    rig = make_rig(settings=Settings(desktop_channel="PORTAL", desktop_days_ahead=2))
    visitor = at_people(rig)
    register(visitor, OK, "2026-11-25")
    assert [one["channel"] for one in rig.stored()] == ["PORTAL"]
    visitor = at_people(rig)
    visitor.post(PEOPLE, ("typed", OK))
    visitor.post(DAYS, ("day", "2026-11-26"))
    assert visitor.status == 422


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("2026-11-22", False),
        ("2026-11-23", True),
        ("2026-12-28", True),
        ("2026-12-29", False),
        ("2026-02-30", False),
        ("tomorrow", False),
    ],
)
def test_days_reach_from_today_to_35_days_ahead(rig: Rig, day: str, taken: bool) -> None:
    visitor = at_people(rig)
    visitor.post(PEOPLE, ("typed", OK))
    assert 'value="2026-12-28"' in visitor.page
    assert 'value="2026-12-29"' not in visitor.page
    assert 'value="2026-11-22"' not in visitor.page
    page = visitor.post(DAYS, ("day", day))
    assert visitor.trail[-1].endswith(CHECK) == taken
    assert ("more than 35 days away. Choose among" in page.replace("</strong>", "")) != taken


def test_a_day_that_ends_between_the_days_and_the_check_is_refused_by_the_authority(
    rig: Rig,
) -> None:
    visitor = at_people(rig)
    visitor.post(PEOPLE, ("typed", OK))
    visitor.post(DAYS, ("day", "2026-11-23"), ("day", "2026-11-24"))
    rig.clock.to("2026-11-24T00:00:01")
    page = visitor.post(CHECK)
    assert "1 of 2 registered" in page
    assert "SIM-DATE" in page
    assert [one["day"] for one in rig.stored()] == ["2026-11-24"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("8503129976", "neither 11 digits"),
        ("85031299762", "this INSS or BIS number is not possible"),
        ("85031299761 0999000128", "this enterprise number is not possible"),
        ("24999000000000188", "this Limosa number is not possible"),
        ("85031299761 Jan", "neither 11 digits"),
        ("٨٥٠٣١٢٩٩٧٦١", "neither 11 digits"),
        ("<b>", "neither 11 digits"),
    ],
)
def test_a_wrong_line_is_named_and_the_rest_is_kept(rig: Rig, line: str, said: str) -> None:
    visitor = at_people(rig)
    key = keys_of(visitor.page, "•••761")[0]
    page = visitor.post(PEOPLE, ("who", key), ("typed", f"{NO_DIMONA}\n{line}"))
    assert visitor.status == 422
    happened = re.findall(r"<p><strong>(.*?)</strong>", page)
    assert len([one for one in happened if one.startswith(f"Line 2: {said}")]) == 1
    assert f'value="{key}" checked' in page
    # What was typed stands in its field and nowhere else.
    typed = page[page.index("<textarea") : page.index("</textarea>")]
    assert NO_DIMONA in typed
    assert page.count(NO_DIMONA) == 1
    assert "<b>\n" not in typed


@pytest.mark.parametrize("text", ["1Y19FAKE001BZ", "1Y1", "' OR 1=1", "1Y19FAKEOO1AZ"])
def test_an_impossible_works_number_is_refused(rig: Rig, text: str) -> None:
    visitor = Visitor(rig)
    visitor.log_in()
    visitor.get("/desktop/register")
    page = visitor.post("/desktop/register", ("typed", text))
    assert visitor.status == 422
    assert "This works number is not possible" in page


def test_unknown_works_are_registered_with_a_remark_like_everywhere(rig: Rig) -> None:
    visitor = at_people(rig, works="1y19 9999 999lz", field="typed")
    number = register(visitor, OK, "2026-11-23")[0]
    rig.clock.forward(60)
    rig.authority.validate_due()
    assert rig.stored()[0]["works"] == WORKS_UNKNOWN
    assert rig.held(number) == ("FAILED", ["DUC IS NOT EXISTING"])


def test_each_step_needs_the_one_before(rig: Rig) -> None:
    visitor = Visitor(rig)
    visitor.log_in()
    for path in (PEOPLE, DAYS, CHECK):
        visitor.get(path)
        assert visitor.trail[-1].endswith("/desktop/register")
    visitor.post("/desktop/register")
    assert "No works are chosen." in visitor.page
    visitor.post("/desktop/register", ("works", WORKS_A))
    visitor.post(PEOPLE)
    assert "Nobody is chosen." in visitor.page
    visitor.post(PEOPLE, ("typed", OK))
    visitor.post(DAYS)
    assert "No day is chosen." in visitor.page
    assert rig.stored() == []


def test_the_same_form_twice_registers_once(rig: Rig) -> None:
    visitor = at_people(rig)
    visitor.post(PEOPLE, ("typed", OK))
    page = visitor.post(DAYS, ("day", "2026-11-23"))
    visitor.post(CHECK)
    visitor.page = page
    visitor.post(CHECK)
    assert numbers_on(visitor.page) == [FIRST]
    assert len(rig.stored()) == 1
    visitor.get("/desktop/register/done")
    assert numbers_on(visitor.page) == [FIRST]


def test_who_is_registered_already_is_skipped_if_so_wished(rig: Rig) -> None:
    rig.register(item(OK, day="2026-11-23"), item(limosa=LIMOSA_OK, day="2026-11-24"))
    lines = f"{OK}\n{LIMOSA_OK}"
    visitor = at_people(rig)
    visitor.post(PEOPLE, ("typed", lines))
    page = visitor.post(DAYS, ("day", "2026-11-23"), ("day", "2026-11-24"))
    assert "Registered already: 2." in page
    visitor.post(CHECK, ("skip", "1"))
    assert "2 of 2 registered" in visitor.page
    assert len(rig.stored()) == 4
    visitor = at_people(rig)
    assert len(register(visitor, lines, "2026-11-23")) == 2
    assert len(rig.stored()) == 6


def test_people_of_another_day_are_taken_over(rig: Rig) -> None:
    rig.register(item(NO_DIMONA), item(SUB_WORKER, SUB), item(limosa=LIMOSA_UNKNOWN))
    rig.register(item(OK, works="1Y19TEST001FZ"), item(OK, day="2026-11-24"))
    visitor = at_people(rig)
    page = visitor.post(PEOPLE, ("from", "2026-11-20"), ("go", "copy"))
    assert "On 20/11/2026 you see no registration on these works." in page
    page = visitor.post(PEOPLE, ("from", ""), ("go", "copy"))
    assert "No day is given." in page
    page = visitor.post(PEOPLE, ("from", "2026-11-23"), ("go", "copy"))
    chosen = re.findall(r'value="p\d+" checked> <span class="code">([^<]*)<', page)
    assert sorted(chosen) == sorted(["•••544", "•••875", "L1 •••381"])
    visitor.post(PEOPLE, *[("who", key) for key in re.findall(r'value="(p\d+)" checked', page)])
    visitor.post(DAYS, ("day", "2026-11-30"))
    visitor.post(CHECK)
    assert len(numbers_on(visitor.page)) == 3


def test_who_is_offered_depends_on_who_asks(rig: Rig) -> None:
    declarant = at_people(rig).page
    for shown in ("•••761", "•••879", "•••875", "•••766", "L1 •••187"):
        assert len(keys_of(declarant, shown)) == 1
    # Without Dimona, late Dimona, ended Limosa, and staff of companies that take no part.
    for shown in ("•••544", "•••843", "L1 •••284"):
        assert keys_of(declarant, shown) == []
    sub = at_people(rig, "SIM-0002").page
    assert len(keys_of(sub, "•••875")) == 1
    assert keys_of(sub, "•••761") == keys_of(sub, "L1 •••187") == []
    # A number that was replaced is offered by the new one.
    assert len(keys_of(sub, "•••703")) == 1
    assert keys_of(sub, "•••789") == []


def test_too_much_at_once_is_refused_before_anything_is_stored(rig: Rig) -> None:
    visitor = at_people(rig)
    bodies = [f"850312{serial:03d}" for serial in range(1, PEOPLE_MAX + 2)]
    lines = [f"{body}{97 - int(body) % 97:02d}" for body in bodies]
    page = visitor.post(PEOPLE, ("typed", "\n".join(lines)))
    assert f"{PEOPLE_MAX + 1} people are chosen, {PEOPLE_MAX} at most" in page
    visitor = at_people(rig)
    visitor.post(PEOPLE, ("typed", "\n".join(lines[:PEOPLE_MAX])))
    days = [f"2026-12-{day:02d}" for day in range(1, 12)]
    page = visitor.post(DAYS, *[("day", day) for day in days])
    assert f"{11 * PEOPLE_MAX} registrations, {ITEMS_MAX} at most" in page
    assert rig.stored() == []


def test_the_start_page_counts_what_lives(rig: Rig) -> None:
    rig.register(item(), item(NO_DIMONA), item(NO_DIMONA, day="2026-11-24"))
    visitor = Visitor(rig)
    assert [*re.findall(r"<li><b>(\d+)</b>", visitor.log_in())] == ["2", "1"]
    visitor.get(f"/desktop/registration/{FIRST}")
    visitor.post("/desktop/cancel", ("reason", "DISEASE"))
    assert [*re.findall(r"<li><b>(\d+)</b>", visitor.get("/desktop"))] == ["1", "1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" 85.03.12-997.61 ", Someone(inss=OK, company=MAIN)),
        ("85031299761;BE 0999.000.228", Someone(inss=OK, company=SUB)),
        ("24999 000 000 000 187", Someone(limosa=LIMOSA_OK)),
        ("", "person_form"),
        ("BE0999000129", "person_form"),
        ("850312997610999000129123", "person_form"),
    ],
)
def test_a_person_as_people_write_it(text: str, found: Someone | str) -> None:
    assert read_person(text, MAIN, TODAY) == found
    assert OK not in repr(found)
