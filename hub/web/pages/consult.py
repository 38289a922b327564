"""Consulting registrations: our own store, and on request what the authority holds.

    GET  /consult    by period, site, company, state and remark
    POST /consult    `do`: search (for a name too, which never stands in an address), csv, xlsx,
                     or live: ask the authority about one site and a few days

Rows are those of whoever asks: one's own, those of one's workers, of the chain below, or of one's
site. When the authority cannot be asked, that is said, and our own store answers all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response

from hub.application.access import Actor
from hub.application.consultation import (
    FILE_ROWS_MAX,
    PAGE,
    Group,
    Line,
    Search,
    There,
    Wanted,
)
from hub.domain.audit import Noted
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.storage.audit import note
from hub.storage.consultation import ANY, Consultation
from hub.storage.engine import reading
from hub.web.access import Allowed
from hub.web.consult_words import ConsultWords
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.sheets import CSV, XLSX, csv_text, download, workbook

SEE: Final = Allowed(Action.REGISTRATIONS_SEE)
THERE_SHOWN: Final = 500
"""Most rows of the authority on the page."""
NAME_MAX: Final = 100
_NOT_THERE: Final = ("HUB-1661", "HUB-1651")
_Text = Annotated[str, Query(max_length=80)]
_Field = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class Live:
    """What the authority answered: when it was asked, UTC milliseconds, and its rows."""

    at_ms: int
    rows: Sequence[There]


def consult_pages(office: Office, search: Search) -> APIRouter:
    """Returns the pages of the consultation.

    Args:
        search: asks the authority.
    """
    router = APIRouter()

    def consultation(actor: Actor, wanted: Wanted, page: int, size: int) -> tuple[list[Line], int]:
        with reading(office.engine) as connection:
            found = Consultation(connection, office.vault, actor, office.clock())
            try:
                return found.rows(wanted, page, size)
            except UsageError as error:
                if error.code in _NOT_THERE:
                    raise HTTPException(404) from None
                raise

    def show(
        request: Request,
        actor: Actor,
        wanted: Wanted,
        page: int = 1,
        live: Live | None = None,
        errors: Sequence[SitegateError] = (),
    ) -> Response:
        words = ConsultWords(language_of(request, actor))
        told = list(errors)
        lines, total = [], 0
        try:
            lines, total = consultation(actor, wanted, page, PAGE)
        except UsageError as error:
            if error.code not in {one.code for one in told}:
                told.append(error)
        with reading(office.engine) as connection:
            found = Consultation(connection, office.vault, actor, office.clock())
            sites, companies = found.sites(), found.companies()
        return draw(
            request,
            "consult.html",
            words,
            actor,
            422 if any(isinstance(one, UsageError) for one in told) else 200,
            wanted=wanted,
            lines=lines,
            total=total,
            page=page,
            pages=max(1, -(-total // PAGE)),
            query=_query(wanted),
            sites=sites,
            companies=companies,
            live=live,
            there_shown=THERE_SHOWN,
            today=brussels_day(office.clock()),
            errors=words.explained(told),
        )

    def ask(actor: Actor, wanted: Wanted) -> Live:
        now_ms = office.clock()
        with reading(office.engine) as connection:
            found = Consultation(connection, office.vault, actor, now_ms)
            asked = found.searches(wanted)
        seen = [row for one in asked for row in search(*one)]
        with reading(office.engine) as connection:
            rows = Consultation(connection, office.vault, actor, now_ms).shown(seen, wanted)
        taken(actor, Noted.REGISTRATIONS_ASKED, wanted, rows=len(rows))
        return Live(now_ms, rows)

    def taken(actor: Actor, noted: Noted, wanted: Wanted, rows: int, form: str = "") -> None:
        period = [wanted.first.isoformat(), wanted.last.isoformat()]
        office.write(
            lambda connection: note(
                connection, office.vault, office.clock(), actor.name, noted,
                company_id=actor.company_id, period=period, rows=rows, form=form,
            )
        )  # fmt: skip

    def file(request: Request, actor: Actor, wanted: Wanted, form: str) -> Response:
        words = ConsultWords(language_of(request, actor))
        lines, _ = consultation(actor, wanted, 1, FILE_ROWS_MAX)
        taken(actor, Noted.REGISTRATIONS_EXPORTED, wanted, form=form, rows=len(lines))
        name = f"{words('file')}-{wanted.first.isoformat()}.{form}"
        rows = words.file_rows(lines, iso=form == "csv")
        if form == "csv":
            return download(csv_text(words.columns(), rows), name, CSV)
        return download(workbook(words("title")[:31], words.columns(), rows), name, XLSX)

    @router.get("/consult")
    def listed(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        first: _Text = "",
        last: _Text = "",
        site: _Text = "",
        company: _Text = "",
        state: _Text = "",
        remark: _Text = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    ) -> Response:
        wanted, errors = _wanted(office, first, last, site, company, state, remark, "")
        return show(request, actor, wanted, page, errors=errors)

    @router.post("/consult")
    def searched(
        request: Request,
        actor: Annotated[Actor, Depends(SEE)],
        do: _Field = "search",
        first: _Field = "",
        last: _Field = "",
        site: _Field = "",
        company: _Field = "",
        state: _Field = "",
        remark: _Field = "",
        name: _Field = "",
        page: Annotated[int, Form(ge=1, le=100_000)] = 1,
    ) -> Response:
        wanted, errors = _wanted(office, first, last, site, company, state, remark, name)
        if errors:
            return show(request, actor, wanted, errors=errors)
        try:
            if do in ("csv", "xlsx"):
                return file(request, actor, wanted, do)
            if do == "live":
                return show(request, actor, wanted, live=ask(actor, wanted))
        except UsageError as error:
            if error.code in _NOT_THERE:
                raise HTTPException(404) from None
            return show(request, actor, wanted, errors=[error])
        except SitegateError as error:
            # Why, and that our own store answers all the same.
            return show(request, actor, wanted, errors=[SitegateError("HUB-1845"), error])
        if not wanted.name:
            return go(f"/consult?{_query(wanted)}" + (f"&page={page}" if page > 1 else ""))
        return show(request, actor, wanted, page)

    return router


def _wanted(
    office: Office,
    first: str,
    last: str,
    site: str,
    company: str,
    state: str,
    remark: str,
    name: str,
) -> tuple[Wanted, list[SitegateError]]:
    """What was chosen, today when no day is; a word that is none of ours chooses nothing."""
    today = brussels_day(office.clock())
    errors: list[SitegateError] = []
    try:
        begin = _day(first) or today
        end = _day(last) or max(begin, today if not first else begin)
    except UsageError as error:
        begin = end = today
        errors.append(error)
    group = state if state in tuple(Group) else ""
    sought = remark if remark == ANY or remark.replace("_", "").isalnum() else ""
    return Wanted(begin, end, site, company, group, sought, name.strip()[:NAME_MAX]), errors


def _day(text: str) -> date | None:
    """Returns the day, None for no text.

    Raises:
        UsageError: HUB-1840, that is no day.
    """
    if not text:
        return None
    try:
        if len(text) != len("2026-11-23"):
            raise UsageError("HUB-1840")
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("HUB-1840") from None


def _query(wanted: Wanted) -> str:
    """The part of an address that asks for the same; a name is never in it."""
    chosen = {
        "first": wanted.first.isoformat(),
        "last": wanted.last.isoformat(),
        "site": wanted.site,
        "company": wanted.company,
        "state": wanted.group,
        "remark": wanted.remark,
    }
    return urlencode({name: value for name, value in chosen.items() if value})
