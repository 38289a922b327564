"""The mobile page of one place, opened by the QR code of its poster, for whoever stands there.

Nobody logs in: the person types a number and is registered for today, at the employer Dimona knows
among the parties of the works. The places a telephone has opened are remembered in a cookie; works
numbers are no personal data, a person's number is never kept.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal, Protocol

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from simulator.authority import numbers
from simulator.authority.choices import held, people_of
from simulator.authority.clock import BRUSSELS
from simulator.authority.draft import Message, Outcome, Someone, read_person
from simulator.authority.frame import Form, Frame, PageProblem, read_company
from simulator.authority.operations import Authority
from simulator.authority.presence import Refusal, Sender
from simulator.authority.registers import Registers, Works
from simulator.authority.sessions import Session

Direction = Literal["in", "out"]
PLACES_MAX: Final = 8
_PLACES: Final = "sim_places"
_YEAR_S: Final = 365 * 86_400
_USER: Final = "MOBILE"


class InOutEvents(Protocol):
    """Takes in and out events; the in/out service implements it."""

    def record(
        self, someone: Someone, works: Works, direction: Direction, at_ms: int
    ) -> int | None:
        """Stores the event; its number, or None when the service refuses it."""
        ...


def mobile_router(authority: Authority, frame: Frame, events: InOutEvents) -> APIRouter:
    """The page of each place, and the list of remembered ones."""
    router = APIRouter(prefix="/mobile")
    registers = authority.registers

    def works_of(number: str) -> Works:
        known = registers.works(number) if numbers.works_number_ok(number) else None
        if known is None:
            raise PageProblem(404, "place_unknown")
        return known

    @router.get("")
    def show_places(request: Request) -> Response:
        return _show_places(request, frame.session(request))

    def _show_places(request: Request, session: Session, *problems: Message) -> Response:
        remembered = [
            (number, authority.declaration(number)) for number in _remembered(request, registers)
        ]
        return frame.show(
            request,
            "mobile_places.html",
            session,
            status=422 if problems else 200,
            problems=problems,
            remembered=remembered,
        )

    @router.post("")
    def open_place(request: Request, form: Form = Depends(frame.form)) -> Response:
        typed = form.text("works").upper().replace(" ", "")
        if not numbers.works_number_ok(typed):
            return _show_places(request, form.session, Message("works_check"))
        return frame.go(request, f"/mobile/{typed}", form.session)

    @router.post("/forget")
    def forget(request: Request, form: Form = Depends(frame.form)) -> Response:
        response = frame.go(request, "/mobile", form.session)
        response.delete_cookie(_PLACES)
        return response

    @router.get("/{number}")
    def show_place(request: Request, number: str) -> Response:
        works = works_of(number)
        session = frame.session(request)
        return _show_place(request, session, works, outcome=session.take_outcome())

    def _show_place(
        request: Request,
        session: Session,
        works: Works,
        *problems: Message,
        outcome: Outcome | None = None,
        typed: str = "",
        employer: str = "",
    ) -> Response:
        response = frame.show(
            request,
            "mobile.html",
            session,
            status=422 if problems else 200,
            problems=problems or (outcome.problems if outcome else ()),
            outcome=outcome,
            works=works,
            declared=authority.declaration(works.number),
            running=works.period.covers(frame.today),
            employers=_belgian(works),
            in_out=works.in_out(frame.today),
            typed=typed,
            employer=employer,
        )
        places = [works.number, *(n for n in _remembered(request, registers) if n != works.number)]
        response.set_cookie(
            _PLACES,
            ".".join(places[:PLACES_MAX]),
            max_age=_YEAR_S,
            httponly=True,
            samesite="lax",
        )
        return response

    @router.post("/{number}")
    def register(request: Request, number: str, form: Form = Depends(frame.form)) -> Response:
        works, session = works_of(number), form.session
        typed, employer = form.raw("person"), form.text("employer")
        found = read_person(typed, read_company(employer), frame.today)
        if not isinstance(found, str) and found.inss is not None and found.company is None:
            found = _at_employer(found.inss, works, registers, frame.today)
        if isinstance(found, str):
            problem = Message(f"mobile_{found}")
            return _show_place(request, session, works, problem, typed=typed, employer=employer)
        if not session.first_time(form.text("once")):
            return frame.go(request, f"/mobile/{works.number}", session)
        if works.in_out(frame.today):
            session.outcome = _event(found, works, form.text("direction"))
        else:
            session.outcome = _presence(found, works)
        frame.keep(session)
        return frame.go(request, f"/mobile/{works.number}", session)

    def _event(someone: Someone, works: Works, direction: str) -> Outcome:
        if direction not in ("in", "out"):
            return Outcome(Message("nothing_done"), problems=(Message("no_direction"),))
        at_ms = authority.clock()
        number = events.record(someone, works, "in" if direction == "in" else "out", at_ms)
        if number is None:
            return Outcome(Message("nothing_done"), problems=(Message("mobile_refused"),))
        return Outcome(Message(f"mobile_{direction}", _said(someone, number, at_ms)))

    def _presence(someone: Someone, works: Works) -> Outcome:
        # Whoever declared the works may see all of them: that is how a twin is found.
        site = Sender(_USER, works.declarant, _USER)
        for there in held(authority, site, works.number, frame.today, frame.today):
            if _same(people_of([there])[0], someone, registers):
                said = _said(someone, there.number, there.created_ms)
                return Outcome(Message("mobile_already", said))
        sender = Sender(_USER, someone.company or works.declarant, _USER)
        outcome = authority.register(
            [someone.submission(works.number, frame.today)],
            sender,
            channel=authority.settings.mobile_channel,
            days_ahead=0,
        )[0]
        if isinstance(outcome, Refusal):
            return Outcome(Message("nothing_done"), problems=(Message("mobile_refused"),))
        said = _said(someone, outcome.number, outcome.created_ms)
        return Outcome(Message("mobile_registered", said))

    return router


def _said(someone: Someone, number: int, at_ms: int) -> dict[str, object]:
    at = datetime.fromtimestamp(at_ms // 1000, BRUSSELS)
    return {"who": someone.shown, "number": number, "at": f"{at:%H:%M}"}


def _same(one: Someone, other: Someone, registers: Registers) -> bool:
    if one.limosa is not None or other.limosa is not None:
        return one.limosa == other.limosa
    return registers.latest_inss(one.inss or "") == registers.latest_inss(other.inss or "")


def _belgian(works: Works) -> list[int]:
    found = [works.declarant, *(one.company for one in works.parties)]
    return list(dict.fromkeys(company for company in found if isinstance(company, int)))


def _at_employer(inss: str, works: Works, registers: Registers, day: date) -> Someone | str:
    """The person at the one party of the works that employs or is led by him; else the problem."""
    employers = [
        company
        for company in _belgian(works)
        if registers.latest_inss(inss) in registers.staff_of(company, day, day)
    ]
    if len(employers) == 1:
        return Someone(inss=inss, company=employers[0])
    return "employer_several" if employers else "employer_none"


def _remembered(request: Request, registers: Registers) -> list[str]:
    numbers_kept = request.cookies.get(_PLACES, "").split(".")[:PLACES_MAX]
    return [number for number in numbers_kept if registers.works(number) is not None]
