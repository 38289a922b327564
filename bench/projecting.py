"""How fast stored records become presence and due registrations, and how fast a rebuild is."""

from __future__ import annotations

import time
from contextlib import closing

from bench.crowd import project_all, settle, store_taps
from bench.figures import row, title
from bench.rig import scratch
from hub.clock import now_ms
from hub.storage.engine import writing
from hub.storage.projection import rebuild

RECORDS = 20_000
PEOPLE = 300


def projection(runs: int) -> None:
    """Taps projected a second, in the chunks and transactions of the running hub."""
    rates: list[float] = []
    again: list[float] = []
    for _ in range(runs):
        with scratch() as folder:
            house, tags = settle(folder, PEOPLE)
            with closing(house):
                store_taps(house, tags, RECORDS, now_ms() - 60_000)
                begin = time.perf_counter()
                project_all(house)
                rates.append(RECORDS / (time.perf_counter() - begin))
                begin = time.perf_counter()
                with writing(house.engine) as connection:
                    rebuild(connection)
                again.append(RECORDS / (time.perf_counter() - begin))
    title(f"Projection of {RECORDS:,} taps of {PEOPLE} people")
    row("taps projected, aim >= 2,000", rates, "taps/s")
    row("taps projected again by a rebuild", again, "taps/s")
