"""The desktop online service: consult with filters, see one registration, cancel, copy.

What a company sees and may cancel is decided by the same rules as for the web service. A search by
person is left out on purpose: filters are part of the address, and a person's number never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from simulator.authority import numbers, validation
from simulator.authority.choices import people_of
from simulator.authority.draft import Draft, Line, Message, Outcome, Someone
from simulator.authority.frame import Form, Frame, PageProblem, read_company, read_day
from simulator.authority.operations import Authority
from simulator.authority.presence import (
    CANCELLED,
    FAILED,
    REGISTERED,
    STATUSES,
    VALIDATED,
    Cancellation,
    Criteria,
    Page,
    Refusal,
    Registration,
)
from simulator.authority.rules import CANCEL_REASONS

ROWS: Final = 50
_CHOSEN_MAX: Final = 200

STATUS_KEYS: Final = {
    REGISTERED: "status_registered",
    VALIDATED: "status_validated",
    FAILED: "status_failed",
    CANCELLED: "status_cancelled",
}
# Official spelling against the key of what it means in plain words.
REMARK_KEYS: Final = {
    validation.DIMONA: "remark_dimona",
    validation.NOT_THE_FOUNDER: "remark_not_the_founder",
    validation.NO_FOUNDER: "remark_no_founder",
    validation.NO_COMPANY: "remark_no_company",
    validation.FOUNDER_OF_NOTHING: "remark_founder_of_nothing",
    validation.NO_LIMOSA: "remark_no_limosa",
    validation.LIMOSA_INACTIVE: "remark_limosa_inactive",
    validation.BIS_NO_LIMOSA: "remark_bis_no_limosa",
    validation.BIS_LIMOSA_INACTIVE: "remark_bis_limosa_inactive",
    validation.NO_WORKS: "remark_no_works",
    validation.WORKS_INACTIVE: "remark_works_inactive",
    validation.NOT_A_PARTY: "remark_not_a_party",
    validation.NOT_SUBJECT: "remark_not_subject",
    validation.TWIN: "remark_twin",
    validation.NO_PERSON: "remark_no_person",
    validation.EMPLOYER_INACTIVE: "remark_employer_inactive",
    validation.CONTRACT_INACTIVE: "remark_contract_inactive",
}
_ERROR_KEYS: Final = {
    "SIM-CANCEL-UNKNOWN": "cancel_unknown",
    "SIM-CANCEL-TWICE": "cancel_twice",
    "SIM-CANCEL-LATE": "cancel_late",
    "SIM-CANCEL-REASON": "cancel_reason",
    "SIM-RIGHTS": "no_right",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for, as typed and as understood."""

    typed: Mapping[str, str]
    criteria: Criteria
    page: int
    problems: tuple[Message, ...] = field(default=())

    def address(self, page: int) -> str:
        """The address of a page of the same search."""
        kept = {name: value for name, value in self.typed.items() if value}
        return "?" + urlencode(kept | {"page": page})


def read_filters(query: Mapping[str, str], today: date, ahead: int) -> Filters:
    """The filters of an address; what is wrong is told and left out of the search.

    Args:
        query: of the address.
        today: the Belgian day; the period is a week back and as far ahead as the channel goes,
            unless asked for.
        ahead: days.
    """
    names = ("from", "until", "works", "company", "status", "remark")
    typed = {name: query.get(name, "").strip()[:80] for name in names}
    typed["from"] = typed["from"] or (today - timedelta(days=7)).isoformat()
    typed["until"] = typed["until"] or (today + timedelta(days=ahead)).isoformat()
    problems: list[Message] = []
    first, last = read_day(typed["from"]), read_day(typed["until"])
    if first is None or last is None or first > last:
        problems.append(Message("period_wrong"))
        first, last = today, today
    company = None
    if typed["company"]:
        company = read_company(typed["company"])
        if company is None or not numbers.company_ok(company):
            problems.append(Message("company_wrong"))
            company = None
    works = typed["works"].upper().replace(" ", "") or None
    if works is not None and not numbers.works_number_ok(works):
        problems.append(Message("works_check"))
        works = None
    remark = (query.get("remark", ""),) if query.get("remark", "") in REMARK_KEYS else ()
    # The official spelling has double spaces; trimming would break nothing, shortening would.
    typed["remark"] = remark[0] if remark else ""
    page_text = query.get("page", "1")
    page = int(page_text) if numbers.digits_only(page_text, len(page_text[:6])) else 1
    criteria = Criteria(
        company=company,
        works=works,
        statuses=(typed["status"],) if typed["status"] in STATUSES else (),
        remarks=remark,
        periods=((first.isoformat(), last.isoformat()),),
        first_row=(max(page, 1) - 1) * ROWS,
        fetch_size=ROWS,
        descending=True,
    )
    return Filters(typed, criteria, max(page, 1), tuple(problems))


def consult_router(authority: Authority, frame: Frame) -> APIRouter:
    """List, one registration, cancel, copy."""
    router = APIRouter(prefix="/desktop")

    @router.get("/consult")
    def consult(request: Request) -> Response:
        session = frame.session(request)
        sender = frame.sender(session)
        ahead = authority.settings.desktop_days_ahead
        filters = read_filters(request.query_params, frame.today, ahead)
        problems = list(filters.problems)
        found = Page(0, ()) if problems else authority.search(filters.criteria, sender)
        if isinstance(found, Refusal):
            problems.append(Message("no_right"))
            found = Page(0, ())
        outcome = session.take_outcome()
        return frame.show(
            request,
            "consult.html",
            session,
            status=422 if filters.problems else 200,
            problems=[*problems, *(outcome.problems if outcome else ())],
            outcome=outcome,
            filters=filters,
            found=found,
            rows=[_row(one) for one in found.registrations],
            last_page=max(1, -(-found.count // ROWS)),
            statuses=STATUS_KEYS,
            remarks=REMARK_KEYS,
            reasons=CANCEL_REASONS,
        )

    @router.get("/registration/{number}")
    def show_one(request: Request, number: str) -> Response:
        session = frame.session(request)
        sender = frame.sender(session)
        found = authority.get(_number(number), sender)
        if found is None:
            raise PageProblem(404, "registration_unknown")
        outcome = session.take_outcome()
        return frame.show(
            request,
            "registration.html",
            session,
            problems=outcome.problems if outcome else (),
            outcome=outcome,
            row=_row(found),
            one=found,
            statuses=STATUS_KEYS,
            remarks=REMARK_KEYS,
            reasons=CANCEL_REASONS,
        )

    @router.post("/cancel")
    def cancel(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        sender = frame.sender(session)
        chosen = [_number(text) for text in form.all("number")[:_CHOSEN_MAX]]
        reason = form.text("reason")
        to = _back(form.text("back"), chosen)
        if not chosen or reason not in CANCEL_REASONS:
            missing = Message("no_rows" if not chosen else "no_reason")
            session.outcome = Outcome(Message("nothing_done"), problems=(missing,))
            return frame.go(request, to, session)
        if not session.first_time(form.text("once")):
            return frame.go(request, to, session)
        outcomes = authority.cancel([Cancellation(one, reason) for one in chosen], sender)
        lines: list[Line] = []
        problems: list[Message] = []
        for number, outcome in zip(chosen, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                key = _ERROR_KEYS[outcome.errors[0].code]
                problems.append(Message(f"number_{key}", {"number": number}))
            else:
                lines.append(Line("", None, outcome.day, number))
        session.outcome = Outcome(
            Message("cancelled_so_many", {"done": len(lines), "asked": len(chosen)}),
            tuple(lines),
            tuple(problems),
        )
        return frame.go(request, to, session)

    @router.post("/copy")
    def copy(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        sender = frame.sender(session)
        chosen = [
            found
            for text in form.all("number")[:_CHOSEN_MAX]
            if (found := authority.get(_number(text), sender)) is not None
        ]
        places = {one.submission.works for one in chosen}
        if len(places) != 1:
            key = "no_rows" if not chosen else "several_works"
            session.outcome = Outcome(Message("nothing_done"), problems=(Message(key),))
            return frame.go(request, _back(form.text("back"), []), session)
        session.draft = Draft(places.pop())
        session.draft.offer(people_of(chosen), choose=True)
        return frame.go(request, "/desktop/register/days", session)

    return router


def _number(text: str) -> int:
    if not numbers.digits_only(text, min(len(text), 15)):
        raise PageProblem(404, "registration_unknown")
    return int(text)


def _back(query: str, chosen: list[int]) -> str:
    """Where a form leads: the list with its filters, or the one registration it was about."""
    if query == "one" and chosen:
        return f"/desktop/registration/{chosen[0]}"
    return "/desktop/consult" + (query if query.startswith("?") else "")


def _row(registration: Registration) -> dict[str, object]:
    submission = registration.submission
    return {
        "number": registration.number,
        "day": registration.day,
        "works": submission.works,
        "company": submission.company,
        "person": Someone(submission.inss, submission.company, submission.limosa).shown,
        "status": registration.last.status,
        "class": STATUS_KEYS[registration.last.status].removeprefix("status_"),
        "remarks": registration.last.remarks,
        "channel": registration.channel,
        "sender": registration.sender.id,
    }
