"""Works declarations: period, customer, place, regime, the chain of parties and the threshold.

    GET  /works                        those whoever looks may see
    GET  /works/new, POST              a new one
    GET  /works/{number}               one: its facts, its chain, the meter
    GET  /works/{number}/change, POST  its facts
    POST /works/{number}/regime        under which regime it stands from a day on

What lies outside of the scope of whoever asks is 404 like what does not exist. A number that looks
mistyped is a warning beside it and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.meter_words import meter_words
from hub.application.places import ADDRESS, typed_place
from hub.domain.companies import number_text
from hub.domain.identifiers import works_number_doubts
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.domain.works import REGIMES, Regime
from hub.errors import UsageError
from hub.i18n import error_text, money_text, short_day_text
from hub.storage.declarations import Declaration, DeclarationDraft, Declarations
from hub.storage.engine import reading
from hub.storage.parties import Chain, Parties
from hub.storage.sites import Sites
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.meter_bar import meter_bar
from hub.web.office import Office
from hub.web.page_words import PageWords

SEE = Allowed(Action.WORKS_SEE)
CHANGE = Allowed(Action.WORKS_CHANGE)
T = TypeVar("T")
Text = Annotated[str, Form()]


def works_pages(office: Office) -> APIRouter:
    """Returns the pages of the works declarations."""
    router = APIRouter()
    _add_works(router, office)
    _add_changes(router, office)
    return router


def _add_works(router: APIRouter, office: Office) -> None:
    @router.get("/works")
    def listed(request: Request, actor: Annotated[Actor, Depends(SEE)]) -> Response:
        words, today = works_words(request, actor), brussels_day(office.clock())
        with reading(office.engine) as connection:
            rows = Declarations(connection, office.vault, actor, office.clock()).rows()
            parties = Parties(connection, office.vault, actor, office.clock())
            meters = {row.number: parties.chain(row.number, today).meter for row in rows}
            sites = Sites(connection, office.vault, actor, office.clock()).rows()
        return draw(
            request,
            "works_list.html",
            words,
            actor,
            rows=rows,
            meters=meters,
            sites=sites,
            may_add=actor.may(Action.WORKS_CHANGE),
            may_add_site=actor.scope(Action.SITES_CHANGE).everything,
            day_text=lambda day: short_day_text(day, words.language),
            today=today,
        )

    @router.get("/works/new")
    def new(request: Request, actor: Annotated[Actor, Depends(CHANGE)]) -> Response:
        return _works_form(request, office, actor, None, {})

    @router.post("/works/new")
    def add(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: Text = "",
        site: Text = "",
        from_day: Text = "",
        until_day: Text = "",
        customer: Text = "",
        coordinates: Text = "",
        street: Text = "",
        house: Text = "",
        postcode: Text = "",
        town: Text = "",
    ) -> Response:
        typed = _typed(
            number, site, from_day, until_day, customer, coordinates, street, house, postcode, town
        )

        def change(connection: Connection) -> str:
            draft = _draft(connection, office, actor, typed)
            store = Declarations(connection, office.vault, actor, office.clock())
            return store.add(number, draft)

        try:
            added = office.write(change)
        except UsageError as error:
            return _works_form(request, office, actor, None, typed, error)
        office.changed()
        return go(f"/works/{added}", "added")

    @router.get("/works/{number}")
    def one(request: Request, actor: Annotated[Actor, Depends(SEE)], number: str) -> Response:
        return draw_works(request, office, actor, number)


def _add_changes(router: APIRouter, office: Office) -> None:
    @router.get("/works/{number}/change")
    def change_form(
        request: Request, actor: Annotated[Actor, Depends(CHANGE)], number: str
    ) -> Response:
        row = works_row(office, actor, number)
        with reading(office.engine) as connection:
            handle = Sites(connection, office.vault, actor, office.clock()).handle(row.site_id)
        return _works_form(request, office, actor, row, _typed_of(row, handle))

    @router.post("/works/{number}/change")
    def change(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        site: Text = "",
        from_day: Text = "",
        until_day: Text = "",
        customer: Text = "",
        coordinates: Text = "",
        street: Text = "",
        house: Text = "",
        postcode: Text = "",
        town: Text = "",
    ) -> Response:
        row = works_row(office, actor, number)
        typed = _typed(
            number, site, from_day, until_day, customer, coordinates, street, house, postcode, town
        )

        def change(connection: Connection) -> None:
            draft = _draft(connection, office, actor, typed)
            Declarations(connection, office.vault, actor, office.clock()).change(number, draft)

        try:
            office.write(change)
        except UsageError as error:
            return _works_form(request, office, actor, row, typed, error)
        office.changed()
        return go(f"/works/{number}", "changed")

    @router.post("/works/{number}/regime")
    def regime(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        regime: Text = "",
        from_day: Text = "",
    ) -> Response:
        works_row(office, actor, number)

        def change(connection: Connection) -> None:
            day = typed_day(from_day)
            chosen: Regime | None = next((one for one in REGIMES if one == regime), None)
            if day is None or chosen is None:
                raise UsageError("HUB-1668")
            store = Declarations(connection, office.vault, actor, office.clock())
            store.set_regime(number, day, chosen)

        try:
            office.write(change)
        except UsageError as error:
            typed = {"regime": regime, "from_day": from_day}
            return draw_works(request, office, actor, number, error, typed)
        office.changed()
        return go(f"/works/{number}", "changed")


# ---------------------------------------------------------------- how


def works_words(request: Request, actor: Actor) -> PageWords:
    """Returns the texts of the pages of works."""
    return PageWords(language_of(request, actor), "works")


def _found(call: Callable[[], T]) -> T:
    try:
        return call()
    except UsageError:
        raise HTTPException(404) from None


def works_row(office: Office, actor: Actor, number: str) -> Declaration:
    """Returns a declaration; outside of the scope of whoever asks it is 404."""
    with reading(office.engine) as connection:
        store = Declarations(connection, office.vault, actor, office.clock())
        return _found(lambda: store.row(number))


def works_chain(office: Office, actor: Actor, number: str) -> Chain:
    """Returns the chain of a declaration as whoever asks may see it, or 404."""
    with reading(office.engine) as connection:
        store = Parties(connection, office.vault, actor, office.clock())
        return _found(lambda: store.chain(number, brussels_day(office.clock())))


def typed_day(typed: str) -> date | None:
    """Returns the day that was typed, None for none.

    Raises:
        UsageError: HUB-1668, it is none.
    """
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise UsageError("HUB-1668") from None


def _typed(*values: str) -> dict[str, str]:
    names = ("number", "site", "from_day", "until_day", "customer", "coordinates", "street",
             "house", "postcode", "town")  # fmt: skip
    return dict(zip(names, values, strict=True))


def _typed_of(row: Declaration, site: str) -> dict[str, str]:
    place = row.place
    address = dict(place.address or {}) if place is not None else {}
    point = ""
    if place is not None and place.latitude is not None:
        point = f"{place.latitude}, {place.longitude}"
    return _typed(
        row.number,
        site,
        row.from_day.isoformat() if row.from_day else "",
        row.until_day.isoformat() if row.until_day else "",
        row.customer or "",
        point,
        *(address.get(part, "") for part in ADDRESS),
    )


def _draft(
    connection: Connection, office: Office, actor: Actor, typed: dict[str, str]
) -> DeclarationDraft:
    sites = Sites(connection, office.vault, actor, office.clock())
    return DeclarationDraft(
        sites.row(typed["site"], Action.WORKS_CHANGE).id,
        typed_day(typed["from_day"]),
        typed_day(typed["until_day"]),
        typed["customer"],
        typed_place(
            typed["coordinates"],
            [typed[name] for name in ("street", "house", "postcode", "town")],
        ),
    )


def draw_works(
    request: Request,
    office: Office,
    actor: Actor,
    number: str,
    error: UsageError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """Returns the page of one declaration, with what was wrong and what was typed into it."""
    words = works_words(request, actor)
    row = works_row(office, actor, number)
    seen = works_chain(office, actor, number)
    with reading(office.engine) as connection:
        sites = Sites(connection, office.vault, actor, office.clock())
        handle = sites.handle(row.site_id)
    names = {line.number: line.name for line in seen.lines}
    language = words.language
    return draw(
        request,
        "works.html",
        words,
        actor,
        400 if error else 200,
        row=row,
        handle=handle,
        chain=seen,
        names=names,
        own_company=any(line.stand == "own" for line in seen.lines),
        told=None if seen.meter is None else meter_words(seen.meter, row.from_day, language),
        bar=None if seen.meter is None else meter_bar(seen.meter),
        doubts=[error_text(code, language) for code in works_number_doubts(row.number)],
        errors=words.explained([error] if error else []),
        typed={"regime": "in_out", "from_day": ""} | (typed or {}),
        regimes=[(one, words(f"regime.{one}")) for one in REGIMES],
        day_text=lambda day: short_day_text(day, language),
        money=lambda cents: money_text(cents, language),
        number_text=number_text,
    )


def _works_form(
    request: Request,
    office: Office,
    actor: Actor,
    row: Declaration | None,
    typed: dict[str, str],
    error: UsageError | None = None,
) -> Response:
    words = works_words(request, actor)
    with reading(office.engine) as connection:
        sites = Sites(connection, office.vault, actor, office.clock()).rows(Action.WORKS_CHANGE)
    return draw(
        request,
        "works_form.html",
        words,
        actor,
        400 if error else 200,
        row=row,
        typed=_typed(*[""] * 10) | typed,
        sites=[(one.handle, one.name) for one in sites],
        errors=words.explained([error] if error else []),
    )
