"""What is done with a worker's phone: an act that is kept, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from hub.application.acts import DIRECTIONS, PHONE_PLACE, Channel, Means, NewAct, Stage, keep
from hub.application.phone import OLDEST_MS, Location, Moment, moment_of, rounded
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.i18n import time_text
from hub.storage.acts import Acts
from hub.storage.engine import reading
from hub.storage.phone_acts import PhoneAct, act_of, location_asked, note_phone_act, recent_acts
from hub.storage.phones import Phone, is_his
from hub.web.office import Office
from hub.web.page_words import PageWords

_MOMENT_MAX: Final = 2**53


class SentAct(BaseModel):
    """An act as a phone sends it."""

    model_config = ConfigDict(frozen=True)

    reference: str = Field(max_length=64)
    way: str = Field(max_length=3)
    at: int | None = Field(default=None, ge=0, le=_MOMENT_MAX)
    sent: int | None = Field(default=None, ge=0, le=_MOMENT_MAX)
    kept: bool = False
    """It was kept on the phone for want of a network; a location is not kept there."""
    latitude: float | None = None
    longitude: float | None = None

    def __repr__(self) -> str:
        return "SentAct()"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class PhoneActs:
    """Keeps what is done with phones.

    Args:
        office: the store, the keys and the time.
        kept: called after each act that is on disk; must not block.
    """

    office: Office
    kept: Callable[[], None]

    def enter(self, one: Phone, site_id: int, sent: SentAct) -> Moment:
        """Keeps an act, or finds it kept; it is on disk when this returns.

        Returns:
            When it counts as done, and how good the phone's clock is.

        Raises:
            UsageError: HUB-1780 or HUB-1781 it cannot be one, HUB-1823 it was kept too long,
                HUB-1824 it is of another worker's phone, HUB-1826 the site asks for the place.
        """
        now_ms = self.office.clock()
        moment = moment_of(sent.at, sent.sent, now_ms)
        if sent.way not in DIRECTIONS:
            raise UsageError("HUB-1780")
        if now_ms - moment.at_ms > OLDEST_MS:
            raise UsageError("HUB-1823")
        act = NewAct(
            reference=sent.reference,
            at_ms=moment.at_ms,
            site_id=site_id,
            direction=DIRECTIONS[sent.way],
            person_id=one.person_id,
            channel=Channel.PHONE,
            means=Means.OWN_LINK,
            place=PHONE_PLACE,
            by=one.id,
        )

        def write(connection: Connection) -> None:
            # Whose phone kept it stands in its name: nobody sends the act of who had the phone
            # before him.
            phone_id = "-".join(("phone", sent.reference.partition("-")[0]))
            if not is_his(connection, phone_id, one.person_id):
                raise UsageError("HUB-1824")
            asked = location_asked(connection, site_id)
            latitude, longitude = rounded(sent.latitude, 90), rounded(sent.longitude, 180)
            told = latitude is not None and longitude is not None and asked is not Location.OFF
            acts = Acts(connection)
            if asked is Location.MUST and not told and not sent.kept:
                if acts.find(sent.reference) is None:
                    raise UsageError("HUB-1826")
            done = keep(acts, act, now_ms)
            if not done.again:
                where = (latitude, longitude) if told else (None, None)
                note_phone_act(connection, done.number, sent.at, moment, *where)

        self.office.write(write)
        self.kept()
        return moment

    def recent(self, one: Phone) -> list[PhoneAct]:
        """Returns the newest acts of the worker by phone, newest first."""
        with reading(self.office.engine) as connection:
            return recent_acts(connection, one.person_id, self.office.clock())

    def one(self, one: Phone, reference: str) -> PhoneAct:
        """Returns an act of the worker that is kept."""
        with reading(self.office.engine) as connection:
            return act_of(connection, one.person_id, reference)


class PhoneWords(PageWords):
    """Texts of the phone page in one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "phone")

    def told(self, act: PhoneAct, window_ms: int) -> dict[str, Any]:
        """Returns what is said of an act: which, how far it is, and what to do.

        Registered is said with the number and never else.

        Args:
            window_ms: milliseconds after an act in which the in/out service takes it.
        """
        stage, number = act.standing.stage, act.standing.number
        word = {Stage.WAITING: Stage.KEPT, Stage.HELD: Stage.KEPT}.get(stage, stage)
        say = str(stage)
        if stage is Stage.NOT_MADE and self._was_late(act, window_ms):
            say = "late"
        return {
            "reference": act.reference,
            "stage": str(stage),
            "settled": act.standing.settled,
            "word": self(f"stage.{word}", number=number or ""),
            "say": self(f"say.{say}"),
            "what": self.what(act),
        }

    def what(self, act: PhoneAct) -> str:
        """Returns which act it is: way, moment, site."""
        way = "in" if act.direction == DIRECTIONS["in"] else "out"
        return self(
            f"did.{way}", time=time_text(act.at_ms, self.language, seconds=False), site=act.site
        )

    def clock(self, moment: Moment) -> str:
        """Returns what is to be said of the phone's clock; empty when it is good."""
        if moment.ahead_ms is None or not moment.clock_is_off:
            return ""
        which = "ahead" if moment.ahead_ms > 0 else "behind"
        minutes = round(abs(moment.ahead_ms) / 60_000)
        off = f"{minutes} min" if minutes < 2 * 60 else f"{round(minutes / 60)} h"
        return self(f"clock.{which}", off=off)

    @staticmethod
    def _was_late(act: PhoneAct, window_ms: int) -> bool:
        other_day = brussels_day(act.at_ms) != brussels_day(act.received_ms)
        return other_day or act.received_ms - act.at_ms > window_ms
