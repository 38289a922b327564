"""The web side of the token service and of the connectivity test, and what tests may order of both.

Neither meets the disturbances of the presence service: a client must cope with each of the two
being away alone, so the token service has a disturbance of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Final, Literal, final

from fastapi import APIRouter, HTTPException
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from simulator.authority import soap
from simulator.authority.connection import HangUp, read_body
from simulator.authority.connectivity import (
    CONNECTIVITY_CONTRACT,
    CONNECTIVITY_PATH,
    ConnectivityTest,
)
from simulator.authority.entries import CompanyText
from simulator.authority.faults import Fault
from simulator.authority.numbers import company_text
from simulator.authority.operations import Authority
from simulator.authority.orders import Calls, Order
from simulator.authority.presence import Sender
from simulator.authority.profile import Profile, Security
from simulator.authority.senders import Certificates, fingerprint, read_certificates
from simulator.authority.sts import STS_CONTRACT, STS_PATH

LIFE_MAX_S: Final = 366 * 86_400
_EXPIRED: Final = "expired"
# Under this name whoever disturbs a request may ask for the same.
_EXPIRED_STATE: Final = "sim_expired_token"
_FAULT = r"^(SOA-\d{5}|down|refuse|expired)$"

_log = logging.getLogger("simulator.authority")


class ProfileOrder(Order):
    """Chooses whether callers are believed or must prove themselves."""

    profile: Profile


class SenderOrder(Order):
    """Makes a sender known or changes it; what is left out stays as it is."""

    id: Annotated[str, Field(min_length=1, max_length=40)]
    company: CompanyText | None = None
    user_type: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    certificate: Annotated[str, Field(max_length=100_000)] | None = None


class StsOrder(Order):
    """Changes the token service; what is left out stays as it is."""

    life_s: Annotated[int, Field(ge=1, le=LIFE_MAX_S)] | None = None
    fault: Annotated[str, Field(pattern=_FAULT)] | None = None
    calls: Calls | None = 1
    new_key: Literal[True] | None = None


@final
class _Disturbance:
    """What the next calls of the token service meet. Belongs to one event loop."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.calls: int | None = None

    def set(self, fault: str | None, calls: int | None) -> None:
        """Sets it, for a number of calls or for good; None ends it."""
        self.fault, self.calls = fault, calls if fault else None

    def admit(self) -> str | None:
        """What the call that just came in meets; counts it."""
        fault = self.fault
        if self.calls is not None:
            self.calls -= 1
            if self.calls <= 0:
                self.set(None, None)
        return fault


def secured_router(authority: Authority, security: Security) -> APIRouter:
    """Both services and their control endpoints.

    Args:
        authority: keeps senders.
        security: the profile in force, and the token service.
    """
    router = APIRouter()
    disturbance = _Disturbance()
    tokens = security.tokens

    def state() -> dict[str, object]:
        return {
            "profile": security.profile,
            "sts": {
                "life_s": tokens.life_s,
                "fault": disturbance.fault,
                "calls": disturbance.calls,
            },
        }

    connectivity = ConnectivityTest(security)
    sts = _Endpoint(
        lambda body, action, expired: tokens.call(body, action, expired=expired),
        STS_CONTRACT,
        STS_PATH,
        disturbance.admit,
    )
    test = _Endpoint(
        lambda body, action, _: connectivity.call(body, action),
        CONNECTIVITY_CONTRACT,
        CONNECTIVITY_PATH,
        lambda: None,
    )
    for path, endpoint in ((STS_PATH, sts), (CONNECTIVITY_PATH, test)):
        router.add_api_route(path, endpoint.get, methods=["GET"], response_model=None)
        router.add_api_route(path, endpoint.post, methods=["POST"], response_model=None)

    @router.get("/sim/security")
    async def show() -> dict[str, object]:
        everyone = security.senders.everyone()
        return {**state(), "senders": [_sender_json(security, sender) for sender in everyone]}

    @router.post("/sim/profile")
    async def set_profile(order: ProfileOrder) -> dict[str, object]:
        security.profile = order.profile
        return state()

    @router.post("/sim/sts")
    async def set_sts(order: StsOrder) -> dict[str, object]:
        if order.life_s is not None:
            tokens.life_s = order.life_s
        if "fault" in order.model_fields_set:
            disturbance.set(order.fault, order.calls)
        if order.new_key:
            tokens.issuer.forget_key()
        return state()

    @router.post("/sim/sender")
    async def put_sender(order: SenderOrder) -> dict[str, object]:
        before = security.senders.known(order.id)
        company = before.company if before and order.company is None else order.company
        if company is None:
            raise HTTPException(422, "company: a new sender needs one")
        user_type = order.user_type or (before.user_type if before else "SIM")
        sender = Sender(order.id, int(company), user_type)
        certificates = security.senders.certificates(order.id)
        if "certificate" in order.model_fields_set:
            certificates = _certificates(order.certificate)
        await run_in_threadpool(authority.put_sender, sender, certificates)
        return _sender_json(security, sender)

    return router


def _certificates(pem: str | None) -> Certificates:
    try:
        return read_certificates(pem) if pem else ()
    except ValueError:
        raise HTTPException(422, "certificate: PEM text expected") from None


def _sender_json(security: Security, sender: Sender) -> dict[str, object]:
    held = security.senders.certificates(sender.id)
    return {
        "id": sender.id,
        "company": company_text(sender.company),
        "user_type": sender.user_type,
        "certificates": [fingerprint(certificate) for certificate in held],
    }


@final
class _Endpoint:
    """GET serves a contract, POST one call."""

    def __init__(
        self,
        call: Callable[[bytes, str | None, bool], bytes],
        contract: str,
        path: str,
        admit: Callable[[], str | None],
    ) -> None:
        self._call = call
        self._contract = contract
        self._path = path
        self._admit = admit

    async def get(self, request: Request) -> Response:
        """`?wsdl` and `?xsd=NAME`, with this service's address filled in."""
        address = f"{str(request.base_url).rstrip('/')}{self._path}"
        asked = {name.lower(): value for name, value in request.query_params.items()}
        if "wsdl" in asked:
            return Response(soap.contract(address, self._contract), media_type="text/xml")
        schema = soap.schema(asked.get("xsd", ""), address)
        if schema is None:
            return PlainTextResponse("ask for ?wsdl or ?xsd=NAME", status_code=404)
        return Response(schema, media_type="text/xml")

    async def post(self, request: Request) -> Response:
        """One SOAP call."""
        fault = self._admit()
        if fault == "down":
            return PlainTextResponse("Service Unavailable", status_code=503)
        body = await read_body(request, soap.BODY_MAX)
        if fault == "refuse":
            return HangUp()
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            return PlainTextResponse("SOAP 1.1 travels as text/xml", status_code=415)
        try:
            if fault is not None and fault != _EXPIRED:
                raise Fault(fault)
            action = request.headers.get("soapaction")
            expired = fault == _EXPIRED or getattr(request.state, _EXPIRED_STATE, False) is True
            answer = await run_in_threadpool(self._call, body, action, expired)
        except Fault as problem:
            _log.info("call of %s failed with %s", self._path, problem.code)
            return Response(soap.fault_envelope(problem), status_code=500, media_type="text/xml")
        return Response(answer, media_type="text/xml")
