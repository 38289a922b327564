"""The hub's end of the exchange: what is new, and what may be acked. Rules: `protocol.sync`."""

from protocol import runs
from protocol.errors import RemoteProtocolError
from protocol.limits import RANGES_MAX, SEQ_MAX

RUNS_MAX = 64
"""Runs beyond `upto`, committed and offered together, above which a Receiver refuses offers."""


class Receiver:
    """Decides what of a terminal's offers is new, and acks exactly what was committed.

    Rules for the caller: commit what `offer`, `lost` and `hello` return, then call `committed` and
    send an ack; answer every hello, and every batch or lost that brought nothing new, with an ack
    at once (the earlier one may be lost); call `abandoned` when a commit failed. After a crash
    rebuild it from what is committed. With each batch call `hello(floor, last)` too: the floor
    in it tells a hub that missed the hello what is gone.

    Args:
        upto: every number up to it is committed, 0 if none.
        ranges: (first, last) runs committed beyond it, any order.
    """

    def __init__(self, upto: int = 0, ranges=()) -> None:
        self.upto = upto
        self._committed = []  # runs beyond upto
        self._offered = []  # handed out, neither committed nor abandoned
        for first, last in ranges:
            self.committed(first, last)

    def hello(self, floor: int, head: int) -> list[tuple[int, int]]:
        """Takes what the journal holds; returns the runs below `floor` that are lost for ever.

        Each is handed out once, to be committed as a gap. `head` may be old news: a hello can come
        late.

        Raises:
            RemoteProtocolError: not 1 <= floor <= head + 1; nothing was changed.
        """
        if not 1 <= floor <= head + 1 or head > SEQ_MAX:
            raise RemoteProtocolError("sequence")
        if floor - 1 <= self.upto:  # nearly always: this runs once for each batch
            return []
        gaps = self._unknown(1, floor - 1)
        for first, last in gaps:
            runs.add(self._offered, first, last)
        return gaps

    def offer(self, first: int, count: int) -> list[tuple[int, int]]:
        """Returns the runs of first..first+count-1 that are new; each number is handed out once.

        An empty list means: all known, or refused because RUNS_MAX runs are kept already.

        Raises:
            RemoteProtocolError: a number is out of range; nothing was changed.
        """
        return self._claim(first, first + count - 1)

    def lost(self, first: int, last: int) -> list[tuple[int, int]]:
        """Returns the runs of first..last to commit as gaps; the same rules as `offer`.

        Raises:
            RemoteProtocolError: a number is out of range; nothing was changed.
        """
        return self._claim(first, last)

    def committed(self, first: int, last: int) -> None:
        """Tells that first..last, records or gaps, are committed: acks may promise them now."""
        if self._offered:
            self._offered = runs.without(self._offered, first, last)
        if last <= self.upto:
            return
        if first <= self.upto + 1:
            self.upto = last
        else:
            runs.add(self._committed, first, last)
        while self._committed and self._committed[0][0] <= self.upto + 1:
            self.upto = max(self.upto, self._committed.pop(0)[1])

    def abandoned(self) -> None:
        """Tells that nothing offered and not committed will be: its repeats are new again."""
        self._offered = []

    def ack(self) -> tuple[int, list[tuple[int, int]]]:
        """Returns (upto, runs committed beyond it), committed only.

        At most RANGES_MAX runs: the lowest and the highest half, where the two lanes work.
        """
        if len(self._committed) <= RANGES_MAX:
            return self.upto, self._committed[:]
        half = RANGES_MAX // 2
        return self.upto, self._committed[:half] + self._committed[-half:]

    def want(self) -> list[tuple[int, int]]:
        """Returns the lowest holes, at most RANGES_MAX: neither committed nor offered, with
        something above them.

        A hole is normal while a backlog arrives behind live records: ask only when it stays.
        """
        top = self.upto
        for known in (self._committed, self._offered):
            if known:
                top = max(top, known[-1][1])
        return self._unknown(1, top)[:RANGES_MAX]

    def _claim(self, first: int, last: int) -> list[tuple[int, int]]:
        if not 1 <= first <= last <= SEQ_MAX:
            raise RemoteProtocolError("sequence")
        return [(low, high) for low, high in self._unknown(first, last) if self._take(low, high)]

    def _unknown(self, first: int, last: int) -> list[tuple[int, int]]:
        """Returns the parts of first..last that are neither committed nor offered."""
        found = []
        for low, high in runs.holes(max(first, self.upto + 1), last, self._committed):
            found.extend(runs.holes(low, high, self._offered))
        return found

    def _take(self, first: int, last: int) -> bool:
        """Marks a new run as offered, unless it would be one run too many."""
        before = self._offered[:]
        runs.add(self._offered, first, last)
        kept = len(self._committed) + len(self._offered)
        if kept <= RUNS_MAX or first == self.upto + 1:
            return True
        self._offered = before
        return False
