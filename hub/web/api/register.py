"""Companies, works declarations and registrations for programs, to be read.

GET /api/v1/companies
GET /api/v1/works                            and /api/v1/works/{number}
GET /api/v1/registrations?day=&works=
GET /api/v1/people/{token}/registrations
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute

from hub.application.access import Actor
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.storage.companies import Companies
from hub.storage.declarations import Declaration, Declarations
from hub.storage.engine import reading
from hub.storage.registration_list import RegistrationEntry, registrations_of
from hub.web.api import shapes
from hub.web.api.bearer import ByToken
from hub.web.api.problems import answer
from hub.web.office import Office

SEES_COMPANIES: Final = ByToken(Action.COMPANIES_SEE)
SEES_WORKS: Final = ByToken(Action.WORKS_SEE)
SEES_REGISTRATIONS: Final = ByToken(Action.REGISTRATIONS_SEE)


def register_router(office: Office, route: type[APIRoute]) -> APIRouter:
    """Returns the addresses of companies, works and registrations.

    Args:
        office: the store.
        route: made by `hub.web.api.front`.
    """
    router = APIRouter(prefix="/api/v1", route_class=route)

    @router.get("/companies", responses={200: {"model": shapes.CompaniesOut}}, tags=["companies"])
    def companies_list(actor: Annotated[Actor, Depends(SEES_COMPANIES)]) -> Response:
        """List the companies of the token: its own, and those below it in the chain."""
        with reading(office.engine) as connection:
            rows = Companies(connection, office.vault, actor, office.clock()).rows()
        companies = [
            shapes.CompanyOut(
                number=one.number,
                name=one.name,
                agency=one.agency,
                people=one.people,
                works=list(one.works),
            )
            for one in rows
        ]
        return answer(shapes.CompaniesOut(companies=companies).told())

    @router.get("/works", responses={200: {"model": shapes.WorksListOut}}, tags=["works"])
    def works_list(actor: Annotated[Actor, Depends(SEES_WORKS)]) -> Response:
        """List the works declarations that the token's company takes part in."""
        with reading(office.engine) as connection:
            rows = Declarations(connection, office.vault, actor, office.clock()).rows()
        return answer(shapes.WorksListOut(works=[_works(one) for one in rows]).told())

    @router.get("/works/{number}", responses={200: {"model": shapes.WorksOut}}, tags=["works"])
    def works_show(number: str, actor: Annotated[Actor, Depends(SEES_WORKS)]) -> Response:
        """Show a works declaration."""
        with reading(office.engine) as connection:
            row = Declarations(connection, office.vault, actor, office.clock()).row(number)
        return answer(_works(row).told())

    @router.get(
        "/registrations",
        responses={200: {"model": shapes.RegistrationsOut}},
        tags=["registrations"],
    )
    def registrations_list(
        actor: Annotated[Actor, Depends(SEES_REGISTRATIONS)],
        day: date | None = None,
        works: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Response:
        """List the registrations of a day, today's when none is named."""
        wanted = day or brussels_day(office.clock())
        with reading(office.engine) as connection:
            found = registrations_of(connection, office.vault, actor, wanted, works)
        return answer(_registrations(found).told())

    @router.get(
        "/people/{token}/registrations",
        responses={200: {"model": shapes.RegistrationsOut}},
        tags=["registrations"],
    )
    def registrations_of_person(
        request: Request, token: str, actor: Annotated[Actor, Depends(SEES_REGISTRATIONS)]
    ) -> Response:
        """List the registrations of a person, the newest 5,000."""
        with reading(office.engine) as connection:
            found = registrations_of(connection, office.vault, actor, person_token=token)
        return answer(_registrations(found).told())

    return router


def _works(one: Declaration) -> shapes.WorksOut:
    return shapes.WorksOut(
        number=one.number,
        site=one.site,
        from_day=one.from_day,
        until_day=one.until_day,
        regime=str(one.regime),
    )


def _registrations(found: list[RegistrationEntry]) -> shapes.RegistrationsOut:
    return shapes.RegistrationsOut(
        registrations=[
            shapes.RegistrationOut(
                person=one.person,
                number_masked=one.masked or None,
                works_number=one.works_number or None,
                day=one.day,
                regime=one.regime,
                direction=one.direction,
                state=one.state,
                cause=one.cause,
                number=one.number,
                act_ms=one.act_ms,
                changed_ms=one.changed_ms,
                remarks=list(one.remarks),
            )
            for one in found
        ]
    )
