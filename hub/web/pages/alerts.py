"""The page of alerts: what is open and what to do about it, who was told, and how channels go.

GET  /alerts                        open ones first; `?page=` of those that are over
POST /alerts/{handle}/acknowledge   somebody takes care of it
POST /alerts/test                   sends a test to one of the recipients
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.alert_words import advice, title, where
from hub.application.alerting import Kept, Tells
from hub.application.mailing import MAIL, OTHERS, WEBHOOK
from hub.application.posting import ChannelState
from hub.domain.alert_times import Recipient
from hub.domain.alerts import Level
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.i18n import clock_text
from hub.storage.alerts import (
    NOTE_MAX,
    Hearing,
    acknowledge,
    hearings,
    open_alerts,
    past_alerts,
)
from hub.storage.audit_reader import Subjects
from hub.storage.engine import reading
from hub.storage.notices import channel_states, try_now
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

ROOM: Final = "alerts"
PAGE: Final = 50
_SEE = Depends(Allowed(Action.ALERTS_SEE))
_CHANGE = Depends(Allowed(Action.ALERTS_CHANGE))
_SHAPES: Final = {Level.URGENT: "none", Level.PROMPT: "due", Level.LATER: "flagged"}
_TONES: Final = {Level.URGENT: "action", Level.PROMPT: "wait", Level.LATER: "remark"}
_HEARD: Final = {"sent": "registered", "lost": "refused", "waiting": "due", "later": "blank"}


@dataclass(frozen=True, slots=True)
class Line:
    """One alert as it is drawn.

    Args:
        level: the word of how urgent it is.
        shape, tone: how that looks.
        since, until: moments in words; `until` is empty while it is open.
        acked: who acknowledged it and when, in a sentence; empty when nobody has.
        told: who was told when, as (shape, sentence).
    """

    handle: str
    level: str
    shape: str
    tone: str
    site: str
    title: str
    since: str
    until: str
    next: str
    acked: str
    note: str
    told: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as it is drawn.

    Args:
        well: the last message was taken, or none was sent yet.
        trouble: what is wrong, in words; empty for nothing.
        last: when a message was last taken, in words.
        recipients: (number, who, step, language).
    """

    name: str
    well: bool
    state: str
    trouble: str
    last: str
    waiting: int
    recipients: tuple[tuple[int, str, int, str], ...]


def alerts_pages(office: Office, telling: Tells | None) -> APIRouter:
    """Returns the addresses of the alerts.

    Args:
        office: the store, the keys and the time.
        telling: who is told, and by what; None: nobody is.
    """
    router = APIRouter()
    pages = _Pages(office, telling)

    @router.get("/alerts")
    def page(
        request: Request,
        actor: Annotated[Actor, _SEE],
        page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    ) -> Response:
        return pages.draw(request, actor, page)

    @router.post("/alerts/test")
    def test(
        request: Request,
        actor: Annotated[Actor, _CHANGE],
        recipient: Annotated[int, Form(ge=0, le=10_000)],
    ) -> Response:
        return pages.test(request, actor, recipient)

    @router.post("/alerts/{handle}/acknowledge")
    def acknowledge_(
        actor: Annotated[Actor, _CHANGE],
        handle: str,
        note: Annotated[str, Form(max_length=4 * NOTE_MAX)] = "",
    ) -> Response:
        return pages.acknowledge(actor, handle, note)

    return router


class _Pages:
    """What every address of the alerts works with."""

    def __init__(self, office: Office, telling: Tells | None) -> None:
        self._office = office
        self._telling = telling

    @property
    def _recipients(self) -> tuple[Recipient, ...]:
        return () if self._telling is None else self._telling.wanted.recipients

    def draw(
        self,
        request: Request,
        actor: Actor,
        page: int = 1,
        errors: tuple[SitegateError, ...] = (),
    ) -> Response:
        """Returns the page; 400 when something asked for could not be done."""
        words = PageWords(language_of(request, actor), ROOM)
        office, scope = self._office, actor.scope(Action.ALERTS_SEE)
        with reading(office.engine) as connection:
            standing = open_alerts(connection, office.vault, scope)
            past, total = past_alerts(connection, office.vault, scope, page, PAGE)
            lines = self._lines(connection, [*standing, *past], words)
            states = channel_states(connection)
        everything = scope.everything
        return draw(
            request,
            "alerts.html",
            words,
            actor,
            400 if errors else 200,
            open=lines[: len(standing)],
            past=lines[len(standing) :],
            total=total,
            page=page,
            pages=max(1, -(-total // PAGE)),
            channels=self._channels(states, words) if everything else [],
            everything=everything,
            may=actor.may(Action.ALERTS_CHANGE),
            errors=words.explained(errors),
            note_max=NOTE_MAX,
        )

    def acknowledge(self, actor: Actor, handle: str, note: str) -> Response:
        """Acknowledges one; of one that is over, or acknowledged already, says so."""
        office = self._office
        wanted = None if self._telling is None else self._telling.wanted
        try:
            done = office.write(
                lambda connection: acknowledge(
                    connection, office.vault, handle, actor, office.clock(), note, wanted
                )
            )
        except UsageError:
            raise HTTPException(404) from None
        return go("/alerts", said="acknowledged" if done else "settled")

    def test(self, request: Request, actor: Actor, number: int) -> Response:
        """Sends a test; what went wrong stands on the page."""
        telling, everything = self._telling, actor.scope(Action.ALERTS_CHANGE).everything
        if telling is None or not everything or number >= len(self._recipients):
            raise HTTPException(404)
        to = self._recipients[number]
        try:
            telling.try_out(to)
        except SitegateError as error:
            return self.draw(request, actor, errors=(error,))
        # It works: what waited for it goes now.
        self._office.write(lambda connection: try_now(connection, to.channel))
        telling.wake()
        return go("/alerts", said="tested")

    # ------------------------------------------------------------ in words

    def _lines(self, connection: Connection, kept: list[Kept], words: PageWords) -> list[Line]:
        heard = hearings(connection, [one.row for one in kept])
        subjects = Subjects(connection, self._office.vault)
        subjects.learn([one.alert.acked_by for one in kept if one.alert.acked_by])
        day = brussels_day(self._office.clock())

        def clock(utc_ms: int) -> str:
            return clock_text(utc_ms, words.language, day)

        def line(one: Kept) -> Line:
            alert, typeset = one.alert, words.board.typeset
            level = alert.rule.level
            acked = ""
            if alert.acked_ms is not None:
                who = subjects.of(alert.acked_by).name or words("by_command")
                acked = words("acked", who=who, when=clock(alert.acked_ms))
            return Line(
                one.handle,
                words(f"level.{level}"),
                _SHAPES[level],
                _TONES[level],
                where(alert, words.language),
                _sentence(typeset(title(alert, words.language))),
                clock(alert.first_ms),
                "" if alert.cleared_ms is None else clock(alert.cleared_ms),
                typeset(advice(alert, words.language)),
                acked,
                alert.ack_note,
                tuple(
                    (_HEARD[hearing.state], _heard(hearing, words, clock))
                    for hearing in heard.get(one.row, ())
                ),
            )

        return [line(one) for one in kept]

    def _channels(self, states: dict[str, ChannelState], words: PageWords) -> list[Channel]:
        set_up = () if self._telling is None else self._telling.channels
        day = brussels_day(self._office.clock())
        found: list[Channel] = []
        for name in (MAIL, WEBHOOK, OTHERS):
            state = states.get(name) or ChannelState(name)
            if name not in set_up and not state.waiting:
                continue
            well = not state.failures
            last = words("never")
            if state.last_sent_ms is not None:
                last = clock_text(state.last_sent_ms, words.language, day)
            found.append(
                Channel(
                    words(f"channel.{name}"),
                    well,
                    words("well" if well else "unwell"),
                    ""
                    if well
                    else words("trouble", code=state.code,
                               when=clock_text(state.next_try_ms, words.language, day)),
                    last,
                    state.waiting,
                    tuple(
                        (number, _named(one.channel, one.to, words), one.step, one.language)
                        for number, one in enumerate(self._recipients)
                        if one.channel == name
                    ),
                )
            )  # fmt: skip
        return found


def _sentence(written: str) -> str:
    return written[:1].upper() + written[1:]


def _named(channel: str, to: str, words: PageWords) -> str:
    return to or words(f"channel.{channel}")


def _heard(hearing: Hearing, words: PageWords, clock: Callable[[int], str]) -> str:
    """Returns in a sentence who hears of what, when, and how far that has come."""
    values = {
        "who": _named(hearing.channel, hearing.to, words),
        "what": words(f"event.{hearing.event}"),
        "when": clock(hearing.due_ms if hearing.sent_ms is None else hearing.sent_ms),
    }
    if hearing.state in ("waiting", "lost") and hearing.code:
        return words(f"heard.{hearing.state}_code", code=hearing.code, **values)
    return words(f"heard.{hearing.state}", **values)
