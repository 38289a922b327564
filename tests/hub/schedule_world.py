"""Reports that go out by themselves over a day of a site: a clock, and what was sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, delete, insert, select

from hub.application.access import Actor
from hub.application.report_sending import Made, Make, ReportSending, Schedule
from hub.domain.report_times import Cover, Kind, Rhythm, Timing
from hub.domain.rights import Role
from hub.reports.day_list import day_list_pdf
from hub.reports.report_table import report_pdf
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.house import House
from hub.storage.notices import ATTACHMENT, DRAFT
from hub.storage.report_schedules import ScheduleDraft, ScheduleRow, Schedules
from hub.storage.report_sendings import ReportSendings
from hub.storage.schema import (
    account,
    account_site,
    notice,
    notice_channel,
    report_schedule,
    report_sending,
)
from hub.web.scheduled_report import Making
from tests.hub.day_world import DayWorld, at
from tests.hub.register_house import ADMINISTRATOR
from tests.web.actors import CSRF

T = TypeVar("T")
BASE_URL = "https://hub.example"
TO = ("werf@site.example", "bureau@main.example")
EVENING = "2026-11-23 18:00"
TODAY = Timing(Rhythm.DAILY, Cover.TODAY, time(18))
YESTERDAY = Timing(Rhythm.DAILY, Cover.YESTERDAY, time(6, 30))


@dataclass
class Sent:
    """One mail in the outbox."""

    to: str
    language: str
    subject: str
    text: str
    link: str
    state: str
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def all_text(self) -> str:
        """Whatever it says without opening a file."""
        return "\n".join((self.subject, self.text, self.link))


@dataclass
class ScheduleWorld:
    """A day of a site, a clock, and senders that can be made anew like after a restart."""

    day: DayWorld
    now_ms: int = 0
    settings: Settings = field(default_factory=Settings)
    mail: bool = True
    queued: int = 0

    @property
    def house(self) -> House:
        """The data folder."""
        return self.day.register.house

    @property
    def engine(self) -> Engine:
        """Its database."""
        return self.house.engine

    def clear(self) -> None:
        """Forgets every schedule and message, and all accounts."""
        with writing(self.engine) as connection:
            for table in (report_sending, report_schedule, notice, notice_channel):
                connection.execute(delete(table))
            connection.execute(delete(account_site))
            connection.execute(delete(account))
        self.now_ms = at("2026-11-23 12:00")
        self.settings, self.mail, self.queued = Settings(), True, 0

    def write(self, change: Callable[[Connection], T], /) -> T:
        """A transaction of its own."""
        with writing(self.engine) as connection:
            return change(connection)

    # ------------------------------------------------------------ who

    def account(self, role: Role, *sites: str, company: str = "") -> Actor:
        """Adds an account of these sites or of a company; returns it as its session makes it."""

        def change(connection: Connection) -> int:
            result = connection.execute(
                insert(account).values(
                    login=f"{role} {sites} {company}", name=str(role).title(),
                    role=str(role), added_ms=self.now_ms, added_by="command",
                    company_id=self.day.register.ids[company] if company else None,
                )
            )  # fmt: skip
            key = result.inserted_primary_key
            assert key is not None
            for site in sites:
                connection.execute(
                    insert(account_site).values(
                        account_id=key[0], site_id=self.day.register.sites[site]
                    )
                )
            return key[0]

        account_id = self.write(change)
        sites_ = frozenset(self.day.register.sites[one] for one in sites)
        company_id = self.day.register.ids[company] if company else None
        below = self.day.register.contractor(company).below if company else frozenset[int]()
        return Actor(
            f"account:{account_id}", role, str(role).title(), company_id, below, sites_,
            account_id=account_id, csrf=CSRF,
        )  # fmt: skip

    # ------------------------------------------------------------ schedules

    def schedules(self, connection: Connection, actor: Actor | None = None) -> Schedules:
        """The schedules of somebody; else of a command."""
        return Schedules(connection, self.house.vault, actor or self.command, self.now_ms)

    @property
    def command(self) -> Actor:
        """Who may everything, without an account."""
        return Actor("command", ADMINISTRATOR.role)

    def add(
        self, kind: Kind = Kind.DAY, timing: Timing = TODAY, actor: Actor | None = None, **more: Any
    ) -> str:
        """Adds a schedule; returns its handle."""
        values = {"form": "csv", "language": "fr", "recipients": TO} | more
        draft = ScheduleDraft(kind, timing, **values)
        return self.write(lambda connection: self.schedules(connection, actor).add(draft))

    def row(self, handle: str) -> ScheduleRow:
        """A schedule as it is shown."""
        with reading(self.engine) as connection:
            return self.schedules(connection).row(handle)

    def site(self, name: str) -> str:
        """The handle of a site."""
        return self.house.vault.index("site", str(self.day.register.sites[name])).hex()[:16]

    # ------------------------------------------------------------ sending

    def making(self) -> Making:
        """Makes the real files."""
        return Making(self.engine, self.house.vault, self.settings, report_pdf, day_list_pdf)

    def sender(self, make: Make | None = None, write: Any = None) -> ReportSending:
        """A sender as a hub that has just started makes it."""

        def count() -> None:
            self.queued += 1

        return ReportSending(
            ReportSendings(self.engine, write or self.write, self.house.vault),
            make or self.making(),
            self.mail,
            lambda: self.now_ms,
            BASE_URL,
            count,
        )

    def at(self, moment: str, make: Make | None = None) -> None:
        """A hub starts at that moment in Brussels and looks once."""
        self.now_ms = at(moment)
        self.sender(make).step()

    def sent(self) -> list[Sent]:
        """The mails that have left or may leave the outbox, oldest first."""
        found: list[Sent] = []
        with reading(self.engine) as connection:
            query = select(notice).where(notice.c.state != DRAFT).order_by(notice.c.id)
            for row in connection.execute(query):
                said = json.loads(row.content)
                mail = Sent(
                    row.recipient, row.language, said["subject"],
                    "\n\n".join(said["paragraphs"]), said["link"], row.state,
                )  # fmt: skip
                if row.attachments is not None:
                    told = json.loads(self.house.vault.open(ATTACHMENT, row.attachments))
                    mail.files = {name: base64.b64decode(data) for name, _, data in told}
                found.append(mail)
        return found

    def drafts(self) -> int:
        """How many mails are put down and not to be sent."""
        with reading(self.engine) as connection:
            return len(connection.execute(select(notice).where(notice.c.state == DRAFT)).all())


def nothing_made(schedule: Schedule, owner: Actor, first: date, last: date, now_ms: int, /) -> Made:
    """`Make`: an empty report."""
    del schedule, owner, now_ms
    return Made("Report", "Somewhere", f"{first} {last}", 0, "/reports")
