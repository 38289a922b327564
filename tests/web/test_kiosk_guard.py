"""The guard's part of a kiosk: opened by who may, closed by itself, names and companies only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from hub.domain.rights import Role
from hub.storage.engine import writing
from hub.storage.schema import kiosk, person, plan_entry, unbadged_act, web_session
from hub.web.kiosk_device import WRONG_MAX
from tests.hub.house import NOON_MS
from tests.web.kiosk_world import PIN, Gate, gate_world, kiosk_id
from tests.web.whole_hub import PASSWORD, SOUTH

MINUTE = 60_000


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A kiosk at the first site."""
    with gate_world(tmp_path) as gate:
        yield gate


def test_the_guards_part_opens_by_pin_and_closes_by_itself(gate: Gate) -> None:
    assert "Voor de bewaker" in gate.get("/kiosk/guard").text
    assert "opent het deel" in gate.touch("/kiosk/guard", "/kiosk/guard", pin="135790").text
    assert "Zoeken" in gate.touch("/kiosk/guard", "/kiosk/guard", pin=PIN).text
    assert (kiosk_id(gate), "kiosk.opened") in gate.hub.noted("actor", "action")
    screen = gate.touch("/kiosk/guard/find", "/kiosk/guard", name="aarts")
    assert "Milan Aarts" in screen.text
    assert "Bouwwerken" in screen.text
    assert "8503" not in screen.text
    assert "Zuider" not in gate.touch(
        "/kiosk/guard/find", "/kiosk/guard", name="zuider"
    ).text.replace('value="zuider"', "")
    # A touch keeps it open; without one it closes, and nothing of it is done any more.
    gate.hub.now_ms += 5 * MINUTE - 1
    token = gate.rows(person)[0].token
    assert "Zoeken" in gate.get("/kiosk/guard").text
    gate.hub.now_ms += 5 * MINUTE
    for path, form in (
        ("/kiosk/guard/find", {"name": "aarts"}),
        ("/kiosk/guard/enter", {"person": token}),
        ("/kiosk/guard/replacement", {"person": token}),
        ("/kiosk/guard/left", {"person": token}),
    ):
        screen = gate.touch(path, **form)
        assert "Voor de bewaker" in screen.text
        assert "Aarts" not in screen.text
    assert gate.rows(unbadged_act) == []


def test_a_guard_lets_somebody_in_and_a_guest_out(gate: Gate) -> None:
    gate.touch("/kiosk/visit", "/kiosk/visit", given_name="Vic", family_name="Visser",
               host="Sofie", purpose="Meting")  # fmt: skip
    gate.next()
    gate.touch("/kiosk/guard", "/kiosk/guard", pin=PIN)
    token = gate.rows(person)[0].token
    assert "Milan" in gate.touch("/kiosk/guard/enter", "/kiosk/guard", person=token, way="in").text
    gate.next()
    gate.hub.now_ms += MINUTE
    shown = gate.get("/kiosk/guard").text
    assert "Vic Visser" in shown
    assert "Sofie, Meting" in shown
    guest = gate.rows(person)[-1].token
    assert "Vic Visser" not in gate.touch("/kiosk/guard/left", "/kiosk/guard", person=guest).text
    assert [(row.means, row.by, row.direction) for row in gate.rows(unbadged_act)][1:] == [
        ("name", kiosk_id(gate), 1),
        ("name", kiosk_id(gate), 2),
    ]
    assert "Voor de bewaker" not in gate.get("/kiosk/guard").text
    gate.touch("/kiosk/guard/lock", "/kiosk/guard")
    assert "Voor de bewaker" in gate.get("/kiosk/guard").text


def test_a_replacement_says_whose_place_he_takes_and_why(gate: Gate) -> None:
    with writing(gate.hub.engine) as connection:
        connection.execute(
            insert(plan_entry).values(
                person_id=2, works_number="1Y19FAKE001AZ", day="2026-11-23", source="file",
                planned_ms=NOON_MS, actor="command",
            )
        )  # fmt: skip
    gate.touch("/kiosk/guard", "/kiosk/guard", pin=PIN)
    milan, basile = (row.token for row in gate.rows(person)[:2])
    screen = gate.touch("/kiosk/guard/replacement", "/kiosk/guard", person=milan)
    assert "Basile Gillard" in screen.text
    form = {"person": milan, "whom": "", "reason": "ill"}
    assert "ontbreekt" in gate.touch("/kiosk/guard/replace", "/kiosk/guard", **form).text
    screen = gate.touch("/kiosk/guard/replace", "/kiosk/guard", **(form | {"whom": basile}))
    assert "Milan" in screen.text
    (row,) = gate.rows(unbadged_act)
    assert (row.case, row.reason, row.replaces, row.person_id) == ("replacement", "ill", 2, 1)


def test_a_guard_opens_it_with_his_own_login_and_is_not_logged_in(gate: Gate) -> None:
    gate.hub.add("guy", Role.GUARD)
    gate.hub.add_of("greet", Role.GUARD, "", (SOUTH,))
    gate.hub.add("carl", Role.CONTRACTOR)
    for login in ("greet", "carl"):
        form = {"login": login, "password": PASSWORD}
        assert "opent het deel" in gate.touch("/kiosk/guard", "/kiosk/guard", **form).text
    screen = gate.touch("/kiosk/guard", "/kiosk/guard", login="guy", password=PASSWORD)
    assert "Zoeken" in screen.text
    assert gate.rows(web_session) == []
    assert gate.rows(kiosk)[0].opened_by.startswith("account:")
    token = gate.rows(person)[0].token
    gate.touch("/kiosk/guard/enter", "/kiosk/guard", person=token, way="in")
    assert gate.rows(unbadged_act)[0].by == gate.rows(kiosk)[0].opened_by


def test_guessing_the_pin_is_slow(gate: Gate) -> None:
    for number in range(WRONG_MAX):
        gate.touch("/kiosk/guard", "/kiosk/guard", pin=f"00000{number}")
    assert "Te veel pogingen" in gate.touch("/kiosk/guard", "/kiosk/guard", pin=PIN).text
