"""Companies with presences that are not in order, and a browser that reminds them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path

from hub.message_settings import MailSettings
from hub.reports.reminder import reminder_pdf
from hub.reports.report_table import report_pdf
from hub.settings import Settings
from hub.storage.contacts import Contacts
from hub.storage.engine import writing
from hub.web.pages.companies import companies_pages
from hub.web.pages.contacts import contacts_pages
from hub.web.pages.remind import remind_pages
from hub.web.pages.reminders import reminders_pages
from hub.web.pages.report_files import DrawReport, report_files
from hub.web.pages.reports import reports_pages
from tests.hub.day_world import DayWorld, at, whole_day
from tests.hub.register_house import ADMINISTRATOR, AGENCY, LOWER, STRANGER, SUB
from tests.web.register_pages import Pages, office_of

NOW = at("2026-11-30 12:00")
PERIOD = "first=2026-11-20&last=2026-11-30"
BASE = "https://hub.example"
ADDRESSES = {SUB: ("bureau@gillard.example", "fr"), STRANGER: ("kantoor@vreemdeling.example", "nl")}
NAMES = ("Borms", "Evrard", "Fontaine", "Peeters", "Rooms", "Sels", "Tack")
"""Whose presences are open."""


def open_presences(world: DayWorld) -> dict[str, int]:
    """Fills a world: what is open for SUB (4), STRANGER (3) and LOWER (1); rows of people."""
    whole_day(world)
    people = {
        "Peeters": world.person("Peeters", SUB),
        "Rooms": world.person("Rooms", AGENCY, "agency", user=SUB),
        "Sels": world.person("Sels", STRANGER, inss="03072199766"),
        "Tack": world.person("Tack", LOWER),
        "Quix": world.person("Quix", SUB),
    }
    world.tap(people["Peeters"], "2026-11-24 08:00")
    world.registered(people["Peeters"], "2026-11-24 08:00", "lapsed", "day_over")
    # An agency's worker: who uses him registers him.
    world.tap(people["Rooms"], "2026-11-24 08:10")
    world.tap(people["Rooms"], "2026-11-25 08:10")
    # Today something can still be done.
    world.tap(people["Sels"], "2026-11-30 07:00")
    world.registered(people["Sels"], "2026-11-30 07:00", "held", "no_works")
    # The in/out regime: a correction may be asked for.
    world.tap(people["Tack"], "2026-11-25 07:00")
    world.registered(
        people["Tack"], "2026-11-25 07:00", "lapsed", "act_arrived_late", direction="in"
    )
    # Late, and registered: nothing is left to do.
    world.tap(people["Quix"], "2026-11-24 09:00")
    world.registered(people["Quix"], "2026-11-24 09:30", number=900_000_000_000_023)
    house = world.register.house
    with writing(house.engine) as connection:
        contacts = Contacts(connection, house.vault, ADMINISTRATOR, NOW)
        for number, (address, language) in ADDRESSES.items():
            contacts.put(number, address, language)
    return people


@dataclass
class Reminding:
    """A browser on the pages, and a clock."""

    world: DayWorld
    folder: Path
    port: int = 25
    draw: DrawReport = report_pdf
    now_ms: int = NOW
    woken: int = 0
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        mail = MailSettings(
            host="127.0.0.1" if self.port else "", port=self.port or 25, security="none",
            sender="hub@site.example",
        )  # fmt: skip
        settings = Settings(mail=mail)
        self.office = replace(
            office_of(self.world.register, self.folder, settings), clock=lambda: self.now_ms
        )

        def wake() -> None:
            self.woken += 1

        routers = [
            remind_pages(self.office, BASE, self.draw, wake),
            reminders_pages(self.office, BASE, reminder_pdf),
            report_files(self.office, report_pdf), reports_pages(self.office),
            companies_pages(self.office), contacts_pages(self.office),
        ]  # fmt: skip
        self.pages = Pages(routers, self.world.register)

    def form(self, *numbers: str, period: str = PERIOD) -> dict[str, list[str]]:
        """The fields of the form that a preview of these companies shows."""
        chosen = "".join(f"&to={one}" for one in numbers)
        html = self.pages.get(f"/reports/reminders/preview?{period}{chosen}")
        return fields_of(html)

    def send(self, form: dict[str, list[str]], **more: list[str]) -> tuple[int, str]:
        """Hands the form in; the status with where it leads, or with the page."""
        answer = self.pages.client.post(
            "/reports/reminders/send", data={**form, **more}, headers={"Accept-Language": "en"}
        )
        return answer.status_code, answer.headers.get("Location", unescape(answer.text))


def fields_of(html: str) -> dict[str, list[str]]:
    """The hidden fields of the last form of a page."""
    found: dict[str, list[str]] = {}
    form = html.rpartition("<form")[2]
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(unescape(value))
    return found
