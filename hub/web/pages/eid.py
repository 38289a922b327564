"""Enrolling somebody with his identity card, in a reader at the hub; only where it is switched on.

    GET  /enrol/eid        what is read and why, before anything is read
    POST /enrol/eid/read   reads the card and shows what was read, to be confirmed
    POST /enrol/eid        adds the person that was confirmed

Reading the chip is a processing of its own: only what is needed, the person informed, another way
open to him (guidance of the Belgian data protection authority on reading the eID). So it is off
unless the hub's setting says otherwise, and then all three are 404 for everybody; the note stands
before every read and the box below it is ticked each time.

The reader is at the hub, so the page is for those who are: a contractor who is logged in from
elsewhere could otherwise read the card that somebody else has just put in.

The number is never on the page: it travels in the form sealed, for a quarter of an hour and for the
one who read it, and shows as its mask. Of a card that is not confirmed nothing is kept but the row
of the audit, which says who read a card and when, and neither whose nor what.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.card_reading import IdentityReader, read_card
from hub.application.people import PersonDraft
from hub.domain.audit import Noted
from hub.domain.identifiers import Inss, parse_inss
from hub.domain.identity_file import CardIdentity, Document
from hub.domain.legal_day import brussels_day
from hub.domain.people import NAME_MAX, Kind
from hub.domain.rights import Action, Role
from hub.errors import PermanentError, SitegateError, UsageError
from hub.i18n import day_text
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.people import People
from hub.web.access import Allowed
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

WAIT_S: Final = 20.0
"""How long the page waits for a card."""
CONFIRM_MS: Final = 15 * 60_000
"""How long what was read can be confirmed."""
KINDS: Final = (Kind.EMPLOYEE, Kind.SELF_EMPLOYED, Kind.TRAINEE, Kind.ACTIVE_PARTNER)
"""Whom a Belgian number alone makes ready to be registered. An agency's worker has two companies:
the page of people asks for both."""

AT_THE_HUB: Final = (Role.ADMINISTRATOR, Role.SUPERVISOR)
"""Who sits where the reader is."""

_SEALED: Final = "card"
_FIELD_OF: Final = {
    "HUB-1620": "family_name",
    "HUB-1622": "kind",
    "HUB-1624": "company",
    "HUB-1630": "works",
    "HUB-1631": "company",
    "HUB-1634": "language",
}
_Enroller = Annotated[Actor, Depends(Allowed(Action.ENROL))]
_Text = Annotated[str, Form()]


class Confirmed(BaseModel):
    """The form as it was sent; it is shown again to whoever sent it, and to nobody else."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, str_max_length=2000)

    card: str = ""
    family_name: str = ""
    given_name: str = ""
    kind: str = Kind.EMPLOYEE
    company: str = ""
    works: str = ""
    language: str = "nl"

    def __repr__(self) -> str:
        return "Confirmed()"

    __str__ = __repr__


class Card(BaseModel):
    """What the form carries sealed, beside the number what the page shows of the card."""

    model_config = ConfigDict(frozen=True)

    inss: str
    document: Document
    letter: str
    valid_until: str
    by: str
    at_ms: int

    def __repr__(self) -> str:
        return "Card()"

    __str__ = __repr__


def eid_pages(office: Office, reader: IdentityReader, wait_s: float = WAIT_S) -> APIRouter:
    """Returns the pages; all are 404 unless `eid.enabled` is set, and for who is not at the hub.

    Args:
        office: the store, the keys and the time.
        reader: the card reader of this machine.
        wait_s: seconds to wait for a card.
    """

    def switched_on() -> None:
        if not office.settings.eid.enabled:
            raise HTTPException(404)

    # Before the rights: a page that is switched off is there for nobody.
    router = APIRouter(dependencies=[Depends(switched_on)])

    def people(connection: Connection, actor: Actor) -> People:
        window_ms = office.settings.in_out.window_s * 1000
        return People(connection, office.vault, actor, office.clock(), window_ms)

    def first(request: Request, actor: Actor, errors: list[SitegateError]) -> Response:
        words = PageWords(language_of(request, actor), "eid")
        return draw(
            request,
            "eid.html",
            words,
            actor,
            422 if errors else 200,
            errors=words.explained(errors),
            wait_s=round(wait_s),
        )

    def second(
        request: Request, actor: Actor, card: Card, typed: Confirmed, errors: list[UsageError]
    ) -> Response:
        words = PageWords(language_of(request, actor), "eid")
        today = brussels_day(office.clock())
        with reading(office.engine) as connection:
            register = people(connection, actor)
            inss = parse_inss(card.inss, today)
            known = register.find(inss=inss)
            companies, works = register.companies(), register.works()
        explained = words.explained(errors)
        wrong = {_FIELD_OF.get(one.code, ""): one for one in reversed(explained)}
        return draw(
            request,
            "eid_confirm.html",
            words,
            actor,
            422 if errors else 200,
            errors=explained,
            wrong=wrong,
            typed=typed,
            masked=str(inss),
            card=card,
            valid_until=_day_text(card.valid_until, words.language),
            over=bool(card.valid_until) and card.valid_until < today.isoformat(),
            known=known,
            kinds=[(kind, words.any(f"enrol.kind.{kind}")) for kind in KINDS],
            companies=companies,
            works=[(number, f"{number} - {site}") for number, site in works],
            languages_known=list(LANGUAGE_NAMES.items()),
        )

    @router.get("/enrol/eid")
    def ask(request: Request, actor: _Enroller) -> Response:
        _is_at_the_hub(actor)
        return first(request, actor, [])

    @router.post("/enrol/eid/read")
    def read(request: Request, actor: _Enroller, informed: _Text = "") -> Response:
        _is_at_the_hub(actor)
        if not informed:
            return first(request, actor, [UsageError("HUB-1698")])
        today = brussels_day(office.clock())
        try:
            found = read_card(reader, today, wait_s)
        except SitegateError as error:
            return first(request, actor, [error])
        office.write(lambda connection: _note(connection, office, actor))
        card = _card_of(found, actor, office.clock())
        with reading(office.engine) as connection:
            register = people(connection, actor)
            companies, works = register.companies(), register.works()
        typed = Confirmed(
            card=_seal(office, card),
            family_name=found.family_name[:NAME_MAX],
            given_name=found.given_names[:NAME_MAX],
            company=companies[0][0] if len(companies) == 1 else "",
            works=works[0][0] if len(works) == 1 else "",
            language=language_of(request, actor),
        )
        return second(request, actor, card, typed, [])

    @router.post("/enrol/eid")
    def keep(request: Request, actor: _Enroller, form: Annotated[Confirmed, Form()]) -> Response:
        _is_at_the_hub(actor)
        now_ms = office.clock()
        card = _open(office, form.card, actor, now_ms)
        if card is None:
            return first(request, actor, [UsageError("HUB-1699")])
        inss = parse_inss(card.inss, brussels_day(now_ms))
        if form.kind not in KINDS:
            return second(request, actor, card, form, [UsageError("HUB-1622")])
        draft = _draft(form, inss)
        with reading(office.engine) as connection:
            problems = people(connection, actor).problems(draft)
        if problems:
            return second(request, actor, card, form, problems)
        try:
            token = office.write(lambda connection: people(connection, actor).add(draft))
        except UsageError as error:  # somebody was quicker
            return second(request, actor, card, form, [error])
        office.changed()
        return go(f"/people/{token}", "added")

    return router


def _is_at_the_hub(actor: Actor) -> None:
    if actor.role not in AT_THE_HUB:
        raise HTTPException(404)


def _note(connection: Connection, office: Office, actor: Actor) -> None:
    note(
        connection,
        office.vault,
        office.clock(),
        actor.name,
        Noted.CARD_READ,
        company_id=actor.company_id,
    )


def _draft(form: Confirmed, inss: Inss) -> PersonDraft:
    return PersonDraft(
        family_name=form.family_name,
        given_name=form.given_name,
        kind=Kind(form.kind),
        company_number=form.company or None,
        user_company_number=None,
        works_number=form.works,
        language=form.language,
        inss=inss,
    )


def _card_of(found: CardIdentity, actor: Actor, at_ms: int) -> Card:
    return Card(
        inss=found.inss.reveal(),
        document=found.document,
        letter=found.letter,
        valid_until=found.valid_until.isoformat() if found.valid_until else "",
        by=actor.name,
        at_ms=at_ms,
    )


def _seal(office: Office, card: Card) -> str:
    return office.vault.seal(_SEALED, card.model_dump_json().encode()).hex()


def _open(office: Office, sealed: str, actor: Actor, now_ms: int) -> Card | None:
    """What was read, if it was this actor who read it, and not too long ago."""
    try:
        content = office.vault.open(_SEALED, bytes.fromhex(sealed))
    except (ValueError, PermanentError):
        return None
    card = Card(**json.loads(content))
    fresh = 0 <= now_ms - card.at_ms <= CONFIRM_MS
    return card if card.by == actor.name and fresh else None


def _day_text(day: str, language: str) -> str:
    return day_text(date.fromisoformat(day), language) if day else ""
