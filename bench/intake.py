"""From a published tap to its ack after the commit: how many a second, and how long it takes."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from bench.figures import percentile, ratio, row, title
from bench.load import Terminal, closed_loop, paced, tap_records
from bench.rig import Subject, resident_mb, running_hub, running_other, scratch, slow_disk

TAGS = [number.to_bytes(8, "big") for number in range(500)]
UTC_MS = 1_795_000_000_000
TERMINALS = 50
SLOW_US = 10_000


def _connected(subject: Subject, per_message: int, messages: int) -> list[Terminal]:
    terminals = subject.terminals(per_message)
    for terminal in terminals:
        terminal.prepare(messages, UTC_MS, TAGS)
        terminal.connect(subject.host, subject.port)
    return terminals


def _rate(subject: Subject, per_message: int, messages: int, window: int) -> float:
    terminals = _connected(subject, per_message, messages)
    seconds = closed_loop(terminals, window, 120)
    for terminal in terminals:
        terminal.socket.close()
    return len(terminals) * messages * per_message / seconds


def _sqlite_rate(rows: int) -> float:
    """Rows a second that SQLite takes in commits of 1,000, one row a record, WAL and FULL."""
    with (
        scratch() as folder,
        closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as c,
    ):
        c.execute("PRAGMA journal_mode=WAL")
        c.execute("PRAGMA synchronous=FULL")
        c.execute(
            "CREATE TABLE inbox (id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, "
            "seq INTEGER NOT NULL, received_ms INTEGER NOT NULL, record BLOB NOT NULL, "
            "UNIQUE (stream_id, seq))"
        )
        record = tap_records(1, 1, UTC_MS, TAGS)
        groups = [
            [
                (n % TERMINALS, n // TERMINALS + 1, UTC_MS, record)
                for n in range(start, start + 1000)
            ]
            for start in range(0, rows, 1000)
        ]
        begin = time.perf_counter()
        for group in groups:
            c.execute("BEGIN IMMEDIATE")
            c.executemany(
                "INSERT INTO inbox (stream_id, seq, received_ms, record) VALUES (?,?,?,?)", group
            )
            c.execute("COMMIT")
        return rows / (time.perf_counter() - begin)


def throughput(runs: int) -> None:
    """One tap a message and batches of 16, against the plain way, the echo and SQLite itself."""
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    for _ in range(runs):
        with running_other("echo", TERMINALS) as subject:
            note("echo one", _rate(subject, 1, 2000, 40))
        with running_other("plain", TERMINALS) as subject:
            note("plain one", _rate(subject, 1, 20, 4))
        with running_hub(TERMINALS) as subject:
            note("hub one", _rate(subject, 1, 2000, 40))
            note("hub MB", resident_mb(subject.pid))
            note("broker MB", resident_mb(subject.broker_pid))
        with running_hub(TERMINALS) as subject:
            note("hub 16", _rate(subject, 16, 2000, 40))
        note("sqlite", _sqlite_rate(200_000))
    title(f"Taps made durable and acked, {TERMINALS} terminals, closed loop")
    row("echo, one tap a message (stores and checks nothing)", figures["echo one"], "taps/s")
    row("plain way, one tap a message", figures["plain one"], "taps/s")
    row("hub, one tap a message", figures["hub one"], "taps/s")
    row("hub, batches of 16", figures["hub 16"], "taps/s")
    row("SQLite alone, 1,000 rows a commit", figures["sqlite"], "rows/s")
    ratio("hub / plain way, one by one", figures["hub one"], figures["plain one"], ">= 30")
    ratio("hub / echo, one by one", figures["hub one"], figures["echo one"], ">= 0.45")
    ratio("hub in batches / SQLite alone", figures["hub 16"], figures["sqlite"], ">= 0.7")
    title("Resident memory after 100,000 taps")
    hub = row("hub", figures["hub MB"], "MB", 1)
    broker = row("broker", figures["broker MB"], "MB", 1)
    print(f"  hub and broker together {hub + broker:.1f} MB   aim <= 200 MB")


def throughput_slow_disk(runs: int) -> None:
    """The same with 10 ms added to every sync of the side under test (SD-card class)."""
    ours: list[float] = []
    plain: list[float] = []
    with scratch() as folder:
        slow = slow_disk(folder, SLOW_US)
        for _ in range(runs):
            with running_hub(TERMINALS, slow) as subject:
                ours.append(_rate(subject, 1, 1000, 40))
            with running_other("plain", 10, slow) as subject:
                plain.append(_rate(subject, 1, 4, 1))
    title("The same with 10 ms added to each sync")
    row("plain way, one tap a message", plain, "taps/s")
    row("hub, one tap a message", ours, "taps/s")
    ratio("hub / plain way", ours, plain, ">= 300")


def latency(runs: int) -> None:
    """Publish to ack, at a gate's pace and at a very large site's."""
    title("Publish to ack after the commit, 12 terminals")
    for rate, seconds, aim in ((5, 20, ""), (200, 5, "   aim p99 <= 10 ms")):
        p50: list[float] = []
        p99: list[float] = []
        for _ in range(runs):
            with running_hub(12) as subject:
                terminals = _connected(subject, 1, int(rate * seconds))
                found = paced(terminals, rate, seconds)
                p50.append(percentile(found, 50) * 1000)
                p99.append(percentile(found, 99) * 1000)
        row(f"p50 at {rate}/s", p50, "ms", 2)
        row(f"p99 at {rate}/s{aim}", p99, "ms", 2)
