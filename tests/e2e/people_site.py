"""One running site for everybody who walks its pages: gate, broker, hub and authority.

Each is a process of its own, the gate with the real firmware; accounts of every role are made in
the hub's own store. All people and numbers are invented.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hub.application.access import COMMAND
from hub.domain.rights import Role
from hub.storage.accounts import Accounts, NewAccount
from hub.storage.engine import writing
from hub.storage.house import House, open_house
from hub.storage.links import Purpose
from hub.storage.parties import Parties, PartyDraft
from simulator.site import GatePlan, SimulatedSite
from tests.chromium import honest_page
from tests.console.serving import loop_in_thread
from tests.e2e.chain import ready
from tests.e2e.people_walker import Walker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SITE: Final = "Werf Noord"
WORKS: Final = "1Y19FAKE001AZ"
BUILDER, ROOFER = "0999000129", "0999000228"
GATE, GATE_NAME = "gate-in", "Poort 1"
DAY_MS: Final = 86_400_000
SETTINGS: Final = """
[eid]
enabled = true
[mail]
host = "127.0.0.1"
port = 9
security = "none"
sender = "werf@example.invalid"
"""
"""Cards are read where there is a reader, and reports and reminders wait for a mail server."""


@dataclass(frozen=True)
class Somebody:
    """Who has an account.

    Args:
        login, name: of the account.
        language: in which he is spoken to.
        company: of a contractor.
    """

    login: str
    name: str
    role: Role
    language: str
    company: str = ""


SASKIA = Somebody("saskia", "Saskia Maes", Role.SUPERVISOR, "nl")
GUST = Somebody("gust", "Gust Wouters", Role.GUARD, "nl")
CLAIRE = Somebody("claire", "Claire Dubois", Role.CONTRACTOR, "fr", ROOFER)
INES = Somebody("ines", "Ines Lambert", Role.INSPECTOR, "de")
KAAT = Somebody("kaat", "Kaat Janssens", Role.INSPECTOR, "nl")
"""The safety coordinator: the same rights as the inspection, another errand."""
SEPP = Somebody("sepp", "Sepp Huber", Role.GUARD, "de")
"""Logs in with a second factor."""
ADA = Somebody("ada", "Ada Claes", Role.ADMINISTRATOR, "en")
EVERYBODY: Final = (SASKIA, GUST, CLAIRE, INES, KAAT, SEPP, ADA)


class PeopleSite:
    """A site that runs, and the browser in which people look at it.

    Args:
        site: its processes.
        loop: where they are looked after.
        house: the hub's store, opened beside the hub.
        browser: see `tests.chromium.chromium`.
    """

    def __init__(
        self, site: SimulatedSite, loop: asyncio.AbstractEventLoop, house: House, browser: Browser
    ) -> None:
        self.site, self.house, self.browser = site, house, browser
        self._loop = loop
        for one in EVERYBODY:
            with self._accounts() as accounts:
                accounts.add(
                    NewAccount(
                        one.login, one.name, one.role, one.company,
                        (SITE,) if one.role not in (Role.ADMINISTRATOR, Role.CONTRACTOR) else (),
                        one.language,
                    )
                )  # fmt: skip

    @property
    def base(self) -> str:
        """Address of the hub, without a slash at its end."""
        return self.site.dashboard.removesuffix("/")

    def run(self, work: Any) -> Any:
        """Runs a coroutine on the site's loop; returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    def tap(self, uid: str, gate: str = GATE) -> None:
        """Somebody holds his badge to a gate until it answers."""
        self.run(self.site.tap(gate, uid))

    @contextmanager
    def _accounts(self) -> Iterator[Accounts]:
        now_ms = time.time_ns() // 1_000_000
        with writing(self.house.engine) as connection:
            yield Accounts(connection, self.house.vault, COMMAND, now_ms)

    def link(self, one: Somebody) -> str:
        """A link that logs him in, good once."""
        with self._accounts() as accounts:
            until_ms = time.time_ns() // 1_000_000 + DAY_MS
            row = accounts.by_login(one.login)
            return f"{self.base}/link/{accounts.link(row, Purpose.LOGIN, until_ms)}"

    @contextmanager
    def walker(self, one: Somebody, *expected: str) -> Iterator[Walker]:
        """Somebody who has just logged in, in a browser of his own.

        Args:
            expected: parts of complaints that are no fault of the pages.
        """
        with self.stranger(one.language, one.login, *expected) as he:
            he.page.goto(self.link(one))
            he.clicks_on("button", he.says("access.link.login.do"))
            he.page.wait_for_url(lambda url: "/link/" not in url)
            yield he

    @contextmanager
    def stranger(self, language: str, name: str, *expected: str) -> Iterator[Walker]:
        """Somebody whom the hub does not know, in a browser of his own."""
        with honest_page(self.browser, 1280, 900, expected, language) as page:
            yield Walker(page, language, name, self.base)


@contextmanager
def people_site(folder: Path, browser: Browser, people: str) -> Iterator[PeopleSite]:
    """A running site with one gate, where both companies have a place in the works.

    Args:
        folder: everything is kept here; empty.
        people: content of the people file.
    """
    file = folder / "people.csv"
    file.write_text(people, encoding="utf-8")
    site = SimulatedSite(
        folder,
        gates=[GatePlan(GATE, GATE_NAME, "in")],
        people=file,
        validation_delay_s=1.0,
        settle_s=2.0,
        more_settings=SETTINGS,
    )
    with loop_in_thread() as loop:

        def run(work: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop).result(90)

        run(site.start())
        try:
            with closing(open_house(site.folder / "hub")) as house:
                with writing(house.engine) as connection:
                    now_ms = time.time_ns() // 1_000_000
                    parties = Parties(connection, house.vault, COMMAND, now_ms)
                    parties.put(WORKS, PartyDraft(BUILDER))
                    parties.put(WORKS, PartyDraft(ROOFER, BUILDER))
                run(ready(site, GATE))
                yield PeopleSite(site, loop, house, browser)
        finally:
            run(site.stop())
