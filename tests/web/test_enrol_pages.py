"""The pages that link badges: each state of them, whose badge is told, and what is never told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.access import Actor
from hub.application.enrolment import PINS
from hub.domain.rights import Role
from hub.errors import PermanentError
from hub.settings import DeskSettings
from hub.storage.schema import person, presence, tap
from protocol.record import (
    DIRECTION_IN,
    REASON_BLOCKED,
    REASON_UNKNOWN_BADGE,
    VERDICT_REFUSED,
)
from tests.hub.house import BASILE, MILAN, NOON_MS, record
from tests.web.actors import CSRF
from tests.web.enrol_world import (
    CARD,
    NEW_INSS,
    NOORD,
    OFFICE,
    TOITURES,
    World,
    contractor,
    heading,
    new_person,
    worlds,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from worlds(tmp_path, DeskSettings())


# ---------------------------------------------------------------- at a gate


def test_from_an_unknown_badge_to_a_person(world: World) -> None:
    tag = world.vault.tag(CARD)
    record_ = record(
        1, tag, NOON_MS, direction=DIRECTION_IN, verdict=VERDICT_REFUSED,
        reason=REASON_UNKNOWN_BADGE,
    )  # fmt: skip
    world.site.arrive("gate-in", NOON_MS, record_)
    world.site.project()
    world.now += 1000
    assert heading(world.get("/enrol")) == "Link a badge"
    path = world.open()
    assert heading(world.get(path)) == "Hold the badge to In"
    assert world.get(f"{path}/state.json").json() == {
        "state": "waiting",
        "left_s": 120,
        "refused": False,
    }
    world.tap(tag)
    assert world.get(f"{path}/state.json").json()["state"] == "seen"
    page = world.get(path)
    assert heading(page) == "Badge read: whose is it?"
    assert tag.hex() not in page.text
    assert CARD.hex() not in page.text.lower()
    answer = world.post(f"{path}/link", **new_person())
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    done = world.get(path)
    assert heading(done) == "Badge linked"
    assert "Nora Verlinden" in done.text
    assert "The tap of today counts." in done.text
    assert NEW_INSS not in done.text
    assert world.owner(tag) == "Verlinden"
    assert world.changed == 1
    assert len(world.sql(select(presence))) == 1
    # Sent once more: nothing is made a second time.
    again = world.post(f"{path}/link", **new_person())
    assert again.headers["location"] == path
    assert len(world.sql(select(person.c.id).where(person.c.family_name == "Verlinden"))) == 1


def test_a_wrong_number_keeps_what_was_typed(world: World) -> None:
    path = world.read(OFFICE, world.vault.tag(CARD))
    answer = world.post(f"{path}/link", **new_person(number="90110599844"))
    assert answer.status_code == 422
    assert 'value="90110599844"' in answer.text
    assert 'value="Verlinden"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert world.owner(world.vault.tag(CARD)) == ""
    assert world.sql(select(person.c.id).where(person.c.family_name == "Verlinden")) == []
    assert world.post(f"{path}/link", **new_person()).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [{"number": ""}, {"company": ""}, {"works": "1Y19FAKE999ZZ"}, {"language": "xx"},
     {"given_name": " "}, {"kind": "foreign"}, {"limosa_from": "2026-99-99"},
     {"company": "0999000327"}, {"kind": "visitor"}],
)  # fmt: skip
def test_what_else_can_be_wrong_is_said_and_nothing_is_written(
    world: World, wrong: dict[str, str]
) -> None:
    path = world.read(OFFICE, world.vault.tag(CARD))
    answer = world.post(f"{path}/link", **new_person(**wrong))
    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text or 'class="problems"' in answer.text
    assert world.sql(select(person.c.id).where(person.c.family_name == "Verlinden")) == []


def test_a_visitor_needs_no_number(world: World) -> None:
    path = world.read(OFFICE, world.vault.tag(CARD))
    form = new_person(kind="visitor", number="", company="")
    assert world.post(f"{path}/link", **form).status_code == 303
    assert world.owner(world.vault.tag(CARD)) == "Verlinden"


def test_limosa_alone_will_do(world: World) -> None:
    path = world.read(OFFICE, world.vault.tag(CARD))
    form = new_person(kind="foreign", number="249 990 0000000 0284", company="")
    assert world.post(f"{path}/link", **form).status_code == 303
    assert world.owner(world.vault.tag(CARD)) == "Verlinden"


def test_a_known_number_offers_the_person_and_links_him(world: World) -> None:
    tag = world.vault.tag(CARD)
    path = world.read(OFFICE, tag)
    answer = world.post(f"{path}/link", number="85.03.12-997.61", given_name="M", family_name="A")
    assert answer.status_code == 200
    assert "This number is that of Milan Aarts (Bouwwerken) already." in answer.text
    assert world.owner(tag) == ""
    match = re.search(r'name="person" value="(\w+)"', answer.text)
    assert match is not None
    assert world.post(f"{path}/link", person=match[1]).status_code == 303
    assert world.owner(tag) == "Aarts"


def test_for_another_employer_he_is_added_anyway(world: World) -> None:
    path = world.read(OFFICE, world.vault.tag(CARD))
    form = new_person(number="85031299761", company=TOITURES, anyway="1")
    assert world.post(f"{path}/link", **form).status_code == 303
    assert world.owner(world.vault.tag(CARD)) == "Verlinden"


def test_a_known_person_is_picked_by_name(world: World) -> None:
    tag = world.vault.tag(CARD)
    path = world.read(OFFICE, tag)
    answer = world.post(f"{path}/find", name="gillard")
    assert "Basile Gillard" in answer.text
    assert "Aarts" not in answer.text
    match = re.search(r'name="person" value="(\w+)"', answer.text)
    assert match is not None
    assert world.post(f"{path}/link", person=match[1]).status_code == 303
    assert world.owner(tag) == "Gillard"
    other = world.read(OFFICE, world.vault.tag(b"\x01\x02\x03\x04"))
    assert "Nobody of that name" in world.post(f"{other}/find", name="nobody").text


def test_two_minutes_and_the_end_by_hand(world: World) -> None:
    path = world.open()
    world.now += 120_000
    assert heading(world.get(path)) == "The waiting is over"
    path = world.open()
    answer = world.post(f"{path}/end")
    assert answer.headers["location"] == "/enrol?said=ended"
    assert heading(world.get(path)) == "The waiting is over"
    assert world.post(f"{path}/again").headers["location"] != path


def test_without_script_the_page_loads_itself_while_it_waits(world: World) -> None:
    path = world.open()
    assert '<noscript><meta http-equiv="refresh"' in world.get(path).text
    world.tap(world.vault.tag(CARD))
    assert "http-equiv" not in world.get(path).text


def test_an_unknown_handle_leads_back(world: World) -> None:
    for path in ("/enrol/none", "/enrol/none/state.json"):
        answer = world.get(path)
        gone = answer.headers.get("location") == "/enrol?said=gone"
        assert gone or answer.json() == {"state": "gone"}
    for end in ("end", "again", "refused", "reader", "find", "link"):
        assert world.post(f"/enrol/none/{end}").headers["location"] == "/enrol?said=gone"
    gone = world.get("/enrol?said=gone").text
    assert "was started anew" in gone
    # Nothing was achieved: it is not told as a success.
    assert 'class="said plain"' in gone


def test_a_gate_that_is_not_his_is_not_there(world: World) -> None:
    for place in ("gate-x", "", "pins"):
        assert world.post("/enrol/gate", place=place).status_code == 404


# ---------------------------------------------------------------- companies know nothing


def test_a_contractor_sees_the_gates_of_his_sites_and_his_own_company(world: World) -> None:
    his = contractor(world.company(NOORD))
    page = world.as_(his).get("/enrol")
    assert "gate-in" in page.text
    path = world.read(his, world.vault.tag(CARD))
    form = world.get(path).text
    assert f'name="company" value="{NOORD}"' in form
    assert TOITURES not in form
    # Another company in the form all the same: refused, and nothing is written.
    assert world.post(f"{path}/link", **new_person(company=TOITURES)).status_code == 422
    assert world.post(f"{path}/link", **new_person()).status_code == 303
    assert "Toitures" not in world.get(path).text


def test_a_company_without_works_here_sees_no_gate(world: World) -> None:
    nobody = contractor(4711)
    assert "gate-in" not in world.as_(nobody).get("/enrol").text
    assert world.post("/enrol/gate", place="gate-in").status_code == 404


def test_who_waits_is_told_to_the_office_and_somebody_else_to_companies(world: World) -> None:
    world.as_(contractor(world.company(NOORD), "Bob Bouw")).open()
    world.as_(contractor(world.company(TOITURES), "Tim Toit", 3))
    page = world.get("/enrol")
    assert "taken by somebody else" in page.text
    assert "Bob Bouw" not in page.text
    answer = world.post("/enrol/gate", place="gate-in")
    assert answer.status_code == 409
    assert "HUB-1683" in answer.text
    assert "Bob" not in answer.text
    assert "taken by Bob Bouw" in world.as_(OFFICE).get("/enrol").text


def test_a_handle_is_no_use_to_another_company(world: World) -> None:
    tag = world.vault.tag(CARD)
    path = world.read(contractor(world.company(NOORD)), tag)
    world.as_(contractor(world.company(TOITURES), "Tim", 3))
    assert world.get(path).headers["location"] == "/enrol?said=gone"
    for end in ("end", "again", "refused", "reader", "find", "link"):
        answer = world.post(f"{path}/{end}", **new_person(company=TOITURES))
        assert answer.headers["location"] == "/enrol?said=gone"
    assert world.owner(tag) == ""


def test_anothers_badge_cannot_be_linked_here_and_nothing_else_is_told(world: World) -> None:
    tag = world.vault.tag(BASILE)
    path = world.read(contractor(world.company(NOORD)), tag)
    page = world.get(path)
    assert "This badge cannot be linked here; the site office can." in page.text
    for trace in ("Basile", "Gillard", "Toitures", TOITURES, "/link", "/find"):
        assert trace not in page.text
    answer = world.post(f"{path}/link", **new_person())
    assert answer.status_code == 422
    for trace in ("Basile", "Gillard", "Toitures", TOITURES):
        assert trace not in answer.text
    assert world.owner(tag) == "Gillard"
    # He is not added either.
    assert world.sql(select(person.c.id).where(person.c.family_name == "Verlinden")) == []


def test_another_companys_person_is_nobody_to_him(world: World) -> None:
    path = world.read(contractor(world.company(NOORD)), world.vault.tag(CARD))
    assert "Gillard" not in re.sub(r'value="gillard"', "", world.post(
        f"{path}/find", name="gillard").text)  # fmt: skip
    token = world.sql(select(person.c.token).where(person.c.family_name == "Gillard"))[0][0]
    refused = world.post(f"{path}/link", person=token)
    unknown = world.post(f"{path}/link", person="0" * 32)
    assert refused.status_code == unknown.status_code == 422
    assert refused.text == unknown.text
    # A number that another company's person has is a new person's here.
    form = new_person(number="03072199766")
    assert world.post(f"{path}/link", **form).status_code == 303


def test_whom_he_only_sees_he_cannot_pick(world: World) -> None:
    below = frozenset({world.company(TOITURES)})
    his = replace(contractor(world.company(NOORD)), below=below)
    path = world.read(his, world.vault.tag(CARD))
    assert "Milan Aarts" in world.post(f"{path}/find", name="aarts").text
    assert "Basile" not in world.post(f"{path}/find", name="gillard").text
    token = world.sql(select(person.c.token).where(person.c.family_name == "Gillard"))[0][0]
    assert world.post(f"{path}/link", person=token).status_code == 422


def test_the_own_companys_badge_says_whose_and_may_be_given_on(world: World) -> None:
    tag = world.vault.tag(MILAN)
    path = world.read(contractor(world.company(NOORD)), tag)
    page = world.get(path)
    assert "This badge is that of Milan Aarts (Bouwwerken)." in page.text
    assert world.post(f"{path}/link", **new_person()).status_code == 303
    assert world.owner(tag) == "Verlinden"


def test_a_refused_badge_at_a_gate_is_told_within_the_scope(world: World) -> None:
    his = contractor(world.company(NOORD))
    path = world.as_(his).open()
    world.tap(world.vault.tag(BASILE), REASON_BLOCKED)
    page = world.get(path)
    assert world.get(f"{path}/state.json").json()["refused"] is True
    assert "cannot be linked here" in page.text
    assert "Gillard" not in page.text
    world.tap(world.vault.tag(MILAN), REASON_BLOCKED)
    page = world.get(path)
    assert "it is that of Milan Aarts (Bouwwerken)" in page.text
    assert world.post(f"{path}/refused").headers["location"] == path
    assert heading(world.get(path)) == "Badge read: whose is it?"


@pytest.mark.parametrize("role", [Role.GUARD, Role.INSPECTOR, Role.WORKER])
def test_who_may_not_enrol_gets_nowhere(world: World, role: Role) -> None:
    world.as_(Actor("account:9", role, "Nobody", csrf=CSRF, sites=frozenset({1}), account_id=9))
    assert world.get("/enrol").status_code == 403
    assert world.post("/enrol/gate", place="gate-in").status_code == 403


# ---------------------------------------------------------------- at a desk


def test_a_desk_takes_one_badge_after_the_other(world: World) -> None:
    path = world.open("desk-1")
    world.now += 590_000
    assert world.get(f"{path}/state.json").json()["state"] == "waiting"
    world.now += 590_000
    world.tap(world.vault.tag(CARD), terminal="desk-1")
    assert heading(world.get(path)) == "Badge read: whose is it?"
    following = world.post(f"{path}/again").headers["location"]
    assert following != path
    assert heading(world.get(following)) == "Put the badge on the reader"
    assert world.sql(select(tap)) == []


def test_a_typed_card_needs_a_known_reader(world: World) -> None:
    answer = world.post("/enrol/typed", card="0077705923")
    assert answer.status_code == 422
    assert "HUB-1686" in answer.text
    assert "77705923" not in answer.text
    assert world.post("/enrol/typed", card="hello").status_code == 422


def test_the_same_card_at_a_gate_and_at_the_desk_finds_the_form(world: World) -> None:
    tag = world.vault.tag(CARD)
    path = world.open()
    world.tap(tag)
    wrong = world.post(f"{path}/reader", card="0077705924")
    assert wrong.status_code == 422
    assert "HUB-1685" in wrong.text
    # 0xC3B2A104: the bytes of the card from its last one on.
    answer = world.post(f"{path}/reader", card="3283263748")
    assert answer.headers["location"] == f"{path}?said=reader"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sitegate_reader=decimal-reversed;")
    assert "HttpOnly" in cookie
    assert "as a decimal number, from the last byte on" in world.get("/enrol").text
    typed = world.post("/enrol/typed", card="3283263748")
    world.post(f"{typed.headers['location']}/link", **new_person())
    assert world.owner(tag) == "Verlinden"


def test_seven_bytes_need_nobody_to_say_anything(world: World) -> None:
    answer = world.post("/enrol/typed", card="04A1B2C3D4E50B")
    assert answer.status_code == 303
    assert "Piotr Kowalik" in world.get(answer.headers["location"]).text


def test_the_setting_holds_for_every_browser(tmp_path: Path) -> None:
    for world in worlds(tmp_path, DeskSettings(reader_form="decimal", reversed=True)):
        answer = world.post("/enrol/typed", card="3283263748")
        assert answer.status_code == 303
        world.post(f"{answer.headers['location']}/link", **new_person())
        assert world.owner(world.vault.tag(CARD)) == "Verlinden"


def test_the_reader_on_the_pins_is_for_the_office(tmp_path: Path) -> None:
    for world in worlds(tmp_path, DeskSettings(pins=True)):
        path = world.open("pins")
        world.modes.read(PINS, world.vault.tag(MILAN))
        assert "Milan Aarts" in world.get(path).text
        world.pins = PermanentError("HUB-1688", reason="no answer")
        assert "HUB-1688" in world.get("/enrol").text
        world.as_(contractor(world.company(NOORD)))
        assert "HUB-1688" not in world.get("/enrol").text
        assert world.post("/enrol/gate", place="pins").status_code == 404


# ---------------------------------------------------------------- every language


@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
def test_every_state_is_drawn_in_every_language(world: World, language: str) -> None:
    path = world.open()
    addresses = [f"/enrol?lang={language}", f"{path}?lang={language}"]
    for address in addresses:
        assert f'<html lang="{language}">' in world.get(address).text
    world.tap(world.vault.tag(CARD))
    assert f'<html lang="{language}">' in world.get(addresses[1]).text
    world.post(f"{path}/link", **new_person())
    assert "Nora Verlinden" in world.get(addresses[1]).text
