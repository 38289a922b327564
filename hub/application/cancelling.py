"""Registrations are withdrawn: asked once each, and looked up when the answer is lost.

Theory of operation. What is `cancelling` is taken under a lease, up to 200 in a call.

    the authority cancelled it    cancelled
    it refuses                    its registration is read: cancelled already, or it still stands
                                  and goes back to what the authority shows, with the refusal
    certainly not carried out     the lease ends; asked again after a pause
    the answer was lost           read, after a while: cancelled, or asked again

A lease that ran out is a lost answer as well: whoever had it may have asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.application.judgement import CANCELLED
from hub.application.outbox import CancelClaim, OutboxPort
from hub.application.pace import Pace, asked_wait_ms
from hub.application.ports import BATCH_MAX, AuthorityPort, Cancel, Refused, Registered
from hub.domain.causes import Cause
from hub.errors import (
    InDoubtError,
    LocalProtocolError,
    PermanentError,
    StoppedError,
    TransientError,
    UsageError,
)

STOP_MS = 300_000
"""No call for this long after our access was refused."""
IDLE_MS = 30_000


class CancelDesk:
    """Withdraws what is to be withdrawn; one thread steps it.

    Args:
        outbox: where registrations and their states are kept.
        authority: the service; its calls block.
        clock: UTC milliseconds.
        pace: how calls go.
        settle_ms: milliseconds after a lost answer before it is looked up.
    """

    def __init__(
        self,
        outbox: OutboxPort,
        authority: AuthorityPort,
        clock: Callable[[], int],
        pace: Pace,
        settle_ms: int,
    ) -> None:
        self._outbox = outbox
        self._authority = authority
        self._clock = clock
        self._settle_ms = settle_ms
        self.pace = pace
        """How cancelling goes."""
        self._lost_ms: dict[str, int] = {}

    def step(self) -> int:
        """Does what can be done now; returns when to step again, UTC milliseconds."""
        now_ms = self._clock()
        if not self.pace.ready(now_ms):
            return self.pace.next_try_ms
        claims = self._outbox.cancels(now_ms, BATCH_MAX)
        if not claims:
            self._lost_ms.clear()
            return now_ms + IDLE_MS
        doubtful = [c for c in claims if c.doubtful or c.reference in self._lost_ms]
        settling = [
            self._lost_ms[c.reference] + self._settle_ms
            for c in doubtful
            if self._lost_ms.get(c.reference, -self._settle_ms) + self._settle_ms > now_ms
        ]
        ready = [
            c
            for c in doubtful
            if self._lost_ms.get(c.reference, -self._settle_ms) + self._settle_ms <= now_ms
        ]
        fresh = [c for c in claims if c not in doubtful]
        try:
            fresh += [c for c in ready if self._still_stands(c)]
            if fresh:
                self._cancel(fresh)
        except TransientError as error:
            self.pace.failed(self._clock(), error.code, asked_wait_ms(error))
        except StoppedError as error:
            self.pace.stopped(self._clock(), error.code, STOP_MS)
        except (PermanentError, LocalProtocolError, UsageError) as error:
            # Refused as a whole although every reason is checked before, or a service that does not
            # cancel: a human must look.
            self.pace.stopped(self._clock(), error.code, STOP_MS)
            self._outbox.release([claim.reference for claim in fresh])
        else:
            return min(settling, default=self._clock() + (0 if fresh else IDLE_MS))
        return self.pace.next_try_ms

    def _still_stands(self, claim: CancelClaim) -> bool:
        """Reads a registration whose cancellation may have left; says whether it is to be asked."""
        found = self._authority.get(claim.number)
        self._lost_ms.pop(claim.reference, None)
        if found is not None and found.status == CANCELLED:
            self._outbox.cancelled([claim.reference], Cause.CANCEL_CONFIRMED, self._clock())
            return False
        return True

    def _cancel(self, claims: Sequence[CancelClaim]) -> None:
        wanted = [Cancel(claim.reference, claim.number, claim.reason) for claim in claims]
        references = [claim.reference for claim in claims]
        try:
            results = self._authority.cancel(wanted)
        except InDoubtError as error:
            now_ms = self._clock()
            self._lost_ms.update(dict.fromkeys(references, now_ms))
            self.pace.failed(now_ms, error.code)
            return
        except (TransientError, StoppedError):
            self._outbox.release(references)
            raise
        now_ms = self._clock()
        done = [r.reference for r in results if isinstance(r, Registered) and r.status == CANCELLED]
        self._outbox.cancelled(done, Cause.CANCEL_CONFIRMED, now_ms)
        numbers = {claim.reference: claim.number for claim in claims}
        for result in results:
            if result.reference in done:
                continue
            self._refused(result, numbers[result.reference])
        answered = {result.reference for result in results}
        self._lost_ms.update(dict.fromkeys(set(references) - answered, now_ms))
        self.pace.succeeded(self._clock())

    def _refused(self, result: Refused | Registered, number: int) -> None:
        """Keeps a refusal, unless the registration turns out to be cancelled already."""
        found = self._authority.get(number) if isinstance(result, Refused) else result
        if found is not None and found.status == CANCELLED:
            self._outbox.cancelled([result.reference], Cause.CANCELLED_ELSEWHERE, self._clock())
        else:
            self._outbox.cancel_failed([result], self._clock())
