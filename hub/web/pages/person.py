"""One person: what is known, with masks; badges and what happened to them; registrations; taps.

    GET  /people/{token}                            the page
    POST /people/{token}/reveal                     the page, with one number in clear, this once
    POST /people/{token}/badges/{handle}/{act}      lost, found, block, unblock, release

A number in clear is in the answer to a POST and nowhere else: no cache keeps it, no address leads
to it, and the audit has who asked and why. Who lies outside of the scope is 404 like nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.people import BadgeChange, BadgeLine, PersonFile
from hub.domain.identifiers import Inss, Limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import REASON_MAX, REASON_MIN, LimosaState, is_registered
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import moment_text
from hub.storage.badges import Badges
from hub.storage.engine import reading
from hub.storage.people import People, Which
from hub.storage.person_days import PersonDay, days_of
from hub.storage.person_registrations import RecentRegistration, recent
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

SEE: Final = Allowed(Action.PEOPLE_SEE)
REVEAL: Final = Allowed(Action.PEOPLE_REVEAL)
BADGES: Final = Allowed(Action.BADGES_CHANGE)

_SAID: Final = {
    "lost": "lost",
    "found": "found",
    "block": "blocked",
    "unblock": "unblocked",
    "release": "released",
}
_ACTS: Final = {
    "active": ("lost", "block", "release"),
    "lost": ("found", "block", "release"),
    "blocked": ("unblock", "release"),
}
_LIMOSA_TONE: Final = {
    LimosaState.RUNNING: "good",
    LimosaState.ENDING: "warn",
    LimosaState.OVER: "bad",
    LimosaState.NOT_YET: "bad",
    LimosaState.UNKNOWN: "warn",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """All of one person's page that comes from the store."""

    file: PersonFile
    badges: list[BadgeLine]
    past: list[tuple[str, BadgeChange]]
    registrations: list[RecentRegistration]
    days: list[PersonDay]


def person_pages(office: Office) -> APIRouter:
    """Returns the routes of one person."""
    router = APIRouter()

    def look(connection: Connection, actor: Actor, token: str) -> Shown:
        now_ms = office.clock()
        badges = Badges(connection, office.vault, actor, now_ms)
        try:
            file = People(connection, office.vault, actor, now_ms).row(token)
        except UsageError:
            raise HTTPException(404) from None
        return Shown(
            file,
            badges.of_person(token),
            badges.past_of_person(token),
            recent(connection, actor, token),
            days_of(connection, actor, token, now_ms),
        )

    def page(request: Request, actor: Actor, token: str, **values: Any) -> Response:
        words = PageWords(language_of(request, actor), "people")
        with reading(office.engine) as connection:
            shown = look(connection, actor, token)
        error: UsageError | None = values.pop("error", None)
        values = {"revealed": "", "which": "", "reason": "", **values}
        return draw(
            request,
            "person_page.html",
            words,
            actor,
            shown=shown,
            file=shown.file,
            registered=is_registered(shown.file.kind),
            acts=_ACTS,
            tone=_LIMOSA_TONE,
            today=brussels_day(office.clock()),
            one_day=timedelta(days=1),
            moment=lambda at_ms: moment_text(at_ms, words.language, seconds=False),
            may_erase=actor.may(Action.PEOPLE_ERASE),
            may_enrol=shown.file.may_badge and actor.may(Action.ENROL),
            reason_min=REASON_MIN,
            reason_max=REASON_MAX,
            problems=words.explained([error]) if error else [],
            **values,
        )

    @router.get("/people/{token}")
    def one(request: Request, actor: Annotated[Actor, Depends(SEE)], token: str) -> Response:
        return page(request, actor, token)

    @router.post("/people/{token}/reveal")
    def reveal(
        request: Request,
        actor: Annotated[Actor, Depends(REVEAL)],
        token: str,
        which: Annotated[str, Form()] = "inss",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        wanted: Which = "limosa" if which == "limosa" else "inss"
        typed = reason[:REASON_MAX]
        try:
            # The audit is on disk before the number leaves the store.
            number = office.write(
                lambda connection: People(connection, office.vault, actor, office.clock()).reveal(
                    token, wanted, reason
                )
            )
        except UsageError as error:
            if error.code == "HUB-1621":
                raise HTTPException(404) from None
            return page(request, actor, token, error=error, which=wanted, reason=typed)
        return page(request, actor, token, revealed=_grouped(number), which=wanted)

    @router.post("/people/{token}/badges/{handle}/{act}")
    def change_badge(
        request: Request,
        actor: Annotated[Actor, Depends(BADGES)],
        token: str,
        handle: str,
        act: str,
        note: Annotated[str, Form()] = "",
    ) -> Response:
        if act not in _SAID:
            raise HTTPException(404)

        def change(connection: Connection) -> None:
            badges = Badges(connection, office.vault, actor, office.clock())
            getattr(badges, act)(badges.by_handle(token, handle), note)

        try:
            office.write(change)
        except UsageError as error:
            if error.code != "HUB-1644":
                raise HTTPException(404) from None
            return page(request, actor, token, error=error)
        office.changed()
        return go(f"/people/{token}", f"badge_{_SAID[act]}")

    return router


def _grouped(number: Inss | Limosa) -> str:
    """A number in clear as people write it."""
    digits = number.reveal()
    if isinstance(number, Inss):
        return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}-{digits[6:9]}.{digits[9:]}"
    return " ".join((digits[:5], digits[5:9], digits[9:13], digits[13:]))
