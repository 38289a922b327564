"""Records of terminals become facts in the inbox, once each, and are acked only after the commit.

Theory of operation. Each journal of each terminal is one *stream*, and each stream has one
`protocol.sync.Receiver`, rebuilt from the inbox when the hub starts. Arrivals come in groups from
the writer, in its thread, which alone owns the receivers. `stage` joins batches that follow each
other and offers the runs to their receivers, which say what of them is new; that goes to the inbox
inside the writer's transaction. `committed` confirms it to the receivers and sends one ack for each
stream touched: the ack promises that the records are on disk and nothing else. `abandoned` takes
the offers back; the terminal hears nothing and sends again.

A repeated batch is not written but acked again, since its first ack may have been lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from protocol.limits import RECORD_SIZE
from protocol.sync import Receiver

RUN_MAX = 64
"""Records in one run of the inbox, at most."""
Run = tuple[int, int]
"""First and last sequence number, both included."""


@dataclass(slots=True)
class Arrival:
    """One authenticated message of a terminal that concerns its journal.

    Args:
        terminal: terminal id.
        journal: 8 bytes.
        kind: "batch", "hello" or "lost".
        first: first sequence number (`batch`, `lost`), or the floor (`hello`).
        last: last sequence number (`batch`, `lost`), or the head (`hello`).
        records: the records of a batch, 32 bytes each.
        floor: oldest sequence number the journal still holds, as a batch says it.
    """

    terminal: str
    journal: bytes
    kind: str
    first: int
    last: int
    records: bytes = b""
    floor: int = 1


@dataclass(slots=True)
class Stream:
    """One journal: its row in the database and what is held of it."""

    id: int
    terminal: str
    journal: bytes
    receiver: Receiver = field(default_factory=Receiver)


@dataclass(slots=True)
class NewRun:
    """A run of records that was never stored before."""

    stream_id: int
    first: int
    records: bytes


class InboxPort(Protocol):
    """The append-only store of facts, inside one transaction."""

    def add_stream(self, terminal: str, journal: bytes, now_ms: int) -> int:
        """Creates the stream of a journal never seen before; returns its id."""
        ...

    def append(self, runs: list[NewRun], now_ms: int) -> None:
        """Adds the runs in this order; the engine refuses one that overlaps a stored run."""
        ...

    def add_gaps(self, gaps: list[tuple[int, Run]], now_ms: int) -> None:
        """Notes (stream id, run) whose records exist nowhere any more."""
        ...


class AckPort(Protocol):
    """The way back to the terminals."""

    def ack(self, terminal: str, journal: bytes, upto: int, ranges: list[Run]) -> None:
        """Tells that everything up to `upto`, and the ranges beyond it, is committed."""
        ...

    def want(self, terminal: str, journal: bytes, ranges: list[Run]) -> None:
        """Asks again for runs that should have come."""
        ...

    def lost(self, terminal: str, count: int) -> None:
        """Reports `count` records that the terminal cannot give us any more."""
        ...


class _Gathered:
    """Batches of one stream that follow each other, taken as one run.

    Most batches of a backlog do. One run for many of them is one row and one question to the
    receiver; it stays short, since the projection takes whole runs.
    """

    __slots__ = ("first", "floor", "last", "records", "stream")

    def __init__(self, stream: Stream, arrival: Arrival) -> None:
        self.stream = stream
        self.first = arrival.first
        self.last = arrival.last
        self.floor = arrival.floor
        self.records = [arrival.records]

    def takes(self, arrival: Arrival) -> bool:
        """Adds a batch that begins where this run ends; returns False when it does not."""
        if arrival.first != self.last + 1 or arrival.last - self.first >= RUN_MAX:
            return False
        self.last = arrival.last
        self.floor = max(self.floor, arrival.floor)
        self.records.append(arrival.records)
        return True


class Ingest:
    """Owner of all receivers; used in the writer's thread only.

    Args:
        streams: what the inbox holds, from the storage, when the hub starts.
        acks: where acks go.
    """

    def __init__(self, streams: Iterable[Stream], acks: AckPort) -> None:
        self._streams = {(stream.terminal, stream.journal): stream for stream in streams}
        self._acks = acks
        self._runs: list[tuple[Stream, int, int]] = []
        self._touched: dict[int, Stream] = {}
        self._greeted: dict[int, Stream] = {}
        self._created: list[Stream] = []
        self._lost: list[tuple[Stream, Run]] = []

    def stage(self, inbox: InboxPort, arrivals: Iterable[Arrival], now_ms: int) -> None:
        """Writes what is new of the group into the open transaction."""
        runs: list[NewRun] = []
        gathered: dict[tuple[str, bytes], _Gathered] = {}
        for arrival in arrivals:
            key = (arrival.terminal, arrival.journal)
            held = gathered.get(key)
            if arrival.kind == "batch":
                if held is not None and held.takes(arrival):
                    continue
                if held is not None:
                    self._offer(held, runs)
                gathered[key] = _Gathered(self._stream(inbox, key, now_ms), arrival)
                continue
            if held is not None:
                self._offer(gathered.pop(key), runs)
            stream = self._stream(inbox, key, now_ms)
            if arrival.kind == "hello":
                self._greeted[stream.id] = stream
                gaps = stream.receiver.hello(arrival.first, arrival.last)
            else:
                gaps = stream.receiver.lost(arrival.first, arrival.last)
            self._lost += [(stream, gap) for gap in gaps]
        for held in gathered.values():
            self._offer(held, runs)
        if runs:
            inbox.append(runs, now_ms)
        if self._lost:
            inbox.add_gaps([(stream.id, gap) for stream, gap in self._lost], now_ms)

    def _offer(self, gathered: _Gathered, runs: list[NewRun]) -> None:
        stream, first, last = gathered.stream, gathered.first, gathered.last
        receiver = stream.receiver
        # A hello may have been missed: the floor says what cannot come any more.
        self._lost += [(stream, gap) for gap in receiver.hello(gathered.floor, last)]
        records = b"".join(gathered.records)
        for begin, end in receiver.offer(first, last - first + 1):
            part = records[(begin - first) * RECORD_SIZE : (end - first + 1) * RECORD_SIZE]
            runs.append(NewRun(stream.id, begin, part))
            self._runs.append((stream, begin, end))

    def _stream(self, inbox: InboxPort, key: tuple[str, bytes], now_ms: int) -> Stream:
        """Returns the stream of a terminal's journal, beginning it when it is new."""
        stream = self._streams.get(key)
        if stream is None:
            stream = Stream(inbox.add_stream(*key, now_ms), *key)
            self._streams[key] = stream
            self._created.append(stream)
        self._touched[stream.id] = stream
        return stream

    def committed(self) -> None:
        """The transaction of the last `stage` is on disk: tells the receivers and the terminals."""
        for stream, first, last in self._runs:
            stream.receiver.committed(first, last)
        for stream, (first, last) in self._lost:
            stream.receiver.committed(first, last)
        try:
            self._tell()
        finally:
            self._clear()

    def _tell(self) -> None:
        for stream, (first, last) in self._lost:
            self._acks.lost(stream.terminal, last - first + 1)
        for stream in self._touched.values():
            upto, ranges = stream.receiver.ack()
            self._acks.ack(stream.terminal, stream.journal, upto, ranges)
        for stream in self._greeted.values():
            wanted = stream.receiver.want()
            if wanted:
                self._acks.want(stream.terminal, stream.journal, wanted)

    def abandoned(self) -> None:
        """The transaction was rolled back: everything offered in it may be offered again."""
        for stream in self._touched.values():
            stream.receiver.abandoned()
        for stream in self._created:
            del self._streams[(stream.terminal, stream.journal)]
        self._clear()

    def _clear(self) -> None:
        self._runs.clear()
        self._touched.clear()
        self._greeted.clear()
        self._created.clear()
        self._lost.clear()
