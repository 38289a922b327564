"""Two companies on one site: no route shows one of them a trace of the other.

Every route of the application is asked as a contractor, as his program, as one of his workers and
as nobody, naming what is his, what is the other company's and what does not exist. Then the same is
asked in a world in which the other company was never there: the answers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hub.web.access import Allowed
from hub.web.api import bearer
from tests.web.all_routes import all_routes
from tests.web.isolation import Asked, Switch, application, ask, plain, requests, text_of, traces_in
from tests.web.two_companies import (
    NOBODYS_UID,
    OTHER_UID,
    OWN_TOKEN,
    World,
    two_companies,
)

CALLERS = ("contractor", "program", "worker", "anonymous")


class Walk:
    """The answers of one world.

    Args:
        world: who and what is in it.
        app, access: the application, and who asks.
        client: an entered one: it would begin a thread for each request.
    """

    def __init__(self, world: World, app: FastAPI, access: Switch, client: TestClient) -> None:
        self.world = world
        self.app, self.access, self.client = app, access, client
        self.requests = {changing: requests(app, world, changing) for changing in (False, True)}
        self.asked: list[tuple[str, Asked]] = []
        self.plain: list[str] = []
        self.status: list[int] = []
        self.leaks: list[str] = []

    def all(self) -> Walk:
        """Reads everything as everybody, changes everything, and reads again."""
        for changing in (False, True):
            for caller in CALLERS:
                self._as(caller, changing)
        for caller in CALLERS[:2]:
            self._as(caller, changing=False)
        return self

    def _as(self, caller: str, changing: bool) -> None:
        actors = {"contractor": self.world.own, "worker": self.world.worker}
        self.access.current = actors.get(caller)
        token = self.world.bearer if caller == "program" else ""
        read: set[str] = set()
        for one in self.requests[changing]:
            if one.route == "/live" and self.access.current is not None:
                continue  # a stream of the board, which is for none of these
            if one.flavour != "other" and not _may_be_let_in(caller, one):
                continue  # who may do nothing there is not asked everything
            if one.path in read:
                continue  # it names nothing that is anybody's: the question was the same
            if not changing:
                read.add(one.path)
            answer = ask(self.client, one, token)
            told = text_of(answer)
            shown = traces_in(self.world, one, answer, told)
            if shown:
                self.leaks.append(f"{caller} {one.method} {one.path} {one.body[:80]}: {shown}")
            self.asked.append((caller, one))
            self.plain.append(plain(one, answer, told))
            self.status.append(answer.status_code)


def _may_be_let_in(caller: str, one: Asked) -> bool:
    """Whether he asks as one does there: pages with a session, the API with a token."""
    api = one.route.startswith("/api/v1/")
    return caller == "contractor" and not api or caller == "program" and api


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Walk, Walk]]:
    """The walk with the other company, and the one without."""
    folder = tmp_path_factory.mktemp("worlds")
    limit = pytest.MonkeyPatch()
    limit.setattr(bearer, "WRONG_MAX", 1_000_000)
    walks: list[Walk] = []
    for name, other in (("both", True), ("one", False)):
        with two_companies(folder / name, other) as world:
            app, access = application(world)
            with TestClient(app, raise_server_exceptions=False) as client:
                walks.append(Walk(world, app, access, client).all())
    yield walks[0], walks[1]
    limit.undo()


def test_no_answer_shows_a_trace_of_the_other_company(walked: tuple[Walk, Walk]) -> None:
    assert walked[0].leaks == []


def test_what_is_anothers_is_answered_like_what_does_not_exist(walked: tuple[Walk, Walk]) -> None:
    both = walked[0]
    groups: dict[tuple[object, ...], dict[str, list[str]]] = {}
    for number, (caller, one) in enumerate(both.asked):
        query = one.path.partition("?")[2].partition("=")[0]
        shape = (caller, one.method, one.route, query, one.body == "", len(one.body) < 3)
        groups.setdefault(shape, {}).setdefault(one.flavour, []).append(both.plain[number])
    differ = [
        (shape, answers["other"][n], answers["nobody"][n])
        for shape, answers in groups.items()
        for n in range(len(answers.get("nobody", ())))
        if answers["other"][n] != answers["nobody"][n]
    ]
    assert differ == []


def test_a_world_without_the_other_company_answers_the_same(walked: tuple[Walk, Walk]) -> None:
    both, one = walked
    assert [asked for asked, _ in both.asked] == [asked for asked, _ in one.asked]
    differ = [
        (both.asked[number], both.plain[number], one.plain[number])
        for number in range(len(both.plain))
        if both.plain[number] != one.plain[number]
    ]
    assert differ == []


def test_the_walk_sees_something(walked: tuple[Walk, Walk]) -> None:
    """What a contractor and his program may read is answered to them when it is theirs."""
    both = walked[0]
    assert 500 not in both.status
    reached = {
        one.route
        for number, (caller, one) in enumerate(both.asked)
        if one.flavour == "own" and both.status[number] in (200, 303)
    }
    missed = []
    for route in all_routes(both.app):
        if "GET" not in (route.methods or ()):
            continue
        asked = [call.call for call in route.dependant.dependencies]
        rights = [one.action for one in asked if isinstance(one, Allowed)]
        if all(both.world.own.may(action) for action in rights) and route.path not in reached:
            missed.append(route.path)
    assert missed == [
        "/link/{secret}",  # opens for who has it, and for nobody else
        "/enrol/eid",  # a card is read at the hub, if at all
        # Held for who sent the file in, under an address that is not known before.
        "/imports/{handle}",
        "/imports/{handle}/wrong.xlsx",
        "/plan/import/{handle}",
        "/reports/reminders/preview",  # wants all that it is asked with at once
    ]
    assert {"/companies", "/companies/{number}", "/api/v1/people"} <= reached


def test_a_badge_of_another_is_refused_without_a_word_about_him(tmp_path: Path) -> None:
    """The card is in the hand of who asks: that it cannot be linked here is told, nothing else."""
    with two_companies(tmp_path / "world", True) as world:
        app, _ = application(world)
        client = TestClient(app)
        headers = {"Authorization": f"Bearer {world.bearer}"}
        path = f"/api/v1/people/{OWN_TOKEN}/badges"
        answer = client.post(path, json={"uid": OTHER_UID}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "HUB-1641")
        one = Asked("POST", path, path, "other", ())
        assert traces_in(world, one, answer, text_of(answer)) == []
        assert client.post(path, json={"uid": NOBODYS_UID}, headers=headers).status_code == 201
