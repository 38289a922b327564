"""A whole hub in this process: the application that `sitegate run` serves, on a house of its own.

Two sites and two companies: `Werf Noord` with what `tests.hub.house` imports, and `Werf Zuid`,
where only the second company works. Passwords are hashed cheaply, and time stands still until a
test moves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from html import unescape
from pathlib import Path
from typing import Any, TypeVar

from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, Engine, insert, select, update

from hub.application.access import COMMAND
from hub.application.accounts import Passwords
from hub.application.card_reading import IdentityReader
from hub.application.enrolment import Enrolment
from hub.application.overview import AuthorityStatus
from hub.domain.rights import Role
from hub.main import roll_call_desk
from hub.reports.day_list import day_list_pdf
from hub.reports.poster import poster_pdf
from hub.reports.report_table import report_pdf
from hub.reports.roll_call import roll_call_pdf
from hub.settings import EidSettings, Settings
from hub.storage.accounts import AccountRow, Accounts, NewAccount
from hub.storage.balance import Books
from hub.storage.engine import reading, writing
from hub.storage.links import Purpose
from hub.storage.overview import Overview
from hub.storage.plans import Plans
from hub.storage.schema import account, audit, company, person, site, works
from hub.terminals.card_reader import CardReader
from hub.web.door import Door
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.pages import Running
from hub.web.whole import whole_app
from tests.hub.house import NOON_MS, TestHouse, people_house

T = TypeVar("T")
HOUR_MS = 3_600_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery staple"
NORTH, SOUTH = "Werf Noord", "Werf Zuid"
FIRST_COMPANY, SECOND_COMPANY = "0999000129", "0999000228"
_FIELD = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class WholeHub:
    """A hub with its office, its door and its application."""

    house: TestHouse
    settings: Settings
    now_ms: int = NOON_MS
    changes: Changes = field(default_factory=Changes)
    patience_s: float = 20.0
    """What the database may take to answer for a roll call; nothing here depends on speed."""
    acted: Callable[[], None] = lambda: None
    """Called after each act without a badge."""
    cards: IdentityReader = field(default_factory=CardReader)

    def __post_init__(self) -> None:
        self.office = Office(
            self.engine,
            self.write,
            self.house.house.vault,
            lambda: self.now_ms,
            lambda: None,
            self.settings,
            self.house.house.folder,
        )
        self.roll_call = roll_call_desk(self.office, self.changes.notify, self.patience_s)
        self.door = Door(self.office, Passwords(CHEAP))
        self.app = whole_app(
            self.office,
            Running(
                self.changes,
                list,
                Enrolment(lambda: self.now_ms, lambda: "mode", self.changes.notify),
                self.cards,
                poster_pdf,
                day_list_pdf,
                roll_call=self.roll_call,
                draw_list=roll_call_pdf,
                acted=self.acted,
                draw_report=report_pdf,
            ),
            Overview(self.engine),
            lambda: AuthorityStatus("unknown", None, None, None, 0, 0, None),
            Books(self.engine),
            Plans(
                self.engine,
                self.office.vault,
                lambda: self.now_ms,
                time(16),
                self.write,
                lambda: None,
            ),
            self.door,
        )

    @property
    def engine(self) -> Engine:
        """Its database."""
        return self.house.house.engine

    def write(self, change: Callable[[Connection], T]) -> T:
        """A transaction of its own, as the writer of a running hub makes it."""
        with writing(self.engine) as connection:
            return change(connection)

    # ------------------------------------------------------------ accounts

    def add(self, login: str, role: Role, password: str = PASSWORD) -> AccountRow:
        """Adds an account with a password: of the first site, or of the first company."""
        return self.add_of(login, role, FIRST_COMPANY, (NORTH,), password)

    def add_of(
        self,
        login: str,
        role: Role,
        company_number: str,
        sites: tuple[str, ...],
        password: str = PASSWORD,
    ) -> AccountRow:
        """Adds an account of this company or these sites."""

        def change(connection: Connection) -> AccountRow:
            accounts = Accounts(connection, self.office.vault, COMMAND, self.now_ms)
            row = accounts.add(NewAccount(login, login.title(), role, company_number, sites))
            connection.execute(
                update(account)
                .where(account.c.id == row.id)
                .values(password_hash=CHEAP.hash(password))
            )
            return row

        return self.write(change)

    def link(self, login: str, purpose: Purpose = Purpose.LOGIN, hours: int = 1) -> str:
        """The path of a link for an account."""

        def change(connection: Connection) -> str:
            accounts = Accounts(connection, self.office.vault, COMMAND, self.now_ms)
            row = accounts.by_login(login)
            return accounts.link(row, purpose, self.now_ms + hours * HOUR_MS)

        return f"/link/{self.write(change)}"

    # ------------------------------------------------------------ browsers

    def browser(self) -> TestClient:
        """Somebody who is not logged in; he follows no redirect."""
        return TestClient(
            self.app,
            raise_server_exceptions=False,
            follow_redirects=False,
            headers={"Accept-Language": "en"},
        )

    def logged_in(self, login: str) -> TestClient:
        """The browser of somebody who logged in."""
        browser = self.browser()
        answer = post(browser, self.link(login))
        assert answer.status_code == 303, answer.text
        return browser

    def noted(self, *columns: str) -> list[tuple[object, ...]]:
        """These columns of the audit, oldest first."""
        with reading(self.engine) as connection:
            chosen = [audit.c[name] for name in columns or ("action", "subject")]
            return [tuple(row) for row in connection.execute(select(*chosen).order_by(audit.c.id))]


def post(browser: TestClient, path: str, page: str | None = None, **fields: str) -> Response:
    """Opens a page, fills its form in and sends it off.

    Args:
        path: where the form goes.
        page: where it is; None: at the same path.
        **fields: what is typed; one called `csrf` takes the place of the page's own.
    """
    found = _FIELD.search(browser.get(page or path).text)
    token = {"csrf": unescape(found[1])} if found else {}
    return browser.post(path, data=token | fields)


@contextmanager
def whole_hub(
    folder: Path, settings: Settings | None = None, patience_s: float = 20.0, **more: Any
) -> Iterator[WholeHub]:
    """Opens a hub with two sites and two companies; nobody has an account."""
    with people_house(folder) as house:
        hub = WholeHub(
            house,
            settings or Settings(data=folder, eid=EidSettings(enabled=True)),
            patience_s=patience_s,
            **more,
        )
        with writing(hub.engine) as connection:
            connection.execute(insert(site).values(id=2, name=SOUTH))
            connection.execute(insert(works).values(number="1Y19FAKE002AZ", site_id=2))
            second = select(company.c.id).where(company.c.number == SECOND_COMPANY)
            connection.execute(
                insert(person).values(
                    token="south", family_name="Zuider", given_name="Zoë",
                    company_id=connection.execute(second).scalar_one(),
                    works_number="1Y19FAKE002AZ", language="nl",
                )
            )  # fmt: skip
        yield hub
