"""The kiosk: kept is said first and registered only with a number, and nothing stays of anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from hub.application.ports import Registered
from hub.application.roll_call import Entry, Group
from hub.domain.rights import Role
from hub.storage.completing import complete
from hub.storage.engine import reading, writing
from hub.storage.outbox import Outbox
from hub.storage.roll_call import read_list
from hub.storage.schema import (
    company,
    kiosk,
    person,
    presence,
    registration,
    site,
    unbadged_act,
    visit,
    web_session,
)
from hub.storage.writer import Writer
from hub.web.kiosk_device import COOKIE, FORM_MS, TURN_MS, WRONG_MAX, WRONG_WINDOW_MS
from simulator.eid.people import CITIZEN
from tests.web.kiosk_world import (
    BASILE,
    MILAN,
    NOBODY,
    PIOTR,
    Gate,
    cookie_of,
    gate_world,
    kiosk_id,
    set_up,
)
from tests.web.whole_hub import SECOND_COMPANY, SOUTH, post

MINUTE = 60_000


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A kiosk at the first site."""
    with gate_world(tmp_path) as gate:
        yield gate


def on_site(gate: Gate) -> tuple[Entry, ...]:
    """Who is on the site for a roll call."""
    with reading(gate.hub.engine) as connection:
        return read_list(connection, 1, gate.hub.now_ms).of(Group.HERE)


def registered(gate: Gate) -> int:
    """The authority answers to what is due."""
    writer = Writer(gate.hub.engine)
    writer.start()
    try:
        outbox = Outbox(writer, gate.hub.office.vault)
        claims = outbox.claim(gate.hub.now_ms, 10)
        answers = [
            Registered(one.reference, 900_000_000_000_117, "2026-11-23T12:00:00+01:00",
                       "SUCCESSFULLY REGISTERED", ())
            for one in claims
        ]  # fmt: skip
        outbox.answered(answers, gate.hub.now_ms)
    finally:
        writer.stop()
    return len(claims)


# ---------------------------------------------------------------- the device


def test_a_device_is_a_kiosk_and_nothing_else(gate: Gate) -> None:
    assert "No badge?" in gate.touch("/kiosk/language", language="en").text
    cookie = cookie_of(gate)
    assert [row.added_by for row in gate.rows(kiosk)] == ["account:1"]
    # Who set it up is logged out there, and no page but the kiosk's knows the device.
    assert gate.rows(web_session) == []
    for path in ("/", "/people", "/kiosks", "/roll-call", "/account"):
        answer = gate.device.get(path, headers={"Cookie": f"{COOKIE}={cookie}"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    # Only its digest is kept.
    assert cookie.encode() not in b"".join(
        value for row in gate.rows(kiosk) for value in row if isinstance(value, bytes)
    )
    noted = gate.hub.noted("actor", "action", "subject")
    assert ("account:1", "kiosk.added", kiosk_id(gate)) in noted


def test_it_survives_a_restart_and_ends_when_it_is_revoked(gate: Gate) -> None:
    gate.hub.__post_init__()  # the hub starts anew: what was in memory is gone
    gate.device.app = gate.hub.app  # pyright: ignore[reportAttributeAccessIssue]
    again = gate.hub.browser()
    again.cookies.set(COOKIE, cookie_of(gate))
    assert again.get("/kiosk").status_code == 200
    gate.hub.add_of("other", Role.SUPERVISOR, "", (SOUTH,))
    other = gate.hub.logged_in("other")
    assert "Loge" not in other.get("/kiosks").text
    assert post(other, f"/kiosks/{kiosk_id(gate)}/revoke", "/kiosks").status_code == 404
    gate.hub.add("sonja", Role.SUPERVISOR)
    sonja = gate.hub.logged_in("sonja")
    assert "Loge" in sonja.get("/kiosks").text
    assert post(sonja, f"/kiosks/{kiosk_id(gate)}/revoke", "/kiosks").status_code == 303
    assert again.get("/kiosk").headers["location"].startswith("/login")
    assert post(sonja, f"/kiosks/{kiosk_id(gate)}/revoke", "/kiosks").status_code == 404


def test_elsewhere_a_guard_reads_what_a_kiosk_is(gate: Gate) -> None:
    gate.hub.add("guy", Role.GUARD)
    guy = gate.hub.logged_in("guy")
    assert "This device is no kiosk" in guy.get("/kiosk").text
    assert guy.get("/kiosk/guard").status_code == 404
    assert guy.get("/kiosks").status_code == 403
    gate.hub.add("sonja", Role.SUPERVISOR)
    assert gate.hub.logged_in("sonja").get("/kiosk").headers["location"] == "/kiosks"


def test_a_form_of_another_page_does_nothing(gate: Gate) -> None:
    for csrf in ("", "another"):
        answer = gate.device.post("/kiosk/number", data={"number": MILAN, "csrf": csrf})
        assert answer.status_code == 403
    assert gate.rows(unbadged_act) == []


def test_what_cannot_be_a_kiosk_is_refused(gate: Gate) -> None:
    gate.hub.add_of("sonja", Role.SUPERVISOR, "", (SOUTH,))
    sonja = gate.hub.logged_in("sonja")
    good = {"name": "Poort", "site": "2", "gate": "", "way": "in", "lock_minutes": "5", "pin": ""}
    for wrong, code in (
        ({"name": " "}, "HUB-1787"),
        ({"site": "1"}, "HUB-1788"),
        ({"gate": "gate-in"}, "HUB-1788"),
        ({"way": "up"}, "HUB-1788"),
        ({"lock_minutes": "0"}, "HUB-1788"),
        ({"pin": "1234"}, "HUB-1793"),
    ):
        answer = post(sonja, "/kiosks", **(good | wrong))
        assert answer.status_code == 422
        assert code in answer.text
    with writing(gate.hub.engine) as connection:
        connection.execute(insert(site).values(id=3, name="Werf Leeg"))
    gate.hub.add("ada", Role.ADMINISTRATOR)
    empty = post(gate.hub.logged_in("ada"), "/kiosks", **(good | {"site": "3"}))
    assert "HUB-1789" in empty.text
    assert len(gate.rows(kiosk)) == 1


# ---------------------------------------------------------------- a number


def test_kept_comes_first_and_registered_with_its_number(gate: Gate) -> None:
    screen = gate.number(MILAN)
    assert "Milan" in screen.text
    assert "Bouwwerken" in screen.text
    assert "Genoteerd, nog niet geregistreerd" in screen.text
    assert "Aarts" not in screen.text
    assert "8503" not in screen.text
    assert gate.told() == {
        "over": False,
        "stage": "waiting",
        "word": "Genoteerd, nog niet geregistreerd",
        "say": "De registratie vertrekt vanzelf. U hoeft niet te wachten.",
    }
    gate.hub.now_ms += 9_000
    assert "RSZ" in gate.told()["say"]
    assert registered(gate) == 1
    assert gate.told()["word"] == "Geregistreerd, nr. 900000000000117"
    (row,) = gate.rows(unbadged_act)
    assert (row.direction, row.channel, row.means) == (1, "kiosk", "inss")
    assert (row.place, row.by) == (kiosk_id(gate), kiosk_id(gate))


def test_nothing_of_the_one_before_stays(gate: Gate) -> None:
    screen = gate.number(BASILE)
    # Who is known is spoken to in his own language.
    assert "C&#39;est noté" in screen.text
    after = gate.next()
    for path in ("/kiosk", "/kiosk/guard", "/kiosk/visit", "/kiosk/emergency"):
        shown = gate.get(path).text
        assert "Basile" not in shown
        assert BASILE not in shown
    assert 'lang="nl"' in after.text
    assert gate.told() == {"over": True}
    # And by itself, without a touch.
    gate.number(BASILE)
    gate.hub.now_ms += TURN_MS
    assert gate.told() == {"over": True}
    assert "Basile" not in gate.get().text


def test_a_wrong_number_can_be_put_right_and_is_gone_with_its_turn(gate: Gate) -> None:
    screen = gate.number("85031299762")
    assert "Dit nummer klopt niet" in screen.text
    assert 'value="85031299762"' in screen.text
    gate.hub.now_ms += TURN_MS
    assert "8503" not in gate.get().text
    assert gate.rows(unbadged_act) == []
    assert "85031299762" not in str(gate.hub.noted("actor", "action", "subject", "detail"))


def test_too_many_wrong_numbers_wait_but_no_emergency_does(gate: Gate) -> None:
    for _ in range(WRONG_MAX):
        gate.number("85031299762")
    assert "Te veel pogingen" in gate.number(MILAN).text
    assert gate.rows(unbadged_act) == []
    assert "Ga door" in gate.touch(
        "/kiosk/emergency", "/kiosk/emergency", service="fire", count="2"
    ).text  # fmt: skip
    gate.hub.now_ms += WRONG_WINDOW_MS
    assert "Milan" in gate.number(MILAN).text


def test_a_form_that_is_sent_again_makes_one_act(gate: Gate) -> None:
    shown = gate.get().text
    form = {
        "csrf": re.search(r'name="csrf" value="([^"]+)"', shown)[1],  # pyright: ignore
        "reference": re.search(r'name="reference" value="([^"]+)"', shown)[1],  # pyright: ignore
        "number": MILAN,
        "way": "in",
    }
    for _ in range(2):
        assert gate.device.post("/kiosk/number", data=form).status_code == 303
    # The hub went down before it answered; the browser sends it once more.
    gate.next()
    assert gate.device.post("/kiosk/number", data=form).status_code == 303
    assert "Milan" in gate.get().text
    assert len(gate.rows(unbadged_act)) == 1
    # The same form with another's number is another act: it has to begin anew.
    gate.device.post("/kiosk/number", data=form | {"number": BASILE})
    assert "Dit scherm is al voor een andere doorgang gebruikt" in gate.get().text
    assert len(gate.rows(unbadged_act)) == 1


def test_a_limosa_number_and_a_way_out(gate: Gate) -> None:
    gate.number(PIOTR, "in")
    gate.next()
    gate.hub.now_ms += 30 * MINUTE
    assert "Out at" in gate.number(PIOTR, "out").text
    assert [(row.means, row.direction) for row in gate.rows(unbadged_act)] == [
        ("limosa", 1),
        ("limosa", 2),
    ]
    assert [row.inside for row in gate.rows(presence)] == [0]


def test_a_kiosk_of_one_way_goes_its_way_and_names_its_gate(tmp_path: Path) -> None:
    with gate_world(tmp_path, "in", "gate-in") as gate:
        assert "Ik ga weg" not in gate.get().text
        gate.number(MILAN, "out")
        assert [(row.direction, row.place) for row in gate.rows(unbadged_act)] == [(1, "gate-in")]
        (here,) = on_site(gate)
        assert here.gate == "In"


def test_who_has_two_employers_says_which(gate: Gate) -> None:
    with writing(gate.hub.engine) as connection:
        row = connection.execute(select(person).where(person.c.id == 1)).one()._asdict()
        other = select(company.c.id).where(company.c.number == SECOND_COMPANY)
        row |= {"id": 50, "token": "t" * 32, "company_id": connection.execute(other).scalar()}
        connection.execute(insert(person).values(**row))
    screen = gate.number(MILAN)
    assert "voor wie werkt u vandaag" in screen.text
    assert gate.rows(unbadged_act) == []
    token = next(row.token for row in gate.rows(person) if row.id == 50)
    assert "Toitures" in gate.touch("/kiosk/who", person=token).text
    assert [row.person_id for row in gate.rows(unbadged_act)] == [50]
    # Of somebody else's choice nothing is taken.
    gate.next()
    gate.touch("/kiosk/who", person=token)
    assert len(gate.rows(unbadged_act)) == 1


# ---------------------------------------------------------------- a card


def test_a_card_is_read_for_its_number_alone(gate: Gate) -> None:
    assert "niet gevraagd" in gate.get("/kiosk/card").text
    with writing(gate.hub.engine) as connection:
        vault = gate.hub.office.vault
        connection.execute(
            update(person)
            .where(person.c.id == 1)
            .values(inss_index=vault.index("inss", CITIZEN.national_number))
        )
    screen = gate.touch("/kiosk/card", "/kiosk/card", way="in")
    assert "Milan" in screen.text
    assert [row.means for row in gate.rows(unbadged_act)] == ["card"]
    assert (kiosk_id(gate), "card.read") in gate.hub.noted("actor", "action")


# ---------------------------------------------------------------- who is not known


def test_who_is_not_known_is_completed_by_the_supervisor(gate: Gate) -> None:
    screen = gate.number(NOBODY)
    assert "We kennen u nog niet" in screen.text
    assert NOBODY not in screen.text
    assert "HUB" not in gate.touch("/kiosk/newcomer", given_name="Nora", family_name="V").text
    assert "De onderneming ontbreekt" in gate.get().text
    screen = gate.touch(
        "/kiosk/newcomer", given_name="Nora", family_name="Verlinden", company="0999000129"
    )
    assert "Nora" in screen.text
    assert gate.told()["stage"] == "held"
    assert [(row.state, row.cause) for row in gate.rows(registration)] == [("held", "newcomer")]
    here = on_site(gate)
    assert [one.family_name for one in here] == ["Verlinden"]
    # He comes back before he is completed: he is known, and not added again.
    gate.next()
    gate.hub.now_ms += MINUTE
    assert "Nora" in gate.number(NOBODY, "out").text
    token = gate.rows(person)[-1].token
    gate.hub.add_of("other", Role.SUPERVISOR, "", (SOUTH,))
    other = gate.hub.logged_in("other")
    assert "Verlinden" not in other.get("/kiosks/newcomers").text
    form = {"given_name": "Nora", "family_name": "Verlinde", "kind": "employee",
            "company": "0999000129", "works": "1Y19FAKE001AZ", "language": "nl"}  # fmt: skip
    path = f"/kiosks/newcomers/{token}"
    assert post(other, path, "/kiosks/newcomers", **form).status_code == 404
    gate.hub.add("sonja", Role.SUPERVISOR)
    sonja = gate.hub.logged_in("sonja")
    page = sonja.get("/kiosks/newcomers").text
    assert "Verlinden" in page
    assert NOBODY not in page
    refused = post(sonja, path, "/kiosks/newcomers", **(form | {"company": ""}))
    assert refused.status_code == 422
    assert "HUB-1624" in refused.text
    assert post(sonja, path, "/kiosks/newcomers", **form).status_code == 303
    assert "Nobody waits" in sonja.get("/kiosks/newcomers").text
    with writing(gate.hub.engine) as connection:
        assert complete(connection, gate.hub.now_ms) == 1
    live = [row.state for row in gate.rows(registration) if row.state != "dropped"]
    assert live == ["due"]


def test_a_newcomer_may_take_his_time_but_not_for_ever(gate: Gate) -> None:
    gate.number(NOBODY)
    gate.hub.now_ms += FORM_MS - 1
    assert "We kennen u nog niet" in gate.get().text
    gate.hub.now_ms += 1
    assert "We kennen u nog niet" not in gate.get().text
    gate.touch("/kiosk/newcomer", given_name="Nora", family_name="V", company_said="Elders")
    assert gate.rows(unbadged_act) == []


# ---------------------------------------------------------------- guests


def test_a_visitor_is_counted_and_nobody_else_is_told(gate: Gate) -> None:
    screen = gate.touch(
        "/kiosk/visit", "/kiosk/visit", kind="visitor", given_name="Vic", family_name="Visser",
        company_said="Studiebureau", host="Sofie", purpose="Meting",
    )  # fmt: skip
    assert "Genoteerd" in screen.text
    assert gate.told()["stage"] == "counted"
    assert gate.rows(registration) == []
    assert [(row.company, row.host, row.purpose) for row in gate.rows(visit)] == [
        ("Studiebureau", "Sofie", "Meting")
    ]
    (here,) = on_site(gate)
    assert (here.company, here.visitor) == ("Studiebureau", True)
    gate.next()
    assert "HUB" not in gate.touch("/kiosk/visit", "/kiosk/visit", given_name="Vic").text
    assert "Vic" in gate.get("/kiosk/visit").text
    assert len(gate.rows(visit)) == 1


def test_an_emergency_service_is_let_in_at_once_each_of_them_counted(gate: Gate) -> None:
    form = {"service": "fire", "count": "4"}
    assert "Ga door" in gate.touch("/kiosk/emergency", "/kiosk/emergency", **form).text
    here = on_site(gate)
    assert sorted(f"{one.given_name} {one.family_name}" for one in here) == [
        "Brandweer 1/4", "Brandweer 2/4", "Brandweer 3/4", "Brandweer 4/4",
    ]  # fmt: skip
    assert {(row.case, row.reason) for row in gate.rows(unbadged_act)} == {("emergency", "fire")}
    assert gate.rows(registration) == []
    # Sent again because the answer was lost, it adds nobody.
    gate.next()
    people = len(gate.rows(person))
    (first,) = [row.reference for row in gate.rows(unbadged_act) if row.id == 1]
    gate.touch("/kiosk/emergency", "/kiosk/emergency", **form, reference=first)
    assert len(gate.rows(person)) == people
    # Whatever is typed, it is noted.
    gate.next()
    for count in ("", "-3", "999", "many"):
        gate.touch("/kiosk/emergency", "/kiosk/emergency", service="?", count=count)
        gate.next()
    assert {row.reason for row in gate.rows(unbadged_act)} == {"fire", "other"}


# ---------------------------------------------------------------- what it never tells


def test_a_kiosk_speaks_four_languages_in_one_touch(gate: Gate) -> None:
    for language, word in (("fr", "Pas de badge"), ("de", "Kein Badge"), ("en", "No badge")):
        assert word in gate.touch("/kiosk/language", language=language).text
    assert "Geen badge" in gate.next().text


def test_two_kiosks_do_not_see_each_other(gate: Gate) -> None:
    other = set_up(gate.hub)
    gate.number(MILAN)
    assert "Milan" not in other.get().text
    assert other.told() == {"over": True}
