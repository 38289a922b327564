"""The OpenAPI 3.1 document of the API, made of its routes and shapes.

    GET /api/v1/openapi.json

It is open to everybody: it holds what a program may send and gets, and nothing of this hub. All
numbers in its examples are invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from hub.storage.tokens import least_scope
from hub.web.access import anyone
from hub.web.api.bearer import ByToken
from hub.web.api.once import HEADER
from hub.web.api.problems import JSON, PROBLEM
from hub.web.api.shapes import ProblemOut

PATH: Final = "/api/v1/openapi.json"
_ABOUT: Final = """People, badges, the plan and registrations of a site, for a contractor's own
software. A token of a company sees and changes its own people, and sees those of the companies
below it; whatever else there is, is 404 like what does not exist. Numbers of people may come in a
body; no address and no answer holds one, only its mask."""
_REFUSALS: Final = {
    "400": "The body is not JSON, or the idempotency key cannot be used.",
    "401": "No valid token.",
    "403": "A token for something else.",
    "404": "Not there for this token.",
    "409": "What the register holds stands against it.",
    "413": "The body is too long.",
    "415": "A type of content that is not taken.",
    "422": "Something in the body or the query is wrong.",
    "429": "Too often: wait as long as Retry-After says.",
}
_CHANGES: Final = frozenset({"post", "patch"})


def document_router(routers: Sequence[APIRouter]) -> APIRouter:
    """Returns the address of the document of these routers."""
    router = APIRouter()

    @cache
    def body() -> bytes:
        # Asked for once in a while: a hub that starts has better things to do.
        return json.dumps(document([one for each in routers for one in each.routes])).encode()

    @router.get(PATH, dependencies=[Depends(anyone)])
    def openapi(request: Request) -> Response:
        """The description of this API."""
        del request
        return Response(body(), media_type=JSON, headers={"Cache-Control": "max-age=3600"})

    return router


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Returns the OpenAPI document of these routes."""
    made: dict[str, Any] = get_openapi(
        title="Sitegate",
        version=version("sitegate"),
        openapi_version="3.1.0",
        description=" ".join(_ABOUT.split()),
        routes=routes,
    )
    schemas: dict[str, Any] = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemOut"] = problem
    made["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "`sitegate token add`"}
    }
    for path, method, route in _operations(routes):
        _complete(made["paths"][path][method], method, route)
    return made


def _operations(routes: Iterable[BaseRoute]) -> Iterable[tuple[str, str, APIRoute]]:
    for route in routes:
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield route.path_format, method.lower(), route


def _complete(operation: dict[str, Any], method: str, route: APIRoute) -> None:
    """Adds what FastAPI does not know: refusals, the token and the key of a request."""
    calls = [one.call for one in route.dependant.dependencies]
    by_token = next(one for one in calls if isinstance(one, ByToken))
    operation["security"] = [{"token": []}]
    operation["x-scope"] = least_scope(by_token.action)
    operation["operationId"] = route.name
    answers: dict[str, Any] = operation["responses"]
    for status in [one for one in answers if one.startswith("4")]:
        del answers[status]
    for one in answers.values():
        if one.get("content", {}).get(JSON, {}).get("schema") == {}:
            one["content"][JSON]["schema"] = {"type": "object"}
    if str(route.status_code or 200) != "200":
        answers.pop("200", None)
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    for status, told in _REFUSALS.items():
        if method in _CHANGES or status not in ("400", "409", "413", "415"):
            answers[status] = {"description": told, "content": content}
    if method in _CHANGES:
        operation.setdefault("parameters", []).append(_KEY)
        if len(by_token.kinds) > 1:
            operation["requestBody"] = _plan_body(by_token.kinds)


def _plan_body(kinds: Iterable[str]) -> dict[str, Any]:
    """What the plan takes: a list of entries, or a file in one of the types."""
    entries = {
        "type": "array",
        "items": {"type": "object", "additionalProperties": {"type": "string"}},
        "examples": [[{"inss": "85031299761", "day": "tomorrow"}]],
    }
    file: Mapping[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
    return {
        "required": True,
        "content": {kind: {"schema": entries if kind == JSON else file} for kind in sorted(kinds)},
    }


_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same request under the same key is carried out once and answered the same, "
    "for 24 hours; chosen by the program, for example a UUID.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,80}$"},
    "example": "0b6c1b0e-6a52-4f5e-9a57-1f6f0d8f7a11",
}
