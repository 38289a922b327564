"""A registration whose answer was lost is looked up; until then nothing is done with it.

Theory of operation. The authority accepts the same registration twice, so what may have been stored
must be seen to be absent before it is sent again. All that is in doubt for one works number and one
day is found by one search, each by our client reference.

    found                                  registered with the number that the search shows
    absent, search began after settling    due again; lapsed when its window has closed
    absent, search began earlier           still in doubt: searched again after the settling time

Settling: the authority may go on with a request whose connection broke, so its absence means
something only a while after the call. The first search comes at once all the same: mostly the
registration is there, and a person waits to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from random import Random

from hub.application.judgement import CANCELLED
from hub.application.outbox import Claim, OutboxPort
from hub.application.pace import Pace, asked_wait_ms
from hub.application.ports import BATCH_MAX, AuthorityPort, Registered, Seen
from hub.application.windows import DayWindow, Window
from hub.domain.causes import Cause
from hub.errors import LocalProtocolError, PermanentError, SitegateError, StoppedError

SETTLE_MS = 60_000
"""Default settling time: about twice as long as we wait for an answer."""
LOOK_STOP_MS = 300_000
"""No search for this long after our access to it was refused."""

Group = tuple[str, date]
"""Works number and day: what one search covers."""


class DoubtSearch:
    """Resolves what is in doubt; used by the forwarder, in its thread.

    Args:
        outbox: where registrations and their states are kept.
        authority: the service; its calls block.
        clock: UTC milliseconds.
        random: source of the jitter.
        settle_ms: milliseconds after a lost answer before an absence is believed.
        window: when the service takes an item.
        monotonic: milliseconds that no setting of the clock moves; None: `clock` does.
    """

    def __init__(
        self,
        outbox: OutboxPort,
        authority: AuthorityPort,
        clock: Callable[[], int],
        random: Random,
        settle_ms: int = SETTLE_MS,
        window: Window | None = None,
        monotonic: Callable[[], int] | None = None,
    ) -> None:
        self._outbox = outbox
        self._authority = authority
        self._clock = clock
        self._settle_ms = settle_ms
        self._window = window or DayWindow()
        # What was searched in vain and is still settling: no need to look before that is over.
        self._looked: set[str] = set()
        # When this process first saw each doubt: a clock that is set forward ends no settling.
        self._monotonic = monotonic or clock
        self._first_seen: dict[str, int] = {}
        self.pace = Pace(random)
        """How searching goes."""

    def step(self) -> int:
        """Makes the searches that are worth while now; returns when the next one is, UTC ms.

        A search that fails for one works number does not keep the others from theirs, unless the
        service cannot be reached or refuses access.
        """
        now_ms = self._clock()
        if not self.pace.ready(now_ms):
            return self.pace.next_try_ms
        doubtful = self._outbox.doubtful(now_ms, BATCH_MAX)
        self._looked &= {claim.reference for claim in doubtful}
        known, self._first_seen = self._first_seen, {}
        for claim in doubtful:
            since = claim.since_ms if self._monotonic is self._clock else self._monotonic()
            self._first_seen[claim.reference] = known.get(claim.reference, since)
        groups: dict[Group, list[Claim]] = {}
        for claim in doubtful:
            if self._settled(claim, now_ms) or claim.reference not in self._looked:
                groups.setdefault((claim.item.works_number, claim.item.day), []).append(claim)
        failure: SitegateError | None = None
        due_again = False
        for (works_number, day), claims in groups.items():
            begun_ms = self._clock()
            try:
                rows = self._authority.search(works_number, day)
            except (PermanentError, LocalProtocolError) as error:
                failure = error
                continue
            except SitegateError as error:
                failure = error
                break
            due_again |= self._resolve(claims, rows, begun_ms)
            self.pace.succeeded(self._clock())
        if isinstance(failure, StoppedError):
            self.pace.stopped(self._clock(), failure.code, LOOK_STOP_MS)
        elif failure is not None:
            self.pace.failed(self._clock(), failure.code, asked_wait_ms(failure))
        if failure is not None:
            return self._clock() if due_again else self.pace.next_try_ms
        if due_again or (len(doubtful) == BATCH_MAX and groups):
            return self._clock()  # there is something to send, or there may be more to look up
        settling = [claim.since_ms + self._settle_ms for claim in doubtful]
        return min((end for end in settling if end > now_ms), default=now_ms + self._settle_ms)

    def _settled(self, claim: Claim, begun_ms: int) -> bool:
        seen = self._first_seen.get(claim.reference)
        waited = seen is not None and self._monotonic() >= seen + self._settle_ms
        return waited and begun_ms >= claim.since_ms + self._settle_ms

    def _resolve(self, claims: Sequence[Claim], rows: Sequence[Seen], begun_ms: int) -> bool:
        """Keeps what one search says of these claims; says whether any is due again."""
        by_reference: dict[str, Registered] = {}
        # Should there be several, the first that still stands is ours.
        for row in sorted(
            (row.registered for row in rows), key=lambda row: (row.status == CANCELLED, row.number)
        ):
            by_reference.setdefault(row.reference, row)
        now_ms = self._clock()
        found = [by_reference[c.reference] for c in claims if c.reference in by_reference]
        absent = [c for c in claims if c.reference not in by_reference]
        settled = [c for c in absent if self._settled(c, begun_ms)]
        again = [c.reference for c in settled if self._window.closes_ms(c.item) > now_ms]
        over = [c.reference for c in settled if self._window.closes_ms(c.item) <= now_ms]
        if found:
            self._outbox.found(found, now_ms)
        if again:
            self._outbox.back_to_due(again, Cause.NOT_FOUND, now_ms, now_ms)
        if over:
            self._outbox.lapse(over, now_ms)
        self._looked.update(c.reference for c in absent if c not in settled)
        return bool(again)
