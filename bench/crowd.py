"""People and taps to measure with: invented numbers, one badge each."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import insert

from bench.load import tap_records
from hub.application.ingest import NewRun
from hub.clock import now_ms
from hub.storage.engine import writing
from hub.storage.house import House, open_house
from hub.storage.inbox import Inbox
from hub.storage.projection import RegisterView, project_some
from hub.storage.register import Register
from hub.storage.schema import badge, company, person, site, works

GATE = "gate"
WORKS = "1Y19FAKE001AZ"
COMPANY = "0999000129"

_FAMILIES = ("Aarts", "Brasseur", "Claes", "Dupuis", "Evrard", "Fabry", "Gérard", "Hendrickx",
             "Istace", "Jacobs", "Kaya", "Lambert", "Müller", "Nowak", "Ooms", "Popescu", "Renard",
             "Smets", "Thys", "Urbain", "Verlinden", "Wauters", "Yılmaz")  # fmt: skip
_GIVEN = ("Milan", "Chloé", "Bart", "Noor", "Luca", "Inès", "Emre", "Ana", "Piotr", "Lotte", "Zoë")
_FIRST_BIRTHDAY = date(1950, 1, 1)


def inss(number: int) -> str:
    """Returns a person number that nobody has: sequences 991 to 998 of a day are not given out."""
    born = _FIRST_BIRTHDAY + timedelta(days=number // 8)
    digits = int(f"{born:%y%m%d}{991 + number % 8}")
    return f"{digits:09d}{97 - digits % 97:02d}"


def company_number(number: int) -> str:
    """Returns an enterprise number that nobody has: those that begin with 0999."""
    base = 9_990_000 + number
    return f"0{base}{97 - base % 97:02d}"


def settle(folder: Path, people: int, companies: int = 1) -> tuple[House, list[bytes]]:
    """Makes a hub's data folder with that many people, on one works, and one gate; returns it open,
    and the badge tags. Who called closes it.

    The rows are those that an import of a people file writes; to write thousands one by one would
    take longer than what is measured.

    Args:
        companies: whose they are, in turn; the first is the declaring contractor.
    """
    house = open_house(folder)
    vault = house.vault
    now = now_ms()
    tags = [vault.tag(b"\x04" + number.to_bytes(6, "big")) for number in range(people)]
    with writing(house.engine) as connection:
        connection.execute(insert(site).values(id=1, name="Bench"))
        connection.execute(insert(works).values(number=WORKS, site_id=1))
        connection.execute(
            insert(company),
            [
                {"id": one, "number": COMPANY if one == 1 else company_number(one),
                 "name": "Bench" if one == 1 else f"Bench {one}"}
                for one in range(1, companies + 1)
            ],
        )  # fmt: skip
        connection.execute(
            insert(person),
            [
                {
                    "id": number + 1,
                    "token": f"{number:032x}",
                    "family_name": f"{_FAMILIES[number % len(_FAMILIES)]} {number // 97}",
                    "given_name": _GIVEN[number % len(_GIVEN)],
                    "company_id": number % companies + 1,
                    "works_number": WORKS,
                    "inss_sealed": vault.seal("inss", inss(number).encode()),
                    "inss_index": vault.index("inss", inss(number)),
                    "language": "nl",
                    "changed_ms": now,
                }
                for number in range(people)
            ],
        )
        connection.execute(
            insert(badge),
            [
                {"tag": tag, "person_id": number + 1, "state": "active", "linked_ms": now}
                for number, tag in enumerate(tags)
            ],
        )
        Register(connection, vault).add_terminal(GATE, GATE, "Bench", "in", now)
    return house, tags


def store_taps(house: House, tags: list[bytes], taps: int, utc_ms: int) -> None:
    """Puts taps in the inbox, everybody in turn, in runs of 16 as gates send them."""
    with writing(house.engine) as connection:
        inbox = Inbox(connection)
        stream = inbox.add_stream(GATE, b"journal1", utc_ms)
        for first in range(1, taps + 1, 16):
            count = min(16, taps + 1 - first)
            inbox.append([NewRun(stream, first, tap_records(first, count, utc_ms, tags))], now_ms())


def project_all(house: House) -> None:
    """Projects the whole inbox, in the chunks and transactions of the running hub."""
    view = RegisterView()
    count = 1
    while count:
        with writing(house.engine) as connection:
            count, _ = project_some(connection, view)
