"""The inbox in SQL: append-only runs of records, and the receivers rebuilt from them."""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import Connection, insert, select

from hub.application.ingest import Arrival, Ingest, NewRun, Run, Stream
from hub.storage.schema import erased_run, gap, inbox, stream
from protocol.sync import Receiver

# One statement a commit, however many runs: each statement costs a hand-over of the interpreter
# lock, and under load a row-by-row insert spends its time waiting for that (8 times slower,
# measured with a busy link thread).
_APPEND = """
INSERT INTO inbox (stream_id, first_seq, count, received_ms, records)
SELECT value ->> 0, value ->> 1, value ->> 2, ?2,
       substr(?3, (value ->> 3) + 1, 32 * (value ->> 2))
FROM json_each(?1) ORDER BY key
"""


class Inbox:
    """`InboxPort` on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_stream(self, terminal: str, journal: bytes, now_ms: int) -> int:
        """See `InboxPort`."""
        result = self._connection.execute(
            insert(stream).values(terminal_id=terminal, journal=journal, first_seen_ms=now_ms)
        )
        return int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]

    def append(self, runs: list[NewRun], now_ms: int) -> None:
        """See `InboxPort`."""
        index: list[tuple[int, int, int, int]] = []
        offset = 0
        for run in runs:
            size = len(run.records)
            index.append((run.stream_id, run.first, size // 32, offset))
            offset += size
        records = b"".join([run.records for run in runs])
        self._connection.exec_driver_sql(_APPEND, (json.dumps(index), now_ms, records))

    def add_gaps(self, gaps: list[tuple[int, Run]], now_ms: int) -> None:
        """See `InboxPort`."""
        rows = [
            {"stream_id": stream_id, "first_seq": first, "last_seq": last, "noticed_ms": now_ms}
            for stream_id, (first, last) in gaps
        ]
        self._connection.execute(insert(gap), rows)


def load_streams(connection: Connection) -> list[Stream]:
    """Returns every stream with a receiver that knows exactly what was ever stored of it."""
    held: dict[int, list[Run]] = {}
    for table, last in (
        (inbox, inbox.c.first_seq + inbox.c.count - 1),
        (gap, gap.c.last_seq),
        # What was erased was stored once: a gate that still sends it is told so.
        (erased_run, erased_run.c.last_seq),
    ):
        query = select(table.c.stream_id, table.c.first_seq, last)
        for stream_id, first, end in connection.execute(query):
            if end < first:
                continue  # the mark of an inbox that was emptied
            held.setdefault(stream_id, []).append((first, end))
    streams: list[Stream] = []
    for row in connection.execute(select(stream)):
        upto, ranges = _joined(sorted(held.get(row.id, [])))
        streams.append(Stream(row.id, row.terminal_id, row.journal, Receiver(upto, ranges)))
    return streams


def _joined(runs: list[Run]) -> tuple[int, list[Run]]:
    """Joins sorted runs that touch; the one that begins at 1, if any, becomes the ack mark."""
    joined: list[Run] = []
    for first, last in runs:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    if joined and joined[0][0] == 1:
        return joined[0][1], joined[1:]
    return 0, joined


class InboxGroup:
    """Connects `Ingest` to the writer (`hub.storage.writer.Group`).

    Args:
        ingest: the owner of the receivers.
        clock: UTC milliseconds; the group's moment of arrival.
        stored: called after each commit, in the writer's thread.
    """

    def __init__(
        self, ingest: Ingest, clock: Callable[[], int], stored: Callable[[], None]
    ) -> None:
        self._ingest = ingest
        self._clock = clock
        self._stored = stored

    def stage(self, connection: Connection, arrivals: list[Arrival]) -> None:
        """See `Group`."""
        self._ingest.stage(Inbox(connection), arrivals, self._clock())

    def committed(self) -> None:
        """See `Group`."""
        self._ingest.committed()
        self._stored()

    def abandoned(self, error: Exception) -> None:
        """See `Group`."""
        del error
        self._ingest.abandoned()
