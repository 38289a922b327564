"""How fast stored records become presence and due registrations, and how fast a rebuild is."""

from __future__ import annotations

import time
from contextlib import closing

from bench.figures import row, title
from bench.load import tap_records
from bench.rig import scratch
from hub.application.ingest import NewRun
from hub.application.people_file import read_people_file
from hub.application.projection import Known
from hub.clock import now_ms
from hub.domain.legal_day import brussels_day
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.inbox import Inbox
from hub.storage.projection import project_some, rebuild
from hub.storage.register import Register

RECORDS = 20_000
PEOPLE = 300


def _people() -> bytes:
    """A people file of invented people: valid INSS of sequence 99x, one badge each."""
    lines = [
        "site;works_number;company_number;company_name;family_name;given_name;inss;limosa;"
        "badge_uid;language;valid_until"
    ]
    for number in range(PEOPLE):
        born = f"{60 + number % 30:02d}{number // 30 % 12 + 1:02d}{number % 28 + 1:02d}"
        digits = int(f"{born}{991 + number % 8}")
        inss = f"{digits:09d}{97 - digits % 97:02d}"
        lines.append(
            f"Bench;1Y19FAKE001AZ;0999000129;Bench;Family{number};Given{number};{inss};;"
            f"04{number:012X};nl;"
        )
    return "\n".join(lines).encode()


def projection(runs: int) -> None:
    """Taps projected a second, in the chunks and transactions of the running hub."""
    rates: list[float] = []
    again: list[float] = []
    for _ in range(runs):
        with scratch() as folder, closing(open_house(folder)) as house:
            now = now_ms()
            people = read_people_file(_people(), brussels_day(now))
            if not people.accepted:
                raise RuntimeError("the bench's own people file is refused")
            tags = [house.vault.tag(person.badge_uid.reveal()) for person in people.rows]
            with writing(house.engine) as connection:
                register = Register(connection, house.vault)
                register.import_people(people.rows, now)
                register.add_terminal("gate", "gate", "Bench", "in", now)
                inbox = Inbox(connection)
                stream = inbox.add_stream("gate", b"journal1", now)
                for first in range(1, RECORDS, 16):
                    taken = tap_records(first, 16, now - 60_000, tags)
                    inbox.append([NewRun(stream, first, taken)], now)
            owners: dict[bytes, Known | None] = {}
            begin = time.perf_counter()
            count = 1
            while count:
                with writing(house.engine) as connection:
                    count, _ = project_some(connection, owners)
            rates.append(RECORDS / (time.perf_counter() - begin))
            begin = time.perf_counter()
            with writing(house.engine) as connection:
                rebuild(connection)
            again.append(RECORDS / (time.perf_counter() - begin))
    title(f"Projection of {RECORDS:,} taps of {PEOPLE} people")
    row("taps projected, aim >= 2,000", rates, "taps/s")
    row("taps projected again by a rebuild", again, "taps/s")
