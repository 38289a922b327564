"""The web application: SOAP and REST faces, contracts, control endpoints and the page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from simulator.authority import soap
from simulator.authority.availability import Availability
from simulator.authority.channels import add_channel_pages
from simulator.authority.connection import read_body
from simulator.authority.connectivity import CONNECTIVITY_PATH
from simulator.authority.control import control_router
from simulator.authority.disturbance import Disturbance
from simulator.authority.faults import Fault
from simulator.authority.later import Later
from simulator.authority.mobile_events import MobileEvents
from simulator.authority.operations import Authority
from simulator.authority.pages import page_router
from simulator.authority.profile import Security
from simulator.authority.register_control import register_router
from simulator.authority.rest import rest_router
from simulator.authority.rest_control import rest_control_router
from simulator.authority.rest_switches import RestSwitches
from simulator.authority.secured import secured_router
from simulator.authority.soap import SOAP_PATH, STS_PATH
from simulator.authority.tokens import Tokens

SENDER_HEADER: Final = "X-Sim-Sender"
# Nobody tells the loop when a test moves the base its clock runs on.
_LOOK_AGAIN_S = 1.0

_log = logging.getLogger("simulator.authority")


def create_app(
    authority: Authority,
    availability: Availability | None = None,
    security: Security | None = None,
) -> FastAPI:
    """The application for one authority; it closes the authority when the server stops.

    Args:
        authority: decides and keeps.
        availability: disturbances; a new, undisturbed one if left out.
        security: says who calls; the open profile if left out.
    """
    disturbances = availability or Availability()
    guard = security or Security(authority.registers.senders, authority.clock)
    endpoint = _Endpoint(soap.Service(authority, guard))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        validating = asyncio.create_task(_validate_for_ever(authority))
        yield
        validating.cancel()
        await asyncio.gather(validating, return_exceptions=True)
        authority.on_change(lambda: None)
        authority.close()

    # No interactive documentation: it would load scripts from elsewhere.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route(SOAP_PATH, endpoint.get, methods=["GET"], response_model=None)
    app.add_api_route(SOAP_PATH, endpoint.post, methods=["POST"], response_model=None)
    tokens, switches = Tokens(authority.clients, authority.clock), RestSwitches()
    for router in (
        Later(("/REST/",), lambda: rest_router(authority, tokens, switches)),
        Later(
            ("/sim/rest", "/sim/trouble", "/sim/tokens", "/sim/client", "/sim/events"),
            lambda: rest_control_router(authority, tokens, switches),
        ),
        Later(
            (
                STS_PATH,
                CONNECTIVITY_PATH,
                "/sim/security",
                "/sim/profile",
                "/sim/sts",
                "/sim/sender",
            ),
            lambda: secured_router(authority, guard),
        ),
        Later(("/sim/registers/",), lambda: register_router(authority)),
        # After the orders above, whose addresses begin alike.
        Later(("/sim/",), lambda: control_router(authority, disturbances)),
    ):
        app.include_router(router)
    add_channel_pages(app, authority, MobileEvents(authority))
    # The page at /, with which every address begins.
    app.include_router(Later(("/",), lambda: page_router(authority, disturbances)))
    app.add_exception_handler(RequestValidationError, _refuse_order)
    # Around all of the above, so that no service has to know about disturbances.
    app.add_middleware(Disturbance, availability=disturbances, clock=authority.clock)
    return app


async def _validate_for_ever(authority: Authority) -> None:
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look_again() -> None:
        loop.call_soon_threadsafe(changed.set)

    authority.on_change(look_again)
    while True:
        changed.clear()
        wait_s = _LOOK_AGAIN_S
        try:
            await run_in_threadpool(authority.validate_due)
            wait_s = min(wait_s, await run_in_threadpool(authority.wait_ms) / 1000)
        except sqlite3.Error:
            _log.exception("validation failed, trying again")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), wait_s)


async def _refuse_order(_: Request, problem: Exception) -> Response:
    # The framework's own answer repeats the value that was sent; it may be a person's number.
    found = problem.errors() if isinstance(problem, RequestValidationError) else []
    named = [{"where": list(error["loc"]), "problem": error["msg"]} for error in found]
    return JSONResponse({"detail": named}, status_code=422)


@final
class _Endpoint:
    """GET serves the contract, POST the four operations."""

    def __init__(self, service: soap.Service) -> None:
        self._service = service

    async def get(self, request: Request) -> Response:
        """`?wsdl` and `?xsd=NAME`, with this service's address filled in."""
        address = soap.urls(str(request.base_url))["soap"]
        asked = {name.lower(): value for name, value in request.query_params.items()}
        if "wsdl" in asked:
            return Response(soap.contract(address), media_type="text/xml")
        schema = soap.schema(asked.get("xsd", ""), address)
        if schema is None:
            return PlainTextResponse("ask for ?wsdl or ?xsd=NAME", status_code=404)
        return Response(schema, media_type="text/xml")

    async def post(self, request: Request) -> Response:
        """One SOAP call."""
        body = await read_body(request, soap.BODY_MAX)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            return PlainTextResponse("SOAP 1.1 travels as text/xml", status_code=415)
        try:
            answer = await run_in_threadpool(
                self._service.call,
                body,
                action=request.headers.get("soapaction"),
                sender_id=request.headers.get(SENDER_HEADER),
            )
        except Fault as fault:
            _log.info("call failed with %s", fault.code)
            return Response(soap.fault_envelope(fault), status_code=500, media_type="text/xml")
        return Response(answer, media_type="text/xml")
