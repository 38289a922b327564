"""The guard's screen: names and reasons of his sites, and nothing of anybody's number."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.i18n import LANGUAGES
from hub.storage.engine import writing
from hub.storage.passing import Passings
from hub.storage.schema import site
from hub.web.access import install_access
from hub.web.live import Changes
from hub.web.pages.guard import SHOWN, guard_pages
from tests.web.actors import Everybody
from tests.web.reading import plain
from tests.web.sample import NOW


def guard(*sites: int) -> Actor:
    return Actor("account:5", Role.GUARD, "Gus", sites=frozenset(sites), account_id=5, csrf="x")


def client(engine: Engine, actor: Actor) -> TestClient:
    app = FastAPI()
    install_access(app, Everybody(actor))
    app.include_router(guard_pages(Passings(engine), Changes(), lambda: NOW))
    return TestClient(app)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_newest_tap_comes_first_and_refused_ones_say_why(
    morning: Engine, language: str
) -> None:
    html = client(morning, guard(1)).get(f"/guard?lang={language}").text
    shown = Passings(morning).latest(1, 0, SHOWN)
    assert len(shown) == SHOWN
    assert [one.at_ms for one in shown] == sorted((one.at_ms for one in shown), reverse=True)
    text = plain(html)
    assert shown[0].family_name in text or not shown[0].family_name
    assert html.count("<li class=") >= SHOWN - 1
    assert any(not one.granted for one in shown)


def test_an_unknown_badge_is_nobodys(morning: Engine) -> None:
    shown = Passings(morning).latest(1, 0, 200)
    unknown = [one for one in shown if one.reason == 1]
    assert unknown
    assert all(not one.granted for one in unknown)
    assert all(one.given_name == one.company == one.kind == "" for one in unknown)


def test_another_site_is_not_found_and_says_nothing(morning: Engine) -> None:
    with writing(morning) as connection:
        connection.execute(insert(site).values(id=77, name="Verborgen werf"))
    answers = [client(morning, guard(1)).get(f"/guard?site={number}") for number in (77, 78)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert "Verborgen" not in client(morning, guard(1)).get("/guard").text
    assert "Verborgen" in client(morning, guard(1, 77)).get("/guard").text


def test_a_guard_without_a_site_sees_none(morning: Engine) -> None:
    # A right that reaches nowhere is none.
    assert client(morning, guard()).get("/guard").status_code == 403


def test_who_is_no_guard_may_not_look(morning: Engine) -> None:
    inspector = Actor("account:6", Role.INSPECTOR, sites=frozenset({1}), account_id=6)
    assert client(morning, inspector).get("/guard").status_code == 403


def test_before_the_first_tap_it_says_so(register: Engine) -> None:
    text = plain(client(register, guard(1)).get("/guard?lang=nl").text)
    assert "Vandaag heeft nog niemand gebadged." in text
