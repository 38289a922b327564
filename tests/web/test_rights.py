"""The table of rights, over every address of the whole application.

An address that names neither a right, nor that it is open on purpose, nor a token fails here; and
each is asked as every role, and as nobody.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from hub.domain.rights import INVITES, Action, Reach, Role, reach
from hub.storage.accounts import worker_account
from hub.storage.sessions import begin_session
from hub.web.access import LOGIN, Allowed, anyone
from hub.web.api.bearer import ByToken
from tests.web.all_routes import all_routes
from tests.web.whole_hub import (
    FIRST_COMPANY,
    HOUR_MS,
    NORTH,
    SECOND_COMPANY,
    SOUTH,
    WholeHub,
    post,
)

# Open on purpose: what lets people in, whether the hub lives, and its icon.
OPEN = {
    LOGIN, "/login/second", "/login/passkey", "/login/passkey/options", "/login/elsewhere",
    "/login/elsewhere/back", "/link/{secret}", "/link/{secret}/elsewhere", "/healthz",
    "/favicon.ico", "/api/v1/openapi.json",
    # A phone that is not known is asked for the code; what makes the page installable is of nobody.
    "/phone", "/phone/{handle}", "/phone/enter", "/phone/{handle}/enter", "/phone/worker.js",
    "/phone/app.webmanifest",
}  # fmt: skip
READING = {"GET", "HEAD"}
# Where a page asks for more than the right: a new site is nobody's yet, so that only who may
# change all of them makes one.
NARROWER = {("/sites/new", Role.SUPERVISOR)}
_PART = re.compile(r"\{(\w+)(:\w+)?\}")


def named(dependant: Dependant) -> list[object]:
    """What an address depends on to be called, of the things that decide about rights."""
    found: list[object] = []
    for one in dependant.dependencies:
        if isinstance(one.call, Allowed) or one.call is anyone:
            found.append(one.call)
        found += named(one)
    return found


def right_of(route: APIRoute) -> object:
    """The one thing that decides who may call an address."""
    found = named(route.dependant)
    assert len(set(map(id, found))) == 1, f"{route.path} names {found}"
    return found[0]


def address(route: APIRoute) -> str:
    """An address of this route, of something that does not exist."""
    return _PART.sub("0", route.path)


def everybody(hub: WholeHub) -> dict[Role, TestClient]:
    """A browser of each role, logged in."""
    browsers = {}
    for role in Role:
        if role is Role.WORKER:
            browser = hub.browser()

            def begin(connection: object) -> str:
                account_id = worker_account(connection, hub.office.vault, 1, hub.now_ms)  # pyright: ignore
                return begin_session(connection, account_id, hub.now_ms, hub.now_ms + HOUR_MS)  # pyright: ignore

            browser.cookies.set("sitegate_session", hub.write(begin))
        else:
            hub.add(str(role), role)
            browser = hub.logged_in(str(role))
        browsers[role] = browser
    return browsers


def test_every_address_names_who_may_call_it(hub: WholeHub) -> None:
    routes = list(all_routes(hub.app))
    assert len(routes) > 30
    opened = {route.path for route in routes if right_of(route) is anyone}
    assert opened <= OPEN


def test_an_address_that_names_nothing_is_found(hub: WholeHub) -> None:
    hub.app.get("/forgotten")(lambda: None)
    with pytest.raises(AssertionError, match="/forgotten names"):
        test_every_address_names_who_may_call_it(hub)


def test_every_form_changes_with_a_right_that_changes(hub: WholeHub) -> None:
    """Nothing is changed by an address for which it is enough to be let look."""
    looking = {action for action in Action if str(action).endswith(".see")}
    for route in all_routes(hub.app):
        right = right_of(route)
        if isinstance(right, Allowed) and not isinstance(right, ByToken):
            changes = bool(set(route.methods or ()) - READING)
            assert not (changes and right.action in looking - SEARCHES.get(route.path, set())), (
                route.path
            )


# A search for a name goes by a form, so that no address holds it; it changes nothing.
SEARCHES: dict[str, set[Action]] = {
    "/people": {Action.PEOPLE_SEE},
    "/consult": {Action.REGISTRATIONS_SEE},
}


def test_nobody_gets_nothing_but_the_login(hub: WholeHub) -> None:
    stranger = hub.browser()
    for route in all_routes(hub.app):
        right = right_of(route)
        if right is anyone:
            continue
        for method in set(route.methods or ()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            answer = stranger.request(method, address(route))
            told = (method, route.path, answer.status_code)
            programs = route.path.startswith("/api/") or route.path.endswith((".json", "/live"))
            if programs:
                # Who comes without a token again and again is told to wait.
                assert answer.status_code in {401, 429}, told
            else:
                assert answer.status_code == 303, told
                assert answer.headers["location"].startswith(LOGIN), told


def test_each_role_may_what_the_table_says_and_nothing_else(hub: WholeHub) -> None:
    browsers = everybody(hub)
    asked = 0
    refused: set[tuple[str, Role]] = set()
    for route in all_routes(hub.app):
        right = right_of(route)
        if right is anyone or "live" in route.path:
            continue
        for role, browser in browsers.items():
            if isinstance(right, ByToken):
                # A session is no token, and the browser of somebody is no program.
                method = next(iter(route.methods or ()))
                answer = browser.request(method, address(route))
                assert answer.status_code in {401, 429}, route.path
                continue
            assert isinstance(right, Allowed)
            may = reach(role, right.action) is not Reach.NOTHING
            for method in (route.methods or set()) & {"GET", "POST"}:
                answer = browser.request(method, address(route))
                told = (method, route.path, role, answer.status_code)
                if not may and route.path == "/":
                    assert answer.status_code == 303, told
                    assert answer.headers["location"] != "/", told
                elif not may or method == "POST":
                    # A form without the token of the session is refused to everybody.
                    assert answer.status_code == 403, told
                else:
                    led_away = answer.headers.get("location", "").startswith(LOGIN)
                    if answer.status_code not in {200, 303, 400, 404, 422} or led_away:
                        refused.add((route.path, role))
                asked += 1
    assert refused == NARROWER
    assert asked > 100


def test_the_navigation_leads_only_where_one_may(hub: WholeHub) -> None:
    known = {route.path for route in all_routes(hub.app)}
    for role, browser in everybody(hub).items():
        page = browser.get("/account").text
        rooms = page.partition('class="rooms"')[2].partition("</nav>")[0]
        for path in re.findall(r'href="([^"]+)"', rooms):
            if path in known:
                assert browser.get(path).status_code == 200, (role, path)


# ---------------------------------------------------------------- accounts of others


def seen(browser: TestClient) -> set[str]:
    """The logins on the page of accounts."""
    page = browser.get("/accounts")
    assert page.status_code == 200
    return set(re.findall(r'data-label="Login">([^<]+)<', page.text))


def test_who_sees_whose_account(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    hub.add_of("north", Role.SUPERVISOR, "", (NORTH,))
    hub.add_of("south", Role.SUPERVISOR, "", (SOUTH,))
    hub.add_of("both", Role.INSPECTOR, "", (NORTH, SOUTH))
    hub.add_of("first", Role.CONTRACTOR, FIRST_COMPANY, ())
    hub.add_of("second", Role.CONTRACTOR, SECOND_COMPANY, ())
    everyone = {"ada", "north", "south", "both", "first", "second"}
    assert seen(hub.logged_in("ada")) == everyone
    assert seen(hub.logged_in("north")) == {"north", "both", "first", "second"}
    assert seen(hub.logged_in("south")) == {"south", "both", "second"}
    assert seen(hub.logged_in("first")) == {"first"}
    assert seen(hub.logged_in("second")) == {"second"}


def handle(hub: WholeHub, login: str) -> str:
    """The address of an account, as an administrator finds it."""
    admin = hub.logged_in("ada").get("/accounts").text
    found = re.search(rf'href="(/accounts/\w+)">{login.title()}<', admin)
    assert found is not None
    return found[1]


def test_what_is_outside_is_not_found_whatever_is_asked_of_it(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    hub.add_of("south", Role.SUPERVISOR, "", (SOUTH,))
    hub.add_of("first", Role.CONTRACTOR, FIRST_COMPANY, ())
    hub.add_of("second", Role.CONTRACTOR, SECOND_COMPANY, ())
    for login, target in (("first", "second"), ("first", "south"), ("south", "first")):
        browser, path = hub.logged_in(login), handle(hub, target)
        nothing = browser.get("/accounts/0000000000000000")
        assert (browser.get(path).status_code, browser.get(path).text) == (404, nothing.text)
        for what in ("link", "disable", "enable", "unlock", "second-off"):
            assert post(browser, f"{path}/{what}", page="/account").status_code == 404


def test_a_supervisor_gives_out_no_account_that_reaches_to_another_site(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    hub.add_of("north", Role.SUPERVISOR, "", (NORTH,))
    hub.add_of("both", Role.INSPECTOR, "", (NORTH, SOUTH))
    hub.add_of("first", Role.CONTRACTOR, FIRST_COMPANY, ())
    hub.add_of("second", Role.CONTRACTOR, SECOND_COMPANY, ())
    browser = hub.logged_in("north")
    for target, status in (("first", 200), ("second", 400), ("both", 400), ("north", 400)):
        path = handle(hub, target)
        assert SOUTH not in browser.get(path).text
        answer = post(browser, f"{path}/link", page="/account")
        assert answer.status_code == status, target
    page = browser.get("/accounts/new").text
    assert FIRST_COMPANY in page
    assert SECOND_COMPANY not in page
    assert SOUTH not in page


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.CONTRACTOR])
def test_who_invites_whom(hub: WholeHub, role: Role) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    hub.add("inviter", role)
    browser = hub.logged_in("inviter")
    for number, wanted in enumerate(Role):
        answer = post(
            browser, "/accounts/new", login=f"new{number}", name="New", role=str(wanted),
            company=FIRST_COMPANY, site=NORTH,
        )  # fmt: skip
        allowed = wanted in INVITES[role]
        assert answer.status_code == (200 if allowed else 400), wanted
        assert ("/link/" in answer.text) is allowed
    elsewhere = {"login": "newer", "name": "New", "role": "contractor", "company": SECOND_COMPANY}
    answer = post(browser, "/accounts/new", **elsewhere)
    assert (answer.status_code, "HUB-1615" in answer.text) == (400, True)


def test_a_link_that_was_shown_opens_the_invited_account(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    answer = post(
        hub.logged_in("ada"), "/accounts/new", login="gust", name="Gust", role="guard", site=NORTH
    )
    link = re.search(r"http://testserver(/link/[\w-]{43})", answer.text)
    assert link is not None
    guard = hub.browser()
    password = "a sentence that is long enough"
    assert post(guard, link[1], password=password, again=password).status_code == 303
    assert guard.get("/guard").status_code == 200
    assert guard.get("/").headers["location"] == "/guard"


def test_a_board_shows_the_own_sites_only(hub: WholeHub) -> None:
    hub.add_of("south", Role.SUPERVISOR, "", (SOUTH,))
    browser = hub.logged_in("south")
    board = browser.get("/api/board.json").json()
    assert [one["name"] for one in board["sites"]] == [SOUTH]
    assert NORTH not in browser.get("/").text
    nothing = browser.get("/?site=77")
    for path in ("/", "/api/board.json", "/live", "/balance", "/balance.json"):
        assert browser.get(f"{path}?site=1").status_code == 404, path
    assert browser.get("/?site=1").text == nothing.text
    assert [one["site"] for one in browser.get("/balance.json").json()["sites"]] == [SOUTH]


def test_the_table_in_the_documents_is_the_one_in_the_code() -> None:
    root = Path(__file__).resolve().parents[2]
    spec = importlib.util.spec_from_file_location("make_rights", root / "docs" / "make_rights.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    page = (root / "docs" / "access.md").read_text("utf-8")
    assert page == made.page_with(page), "run: python docs/make_rights.py --write"
