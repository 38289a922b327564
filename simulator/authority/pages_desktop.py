"""The desktop online service: who you are, and the wizard that registers people for days ahead.

The steps are works, people, days, check, numbers. What was chosen stays on the server between them
(`draft`). The service looks 35 days ahead, further than the web service: another channel, another
rule. Who may register whom is not checked, as in the web service; wrong companies become remarks.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from simulator.authority import numbers
from simulator.authority.choices import (
    candidates,
    count_live,
    fresh,
    held,
    items_of,
    line_of,
    people_of,
)
from simulator.authority.draft import Draft, Message, Outcome, Someone, read_people
from simulator.authority.frame import Form, Frame, day_text, read_day
from simulator.authority.operations import Authority
from simulator.authority.presence import Sender
from simulator.authority.sessions import Session

PEOPLE_MAX: Final = 200
# People times days of one registration; how much the real service takes at once is unknown.
ITEMS_MAX: Final = 2000


def desktop_router(authority: Authority, frame: Frame) -> APIRouter:
    """Log-in, start page and wizard."""
    router = APIRouter(prefix="/desktop")
    registers = authority.registers
    ahead = authority.settings.desktop_days_ahead

    @router.get("/login")
    def show_login(request: Request) -> Response:
        wanted = _local(request.query_params.get("next", ""))
        session = frame.session(request)
        return frame.show(
            request, "login.html", session, senders=registers.senders.everyone(), wanted=wanted
        )

    @router.post("/login")
    def log_in(request: Request, form: Form = Depends(frame.form)) -> Response:
        sender_id = form.text("sender")
        if not sender_id or registers.sender(sender_id) is None:
            return frame.show(
                request,
                "login.html",
                form.session,
                status=422,
                problems=[Message("nobody_chosen")],
                senders=registers.senders.everyone(),
                wanted=_local(form.text("next")),
            )
        return frame.go(request, _local(form.text("next")), frame.renewed(form.session, sender_id))

    @router.post("/logout")
    def log_out(request: Request, form: Form = Depends(frame.form)) -> Response:
        return frame.go(request, "/desktop/login", frame.renewed(form.session, None))

    @router.get("")
    def show_start(request: Request) -> Response:
        session = frame.session(request)
        sender = frame.sender(session)
        counts = [
            (day, count_live(authority, sender, day))
            for day in (frame.today, frame.today + timedelta(days=1))
        ]
        return frame.show(request, "desktop.html", session, counts=counts, ahead=ahead)

    # step 1: works

    @router.get("/register")
    def show_works(request: Request) -> Response:
        session = frame.session(request)
        return _ask_works(request, session, frame.sender(session))

    def _ask_works(
        request: Request, session: Session, sender: Sender, *problems: Message
    ) -> Response:
        return frame.show(
            request,
            "register_works.html",
            session,
            status=422 if problems else 200,
            problems=problems,
            choices=registers.works_of(sender.company),
            draft=session.draft,
        )

    @router.post("/register")
    def choose_works(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        sender = frame.sender(session)
        typed = form.text("typed").upper().replace(" ", "")
        works = typed or form.text("works")
        if not works:
            return _ask_works(request, session, sender, Message("no_works"))
        if not numbers.works_number_ok(works):
            return _ask_works(request, session, sender, Message("works_check"))
        session.draft = Draft(works)
        frame.keep(session)
        return frame.go(request, "/desktop/register/people", session)

    # step 2: people

    @router.get("/register/people")
    def show_people(request: Request) -> Response:
        session = frame.session(request)
        return _ask_people(request, session, frame.sender(session))

    def _ask_people(
        request: Request,
        session: Session,
        sender: Sender,
        *problems: Message,
        typed: str = "",
    ) -> Response:
        draft = session.draft
        if draft is None:
            return frame.go(request, "/desktop/register", session)
        draft.offer(candidates(authority, sender, draft.works))
        return frame.show(
            request,
            "register_people.html",
            session,
            status=422 if problems else 200,
            problems=problems,
            draft=draft,
            groups=_groups(draft),
            typed=typed,
            copy_from=frame.today - timedelta(days=1),
            own=sender.company,
        )

    @router.post("/register/people")
    def choose_people(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        sender = frame.sender(session)
        draft = session.draft
        if draft is None:
            return frame.go(request, "/desktop/register", session)
        draft.chosen = {key for key in form.all("who") if key in draft.offered}
        typed, wrong = read_people(form.raw("typed"), sender.company, frame.today)
        if wrong:
            problems = [Message(f"line_{why}", {"line": line}) for line, why in wrong[:10]]
            return _ask_people(request, session, sender, *problems, typed=form.raw("typed"))
        draft.offer(typed, choose=True)
        if form.text("go") == "copy":
            day = read_day(form.text("from"))
            if day is None:
                return _ask_people(request, session, sender, Message("no_day_to_copy"))
            before = people_of(held(authority, sender, draft.works, day, day))
            if not before:
                nothing = Message("nothing_to_copy", {"day": day_text(day)})
                return _ask_people(request, session, sender, nothing)
            draft.offer(before, choose=True)
            return frame.go(request, "/desktop/register/people", session)
        if not draft.chosen:
            return _ask_people(request, session, sender, Message("no_people"))
        if len(draft.chosen) > PEOPLE_MAX:
            many = Message("many_people", {"count": len(draft.chosen), "most": PEOPLE_MAX})
            return _ask_people(request, session, sender, many)
        return frame.go(request, "/desktop/register/days", session)

    # step 3: days

    @router.get("/register/days")
    def show_days(request: Request) -> Response:
        session = frame.session(request)
        frame.sender(session)
        return _ask_days(request, session)

    def _ask_days(request: Request, session: Session, *problems: Message) -> Response:
        draft = session.draft
        if draft is None or not draft.chosen:
            return frame.go(request, "/desktop/register", session)
        return frame.show(
            request,
            "register_days.html",
            session,
            status=422 if problems else 200,
            problems=problems,
            draft=draft,
            months=list(_months(frame.today, frame.today + timedelta(days=ahead))),
            ahead=ahead,
        )

    @router.post("/register/days")
    def choose_days(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        frame.sender(session)
        draft = session.draft
        if draft is None:
            return frame.go(request, "/desktop/register", session)
        days = {read_day(text) for text in form.all("day")}
        last = frame.today + timedelta(days=ahead)
        draft.days = {day for day in days if day is not None and frame.today <= day <= last}
        if len(draft.days) < len(days):
            return _ask_days(request, session, Message("days_outside", {"days": ahead}))
        if not draft.days:
            return _ask_days(request, session, Message("no_days"))
        items = len(draft.days) * len(draft.chosen)
        if items > ITEMS_MAX:
            many = Message("many_items", {"count": items, "most": ITEMS_MAX})
            return _ask_days(request, session, many)
        return frame.go(request, "/desktop/register/check", session)

    # step 4: check

    @router.get("/register/check")
    def show_check(request: Request) -> Response:
        session = frame.session(request)
        sender = frame.sender(session)
        draft = session.draft
        if draft is None or not draft.chosen or not draft.days:
            return frame.go(request, "/desktop/register", session)
        wanted = items_of(draft)
        return frame.show(
            request,
            "register_check.html",
            session,
            draft=draft,
            days=sorted(draft.days),
            known=registers.works(draft.works),
            items=len(wanted),
            doubles=len(wanted) - len(fresh(authority, sender, draft, wanted)),
        )

    @router.post("/register/check")
    def register(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        sender = frame.sender(session)
        # Taken out before anything is stored: the same form a second time finds nothing to do.
        draft = session.take_draft()
        if draft is None or not draft.chosen or not draft.days:
            return frame.go(request, "/desktop/register/done", session)
        wanted = items_of(draft)
        if form.text("skip"):
            wanted = fresh(authority, sender, draft, wanted)
        outcomes = authority.register(
            [submission for _, submission in wanted],
            sender,
            channel=authority.settings.desktop_channel,
            days_ahead=ahead,
        )
        lines = tuple(
            line_of(someone, date.fromisoformat(submission.date_text or ""), outcome)
            for (someone, submission), outcome in zip(wanted, outcomes, strict=True)
        )
        done = sum(line.number is not None for line in lines)
        values: dict[str, object] = {"done": done, "asked": len(lines), "works": draft.works}
        session.numbers = Outcome(Message("registered_so_many", values), lines)
        frame.keep(session)
        return frame.go(request, "/desktop/register/done", session)

    @router.get("/register/done")
    def show_numbers(request: Request) -> Response:
        session = frame.session(request)
        frame.sender(session)
        # Kept until something else is done: a reload shows the numbers again.
        return frame.show(request, "register_done.html", session, outcome=session.numbers)

    return router


def _local(path: str) -> str:
    """A page of ours to go to, never somebody else's."""
    ours = path.startswith(("/desktop", "/works")) and "\\" not in path
    return path if ours else "/desktop"


def _months(first: date, last: date) -> Iterator[tuple[date, list[list[date | None]]]]:
    """The calendar: each month with its weeks from Monday, None where no day can be chosen."""
    month = first.replace(day=1)
    while month <= last:
        days = [month + timedelta(days=at) for at in range(monthrange(month.year, month.month)[1])]
        cells: list[date | None] = [None] * month.weekday()
        cells += [day if first <= day <= last else None for day in days]
        cells += [None] * (-len(cells) % 7)
        weeks = [cells[at : at + 7] for at in range(0, len(cells), 7)]
        yield month, [week for week in weeks if any(week)]
        month = (month + timedelta(days=31)).replace(day=1)


def _groups(draft: Draft) -> list[tuple[int | None, list[tuple[str, Someone]]]]:
    """Those offered, by company; None holds the Limosa numbers."""
    groups: dict[int | None, list[tuple[str, Someone]]] = {}
    for key, someone in draft.offered.items():
        groups.setdefault(someone.company, []).append((key, someone))
    return list(groups.items())
