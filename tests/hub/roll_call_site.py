"""A house with two sites for roll calls, and lists made of few words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, insert

from hub.application.roll_call import Act, Known, LastTap, Opened, SiteList, make_list
from hub.application.roll_call_desk import RollCallDesk
from hub.domain.legal_day import brussels_day
from hub.reports.roll_call import roll_call_pdf
from hub.reports.roll_call_page import roll_call_page
from hub.storage.engine import writing
from hub.storage.house import DATABASE
from hub.storage.roll_call import keep_acts
from hub.storage.roll_call_files import Journal, Shelf
from hub.storage.roll_call_lists import PromptLists
from hub.storage.schema import company, person, presence, site, terminal, works
from hub.storage.secrets import Vault
from tests.web.moments import NOW

WORKS = "1Y19FAKE001AZ"
NUMBER = "85031299761"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def add_site(connection: Connection, people: int = 0) -> None:
    """Writes two sites with a gate each, three companies and these people, nobody seen."""
    for key, name in ((1, "Werf Noord"), (2, "Chantier Sud")):
        connection.execute(insert(site).values(id=key, name=name, languages="nl fr"))
        connection.execute(
            insert(terminal).values(
                id=f"gate-{key}", site_id=key, name=f"Poort {key}", direction="both",
                key_sealed=b"sealed", added_ms=0,
            )
        )  # fmt: skip
    connection.execute(insert(works).values(number=WORKS, site_id=1))
    for key, name in ((1, "Bouwbedrijf Hoogland"), (2, "Toitures Val-Clair"), (3, "Élan Sud")):
        connection.execute(insert(company).values(id=key, number=f"099900012{key}", name=name))
    for key in range(1, people + 1):
        add_person(connection, key)


def add_person(connection: Connection, key: int, **values: object) -> None:
    """Writes one person of the first site; his number stands where a careless list shows it."""
    connection.execute(
        insert(person).values(
            **{
                "id": key, "token": token(key), "family_name": family(key), "given_name": "Wim",
                "company_id": key % 3 + 1, "works_number": WORKS, "language": "nl",
                "inss_sealed": NUMBER.encode(), "inss_index": key.to_bytes(16), "kind": "employee",
                **values,
            }
        )
    )  # fmt: skip


def add_tap(
    connection: Connection, key: int, at_ms: int, inside: bool = True, site_id: int = 1
) -> None:
    """Writes the newest tap of somebody on the Brussels day of that moment."""
    connection.execute(
        insert(presence).values(
            person_id=key, site_id=site_id, day=brussels_day(at_ms).isoformat(),
            first_in_ms=at_ms if inside else None, last_ms=at_ms, inside=int(inside), taps=1,
            received_ms=at_ms, terminal_id=f"gate-{site_id}",
        )
    )  # fmt: skip


def token(key: int) -> str:
    """What stands for somebody in a form."""
    return f"{key:032x}"


def family(key: int) -> str:
    """A family name that no other one contains."""
    return f"Naam{key:04}x"


def known(key: int, seen: LastTap | None, **values: object) -> Known:
    """What is known of somebody."""
    return Known(key, token(key), "Wim", family(key), "Hoogland", False, seen, **values)  # pyright: ignore


def tapped(at_ms: int, inside: bool = True) -> LastTap:
    """The newest tap of somebody."""
    return LastTap(brussels_day(at_ms).isoformat(), at_ms, inside, "Poort Noord")


def listed(*people: Known, now_ms: int = NOW) -> SiteList:
    """A list of the first site."""
    return make_list(1, "Werf Noord", ("nl", "fr"), now_ms, people)


class Store:
    """A desk on a folder, whose database may be locked; its threads run only when started."""

    def __init__(self, folder: Path, engine: Engine, vault: Vault) -> None:
        self.folder = folder
        self.engine = engine
        self.vault = vault
        self.now_ms = NOW
        self.locked = threading.Event()
        self.changes = 0
        self.told: Callable[[], None] = lambda: None
        self.kept: list[tuple[Act, ...]] = []
        self.lists = PromptLists(folder / DATABASE, lambda: self.now_ms, limit_s=20.0)
        self._handles = iter(f"call-{number}" for number in range(100))

    def desk(self) -> RollCallDesk:
        """A desk as a hub makes it; a second one is that of the next start."""
        shelf = Shelf(self.folder, roll_call_page, roll_call_pdf, "nl")
        return RollCallDesk(
            self.lists, self.keep, Journal(self.folder), shelf, lambda: self.now_ms,
            self._changed, lambda: next(self._handles),
        )  # fmt: skip

    def keep(self, acts: Sequence[Act]) -> None:
        """Writes, unless the database is locked."""
        if self.locked.is_set():
            raise TimeoutError
        with writing(self.engine) as connection:
            keep_acts(connection, self.vault, acts)
        self.kept.append(tuple(acts))

    def write(self, change: Callable[[Connection], object]) -> None:
        """Changes something, as a tap does."""
        with writing(self.engine) as connection:
            change(connection)
        self.told()

    def _changed(self) -> None:
        self.changes += 1
        self.told()


def opened(handle: str = "call", at_ms: int = NOW, people: tuple[int, ...] = (1, 2)) -> Opened:
    """A roll call that began."""
    return Opened(handle, 1, at_ms, "account:7", people)
