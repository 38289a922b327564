"""The people of whoever asks: a list, narrowed by company, kind and problem, searched by name.

    GET  /people    the list
    POST /people    the same, searched for a name or a number, which never stand in an address

`every_people_page` has these and those of one person, in the order in which they must be known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from hub.application.access import Actor
from hub.application.people import PeopleFilter, PersonProblem
from hub.domain.identifiers import LIMOSA_DIGITS, parse_inss, parse_limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import Kind
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.people import People
from hub.web.access import Allowed
from hub.web.frame import draw, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.pages.person import person_pages
from hub.web.pages.person_form import person_form_pages

SEE: Final = Allowed(Action.PEOPLE_SEE)
SEARCH_MAX: Final = 200
_NUMBER_SIGNS: Final = frozenset("0123456789 .-/")
_Text = Annotated[str, Query(max_length=40)]
_Page = Annotated[int, Query(ge=1, le=100_000)]


def every_people_page(office: Office) -> list[Callable[[], APIRouter]]:
    """Returns what makes the routes of the list, the forms and the page of one person."""
    return [partial(make, office) for make in (people_pages, person_form_pages, person_pages)]


def people_pages(office: Office) -> APIRouter:
    """Returns the routes of the list."""
    router = APIRouter()

    def show(request: Request, actor: Actor, wanted: PeopleFilter, searched: str = "") -> Response:
        words = PageWords(language_of(request, actor), "people")
        error: UsageError | None = None
        try:
            wanted = _with_search(wanted, searched, office.clock())
        except UsageError as refused:
            error = refused
        with reading(office.engine) as connection:
            people = People(connection, office.vault, actor, office.clock())
            lines, total = ([], 0) if error else people.rows(wanted)
            employers = people.employers()
        pages = max(1, -(-total // wanted.size))
        return draw(
            request,
            "people.html",
            words,
            actor,
            lines=lines,
            total=total,
            pages=pages,
            wanted=wanted,
            searched=searched,
            employers=employers,
            # Whoever sees the people of one company only needs not be told which.
            several=len(employers) != 1 or any(one.agency for one in lines),
            kinds=tuple(Kind),
            problems=tuple(PersonProblem),
            wrong=words.explained([error])[0] if error else None,
            query=_query(wanted),
            may_add=actor.may(Action.PEOPLE_CHANGE),
            may_take=actor.may(Action.PEOPLE_EXPORT),
            narrowed=bool(wanted.company_number or wanted.kind or wanted.problem or searched),
        )

    @router.get("/people")
    def listed(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        company: _Text = "",
        kind: _Text = "",
        problem: _Text = "",
        page: _Page = 1,
    ) -> Response:
        return show(request, actor, _filter(company, kind, problem, page))

    @router.post("/people")
    def searched(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        search: Annotated[str, Form()] = "",
        company: Annotated[str, Form()] = "",
        kind: Annotated[str, Form()] = "",
        problem: Annotated[str, Form()] = "",
        page: Annotated[int, Form()] = 1,
    ) -> Response:
        wanted = _filter(company, kind, problem, min(max(page, 1), 100_000))
        return show(request, actor, wanted, search.strip()[:SEARCH_MAX])

    return router


def _filter(company: str, kind: str, problem: str, page: int) -> PeopleFilter:
    """What was chosen; a word that is none of ours chooses nothing."""
    return PeopleFilter(
        company_number=company,
        kind=kind if kind in tuple(Kind) else "",
        problem=problem if problem in tuple(PersonProblem) else "",
        page=page,
    )


def _with_search(wanted: PeopleFilter, searched: str, now_ms: int) -> PeopleFilter:
    """A name, or a number found exactly; a mistyped number is told, and not looked for."""
    digits = sum(sign.isdigit() for sign in searched)
    if digits < 4 or not set(searched) <= _NUMBER_SIGNS:
        return replace(wanted, name=searched)
    if digits == LIMOSA_DIGITS:
        return replace(wanted, limosa=parse_limosa(searched))
    return replace(wanted, inss=parse_inss(searched, brussels_day(now_ms)))


def _query(wanted: PeopleFilter) -> str:
    """The address of the list as it is narrowed, without the page; no person data is in it."""
    chosen = {
        "company": wanted.company_number,
        "kind": wanted.kind,
        "problem": wanted.problem,
    }
    return "&".join(f"{name}={value}" for name, value in chosen.items() if value)
