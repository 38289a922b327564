"""The guard's part of a kiosk: looking somebody up, replacements, guests who leave.

GET  /kiosk/guard              the part, or what opens it
POST /kiosk/guard              opens it: the PIN of the kiosk, or the guard's own login
POST /kiosk/guard/find         people of this site by name
POST /kiosk/guard/enter        somebody who was found comes in or leaves
POST /kiosk/guard/replacement  he takes the place of somebody: of whom, and why
POST /kiosk/guard/replace      that is kept
POST /kiosk/guard/left         a guest has left
POST /kiosk/guard/lock         closes it

It closes by itself some minutes after the last touch. A login there ends with the same breath: what
stays is that the part is open, and who opened it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from hub.application.acts import Case, Means
from hub.domain.rights import Action
from hub.errors import SitegateError, TransientError, UsageError
from hub.storage.kiosk_desk import Somebody
from hub.storage.kiosks import Kiosk, close_guard_part, open_guard_part
from hub.web.door import Door
from hub.web.entrance import address_of
from hub.web.kiosk_acts import REASONS, KioskActs
from hub.web.kiosk_device import AtKiosk, Turn, Turns
from hub.web.kiosk_words import KioskWords, draw_screen
from hub.web.office import Office
from hub.web.pages.kiosk import fields_of, language

GUARD: Final = "/kiosk/guard"
_Text = Annotated[str, Form(max_length=200)]


class Closed(Exception):
    """The guard's part is closed."""


def kiosk_guard_pages(office: Office, acts: KioskActs, turns: Turns, door: Door) -> APIRouter:
    """Returns the addresses of the guard's part.

    Args:
        office: the store, the keys and the time.
        acts: keeps what is done.
        turns: what stands on each screen.
        door: who lets a guard in.
    """
    router = APIRouter(dependencies=[Depends(AtKiosk(office))])

    def back(path: str = GUARD) -> Response:
        return RedirectResponse(path, 303)

    def opened(request: Request) -> tuple[Kiosk, Turn]:
        """Returns kiosk and turn when the part is open, and keeps it open.

        Raises:
            Closed: it is not.
        """
        device: Kiosk = request.state.kiosk
        now_ms = office.clock()
        if device.open_until_ms <= now_ms:
            raise Closed
        office.write(
            lambda connection: open_guard_part(
                connection, office.vault, device, device.opened_by, now_ms, again=True
            )
        )
        return device, turns.of(device)

    def closed(request: Request) -> Response:
        turns.of(request.state.kiosk).errors = (UsageError("HUB-1785"),)
        return back()

    @router.get(GUARD)
    def show(request: Request) -> Response:
        device: Kiosk = request.state.kiosk
        now_ms = office.clock()
        turn = turns.of(device)
        values: dict[str, Any] = {"guests": [], "expected": [], "reasons": REASONS}
        if device.open_until_ms > now_ms:
            opened(request)
            values["guests"] = acts.look(device, lambda desk: desk.guests())
            if turn.replacing is not None:
                values["expected"] = acts.look(device, lambda desk: desk.expected())
        words = KioskWords(language(device, turn))
        answer = draw_screen(
            "kiosk_guard.html", words, device, turn, now_ms,
            errors=words.explained(turn.errors), **values,
        )  # fmt: skip
        turn.errors = ()
        return answer

    # ------------------------------------------------------------ open and closed

    @router.post(GUARD)
    async def open_part(request: Request) -> Response:
        device: Kiosk = request.state.kiosk
        fields = await fields_of(request)
        turn = turns.of(device)
        try:
            turns.may_try(device, " pin")
            by = await door.quietly(lambda: proved(device, fields, address_of(request)))
        except SitegateError as error:
            turns.wrong(device, " pin")
            turn.errors = (error if isinstance(error, TransientError) else UsageError("HUB-1784"),)
            return back()
        turn.errors = ()
        await run_in_threadpool(
            office.write,
            lambda connection: open_guard_part(
                connection, office.vault, device, by, office.clock()
            ),
        )  # fmt: skip
        return back()

    def proved(device: Kiosk, fields: dict[str, str], address: str) -> str:
        """Returns who opens the part.

        Raises:
            SitegateError: nobody who may.
        """
        pin = fields.get("pin", "")
        if pin:
            if device.pin_hash is None or not door.passwords.check(device.pin_hash, pin).right:
                raise UsageError("HUB-1784")
            return device.id
        entered = door.log_in(fields.get("login", ""), fields.get("password", ""), address)
        if not entered.complete:
            entered = door.prove(entered.cookie, fields.get("code", ""), address)
        actor = door.sessions.actor(entered.cookie)
        if actor is None:
            raise UsageError("HUB-1784")
        door.leave(entered.cookie, actor.account_id or 0)
        scope = actor.scope(Action.KIOSK)
        if not (scope.everything or device.site_id in scope.sites):
            raise UsageError("HUB-1784")
        return actor.name

    @router.post("/kiosk/guard/lock")
    def lock(request: Request) -> Response:
        device: Kiosk = request.state.kiosk
        office.write(lambda connection: close_guard_part(connection, device.id))
        turns.next(device)
        return back("/kiosk")

    # ------------------------------------------------------------ what a guard does

    @router.post("/kiosk/guard/find")
    def find(request: Request, name: _Text = "") -> Response:
        try:
            device, turn = opened(request)
        except Closed:
            return closed(request)
        turn.replacing = None
        turn.typed = {"name": name}
        turn.found = tuple(acts.look(device, lambda desk: desk.by_name(name)))
        return back()

    @router.post("/kiosk/guard/enter")
    def enter(
        request: Request, person: _Text = "", way: _Text = "in", reference: _Text = ""
    ) -> Response:
        return act(request, person, way, reference)

    @router.post("/kiosk/guard/replacement")
    def replacement(request: Request, person: _Text = "") -> Response:
        try:
            device, turn = opened(request)
        except Closed:
            return closed(request)
        turn.replacing = acts.look(device, lambda desk: desk.by_token(person))
        return back()

    @router.post("/kiosk/guard/replace")
    def replace(
        request: Request,
        person: _Text = "",
        whom: _Text = "",
        reason: _Text = "",
        reference: _Text = "",
    ) -> Response:
        device: Kiosk = request.state.kiosk
        absent = acts.look(device, lambda desk: desk.by_token(whom))
        if absent is None or reason not in REASONS:
            turn = turns.of(device)
            turn.errors = (UsageError("HUB-1792"),)
            turn.replacing = acts.look(device, lambda desk: desk.by_token(person))
            return back()
        return act(request, person, "in", reference, absent, reason)

    def act(
        request: Request,
        person: str,
        way: str,
        reference: str,
        absent: Somebody | None = None,
        reason: str = "",
    ) -> Response:
        try:
            device, turn = opened(request)
            who = acts.look(device, lambda desk: desk.by_token(person))
            if who is None or not who.works_here:
                raise UsageError("HUB-1780")
            case = Case.USUAL if absent is None else Case.REPLACEMENT
            replaces = None if absent is None else absent.person_id
            acts.enter(
                device, turn, who, Means.NAME, way, reference, case, reason, replaces
            )  # fmt: skip
        except Closed:
            return closed(request)
        except UsageError as error:
            turns.of(request.state.kiosk).errors = (error,)
            return back()
        return back("/kiosk")

    @router.post("/kiosk/guard/left")
    def left(request: Request, person: _Text = "", reference: _Text = "") -> Response:
        try:
            device, turn = opened(request)
        except Closed:
            return closed(request)
        guests = acts.look(device, lambda desk: desk.guests())
        who = next((one for one in guests if one.token == person), None)
        if who is not None:
            acts.enter(device, turn, who, Means.NAME, "out", reference, Case.VISIT)
            turns.next(device)
        return back()

    return router
