"""Reports that go out by mail by themselves: which, to whom, when, and what became of them.

    GET  /reports/schedule                    those whoever looks may see; `?page=`
    GET  /reports/schedule/new, POST          a new one
    GET  /reports/schedule/{schedule}, POST   one of them, to change it
    POST /reports/schedule/{schedule}/send    it is wanted now, once
    POST /reports/schedule/{schedule}/pause   it rests
    POST /reports/schedule/{schedule}/resume  it goes on
    POST /reports/schedule/{schedule}/remove  it is no more

Addresses of recipients are shown to whoever may change the schedule, and stand in no address.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.domain.report_times import Cover, Kind, Rhythm, Timing
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.companies import Companies
from hub.storage.engine import reading
from hub.storage.report_schedules import (
    FORMS,
    RECIPIENTS_MAX,
    ScheduleDraft,
    ScheduleRow,
    Schedules,
    addresses_in,
)
from hub.storage.sites import Sites
from hub.web.access import Allowed
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.schedule_words import ScheduleWords

HERE: Final = "/reports/schedule"
PAGE: Final = 20
_Change = Annotated[Actor, Depends(Allowed(Action.REPORTS_SCHEDULE))]


class ScheduleForm(BaseModel):
    """The form as it was sent. The `repr` shows no recipient."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, str_max_length=4000)

    kind: str = Kind.DAY
    pattern: str = f"{Rhythm.DAILY}-{Cover.YESTERDAY}"
    weekday: list[str] = []
    at: str = "06:30"
    site: list[str] = []
    company: str = ""
    form: str = "pdf"
    language: str = ""
    recipients: str = ""

    def __repr__(self) -> str:
        return "ScheduleForm()"

    __str__ = __repr__


def schedule_pages(office: Office, wanted: Callable[[], None]) -> APIRouter:
    """Returns the pages.

    Args:
        office: the store, the keys and the time.
        wanted: called after somebody wants a report now, or changed a schedule; must not block.
    """
    router = APIRouter()

    def schedules(connection: Connection, actor: Actor) -> Schedules:
        return Schedules(connection, office.vault, actor, office.clock())

    def row_of(actor: Actor, handle: str) -> ScheduleRow:
        try:
            with reading(office.engine) as connection:
                return schedules(connection, actor).row(handle)
        except UsageError:
            raise HTTPException(404) from None

    def change(actor: Actor, act: Callable[[Schedules], object], said: str) -> Response:
        try:
            office.write(lambda connection: act(schedules(connection, actor)))
        except UsageError:
            raise HTTPException(404) from None
        wanted()
        return go(HERE, said)

    def form_page(
        request: Request,
        actor: Actor,
        typed: ScheduleForm,
        row: ScheduleRow | None,
        error: UsageError | None = None,
    ) -> Response:
        words = ScheduleWords(language_of(request, actor))
        now_ms = office.clock()
        with reading(office.engine) as connection:
            sites = Sites(connection, office.vault, actor, now_ms).rows(Action.REPORTS_SEE)
            companies = Companies(connection, office.vault, actor, now_ms).rows()
        return draw(
            request, "schedule_form.html", words, actor, 400 if error else 200,
            typed=typed, row=row, sites=sites,
            kinds=[(str(kind), words.report(kind)) for kind in Kind],
            patterns=words.patterns(), weekdays=[(str(n), words.weekday(n)) for n in range(1, 8)],
            companies=[("", words("every_company"))]
            + [(one.number, one.name) for one in companies],
            forms=[(form, words(f"form.{form}")) for form in FORMS],
            spoken=list(LANGUAGE_NAMES.items()), most=RECIPIENTS_MAX,
            errors=words.explained([error] if error else []),
        )  # fmt: skip

    @router.get(HERE)
    def listed(
        request: Request, actor: _Change, page: Annotated[int, Query(ge=1, le=10_000)] = 1
    ) -> Response:
        words, now_ms = ScheduleWords(language_of(request, actor)), office.clock()
        with reading(office.engine) as connection:
            rows = schedules(connection, actor).rows()
        pages = max(1, -(-len(rows) // PAGE))
        page = min(page, pages)
        return draw(
            request, "schedule.html", words, actor,
            rows=rows[(page - 1) * PAGE : page * PAGE], page=page, pages=pages, now_ms=now_ms,
            mail=bool(office.settings.mail.host), mine=actor.account_id,
            languages_known=LANGUAGE_NAMES,
        )  # fmt: skip

    @router.get(f"{HERE}/new")
    def new(request: Request, actor: _Change) -> Response:
        return form_page(request, actor, ScheduleForm(language=language_of(request, actor)), None)

    @router.post(f"{HERE}/new")
    def add(request: Request, actor: _Change, form: Annotated[ScheduleForm, Form()]) -> Response:
        try:
            draft = _draft(form)
            office.write(lambda connection: schedules(connection, actor).add(draft))
        except UsageError as error:
            return form_page(request, actor, form, None, error)
        wanted()
        return go(HERE, "added")

    @router.get(f"{HERE}/{{schedule}}")
    def one(request: Request, actor: _Change, schedule: str) -> Response:
        row = row_of(actor, schedule)
        with reading(office.engine) as connection:
            sites = Sites(connection, office.vault, actor, office.clock())
            chosen = [sites.handle(site_id) for site_id in row.schedule.sites]
        return form_page(request, actor, _typed(row, chosen), row)

    @router.post(f"{HERE}/{{schedule}}")
    def change_it(
        request: Request, actor: _Change, schedule: str, form: Annotated[ScheduleForm, Form()]
    ) -> Response:
        row = row_of(actor, schedule)
        try:
            draft = _draft(form)
            office.write(lambda connection: schedules(connection, actor).change(schedule, draft))
        except UsageError as error:
            return form_page(request, actor, form, row, error)
        wanted()
        return go(HERE, "changed")

    @router.post(f"{HERE}/{{schedule}}/send")
    def send(actor: _Change, schedule: str) -> Response:
        return change(actor, lambda mine: mine.ask(schedule), "asked")

    @router.post(f"{HERE}/{{schedule}}/pause")
    def pause(actor: _Change, schedule: str) -> Response:
        return change(actor, lambda mine: mine.switch(schedule, on=False), "paused")

    @router.post(f"{HERE}/{{schedule}}/resume")
    def resume(actor: _Change, schedule: str) -> Response:
        return change(actor, lambda mine: mine.switch(schedule, on=True), "resumed")

    @router.post(f"{HERE}/{{schedule}}/remove")
    def remove(actor: _Change, schedule: str) -> Response:
        return change(actor, lambda mine: mine.remove(schedule), "removed")

    return router


def _draft(form: ScheduleForm) -> ScheduleDraft:
    """Returns what a form wants.

    Raises:
        UsageError: HUB-1862, it chose what the form does not offer.
    """
    rhythm, _, cover = form.pattern.partition("-")
    try:
        # Ticks that mean nothing for this rhythm are left over from another one.
        ticked = form.weekday if rhythm == Rhythm.WEEKDAYS else []
        timing = Timing(
            Rhythm(rhythm),
            Cover(cover),
            _time(form.at),
            frozenset(int(one) for one in ticked if one.isdecimal()),
        )
        return ScheduleDraft(
            Kind(form.kind),
            timing,
            form.form,
            form.language,
            addresses_in(form.recipients),
            tuple(dict.fromkeys(form.site)),
            form.company,
        )
    except ValueError:
        raise UsageError("HUB-1862") from None


def _time(typed: str) -> time:
    found = time.fromisoformat(typed)
    if len(typed) != len("06:30") or found.tzinfo is not None:
        raise ValueError(typed)
    return found


def _typed(row: ScheduleRow, sites: list[str]) -> ScheduleForm:
    schedule = row.schedule
    timing = schedule.timing
    return ScheduleForm(
        kind=str(schedule.kind),
        pattern=f"{timing.rhythm}-{timing.cover}",
        weekday=[str(one) for one in sorted(timing.weekdays)],
        at=f"{timing.at:%H:%M}",
        site=sites,
        company=row.company_number,
        form=schedule.form,
        language=schedule.language,
        recipients="\n".join(schedule.recipients),
    )
