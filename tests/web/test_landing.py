"""Where somebody begins: a page of his own, whatever way he came in."""

from __future__ import annotations

import pytest

from hub.domain.rights import Action, Reach, Role, reach
from hub.i18n import text
from hub.storage.links import Purpose
from tests.web.whole_hub import PASSWORD, WholeHub, post

NEW_PASSWORD = "a quite new one"
HOMES = {
    Role.ADMINISTRATOR: "/",
    Role.SUPERVISOR: "/",
    Role.CONTRACTOR: "/people",
    Role.GUARD: "/guard",
    Role.INSPECTOR: "/day",
}


@pytest.mark.parametrize("role", HOMES)
def test_each_role_begins_at_the_first_of_its_pages(hub: WholeHub, role: Role) -> None:
    hub.add("somebody", role)
    browser = hub.browser()
    # The login itself, the login page once more, and the address without a path.
    answer = post(browser, "/login", login="somebody", password=PASSWORD)
    assert answer.headers["location"] == HOMES[role]
    assert browser.get("/login").headers["location"] == HOMES[role]
    first = browser.get("/")
    if reach(role, Action.BOARD_SEE) is Reach.NOTHING:
        assert (first.status_code, first.headers["location"]) == (303, HOMES[role])
    home = browser.get(HOMES[role])
    assert home.status_code == 200
    assert '<nav class="rooms"' in home.text


@pytest.mark.parametrize("role", HOMES)
def test_who_was_invited_is_welcomed_where_he_begins(hub: WholeHub, role: Role) -> None:
    hub.add("somebody", role)
    browser = hub.browser()
    invitation = hub.link("somebody", Purpose.INVITATION)
    answer = post(browser, invitation, password=NEW_PASSWORD, again=NEW_PASSWORD)
    # Whoever has the board is asked for a second factor first.
    watches = reach(role, Action.BOARD_SEE) is not Reach.NOTHING
    start = "/account" if watches else HOMES[role]
    assert answer.headers["location"] == f"{start}?said=welcome"
    shown = browser.get(answer.headers["location"])
    assert shown.status_code == 200
    welcome = "access.said.welcome" if start == "/account" else "frame.said.welcome"
    assert text(welcome, "en") in shown.text
