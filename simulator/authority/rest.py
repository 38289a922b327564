"""The in/out face: `presenceRegistration` as a REST service, with its token endpoint and contract.

Paths, member names and problem types are those of the service as far as they are known; what is
not known can be chosen, see `rest_switches`. Disturbances of the whole authority come around this.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.authority import problems, rest_messages
from simulator.authority.addresses import OPENAPI_PATH, REST_PATH, TOKEN_PATH, urls
from simulator.authority.clients import ENTERPRISE, PROFESSIONAL
from simulator.authority.operations import Authority
from simulator.authority.presence import Refusal, Sender
from simulator.authority.problems import Issue, Problem
from simulator.authority.refdata import Term, catalogues
from simulator.authority.rest_schema import Reader, parse, read_bulk
from simulator.authority.rest_search import read_paging, read_search
from simulator.authority.rest_switches import RestSwitches
from simulator.authority.tokens import TokenRefusal, Tokens

CANCEL_PATH: Final = "/sim-only/presenceRegistrations/{number}/cancel"
BODY_MAX: Final = 1_048_576
FORM_MAX: Final = 65_536
# Set in the scope's state of a call for a token: give one whose time is over already.
EXPIRED_TOKEN: Final = "sim_expired_token"
_CONTRACT: Final = Path(__file__).parent / "schema" / "openapi.json"
_READ: Final = (ENTERPRISE, PROFESSIONAL)
_WRITE: Final = (ENTERPRISE,)

_Handler = Callable[[Request, Sender], Awaitable[Response]]


def rest_router(authority: Authority, tokens: Tokens, switches: RestSwitches) -> APIRouter:
    """Token endpoint, contract and the calls of the in/out face.

    Args:
        authority: decides and keeps.
        tokens: who is let in.
        switches: shapes and problems; the endpoints run on their event loop.
    """
    router = APIRouter()
    face = _Face(authority, tokens, switches)
    terms = catalogues()

    @router.post(TOKEN_PATH)
    async def give_token(request: Request) -> Response:
        return await _token(request, tokens, switches)

    @router.get(OPENAPI_PATH)
    async def show_contract(request: Request) -> Response:
        contract = json.loads(_CONTRACT.read_text(encoding="utf-8"))
        contract["servers"] = [{"url": urls(str(request.base_url))["rest"]}]
        flows = contract["components"]["securitySchemes"]["oauth2"]["flows"]
        flows["clientCredentials"]["tokenUrl"] = urls(str(request.base_url))["token"]
        return JSONResponse(contract)

    @router.post(f"{REST_PATH}/presenceRegistrations/registerInBulk")
    async def register_in_bulk(request: Request) -> Response:
        return await face.admit(request, _WRITE, face.register)

    @router.post(f"{REST_PATH}/presenceRegistrations/search")
    async def search(
        request: Request,
        page: str | None = None,
        page_size: Annotated[str | None, Query(alias="pageSize")] = None,
    ) -> Response:
        async def carry_out(request: Request, sender: Sender) -> Response:
            return await face.search(request, sender, page, page_size)

        return await face.admit(request, _READ, carry_out)

    @router.get(f"{REST_PATH}/presenceRegistrations/{{number}}")
    async def get(request: Request, number: str) -> Response:
        async def carry_out(_: Request, sender: Sender) -> Response:
            return await face.get(number, sender)

        return await face.admit(request, _READ, carry_out)

    @router.post(f"{REST_PATH}{CANCEL_PATH}")
    async def cancel(request: Request, number: str) -> Response:
        async def carry_out(request: Request, sender: Sender) -> Response:
            return await face.cancel(request, number, sender)

        if not switches.shape.can_cancel:
            return problems.not_found("There is nothing here").response()
        return await face.admit(request, _WRITE, carry_out)

    def serve_catalogue(name: str, held: Sequence[Term]) -> None:
        by_code = {term.code: term for term in held}

        @router.get(f"{REST_PATH}/refData/{name}")
        async def show_all(request: Request) -> Response:
            async def carry_out(_: Request, __: Sender) -> Response:
                return JSONResponse(rest_messages.catalogue(held, switches.shape))

            return await face.admit(request, _READ, carry_out)

        @router.get(f"{REST_PATH}/refData/{name}/{{code}}")
        async def show_one(request: Request, code: str) -> Response:
            async def carry_out(_: Request, __: Sender) -> Response:
                if code not in by_code:
                    raise problems.not_found("There is no such code")
                return JSONResponse(by_code[code].as_json())

            return await face.admit(request, _READ, carry_out)

    serve_catalogue("remarks", list(terms.remarks.values()))
    serve_catalogue("activities", list(terms.activities.values()))

    @router.api_route(
        f"{REST_PATH}/{{rest:path}}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    )
    async def nothing(request: Request) -> Response:
        # What matched above with another method ends here as well.
        found = request.method in ("GET", "POST")
        problem = problems.not_found("There is nothing here")
        return (problem if found else problems.not_allowed("GET, POST")).response()

    return router


@final
class _Face:
    """The operations, from a request to its response."""

    def __init__(self, authority: Authority, tokens: Tokens, switches: RestSwitches) -> None:
        self._authority = authority
        self._in_out = authority.in_out
        self._tokens = tokens
        self._switches = switches
        self._terms = catalogues()

    async def admit(self, request: Request, scopes: Sequence[str], carry_out: _Handler) -> Response:
        """Carries out a call whose token allows it; a problem becomes the answer."""
        try:
            trouble = self._switches.trouble.take(self._authority.clock())
            if trouble is not None:
                raise trouble
            client = self._tokens.open(request.headers.get("authorization"), scopes)
            sender = self._authority.registers.sender(client.sender)
            if sender is None:
                raise problems.missing_permission("The channel belongs to no known sender")
            return await carry_out(request, sender)
        except Problem as problem:
            return problem.response()

    async def register(self, request: Request, sender: Sender) -> Response:
        """`registerInBulk`."""
        body = await _json_body(request)
        shape = self._switches.shape

        def carry_out() -> Response:
            acts = read_bulk(parse(body), shape.reference_max)
            outcomes = self._in_out.register(acts, sender)
            return JSONResponse(rest_messages.bulk(outcomes, shape, self._terms, self._in_out.name))

        return await run_in_threadpool(carry_out)

    async def search(
        self, request: Request, sender: Sender, page: str | None, page_size: str | None
    ) -> Response:
        """A search, one page of it."""
        body = await _json_body(request)
        shape = self._switches.shape
        address = f"{urls(str(request.base_url))['rest']}/presenceRegistrations/search"

        def carry_out() -> Response:
            criteria = read_search(parse(body), *read_paging(page, page_size, shape), shape)
            found = self._in_out.search(criteria, sender)
            if found is None:
                raise problems.missing_permission("No right on this employer or these works")
            return JSONResponse(
                rest_messages.search_page(
                    found, criteria, address, shape, self._terms, self._in_out.name
                )
            )

        return await run_in_threadpool(carry_out)

    async def get(self, number: str, sender: Sender) -> Response:
        """One registration."""
        event = await run_in_threadpool(self._in_out.get, _number(number), sender)
        if event is None:
            raise problems.not_found("There is no such registration")
        return JSONResponse(
            rest_messages.registration(event, self._switches.shape, self._terms, self._in_out.name)
        )

    async def cancel(self, request: Request, number: str, sender: Sender) -> Response:
        """Cancels one registration; the real service is not known to have such a call."""
        reader = Reader()
        name = "cancellationReason"
        sent = reader.members(parse(await _json_body(request)), "", (name,), (name,))
        reason = reader.word(sent.get(name, ""), name, 16) or ""
        reader.settle()
        outcome = await run_in_threadpool(self._in_out.cancel, _number(number), reason, sender)
        if not isinstance(outcome, Refusal):
            return JSONResponse(
                rest_messages.registration(
                    outcome, self._switches.shape, self._terms, self._in_out.name
                )
            )
        if outcome.errors[0].code == "SIM-CANCEL-UNKNOWN":
            raise problems.not_found("There is no such registration")
        raise problems.bad_request(
            [
                Issue("ext:input-validation:rejectedInput", "body", name, f"{one.code} {one.text}")
                for one in outcome.errors
            ]
        )


async def _token(request: Request, tokens: Tokens, switches: RestSwitches) -> Response:
    trouble = switches.token_trouble.take(tokens.clock())
    if trouble is not None:
        return trouble.response()
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    body = await _read(request, FORM_MAX)
    try:
        form = _form(request, body)
        if request.headers.get("authorization") is not None:
            headers["WWW-Authenticate"] = f'Basic realm="{problems.REALM}"'
            raise TokenRefusal("invalid_client", "client secrets are not supported", 401)
        state = request.scope.get("state", {})
        expired = bool(state.get(EXPIRED_TOKEN)) if isinstance(state, dict) else False
        url = urls(str(request.base_url))["token"]
        given = await run_in_threadpool(tokens.give, form, url, expired=expired)
    except TokenRefusal as refusal:
        content = {"error": refusal.error, "error_description": refusal.text}
        return JSONResponse(content, refusal.status, headers)
    return JSONResponse(given, headers=headers)


def _form(request: Request, body: bytes) -> list[tuple[str, str]]:
    if len(body) > FORM_MAX:
        raise TokenRefusal("invalid_request", "the body is too long")
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise TokenRefusal("invalid_request", "application/x-www-form-urlencoded is expected")
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict"
        )
    except ValueError:
        raise TokenRefusal("invalid_request", "the body is no form") from None


async def _json_body(request: Request) -> bytes:
    if _media_type(request) != "application/json":
        raise problems.unsupported_media_type()
    body = await _read(request, BODY_MAX)
    if len(body) > BODY_MAX:
        raise problems.too_large(BODY_MAX)
    return body


async def _read(request: Request, limit: int) -> bytes:
    """The body; of one that is too large only as much as it takes to know."""
    kept = bytearray()
    async for chunk in request.stream():
        if len(kept) <= limit:
            kept += chunk
    return bytes(kept)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    detail = "a whole number is expected"
    raise problems.bad_request(
        [Issue("input-validation:schemaViolation", "path", "id", detail, text)]
    )
