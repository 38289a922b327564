"""The plan for programs: hand it in, and look at a day of it.

    POST /api/v1/plan         a JSON list of entries, or a CSV file or spreadsheet as the body
    GET  /api/v1/plan/{day}   a day with its problems and registrations

Checks and problems are those of a plan file. Person numbers may come in a body; no address and no
answer holds one. The token of a company plans and sees its own people only: anybody else's is not
in the register for it, and no answer tells how many others there are.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from hub.application.access import Actor
from hub.application.people_table import MEGABYTES_MAX
from hub.application.plan_file import PlanFile
from hub.application.plan_report import check_told, program_days_told
from hub.application.planning import PlanDesk
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.request_keys import Done
from hub.web.api.bearer import ByToken
from hub.web.api.once import InHand
from hub.web.api.problems import JSON, Refusal, answer

BODY_MAX: Final = MEGABYTES_MAX * 1_000_000
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
SEES: Final = ByToken(Action.PLAN_SEE)
PLANS: Final = ByToken(Action.PLAN_CHANGE, _FILES | {JSON}, BODY_MAX)


def plan_router(desk: PlanDesk, route: type[APIRoute], in_hand: InHand) -> APIRouter:
    """Returns the addresses of the plan.

    Args:
        desk: the plan; called in worker threads.
        route: made by `hub.web.api.front`.
        in_hand: knows what was asked before under a key.
    """
    router = APIRouter(prefix="/api/v1/plan", route_class=route, tags=["plan"])

    @router.post("")
    async def plan_hand_in(request: Request, actor: Annotated[Actor, Depends(PLANS)]) -> Response:
        """Hand a plan in: `?dry_run=`, `?good_rows_only=` and `?again=true` as for a file."""
        language = request.state.language
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        if not kind:
            raise Refusal(415, "HUB-1526")
        body = await request.body()
        good_rows_only, dry = _asked(request, "good_rows_only"), _asked(request, "dry_run")
        again = _asked(request, "again")

        def take() -> Done:
            plan = _read(desk, kind, body)
            written = desk.take(plan, "api", actor.name, again, good_rows_only, dry, actor)
            told = check_told(written.check, good_rows_only, language)
            if not told["accepted"]:
                raise Refusal(422, "HUB-1514", more=told, errors=written.check.errors)
            return Done(200, {**told, "written": not dry, "added": written.added})

        return await run_in_threadpool(in_hand, request, take)

    @router.get("/{day}")
    def plan_show(request: Request, day: str, actor: Annotated[Actor, Depends(SEES)]) -> Response:
        """Show a day of the plan: `today`, `tomorrow` or a date."""
        try:
            wanted = desk.day(day)
        except UsageError as error:
            raise Refusal(404, error.code) from None
        whole = actor.company_id is None
        entries = program_days_told(desk.days(wanted, actor), request.state.language, whole)
        return answer({"day": wanted.isoformat(), "entries": entries})

    return router


def _asked(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").casefold() in _TRUE


def _read(desk: PlanDesk, kind: str, body: bytes) -> PlanFile:
    if kind != JSON:
        return desk.read(body)
    try:
        entries = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refusal(400, "HUB-1527") from None
    return desk.read_list(entries)
