"""Kiosks of one's sites: making this device one, revoking one, completing whom nobody knew.

GET  /kiosks                     the list, and the form that makes this device one
POST /kiosks                     makes it one; whoever did it is logged out there
POST /kiosks/{handle}/revoke     it is none any more
GET  /kiosks/newcomers           who came without being known
POST /kiosks/newcomers/{token}   one of them is completed, and registered if that is still lawful
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.people import PersonDraft
from hub.domain.people import REGISTERED_KINDS, Kind
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import moment_text
from hub.storage.engine import reading
from hub.storage.kiosks import WAYS, Kiosks, NewKiosk
from hub.storage.newcomers import Newcomers
from hub.storage.people import People, described
from hub.web.access import SESSION_COOKIE, Allowed
from hub.web.door import Door
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.entrance import forget_session
from hub.web.frame import draw, go, language_of
from hub.web.kiosk_device import remember_kiosk
from hub.web.office import Office
from hub.web.page_words import PageWords

PIN: Final = re.compile(r"\d{6,12}", re.ASCII)
KINDS: Final = tuple(kind for kind in Kind if kind in REGISTERED_KINDS and kind is not Kind.AGENCY)
"""An agency's worker has two companies: the page of people asks for both."""
_Change = Annotated[Actor, Depends(Allowed(Action.KIOSKS_CHANGE))]


class KioskForm(BaseModel):
    """The form that makes a device a kiosk, as it was sent."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, str_max_length=200)

    name: str = ""
    site: str = ""
    gate: str = ""
    way: str = "both"
    lock_minutes: str = "5"
    pin: str = ""

    def __repr__(self) -> str:
        return "KioskForm()"

    __str__ = __repr__


class NewcomerForm(BaseModel):
    """What completes somebody."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, str_max_length=200)

    given_name: str = ""
    family_name: str = ""
    kind: str = Kind.EMPLOYEE
    company: str = ""
    works: str = ""
    language: str = "nl"

    def __repr__(self) -> str:
        return "NewcomerForm()"

    __str__ = __repr__


def kiosks_pages(office: Office, door: Door) -> APIRouter:
    """Returns the addresses of whoever sets kiosks up.

    Args:
        office: the store, the keys and the time.
        door: hashes a PIN, and ends the session of whoever made his device a kiosk.
    """
    router = APIRouter()

    def kiosks(connection: Connection, actor: Actor) -> Kiosks:
        return Kiosks(connection, office.vault, actor, office.clock())

    def people(connection: Connection, actor: Actor) -> People:
        window_ms = office.settings.in_out.window_s * 1000
        return People(connection, office.vault, actor, office.clock(), window_ms)

    def page(
        request: Request, actor: Actor, form: KioskForm, errors: list[UsageError]
    ) -> Response:  # fmt: skip
        words = PageWords(language_of(request, actor), "kiosk")
        with reading(office.engine) as connection:
            mine = kiosks(connection, actor)
            rows, sites, gates = mine.rows(), mine.sites(), mine.gates()
            waiting = len(Newcomers(connection, people(connection, actor), actor).rows())
        names = dict(sites)
        return draw(
            request, "kiosks.html", words, actor, 422 if errors else 200,
            rows=rows, sites=sites, typed=form, errors=words.explained(errors), ways=WAYS,
            gates=[(gate, f"{name} - {names[where]}") for gate, name, where in gates],
            when=lambda ms: moment_text(ms, words.language, seconds=False), waiting=waiting,
        )  # fmt: skip

    @router.get("/kiosks")
    def show(request: Request, actor: _Change) -> Response:
        return page(request, actor, KioskForm(), [])

    @router.post("/kiosks")
    def make(request: Request, actor: _Change, form: Annotated[KioskForm, Form()]) -> Response:
        errors: list[UsageError] = []
        if form.pin and PIN.fullmatch(form.pin) is None:
            errors.append(UsageError("HUB-1793"))
        new = NewKiosk(form.name, _whole(form.site), form.gate, form.way, _whole(form.lock_minutes))
        with reading(office.engine) as connection:
            errors += kiosks(connection, actor).problems(new)
        if errors:
            return page(request, actor, form.model_copy(update={"pin": ""}), errors)
        pin = door.passwords.make(form.pin) if form.pin else None
        new = NewKiosk(new.name, new.site_id, new.gate, new.way, new.lock_minutes, pin)
        cookie = office.write(lambda connection: kiosks(connection, actor).add(new))
        # Nobody's login stays behind on a device that stands at a gate.
        if actor.account_id is not None:
            door.leave(request.cookies.get(SESSION_COOKIE, ""), actor.account_id)
        response = go("/kiosk")
        forget_session(response, office.settings.access)
        remember_kiosk(response, cookie, office.settings.access)
        return response

    @router.post("/kiosks/{handle}/revoke")
    def revoke(actor: _Change, handle: str) -> Response:
        try:
            office.write(lambda connection: kiosks(connection, actor).revoke(handle))
        except UsageError:
            raise HTTPException(404) from None
        return go("/kiosks", said="revoked")

    # ------------------------------------------------------------ whom nobody knew

    def waiting_page(
        request: Request,
        actor: Actor,
        token: str = "",
        form: NewcomerForm | None = None,
        errors: list[UsageError] | None = None,
    ) -> Response:
        words = PageWords(language_of(request, actor), "kiosk")
        with reading(office.engine) as connection:
            register = people(connection, actor)
            rows = Newcomers(connection, register, actor).rows()
            companies, works = register.companies(), register.works()
        return draw(
            request, "kiosk_newcomers.html", words, actor, 422 if errors else 200,
            rows=rows, companies=companies, wrong=token, typed=form,
            works=[(number, f"{number} - {site}") for number, site in works],
            kinds=[(kind, words.any(f"enrol.kind.{kind}")) for kind in KINDS],
            languages_known=list(LANGUAGE_NAMES.items()), errors=words.explained(errors or []),
            when=lambda ms: moment_text(ms, words.language, seconds=False),
        )  # fmt: skip

    @router.get("/kiosks/newcomers")
    def newcomers(request: Request, actor: _Change) -> Response:
        return waiting_page(request, actor)

    @router.post("/kiosks/newcomers/{token}")
    def complete(
        request: Request, actor: _Change, token: str, form: Annotated[NewcomerForm, Form()]
    ) -> Response:
        if form.kind not in KINDS:
            return waiting_page(request, actor, token, form, [UsageError("HUB-1622")])

        def change(connection: Connection) -> None:
            register = people(connection, actor)
            waiting = Newcomers(connection, register, actor)
            draft = _draft(described(waiting.one(token).file), form)
            register.change(token, draft)

        try:
            office.write(change)
        except UsageError as error:
            if error.code == "HUB-1621":
                raise HTTPException(404) from None
            return waiting_page(request, actor, token, form, [error])
        office.changed()
        return go("/kiosks/newcomers", said="completed")

    return router


def _draft(before: PersonDraft, form: NewcomerForm) -> PersonDraft:
    return PersonDraft(
        family_name=form.family_name,
        given_name=form.given_name,
        kind=Kind(form.kind),
        company_number=form.company or None,
        user_company_number=None,
        works_number=form.works,
        language=form.language,
        limosa_from=before.limosa_from,
        limosa_until=before.limosa_until,
        foreign_vat=before.foreign_vat,
    )


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
