"""The web application: SOAP endpoint, contract, control endpoints and the page."""

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

from simulator.authority import faults, soap
from simulator.authority.availability import Availability, Treatment
from simulator.authority.connection import HangUp, gone
from simulator.authority.control import control_router
from simulator.authority.faults import Fault
from simulator.authority.operations import Authority
from simulator.authority.pages import page_router
from simulator.authority.soap import SOAP_PATH

SENDER_HEADER: Final = "X-Sim-Sender"
# Nobody tells the loop when a test moves the base its clock runs on.
_LOOK_AGAIN_S = 1.0

_log = logging.getLogger("simulator.authority")


def create_app(authority: Authority, availability: Availability | None = None) -> FastAPI:
    """The application for one authority; it closes the authority when the server stops.

    Args:
        authority: decides and keeps.
        availability: disturbances; a new, undisturbed one if left out.
    """
    disturbances = availability or Availability()
    endpoint = _Endpoint(soap.Service(authority), disturbances)

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
    app.include_router(control_router(authority, disturbances))
    app.include_router(page_router(authority, disturbances))
    app.add_exception_handler(RequestValidationError, _refuse_order)
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
    """GET serves the contract, POST the four operations; both meet the disturbances."""

    def __init__(self, service: soap.Service, availability: Availability) -> None:
        self._service = service
        self._availability = availability

    async def get(self, request: Request) -> Response:
        """`?wsdl` and `?xsd=NAME`, with this service's address filled in."""
        match self._availability.mode:
            case "down":
                return _down()
            case "refuse":
                return HangUp()
            case "stall" if not await self._waited(request):
                return HangUp()
            case _:
                pass
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
        treatment = self._availability.admit()
        if treatment.mode == "down":
            return _down()
        body = await _read(request)
        if treatment.mode == "refuse":
            return HangUp()
        if treatment.mode == "stall" and not await self._waited(request):
            return HangUp()
        if treatment.latency_ms:
            await asyncio.sleep(treatment.latency_ms / 1000)
        response = await self._carry_out(request, body, treatment)
        return HangUp() if treatment.mode == "drop-after-commit" else response

    async def _carry_out(self, request: Request, body: bytes, treatment: Treatment) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            return PlainTextResponse("SOAP 1.1 travels as text/xml", status_code=415)
        try:
            if treatment.mode == "unavailable":
                raise Fault(faults.TEMPORARILY_UNAVAILABLE)
            if treatment.fault_code is not None:
                raise Fault(treatment.fault_code, element=treatment.fault_element)
            answer = await run_in_threadpool(
                self._service.call,
                body,
                action=request.headers.get("soapaction"),
                sender_id=request.headers.get(SENDER_HEADER),
                backwards=treatment.backwards,
            )
        except Fault as fault:
            _log.info("call failed with %s", fault.code)
            return Response(soap.fault_envelope(fault), status_code=500, media_type="text/xml")
        return Response(answer, media_type="text/xml")

    async def _waited(self, request: Request) -> bool:
        """Waits in a stall; True if the call is to be served after it."""
        released = asyncio.create_task(self._availability.released())
        left = asyncio.create_task(gone(request))
        done, pending = await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return left not in done and not self._availability.closing


def _down() -> Response:
    return PlainTextResponse("Service Unavailable", status_code=503)


async def _read(request: Request) -> bytes:
    """The body; of one that is too large only as much as it takes to know."""
    kept = bytearray()
    async for chunk in request.stream():
        if len(kept) <= soap.BODY_MAX:
            kept += chunk
    return bytes(kept)
