"""What every address of the API does before and after its own work.

The token is looked up first, then the type and length of the body; whatever is refused on the way,
by a check or by the work itself, is answered as problem details. A route that nobody made by
`front` refuses nothing in this way, so all of them are made by it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from hub.errors import TransientError, UsageError
from hub.i18n import negotiate
from hub.web.api.bearer import ByToken, Programs
from hub.web.api.problems import Refusal, misshapen, problem

NOT_FOUND: Final = frozenset({"HUB-1407", "HUB-1621", "HUB-1640", "HUB-1651", "HUB-1706"})
"""What is not there for this caller; whether for nobody or for others only is the same answer."""
CONFLICT: Final = frozenset({"HUB-1641", "HUB-1643", "HUB-1644"})
"""What the state of something in the register stands against."""
_BODIES: Final = frozenset({"POST", "PATCH", "PUT"})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def front(programs: Programs) -> type[APIRoute]:
    """Returns the class of the routes of an API whose callers `programs` knows."""

    class Front(APIRoute):
        def get_route_handler(self) -> Handler:
            inner = super().get_route_handler()
            calls = [one.call for one in self.dependant.dependencies]
            by_token = next((one for one in calls if isinstance(one, ByToken)), None)

            async def handle(request: Request) -> Response:
                language = language_of(request)
                request.state.language = language
                try:
                    if by_token is not None:
                        program = await programs.calling(request, by_token.action)
                        request.state.program = program
                        request.state.actor = program.actor
                        if request.method in _BODIES:
                            request = await _with_body(request, by_token)
                    return await inner(request)
                except Refusal as refusal:
                    return problem(refusal, language)
                except RequestValidationError as error:
                    return problem(misshapen(error.errors(), language), language)
                except UsageError as error:
                    return problem(refusal_of(error), language)
                except TransientError as error:
                    return problem(Refusal.by(error, 503, {"Retry-After": "5"}), language)
                except HTTPException as error:
                    if error.status_code == 400:  # a body that cannot be parsed at all
                        return problem(Refusal(400, "HUB-1527"), language)
                    raise

            return handle

    return Front


def language_of(request: Request) -> str:
    """Returns the language that the caller accepts."""
    return negotiate(request.headers.get("Accept-Language"))


def refusal_of(error: UsageError) -> Refusal:
    """Returns how something that a caller must change is refused."""
    status = 404 if error.code in NOT_FOUND else 409 if error.code in CONFLICT else 422
    return Refusal.by(error, status)


async def _with_body(request: Request, by_token: ByToken) -> Request:
    """The request with its body read; what is too long is not read to its end.

    Raises:
        Refusal: 415 or 413.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
    most = by_token.body_max
    refusal = Refusal(413, "HUB-1525", {"Connection": "close"}, limit=most // 1_000_000)
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and (len(length) >= 20 or int(length) > most):
        raise refusal
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise refusal
    if kind not in by_token.kinds and (body or kind):
        raise Refusal(415, "HUB-1526")
    whole = bytes(body)
    request.state.body = whole

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": whole, "more_body": False}

    return Request(request.scope, receive)
