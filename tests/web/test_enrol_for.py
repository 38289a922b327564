"""A badge for somebody whose page it began at: offered at once, and never somebody else's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.settings import DeskSettings
from hub.storage.schema import person
from tests.web.enrol_world import (
    CARD,
    NOORD,
    OFFICE,
    TOITURES,
    World,
    contractor,
    worlds,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from worlds(tmp_path, DeskSettings())


def token_of(world: World, family_name: str) -> str:
    """What addresses call this person."""
    return world.sql(select(person.c.token).where(person.c.family_name == family_name))[0][0]


def test_the_person_goes_along_from_his_page_to_the_badge(world: World) -> None:
    milan = token_of(world, "Aarts")
    assert (
        "For Milan Aarts"
        in world.as_(contractor(world.company(NOORD))).get(f"/enrol?person={milan}").text
    )
    path = world.post("/enrol/gate", place="gate-in", person=milan).headers["location"]
    world.tap(world.vault.tag(CARD))
    page = world.get(path)
    assert "Link the badge to Milan Aarts" in page.text
    assert world.post(f"{path}/link", person=milan).status_code == 303
    assert world.owner(world.vault.tag(CARD)) == "Aarts"


def test_a_card_that_is_typed_keeps_him_also_when_it_was_misread(world: World) -> None:
    milan = token_of(world, "Aarts")
    wrong = world.as_(OFFICE).post("/enrol/typed", card="nothing", person=milan)
    assert wrong.status_code == 422
    assert f'name="person" value="{milan}"' in wrong.text
    answer = world.post("/enrol/typed", card="04a1b2c3d4e5f6", person=milan)
    assert "Link the badge to Milan Aarts" in world.get(answer.headers["location"]).text


def test_who_already_waits_there_waits_for_him_from_now_on(world: World) -> None:
    path = world.as_(OFFICE).open()
    milan = token_of(world, "Aarts")
    assert world.post("/enrol/gate", place="gate-in", person=milan).headers["location"] == path
    # Without a person, nothing of that is forgotten.
    assert world.open() == path
    world.tap(world.vault.tag(CARD))
    assert "Link the badge to Milan Aarts" in world.get(path).text


def test_somebody_of_another_company_is_nobody(world: World) -> None:
    basile = token_of(world, "Gillard")
    world.as_(contractor(world.company(NOORD)))
    assert world.get(f"/enrol?person={basile}").text == world.get(
        "/enrol?person=nobody"
    ).text.replace("person=nobody", f"person={basile}")
    path = world.post("/enrol/gate", place="gate-in", person=basile).headers["location"]
    world.tap(world.vault.tag(CARD))
    assert "Basile" not in world.get(path).text
    world.as_(contractor(world.company(TOITURES), number=3))
    assert "For Basile Gillard" in world.get(f"/enrol?person={basile}").text
