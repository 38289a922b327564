"""The plan for programs: hand it in, and look at a day of it.

    POST /api/v1/plan         a JSON list of entries, or a CSV file or spreadsheet as the body
    GET  /api/v1/plan/{day}   a day with its problems and registrations

Each call carries a token (`sitegate token add NAME --scope plan`). Checks and problems are those of
a plan file. Person numbers may come in a body; no address and no answer holds one. What is refused
is answered as RFC 9457 says, in the language that the caller accepts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from hub.application.people_table import MEGABYTES_MAX
from hub.application.plan_file import PlanFile
from hub.application.plan_report import check_told, days_told
from hub.application.planning import PlanDesk
from hub.errors import UsageError
from hub.i18n import error_text, negotiate

SCOPE: Final = "plan"
BODY_MAX: Final = MEGABYTES_MAX * 1_000_000
WRONG_MAX: Final = 10
"""Wrong tokens of one address in `WRONG_WINDOW_MS` before it is told to wait."""
WRONG_WINDOW_MS: Final = 60_000
ADDRESSES_MAX: Final = 1_000
"""Most addresses that are remembered; the one that came first is forgotten first."""

_JSON: Final = "application/json"
_FILES: Final = frozenset(
    {
        "text/csv",
        "application/octet-stream",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
_TRUE: Final = frozenset({"true", "1", "yes"})


class Caller(Protocol):
    """Whose token it is."""

    @property
    def name(self) -> str:
        """Name of the token."""
        ...

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it is good for."""
        ...


FindCaller = Callable[[str], Caller | None]
"""Returns whose token this is; None when it is not valid."""


class WrongTokens:
    """Counts wrong tokens by address; used on the event loop only.

    A right token is never kept out: 256 bits are not found by trying, so this only keeps a program
    with an old token from asking for ever at full speed.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, int]] = {}

    def wait_s(self, address: str) -> int:
        """Notes one more; returns how many seconds to wait, 0 when there were few."""
        now_ms = self._clock()
        begin_ms, count = self._seen.pop(address, (now_ms, 0))
        if not 0 <= now_ms - begin_ms < WRONG_WINDOW_MS:
            begin_ms, count = now_ms, 0
        while len(self._seen) >= ADDRESSES_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[address] = (begin_ms, count + 1)
        if count < WRONG_MAX:
            return 0
        return max(1, -(-(begin_ms + WRONG_WINDOW_MS - now_ms) // 1000))


class _Refusal(Exception):
    """An answer instead of the one wanted."""

    def __init__(
        self, status: int, code: str, headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.values = values
        super().__init__(code)


def plan_router(desk: PlanDesk, find_caller: FindCaller, clock: Callable[[], int]) -> APIRouter:
    """Returns the addresses of the plan.

    Args:
        desk: the plan; called in worker threads.
        find_caller: looks a token up; called in worker threads.
        clock: UTC milliseconds.
    """
    router = APIRouter(prefix="/api/v1/plan")
    wrong = WrongTokens(clock)

    async def caller(request: Request) -> Caller:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        found = None
        if kind.casefold() == "bearer" and token.strip():
            found = await run_in_threadpool(find_caller, token.strip())
        if found is None:
            wait_s = wrong.wait_s(request.client.host if request.client else "")
            if wait_s:
                raise _Refusal(429, "HUB-1524", {"Retry-After": str(wait_s)}, seconds=wait_s)
            raise _Refusal(401, "HUB-1522", {"WWW-Authenticate": 'Bearer realm="sitegate"'})
        if SCOPE not in found.scopes:
            challenge = f'Bearer realm="sitegate", error="insufficient_scope", scope="{SCOPE}"'
            raise _Refusal(403, "HUB-1523", {"WWW-Authenticate": challenge}, scope=SCOPE)
        return found

    @router.post("")
    async def hand_in(request: Request) -> Response:
        language = negotiate(request.headers.get("Accept-Language"))
        try:
            who = await caller(request)
            kind = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
            if kind != _JSON and kind not in _FILES:
                raise _Refusal(415, "HUB-1526")
            body = await _body(request)
            plan = await run_in_threadpool(_read, desk, kind, body)
            good_rows_only = _asked(request, "good_rows_only")
            dry = _asked(request, "dry_run")
            written = await run_in_threadpool(
                desk.take,
                plan,
                "api",
                f"token:{who.name}",
                _asked(request, "again"),
                good_rows_only,
                dry,
            )
        except _Refusal as refusal:
            return _refused(refusal, language)
        told = check_told(written.check, good_rows_only, language)
        if not told["accepted"]:
            refusal = _Refusal(422, "HUB-1514", errors=written.check.errors)
            return _refused(refusal, language, told)
        return _answer(200, {**told, "written": not dry, "added": written.added})

    @router.get("/{day}")
    async def show(request: Request, day: str) -> Response:
        language = negotiate(request.headers.get("Accept-Language"))
        try:
            await caller(request)
            try:
                wanted = desk.day(day)
            except UsageError as error:
                raise _Refusal(404, error.code) from None
            days = await run_in_threadpool(desk.days, wanted)
        except _Refusal as refusal:
            return _refused(refusal, language)
        return _answer(200, {"day": wanted.isoformat(), "entries": days_told(days, language)})

    return router


def _asked(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").casefold() in _TRUE


async def _body(request: Request) -> bytes:
    """The whole body; what is too long is not read to its end."""
    told = request.headers.get("Content-Length", "")
    limit = MEGABYTES_MAX
    if told.isdecimal() and len(told) < 20 and int(told) > BODY_MAX:
        raise _Refusal(413, "HUB-1525", {"Connection": "close"}, limit=limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX:
            raise _Refusal(413, "HUB-1525", {"Connection": "close"}, limit=limit)
    return bytes(body)


def _read(desk: PlanDesk, kind: str, body: bytes) -> PlanFile:
    if kind != _JSON:
        return desk.read(body)
    try:
        entries = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _Refusal(400, "HUB-1527") from None
    return desk.read_list(entries)


def _refused(refusal: _Refusal, language: str, more: Mapping[str, Any] | None = None) -> Response:
    """What happened, what was kept and what to do, as problem details (RFC 9457)."""
    explained = error_text(refusal.code, language, **refusal.values)
    content = {
        "type": f"urn:sitegate:error:{refusal.code}",
        "title": explained.happened,
        "status": refusal.status,
        "detail": f"{explained.kept} {explained.next}",
        "code": refusal.code,
        **(more or {}),
    }
    headers = {**refusal.headers, "Content-Language": language}
    return _answer(refusal.status, content, headers, "application/problem+json")


def _answer(
    status: int,
    content: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    kind: str = _JSON,
) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(body, status, headers, kind)
