"""What a reminder is made of: whom it goes to, what it says, and the list that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.application.access import Actor
from hub.application.mailing import Attachment, Content
from hub.application.reminders import COMPANIES_MAX, Told, seen_as
from hub.application.reports import Period, Report, period_of
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.reminding import Candidate, Draft, Reminding, told_of
from hub.storage.reports import Narrowed
from hub.storage.schema import company
from hub.storage.site_day import FIRST_DAY
from hub.web.office import Office
from hub.web.pages.report_files import DrawReport
from hub.web.report_asked import day_typed, rounding_of, this_month
from hub.web.report_words import ReportWords


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """One company, and what it would be told.

    Args:
        to: the company.
        told: what the mail says.
        link: address of the page of the company.
        seen: stands for all of it: another one when text or presences are others.
    """

    to: Candidate
    told: Told
    link: str
    seen: str

    def __repr__(self) -> str:
        return f"Preview({self.to.number})"

    @property
    def subject(self) -> str:
        """Subject of the mail."""
        return self._said().subject

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Text of the mail."""
        return self._said().paragraphs

    @property
    def language(self) -> str:
        """Of the mail."""
        return self.to.contact.language if self.to.contact is not None else "en"

    def _said(self) -> Content:
        return self.told.content(self.language, self.link)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Args:
        narrowed: period, site and company.
        to: numbers of the companies that were chosen.
    """

    narrowed: Narrowed
    to: tuple[str, ...] = ()

    @property
    def period(self) -> Period:
        """The days of it."""
        return self.narrowed.period


def wanted_of(
    first: str, last: str, site: str, company_number: str, to: Sequence[str], now_ms: int
) -> Wanted:
    """Returns what an address or a form asks for; without days the month until today.

    Raises:
        UsageError: HUB-1850, HUB-1851, that is no period.
    """
    usual = this_month(now_ms)
    period = period_of(
        day_typed(first, usual.first), day_typed(last, usual.last), usual.last, FIRST_DAY
    )
    chosen = tuple(dict.fromkeys(one.strip() for one in to if one.strip()))
    return Wanted(Narrowed(period, site, company_number.strip()), chosen)


class Reminders:
    """Makes previews and drafts.

    Args:
        office: the store and the time.
        base_url: where the pages are, without the slash at its end.
        draw_report: makes a report a PDF.
    """

    def __init__(self, office: Office, base_url: str, draw_report: DrawReport) -> None:
        self._office = office
        self._base_url = base_url
        self._draw_report = draw_report

    def candidates(self, actor: Actor, wanted: Wanted) -> list[Candidate]:
        """Returns every company with something to put in order.

        Raises:
            UsageError: HUB-1661, there is no such site in scope.
        """
        return self._read(actor, wanted)[0]

    def previews(self, actor: Actor, wanted: Wanted) -> list[Preview]:
        """Returns what each chosen company would be told; those with nothing left are not there.

        Raises:
            UsageError: HUB-1661, there is no such site in scope; HUB-1855, nobody is left;
                HUB-1858, one has no address; HUB-1861, too many are chosen.
        """
        if len(wanted.to) > COMPANIES_MAX:
            raise UsageError("HUB-1861", count=len(wanted.to), most=COMPANIES_MAX)
        candidates, sites, sender = self._read(actor, wanted)
        chosen = [one for one in candidates if one.number in wanted.to]
        if not chosen:
            raise UsageError("HUB-1855")
        now_ms = self._office.clock()
        return [
            self._preview(one, told_of(one, sites, wanted.period, actor, sender, now_ms))
            for one in chosen
        ]

    def draft(self, preview: Preview) -> Draft:
        """Returns a reminder with its list."""
        now_ms, language = self._office.clock(), preview.language
        words = ReportWords(language, rounding_of(self._office.settings))
        rows = [one.row for one in preview.to.rows]
        period = preview.told.period
        paper = self._draw_report(Report.EXCEPTIONS, period, rows, words, now_ms)
        name = f"{words('exceptions.file')}-{period.first}-{period.last}.pdf"
        attached = Attachment(name, "application/pdf", paper)
        return Draft(preview.to, preview.told, preview.link, attached)

    def _read(self, actor: Actor, wanted: Wanted) -> tuple[list[Candidate], dict[int, str], str]:
        office = self._office
        with reading(office.engine) as connection:
            reminding = Reminding(connection, office.vault, actor, office.clock())
            candidates, sites = reminding.candidates(wanted.narrowed)
            return candidates, sites, _name_of(connection, actor)

    def _preview(self, to: Candidate, told: Told) -> Preview:
        if to.contact is None:
            raise UsageError("HUB-1858", company=to.name)
        link = f"{self._base_url}/companies/{to.number}"
        seen = seen_as(told.content(to.contact.language, link), to.rows)
        return Preview(to, told, link, self._office.vault.index("reminder", seen).hex()[:32])


def _name_of(connection: Connection, actor: Actor) -> str:
    if actor.company_id is None:
        return ""
    query = select(company.c.name).where(company.c.id == actor.company_id)
    return connection.execute(query).scalar() or ""
