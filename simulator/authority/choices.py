"""What the desktop pages offer to choose from, and what a choice amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from simulator.authority import rules
from simulator.authority.draft import Draft, Line, Someone
from simulator.authority.operations import Authority
from simulator.authority.presence import LIVE, Criteria, Refusal, Registration, Sender, Submission

Item = tuple[Someone, Submission]


def candidates(authority: Authority, sender: Sender, works: str) -> list[Someone]:
    """People of the own company, and of the parties for who declared the works.

    Staff is whoever has a Dimona on any day the channel reaches, and the founders. Posted workers
    are of a party without Belgian number; their Limosa number is offered.
    """
    registers = authority.registers
    first = authority.today()
    last = first + timedelta(days=authority.settings.desktop_days_ahead)
    known = registers.works(works)
    companies: list[int | str] = [sender.company]
    if known is not None and known.declarant == sender.company:
        companies += [one.company for one in known.parties if one.company != sender.company]
    found: list[Someone] = []
    for company in dict.fromkeys(companies):
        if isinstance(company, int):
            staff = registers.staff_of(company, first, last)
            found += [Someone(inss=inss, company=company) for inss in staff]
        else:
            posted = registers.posted_by(company, first, last)
            found += [Someone(limosa=limosa.id) for limosa in posted]
    return found


def held(
    authority: Authority, sender: Sender, works: str, first: date, last: date
) -> Iterator[Registration]:
    """Uncancelled registrations on works in a period, as far as the sender may see them."""
    criteria = Criteria(
        works=works,
        periods=((first.isoformat(), last.isoformat()),),
        statuses=LIVE,
        fetch_size=rules.FETCH_MAX,
    )
    while True:
        found = authority.search(criteria, sender)
        if isinstance(found, Refusal):
            return
        yield from found.registrations
        criteria = replace(criteria, first_row=criteria.first_row + rules.FETCH_MAX)
        if criteria.first_row >= found.count:
            return


def count_live(authority: Authority, sender: Sender, day: date) -> int:
    """How many uncancelled registrations of a day the sender may see."""
    period = (day.isoformat(), day.isoformat())
    found = authority.search(Criteria(periods=(period,), statuses=LIVE, fetch_size=0), sender)
    return 0 if isinstance(found, Refusal) else found.count


def people_of(registrations: Iterable[Registration]) -> list[Someone]:
    """The people of registrations, as they were registered."""
    return [
        Someone(one.submission.inss, one.submission.company, one.submission.limosa)
        for one in registrations
    ]


def items_of(draft: Draft) -> list[Item]:
    """Every person on every day."""
    return [
        (someone, someone.submission(draft.works, day))
        for day in sorted(draft.days)
        for someone in draft.people
    ]


def fresh(authority: Authority, sender: Sender, draft: Draft, items: Sequence[Item]) -> list[Item]:
    """The items that are not registered yet, as far as the sender may see."""
    first, last = min(draft.days), max(draft.days)
    registrations = held(authority, sender, draft.works, first, last)
    there = {(_who(authority, one.submission), one.day.isoformat()) for one in registrations}
    return [
        (someone, submission)
        for someone, submission in items
        if (_who(authority, submission), submission.date_text) not in there
    ]


def line_of(someone: Someone, day: date, outcome: Registration | Refusal) -> Line:
    """One line of the page with the numbers."""
    if isinstance(outcome, Refusal):
        codes = ", ".join(error.code for error in outcome.errors)
        return Line(someone.shown, someone.company, day, None, codes)
    return Line(someone.shown, someone.company, day, outcome.number)


def _who(authority: Authority, submission: Submission) -> str:
    if submission.limosa is not None:
        return submission.limosa
    return authority.registers.latest_inss(submission.inss or "")
