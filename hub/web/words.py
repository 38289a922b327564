"""What the board says in one language: times, states, reasons and what happens next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from hub.application.overview import (
    AuthorityStatus,
    GateStatus,
    PersonRow,
    RegistrationRow,
    Standing,
)
from hub.application.place_words import place_text
from hub.domain.causes import Cause
from hub.domain.legal_day import brussels_day
from hub.domain.registration import LIVE, NUMBERED, State
from hub.i18n import catalogue, clock_text, day_text, placeholders, text, time_text

# How a registration came about explains nothing about why it has no number yet.
_ORIGINS: Final = (Cause.FIRST_TAP, Cause.FIRST_TAP_OUT, Cause.PLANNED)
_FIRST_SECOND: Final = 1_000_000_000
"""A version of the badge list that is larger is a moment in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way of a tap.

    Args:
        shape: name of the symbol; each state has its own, so that colour is never alone.
        tone: `done`, `number`, `wait`, `remark`, `action` or `none`.
        word: what it is called.
        value: the time, or empty.
        note: a second word, or empty.
    """

    shape: str
    tone: str
    word: str
    value: str = ""
    note: str = ""


_FRENCH_SIGN: Final = re.compile(r" ([:;?!\u00bb])")
_FRENCH_OPEN: Final = re.compile("\u00ab ")
_TONES: Final = {
    State.HELD: "action",
    State.REFUSED: "action",
    State.LAPSED: "action",
    State.IN_DOUBT: "wait",
    State.DUE: "wait",
    State.SENDING: "wait",
    State.FLAGGED: "remark",
    State.REGISTERED: "number",
    State.VALIDATED: "number",
    State.CANCELLING: "remark",
    State.CANCELLED: "none",
    State.DROPPED: "none",
}


class Words:
    """Texts of the dashboard in one language.

    Args:
        language: one of `hub.i18n.LANGUAGES`.
        authority: what the authority's link does; it decides what happens next to who waits.
    """

    def __init__(self, language: str, authority: AuthorityStatus | None = None) -> None:
        self.language = language
        self._authority = authority or AuthorityStatus()

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text of the dashboard with that key."""
        return self.typeset(text(f"dashboard.{key}", self.language, **values))

    def any(self, key: str, **values: object) -> str:
        """Returns the text with that whole key."""
        return self.typeset(text(key, self.language, **values))

    def gate(self, key: str, **values: object) -> str:
        """Returns the text with that key of what gates tell about themselves."""
        return self.typeset(text(f"gate.{key}", self.language, **values))

    def both(self, texts: tuple[str, str]) -> tuple[str, str]:
        """Returns the two texts as they are set in this language."""
        return self.typeset(texts[0]), self.typeset(texts[1])

    def counted(self, key: str, count: int, **values: object) -> str:
        """Returns the text for one or for many."""
        return self(f"{key}_{'one' if count == 1 else 'many'}", count=count, **values)

    def place(self, name: str) -> str:
        """Returns what the place of a tap or an act is called."""
        return place_text(name, self.language)

    def level(self, level: int) -> str:
        """Returns where a company stands in the chain."""
        return self.any("day.level_0") if level == 0 else self.any("day.level", level=level)

    def time(self, utc_ms: int | None, *, seconds: bool = True) -> str:
        """Returns the time of day in Brussels, `07:42:10`; the word for never without one."""
        if utc_ms is None:
            return self("never")
        return time_text(utc_ms, self.language, seconds=seconds)

    def on_day(self, utc_ms: int | None, iso: str) -> str:
        """Returns the time of day; of who came the day before with that date before it."""
        if utc_ms is None:
            return self("never")
        return clock_text(utc_ms, self.language, date.fromisoformat(iso), seconds=True)

    def day(self, iso: str) -> str:
        """Returns a day in words."""
        return day_text(date.fromisoformat(iso), self.language)

    def moment(self, utc_ms: int | None, today: str) -> str:
        """Returns the time alone for a moment of today, else day and time."""
        if utc_ms is None:
            return self("never")
        day = brussels_day(utc_ms).isoformat()
        time = self.time(utc_ms)
        return time if day == today else f"{self.day(day)}, {time}"

    def until(self, utc_ms: int, today: str) -> str:
        """Returns when something ends: in words at the end of today, else as `moment`."""
        before = brussels_day(utc_ms - 1).isoformat()
        if before == today and brussels_day(utc_ms).isoformat() != today:
            return self("midnight")
        return self.moment(utc_ms, today)

    def roster(self, version: int, today: str) -> str:
        """Returns of when a gate's list is: versions are seconds since 1970, or counted up."""
        if version < _FIRST_SECOND:
            return self("gate.roster_version", version=version)
        return self("gate.roster_of", moment=self.moment(version * 1000, today))

    def chain(self, person: PersonRow, row: RegistrationRow | None) -> tuple[Step, Step, Step]:
        """Returns the three steps, which are never mixed up: kept, at the hub, registered.

        Args:
            person: whom it is about.
            row: the registration the third step tells of; None without any.
        """
        if person.seen:
            kept = Step("kept", "done", self("step.kept"), self.on_day(person.first_ms, person.day))
            hub = Step("hub", "done", self("step.hub"), self.on_day(person.received_ms, person.day))
        else:
            kept = Step("blank", "none", self("step.not_seen"))
            hub = Step("blank", "none", self("step.hub"), "–")
        return kept, hub, self._third(person, row)

    def _third(self, person: PersonRow, row: RegistrationRow | None) -> Step:
        if person.standing is Standing.VISITOR:
            return Step("blank", "none", self("step.visitor"))
        if row is None:
            return Step("none", "action", self("step.unregistered"), note=self("state.none"))
        state, tone, word = row.state, _TONES[row.state], self(f"state.{row.state}")
        if state in NUMBERED and row.number is not None:
            note = "" if state is State.REGISTERED else word
            return Step(state, tone, self("step.number", number=row.number), note=note)
        if person.seen and state not in LIVE:
            tone = "action"  # taken back, and yet the person came
        return Step(state, tone, self("step.unregistered"), note=word)

    def state(self, row: RegistrationRow | None) -> str:
        """Returns the word for the state of a registration."""
        return self("state.none" if row is None else f"state.{row.state}")

    def why(self, row: RegistrationRow | None) -> str:
        """Returns in plain words why there is no number."""
        if row is None:
            return self("why.none")
        plain = self(f"why.{row.state}") if f"dashboard.why.{row.state}" in catalogue() else ""
        key = f"cause.{row.cause}"
        if row.cause in _ORIGINS or key not in catalogue():
            return plain or self.state(row)
        cause = self.typeset(text(key, self.language))
        # Seen although it was taken back: the contradiction is the point, the cause explains it.
        return f"{plain} {cause}" if row.state in (State.CANCELLED, State.DROPPED) else cause

    def answers(self, row: RegistrationRow | None) -> list[str]:
        """Returns what the authority said about it, in its own words."""
        if row is None:
            return []
        return [f"{code} {meaning}".strip() for code, meaning in row.errors] + list(row.remarks)

    def next(self, row: RegistrationRow) -> str:
        """Returns what happens next to somebody whose registration is on its way."""
        if row.state is State.SENDING:
            return self("next.ok")
        if row.state is not State.DUE:
            return self(f"next.{row.state}")
        state, next_try_ms = self._authority.state, self._authority.next_try_ms
        if state == "retrying" and next_try_ms is not None:
            return self("next.retrying_at", time=self.time(next_try_ms))
        return self(f"next.{state}")

    def reason(self, reason: int) -> str:
        """Returns why a gate turned somebody away."""
        key = f"reason.{reason}"
        if f"dashboard.{key}" in catalogue():
            return self(key)
        return self("reason.other", reason=reason)

    def clock(self, gate: GateStatus) -> str:
        """Returns how good the clock of a gate is."""
        if gate.clock_quality is None:
            return self("unknown")
        key = f"gate.quality.{gate.clock_quality}"
        return self(key) if f"dashboard.{key}" in catalogue() else self("unknown")

    def trouble(self, code: str) -> str:
        """Returns what an error code means and what to do; empty for a code without a text.

        A sentence that needs values is left out: here only the code is known.
        """
        keys = (f"errors.{code}.happened", f"errors.{code}.next")
        sentences = [
            text(key, self.language)
            for key in keys
            if key in catalogue() and not placeholders(catalogue()[key][self.language])
        ]
        return self.typeset(" ".join(sentences))

    def typeset(self, written: str) -> str:
        """Returns a text with the spaces that its language sets before signs."""
        if self.language != "fr":
            return written
        # French sets a space before these signs; a line must not begin with one.
        return _FRENCH_OPEN.sub("\u00ab\u00a0", _FRENCH_SIGN.sub("\u00a0\\1", written))
