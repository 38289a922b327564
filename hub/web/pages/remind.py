"""Reminding companies of presences that are not in order: choose, read, send.

    GET  /reports/reminders/new        who has something to put in order in a period
    GET  /reports/reminders/preview    what those who were ticked would be told
    POST /reports/reminders/send       sends that, once

What was read is what is sent: when a text or a presence has changed meanwhile, it is shown anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.reports import of_problem
from hub.domain.companies import number_text
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.reminding import Reminding
from hub.storage.site_day import FIRST_DAY
from hub.storage.sites import SiteRow, Sites
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.pages.report_files import DrawReport
from hub.web.pages.reports import DayText, Handle
from hub.web.reminder_words import ReminderWords
from hub.web.reminding import Preview, Reminders, Wanted, wanted_of
from hub.web.report_asked import this_month

SEND: Final = Allowed(Action.REMINDERS_SEND)
Numbers = Annotated[list[str], Query(max_length=1000)]
Typed = Annotated[str, Form(max_length=40)]
TypedMany = Annotated[list[str], Form(max_length=1000)]


def remind_pages(
    office: Office, base_url: str, draw_report: DrawReport, wake: Callable[[], None]
) -> APIRouter:
    """Returns the pages.

    Args:
        base_url: where the pages are, without the slash at its end.
        draw_report: makes the list that goes with a reminder.
        wake: there may be a new message.
    """
    router = APIRouter()
    pages = _Remind(office, Reminders(office, base_url, draw_report), wake)

    @router.get("/reports/reminders/new")
    def choose(
        request: Request,
        actor: Annotated[Actor, Depends(SEND)],
        first: DayText = "",
        last: DayText = "",
        site: Handle = "",
        company: Handle = "",
    ) -> Response:
        return pages.choose(request, actor, (first, last, site, company))

    @router.get("/reports/reminders/preview")
    def preview(
        request: Request,
        actor: Annotated[Actor, Depends(SEND)],
        first: DayText = "",
        last: DayText = "",
        site: Handle = "",
        to: Numbers = [],  # noqa: B006 - never changed
    ) -> Response:
        return pages.preview(request, actor, (first, last, site, ""), to)

    @router.post("/reports/reminders/send")
    def send(
        request: Request,
        actor: Annotated[Actor, Depends(SEND)],
        first: Typed = "",
        last: Typed = "",
        site: Typed = "",
        to: TypedMany = [],  # noqa: B006
        seen: TypedMany = [],  # noqa: B006
        again: TypedMany = [],  # noqa: B006
        act: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        return pages.send(request, actor, (first, last, site, ""), to, seen, again, act)

    return router


Given = tuple[str, str, str, str]
"""First day, last day, site and company as they were given."""


class _Remind:
    def __init__(self, office: Office, reminders: Reminders, wake: Callable[[], None]) -> None:
        self._office = office
        self._reminders = reminders
        self._wake = wake

    def choose(
        self, request: Request, actor: Actor, given: Given, errors: Sequence[UsageError] = ()
    ) -> Response:
        """Draws who has something to put in order."""
        now_ms, found = self._office.clock(), list(errors)
        try:
            wanted = wanted_of(*given, (), now_ms)
        except UsageError as error:
            found.append(error)
            wanted = wanted_of("", "", given[2], given[3], (), now_ms)
        candidates = self._found(lambda: self._reminders.candidates(actor, wanted))
        words = ReminderWords(language_of(request, actor))
        ready = self._ready()
        return draw(
            request,
            "remind.html",
            words,
            actor,
            400 if found else 200,
            wanted=wanted,
            query=_query(wanted),
            candidates=candidates,
            ready=ready,
            problems=lambda one: [
                (words.any(f"reports.problem.{problem}"), count)
                for problem, count in of_problem([row.row for row in one.rows])
            ],
            sites=self._sites(actor),
            first_day=FIRST_DAY,
            today=this_month(now_ms).last,
            number_text=number_text,
            errors=words.explained([*found, *([] if ready else [UsageError("HUB-1853")])]),
        )

    def preview(self, request: Request, actor: Actor, given: Given, to: Sequence[str]) -> Response:
        """Draws what those who were ticked would be told."""
        try:
            wanted = wanted_of(*given, to, self._office.clock())
            previews = self._found(lambda: self._reminders.previews(actor, wanted))
        except UsageError as error:
            return self.choose(request, actor, given, [error])
        return self._previewed(request, actor, wanted, previews, secrets.token_urlsafe(16), ())

    def send(
        self,
        request: Request,
        actor: Actor,
        given: Given,
        to: Sequence[str],
        seen: Sequence[str],
        again: Sequence[str],
        act: str,
    ) -> Response:
        """Sends what was read; shows it anew when it is another."""
        office = self._office
        if act and self._done(actor, act):
            return go("/reports/reminders", "sent_before")
        try:
            wanted = wanted_of(*given, to, office.clock())
            previews = self._found(lambda: self._reminders.previews(actor, wanted))
        except UsageError as error:
            return self.choose(request, actor, given, [error])
        try:
            if not self._ready():
                raise UsageError("HUB-1853")
            if not act or {one.seen for one in previews} != set(seen):
                raise UsageError("HUB-1857")
            drafts = [self._reminders.draft(one) for one in previews]

            def keep(connection: Connection) -> int:
                reminding = Reminding(connection, office.vault, actor, office.clock())
                return reminding.send(act, drafts, again)

            sent = office.write(keep)
        except UsageError as error:
            word = act or secrets.token_urlsafe(16)
            return self._previewed(request, actor, wanted, previews, word, again, error)
        self._wake()
        return go("/reports/reminders", "sent" if sent else "sent_before")

    def _previewed(
        self,
        request: Request,
        actor: Actor,
        wanted: Wanted,
        previews: Sequence[Preview],
        act: str,
        again: Sequence[str],
        error: UsageError | None = None,
    ) -> Response:
        words = ReminderWords(language_of(request, actor))
        ready = self._ready()
        errors = [error] if error else [] if ready else [UsageError("HUB-1853")]
        return draw(
            request,
            "remind_preview.html",
            words,
            actor,
            400 if error else 200,
            wanted=wanted,
            query=_query(wanted),
            previews=previews,
            act=act,
            again=again,
            ready=ready,
            number_text=number_text,
            errors=words.explained(errors),
        )

    def _ready(self) -> bool:
        return bool(self._office.settings.mail.host)

    def _done(self, actor: Actor, act: str) -> bool:
        """Whether this form was sent before, by him."""
        office = self._office
        with reading(office.engine) as connection:
            return Reminding(connection, office.vault, actor, office.clock()).done(act)

    def _sites(self, actor: Actor) -> list[SiteRow]:
        office = self._office
        with reading(office.engine) as connection:
            sites = Sites(connection, office.vault, actor, office.clock())
            return sites.rows(Action.REPORTS_SEE)

    def _found(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except UsageError as error:
            if error.code == "HUB-1661":
                raise HTTPException(404) from None
            raise


def _query(wanted: Wanted) -> str:
    chosen = {
        "first": wanted.period.first.isoformat(),
        "last": wanted.period.last.isoformat(),
        "site": wanted.narrowed.site,
        "company": wanted.narrowed.company,
    }
    return urlencode({name: value for name, value in chosen.items() if value})
