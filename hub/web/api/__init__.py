"""The API for programs, `/api/v1`: JSON behind a token, with the checks of the pages."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter

from hub.application.planning import PlanDesk
from hub.storage.tokens import program_finder
from hub.web.api.badges import badges_router
from hub.web.api.bearer import Programs
from hub.web.api.document import document_router
from hub.web.api.front import front
from hub.web.api.once import InHand
from hub.web.api.people import people_router
from hub.web.api.plan import plan_router
from hub.web.api.register import register_router
from hub.web.later import Later
from hub.web.office import Office

__all__ = ["api_routers"]


def api_routers(office: Office, plans: PlanDesk) -> list[APIRouter]:
    """Returns every address of the API.

    Args:
        office: the store; called in worker threads.
        plans: the plan; called in worker threads.
    """
    programs = Programs(program_finder(office.engine), office.settings.api.per_minute, office.clock)
    route = front(programs)

    @cache
    def routers() -> list[APIRouter]:
        return [
            plan_router(plans, route, InHand(office)),
            people_router(office, route),
            badges_router(office, route),
            register_router(office, route),
        ]

    def all_of_them() -> APIRouter:
        router = APIRouter()
        for one in routers():
            router.include_router(one)
        router.include_router(document_router(routers()))
        return router

    return [Later("api", all_of_them)]
