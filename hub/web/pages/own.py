"""A worker's own page: what was registered for him, by a link that is his.

    GET  /own                           his registrations, the newest day first
    GET  /people/{token}/own-link       what the link and the code for his phone are; POST makes
                                        one and shows it this once, or ends it, or a phone

The link is given out where his badge is. Whoever holds it sees these days and nothing else: no
national number, nobody else, nothing to change. A new link ends the one before; taking it back ends
it without another.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Annotated, Final

import segno
from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from markupsafe import Markup
from sqlalchemy import Connection, select

from hub.application.access import Actor
from hub.application.phone import shown
from hub.domain.legal_day import brussels_day
from hub.domain.registration import NUMBERED, State
from hub.domain.rights import Action
from hub.i18n import day_text, moment_text, time_text
from hub.storage.engine import reading
from hub.storage.links import Purpose, make_link, revoke_links
from hub.storage.person_registrations import RecentRegistration, recent
from hub.storage.phones import code_made_ms, end_code, make_code, phones_of, revoke_phone
from hub.storage.schema import person
from hub.storage.scope import people_within
from hub.web.access import Allowed
from hub.web.entrance import link_address
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

LINK_DAYS: Final = 400
"""A link is given once for a works; who is still there after that gets another."""
DAY_MS: Final = 24 * 3600 * 1000
_Own = Annotated[Actor, Depends(Allowed(Action.OWN_SEE))]
_Change = Annotated[Actor, Depends(Allowed(Action.PEOPLE_CHANGE))]


class OwnWords(PageWords):
    """Texts of a worker's own page in one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "own")

    def state(self, row: RecentRegistration) -> tuple[str, str, str]:
        """Returns (symbol, tone, text): registered with a number, on its way, or not."""
        state = State(row.state)
        if state in NUMBERED and row.number is not None:
            return "registered", "good", self("registered", number=row.number)
        if state in (State.DUE, State.SENDING, State.IN_DOUBT):
            return "due", "warn", self("on_its_way")
        if state in (State.CANCELLED, State.DROPPED):
            return "cancelled", "none", self("withdrawn")
        return "refused", "bad", self("not_registered")

    def act(self, row: RecentRegistration) -> str:
        """Returns what was registered: the day, or one way at one moment."""
        if row.direction is None:
            return self("for_the_day")
        return self(f"act_{row.direction}", time=time_text(row.tap_ms, self.language))


def own_pages(office: Office) -> APIRouter:
    """Returns the routes of a worker's page and of the link to it."""
    router = APIRouter()

    @router.get("/own")
    def own(request: Request, actor: _Own) -> Response:
        words = OwnWords(language_of(request, actor))
        with reading(office.engine) as connection:
            token = _token_of(connection, actor)
            rows = recent(connection, actor, token) if token else []
        days = [
            (day_text(day, words.language), list(group))
            for day, group in groupby(rows, key=lambda row: row.day)
        ]
        today = brussels_day(office.clock())
        return draw(
            request,
            "own.html",
            words,
            actor,
            days=days,
            seen_today=any(row.day == today for row in rows),
        )

    @router.get("/people/{token}/own-link")
    def about(request: Request, actor: _Change, token: str) -> Response:
        return _link_page(request, actor, office, token, None)

    @router.post("/people/{token}/own-link")
    def make(
        request: Request,
        actor: _Change,
        token: str,
        end: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        phone: Annotated[str, Form()] = "",
    ) -> Response:
        if end:
            office.write(lambda connection: _end(connection, office.clock(), actor, token))
            return go(f"/people/{token}/own-link", "ended")
        if code == "new":
            made = office.write(lambda connection: _new_code(connection, office, actor, token))
            return _link_page(request, actor, office, token, None, made)
        if code or phone:
            office.write(lambda connection: _end_for(connection, office, actor, token, phone))
            return go(f"/people/{token}/own-link", "phone_ended" if phone else "code_ended")
        secret = office.write(_making(office, actor, token))
        address = link_address(request, office.settings.access, secret)
        return _link_page(request, actor, office, token, address)

    return router


def _making(office: Office, actor: Actor, token: str) -> Callable[[Connection], str]:
    def make(connection: Connection) -> str:
        person_id, _ = _found(connection, actor, token)
        now_ms = office.clock()
        return make_link(
            connection,
            office.vault,
            Purpose.WORKER,
            actor.name,
            now_ms,
            now_ms + LINK_DAYS * DAY_MS,
            person_id=person_id,
        )

    return make


def _end(connection: Connection, now_ms: int, actor: Actor, token: str) -> None:
    person_id, _ = _found(connection, actor, token)
    revoke_links(connection, now_ms, None, person_id, Purpose.WORKER)


def _new_code(connection: Connection, office: Office, actor: Actor, token: str) -> str:
    person_id, _ = _found(connection, actor, token)
    return make_code(connection, office.vault, person_id, actor.name, office.clock())


def _end_for(
    connection: Connection, office: Office, actor: Actor, token: str, phone: str
) -> None:  # fmt: skip
    """Ends a phone of his, or without one his code."""
    person_id, _ = _found(connection, actor, token)
    now_ms = office.clock()
    if phone:
        revoke_phone(connection, office.vault, phone, person_id, actor.name, now_ms)
    else:
        end_code(connection, office.vault, person_id, actor.name, now_ms)


def _found(connection: Connection, actor: Actor, token: str) -> tuple[int, str]:
    """Returns (id, name) of a person that he may change; 404 for anybody else."""
    query = select(person.c.id, person.c.given_name, person.c.family_name).where(
        person.c.token == token,
        person.c.erased_ms.is_(None),
        people_within(actor.scope(Action.PEOPLE_CHANGE)),
    )
    row = connection.execute(query).first()
    if row is None:
        raise HTTPException(404)
    return row.id, f"{row.given_name} {row.family_name}"


def _token_of(connection: Connection, actor: Actor) -> str | None:
    return connection.execute(select(person.c.token).where(person.c.id == actor.person_id)).scalar()


def _link_page(
    request: Request,
    actor: Actor,
    office: Office,
    token: str,
    address: str | None,
    personal: str = "",
) -> Response:
    words = OwnWords(language_of(request, actor))
    now_ms = office.clock()
    with reading(office.engine) as connection:
        person_id, name = _found(connection, actor, token)
        code_since = code_made_ms(connection, person_id, now_ms)
        phones = phones_of(connection, person_id, now_ms)
    code = ""
    if address is not None:
        drawn = segno.make(address, error="m").svg_inline(
            scale=6, border=2, dark="#000", light="#fff"
        )
        code = Markup(drawn)  # noqa: S704 - drawn here, of squares only
    return draw(
        request, "own_link.html", words, actor, token=token, called=name,
        address=address, code=code, personal=shown(personal), code_since=code_since, phones=phones,
        when=lambda ms: moment_text(ms, words.language, seconds=False),
    )  # fmt: skip
