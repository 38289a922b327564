"""The OpenAPI document says what the API does: every answer of a walk through it fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hub.web.api import api_routers, bearer
from hub.web.api.document import PATH
from tests.web.all_routes import all_routes
from tests.web.api_contract import ApiContract
from tests.web.isolation import ask, requests
from tests.web.two_companies import World, two_companies

INVENTED = {"85031299761", "24999000000000187", "0999000129", "900000000000001"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, FastAPI]]:
    with two_companies(tmp_path_factory.mktemp("api") / "world", True) as world:
        app = FastAPI(openapi_url=None)
        for router in api_routers(world.office, world.plans):
            app.include_router(router)
        yield world, app


@pytest.fixture
def contract(served: tuple[World, FastAPI]) -> ApiContract:
    answer = TestClient(served[1]).get(PATH)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    return ApiContract(answer.json())


def test_every_answer_fits_the_document(
    served: tuple[World, FastAPI], contract: ApiContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "WRONG_MAX", 1_000_000)
    world, app = served
    client = TestClient(app, raise_server_exceptions=False)
    statuses: set[int] = set()
    for changing in (False, True):
        for one in requests(app, world, changing):
            if one.route == PATH:
                continue
            for token in (world.bearer, ""):
                answer = ask(client, one, token)
                kind = answer.headers["Content-Type"]
                contract.check_answer(
                    one.method, one.route, answer.status_code, kind, answer.json()
                )
                statuses.add(answer.status_code)
    assert statuses == {200, 201, 401, 404, 409, 422}


def test_every_route_is_described_and_names_its_scope(
    served: tuple[World, FastAPI], contract: ApiContract
) -> None:
    routes = [one for one in all_routes(served[1]) if one.path != PATH]
    described = {
        (path, method.upper())
        for path, methods in contract.document["paths"].items()
        for method in methods
    }
    assert described == {(one.path, method) for one in routes for method in one.methods or ()}
    operations = [contract.operation(method, path) for path, method in described]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in operations:
        assert one["security"] == [{"token": []}]
        assert one["x-scope"]
        assert one["description"].endswith(".")


def test_every_change_takes_an_idempotency_key(contract: ApiContract) -> None:
    for methods in contract.document["paths"].values():
        for method, operation in methods.items():
            names = [one["name"] for one in operation.get("parameters", [])]
            assert ("Idempotency-Key" in names) == (method != "get")


def test_every_schema_is_one_and_its_examples_fit(contract: ApiContract) -> None:
    assert contract.document["openapi"] == "3.1.0"
    count = 0
    for place, schema in contract.schemas():
        for example in schema.get("examples", []):
            assert contract.first_error(example, schema, place) is None, place
            count += 1
        # A reference that leads nowhere raises KeyError, a word that is unknown fails.
        contract.first_error(None, schema, place)
    assert count > 40


def test_what_comes_in_is_bounded_and_closed(contract: ApiContract) -> None:
    for name, schema in contract.document["components"]["schemas"].items():
        if name.endswith(("In", "Patch")):
            assert schema["additionalProperties"] is False, name


def test_the_document_holds_invented_numbers_only(contract: ApiContract) -> None:
    found = set(re.findall(r"\d{10,}", json.dumps(contract.document)))
    assert found <= INVENTED


def test_a_broken_answer_is_found(contract: ApiContract) -> None:
    with pytest.raises(AssertionError, match="without"):
        contract.check_answer("GET", "/api/v1/companies", 200, "application/json", {})
    with pytest.raises(AssertionError, match="answers 500"):
        contract.check_answer("GET", "/api/v1/companies", 500, "application/json", {})


def test_a_request_that_is_too_long_is_refused_unread(
    served: tuple[World, FastAPI], tmp_path: Path
) -> None:
    del tmp_path
    world, app = served
    headers = {"Authorization": f"Bearer {world.bearer}", "Content-Type": "application/json"}
    client = TestClient(app)
    answer = client.post("/api/v1/people", content=b" " * 2_000_001, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "HUB-1525")
    headers["Content-Type"] = "text/plain"
    answer = client.post("/api/v1/people", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "HUB-1526")
