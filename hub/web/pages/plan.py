"""The plan board: who is planned on a site today or tomorrow, by company, problems first.

    GET  /plan             a site and a day by company; what was sent when
    POST /plan             `do`: copy or submit, for everybody whom whoever asks may plan
    GET  /plan/{number}    the people of one company, planned or not
    POST /plan/{number}    `do`: add, copy, submit, submit_all or withdraw

Nothing later than tomorrow is on it: the service takes today and tomorrow, and what a file plans
for later waits in the plan. A company, site or person outside of the scope of whoever asks is 404
like one that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.plan_board import Outcome, standing_of
from hub.domain.legal_day import brussels_day
from hub.domain.plan import parse_day
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.storage.engine import reading
from hub.storage.plan_acts import PlanActs, Ticked, Where
from hub.storage.plan_board import WITHOUT, PlanBoards
from hub.storage.plan_sent import sent_of
from hub.storage.sites import SiteRow
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.plan_words import SHAPES, TONES, PlanWords

SEE: Final = Allowed(Action.PLAN_SEE)
CHANGE: Final = Allowed(Action.PLAN_CHANGE)
PROBLEMS_SHOWN: Final = 20
"""Problems listed below one company; its own page has them all."""
TICKED_MAX: Final = 500
"""Most people that one form may name."""
TOLD: Final = (
    "planned", "submitted", "taken_back", "unchanged", "dropped", "cancelling",
    "waiting", "seen", "in_hand", "blocked", "erased", "visitor", "number", "limosa", "works",
    "was_withdrawn",
)  # fmt: skip
_NOT_THERE: Final = ("HUB-1661", "HUB-1651", "HUB-1774")
_TOLD: Final = re.compile(r"([a-z_]+)-(\d{1,6})")
_DayText = Annotated[str, Query(max_length=20)]
_SiteHandle = Annotated[str, Query(max_length=40)]
_Told = Annotated[str, Query(max_length=400)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: a site, by its handle, and a day."""

    site: str
    day: date

    def query(self, **others: str | int) -> str:
        """Returns the part of an address that asks for the same."""
        chosen = {"site": self.site, "day": self.day.isoformat(), **others}
        return urlencode({name: value for name, value in chosen.items() if value})


def day_of(text: str, now_ms: int) -> date:
    """Returns the day that is asked for: tomorrow unless another is named.

    Raises:
        UsageError: HUB-1770, it is neither today nor tomorrow.
    """
    today = brussels_day(now_ms)
    try:
        day = parse_day(text or "tomorrow", today)
    except UsageError:
        raise UsageError("HUB-1770") from None
    if day not in (today, today + timedelta(days=1)):
        raise UsageError("HUB-1770")
    return day


def plan_pages(office: Office) -> APIRouter:
    """Returns the plan board."""
    router = APIRouter()

    def boards(connection: Connection, actor: Actor) -> PlanBoards:
        submit_at = office.settings.plan.submit_at
        return PlanBoards(connection, office.vault, actor, office.clock(), submit_at)

    def acts(actor: Actor) -> PlanActs:
        return PlanActs(
            office.engine,
            office.write,
            office.vault,
            actor,
            office.clock(),
            office.settings.plan.submit_at,
        )

    def whole(
        request: Request,
        actor: Actor,
        site: str,
        day: str,
        told: str = "",
        error: SitegateError | None = None,
    ) -> Response:
        now_ms = office.clock()
        try:
            wanted = day_of(day, now_ms)
        except UsageError as refused:
            wanted, error = day_of("", now_ms), refused
        with reading(office.engine) as connection:
            found = boards(connection, actor)
            sites = found.sites()
            chosen = _chosen(found, site)
            board = found.board(chosen, wanted) if chosen else None
            sent = sent_of(connection, actor, chosen, wanted) if chosen else []
        return _draw(
            request, actor, "plan.html", now_ms, error,
            sites=sites,
            board=board,
            sent=sent,
            asked=Asked(chosen.handle if chosen else "", wanted),
            told=told,
            problems_shown=PROBLEMS_SHOWN,
        )  # fmt: skip

    def one(
        request: Request,
        actor: Actor,
        number: str,
        site: str,
        day: str,
        page: int = 1,
        told: str = "",
        error: SitegateError | None = None,
        ticked: frozenset[str] = frozenset(),
    ) -> Response:
        now_ms = office.clock()
        try:
            wanted = day_of(day, now_ms)
        except UsageError as refused:
            wanted, error = day_of("", now_ms), refused
        with reading(office.engine) as connection:
            found = boards(connection, actor)
            chosen = _chosen(found, site)
            if chosen is None:
                raise HTTPException(404)
            try:
                company = found.company(chosen, wanted, number, page)
            except UsageError:
                raise HTTPException(404) from None
        return _draw(
            request, actor, "plan_company.html", now_ms, error,
            shown=company,
            board=company.board,
            number=number,
            asked=Asked(chosen.handle, wanted),
            told=told,
            ticked=ticked,
        )  # fmt: skip

    @router.get("/plan")
    def page(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        site: _SiteHandle = "",
        day: _DayText = "",
        told: _Told = "",
    ) -> Response:
        return whole(request, actor, site, day, told)

    @router.post("/plan")
    def act(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        do: Annotated[str, Form()] = "",
        site: Annotated[str, Form()] = "",
        day: Annotated[str, Form()] = "",
    ) -> Response:
        try:
            where = Where(site, day_of(day, office.clock()))
            if do == "copy":
                outcome, word = acts(actor).copy(where), "planned"
            elif do == "submit":
                outcome, word = acts(actor).submit(where), "submitted"
            else:
                raise HTTPException(400)
        except UsageError as error:
            _there(error)
            return whole(request, actor, site, day, error=error)
        office.changed()
        return _done("/plan", Asked(site, where.day), outcome, word)

    @router.get("/plan/{number}")
    def company(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        number: str,
        site: _SiteHandle = "",
        day: _DayText = "",
        page: Annotated[int, Query(ge=1, le=1_000)] = 1,
        told: _Told = "",
    ) -> Response:
        return one(request, actor, number, site, day, page, told)

    @router.post("/plan/{number}")
    def company_act(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        number: str,
        do: Annotated[str, Form()] = "",
        site: Annotated[str, Form()] = "",
        day: Annotated[str, Form()] = "",
        stamp: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        page: Annotated[int, Form(ge=1, le=1_000)] = 1,
        row: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        ticked = _ticked(row or [])
        desk = acts(actor)
        try:
            where = Where(site, day_of(day, office.clock()), number)
            if do == "add":
                outcome, word = desk.add(where, ticked, stamp), "planned"
            elif do == "copy":
                outcome, word = desk.copy(where), "planned"
            elif do in ("submit", "submit_all"):
                outcome = desk.submit(where, ticked if do == "submit" else None)
                word = "submitted"
            elif do == "withdraw":
                outcome, word = desk.withdraw(where, ticked, reason, stamp), "taken_back"
            else:
                raise HTTPException(400)
        except UsageError as error:
            _there(error)
            chosen = frozenset(row or [])
            return one(request, actor, number, site, day, page, error=error, ticked=chosen)
        office.changed()
        return _done(f"/plan/{number}", Asked(site, where.day), outcome, word, page)

    return router


def _chosen(found: PlanBoards, site: str) -> SiteRow | None:
    try:
        return found.site(site)
    except UsageError:
        raise HTTPException(404) from None


def _there(error: UsageError) -> None:
    """What is not in the scope of whoever asks is not there."""
    if error.code in _NOT_THERE:
        raise HTTPException(404) from None


def _ticked(rows: list[str]) -> list[Ticked]:
    """What a form ticked: token and works number of each."""
    if len(rows) > TICKED_MAX:
        raise HTTPException(400)
    found: list[Ticked] = []
    for one in dict.fromkeys(rows):
        token, slash, number = one.partition("/")
        if not slash:
            raise HTTPException(400)
        found.append((token, number))
    return found


def _done(path: str, asked: Asked, outcome: Outcome, word: str, page: int = 1) -> Response:
    """The way back, with counts of what was done; no more than that is in the address."""
    told = [f"{word}-{outcome.done}"]
    if outcome.unchanged:
        told.append(f"unchanged-{outcome.unchanged}")
    for name, count in outcome.others.items():
        if name == "withdrawn":
            # Somebody left out because he was withdrawn before; of a withdrawal it is no news.
            name = "" if word == "taken_back" else "was_withdrawn"
        if name:
            told.append(f"{name}-{count}")
    return go(f"{path}?{asked.query(page=page if page > 1 else '', told='.'.join(told))}")


def _told(told: str) -> dict[str, int]:
    """What an act came to, as the address says; anything else in it is not read."""
    counts = {match[1]: int(match[2]) for match in _TOLD.finditer(told)}
    return {word: counts[word] for word in TOLD if word in counts}


def _draw(
    request: Request,
    actor: Actor,
    name: str,
    now_ms: int,
    error: SitegateError | None,
    told: str,
    **values: object,
) -> Response:
    words = PlanWords(language_of(request, actor))
    today = brussels_day(now_ms)
    counts: Mapping[str, int] = _told(told)
    status = {"HUB-1771": 409, "HUB-1770": 400}.get(error.code, 422) if error else 200
    return draw(
        request,
        name,
        words,
        actor,
        status,
        days=(today, today + timedelta(days=1)),
        today=today,
        told=words.told(counts),
        errors=words.explained([error] if error else []),
        may_change=actor.may(Action.PLAN_CHANGE),
        without=WITHOUT,
        standing_of=standing_of,
        tones=TONES,
        shapes_of=SHAPES,
        **values,
    )
