"""The terminal's end of the exchange: what to send next. The rules are those of `protocol.sync`.

| in | on | goes to |
| --- | --- | --- |
| any | `connected` | GREETING, with nothing in flight |
| any | `disconnected` | DOWN |
| GREETING | `acked` after a hello | OPEN |
| OPEN | `resend_ms` of silence (rule 4) | GREETING, with nothing in flight |
| OPEN | `wanted` below the floor | GREETING: the hello says the floor |

`next` gives nothing in DOWN, a hello each `resend_ms` in GREETING, and in OPEN first what is to be
reported as lost, then batches.
"""

from protocol import runs
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import BATCH_RECORDS_MAX, RESEND_MS, SEQ_MAX, WINDOW_BATCHES

ACKED_MAX = 32
"""Selectively acked runs a Sender remembers."""

LOST_MAX = 16
"""Lost runs without an answer at which a Sender sends no batch but the lowest."""

DOWN = 0
GREETING = 1
OPEN = 2


class Sender:
    """Decides what a terminal sends next; keeps nothing that the journal does not keep.

    Every record that is appended is offered until an ack covers it, and `floor` rises only over
    what the hub committed. Between `next` and sending what it returned, read and sign without
    giving way to an ack, or the batch names records that were freed meanwhile.

    Args:
        floor: oldest sequence number the journal holds, head + 1 when it is empty.
        head: newest sequence number ever given, 0 if none.
        window: batches in flight, 2 or more (one is for live records).
        batch: records in a batch, 1..BATCH_RECORDS_MAX.
        resend_ms: milliseconds without an ack after which something is sent again.

    Raises:
        LocalProtocolError: a number is out of range.
    """

    def __init__(
        self,
        floor: int,
        head: int,
        window: int = WINDOW_BATCHES,
        batch: int = BATCH_RECORDS_MAX,
        resend_ms: int = RESEND_MS,
    ) -> None:
        if not 0 <= head <= SEQ_MAX or not 1 <= floor <= head + 1:
            raise LocalProtocolError("sequence")
        if window < 2 or not 1 <= batch <= BATCH_RECORDS_MAX or resend_ms < 1:
            raise LocalProtocolError("range")
        self.floor = floor
        self.head = head
        self._window = window
        self._batch = batch
        self._resend_ms = resend_ms
        self._state = DOWN
        self._live_from = head + 1
        self._hello_ms = -1  # when hello was said; negative: not yet
        self._heard_ms = 0  # last ack
        self._lost_ms = 0  # last lost report
        self._flight = []  # (first, last, sent at ms), at most `window`
        self._acked = []  # runs beyond the floor acked on this connection
        self._missing = []  # runs the journal cannot read, until acked
        self._unreported = []  # those of them to report now

    @property
    def unsent(self) -> int:
        """Records held and not acked, those in flight included: what the hub may not have."""
        return self.head - self.floor + 1 - runs.total(self._acked)

    def appended(self, seq: int) -> None:
        """Tells that record `seq` is flushed to the journal.

        Raises:
            LocalProtocolError: not the number after head.
        """
        if seq != self.head + 1 or seq > SEQ_MAX:
            raise LocalProtocolError("sequence")
        self.head = seq

    def connected(self, now_ms: int) -> None:
        """Tells that messages can be sent; forgets what was in flight and acked selectively."""
        self._greet()
        self._heard_ms = now_ms

    def disconnected(self) -> None:
        """Tells that nothing can be sent; `next` returns None until `connected`."""
        self._state = DOWN

    def next(self, now_ms: int) -> tuple | None:
        """Returns what to send now, and counts it as sent at `now_ms`.

        Args:
            now_ms: monotonic milliseconds that never wrap.

        Returns:
            ("hello", floor, head), ("lost", first, last), ("batch", first, count), or None when
            there is nothing to send before an event or `wait_ms`.
        """
        if self._state == OPEN:
            self._expire(now_ms)
        if self._state == GREETING:
            if self._hello_ms >= 0 and now_ms - self._hello_ms < self._resend_ms:
                return None
            self._hello_ms = now_ms
            return "hello", self.floor, self.head
        if self._state == DOWN:
            return None
        if self._unreported:
            first, last = self._unreported.pop(0)
            self._lost_ms = now_ms
            return "lost", first, last
        chosen = self._choose()
        if chosen is None:
            return None
        first, last = chosen
        self._flight.append((first, last, now_ms))
        return "batch", first, last - first + 1

    def wait_ms(self, now_ms: int) -> int | None:
        """Returns in how many ms to ask `next` again if nothing happens before; None: no need."""
        if self._state == DOWN:
            return None
        if self._state == GREETING:
            if self._hello_ms < 0:
                return 0
            return max(0, self._hello_ms + self._resend_ms - now_ms)
        if self._unreported or self._choose() is not None:
            return 0
        since = [sent_ms for _first, _last, sent_ms in self._flight]
        if self._missing:
            since.append(self._lost_ms)
        if not since:
            return None
        return max(0, min(since) + self._resend_ms - now_ms)

    def acked(self, upto: int, ranges, now_ms: int) -> int | None:
        """Takes an ack of this journal.

        Args:
            upto: every number up to it is committed.
            ranges: (first, last) pairs committed beyond it.
            now_ms: monotonic milliseconds.

        Returns:
            The new floor if it rose (the journal may free what is below it), else None.

        Raises:
            RemoteProtocolError: it acks a number above head; nothing was changed. Start a new
                journal (rule 7).
        """
        if upto > self.head:
            raise RemoteProtocolError("ack")
        for _first, last in ranges:
            if last > self.head:
                raise RemoteProtocolError("ack")
        floor = max(self.floor, upto + 1)
        for first, last in ranges:
            if last >= floor:
                runs.add(self._acked, first, last)
        self._acked = runs.without(self._acked, 1, floor - 1)
        if self._acked and self._acked[0][0] == floor:
            floor = self._acked.pop(0)[1] + 1
        while len(self._acked) > ACKED_MAX:
            self._acked.pop(len(self._acked) // 2)  # both lanes work at the ends
        self._forget(1, floor - 1)
        for first, last in self._acked:
            self._forget(first, last)
        self._heard_ms = now_ms
        if self._state == GREETING and self._hello_ms >= 0:
            self._state = OPEN
        if floor == self.floor:
            return None
        self.floor = floor
        return floor

    def wanted(self, ranges) -> None:
        """Takes a want of this journal: these numbers are unsent again.

        A number below the floor is answered by a hello, whose floor says that it is gone.

        Raises:
            RemoteProtocolError: it wants a number above head; nothing was changed.
        """
        for _first, last in ranges:
            if last > self.head:
                raise RemoteProtocolError("want")
        for first, last in ranges:
            self._acked = runs.without(self._acked, first, last)
            self._flight = [slot for slot in self._flight if slot[0] > last or slot[1] < first]
            for low, high in self._missing:
                if low <= last and high >= first:
                    runs.add(self._unreported, low, high)
            if first < self.floor and self._state == OPEN:
                self._state = GREETING
                self._hello_ms = -1

    def missing(self, first: int, last: int) -> None:
        """Tells that the journal will never read first..last: reported as lost until acked.

        What of it is acked or below the floor is left out. A batch in flight that holds one of
        these numbers counts as not sent.

        Raises:
            LocalProtocolError: not a run up to head.
        """
        if not 1 <= first <= last <= self.head:
            raise LocalProtocolError("sequence")
        self._flight = [slot for slot in self._flight if slot[0] > last or slot[1] < first]
        for low, high in runs.holes(max(first, self.floor), last, self._acked):
            runs.add(self._missing, low, high)
            runs.add(self._unreported, low, high)

    def _greet(self) -> None:
        self._state = GREETING
        self._hello_ms = -1
        self._live_from = self.head + 1
        self._flight = []
        self._acked = []
        self._unreported = self._missing[:]

    def _expire(self, now_ms: int) -> None:
        """Makes unsent again what waited too long; greets again when the peer was silent."""
        limit = now_ms - self._resend_ms
        waiting = [slot for slot in self._flight if slot[2] > limit]
        lost_again = bool(self._missing) and not self._unreported and self._lost_ms <= limit
        if len(waiting) == len(self._flight) and not lost_again:
            return
        if self._heard_ms <= limit:
            self._greet()
            return
        self._flight = waiting
        if lost_again:
            self._unreported = self._missing[:]

    def _forget(self, first: int, last: int) -> None:
        """Drops what is acked from everything that waits for an ack."""
        self._missing = runs.without(self._missing, first, last)
        self._unreported = runs.without(self._unreported, first, last)
        self._flight = [
            (low, high, slot[2])
            for slot in self._flight
            for low, high in runs.without([slot[:2]], first, last)
        ]

    def _choose(self) -> tuple[int, int] | None:
        """Returns the run for the next batch by rules 5 and 8, or None."""
        busy = len(self._flight)
        if busy >= self._window:
            return None
        if len(self._missing) >= LOST_MAX:
            lowest = self._unsent_run(self.floor, self.head)
            return lowest if lowest is not None and lowest[0] == self.floor else None
        live_busy = 0
        for slot in self._flight:
            if slot[0] >= self._live_from:
                live_busy += 1
        backlog = self._unsent_run(self.floor, self._live_from - 1)
        if live_busy == 0 or backlog is None:
            live = self._unsent_run(max(self.floor, self._live_from), self.head)
            if live is not None:
                return live
        return backlog if busy - live_busy < self._window - 1 else None

    def _unsent_run(self, first: int, last: int) -> tuple[int, int] | None:
        """Returns the lowest run within first..last, one batch at most, that is to be sent."""
        taken = self._acked + self._missing + self._flight
        moved = True
        while moved:
            moved = False
            for run in taken:
                if run[0] <= first <= run[1]:
                    first = run[1] + 1
                    moved = True
        if first > last:
            return None
        last = min(last, first + self._batch - 1)
        for run in taken:
            if first < run[0] <= last:
                last = run[0] - 1
        return first, last
