"""The API changes something once for each key, however often and by however many it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from hub.application.access import COMMAND
from hub.storage.engine import reading, writing
from hub.storage.request_keys import KEPT_MS, Done, RequestKeys
from hub.storage.schema import audit, person, request_key
from hub.storage.tokens import Tokens
from hub.web.api import api_routers
from tests.hub.house import NOON_MS
from tests.web.two_companies import OWN, OWN_TOKEN, SHARED, World, two_companies

BODY = {
    "family_name": "Nieuweling",
    "given_name": "Jo",
    "company_number": OWN,
    "works_number": SHARED,
    "language": "nl",
    "inss": "90431599864",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with two_companies(tmp_path / "world", True) as world:
        yield world


@pytest.fixture
def client(world: World) -> TestClient:
    return client_of(world, application(world))


def application(world: World) -> FastAPI:
    app = FastAPI()
    for router in api_routers(world.office, world.plans):
        app.include_router(router)
    return app


def client_of(world: World, app: FastAPI) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {world.bearer}"})


def add(client: TestClient, key: str, **more: Any) -> Any:
    headers = {"Idempotency-Key": key}
    return client.post("/api/v1/people", json={**BODY, **more}, headers=headers)


def newcomers(world: World) -> int:
    query = select(func.count()).where(person.c.family_name == "Nieuweling")
    with reading(world.engine) as connection:
        return connection.execute(query).scalar_one()


def test_the_same_again_gets_the_same_answer(world: World, client: TestClient) -> None:
    first, second = add(client, "one"), add(client, "one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["Location"] == second.headers["Location"]
    assert newcomers(world) == 1


def test_a_key_stands_for_one_request(world: World, client: TestClient) -> None:
    add(client, "one")
    for other in (
        add(client, "one", given_name="Jos"),
        client.patch(f"/api/v1/people/{OWN_TOKEN}", json={}, headers={"Idempotency-Key": "one"}),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "HUB-1707")
    assert newcomers(world) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 81, "é".encode().decode("latin-1")])
def test_a_key_that_cannot_be_used(world: World, client: TestClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = client.post("/api/v1/people", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "HUB-1708")
    assert newcomers(world) == 0


def test_what_was_refused_may_be_corrected_under_its_key(world: World, client: TestClient) -> None:
    assert add(client, "one", inss="1").status_code == 422
    assert add(client, "one").status_code == 201
    assert newcomers(world) == 1


def test_two_programs_may_choose_the_same_key(world: World, client: TestClient) -> None:
    add(client, "one")
    with writing(world.engine) as connection:
        tokens = Tokens(connection, world.vault, COMMAND, NOON_MS)
        other = tokens.add("second", ["people"], OWN)
    headers = {"Idempotency-Key": "one", "Authorization": f"Bearer {other}"}
    body = {**BODY, "given_name": "Jos", "inss": "90231599722"}
    assert client.post("/api/v1/people", json=body, headers=headers).status_code == 201


def test_of_many_at_once_one_is_carried_out(world: World) -> None:
    app, answers = application(world), list[Any]()
    together = threading.Barrier(6)

    def send() -> None:
        client = client_of(world, app)
        together.wait(30)
        answers.append(add(client, "one"))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert [one.status_code for one in answers] == [201] * 6
    assert len({one.content for one in answers}) == 1
    assert newcomers(world) == 1
    with reading(world.engine) as connection:
        noted = select(func.count()).where(audit.c.action == "person.added")
        assert connection.execute(noted.where(audit.c.actor.startswith("token:"))).scalar() == 1


def test_the_plan_is_taken_once_too(world: World, client: TestClient) -> None:
    body = [{"inss": "85031299761", "day": "tomorrow", "works_number": SHARED}]
    headers = {"Idempotency-Key": "plan"}
    answers = [client.post("/api/v1/plan", json=body, headers=headers) for _ in range(2)]
    assert [one.json()["added"] for one in answers] == [1, 1]
    assert answers[0].content == answers[1].content
    other = client.post("/api/v1/plan", json=[], headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "HUB-1707")


def test_an_answer_is_sealed_and_forgotten_after_a_day(world: World) -> None:
    done = Done(201, {"family_name": "Nieuweling"}, {"Location": "/api/v1/people/x"})
    with writing(world.engine) as connection:
        keys = RequestKeys(connection, world.vault, 1, NOON_MS)
        keys.keep("one", b"1" * 32, done)
        assert keys.find("one", b"1" * 32) == done
        row = connection.execute(select(request_key)).one()
        assert b"Nieuweling" not in bytes(row.answer)
        later = RequestKeys(connection, world.vault, 1, NOON_MS + KEPT_MS)
        assert later.find("one", b"2" * 32) is None
        assert connection.execute(select(request_key)).first() is None
