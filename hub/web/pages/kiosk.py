"""The kiosk: who has no badge says who he is, and sees that it is kept, then registered.

GET  /kiosk             the screen of the moment; elsewhere than at a kiosk, what one is
GET  /kiosk/turn.json   how far what is on the screen has come
POST /kiosk/number      a number was typed
POST /kiosk/who         one of several employers was chosen
POST /kiosk/newcomer    who is not known says who he is
GET  /kiosk/card        what an identity card is read for; POST reads it
GET  /kiosk/visit       visitor or delivery; POST notes him
GET  /kiosk/emergency   an emergency service; POST notes it
POST /kiosk/language    another language, until the next person
POST /kiosk/next        the next person

No address and no history holds anything of anybody: see `hub.web.kiosk_device`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from hub.application.access import Actor
from hub.application.acts import Means
from hub.application.card_reading import IdentityReader, read_card
from hub.domain.audit import Noted
from hub.domain.identifiers import Inss, Limosa
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.i18n import LANGUAGES
from hub.storage.audit import note
from hub.storage.kiosks import SEEN_MS, Kiosk, note_used
from hub.web.frame import draw, go, language_of
from hub.web.kiosk_acts import SERVICES, KioskActs, number_of
from hub.web.kiosk_device import COOKIE, AtKiosk, Turn, Turns, remember_kiosk
from hub.web.kiosk_words import KioskWords, draw_screen
from hub.web.office import Office
from hub.web.page_words import PageWords

WAIT_S: Final = 20.0
"""How long a screen waits for a card."""
HOME: Final = "/kiosk"
_Text = Annotated[str, Form(max_length=200)]


def kiosk_pages(
    office: Office, acts: KioskActs, turns: Turns, reader: IdentityReader, wait_s: float = WAIT_S
) -> APIRouter:
    """Returns the addresses of the part that is open to everybody at a kiosk.

    Args:
        office: the store, the keys and the time.
        acts: keeps what is done.
        turns: what stands on each screen.
        reader: the card reader of this machine.
        wait_s: seconds to wait for a card.
    """
    router = APIRouter()
    at_kiosk = AtKiosk(office)
    first = Depends(AtKiosk(office, elsewhere=True))
    here = [Depends(at_kiosk)]

    def words_of(request: Request, turn: Turn) -> KioskWords:
        return KioskWords(language(request.state.kiosk, turn))

    def screen(request: Request, name: str, turn: Turn, **values: Any) -> Response:
        device: Kiosk = request.state.kiosk
        errors = turn.errors
        words = words_of(request, turn)
        return draw_screen(
            name, words, device, turn, office.clock(),
            cards=office.settings.eid.enabled, errors=words.explained(errors), **values,
        )  # fmt: skip

    def refuse(turn: Turn, error: SitegateError, **typed: str) -> None:
        turn.errors = (error,)
        turn.typed = typed

    @router.get(HOME, response_class=HTMLResponse)
    def show(request: Request, actor: Actor = first) -> Response:
        device: Kiosk | None = request.state.kiosk
        if device is None:
            if actor.may(Action.KIOSKS_CHANGE):
                return go("/kiosks")
            words = PageWords(language_of(request, actor), "kiosk")
            return draw(request, "kiosk_elsewhere.html", words, actor)
        now_ms = office.clock()
        if now_ms - device.seen_ms >= SEEN_MS:
            office.write(lambda connection: note_used(connection, device.id, now_ms))
        turn = turns.of(device, touch=False)
        values: dict[str, Any] = {}
        if turn.told is not None:
            stage, number = acts.standing(turn.told)
            values = {"stage": stage, "number": number}
        if turn.page == "newcomer":
            values["companies"] = acts.look(device, lambda desk: desk.companies())
        response = screen(request, f"kiosk_{turn.page}.html", turn, **values)
        remember_kiosk(response, request.cookies[COOKIE], office.settings.access)
        return response

    @router.get("/kiosk/turn.json", dependencies=here)
    def how_far(request: Request) -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device, touch=False)
        if turn.told is None:
            return JSONResponse({"over": True})
        stage, number = acts.standing(turn.told)
        words = words_of(request, turn)
        waited_ms = office.clock() - turn.told.at_ms
        return JSONResponse(
            {
                "over": False,
                "stage": stage,
                "word": words.stage(stage, turn.told, number),
                "say": words.say(stage, turn.told, waited_ms),
            }
        )

    # ------------------------------------------------------------ who somebody is

    def known(device: Kiosk, turn: Turn, number: Inss | Limosa, reference: str) -> None:
        """Goes on with a good number: to what is kept, to a choice, or to who is not known."""
        found = acts.look(device, lambda desk: desk.by_number(number))
        if len(found) == 1:
            acts.enter(device, turn, found[0], Means(turn.means), turn.way, reference)
            return
        turn.number, turn.chosen = number, tuple(found)
        turn.page = "choose" if found else "newcomer"
        if not found:
            turns.wrong(device)

    @router.post("/kiosk/number", dependencies=here)
    def typed(
        request: Request, number: _Text = "", way: _Text = "in", reference: _Text = ""
    ) -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device)
        turn.errors, turn.way = (), way
        try:
            turns.may_try(device)
            found = number_of(number, office.clock())
        except SitegateError as error:
            if error.code == "HUB-1782":
                turns.wrong(device)
            refuse(turn, error, number=number)
            return RedirectResponse(HOME, 303)
        turn.means = str(Means.INSS if isinstance(found, Inss) else Means.LIMOSA)
        try:
            known(device, turn, found, reference)
        except UsageError as error:
            turns.next(device)
            refuse(turns.of(device), error)
        return RedirectResponse(HOME, 303)

    @router.post("/kiosk/who", dependencies=here)
    def choose(request: Request, person: _Text = "") -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device)
        who = next((one for one in turn.chosen if one.token == person), None)
        if who is not None:
            acts.enter(device, turn, who, Means(turn.means), turn.way)
        return RedirectResponse(HOME, 303)

    @router.post("/kiosk/newcomer", dependencies=here)
    async def unknown(request: Request) -> Response:
        fields = await fields_of(request)
        return await run_in_threadpool(add_unknown, request, fields)

    def add_unknown(request: Request, fields: dict[str, str]) -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device)
        if turn.page == "newcomer":
            try:
                acts.newcomer(device, turn, fields, language(device, turn))
            except UsageError as error:
                refuse(turn, error, **fields)
        return RedirectResponse(HOME, 303)

    # ------------------------------------------------------------ identity card

    def card_is_read() -> None:
        if not office.settings.eid.enabled:
            raise HTTPException(404)

    @router.get("/kiosk/card", dependencies=[*here, Depends(card_is_read)])
    def ask_card(request: Request) -> Response:
        turn = turns.of(request.state.kiosk)
        return screen(request, "kiosk_card.html", turn, wait_s=round(wait_s))

    @router.post("/kiosk/card", dependencies=[*here, Depends(card_is_read)])
    def read(request: Request, way: _Text = "in", reference: _Text = "") -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device)
        turn.errors, turn.way, turn.means = (), way, str(Means.CARD)
        try:
            found = read_card(reader, brussels_day(office.clock()), wait_s)
        except SitegateError as error:
            refuse(turns.of(device), error)
            return RedirectResponse("/kiosk/card", 303)
        now_ms = office.clock()
        office.write(
            lambda connection: note(
                connection, office.vault, now_ms, device.id, Noted.CARD_READ,
                site_id=device.site_id,
            )
        )  # fmt: skip
        turn = turns.of(device)
        turn.way, turn.means = way, str(Means.CARD)
        turn.typed = {"given_name": found.given_names, "family_name": found.family_name}
        try:
            known(device, turn, found.inss, reference)
        except UsageError as error:
            refuse(turn, error)
        return RedirectResponse(HOME, 303)

    # ------------------------------------------------------------ who works for nobody here

    @router.get("/kiosk/visit", dependencies=here)
    def ask_visit(request: Request) -> Response:
        return screen(request, "kiosk_visit.html", turns.of(request.state.kiosk))

    @router.post("/kiosk/visit", dependencies=here)
    async def visit(request: Request) -> Response:
        fields = await fields_of(request)
        return await run_in_threadpool(add_visit, request, fields)

    def add_visit(request: Request, fields: dict[str, str]) -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device)
        try:
            acts.guest(device, turn, fields, language(device, turn))
        except UsageError as error:
            refuse(turn, error, **fields)
            return RedirectResponse("/kiosk/visit", 303)
        return RedirectResponse(HOME, 303)

    @router.get("/kiosk/emergency", dependencies=here)
    def ask_emergency(request: Request) -> Response:
        turn = turns.of(request.state.kiosk)
        return screen(request, "kiosk_emergency.html", turn, services=SERVICES)

    @router.post("/kiosk/emergency", dependencies=here)
    def emergency(
        request: Request, service: _Text = "", count: _Text = "", reference: _Text = ""
    ) -> Response:
        device: Kiosk = request.state.kiosk
        turn = turns.of(device)
        site_words = KioskWords(device.languages[0])
        word = service if service in SERVICES else "other"
        people = int(count) if count.isdecimal() and len(count) < 4 else 1
        called = site_words(f"service.{word}")
        acts.emergency(device, turn, word, called, people, reference)
        return RedirectResponse(HOME, 303)

    # ------------------------------------------------------------ the screen itself

    @router.post("/kiosk/language", dependencies=here)
    def speak(request: Request, language: _Text = "", on: _Text = "") -> Response:
        turn = turns.of(request.state.kiosk)
        if language in LANGUAGES:
            turn.language = language
        known = ("card", "visit", "emergency", "guard")
        return RedirectResponse(f"{HOME}/{on}" if on in known else HOME, 303)

    @router.post("/kiosk/next", dependencies=here)
    def next_person(request: Request) -> Response:
        turns.next(request.state.kiosk)
        return RedirectResponse(HOME, 303)

    return router


def language(kiosk: Kiosk, turn: Turn) -> str:
    """Returns the language of a screen: chosen by touch, of who is known, or of the site."""
    if turn.language:
        return turn.language
    if turn.told is not None and turn.told.case in ("usual", "replacement"):
        spoken = turn.told.who.language
        if spoken in LANGUAGES:
            return spoken
    return next((one for one in kiosk.languages if one in LANGUAGES), LANGUAGES[0])


async def fields_of(request: Request) -> dict[str, str]:
    """Returns the fields of a form, cut to what a line of one can hold."""
    form = await request.form()
    return {name: value[:200] for name, value in form.items() if isinstance(value, str)}
