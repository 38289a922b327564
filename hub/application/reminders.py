"""Reminders to companies: which presences they are about, and what the mail says.

A reminder counts days and sites and names nobody; who it is about stands on the list that goes with
it. It asks for what a company can still do, and names a day only where the services say one:

- a registration of the day regime is made for the day itself, not afterwards (service of the
  authority: today or tomorrow);
- in the in/out regime the employer may ask for a correction within 30 days (portal of that
  service);
- everybody is registered each working day before he begins (portal for employees).

For a remark of the authority no period is known, so none is named.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from hub.application.mailing import Content, composed
from hub.application.reports import ExceptionRow, Period, Problem
from hub.domain.in_out_regime import correction_until
from hub.i18n import day_text, short_day_text, text

COMPANIES_MAX: Final = 20
"""Companies that are reminded by one act: the list of each is drawn while the browser waits."""
OPEN: Final = frozenset(
    {Problem.NO_REGISTRATION, Problem.REFUSED, Problem.HELD, Problem.LAPSED, Problem.REMARKS}
)
"""What a company has something to do about. What waits or is looked up goes on by itself, and what
came late is registered."""
MAIL: Final = "reminders.mail"


def is_open(row: ExceptionRow) -> bool:
    """Returns whether a company still has something to do about a presence: what lapsed is settled
    once its correction was asked for."""
    return row.problem in OPEN and not (row.problem is Problem.LAPSED and row.attested)


@dataclass(frozen=True, slots=True, repr=False)
class OpenRow:
    """A presence that a company has something to do about.

    Args:
        site_id: where it was.
    """

    site_id: int
    row: ExceptionRow

    def __repr__(self) -> str:
        return f"OpenRow({self.row.problem}, {self.row.day})"

    @property
    def key(self) -> tuple[int, int, str]:
        """Person, site and day: which presence it is."""
        return self.row.who.person_id, self.site_id, self.row.row.day


@dataclass(frozen=True, slots=True)
class Steps:
    """How many presences there are of each that something is to be done about.

    Args:
        today: can still be registered, today only.
        correct: of which a correction can still be asked.
        correct_until: when the first of these periods ends; None without any.
        remarks: registered, with remarks.
        past: nothing can be sent any more.
        in_out: whether any of them is of the in/out regime.
    """

    today: int = 0
    correct: int = 0
    correct_until: date | None = None
    remarks: int = 0
    past: int = 0
    in_out: bool = False


def steps_of(rows: Iterable[ExceptionRow], today: date) -> Steps:
    """Returns what is to be done about some presences.

    Args:
        today: the Brussels day on which it is asked.
    """
    counted: Counter[str] = Counter()
    until: list[date] = []
    in_out = False
    for row in rows:
        act = any(one.direction is not None for one in row.row.registrations)
        in_out |= act
        if row.problem is Problem.REMARKS:
            counted["remarks"] += 1
        elif act and correction_until(row.day) >= today:
            counted["correct"] += 1
            until.append(correction_until(row.day))
        elif not act and row.day == today and row.problem is not Problem.LAPSED:
            counted["today"] += 1
        else:
            counted["past"] += 1
    return Steps(**counted, correct_until=min(until, default=None), in_out=in_out)


def counts_of(rows: Iterable[OpenRow]) -> dict[tuple[str, int], int]:
    """Returns how many there are of each day and site, in order."""
    counted = Counter((one.row.row.day, one.site_id) for one in rows)
    return {key: counted[key] for key in sorted(counted)}


@dataclass(frozen=True, slots=True)
class Told:
    """What a reminder says.

    Args:
        company, number: to whom it goes, the number as people read it.
        sender: the company that sends it; empty: the management of the sites.
        sites: names of the sites, by row.
        period: what was looked at.
        counts: see `counts_of`.
        steps: what is to be done.
    """

    company: str
    number: str
    sender: str
    sites: Mapping[int, str]
    period: Period
    counts: Mapping[tuple[str, int], int]
    steps: Steps

    @property
    def rows(self) -> int:
        """Presences on the list."""
        return sum(self.counts.values())

    def content(self, language: str, link: str) -> Content:
        """Returns the mail; it names no person.

        Args:
            language: one of `hub.i18n.LANGUAGES`.
            link: address of the page of the company.
        """
        return composed(MAIL, language, self.values(language), link)

    def values(self, language: str) -> dict[str, object]:
        """Returns what the placeholders of the mail stand for."""
        lines = [
            text(
                f"{MAIL}.line",
                language,
                day=day_text(date.fromisoformat(day), language),
                site=self.sites[site_id],
                count=count,
            )
            for (day, site_id), count in self.counts.items()
        ]
        return {
            "company": self.company,
            "number": self.number,
            "period": period_text(self.period, language),
            "count": self.rows,
            "counts": "\n".join(lines),
            "steps": "\n\n".join(self._steps(language)),
            "sender": self._sender(language),
        }

    def _sender(self, language: str) -> str:
        if self.sender:
            return self.sender
        there = dict.fromkeys(self.sites[site_id] for _, site_id in self.counts)
        return text(f"{MAIL}.site", language, sites=", ".join(there))

    def _steps(self, language: str) -> list[str]:
        steps = self.steps
        until = "" if steps.correct_until is None else day_text(steps.correct_until, language)
        told = [
            text(f"{MAIL}.step_{name}", language, count=count, until=until)
            for name, count in (
                ("today", steps.today),
                ("correct", steps.correct),
                ("remarks", steps.remarks),
                ("past", steps.past),
            )
            if count
        ]
        told.append(text(f"{MAIL}.always{'_in_out' if steps.in_out else ''}", language))
        return told


@dataclass(frozen=True, slots=True, repr=False)
class ReminderRow:
    """One reminder.

    Args:
        handle: what it is known by.
        at_ms: when it was sent, UTC milliseconds.
        by: who sent it; empty for who need not know his name, and where nobody knows it any more.
        sender: the company that sent it; empty: the management of the site.
        masked: the address, masked.
        rows: presences on the list.
        sites: their names.
        counts: (day, site, presences).
        subject, text: what was said.
        state: `waiting`, `sent` or `lost`.
        ended_ms: when the mail server took it, or it was given up; None while it waits.
        code: stable code of the last failure, empty for none.
        attempts: how often it was tried.
        message: number of the mail.
        list_kept: whether the list is kept still.
    """

    handle: str
    at_ms: int
    by: str
    sender: str
    company_number: str
    company: str
    masked: str
    language: str
    period: Period
    rows: int
    sites: tuple[str, ...]
    counts: tuple[tuple[date, str, int], ...]
    subject: str
    text: str
    text_digest: str
    list_digest: str
    state: str
    ended_ms: int | None
    code: str
    attempts: int
    message: str
    list_kept: bool

    def __repr__(self) -> str:
        return f"ReminderRow({self.company_number}, {self.state})"


def period_text(period: Period, language: str) -> str:
    """Returns a period, or one day, in words."""
    first, last = (short_day_text(one, language) for one in (period.first, period.last))
    if period.first == period.last:
        return text(f"{MAIL}.day", language, day=first)
    return text(f"{MAIL}.period", language, first=first, last=last)


def written(content: Content) -> str:
    """Returns everything that a mail says, as its digest stands for it."""
    return f"{content.subject}\n\n{content.text}"


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of something as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def seen_as(content: Content, rows: Sequence[OpenRow]) -> str:
    """Returns what stands for a preview: another one when the text or the presences differ."""
    keys = sorted((*one.key, str(one.row.problem)) for one in rows)
    return f"{written(content)}\n{keys}"
