"""Where a company is written to about its presences: mail address and language.

    GET  /companies/{number}/contact    the form, with the address in clear
    POST /companies/{number}/contact    keeps it; an empty address forgets it

Who may not change a contact does not see it: the page is 404 like one that does not exist.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.companies import Companies, CompanyRow
from hub.storage.contacts import Contact, Contacts
from hub.storage.engine import reading
from hub.web.access import Allowed
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

CHANGE = Allowed(Action.CONTACTS_CHANGE)


def contacts_pages(office: Office) -> APIRouter:
    """Returns the pages of the contacts."""
    router = APIRouter()

    def contacts(connection: Connection, actor: Actor) -> Contacts:
        return Contacts(connection, office.vault, actor, office.clock())

    def known(
        connection: Connection, actor: Actor, number: str
    ) -> tuple[CompanyRow, Contact | None]:
        try:
            contact = contacts(connection, actor).of(number)
            row = Companies(connection, office.vault, actor, office.clock()).row(number)
        except UsageError:
            raise HTTPException(404) from None
        return row, contact

    @router.get("/companies/{number}/contact")
    def form(request: Request, actor: Annotated[Actor, Depends(CHANGE)], number: str) -> Response:
        with reading(office.engine) as connection:
            row, contact = known(connection, actor, number)
        words = PageWords(language_of(request, actor), "companies")
        typed = (contact.address, contact.language) if contact else ("", words.language)
        return drawn(request, actor, words, row, typed, contact is not None)

    @router.post("/companies/{number}/contact")
    def change(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        address: Annotated[str, Form(max_length=400)] = "",
        language: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        with reading(office.engine) as connection:
            row, contact = known(connection, actor, number)

        def keep(connection: Connection) -> None:
            if address.strip():
                contacts(connection, actor).put(row.number, address, language)
            else:
                contacts(connection, actor).remove(row.number)

        try:
            office.write(keep)
        except UsageError as error:
            words = PageWords(language_of(request, actor), "companies")
            typed = (address, language)
            return drawn(request, actor, words, row, typed, contact is not None, error)
        return go(f"/companies/{row.number}", "contact" if address.strip() else "no_contact")

    def drawn(
        request: Request,
        actor: Actor,
        words: PageWords,
        row: CompanyRow,
        typed: tuple[str, str],
        is_known: bool,
        error: UsageError | None = None,
    ) -> Response:
        return draw(
            request,
            "contact_form.html",
            words,
            actor,
            400 if error else 200,
            row=row,
            address=typed[0],
            language=typed[1],
            is_known=is_known,
            spoken=list(LANGUAGE_NAMES.items()),
            errors=words.explained([error] if error else []),
        )

    return router
