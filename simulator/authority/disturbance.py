"""Carries out the disturbances around every service of the authority, whichever it is.

One layer around the application, so that SOAP, the token services and REST are disturbed alike and
none of them knows about it: the call is read whole, named, given its treatment, turned away or
passed on, and the answer is spoilt on its way out. The pages, the contracts and /sim stay outside.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import Final, Literal, cast, final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.authority import faults, soap
from simulator.authority.addresses import OPENAPI_PATH, REST_PATH, TOKEN_PATH
from simulator.authority.availability import TURNED_AWAY, Availability, Operation, Treatment
from simulator.authority.clock import Clock
from simulator.authority.connection import gone, hang_up
from simulator.authority.spoilt import Answer

# Set in the scope's state of a call for a token: issue one whose time is over already.
EXPIRED_TOKEN: Final = "sim_expired_token"
# Of a longer body only this much is kept; every service refuses it for its length.
KEPT_MAX: Final = 8_388_608

Face = Literal["soap", "sts", "rest", "token"]

_SOAP_REQUEST = re.compile(rb"(Register|Cancel|Search|Get)Presence[A-Za-z]*Request[\s/>]")
_SOAP_OPERATIONS: Final[dict[bytes, Operation]] = {
    b"Register": "register",
    b"Cancel": "cancel",
    b"Search": "search",
    b"Get": "get",
}
# For how long a maintenance without an end sends REST callers away, seconds.
_COME_BACK_S: Final = 60
_PROBLEMS: Final = {
    400: ("badRequest", "Bad Request"),
    401: ("expiredAccessToken", "Expired Access Token"),
    403: ("missingPermission", "Missing Permission"),
    429: ("tooManyRequests", "Too Many Requests"),
    500: ("internalServerError", "Internal Server Error"),
    502: ("badGateway", "Bad Gateway"),
    503: ("serviceUnavailable", "Service Unavailable"),
}


def face_of(path: str) -> Face | None:
    """Which service a path belongs to; None for what is never disturbed."""
    if path == soap.SOAP_PATH:
        return "soap"
    if path == soap.STS_PATH:
        return "sts"
    if path == TOKEN_PATH:
        return "token"
    if path.startswith(f"{REST_PATH}/") and path != OPENAPI_PATH:
        return "rest"
    return None


def operation_of(face: Face, method: str, path: str, body: bytes) -> Operation | None:
    """Which operation a call is; None if it cannot be told.

    Args:
        face: the service.
        method: HTTP method.
        path: HTTP path.
        body: of a SOAP call the first request element in it decides.
    """
    match face:
        case "sts" | "token":
            return face
        case "soap":
            found = _SOAP_REQUEST.search(body)
            return None if found is None else _SOAP_OPERATIONS[found[1]]
        case "rest":
            rest = path.removeprefix(REST_PATH).lower()
            if "cancel" in rest:
                return "cancel"
            if rest.endswith("/registerinbulk"):
                return "register"
            if rest.endswith("/search"):
                return "search"
            reading = method == "GET" and rest.startswith("/presenceregistrations/")
            return "get" if reading else None


@final
class Disturbance:
    """The layer itself, as ASGI middleware.

    Args:
        app: what is disturbed.
        availability: decides about each call.
        clock: the world's time for it; the script's skew is set here.
    """

    def __init__(self, app: ASGIApp, availability: Availability, clock: Clock) -> None:
        self._app = app
        self._availability = availability
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        face = face_of(scope["path"]) if scope["type"] == "http" else None
        if face is None:
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if scope["method"] == "GET" and face in ("soap", "sts"):
            # The contract is no call: it meets the mode and is not counted.
            treatment = Treatment(self._availability.mode)
            if treatment.mode not in ("down", "refuse", "reset", "stall"):
                treatment = Treatment()
        else:
            operation = operation_of(face, scope["method"], scope["path"], body)
            treatment = self._availability.admit(operation, self._clock.world())
        self._clock.scripted_skew(treatment.skew_ms)
        answer = await self._treat(treatment, face, scope, receive, send, body)
        if answer is not None:
            await answer.leave(treatment, scope, receive, send)

    async def _treat(
        self,
        treatment: Treatment,
        face: Face,
        scope: Scope,
        receive: Receive,
        send: Send,
        body: bytes,
    ) -> Answer | None:
        """The answer of the service, None when the call was turned away."""
        if treatment.shut_s and self._availability.shut_door is not None:
            self._availability.shut_door(treatment.shut_s)
            await hang_up(scope, receive, reset=True)
            return None
        if treatment.mode == "expired-token" and face in ("sts", "token"):
            scope.setdefault("state", {})[EXPIRED_TOKEN] = True
        elif treatment.mode in ("refuse", "reset"):
            await hang_up(scope, receive, reset=treatment.mode == "reset")
            return None
        elif treatment.mode in TURNED_AWAY:
            await _turned_away(treatment, face)(scope, receive, send)
            return None
        if treatment.mode == "stall" and not await self._waited(receive):
            await hang_up(scope, receive)
            return None
        if treatment.latency_ms:
            await asyncio.sleep(treatment.latency_ms / 1000)
        answer = Answer()
        if treatment.fault_code is None:
            await self._app(scope, _again(body, receive), answer.take)
        else:
            await _fault(treatment, face)(scope, receive, answer.take)
        return answer

    async def _waited(self, receive: Receive) -> bool:
        """Waits in a stall; True if the call is to be served after it."""
        released = asyncio.create_task(self._availability.released())
        left = asyncio.create_task(gone(receive))
        done, pending = await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return left not in done and not self._availability.closing


def _turned_away(treatment: Treatment, face: Face) -> Response:
    match treatment.mode, face:
        case "down", "soap" | "sts":
            headers = _come_back(treatment.retry_after_s)
            return PlainTextResponse("Service Unavailable", treatment.status, headers)
        case "down", _:
            return problem(treatment.status, treatment.retry_after_s)
        case "maintenance", "soap" | "sts":
            return _soap_fault(faults.UNAVAILABLE)
        case "unavailable", "soap" | "sts":
            return _soap_fault(faults.TEMPORARILY_UNAVAILABLE)
        case "expired-token", "soap":
            return _soap_fault(faults.NOT_AUTHENTICATED)
        case "expired-token", _:
            return problem(401, None)
        case "maintenance", _:
            return problem(503, treatment.retry_after_s or _COME_BACK_S)
        case _:
            return problem(503, treatment.retry_after_s)


def _fault(treatment: Treatment, face: Face) -> Response:
    """The fault that was asked for; REST has no SOAP codes, so it gets the nearest status."""
    code = treatment.fault_code or faults.GENERAL
    if face in ("soap", "sts"):
        return _soap_fault(code, treatment.fault_element)
    exact = {faults.NOT_AUTHENTICATED: 401, faults.NOT_AUTHORISED: 403}
    by_group = {"SOA-02": 503, "SOA-03": 400}
    return problem(exact.get(code) or by_group.get(code[:6], 500), treatment.retry_after_s)


def _soap_fault(code: str, element: str = "SystemError") -> Response:
    content = soap.fault_envelope(faults.Fault(code, element=element))
    return Response(content, status_code=500, media_type="text/xml")


def problem(status: int, retry_after_s: int | None) -> Response:
    """A problem in the form of RFC 9457 with the types of the Belgian REST guide.

    Args:
        status: 4xx or 5xx; one without a type of its own gets `about:blank`.
        retry_after_s: for the header Retry-After; None leaves it out.
    """
    name, title = _PROBLEMS.get(status, ("", "Disturbance asked for by a test"))
    content: dict[str, object] = {
        "type": f"urn:problem-type:belgif:{name}" if name else "about:blank",
        "title": title,
        "status": status,
        "detail": "Simulator: a disturbance asked for by a test",
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    headers = _come_back(retry_after_s)
    if retry_after_s is not None:
        content["retryAfterSec"] = retry_after_s
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def _come_back(retry_after_s: int | None) -> dict[str, str]:
    return {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}


async def _read(receive: Receive) -> bytes:
    """The body; of one that is too large only as much as it takes to know."""
    kept = bytearray()
    while (message := await receive())["type"] == "http.request":
        if len(kept) <= KEPT_MAX:
            kept += cast("bytes", message.get("body", b""))
        if not message.get("more_body", False):
            break
    return bytes(kept)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives a body that was read before, then whatever follows it."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def once_more() -> Message:
        return first.pop() if first else await receive()

    return once_more
