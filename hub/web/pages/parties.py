"""The parties of a works declaration: who gets which place in the chain.

    GET  /works/{number}/party, POST   gives a company its place (`?company=` one that is there)
    POST /works/{number}/party/remove  takes a company out

A company that is new here is added on the way, in the same transaction.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.companies import number_text
from hub.domain.money import parse_cents
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.companies import Companies
from hub.storage.parties import Parties, PartyDraft
from hub.web.access import Allowed
from hub.web.frame import draw, go
from hub.web.office import Office
from hub.web.pages.works import draw_works, typed_day, works_chain, works_row, works_words

CHANGE = Allowed(Action.WORKS_CHANGE)
Text = Annotated[str, Form()]


def parties_pages(office: Office) -> APIRouter:
    """Returns the pages that change chains."""
    router = APIRouter()

    @router.get("/works/{number}/party")
    def party_form(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        company: str = "",
    ) -> Response:
        works_row(office, actor, number)
        typed: dict[str, str] = {}
        if company:
            line = next(
                (one for one in works_chain(office, actor, number).lines if one.number == company),
                None,
            )
            if line is None:
                raise HTTPException(404)
            typed = {
                "company": number_text(line.number),
                "name": line.name,
                "agency": "on" if line.agency else "",
                "above": line.above or "",
                "amount": "" if line.cents is None else f"{line.cents / 100:.2f}".replace(".", ","),
                "from_day": line.from_day.isoformat() if line.from_day else "",
                "until_day": line.until_day.isoformat() if line.until_day else "",
            }
        return _party_form(request, office, actor, number, company, typed)

    @router.post("/works/{number}/party")
    def put(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        known: Text = "",
        company: Text = "",
        name: Text = "",
        agency: Text = "",
        above: Text = "",
        amount: Text = "",
        from_day: Text = "",
        until_day: Text = "",
    ) -> Response:
        works_row(office, actor, number)
        typed = {
            "company": company,
            "name": name,
            "agency": agency,
            "above": above,
            "amount": amount,
            "from_day": from_day,
            "until_day": until_day,
        }

        def change(connection: Connection) -> None:
            cents = parse_cents(amount) if amount.strip() else None
            days = typed_day(from_day), typed_day(until_day)
            draft = PartyDraft(known or company, above or None, cents, *days)
            parties = Parties(connection, office.vault, actor, office.clock())
            companies = Companies(connection, office.vault, actor, office.clock())
            key = None
            if not known:
                try:
                    key = companies.id_of(company)
                except UsageError as error:
                    if error.code != "HUB-1651":
                        raise
                    key = companies.add(company, name, bool(agency))
            parties.put(number, draft, key)

        try:
            office.write(change)
        except UsageError as error:
            return _party_form(request, office, actor, number, known, typed, error)
        office.changed()
        return go(f"/works/{number}", "party")

    @router.post("/works/{number}/party/remove")
    def remove(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        company: Text = "",
    ) -> Response:
        works_row(office, actor, number)
        try:
            office.write(
                lambda connection: Parties(connection, office.vault, actor, office.clock()).remove(
                    number, company
                )
            )
        except UsageError as error:
            return draw_works(request, office, actor, number, error)
        office.changed()
        return go(f"/works/{number}", "removed")

    return router


def _party_form(
    request: Request,
    office: Office,
    actor: Actor,
    number: str,
    known: str,
    typed: dict[str, str],
    error: UsageError | None = None,
) -> Response:
    words = works_words(request, actor)
    lines = works_chain(office, actor, number).lines
    empty: dict[str, Any] = dict.fromkeys(
        ("company", "name", "agency", "above", "amount", "from_day", "until_day"), ""
    )
    top = [line for line in lines if line.level == 0]
    above = [(line.number, line.name) for line in lines if not line.agency and line.number != known]
    if not top or top[0].number == known:
        above.insert(0, ("", words("party.declares")))
    return draw(
        request,
        "party_form.html",
        words,
        actor,
        400 if error else 200,
        number=number,
        known=known,
        typed=empty | typed,
        above=above,
        errors=words.explained([error] if error else []),
    )
