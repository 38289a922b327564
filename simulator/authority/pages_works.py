"""The declaration of works: list, one declaration, a new one, and the poster for the site.

Only the declaring contractor declares, for itself. A number is given at once and validation knows
the works from then on. Whether people must be registered is computed and said in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from simulator.authority import numbers
from simulator.authority.declarations import Contract, Declaration, Site
from simulator.authority.draft import Message, Outcome
from simulator.authority.frame import (
    Form,
    Frame,
    PageProblem,
    day_text,
    euro_text,
    read_company,
    read_day,
)
from simulator.authority.operations import Authority
from simulator.authority.poster import qr_code
from simulator.authority.registers import Works
from simulator.authority.sessions import Session
from simulator.authority.thresholds import CONSTRUCTION, SECTORS, Verdict

PLACE_FIELDS: Final = ("street", "house", "post", "town")
PARTY_FIELDS: Final = ("company", "of", "start", "end", "amount")
PLACES_SHOWN: Final = 1
PARTIES_SHOWN: Final = 3
_ROWS_MAX: Final = 60
_TEXT_MAX: Final = 100
_AMOUNT_DIGITS_MAX: Final = 12


@dataclass(slots=True)
class Entered:
    """A form as typed: single fields, and the rows of places and parties."""

    single: dict[str, str] = field(default_factory=dict, repr=False)
    places: list[dict[str, str]] = field(default_factory=list, repr=False)
    parties: list[dict[str, str]] = field(default_factory=list, repr=False)


def works_router(authority: Authority, frame: Frame) -> APIRouter:
    """The pages under /works."""
    router = APIRouter(prefix="/works")
    registers = authority.registers

    @router.get("")
    def show_list(request: Request) -> Response:
        session = frame.session(request)
        sender = frame.sender(session)
        rows = [
            (works, authority.declaration(works.number))
            for works in registers.works_of(sender.company)
        ]
        return frame.show(request, "works.html", session, rows=rows)

    @router.get("/new")
    def show_form(request: Request) -> Response:
        session = frame.session(request)
        frame.sender(session)
        return _ask(request, session, _blank())

    def _ask(request: Request, session: Session, entered: Entered, *problems: Message) -> Response:
        sender = frame.sender(session)
        return frame.show(
            request,
            "works_new.html",
            session,
            status=422 if problems else 200,
            problems=problems,
            entered=entered,
            declarant=sender.company,
            sectors=SECTORS,
        )

    @router.post("/new")
    def declare(request: Request, form: Form = Depends(frame.form)) -> Response:
        session = form.session
        sender = frame.sender(session)
        entered = _entered(form)
        more = form.text("go")
        if more == "more_places" and len(entered.places) < _ROWS_MAX:
            entered.places.append(_blank_row(PLACE_FIELDS))
            return _ask(request, session, entered)
        if more == "more_parties" and len(entered.parties) < _ROWS_MAX:
            entered.parties += [_blank_row(PARTY_FIELDS) for _ in range(PARTIES_SHOWN)]
            return _ask(request, session, entered)
        declaration = read_declaration(entered, sender.company)
        if not isinstance(declaration, Declaration):
            return _ask(request, session, entered, *declaration)
        if not session.first_time(form.text("once")):
            return frame.go(request, "/works", session)
        works = authority.declare_works(declaration)
        session.outcome = Outcome(Message("works_declared", {"number": works.number}))
        return frame.go(request, f"/works/{works.number}", session)

    @router.get("/{number}")
    def show_one(request: Request, number: str) -> Response:
        session = frame.session(request)
        sender = frame.sender(session)
        works = registers.works(number)
        if works is None or works not in registers.works_of(sender.company):
            raise PageProblem(404, "works_unknown")
        declared = authority.declaration(number)
        return frame.show(
            request,
            "works_one.html",
            session,
            outcome=session.take_outcome(),
            works=works,
            declared=declared,
            duty=duty_message(works, declared.verdict if declared else None),
        )

    @router.get("/{number}/poster")
    def show_poster(request: Request, number: str) -> Response:
        works = registers.works(number)
        if works is None:
            raise PageProblem(404, "works_unknown")
        address = f"{request.base_url}mobile/{number}"
        code = qr_code(address)
        return frame.show(
            request,
            "poster.html",
            frame.session(request),
            works=works,
            declared=authority.declaration(number),
            address=address,
            code_side=code.side,
            code_path=code.path,
        )

    return router


def duty_message(works: Works, verdict: Verdict | None) -> Message:
    """Whether presence registration is compulsory on works and why, as a text.

    Args:
        works: as validation knows them.
        verdict: of the declaration; None for works of the world file, whose amount is not known.
    """
    if verdict is None:
        return Message("duty_file_yes" if works.subject else "duty_file_no")
    values: dict[str, object] = {
        "threshold": euro_text(verdict.threshold_eur),
        "since": day_text(verdict.since),
    }
    return Message(f"duty_{verdict.why}", values)


def read_declaration(entered: Entered, declarant: int) -> Declaration | Sequence[Message]:
    """A declaration from a form, or every reason why it is none.

    Args:
        entered: as typed.
        declarant: enterprise number of who declares.
    """
    problems: list[Message] = []
    single = entered.single
    if not single["customer"]:
        problems.append(Message("customer_missing"))
    places = tuple(Site(**row) for row in _filled(entered.places))
    if not places or not all(one.street and one.post and one.town for one in places):
        problems.append(Message("place_missing"))
    start, end = read_day(single["start"]), read_day(single["end"])
    if start is None:
        problems.append(Message("start_missing"))
    if (single["end"] and end is None) or (start is not None and end is not None and end < start):
        problems.append(Message("end_wrong"))
    in_out_from = read_day(single["in_out_from"])
    if single["in_out_from"] and in_out_from is None:
        problems.append(Message("in_out_wrong"))
    amount = read_amount(single["amount"])
    if amount is None:
        problems.append(Message("amount_wrong"))
    contracts: list[Contract] = []
    known: set[int | str] = {declarant}
    for line, row in enumerate(entered.parties, 1):
        if not any(row.values()):
            continue
        contract = _contract(row, declarant, known)
        if isinstance(contract, Contract):
            contracts.append(contract)
            known.add(contract.company)
        else:
            problems.append(Message(contract, {"line": line}))
    sector = next((one for one in SECTORS if str(one) == single["sector"]), CONSTRUCTION)
    if problems or start is None or amount is None:
        return problems
    return Declaration(
        single["customer"],
        declarant,
        sector,
        places,
        start,
        end,
        amount,
        tuple(contracts),
        in_out_from,
    )


def read_amount(text: str) -> int | None:
    """Whole euro as people write them, with spaces or dots between thousands and cents dropped."""
    plain = text.upper().replace("EUR", "").replace("€", "")
    plain = "".join(plain.split()).partition(",")[0].replace(".", "")
    if not plain or len(plain) > _AMOUNT_DIGITS_MAX:
        return None
    return int(plain) if numbers.digits_only(plain, len(plain)) else None


def _contract(row: dict[str, str], declarant: int, known: set[int | str]) -> Contract | str:
    """One party's contract, or the key of what is wrong with it."""
    company = _party(row["company"])
    if company is None:
        return "party_company"
    above = declarant if not row["of"] else _party(row["of"])
    if above is None or above not in known or above == company:
        return "party_of"
    start, end = read_day(row["start"]), read_day(row["end"])
    unread = (row["start"] and start is None) or (row["end"] and end is None)
    if unread or (start is not None and end is not None and end < start):
        return "party_period"
    amount = read_amount(row["amount"]) if row["amount"] else 0
    if amount is None:
        return "party_amount"
    return Contract(company, above, start, end, amount)


def _party(text: str) -> int | str | None:
    """An enterprise number with right check digits, or the name of a foreign company."""
    number = read_company(text)
    if number is not None:
        return number if numbers.company_ok(number) else None
    letters = sum(symbol.isalpha() for symbol in text)
    return text if letters >= 3 else None


def _filled(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if any(row.values())]


def _blank() -> Entered:
    single = dict.fromkeys(("customer", "start", "end", "amount", "in_out_from"), "")
    return Entered(
        single | {"sector": str(CONSTRUCTION)},
        [_blank_row(PLACE_FIELDS) for _ in range(PLACES_SHOWN)],
        [_blank_row(PARTY_FIELDS) for _ in range(PARTIES_SHOWN)],
    )


def _blank_row(names: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(names, "")


def _entered(form: Form) -> Entered:
    single = {
        name: form.text(name)[:_TEXT_MAX]
        for name in ("customer", "start", "end", "amount", "sector", "in_out_from")
    }
    return Entered(single, _rows(form, "place", PLACE_FIELDS), _rows(form, "party", PARTY_FIELDS))


def _rows(form: Form, kind: str, names: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a form: the n-th value of each of their fields belongs to the n-th row."""
    columns = {name: form.all(f"{kind}_{name}")[:_ROWS_MAX] for name in names}
    count = max((len(column) for column in columns.values()), default=0)
    return [
        {
            name: column[at].strip()[:_TEXT_MAX] if at < len(column) else ""
            for name, column in columns.items()
        }
        for at in range(count)
    ]
