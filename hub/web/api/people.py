"""People for programs: looked up, added, changed, with the checks of the pages.

GET   /api/v1/people               a page of those of the token, by name
POST  /api/v1/people/search        the same narrowed by name or number, which no address holds
POST  /api/v1/people               adds one
POST  /api/v1/people/bulk          adds up to 500: all of them, or with ?partial=true the good
GET   /api/v1/people/{token}
PATCH /api/v1/people/{token}
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.people import PeopleFilter, PersonDraft, PersonFile, PersonLine
from hub.domain.companies import parse_number
from hub.domain.identifiers import parse_inss, parse_limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import Kind
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.people import People
from hub.storage.request_keys import Done
from hub.web.api import shapes
from hub.web.api.bearer import ByToken
from hub.web.api.drafts import Placed, changed_draft, new_draft, placed
from hub.web.api.once import once
from hub.web.api.problems import Refusal, answer, told
from hub.web.office import Office

SEES: Final = ByToken(Action.PEOPLE_SEE)
CHANGES: Final = ByToken(Action.PEOPLE_CHANGE)
Seeing = Annotated[Actor, Depends(SEES)]
Changing = Annotated[Actor, Depends(CHANGES)]
Page = Annotated[int, Query(ge=1, le=100_000)]
Size = Annotated[int, Query(ge=1, le=shapes.PAGE_MAX)]


def people_router(office: Office, route: type[APIRoute]) -> APIRouter:
    """Returns the addresses of people.

    Args:
        office: the store.
        route: made by `hub.web.api.front`.
    """
    router = APIRouter(prefix="/api/v1/people", route_class=route, tags=["people"])

    def store(connection: Connection, actor: Actor) -> People:
        window_ms = office.settings.in_out.window_s * 1000
        return People(connection, office.vault, actor, office.clock(), window_ms)

    def listed(actor: Actor, wanted: PeopleFilter) -> Response:
        with reading(office.engine) as connection:
            lines, total = store(connection, actor).rows(wanted)
        people = [_line(one) for one in lines]
        found = shapes.PeopleOut(page=wanted.page, size=wanted.size, total=total, people=people)
        return answer(found.told())

    @router.get("", responses={200: {"model": shapes.PeopleOut}})
    def people_list(
        actor: Seeing,
        kind: Kind | None = None,
        problem: shapes.Problem | None = None,
        company_number: Annotated[str, Query(max_length=40)] = "",
        page: Page = 1,
        size: Size = 50,
    ) -> Response:
        """List people."""
        wanted = PeopleFilter(
            company_number=parse_number(company_number) if company_number else "",
            kind=str(kind or ""),
            problem=problem or "",
            page=page,
            size=size,
        )
        return listed(actor, wanted)

    @router.post("/search", responses={200: {"model": shapes.PeopleOut}})
    def people_search(request: Request, body: shapes.SearchIn, actor: Seeing) -> Response:
        """Find people by name or number."""
        return listed(actor, _filter(body, office.clock(), request.state.language))

    @router.post("", status_code=201, responses={201: {"model": shapes.PersonOut}})
    def people_add(request: Request, body: shapes.PersonIn, actor: Changing) -> Response:
        """Add a person."""
        language = request.state.language

        def add(connection: Connection) -> Done:
            people = store(connection, actor)
            draft, problems = new_draft(body, brussels_day(office.clock()))
            _refuse(problems or placed(people.problems(draft)), language)
            token = people.add(draft)
            return Done(201, _file(people.row(token)), {"Location": f"/api/v1/people/{token}"})

        return once(office, request, add)

    @router.post("/bulk", responses={200: {"model": shapes.BulkOut}})
    def people_bulk(
        request: Request, body: shapes.PeopleIn, actor: Changing, partial: bool = False
    ) -> Response:
        """Add many people in one call."""
        language = request.state.language

        def add_all(connection: Connection) -> Done:
            people, today = store(connection, actor), brussels_day(office.clock())
            results: list[dict[str, Any]] = []
            for index, one in enumerate(body.people):
                draft, problems = new_draft(one, today)
                token, problems = _add_one(connection, people, draft, problems)
                errors = [
                    told(error, _pointer(field, f"/people/{index}"), language)
                    for field, error in problems
                ]
                results.append({"index": index, "token": token, "errors": errors})
            wrong = sum(bool(one["errors"]) for one in results)
            if wrong and not partial:
                raise Refusal(
                    422,
                    "HUB-1709",
                    more={"results": [{**one, "token": None} for one in results]},
                    errors=wrong,
                    items=len(results),
                )
            return Done(200, {"added": len(results) - wrong, "results": results})

        return once(office, request, add_all)

    @router.get("/{token}", responses={200: {"model": shapes.PersonOut}})
    def people_show(token: str, actor: Seeing) -> Response:
        """Show a person."""
        with reading(office.engine) as connection:
            return answer(_file(store(connection, actor).row(token)))

    @router.patch("/{token}", responses={200: {"model": shapes.PersonOut}})
    def people_change(
        request: Request, token: str, body: shapes.PersonPatch, actor: Changing
    ) -> Response:
        """Change what is sent of a person."""
        language = request.state.language

        def change(connection: Connection) -> Done:
            people = store(connection, actor)
            known = people.row(token)
            if not known.may_change:
                raise UsageError("HUB-1621")
            draft, problems = changed_draft(known, body, brussels_day(office.clock()))
            _refuse(problems or placed(people.problems(draft, token)), language)
            people.change(token, draft)
            return Done(200, _file(people.row(token)))

        return once(office, request, change)

    return router


def _add_one(
    connection: Connection, people: People, draft: PersonDraft, problems: list[Placed]
) -> tuple[str | None, list[Placed]]:
    """Adds a person unless there are problems; what is refused late leaves nothing behind."""
    problems = problems or placed(people.problems(draft))
    if problems:
        return None, problems
    connection.exec_driver_sql("SAVEPOINT person")
    try:
        token = people.add(draft)
    except UsageError as error:
        connection.exec_driver_sql("ROLLBACK TO person")
        return None, placed([error])
    finally:
        connection.exec_driver_sql("RELEASE person")
    return token, []


def _refuse(problems: list[Placed], language: str) -> None:
    if problems:
        errors = [told(error, _pointer(field), language) for field, error in problems]
        raise Refusal(422, "HUB-1702", more={"errors": errors})


def _pointer(field: str, before: str = "") -> str:
    return f"{before}/{field}" if field else before


def _filter(body: shapes.SearchIn, now_ms: int, language: str) -> PeopleFilter:
    today = brussels_day(now_ms)
    problems: list[Placed] = []

    def read(field: str, text: str | None, parse: Any) -> Any:
        try:
            return parse(text) if text else None
        except UsageError as error:
            problems.append((field, error))
            return None

    wanted = PeopleFilter(
        name=body.name,
        inss=read("inss", body.inss, lambda text: parse_inss(text, today)),
        limosa=read("limosa", body.limosa, parse_limosa),
        company_number=read("company_number", body.company_number, parse_number) or "",
        kind=str(body.kind or ""),
        problem=body.problem or "",
        page=body.page,
        size=body.size,
    )
    _refuse(problems, language)
    return wanted


def _file(one: PersonFile) -> dict[str, Any]:
    return shapes.PersonOut(
        token=one.token,
        family_name=one.family_name,
        given_name=one.given_name,
        kind=one.kind,
        company_number=one.company_number or None,
        company_name=one.company_name or None,
        user_company_number=one.user_company_number or None,
        user_company_name=one.user_company_name or None,
        works_number=one.works_number,
        site=one.site,
        language=one.language,
        inss=one.inss or None,
        limosa=one.limosa or None,
        limosa_from=one.limosa_from,
        limosa_until=one.limosa_until,
        limosa_state=str(one.limosa_state),
        foreign_vat=one.foreign_vat or None,
        changeable=one.may_change,
    ).told()


def _line(one: PersonLine) -> shapes.PersonLineOut:
    return shapes.PersonLineOut(
        token=one.token,
        family_name=one.family_name,
        given_name=one.given_name,
        kind=one.kind,
        company=one.company or None,
        agency=one.agency or None,
        works_number=one.works_number,
        number=one.masked or None,
        badges=one.badges,
        problems=[str(problem) for problem in one.problems],
    )
