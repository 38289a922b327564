"""The worker's phone page: in and out by one's own phone, at the site whose poster was scanned.

GET  /phone                      the site that this phone used last, or those it knows
GET  /phone/app.webmanifest      makes it installable; its icons and its script beside it
GET  /phone/{site}               the page; for a phone that is not known, how it becomes so
POST /phone/{site}/enter         a personal code makes it known
POST /phone/{site}/remember      a personal link did; the phone stays known without it
POST /phone/{site}/act           in or out, from the form: works without JavaScript
POST /phone/{site}/act.json      the same from the script, with what the phone had kept
GET  /phone/{site}/state.json    how far the newest acts have come
GET  /phone/{site}/offline       the page without anything of anybody, for the phone to keep
POST /phone/{site}/forget        this phone is a stranger from now on

What the browser keeps is in `static/phone-store.js`.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from itertools import groupby
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from pydantic import ValidationError
from sqlalchemy import select

from hub.application.access import Actor
from hub.application.phone import clean_code
from hub.domain.rights import Action
from hub.errors import SitegateError, TransientError, UsageError
from hub.i18n import LANGUAGES, day_text
from hub.storage.engine import reading
from hub.storage.person_registrations import recent
from hub.storage.phone_acts import location_asked
from hub.storage.phones import (
    SEEN_MS,
    Phone,
    add_phone,
    first_site,
    note_used,
    person_of_code,
    revoke_phone,
    sites_of,
)  # fmt: skip
from hub.storage.schema import site
from hub.web.access import FORM_FIELD, Allowed, anyone, signed_in
from hub.web.drawing import LANGUAGE_NAMES, STATIC, asset, template
from hub.web.entrance import address_of, check_before, form_token, remember_form
from hub.web.frame import LANGUAGE_COOKIE, LANGUAGE_COOKIE_S, language_of
from hub.web.office import Office
from hub.web.pages.own import OwnWords
from hub.web.phone_acts import PhoneActs, PhoneWords, SentAct
from hub.web.phone_device import (
    COOKIE,
    AtPhone,
    Paces,
    forget_phone,
    known_phone,
    remember_phone,
)  # fmt: skip

HOME: Final = "/phone"
ICONS: Final = (192, 512)
_OPEN: Final = [Depends(anyone)]
_Visitor = Annotated[Actor | None, Depends(signed_in)]
_Text = Annotated[str, Form(max_length=200)]
_STATUS: Final = {"HUB-1821": 429, "HUB-1822": 429}


def phone_pages(office: Office, acts: PhoneActs, paces: Paces) -> APIRouter:
    """Returns the addresses of workers' phones.

    Args:
        office: the store, the keys and the time.
        acts: keeps what is done.
        paces: how often codes are tried and acts are made.
    """
    router = APIRouter()
    at_phone = [Depends(AtPhone(office))]
    window_ms = office.settings.in_out.window_s * 1000

    # ------------------------------------------------------------ what is needed everywhere

    def handle_of(site_id: int) -> str:
        return office.vault.index("site", str(site_id)).hex()[:16]

    def site_of(handle: str) -> tuple[int, str]:
        """Returns (row, name) of a site; 404 when there is none."""
        with reading(office.engine) as connection:
            for row in connection.execute(select(site.c.id, site.c.name)):
                if handle_of(row.id) == handle:
                    return row.id, row.name
        raise HTTPException(404)

    def drawn(
        request: Request, name: str, words: PhoneWords, status: int = 200, **values: Any
    ) -> HTMLResponse:
        html = template(name).render(
            words=words, asset=asset, languages=LANGUAGE_NAMES, csrf_field=FORM_FIELD, **values
        )
        response = HTMLResponse(html, status)
        response.headers["Content-Language"] = words.language
        response.headers["Vary"] = "Accept-Language, Cookie"
        asked = request.query_params.get("lang")
        if asked in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, asked, max_age=LANGUAGE_COOKIE_S, httponly=True,
                samesite="lax", path="/",
            )  # fmt: skip
        return response

    def refusal(response: Response, error: SitegateError | None) -> Response:
        if isinstance(error, TransientError):
            response.headers["Retry-After"] = str(error.extra.get("seconds", 60))
        return response

    def page(
        request: Request, one: Phone, handle: str, error: SitegateError | None = None
    ) -> Response:
        site_id, name = site_of(handle)
        now_ms = office.clock()
        words = PhoneWords(language_of(request, one.actor))
        own = OwnWords(words.language)
        with reading(office.engine) as connection:
            rows = recent(connection, one.actor, one.token)
            places = sites_of(connection, one)
            location = location_asked(connection, site_id)
        if now_ms - one.seen_ms >= SEEN_MS or site_id != next((i for i, _ in places), None):
            office.write(lambda connection: note_used(connection, one, site_id, now_ms))
        newest = [act for act in acts.recent(one) if act.site_id == site_id][:1]
        days = [
            (day_text(day, words.language), list(group))
            for day, group in groupby(rows, key=lambda row: row.day)
        ]
        status = 200 if error is None else _STATUS.get(error.code, 422)
        response = drawn(
            request, "phone.html", words, status,
            handle=handle, site=name, phone=one, csrf=one.csrf, location=str(location),
            reference=new_reference(one), days=days, own=own, offline=False,
            act=words.told(newest[0], window_ms) if newest else None,
            errors=words.explained([error] if error else []),
            others=[(handle_of(i), called) for i, called in places if i != site_id],
        )  # fmt: skip
        remember_phone(response, request.cookies[COOKIE], office.settings.access)
        return refusal(response, error)

    def entry(
        request: Request,
        handle: str,
        actor: Actor | None,
        error: SitegateError | None = None,
        ended: bool = False,
    ) -> Response:
        """The page for a phone that is not known: it tells nothing, not even of which site."""
        words = PhoneWords(language_of(request, actor))
        linked = actor is not None and actor.may(Action.OWN_ACT)
        token = form_token(request)
        status = 200 if error is None else _STATUS.get(error.code, 422)
        response = drawn(
            request, "phone_enter.html", words, status,
            handle=handle, linked=linked, ended=ended,
            csrf=actor.csrf if actor is not None and linked else token,
            errors=words.explained([error] if error else []),
        )  # fmt: skip
        if not linked:
            remember_form(response, token, office.settings.access)
        if ended:
            forget_phone(response, office.settings.access)
        return refusal(response, error)

    # ------------------------------------------------------------ what makes it installable

    @router.get("/phone/app.webmanifest", dependencies=_OPEN)
    def manifest(request: Request) -> Response:
        words = PhoneWords(language_of(request))
        return JSONResponse(
            {
                "name": words("app"),
                "short_name": words("app_short"),
                "lang": words.language,
                "id": HOME,
                "start_url": HOME,
                "scope": HOME,
                "display": "standalone",
                "background_color": "#17324d",
                "theme_color": "#17324d",
                "icons": [
                    {
                        "src": asset(f"phone-{size}.png"),
                        "sizes": f"{size}x{size}",
                        "type": "image/png",
                    }
                    for size in ICONS
                ],
            },
            media_type="application/manifest+json",
        )

    @router.get("/phone/worker.js", dependencies=_OPEN)
    def worker() -> Response:
        headers = {"Service-Worker-Allowed": HOME, "Cache-Control": "no-cache"}
        return FileResponse(
            STATIC / "phone-worker.js", headers=headers, media_type="text/javascript"
        )

    # ------------------------------------------------------------ pages

    @router.get("/phone", dependencies=_OPEN)
    def home(request: Request, actor: _Visitor, ended: str = "") -> Response:
        one = known_phone(office, request)
        if one is None:
            return entry(request, "", actor, ended=bool(ended))
        with reading(office.engine) as connection:
            first = first_site(connection, one)
        return RedirectResponse(f"{HOME}/{handle_of(first)}", 303)

    @router.get("/phone/{handle}", dependencies=_OPEN)
    def show(
        request: Request,
        handle: str,
        actor: _Visitor,
        ended: str = "",
    ) -> Response:
        one = known_phone(office, request)
        if one is None:
            return entry(request, handle, actor, ended=bool(ended))
        return page(request, one, handle)

    @router.get("/phone/{handle}/offline", dependencies=at_phone)
    def offline(request: Request, handle: str) -> Response:
        one: Phone = request.state.phone
        site_id, name = site_of(handle)
        with reading(office.engine) as connection:
            location = location_asked(connection, site_id)
        return drawn(
            request, "phone.html", PhoneWords(language_of(request, one.actor)),
            handle=handle, site=name, phone=one, csrf="", location=str(location), reference="",
            days=[], own=None, offline=True, act=None, errors=[], others=[],
        )  # fmt: skip

    # ------------------------------------------------------------ making a phone known

    def made_known(cookie: str, handle: str) -> Response:
        response = RedirectResponse(f"{HOME}/{handle}" if handle else HOME, 303)
        remember_phone(response, cookie, office.settings.access)
        return response

    @router.post("/phone/enter", dependencies=_OPEN)
    @router.post("/phone/{handle}/enter", dependencies=_OPEN)
    async def enter(request: Request, handle: str = "") -> Response:
        fields = await check_before(request)
        return await run_in_threadpool(let_in, request, handle, fields.get("code", ""))

    def let_in(request: Request, handle: str, typed: str) -> Response:
        now_ms, address = office.clock(), address_of(request)
        stands_for = sha256(clean_code(typed).encode("utf-8", "replace")).hexdigest()
        try:
            paces.may_try(address, stands_for)
            cookie = office.write(
                lambda connection: add_phone(
                    connection,
                    office.vault,
                    person_of_code(connection, office.vault, typed, now_ms),
                    "code",
                    now_ms,
                )
            )
        except (UsageError, TransientError) as error:
            if error.code == "HUB-1820":
                paces.wrong(address)
            return entry(request, handle, None, error)
        return made_known(cookie, handle)

    @router.post("/phone/remember")
    @router.post("/phone/{handle}/remember")
    def remember(
        actor: Annotated[Actor, Depends(Allowed(Action.OWN_ACT))], handle: str = ""
    ) -> Response:
        person_id, now_ms = actor.person_id, office.clock()
        if person_id is None:
            raise HTTPException(404)
        cookie = office.write(
            lambda connection: add_phone(connection, office.vault, person_id, "link", now_ms)
        )
        return made_known(cookie, handle)

    @router.post("/phone/{handle}/forget", dependencies=at_phone)
    def forget(request: Request, handle: str) -> Response:
        one: Phone = request.state.phone
        now_ms = office.clock()
        office.write(
            lambda connection: revoke_phone(
                connection, office.vault, one.id, one.person_id, one.id, now_ms
            )
        )
        response = RedirectResponse(f"{HOME}/{handle}", 303)
        forget_phone(response, office.settings.access)
        return response

    # ------------------------------------------------------------ in and out

    @router.post("/phone/{handle}/act", dependencies=at_phone)
    def act(request: Request, handle: str, way: _Text = "", reference: _Text = "") -> Response:
        one: Phone = request.state.phone
        site_id, _ = site_of(handle)
        try:
            paces.may_act(address_of(request), one.id)
            acts.enter(one, site_id, SentAct(reference=reference, way=way))
        except ValidationError:
            return page(request, one, handle, UsageError("HUB-1780"))
        except (UsageError, TransientError) as error:
            return page(request, one, handle, error)
        return RedirectResponse(f"{HOME}/{handle}", 303)

    @router.post("/phone/{handle}/act.json", dependencies=at_phone)
    def act_by_script(request: Request, handle: str, sent: SentAct) -> Response:
        one: Phone = request.state.phone
        site_id, _ = site_of(handle)
        words = PhoneWords(language_of(request, one.actor))
        try:
            paces.may_act(address_of(request), one.id)
            moment = acts.enter(one, site_id, sent)
        except (UsageError, TransientError) as error:
            told = words.explained([error])[0]
            body = {"reference": sent.reference, "word": told.happened, "say": told.next}
            return refusal(JSONResponse(body, _STATUS.get(error.code, 422)), error)
        told = words.told(acts.one(one, sent.reference), window_ms)
        return JSONResponse({**told, "clock": words.clock(moment)})

    @router.get("/phone/{handle}/state.json", dependencies=at_phone)
    def state(request: Request, handle: str) -> Response:
        one: Phone = request.state.phone
        site_of(handle)
        words = PhoneWords(language_of(request, one.actor))
        told = [words.told(act, window_ms) for act in acts.recent(one)]
        return JSONResponse({"csrf": one.csrf, "acts": told})

    return router


def new_reference(one: Phone) -> str:
    """Returns a name for the next act of a phone; whose phone made it stands in it."""
    return f"{one.id.removeprefix('phone-')}-{secrets.token_urlsafe(12)}"
