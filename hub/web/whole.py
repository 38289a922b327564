"""The whole of what a running hub answers: board, balance, pages of the office, addresses of
programs. Tests walk the same application that `sitegate run` serves."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from hub.application.access import Scope
from hub.application.balance import BalancePort
from hub.application.overview import AuthorityStatus, OverviewPort
from hub.application.planning import PlanDesk
from hub.storage.alerts import open_count
from hub.storage.engine import reading
from hub.web.api import api_routers
from hub.web.app import create_app
from hub.web.door import Door
from hub.web.office import Office
from hub.web.pages import Running, office_pages


def whole_app(
    office: Office,
    running: Running,
    overview: OverviewPort,
    authority: Callable[[], AuthorityStatus],
    balance: BalancePort,
    plans: PlanDesk,
    door: Door | None = None,
) -> FastAPI:
    """Returns the application of a hub, with its own sessions.

    Args:
        office: what the pages work with.
        running: what only a running hub knows.
        overview, authority, balance: see `hub.web.app.create_app`.
        plans: where the plan is kept.
        door: who lets people in; None makes one.
    """
    door = door or Door(office)

    def open_alerts(scope: Scope) -> int:
        with reading(office.engine) as connection:
            return open_count(connection, scope)

    return create_app(
        overview,
        running.gates,
        authority,
        running.changes,
        office.clock,
        door.sessions,
        office.settings.web.frame_ancestors,
        balance=balance,
        open_alerts=open_alerts,
        more=[*office_pages(office, running, door), *api_routers(office, plans)],
    )
