"""Companies: who works on the site, for whom, and how many people of each.

    GET  /companies                    those whoever looks may see, by name
    GET  /companies/new                the form of a new one
    POST /companies/new                adds it, and gives it its place in a works declaration
    GET  /companies/{number}           one company, and where it takes part
    GET  /companies/{number}/change    the form of one
    POST /companies/{number}/change    changes it

A company outside of the scope of whoever asks is 404 like one that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.companies import number_text
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import clock_text, weekday_text
from hub.storage.companies import Companies, CompanyRow
from hub.storage.company_week import company_week
from hub.storage.contacts import Contacts
from hub.storage.declarations import Declarations
from hub.storage.engine import reading
from hub.storage.parties import Parties, PartyDraft
from hub.storage.reminding import may_remind
from hub.web.access import Allowed
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.remarks import remark_text

SEE = Allowed(Action.COMPANIES_SEE)
CHANGE = Allowed(Action.COMPANIES_CHANGE)
PAGE: Final = 50
"""Rows a page."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where a company takes part, for the page."""

    works: str
    site: str
    above: str
    agency: bool
    level: int | None
    """In the chain, 0 for the declaring contractor; None for who does not see the whole chain."""


def companies_pages(office: Office) -> APIRouter:
    """Returns the pages of the companies."""
    router = APIRouter()

    def companies(connection: Connection, actor: Actor) -> Companies:
        return Companies(connection, office.vault, actor, office.clock())

    def row_of(connection: Connection, actor: Actor, number: str) -> CompanyRow:
        try:
            return companies(connection, actor).row(number)
        except UsageError:
            raise HTTPException(404) from None

    @router.get("/companies")
    def listed(request: Request, actor: Annotated[Actor, Depends(SEE)], page: int = 1) -> Response:
        with reading(office.engine) as connection:
            rows = companies(connection, actor).rows()
        pages = max(1, -(-len(rows) // PAGE))
        page = min(max(page, 1), pages)
        return draw(
            request,
            "companies.html",
            _words(request, actor),
            actor,
            rows=rows[(page - 1) * PAGE : page * PAGE],
            count=len(rows),
            page=page,
            pages=pages,
            may_add=actor.may(Action.COMPANIES_CHANGE),
            number_text=number_text,
        )

    @router.get("/companies/new")
    def new(request: Request, actor: Annotated[Actor, Depends(CHANGE)]) -> Response:
        return form(request, actor, None, {})

    @router.post("/companies/new")
    def add(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        agency: Annotated[str, Form()] = "",
        place: Annotated[str, Form()] = "",
    ) -> Response:
        typed = {"number": number, "name": name, "agency": agency, "place": place}
        works_number, _, above = place.partition("/")

        def change(connection: Connection) -> None:
            if not works_number and not actor.scope(Action.COMPANIES_CHANGE).everything:
                # A company that takes part nowhere is on none of his sites.
                raise UsageError("HUB-1657")
            key = companies(connection, actor).add(number, name, bool(agency))
            if works_number:
                parties = Parties(connection, office.vault, actor, office.clock())
                parties.put(works_number, PartyDraft(number, above or None), key)

        try:
            office.write(change)
        except UsageError as error:
            return form(request, actor, None, typed, error)
        office.changed()
        return go("/companies", "added")

    @router.get("/companies/{number}")
    def one(request: Request, actor: Annotated[Actor, Depends(SEE)], number: str) -> Response:
        with reading(office.engine) as connection:
            row = row_of(connection, actor, number)
            parts = _parts(connection, office, actor, row)
            week = company_week(connection, actor, row.id, office.clock())
            contacts = Contacts(connection, office.vault, actor, office.clock())
            reachable = contacts.changeable(row.id)
            contact = contacts.of(row.number) if reachable else None
        words = _words(request, actor)
        today = brussels_day(office.clock())
        return draw(
            request,
            "company.html",
            words,
            actor,
            row=row,
            parts=parts,
            week=week,
            period=(week.days[-1].day, week.days[0].day),
            remark=lambda one: remark_text(words, one),
            day_text=lambda of: weekday_text(of, words.language),
            time_text=lambda ms: clock_text(ms, words.language, today),
            number_text=number_text,
            own=actor.company_id == row.id,
            contact=contact,
            reachable=reachable,
            spoken=LANGUAGE_NAMES,
            sees_reminders=actor.may(Action.REPORTS_SEE),
            reminds=may_remind(actor) and actor.company_id != row.id,
        )

    @router.get("/companies/{number}/change")
    def change_form(
        request: Request, actor: Annotated[Actor, Depends(CHANGE)], number: str
    ) -> Response:
        with reading(office.engine) as connection:
            row = row_of(connection, actor, number)
        typed = {
            "number": number_text(row.number),
            "name": row.name,
            "agency": "on" if row.agency else "",
        }
        return form(request, actor, row, typed)

    @router.post("/companies/{number}/change")
    def change(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        new_number: Annotated[str, Form(alias="number")] = "",
        name: Annotated[str, Form()] = "",
        agency: Annotated[str, Form()] = "",
    ) -> Response:
        with reading(office.engine) as connection:
            row = row_of(connection, actor, number)
        typed = {"number": new_number, "name": name, "agency": agency}
        try:
            kept = office.write(
                lambda connection: companies(connection, actor).change(
                    row.number, name, bool(agency), new_number
                )
            )
        except UsageError as error:
            return form(request, actor, row, typed, error)
        office.changed()
        return go(f"/companies/{kept}", "changed")

    def form(
        request: Request,
        actor: Actor,
        row: CompanyRow | None,
        typed: dict[str, str],
        error: UsageError | None = None,
    ) -> Response:
        words = _words(request, actor)
        with reading(office.engine) as connection:
            places = [] if row is not None else _places(connection, office, actor, words)
        return draw(
            request,
            "company_form.html",
            words,
            actor,
            400 if error else 200,
            row=row,
            typed={"number": "", "name": "", "agency": "", "place": ""} | typed,
            errors=words.explained([error] if error else []),
            places=places,
            number_text=number_text,
        )

    return router


def _words(request: Request, actor: Actor) -> PageWords:
    return PageWords(language_of(request, actor), "companies")


def _parts(connection: Connection, office: Office, actor: Actor, row: CompanyRow) -> list[Part]:
    """Where a company takes part, of what whoever asks may see."""
    parties = Parties(connection, office.vault, actor, office.clock())
    works = Declarations(connection, office.vault, actor, office.clock()).rows()
    sites = {one.number: one.site for one in works}
    parts: list[Part] = []
    for number in row.works:
        lines = parties.chain(number, brussels_day(office.clock())).lines
        names = {line.number: line.name for line in lines}
        for line in lines:
            if line.number == row.number:
                above = names.get(line.above or "", "")
                parts.append(Part(number, sites[number], above, line.agency, line.level))
    return parts


def _places(
    connection: Connection, office: Office, actor: Actor, words: PageWords
) -> list[tuple[str, str]]:
    """Where a new company can stand: `works/company above`, and what that is called."""
    everything = actor.scope(Action.COMPANIES_CHANGE).everything
    places = [("", words("nowhere"))] if everything else []
    parties = Parties(connection, office.vault, actor, office.clock())
    for one in Declarations(connection, office.vault, actor, office.clock()).rows():
        lines = parties.chain(one.number, brussels_day(office.clock())).lines
        if not lines:
            top = words("place_top", works=one.number, site=one.site)
            places.append((f"{one.number}/", top))
        places.extend(
            (
                f"{one.number}/{line.number}",
                words("place_below", works=one.number, site=one.site, company=line.name),
            )
            for line in lines
            if not line.agency
        )
    return places
